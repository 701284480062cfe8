/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses to rights. What a clause leaves unsaid stays as zero, which right.h defines for each member.
 */
#include "desk/right_of.h"

#include <string.h>

struct making {
    const struct deal *deal;
    struct deal_attestations attested;
    struct oft_arena *arena;
    const struct deal_clause *clause;
    struct desk_right *right;
    bool failed; /* out of memory */
};

static void *room(struct making *m, size_t count, size_t item_bytes)
{
    void *items = oft_arena_alloc_array(m->arena, count == 0 ? 1 : count, item_bytes);
    m->failed = m->failed || items == NULL;
    return items;
}

static const struct deal_term *term_of(const struct making *m, enum deal_term_key key)
{
    return deal_terms_find(m->clause->terms, key);
}

static bool says(const struct making *m, enum deal_term_key key)
{
    return term_of(m, key) != NULL;
}

/* The word that the term chose; "" when the clause does not have the term. */
static const char *word_of(const struct making *m, enum deal_term_key key)
{
    const struct deal_term *term = term_of(m, key);
    return term == NULL ? "" : term->values[0].as.text;
}

static bool chose(const struct making *m, enum deal_term_key key, const char *word)
{
    return strcmp(word_of(m, key), word) == 0;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static struct desk_names words(struct making *m, struct deal_names names)
{
    struct desk_name *items = room(m, names.count, sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < names.count; i++) {
        items[i] = desk_word(names.items[i]);
    }
    return (struct desk_names){items, items == NULL ? 0 : names.count};
}

static struct desk_names names_term(struct making *m, enum deal_term_key key)
{
    const struct deal_term *term = term_of(m, key);
    const struct deal_names none = {0};
    return words(m, term == NULL ? none : term->values[0].as.names);
}

/* "all" is the empty list: it reaches everything. */
static struct desk_names products(struct making *m, struct deal_list list)
{
    struct desk_name *items = room(m, list.count, sizeof(*items));
    uint32_t count = 0;
    for (uint32_t i = 0; items != NULL && i < list.count; i++) {
        if (list.items[i] == DEAL_ALL) {
            return (struct desk_names){NULL, 0};
        }
        items[count++] = desk_product_name(m->deal->products[list.items[i]].name);
    }
    return (struct desk_names){items, count};
}

/* ---- windows and sizes ----------------------------------------------------------------------- */

static enum oft_period_unit unit_of(enum deal_duration_unit unit)
{
    static const enum oft_period_unit units[] = {
        [DEAL_HOURS] = OFT_PERIOD_HOURS,   [DEAL_DAYS] = OFT_PERIOD_DAYS,
        [DEAL_WEEKS] = OFT_PERIOD_WEEKS,   [DEAL_BUSINESS_DAYS] = OFT_PERIOD_BUSINESS_DAYS,
        [DEAL_MONTHS] = OFT_PERIOD_MONTHS, [DEAL_YEARS] = OFT_PERIOD_YEARS};
    return units[unit];
}

static struct desk_window window_of(struct deal_duration duration)
{
    return (struct desk_window){.said = true,
                                .period = {.count = duration.count,
                                           .unit = unit_of(duration.unit),
                                           .roll = OFT_ROLL_FOLLOWING},
                                .calendar = {0, ""},
                                .zone = {0, ""}};
}

static struct desk_window unsaid(void)
{
    return (struct desk_window){.calendar = {0, ""}, .zone = {0, ""}};
}

static struct desk_window duration_term(const struct making *m, enum deal_term_key key,
                                        unsigned value)
{
    const struct deal_term *term = term_of(m, key);
    return term == NULL ? unsaid() : window_of(term->values[value].as.duration);
}

static struct desk_window timer_term(const struct making *m, enum deal_term_key key)
{
    const struct deal_term *term = term_of(m, key);
    if (term == NULL) {
        return unsaid();
    }
    const struct deal_timer *timer = &term->values[0].as.timer;
    struct desk_window window = window_of(timer->duration);
    if (timer->calendar != NULL) {
        window.calendar = desk_word(timer->calendar);
    }
    if (timer->zone != NULL) {
        window.zone = desk_word(timer->zone);
    }
    if (timer->roll == DEAL_ROLL_PRECEDING || timer->roll == DEAL_ROLL_NONE) {
        window.period.roll = timer->roll == DEAL_ROLL_NONE ? OFT_ROLL_NONE : OFT_ROLL_PRECEDING;
    }
    window.start = timer->start == DEAL_START_SENT     ? DESK_FROM_SENT
                   : timer->start == DEAL_START_DEEMED ? DESK_FROM_DEEMED
                                                       : DESK_FROM_DELIVERED;
    return window;
}

/* An accelerator's name counts accelerators, as "gpu" does. */
static struct desk_size size_of(const struct deal_value *value)
{
    if (value->kind == DEAL_VALUE_AMOUNT) {
        return (struct desk_size){DESK_SIZE_MONEY, value->as.amount_nanos};
    }
    const struct deal_quantity *quantity = &value->as.quantity;
    enum desk_size_kind kind = strcmp(quantity->unit, "MW") == 0          ? DESK_SIZE_MW
                               : strcmp(quantity->unit, "gpu-hours") == 0 ? DESK_SIZE_GPU_HOURS
                                                                          : DESK_SIZE_GPU;
    return (struct desk_size){kind, (oft_nanos)quantity->count};
}

/* ---- what the clause says -------------------------------------------------------------------- */

static void take_holders(struct making *m)
{
    uint32_t from = 0;
    const struct deal_term *term;
    struct desk_holder *holders = room(m, DESK_HOLDERS_MAX, sizeof(*holders));
    struct desk_right *right = m->right;
    if (holders == NULL) {
        return;
    }
    while ((term = deal_terms_next(m->clause->terms, DEAL_TERM_HOLDER, &from)) != NULL &&
           right->holder_count < DESK_HOLDERS_MAX) {
        const struct deal_value *rank = &term->values[1];
        struct desk_holder holder = {
            desk_party_name(m->deal->parties[term->values[0].as.index].name),
            rank->kind == DEAL_VALUE_NONE ? 1 : (uint32_t)rank->as.count};
        uint32_t at = right->holder_count++;
        for (; at > 0 && holders[at - 1].rank > holder.rank; at--) {
            holders[at] = holders[at - 1];
        }
        holders[at] = holder;
    }
    if (right->holder_count == 0) {
        uint32_t party = m->deal->agreements[m->clause->agreement].party;
        holders[right->holder_count++] =
            (struct desk_holder){desk_party_name(m->deal->parties[party].name), 1};
    }
    right->holders = holders;
}

static void take_carve_outs(struct making *m)
{
    uint32_t from = 0;
    const struct deal_term *term;
    struct desk_carve_out *items = room(m, m->clause->terms.count, sizeof(*items));
    while (items != NULL &&
           (term = deal_terms_next(m->clause->terms, DEAL_TERM_CARVE_OUT, &from)) != NULL) {
        items[m->right->carve_out_count++] =
            (struct desk_carve_out){desk_word(term->values[0].as.text), term->values[1].as.text};
    }
    m->right->carve_outs = items;
}

static void take_compares(struct making *m)
{
    uint32_t from = 0;
    const struct deal_term *term;
    struct desk_compare *items = room(m, m->clause->terms.count, sizeof(*items));
    while (items != NULL &&
           (term = deal_terms_next(m->clause->terms, DEAL_TERM_COMPARE, &from)) != NULL) {
        const struct deal_value *within = &term->values[2];
        items[m->right->compare_count++] = (struct desk_compare){
            .name = desk_word(term->values[0].as.text),
            .better = strcmp(term->values[1].as.text, "lower") == 0 ? DESK_LOWER : DESK_HIGHER,
            .tolerance_ppb = within->kind == DEAL_VALUE_NONE ? 0 : within->as.rate_ppb};
    }
    m->right->compares = items;
}

static void take_scope(struct making *m)
{
    struct desk_right *right = m->right;
    const struct deal_term *term = term_of(m, DEAL_TERM_SCOPE_PRODUCTS);
    uint32_t from = 0;
    if (term != NULL) {
        right->products = products(m, term->values[0].as.list);
    }
    right->regions = names_term(m, DEAL_TERM_SCOPE_REGIONS);
    right->accelerators = names_term(m, DEAL_TERM_SCOPE_ACCELERATORS);
    term = term_of(m, DEAL_TERM_SCOPE_FLOOR);
    if (term != NULL) {
        right->floor = size_of(&term->values[0]);
    }
    while ((term = deal_terms_next(m->clause->terms, DEAL_TERM_SCOPE_DEALS, &from)) != NULL) {
        const char *kind = term->values[0].as.text;
        right->deals |= strcmp(kind, "new") == 0       ? DESK_DEAL_NEW
                        : strcmp(kind, "renewal") == 0 ? DESK_DEAL_RENEWAL
                                                       : DESK_DEAL_EXPANSION;
    }
    take_carve_outs(m);
    right->bona_fide = names_term(m, DEAL_TERM_BONA_FIDE);
}

static void take_matching(struct making *m)
{
    struct desk_right *right = m->right;
    const struct deal_term *part = term_of(m, DEAL_TERM_PARTIAL);
    right->disclose = chose(m, DEAL_TERM_DISCLOSE, "identity") ? DESK_DISCLOSE_IDENTITY
                      : chose(m, DEAL_TERM_DISCLOSE, "terms")  ? DESK_DISCLOSE_TERMS
                                                               : DESK_DISCLOSE_NOTHING;
    right->match = chose(m, DEAL_TERM_MATCH, "economic") ? DESK_MATCH_ECONOMIC
                   : chose(m, DEAL_TERM_MATCH, "listed") ? DESK_MATCH_LISTED
                                                         : DESK_MATCH_ALL;
    take_compares(m);
    right->cash_equivalent = says(m, DEAL_TERM_CASH_EQUIVALENT);
    right->partial = part != NULL;
    if (part != NULL) {
        right->partial_minimum = part->values[0].as.quantity.count;
        right->partial_step = part->values[1].as.quantity.count;
        right->partial_unit = size_of(&part->values[0]).kind;
    }
    right->simultaneous = chose(m, DEAL_TERM_MODE, "simultaneous");
    right->counterparty_any = chose(m, DEAL_TERM_COUNTERPARTY, "any");
}

static void take_windows(struct making *m)
{
    static const enum deal_term_key keys[DESK_WINDOW_KIND_COUNT] = {
        [DESK_WINDOW_RESPOND] = DEAL_TERM_RESPOND,     [DESK_WINDOW_OBJECT] = DEAL_TERM_OBJECT,
        [DESK_WINDOW_OVER] = DEAL_TERM_OVER_ALLOTMENT, [DESK_WINDOW_SIGN] = DEAL_TERM_SIGN,
        [DESK_WINDOW_RELEASE] = DEAL_TERM_RELEASE,     [DESK_WINDOW_REOFFER] = DEAL_TERM_REOFFER,
        [DESK_WINDOW_DELIVER] = DEAL_TERM_DELIVER};
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        m->right->windows[i] = timer_term(m, keys[i]);
    }
    m->right->deemed = duration_term(m, DEAL_TERM_DEEMED, 0);
}

