/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of pools: region, accelerator, limits, time-outs, when they may be used. Endpoints are
 * in resolve_serves.c, prices in resolve_prices.c.
 */
#include "deal/build.h"

static void resolve_accelerator(struct deal_build *build, const struct deal_node *node,
                                struct deal_pool *pool)
{
    pool->accelerator = "";
    if (node == NULL) {
        return;
    }
    pool->accelerator = deal_build_copy(build, node->text);
    const struct deal_node *count = deal_node_child(node, NODE_COUNT);
    if (count != NULL) {
        (void)deal_value_count(build, count, UINT64_C(1000000000), &pool->accelerator_count);
    }
}

static void resolve_timeouts(struct deal_build *build, const struct deal_node *node,
                             struct deal_pool *pool)
{
    pool->connect_timeout_ms = 2000;
    pool->first_byte_timeout_ms = 60000;
    pool->read_timeout_ms = 60000;
    for (const struct deal_node *part = node == NULL ? NULL : node->first; part != NULL;
         part = part->next) {
        uint32_t *target = oft_str_is(part->text, "connect")      ? &pool->connect_timeout_ms
                           : oft_str_is(part->text, "first-byte") ? &pool->first_byte_timeout_ms
                           : oft_str_is(part->text, "read")       ? &pool->read_timeout_ms
                                                                  : NULL;
        if (target == NULL) {
            BUILD_ERROR(build, 27, part, pool->name, "write connect, first-byte or read",
                        "\"%.*s\" is no time-out", (int)part->text.length, part->text.data);
            continue;
        }
        (void)deal_value_duration_ms(build, part->first, target);
    }
}

static void resolve_health(struct deal_build *build, const struct deal_node *node,
                           struct deal_pool *pool)
{
    pool->health_url = NULL;
    if (node == NULL) {
        return;
    }
    const struct deal_node *every = deal_node_child(node, NODE_EVERY);
    const struct deal_node *time = deal_node_child(node, NODE_COUNT);
    const struct deal_node *url = deal_node_child(node, NODE_URL);
    pool->health_every_ms = 10000;
    if (every != NULL && !oft_str_is(every->text, "every")) {
        BUILD_ERROR(build, 27, every, pool->name, "write: health at URL every 10s",
                    "\"%.*s\" says nothing of how often", (int)every->text.length,
                    every->text.data);
    } else if ((time == NULL || deal_value_duration_ms(build, time, &pool->health_every_ms)) &&
               deal_value_url(build, url)) {
        pool->health_url = deal_build_copy(build, url->text);
    }
    if (pool->health_every_ms < 1000) {
        BUILD_ERROR(build, 27, time, pool->name, "write 1s or more",
                    "a pool is not asked more often than once a second");
    }
}

static void resolve_availability(struct deal_build *build, const struct deal_node *node,
                                 struct deal_pool *pool)
{
    pool->from = OFT_INSTANT_ALWAYS;
    pool->until = (struct deal_end){.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    if (node == NULL) {
        return;
    }
    const struct deal_node *from = deal_node_child(node, NODE_FROM);
    bool good = from == NULL || deal_value_date(build, from, &pool->from);
    good = deal_value_end(build, deal_node_child(node, NODE_UNTIL), &pool->until) && good;
    if (good) {
        deal_value_interval(build, node, pool->from, &pool->until, pool->name);
    }
}

static void resolve_pool(struct deal_build *build, const struct deal_node *node, uint32_t index)
{
    static const struct {
        enum deal_node_kind kind;
        const char *what;
    } once[] = {{NODE_REGION, "the region"},          {NODE_ACCELERATOR, "the accelerator"},
                {NODE_RESERVED, "\"reserved\""},      {NODE_TIMEOUT, "the time-out"},
                {NODE_AVAILABLE, "the availability"}, {NODE_MARKETPLACE, "\"marketplace\""},
                {NODE_HEALTH, "the health"},          {NODE_KEYS, "the pool's keys"}};
    struct deal_pool *pool = &build->pools[index];
    for (size_t i = 0; i < OFT_COUNT_OF(once); i++) {
        deal_build_once(build, node, once[i].kind, once[i].what);
    }
    const struct deal_node *region = deal_node_child(node, NODE_REGION);
    pool->region = region != NULL ? deal_build_copy(build, region->text) : "";
    pool->reserved = deal_node_child(node, NODE_RESERVED) != NULL;
    pool->marketplace = deal_node_child(node, NODE_MARKETPLACE) != NULL;
    deal_resolve_limits(build, node, pool->name, &pool->limits);
    resolve_accelerator(build, deal_node_child(node, NODE_ACCELERATOR), pool);
    resolve_timeouts(build, deal_node_child(node, NODE_TIMEOUT), pool);
    resolve_health(build, deal_node_child(node, NODE_HEALTH), pool);
    resolve_availability(build, deal_node_child(node, NODE_AVAILABLE), pool);
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == NODE_SERVES) {
            deal_resolve_serve(build, child, index);
        }
    }
}

void deal_resolve_pools(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->pool_count; i++) {
        resolve_pool(build, build->pool_nodes[i], i);
    }
}
