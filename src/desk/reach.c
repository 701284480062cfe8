/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a right reaches: scope, floor, exclusivity, and the needs that are one need in pieces. What
 * cannot be worked out counts as reached.
 */
#include <stdlib.h>
#include <string.h>

#include "desk/internal.h"

#define SPLIT_WINDOW (365 * OFT_NS_PER_DAY)

static bool part_of_region(const char *whole, const char *part)
{
    size_t length = strlen(whole);
    return strncmp(whole, part, length) == 0 && part[length] == '-';
}

static bool regions_reach(struct desk_names regions, struct desk_name region)
{
    if (regions.count == 0 || region.id == 0) {
        return true;
    }
    for (uint32_t i = 0; i < regions.count; i++) {
        if (regions.items[i].id == region.id ||
            part_of_region(regions.items[i].text, region.text) ||
            part_of_region(region.text, regions.items[i].text)) {
            return true;
        }
    }
    return false;
}

static bool names_reach(struct desk_names names, struct desk_name name)
{
    return names.count == 0 || name.id == 0 || desk_names_have(names, name.id);
}

/* ---- the floor ------------------------------------------------------------------------------- */

/* The price per hour of one UNIT among TERMS; -1 when there is none: megawatts may be priced by the month. */
static oft_nanos hourly_price(struct desk_terms terms, enum desk_size_kind unit)
{
    const struct desk_term *price = desk_terms_find(terms, DESK_WORD_PRICE);
    uint64_t hourly = desk_word(unit == DESK_SIZE_MW ? "MW-hour" : "gpu-hour").id;
    return price != NULL && price->kind == DESK_TERM_AMOUNT && price->number >= 0 &&
                   price->text.id == hourly
               ? price->number
               : -1;
}

/* The need's size in KIND; -1: it cannot be worked out. PRICE: per unit-hour, -1: not known. */
static oft_nanos size_in(const struct desk_need *need, enum desk_size_kind kind, oft_nanos price)
{
    oft_nanos hours;
    oft_nanos money;
    switch (kind) {
    case DESK_SIZE_GPU:
    case DESK_SIZE_MW:
        return need->unit == kind ? (oft_nanos)need->quantity : -1;
    case DESK_SIZE_GPU_HOURS:
    case DESK_SIZE_MONEY:
        if (need->hours == 0 || (kind == DESK_SIZE_GPU_HOURS && need->unit != DESK_SIZE_GPU) ||
            oft_nanos_mul((oft_nanos)need->quantity, (oft_nanos)need->hours, &hours) != OFT_OK) {
            return -1;
        }
        if (kind == DESK_SIZE_GPU_HOURS) {
            return hours;
        }
        return price >= 0 && oft_nanos_mul(hours, price, &money) == OFT_OK ? money : -1;
    default:
        return -1;
    }
}

/* The sizes of the earlier pieces, added to SUM until they reach the floor. */
static bool pieces_reach(const struct desk_state *state, const struct desk_size *floor,
                         uint32_t need, oft_nanos sum)
{
    const struct desk_need_row *row = DESK_NEED(state, need);
    uint32_t whole = row->need->part_of;
    for (uint32_t i = row->before; i != DESK_NONE && sum < floor->amount;) {
        const struct desk_need_row *piece = DESK_NEED(state, i);
        if (piece->opened < row->opened - SPLIT_WINDOW) {
            break;
        }
        oft_nanos size = size_in(piece->need, floor->kind, piece->need->ceiling_nanos);
        if (!piece->withdrawn && i != whole && size >= 0 && size < floor->amount) {
            sum += size;
        }
        i = piece->before;
    }
    if (whole != DESK_NONE) {
        const struct desk_need *of = DESK_NEED(state, whole)->need;
        oft_nanos size = size_in(of, floor->kind, of->ceiling_nanos);
        if (size < 0 || size >= floor->amount) {
            return true;
        }
        sum += size;
    }
    return DESK_MUTANT(9, sum >= floor->amount, false);
}

