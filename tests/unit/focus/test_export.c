/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is exported breaks no rule of its dataset, adds up to the books, and shows what was not used.
 */
#include "../ledger/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "focus/focus.h"

static struct world world;
static struct book book;
static struct oft_arena arena;

#define MONTH (2026 * 12 + 3)

/* A purchase of 100 hours on POOL at a price with more decimals than money has. */
static void add_capacity(const char *pool, const char *clause)
{
    struct ledger_row *row = &book.rows[book.row_count++];
    memset(row, 0, sizeof(*row));
    row->key = (struct ledger_series_key){
        .kind = LEDGER_COST, .month = MONTH, .unit = LEDGER_GPU_HOUR, .rate = 2123456789123457};
    (void)snprintf(row->key.pool, sizeof(row->key.pool), "%s", pool);
    (void)snprintf(row->key.party, sizeof(row->key.party), "other");
    (void)snprintf(row->key.clause, sizeof(row->key.clause), "%s", clause);
    row->totals.quantity = 100;
    row->totals.amount_nanos = 212345678912; /* 100 hours at 2.123... */
}

/* What is due of the commitment that ends with April. */
static void add_due(enum ledger_due due, oft_nanos amount)
{
    struct ledger_row *row = &book.rows[book.row_count++];
    memset(row, 0, sizeof(*row));
    row->key = (struct ledger_series_key){.kind = LEDGER_SHORTFALL, .month = MONTH, .outcome = due};
    (void)snprintf(row->key.party, sizeof(row->key.party), "bigcloud");
    (void)snprintf(row->key.clause, sizeof(row->key.clause), "bc.chatty");
    row->totals.quantity = amount;
    row->totals.amount_nanos = amount;
}

static int set_up(void **state)
{
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, WORLD_DEAL);
    oft_arena_init(&arena, 64 << 20);
    struct meter_record records[] = {
        record_of("2026-04-10T00:00:00Z", "api", "east", 22361870, 4088665),
        record_of("2026-04-10T00:00:00Z", "chat", "east", 1001, 77),
        record_of("2026-04-10T00:00:00Z", "chat", "metal", 5000, 600),
        record_of("2026-05-11T00:00:00Z", "api", "east", 10, 0),
    };
    records[1].flags = METER_FLAG_ESTIMATED;
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    add_capacity("metal", "order-1.price");
    add_capacity("order-2", "order-2.price");
    add_due(LEDGER_DUE_CASH, 600000000001);
    add_due(LEDGER_DUE_CREDIT, 400000000000);
    add_due(LEDGER_DUE_DRAWN, -150000000000);
    add_due(LEDGER_DUE_OVERAGE, 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oft_arena_release(&arena);
    world_close(&world);
    return 0;
}

