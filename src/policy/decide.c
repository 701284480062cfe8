/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide -- the decision on an opened snapshot. Edge.
 *
 * Everything here trusts the view: policy_open has proved every index and every string. The contract
 * was weighed at compile time; what is left for a request is to find its row, drop what is outside
 * the region it asked for or does not speak its path, put pools that are down behind those that are up, and those
 * that are equal in the order of their load. It never adds a pool, so that no state of health can let
 * traffic out of the contract.
 */
#include <string.h>

#include "policy/decide.h"

/* ---- the decision ------------------------------------------------------------------------------ */

/* NULL or "" names no region and excludes nothing. */
static bool in_region(const struct policy_view *view, const struct policy_candidate *candidate,
                      const char *region, size_t region_length)
{
    struct policy_text text = view->pools[candidate->pool].region;

    return region_length == 0 || (text.length == region_length &&
                                  memcmp(view->strings + text.offset, region, region_length) == 0);
}

static enum pool_standing standing_of(const struct policy_query *query,
                                      const struct policy_candidate *candidate)
{
    if ((candidate->flags & POLICY_CANDIDATE_UNRESOLVED) != 0) {
        return POOL_DOWN;
    }
    return query->pools == NULL
               ? POOL_UP
               : pool_standing(query->pools[candidate->pool], query->now_ns, query->dice);
}

static bool speaks(const struct policy_query *query, const struct policy_candidate *candidate)
{
    return query->speaks == 0 ||
           ((query->speaks >> POLICY_CANDIDATE_KIND(candidate->flags)) & 1) != 0;
}

static bool asked_for(const struct policy_query *query, const struct policy_candidate *candidate)
{
    return query->only_pool == 0 || candidate->pool == query->only_pool - 1;
}

/* Everything but the contract, which was weighed when the snapshot was made. */
static bool fits(const struct policy_view *view, const struct policy_query *query,
                 const struct policy_candidate *candidate, size_t region_length)
{
    return in_region(view, candidate, query->region, region_length) && speaks(query, candidate) &&
           asked_for(query, candidate);
}

static void choose(struct policy_choice *choice, const struct policy_candidate *candidate,
                   enum policy_reason reason, bool down)
{
    choice->candidate = candidate;
    choice->reason = reason;
    choice->down = down;
}

/* The clause of a refusal to a request that asks for a region: what the contract bars there, if
 * anything; else that of the first pool of all. */
static uint32_t region_refusal(const struct policy_view *view, const struct policy_query *query,
                               size_t region_length, const struct policy_decision *decision)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t i;

    for (i = 0; i < decision->barred_count; i++) {
        const struct policy_candidate *barred = &all[decision->eligible_count + i];

        if (in_region(view, barred, query->region, region_length)) {
            return barred->clause;
        }
    }
    return all[0].clause;
}

/* Whether nothing but load says which comes first: both stand in one list. */
static bool equal(const struct policy_candidate *a, const struct policy_candidate *b)
{
    const struct policy_candidate *last = a < b ? b : a;
    const struct policy_candidate *at;

    for (at = a < b ? a : b; at < last; at++) {
        if ((at[1].flags & POLICY_CANDIDATE_EQUAL) == 0) {
            return false;
        }
    }
    return true;
}

/* Insertion: of equal loads the one that the deal names first stays first. */
static void sort_by_load(const struct policy_query *query, struct policy_choice *choices,
                         uint32_t count)
{
    uint64_t loads[OFT_ATTEMPTS_MAX];
    uint32_t i, at;

    for (i = 0; i < count; i++) {
        struct policy_choice choice = choices[i];
        uint64_t load =
            pool_load(query->pool_page, query->pools[choice.candidate->pool], query->now_ns);

        for (at = i; at > 0 && loads[at - 1] > load; at--) {
            loads[at] = loads[at - 1];
            choices[at] = choices[at - 1];
        }
        loads[at] = load;
        choices[at] = choice;
    }
}

static void balance(const struct policy_query *query, struct policy_choice *choices, uint32_t count)
{
    uint32_t first = 0, end;

    if (query->pools == NULL || query->pool_page == NULL) {
        return;
    }
    for (; first + 1 < count; first = end) {
        end = first + 1;
        while (end < count && end - first < OFT_ATTEMPTS_MAX &&
               equal(choices[first].candidate, choices[end].candidate)) {
            end++;
        }
        if (end - first > 1) {
            sort_by_load(query, choices + first, end - first);
        }
    }
}

/* When more pools are first than there is room for, each request begins at another of them: how many
 * they are; else 0. */
