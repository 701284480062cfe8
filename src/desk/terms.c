/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms field by field: which of two offers is better for whom. Nothing here knows procedures.
 */
#include <string.h>

#include "desk/internal.h"

/* Directions that need no declaring, by name. */
static const struct {
    const char *name;
    enum desk_direction better;
} KNOWN[] = {
    {"price", DESK_LOWER},   {"prepay", DESK_LOWER},       {"minimum", DESK_LOWER},
    {"start", DESK_LOWER},   {"deliver", DESK_LOWER},      {"cure", DESK_LOWER},
    {"uptime", DESK_HIGHER}, {"late-credit", DESK_HIGHER},
};

bool desk_names_have(struct desk_names names, uint64_t id)
{
    for (uint32_t i = 0; i < names.count; i++) {
        if (names.items[i].id == id) {
            return true;
        }
    }
    return false;
}

const struct desk_term *desk_terms_find(struct desk_terms terms, uint64_t name_id)
{
    for (uint32_t i = 0; i < terms.count; i++) {
        if (terms.items[i].name.id == name_id) {
            return &terms.items[i];
        }
    }
    return NULL;
}

static const struct desk_compare *declared(const struct desk_right *right, uint64_t name_id)
{
    for (uint32_t i = 0; i < right->compare_count; i++) {
        if (right->compares[i].name.id == name_id) {
            return &right->compares[i];
        }
    }
    return NULL;
}

static struct desk_compare comparison(const struct desk_right *right, const struct desk_term *term)
{
    const struct desk_compare *said = declared(right, term->name.id);
    struct desk_compare compare = {.name = term->name};
    if (said != NULL) {
        return *said;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(KNOWN); i++) {
        if (strcmp(KNOWN[i].name, term->name.text) == 0) {
            compare.better = KNOWN[i].better;
        }
    }
    return compare;
}

/* Is the field material under the right's match? */
static bool material(const struct desk_right *right, const struct desk_term *term)
{
    switch (right->match) {
    case DESK_MATCH_ECONOMIC:
        return term->kind == DESK_TERM_AMOUNT;
    case DESK_MATCH_LISTED:
        return declared(right, term->name.id) != NULL;
    default:
        return true;
    }
}

static oft_u128 apart(oft_nanos a, oft_nanos b)
{
    return a > b ? (oft_u128)a - (oft_u128)b : (oft_u128)b - (oft_u128)a;
}

/* Is OTHER no further from NOTICED than |noticed| * tolerance / 1bn? That is cut to whole billionths: a
 * tolerance never reaches further than said. What is too large for a number reaches everything. */
static bool within(oft_nanos noticed, oft_nanos other, int64_t tolerance_ppb)
{
    oft_u128 magnitude = apart(noticed, 0), far;
    if (tolerance_ppb <= 0) {
        return false;
    }
    oft_u128 tolerance = (oft_u128)tolerance_ppb;
    if (__builtin_mul_overflow(magnitude / 1000000000, tolerance, &far) ||
        __builtin_add_overflow(far, magnitude % 1000000000 * tolerance / 1000000000, &far)) {
        return true;
    }
    return apart(noticed, other) <= far;
}

enum field { FIELD_SAME, FIELD_BETTER, FIELD_WORSE, FIELD_OTHER };

/* OTHER's field against NOTICED's, seen from the customer; within tolerance is the same. */
static enum field field_compare(const struct desk_right *right, const struct desk_term *noticed,
                                const struct desk_term *other, bool with_tolerance)
{
    if (noticed->kind != other->kind) {
        return FIELD_OTHER;
    }
    if (noticed->kind == DESK_TERM_TEXT) {
        return noticed->text.id == other->text.id ? FIELD_SAME : FIELD_OTHER;
    }
    if (noticed->kind == DESK_TERM_AMOUNT && noticed->text.id != other->text.id) {
        return FIELD_OTHER; /* per another unit */
    }
    if (noticed->number == other->number) {
        return FIELD_SAME;
    }
    struct desk_compare compare = comparison(right, noticed);
    bool lower = other->number < noticed->number;
    if (compare.better != DESK_EQUAL && lower == (compare.better == DESK_LOWER)) {
        return FIELD_BETTER;
    }
    if (with_tolerance && within(noticed->number, other->number, compare.tolerance_ppb)) {
        return FIELD_SAME;
    }
    return compare.better == DESK_EQUAL ? FIELD_OTHER : FIELD_WORSE;
}

