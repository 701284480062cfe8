/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the desk, now or at another instant, and the journal's listing.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/desk_internal.h"

/* ---- views ------------------------------------------------------------------------------------- */

static enum oft_err view(const struct desk_state *state, const struct engine_desk_look *look,
                         uint64_t viewer, struct oft_buffer *out, struct oft_error *reterr)
{
    enum oft_err code = OFT_OK;
    switch (look->kind) {
    case ENGINE_DESK_ALL:
        desk_view(state, viewer, out);
        break;
    case ENGINE_DESK_LIST:
        desk_view_list(state, look->list, viewer, out);
        break;
    case ENGINE_DESK_ONE:
        code = desk_view_one(state, look->reference, viewer, out);
        break;
    }
    if (code == OFT_OK && out->failed) {
        code = OFT_ERR_LIMIT;
    }
    return code == OFT_OK
               ? OFT_OK
               : oft_fail(reterr, code,
                          code == OFT_ERR_NOT_FOUND ? "there is no %.40s" : "%.40s cannot be shown",
                          look->reference == NULL ? "the desk" : look->reference);
}

/* An instant that is past is folded apart from the state in use. */
static enum oft_err view_past(struct engine *engine, const struct engine_desk_look *look,
                              uint64_t viewer, struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    oft_arena_init(&arena, SIZE_MAX / 4);
    struct engine_desk_fold fold = {.until = look->at, .arena = &arena};
    enum oft_err code = engine_desk_fold_run(engine, &fold, reterr);
    if (code == OFT_OK) {
        code = view(fold.state, look, viewer, out, reterr);
    }
    desk_state_free(fold.state);
    oft_arena_release(&arena);
    return code;
}

/* What is to come is the state in use, when nothing happens but time. */
static enum oft_err view_future(const struct desk_state *state, const struct engine_desk_look *look,
                                uint64_t viewer, struct oft_buffer *out, struct oft_error *reterr)
{
    struct desk_state *copy = desk_state_copy(state);
    enum oft_err code = copy == NULL ? OFT_ERR_MEMORY : desk_advance(copy, look->at);
    code = code == OFT_OK ? view(copy, look, viewer, out, reterr)
                          : oft_fail(reterr, code, "the desk at that instant cannot be shown: %s",
                                     oft_err_text(code));
    desk_state_free(copy);
    return code;
}

static enum oft_err view_at(struct engine *engine, const struct engine_desk_look *look,
                            uint64_t viewer, struct oft_buffer *out, struct oft_error *reterr)
{
    const struct desk_state *state = engine->desk->state;
    return look->at < desk_clock(state) ? view_past(engine, look, viewer, out, reterr)
                                        : view_future(state, look, viewer, out, reterr);
}

enum oft_err engine_desk_view(struct engine *engine, const struct engine_desk_look *look,
                              oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    enum oft_err code = engine_desk_ready(engine, now_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    uint64_t viewer = engine_desk_viewer(engine, look->viewer);
    return look->has_at ? view_at(engine, look, viewer, out, reterr)
                        : view(engine->desk->state, look, viewer, out, reterr);
}

/* ---- the journal ------------------------------------------------------------------------------- */

struct listing {
    struct engine *engine;
    uint64_t viewer;
    uint32_t limit;
    uint64_t next;
    json_t *events;
    struct oft_arena arena;
};

static json_t *term_json(const struct desk_term *term)
{
    char text[OFT_NANOS_TEXT_BYTES], at[OFT_INSTANT_TEXT_BYTES], cash[OFT_NANOS_TEXT_BYTES];
    json_t *item = json_pack("{s:s}", "name", term->name.text);
    const char *value = term->kind == DESK_TERM_INSTANT
                            ? oft_instant_format((oft_instant)term->number, at)
                        : term->kind == DESK_TERM_TEXT ? term->text.text
                                                       : oft_nanos_format(term->number, text);
    (void)json_object_set_new(item, "value", json_string(value));
    if (term->kind == DESK_TERM_AMOUNT && term->text.id != 0) {
        (void)json_object_set_new(item, "per", json_string(term->text.text));
    }
    if (term->cash_nanos >= 0) {
        (void)json_object_set_new(item, "cash",
                                  json_string(oft_nanos_format(term->cash_nanos, cash)));
    }
    return item;
}

static void put_terms(json_t *object, struct desk_terms terms)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < terms.count; i++) {
        (void)json_array_append_new(list, term_json(&terms.items[i]));
    }
    (void)json_object_set_new(object, "terms", list);
}

