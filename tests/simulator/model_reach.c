/* SPDX-License-Identifier: Apache-2.0 */
/* A right's states, standing, reach, splitting, exclusives: what docs/desk.md asks about a right. */
#include <string.h>

#include "model.h"

/* Monday to Friday, no holidays: what an unnamed calendar means. */
bool model_window_end(const struct model *model, const struct desk_window *window,
                      oft_instant start, oft_instant *ret)
{
    const struct oft_calendar *calendar = NULL;
    const struct oft_zone *zone = NULL;

    for (uint32_t i = 0; i < model->calendar_count && window->calendar.id != 0; i++) {
        if (strcmp(model->calendars[i]->name, window->calendar.text) == 0) {
            calendar = model->calendars[i];
        }
    }
    for (uint32_t i = 0; i < model->zone_count && window->zone.id != 0; i++) {
        if (strcmp(model->zones[i]->name, window->zone.text) == 0) {
            zone = model->zones[i];
        }
    }
    if ((window->calendar.id != 0 && !calendar) || (window->zone.id != 0 && !zone)) {
        return false;
    }
    return oft_deadline(start, &window->period, calendar, zone, ret) == OFT_OK;
}

/* Elapsed time, as standing counts it. */
static oft_instant elapsed(const struct desk_window *window)
{
    static const int64_t days[] = {
        [OFT_PERIOD_DAYS] = 1,    [OFT_PERIOD_BUSINESS_DAYS] = 1, [OFT_PERIOD_WEEKS] = 7,
        [OFT_PERIOD_MONTHS] = 30, [OFT_PERIOD_YEARS] = 365,
    };

    if (window->period.unit == OFT_PERIOD_HOURS) {
        return (int64_t)window->period.count * 3600 * OFT_NS_PER_SECOND;
    }
    return (int64_t)window->period.count * days[window->period.unit] * OFT_NS_PER_DAY;
}

oft_instant model_right_end(const struct model_right *right, bool *ret_amended)
{
    const struct desk_right *words = right->words;

    if (right->control_end <= words->until) {
        *ret_amended = false;
        return right->control_end;
    }
    *ret_amended = words->end == DESK_ENDS_AMENDED;
    return words->until;
}

bool model_in_force(const struct model *model, uint32_t right, oft_instant at)
{
    bool amended;

    return at >= model->rights[right].words->from &&
           at < model_right_end(&model->rights[right], &amended);
}

bool model_is_holder(const struct model_right *right, uint64_t party)
{
    for (uint32_t i = 0; i < right->words->holder_count; i++) {
        if (right->holders[i].party.id == party) {
            return true;
        }
    }
    return false;
}

bool model_standing(const struct model *model, uint32_t index, uint64_t party, oft_instant at)
{
    const struct model_right *right = &model->rights[index];
    const struct desk_right *words = right->words;
    bool amended;
    oft_instant end = model_right_end(right, &amended);
    uint32_t lately = 0;

    for (uint32_t i = 0; i < model->default_count; i++) {
        const struct model_default *one = &model->defaults[i];
        bool uncured = one->cured > at;

        if (one->party != party || one->at > at) {
            continue;
        }
        if (uncured && words->suspend_on_default) {
            return false;
        }
        if (uncured && words->standing_cure.said &&
            at >= one->at + elapsed(&words->standing_cure)) {
            return false;
        }
        lately += words->standing_defaults > 0 && at - one->at < elapsed(&words->standing_within);
    }
    if (words->standing_defaults > 0 && lately >= words->standing_defaults) {
        return false;
    }
    return !words->standing_remaining.said || end == OFT_INSTANT_NEVER ||
           end - at >= elapsed(&words->standing_remaining);
}

void model_default_add(struct model *model, uint64_t party, oft_instant at)
{
    if (model->default_count == MODEL_DEFAULTS_MAX) {
        model->full = true;
        return;
    }
    model->defaults[model->default_count++] =
        (struct model_default){.party = party, .at = at, .cured = OFT_INSTANT_NEVER};
}

enum desk_right_state model_right_state(const struct model *model, uint32_t index, oft_instant at)
{
    const struct model_right *right = &model->rights[index];
    bool amended;
    oft_instant end = model_right_end(right, &amended);

    if (at < right->words->from) {
        return DESK_RIGHT_INACTIVE;
    }
    if (at >= end) {
        return !amended && end == right->words->until && right->words->end == DESK_ENDS_EXPIRED
                   ? DESK_RIGHT_EXPIRED
                   : DESK_RIGHT_TERMINATED;
    }
    if (right->exhausted) {
        return DESK_RIGHT_EXHAUSTED;
    }
    for (uint32_t i = 0; i < right->words->holder_count; i++) {
        if (model_standing(model, index, right->holders[i].party.id, at)) {
            return DESK_RIGHT_ARMED;
        }
    }
    return right->words->kind == DESK_RIGHT_EXCLUSIVE ? DESK_RIGHT_ARMED : DESK_RIGHT_SUSPENDED;
}

uint32_t model_find_right(const struct model *model, uint64_t clause)
{
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model->rights[i].words->clause.id == clause) {
            return i;
        }
    }
    return DESK_NONE;
}

