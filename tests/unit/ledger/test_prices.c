/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices that depend on more than the class: steps by volume, the size of a request's input, the way
 * it was served. The numbers are worked out by hand beside each test.
 */
#include "ledger/trace.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static const char DEAL[] =
    "deal \"Prices\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    cloud \"Cloud\"\n"
    "provider alpha of cloud\n"
    "model    gpt-4o\n"
    "model    small\n"
    "account  acme   \"ACME\"\n"
    "product  api  class inference { price * input 5.00 USD per 1M tokens "
    "output 20.00 USD per 1M tokens }\n"
    "product  chat class inference { price * input 7.00 USD per 1M tokens "
    "output 21.00 USD per 1M tokens }\n"
    "agreement c with cloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    all: commit 1m USD on alpha over 2020-01-01..2035-01-01 build-up counting all\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    serves small as \"s\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    price gpt-4o input 3.00 USD per 1M tokens output 9.00 USD per 1M tokens \\\n"
    "        after 1000 monthly input 2.00 USD per 1M tokens \\\n"
    "        after 5000 monthly input 1.00 USD per 1M tokens output 8.00 USD per 1M tokens\n"
    "    price small input 1.00 USD per 1M tokens output 4.00 USD per 1M tokens\n"
    "}\n"
    "prices of pool east {\n"
    "    price small above 2000 tokens input 2.00 USD per 1M tokens output 6.00 USD per 1M tokens\n"
    "    price small variant batch input 0.50 USD per 1M tokens output 2.00 USD per 1M tokens\n"
    "    price small variant batch above 4000 tokens input 0.75 USD per 1M tokens "
    "output 3.00 USD per 1M tokens\n"
    "    price small variant priority input 1.75 USD per 1M tokens output 7.00 USD per 1M tokens "
    "request 0.01 USD per request from 2026-05-01\n"
    "    price small variant flex image 0.02 USD per image audio 1 USD per 1M tokens "
    "input 0.1 USD per 1M tokens after 100 monthly image 0.01 USD per image\n"
    "}\n";

static const char MARCH[] = "2026-03-10T00:00:00Z";

static struct meter_record request(const char *instant, const char *model, uint64_t input,
                                   uint64_t output, uint8_t tier)
{
    struct meter_record record = record_of(instant, "api", "east", input, output);
    record.model_id = oft_id_of(OFT_ID_MODEL, oft_str_from(model));
    record.service_tier = tier;
    return record;
}

/* The quantity of the COST line of CLAUSE, UNIT and RATE; -1 when there is none. */
static oft_nanos line(const struct book *book, const char *clause, uint32_t unit, const char *rate,
                      oft_nanos *ret_amount)
{
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        char text[OFT_NANOS_TEXT_BYTES];
        if (row->key.kind == LEDGER_COST && row->key.unit == unit &&
            strcmp(row->key.clause, clause) == 0 &&
            strcmp(oft_nanos_format(row->key.rate, text), rate) == 0) {
            *ret_amount = row->totals.amount_nanos;
            return row->totals.quantity;
        }
    }
    *ret_amount = 0;
    return -1;
}

static void units_beyond_a_step_cost_its_price_and_those_before_it_theirs(void **state)
{
    static struct book book;
    struct world world;
    oft_nanos amount;
    const char *clause = "east.price.gpt-4o@always";
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, DEAL);
    struct meter_record first = request(MARCH, "gpt-4o", 900, 10, 0);
    book_add(&book, &world, &first, 1);
    /* All 900 are within the first 1000, and no other line is there yet. */
    assert_int_equal(line(&book, clause, DEAL_UNIT_INPUT, "3.00", &amount), 900);
    assert_int_equal(line(&book, clause, DEAL_UNIT_INPUT, "2.00", &amount), -1);
    struct meter_record second = request(MARCH, "gpt-4o", 6100, 6000, 0);
    book_add(&book, &world, &second, 1);
    /* 7000 in all: 1000 at 3, 4000 at 2, 2000 at 1; output 6010: 5000 at 9, 1010 at 8. A token at
     * one dollar a million is 1000 nano-dollars. */
    assert_int_equal(line(&book, clause, DEAL_UNIT_INPUT, "3.00", &amount), 1000);
    assert_int_equal(amount, 3000000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_INPUT, "2.00", &amount), 4000);
    assert_int_equal(amount, 8000000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_INPUT, "1.00", &amount), 2000);
    assert_int_equal(amount, 2000000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_OUTPUT, "9.00", &amount), 5000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_OUTPUT, "8.00", &amount), 1010);
    assert_int_equal(amount, 8080000);
    /* 3000 + 8000 + 2000 + 45000 + 8080 thousand: what the commitment counts is what was booked. */
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "66080000");
    assert_nanos(book_quantity(&book, LEDGER_COMMITMENT, "c.all"), "66080000");
    assert_true(book.debits + book.credits == 0);
    world_close(&world);
}

