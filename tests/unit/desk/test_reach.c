/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a right reaches: lists, regions, floors in every unit, needs in pieces, and who an exclusive bars.
 */
#include "desk/internal.h"
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY  (24 * HOUR)
#define UNIT OFT_NANOS_PER_UNIT

/* 10 accelerators for 12 months, 8,760 hours. */
static struct desk_need ten(void)
{
    return (struct desk_need){.product = desk_product_name("training"),
                              .accelerator = desk_word("h100"),
                              .region = desk_word("us"),
                              .unit = DESK_SIZE_GPU,
                              .quantity = 10,
                              .months = 12,
                              .hours = 8760,
                              .ceiling_nanos = -1,
                              .deal = DESK_DEAL_NEW,
                              .provider = {0, ""},
                              .group = {0, ""},
                              .part_of = DESK_NONE,
                              .open_until = 100000 * HOUR,
                              .note = ""};
}

static uint32_t open_need(struct play *play, struct desk_need need)
{
    struct desk_need *it = oft_arena_alloc(&play->arena, sizeof(*it));
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, play->at);
    assert_non_null(it);
    *it = need;
    event.need_opened = it;
    assert_int_equal(play_apply(play, &event), OFT_OK);
    return desk_need_count(play->state) - 1;
}

/* Does a right with SCOPE reach need INDEX by itself? */
static bool reaches(struct play *play, struct desk_right scope, uint32_t index, unsigned *ret_flags)
{
    unsigned flags;
    bool reached = desk_reaches(play->state, &scope, index, DESK_NONE, &flags);
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return reached;
}

static struct desk_right floor_of(enum desk_size_kind kind, oft_nanos amount)
{
    return (struct desk_right){.floor = {kind, amount}};
}

/* ---- lists ----------------------------------------------------------------------------------- */

static bool region_reaches(struct play *play, const char *scope, const char *wanted)
{
    struct desk_name region = desk_word(scope);
    struct desk_need need = ten();
    need.region = wanted[0] == '\0' ? (struct desk_name){0, ""} : desk_word(wanted);
    return reaches(play, (struct desk_right){.regions = {&region, 1}}, open_need(play, need), NULL);
}

static void a_region_reaches_its_parts_and_its_whole(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    assert_true(region_reaches(&play, "us", "us"));
    assert_true(region_reaches(&play, "us", "us-east"));
    assert_true(region_reaches(&play, "us", "us-east-1"));
    assert_true(region_reaches(&play, "us-east", "us"));
    assert_true(region_reaches(&play, "us-east", "")); /* anywhere may be there */
    assert_false(region_reaches(&play, "us", "usa"));
    assert_false(region_reaches(&play, "us", "us2-east"));
    assert_false(region_reaches(&play, "us-east", "us-eastern"));
    assert_false(region_reaches(&play, "us-east", "us-west"));
    assert_false(region_reaches(&play, "eu", "us"));
    play_end(&play);
}

static void a_list_reaches_what_it_holds_and_what_is_not_said(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    const struct desk_name other = desk_product_name("inference"), b200 = desk_word("b200");
    const struct desk_name both[] = {other, desk_product_name("training")};
    struct desk_need any = ten();
    any.accelerator = (struct desk_name){0, ""};
    uint32_t h100 = open_need(&play, ten()), all = open_need(&play, any);
    assert_true(reaches(&play, (struct desk_right){0}, h100, NULL));
    assert_false(reaches(&play, (struct desk_right){.products = {&other, 1}}, h100, NULL));
    assert_true(reaches(&play, (struct desk_right){.products = {both, 2}}, h100, NULL));
    assert_false(reaches(&play, (struct desk_right){.accelerators = {&b200, 1}}, h100, NULL));
    assert_true(reaches(&play, (struct desk_right){.accelerators = {&b200, 1}}, all, NULL));
    play_end(&play);
}

static void a_right_of_renewals_leaves_what_is_new(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need renewal = ten();
    renewal.deal = DESK_DEAL_RENEWAL;
    uint32_t fresh = open_need(&play, ten()), again = open_need(&play, renewal);
    const struct desk_right both = {.deals = DESK_DEAL_RENEWAL | DESK_DEAL_EXPANSION};
    assert_false(reaches(&play, both, fresh, NULL));
    assert_true(reaches(&play, both, again, NULL));
    assert_true(reaches(&play, (struct desk_right){.deals = 0}, fresh, NULL));
    play_end(&play);
}

/* ---- floors ---------------------------------------------------------------------------------- */

static void a_floor_in_accelerators_counts_the_quantity(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    uint32_t need = open_need(&play, ten());
    unsigned flags;
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU, 10), need, &flags));
    assert_int_equal(flags, 0);
    assert_false(reaches(&play, floor_of(DESK_SIZE_GPU, 11), need, NULL));
    play_end(&play);
}

static void a_floor_in_accelerator_hours_counts_the_term(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need endless = ten();
    endless.hours = 0;
    uint32_t need = open_need(&play, ten());
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU_HOURS, 87600), need, NULL));
    assert_false(reaches(&play, floor_of(DESK_SIZE_GPU_HOURS, 87601), need, NULL));
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU_HOURS, 87601), open_need(&play, endless),
                        NULL)); /* no term is said */
    play_end(&play);
}

