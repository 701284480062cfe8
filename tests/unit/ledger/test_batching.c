/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books do not depend on how records are cut into batches or in which order they come, and every
 * amount is what exact arithmetic on the whole says.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS = 600, ROUNDS = 12 };

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct meter_record random_record(uint64_t *seed)
{
    static const char *const products[] = {"api", "chat", "copilot"};
    static const char *const pools[] = {"east", "metal"};
    static const char *const models[] = {"gpt-4o", "small", "nothing"};
    static const char *const instants[] = {"2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z",
                                           "2026-04-01T00:00:00Z", "2026-04-14T23:59:59Z",
                                           "2026-04-15T00:00:00Z", "2026-05-02T00:00:00Z"};
    struct meter_record record =
        record_of(instants[next(seed) % 6], products[next(seed) % 3], pools[next(seed) % 2],
                  next(seed) % 9999, next(seed) % 777);
    record.model_id = oft_id_of(OFT_ID_MODEL, oft_str_from(models[next(seed) % 3]));
    record.units[DEAL_UNIT_CACHED] = next(seed) % 50;
    record.units[DEAL_UNIT_REASONING] = next(seed) % 50;
    record.status = next(seed) % 10 == 0 ? 502 : 200;
    record.flags = next(seed) % 10 == 0 ? METER_FLAG_ESTIMATED : 0;
    return record;
}

static int compare_rows(const void *a, const void *b)
{
    return memcmp(&((const struct ledger_row *)a)->key, &((const struct ledger_row *)b)->key,
                  sizeof(struct ledger_series_key));
}

static void any_order_and_any_cut_into_batches_give_the_same_books(void **state)
{
    static struct book whole;
    static struct book cut;
    static struct meter_record records[RECORDS];
    struct world world;
    uint64_t seed = UINT64_C(0x5eed);
    (void)state;
    world_open(&world, WORLD_DEAL);
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = random_record(&seed);
    }
    memset(&whole, 0, sizeof(whole));
    book_add(&whole, &world, records, RECORDS);
    qsort(whole.rows, whole.row_count, sizeof(whole.rows[0]), compare_rows);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = RECORDS - 1; i > 0; i--) {
            size_t j = next(&seed) % (i + 1);
            struct meter_record swap = records[i];
            records[i] = records[j];
            records[j] = swap;
        }
        memset(&cut, 0, sizeof(cut));
        for (size_t from = 0; from < RECORDS;) {
            size_t count = 1 + next(&seed) % 60;
            count = count < RECORDS - from ? count : RECORDS - from;
            book_add(&cut, &world, records + from, count);
            from += count;
        }
        qsort(cut.rows, cut.row_count, sizeof(cut.rows[0]), compare_rows);
        assert_int_equal(cut.row_count, whole.row_count);
        for (size_t i = 0; i < cut.row_count; i++) {
            assert_memory_equal(&cut.rows[i], &whole.rows[i], sizeof(cut.rows[i]));
        }
        assert_memory_equal(&cut.counts, &whole.counts, sizeof(cut.counts));
        assert_true(cut.debits == whole.debits && cut.debits + cut.credits == 0);
    }
    assert_int_equal(whole.counts.records, RECORDS);
    assert_true(whole.counts.unrated > 0);
    world_close(&world);
}

static void each_line_is_its_quantity_times_its_price(void **state)
{
    static struct book book;
    struct world world;
    uint64_t seed = UINT64_C(0xfeed);
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&book, 0, sizeof(book));
    for (size_t i = 0; i < RECORDS; i++) {
        struct meter_record record = random_record(&seed);
        book_add(&book, &world, &record, 1);
    }
    for (size_t i = 0; i < book.row_count; i++) {
        const struct ledger_row *row = &book.rows[i];
        if (row->key.kind == LEDGER_SALE || row->key.kind == LEDGER_COST) {
            /* Twice the distance to the exact amount, in millionths: at most one nano-unit. */
            oft_nanos off =
                2 * (row->totals.amount_nanos * 1000000 - row->totals.quantity * row->key.rate);
            assert_true(off >= -1000000 && off <= 1000000);
        } else if (row->key.kind == LEDGER_SHARE && row->key.product[0] == '\0' &&
                   strcmp(row->key.clause, "bc.capped") != 0) {
            oft_nanos off =
                2 * (row->totals.amount_nanos * 1000000000 - row->totals.quantity * row->key.rate);
            assert_true(off >= -1000000000 && off <= 1000000000);
        }
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_any_cut_into_batches_give_the_same_books),
        cmocka_unit_test(each_line_is_its_quantity_times_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
