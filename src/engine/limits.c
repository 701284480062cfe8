/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of limits and of pools: made and mapped at the start, a slot for each limit and pool before
 * the policy that has it is published, and periods turned as they pass.
 */
#include "engine/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/limits.h"
#include "policy/pools.h"

static enum oft_err hand_to_workers(struct engine *engine, const char *path, int fd,
                                    struct oft_error *reterr)
{
    return fchown(fd, UINT32_MAX, engine->worker_gid) == 0 && fchmod(fd, 0660) == 0
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_IO, "cannot set owner and mode of %s: %s", path,
                          strerror(errno));
}

/* A file of another offtake is made anew. */
static bool is_foreign(enum oft_err code)
{
    return code == OFT_ERR_VERSION || code == OFT_ERR_CORRUPT;
}

static enum oft_err open_pools(struct engine *engine, struct oft_error *reterr)
{
    const char *path = engine_path(engine, engine->run, POOL_FILE);
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err code = pool_page_map(path, true, &engine->pools, &engine->pools_fd, reterr);
    if (is_foreign(code)) {
        (void)unlink(path);
        code = pool_page_map(path, true, &engine->pools, &engine->pools_fd, reterr);
    }
    return code == OFT_OK ? hand_to_workers(engine, path, engine->pools_fd, reterr) : code;
}

enum oft_err engine_limits_open(struct engine *engine, struct oft_error *reterr)
{
    const char *path = engine_path(engine, engine->run, LIMIT_FILE);
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err code = limit_page_map(path, true, &engine->limits, &engine->limits_fd, reterr);
    if (is_foreign(code)) {
        (void)unlink(path);
        code = limit_page_map(path, true, &engine->limits, &engine->limits_fd, reterr);
    }
    if (code == OFT_OK) {
        code = hand_to_workers(engine, path, engine->limits_fd, reterr);
    }
    return code == OFT_OK ? open_pools(engine, reterr) : code;
}

void engine_limits_close(struct engine *engine)
{
    limit_page_unmap(engine->limits, engine->limits_fd);
    pool_page_unmap(engine->pools, engine->pools_fd);
    engine->limits = NULL;
    engine->pools = NULL;
}

void engine_limits_begin(struct engine *engine)
{
    if (limit_page_idle(engine->limits, engine->limits_fd)) {
        limit_page_clear(engine->limits);
        pool_page_clear(engine->pools);
    }
}

/* ---- slots of a policy ------------------------------------------------------------------------- */

struct claiming {
    struct engine *engine;
    struct policy_view view;
    bool *fresh; /* by limit: its slot was made just now */
    int64_t number[LIMIT_PERIOD_COUNT];
    struct oft_error *reterr;
};

/* What SUBJECT's ID has spent in the periods that run is in LIMIT's slot from now on. */
static enum oft_err load(struct claiming *it, uint32_t limit, enum store_spent_subject subject,
                         uint64_t id)
{
    enum oft_err code = OFT_OK;
    if (limit == POLICY_NONE || !it->fresh[limit]) {
        return OFT_OK;
    }
    struct limit_slot *slot = limit_page_find(it->engine->limits, it->view.limits[limit].id);
    for (int period = 0; code == OFT_OK && period < LIMIT_PERIOD_COUNT; period++) {
        struct store_spent spent = {subject, id, (enum deal_budget_period)period,
                                    it->number[period], 0};
        code = store_spent_get(it->engine->store, &spent, it->reterr);
        if (code == OFT_OK) {
            limit_money_settle(limit_cell(slot, (enum limit_period)period, it->number[period]), 0,
                               spent.nanos);
        }
    }
    return code;
}

static enum oft_err claim_slots(struct claiming *it)
{
    for (uint32_t i = 0; i < it->view.limit_count; i++) {
        it->fresh[i] = limit_page_find(it->engine->limits, it->view.limits[i].id) == NULL;
        if (limit_page_claim(it->engine->limits, it->view.limits[i].id) == NULL) {
            return oft_fail(it->reterr, OFT_ERR_LIMIT,
                            "there are more limits than the gateway can keep (%u since it "
                            "started); revoke keys that have limits, or restart",
                            LIMIT_SLOTS_USED_MAX);
        }
    }
    return OFT_OK;
}

static enum oft_err load_all(struct claiming *it)
{
    const struct policy_view *view = &it->view;
    enum oft_err code = OFT_OK;
    for (uint32_t i = 0; code == OFT_OK && i < view->product_count; i++) {
        code =
            load(it, policy_limit_of_product(view, i), STORE_SPENT_PRODUCT, view->products[i].id);
    }
    for (uint32_t i = 0; code == OFT_OK && i < view->account_count; i++) {
        code =
            load(it, policy_limit_of_account(view, i), STORE_SPENT_ACCOUNT, view->accounts[i].id);
    }
    for (uint64_t i = 0; code == OFT_OK && i < view->key_slot_count; i++) {
        const struct policy_key *key = &view->key_slots[i];
        code = key->key_id == 0 ? OFT_OK : load(it, key->limit, STORE_SPENT_KEY, key->key_id);
    }
    for (uint32_t i = 0; code == OFT_OK && i < view->ceiling_count; i++) {
        code = load(it, view->ceilings[i].limit, STORE_SPENT_POOL,
                    view->pools[view->ceilings[i].pool].id);
    }
    return code;
}

enum oft_err engine_limits_claim(struct engine *engine, const struct oft_buffer *bytes,
                                 oft_instant now_ns, struct oft_error *reterr)
{
    struct claiming it = {.engine = engine, .reterr = reterr};
    struct oft_arena arena;
    oft_instant now = engine_contract_now(engine, now_ns);
    enum oft_err code = policy_open(&it.view, bytes->data, bytes->length, reterr);
    if (code != OFT_OK) {
        return code;
    }
    for (uint32_t i = 0; i < it.view.pool_count; i++) {
        /* One without a slot counts as up, always. */
        (void)pool_page_claim(engine->pools, it.view.pools[i].id);
    }
    if (it.view.limit_count == 0) {
        return OFT_OK;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    it.fresh = oft_arena_alloc_array(&arena, it.view.limit_count, sizeof(*it.fresh));
    it.number[LIMIT_DAY] = policy_period_number(it.view.days, it.view.day_count, now);
    it.number[LIMIT_MONTH] = policy_period_number(it.view.months, it.view.month_count, now);
    code = it.fresh == NULL ? OFT_ERR_MEMORY : claim_slots(&it);
    if (code == OFT_OK) {
        code = load_all(&it);
    }
    oft_arena_release(&arena);
    return code;
}

void engine_limits_turn(struct engine *engine, oft_instant now_ns)
{
    oft_instant now = engine_contract_now(engine, now_ns);
    int64_t number[LIMIT_PERIOD_COUNT] = {now / OFT_NS_PER_DAY, deal_month_of(engine->deal, now)};
    for (int period = 0; period < LIMIT_PERIOD_COUNT; period++) {
        if (!engine->limits_turned || engine->limits_number[period] != number[period]) {
            limit_page_turn(engine->limits, (enum limit_period)period, number[period]);
            engine->limits_number[period] = number[period];
        }
    }
    engine->limits_turned = true;
}
