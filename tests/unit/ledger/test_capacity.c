/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity paid for by the hour: which hours are owed, in which month, counted to which commitment; and
 * that the books follow from the charges and the instant alone, however often they were reckoned.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR      (3600 * OFT_NS_PER_SECOND)
#define THE_PRICE ((oft_nanos)2100000000) /* 2.10 */

enum { CHARGES = 6, ROUNDS = 40 };

static struct ledger_charge charge_of(const char *from, const char *until, uint64_t quantity)
{
    return (struct ledger_charge){
        .clause = "order-1.price",
        .pool = "cluster",
        .provider = "alpha",
        .party = "bigcloud",
        .product = "chat",
        .unit = LEDGER_GPU_HOUR,
        .quantity = quantity,
        .from = at(from),
        .until = until[0] == '\0' ? OFT_INSTANT_NEVER : at(until),
        .rate = THE_PRICE,
    };
}

/* Reckons once; how many series changed. */
static size_t reckon(struct book *book, const struct world *world,
                     const struct ledger_charge *charges, size_t count, oft_instant through)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world->context, charges, count, through), OFT_OK);
    if (ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    book_take(book, &result);
    size_t changes = result.change_count;
    assert_true(changes > 0 || result.entry_count == 0);
    ledger_batch_free(batch);
    return changes;
}

static struct book *new_book(void)
{
    static struct book book;
    memset(&book, 0, sizeof(book));
    return &book;
}

/* Hours or money of a month under CLAUSE. */
static oft_nanos held(const struct book *book, const char *clause, const char *month)
{
    oft_nanos sum = 0;
    int32_t wanted = 0;
    assert_int_equal(oft_month_parse(oft_str_from(month), &wanted), OFT_OK);
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        if (row->key.month == wanted && strcmp(row->key.clause, clause) == 0) {
            sum += row->totals.quantity;
        }
    }
    return sum;
}

static void hours_are_split_at_the_ends_of_months(void **state)
{
    static const struct {
        const char *from, *until, *month;
        int hours;
    } cases[] = {
        {"2024-02-10", "2024-04-01", "2024-02", 20 * 24}, /* a leap year's 29 days */
        {"2024-02-10", "2024-04-01", "2024-03", 31 * 24},
        {"2024-02-10", "2024-04-01", "2024-04", 0},
        {"2025-02-10", "2025-04-01", "2025-02", 19 * 24},
        {"2100-02-01", "2100-03-01", "2100-02", 28 * 24}, /* no leap year */
        {"2025-03-01", "2025-04-01", "2025-03", 31 * 24}, /* clocks change somewhere: not in UTC */
        {"2025-10-01", "2025-11-01", "2025-10", 31 * 24},
        {"2025-12-31T23:00:00Z", "2026-01-01T01:00:00Z", "2025-12", 1},
        {"2025-12-31T23:00:00Z", "2026-01-01T01:00:00Z", "2026-01", 1},
        /* An hour is where it begins. */
        {"2026-01-31T23:30:00Z", "2026-02-01T01:30:00Z", "2026-01", 1},
        {"2026-01-31T23:30:00Z", "2026-02-01T01:30:00Z", "2026-02", 1},
        {"2026-01-31T23:59:59.999999999Z", "2026-02-01T00:59:59.999999999Z", "2026-01", 1},
        {"2026-01-31T23:59:59.999999999Z", "2026-02-01T00:59:59.999999999Z", "2026-02", 0},
        /* What is no whole hour is not owed. */
        {"2026-01-01T10:00:00Z", "2026-01-01T11:59:59.999999999Z", "2026-01", 1},
        {"2026-01-01T10:00:00Z", "2026-01-01T10:59:59Z", "2026-01", 0},
        {"2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "2026-01", 0},
    };
    struct world world;
    (void)state;
    world_open(&world, WORLD_DEAL);
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct book *book = new_book();
        struct ledger_charge charge = charge_of(cases[i].from, cases[i].until, 7);
        (void)reckon(book, &world, &charge, 1, at("2150-01-01"));
        assert_true(held(book, "order-1.price", cases[i].month) == 7 * cases[i].hours);
    }
    world_close(&world);
}

