/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was metered wrong is taken back and booked again: the books are then as if it had been right from
 * the start, and only the difference is posted.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS = 200, MAY = 2026 * 12 + 4 };

static const char STEPS_DEAL[] =
    "deal \"Steps\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    cloud \"Cloud\"\n"
    "provider alpha of cloud\n"
    "model    gpt-4o\n"
    "account  acme   \"ACME\"\n"
    "product  api  class inference { price * input 5.00 USD per 1M tokens }\n"
    "agreement c with cloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    price gpt-4o input 3.00 USD per 1M tokens \\\n"
    "        after 1000 monthly input 2.00 USD per 1M tokens \\\n"
    "        after 5000 monthly input 1.00 USD per 1M tokens\n"
    "}\n";

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
    static const char *const instants[] = {"2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z",
                                           "2026-04-14T23:59:59Z", "2026-05-02T00:00:00Z"};
    struct meter_record record =
        record_of(instants[next(seed) % 4], products[next(seed) % 3], pools[next(seed) % 2],
                  next(seed) % 9999, next(seed) % 777);
    record.status = next(seed) % 10 == 0 ? 502 : 200;
    return record;
}

/* WRONG is taken back and, unless it is void, RIGHT is booked in its place, in one batch. */
static enum oft_err correct(struct book *book, const struct world *world,
                            struct ledger_periods periods, const struct meter_record *wrong,
                            const struct meter_record *right, size_t *ret_changes,
                            struct oft_error *reterr)
{
    struct ledger_batch *batch;
    struct ledger_result result = {0};
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    ledger_batch_periods(batch, periods);
    assert_int_equal(ledger_batch_reverse(batch, world->context, wrong), OFT_OK);
    if (right != NULL) {
        assert_int_equal(ledger_batch_add(batch, world->context, right), OFT_OK);
    }
    enum oft_err err = ledger_batch_close(batch, book_source(book), &result, reterr);
    if (err == OFT_OK) {
        book_take(book, &result);
        *ret_changes = result.change_count;
    }
    ledger_batch_free(batch);
    return err;
}

static bool row_is_empty(const struct ledger_row *row)
{
    static const struct ledger_totals none;
    return memcmp(&row->totals, &none, sizeof(none)) == 0;
}

/* A cap over several months goes by the order in which they reach it, so that one is left out. */
static bool is_capped_money(const struct ledger_row *row)
{
    return row->key.kind == LEDGER_SHARE && row->key.product[0] == '\0' &&
           strcmp(row->key.clause, "bc.capped") == 0;
}

static void assert_all_of(const struct book *some, const struct book *all)
{
    for (size_t i = 0; i < some->row_count; i++) {
        const struct ledger_row *row = &some->rows[i];
        bool found = row_is_empty(row) || is_capped_money(row);
        for (size_t j = 0; !found && j < all->row_count; j++) {
            found = memcmp(row, &all->rows[j], sizeof(*row)) == 0;
        }
        assert_true(found);
    }
}

static void corrected_books_are_as_if_it_had_been_right_from_the_start(void **state)
{
    static struct book mended;
    static struct book right;
    struct world world;
    struct oft_error error = {0};
    uint64_t seed = UINT64_C(0xc0441);
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&mended, 0, sizeof(mended));
    memset(&right, 0, sizeof(right));
    for (size_t i = 0; i < RECORDS; i++) {
        struct meter_record was = random_record(&seed);
        struct meter_record is = was;
        size_t changes;
        bool is_void = next(&seed) % 5 == 0;
        is.units[DEAL_UNIT_INPUT] = next(&seed) % 9999;
        is.units[DEAL_UNIT_OUTPUT] = next(&seed) % 777;
        book_add(&mended, &world, &was, 1);
        assert_int_equal(correct(&mended, &world, (struct ledger_periods){0}, &was,
                                 is_void ? NULL : &is, &changes, &error),
                         OFT_OK);
        if (!is_void) {
            book_add(&right, &world, &is, 1);
        }
    }
    assert_all_of(&mended, &right);
    assert_all_of(&right, &mended);
    world_close(&world);
}

static void what_is_taken_back_and_booked_alike_changes_nothing(void **state)
{
    static struct book book;
    struct world world;
    struct oft_error error = {0};
    struct meter_record record = record_of("2026-04-01T00:00:00Z", "api", "east", 1000, 100);
    size_t changes = 99;
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &record, 1);
    assert_int_equal(
        correct(&book, &world, (struct ledger_periods){0}, &record, &record, &changes, &error),
        OFT_OK);
    assert_int_equal(changes, 0);
    world_close(&world);
}

static int64_t late_input(const struct book *book)
{
    int64_t late = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        bool usage = row->key.kind == LEDGER_USAGE && row->key.for_month == MAY - 1;
        late += usage && row->key.month == MAY ? row->totals.units[DEAL_UNIT_INPUT] : 0;
    }
    return late;
}

static void what_is_taken_back_from_a_closed_month_is_late_and_below_zero(void **state)
{
    static struct book book;
    static struct book before;
    struct world world;
    struct oft_error error = {0};
    struct ledger_periods closed = {.soft_until = MAY, .closed_until = MAY};
    struct meter_record was = record_of("2026-04-01T00:00:00Z", "api", "east", 1000, 100);
    struct meter_record more = record_of("2026-04-01T00:00:00Z", "api", "east", 3000, 100);
    size_t changes;
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &was, 1);
    before = book;
    assert_int_equal(correct(&book, &world, closed, &was, &more, &changes, &error), OFT_OK);
    assert_int_equal(late_input(&book), 2000);
    assert_int_equal(correct(&book, &world, closed, &more, NULL, &changes, &error), OFT_OK);
    assert_int_equal(late_input(&book), -1000);
    assert_memory_equal(book.rows, before.rows, before.row_count * sizeof(*before.rows));
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "0");
    world_close(&world);
}

