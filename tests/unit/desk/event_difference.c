/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two events, member by member. A member that the codec forgets on both ways would come back as nothing and
 * encode to the same bytes: only this sees it. The sizes below change when a member is added; then compare it
 * here, and put it into the journal and into docs/formats/desk-journal.md.
 */
#include <string.h>

#include "random_event.h"

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct desk_event) == 248, "a new member of desk_event");
_Static_assert(sizeof(struct desk_need) == 192, "a new member of desk_need");
_Static_assert(sizeof(struct desk_offer) == 144, "a new member of desk_offer");
_Static_assert(sizeof(struct desk_delivery_terms) == 80, "a new member of desk_delivery_terms");
_Static_assert(sizeof(struct desk_right) == 928, "a new member of desk_right");
_Static_assert(sizeof(struct desk_term) == 80, "a new member of desk_term");
_Static_assert(sizeof(struct desk_window) == 56, "a new member of desk_window");
_Static_assert(sizeof(struct oft_calendar) == 40, "a new member of oft_calendar");
_Static_assert(sizeof(struct oft_zone) == 24, "a new member of oft_zone");
#endif

#define DIFFER(member)                \
    do {                              \
        if (a->member != b->member) { \
            return #member;           \
        }                             \
    } while (0)
#define DIFFER_BY(same, member)                \
    do {                                       \
        if (!(same)(&a->member, &b->member)) { \
            return #member;                    \
        }                                      \
    } while (0)
#define INSIDE(difference, member)                                                          \
    do {                                                                                    \
        if ((a->member == NULL) != (b->member == NULL)) {                                   \
            return #member;                                                                 \
        }                                                                                   \
        const char *inside = a->member == NULL ? NULL : (difference)(a->member, b->member); \
        if (inside != NULL) {                                                               \
            return inside;                                                                  \
        }                                                                                   \
    } while (0)

static bool same_text(const char *const *a, const char *const *b)
{
    return strcmp(*a, *b) == 0;
}

static bool same_name(const struct desk_name *a, const struct desk_name *b)
{
    return a->id == b->id && strcmp(a->text, b->text) == 0;
}

static bool same_names(const struct desk_names *a, const struct desk_names *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = same_name(&a->items[i], &b->items[i]);
    }
    return same;
}

static bool same_terms(const struct desk_terms *a, const struct desk_terms *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        const struct desk_term *x = &a->items[i], *y = &b->items[i];
        same = same_name(&x->name, &y->name) && x->kind == y->kind && x->number == y->number &&
               same_name(&x->text, &y->text) && x->cash_nanos == y->cash_nanos;
    }
    return same;
}

static bool same_period(const struct oft_period *a, const struct oft_period *b)
{
    return a->count == b->count && a->unit == b->unit && a->roll == b->roll;
}

static bool same_window(const struct desk_window *a, const struct desk_window *b)
{
    return a->said == b->said && same_period(&a->period, &b->period) && a->start == b->start &&
           same_name(&a->calendar, &b->calendar) && same_name(&a->zone, &b->zone);
}

static bool same_hash(const uint8_t (*a)[32], const uint8_t (*b)[32])
{
    return memcmp(*a, *b, 32) == 0;
}

static const char *need_difference(const struct desk_need *a, const struct desk_need *b)
{
    DIFFER_BY(same_name, product);
    DIFFER_BY(same_name, accelerator);
    DIFFER_BY(same_name, region);
    DIFFER(unit);
    DIFFER(quantity);
    DIFFER(from);
    DIFFER(months);
    DIFFER(hours);
    DIFFER(ceiling_nanos);
    DIFFER(deal);
    DIFFER_BY(same_name, provider);
    DIFFER_BY(same_name, group);
    DIFFER(part_of);
    DIFFER(open_until);
    DIFFER_BY(same_terms, terms);
    DIFFER_BY(same_text, note);
    return NULL;
}

static const char *offer_difference(const struct desk_offer *a, const struct desk_offer *b)
{
    DIFFER(need);
    DIFFER_BY(same_name, party);
    DIFFER_BY(same_name, provider);
    DIFFER(quantity);
    DIFFER(valid_until);
    DIFFER(bundled_nanos);
    DIFFER_BY(same_text, programme);
    DIFFER_BY(same_text, tranche);
    DIFFER_BY(same_text, site);
    DIFFER_BY(same_names, affirmed);
    DIFFER_BY(same_terms, terms);
    return NULL;
}

static const char *delivery_difference(const struct desk_delivery_terms *a,
                                       const struct desk_delivery_terms *b)
{
    DIFFER(deliver_by);
    DIFFER_BY(same_period, cure);
    DIFFER(late_rate_ppb);
    DIFFER_BY(same_period, late_per);
    DIFFER(late_cap_ppb);
    DIFFER(late_terminate);
    DIFFER_BY(same_name, under);
    return NULL;
}

