/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal and the state that it folds to. What is taken into the state waits until its transaction
 * is on disk; when that fails the state is dropped and folded anew, so that it never holds more than
 * the journal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/desk_internal.h"
#include "engine/failpoint.h"

/* ---- folding ----------------------------------------------------------------------------------- */

struct folding {
    struct engine_desk_fold *fold;
    uint64_t next;
};

static enum oft_err check_link(const struct folding *folding, const struct store_desk_event *row,
                               struct oft_error *reterr)
{
    uint8_t hash[32];
    if (row->number != folding->next) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the desk's journal has event %llu where %llu should be",
                        (unsigned long long)row->number, (unsigned long long)folding->next);
    }
    enum oft_err code = desk_event_hash(folding->fold->head, row->number, row->recorded_ns,
                                        row->bytes, row->length, hash);
    if (code == OFT_OK && (memcmp(row->previous, folding->fold->head, sizeof(hash)) != 0 ||
                           memcmp(row->hash, hash, sizeof(hash)) != 0)) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "event %llu of the desk's journal is not what was recorded: the chain of "
                        "hashes breaks there. Restore books.db from a backup",
                        (unsigned long long)row->number);
    }
    return code;
}

static enum oft_err fold_event(struct engine_desk_fold *fold, const struct desk_event *event,
                               struct oft_error *reterr)
{
    struct desk_refusal refusal = {0};
    if (fold->check != NULL) {
        fold->check(fold->check_context, fold->state, event);
    }
    enum oft_err code = desk_apply(fold->state, event, &refusal);
    if (code == OFT_ERR_DENIED) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "event %llu (%s) of the desk's journal was taken once and is refused now: "
                        "%s",
                        (unsigned long long)event->number, desk_event_kind_text(event->kind),
                        refusal.message);
    }
    return code;
}

static enum oft_err fold_row(void *context, const struct store_desk_event *row,
                             struct oft_error *reterr)
{
    struct folding *folding = context;
    struct desk_event event;
    enum oft_err code = check_link(folding, row, reterr);
    if (code == OFT_OK) {
        code = desk_event_decode(row->bytes, row->length, row->number, folding->fold->arena, &event,
                                 reterr);
    }
    if (code == OFT_OK && event.at > folding->fold->until) {
        return OFT_ERR_EXISTS; /* enough */
    }
    if (code == OFT_OK) {
        code = fold_event(folding->fold, &event, reterr);
    }
    if (code == OFT_OK) {
        memcpy(folding->fold->head, row->hash, sizeof(folding->fold->head));
        folding->fold->count = row->number;
        folding->next++;
    }
    return code;
}

enum oft_err engine_desk_fold_run(struct engine *engine, struct engine_desk_fold *fold,
                                  struct oft_error *reterr)
{
    struct folding folding = {.fold = fold, .next = 1};
    memset(fold->head, 0, sizeof(fold->head));
    fold->count = 0;
    enum oft_err code = desk_state_new(&fold->state);
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "the desk's state: %s", oft_err_text(code));
    }
    desk_watch(fold->state, fold->watch, fold->watch_context);
    code = store_desk_events(engine->store, 1, fold_row, &folding, reterr);
    if (code == OFT_OK && fold->until != OFT_INSTANT_NEVER) {
        code = desk_advance(fold->state, fold->until);
    }
    if (code != OFT_OK) {
        if (reterr != NULL && reterr->code == OFT_OK) {
            (void)oft_fail(reterr, code, "the desk's journal cannot be read: %s",
                           oft_err_text(code));
        }
        desk_state_free(fold->state);
        fold->state = NULL;
    }
    return code;
}

/* ---- the state in use -------------------------------------------------------------------------- */

void engine_desk_collect(void *context, const struct desk_effect *effect)
{
    struct engine_effects *effects = context;
    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity == 0 ? 64 : effects->capacity * 2;
        void *items = realloc(effects->items, capacity * sizeof(*effects->items));
        if (items == NULL) {
            effects->failed = true;
            return;
        }
        effects->items = items;
        effects->capacity = capacity;
    }
    effects->items[effects->count++] = *effect;
}

/* What events brought went into the outbox with them; what time brought may not have. */
static void collect_of_time(void *context, const struct desk_effect *effect)
{
    if (effect->event == 0) {
        engine_desk_collect(context, effect);
    }
}

void engine_desk_drop(struct engine *engine)
{
    struct engine_desk *desk = engine->desk;
    if (engine->orders == desk->state) {
        engine->orders = NULL;
    }
    desk_state_free(desk->state);
    desk->state = NULL;
    oft_arena_release(&desk->arena);
    desk->waste_bytes = 0;
    desk->effects.count = 0;
    desk->effects.failed = false;
    desk->pending_count = 0;
    oft_buffer_clear(&desk->bytes);
}