static void an_hour_is_owed_when_it_is_over(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-01T10:30:00Z", "", 512);
    (void)state;
    world_open(&world, WORLD_DEAL);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-02-01")), 0);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-03-01T11:29:59Z")), 0);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-03-01T11:30:00Z")), 2);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-03-01T11:30:00Z")), 0);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-03-01T12:29:59Z")), 0);
    assert_nanos(book_amount(book, LEDGER_COST, "cluster"), "1075200000000");
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.commit"), "1075200000000");
    assert_nanos(book_quantity(book, LEDGER_COST, "cluster"), "512");
    world_close(&world);
}

static const char EDGES_DEAL[] =
    "deal \"Edges\"; customer lab; currency USD\n"
    "party bigcloud \"B\"; party other \"O\"; provider alpha of bigcloud; provider beta of other\n"
    "model m; account acme; product chat class inference; product api class inference\n"
    "agreement bc with bigcloud {\n"
    "    effective 2026-01-01 until 2026-06-01\n"
    "    april: commit 1m USD on alpha over 2026-04-01..2026-04-10T12:30:00Z build-up counting "
    "all\n"
    "    half:  commit 1m USD on alpha over 2026-01-01..2026-12-01 build-up counting chat 50%\n"
    "    api:   commit 1m USD on alpha over 2026-01-01..2026-12-01 build-up counting api\n"
    "    beta:  commit 1m USD on beta over 2026-01-01..2026-12-01 build-up counting all\n"
    "}\n"
    "pool east on alpha\n";

static void hours_count_to_the_commitments_of_their_first_instant(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-31T22:00:00Z", "2026-07-01", 1);
    (void)state;
    world_open(&world, EDGES_DEAL);
    charge.rate = 1;
    (void)reckon(book, &world, &charge, 1, at("2027-01-01"));
    assert_nanos(held(book, "order-1.price", "2026-03"), "2");
    assert_nanos(held(book, "order-1.price", "2026-06"), "720");
    /* From the period's beginning to its end: the hour of 12:00 begins before 12:30. */
    assert_nanos(held(book, "bc.april", "2026-03"), "0");
    assert_nanos(held(book, "bc.april", "2026-04"), "229");
    assert_nanos(held(book, "bc.april", "2026-05"), "0");
    /* The agreement ends before the period does; the weight is taken from the total. */
    assert_nanos(held(book, "bc.half", "2026-03"), "2");
    assert_nanos(held(book, "bc.half", "2026-05"), "744");
    assert_nanos(held(book, "bc.half", "2026-06"), "0");
    /* Another product, another provider. */
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.api"), "0");
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.beta"), "0");
    world_close(&world);
}

static void what_the_deal_no_longer_counts_is_taken_back_and_no_cost_is(void **state)
{
    struct world whole;
    struct world shorter;
    char text[sizeof(EDGES_DEAL) + 64];
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-01", "2026-04-03", 1);
    (void)state;
    charge.rate = 1;
    world_open(&whole, EDGES_DEAL);
    memcpy(text, EDGES_DEAL, sizeof(EDGES_DEAL));
    char *end = strstr(text, "until 2026-06-01");
    assert_non_null(end);
    memcpy(end, "until 2026-03-02", strlen("until 2026-03-02"));
    world_open(&shorter, text);
    (void)reckon(book, &whole, &charge, 1, at("2026-05-01"));
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.half"), "396");
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.april"), "48");
    assert_int_equal(reckon(book, &shorter, &charge, 1, at("2026-05-01")), 3);
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.half"), "12");
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.april"), "0");
    assert_nanos(book_amount(book, LEDGER_COST, "cluster"), "792");
    assert_int_equal(reckon(book, &whole, &charge, 1, at("2026-05-01")), 3);
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.half"), "396");
    world_close(&whole);
    world_close(&shorter);
}

static void open_weighed(struct world *world, const char *counting)
{
    char text[sizeof(EDGES_DEAL) + 256];
    (void)snprintf(
        text, sizeof(text),
        "deal \"Weighed\"; customer lab; currency USD\n"
        "party bigcloud \"B\"; provider alpha of bigcloud; model m; account acme\n"
        "product chat class inference; product api class inference\n"
        "agreement bc with bigcloud {\n    effective 2026-01-01\n"
        "    c: commit 1m USD on alpha over 2026-01-01..2027-01-01 build-up counting %s\n"
        "}\npool east on alpha\n",
        counting);
    world_open(world, text);
}

