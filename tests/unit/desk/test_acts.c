/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people say to the desk: every act with every field, what each kind of value may be, and what is
 * refused. A line is written as on the command line; a positional field is named here too.
 */
#include "desk/acts_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DAY    OFT_NS_PER_DAY
#define JAN_1  INT64_C(1767225600000000000) /* 2026-01-01 */
#define MARCH  (JAN_1 + 59 * DAY)           /* 2026-03-01 */
#define PARTS  100
#define LENGTH 4096

/* One line, read. */
struct taken {
    struct oft_arena arena;
    char line[LENGTH];
    struct desk_given given[PARTS];
    size_t count;
    struct desk_event event;
    struct oft_error error;
};

/* "--count 5 --note two words" to its fields. */
static void split(struct taken *taken, const char *line)
{
    assert_true(strlen(line) < LENGTH);
    (void)snprintf(taken->line, LENGTH, "%s", line);
    char *at = taken->line;
    taken->count = 0;
    while (strncmp(at, "--", 2) == 0) {
        char *next = strstr(at, " --");
        char *value = strchr(at, ' ');
        assert_non_null(value);
        assert_true(taken->count < PARTS);
        *value = '\0';
        taken->given[taken->count++] = (struct desk_given){at + 2, value + 1};
        if (next == NULL) {
            return;
        }
        *next = '\0';
        at = next + 1;
    }
}

static const struct desk_act *act_of(const char *words)
{
    char group[40];
    const char *blank = strchr(words, ' ');
    (void)snprintf(group, sizeof(group), "%.*s", blank == NULL ? 39 : (int)(blank - words), words);
    const struct desk_act *act = desk_act_find(group, blank == NULL ? "" : blank + 1);
    assert_non_null(act);
    return act;
}

static enum oft_err read_again(struct taken *taken, const struct desk_act *act)
{
    return desk_act_read(act, taken->given, taken->count, JAN_1, desk_party_name("lab"), "USD",
                         &taken->arena, &taken->event, &taken->error);
}

static enum oft_err take(struct taken *taken, const char *words, const char *line)
{
    memset(taken, 0, sizeof(*taken));
    oft_arena_init(&taken->arena, 1 << 20);
    split(taken, line);
    return read_again(taken, act_of(words));
}

static void drop(struct taken *taken)
{
    oft_arena_release(&taken->arena);
}

static void taken_as(struct taken *taken, const char *words, const char *line)
{
    enum oft_err code = take(taken, words, line);
    if (code != OFT_OK) {
        fail_msg("%s %s: %s", words, line, taken->error.message);
    }
}

