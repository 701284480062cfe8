/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months that are closed while usage keeps coming: they never change, what is late names its own month,
 * and nothing is lost or charged twice, to the nano-unit.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 60, ROUNDS = 8, FIRST_MONTH = 2026 * 12 + 1, MONTHS = 4, NAMES = 8 };

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What the entries come to for somebody: what is owed to him, less what he owes. */
struct balance {
    const char *name;
    oft_nanos owed;
};

static bool account_is(const char *account, const char *kind, const char *name)
{
    size_t length = strlen(kind);
    return strncmp(account, kind, length) == 0 && account[length] == '/' &&
           strcmp(account + length + 1, name) == 0;
}

static void tally(struct balance *balances, const struct ledger_result *result)
{
    for (size_t i = 0; i < result->entry_count; i++) {
        const struct ledger_entry *entry = &result->entries[i];
        for (size_t n = 0; n < NAMES && balances[n].name != NULL; n++) {
            const char *name = balances[n].name;
            if (account_is(entry->account, "payable", name) ||
                account_is(entry->account, "receivable-party", name) ||
                account_is(entry->account, "receivable", name)) {
                balances[n].owed -= entry->amount_nanos;
            }
        }
    }
}

static oft_nanos statement_net(const struct world *world, const struct book *book, const char *name,
                               int32_t month)
{
    static const char key[] = "\"net_payable_nanos\":\"";
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_nanos net = 0;
    const struct ledger_statement_input input = {.deal = world->deal,
                                                 .party = name,
                                                 .month = month,
                                                 .rows = book->rows,
                                                 .row_count = book->row_count,
                                                 .commitment_rows = book->rows,
                                                 .commitment_row_count = book->row_count};
    oft_buffer_init(&out, 1 << 22);
    if (ledger_statement(&input, LEDGER_JSON, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    const char *at = strstr(oft_buffer_text(&out), key);
    assert_non_null(at);
    at += sizeof(key) - 1;
    assert_int_equal(oft_i128_parse((struct oft_str){at, strcspn(at, "\"")}, &net), OFT_OK);
    oft_buffer_release(&out);
    return net;
}

static struct meter_record random_record(uint64_t *seed)
{
    static const char *const products[] = {"api", "chat", "copilot"};
    static const char *const instants[] = {"2026-02-11T00:00:00Z", "2026-03-01T00:00:00Z",
                                           "2026-04-14T23:59:59Z", "2026-05-02T00:00:00Z"};
    return record_of(instants[next(seed) % 4], products[next(seed) % 3], "east", next(seed) % 99999,
                     next(seed) % 777);
}

static void book_batch(struct book *book, const struct world *world, struct ledger_periods periods,
                       uint64_t *seed, struct balance *balances, oft_nanos *requests)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    ledger_batch_periods(batch, periods);
    for (uint64_t count = 1 + next(seed) % 9; count > 0; count--) {
        struct meter_record record = random_record(seed);
        assert_int_equal(ledger_batch_add(batch, world->context, &record), OFT_OK);
        ++*requests;
    }
    assert_int_equal(ledger_batch_close(batch, book_source(book), &result, &error), OFT_OK);
    for (size_t i = 0; i < result.change_count; i++) {
        const struct ledger_series_key *key = &result.changes[i].key;
        assert_true(key->month >= periods.closed_until);
        assert_true(key->for_month == 0 || key->for_month < periods.soft_until);
        assert_true((key->month < periods.soft_until) == (key->for_month == key->month));
    }
    tally(balances, &result);
    book_take(book, &result);
    ledger_batch_free(batch);
}

static oft_nanos all_requests(const struct book *book)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        sum += book->rows[i].key.kind == LEDGER_USAGE ? book->rows[i].totals.quantity : 0;
    }
    return sum;
}

