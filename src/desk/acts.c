/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of acts and nothing else: what each takes, and the words that explain it.
 */
#include <string.h>

#include "desk/acts.h"

#define TERMS                                                                          \
    {.name = "price", .kind = DESK_FIELD_PRICE, .help = "price, as 2.05USD/gpu-hour"}, \
    {                                                                                  \
        .name = "term", .kind = DESK_FIELD_TERM, .repeated = true,                     \
        .help = "another term: uptime=99.95, prepay=10%, start=2026-03-01, law=\"NY\"" \
    }
#define FIELDS(list) .fields = (list), .field_count = OFT_COUNT_OF(list)

static const struct desk_field NEED_OPEN[] = {
    {.name = "product",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .help = "what it is for: a product of the deal"},
    {.name = "accelerator", .kind = DESK_FIELD_WORD, .help = "h100, gb200, ...; any when not said"},
    {.name = "count",
     .kind = DESK_FIELD_COUNT,
     .required = true,
     .help = "how many accelerators, or megawatts"},
    {.name = "unit",
     .kind = DESK_FIELD_CHOICE,
     .choices = "gpu|mw",
     .help = "what is counted (default: gpu)"},
    {.name = "region", .kind = DESK_FIELD_WORD, .help = "where; any when not said"},
    {.name = "from",
     .kind = DESK_FIELD_INSTANT,
     .required = true,
     .help = "wanted from: 2026-03 or 2026-03-15"},
    {.name = "months", .kind = DESK_FIELD_COUNT, .help = "for how long"},
    {.name = "ceiling", .kind = DESK_FIELD_PRICE, .help = "the most to pay; told to nobody else"},
    {.name = "on", .kind = DESK_FIELD_WORD, .help = "only from this provider"},
    {.name = "deal",
     .kind = DESK_FIELD_CHOICE,
     .choices = "new|renewal|expansion",
     .help = "what kind of deal (default: new)"},
    {.name = "part-of", .kind = DESK_FIELD_NEED, .help = "an earlier need that this is a part of"},
    {.name = "group", .kind = DESK_FIELD_WORD, .help = "for these accounts alone"},
    {.name = "open-until",
     .kind = DESK_FIELD_INSTANT,
     .help = "when it is dropped (default: its from, at least 90 days from now)"},
    {.name = "note", .kind = DESK_FIELD_TEXT, .help = "for your own records"},
    TERMS,
};
static const struct desk_field NEED_ONE[] = {
    {.name = "need",
     .kind = DESK_FIELD_NEED,
     .required = true,
     .positional = true,
     .help = "need-1"},
};
static const struct desk_field OFFER_ADD[] = {
    {.name = "need", .kind = DESK_FIELD_NEED, .required = true, .help = "the need that it answers"},
    {.name = "provider",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .help = "a provider of the deal; its party offers"},
    {.name = "count", .kind = DESK_FIELD_COUNT, .required = true, .help = "in the need's unit"},
    {.name = "valid-until",
     .kind = DESK_FIELD_INSTANT,
     .help = "how long it stands (default: as long as the need)"},
    {.name = "affirm",
     .kind = DESK_FIELD_WORDS,
     .help = "bona fide tests that it passes: written,complete"},
    {.name = "bundled",
     .kind = DESK_FIELD_AMOUNT,
     .help = "price of goods out of scope that come with it"},
    {.name = "programme",
     .kind = DESK_FIELD_WORD,
     .help = "the funding programme that it belongs to"},
    {.name = "tranche", .kind = DESK_FIELD_WORD, .help = "its tranche"},
    {.name = "site", .kind = DESK_FIELD_WORD, .help = "its site"},
    TERMS,
};
static const struct desk_field OFFER_CHANGE[] = {
    {.name = "offer",
     .kind = DESK_FIELD_OFFER,
     .required = true,
     .positional = true,
     .help = "offer-1"},
    {.name = "count", .kind = DESK_FIELD_COUNT, .help = "another quantity"},
    TERMS,
};
static const struct desk_field OFFER_AFFIRM[] = {
    {.name = "offer",
     .kind = DESK_FIELD_OFFER,
     .required = true,
     .positional = true,
     .help = "offer-1"},
    {.name = "tests", .kind = DESK_FIELD_WORDS, .required = true, .help = "written,complete,..."},
};
static const struct desk_field OFFER_ONE[] = {
    {.name = "offer",
     .kind = DESK_FIELD_OFFER,
     .required = true,
     .positional = true,
     .help = "offer-1"},
};
static const struct desk_field SCREEN[] = {
    {.name = "target",
     .kind = DESK_FIELD_TARGET,
     .required = true,
     .positional = true,
     .choices = "need|offer",
     .help = "need-1 or offer-1"},
    {.name = "clause",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .help = "the right: ms-2025-01.rofr"},
};
static const struct desk_field EXEMPT[] = {
    {.name = "lot", .kind = DESK_FIELD_LOT, .required = true, .positional = true, .help = "lot-1"},
    {.name = "carve-out",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .help = "one of the clause; or floor"},
};
static const struct desk_field NOTICE_SEND[] = {
    {.name = "lot", .kind = DESK_FIELD_LOT, .required = true, .positional = true, .help = "lot-1"},
    {.name = "offer",
     .kind = DESK_FIELD_OFFER,
     .help = "whose terms a second notice of a first offer states"},
};
static const struct desk_field NOTICE_ONE[] = {
    {.name = "notice",
     .kind = DESK_FIELD_NOTICE,
     .required = true,
     .positional = true,
     .help = "notice-1"},
};
static const struct desk_field NOTICE_OBJECT[] = {
    {.name = "notice",
     .kind = DESK_FIELD_NOTICE,
     .required = true,
     .positional = true,
     .help = "notice-1"},
    {.name = "defect", .kind = DESK_FIELD_TEXT, .required = true, .help = "what is wrong with it"},
};
static const struct desk_field ELECT[] = {
    {.name = "notice",
     .kind = DESK_FIELD_NOTICE,
     .required = true,
     .positional = true,
     .help = "notice-1"},
    {.name = "count",
     .kind = DESK_FIELD_COUNT,
     .help = "how much (default: all that it entitles to)"},
    TERMS,
};
static const struct desk_field LOT_ONE[] = {
    {.name = "lot", .kind = DESK_FIELD_LOT, .required = true, .positional = true, .help = "lot-1"},
};
static const struct desk_field SIGN[] = {
    {.name = "target",
     .kind = DESK_FIELD_TARGET,
     .required = true,
     .positional = true,
     .choices = "lot|offer",
     .help = "lot-1 (with its holder) or offer-1 (with the third party)"},
    {.name = "count",
     .kind = DESK_FIELD_COUNT,
     .help = "how much of the offer (default: all that is left)"},
    {.name = "provider",
     .kind = DESK_FIELD_WORD,
     .help = "of a lot: the holder's cloud (default: its only one)"},
    {.name = "deliver-by", .kind = DESK_FIELD_INSTANT, .help = "when it must be there"},
    {.name = "cure",
     .kind = DESK_FIELD_PERIOD,
     .help = "how late it may be before it has failed: 90 days"},
    {.name = "late", .kind = DESK_FIELD_LATE, .help = "credit for lateness: 1% per week up to 20%"},
    {.name = "late-terminate",
     .kind = DESK_FIELD_CHOICE,
     .choices = "yes|no",
     .help = "a failed order may be ended"},
    {.name = "under",
     .kind = DESK_FIELD_WORD,
     .help = "an order clause of the deal; says what is not said here"},
    TERMS,
};
static const struct desk_field SETTLE[] = {
    {.name = "lot", .kind = DESK_FIELD_LOT, .required = true, .positional = true, .help = "lot-1"},
    {.name = "outcome",
     .kind = DESK_FIELD_CHOICE,
     .required = true,
     .choices = "free|revive",
     .help = "what the holder agrees to"},
};
static const struct desk_field DELIVER[] = {
    {.name = "order",
     .kind = DESK_FIELD_ORDER,
     .required = true,
     .positional = true,
     .help = "order-1"},
    {.name = "count",
     .kind = DESK_FIELD_COUNT,
     .help = "how much arrived (default: all that is missing)"},
    {.name = "pool",
     .kind = DESK_FIELD_WORD,
     .help = "the pool that it becomes in the next policy"},
    {.name = "pool-lines",
     .kind = DESK_FIELD_TEXT,
     .help = "what a pool's block says: serves, price, limit, ..."},
};
static const struct desk_field PARTY_ONE[] = {
    {.name = "party",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .positional = true,
     .help = "a party of the deal"},
};
static const struct desk_field ASSIGN[] = {
    {.name = "clause",
     .kind = DESK_FIELD_WORD,
     .required = true,
     .positional = true,
     .help = "the right"},
    {.name = "from", .kind = DESK_FIELD_WORD, .required = true, .help = "its holder"},
    {.name = "to", .kind = DESK_FIELD_WORD, .required = true, .help = "who holds it from now on"},
};