/* Refused, with PART in the message. */
static void refused(const char *words, const char *line, const char *part)
{
    struct taken taken;
    if (take(&taken, words, line) == OFT_OK) {
        fail_msg("%s %s was taken", words, line);
    }
    if (strstr(taken.error.message, part) == NULL) {
        fail_msg("%s %s: \"%s\" lacks \"%s\"", words, line, taken.error.message, part);
    }
    drop(&taken);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Every act with every field of its own. */
static const struct {
    const char *act, *line;
} WHOLE[] = {
    {"need open", "--product training --accelerator h100 --count 20000 --unit gpu --region us "
                  "--from 2026-03 --months 36 --ceiling 2.10USD/gpu-hour --on cloud --deal new "
                  "--part-of need-1 --group nsec --open-until 2026-06-01 --note for the big run "
                  "--price 2.05USD/gpu-hour --term uptime=99.95 --term law=\"NY\""},
    {"need withdraw", "--need need-1"},
    {"offer add", "--need need-1 --provider crusoe --count 20000 --valid-until 2026-04-01 "
                  "--affirm written,complete --bundled 5m USD --programme prog --tranche t1 "
                  "--site abilene --price 2.05 USD per gpu-hour --term prepay=10%"},
    {"offer change", "--offer offer-1 --count 5 --price 2USD --term uptime=99.9"},
    {"offer affirm", "--offer offer-1 --tests written,complete"},
    {"offer withdraw", "--offer offer-1"},
    {"screen", "--target offer-1 --clause ms-2025-01.rofr"},
    {"exempt", "--lot lot-1 --carve-out api-only"},
    {"notice send", "--lot lot-1 --offer offer-2"},
    {"notice delivered", "--notice notice-1"},
    {"notice objected", "--notice notice-1 --defect the price is missing"},
    {"elect", "--notice notice-1 --count 5 --price 2USD/gpu-hour --term start=2026-03-01"},
    {"decline", "--notice notice-1"},
    {"counter", "--notice notice-1 --count 5 --price 1USD --term law=NY"},
    {"tender", "--lot lot-1"},
    {"sign", "--target offer-1 --count 8 --provider cloud --deliver-by 2026-09-01 --cure 90 days "
             "--late 1% per week up to 20% --late-terminate yes --under a.order --price 2USD "
             "--term uptime=99.95"},
    {"settle", "--lot lot-1 --outcome free"},
    {"deliver", "--order order-1 --count 4 --pool abilene --pool-lines serves m as \"m\""},
    {"party default", "--party bigcloud"},
    {"party cure", "--party bigcloud"},
    {"party assign", "--clause a.rofr --from bigcloud --to other"},
    {"party control", "--party bigcloud"},
};

static void every_act_is_read_with_every_field(void **unused)
{
    (void)unused;
    size_t count;
    (void)desk_acts(&count);
    assert_int_equal(count, OFT_COUNT_OF(WHOLE));
    for (size_t i = 0; i < OFT_COUNT_OF(WHOLE); i++) {
        struct taken taken;
        const struct desk_act *act = act_of(WHOLE[i].act);
        taken_as(&taken, WHOLE[i].act, WHOLE[i].line);
        assert_int_equal(taken.event.kind, act->kind);
        assert_true(taken.event.at == JAN_1 && taken.event.happened == JAN_1);
        assert_string_equal(taken.event.actor.text, "lab");
        for (size_t j = 0; j < act->field_count; j++) {
            bool said = false;
            for (size_t k = 0; k < taken.count; k++) {
                said = said || strcmp(taken.given[k].name, act->fields[j].name) == 0;
            }
            if (!said) {
                fail_msg("the line of \"%s\" leaves out %s", WHOLE[i].act, act->fields[j].name);
            }
        }
        drop(&taken);
    }
}

static void every_act_is_found_by_its_own_path(void **unused)
{
    (void)unused;
    size_t count;
    const struct desk_act *acts = desk_acts(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(desk_act_of_path(acts[i].path), &acts[i]);
        assert_ptr_equal(desk_act_find(acts[i].group, acts[i].verb), &acts[i]);
        assert_true(acts[i].summary[0] != '\0' && acts[i].field_count > 0);
    }
    assert_null(desk_act_of_path("/v1/desk/nothing"));
    assert_null(desk_act_find("need", ""));
}

/* Takes the field at AT out, or puts it in a second time. */
static void without(struct taken *taken, size_t at)
{
    memmove(&taken->given[at], &taken->given[at + 1],
            (taken->count - at - 1) * sizeof(taken->given[0]));
    taken->count--;
}

static void a_required_field_is_missed_and_only_terms_stand_twice(void **unused)
{
    (void)unused;
    char wanted[80];
    for (size_t i = 0; i < OFT_COUNT_OF(WHOLE); i++) {
        const struct desk_act *act = act_of(WHOLE[i].act);
        for (size_t j = 0; j < act->field_count; j++) {
            const struct desk_field *field = &act->fields[j];
            struct taken taken;
            size_t at = 0;
            taken_as(&taken, WHOLE[i].act, WHOLE[i].line);
            while (strcmp(taken.given[at].name, field->name) != 0) {
                at++;
            }
            if (!field->repeated) {
                taken.given[taken.count++] = taken.given[at];
                assert_int_equal(read_again(&taken, act), OFT_ERR_INVALID);
                (void)snprintf(wanted, sizeof(wanted), "%s stands twice", field->name);
                assert_string_equal(taken.error.message, wanted);
                taken.count--;
                without(&taken, at);
                assert_int_equal(read_again(&taken, act),
                                 field->required ? OFT_ERR_INVALID : OFT_OK);
                (void)snprintf(wanted, sizeof(wanted), "%s is missing", field->name);
                assert_true(!field->required || strstr(taken.error.message, wanted) != NULL);
            }
            drop(&taken);
        }
    }
}

static void a_field_of_another_act_is_unknown(void **unused)
{
    (void)unused;
    refused("need withdraw", "--need need-1 --product training", "no field \"product\"");
    refused("elect", "--notice notice-1 --ceiling 2USD", "no field \"ceiling\"");
    refused("tender", "--lot lot-1 --Lot lot-1", "no field \"Lot\"");
    refused("decline", "--notice notice-1 --count 4", "no field \"count\"");
}

static void every_act_takes_when_for_whom_and_how_it_is_known(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "decline",
             "--notice notice-3 --happened 2025-12-31T23:00:00Z --for bigcloud "
             "--evidence letter of 31 December");
    assert_int_equal(taken.event.notice, 2);
    assert_true(taken.event.happened == JAN_1 - 3600 * OFT_NS_PER_SECOND);
    assert_string_equal(taken.event.actor.text, "lab");
    assert_string_equal(taken.event.party.text, "bigcloud");
    assert_string_equal(taken.event.text, "letter of 31 December");
    drop(&taken);
}