static const char *list_difference(const struct desk_right *a, const struct desk_right *b)
{
    DIFFER(carve_out_count);
    for (uint32_t i = 0; i < a->carve_out_count; i++) {
        DIFFER_BY(same_name, carve_outs[i].name);
        DIFFER_BY(same_text, carve_outs[i].text);
    }
    DIFFER_BY(same_names, bona_fide);
    DIFFER(holder_count);
    for (uint32_t i = 0; i < a->holder_count; i++) {
        DIFFER_BY(same_name, holders[i].party);
        DIFFER(holders[i].rank);
    }
    DIFFER(compare_count);
    for (uint32_t i = 0; i < a->compare_count; i++) {
        DIFFER_BY(same_name, compares[i].name);
        DIFFER(compares[i].better);
        DIFFER(compares[i].tolerance_ppb);
    }
    return NULL;
}

static const char *scope_difference(const struct desk_right *a, const struct desk_right *b)
{
    DIFFER_BY(same_name, clause);
    DIFFER(kind);
    DIFFER(from);
    DIFFER(until);
    DIFFER(end);
    DIFFER_BY(same_name, ended_by);
    DIFFER_BY(same_name, provider);
    DIFFER_BY(same_names, except_groups);
    DIFFER_BY(same_names, products);
    DIFFER_BY(same_names, regions);
    DIFFER_BY(same_names, accelerators);
    DIFFER(floor.kind);
    DIFFER(floor.amount);
    DIFFER(deals);
    return list_difference(a, b);
}

static const char *window_difference(const struct desk_right *a, const struct desk_right *b)
{
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        DIFFER_BY(same_window, windows[i]);
    }
    DIFFER_BY(same_window, deemed);
    DIFFER_BY(same_window, standing_cure);
    DIFFER_BY(same_window, standing_within);
    DIFFER_BY(same_window, standing_remaining);
    return NULL;
}

static const char *right_difference(const struct desk_right *a, const struct desk_right *b)
{
    DIFFER(simultaneous);
    DIFFER(disclose);
    DIFFER(match);
    DIFFER(cash_equivalent);
    DIFFER(partial);
    DIFFER(partial_minimum);
    DIFFER(partial_step);
    DIFFER(partial_unit);
    DIFFER(counterparty_any);
    DIFFER(one_time);
    DIFFER(standing_defaults);
    DIFFER(suspend_on_default);
    DIFFER(assignable);
    DIFFER(ends_on_control);
    DIFFER(pending_void);
    DIFFER(governing_at_need);
    DIFFER_BY(same_text, remedy);
    const char *scope = scope_difference(a, b);
    return scope != NULL ? scope : window_difference(a, b);
}

static const char *calendar_difference(const struct oft_calendar *a, const struct oft_calendar *b)
{
    DIFFER_BY(same_text, name);
    DIFFER(closed_weekdays);
    DIFFER(known_from);
    DIFFER(known_until);
    DIFFER(holiday_count);
    for (uint32_t i = 0; i < a->holiday_count; i++) {
        DIFFER(holidays[i]);
    }
    return NULL;
}

static const char *zone_difference(const struct oft_zone *a, const struct oft_zone *b)
{
    DIFFER_BY(same_text, name);
    DIFFER(change_count);
    for (uint32_t i = 0; i < a->change_count; i++) {
        DIFFER(changes[i].from);
        DIFFER(changes[i].offset_s);
    }
    return NULL;
}

static const char *payload_difference(const struct desk_event *a, const struct desk_event *b)
{
    INSIDE(need_difference, need_opened);
    INSIDE(offer_difference, offer_added);
    INSIDE(right_difference, right);
    INSIDE(delivery_difference, delivery);
    INSIDE(calendar_difference, calendar);
    INSIDE(zone_difference, zone);
    return NULL;
}

const char *event_difference(const struct desk_event *a, const struct desk_event *b)
{
    DIFFER(kind);
    DIFFER(at);
    DIFFER(happened);
    DIFFER_BY(same_name, actor);
    DIFFER_BY(same_name, party);
    DIFFER_BY(same_name, other);
    DIFFER(need);
    DIFFER(offer);
    DIFFER(lot);
    DIFFER(notice);
    DIFFER(order);
    DIFFER(quantity);
    DIFFER_BY(same_terms, terms);
    DIFFER_BY(same_name, name);
    DIFFER_BY(same_names, names);
    DIFFER_BY(same_text, text);
    DIFFER_BY(same_hash, hash);
    return payload_difference(a, b);
}