static void take_standing(struct making *m)
{
    struct desk_right *right = m->right;
    const struct deal_term *defaults = term_of(m, DEAL_TERM_STANDING_DEFAULTS);
    right->one_time = says(m, DEAL_TERM_ONE_TIME);
    right->standing_cure = duration_term(m, DEAL_TERM_STANDING_CURE, 0);
    right->standing_defaults = defaults == NULL ? 0 : (uint32_t)defaults->values[0].as.count;
    right->standing_within = duration_term(m, DEAL_TERM_STANDING_DEFAULTS, 1);
    right->standing_remaining = duration_term(m, DEAL_TERM_STANDING_REMAINING, 0);
    right->suspend_on_default = says(m, DEAL_TERM_SUSPEND);
    right->assignable = says(m, DEAL_TERM_ASSIGNABLE);
    right->ends_on_control = chose(m, DEAL_TERM_CHANGE_OF_CONTROL, "ends");
    right->pending_void = chose(m, DEAL_TERM_ON_TERMINATION, "void");
    right->governing_at_need = chose(m, DEAL_TERM_GOVERNING, "need");
    right->remedy = word_of(m, DEAL_TERM_REMEDY);
}

/* ---- when it ends, and how ------------------------------------------------------------------- */

/* The clause that replaces the one at INDEX; DEAL_NONE when none does. */
static uint32_t amended_by(const struct deal *deal, uint32_t index)
{
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (deal->clauses[i].amends == index) {
            return i;
        }
    }
    return DEAL_NONE;
}