static void whose_default_it_is_is_said_once(void **unused)
{
    (void)unused;
    refused("party default", "--party bigcloud --for other", "for");
    refused("party default", "--for other --party bigcloud", "for");
    refused("party assign", "--clause a.rofr --from bigcloud --to other --for third", "for");
}

static void an_objection_and_a_pool_have_one_text(void **unused)
{
    (void)unused;
    refused("notice objected", "--notice notice-1 --defect no price --evidence letter", "one text");
    refused("deliver", "--order order-1 --pool-lines x --evidence letter", "one text");
}

/* ---- the need of the issue ------------------------------------------------------------------- */

#define ISSUE                                                                         \
    "--product training --accelerator h100 --count 20000 --region us --from 2026-03 " \
    "--months 36 --ceiling 2.10USD/gpu-hour"

static void the_issues_need_is_read_word_for_word(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "need open", ISSUE);
    const struct desk_need *need = taken.event.need_opened;
    assert_string_equal(need->product.text, "training");
    assert_int_equal(need->product.id, desk_product_name("training").id);
    assert_int_equal(need->accelerator.id, desk_word("h100").id);
    assert_int_equal(need->region.id, desk_word("us").id);
    assert_int_equal(need->quantity, 20000);
    assert_int_equal(need->unit, DESK_SIZE_GPU);
    assert_true(need->from == MARCH);
    assert_int_equal(need->months, 36);
    assert_int_equal(need->hours, 1096 * 24); /* 2028 has a 29 February */
    assert_true(need->ceiling_nanos == 2100000000);
    assert_int_equal(taken.event.terms.count, 0);
    drop(&taken);
}

static void what_a_need_does_not_say_has_its_default(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "need open", "--product training --count 1 --from 2026-03");
    const struct desk_need *need = taken.event.need_opened;
    assert_true(need->accelerator.id == 0 && need->region.id == 0 && need->provider.id == 0);
    assert_true(need->group.id == 0 && need->part_of == DESK_NONE && need->terms.count == 0);
    assert_int_equal(need->unit, DESK_SIZE_GPU);
    assert_int_equal(need->deal, DESK_DEAL_NEW);
    assert_true(need->months == 0 && need->hours == 0 && need->ceiling_nanos == -1);
    assert_string_equal(need->note, "");
    assert_true(need->open_until == JAN_1 + 90 * DAY); /* its from is sooner */
    drop(&taken);
    taken_as(&taken, "need open", "--product training --count 1 --from 2026-09");
    assert_true(taken.event.need_opened->open_until == taken.event.need_opened->from);
    drop(&taken);
}

