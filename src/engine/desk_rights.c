/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the deal in force to the desk: its rights, and the calendars and time zones that they are
 * reckoned by, as events that the engine writes when they are new or read otherwise than before. A
 * right that has left the deal ends now.
 */
#include <string.h>

#include "desk/right_of.h"
#include "engine/desk_internal.h"

struct sync {
    struct engine *engine;
    const struct deal *deal;
    struct oft_arena arena;
    struct desk_right *rights;
    uint32_t count;
    oft_instant at, now_ns;
    struct oft_buffer *report; /* only looking: what is wrong */
    bool wrong;
    struct oft_error *reterr;
};

/* ---- calendars and zones ----------------------------------------------------------------------- */

static const char *const WINDOW_WORDS[DESK_WINDOW_KIND_COUNT] = {
    [DESK_WINDOW_RESPOND] = "respond within", [DESK_WINDOW_OBJECT] = "object within",
    [DESK_WINDOW_OVER] = "over-allotment",    [DESK_WINDOW_SIGN] = "sign within",
    [DESK_WINDOW_RELEASE] = "release",        [DESK_WINDOW_REOFFER] = "reoffer",
    [DESK_WINDOW_DELIVER] = "deliver within",
};

static enum oft_err take(struct sync *sync, const struct desk_event *event)
{
    struct desk_refusal refusal = {.clause = ""};
    enum oft_err code = engine_desk_take(sync->engine, event, &refusal, sync->reterr);
    if (code == OFT_ERR_DENIED) {
        return oft_fail(sync->reterr, OFT_ERR_INVALID, "the desk does not take %s: %s",
                        desk_event_kind_text(event->kind), refusal.message);
    }
    return code;
}

static struct desk_event event_of(const struct sync *sync, enum desk_event_kind kind)
{
    struct desk_event event = desk_event_of(kind, sync->at);
    event.actor = desk_party_name(sync->deal->parties[sync->deal->customer_party].name);
    return event;
}

/* Two calendars, or two zones, are the same when they are the same in the journal. */
static bool same(const struct desk_event *a, const struct desk_event *b)
{
    struct oft_buffer x, y;
    oft_buffer_init(&x, DESK_EVENT_BYTES_MAX);
    oft_buffer_init(&y, DESK_EVENT_BYTES_MAX);
    desk_event_encode(a, &x);
    desk_event_encode(b, &y);
    bool equal =
        !x.failed && !y.failed && x.length == y.length && memcmp(x.data, y.data, x.length) == 0;
    oft_buffer_release(&x);
    oft_buffer_release(&y);
    return equal;
}

static void complain(struct sync *sync, const struct desk_right *right, const char *words,
                     const char *what, const char *name, const struct oft_error *error)
{
    oft_buffer_printf(sync->report, "error: %s: \"%s\" is reckoned by the %s \"%s\": %s\n",
                      right->clause.text, words, what, name, error->message);
    sync->wrong = true;
}

static enum oft_err sync_calendar(struct sync *sync, const struct desk_right *right,
                                  const char *words, struct desk_name name)
{
    struct oft_error error = {0};
    struct desk_event event = event_of(sync, DESK_CALENDAR), before = event;
    const struct oft_calendar *known = desk_calendar_at(sync->engine->desk->state, name.id);
    const struct oft_calendar *calendar = NULL;
    enum oft_err code = engine_desk_calendar(name.text, &sync->arena, &calendar, &error);
    if (code != OFT_OK && sync->report != NULL) {
        complain(sync, right, words, "calendar", name.text, &error);
        return OFT_OK;
    }
    if (code != OFT_OK || sync->report != NULL) {
        return code == OFT_OK ? OFT_OK : oft_fail(sync->reterr, code, "%s", error.message);
    }
    event.calendar = calendar;
    before.calendar = known;
    return known != NULL && same(&event, &before) ? OFT_OK : take(sync, &event);
}

static enum oft_err sync_zone(struct sync *sync, const struct desk_right *right, const char *words,
                              struct desk_name name)
{
    struct oft_error error = {0};
    struct desk_event event = event_of(sync, DESK_ZONE), before = event;
    const struct oft_zone *known = desk_zone_at(sync->engine->desk->state, name.id);
    const struct oft_zone *zone = NULL;
    enum oft_err code = engine_desk_zone(name.text, &sync->arena, &zone, &error);
    if (code != OFT_OK && sync->report != NULL) {
        complain(sync, right, words, "time zone", name.text, &error);
        return OFT_OK;
    }
    if (code != OFT_OK || sync->report != NULL) {
        return code == OFT_OK ? OFT_OK : oft_fail(sync->reterr, code, "%s", error.message);
    }
    event.zone = zone;
    before.zone = known;
    return known != NULL && same(&event, &before) ? OFT_OK : take(sync, &event);
}

static enum oft_err sync_window(struct sync *sync, const struct desk_right *right,
                                const struct desk_window *window, const char *words)
{
    enum oft_err code = OFT_OK;
    if (window->said && window->calendar.id != 0) {
        code = sync_calendar(sync, right, words, window->calendar);
    }
    if (code == OFT_OK && window->said && window->zone.id != 0) {
        code = sync_zone(sync, right, words, window->zone);
    }
    return code;
}