/* ---- reach ------------------------------------------------------------------------------------ */

static bool holds(struct desk_names names, struct desk_name name)
{
    if (names.count == 0 || name.id == 0) {
        return true;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        if (names.items[i].id == name.id) {
            return true;
        }
    }
    return false;
}

static bool part_of(const char *whole, const char *part)
{
    size_t length = strlen(whole);

    return strncmp(whole, part, length) == 0 && (part[length] == '\0' || part[length] == '-');
}

static bool holds_region(struct desk_names names, struct desk_name region)
{
    if (names.count == 0 || region.id == 0) {
        return true;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        if (part_of(names.items[i].text, region.text) ||
            part_of(region.text, names.items[i].text)) {
            return true;
        }
    }
    return false;
}

/* The size of a need in the floor's measure; false: it cannot be worked out. */
static bool size_of(const struct model *model, const struct desk_right *right, uint32_t need_index,
                    uint32_t offer, oft_nanos *ret)
{
    const struct desk_need *need = model->needs[need_index].need;
    oft_nanos price = need->ceiling_nanos;

    *ret = (oft_nanos)need->quantity;
    switch (right->floor.kind) {
    case DESK_SIZE_GPU:
    case DESK_SIZE_MW:
        return need->unit == right->floor.kind;
    case DESK_SIZE_GPU_HOURS:
        *ret *= (oft_nanos)need->hours;
        return need->unit == DESK_SIZE_GPU && need->hours > 0;
    case DESK_SIZE_MONEY:
        for (uint32_t i = 0; offer != DESK_NONE && i < model->offers[offer].terms.count; i++) {
            const struct desk_term *term = &model->offers[offer].terms.items[i];

            if (strcmp(term->name.text, "price") == 0 &&
                strcmp(term->text.text, need->unit == DESK_SIZE_MW ? "MW-hour" : "gpu-hour") == 0) {
                price = term->number;
            }
        }
        *ret *= (oft_nanos)need->hours * price;
        return need->hours > 0 && price >= 0;
    case DESK_SIZE_NONE:
        break;
    }
    return false;
}

/* What the needs before it under the floor come to, with the need itself. */
static oft_nanos together(const struct model *model, const struct desk_right *right, uint32_t index,
                          oft_nanos own)
{
    const struct model_need *row = &model->needs[index];
    const struct desk_need *need = row->need;
    oft_nanos sum = own, one;

    for (uint32_t i = 0; i < index; i++) {
        const struct model_need *before = &model->needs[i];
        bool same = before->need->product.id == need->product.id &&
                    before->need->accelerator.id == need->accelerator.id &&
                    before->need->region.id == need->region.id && !before->withdrawn &&
                    before->opened > row->opened - 365 * OFT_NS_PER_DAY;

        if (!size_of(model, right, i, DESK_NONE, &one)) {
            if (i == need->part_of) {
                return right->floor.amount; /* what cannot be worked out is large enough */
            }
            continue;
        }
        if (i == need->part_of || (same && one < right->floor.amount)) {
            sum += one;
        }
    }
    return sum;
}

unsigned model_reach(const struct model *model, uint32_t index, uint32_t need_index, uint32_t offer)
{
    const struct desk_right *right = model->rights[index].words;
    const struct desk_need *need = model->needs[need_index].need;
    oft_nanos own;

    if (!holds(right->products, need->product) || !holds_region(right->regions, need->region) ||
        !holds(right->accelerators, need->accelerator) ||
        (right->deals != 0 && need->deal != 0 && (right->deals & (unsigned)need->deal) == 0)) {
        return 0;
    }
    if (right->floor.kind == DESK_SIZE_NONE || !size_of(model, right, need_index, offer, &own) ||
        own >= right->floor.amount) {
        return MODEL_REACHED;
    }
    if (together(model, right, need_index, own) >= right->floor.amount) {
        return MODEL_REACHED | MODEL_SPLIT;
    }
    return 0;
}

bool model_barred(const struct model *model, const struct desk_need *need, uint64_t provider,
                  oft_instant at)
{
    for (uint32_t i = 0; i < model->right_count; i++) {
        const struct desk_right *right = model->rights[i].words;
        bool excepted = false;

        for (uint32_t g = 0; g < right->except_groups.count; g++) {
            excepted |= need->group.id != 0 && right->except_groups.items[g].id == need->group.id;
        }
        if (right->kind == DESK_RIGHT_EXCLUSIVE && model_in_force(model, i, at) &&
            holds(right->products, need->product) && !excepted && provider != right->provider.id) {
            return true;
        }
    }
    return false;
}

bool model_bona_fide(const struct model *model, uint32_t right, uint32_t offer)
{
    struct desk_names tests = model->rights[right].words->bona_fide;

    for (uint32_t t = 0; t < tests.count; t++) {
        bool found = false;

        for (uint32_t l = 0; offer != DESK_NONE && l < model->offers[offer].affirmed_count; l++) {
            const struct desk_names *list = &model->offers[offer].affirmed[l];

            for (uint32_t i = 0; i < list->count; i++) {
                found |= list->items[i].id == tests.items[t].id;
            }
        }
        if (!found) {
            return false;
        }
    }
    return true;
}
