/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivered capacity as deal text: what is filled in, what is left to the customer, and that an arrival
 * writes one pool and nothing else.
 */
#include "desk/pools.h"
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "deal/deal.h"

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

/* An order of 10 signed with "oracle", on the cloud of that name, at 2 dollars per gpu-hour. */
static void begin(struct play *play)
{
    play_begin(play);
    play_offer(play, play_need(play, 10), "oracle", 10, 2);
    assert_int_equal(play_sign_offer(play, 0, 10, (struct desk_terms){0}), OFT_OK);
}

static void deliver(struct play *play, const char *at, uint64_t quantity, const char *pool,
                    const char *lines)
{
    struct desk_event event = desk_event_of(DESK_DELIVERED, 0);
    play->at = instant(at);
    event.order = 0;
    event.quantity = quantity;
    event.text = lines;
    if (pool[0] != '\0') {
        event.name = desk_word(pool);
    }
    assert_int_equal(play_apply(play, &event), OFT_OK);
}

static const char *text_of(struct play *play)
{
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 16);
    assert_int_equal(desk_pools_text(play->state, &out), OFT_OK);
    const char *copy = oft_arena_copy(&play->arena, oft_str_from(oft_buffer_text(&out)));
    oft_buffer_release(&out);
    assert_non_null(copy);
    return copy;
}

static void without_a_pool_there_is_no_text(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play);
    assert_string_equal(text_of(&play), "");
    deliver(&play, "2026-03-01", 4, "", "");
    assert_string_equal(text_of(&play), "");
    play_end(&play);
}

static void an_arrival_becomes_a_pool_with_what_the_order_says(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play);
    deliver(&play, "2028-02-29T12:30:00.5Z", 4, "cluster", "");
    assert_string_equal(
        text_of(&play),
        "# orders.deal: written by offtake from what was delivered under the capacity desk's\n"
        "# orders. What is changed here is lost.\n"
        "\n# order-1: 4 of 10 gpu\n"
        "pool cluster on oracle {\n"
        "    region us\n"
        "    accelerator h100 count 4\n"
        "    reserved\n"
        "    available from 2028-02-29T12:30:00.5Z until 2029-02-28T12:30:00.5Z\n"
        "}\n");
    deliver(&play, "2028-03-01", 6, "rest", "");
    assert_non_null(strstr(text_of(&play), "pool rest on oracle {\n"));
    assert_non_null(strstr(text_of(&play), "    available from 2028-03-01 until 2029-03-01\n"));
    play_end(&play);
}

static void what_the_lines_say_is_not_said_twice(void **unused)
{
    (void)unused;
    static const struct {
        const char *lines;
        bool region, accelerator, reserved;
    } cases[] = {
        {"region us-east", true, false, false},
        {"reserved; region\tus-east # here", true, false, true},
        {"# region us\nserves m at http://h/v1 kind openai", false, false, false},
        {"serves m as \"region x\" at http://h/v1 kind openai\n  accelerator h200 count 3", false,
         true, false},
        {"serves m as \"a;\nregion us", true, false,
         false}, /* the checker will tell of the quote */
        {"regions us", false, false, false},
        {"limit 5 \\\nregion us", false, false, false},
        {"limit 5,\nregion us", false, false, false},
        {"limit 5\\\n;reserved", false, false, true},
        {"reserved", false, false, true},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct play play;
        begin(&play);
        deliver(&play, "2026-03-01", 4, "cluster", cases[i].lines);
        const char *text = text_of(&play);
        assert_int_equal(strstr(text, "    region us\n    ") == NULL, cases[i].region);
        assert_int_equal(strstr(text, "    accelerator h100 count 4\n") == NULL,
                         cases[i].accelerator);
        assert_int_equal(strstr(text, "    reserved\n    available") == NULL, cases[i].reserved);
        assert_non_null(strstr(text, cases[i].lines));
        play_end(&play);
    }
}

static void an_arrival_that_would_write_more_than_a_pool_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *pool, *lines, *says;
    } cases[] = {
        {"cluster", "}\nagreement x with oracle {", "hold a brace"},
        {"cluster", "region us # }", "hold a brace"},
        {"cluster on oracle {", "", "no name for a pool"},
        {"a b", "", "no name for a pool"},
        {"a\nb", "", "no name for a pool"},
        {"0123456789012345678901234567890123456789012345678901234567890123", "", "no name"},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct play play;
        struct oft_buffer out;
        struct oft_error error = {0};
        begin(&play);
        struct desk_arrival arrival = {.order = 0,
                                       .quantity = 1,
                                       .happened = instant("2026-03-01"),
                                       .pool = desk_word(cases[i].pool),
                                       .text = cases[i].lines};
        assert_int_equal(desk_pool_check(play.state, &arrival, &error), OFT_ERR_INVALID);
        assert_non_null(strstr(error.message, cases[i].says));
        oft_buffer_init(&out, 1 << 16);
        assert_int_equal(desk_pool_text(play.state, &arrival, &out), OFT_ERR_INVALID);
        assert_int_equal(out.length, 0);
        oft_buffer_release(&out);
        play_end(&play);
    }
}

