/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pools are asked whether they are well, and what was heard of them: in the page that workers read.
 */
#include <time.h>

#include "base/hash.h"
#include "engine/internal.h"
#include "policy/pools.h"

static int64_t monotonic_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

static void forget(struct engine *engine, uint64_t pool_id)
{
    struct pool_slot *slot = pool_page_find(engine->pools, pool_id);
    if (slot != NULL) {
        atomic_store(&slot->checked, POOL_UNCHECKED);
    }
}

enum oft_err engine_health_list(struct engine *engine, struct oft_arena *arena,
                                struct engine_health **ret_items, size_t *ret_count)
{
    const struct deal *deal = engine->deal;
    uint32_t pools = deal == NULL ? 0 : deal->pool_count;
    struct engine_health *items = oft_arena_alloc_array(arena, pools + 1u, sizeof(*items));
    size_t count = 0;
    if (items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < pools; i++) {
        const struct deal_pool *pool = &deal->pools[i];
        uint64_t id = oft_id_of(OFT_ID_POOL, oft_str_from(pool->name));
        if (pool->health_url == NULL) {
            forget(engine, id);
        } else {
            items[count++] = (struct engine_health){id, pool->health_url, pool->health_every_ms};
        }
    }
    *ret_items = items;
    *ret_count = count;
    return OFT_OK;
}

void engine_health_heard(struct engine *engine, uint64_t pool_id, bool good)
{
    struct pool_slot *slot = pool_page_find(engine->pools, pool_id);
    if (slot != NULL) {
        pool_checked(slot, good, monotonic_ns());
    }
}
