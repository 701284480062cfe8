/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements against golden files (`OFFTAKE_GOLDEN_WRITE=1` rewrites them), and what holds for any
 * statement: 80 columns, the same bytes twice, sums that are their lines, names that cannot become
 * formulas or control sequences.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world world;
static struct book book;

static int set_up(void **state)
{
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, WORLD_DEAL);
    struct meter_record records[] = {
        record_of("2026-04-10T00:00:00Z", "api", "east", 22361870, 4088665),
        record_of("2026-04-10T00:00:00Z", "chat", "east", 1001, 77),
        record_of("2026-04-10T00:00:00Z", "chat", "metal", 5000, 600),
        record_of("2026-04-10T00:00:00Z", "copilot", "east", 123, 45),
        record_of("2026-04-11T00:00:00Z", "api", "east", 10, 0),
        record_of("2026-05-11T00:00:00Z", "api", "east", 10, 0),
    };
    records[3].model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("gpt-4o"));
    records[4].flags = METER_FLAG_UNSETTLED;
    records[4].status = 0;
    records[1].flags = METER_FLAG_ESTIMATED;
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static enum oft_err make(const char *party, enum ledger_format format, struct oft_buffer *out,
                         struct oft_error *error)
{
    struct ledger_statement_input input = {
        .deal = world.deal,
        .party = party,
        .month = 2026 * 12 + 3,
        .rows = book.rows,
        .row_count = book.row_count,
        .commitment_rows = book.rows,
        .commitment_row_count = book.row_count,
        .as_of = at("2026-05-12T00:00:00Z"),
        .transaction_number = 7,
        .journal_sha256 = {0xab, 0xcd},
        .rehearsal = true,
    };
    return ledger_statement(&input, format, out, error);
}

static void compare_golden(const char *name, const char *text)
{
    char path[1024];
    static char golden[1 << 20];
    (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIRECTORY, name);
    if (getenv("OFFTAKE_GOLDEN_WRITE") != NULL) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(golden, 1, sizeof(golden) - 1, file);
    golden[length] = '\0';
    (void)fclose(file);
    assert_string_equal(text, golden);
}

static void check_golden(const char *party, enum ledger_format format, const char *name)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(make(party, format, &out, &error), OFT_OK);
    compare_golden(name, oft_buffer_text(&out));
    oft_buffer_release(&out);
}

static void statements_are_the_golden_ones_in_every_form(void **state)
{
    (void)state;
    check_golden("bigcloud", LEDGER_TEXT, "bigcloud.txt");
    check_golden("bigcloud", LEDGER_JSON, "bigcloud.json");
    check_golden("bigcloud", LEDGER_CSV, "bigcloud.csv");
    check_golden("other", LEDGER_TEXT, "other.txt");
    check_golden("acme", LEDGER_TEXT, "acme.txt");
    check_golden("lab", LEDGER_TEXT, "lab.txt");
}

static void commitments_and_usage_are_the_golden_ones(void **state)
{
    static const char *const ends[] = {"txt", "json", "csv"};
    struct oft_arena arena;
    struct ledger_commitment_status *status;
    size_t count;
    struct oft_buffer out;
    char name[64];
    oft_instant now = at("2026-04-16T00:00:00Z");
    (void)state;
    oft_arena_init(&arena, 1 << 20);
    assert_int_equal(ledger_commitments(world.deal, (struct deal_attestations){NULL, 0}, book.rows,
                                        book.row_count, now, &arena, &status, &count),
                     OFT_OK);
    assert_int_equal(count, 2);
    for (int format = LEDGER_TEXT; format <= LEDGER_CSV; format++) {
        oft_buffer_init(&out, 1 << 20);
        assert_int_equal(ledger_commitments_print(world.deal, status, count, now,
                                                  (enum ledger_format)format, &out),
                         OFT_OK);
        (void)snprintf(name, sizeof(name), "commitments.%s", ends[format]);
        compare_golden(name, oft_buffer_text(&out));
        oft_buffer_clear(&out);
        assert_int_equal(
            ledger_usage_print(book.rows, book.row_count, (enum ledger_format)format, &out),
            OFT_OK);
        (void)snprintf(name, sizeof(name), "usage.%s", ends[format]);
        compare_golden(name, oft_buffer_text(&out));
        oft_buffer_release(&out);
    }
    /* Half of April is over: half of what that month promised is due. */
    assert_nanos(status[1].line_nanos, "500000000000000");
    assert_true(status[1].active && status[1].behind);
    oft_arena_release(&arena);
}

