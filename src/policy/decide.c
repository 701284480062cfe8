/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide -- the look-ups on an opened snapshot, and the decision itself. Edge.
 *
 * Everything here trusts the view: policy_open has proved every index and every string. The contract
 * was weighed at compile time; what is left for a request is to find its row, drop what is outside
 * the region it asked for, and put pools that are down behind those that are up. It never adds a
 * pool, so that no state of health can let traffic out of the contract.
 */
#include "policy/decide.h"

#include <string.h>

#include "base/money.h"

struct oft_str policy_text(const struct policy_view *view, struct policy_text text)
{
    struct oft_str slice;

    slice.data = view->strings + text.offset;
    slice.length = text.length;
    return slice;
}

static int text_compare(const struct policy_view *view, struct policy_text text,
                        struct oft_str name)
{
    size_t shorter = text.length < name.length ? text.length : name.length;
    int order = shorter == 0 ? 0 : memcmp(view->strings + text.offset, name.data, shorter);

    if (order != 0) {
        return order;
    }
    return (text.length > name.length) - (text.length < name.length);
}

/* A hash as four words: compared whole, without a branch on any of its bytes. */
struct words {
    uint64_t word[4];
};

static struct words words_of(const uint8_t bytes[32])
{
    struct words words;

    memcpy(words.word, bytes, sizeof(words.word));
    return words;
}