/* What counted in other series under an older text of the deal is taken back. */
static void hours_that_weigh_otherwise_now_do_not_count_twice(void **state)
{
    struct world old;
    struct world new;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-01", "2026-04-01", 1);
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    (void)state;
    charge.rate = 4;
    open_weighed(&old, "chat 50%");
    open_weighed(&new, "chat 25% milestone 100 USD by 2026-03-02T00:30:00Z");
    (void)reckon(book, &old, &charge, 1, at("2026-05-01"));
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.c"), "1488"); /* 744 hours, half of 4 */
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, new.context, &charge, 1, at("2026-05-01")), OFT_OK);
    assert_int_equal(ledger_dues_add(batch, new.context, NULL, 0, book->rows, book->row_count),
                     OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(book), &result, &error), OFT_OK);
    book_take(book, &result);
    ledger_batch_free(batch);
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.c"), "744");
    /* The hour from 00:00 on begins before the milestone: 25 of them, at a quarter of 4. */
    bool cut = false;
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        if (row->key.kind == LEDGER_COMMITMENT && row->key.pool[0] != '\0') {
            cut = true;
            assert_string_equal(row->key.pool, "2026-03-02T00:30:00Z");
            assert_nanos(row->totals.amount_nanos, "719");
        }
    }
    assert_true(cut);
    world_close(&old);
    world_close(&new);
}

static void fewer_hours_than_the_books_hold_are_a_conflict(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-01", "", 3);
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    (void)state;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2026-03-05"));
    charge.quantity = 2;
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world.context, &charge, 1, at("2026-03-05")),
                     OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(book), &result, &error),
                     OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "order-1.price in 2026-03"));
    ledger_batch_free(batch);
    world_close(&world);
}

static void what_cannot_be_reckoned_is_refused(void **state)
{
    struct world world;
    struct ledger_charge charge = charge_of("2026-03-01", "", 3);
    struct ledger_charge bad[4] = {charge, charge, charge, charge};
    static const enum oft_err codes[4] = {OFT_ERR_INVALID, OFT_ERR_INVALID, OFT_ERR_RANGE,
                                          OFT_ERR_LIMIT};
    struct ledger_batch *batch;
    (void)state;
    world_open(&world, WORLD_DEAL);
    bad[0].rate = -1;
    bad[1].unit = (enum ledger_capacity_unit)DEAL_UNIT_INPUT;
    bad[2].rate = OFT_NANOS_MAX / 4;
    bad[3].pool = "0123456789012345678901234567890123456789012345678901234567890123";
    for (size_t i = 0; i < OFT_COUNT_OF(bad); i++) {
        assert_int_equal(ledger_batch_new(&batch), OFT_OK);
        assert_int_equal(ledger_capacity_add(batch, world.context, &bad[i], 1, at("2026-04-01")),
                         codes[i]);
        ledger_batch_free(batch);
    }
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world.context, &charge, 1, at("2026-04-01")),
                     OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world.context, &charge, 1, at("2026-04-01")),
                     OFT_ERR_INVALID);
    ledger_batch_free(batch);
    world_close(&world);
}

