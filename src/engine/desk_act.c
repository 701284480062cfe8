/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command at the desk: read, completed by what the deal knows, tried on a state of its own or taken
 * into the one in use, and written with its answer and what it brought in one transaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/desk_internal.h"
#include "engine/failpoint.h"

/* ---- idempotency ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct desk_given *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    return order != 0 ? order : (*x < *y ? -1 : *x > *y); /* repeated ones keep their order */
}

static void hash_text(struct oft_sha256 *hash, const char *text)
{
    uint64_t length = strlen(text);
    oft_sha256_update(hash, &length, sizeof(length));
    oft_sha256_update(hash, text, length);
}

/* The same act with the same fields has the same hash, in whatever order they were given. */
static enum oft_err payload_hash(const struct engine_desk_call *call, uint8_t ret[32])
{
    const struct desk_given **sorted = calloc(call->count + 1, sizeof(*sorted));
    struct oft_sha256 *hash = oft_sha256_new();
    if (sorted == NULL || hash == NULL) {
        free(sorted);
        oft_sha256_free(hash);
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < call->count; i++) {
        sorted[i] = &call->given[i];
    }
    qsort(sorted, call->count, sizeof(*sorted), by_name);
    hash_text(hash, call->act->path);
    for (size_t i = 0; i < call->count; i++) {
        hash_text(hash, sorted[i]->name);
        hash_text(hash, sorted[i]->value);
    }
    oft_sha256_final(hash, ret);
    oft_sha256_free(hash);
    free(sorted);
    return OFT_OK;
}

static enum oft_err check_key(const char *key, struct oft_error *reterr)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)key[i] < 0x21 || (unsigned char)key[i] > 0x7e) {
            length = 0;
        }
    }
    if (length == 0 || length > ENGINE_IDEMPOTENCY_KEY_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "an idempotency key is 1 to %d visible characters of ASCII",
                        ENGINE_IDEMPOTENCY_KEY_BYTES_MAX);
    }
    return OFT_OK;
}

/* *ret_known: the key was used for this very command, and ANSWER holds what it was answered. */
static enum oft_err answered_before(struct engine *engine, const struct engine_desk_call *call,
                                    const uint8_t payload[32], struct oft_arena *arena,
                                    struct oft_buffer *answer, bool *ret_known,
                                    struct oft_error *reterr)
{
    struct store_desk_request found;
    const char *actor = call->actor == NULL ? "" : call->actor;
    *ret_known = false;
    enum oft_err code =
        store_desk_request_get(engine->store, actor, call->key, arena, &found, reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return OFT_OK;
    }
    if (code == OFT_OK && memcmp(found.payload_sha256, payload, 32) != 0) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the idempotency key \"%s\" was used for another command; take a new one",
                        call->key);
    }
    if (code == OFT_OK) {
        oft_buffer_append_text(answer, found.answer);
        *ret_known = true;
    }
    return code;
}

/* ---- one command ------------------------------------------------------------------------------- */

/* A party learns nothing of what is not its own, not even that it is there. An offer is made for a need
 * that its maker was told of by other ways. */
static enum oft_err check_known(const struct engine *engine, const struct engine_desk_call *call,
                                const struct desk_event *event, struct oft_error *reterr)
{
    const struct {
        enum desk_field_kind kind;
        uint32_t index;
    } things[] = {{DESK_FIELD_NEED, event->need},
                  {DESK_FIELD_OFFER, event->offer},
                  {DESK_FIELD_LOT, event->lot},
                  {DESK_FIELD_NOTICE, event->notice},
                  {DESK_FIELD_ORDER, event->order}};
    uint64_t viewer = engine_desk_viewer(engine, call->actor);
    for (size_t i = 0; viewer != 0 && i < OFT_COUNT_OF(things); i++) {
        char reference[DESK_REFERENCE_BYTES];
        if (things[i].index != DESK_NONE &&
            !engine_desk_knows(engine->desk->state, things[i].kind, things[i].index, viewer)) {
            return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no %s",
                            desk_reference(things[i].kind, things[i].index, reference));
        }
    }
    return OFT_OK;
}

static enum oft_err read_event(struct engine *engine, const struct engine_desk_call *call,
                               oft_instant now_ns, struct oft_arena *arena,
                               struct desk_event *event, struct oft_error *reterr)
{
    const struct deal *deal = engine->deal;
    struct desk_name actor =
        call->actor == NULL ? desk_customer(engine->desk->state) : desk_party_name(call->actor);
    enum oft_err code =
        desk_act_read(call->act, call->given, call->count, engine_desk_at(engine, now_ns), actor,
                      deal->currency, arena, event, reterr);
    if (code == OFT_OK) {
        code = check_known(engine, call, event, reterr);
    }
    return code == OFT_OK ? engine_desk_fill(engine, call, arena, event, reterr) : code;
}

static bool knows_clause(const struct desk_state *state, const char *clause, uint64_t viewer)
{
    struct oft_buffer scratch;
    oft_buffer_init(&scratch, ENGINE_TEXT_BYTES_MAX);
    enum oft_err code = desk_view_one(state, clause, viewer, &scratch);
    oft_buffer_release(&scratch);
    return code == OFT_OK;
}

/* What a refusal points to lives no longer than the state or the words of the act. A party is told of
 * its own clauses alone, and not how long what others do stands against it. */
