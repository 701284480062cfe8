/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares as they stand, and what is told of them. A deduction or a payment is one line of the books and one
 * event, committed together.
 */
#include "engine/shares.h"

#include <jansson.h>
#include <string.h>

#include "base/hash.h"
#include "engine/failpoint.h"
#include "engine/papers.h"
#include "ledger/share.h"

static enum oft_err need_deal(const struct engine *engine, struct oft_error *reterr)
{
    return engine->deal != NULL && engine->current != NULL
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_NOT_FOUND, "no deal is published yet");
}

static enum oft_err settle(struct engine *engine, oft_instant at, struct oft_arena *arena,
                           struct ledger_share_settlement **ret_all, size_t *ret_count,
                           struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    enum oft_err code = engine_share_rows(engine, arena, &rows, &row_count, reterr);
    return code == OFT_OK ? ledger_shares_settle(engine->deal, engine_attested_now(engine), rows,
                                                 row_count, at, arena, ret_all, ret_count)
                          : code;
}

enum oft_err engine_shares(struct engine *engine, const oft_instant *at, oft_instant now_ns,
                           enum ledger_format format, struct oft_buffer *out,
                           struct oft_error *reterr)
{
    struct oft_arena arena;
    struct ledger_share_settlement *all = NULL;
    size_t count = 0;
    oft_instant instant = at != NULL ? *at : engine_contract_now(engine, now_ns);
    enum oft_err code = need_deal(engine, reterr);
    if (code == OFT_OK && at == NULL) {
        code = engine_accrue(engine, now_ns, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = settle(engine, instant, &arena, &all, &count, reterr);
    if (code == OFT_OK) {
        code = ledger_shares_print(engine->deal, all, count, instant, format, out);
    }
    oft_arena_release(&arena);
    return code;
}

/* ---- what is told ------------------------------------------------------------------------------ */

/* One thing that is told, checked. */
struct telling {
    const struct engine_told *asked;
    struct ledger_told told;
    const char *what; /* of the event */
};

static enum oft_err check_common(const struct engine_told *asked, struct ledger_told *told,
                                 struct oft_error *reterr)
{
    size_t length = strlen(asked->reference);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)asked->reference[i] < 0x21 || asked->reference[i] == 0x7f) {
            length = SIZE_MAX;
        }
    }
    if (length >= sizeof(((struct ledger_event *)NULL)->about)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a reference is 1 to 63 bytes without blanks");
    }
    if (oft_decimal_parse(oft_str_from(asked->amount), 9, &told->amount) != OFT_OK ||
        told->amount == 0) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.60s\" is no amount; write 1000.50 (below 0 takes back)",
                        asked->amount);
    }
    return engine_actor_check(asked->actor, reterr);
}

static enum oft_err check_deduction(struct engine *engine, struct telling *it, oft_instant now,
                                    struct oft_error *reterr)
{
    const struct engine_told *asked = it->asked;
    const struct deal *deal = engine->deal;
    bool known = false;
    for (uint32_t i = 0; i < deal->deduction_count; i++) {
        known = known || strcmp(deal->deductions[i].name, asked->name) == 0;
    }
    if (!known) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "the deal has no deduction \"%.63s\": it says those with the word "
                        "\"deduction\"",
                        asked->name);
    }
    if (asked->detail[0] != '\0' &&
        deal_find_product(deal, oft_str_from(asked->detail)) == DEAL_NONE) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the deal has no product \"%.63s\"",
                        asked->detail);
    }
    if (oft_month_parse(oft_str_from(asked->when), &it->told.month) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID, "\"%.60s\" is no month; write 2026-04",
                        asked->when);
    }
    if (it->told.month > deal_month_of(engine->deal, now)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%.16s is still to come", asked->when);
    }
    it->told.at = now;
    return OFT_OK;
}

static enum oft_err find_period(struct engine *engine, struct telling *it, oft_instant now,
                                struct oft_error *reterr)
{
    struct oft_arena arena;
    struct ledger_share_settlement *all = NULL;
    size_t count = 0;
    bool share = false;
    bool period = false;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = settle(engine, now, &arena, &all, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (strcmp(engine->deal->clauses[all[i].clause].id, it->asked->name) != 0) {
            continue;
        }
        share = true;
        it->told.direction = all[i].direction;
        it->told.party = all[i].party; /* the deal's */
        for (size_t j = 0; j < all[i].period_count; j++) {
            period = period || strcmp(all[i].periods[j].name, it->asked->detail) == 0;
        }
    }
    oft_arena_release(&arena);
    if (code != OFT_OK) {
        return code;
    }
    if (!share) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the deal has no share \"%.160s\"",
                        it->asked->name);
    }
    return period ? OFT_OK
                  : oft_fail(reterr, OFT_ERR_NOT_FOUND,
                             "%.160s has no period \"%.16s\"; `offtake shares` lists them",
                             it->asked->name, it->asked->detail);
}

static enum oft_err check_payment(struct engine *engine, struct telling *it, oft_instant now,
                                  struct oft_error *reterr)
{
    const char *when = it->asked->when;
    it->told.at = oft_instant_from_date(oft_date_from_instant(now));
    if (when[0] != '\0' && oft_instant_parse(oft_str_from(when), &it->told.at) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID, "\"%.60s\" is no day; write 2026-04-15", when);
    }
    if (it->told.at > now) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%.40s is still to come", when);
    }
    it->told.month = deal_month_of(engine->deal, it->told.at);
    return find_period(engine, it, now, reterr);
}

