/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing months. A month goes open, soft-closed, closed, in order and never back; each step is an event
 * in the books' chain. What is booked by then is booked first, so that only what truly is late becomes so.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/failpoint.h"
#include "engine/papers.h"

enum { DRAINS_MAX = 1000 };

enum oft_err engine_json_out(json_t *object, struct oft_buffer *out)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    }
    enum oft_err code = text == NULL || out->failed ? OFT_ERR_MEMORY : OFT_OK;
    free(text);
    json_decref(object);
    return code;
}

enum oft_err engine_actor_check(const char *actor, struct oft_error *reterr)
{
    size_t length = actor == NULL ? 0 : strlen(actor);
    bool good = length > 0 && length < sizeof(((struct ledger_event *)NULL)->actor) &&
                actor[0] != ' ' && actor[length - 1] != ' ';
    for (size_t i = 0; good && i < length; i++) {
        good = (unsigned char)actor[i] >= 0x20 && actor[i] != 0x7f && actor[i] != ';';
    }
    return good ? OFT_OK
                : oft_fail(reterr, OFT_ERR_INVALID,
                           "say who does it: a name of 1 to 63 bytes, without blanks around it");
}

/* ---- what there is ---------------------------------------------------------------------------- */

static const char *state_of(struct ledger_periods periods, int32_t month)
{
    return month < periods.closed_until ? "closed"
           : month < periods.soft_until ? "soft-closed"
                                        : "open";
}

/* The first event of WHAT that covers MONTH: months without a line are taken along by later ones. */
static json_t *act_json(const struct store_event *events, size_t count, const char *what,
                        int32_t month)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    for (size_t i = 0; i < count; i++) {
        if (events[i].event.month >= month && strcmp(events[i].event.what, what) == 0) {
            return json_pack("{s:s, s:s, s:I}", "by", events[i].event.actor, "at",
                             oft_instant_format(events[i].recorded_ns, text), "transaction",
                             (json_int_t)events[i].number);
        }
    }
    return json_null();
}

static json_t *period_json(struct ledger_periods periods, const struct store_event *events,
                           size_t count, int32_t month)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    return json_pack("{s:s, s:s, s:o, s:o}", "month", oft_month_format(month, text), "state",
                     state_of(periods, month), "soft_closed",
                     act_json(events, count, "period-soft-close", month), "closed",
                     act_json(events, count, "period-close", month));
}

static enum oft_err list(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                         struct oft_buffer *out, struct oft_error *reterr)
{
    struct ledger_periods periods = {0};
    struct store_event *events = NULL;
    int32_t *months = NULL;
    size_t event_count = 0;
    size_t count = 0;
    char text[OFT_INSTANT_TEXT_BYTES];
    enum oft_err code = store_periods(engine->store, &periods, reterr);
    if (code == OFT_OK) {
        code = store_events(engine->store, 0, UINT64_MAX, arena, &events, &event_count, reterr);
    }
    if (code == OFT_OK) {
        code = store_months(engine->store, arena, &months, &count, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(items, period_json(periods, events, event_count, months[i]));
    }
    int32_t now = deal_month_of(engine->deal, engine_contract_now(engine, now_ns));
    bool any = periods.soft_until > 0;
    return engine_json_out(
        json_pack("{s:s, s:o, s:o}", "now", oft_month_format(now, text), "late_lands_in",
                  any ? json_string(oft_month_format(periods.soft_until, text)) : json_null(),
                  "periods", items),
        out);
}

enum oft_err engine_periods(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                            struct oft_error *reterr)
{
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = list(engine, now_ns, &arena, out, reterr);
    oft_arena_release(&arena);
    return code;
}

/* ---- closing ---------------------------------------------------------------------------------- */

static enum oft_err check_order(struct engine *engine, struct ledger_periods periods, int32_t month,
                                bool soft, struct oft_error *reterr)
{
    struct oft_arena arena;
    int32_t *months = NULL;
    size_t count = 0;
    char text[OFT_INSTANT_TEXT_BYTES];
    char other[OFT_INSTANT_TEXT_BYTES];
    int32_t from = soft ? periods.soft_until : periods.closed_until;
    (void)oft_month_format(month, text);
    if (month < from) {
        return oft_fail(reterr, OFT_ERR_CONFLICT, "%s is %s already", text,
                        state_of(periods, month));
    }
    if (!soft && month >= periods.soft_until) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "%s is open: soft-close it first, so that what is late can be told apart",
                        text);
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_months(engine->store, &arena, &months, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (months[i] >= from && months[i] < month) {
            code = oft_fail(reterr, OFT_ERR_CONFLICT,
                            "%s is %s: months are %s in order, so %s "
                            "comes first",
                            oft_month_format(months[i], other), state_of(periods, months[i]),
                            soft ? "soft-closed" : "closed", other);
        }
    }
    oft_arena_release(&arena);
    return code;
}