static void closed_at_any_moment_all_statements_of_anyone_sum_to_his_entries(void **state)
{
    static struct book book;
    struct world world;
    uint64_t seed = UINT64_C(0xc105ed);
    (void)state;
    world_open(&world, WORLD_DEAL);
    for (int round = 0; round < ROUNDS; round++) {
        struct balance balances[NAMES] = {{"bigcloud", 0}, {"other", 0}, {"acme", 0}};
        struct ledger_periods periods = {0};
        oft_nanos requests = 0;
        size_t late = 0;
        memset(&book, 0, sizeof(book));
        for (int i = 0; i < BATCHES; i++) {
            book_batch(&book, &world, periods, &seed, balances, &requests);
            if (next(&seed) % 12 == 0 && periods.soft_until < FIRST_MONTH + MONTHS) {
                periods.soft_until =
                    periods.soft_until == 0 ? FIRST_MONTH + 1 : periods.soft_until + 1;
            } else if (next(&seed) % 8 == 0 && periods.closed_until < periods.soft_until) {
                periods.closed_until =
                    periods.closed_until == 0 ? FIRST_MONTH + 1 : periods.closed_until + 1;
            }
        }
        assert_true(all_requests(&book) == requests);
        for (size_t i = 0; i < book.row_count; i++) {
            late += book.rows[i].key.for_month != 0;
        }
        assert_true(late > 0);
        for (size_t n = 0; n < NAMES && balances[n].name != NULL; n++) {
            oft_nanos sum = 0;
            for (int32_t month = FIRST_MONTH; month <= FIRST_MONTH + MONTHS; month++) {
                sum += statement_net(&world, &book, balances[n].name, month);
            }
            assert_true(sum == balances[n].owed);
        }
    }
    world_close(&world);
}

/* ---- capacity, which is reckoned whole ---------------------------------------------------------- */

static const struct ledger_charge CHARGE = {.clause = "order-1.price",
                                            .pool = "cluster",
                                            .provider = "alpha",
                                            .party = "bigcloud",
                                            .product = "api",
                                            .unit = LEDGER_GPU_HOUR,
                                            .quantity = 8,
                                            .rate = 2100000000};

static void accrue(struct book *book, const struct world *world, struct ledger_periods periods,
                   const char *from, const char *through)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    struct ledger_charge charge = CHARGE;
    charge.from = at(from);
    charge.until = at("2026-12-01T00:00:00Z");
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    ledger_batch_periods(batch, periods);
    assert_int_equal(ledger_capacity_add(batch, world->context, &charge, 1, at(through)), OFT_OK);
    if (ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    book_take(book, &result);
    ledger_batch_free(batch);
}

static oft_nanos hours_in(const struct book *book, int32_t month, int32_t for_month)
{
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_series_key *key = &book->rows[i].key;
        if (key->kind == LEDGER_COST && key->month == month && key->for_month == for_month) {
            return book->rows[i].totals.quantity;
        }
    }
    return 0;
}

static void hours_of_a_closed_month_that_are_told_late_land_in_the_open_one_once(void **state)
{
    static struct book book;
    struct world world;
    const int32_t march = FIRST_MONTH + 1;
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, WORLD_DEAL);
    /* Arrived on the 31st, as far as anybody knew; then it turns out that it was the 30th. */
    accrue(&book, &world, (struct ledger_periods){0}, "2026-03-31T00:00:00Z",
           "2026-04-01T02:00:00Z");
    assert_nanos(hours_in(&book, march, 0), "192");
    struct ledger_periods soft = {0, march + 1};
    accrue(&book, &world, soft, "2026-03-30T23:00:00Z", "2026-04-01T02:00:00Z");
    assert_nanos(hours_in(&book, march, march), "8");
    struct ledger_periods closed = {march + 1, march + 1};
    for (int again = 0; again < 3; again++) {
        accrue(&book, &world, closed, "2026-03-30T00:00:00Z", "2026-04-01T02:00:00Z");
        assert_nanos(hours_in(&book, march, 0), "192");
        assert_nanos(hours_in(&book, march, march), "8");
        assert_nanos(hours_in(&book, march + 1, march), "184");
        assert_nanos(hours_in(&book, march + 1, 0), "16");
    }
    /* April closes as well: what March still owes goes on in May. */
    struct ledger_periods later = {march + 2, march + 2};
    accrue(&book, &world, later, "2026-03-29T23:00:00Z", "2026-04-01T02:00:00Z");
    assert_nanos(hours_in(&book, march + 1, march), "184");
    assert_nanos(hours_in(&book, march + 2, march), "8");
    assert_nanos(hours_in(&book, march + 2, march + 1), "0");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_at_any_moment_all_statements_of_anyone_sum_to_his_entries),
        cmocka_unit_test(hours_of_a_closed_month_that_are_told_late_land_in_the_open_one_once),
    };
    return cmocka_run_group_tests_name("ledger periods", tests, NULL, NULL);
}