static void a_floor_in_megawatts_is_not_one_in_accelerators(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need power = ten();
    power.unit = DESK_SIZE_MW;
    uint32_t gpus = open_need(&play, ten()), watts = open_need(&play, power);
    assert_true(reaches(&play, floor_of(DESK_SIZE_MW, 1000), gpus, NULL)); /* cannot be told */
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU, 1000), watts, NULL));
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU_HOURS, (oft_nanos)1 << 100), watts, NULL));
    assert_false(reaches(&play, floor_of(DESK_SIZE_MW, 11), watts, NULL));
    play_end(&play);
}

static void a_floor_in_money_takes_the_offers_price_or_else_the_ceiling(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need priced = ten();
    priced.ceiling_nanos = 3 * UNIT;
    uint32_t silent = open_need(&play, ten()), need = open_need(&play, priced);
    uint32_t offer = play_offer(&play, need, "oracle", 10, 2);
    const oft_nanos at_two = (oft_nanos)175200 * UNIT, at_three = (oft_nanos)262800 * UNIT;
    unsigned flags;
    struct desk_right right = floor_of(DESK_SIZE_MONEY, at_three);
    assert_true(reaches(&play, right, silent, NULL)); /* no price, no ceiling */
    assert_true(reaches(&play, right, need, NULL));
    right.floor.amount = at_three + 1;
    assert_false(reaches(&play, right, need, NULL));
    right.floor.amount = at_two;
    assert_true(desk_reaches(play.state, &right, need, offer, &flags));
    right.floor.amount = at_two + 1;
    assert_false(desk_reaches(play.state, &right, need, offer, &flags));
    play_end(&play);
}

static void a_price_that_is_not_by_the_hour_is_not_reckoned_with(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need power = ten();
    power.unit = DESK_SIZE_MW;
    uint32_t need = open_need(&play, power);
    uint32_t offer = play_offer(&play, need, "oracle", 10, 2); /* per gpu-hour: of what? */
    const struct desk_right right = floor_of(DESK_SIZE_MONEY, (oft_nanos)1 << 100);
    unsigned flags;
    assert_true(desk_reaches(play.state, &right, need, offer, &flags));
    play_end(&play);
}

static void what_overflows_is_large_enough(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need huge = ten();
    huge.quantity = INT64_MAX;
    huge.hours = UINT64_MAX;
    huge.ceiling_nanos = (oft_nanos)1 << 100;
    assert_true(reaches(&play, floor_of(DESK_SIZE_MONEY, (oft_nanos)1 << 126),
                        open_need(&play, huge), NULL));
    play_end(&play);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static void pieces_of_a_year_are_one_need(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    unsigned flags;
    const struct desk_right right = floor_of(DESK_SIZE_GPU, 20);
    uint32_t first = open_need(&play, ten());
    assert_false(reaches(&play, right, first, NULL));
    play.at = 365 * DAY;
    uint32_t second = open_need(&play, ten());
    assert_true(reaches(&play, right, second, &flags));
    assert_int_equal(flags, DESK_FLAG_SPLIT);
    assert_false(reaches(&play, right, first, NULL)); /* what comes later adds nothing to it */
    play.at = 2 * 365 * DAY + 1;
    assert_false(reaches(&play, right, open_need(&play, ten()), &flags)); /* a nanosecond more */
    play_end(&play);
}

static void only_pieces_of_the_same_kind_are_added_up(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    const struct desk_right right = floor_of(DESK_SIZE_GPU, 20);
    struct desk_need product = ten(), accelerator = ten(), region = ten(), withdrawn = ten();
    product.product = desk_product_name("inference");
    accelerator.accelerator = desk_word("b200");
    region.region = desk_word("us-east");
    (void)open_need(&play, product);
    (void)open_need(&play, accelerator);
    (void)open_need(&play, region);
    struct desk_event event = desk_event_of(DESK_NEED_WITHDRAWN, play.at);
    event.need = open_need(&play, withdrawn);
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    assert_false(reaches(&play, right, open_need(&play, ten()), NULL));
    assert_true(reaches(&play, right, open_need(&play, ten()), NULL));
    play_end(&play);
}

static void a_need_above_the_floor_is_no_piece(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_need large = ten();
    large.quantity = 20;
    (void)open_need(&play, large);
    assert_false(reaches(&play, floor_of(DESK_SIZE_GPU, 20), open_need(&play, ten()), NULL));
    play_end(&play);
}

static void a_part_counts_with_its_whole_however_old_and_once(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    unsigned flags;
    struct desk_need whole = ten(), part = ten();
    whole.region = desk_word("eu");
    part.part_of = open_need(&play, whole);
    play.at = 800 * DAY;
    uint32_t index = open_need(&play, part);
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU, 20), index, &flags));
    assert_int_equal(flags, DESK_FLAG_SPLIT);
    part.part_of = index; /* of the same kind, and its whole: 10 and 10, not 30 */
    index = open_need(&play, part);
    assert_true(reaches(&play, floor_of(DESK_SIZE_GPU, 20), index, NULL));
    assert_false(reaches(&play, floor_of(DESK_SIZE_GPU, 21), index, NULL));
    play_end(&play);
}