static void an_offer_a_signature_and_an_election_have_their_defaults(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "offer add", "--need 3 --provider crusoe --count 7");
    const struct desk_offer *offer = taken.event.offer_added;
    assert_true(offer->need == 2 && offer->quantity == 7 && offer->party.id == 0);
    assert_true(offer->valid_until == OFT_INSTANT_NEVER && offer->bundled_nanos == 0);
    assert_true(offer->affirmed.count == 0 && offer->terms.count == 0);
    assert_string_equal(offer->site, "");
    drop(&taken);
    taken_as(&taken, "sign", "--target lot-4");
    assert_true(taken.event.lot == 3 && taken.event.offer == DESK_NONE);
    assert_true(taken.event.quantity == 0 && taken.event.other.id == 0);
    assert_null(taken.event.delivery); /* nothing was said of it */
    drop(&taken);
    taken_as(&taken, "elect", "--notice 1");
    assert_true(taken.event.quantity == 0 && taken.event.terms.count == 0);
    drop(&taken);
}

static void hours_are_those_of_the_months_that_are_meant(void **unused)
{
    (void)unused;
    static const struct {
        const char *from;
        unsigned months, days;
    } cases[] = {{"2026-03", 36, 1096}, {"2026-03-01", 1, 31},   {"2024-02-29", 12, 365},
                 {"2026-01-31", 1, 28}, {"2027-01-31", 13, 394}, {"2026-03", 1200, 36524}};
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct taken taken;
        char line[200];
        (void)snprintf(line, sizeof(line), "--product p --count 1 --from %s --months %u",
                       cases[i].from, cases[i].months);
        taken_as(&taken, "need open", line);
        assert_int_equal(taken.event.need_opened->hours, cases[i].days * 24);
        drop(&taken);
    }
}

static void a_signature_says_its_delivery(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "sign",
             "--target offer-1 --deliver-by 2026-09-01 --cure 90 days "
             "--late 1% per week up to 20% --late-terminate yes --under a.order");
    const struct desk_delivery_terms *it = taken.event.delivery;
    assert_non_null(it);
    assert_true(it->deliver_by == MARCH + 184 * DAY);
    assert_true(it->cure.count == 90 && it->cure.unit == OFT_PERIOD_DAYS);
    assert_true(it->late_rate_ppb == 10000000 && it->late_cap_ppb == 200000000);
    assert_true(it->late_per.count == 1 && it->late_per.unit == OFT_PERIOD_WEEKS);
    assert_true(it->late_terminate);
    assert_string_equal(it->under.text, "a.order");
    drop(&taken);
}

/* ---- terms ----------------------------------------------------------------------------------- */

static void terms_stand_in_order_and_no_name_twice(void **unused)
{
    (void)unused;
    struct taken taken;
    taken_as(&taken, "elect",
             "--notice 1 --term uptime=99 --price 2USD --term law=NY --term prepay=10%");
    static const char *const order[] = {"law", "prepay", "price", "uptime"};
    assert_int_equal(taken.event.terms.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(taken.event.terms.items[i].name.text, order[i]);
    }
    drop(&taken);
    refused("elect", "--notice 1 --term law=NY --term law=DE", "stands twice");
    refused("elect", "--notice 1 --price 2USD --term price=3USD", "stands twice");
}

static void there_are_as_many_terms_as_an_event_may_hold(void **unused)
{
    (void)unused;
    char line[LENGTH] = "--notice 1";
    struct taken taken;
    for (unsigned i = 0; i < DESK_TERMS_MAX; i++) {
        (void)snprintf(line + strlen(line), sizeof(line) - strlen(line), " --term t%02u=1", i);
    }
    taken_as(&taken, "elect", line);
    assert_int_equal(taken.event.terms.count, DESK_TERMS_MAX);
    drop(&taken);
    (void)snprintf(line + strlen(line), sizeof(line) - strlen(line), " --term more=1");
    refused("elect", line, "at most 64");
}