static enum oft_err rebuild(struct engine *engine, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    struct oft_error error = {0};
    oft_instant told = OFT_INSTANT_ALWAYS;
    engine_desk_drop(engine);
    struct engine_desk_fold fold = {.until = OFT_INSTANT_NEVER,
                                    .arena = &desk->arena,
                                    .watch = collect_of_time,
                                    .watch_context = &desk->effects};
    enum oft_err code = engine_desk_fold_run(engine, &fold, &error);
    desk->state = fold.state;
    if (code == OFT_OK) {
        code = store_deliveries_latest(engine->store, &told, &error);
    }
    if (code == OFT_OK && told != OFT_INSTANT_ALWAYS) {
        /* A clock that was set back does not take back what was told. */
        code = desk_advance(desk->state, told);
    }
    if (code != OFT_OK) {
        engine_desk_drop(engine);
        desk->fault = code == OFT_ERR_CORRUPT ? error : (struct oft_error){0};
        return oft_fail(reterr, code, "%s", error.message);
    }
    desk->count = fold.count;
    memcpy(desk->head, fold.head, sizeof(desk->head));
    desk_watch(desk->state, engine_desk_collect, &desk->effects);
    engine->orders = desk->state;
    return OFT_OK;
}

enum oft_err engine_desk_open(struct engine *engine, struct oft_error *reterr)
{
    struct engine_desk *desk = calloc(1, sizeof(*desk));
    struct oft_error error = {0};
    if (desk == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    engine->desk = desk;
    oft_arena_init(&desk->arena, SIZE_MAX / 4);
    oft_arena_init(&desk->contacts_arena, ENGINE_TEXT_BYTES_MAX);
    oft_buffer_init(&desk->bytes, ENGINE_DESK_PENDING_BYTES_MAX);
    enum oft_err code = rebuild(engine, &error);
    if (code == OFT_ERR_CORRUPT) {
        /* The desk stays closed and says why; traffic and the books have no part in it. */
        (void)snprintf(engine->last_error, sizeof(engine->last_error), "%s", error.message);
        return OFT_OK;
    }
    return code == OFT_OK ? OFT_OK : oft_fail(reterr, code, "%s", error.message);
}

void engine_desk_close(struct engine *engine)
{
    struct engine_desk *desk = engine->desk;
    if (desk == NULL) {
        return;
    }
    engine_desk_drop(engine);
    oft_arena_release(&desk->contacts_arena);
    oft_buffer_release(&desk->bytes);
    free(desk->effects.items);
    free(desk->pending);
    free(desk);
    engine->desk = NULL;
}

oft_instant engine_desk_at(const struct engine *engine, oft_instant now_ns)
{
    oft_instant at = engine_contract_now(engine, now_ns);
    oft_instant clock = desk_clock(engine->desk->state);
    return desk_event_count(engine->desk->state) > 0 && clock > at ? clock : at;
}

/* Lets time pass, and puts what it brought into the outbox. */
static enum oft_err pass(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    enum oft_err code = desk_advance(desk->state, engine_desk_at(engine, now_ns));
    if (code != OFT_OK || desk->effects.failed) {
        engine_desk_drop(engine);
        return oft_fail(reterr, code == OFT_OK ? OFT_ERR_MEMORY : code,
                        "time could not pass at the desk: %s", oft_err_text(code));
    }
    return desk->effects.count == 0 ? OFT_OK : engine_desk_commit(engine, NULL, now_ns, reterr);
}

enum oft_err engine_desk_ready(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    if (desk->fault.code != OFT_OK) {
        return oft_fail(reterr, desk->fault.code, "the desk is closed: %.400s",
                        desk->fault.message);
    }
    if (desk->waste_bytes > ENGINE_DESK_WASTE_BYTES_MAX) {
        engine_desk_drop(engine);
    }
    enum oft_err code = desk->state == NULL ? rebuild(engine, reterr) : OFT_OK;
    if (code == OFT_OK) {
        code = pass(engine, now_ns, reterr);
    }
    if (code == OFT_OK && engine->deal != NULL && desk->rights_of != engine->generation) {
        code = engine_desk_rights_sync(engine, now_ns, reterr);
    }
    return code;
}

enum oft_err engine_desk_tick(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    bool due = desk->state == NULL || desk->effects.count > 0 ||
               desk_next_due(desk->state) <= engine_contract_now(engine, now_ns) ||
               (engine->deal != NULL && desk->rights_of != engine->generation);
    return due && desk->fault.code == OFT_OK ? engine_desk_ready(engine, now_ns, reterr) : OFT_OK;
}

/* ---- taking and writing ------------------------------------------------------------------------ */

static struct engine_pending *pending_add(struct engine_desk *desk)
{
    if (desk->pending_count == desk->pending_capacity) {
        size_t capacity = desk->pending_capacity == 0 ? 16 : desk->pending_capacity * 2;
        void *items = realloc(desk->pending, capacity * sizeof(*desk->pending));
        if (items == NULL) {
            return NULL;
        }
        desk->pending = items;
        desk->pending_capacity = capacity;
    }
    return &desk->pending[desk->pending_count];
}

/* What the journal will hold is what is taken: EVENT goes through its bytes. */
static enum oft_err through_bytes(struct engine_desk *desk, const struct desk_event *event,
                                  struct engine_pending *pending, struct oft_error *reterr)
{
    pending->offset = desk->bytes.length;
    desk_event_encode(event, &desk->bytes);
    pending->length = desk->bytes.length - pending->offset;
    if (desk->bytes.failed || pending->length > DESK_EVENT_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the event is longer than the journal takes");
    }
    return desk_event_decode(desk->bytes.data + pending->offset, pending->length,
                             desk->count + desk->pending_count + 1, &desk->arena, &pending->event,
                             reterr);
}

enum oft_err engine_desk_take(struct engine *engine, const struct desk_event *event,
                              struct desk_refusal *ret_refusal, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    size_t used = desk->arena.used_bytes;
    struct engine_pending *pending = pending_add(desk);
    enum oft_err code =
        pending == NULL ? OFT_ERR_MEMORY : through_bytes(desk, event, pending, reterr);
    if (code == OFT_OK) {
        code = desk_apply(desk->state, &pending->event, ret_refusal);
    }
    if (code == OFT_OK && !desk->effects.failed) {
        desk->pending_count++;
        return OFT_OK;
    }
    if (code == OFT_ERR_DENIED && desk->pending_count == 0) {
        oft_buffer_clear(&desk->bytes);
        desk->waste_bytes += desk->arena.used_bytes - used;
    } else {
        engine_desk_drop(engine);
    }
    return code == OFT_OK ? OFT_ERR_MEMORY : code;
}

static enum oft_err write_links(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    struct store_desk_event link = {.number = desk->count, .recorded_ns = now_ns};
    enum oft_err code = OFT_OK;
    memcpy(link.hash, desk->head, sizeof(link.hash));
    for (size_t i = 0; code == OFT_OK && i < desk->pending_count; i++) {
        link.number++;
        link.bytes = desk->bytes.data + desk->pending[i].offset;
        link.length = desk->pending[i].length;
        memcpy(link.previous, link.hash, sizeof(link.previous));
        code = desk_event_hash(link.previous, link.number, link.recorded_ns, link.bytes,
                               link.length, link.hash);
        if (code == OFT_OK) {
            engine_failpoint("desk-before-event");
            code = store_desk_event_put(engine->store, &link, reterr);
            engine_failpoint("desk-after-event");
        }
    }
    if (code == OFT_OK) {
        desk->count = link.number;
        memcpy(desk->head, link.hash, sizeof(desk->head));
    }
    return code;
}

enum oft_err engine_desk_write(struct engine *engine, const struct store_desk_request *request,
                               oft_instant now_ns, struct oft_error *reterr)
{
    enum oft_err code = write_links(engine, now_ns, reterr);
    if (code == OFT_OK) {
        code = engine_desk_outbox_put(engine, now_ns, reterr);
    }
    if (code == OFT_OK && request != NULL) {
        engine_failpoint("desk-before-answer");
        code = store_desk_request_put(engine->store, request, reterr);
        engine_failpoint("desk-after-answer");
    }
    return code;
}

void engine_desk_settle(struct engine *engine, enum oft_err result)
{
    struct engine_desk *desk = engine->desk;
    if (result != OFT_OK) {
        engine_desk_drop(engine);
        return;
    }
    desk->pending_count = 0;
    desk->effects.count = 0;
    oft_buffer_clear(&desk->bytes);
}

enum oft_err engine_desk_commit(struct engine *engine, const struct store_desk_request *request,
                                oft_instant now_ns, struct oft_error *reterr)
{
    engine_failpoint("desk-before-begin");
    enum oft_err code = store_begin(engine->store, reterr);
    if (code == OFT_OK) {
        engine_failpoint("desk-after-begin");
        code = engine_desk_write(engine, request, now_ns, reterr);
    }
    if (code == OFT_OK) {
        engine_failpoint("desk-before-commit");
        code = store_commit(engine->store, reterr);
        engine_failpoint("desk-after-commit");
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
    }
    engine_desk_settle(engine, code);
    return code;
}