static void take_end(struct making *m)
{
    const struct deal_clause *clause = m->clause;
    struct desk_right *right = m->right;
    uint32_t successor = amended_by(m->deal, (uint32_t)(clause - m->deal->clauses));
    right->until = deal_clause_until(clause, m->attested);
    right->end = DESK_ENDS_EXPIRED;
    right->ended_by = (struct desk_name){0, ""};
    if (clause->superseded_by != NULL && clause->superseded_from == right->until) {
        bool amended =
            successor != DEAL_NONE && m->deal->clauses[successor].from == clause->superseded_from;
        right->end = amended ? DESK_ENDS_AMENDED : DESK_ENDS_TERMINATED;
        right->ended_by =
            desk_word(amended ? m->deal->clauses[successor].id : clause->superseded_by);
    }
}

static void take_exclusive(struct making *m)
{
    const struct deal_exclusive *exclusive = &m->clause->as.exclusive;
    struct deal_list groups = exclusive->except_groups;
    struct desk_name *items = room(m, groups.count, sizeof(*items));
    m->right->kind = DESK_RIGHT_EXCLUSIVE;
    m->right->provider = desk_word(m->deal->providers[exclusive->provider].name);
    m->right->products = products(m, exclusive->products);
    for (uint32_t i = 0; items != NULL && i < groups.count; i++) {
        items[i] = desk_word(m->deal->groups[groups.items[i]].name);
    }
    m->right->except_groups = (struct desk_names){items, groups.count};
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        m->right->windows[i] = unsaid();
    }
    m->right->deemed = m->right->standing_cure = unsaid();
    m->right->standing_within = m->right->standing_remaining = unsaid();
    m->right->remedy = "";
}