static const struct desk_act ACTS[] = {
    {.group = "need",
     .verb = "open",
     .path = "/v1/desk/needs",
     .kind = DESK_NEED_OPENED,
     .summary = "say what capacity is wanted",
     FIELDS(NEED_OPEN)},
    {.group = "need",
     .verb = "withdraw",
     .path = "/v1/desk/needs/withdraw",
     .kind = DESK_NEED_WITHDRAWN,
     .summary = "drop a need",
     FIELDS(NEED_ONE)},
    {.group = "offer",
     .verb = "add",
     .path = "/v1/desk/offers",
     .kind = DESK_OFFER_ADDED,
     .summary = "record a third party's offer",
     FIELDS(OFFER_ADD)},
    {.group = "offer",
     .verb = "change",
     .path = "/v1/desk/offers/change",
     .kind = DESK_OFFER_CHANGED,
     .summary = "record that its terms changed",
     FIELDS(OFFER_CHANGE)},
    {.group = "offer",
     .verb = "affirm",
     .path = "/v1/desk/offers/affirm",
     .kind = DESK_OFFER_AFFIRMED,
     .summary = "affirm that it passes bona fide tests",
     FIELDS(OFFER_AFFIRM)},
    {.group = "offer",
     .verb = "withdraw",
     .path = "/v1/desk/offers/withdraw",
     .kind = DESK_OFFER_WITHDRAWN,
     .summary = "record that it is gone",
     FIELDS(OFFER_ONE)},
    {.group = "screen",
     .verb = "",
     .path = "/v1/desk/screenings",
     .kind = DESK_SCREENED,
     .summary = "hold an opportunity against a right again",
     FIELDS(SCREEN)},
    {.group = "exempt",
     .verb = "",
     .path = "/v1/desk/exemptions",
     .kind = DESK_EXEMPTED,
     .summary = "prove a carve-out",
     FIELDS(EXEMPT)},
    {.group = "notice",
     .verb = "send",
     .path = "/v1/desk/notices",
     .kind = DESK_NOTICE_SENT,
     .summary = "send the notices that a lot owes",
     FIELDS(NOTICE_SEND)},
    {.group = "notice",
     .verb = "delivered",
     .path = "/v1/desk/notices/delivered",
     .kind = DESK_NOTICE_DELIVERED,
     .summary = "record that a notice arrived",
     FIELDS(NOTICE_ONE)},
    {.group = "notice",
     .verb = "objected",
     .path = "/v1/desk/notices/objected",
     .kind = DESK_NOTICE_OBJECTED,
     .summary = "object to a defect of a notice",
     FIELDS(NOTICE_OBJECT)},
    {.group = "elect",
     .verb = "",
     .path = "/v1/desk/elections",
     .kind = DESK_ELECTED,
     .summary = "take what a notice offers",
     FIELDS(ELECT)},
    {.group = "decline",
     .verb = "",
     .path = "/v1/desk/declines",
     .kind = DESK_DECLINED,
     .summary = "turn a notice down",
     FIELDS(NOTICE_ONE)},
    {.group = "counter",
     .verb = "",
     .path = "/v1/desk/counters",
     .kind = DESK_COUNTERED,
     .summary = "answer with other terms: no acceptance",
     FIELDS(ELECT)},
    {.group = "tender",
     .verb = "",
     .path = "/v1/desk/tenders",
     .kind = DESK_TENDERED,
     .summary = "put the contract before the holder",
     FIELDS(LOT_ONE)},
    {.group = "sign",
     .verb = "",
     .path = "/v1/desk/signatures",
     .kind = DESK_SIGNED,
     .summary = "sign, with a holder or a third party",
     FIELDS(SIGN)},
    {.group = "settle",
     .verb = "",
     .path = "/v1/desk/settlements",
     .kind = DESK_SETTLED,
     .summary = "end a dispute",
     FIELDS(SETTLE)},
    {.group = "deliver",
     .verb = "",
     .path = "/v1/desk/deliveries",
     .kind = DESK_DELIVERED,
     .summary = "record that capacity arrived",
     FIELDS(DELIVER)},
    {.group = "party",
     .verb = "default",
     .path = "/v1/desk/parties/default",
     .kind = DESK_DEFAULTED,
     .summary = "record a holder's default",
     FIELDS(PARTY_ONE)},
    {.group = "party",
     .verb = "cure",
     .path = "/v1/desk/parties/cure",
     .kind = DESK_CURED,
     .summary = "record that it is cured",
     FIELDS(PARTY_ONE)},
    {.group = "party",
     .verb = "assign",
     .path = "/v1/desk/parties/assign",
     .kind = DESK_ASSIGNED,
     .summary = "record that a right was assigned",
     FIELDS(ASSIGN)},
    {.group = "party",
     .verb = "control",
     .path = "/v1/desk/parties/control",
     .kind = DESK_CONTROL_CHANGED,
     .summary = "record a change of control",
     FIELDS(PARTY_ONE)},
};

static const struct desk_field COMMON[] = {
    {.name = "happened", .kind = DESK_FIELD_INSTANT, .help = "when it was done (default: now)"},
    {.name = "for",
     .kind = DESK_FIELD_WORD,
     .help = "whose act it is, when you record it for another party"},
    {.name = "evidence", .kind = DESK_FIELD_TEXT, .help = "how you know: a letter, an e-mail"},
};

const struct desk_act *desk_acts(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(ACTS);
    return ACTS;
}

const struct desk_field *desk_common_fields(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(COMMON);
    return COMMON;
}

const struct desk_act *desk_act_find(const char *group, const char *verb)
{
    for (size_t i = 0; i < OFT_COUNT_OF(ACTS); i++) {
        if (strcmp(ACTS[i].group, group) == 0 && strcmp(ACTS[i].verb, verb) == 0) {
            return &ACTS[i];
        }
    }
    return NULL;
}

const struct desk_act *desk_act_of_path(const char *path)
{
    for (size_t i = 0; i < OFT_COUNT_OF(ACTS); i++) {
        if (strcmp(ACTS[i].path, path) == 0) {
            return &ACTS[i];
        }
    }
    return NULL;
}
