/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Funding programmes: what somebody tells of them into the books, once for each reference, and what has
 * become of them.
 */
#include <string.h>

#include "base/hash.h"
#include "engine/papers.h"
#include "engine/programmes.h"
#include "ledger/fund.h"
#include "ledger/trace.h"
#include "store/funds.h"

enum { CANONICAL_BYTES_MAX = 4096 };

static enum oft_err fund_rows(struct engine *engine, struct oft_arena *arena,
                              struct ledger_row **ret_rows, size_t *ret_count,
                              struct oft_error *reterr)
{
    static const enum ledger_series_kind kinds[] = {LEDGER_FUND_CALL, LEDGER_FUND_PAYMENT,
                                                    LEDGER_FUND_DRAW};
    return engine_rows_of(engine, kinds, OFT_COUNT_OF(kinds), arena, ret_rows, ret_count, reterr);
}

enum oft_err engine_fill_funds(struct engine *engine, struct ledger_batch *batch,
                               oft_instant through, struct oft_arena *arena,
                               struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_fund *funds = NULL;
    size_t count = 0;
    enum oft_err code = fund_rows(engine, arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_funds_settle(engine->deal, rows, row_count, through, arena, &funds, &count);
    }
    return code == OFT_OK ? ledger_funds_add(batch, funds, count, rows, row_count) : code;
}

/* ---- showing ----------------------------------------------------------------------------------- */

/* A fault that came without words. */
static enum oft_err with_words(enum oft_err code, struct oft_error *reterr)
{
    bool silent = code != OFT_OK && reterr != NULL && reterr->message[0] == '\0';
    return silent ? oft_fail(reterr, code, "the books of funding cannot be worked out: %s",
                             oft_err_text(code))
                  : code;
}

static enum oft_err no_programme(const char *name, struct oft_error *reterr)
{
    return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                    "the deal has no programme \"%.100s\": `offtake programme list` shows them",
                    name);
}

static enum oft_err show(struct engine *engine, const char *named, oft_instant at,
                         enum ledger_format format, struct oft_arena *arena, struct oft_buffer *out,
                         struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_fund *funds = NULL;
    size_t count = 0;
    enum oft_err code = fund_rows(engine, arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_funds_settle(engine->deal, rows, row_count, at, arena, &funds, &count);
    }
    if (code != OFT_OK) {
        return code;
    }
    const struct ledger_fund *first = funds;
    if (named != NULL) {
        first = ledger_fund_find(funds, count, named);
        count = 1;
    }
    return first == NULL ? no_programme(named, reterr)
                         : ledger_funds_print(engine->deal, first, count, at, format, out);
}

enum oft_err engine_programmes(struct engine *engine, const char *named, const oft_instant *at,
                               oft_instant now_ns, enum ledger_format format,
                               struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    enum oft_err code = engine_accrue(engine, now_ns, reterr);
    if (code == OFT_OK) {
        oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
        code = show(engine, named, at != NULL ? *at : engine_contract_now(engine, now_ns), format,
                    &arena, out, reterr);
        oft_arena_release(&arena);
    }
    return with_words(code, reterr);
}

/* ---- telling ----------------------------------------------------------------------------------- */

struct telling {
    struct engine *engine;
    const struct engine_fund_ask *ask;
    struct ledger_event event;
    oft_instant now; /* of contract time */
    oft_instant now_ns;
    struct oft_arena arena;
};

