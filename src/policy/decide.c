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
#include "base/money.h"

#include <string.h>

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
    return price_at(view, view->price_of[(size_t)product * view->model_count + model], instant_ns);
}

const struct policy_price *policy_find_cost(const struct policy_view *view, uint32_t endpoint,
                                            int64_t instant_ns)
{
    size_t sales = (size_t)view->product_count * view->model_count;

    return price_at(view, view->price_of[sales + endpoint], instant_ns);
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

        if (!in_region(view, one, query->region, region_length)) {
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

/* Behind the eligible: those outside the region, then those that the contract bars. */
static void place_barred(const struct policy_view *view, const struct policy_query *query,
                         const struct policy_decision *decision, size_t region_length, uint32_t max,
                         struct policy_answer *answer)
{
    const struct policy_candidate *all = &view->candidates[decision->first_candidate];
    uint32_t count = (uint32_t)decision->eligible_count + decision->barred_count;
    uint32_t placed = answer->eligible_count, i;

    for (i = 0; i < count && placed < max; i++) {
        if (i >= decision->eligible_count) {
            choose(&answer->choices[placed++], &all[i], (enum policy_reason)all[i].reason, false);
        } else if (!in_region(view, &all[i], query->region, region_length)) {
            choose(&answer->choices[placed++], &all[i], POLICY_BARRED_BY_REGION, false);
        }
    }
    answer->barred_count = placed - answer->eligible_count;
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
    if (answer->eligible_count > 0) {
        answer->refusal_clause = POLICY_NONE;
    } else if (region_length > 0 && decision->eligible_count + decision->barred_count > 0) {
        answer->refusal_clause = region_refusal(view, query, region_length, decision);
    } else {
        answer->refusal_clause = decision->refusal_clause;
    }
}

void policy_decide(const struct policy_view *view, const struct policy_query *query,
                   struct policy_choice *choices, uint32_t choice_max,
                   struct policy_answer *ret_answer)
{
    uint32_t kind = 0;
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
        return;
    }
    if (query->account != POLICY_NONE) {
        kind = view->accounts[query->account].kind;
    }
    row = view->rows[((size_t)ret_answer->regime * view->kind_count + kind) * view->product_count +
                     query->product];
    answer_from(view, query, &view->decisions[row * view->model_count + query->model], choice_max,
                ret_answer);
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
    }
    return "unknown reason";
}
