/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the fields of an act to its event. Every field is looked at once, by its row of the table; what a
 * value means for the event is told by the field's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/acts_values.h"

#define OPEN_AT_LEAST (90 * OFT_NS_PER_DAY)

struct reading {
    const struct desk_act *act;
    const char *currency;
    struct oft_arena *arena;
    struct desk_event *event;
    struct desk_need *need;
    struct desk_offer *offer;
    struct desk_delivery_terms *delivery;
    bool delivery_said;
    struct desk_term terms[DESK_TERMS_MAX];
    uint32_t term_count;
    struct oft_error *error;
};

const char *desk_reference(enum desk_field_kind kind, uint32_t index,
                           char out[DESK_REFERENCE_BYTES])
{
    static const char *const words[] = {[DESK_FIELD_NEED] = "need",
                                        [DESK_FIELD_OFFER] = "offer",
                                        [DESK_FIELD_LOT] = "lot",
                                        [DESK_FIELD_NOTICE] = "notice",
                                        [DESK_FIELD_ORDER] = "order"};
    OFT_ASSERT((size_t)kind < OFT_COUNT_OF(words));
    (void)snprintf(out, DESK_REFERENCE_BYTES, "%s-%u", words[kind], index + 1);
    return out;
}

static enum oft_err unreadable(struct reading *r, const struct desk_field *field, const char *value)
{
    return oft_fail(r->error, OFT_ERR_INVALID, "%s cannot be \"%.60s\": %s", field->name, value,
                    field->help);
}

/* ---- values into the event ------------------------------------------------------------------- */

static enum oft_err take_reference(struct reading *r, const struct desk_field *field,
                                   const char *value)
{
    struct desk_event *e = r->event;
    uint32_t index;
    enum oft_err code = OFT_ERR_SYNTAX;
    static const char *const words[] = {"need", "offer", "lot", "notice", "order"};
    uint32_t *const places[] = {&e->need, &e->offer, &e->lot, &e->notice, &e->order};
    if (field->kind == DESK_FIELD_TARGET) {
        for (unsigned i = 0; i < 3 && code != OFT_OK; i++) {
            size_t length = strlen(words[i]);
            if (strstr(field->choices, words[i]) != NULL && strncmp(value, words[i], length) == 0 &&
                value[length] == '-') {
                code = act_reference(value, words[i], places[i]);
            }
        }
        return code == OFT_OK ? OFT_OK : unreadable(r, field, value);
    }
    unsigned kind = (unsigned)field->kind - DESK_FIELD_NEED;
    if (act_reference(value, words[kind], &index) != OFT_OK) {
        return unreadable(r, field, value);
    }
    if (strcmp(field->name, "part-of") == 0) {
        r->need->part_of = index;
    } else if (r->offer != NULL && field->kind == DESK_FIELD_NEED) {
        r->offer->need = index;
    } else {
        *places[kind] = index;
    }
    return OFT_OK;
}

/* Whose default, right or change of control it is, the act says itself: it is recorded for nobody else. */
static bool has_its_party(enum desk_event_kind kind)
{
    return kind == DESK_DEFAULTED || kind == DESK_CURED || kind == DESK_ASSIGNED ||
           kind == DESK_CONTROL_CHANGED;
}