/* ---- against a slow reading -------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct ledger_charge random_charge(uint64_t *seed)
{
    static const char *const clauses[] = {"order-1.price", "order-2.price"};
    static const char *const products[] = {"chat", "api", "gone"};
    static const char *const pools[] = {"cluster", "rest"};
    struct ledger_charge charge = charge_of("2026-03-20", "", 1 + next(seed) % 9);
    bool beta = next(seed) % 3 == 0;
    charge.clause = clauses[next(seed) % 2];
    charge.product = products[next(seed) % 3];
    charge.pool = pools[next(seed) % 2];
    charge.provider = beta ? "beta" : "alpha";
    charge.party = beta ? "other" : "bigcloud";
    charge.unit = next(seed) % 2 == 0 ? LEDGER_GPU_HOUR : LEDGER_MW_HOUR;
    charge.rate = (oft_nanos)(1 + next(seed) % 3) * 1000000007;
    charge.from += (int64_t)(next(seed) % (30 * 24)) * HOUR;
    charge.from += next(seed) % 2 == 0 ? 0 : (int64_t)(next(seed) % (uint64_t)HOUR);
    if (next(seed) % 2 == 0) {
        charge.until = charge.from + (int64_t)(next(seed) % (60 * 24)) * HOUR;
    }
    return charge;
}

/* Hour by hour, clause by clause; every sum by name. */
static void slow_reading(const struct ledger_charge *charges, const struct deal *deal,
                         oft_instant through, const char *clause, int32_t month, oft_nanos *ret)
{
    static const struct deal_attestations none = {NULL, 0};
    uint32_t index = deal_find_clause(deal, oft_str_from(clause));
    oft_nanos sum = 0;
    for (size_t i = 0; i < CHARGES; i++) {
        const struct ledger_charge *it = &charges[i];
        uint32_t provider = deal_find_provider(deal, oft_str_from(it->provider));
        uint32_t product = deal_find_product(deal, oft_str_from(it->product));
        for (oft_instant hour = it->from; hour + HOUR <= it->until && hour + HOUR <= through;
             hour += HOUR) {
            oft_nanos money = (oft_nanos)it->quantity * it->rate;
            if (oft_month_of(hour) != month) {
                continue;
            }
            if (index == DEAL_NONE) {
                sum += strcmp(it->clause, clause) == 0 ? money : 0;
                continue;
            }
            const struct deal_commit *commit = &deal->clauses[index].as.commit;
            if (commit->provider == provider && deal_list_has(commit->products, product) &&
                hour >= commit->period_from && hour < commit->period_until &&
                deal_clause_in_force(&deal->clauses[index], hour, none)) {
                sum += money;
            }
        }
    }
    *ret = sum;
}

static oft_nanos money_of(const struct book *book, const char *clause, int32_t month)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        if (row->key.month == month && strcmp(row->key.clause, clause) == 0) {
            /* What counts by half is held whole, and weighed by series. */
            sum += row->key.kind == LEDGER_COMMITMENT ? row->totals.quantity
                                                      : row->totals.amount_nanos;
        }
    }
    return sum;
}

static int compare_rows(const void *a, const void *b)
{
    return memcmp(&((const struct ledger_row *)a)->key, &((const struct ledger_row *)b)->key,
                  sizeof(struct ledger_series_key));
}

/* Rows that came to nothing may be in one book and not in the other. */
static size_t sorted(struct book *book)
{
    size_t kept = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        if (book->rows[i].totals.quantity != 0) {
            book->rows[kept++] = book->rows[i];
        }
    }
    qsort(book->rows, kept, sizeof(book->rows[0]), compare_rows);
    return kept;
}

static void any_steps_give_the_books_of_one(void **state)
{
    static const char *const clauses[] = {"order-1.price", "order-2.price", "bc.april",
                                          "bc.half",       "bc.api",        "bc.beta"};
    static struct book once;
    static struct book steps;
    struct world world;
    struct ledger_charge charges[CHARGES];
    uint64_t seed = UINT64_C(0xca9ac117);
    (void)state;
    world_open(&world, EDGES_DEAL);
    for (int round = 0; round < ROUNDS; round++) {
        oft_instant now = at("2026-03-15");
        size_t known = 0;
        memset(&once, 0, sizeof(once));
        memset(&steps, 0, sizeof(steps));
        for (size_t i = 0; i < CHARGES; i++) {
            charges[i] = random_charge(&seed);
        }
        while (now < at("2026-07-01")) { /* orders arrive, and are told of late */
            known += known < CHARGES && next(&seed) % 3 == 0;
            (void)reckon(&steps, &world, charges, known, now);
            now += (int64_t)(next(&seed) % (9 * (uint64_t)OFT_NS_PER_DAY));
        }
        (void)reckon(&steps, &world, charges, CHARGES, now);
        assert_int_equal(reckon(&steps, &world, charges, CHARGES, now), 0);
        (void)reckon(&once, &world, charges, CHARGES, now);
        size_t count = sorted(&once);
        assert_int_equal(sorted(&steps), count);
        for (size_t i = 0; i < count; i++) {
            assert_memory_equal(&steps.rows[i], &once.rows[i], sizeof(once.rows[i]));
        }
        assert_true(steps.debits == once.debits && steps.debits + steps.credits == 0);
        for (int32_t month = oft_month_of(at("2026-03-01")); month <= oft_month_of(now); month++) {
            for (size_t i = 0; i < OFT_COUNT_OF(clauses); i++) {
                oft_nanos expected;
                slow_reading(charges, world.deal, now, clauses[i], month, &expected);
                assert_true(money_of(&once, clauses[i], month) == expected);
            }
        }
    }
    world_close(&world);
}

