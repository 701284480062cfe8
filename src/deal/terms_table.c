/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of every clause's head and terms, and nothing else: terms_match.c reads tokens by them.
 *
 * A pattern is words with blanks between. A word stands for itself; `a|b` for one of several, which
 * becomes a value; `a!` for itself, and its being there becomes a value. `<kind>` is a value; what
 * each kind may look like is in terms_values.c. `[...]` may be left out; it begins with a word.
 */
#include "deal/terms_internal.h"

#define KIND(name) (1u << DEAL_CLAUSE_##name)
#define REFUSALS   (KIND(FIRST_REFUSAL) | KIND(FIRST_OFFER))
#define ENDED                                                                          \
    (KIND(EXCLUSIVE) | KIND(RESIDENCY) | KIND(LICENSE) | KIND(PRIMARY) | KIND(SHARE) | \
     KIND(CEILING) | REFUSALS)

const struct deal_head_spec deal_heads[] = {
    {DEAL_CLAUSE_EXCLUSIVE, "exclusive <products> on <provider>"},
    {DEAL_CLAUSE_RESIDENCY, "residency product <products> only in <names>"},
    {DEAL_CLAUSE_RESIDENCY, "residency account <accounts> only in <names>"},
    {DEAL_CLAUSE_RESIDENCY, "residency group <groups> only in <names>"},
    {DEAL_CLAUSE_LICENSE, "license [exclusive!] models <models> to <party> for <products>"},
    {DEAL_CLAUSE_PRIMARY, "primary <provider> for <products>"},
    {DEAL_CLAUSE_COMMIT, "commit <amount> on <provider> over <date> .. <date>"},
    {DEAL_CLAUSE_ORDER, "order <quantity> on <provider>"},
    {DEAL_CLAUSE_SHARE, "share <rate-or-tiered> of [revenue! from <products>] [share! <clause>] "
                        "from <party> to <party>"},
    {DEAL_CLAUSE_FIRST_REFUSAL, "first refusal on new capacity"},
    {DEAL_CLAUSE_FIRST_OFFER, "first offer on new capacity"},
    {DEAL_CLAUSE_CEILING, "spend at most <amount> per day|month on <provider>"},
};
const size_t deal_head_count = OFT_COUNT_OF(deal_heads);