static void a_price_is_flat_by_the_hour_or_month_of_the_needs_own_unit(void **unused)
{
    (void)unused;
    static const struct {
        const char *per;
        enum desk_term_kind kind;
        enum desk_size_kind unit;
        bool flat, by_month;
    } cases[] = {
        {"gpu-hour", DESK_TERM_AMOUNT, DESK_SIZE_GPU, true, false},
        {"MW-hour", DESK_TERM_AMOUNT, DESK_SIZE_MW, true, false},
        {"MW-hour", DESK_TERM_AMOUNT, DESK_SIZE_GPU, false, false},
        {"gpu-hour", DESK_TERM_NUMBER, DESK_SIZE_GPU, false, false},
        {"1M tokens", DESK_TERM_AMOUNT, DESK_SIZE_GPU, false, false},
        {"", DESK_TERM_AMOUNT, DESK_SIZE_GPU, true, false}, /* as the fold reads it */
        {"gpu-month", DESK_TERM_AMOUNT, DESK_SIZE_GPU, true, true},
        {"MW-month", DESK_TERM_AMOUNT, DESK_SIZE_MW, true, true},
        {"MW-month", DESK_TERM_AMOUNT, DESK_SIZE_GPU, false, false},
        {"gpu-month", DESK_TERM_NUMBER, DESK_SIZE_GPU, false, false},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct play play;
        begin(&play);
        struct desk_term term = {
            .name = desk_word("price"), .kind = cases[i].kind, .number = 5, .cash_nanos = -1};
        struct desk_order order = *desk_order_at(play.state, 0);
        struct desk_need *need = (struct desk_need *)(uintptr_t)desk_need_at(play.state, 0)->need;
        oft_nanos price = 0;
        term.text = cases[i].per[0] == '\0' ? (struct desk_name){0, ""} : desk_word(cases[i].per);
        need->unit = cases[i].unit;
        order.terms = (struct desk_terms){&term, 1};
        bool by_month = false;
        assert_int_equal(desk_order_flat(play.state, &order, &price, &by_month), cases[i].flat);
        assert_int_equal(by_month, cases[i].by_month);
        assert_true(price == (cases[i].flat ? 5 : 0));
        play_end(&play);
    }
}

static void a_term_ends_on_the_last_day_of_a_shorter_month(void **unused)
{
    (void)unused;
    static const struct {
        const char *from, *until;
        uint32_t months;
    } cases[] = {
        {"2025-01-31", "2025-02-28", 1},
        {"2024-01-31", "2024-02-29", 1},
        {"2024-02-29", "2025-02-28", 12},
        {"2025-12-31T23:59:59.999999999Z", "2026-02-28T23:59:59.999999999Z", 2},
        {"2025-10-26T01:00:00Z", "2026-03-26T01:00:00Z", 5}, /* over two changes of the clocks */
    };
    struct play play;
    begin(&play);
    struct desk_need *need = (struct desk_need *)(uintptr_t)desk_need_at(play.state, 0)->need;
    struct desk_arrival arrival = {.order = 0};
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        need->months = cases[i].months;
        arrival.happened = instant(cases[i].from);
        assert_int_equal(desk_arrival_end(play.state, &arrival), instant(cases[i].until));
    }
    need->months = 0;
    assert_int_equal(desk_arrival_end(play.state, &arrival), OFT_INSTANT_NEVER);
    need->months = UINT32_MAX;
    assert_int_equal(desk_arrival_end(play.state, &arrival), OFT_INSTANT_NEVER);
    play_end(&play);
}

/* A cluster without an endpoint and one with: both are pools of the deal that they are put beside. */
static void what_is_written_can_be_read(void **unused)
{
    (void)unused;
    static const char deal_text[] =
        "deal \"D\"; customer buyer; currency USD\n"
        "party oracle \"Oracle\"; provider oracle of oracle; model m; account acme\n"
        "product api class inference { price m input 1 USD per 1M tokens }\n"
        "include \"orders.deal\"\n";
    struct play play;
    begin(&play);
    deliver(&play, "2026-03-01", 4, "cluster", "");
    deliver(&play, "2026-03-02", 6, "served",
            "region eu\nserves m at http://127.0.0.1:1/v1 kind openai key env KEY");
    const struct deal_file texts[2] = {{"d.deal", oft_str_from(deal_text)},
                                       {DESK_ORDERS_FILE, oft_str_from(text_of(&play))}};
    struct deal_memory_files files = {texts, 2};
    struct deal_diagnostics diagnostics;
    struct deal *deal = NULL;
    deal_diagnostics_init(&diagnostics);
    assert_int_equal(deal_parse("d.deal", deal_load_memory, &files, &deal, &diagnostics, NULL),
                     OFT_OK);
    assert_int_equal(deal->pool_count, 2);
    const struct deal_pool *cluster = &deal->pools[deal_find_pool(deal, oft_str_from("cluster"))];
    const struct deal_pool *served = &deal->pools[deal_find_pool(deal, oft_str_from("served"))];
    assert_string_equal(cluster->region, "us");
    assert_int_equal(cluster->accelerator_count, 4);
    assert_true(cluster->reserved);
    assert_int_equal(cluster->from, instant("2026-03-01"));
    assert_int_equal(cluster->until.instant, instant("2027-03-01"));
    assert_string_equal(served->region, "eu");
    assert_int_equal(deal->serve_count, 1);
    deal_free(deal);
    deal_diagnostics_release(&diagnostics);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pool_there_is_no_text),
        cmocka_unit_test(an_arrival_becomes_a_pool_with_what_the_order_says),
        cmocka_unit_test(what_the_lines_say_is_not_said_twice),
        cmocka_unit_test(an_arrival_that_would_write_more_than_a_pool_is_refused),
        cmocka_unit_test(a_price_is_flat_by_the_hour_or_month_of_the_needs_own_unit),
        cmocka_unit_test(a_term_ends_on_the_last_day_of_a_shorter_month),
        cmocka_unit_test(what_is_written_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