static struct desk_term term_of(struct taken *taken, const char *value)
{
    struct desk_term term = {.kind = 0};
    memset(taken, 0, sizeof(*taken));
    oft_arena_init(&taken->arena, 1 << 20);
    assert_int_equal(act_term(value, "USD", &taken->arena, &term), OFT_OK);
    return term;
}

static void a_term_is_what_its_value_looks_like(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        enum desk_term_kind kind;
        int64_t number;
        const char *word;
        int64_t worth;
    } cases[] = {
        {"credit=5m USD", DESK_TERM_AMOUNT, 5000000 * INT64_C(1000000000), "", -1},
        {"price=2.10USD/gpu-hour", DESK_TERM_AMOUNT, 2100000000, "gpu-hour", -1},
        {"prepay=10%", DESK_TERM_NUMBER, 100000000, "", -1},
        {"uptime=99.95", DESK_TERM_NUMBER, 99950000000, "", -1},
        {"start=2026-03-01", DESK_TERM_INSTANT, MARCH, "", -1},
        {"law=\"NY\"", DESK_TERM_TEXT, 0, "NY", -1},
        {"law=New York", DESK_TERM_TEXT, 0, "New York", -1},
        {"law=\"5m USD\"", DESK_TERM_TEXT, 0, "5m USD", -1}, /* said to be a text */
        {"site=owned worth 2USD", DESK_TERM_TEXT, 0, "owned", 2000000000},
        {"sum=a=b", DESK_TERM_TEXT, 0, "a=b", -1},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct taken taken;
        struct desk_term term = term_of(&taken, cases[i].text);
        assert_int_equal(term.kind, cases[i].kind);
        assert_true(term.number == cases[i].number);
        assert_string_equal(term.text.id == 0 ? "" : term.text.text, cases[i].word);
        assert_true(term.cash_nanos == cases[i].worth);
        drop(&taken);
    }
}

static void what_is_no_term_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"uptime",
                                        "=5",
                                        "up time=5",
                                        "law=",
                                        "law=\"\"",
                                        "law=\"a\"b\"",
                                        "a.=1",
                                        "law=\"",
                                        "site=x worth nothing",
                                        "site=x worth 5",
                                        "site=x worth 5 USD per day"};
    struct oft_arena arena;
    oft_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        struct desk_term term;
        if (act_term(wrong[i], "USD", &arena, &term) != OFT_ERR_SYNTAX) {
            fail_msg("\"%s\" was taken for a term", wrong[i]);
        }
    }
    oft_arena_release(&arena);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void a_count_is_digits_and_not_nothing(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"0",
                                        "",
                                        "-1",
                                        "+1",
                                        "1.5",
                                        "1e3",
                                        " 1",
                                        "1 ",
                                        "20k",
                                        "0x1",
                                        "9223372036854775808",
                                        "99999999999999999999",
                                        "1,000"};
    char line[200];
    uint64_t count;
    assert_int_equal(act_count("9223372036854775807", &count), OFT_OK);
    assert_true(count == INT64_MAX);
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        (void)snprintf(line, sizeof(line), "--notice 1 --count %s", wrong[i]);
        refused("elect", line, "count cannot be");
    }
    refused("need open", "--product p --count 1 --from 2026-03 --months 1201", "months cannot be");
    refused("need open", "--product p --count 1 --from 2026-03 --months 0", "months cannot be");
}