/* In the order of enum deal_term_key. */
const struct deal_term_spec deal_term_specs[DEAL_TERM_KEY_COUNT] = {
    [DEAL_TERM_UNTIL] = {ENDED, false, "until", "until <end>"},

    [DEAL_TERM_THROUGH] = {KIND(EXCLUSIVE), false, "through", "through <surfaces>"},
    [DEAL_TERM_EXCEPT_GROUPS] = {KIND(EXCLUSIVE), false, "except_groups", "except <groups>"},
    [DEAL_TERM_EXCEPT_FIELDS] = {KIND(LICENSE), false, "except_fields", "except field <fields>"},

    [DEAL_TERM_SHIP_FIRST] = {KIND(PRIMARY), false, "ship_first", "ship first"},
    [DEAL_TERM_LEAD] = {KIND(PRIMARY), false, "lead", "lead <duration>"},
    [DEAL_TERM_UNLESS] = {KIND(PRIMARY), false, "unless", "unless <condition>"},
    [DEAL_TERM_PREFER] = {KIND(PRIMARY), false, "prefer", "prefer"},

    [DEAL_TERM_COMMIT_MODEL] = {KIND(COMMIT), false, "model", "build-up|burn-down|take-or-pay"},
    [DEAL_TERM_COUNTING] = {KIND(COMMIT), false, "counting", "counting <weighted>"},
    [DEAL_TERM_MILESTONE] = {KIND(COMMIT), true, "milestone", "milestone <amount> by <date>"},
    [DEAL_TERM_RAMP] = {KIND(COMMIT), true, "ramp", "ramp <amount> by <date>"},
    [DEAL_TERM_BASIS] = {KIND(COMMIT), false, "basis", "gross|net"},
    [DEAL_TERM_COUNTED] = {KIND(COMMIT), false, "counted_at", "counted at usage|invoice"},
    [DEAL_TERM_MARKETPLACE] = {KIND(COMMIT), false, "marketplace_cap",
                               "marketplace cap <rate-or-amount>"},
    [DEAL_TERM_SHORTFALL] = {KIND(COMMIT), false, "shortfall", "shortfall cash|credit|forfeit"},
    [DEAL_TERM_ROLL_OVER] = {KIND(COMMIT), false, "roll_over", "roll-over <rate-or-amount>"},
    [DEAL_TERM_OVERAGE] = {KIND(COMMIT), false, "overage", "overage <multiple>"},
    [DEAL_TERM_SUCCESSOR] = {KIND(COMMIT), false, "successor_of", "successor of <clause>"},

    [DEAL_TERM_DELIVER_BY] = {KIND(ORDER), false, "deliver_by", "deliver by <date>"},
    [DEAL_TERM_PHASE] = {KIND(ORDER), true, "phase", "phase <quantity> by <date>"},
    [DEAL_TERM_ORDER_PRICE] = {KIND(ORDER), false, "price", "at <amount> per gpu-hour|MW-month"},
    [DEAL_TERM_ORDER_TERM] = {KIND(ORDER), false, "term", "term <duration>"},
    [DEAL_TERM_REGION] = {KIND(ORDER), false, "region", "region <name>"},
    [DEAL_TERM_CURE] = {KIND(ORDER), false, "cure", "cure <duration>"},
    [DEAL_TERM_LATE_CREDIT] = {KIND(ORDER), false, "late_credit",
                               "late credit <rate> per day|week|month [up to <rate>]"},
    [DEAL_TERM_LATE_TERMINATE] = {KIND(ORDER), false, "late_terminate", "late terminate"},
    [DEAL_TERM_PREPAY] = {KIND(ORDER), false, "prepay", "prepay <rate-or-amount>"},
    [DEAL_TERM_EXPANSION] = {KIND(ORDER), true, "expansion",
                             "expansion <quantity> until <end> "
                             "[at <amount> per gpu-hour|MW-month]"},

    [DEAL_TERM_PERIOD] = {KIND(SHARE), false, "period", "monthly|quarterly|yearly"},
    [DEAL_TERM_LESS] = {KIND(SHARE), false, "less", "less <deductions>"},
    [DEAL_TERM_TIER] = {KIND(SHARE), true, "tier", "tier <rate> from <amount> [to <amount>]"},
    [DEAL_TERM_TIER_MODE] = {KIND(SHARE), false, "tier_mode", "marginal|whole-band"},
    [DEAL_TERM_CAP] = {KIND(SHARE), true, "cap", "cap <amount> [per period!]"},
    [DEAL_TERM_MINIMUM] = {KIND(SHARE), true, "minimum", "minimum <amount> [per period!]"},
    [DEAL_TERM_NETTING] = {KIND(SHARE), false, "netting", "netting <clause>"},
    [DEAL_TERM_HOLDBACK] = {KIND(SHARE), false, "holdback", "holdback <rate> for <duration>"},
    [DEAL_TERM_CLAWBACK] = {KIND(SHARE), false, "clawback", "clawback <duration>"},
    [DEAL_TERM_STATEMENT] = {KIND(SHARE), false, "statement_within", "statement within <duration>"},
    [DEAL_TERM_PAYMENT] = {KIND(SHARE), false, "payment_within", "payment within <duration>"},
    [DEAL_TERM_INTEREST] = {KIND(SHARE), false, "interest_per_year", "interest <rate> per year"},

    [DEAL_TERM_HOLDER] = {REFUSALS, true, "holder", "holder <party> [rank <count>]"},
    [DEAL_TERM_TRIGGER] = {REFUSALS, false, "trigger", "trigger offer|need"},
    [DEAL_TERM_SCOPE_REGIONS] = {REFUSALS, false, "scope_regions", "scope region <names>"},
    [DEAL_TERM_SCOPE_ACCELERATORS] = {REFUSALS, false, "scope_accelerators",
                                      "scope accelerator <names>"},
    [DEAL_TERM_SCOPE_FLOOR] = {REFUSALS, false, "scope_floor", "scope floor <size>"},
    [DEAL_TERM_SCOPE_DEALS] = {REFUSALS, true, "scope_deals", "scope new|renewal|expansion"},
    [DEAL_TERM_SCOPE_PRODUCTS] = {REFUSALS, false, "scope_products", "scope <products>"},
    [DEAL_TERM_CARVE_OUT] = {REFUSALS, true, "carve_out", "carve-out <name> <text>"},
    [DEAL_TERM_BONA_FIDE] = {REFUSALS, false, "bona_fide", "bona fide <names>"},
    [DEAL_TERM_DISCLOSE] = {REFUSALS, false, "disclose", "disclose identity|terms|nothing"},
    [DEAL_TERM_MATCH] = {REFUSALS, false, "match", "match all|economic|listed"},
    [DEAL_TERM_COMPARE] = {REFUSALS, true, "compare",
                           "compare <name> lower|higher [within <rate>]"},
    [DEAL_TERM_CASH_EQUIVALENT] = {REFUSALS, false, "cash_equivalent", "cash equivalent"},
    [DEAL_TERM_PARTIAL_NEVER] = {REFUSALS, false, "partial_never", "partial never"},
    [DEAL_TERM_PARTIAL] = {REFUSALS, false, "partial", "partial from <quantity> step <quantity>"},
    [DEAL_TERM_MODE] = {REFUSALS, false, "mode", "mode sequential|simultaneous"},
    [DEAL_TERM_RESPOND] = {REFUSALS, false, "respond_within", "respond within <timer>"},
    [DEAL_TERM_OBJECT] = {REFUSALS, false, "object_within", "object within <timer>"},
    [DEAL_TERM_OVER_ALLOTMENT] = {REFUSALS, false, "over_allotment", "over-allotment <timer>"},
    [DEAL_TERM_SIGN] = {REFUSALS, false, "sign_within", "sign within <timer>"},
    [DEAL_TERM_RELEASE] = {REFUSALS, false, "release", "release <timer>"},
    [DEAL_TERM_REOFFER] = {REFUSALS, false, "reoffer", "reoffer <timer>"},
    [DEAL_TERM_DELIVER] = {REFUSALS, false, "deliver_within", "deliver within <timer>"},
    [DEAL_TERM_DEEMED] = {REFUSALS, false, "deemed_delivery", "deemed delivery after <duration>"},
    [DEAL_TERM_COUNTERPARTY] = {REFUSALS, false, "counterparty", "counterparty same|any"},
    [DEAL_TERM_ONE_TIME] = {REFUSALS, false, "one_time", "one-time"},
    [DEAL_TERM_STANDING_CURE] = {REFUSALS, false, "standing_cure", "standing cure <duration>"},
    [DEAL_TERM_STANDING_DEFAULTS] = {REFUSALS, false, "standing_defaults",
                                     "standing defaults <count> in <duration>"},
    [DEAL_TERM_STANDING_REMAINING] = {REFUSALS, false, "standing_remaining",
                                      "standing remaining <duration>"},
    [DEAL_TERM_SUSPEND] = {REFUSALS, false, "suspend_on_default", "suspend on default"},
    [DEAL_TERM_ASSIGNABLE] = {REFUSALS, false, "assignable", "assignable"},
    [DEAL_TERM_CHANGE_OF_CONTROL] = {REFUSALS, false, "change_of_control",
                                     "change of control ends|survives"},
    [DEAL_TERM_ON_TERMINATION] = {REFUSALS, false, "on_termination",
                                  "on termination pending void|survive"},
    [DEAL_TERM_GOVERNING] = {REFUSALS, false, "governing_version",
                             "governing version at notice|need"},
    [DEAL_TERM_REMEDY] = {REFUSALS, false, "remedy", "remedy <text>"},
};

/* Lines of a programme's block; terms of their own. */
const char *const deal_programme_lines[DEAL_PROGRAMME_LINE_COUNT] = {
    [DEAL_PROGRAMME_TOTAL] = "total <amount> over <count> years from <date>",
    [DEAL_PROGRAMME_TRANCHE] = "tranche <name> <amount> from <date>",
    [DEAL_PROGRAMME_FUNDER] =
        ("funder <party> <rate> [status proposed|committed|called|paid] [role <name>]"),
    [DEAL_PROGRAMME_CALL] = "call <amount> on <date> due <date>",
    [DEAL_PROGRAMME_TECHNOLOGY] = "technology <parties>",
};
