/* SPDX-License-Identifier: Apache-2.0 */
/* "Comparing terms" of docs/desk.md, by texts and without the desk's own comparison. */
#include <string.h>

#include "model.h"

static const struct desk_term *find(struct desk_terms terms, const char *name)
{
    for (uint32_t i = 0; i < terms.count; i++) {
        if (strcmp(terms.items[i].name.text, name) == 0) {
            return &terms.items[i];
        }
    }
    return NULL;
}

static const struct desk_compare *declared(const struct desk_right *right, const char *name)
{
    for (uint32_t i = 0; i < right->compare_count; i++) {
        if (strcmp(right->compares[i].name.text, name) == 0) {
            return &right->compares[i];
        }
    }
    return NULL;
}

static enum desk_direction direction_of(const struct desk_compare *said, const char *name)
{
    static const char *const lower[] = {"price", "prepay", "minimum", "start", "deliver", "cure"};
    static const char *const higher[] = {"uptime", "late-credit"};

    if (said) {
        return said->better;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(lower); i++) {
        if (strcmp(name, lower[i]) == 0) {
            return DESK_LOWER;
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(higher); i++) {
        if (strcmp(name, higher[i]) == 0) {
            return DESK_HIGHER;
        }
    }
    return DESK_EQUAL;
}

/* Both are there and of one kind. */
static unsigned field(const struct desk_right *right, const struct desk_term *noticed,
                      const struct desk_term *term)
{
    const struct desk_compare *said = declared(right, noticed->name.text);
    enum desk_direction better = direction_of(said, noticed->name.text);
    oft_nanos difference, allowed;

    if (noticed->kind == DESK_TERM_TEXT) {
        return strcmp(noticed->text.text, term->text.text) == 0 ? 0 : MODEL_DIFFERS;
    }
    if (noticed->kind == DESK_TERM_AMOUNT && noticed->text.id != term->text.id) {
        return MODEL_DIFFERS;
    }
    difference = term->number - noticed->number;
    if (difference == 0) {
        return 0;
    }
    if (better == DESK_EQUAL) {
        return MODEL_DIFFERS;
    }
    allowed = noticed->number * (said ? said->tolerance_ppb : 0);
    allowed = allowed < 0 ? -allowed : allowed;
    if ((difference < 0 ? -difference : difference) * 1000000000 <= allowed) {
        return 0;
    }
    return (difference < 0) == (better == DESK_LOWER) ? MODEL_BETTER : MODEL_WORSE;
}

static bool compared(const struct desk_right *right, const struct desk_term *term)
{
    switch (right->match) {
    case DESK_MATCH_ALL:
        return true;
    case DESK_MATCH_ECONOMIC:
        return term->kind == DESK_TERM_AMOUNT;
    case DESK_MATCH_LISTED:
        return declared(right, term->name.text) != NULL;
    }
    return true;
}

unsigned model_terms(const struct desk_right *right, struct desk_terms noticed,
                     struct desk_terms terms)
{
    unsigned verdict = 0;

    for (uint32_t i = 0; i < noticed.count; i++) {
        const struct desk_term *was = &noticed.items[i], *is = find(terms, was->name.text);
        unsigned one;

        if (!compared(right, was) && !(is && compared(right, is))) {
            continue;
        }
        one = !is || is->kind != was->kind ? MODEL_DIFFERS : field(right, was, is);
        if ((one & (MODEL_WORSE | MODEL_DIFFERS)) != 0 && right->cash_equivalent && is &&
            was->cash_nanos >= 0 && is->cash_nanos >= was->cash_nanos) {
            one = 0;
        }
        verdict |= one;
    }
    for (uint32_t i = 0; i < terms.count; i++) {
        if (compared(right, &terms.items[i]) && !find(noticed, terms.items[i].name.text)) {
            verdict |= MODEL_DIFFERS;
        }
    }
    return verdict;
}

/* Is CHANGE of NOTICED in the third party's favour only? Of every field, whatever is matched. */
bool model_favours(const struct desk_right *right, struct desk_terms noticed,
                   struct desk_terms change)
{
    struct desk_right plain = *right;
    struct desk_compare exact[16];

    for (uint32_t i = 0; i < right->compare_count && i < 16; i++) {
        exact[i] = right->compares[i];
        exact[i].tolerance_ppb = 0;
    }
    plain.compares = exact;
    plain.compare_count = right->compare_count < 16 ? right->compare_count : 16;
    plain.match = DESK_MATCH_ALL;
    plain.cash_equivalent = false;
    return model_terms(&plain, noticed, change) == MODEL_WORSE;
}