static enum oft_err take_word(struct reading *r, const struct desk_field *field, const char *value)
{
    struct desk_event *e = r->event;
    char *text = oft_arena_copy(r->arena, oft_str_from(value));
    if (text == NULL) {
        return OFT_ERR_MEMORY;
    }
    if (!act_is_name(text)) {
        return unreadable(r, field, value);
    }
    if (strcmp(field->name, "for") == 0 && has_its_party(e->kind)) {
        return oft_fail(r->error, OFT_ERR_INVALID, "for: this act names its party already");
    }
    struct {
        const char *name;
        struct desk_name *place;
    } words[] = {
        {"accelerator", r->need == NULL ? NULL : &r->need->accelerator},
        {"region", r->need == NULL ? NULL : &r->need->region},
        {"on", r->need == NULL ? NULL : &r->need->provider},
        {"group", r->need == NULL ? NULL : &r->need->group},
        {"provider", r->offer == NULL ? &e->other : &r->offer->provider},
        {"under", r->delivery == NULL ? NULL : &r->delivery->under},
        {"clause", &e->name},
        {"carve-out", &e->name},
        {"pool", &e->name},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(words); i++) {
        if (strcmp(words[i].name, field->name) == 0 && words[i].place != NULL) {
            *words[i].place = desk_word(text);
            r->delivery_said = r->delivery_said || strcmp(field->name, "under") == 0;
            return OFT_OK;
        }
    }
    if (strcmp(field->name, "product") == 0) {
        r->need->product = desk_product_name(text);
    } else if (strcmp(field->name, "programme") == 0) {
        r->offer->programme = text;
    } else if (strcmp(field->name, "tranche") == 0) {
        r->offer->tranche = text;
    } else if (strcmp(field->name, "site") == 0) {
        r->offer->site = text;
    } else if (strcmp(field->name, "to") == 0) {
        e->other = desk_party_name(text);
    } else { /* party, from, for */
        e->party = desk_party_name(text);
    }
    return OFT_OK;
}

