/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks of pools: who is asked follows the policy in force.
 */
#include "daemon/checks.h"

enum { ARENA_BYTES_MAX = 4 << 20 };

static void heard(void *context, uint64_t id, bool good)
{
    engine_health_heard(context, id, good);
}

static enum oft_err set_targets(struct checks *checks, const struct engine_health *items,
                                size_t count, struct oft_arena *arena, struct oft_error *reterr)
{
    struct probe_target *targets = oft_arena_alloc_array(arena, count + 1, sizeof(*targets));
    if (targets == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        targets[i] = (struct probe_target){items[i].pool_id, items[i].url, items[i].every_ms};
    }
    if (checks->probe == NULL && count > 0) {
        enum oft_err err = probe_open(heard, checks->engine, &checks->probe, reterr);
        if (err != OFT_OK) {
            return err;
        }
    }
    return checks->probe == NULL ? OFT_OK : probe_set(checks->probe, targets, count, reterr);
}

enum oft_err checks_follow(struct checks *checks, struct engine *engine, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct engine_health *items = NULL;
    size_t count = 0;
    if (engine_generation(engine) == checks->generation) {
        return OFT_OK;
    }
    checks->engine = engine;
    oft_arena_init(&arena, ARENA_BYTES_MAX);
    enum oft_err err = engine_health_list(engine, &arena, &items, &count);
    if (err == OFT_OK) {
        err = set_targets(checks, items, count, &arena, reterr);
    }
    if (err == OFT_OK) {
        checks->generation = engine_generation(engine);
    }
    oft_arena_release(&arena);
    return err;
}

void checks_end(struct checks *checks)
{
    probe_close(checks->probe);
    checks->probe = NULL;
}