static uint32_t crowd_of(const struct policy_query *query, const struct policy_decision *decision,
                         const struct policy_view *view, uint32_t max)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t count = 1;

    if (query->pools == NULL || decision->eligible_count <= max) {
        return 0;
    }
    while (count < decision->eligible_count && (all[count].flags & POLICY_CANDIDATE_EQUAL) != 0) {
        count++;
    }
    return count > max ? count : 0;
}

struct placing {
    const struct policy_candidate *behind[OFT_POOLS_PER_DECISION_MAX];
    uint32_t spare_count; /* from the front of BEHIND */
    uint32_t down_count;  /* from its end */
};

static void place_up(const struct policy_view *view, const struct policy_query *query,
                     const struct policy_decision *decision, size_t region_length, uint32_t max,
                     struct placing *placing, struct policy_answer *answer)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t crowd = crowd_of(query, decision, view, max), placed = 0, i;

    for (i = 0; i < decision->eligible_count && placed < max; i++) {
        const struct policy_candidate *one =
            &all[i < crowd ? (i + query->dice % crowd) % crowd : i];
        enum pool_standing standing;

        if (!fits(view, query, one, region_length)) {
            continue;
        }
        standing = standing_of(query, one);
        if (standing == POOL_UP) {
            choose(&answer->choices[placed++], one, (enum policy_reason)one->reason, false);
        } else if (standing == POOL_SPARE) {
            placing->behind[placing->spare_count++] = one;
        } else {
            placing->down_count++;
            placing->behind[OFT_POOLS_PER_DECISION_MAX - placing->down_count] = one;
        }
    }
    answer->up_count = placed;
}

/* The eligible: those that are up, those that come back, those that are down, until MAX are placed. */
static void place_eligible(const struct policy_view *view, const struct policy_query *query,
                           const struct policy_decision *decision, size_t region_length,
                           uint32_t max, struct policy_answer *answer)
{
    struct placing placing;
    uint32_t placed, i;

    placing.spare_count = 0;
    placing.down_count = 0;
    place_up(view, query, decision, region_length, max, &placing, answer);
    placed = answer->up_count;
    balance(query, answer->choices, placed);
    for (i = 0; i < placing.spare_count && placed < max; i++) {
        const struct policy_candidate *spare = placing.behind[i];

        choose(&answer->choices[placed++], spare, (enum policy_reason)spare->reason, false);
    }
    answer->up_count = placed;
    for (i = 0; i < placing.down_count && placed < max; i++) {
        const struct policy_candidate *down = placing.behind[OFT_POOLS_PER_DECISION_MAX - 1 - i];

        choose(&answer->choices[placed++], down, (enum policy_reason)down->reason, true);
    }
    answer->eligible_count = placed;
}

/* Behind the eligible: those outside the region or of another dialect, then those that the contract
 * bars. */
static void place_barred(const struct policy_view *view, const struct policy_query *query,
                         const struct policy_decision *decision, size_t region_length, uint32_t max,
                         struct policy_answer *answer)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t count = (uint32_t)decision->eligible_count + decision->barred_count;
    uint32_t placed = answer->eligible_count, i;

    for (i = 0; i < count && placed < max; i++) {
        if (!asked_for(query, &all[i])) {
            continue;
        }
        if (i >= decision->eligible_count) {
            choose(&answer->choices[placed++], &all[i], (enum policy_reason)all[i].reason, false);
        } else if (!in_region(view, &all[i], query->region, region_length)) {
            choose(&answer->choices[placed++], &all[i], POLICY_BARRED_BY_REGION, false);
        } else if (!speaks(query, &all[i])) {
            choose(&answer->choices[placed++], &all[i], POLICY_BARRED_BY_KIND, false);
        }
    }
    answer->barred_count = placed - answer->eligible_count;
}

/* The clause by which the one pool that was asked for is barred; none when it does not serve the
 * model, or is barred by nothing but its dialect. */
static uint32_t pool_refusal(const struct policy_view *view, const struct policy_query *query,
                             const struct policy_decision *decision)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t i;

    for (i = 0; i < decision->barred_count; i++) {
        if (asked_for(query, &all[decision->eligible_count + i])) {
            return all[decision->eligible_count + i].clause;
        }
    }
    return POLICY_NONE;
}

static bool only_unspoken(const struct policy_view *view, const struct policy_query *query,
                          const struct policy_decision *decision, size_t region_length)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t i;

    for (i = 0; i < decision->eligible_count; i++) {
        if (in_region(view, &all[i], query->region, region_length) && asked_for(query, &all[i])) {
            return true;
        }
    }
    return false;
}

