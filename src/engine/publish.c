/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing a policy. The generation's row is committed before its files are written: a worker can
 * never run under a policy that the books do not know. A failure after that leaves a generation that
 * nothing runs under, which does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/desk_internal.h"
#include "policy/lint.h"
#include "store/limits.h"

struct deal_attestations engine_attested_now(const struct engine *engine)
{
    static const struct deal_attestations none = {0};
    return engine->current == NULL ? none : engine->current->attested;
}

static enum oft_err commit_generation(struct engine *engine, const struct deal *deal,
                                      oft_instant now_ns, uint64_t *ret_generation,
                                      struct oft_error *reterr)
{
    uint64_t last = 0;
    enum oft_err code = store_begin(engine->store, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = store_policy_last(engine->store, &last, reterr);
    if (code == OFT_OK) {
        code = store_policy_put(engine->store, last + 1, now_ns, deal, reterr);
    }
    if (code == OFT_OK) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
        return code;
    }
    *ret_generation = last + 1;
    return OFT_OK;
}

/* The desk learns the rights of the deal in force. Whether it can was asked before (a damaged journal
 * closes the desk alone); if the books fail now, the next tick or command tries again. */
static enum oft_err sync_desk(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    return engine->desk->fault.code == OFT_OK ? engine_desk_ready(engine, now_ns, reterr) : OFT_OK;
}

/* Makes DEAL the next generation and the one in force. */
static enum oft_err publish_deal(struct engine *engine, const struct deal *deal, oft_instant now_ns,
                                 struct oft_buffer *report, struct oft_error *reterr)
{
    uint64_t generation = 0;
    struct engine_context *context = NULL;
    enum oft_err code = commit_generation(engine, deal, now_ns, &generation, reterr);
    engine->batch_began = engine->uses;
    if (code == OFT_OK) {
        code = engine_context_get(engine, generation, &context, reterr);
    }
    if (code == OFT_OK) {
        code = engine_release(engine, context->deal, generation, context->attested, now_ns, report,
                              reterr);
    }
    if (code == OFT_OK) {
        engine->current = context;
        engine->deal = context->deal;
        engine->generation = generation;
        code = sync_desk(engine, now_ns, reterr);
    }
    return code;
}

/* What was delivered, in ARENA. Books that cannot tell it stand in the way of no deal, and it is said. */
static enum oft_err orders_text(struct engine *engine, struct oft_arena *arena,
                                struct oft_str *ret_text, struct oft_buffer *report,
                                struct oft_error *reterr)
{
    enum oft_err code = engine_orders_text(engine, arena, ret_text, reterr);
    if (code == OFT_ERR_CORRUPT || code == OFT_ERR_NOT_FOUND) {
        oft_buffer_printf(report,
                          "warning: the pools that were delivered under orders cannot be read "
                          "(%s); this policy is without them\n",
                          reterr == NULL ? "the books are damaged" : reterr->message);
        *ret_text = (struct oft_str){"", 0};
        code = OFT_OK;
    }
    return code;
}