/* What cannot be done in kind may be done in money, where the clause says so. */
static bool made_good(const struct desk_right *right, const struct desk_term *noticed,
                      const struct desk_term *other)
{
    return right->cash_equivalent && noticed->cash_nanos >= 0 && other != NULL &&
           other->cash_nanos >= noticed->cash_nanos;
}

static enum field held_against(const struct desk_right *right, const struct desk_term *noticed,
                               struct desk_terms terms, bool with_tolerance)
{
    const struct desk_term *other = desk_terms_find(terms, noticed->name.id);
    enum field field =
        other == NULL ? FIELD_OTHER : field_compare(right, noticed, other, with_tolerance);
    if ((field == FIELD_OTHER || field == FIELD_WORSE) && made_good(right, noticed, other)) {
        return FIELD_SAME;
    }
    return field;
}

/* A material field of TERMS that the notice does not have. */
static const struct desk_term *added(const struct desk_right *right, struct desk_terms noticed,
                                     struct desk_terms terms)
{
    for (uint32_t i = 0; i < terms.count; i++) {
        if (material(right, &terms.items[i]) &&
            desk_terms_find(noticed, terms.items[i].name.id) == NULL) {
            return &terms.items[i];
        }
    }
    return NULL;
}

enum desk_verdict desk_terms_compare(const struct desk_right *right, struct desk_terms noticed,
                                     struct desk_terms terms, const char **ret_field)
{
    bool better = false;
    const char *unused;
    const char **field = ret_field != NULL ? ret_field : &unused;
    *field = "";
    for (uint32_t i = 0; i < noticed.count; i++) {
        const struct desk_term *term = &noticed.items[i];
        if (!material(right, term)) {
            continue;
        }
        enum field verdict = held_against(right, term, terms, true);
        if (verdict == FIELD_WORSE || verdict == FIELD_OTHER) {
            *field = term->name.text;
            return verdict == FIELD_WORSE ? DESK_TERMS_FOR_OTHER : DESK_TERMS_OTHER_KIND;
        }
        better = better || verdict == FIELD_BETTER;
    }
    const struct desk_term *extra = added(right, noticed, terms);
    if (extra != NULL) {
        *field = extra->name.text;
        return DESK_TERMS_OTHER_KIND;
    }
    return better ? DESK_TERMS_FOR_CUSTOMER : DESK_TERMS_SAME;
}

bool desk_conforms(const struct desk_right *right, struct desk_terms noticed,
                   struct desk_terms terms, const char **ret_field)
{
    enum desk_verdict verdict = desk_terms_compare(right, noticed, terms, ret_field);
    return verdict == DESK_TERMS_SAME || verdict == DESK_TERMS_FOR_CUSTOMER;
}

bool desk_favours_other(const struct desk_right *right, struct desk_terms noticed,
                        struct desk_terms terms)
{
    bool worse = false;
    if (noticed.count != terms.count) {
        return false;
    }
    for (uint32_t i = 0; i < noticed.count; i++) {
        const struct desk_term *other = desk_terms_find(terms, noticed.items[i].name.id);
        enum field field =
            other == NULL ? FIELD_OTHER : field_compare(right, &noticed.items[i], other, false);
        if (field == FIELD_BETTER || field == FIELD_OTHER) {
            return false;
        }
        worse = worse || field == FIELD_WORSE;
    }
    return worse;
}

bool desk_terms_equal(struct desk_terms a, struct desk_terms b)
{
    if (a.count != b.count) {
        return false;
    }
    for (uint32_t i = 0; i < a.count; i++) {
        const struct desk_term *x = &a.items[i], *y = &b.items[i];
        if (x->name.id != y->name.id || x->kind != y->kind || x->number != y->number ||
            x->text.id != y->text.id || x->cash_nanos != y->cash_nanos) {
            return false;
        }
    }
    return true;
}