static void a_record_by_itself_has_no_step(void **state)
{
    struct world world;
    struct ledger_parts parts;
    (void)state;
    world_open(&world, DEAL);
    struct meter_record record = request(MARCH, "gpt-4o", 900, 10, 0);
    assert_int_equal(ledger_parts_of(world.context, &record, &parts), OFT_OK);
    bool steps = false;
    for (size_t i = 0; i < parts.count; i++) {
        const struct ledger_part *part = &parts.items[i];
        if (part->key.kind == LEDGER_COST && part->key.unit == DEAL_UNIT_INPUT) {
            struct ledger_series_key line = part->key;
            steps = part->in_steps;
            assert_int_equal(part->quantity, 900);
            assert_int_equal(part->exact, 0);
            for (uint32_t rate = 0; rate < part->rate_count; rate++) {
                line.rate = part->rates[rate];
                assert_true(ledger_line_holds(&line, part));
            }
            line.rate++;
            assert_false(ledger_line_holds(&line, part));
        }
        assert_int_equal(part->lacks_steps, part->key.kind == LEDGER_COMMITMENT);
    }
    assert_true(steps);
    ledger_parts_release(&parts);
    world_close(&world);
}

static void a_month_counts_from_nothing(void **state)
{
    static struct book book;
    struct world world;
    oft_nanos amount;
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, DEAL);
    struct meter_record records[] = {request(MARCH, "gpt-4o", 6000, 0, 0),
                                     request("2026-04-01T00:00:00Z", "gpt-4o", 6000, 0, 0)};
    book_add(&book, &world, records, 2);
    for (size_t i = 0; i < book.row_count; i++) {
        if (book.rows[i].key.kind == LEDGER_COST) {
            assert_true(book.rows[i].totals.quantity == 1000 ||
                        book.rows[i].totals.quantity == 4000);
        }
    }
    assert_int_equal(line(&book, "east.price.gpt-4o@always", DEAL_UNIT_INPUT, "1.00", &amount),
                     1000);
    world_close(&world);
}

static void a_request_with_more_input_costs_the_other_price_whole(void **state)
{
    static struct book book;
    struct world world;
    oft_nanos amount;
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, DEAL);
    struct meter_record records[] = {request(MARCH, "small", 2000, 10, 0),
                                     request(MARCH, "small", 1500, 10, 0),
                                     request(MARCH, "small", 1500, 20, 0)};
    records[2].units[DEAL_UNIT_CACHED] = 400;
    records[2].units[DEAL_UNIT_CACHE_WRITE] = 101; /* 2001 in all */
    book_add(&book, &world, records, 3);
    assert_int_equal(line(&book, "east.price.small@always", DEAL_UNIT_INPUT, "1.00", &amount),
                     3500);
    assert_int_equal(
        line(&book, "east.price.small+above-2000@always", DEAL_UNIT_INPUT, "2.00", &amount), 1500);
    assert_int_equal(
        line(&book, "east.price.small+above-2000@always", DEAL_UNIT_CACHED, "2.00", &amount), 400);
    assert_int_equal(
        line(&book, "east.price.small+above-2000@always", DEAL_UNIT_OUTPUT, "6.00", &amount), 20);
    assert_int_equal(amount, 120000);
    world_close(&world);
}

static void a_variant_has_its_price_and_the_others_the_standard_one(void **state)
{
    static struct book book;
    struct world world;
    oft_nanos amount;
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, DEAL);
    struct meter_record records[] = {
        request(MARCH, "small", 100, 0, METER_TIER_BATCH),
        request(MARCH, "small", 3000, 0, METER_TIER_BATCH), /* batch wins over above 2000 */
        request(MARCH, "small", 5000, 0, METER_TIER_BATCH),
        request(MARCH, "small", 200, 0, METER_TIER_PRIORITY), /* not in force yet */
        request("2026-05-01T00:00:00Z", "small", 300, 0, METER_TIER_PRIORITY),
        request(MARCH, "gpt-4o", 40, 0, METER_TIER_BATCH), /* has no price of its own */
        request(MARCH, "small", 50, 0, 9), /* a tier that nobody knows: counted, not priced */
    };
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    assert_int_equal(line(&book, "east.price.small+batch@always", DEAL_UNIT_INPUT, "0.50", &amount),
                     3100);
    assert_int_equal(
        line(&book, "east.price.small+batch+above-4000@always", DEAL_UNIT_INPUT, "0.75", &amount),
        5000);
    assert_int_equal(line(&book, "east.price.small@always", DEAL_UNIT_INPUT, "1.00", &amount), 200);
    assert_int_equal(
        line(&book, "east.price.small+priority@2026-05-01", DEAL_UNIT_INPUT, "1.75", &amount), 300);
    assert_int_equal(
        line(&book, "east.price.small+priority@2026-05-01", DEAL_UNIT_REQUEST, "10000.00", &amount),
        1);
    assert_int_equal(amount, 10000000);
    assert_int_equal(line(&book, "east.price.gpt-4o@always", DEAL_UNIT_INPUT, "3.00", &amount), 40);
    assert_int_equal(book.counts.unrated, 1);
    world_close(&world);
}