static void answer_from(const struct policy_view *view, const struct policy_query *query,
                        const struct policy_decision *decision, uint32_t max,
                        struct policy_answer *answer)
{
    size_t region_length = query->region == NULL ? 0 : strlen(query->region);

    place_eligible(view, query, decision, region_length, max, answer);
    answer->barred_count = 0;
    if (query->with_barred) {
        place_barred(view, query, decision, region_length, max, answer);
    }
    answer->unspoken = false;
    answer->refusal_clause = POLICY_NONE;
    if (answer->eligible_count > 0) {
        return;
    }
    answer->unspoken = query->speaks != 0 && only_unspoken(view, query, decision, region_length);
    if (answer->unspoken) {
        return; /* the contract lets it run: the pool cannot */
    }
    if (query->only_pool != 0) {
        answer->refusal_clause = pool_refusal(view, query, decision);
    } else if (region_length > 0 && decision->eligible_count + decision->barred_count > 0) {
        answer->refusal_clause = region_refusal(view, query, region_length, decision);
    } else {
        answer->refusal_clause = decision->refusal_clause;
    }
}

static uint32_t row_of(const struct policy_view *view, const struct policy_query *query,
                       uint32_t regime)
{
    uint32_t kind = query->account == POLICY_NONE ? 0 : view->accounts[query->account].kind;

    return view
        ->rows[((size_t)regime * view->kind_count + kind) * view->product_count + query->product];
}

void policy_decide(const struct policy_view *view, const struct policy_query *query,
                   struct policy_choice *choices, uint32_t choice_max,
                   struct policy_answer *ret_answer)
{
    size_t row;

    ret_answer->regime = policy_find_regime(view, query->instant_ns);
    ret_answer->choices = choices;
    if (query->product >= view->product_count || query->model >= view->model_count ||
        (query->account != POLICY_NONE && query->account >= view->account_count)) {
        /* A caller's mistake must not become a placement. */
        ret_answer->eligible_count = 0;
        ret_answer->up_count = 0;
        ret_answer->barred_count = 0;
        ret_answer->refusal_clause = POLICY_NONE;
        ret_answer->unspoken = false;
        return;
    }
    row = row_of(view, query, ret_answer->regime);
    answer_from(view, query, &view->decisions[row * view->model_count + query->model], choice_max,
                ret_answer);
}

/* ---- without a model --------------------------------------------------------------------------- */

/* What was found so far of one kind of candidates, a pool once, in the order of pools. */
struct found {
    struct policy_choice *choices;
    uint32_t count;
    uint32_t max;
};

static void keep(struct found *found, const struct policy_candidate *candidate,
                 enum policy_reason reason)
{
    uint32_t at = found->count;
    uint32_t i;

    while (at > 0 && found->choices[at - 1].candidate->pool > candidate->pool) {
        at--;
    }
    if (at > 0 && found->choices[at - 1].candidate->pool == candidate->pool) {
        if (candidate->endpoint < found->choices[at - 1].candidate->endpoint) {
            choose(&found->choices[at - 1], candidate, reason, false);
        }
        return;
    }
    if (at == found->max) {
        return;
    }
    found->count += found->count < found->max ? 1 : 0;
    for (i = found->count - 1; i > at; i--) {
        found->choices[i] = found->choices[i - 1];
    }
    choose(&found->choices[at], candidate, reason, false);
}

/* The eligible of every model: a product may use a pool as soon as it may use one model there. */
static void gather_eligible(const struct policy_view *view, const struct policy_query *query,
                            size_t row, struct found *found, bool *ret_unspoken)
{
    size_t region_length = query->region == NULL ? 0 : strlen(query->region);
    uint32_t model, i;

    *ret_unspoken = false;
    for (model = 0; model < view->model_count; model++) {
        const struct policy_decision *decision = &view->decisions[row * view->model_count + model];
        const struct policy_candidate *all = &view->candidates[decision->first_candidate];

        for (i = 0; i < decision->eligible_count; i++) {
            if (!in_region(view, &all[i], query->region, region_length) ||
                !asked_for(query, &all[i])) {
                continue;
            }
            if (speaks(query, &all[i])) {
                keep(found, &all[i], (enum policy_reason)all[i].reason);
            } else {
                *ret_unspoken = true;
            }
        }
    }
}