/* ---- beside usage ------------------------------------------------------------------------------ */

static void use_and_hours_of_one_commitment_add_up(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-04-01", "", 1);
    struct meter_record record = record_of("2026-04-02T00:00:00Z", "chat", "east", 1000, 100);
    (void)state;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2026-04-01T10:00:00Z"));
    book_add(book, &world, &record, 1);
    (void)reckon(book, &world, &charge, 1, at("2026-04-01T20:00:00Z"));
    book_add(book, &world, &record, 1);
    assert_int_equal(reckon(book, &world, &charge, 1, at("2026-04-01T20:00:00Z")), 0);
    /* 20 hours at 2.10, and twice 1000 * 2.50 + 100 * 10.00 millionths. */
    assert_nanos(book_amount(book, LEDGER_COMMITMENT, "bc.chatty"), "42007000000");
    assert_nanos(book_amount(book, LEDGER_COST, "cluster"), "42000000000");
    assert_nanos(book_amount(book, LEDGER_COST, "east"), "7000000");
    world_close(&world);
}

static void contains(const struct book *book, const struct world *world, enum ledger_format format,
                     const char *const *texts, size_t count)
{
    struct ledger_statement_input input = {
        .deal = world->deal,
        .party = "bigcloud",
        .month = oft_month_of(at("2026-04-01")),
        .rows = book->rows,
        .row_count = book->row_count,
        .commitment_rows = book->rows,
        .commitment_row_count = book->row_count,
        .as_of = at("2026-05-01"),
    };
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(ledger_statement(&input, format, &out, &error), OFT_OK);
    for (size_t i = 0; i < count; i++) {
        if (strstr(oft_buffer_text(&out), texts[i]) == NULL) {
            fail_msg("not there: %s\n%s", texts[i], oft_buffer_text(&out));
        }
    }
    oft_buffer_release(&out);
}

static void a_statement_has_a_line_for_the_hours_of_a_month(void **state)
{
    static const char *const text[] = {
        ("  cluster (order-1.price)\n"
         "  99578090 gpu-hour           368,640 x       2.10                    774,144.00\n"),
        "  order-2 (order-2.price)\n  7e67a438 MW-hour              1,440 x     900.00 ",
        "NET: lab to bigcloud                                                2,070,144.00\n",
        "counted so far (207.0144%)"};
    static const char *const json[] = {
        "\"pool\":\"cluster\",\"party\":\"bigcloud\",\"model\":\"\",\"unit\":\"gpu-hour\","
        "\"clause\":\"order-1.price\",\"quantity\":\"368640\",\"price_per_million\":\"2100000."
        "00\""};
    static const char *const csv[] = {
        "capacity,order-1.price,,bigcloud,,cluster,,gpu-hour,368640,2100000.00,,,774144.00,"
        "774144000000000,,,,99578090"};
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charges[2] = {charge_of("2026-04-01", "", 512),
                                       charge_of("2026-04-01", "", 2)};
    (void)state;
    charges[1].clause = "order-2.price";
    charges[1].pool = "order-2"; /* it became no pool */
    charges[1].unit = LEDGER_MW_HOUR;
    charges[1].rate = 900 * OFT_NANOS_PER_UNIT;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, charges, 2, at("2026-05-01"));
    contains(book, &world, LEDGER_TEXT, text, OFT_COUNT_OF(text));
    contains(book, &world, LEDGER_JSON, json, OFT_COUNT_OF(json));
    contains(book, &world, LEDGER_CSV, csv, OFT_COUNT_OF(csv));
    world_close(&world);
}

/* What BOOK says a month of CLAUSE costs. */
static oft_nanos cost_of(const struct book *book, const char *clause, const char *month)
{
    oft_nanos sum = 0;
    int32_t wanted = 0;
    assert_int_equal(oft_month_parse(oft_str_from(month), &wanted), OFT_OK);
    for (size_t i = 0; i < book->row_count; i++) {
        const struct ledger_row *row = &book->rows[i];
        if (row->key.kind == LEDGER_COST && row->key.month == wanted &&
            strcmp(row->key.clause, clause) == 0) {
            sum += row->totals.amount_nanos;
        }
    }
    return sum;
}