/* The event that tells of it; its hash is over all that was asked but by whom. */
static enum oft_err make_event(struct telling *it)
{
    const struct engine_fund_ask *ask = it->ask;
    char day[OFT_INSTANT_TEXT_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    struct oft_buffer text;
    (void)snprintf(it->event.what, sizeof(it->event.what), "%s", ledger_kind_name(ask->kind));
    (void)snprintf(it->event.actor, sizeof(it->event.actor), "%s", ask->actor);
    (void)snprintf(it->event.about, sizeof(it->event.about), "%s", ask->reference);
    it->event.month = deal_month_of(it->engine->deal, it->now);
    oft_buffer_init(&text, CANONICAL_BYTES_MAX);
    oft_buffer_printf(&text, "offtake-fund-1\nwhat=%s\nprogramme=%s\n", it->event.what,
                      ask->programme);
    oft_buffer_printf(&text, "funder=%s\norder=%s\namount_nanos=%s\nday=%s\n", ask->funder,
                      ask->order, oft_i128_format(ask->amount, amount),
                      ask->kind == LEDGER_FUND_DRAW ? "" : oft_instant_format(ask->day, day));
    enum oft_err code =
        text.failed ? OFT_ERR_LIMIT
                    : oft_sha256_once(oft_buffer_text(&text), text.length, it->event.sha256);
    oft_buffer_release(&text);
    return code;
}

static enum oft_err check_words(const struct engine_fund_ask *ask, struct oft_error *reterr)
{
    enum oft_err code = engine_actor_check(ask->actor, reterr);
    if (code == OFT_OK && engine_actor_check(ask->reference, NULL) != OFT_OK) {
        code = oft_fail(reterr, OFT_ERR_INVALID,
                        "give it a reference of your own, 1 to 63 bytes without blanks around it: "
                        "what is told twice under one reference is done once");
    }
    for (const char *text = ask->funder; code == OFT_OK && *text != '\0'; text++) {
        code = *text == '\n' ? OFT_ERR_INVALID : OFT_OK;
    }
    for (const char *text = ask->order; code == OFT_OK && *text != '\0'; text++) {
        code = *text == '\n' ? OFT_ERR_INVALID : OFT_OK;
    }
    return code;
}

/* Whether NAME is an order of the desk ("order-2") or of the deal ("oracle.site"). */
static bool order_known(struct engine *engine, const char *name)
{
    const struct desk_state *desk = engine_orders(engine);
    uint32_t clause = deal_find_clause(engine->deal, oft_str_from(name));
    char text[32];
    uint32_t count = desk == NULL ? 0 : desk_order_count(desk);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof(text), "order-%u", i + 1);
        if (strcmp(text, name) == 0) {
            return true;
        }
    }
    return clause != DEAL_NONE && engine->deal->clauses[clause].kind == DEAL_CLAUSE_ORDER;
}

static enum oft_err settle(struct telling *it, const struct ledger_row *rows, size_t row_count,
                           oft_instant at, const struct ledger_fund **ret_fund,
                           struct oft_error *reterr)
{
    struct ledger_fund *funds = NULL;
    size_t count = 0;
    enum oft_err code =
        ledger_funds_settle(it->engine->deal, rows, row_count, at, &it->arena, &funds, &count);
    *ret_fund = code == OFT_OK ? ledger_fund_find(funds, count, it->ask->programme) : NULL;
    return code == OFT_OK && *ret_fund == NULL ? no_programme(it->ask->programme, reterr) : code;
}

