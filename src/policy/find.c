/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups in an opened snapshot: keys, names, prices, periods, limits. Edge. Everything here trusts the
 * view: policy_open has proved every index and every string.
 */
#include <string.h>

#include "base/money.h"
#include "policy/decide.h"

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