/* The event's hash is of what was told, so that the same reference cannot tell two things. */
static enum oft_err event_of(const struct telling *it, struct ledger_event *event)
{
    char text[1024];
    char at[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    bool payment = it->told.kind == LEDGER_PAYMENT;
    (void)snprintf(text, sizeof(text), "%s\n%s\n%s\n%d\n%s\n%s\n", it->what, it->told.name,
                   it->told.detail, it->told.month,
                   payment ? oft_instant_format_short(it->told.at, at) : "",
                   oft_nanos_format(it->told.amount, digits));
    *event = (struct ledger_event){.month = it->told.month};
    (void)snprintf(event->what, sizeof(event->what), "%s", it->what);
    (void)snprintf(event->actor, sizeof(event->actor), "%s", it->asked->actor);
    (void)snprintf(event->about, sizeof(event->about), "%s", it->asked->reference);
    return oft_sha256_once(text, strlen(text), event->sha256);
}

/* Whether EVENT's reference has told the same before. */
static enum oft_err told_before(struct engine *engine, const struct ledger_event *event,
                                bool *ret_told, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_event *events = NULL;
    size_t count = 0;
    *ret_told = false;
    if (event->about[0] == '\0') {
        return OFT_OK;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_events(engine->store, 0, UINT64_MAX, &arena, &events, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        const struct ledger_event *other = &events[i].event;
        if (strcmp(other->what, event->what) != 0 || strcmp(other->about, event->about) != 0) {
            continue;
        }
        *ret_told = memcmp(other->sha256, event->sha256, sizeof(event->sha256)) == 0;
        if (!*ret_told) {
            code = oft_fail(reterr, OFT_ERR_CONFLICT,
                            "the reference %s was used by %s for something else; take another",
                            event->about, other->actor);
        }
    }
    oft_arena_release(&arena);
    return code;
}

static enum oft_err book(struct engine *engine, const struct telling *it,
                         const struct ledger_event *event, oft_instant now_ns,
                         struct oft_error *reterr)
{
    struct engine_posted posted = {0};
    struct ledger_batch *batch = NULL;
    enum oft_err code = ledger_batch_new(&batch);
    if (code == OFT_OK) {
        code = engine_batch_periods(engine, batch, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_told_add(batch, &it->told);
    }
    if (code == OFT_OK) {
        code = engine_post(engine, batch, NULL, 0, now_ns, &posted, reterr);
    }
    if (code == OFT_OK) {
        code = engine_post_event(engine, event, now_ns, reterr);
    }
    ledger_batch_free(batch);
    return code;
}

static enum oft_err book_once(struct engine *engine, const struct telling *it, oft_instant now_ns,
                              bool *ret_booked, struct oft_error *reterr)
{
    struct ledger_event event;
    bool before = false;
    enum oft_err code = event_of(it, &event);
    if (code == OFT_OK) {
        code = store_begin(engine->store, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    code = told_before(engine, &event, &before, reterr);
    if (code == OFT_OK && !before) {
        code = book(engine, it, &event, now_ns, reterr);
        engine_failpoint("told-before-commit");
        if (code == OFT_OK) {
            code = store_commit(engine->store, reterr);
        }
    }
    if (code != OFT_OK || before) {
        store_rollback(engine->store);
    }
    *ret_booked = !before;
    return code;
}

static enum oft_err answer(const struct telling *it, bool booked, struct oft_buffer *out)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    bool payment = it->told.kind == LEDGER_PAYMENT;
    return engine_json_out(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "what", it->what,
                                     "name", it->told.name, "of", it->told.detail, "at",
                                     payment ? oft_instant_format_short(it->told.at, at)
                                             : oft_month_format(it->told.month, at),
                                     "amount", oft_nanos_format(it->told.amount, digits),
                                     "reference", it->asked->reference, "booked", (int)booked),
                           out);
}

static enum oft_err tell(struct engine *engine, struct telling *it, oft_instant now_ns,
                         struct oft_buffer *out, struct oft_error *reterr)
{
    oft_instant now = engine_contract_now(engine, now_ns);
    bool booked = false;
    enum oft_err code = need_deal(engine, reterr);
    if (code == OFT_OK) {
        code = check_common(it->asked, &it->told, reterr);
    }
    if (code == OFT_OK) {
        code = it->told.kind == LEDGER_PAYMENT ? check_payment(engine, it, now, reterr)
                                               : check_deduction(engine, it, now, reterr);
    }
    if (code == OFT_OK) {
        code = book_once(engine, it, now_ns, &booked, reterr);
    }
    if (code == OFT_OK && booked) {
        code = engine_accrue(engine, now_ns, reterr);
    }
    return code == OFT_OK ? answer(it, booked, out) : code;
}

enum oft_err engine_deduct(struct engine *engine, const struct engine_told *told,
                           oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    struct telling it = {.asked = told, .what = "deduction"};
    it.told.kind = LEDGER_DEDUCTION;
    it.told.name = told->name;
    it.told.detail = told->detail;
    return tell(engine, &it, now_ns, out, reterr);
}

enum oft_err engine_share_paid(struct engine *engine, const struct engine_told *told,
                               oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    struct telling it = {.asked = told, .what = "payment"};
    it.told.kind = LEDGER_PAYMENT;
    it.told.name = told->name;
    it.told.detail = told->detail;
    return tell(engine, &it, now_ns, out, reterr);
}