static void no_line_of_text_passes_80_columns(void **state)
{
    static const char *const parties[] = {"bigcloud", "other", "acme", "lab", "globex"};
    (void)state;
    book.rows[0].totals.amount_nanos = (oft_nanos)1 << 100;
    book.rows[0].totals.quantity = (oft_nanos)1 << 60;
    for (size_t i = 0; i < OFT_COUNT_OF(parties); i++) {
        struct oft_buffer out;
        struct oft_error error = {0};
        oft_buffer_init(&out, 1 << 20);
        assert_int_equal(make(parties[i], LEDGER_TEXT, &out, &error), OFT_OK);
        const char *line = oft_buffer_text(&out);
        for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            assert_true(end - line <= 80);
        }
        oft_buffer_release(&out);
    }
}

static void rows_in_any_order_give_the_same_bytes(void **state)
{
    struct oft_buffer first;
    struct oft_buffer second;
    struct oft_error error = {0};
    (void)state;
    oft_buffer_init(&first, 1 << 20);
    oft_buffer_init(&second, 1 << 20);
    assert_int_equal(make("bigcloud", LEDGER_JSON, &first, &error), OFT_OK);
    for (size_t i = 0; i < book.row_count / 2; i++) {
        struct ledger_row swap = book.rows[i];
        book.rows[i] = book.rows[book.row_count - 1 - i];
        book.rows[book.row_count - 1 - i] = swap;
    }
    assert_int_equal(make("bigcloud", LEDGER_JSON, &second, &error), OFT_OK);
    assert_string_equal(oft_buffer_text(&first), oft_buffer_text(&second));
    oft_buffer_release(&first);
    oft_buffer_release(&second);
}

static void an_unknown_name_is_said_to_be_unknown(void **state)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(make("nobody", LEDGER_TEXT, &out, &error), OFT_ERR_NOT_FOUND);
    assert_non_null(strstr(error.message, "nobody"));
    assert_int_equal(make("", LEDGER_TEXT, &out, &error), OFT_ERR_NOT_FOUND);
    oft_buffer_release(&out);
}

static void a_name_cannot_become_a_formula_or_a_control_sequence(void **state)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    (void)state;
    for (size_t i = 0; i < book.row_count; i++) {
        if (book.rows[i].key.kind == LEDGER_COST) {
            (void)snprintf(book.rows[i].key.model, sizeof(book.rows[i].key.model),
                           "=cmd|\"x\",\033[2J\n");
        }
    }
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(make("bigcloud", LEDGER_CSV, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), ",\"'=cmd|\"\"x\"\","));
    oft_buffer_clear(&out);
    assert_int_equal(make("bigcloud", LEDGER_TEXT, &out, &error), OFT_OK);
    assert_null(strchr(oft_buffer_text(&out), '\033'));
    oft_buffer_clear(&out);
    assert_int_equal(make("bigcloud", LEDGER_JSON, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "=cmd|\\\"x\\\",\\u001b[2J\\u000a"));
    oft_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STATEMENT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        STATEMENT(statements_are_the_golden_ones_in_every_form),
        STATEMENT(commitments_and_usage_are_the_golden_ones),
        STATEMENT(no_line_of_text_passes_80_columns),
        STATEMENT(rows_in_any_order_give_the_same_bytes),
        STATEMENT(an_unknown_name_is_said_to_be_unknown),
        STATEMENT(a_name_cannot_become_a_formula_or_a_control_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