static void a_reference_counts_from_one_and_names_its_kind(void **unused)
{
    (void)unused;
    char text[DESK_REFERENCE_BYTES];
    uint32_t index;
    assert_string_equal(desk_reference(DESK_FIELD_NOTICE, 4, text), "notice-5");
    assert_string_equal(desk_reference(DESK_FIELD_ORDER, 4294967293u, text), "order-4294967294");
    assert_int_equal(act_reference("lot-4294967294", "lot", &index), OFT_OK);
    assert_true(index == 4294967293u);
    static const char *const wrong[] = {"0",      "lot-0",  "lot-",   "lot",
                                        "lots-1", "",       "lot--1", "lot-4294967295",
                                        "LOT-1",  "lot-1x", "lot1",   "need-1"};
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        char line[200];
        (void)snprintf(line, sizeof(line), "--lot %s", wrong[i]);
        refused("tender", line, "lot cannot be");
    }
    refused("sign", "--target need-1", "target cannot be");
    refused("sign", "--target 1", "target cannot be");
    refused("screen", "--target lot-1 --clause c", "target cannot be");
}

static void a_name_is_one_as_in_a_deal(void **unused)
{
    (void)unused;
    static const char *const right[] = {"h100", "us-east", "a.b/c-d_e", "_", "GB200"};
    static const char *const wrong[] = {"", "-a", "a-", ".a", "a b", "a\"", "caf\xc3\xa9", "a,b"};
    char longest[ACT_NAME_BYTES_MAX + 2];
    for (size_t i = 0; i < OFT_COUNT_OF(right); i++) {
        assert_true(act_is_name(right[i]));
    }
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        assert_false(act_is_name(wrong[i]));
    }
    memset(longest, 'a', sizeof(longest));
    longest[ACT_NAME_BYTES_MAX + 1] = '\0';
    assert_false(act_is_name(longest));
    longest[ACT_NAME_BYTES_MAX] = '\0';
    assert_true(act_is_name(longest));
    refused("party cure", "--party big cloud", "party cannot be");
    refused("offer affirm", "--offer 1 --tests written,com\"plete", "tests cannot be");
    refused("offer affirm", "--offer 1 --tests ,", "tests cannot be");
}

static void a_choice_is_one_of_its_words_whole(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"ne", "news", "", "new|renewal", "NEW", "|"};
    char line[200];
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        (void)snprintf(line, sizeof(line), "--product p --count 1 --from 2026-03 --deal %s",
                       wrong[i]);
        refused("need open", line, "deal is one of new|renewal|expansion");
    }
    refused("settle", "--lot 1 --outcome fre", "outcome is one of");
}

static void a_price_is_exact_and_in_the_deals_currency(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *per;
        int64_t nanos;
    } right[] = {{"2.10USD/gpu-hour", "gpu-hour", 2100000000},
                 {"2.10 USD per gpu-hour", "gpu-hour", 2100000000},
                 {"900 USD per MW-hour", "MW-hour", 900000000000},
                 {"0.000000001USD", "", 1},
                 {"0USD", "", 0},
                 {"1.5kUSD", "", 1500000000000},
                 {"2 USD / gpu-hour", "gpu-hour", 2000000000}};
    static const char *const wrong[] = {
        "2.10",     "2.10EUR", "USD",   "-1USD",         "2.10usd",      "1.0000000001USD",
        "1.2.3USD", "2USD/",   "2USDX", "2USD gpu-hour", "2USD per a b", "2kmUSD",
        "2 k USD",  ".USD",    ""};
    const char *per;
    oft_nanos nanos;
    for (size_t i = 0; i < OFT_COUNT_OF(right); i++) {
        assert_int_equal(act_price(right[i].text, "USD", &nanos, &per), OFT_OK);
        assert_true(nanos == right[i].nanos);
        assert_string_equal(per, right[i].per);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        if (act_price(wrong[i], "USD", &nanos, &per) != OFT_ERR_SYNTAX) {
            fail_msg("\"%s\" was taken for a price", wrong[i]);
        }
    }
    assert_int_equal(act_amount("5bn USD", "USD", &nanos), OFT_OK);
    assert_true(nanos == 5 * (oft_nanos)OFT_NANOS_PER_UNIT * 1000000000);
    assert_int_equal(act_amount("5 USD per day", "USD", &nanos), OFT_ERR_SYNTAX);
    refused("need open", "--product p --count 1 --from 2026-03 --ceiling 2EUR", "ceiling cannot");
}