static void an_offer_with_other_goods_is_flagged(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_offer *offer = oft_arena_alloc(&play.arena, sizeof(*offer));
    play_right(&play, play_right_new(&play, "a.rofr"));
    *offer = (struct desk_offer){.need = play_need(&play, 10),
                                 .party = desk_party_name("oracle"),
                                 .provider = desk_word("oracle"),
                                 .quantity = 10,
                                 .valid_until = 500 * HOUR,
                                 .bundled_nanos = 1,
                                 .programme = "",
                                 .tranche = "",
                                 .site = "",
                                 .terms = play_price(&play, 2)};
    struct desk_event event = desk_event_of(DESK_OFFER_ADDED, play.at);
    event.offer_added = offer;
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    assert_int_equal(desk_lot_at(play.state, 0)->flags, DESK_FLAG_BUNDLED);
    play_end(&play);
}

/* ---- exclusives ------------------------------------------------------------------------------ */

static struct desk_right *exclusive(struct play *play, const char *clause, const char *provider)
{
    struct desk_right *right = play_right_new(play, clause);
    struct desk_name *product = oft_arena_alloc(&play->arena, sizeof(*product));
    assert_non_null(product);
    *product = desk_product_name("training");
    right->kind = DESK_RIGHT_EXCLUSIVE;
    right->provider = desk_word(provider);
    right->products = (struct desk_names){product, 1};
    return right;
}

static uint32_t barred(struct play *play, struct desk_need need, const char *provider)
{
    uint64_t id = provider[0] == '\0' ? 0 : desk_word(provider).id;
    return desk_barred_by(play->state, &need, id, play->at);
}

static void an_exclusive_bars_every_other_provider_while_in_force(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = exclusive(&play, "a.excl", "azure");
    struct desk_need other = ten();
    other.product = desk_product_name("inference");
    right->from = 10 * HOUR;
    right->until = 20 * HOUR;
    play_right(&play, right);
    assert_int_equal(barred(&play, ten(), "oracle"), DESK_NONE);
    play_wait(&play, 10 * HOUR);
    assert_int_equal(barred(&play, ten(), "oracle"), 0);
    assert_int_equal(barred(&play, ten(), ""), 0); /* from anybody is from others too */
    assert_int_equal(barred(&play, ten(), "azure"), DESK_NONE);
    assert_int_equal(barred(&play, other, "oracle"), DESK_NONE);
    play_wait(&play, 20 * HOUR);
    assert_int_equal(barred(&play, ten(), "oracle"), DESK_NONE);
    play_end(&play);
}

static void an_excepted_group_alone_is_not_barred(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = exclusive(&play, "a.excl", "azure");
    const struct desk_name nsec = desk_word("nsec");
    struct desk_need excepted = ten(), another = ten();
    excepted.group = nsec;
    another.group = desk_word("schools");
    right->except_groups = (struct desk_names){&nsec, 1};
    play_right(&play, right);
    assert_int_equal(barred(&play, excepted, "oracle"), DESK_NONE);
    assert_int_equal(barred(&play, another, "oracle"), 0);
    assert_int_equal(barred(&play, ten(), "oracle"), 0); /* for all is not for them alone */
    play_end(&play);
}

static void two_exclusives_leave_nobody(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    play_right(&play, exclusive(&play, "a.excl", "azure"));
    play_right(&play, exclusive(&play, "b.excl", "oracle"));
    assert_int_equal(barred(&play, ten(), "azure"), 1);
    assert_int_equal(barred(&play, ten(), "oracle"), 0);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_reaches_its_parts_and_its_whole),
        cmocka_unit_test(a_list_reaches_what_it_holds_and_what_is_not_said),
        cmocka_unit_test(a_right_of_renewals_leaves_what_is_new),
        cmocka_unit_test(a_floor_in_accelerators_counts_the_quantity),
        cmocka_unit_test(a_floor_in_accelerator_hours_counts_the_term),
        cmocka_unit_test(a_floor_in_megawatts_is_not_one_in_accelerators),
        cmocka_unit_test(a_floor_in_money_takes_the_offers_price_or_else_the_ceiling),
        cmocka_unit_test(a_price_that_is_not_by_the_hour_is_not_reckoned_with),
        cmocka_unit_test(what_overflows_is_large_enough),
        cmocka_unit_test(pieces_of_a_year_are_one_need),
        cmocka_unit_test(only_pieces_of_the_same_kind_are_added_up),
        cmocka_unit_test(a_need_above_the_floor_is_no_piece),
        cmocka_unit_test(a_part_counts_with_its_whole_however_old_and_once),
        cmocka_unit_test(an_offer_with_other_goods_is_flagged),
        cmocka_unit_test(an_exclusive_bars_every_other_provider_while_in_force),
        cmocka_unit_test(an_excepted_group_alone_is_not_barred),
        cmocka_unit_test(two_exclusives_leave_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