/* Of 5300, 1000 cost 3, 4000 cost 2 and 300 cost 1; 600 less are those 300 and 300 of the 4000. */
static void units_go_from_the_highest_step_down(void **state)
{
    static struct book book;
    struct world world;
    struct oft_error error = {0};
    struct meter_record was = record_of("2026-04-01T00:00:00Z", "api", "east", 900, 0);
    struct meter_record is = record_of("2026-04-01T00:00:00Z", "api", "east", 300, 0);
    struct meter_record other = record_of("2026-04-02T00:00:00Z", "api", "east", 4400, 0);
    size_t changes;
    (void)state;
    world_open(&world, STEPS_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &was, 1);
    book_add(&book, &world, &other, 1);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "11300000"); /* 1000, 4000, 300 */
    assert_int_equal(
        correct(&book, &world, (struct ledger_periods){0}, &was, &is, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "10400000"); /* 1000, 3700, 0 */
    assert_int_equal(
        correct(&book, &world, (struct ledger_periods){0}, &other, NULL, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "900000"); /* 300, 0, 0 */
    world_close(&world);
}

/* Of 4000, 1000 cost 3 and 3000 cost 2. April is closed; 2000 more of it are 1000 at 2 and 1000 at 1, and 2900 less
 * are those 1000 at 1 and 1900 at 2: what is late goes on, and back, from the count of the month. */
static void late_units_go_on_where_the_count_of_their_month_was(void **state)
{
    static struct book book;
    struct world world;
    struct oft_error error = {0};
    struct ledger_periods closed = {.soft_until = MAY, .closed_until = MAY};
    struct meter_record first = record_of("2026-04-01T00:00:00Z", "api", "east", 3900, 0);
    struct meter_record was = record_of("2026-04-01T00:00:00Z", "api", "east", 100, 0);
    struct meter_record more = record_of("2026-04-01T00:00:00Z", "api", "east", 2100, 0);
    struct meter_record less = record_of("2026-04-01T00:00:00Z", "api", "east", 1000, 0);
    size_t changes;
    (void)state;
    world_open(&world, STEPS_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &first, 1);
    book_add(&book, &world, &was, 1);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "9000000");
    assert_int_equal(correct(&book, &world, closed, &was, &more, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "12000000");
    assert_int_equal(correct(&book, &world, closed, &first, &less, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "7200000"); /* 3100: 1000, 2100 */
    world_close(&world);
}

static void a_share_at_its_cap_goes_down_with_its_base(void **state)
{
    static struct book book;
    struct world world;
    struct oft_error error = {0};
    struct meter_record was = record_of("2026-02-01T00:00:00Z", "api", "east", 1000, 100);
    struct meter_record less = record_of("2026-02-01T00:00:00Z", "api", "east", 900, 100);
    size_t changes;
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &was, 1);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "10000");
    assert_int_equal(
        correct(&book, &world, (struct ledger_periods){0}, &was, &less, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"),
                 "10000"); /* above it all the same */
    assert_int_equal(
        correct(&book, &world, (struct ledger_periods){0}, &less, NULL, &changes, &error), OFT_OK);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "0");
    world_close(&world);
}

/* The same when its month is closed: the late line takes back what was posted, and not what the cap cut. */
static void a_share_at_its_cap_in_a_closed_month_goes_down_no_further_than_its_base(void **state)
{
    static const uint64_t inputs[] = {900, 500, 5000, 0, 1000, 0};
    static struct book book;
    struct world world;
    struct oft_error error = {0};
    struct ledger_periods closed = {.soft_until = MAY - 2, .closed_until = MAY - 2};
    struct meter_record was = record_of("2026-02-01T00:00:00Z", "api", "east", 1000, 0);
    size_t changes;
    (void)state;
    world_open(&world, WORLD_DEAL);
    memset(&book, 0, sizeof(book));
    book_add(&book, &world, &was, 1);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "10000");
    for (size_t i = 0; i < OFT_COUNT_OF(inputs); i++) {
        struct meter_record is = was;
        is.units[DEAL_UNIT_INPUT] = inputs[i];
        closed.soft_until = closed.closed_until += i % 3 == 2; /* the late line is closed too */
        assert_int_equal(correct(&book, &world, closed, &was, &is, &changes, &error), OFT_OK);
        assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), inputs[i] == 0 ? "0" : "10000");
        was = is;
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrected_books_are_as_if_it_had_been_right_from_the_start),
        cmocka_unit_test(what_is_taken_back_and_booked_alike_changes_nothing),
        cmocka_unit_test(what_is_taken_back_from_a_closed_month_is_late_and_below_zero),
        cmocka_unit_test(units_go_from_the_highest_step_down),
        cmocka_unit_test(late_units_go_on_where_the_count_of_their_month_was),
        cmocka_unit_test(a_share_at_its_cap_goes_down_with_its_base),
        cmocka_unit_test(a_share_at_its_cap_in_a_closed_month_goes_down_no_further_than_its_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