static bool words_differ(const struct words *a, const struct words *b)
{
    return ((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
            (a->word[3] ^ b->word[3])) != 0;
}

const struct policy_key *policy_find_key(const struct policy_view *view, const uint8_t sha256[32])
{
    static const struct words empty;
    const struct words wanted = words_of(sha256);
    uint64_t mask = view->key_slot_count - 1;
    uint64_t hash = 0;
    uint64_t probe;
    unsigned i;

    for (i = 0; i < 8; i++) { /* little-endian wherever we run */
        hash |= (uint64_t)sha256[i] << (8 * i);
    }
    for (probe = 0; probe < view->key_slot_count; probe++) {
        const struct policy_key *key = &view->key_slots[(hash + probe) & mask];
        const struct words held = words_of(key->sha256);

        if (!words_differ(&held, &wanted)) {
            return words_differ(&wanted, &empty) ? key : NULL;
        }
        if (!words_differ(&held, &empty)) {
            return NULL;
        }
    }
    return NULL;
}

uint32_t policy_find_model(const struct policy_view *view, struct oft_str name)
{
    uint32_t low = 0;
    uint32_t high = view->model_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = text_compare(view, view->models[middle].name, name);

        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return POLICY_NONE;
}

uint32_t policy_find_product(const struct policy_view *view, struct oft_str name)
{
    uint32_t i;

    for (i = 0; i < view->product_count; i++) {
        if (text_compare(view, view->products[i].name, name) == 0) {
            return i;
        }
    }
    return POLICY_NONE;
}

uint32_t policy_find_account(const struct policy_view *view, struct oft_str name)
{
    uint32_t i;

    for (i = 0; i < view->account_count; i++) {
        if (text_compare(view, view->accounts[i].name, name) == 0) {
            return i;
        }
    }
    return POLICY_NONE;
}

uint32_t policy_find_pool(const struct policy_view *view, struct oft_str name)
{
    uint32_t i;

    for (i = 0; i < view->pool_count; i++) {
        if (text_compare(view, view->pools[i].name, name) == 0) {
            return i;
        }
    }
    return POLICY_NONE;
}

bool policy_passes(const struct policy_view *view, uint32_t product, const char *uri, size_t length)
{
    uint32_t i;

    for (i = 0; i < view->pass_count; i++) {
        if (view->passes[i].product == product &&
            policy_pattern_holds(policy_text(view, view->passes[i].pattern), uri, length)) {
            return true;
        }
    }
    return false;
}

uint32_t policy_find_regime(const struct policy_view *view, int64_t instant_ns)
{
    uint32_t low = 0; /* its regime begins at or before the instant: the first one always does */
    uint32_t count = view->regime_count;

    while (count > 1) { /* no branch to mispredict: the compiler makes a conditional move of it */
        uint32_t half = count / 2;

        low = view->regimes[low + half].from_ns <= instant_ns ? low + half : low;
        count -= half;
    }
    return low;
}

/* ---- what budgets count ------------------------------------------------------------------------ */

static const struct policy_price *price_at(const struct policy_view *view,
                                           struct policy_price_span range, int64_t instant_ns)
{
    uint32_t i;

    for (i = range.count; i > 0; i--) { /* the latest first: it is the one in force, mostly */
        const struct policy_price *price = &view->prices[range.first + i - 1];

        if (price->from_ns <= instant_ns) {
            return instant_ns < price->until_ns ? price : NULL;
        }
    }
    return NULL;
}

const struct policy_price *policy_find_sale(const struct policy_view *view, uint32_t product,
                                            uint32_t model, int64_t instant_ns)
{
    size_t sales = (size_t)view->product_count * view->model_count;
    size_t at = model == POLICY_NONE ? sales + view->endpoint_count + product
                                     : (size_t)product * view->model_count + model;

    return price_at(view, view->price_of[at], instant_ns);
}

const struct policy_price *policy_find_cost(const struct policy_view *view, uint32_t endpoint,
                                            int64_t instant_ns)
{
    size_t sales = (size_t)view->product_count * view->model_count;

    return price_at(view, view->price_of[sales + endpoint], instant_ns);
}

const struct policy_price *policy_find_bare_cost(const struct policy_view *view, uint32_t pool,
                                                 int64_t instant_ns)
{
    size_t sales = (size_t)view->product_count * view->model_count;
    size_t at = sales + view->endpoint_count + view->product_count + pool;

    return price_at(view, view->price_of[at], instant_ns);
}

int64_t policy_amount_nanos(const struct policy_price *price, const uint64_t units[7])
{
    oft_u128 sum = 0;
    unsigned i;

    if (price == NULL) {
        return 0;
    }
    for (i = 0; i < POLICY_PRICE_UNITS; i++) { /* the last one is the request itself */
        sum += (oft_u128)(i < POLICY_PRICE_UNITS - 1 ? units[i] : 1) *
               (uint64_t)price->per_million_nanos[i];
    }
    sum = (sum + 999999) / 1000000;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

static uint64_t dearest(const struct policy_price *price, unsigned first, unsigned last)
{
    uint64_t most = 0;
    unsigned i;

    for (i = first; i <= last; i++) {
        uint64_t nanos = (uint64_t)price->per_million_nanos[i];

        most = nanos > most ? nanos : most;
    }
    return most;
}

int64_t policy_promise_nanos(const struct policy_price *price, uint64_t input, uint64_t output)
{
    oft_u128 sum;

    if (price == NULL) {
        return 0;
    }
    sum = (oft_u128)input * dearest(price, 0, 2) + (oft_u128)output * dearest(price, 3, 4) +
          (uint64_t)price->per_million_nanos[POLICY_PRICE_UNITS - 1];
    sum = (sum + 999999) / 1000000;
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

int64_t policy_period_number(const struct policy_period *periods, uint32_t count,
                             int64_t instant_ns)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (periods[middle].from_ns <= instant_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return periods[low == 0 ? 0 : low - 1].number;
}

uint32_t policy_limit_of_product(const struct policy_view *view, uint32_t product)
{
    return view->limit_of[product];
}

uint32_t policy_limit_of_account(const struct policy_view *view, uint32_t account)
{
    return view->limit_of[view->product_count + account];
}

uint32_t policy_limit_of_pool(const struct policy_view *view, uint32_t pool)
{
    return view->limit_of[view->product_count + view->account_count + pool];
}

/* ---- the decision ------------------------------------------------------------------------------ */

/* NULL or "" names no region and excludes nothing. */
static bool in_region(const struct policy_view *view, const struct policy_candidate *candidate,
                      const char *region, size_t region_length)
{
    struct policy_text text = view->pools[candidate->pool].region;

    return region_length == 0 || (text.length == region_length &&
                                  memcmp(view->strings + text.offset, region, region_length) == 0);
}

static bool is_down(const struct policy_query *query, const struct policy_candidate *candidate)
{
    if ((candidate->flags & POLICY_CANDIDATE_UNRESOLVED) != 0) {
        return true;
    }
    return query->health != NULL && query->health[candidate->pool].down_until_ns > query->now_ns;
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

/* The eligible: those that are up, then those that are down, until MAX are placed. */
static void place_eligible(const struct policy_view *view, const struct policy_query *query,
                           const struct policy_decision *decision, size_t region_length,
                           uint32_t max, struct policy_answer *answer)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    const struct policy_candidate *down[OFT_POOLS_PER_DECISION_MAX];
    uint32_t placed = 0, down_count = 0, i;

    for (i = 0; i < decision->eligible_count && placed < max; i++) {
        if (!fits(view, query, &all[i], region_length)) {
            continue;
        }
        if (is_down(query, &all[i])) {
            down[down_count++] = &all[i];
        } else {
            choose(&answer->choices[placed++], &all[i], (enum policy_reason)all[i].reason, false);
        }
    }
    answer->up_count = placed;
    for (i = 0; i < down_count && placed < max; i++) {
        choose(&answer->choices[placed++], down[i], (enum policy_reason)down[i]->reason, true);
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

        choice.down = is_down(query, choice.candidate);
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