static enum oft_err check_over(struct engine *engine, int32_t month, oft_instant now_ns,
                               struct oft_error *reterr)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    if (month < 1678 * 12 || month >= 2261 * 12 ||
        engine_contract_now(engine, now_ns) < deal_month_start(engine->deal, month + 1)) {
        const char *zone = engine->deal == NULL ? "" : engine->deal->months.zone;
        return oft_fail(reterr, OFT_ERR_CONFLICT, "%s is not over yet: months end in %s",
                        oft_month_format(month, text), zone[0] == '\0' ? "UTC" : zone);
    }
    return OFT_OK;
}

/* All that can be booked by now; it must not become late by the closing itself. */
static enum oft_err book_all(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_drain_result drained = {.more = true};
    enum oft_err code = OFT_OK;
    for (int i = 0; code == OFT_OK && drained.more && i < DRAINS_MAX; i++) {
        code = engine_drain(engine, now_ns, &drained, reterr);
    }
    return code == OFT_OK ? engine_accrue(engine, now_ns, reterr) : code;
}

static enum oft_err close_in_transaction(struct engine *engine, int32_t month, bool soft,
                                         const char *actor, oft_instant now_ns,
                                         struct oft_error *reterr)
{
    struct ledger_event event = {.month = month};
    struct ledger_periods periods = {0};
    (void)snprintf(event.what, sizeof(event.what), "%s",
                   soft ? "period-soft-close" : "period-close");
    (void)snprintf(event.actor, sizeof(event.actor), "%s", actor);
    enum oft_err code = store_periods(engine->store, &periods, reterr);
    if (code == OFT_OK) {
        code = check_order(engine, periods, month, soft, reterr);
    }
    return code == OFT_OK ? engine_post_event(engine, &event, now_ns, reterr) : code;
}

static enum oft_err print_one(struct engine *engine, int32_t month, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    struct oft_arena arena;
    struct ledger_periods periods = {0};
    struct store_event *events = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_periods(engine->store, &periods, reterr);
    if (code == OFT_OK) {
        code = store_events(engine->store, 0, UINT64_MAX, &arena, &events, &count, reterr);
    }
    if (code == OFT_OK) {
        code = engine_json_out(period_json(periods, events, count, month), out);
    }
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_period_close(struct engine *engine, int32_t month, bool soft, const char *actor,
                                 oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    enum oft_err code = engine_actor_check(actor, reterr);
    if (code == OFT_OK) {
        code = check_over(engine, month, now_ns, reterr);
    }
    if (code == OFT_OK) {
        code = book_all(engine, now_ns, reterr);
    }
    if (code == OFT_OK) {
        code = store_begin(engine->store, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    code = close_in_transaction(engine, month, soft, actor, now_ns, reterr);
    engine_failpoint("period-before-commit");
    if (code == OFT_OK) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
        return code;
    }
    engine_failpoint("period-after-commit");
    return print_one(engine, month, out, reterr);
}
