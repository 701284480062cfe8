/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command is answered: what came of it, as far as the one who gave it may know.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/desk_internal.h"

uint64_t engine_desk_viewer(const struct engine *engine, const char *party)
{
    if (party == NULL) {
        return 0;
    }
    uint64_t id = desk_party_name(party).id;
    return engine->desk->state != NULL && id == desk_customer(engine->desk->state).id ? 0 : id;
}

bool engine_desk_knows(const struct desk_state *state, enum desk_field_kind kind, uint32_t index,
                       uint64_t viewer)
{
    char reference[DESK_REFERENCE_BYTES];
    struct oft_buffer scratch;
    oft_buffer_init(&scratch, ENGINE_TEXT_BYTES_MAX);
    enum oft_err code =
        desk_view_one(state, desk_reference(kind, index, reference), viewer, &scratch);
    oft_buffer_release(&scratch);
    return code == OFT_OK;
}

enum desk_field_kind engine_desk_effect_kind(const struct desk_effect *effect)
{
    switch (effect->kind) {
    case DESK_EFFECT_NOTICE:
        return DESK_FIELD_NOTICE;
    case DESK_EFFECT_ORDER:
        return DESK_FIELD_ORDER;
    case DESK_EFFECT_LOT:
    case DESK_EFFECT_ROUND:
        break;
    }
    return DESK_FIELD_LOT;
}

const char *engine_desk_effect_thing(const struct desk_effect *effect,
                                     char out[DESK_REFERENCE_BYTES])
{
    return desk_reference(engine_desk_effect_kind(effect), effect->index, out);
}

const char *engine_desk_effect_what(const struct desk_effect *effect)
{
    switch (effect->kind) {
    case DESK_EFFECT_LOT:
        return desk_lot_state_name((enum desk_lot_state)effect->state);
    case DESK_EFFECT_NOTICE:
        return desk_notice_state_text((enum desk_notice_state)effect->state);
    case DESK_EFFECT_ORDER:
        return desk_order_state_text((enum desk_order_state)effect->state);
    case DESK_EFFECT_ROUND:
        break;
    }
    return "next round";
}

/* What the event made, or what it is about. False: neither (a default of a party). */
static bool subject(const struct engine_desk_outcome *outcome, enum desk_field_kind *ret_kind,
                    uint32_t *ret_index)
{
    const struct desk_event *event = outcome->event;
    const struct desk_state *state = outcome->state;
    const struct {
        bool is;
        enum desk_field_kind kind;
        uint32_t index;
    } candidates[] = {
        {event->kind == DESK_NEED_OPENED, DESK_FIELD_NEED, desk_need_count(state) - 1},
        {event->kind == DESK_OFFER_ADDED, DESK_FIELD_OFFER, desk_offer_count(state) - 1},
        {event->kind == DESK_SIGNED, DESK_FIELD_ORDER, desk_order_count(state) - 1},
        {event->order != DESK_NONE, DESK_FIELD_ORDER, event->order},
        {event->notice != DESK_NONE, DESK_FIELD_NOTICE, event->notice},
        {event->lot != DESK_NONE, DESK_FIELD_LOT, event->lot},
        {event->offer != DESK_NONE, DESK_FIELD_OFFER, event->offer},
        {event->need != DESK_NONE, DESK_FIELD_NEED, event->need},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(candidates); i++) {
        if (candidates[i].is) {
            *ret_kind = candidates[i].kind;
            *ret_index = candidates[i].index;
            return true;
        }
    }
    return false;
}

static json_t *effect_json(const struct desk_effect *effect)
{
    char thing[DESK_REFERENCE_BYTES];
    char at[OFT_INSTANT_TEXT_BYTES];
    return json_pack("{s:s, s:s, s:s}", "thing", engine_desk_effect_thing(effect, thing), "state",
                     engine_desk_effect_what(effect), "at", oft_instant_format(effect->at, at));
}

static json_t *effects_json(const struct engine_desk_outcome *outcome, struct oft_buffer *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < outcome->effect_count; i++) {
        const struct desk_effect *effect = &outcome->effects[i];
        char thing[DESK_REFERENCE_BYTES];
        if (outcome->viewer != 0 &&
            !engine_desk_knows(outcome->state, engine_desk_effect_kind(effect), effect->index,
                               outcome->viewer)) {
            continue;
        }
        (void)json_array_append_new(list, effect_json(effect));
        oft_buffer_printf(summary, "; %s: %s", engine_desk_effect_thing(effect, thing),
                          engine_desk_effect_what(effect));
    }
    return list;
}

enum oft_err engine_desk_answer(const struct engine_desk_outcome *outcome, struct oft_buffer *out)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    char reference[DESK_REFERENCE_BYTES] = "";
    enum desk_field_kind kind = DESK_FIELD_NEED;
    uint32_t index = 0;
    struct oft_buffer summary;
    oft_buffer_init(&summary, ENGINE_TEXT_BYTES_MAX);
    if (subject(outcome, &kind, &index)) {
        (void)desk_reference(kind, index, reference);
    }
    oft_buffer_printf(&summary, "%s%s%s", desk_event_kind_text(outcome->event->kind),
                      reference[0] == '\0' ? "" : " ", reference);
    json_t *effects = effects_json(outcome, &summary);
    json_t *answer = json_pack("{s:I, s:s, s:s, s:o, s:s}", "event",
                               outcome->dry_run ? 0 : (json_int_t)outcome->event->number, "at",
                               oft_instant_format(outcome->event->at, at), "reference", reference,
                               "effects", effects, "summary", oft_buffer_text(&summary));
    if (answer != NULL && outcome->dry_run) {
        (void)json_object_set_new(answer, "dry_run", json_true());
    }
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    oft_buffer_release(&summary);
    return text == NULL || out->failed ? OFT_ERR_MEMORY : OFT_OK;
}