static void a_rate_an_instant_a_period_and_lateness_are_read_or_refused(void **unused)
{
    (void)unused;
    static const char *const rates[] = {"1", "%", "-1%", "1 %", "1%%", "0.00000001%", "10001000%"};
    static const char *const instants[] = {
        "2026", "2026-13", "2026-02-30",       "2026-3-1",
        "",     "today",   "2026-03-01 12:00", "2026-03-01T25:00:00Z"};
    static const char *const periods[] = {
        "90",      "days",         "-1 days", "1.5 days", "90 fortnights",
        "90 day ", "1000001 days", "",        "1 dayss"};
    static const char *const lates[] = {"1%",
                                        "1% week",
                                        "1% per 2 weeks",
                                        "1% per week upto 20%",
                                        "1% per week up to",
                                        "per week",
                                        "1% per week up to 20% x"};
    int64_t ppb;
    oft_instant at;
    struct oft_period period;
    struct desk_delivery_terms terms;
    assert_true(act_rate("12.5%", &ppb) == OFT_OK && ppb == 125000000);
    assert_true(act_rate("0.0000001%", &ppb) == OFT_OK && ppb == 1);
    assert_true(act_instant("2026-03", &at) == OFT_OK && at == MARCH);
    assert_true(act_instant("2026-03-01", &at) == OFT_OK && at == MARCH);
    assert_true(act_instant("2026-03-01T00:00:01Z", &at) == OFT_OK &&
                at == MARCH + OFT_NS_PER_SECOND);
    assert_true(act_period("1 day", &period) == OFT_OK && period.unit == OFT_PERIOD_DAYS);
    assert_true(act_period("10 business days", &period) == OFT_OK && period.count == 10 &&
                period.unit == OFT_PERIOD_BUSINESS_DAYS);
    assert_true(act_late("2% per day", &terms) == OFT_OK && terms.late_cap_ppb == 0);
    for (size_t i = 0; i < OFT_COUNT_OF(rates); i++) {
        assert_int_equal(act_rate(rates[i], &ppb), OFT_ERR_SYNTAX);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(instants); i++) {
        assert_int_equal(act_instant(instants[i], &at), OFT_ERR_SYNTAX);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(periods); i++) {
        assert_int_equal(act_period(periods[i], &period), OFT_ERR_SYNTAX);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(lates); i++) {
        assert_int_equal(act_late(lates[i], &terms), OFT_ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_act_is_read_with_every_field),
        cmocka_unit_test(every_act_is_found_by_its_own_path),
        cmocka_unit_test(a_required_field_is_missed_and_only_terms_stand_twice),
        cmocka_unit_test(a_field_of_another_act_is_unknown),
        cmocka_unit_test(every_act_takes_when_for_whom_and_how_it_is_known),
        cmocka_unit_test(whose_default_it_is_is_said_once),
        cmocka_unit_test(an_objection_and_a_pool_have_one_text),
        cmocka_unit_test(the_issues_need_is_read_word_for_word),
        cmocka_unit_test(what_a_need_does_not_say_has_its_default),
        cmocka_unit_test(an_offer_a_signature_and_an_election_have_their_defaults),
        cmocka_unit_test(hours_are_those_of_the_months_that_are_meant),
        cmocka_unit_test(a_signature_says_its_delivery),
        cmocka_unit_test(terms_stand_in_order_and_no_name_twice),
        cmocka_unit_test(there_are_as_many_terms_as_an_event_may_hold),
        cmocka_unit_test(a_term_is_what_its_value_looks_like),
        cmocka_unit_test(what_is_no_term_is_refused),
        cmocka_unit_test(a_count_is_digits_and_not_nothing),
        cmocka_unit_test(a_reference_counts_from_one_and_names_its_kind),
        cmocka_unit_test(a_name_is_one_as_in_a_deal),
        cmocka_unit_test(a_choice_is_one_of_its_words_whole),
        cmocka_unit_test(a_price_is_exact_and_in_the_deals_currency),
        cmocka_unit_test(a_rate_an_instant_a_period_and_lateness_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
