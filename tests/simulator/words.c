/* SPDX-License-Identifier: Apache-2.0 */
/* A script in words, for whoever has to find the mistake. */
#include <string.h>

#include "sim.h"

static void tell_instant(oft_instant at, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];

    oft_buffer_append_text(out, oft_instant_format(at, text));
}

static void tell_terms(struct desk_terms terms, struct oft_buffer *out)
{
    char text[OFT_NANOS_TEXT_BYTES];

    oft_buffer_append_text(out, " {");
    for (uint32_t i = 0; i < terms.count; i++) {
        const struct desk_term *term = &terms.items[i];

        oft_buffer_printf(out, "%s%s ", i > 0 ? ", " : "", term->name.text);
        if (term->kind == DESK_TERM_TEXT) {
            oft_buffer_append_text(out, term->text.text);
        } else if (term->kind == DESK_TERM_INSTANT) {
            tell_instant((oft_instant)term->number, out);
        } else {
            oft_buffer_append_text(out, oft_nanos_format(term->number, text));
        }
        if (term->cash_nanos >= 0) {
            oft_buffer_printf(out, " worth %s", oft_nanos_format(term->cash_nanos, text));
        }
    }
    oft_buffer_append_char(out, '}');
}

static void tell_window(const char *name, const struct desk_window *window, struct oft_buffer *out)
{
    static const char *const units[] = {"hours", "days",   "business days",
                                        "weeks", "months", "years"};
    static const char *const starts[] = {"", " from sent", " from deemed"};

    if (window->said) {
        oft_buffer_printf(out, ", %s %u %s%s%s%s%s%s", name, window->period.count,
                          units[window->period.unit], starts[window->start],
                          window->calendar.id ? " on " : "",
                          window->calendar.id ? window->calendar.text : "",
                          window->zone.id ? " in " : "", window->zone.id ? window->zone.text : "");
    }
}

static void tell_names(const char *word, struct desk_names names, struct oft_buffer *out)
{
    for (uint32_t i = 0; i < names.count; i++) {
        oft_buffer_printf(out, "%s%s", i == 0 ? word : " ", names.items[i].text);
    }
}

static void tell_matching(const struct desk_right *right, struct oft_buffer *out)
{
    static const char *const matches[] = {"all", "economic", "listed"};
    static const char *const better[] = {"equal", "lower", "higher"};

    oft_buffer_printf(out, ", match %s", matches[right->match]);
    for (uint32_t i = 0; i < right->compare_count; i++) {
        oft_buffer_printf(out, ", compare %s %s within %lld ppb", right->compares[i].name.text,
                          better[right->compares[i].better],
                          (long long)right->compares[i].tolerance_ppb);
    }
}

static void tell_switches(const struct desk_right *right, struct oft_buffer *out)
{
    const struct {
        bool on;
        const char *words;
    } switches[] = {
        {right->simultaneous, "mode simultaneous"},
        {right->cash_equivalent, "cash equivalent"},
        {right->counterparty_any, "counterparty any"},
        {right->one_time, "one-time"},
        {right->suspend_on_default, "suspend on default"},
        {right->assignable, "assignable"},
        {right->ends_on_control, "ends on change of control"},
        {right->pending_void, "pending void"},
        {right->governing_at_need, "governing at need"},
    };

    for (size_t i = 0; i < OFT_COUNT_OF(switches); i++) {
        if (switches[i].on) {
            oft_buffer_printf(out, ", %s", switches[i].words);
        }
    }
    if (right->partial) {
        oft_buffer_printf(out, ", partial from %llu by %llu",
                          (unsigned long long)right->partial_minimum,
                          (unsigned long long)right->partial_step);
    }
    if (right->standing_defaults > 0) {
        oft_buffer_printf(out, ", standing defaults %u", right->standing_defaults);
        tell_window("in", &right->standing_within, out);
    }
    for (uint32_t i = 0; i < right->carve_out_count; i++) {
        oft_buffer_printf(out, ", carve-out %s", right->carve_outs[i].name.text);
    }
}