static enum oft_err read_deal(struct engine *engine, oft_instant now_ns, struct deal **ret_deal,
                              struct oft_buffer *report, struct oft_error *reterr)
{
    struct deal_diagnostics diagnostics;
    struct oft_arena arena;
    struct oft_str orders = {"", 0};
    deal_diagnostics_init(&diagnostics);
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = orders_text(engine, &arena, &orders, report, reterr);
    if (code == OFT_OK) {
        code = engine_deal_read(engine, orders, now_ns, ret_deal, &diagnostics, reterr);
    }
    if (code == OFT_OK) {
        code = policy_lint(*ret_deal, &diagnostics, reterr);
    }
    if (diagnostics.error_count > 0 || diagnostics.count > 0) {
        deal_diagnostics_print(&diagnostics, false, report);
    }
    deal_diagnostics_release(&diagnostics);
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_publish(struct engine *engine, oft_instant now_ns, struct oft_buffer *report,
                            struct oft_error *reterr)
{
    struct deal *deal = NULL;
    enum oft_err code = read_deal(engine, now_ns, &deal, report, reterr);
    if (code == OFT_ERR_INVALID) {
        return oft_fail(reterr, code, "%s has errors; %s", engine->deal_path,
                        engine->generation == 0 ? "nothing is served"
                                                : "the policy in force stays");
    }
    if (code == OFT_OK) {
        code = engine_desk_rights_check(engine, deal, now_ns, report, reterr);
        if (code == OFT_ERR_INVALID) {
            deal_free(deal);
            return oft_fail(reterr, code, "the capacity desk cannot reckon by %s",
                            engine->deal_path);
        }
    }
    if (code == OFT_OK) {
        code = publish_deal(engine, deal, now_ns, report, reterr);
    }
    deal_free(deal);
    return code;
}

/* The deal in force, or made anew with what was delivered since: then *RET_MADE is to be freed. */
static enum oft_err current_deal(struct engine *engine, const struct deal **ret_deal,
                                 struct deal **ret_made, struct oft_error *reterr)
{
    struct deal_diagnostics diagnostics;
    struct oft_arena arena;
    struct oft_str orders = {"", 0};
    *ret_deal = engine->deal;
    *ret_made = NULL;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    deal_diagnostics_init(&diagnostics);
    enum oft_err code = engine_orders_text(engine, &arena, &orders, reterr);
    if (code == OFT_OK && !engine_orders_published(engine, orders)) {
        code = engine_deal_parse(engine, engine->deal, orders, engine_months_of(engine->deal),
                                 ret_made, &diagnostics, reterr);
        *ret_deal = *ret_made;
    }
    if (code == OFT_ERR_INVALID) {
        code = oft_fail(reterr, code,
                        "the deal does not hold with what was delivered (%.300s); the policy in "
                        "force stays",
                        engine_first_error(&diagnostics));
    }
    deal_diagnostics_release(&diagnostics);
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_republish(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    struct oft_buffer report;
    const struct deal *deal = NULL;
    struct deal *made = NULL;
    oft_buffer_init(&report, OFT_ADMIN_BODY_BYTES_MAX);
    enum oft_err code = current_deal(engine, &deal, &made, reterr);
    if (code == OFT_OK) {
        code = publish_deal(engine, deal, now_ns, &report, reterr);
    }
    deal_free(made);
    oft_buffer_release(&report);
    return code;
}

static enum oft_err republish_when_worth(struct engine *engine, oft_instant now_ns,
                                         struct oft_error *reterr)
{
    struct oft_arena arena;
    int64_t *values = NULL;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = engine_values(engine, engine->deal, engine_attested_now(engine), now_ns,
                                      &arena, &values, reterr);
    bool changed = false;
    if (code == OFT_OK && now_ns >= engine->former_token_ends_ns) {
        code = store_former_tokens_end(engine->store, now_ns, reterr);
        changed = code == OFT_OK;
    }
    changed = changed ||
              (code == OFT_OK &&
               memcmp(values, engine->values, engine->deal->clause_count * sizeof(*values)) != 0);
    oft_arena_release(&arena);
    return changed ? engine_republish(engine, now_ns, reterr) : code;
}

enum oft_err engine_tick(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    enum oft_err desk = engine_desk_tick(engine, now_ns, reterr);
    if (engine->deal == NULL || engine->values == NULL) {
        return desk;
    }
    enum oft_err accrued = engine_accrue_hourly(engine, now_ns, desk == OFT_OK ? reterr : NULL);
    bool first = desk == OFT_OK && accrued == OFT_OK; /* the first failure is told */
    enum oft_err code = republish_when_worth(engine, now_ns, first ? reterr : NULL);
    return desk != OFT_OK ? desk : accrued != OFT_OK ? accrued : code;
}
