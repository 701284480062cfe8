/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines and records: what single records did adds up to what batches booked, whatever the records and
 * however they were cut into batches; ids of lines; names of accounts for other programs.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/export.h"
#include "ledger/internal.h"
#include "ledger/trace.h"

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static struct meter_record random_record(uint64_t *seed)
{
    static const char *const instants[] = {"2026-02-27T23:00:00Z", "2026-02-28T23:59:59.999Z",
                                           "2026-03-01",           "2026-04-14T23:59:59Z",
                                           "2026-04-15",           "2026-05-01"};
    static const char *const products[] = {"api", "chat", "copilot", "?"};
    static const char *const pools[] = {"east", "metal", "nowhere"};
    static const char *const models[] = {"gpt-4o", "small", "unknown"};
    struct meter_record record =
        record_of(instants[next(seed) % 6], products[next(seed) % 4], pools[next(seed) % 3],
                  next(seed) % 9999, next(seed) % 777);
    record.model_id = oft_id_of(OFT_ID_MODEL, oft_str_from(models[next(seed) % 3]));
    record.account_id =
        oft_id_of(OFT_ID_ACCOUNT, oft_str_from(next(seed) % 2 == 0 ? "acme" : "globex"));
    for (size_t i = 0; i < METER_UNITS; i++) {
        record.units[i] += next(seed) % 3 == 0 ? next(seed) % 50 : 0;
    }
    record.status = next(seed) % 10 == 0 ? 502 : 200;
    record.flags = next(seed) % 10 == 0 ? METER_FLAG_ESTIMATED : 0;
    return record;
}

static void trace_row(const struct world *world, const struct meter_record *records, size_t count,
                      const struct ledger_row *row)
{
    struct ledger_tracer *tracer = NULL;
    struct ledger_traced traced = {0};
    oft_nanos exact = 0;
    oft_nanos quantity = 0;
    uint64_t touching = 0;
    assert_int_equal(ledger_tracer_new(&row->key, &tracer), OFT_OK);
    for (size_t i = 0; i < count; i++) {
        struct ledger_parts parts;
        bool touches = false;
        assert_int_equal(ledger_tracer_add(tracer, world->context, &records[i], &touches), OFT_OK);
        touching += touches ? 1 : 0;
        assert_int_equal(ledger_parts_of(world->context, &records[i], &parts), OFT_OK);
        for (size_t p = 0; p < parts.count; p++) {
            if (ledger_line_takes(&row->key, &parts.items[p].key)) {
                assert_true(touches);
                exact += parts.items[p].exact;
                quantity += parts.items[p].quantity;
            }
        }
        ledger_parts_release(&parts);
        if (i % 37 == 0) { /* as when there is no place for one more policy */
            assert_int_equal(ledger_tracer_sum(tracer, &traced), OFT_OK);
        }
    }
    assert_int_equal(ledger_tracer_sum(tracer, &traced), OFT_OK);
    assert_true(traced.exact == exact);
    assert_true(traced.quantity == quantity);
    assert_true(traced.records == touching);
    if (!ledger_line_adds_up(row, &traced)) {
        fail_msg("kind %d of %s %s does not add up", (int)row->key.kind, row->key.clause,
                 row->key.product);
    }
    oft_nanos drawn = 0;
    for (size_t i = 0; i < traced.drawn_count; i++) {
        drawn += traced.drawn[i].exact;
    }
    if (row->key.kind == LEDGER_SHARE || row->key.kind == LEDGER_COMMITMENT) {
        assert_true(drawn == exact); /* it was counted from those lines and from nothing else */
    }
    ledger_tracer_free(tracer);
}

static void every_line_is_the_sum_of_its_records_rated_again(void **state)
{
    enum { RECORDS = 400 };
    struct meter_record *records = calloc(RECORDS, sizeof(*records));
    uint64_t seed = UINT64_C(0x7ace);
    struct world world;
    (void)state;
    assert_non_null(records);
    world_open(&world, WORLD_DEAL);
    for (int round = 0; round < 12; round++) {
        struct book *book = calloc(1, sizeof(*book));
        assert_non_null(book);
        size_t count = 1 + next(&seed) % RECORDS;
        for (size_t i = 0; i < count; i++) {
            records[i] = random_record(&seed);
        }
        for (size_t done = 0; done < count;) {
            size_t some = 1 + next(&seed) % 60;
            some = some < count - done ? some : count - done;
            book_add(book, &world, records + done, some);
            done += some;
        }
        for (size_t i = 0; i < book->row_count; i++) {
            trace_row(&world, records, count, &book->rows[i]);
        }
        free(book);
    }
    world_close(&world);
    free(records);
}

static void a_record_too_many_or_too_few_does_not_add_up(void **state)
{
    struct book *book = calloc(1, sizeof(*book));
    struct world world;
    struct meter_record records[3];
    (void)state;
    assert_non_null(book);
    world_open(&world, WORLD_DEAL);
    for (size_t i = 0; i < 3; i++) {
        records[i] = record_of("2026-04-01", "api", "east", 10 + i, 1);
    }
    book_add(book, &world, records, 2);
    for (size_t i = 0; i < book->row_count; i++) {
        for (size_t count = 1; count <= 3; count++) {
            struct ledger_tracer *tracer = NULL;
            struct ledger_traced traced;
            bool touches;
            assert_int_equal(ledger_tracer_new(&book->rows[i].key, &tracer), OFT_OK);
            for (size_t r = 0; r < count; r++) {
                assert_int_equal(ledger_tracer_add(tracer, world.context, &records[r], &touches),
                                 OFT_OK);
            }
            assert_int_equal(ledger_tracer_sum(tracer, &traced), OFT_OK);
            assert_int_equal(ledger_line_adds_up(&book->rows[i], &traced), count == 2);
            ledger_tracer_free(tracer);
        }
    }
    world_close(&world);
    free(book);
}