static void tell_right(const struct desk_right *right, struct oft_buffer *out)
{
    static const char *const kinds[] = {"", "first refusal", "first offer", "exclusive"};
    static const char *const ends[] = {"expires", "terminated", "amended by "};
    static const char *const windows[] = {"respond", "object",  "over-allotment", "sign",
                                          "release", "reoffer", "deliver"};

    oft_buffer_printf(out, " %s: %s from ", right->clause.text, kinds[right->kind]);
    tell_instant(right->from, out);
    if (right->until != OFT_INSTANT_NEVER) {
        oft_buffer_append_text(out, " until ");
        tell_instant(right->until, out);
        oft_buffer_printf(out, " (%s%s)", ends[right->end],
                          right->end == DESK_ENDS_AMENDED ? right->ended_by.text : "");
    }
    for (uint32_t i = 0; i < right->holder_count; i++) {
        oft_buffer_printf(out, ", %s rank %u", right->holders[i].party.text,
                          right->holders[i].rank);
    }
    if (right->kind == DESK_RIGHT_EXCLUSIVE) {
        oft_buffer_printf(out, " on %s", right->provider.text);
    }
    tell_names(", products ", right->products, out);
    tell_names(", regions ", right->regions, out);
    tell_names(", accelerators ", right->accelerators, out);
    tell_names(", excepted ", right->except_groups, out);
    tell_names(", bona fide ", right->bona_fide, out);
    if (right->floor.kind != DESK_SIZE_NONE) {
        oft_buffer_printf(out, ", floor %lld of kind %d", (long long)right->floor.amount,
                          (int)right->floor.kind);
    }
    if (right->deals != 0) {
        oft_buffer_printf(out, ", deals %#x", right->deals);
    }
    for (int i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        tell_window(windows[i], &right->windows[i], out);
    }
    tell_window("deemed after", &right->deemed, out);
    tell_window("standing cure", &right->standing_cure, out);
    tell_window("standing remaining", &right->standing_remaining, out);
    tell_matching(right, out);
    tell_switches(right, out);
}

static void tell_goods(const struct desk_event *event, struct oft_buffer *out)
{
    const struct desk_need *need = event->need_opened;
    const struct desk_offer *offer = event->offer_added;

    if (need) {
        oft_buffer_printf(out, " %llu %s of %s", (unsigned long long)need->quantity,
                          need->unit == DESK_SIZE_MW ? "MW" : "accelerators", need->product.text);
        oft_buffer_printf(out, " in [%s] on [%s] for [%s], %llu hours, open until ",
                          need->region.text, need->provider.text, need->group.text,
                          (unsigned long long)need->hours);
        tell_instant(need->open_until, out);
        if (need->part_of != DESK_NONE) {
            oft_buffer_printf(out, ", part of need-%u", need->part_of + 1);
        }
        tell_terms(need->terms, out);
    }
    if (offer) {
        oft_buffer_printf(out, " for need-%u by %s on %s: %llu, valid until ", offer->need + 1,
                          offer->party.text, offer->provider.text,
                          (unsigned long long)offer->quantity);
        tell_instant(offer->valid_until, out);
        tell_names(", affirmed ", offer->affirmed, out);
        tell_terms(offer->terms, out);
    }
}

static void tell_references(const struct desk_event *event, struct oft_buffer *out)
{
    const struct {
        uint32_t index;
        const char *word;
    } references[] = {
        {event->need, "need"},     {event->offer, "offer"}, {event->lot, "lot"},
        {event->notice, "notice"}, {event->order, "order"},
    };

    for (size_t i = 0; i < OFT_COUNT_OF(references); i++) {
        if (references[i].index != DESK_NONE) {
            oft_buffer_printf(out, " %s-%u", references[i].word, references[i].index + 1);
        }
    }
}

static void tell_one(const struct desk_event *event, struct oft_buffer *out)
{
    tell_instant(event->at, out);
    if (event->kind == SIM_TIME_PASSES) {
        oft_buffer_append_text(out, " time passes\n");
        return;
    }
    oft_buffer_printf(out, " %s", desk_event_kind_text(event->kind));
    tell_references(event, out);
    if (event->party.id != 0) {
        oft_buffer_printf(out, " by %s", event->party.text);
    }
    if (event->actor.id != event->party.id) {
        oft_buffer_printf(out, " (recorded by %s%s)", event->actor.text ? event->actor.text : "",
                          event->text && event->text[0] ? " with a proof" : "");
    }
    if (event->happened != event->at) {
        oft_buffer_append_text(out, ", done at ");
        tell_instant(event->happened, out);
    }
    if (event->quantity != 0) {
        oft_buffer_printf(out, ", %llu", (unsigned long long)event->quantity);
    }
    if (event->name.id != 0) {
        oft_buffer_printf(out, ", %s", event->name.text);
    }
    if (event->terms.count > 0) {
        tell_terms(event->terms, out);
    }
    if (event->right) {
        tell_right(event->right, out);
    }
    tell_goods(event, out);
    oft_buffer_append_char(out, '\n');
}

void sim_tell(const struct desk_event *script, uint32_t count, struct oft_buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        oft_buffer_printf(out, "%3u  ", i + 1);
        tell_one(&script[i], out);
    }
}
