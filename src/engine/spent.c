/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What budgets counted of the records of one drain, by subject and period.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/limits.h"

static size_t place_of(const struct engine_spent *spent, const struct store_spent *wanted)
{
    uint64_t hash = wanted->id ^ ((uint64_t)wanted->number << 8) ^ wanted->subject << 4 ^
                    (uint64_t)wanted->period;
    size_t at = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (spent->capacity - 1);
    while (spent->slots[at].subject != 0 &&
           (spent->slots[at].subject != wanted->subject || spent->slots[at].id != wanted->id ||
            spent->slots[at].period != wanted->period ||
            spent->slots[at].number != wanted->number)) {
        at = (at + 1) & (spent->capacity - 1);
    }
    return at;
}

static enum oft_err grow(struct engine_spent *spent)
{
    struct engine_spent larger = {.capacity = spent->capacity == 0 ? 64 : spent->capacity * 2};
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < spent->capacity; i++) {
        if (spent->slots[i].subject != 0) {
            larger.slots[place_of(&larger, &spent->slots[i])] = spent->slots[i];
        }
    }
    larger.count = spent->count;
    free(spent->slots);
    *spent = larger;
    return OFT_OK;
}

static enum oft_err add_one(struct engine_spent *spent, struct store_spent one)
{
    if (spent->count * 2 >= spent->capacity && grow(spent) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    struct store_spent *slot = &spent->slots[place_of(spent, &one)];
    int64_t sum = 0;
    if (__builtin_add_overflow(slot->nanos, one.nanos, &sum)) {
        sum = INT64_MAX; /* a budget is at most 9bn: this is beyond any */
    }
    spent->count += slot->subject == 0;
    *slot = one;
    slot->nanos = sum;
    return OFT_OK;
}

static enum oft_err add(struct engine_spent *spent, enum store_spent_subject subject, uint64_t id,
                        int64_t day, int64_t month, int64_t nanos)
{
    enum oft_err code =
        add_one(spent, (struct store_spent){subject, id, DEAL_BUDGET_DAY, day, nanos});
    return code != OFT_OK
               ? code
               : add_one(spent, (struct store_spent){subject, id, DEAL_BUDGET_MONTH, month, nanos});
}

enum oft_err engine_spent_add(struct engine_spent *spent, const struct deal *deal,
                              const struct meter_record *record)
{
    int64_t charged = record->charged_nanos;
    int64_t cost = record->cost_nanos;
    if (charged <= 0 && cost <= 0) {
        return OFT_OK;
    }
    int64_t day = record->admitted_ns / OFT_NS_PER_DAY;
    int64_t month = deal_month_of(deal, record->admitted_ns);
    enum oft_err code = OFT_OK;
    if (charged > 0) {
        code = add(spent, STORE_SPENT_KEY, record->key_id, day, month, charged);
        if (code == OFT_OK) {
            code = add(spent, STORE_SPENT_ACCOUNT, record->account_id, day, month, charged);
        }
        if (code == OFT_OK) {
            code = add(spent, STORE_SPENT_PRODUCT, record->product_id, day, month, charged);
        }
    }
    if (code == OFT_OK && cost > 0) {
        code = add(spent, STORE_SPENT_POOL, record->pool_id, day, month, cost);
    }
    return code;
}

enum oft_err engine_spent_write(struct engine_spent *spent, struct store *store,
                                struct oft_error *reterr)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < spent->capacity; i++) {
        if (spent->slots[i].subject != 0) {
            code = store_spent_add(store, &spent->slots[i], reterr);
        }
    }
    return code;
}

void engine_spent_release(struct engine_spent *spent)
{
    free(spent->slots);
    memset(spent, 0, sizeof(*spent));
}