static enum oft_err sync_windows(struct sync *sync, const struct desk_right *right)
{
    enum oft_err code = sync_window(sync, right, &right->deemed, "deemed delivery after");
    for (unsigned i = 0; code == OFT_OK && i < DESK_WINDOW_KIND_COUNT; i++) {
        code = sync_window(sync, right, &right->windows[i], WINDOW_WORDS[i]);
    }
    return code;
}

/* ---- rights ------------------------------------------------------------------------------------ */

static enum oft_err sync_right(struct sync *sync, const struct desk_right *right)
{
    const struct desk_state *state = sync->engine->desk->state;
    enum oft_err code = sync_windows(sync, right);
    if (code != OFT_OK || sync->report != NULL) {
        return code;
    }
    uint32_t index = desk_find_right(state, right->clause.id);
    if (index != DESK_NONE && desk_right_equal(desk_right_at(state, index), right)) {
        return OFT_OK;
    }
    struct desk_event event = event_of(sync, DESK_RIGHT);
    event.right = right;
    return take(sync, &event);
}

static bool in_deal(const struct sync *sync, uint64_t clause_id)
{
    for (uint32_t i = 0; i < sync->count; i++) {
        if (sync->rights[i].clause.id == clause_id) {
            return true;
        }
    }
    return false;
}

/* Who takes a clause out of the deal says that it no longer binds. */
static enum oft_err end_vanished(struct sync *sync)
{
    const struct desk_state *state = sync->engine->desk->state;
    enum oft_err code = OFT_OK;
    uint32_t count = desk_right_count(state);
    for (uint32_t i = 0; code == OFT_OK && i < count; i++) {
        const struct desk_right *right = desk_right_at(state, i);
        if (in_deal(sync, right->clause.id) || right->until <= sync->at) {
            continue;
        }
        struct desk_right ended = *right;
        ended.until = sync->at;
        ended.end = DESK_ENDS_TERMINATED;
        ended.from = ended.from > ended.until ? ended.until : ended.from;
        struct desk_event event = event_of(sync, DESK_RIGHT);
        event.right = &ended;
        code = take(sync, &event);
    }
    return code;
}

static enum oft_err sync_customer(struct sync *sync)
{
    const char *name = sync->deal->parties[sync->deal->customer_party].name;
    struct desk_name known = desk_customer(sync->engine->desk->state);
    if (known.id != 0 && known.id != desk_party_name(name).id) {
        (void)oft_fail(sync->reterr, OFT_ERR_INVALID,
                       "the desk's journal is %s's, the deal's customer is %s; use another --data "
                       "for another customer",
                       known.text, name);
        if (sync->report != NULL && sync->reterr != NULL) {
            oft_buffer_printf(sync->report, "error: %s\n", sync->reterr->message);
        }
        return OFT_ERR_INVALID;
    }
    if (known.id != 0) {
        return OFT_OK;
    }
    struct desk_event event = event_of(sync, DESK_CUSTOMER);
    event.party = desk_party_name(name);
    return sync->report != NULL ? OFT_OK : take(sync, &event);
}

static enum oft_err sync_begin(struct sync *sync, struct deal_attestations attested)
{
    oft_arena_init(&sync->arena, ENGINE_ARENA_BYTES_MAX);
    sync->at = engine_desk_at(sync->engine, sync->now_ns);
    enum oft_err code =
        desk_rights_of(sync->deal, attested, &sync->arena, &sync->rights, &sync->count);
    if (code != OFT_OK) {
        return oft_fail(sync->reterr, code, "the deal's rights cannot be read: %s",
                        oft_err_text(code));
    }
    code = sync_customer(sync);
    for (uint32_t i = 0; code == OFT_OK && i < sync->count; i++) {
        code = sync_right(sync, &sync->rights[i]);
    }
    return code;
}

enum oft_err engine_desk_rights_check(struct engine *engine, const struct deal *deal,
                                      oft_instant now_ns, struct oft_buffer *report,
                                      struct oft_error *reterr)
{
    struct sync sync = {
        .engine = engine, .deal = deal, .now_ns = now_ns, .report = report, .reterr = reterr};
    struct oft_error error = {0};
    if (engine->desk->fault.code != OFT_OK) {
        oft_buffer_printf(report, "warning: the desk is closed: %s\n", engine->desk->fault.message);
        return OFT_OK;
    }
    enum oft_err code = engine_desk_ready(engine, now_ns, &error);
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "%s", error.message);
    }
    code = sync_begin(&sync, (struct deal_attestations){0});
    oft_arena_release(&sync.arena);
    if (code == OFT_OK && sync.wrong) {
        return OFT_ERR_INVALID;
    }
    return code;
}

enum oft_err engine_desk_rights_sync(struct engine *engine, oft_instant now_ns,
                                     struct oft_error *reterr)
{
    struct sync sync = {.engine = engine, .deal = engine->deal, .now_ns = now_ns, .reterr = reterr};
    enum oft_err code = sync_begin(&sync, engine_attested_now(engine));
    if (code == OFT_OK) {
        code = end_vanished(&sync);
    }
    oft_arena_release(&sync.arena);
    if (code == OFT_OK && engine->desk->pending_count + engine->desk->effects.count > 0) {
        code = engine_desk_commit(engine, NULL, now_ns, reterr);
    } else if (code != OFT_OK) {
        engine_desk_drop(engine); /* a part of it may be in the state */
    }
    if (code == OFT_OK) {
        engine->desk->rights_of = engine->generation;
    }
    return code;
}