static void put_name(json_t *object, const char *member, struct desk_name name)
{
    if (name.id != 0) {
        (void)json_object_set_new(object, member, json_string(name.text));
    }
}

static void put_reference(json_t *object, const char *member, enum desk_field_kind kind,
                          uint32_t index)
{
    char text[DESK_REFERENCE_BYTES];
    if (index != DESK_NONE) {
        (void)json_object_set_new(object, member, json_string(desk_reference(kind, index, text)));
    }
}

/* The event in its own words; what a need, an offer or a right says in full, their views show. */
static json_t *event_json(const struct desk_event *event)
{
    char at[OFT_INSTANT_TEXT_BYTES], happened[OFT_INSTANT_TEXT_BYTES];
    json_t *object =
        json_pack("{s:I, s:s, s:s, s:s, s:s}", "number", (json_int_t)event->number, "kind",
                  desk_event_kind_text(event->kind), "at", oft_instant_format(event->at, at),
                  "happened", oft_instant_format(event->happened, happened), "actor",
                  event->actor.id == 0 ? "" : event->actor.text);
    put_name(object, "party", event->party);
    put_name(object, "other", event->other);
    put_name(object, "name", event->name);
    put_reference(object, "need", DESK_FIELD_NEED, event->need);
    put_reference(object, "offer", DESK_FIELD_OFFER, event->offer);
    put_reference(object, "lot", DESK_FIELD_LOT, event->lot);
    put_reference(object, "notice", DESK_FIELD_NOTICE, event->notice);
    put_reference(object, "order", DESK_FIELD_ORDER, event->order);
    if (event->quantity > 0) {
        (void)json_object_set_new(object, "quantity", json_integer((json_int_t)event->quantity));
    }
    if (event->text[0] != '\0') {
        (void)json_object_set_new(object, "text", json_string(event->text));
    }
    if (event->right != NULL) {
        put_name(object, "clause", event->right->clause);
    }
    if (event->calendar != NULL) {
        (void)json_object_set_new(object, "calendar", json_string(event->calendar->name));
    }
    if (event->zone != NULL) {
        (void)json_object_set_new(object, "zone", json_string(event->zone->name));
    }
    if (event->terms.count > 0) {
        put_terms(object, event->terms);
    }
    return object;
}

static enum oft_err show_event(struct listing *listing, const struct desk_event *event)
{
    if (listing->viewer != 0 &&
        !desk_view_event(listing->engine->desk->state, event, listing->viewer)) {
        return OFT_OK;
    }
    listing->next = event->number + 1; /* of what is shown: a party is not told how much is not */
    return json_array_append_new(listing->events, event_json(event)) == 0 ? OFT_OK : OFT_ERR_MEMORY;
}

static enum oft_err list_event(void *context, const struct store_desk_event *row,
                               struct oft_error *reterr)
{
    struct listing *listing = context;
    struct desk_event event;
    if (json_array_size(listing->events) >= listing->limit) {
        return OFT_ERR_EXISTS; /* enough */
    }
    enum oft_err code =
        desk_event_decode(row->bytes, row->length, row->number, &listing->arena, &event, reterr);
    if (code == OFT_OK) {
        code = show_event(listing, &event);
    }
    oft_arena_release(&listing->arena); /* of one event: most may be none of the viewer's */
    return code;
}

enum oft_err engine_desk_journal(struct engine *engine, const char *viewer, uint64_t from,
                                 uint32_t limit, oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    enum oft_err code = engine_desk_ready(engine, now_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    struct listing listing = {.engine = engine,
                              .viewer = engine_desk_viewer(engine, viewer),
                              .limit = limit,
                              .next = from,
                              .events = json_array()};
    oft_arena_init(&listing.arena, ENGINE_ARENA_BYTES_MAX);
    code = store_desk_events(engine->store, from, list_event, &listing, reterr);
    json_t *answer =
        json_pack("{s:o, s:I}", "events", listing.events, "next", (json_int_t)listing.next);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (code == OFT_OK && text == NULL) {
        code = OFT_ERR_MEMORY;
    }
    if (code == OFT_OK) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    oft_arena_release(&listing.arena);
    return code;
}