static void make(enum focus_dataset dataset, focus_version version, struct oft_buffer *out)
{
    struct focus_input input = {
        .deal = world.deal,
        .month = MONTH,
        .rows = book.rows,
        .row_count = book.row_count,
        .commitment_rows = book.rows,
        .commitment_row_count = book.row_count,
        .as_of = at("2026-05-12T00:00:00.5Z"),
        .transaction_number = 7,
        .journal_sha256 = {0xab, 0xcd},
        .rehearsal = true,
    };
    struct oft_error error = {0};
    oft_buffer_init(out, 1 << 22);
    if (focus_export(&input, dataset, version, out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static struct focus_table table_of(enum focus_dataset dataset, focus_version version)
{
    struct oft_buffer out;
    struct focus_table table;
    struct oft_error error = {0};
    make(dataset, version, &out);
    assert_int_equal(focus_table_csv(oft_str_from(oft_buffer_text(&out)), &arena, &table, &error),
                     OFT_OK);
    oft_buffer_release(&out);
    return table;
}

static void every_export_keeps_the_rules_of_its_version(void **state)
{
    static const struct {
        enum focus_dataset dataset;
        focus_version version;
        size_t rows;
    } cases[] = {{FOCUS_COST_AND_USAGE, 12, 3},
                 {FOCUS_COST_AND_USAGE, 14, 3},
                 {FOCUS_CONTRACT_COMMITMENT, 13, 2},
                 {FOCUS_CONTRACT_COMMITMENT, 14, 2}};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct focus_check_input input = {
            .dataset = cases[i].dataset,
            .version = cases[i].version,
            .table = table_of(cases[i].dataset, cases[i].version),
        };
        struct focus_findings findings;
        struct oft_error error = {0};
        assert_int_equal(focus_check(&input, &arena, &findings, &error), OFT_OK);
        if (findings.count > 0) {
            fail_msg("1.%u: %s %s: %s", cases[i].version - 10, findings.items[0].column,
                     findings.items[0].rule, findings.items[0].message);
        }
        assert_true(input.table.row_count >= cases[i].rows);
    }
}

static struct focus_decimal sum_where(const struct focus_table *table, const char *column,
                                      const char *name, const char *value)
{
    struct focus_decimal sum = {0, 0};
    for (size_t row = 0; row < table->row_count; row++) {
        const char *text = focus_table_cell(table, row, column);
        const char *where = focus_table_cell(table, row, name);
        struct focus_decimal number;
        if (text == NULL || where == NULL || (value != NULL && strcmp(where, value) != 0)) {
            continue;
        }
        assert_int_equal(focus_decimal_parse(oft_str_from(text), &number), OFT_OK);
        assert_int_equal(focus_decimal_add(sum, number, &sum), OFT_OK);
    }
    return sum;
}

static void billed_costs_add_up_to_the_costs_of_the_books(void **state)
{
    struct focus_table table = table_of(FOCUS_COST_AND_USAGE, 14);
    oft_nanos booked = 0;
    oft_nanos kept = 0; /* paid for use that is not there yet, or was paid for before */
    int order = 1;
    (void)state;
    for (size_t i = 0; i < book.row_count; i++) {
        const struct ledger_series_key *key = &book.rows[i].key;
        bool share = key->kind == LEDGER_SHARE && key->product[0] == '\0';
        if (key->month != MONTH) {
            continue;
        }
        bool due = key->kind == LEDGER_SHORTFALL;
        if (due && (key->outcome == LEDGER_DUE_CREDIT || key->outcome == LEDGER_DUE_DRAWN)) {
            kept += book.rows[i].totals.amount_nanos;
        }
        if (due || key->kind == LEDGER_COST || (share && key->outcome == LEDGER_PAID)) {
            booked += book.rows[i].totals.amount_nanos;
        } else if (share && key->outcome == LEDGER_RECEIVED) {
            booked -= book.rows[i].totals.amount_nanos;
        }
    }
    assert_int_equal(focus_decimal_compare(sum_where(&table, "BilledCost", "BillingCurrency", NULL),
                                           (struct focus_decimal){booked, 9}, &order),
                     OFT_OK);
    assert_int_equal(order, 0);
    assert_int_equal(
        focus_decimal_compare(sum_where(&table, "EffectiveCost", "BillingCurrency", NULL),
                              (struct focus_decimal){booked - kept, 9}, &order),
        OFT_OK);
    assert_int_equal(order, 0);
}

static void assert_decimal(struct focus_decimal actual, const char *expected)
{
    char digits[FOCUS_DECIMAL_TEXT_BYTES];
    assert_string_equal(focus_decimal_format(actual, digits), expected);
}

static void what_is_due_of_a_commitment_is_billed(void **state)
{
    struct focus_table table = table_of(FOCUS_COST_AND_USAGE, 14);
    (void)state;
    assert_decimal(sum_where(&table, "BilledCost", "ServiceName", "Commitment to spend"),
                   "850.000000008");
    assert_decimal(sum_where(&table, "EffectiveCost", "ServiceName", "Commitment to spend"),
                   "600.000000008");
    assert_decimal(sum_where(&table, "BilledCost", "ChargeDescription",
                             "Commitment bc.chatty: use that such a credit paid for"),
                   "-150");
}

static void capacity_that_nobody_used_is_a_row(void **state)
{
    struct focus_table table = table_of(FOCUS_COST_AND_USAGE, 12);
    (void)state;
    const char *id = "order-2/order-2.price";
    assert_decimal(sum_where(&table, "BilledCost", "CommitmentDiscountId", id), "212.345678912");
    assert_decimal(sum_where(&table, "EffectiveCost", "CommitmentDiscountId", id), "212.345678912");
    assert_decimal(sum_where(&table, "EffectiveCost", "ChargeCategory", "Purchase"), "0");
    bool found = false;
    for (size_t row = 0; row < table.row_count; row++) {
        const char *name = focus_table_cell(&table, row, "CommitmentDiscountId");
        const char *status = focus_table_cell(&table, row, "CommitmentDiscountStatus");
        if (name == NULL || status == NULL || strcmp(name, id) != 0) {
            continue;
        }
        found = true;
        assert_string_equal(status, "Unused");
        assert_string_equal(focus_table_cell(&table, row, "CommitmentDiscountQuantity"), "100");
        assert_null(focus_table_cell(&table, row, "ConsumedQuantity"));
    }
    assert_true(found);
}

/* The deal of the world with a limit on "metal": what ran over it is a part of what it can carry. */
static void what_a_limit_leaves_room_for_was_not_used(void **state)
{
    static char text[8192];
    const char *limited = strstr(WORLD_DEAL, "reserved\n");
    (void)state;
    assert_non_null(limited);
    (void)snprintf(text, sizeof(text), "%.*sreserved;  limit 10 tokens per minute\n%s",
                   (int)(limited - WORLD_DEAL), WORLD_DEAL, limited + strlen("reserved\n"));
    world_close(&world);
    world_open(&world, text);
    struct focus_table table = table_of(FOCUS_COST_AND_USAGE, 14);
    const char *id = "metal/order-1.price";
    assert_decimal(sum_where(&table, "BilledCost", "CommitmentDiscountId", id), "212.345678912");
    assert_decimal(sum_where(&table, "EffectiveCost", "CommitmentDiscountId", id), "212.345678912");
    /* 5,600 tokens of 10 a minute over 30 days: 100 hours * 5600 / 432000. */
    for (size_t row = 0; row < table.row_count; row++) {
        const char *name = focus_table_cell(&table, row, "CommitmentDiscountId");
        const char *status = focus_table_cell(&table, row, "CommitmentDiscountStatus");
        if (name != NULL && status != NULL && strcmp(name, id) == 0) {
            bool used = strcmp(status, "Used") == 0;
            assert_string_equal(focus_table_cell(&table, row, "CommitmentDiscountQuantity"),
                                used ? "1.296296" : "98.703704");
            assert_string_equal(focus_table_cell(&table, row, "EffectiveCost"),
                                used ? "2.752628542" : "209.59305037");
        }
    }
}

/* "chatty" ends with April: what was not counted towards it is a row of April. */
static void a_commitment_that_ends_shows_what_is_left_of_it(void **state)
{
    struct focus_table table = table_of(FOCUS_COST_AND_USAGE, 14);
    (void)state;
    assert_decimal(
        sum_where(&table, "CommitmentDiscountQuantity", "CommitmentDiscountId", "bc.chatty"),
        "1000000");
    struct focus_table terms = table_of(FOCUS_CONTRACT_COMMITMENT, 14);
    assert_decimal(sum_where(&terms, "ContractCommitmentCost", "ContractCommitmentId", "bc.chatty"),
                   "1000000");
    for (size_t row = 0; row < terms.row_count; row++) {
        bool ends = strcmp(focus_table_cell(&terms, row, "ContractCommitmentId"), "bc.chatty") == 0;
        assert_string_equal(focus_table_cell(&terms, row, "ContractCommitmentLifecycleStatus"),
                            "Active");
        assert_string_equal(focus_table_cell(&terms, row, "ContractCommitmentDurationType"),
                            ends ? "1 Month" : "15 Years");
    }
}

/* OFFTAKE_GOLDEN_WRITE=1 rewrites the files. The public validator reads them too (tests/e2e). */
static void the_files_are_as_they_were(void **state)
{
    static const struct {
        enum focus_dataset dataset;
        focus_version version;
        const char *name;
    } cases[] = {{FOCUS_COST_AND_USAGE, 12, "cost-and-usage-1.2.csv"},
                 {FOCUS_COST_AND_USAGE, 14, "cost-and-usage-1.4.csv"},
                 {FOCUS_CONTRACT_COMMITMENT, 13, "contract-commitment-1.3.csv"},
                 {FOCUS_CONTRACT_COMMITMENT, 14, "contract-commitment-1.4.csv"}};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        static char golden[1 << 20];
        struct oft_buffer out;
        char path[512];
        bool rewrite = getenv("OFFTAKE_GOLDEN_WRITE") != NULL;
        make(cases[i].dataset, cases[i].version, &out);
        (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIRECTORY, cases[i].name);
        FILE *file = fopen(path, rewrite ? "w" : "r");
        assert_non_null(file);
        if (rewrite) {
            assert_true(fputs(oft_buffer_text(&out), file) >= 0);
        } else {
            golden[fread(golden, 1, sizeof(golden) - 1, file)] = '\0';
            assert_string_equal(oft_buffer_text(&out), golden);
        }
        (void)fclose(file);
        oft_buffer_release(&out);
    }
}

static void names_of_columns_follow_the_version(void **state)
{
    struct focus_table old = table_of(FOCUS_COST_AND_USAGE, 12);
    struct focus_table new = table_of(FOCUS_COST_AND_USAGE, 14);
    (void)state;
    assert_true(focus_table_column(&old, "ProviderName") != SIZE_MAX);
    assert_true(focus_table_column(&old, "HostProviderName") == SIZE_MAX);
    assert_true(focus_table_column(&new, "ProviderName") == SIZE_MAX);
    assert_true(focus_table_column(&new, "HostProviderName") != SIZE_MAX);
}

static void the_order_of_the_rows_does_not_matter(void **state)
{
    struct oft_buffer one;
    struct oft_buffer other;
    (void)state;
    make(FOCUS_COST_AND_USAGE, 14, &one);
    for (size_t i = 0; i < book.row_count / 2; i++) {
        struct ledger_row row = book.rows[i];
        book.rows[i] = book.rows[book.row_count - 1 - i];
        book.rows[book.row_count - 1 - i] = row;
    }
    make(FOCUS_COST_AND_USAGE, 14, &other);
    assert_string_equal(oft_buffer_text(&one), oft_buffer_text(&other));
    oft_buffer_release(&one);
    oft_buffer_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_export_keeps_the_rules_of_its_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(billed_costs_add_up_to_the_costs_of_the_books, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_due_of_a_commitment_is_billed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(capacity_that_nobody_used_is_a_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_limit_leaves_room_for_was_not_used, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_commitment_that_ends_shows_what_is_left_of_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_files_are_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_of_columns_follow_the_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_order_of_the_rows_does_not_matter, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