static void keep_refusal(const struct desk_state *state, const struct desk_refusal *refusal,
                         uint64_t viewer, struct engine_refusal *ret)
{
    const char *clause = refusal->clause == NULL ? "" : refusal->clause;
    bool known = viewer == 0 || clause[0] == '\0' || knows_clause(state, clause, viewer);
    ret->code = refusal->code;
    ret->property = refusal->property;
    ret->earliest = viewer == 0 ? refusal->earliest : OFT_INSTANT_NEVER;
    (void)snprintf(ret->clause, sizeof(ret->clause), "%s", known ? clause : "");
    if (known) {
        (void)snprintf(ret->message, sizeof(ret->message), "%s", refusal->message);
    } else {
        (void)snprintf(ret->message, sizeof(ret->message),
                       "what %s has agreed with others stands against it; ask %s",
                       desk_customer(state).text, desk_customer(state).text);
    }
}

/* On a copy, so that the state in use knows nothing of it. */
static enum oft_err try_out(struct engine *engine, const struct engine_desk_call *call,
                            struct desk_event *event, struct oft_buffer *answer,
                            struct engine_refusal *ret_refusal, struct oft_error *reterr)
{
    struct engine_effects effects = {0};
    struct desk_refusal refusal = {.clause = ""};
    struct desk_state *copy = desk_state_copy(engine->desk->state);
    if (copy == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "the act cannot be tried: out of memory");
    }
    desk_watch(copy, engine_desk_collect, &effects);
    event->number = engine->desk->count + 1;
    enum oft_err code = desk_apply(copy, event, &refusal);
    if (code == OFT_ERR_DENIED) {
        keep_refusal(copy, &refusal, engine_desk_viewer(engine, call->actor), ret_refusal);
    }
    struct engine_desk_outcome outcome = {.state = copy,
                                          .event = event,
                                          .effects = effects.items,
                                          .effect_count = effects.count,
                                          .viewer = engine_desk_viewer(engine, call->actor),
                                          .dry_run = true};
    if (code == OFT_OK) {
        code = effects.failed ? OFT_ERR_MEMORY : engine_desk_answer(&outcome, answer);
    }
    desk_state_free(copy);
    free(effects.items);
    return code;
}

/* The pool is in the next policy. If that cannot be published now the delivery still stands, and a
 * later publication has it. */
static void serve_delivery(struct engine *engine, oft_instant now_ns)
{
    struct oft_error error = {0};
    if (engine_republish(engine, now_ns, &error) != OFT_OK) {
        (void)snprintf(engine->last_error, sizeof(engine->last_error), "%s", error.message);
    }
}

static enum oft_err carry_out(struct engine *engine, const struct engine_desk_call *call,
                              const uint8_t payload[32], const struct desk_event *event,
                              oft_instant now_ns, struct oft_buffer *answer,
                              struct engine_refusal *ret_refusal, struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    struct desk_refusal refusal = {.clause = ""};
    enum oft_err code = engine_desk_take(engine, event, &refusal, reterr);
    if (code == OFT_ERR_DENIED) {
        keep_refusal(desk->state, &refusal, engine_desk_viewer(engine, call->actor), ret_refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct engine_desk_outcome outcome = {.state = desk->state,
                                          .event = &desk->pending[0].event,
                                          .effects = desk->effects.items,
                                          .effect_count = desk->effects.count,
                                          .viewer = engine_desk_viewer(engine, call->actor)};
    size_t before = answer->length;
    code = engine_desk_answer(&outcome, answer);
    if (code != OFT_OK) {
        engine_desk_drop(engine);
        return code;
    }
    struct store_desk_request request = {.actor = call->actor == NULL ? "" : call->actor,
                                         .key = call->key,
                                         .status = 201,
                                         .answer = oft_buffer_text(answer) + before,
                                         .recorded_ns = now_ns};
    memcpy(request.payload_sha256, payload, sizeof(request.payload_sha256));
    code = engine_desk_commit(engine, call->key == NULL ? NULL : &request, now_ns, reterr);
    if (code == OFT_OK && event->kind == DESK_DELIVERED && event->name.id != 0) {
        serve_delivery(engine, now_ns);
    }
    return code;
}

static enum oft_err act(struct engine *engine, const struct engine_desk_call *call,
                        oft_instant now_ns, struct oft_arena *arena, struct oft_buffer *answer,
                        struct engine_refusal *ret_refusal, struct oft_error *reterr)
{
    uint8_t payload[32] = {0};
    bool known = false;
    struct desk_event event;
    enum oft_err code = payload_hash(call, payload);
    if (code == OFT_OK && call->key != NULL) {
        code = check_key(call->key, reterr);
    }
    if (code == OFT_OK && call->key != NULL) {
        code = answered_before(engine, call, payload, arena, answer, &known, reterr);
    }
    if (code != OFT_OK || known) {
        return code;
    }
    code = read_event(engine, call, now_ns, arena, &event, reterr);
    if (code != OFT_OK) {
        return code;
    }
    return call->dry_run
               ? try_out(engine, call, &event, answer, ret_refusal, reterr)
               : carry_out(engine, call, payload, &event, now_ns, answer, ret_refusal, reterr);
}

enum oft_err engine_desk_act(struct engine *engine, const struct engine_desk_call *call,
                             oft_instant now_ns, struct oft_buffer *answer,
                             struct engine_refusal *ret_refusal, struct oft_error *reterr)
{
    struct oft_arena arena;
    memset(ret_refusal, 0, sizeof(*ret_refusal));
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    enum oft_err code = engine_desk_ready(engine, now_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_TEXT_BYTES_MAX);
    code = act(engine, call, now_ns, &arena, answer, ret_refusal, reterr);
    if (code == OFT_ERR_DENIED && reterr != NULL) {
        (void)oft_fail(reterr, code, "%s", ret_refusal->message);
    }
    oft_arena_release(&arena);
    return code;
}