static void take_right(struct making *m)
{
    m->right->clause = desk_word(m->clause->id);
    m->right->from = m->clause->from;
    m->right->provider = (struct desk_name){0, ""};
    take_end(m);
    if (m->clause->kind == DEAL_CLAUSE_EXCLUSIVE) {
        take_exclusive(m);
        return;
    }
    m->right->kind =
        m->clause->kind == DEAL_CLAUSE_FIRST_OFFER ? DESK_RIGHT_OFFER : DESK_RIGHT_REFUSAL;
    take_scope(m);
    take_holders(m);
    take_matching(m);
    take_windows(m);
    take_standing(m);
}

/* An exclusive for some surfaces alone binds no capacity; what is over before it begins, nothing. */
static bool is_right(const struct deal_clause *clause, struct deal_attestations attested)
{
    bool exclusive = clause->kind == DEAL_CLAUSE_EXCLUSIVE;
    return deal_clause_until(clause, attested) > clause->from &&
           (clause->kind == DEAL_CLAUSE_FIRST_REFUSAL || clause->kind == DEAL_CLAUSE_FIRST_OFFER ||
            (exclusive && clause->as.exclusive.surfaces.count == 0));
}

enum oft_err desk_rights_of(const struct deal *deal, struct deal_attestations attested,
                            struct oft_arena *arena, struct desk_right **ret_rights,
                            uint32_t *ret_count)
{
    struct making m = {.deal = deal, .attested = attested, .arena = arena};
    struct desk_right *rights = room(&m, deal->clause_count, sizeof(*rights));
    *ret_count = 0;
    for (uint32_t i = 0; i < deal->clause_count && !m.failed; i++) {
        if (is_right(&deal->clauses[i], attested)) {
            m.clause = &deal->clauses[i];
            m.right = &rights[(*ret_count)++];
            take_right(&m);
        }
    }
    *ret_rights = rights;
    return m.failed ? OFT_ERR_MEMORY : OFT_OK;
}

bool desk_right_equal(const struct desk_right *a, const struct desk_right *b)
{
    struct oft_buffer left, right;
    struct desk_event event = desk_event_of(DESK_RIGHT, 0);
    oft_buffer_init(&left, DESK_EVENT_BYTES_MAX);
    oft_buffer_init(&right, DESK_EVENT_BYTES_MAX);
    event.right = a;
    desk_event_encode(&event, &left);
    event.right = b;
    desk_event_encode(&event, &right);
    bool equal = !left.failed && !right.failed && left.length == right.length &&
                 memcmp(left.data, right.data, left.length) == 0;
    oft_buffer_release(&left);
    oft_buffer_release(&right);
    return equal;
}