/* For explanations: every other pool, by what bars it first. */
static void gather_barred(const struct policy_view *view, const struct policy_query *query,
                          size_t row, const struct found *eligible, struct found *found)
{
    uint32_t model, i, k;

    for (model = 0; model < view->model_count; model++) {
        const struct policy_decision *decision = &view->decisions[row * view->model_count + model];
        const struct policy_candidate *all = &view->candidates[decision->first_candidate];

        for (i = 0; i < (uint32_t)decision->eligible_count + decision->barred_count; i++) {
            for (k = 0; k < eligible->count; k++) {
                if (eligible->choices[k].candidate->pool == all[i].pool) {
                    break;
                }
            }
            if (k < eligible->count || !asked_for(query, &all[i])) {
                continue;
            }
            if (i >= decision->eligible_count) {
                keep(found, &all[i], (enum policy_reason)all[i].reason);
            } else if (!speaks(query, &all[i])) {
                keep(found, &all[i], POLICY_BARRED_BY_KIND);
            }
        }
    }
}

/* What bars the first pool that is barred, of those asked for. */
static uint32_t bare_refusal(const struct policy_view *view, const struct policy_query *query,
                             size_t row)
{
    const struct policy_candidate *first = NULL;
    uint32_t model, i;

    for (model = 0; model < view->model_count; model++) {
        const struct policy_decision *decision = &view->decisions[row * view->model_count + model];
        const struct policy_candidate *barred =
            &view->candidates[decision->first_candidate + decision->eligible_count];

        for (i = 0; i < decision->barred_count; i++) {
            if (asked_for(query, &barred[i]) && (first == NULL || barred[i].pool < first->pool)) {
                first = &barred[i];
            }
        }
    }
    return first == NULL ? POLICY_NONE : first->clause;
}

/* Those that are down go behind the others, which keep their order. */
static uint32_t down_last(const struct policy_query *query, struct policy_choice *choices,
                          uint32_t count)
{
    uint32_t up = 0;
    uint32_t i, k;

    for (i = 0; i < count; i++) {
        struct policy_choice choice = choices[i];

        choice.down = standing_of(query, choice.candidate) == POOL_DOWN;
        choices[i].down = choice.down;
        if (!choice.down) {
            for (k = i; k > up; k--) {
                choices[k] = choices[k - 1];
            }
            choices[up++] = choice;
        }
    }
    return up;
}

void policy_decide_bare(const struct policy_view *view, const struct policy_query *query,
                        struct policy_choice *choices, uint32_t choice_max,
                        struct policy_answer *ret_answer)
{
    struct found found = {.choices = choices, .max = query->home ? 1 : choice_max};
    bool unspoken = false;
    size_t row;

    *ret_answer = (struct policy_answer){.regime = policy_find_regime(view, query->instant_ns),
                                         .refusal_clause = POLICY_NONE,
                                         .choices = choices};
    if (query->product >= view->product_count ||
        (query->account != POLICY_NONE && query->account >= view->account_count)) {
        return;
    }
    row = row_of(view, query, ret_answer->regime);
    gather_eligible(view, query, row, &found, &unspoken);
    ret_answer->eligible_count = found.count;
    ret_answer->up_count = down_last(query, choices, found.count);
    if (query->with_barred) {
        struct found barred = {.choices = choices + found.count, .max = choice_max - found.count};

        gather_barred(view, query, row, &found, &barred);
        ret_answer->barred_count = barred.count;
    }
    if (found.count == 0) {
        ret_answer->unspoken = unspoken;
        ret_answer->refusal_clause = unspoken ? POLICY_NONE : bare_refusal(view, query, row);
    }
}

const char *policy_reason_text(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_ALLOWED_BY_POOL:
        return "the pool serves the model and no clause bars it";
    case POLICY_ALLOWED_BY_EXCLUSIVE:
        return "exclusive to this pool's provider";
    case POLICY_ALLOWED_BY_LICENSE:
        return "licensed to the product's owner";
    case POLICY_BARRED_BY_EXCLUSIVE:
        return "exclusive to another provider";
    case POLICY_BARRED_BY_RESIDENCY:
        return "must stay in other regions";
    case POLICY_BARRED_NOT_SHIPPED:
        return "ships first on the primary provider";
    case POLICY_BARRED_NO_LICENSE:
        return "no licence in force for the product's owner";
    case POLICY_BARRED_POOL_WINDOW:
        return "the pool is not in service at this instant";
    case POLICY_BARRED_NO_PRICE:
        return "no price in force: the request could not be billed";
    case POLICY_BARRED_BY_REGION:
        return "outside the region asked for";
    case POLICY_BARRED_BY_KIND:
        return "its endpoint does not speak the API of this path";
    }
    return "unknown reason";
}