static void images_are_counted_in_steps_like_tokens(void **state)
{
    static struct book book;
    struct world world;
    oft_nanos amount;
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, DEAL);
    struct meter_record record = request(MARCH, "small", 10, 0, METER_TIER_FLEX);
    record.units[DEAL_UNIT_IMAGE] = 130;
    record.units[DEAL_UNIT_AUDIO] = 1000;
    book_add(&book, &world, &record, 1);
    const char *clause = "east.price.small+flex@always";
    assert_int_equal(line(&book, clause, DEAL_UNIT_IMAGE, "20000.00", &amount), 100);
    assert_int_equal(amount, 2000000000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_IMAGE, "10000.00", &amount), 30);
    assert_int_equal(amount, 300000000);
    assert_int_equal(line(&book, clause, DEAL_UNIT_AUDIO, "1.00", &amount), 1000);
    world_close(&world);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int compare_rows(const void *a, const void *b)
{
    return memcmp(&((const struct ledger_row *)a)->key, &((const struct ledger_row *)b)->key,
                  sizeof(struct ledger_series_key));
}

static void shuffle(struct meter_record *records, size_t count, uint64_t *seed)
{
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = next(seed) % (i + 1);
        struct meter_record swap = records[i];
        records[i] = records[j];
        records[j] = swap;
    }
}

static void order_and_batches_change_nothing_with_steps_contexts_and_variants(void **state)
{
    enum { RECORDS = 400, ROUNDS = 10 };
    static struct book whole;
    static struct book cut;
    static struct meter_record records[RECORDS];
    static const char *const instants[] = {"2026-03-01T00:00:00Z", "2026-03-31T23:59:59Z",
                                           "2026-04-30T00:00:00Z", "2026-05-01T00:00:00Z"};
    struct world world;
    uint64_t seed = UINT64_C(0xbadc0de);
    (void)state;
    world_open(&world, DEAL);
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = request(instants[next(&seed) % 4], next(&seed) % 3 == 0 ? "gpt-4o" : "small",
                             next(&seed) % 5000 / (1 + next(&seed) % 40), next(&seed) % 90,
                             (uint8_t)(next(&seed) % 4));
        records[i].units[DEAL_UNIT_IMAGE] = next(&seed) % 4;
        records[i].product_id =
            oft_id_of(OFT_ID_PRODUCT, oft_str_from(next(&seed) % 2 == 0 ? "api" : "chat"));
    }
    memset(&whole, 0, sizeof(whole));
    book_add(&whole, &world, records, RECORDS);
    qsort(whole.rows, whole.row_count, sizeof(whole.rows[0]), compare_rows);
    for (int round = 0; round < ROUNDS; round++) {
        shuffle(records, RECORDS, &seed);
        memset(&cut, 0, sizeof(cut));
        for (size_t from = 0; from < RECORDS;) {
            size_t count = 1 + next(&seed) % 30;
            count = count < RECORDS - from ? count : RECORDS - from;
            book_add(&cut, &world, records + from, count);
            from += count;
        }
        qsort(cut.rows, cut.row_count, sizeof(cut.rows[0]), compare_rows);
        assert_int_equal(cut.row_count, whole.row_count);
        for (size_t i = 0; i < cut.row_count; i++) {
            assert_memory_equal(&cut.rows[i], &whole.rows[i], sizeof(cut.rows[i]));
        }
        assert_true(cut.debits == whole.debits && cut.debits + cut.credits == 0);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_beyond_a_step_cost_its_price_and_those_before_it_theirs),
        cmocka_unit_test(a_record_by_itself_has_no_step),
        cmocka_unit_test(a_month_counts_from_nothing),
        cmocka_unit_test(a_request_with_more_input_costs_the_other_price_whole),
        cmocka_unit_test(a_variant_has_its_price_and_the_others_the_standard_one),
        cmocka_unit_test(images_are_counted_in_steps_like_tokens),
        cmocka_unit_test(order_and_batches_change_nothing_with_steps_contexts_and_variants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