/* Checks it against the books, and adds it to BATCH. */
static enum oft_err fill(struct telling *it, struct ledger_batch *batch, struct oft_error *reterr)
{
    const struct engine_fund_ask *ask = it->ask;
    bool draw = ask->kind == LEDGER_FUND_DRAW;
    struct ledger_fund_ask asked = {.kind = ask->kind,
                                    .funder = ask->funder,
                                    .order = ask->order,
                                    .order_known = draw && order_known(it->engine, ask->order),
                                    .amount = ask->amount};
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    const struct ledger_fund *fund = NULL;
    const struct ledger_fund *then = NULL;
    enum oft_err code = fund_rows(it->engine, &it->arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        asked.at = ledger_fund_now(ask->programme, rows, row_count, it->now);
        oft_instant today = ledger_fund_day_end(asked.at) - (OFT_NS_PER_DAY - 1);
        asked.day = draw ? today : ask->day;
        code = settle(it, rows, row_count, asked.at, &fund, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_fund_then(it->engine->deal, ask->programme, rows, row_count, &asked,
                                &it->arena, &then);
    }
    if (code == OFT_OK) {
        code = ledger_fund_check(fund, then, &asked, reterr);
    }
    if (code == OFT_OK) {
        code = engine_batch_periods(it->engine, batch, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    code = ledger_fund_add(batch, fund, &asked);
    return code == OFT_OK ? OFT_OK
                          : oft_fail(reterr, code, "this cannot be booked: %s", oft_err_text(code));
}

static enum oft_err answer(const struct telling *it, const struct store_event *event, bool again,
                           struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    return engine_json_out(json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "what",
                                     event->event.what, "programme", it->ask->programme,
                                     "reference", event->event.about, "by", event->event.actor,
                                     "at", oft_instant_format(event->recorded_ns, text),
                                     "transaction", (json_int_t)event->number, "again", (int)again),
                           out);
}

/* Within the store's transaction. *RET_DONE gets what was done under the reference before. */
static enum oft_err tell(struct telling *it, struct ledger_batch *batch,
                         struct store_event *ret_done, bool *ret_again, struct oft_error *reterr)
{
    struct engine_posted posted = {0};
    enum oft_err code =
        store_fund_event(it->engine->store, it->event.about, ret_done, ret_again, reterr);
    if (code == OFT_OK && *ret_again) {
        bool same = strcmp(ret_done->event.what, it->event.what) == 0 &&
                    memcmp(ret_done->event.sha256, it->event.sha256, 32) == 0;
        return same ? OFT_OK
                    : oft_fail(reterr, OFT_ERR_CONFLICT,
                               "the reference %s stands for another %s, told by %s: what differs "
                               "needs a reference of its own",
                               it->event.about, ret_done->event.what, ret_done->event.actor);
    }
    if (code == OFT_OK) {
        code = fill(it, batch, reterr);
    }
    if (code == OFT_OK) {
        code = engine_post(it->engine, batch, NULL, 0, it->now_ns, &posted, reterr);
    }
    if (code == OFT_OK) {
        code = engine_post_event(it->engine, &it->event, it->now_ns, reterr);
    }
    bool found = false;
    return code == OFT_OK
               ? store_fund_event(it->engine->store, it->event.about, ret_done, &found, reterr)
               : code;
}

static enum oft_err tell_in_transaction(struct telling *it, struct oft_buffer *out,
                                        struct oft_error *reterr)
{
    struct ledger_batch *batch = NULL;
    struct store_event done = {0};
    bool again = false;
    enum oft_err code = ledger_batch_new(&batch);
    if (code != OFT_OK) {
        return code;
    }
    code = store_begin(it->engine->store, reterr);
    if (code == OFT_OK) {
        code = tell(it, batch, &done, &again, reterr);
        if (code == OFT_OK && !again) {
            code = store_commit(it->engine->store, reterr);
        }
        if (code != OFT_OK || again) {
            store_rollback(it->engine->store);
        }
    }
    ledger_batch_free(batch);
    return code == OFT_OK ? answer(it, &done, again, out) : code;
}

enum oft_err engine_fund_tell(struct engine *engine, const struct engine_fund_ask *ask,
                              oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    struct telling it = {
        .engine = engine, .ask = ask, .now = engine_contract_now(engine, now_ns), .now_ns = now_ns};
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    enum oft_err code = check_words(ask, reterr);
    if (code == OFT_OK) {
        code = make_event(&it);
    }
    if (code == OFT_OK) {
        code = engine_accrue(engine, now_ns, reterr); /* written calls of by now */
    }
    if (code == OFT_OK) {
        oft_arena_init(&it.arena, ENGINE_ARENA_BYTES_MAX);
        code = tell_in_transaction(&it, out, reterr);
        oft_arena_release(&it.arena);
    }
    return with_words(code, reterr);
}