static void a_lines_id_is_of_every_part_of_its_key(void **state)
{
    struct ledger_series_key keys[12];
    char ids[12][LEDGER_LINE_ID_BYTES];
    struct ledger_series_key key = {.kind = LEDGER_SALE, .month = 24315, .rate = 5, .account = "a"};
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        keys[i] = key;
    }
    keys[1].kind = LEDGER_COST;
    keys[2].month++;
    keys[3].unit = 1;
    keys[4].outcome = 1;
    keys[5].rate = -5;
    keys[6].account[0] = 'b';
    keys[7].product[0] = 'a';
    keys[8].model[0] = 'a';
    keys[9].pool[0] = 'a';
    keys[10].party[0] = 'a';
    keys[11].clause[0] = 'a';
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(ledger_line_id(&keys[i], ids[i]), OFT_OK);
        assert_int_equal(strlen(ids[i]), 16);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
    /* It stays: statements that were sent name it. */
    assert_string_equal(ids[0], "aad33df7837dbed4");
}

static void a_decimal_has_all_its_places(void **state)
{
    static const struct {
        int64_t value;
        unsigned scale;
        const char *text;
    } cases[] = {{0, 9, "0.000000000"},          {1, 9, "0.000000001"},  {-1, 9, "-0.000000001"},
                 {1000000000, 9, "1.000000000"}, {-12345, 3, "-12.345"}, {7, 0, "7"}};
    char text[LEDGER_DECIMAL_BYTES];
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        assert_string_equal(ledger_decimal(cases[i].value, cases[i].scale, text), cases[i].text);
    }
    assert_string_equal(ledger_decimal(OFT_NANOS_MIN, 9, text),
                        "-170141183460469231731687303715.884105728");
}

/* ---- names of accounts ------------------------------------------------------------------------- */

static void both_ways(const char *account, const char *expected)
{
    struct oft_buffer name, back;
    oft_buffer_init(&name, 4096);
    oft_buffer_init(&back, 4096);
    ledger_account_name(account, &name);
    if (expected != NULL) {
        assert_string_equal(oft_buffer_text(&name), expected);
    }
    assert_int_equal(ledger_account_of(oft_buffer_text(&name), &back), OFT_OK);
    assert_string_equal(oft_buffer_text(&back), account);
    /* What Beancount takes: a root, then parts of a capital or a digit, letters, digits and hyphens. */
    const char *colon = strchr(oft_buffer_text(&name), ':');
    for (const char *c = colon; c != NULL && *c != '\0'; c++) {
        bool starts = *c != ':' && c[-1] == ':';
        bool capital = (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        bool letter = capital || (*c >= 'a' && *c <= 'z') || *c == '-';
        assert_true(*c == ':' ? c[1] != '\0' && c[1] != ':' : starts ? capital : letter);
    }
    oft_buffer_release(&name);
    oft_buffer_release(&back);
}

static void an_accounts_name_goes_out_and_comes_back(void **state)
{
    static const char alphabet[] = "abxzAXZ019-_.?@:/ \xc3\xa9";
    uint64_t seed = 5;
    (void)state;
    both_ways("receivable/acme", "Assets:Receivable:Acme");
    both_ways("receivable-party/bigcloud", "Assets:Receivable-party:Bigcloud");
    both_ways("payable/oracle", "Liabilities:Payable:Oracle");
    both_ways("revenue/api", "Income:Revenue:Api");
    both_ways("share-income/ms-2025.share", "Income:Share-income:Ms-2025X2Eshare");
    both_ways("cost/4east", "Expenses:Cost:4east");
    both_ways("memo/share-contra/xai.x", "Equity:Memo:Share-contra:X78aiX2Ex");
    both_ways("funding-expense/a", "Expenses:Funding-expense:A");
    for (int round = 0; round < 20000; round++) {
        char account[24] = "memo/";
        size_t length = 5;
        size_t wanted = 6 + next(&seed) % 12;
        while (length < wanted) {
            account[length++] = alphabet[next(&seed) % (sizeof(alphabet) - 1)];
        }
        account[length] = '\0';
        both_ways(account, NULL);
    }
}

static void a_name_that_we_never_write_is_none_of_ours(void **state)
{
    static const char *const names[] = {"",
                                        "Assets",
                                        "Assets:",
                                        "Assets:a",
                                        "Assets:Receivable:acme",
                                        "Income:Receivable:Acme",
                                        "Assets:Receivable:AcmeX2",
                                        "Assets:Receivable:AcmeX2e",
                                        "Assets:Receivable:AcmeX61",
                                        "Assets::Acme"};
    struct oft_buffer back;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        oft_buffer_init(&back, 4096);
        assert_int_equal(ledger_account_of(names[i], &back), OFT_ERR_SYNTAX);
        oft_buffer_release(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_the_sum_of_its_records_rated_again),
        cmocka_unit_test(a_record_too_many_or_too_few_does_not_add_up),
        cmocka_unit_test(a_lines_id_is_of_every_part_of_its_key),
        cmocka_unit_test(a_decimal_has_all_its_places),
        cmocka_unit_test(an_accounts_name_goes_out_and_comes_back),
        cmocka_unit_test(a_name_that_we_never_write_is_none_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