static void a_month_costs_its_price_and_a_part_of_it_its_part(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-01-11", "2026-04-01", 3);
    (void)state;
    charge.unit = LEDGER_MW_OF_MONTH;
    charge.rate = 1000 * OFT_NANOS_PER_UNIT;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2026-03-01T01:00:00Z"));
    /* 21 of 31 days of January, all of February, one hour of 744 of March; 3 MW each. */
    assert_true(cost_of(book, "order-1.price", "2026-01") ==
                INT64_C(2032258064516)); /* ...516.129 */
    assert_true(cost_of(book, "order-1.price", "2026-02") == 3000 * OFT_NANOS_PER_UNIT);
    assert_true(cost_of(book, "order-1.price", "2026-03") == INT64_C(4032258065)); /* ...064.516 */
    (void)reckon(book, &world, &charge, 1, at("2030-01-01"));
    assert_true(cost_of(book, "order-1.price", "2026-03") == 3000 * OFT_NANOS_PER_UNIT);
    assert_true(cost_of(book, "order-1.price", "2026-04") == 0);
    world_close(&world);
}

static void a_month_counts_to_a_commitment_what_it_costs(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-01-11", "2026-04-01", 3);
    (void)state;
    charge.unit = LEDGER_POOL_OF_MONTH;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2030-01-01"));
    assert_true(book_amount(book, LEDGER_COMMITMENT, "bc.commit") ==
                cost_of(book, "order-1.price", "2026-01") +
                    cost_of(book, "order-1.price", "2026-02") +
                    cost_of(book, "order-1.price", "2026-03"));
    world_close(&world);
}

static void what_only_the_deal_says_may_come_to_less(void **state)
{
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-03-01", "2026-05-01", 1);
    (void)state;
    charge.unit = LEDGER_POOL_OF_MONTH;
    charge.by_deal = true;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2026-06-01"));
    assert_true(cost_of(book, "order-1.price", "2026-04") == THE_PRICE);
    charge.until = at("2026-04-16");
    (void)reckon(book, &world, &charge, 1, at("2026-06-01"));
    assert_true(cost_of(book, "order-1.price", "2026-04") == THE_PRICE / 2);
    world_close(&world);
}

static void a_price_for_a_month_is_printed_with_the_hours_that_it_is_for(void **state)
{
    static const char *const text[] = {"gpu-hour/mo", "2,160 x       2.10 / 720 h", "6.30"};
    static const char *const json[] = {"\"unit\":\"gpu-hour/mo\"", "\"quantity\":\"2160\""};
    struct world world;
    struct book *book = new_book();
    struct ledger_charge charge = charge_of("2026-04-01", "2026-05-01", 3);
    (void)state;
    charge.unit = LEDGER_GPU_OF_MONTH;
    world_open(&world, WORLD_DEAL);
    (void)reckon(book, &world, &charge, 1, at("2026-05-01"));
    contains(book, &world, LEDGER_TEXT, text, OFT_COUNT_OF(text));
    contains(book, &world, LEDGER_JSON, json, OFT_COUNT_OF(json));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_split_at_the_ends_of_months),
        cmocka_unit_test(an_hour_is_owed_when_it_is_over),
        cmocka_unit_test(hours_count_to_the_commitments_of_their_first_instant),
        cmocka_unit_test(what_the_deal_no_longer_counts_is_taken_back_and_no_cost_is),
        cmocka_unit_test(hours_that_weigh_otherwise_now_do_not_count_twice),
        cmocka_unit_test(fewer_hours_than_the_books_hold_are_a_conflict),
        cmocka_unit_test(what_cannot_be_reckoned_is_refused),
        cmocka_unit_test(any_steps_give_the_books_of_one),
        cmocka_unit_test(use_and_hours_of_one_commitment_add_up),
        cmocka_unit_test(a_month_costs_its_price_and_a_part_of_it_its_part),
        cmocka_unit_test(a_month_counts_to_a_commitment_what_it_costs),
        cmocka_unit_test(what_only_the_deal_says_may_come_to_less),
        cmocka_unit_test(a_price_for_a_month_is_printed_with_the_hours_that_it_is_for),
        cmocka_unit_test(a_statement_has_a_line_for_the_hours_of_a_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