static bool floor_reached(const struct desk_state *state, const struct desk_right *right,
                          uint32_t need, uint32_t offer, unsigned *ret_flags)
{
    const struct desk_need *wanted = DESK_NEED(state, need)->need;
    if (right->floor.kind == DESK_SIZE_NONE) {
        return true;
    }
    oft_nanos price = offer == DESK_NONE
                          ? wanted->ceiling_nanos
                          : hourly_price(DESK_OFFER(state, offer)->terms, wanted->unit);
    if (price < 0) {
        price = wanted->ceiling_nanos;
    }
    oft_nanos size = size_in(wanted, right->floor.kind, price);
    if (size < 0 || size >= right->floor.amount) {
        return true;
    }
    if (pieces_reach(state, &right->floor, need, size)) {
        *ret_flags |= DESK_FLAG_SPLIT;
        return true;
    }
    return false;
}

bool desk_reaches(const struct desk_state *state, const struct desk_right *right, uint32_t need,
                  uint32_t offer, unsigned *ret_flags)
{
    const struct desk_need *wanted = DESK_NEED(state, need)->need;
    *ret_flags = 0;
    if (offer != DESK_NONE && DESK_OFFER(state, offer)->offer->bundled_nanos > 0) {
        *ret_flags |= DESK_FLAG_BUNDLED;
    }
    return names_reach(right->products, wanted->product) &&
           regions_reach(right->regions, wanted->region) &&
           names_reach(right->accelerators, wanted->accelerator) &&
           (right->deals == 0 || (right->deals & (unsigned)wanted->deal) != 0) &&
           floor_reached(state, right, need, offer, ret_flags);
}

uint32_t desk_barred_by(const struct desk_state *state, const struct desk_need *need,
                        uint64_t provider, oft_instant at)
{
    for (uint32_t i = 0; i < state->rights.count; i++) {
        const struct desk_right_row *row = DESK_RIGHT(state, i);
        const struct desk_right *right = &row->right;
        if (right->kind == DESK_RIGHT_EXCLUSIVE && desk_right_in_force(row, at) &&
            names_reach(right->products, need->product) && right->provider.id != provider &&
            !(need->group.id != 0 && desk_names_have(right->except_groups, need->group.id))) {
            return i;
        }
    }
    return DESK_NONE;
}

/* ---- needs of one kind ----------------------------------------------------------------------- */

static uint64_t kind_key(const struct desk_need *need)
{
    uint64_t key = need->product.id * UINT64_C(0x9e3779b97f4a7c15);
    key = (key ^ (key >> 29) ^ need->accelerator.id) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 32) ^ need->region.id) * UINT64_C(0x94d049bb133111eb);
    return key == 0 ? 1 : key;
}

static struct desk_kind_slot *slot_of(const struct desk_state *state, uint64_t key)
{
    uint32_t mask = state->kind_capacity - 1;
    uint32_t i = (uint32_t)(key >> 32) & mask;
    while (state->kinds[i].key != 0 && state->kinds[i].key != key) {
        i = (i + 1) & mask;
    }
    return &state->kinds[i];
}

static bool kinds_grow(struct desk_state *state)
{
    struct desk_kind_slot *old = state->kinds;
    uint32_t count = state->kind_capacity;
    uint32_t capacity = count == 0 ? 64 : count * 2;
    struct desk_kind_slot *kinds = calloc(capacity, sizeof(*kinds));
    if (kinds == NULL) {
        state->broken = true;
        return false;
    }
    state->kinds = kinds;
    state->kind_capacity = capacity;
    for (uint32_t i = 0; i < count; i++) {
        if (old[i].key != 0) {
            *slot_of(state, old[i].key) = old[i];
        }
    }
    free(old);
    return true;
}

void desk_kind_enter(struct desk_state *state, uint32_t need)
{
    struct desk_need_row *row = DESK_NEED(state, need);
    row->before = DESK_NONE;
    if (state->kind_count * 2 >= state->kind_capacity && !kinds_grow(state)) {
        return;
    }
    struct desk_kind_slot *slot = slot_of(state, kind_key(row->need));
    if (slot->key == 0) {
        slot->key = kind_key(row->need);
        state->kind_count++;
    } else {
        row->before = slot->newest;
    }
    slot->newest = need;
}