static enum oft_err take_words(struct reading *r, const struct desk_field *field, const char *value)
{
    char *text = oft_arena_copy(r->arena, oft_str_from(value));
    struct desk_name *items =
        oft_arena_alloc_array(r->arena, strlen(value) / 2 + 1, sizeof(*items));
    uint32_t count = 0;
    char *rest = NULL;
    if (text == NULL || items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (char *word = strtok_r(text, ", ", &rest); word != NULL;
         word = strtok_r(NULL, ", ", &rest)) {
        if (!act_is_name(word)) {
            return unreadable(r, field, value);
        }
        items[count++] = desk_word(word);
    }
    if (count == 0 || count > 64) {
        return unreadable(r, field, value);
    }
    struct desk_names *place = r->offer != NULL ? &r->offer->affirmed : &r->event->names;
    *place = (struct desk_names){items, count};
    return OFT_OK;
}

static enum oft_err take_choice(struct reading *r, const struct desk_field *field,
                                const char *value)
{
    size_t length = strlen(value);
    const char *at = field->choices;
    bool found = false;
    bool one = length > 0 && strchr(value, '|') == NULL;
    while (!found && at != NULL && one) {
        found = strncmp(at, value, length) == 0 && (at[length] == '|' || at[length] == '\0');
        at = strchr(at, '|');
        at = at == NULL ? NULL : at + 1;
    }
    if (!found) {
        return oft_fail(r->error, OFT_ERR_INVALID, "%s is one of %s, not \"%.40s\"", field->name,
                        field->choices, value);
    }
    if (strcmp(field->name, "unit") == 0) {
        r->need->unit = strcmp(value, "mw") == 0 ? DESK_SIZE_MW : DESK_SIZE_GPU;
    } else if (strcmp(field->name, "deal") == 0) {
        r->need->deal = value[0] == 'n'   ? DESK_DEAL_NEW
                        : value[0] == 'r' ? DESK_DEAL_RENEWAL
                                          : DESK_DEAL_EXPANSION;
    } else if (strcmp(field->name, "late-terminate") == 0) {
        r->delivery->late_terminate = strcmp(value, "yes") == 0;
        r->delivery_said = true;
    } else { /* outcome */
        char *text = oft_arena_copy(r->arena, oft_str_from(value));
        if (text == NULL) {
            return OFT_ERR_MEMORY;
        }
        r->event->name = desk_word(text);
    }
    return OFT_OK;
}

static enum oft_err take_count(struct reading *r, const struct desk_field *field, const char *value)
{
    uint64_t count;
    if (act_count(value, &count) != OFT_OK || count == 0) {
        return unreadable(r, field, value);
    }
    if (strcmp(field->name, "months") == 0) {
        if (count > 1200) {
            return unreadable(r, field, value);
        }
        r->need->months = (uint32_t)count;
    } else if (r->need != NULL) {
        r->need->quantity = count;
    } else if (r->offer != NULL) {
        r->offer->quantity = count;
    } else {
        r->event->quantity = count;
    }
    return OFT_OK;
}

static enum oft_err add_term(struct reading *r, const struct desk_field *field,
                             struct desk_term term)
{
    uint32_t at = r->term_count;
    if (r->term_count == DESK_TERMS_MAX) {
        return oft_fail(r->error, OFT_ERR_LIMIT, "at most %d terms", DESK_TERMS_MAX);
    }
    for (uint32_t i = 0; i < r->term_count; i++) {
        if (r->terms[i].name.id == term.name.id) {
            return oft_fail(r->error, OFT_ERR_INVALID, "%s: the term %s stands twice", field->name,
                            term.name.text);
        }
    }
    for (; at > 0 && strcmp(r->terms[at - 1].name.text, term.name.text) > 0; at--) {
        r->terms[at] = r->terms[at - 1];
    }
    r->terms[at] = term;
    r->term_count++;
    return OFT_OK;
}

static enum oft_err take_price(struct reading *r, const struct desk_field *field, const char *value)
{
    struct desk_term term = {
        .name = desk_word("price"), .kind = DESK_TERM_AMOUNT, .text = {0, ""}, .cash_nanos = -1};
    const char *per;
    char *text = oft_arena_copy(r->arena, oft_str_from(value));
    if (text == NULL) {
        return OFT_ERR_MEMORY;
    }
    if (act_price(text, r->currency, &term.number, &per) != OFT_OK) {
        return unreadable(r, field, value);
    }
    if (strcmp(field->name, "ceiling") == 0) {
        r->need->ceiling_nanos = term.number;
        return OFT_OK;
    }
    term.text = per[0] == '\0' ? term.text : desk_word(per);
    return add_term(r, field, term);
}

static enum oft_err take_term(struct reading *r, const struct desk_field *field, const char *value)
{
    struct desk_term term;
    enum oft_err code = act_term(value, r->currency, r->arena, &term);
    return code == OFT_OK           ? add_term(r, field, term)
           : code == OFT_ERR_SYNTAX ? unreadable(r, field, value)
                                    : code;
}

static enum oft_err take_instant(struct reading *r, const struct desk_field *field,
                                 const char *value)
{
    oft_instant instant;
    if (act_instant(value, &instant) != OFT_OK) {
        return unreadable(r, field, value);
    }
    if (strcmp(field->name, "from") == 0) {
        r->need->from = instant;
    } else if (strcmp(field->name, "open-until") == 0) {
        r->need->open_until = instant;
    } else if (strcmp(field->name, "valid-until") == 0) {
        r->offer->valid_until = instant;
    } else if (strcmp(field->name, "deliver-by") == 0) {
        r->delivery->deliver_by = instant;
        r->delivery_said = true;
    } else {
        r->event->happened = instant;
    }
    return OFT_OK;
}

static enum oft_err take_text(struct reading *r, const struct desk_field *field, const char *value)
{
    char *text = oft_arena_copy(r->arena, oft_str_from(value));
    if (text == NULL) {
        return OFT_ERR_MEMORY;
    }
    if (strcmp(field->name, "note") == 0) {
        r->need->note = text;
    } else if (r->event->text[0] != '\0') {
        return oft_fail(
            r->error, OFT_ERR_INVALID,
            "%s: one text is enough: the defect is the evidence, and the pool's lines need none",
            field->name);
    } else {
        r->event->text = text;
    }
    return OFT_OK;
}

static enum oft_err take_delivery(struct reading *r, const struct desk_field *field,
                                  const char *value)
{
    enum oft_err code = field->kind == DESK_FIELD_LATE ? act_late(value, r->delivery)
                                                       : act_period(value, &r->delivery->cure);
    r->delivery_said = true;
    return code == OFT_OK ? OFT_OK : unreadable(r, field, value);
}

static enum oft_err take_field(struct reading *r, const struct desk_field *field, const char *value)
{
    switch (field->kind) {
    case DESK_FIELD_NEED:
    case DESK_FIELD_OFFER:
    case DESK_FIELD_LOT:
    case DESK_FIELD_NOTICE:
    case DESK_FIELD_ORDER:
    case DESK_FIELD_TARGET:
        return take_reference(r, field, value);
    case DESK_FIELD_WORD:
        return take_word(r, field, value);
    case DESK_FIELD_WORDS:
        return take_words(r, field, value);
    case DESK_FIELD_CHOICE:
        return take_choice(r, field, value);
    case DESK_FIELD_COUNT:
        return take_count(r, field, value);
    case DESK_FIELD_PRICE:
        return take_price(r, field, value);
    case DESK_FIELD_AMOUNT:
        return act_amount(value, r->currency, &r->offer->bundled_nanos) == OFT_OK
                   ? OFT_OK
                   : unreadable(r, field, value);
    case DESK_FIELD_INSTANT:
        return take_instant(r, field, value);
    case DESK_FIELD_PERIOD:
    case DESK_FIELD_LATE:
        return take_delivery(r, field, value);
    case DESK_FIELD_TERM:
        return take_term(r, field, value);
    case DESK_FIELD_TEXT:
        return take_text(r, field, value);
    case DESK_FIELD_RATE:
        break;
    }
    return unreadable(r, field, value);
}

/* ---- the fields of an act -------------------------------------------------------------------- */

static const struct desk_field *field_of(const struct desk_act *act, const char *name)
{
    size_t count;
    const struct desk_field *common = desk_common_fields(&count);
    for (size_t i = 0; i < act->field_count; i++) {
        if (strcmp(act->fields[i].name, name) == 0) {
            return &act->fields[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(common[i].name, name) == 0) {
            return &common[i];
        }
    }
    return NULL;
}

static bool is_given(const struct desk_given *given, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum oft_err take_all(struct reading *r, const struct desk_given *given, size_t count)
{
    for (size_t i = 0; i < r->act->field_count; i++) {
        const struct desk_field *field = &r->act->fields[i];
        if (field->required && !is_given(given, count, field->name)) {
            return oft_fail(r->error, OFT_ERR_INVALID, "%s is missing: %s", field->name,
                            field->help);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct desk_field *field = field_of(r->act, given[i].name);
        if (field == NULL) {
            return oft_fail(r->error, OFT_ERR_INVALID, "there is no field \"%.60s\" here",
                            given[i].name);
        }
        if (!field->repeated && is_given(given, i, given[i].name)) {
            return oft_fail(r->error, OFT_ERR_INVALID, "%s stands twice", field->name);
        }
        if (strlen(given[i].value) > ACT_VALUE_BYTES_MAX) {
            return oft_fail(r->error, OFT_ERR_LIMIT, "%s is too long", field->name);
        }
        enum oft_err code = take_field(r, field, given[i].value);
        if (code != OFT_OK) {
            return code;
        }
    }
    return OFT_OK;
}

/* ---- what the event brings ------------------------------------------------------------------- */

static enum oft_err begin(struct reading *r)
{
    const struct desk_name none = {0, ""};
    if (r->event->kind == DESK_NEED_OPENED) {
        r->need = oft_arena_alloc(r->arena, sizeof(*r->need));
    } else if (r->event->kind == DESK_OFFER_ADDED) {
        r->offer = oft_arena_alloc(r->arena, sizeof(*r->offer));
    } else if (r->event->kind == DESK_SIGNED) {
        r->delivery = oft_arena_alloc(r->arena, sizeof(*r->delivery));
    }
    if (r->need != NULL) {
        *r->need = (struct desk_need){.product = none,
                                      .accelerator = none,
                                      .region = none,
                                      .unit = DESK_SIZE_GPU,
                                      .ceiling_nanos = -1,
                                      .deal = DESK_DEAL_NEW,
                                      .provider = none,
                                      .group = none,
                                      .part_of = DESK_NONE,
                                      .open_until = OFT_INSTANT_NEVER,
                                      .note = ""};
        return OFT_OK;
    }
    if (r->offer != NULL) {
        *r->offer = (struct desk_offer){.need = DESK_NONE,
                                        .party = none,
                                        .provider = none,
                                        .valid_until = OFT_INSTANT_NEVER,
                                        .programme = "",
                                        .tranche = "",
                                        .site = ""};
        return OFT_OK;
    }
    if (r->delivery != NULL) {
        *r->delivery = (struct desk_delivery_terms){.deliver_by = OFT_INSTANT_NEVER, .under = none};
        return OFT_OK;
    }
    bool brings = r->event->kind == DESK_NEED_OPENED || r->event->kind == DESK_OFFER_ADDED ||
                  r->event->kind == DESK_SIGNED;
    return brings ? OFT_ERR_MEMORY : OFT_OK;
}

/* Hours from the day that capacity is wanted to the same day so many months later. */
static uint64_t hours_of(oft_instant from, uint32_t months)
{
    const struct oft_period period = {
        .count = months, .unit = OFT_PERIOD_MONTHS, .roll = OFT_ROLL_NONE};
    oft_instant end; /* the first instant of the day after */
    if (months == 0 || oft_deadline(from, &period, NULL, NULL, &end) != OFT_OK) {
        return 0;
    }
    oft_instant day = from - from % OFT_NS_PER_DAY;
    return (uint64_t)((end - OFT_NS_PER_DAY - day) / (3600 * OFT_NS_PER_SECOND));
}

static enum oft_err finish(struct reading *r)
{
    struct desk_event *e = r->event;
    struct desk_term *items = NULL;
    if (r->term_count > 0) {
        items = oft_arena_alloc_array(r->arena, r->term_count, sizeof(*items));
        if (items == NULL) {
            return OFT_ERR_MEMORY;
        }
        memcpy(items, r->terms, r->term_count * sizeof(*items));
    }
    const struct desk_terms terms = {items, r->term_count};
    if (r->need != NULL) {
        oft_instant least = e->at + OPEN_AT_LEAST;
        r->need->terms = terms;
        r->need->hours = hours_of(r->need->from, r->need->months);
        if (r->need->open_until == OFT_INSTANT_NEVER) {
            r->need->open_until = r->need->from > least ? r->need->from : least;
        }
        e->need_opened = r->need;
    } else if (r->offer != NULL) {
        r->offer->terms = terms;
        e->offer_added = r->offer;
    } else {
        e->terms = terms;
    }
    if (r->delivery_said) {
        e->delivery = r->delivery;
    }
    return OFT_OK;
}

enum oft_err desk_act_read(const struct desk_act *act, const struct desk_given *given, size_t count,
                           oft_instant at, struct desk_name actor, const char *currency,
                           struct oft_arena *arena, struct desk_event *ret_event,
                           struct oft_error *reterr)
{
    struct reading reading = {
        .act = act, .currency = currency, .arena = arena, .event = ret_event, .error = reterr};
    *ret_event = desk_event_of(act->kind, at);
    ret_event->actor = actor;
    ret_event->party = actor;
    enum oft_err code = begin(&reading);
    if (code == OFT_OK) {
        code = take_all(&reading, given, count);
    }
    if (code == OFT_OK) {
        code = finish(&reading);
    }
    return code == OFT_ERR_MEMORY ? oft_fail(reterr, code, "out of memory") : code;
}
