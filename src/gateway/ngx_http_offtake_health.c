/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which pools are cooling down, shared by all workers and kept over a reload.
 * A slot is claimed once for a pool's id and never given back: there are far
 * more slots than a deal may have pools.
 */

#include "ngx_http_offtake.h"

#define OFFTAKE_COOL_SECONDS_MAX  30


static ngx_int_t
ngx_http_offtake_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *slab;

    if (data != NULL) {
        zone->data = data; /* the old cycle's: a reload forgets nothing */
        return NGX_OK;
    }

    slab = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = slab->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(slab, sizeof(ngx_http_offtake_shared_t));
    if (zone->data == NULL) {
        return NGX_ERROR;
    }

    slab->data = zone->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_health_zone(ngx_conf_t *cf,
    ngx_http_offtake_main_conf_t *omcf)
{
    static ngx_str_t  name = ngx_string("offtake");

    omcf->zone = ngx_shared_memory_add(cf, &name, 256 * 1024,
                                       &ngx_http_offtake_module);
    if (omcf->zone == NULL) {
        return NGX_ERROR;
    }

    omcf->zone->init = ngx_http_offtake_zone_init;

    return NGX_OK;
}


static ngx_http_offtake_slot_t *
ngx_http_offtake_slot(ngx_http_offtake_main_conf_t *omcf, uint64_t pool_id)
{
    ngx_uint_t                  i, at;
    ngx_http_offtake_slot_t    *slot;
    ngx_http_offtake_shared_t  *shared = omcf->zone->data;

    for (i = 0; i < NGX_HTTP_OFFTAKE_SLOTS; i++) {
        at = (ngx_uint_t) ((pool_id + i) % NGX_HTTP_OFFTAKE_SLOTS);
        slot = &shared->slots[at];

        if (slot->pool_id == (ngx_atomic_uint_t) pool_id) {
            return slot;
        }

        if (slot->pool_id == 0
            && (ngx_atomic_cmp_set(&slot->pool_id, 0,
                                   (ngx_atomic_uint_t) pool_id)
                || slot->pool_id == (ngx_atomic_uint_t) pool_id))
        {
            return slot;
        }
    }

    return NULL;
}


void
ngx_http_offtake_health_fill(ngx_http_offtake_main_conf_t *omcf,
    ngx_http_offtake_policy_t *policy)
{
    uint32_t                  i;
    ngx_http_offtake_slot_t  *slot;

    for (i = 0; i < policy->view.pool_count; i++) {
        slot = ngx_http_offtake_slot(omcf, policy->view.pools[i].id);
        policy->health[i].down_until_ns =
            slot == NULL ? 0 : (int64_t) slot->down_until_ms;
    }
}


/* SECONDS 0: a growing pause of our own, 1, 2, 4, ... */

void
ngx_http_offtake_health_down(ngx_http_offtake_main_conf_t *omcf,
    uint64_t pool_id, ngx_uint_t seconds)
{
    ngx_uint_t                failures;
    ngx_http_offtake_slot_t  *slot;

    slot = ngx_http_offtake_slot(omcf, pool_id);
    if (slot == NULL) {
        return;
    }

    failures = ngx_atomic_fetch_add(&slot->failures, 1);

    if (seconds == 0) {
        seconds = failures > 4 ? 16 : (ngx_uint_t) 1 << failures;
    }

    if (seconds > OFFTAKE_COOL_SECONDS_MAX) {
        seconds = OFFTAKE_COOL_SECONDS_MAX;
    }

    slot->down_until_ms = (ngx_atomic_uint_t) (ngx_current_msec
                                               + seconds * 1000);

    counter_pool_state(&omcf->worker->counters, pool_id, ngx_current_msec,
                       slot->down_until_ms, COUNTER_OPEN);
}


void
ngx_http_offtake_health_up(ngx_http_offtake_main_conf_t *omcf,
    uint64_t pool_id)
{
    ngx_http_offtake_slot_t  *slot;

    slot = ngx_http_offtake_slot(omcf, pool_id);
    if (slot != NULL && slot->failures != 0) {
        slot->failures = 0;
        slot->down_until_ms = 0;
        counter_pool_state(&omcf->worker->counters, pool_id, ngx_current_msec,
                           0, COUNTER_CLOSED);
    }
}


/* Seconds until the first of the allowed pools may be tried again. */

ngx_uint_t
ngx_http_offtake_health_wait(ngx_http_offtake_main_conf_t *omcf,
    ngx_http_offtake_ctx_t *ctx)
{
    int64_t                    now = (int64_t) ngx_current_msec, soonest = 0;
    uint32_t                   i;
    struct policy_pool_health *health;

    for (i = 0; i < ctx->answer->eligible_count; i++) {
        health = &ctx->policy->health[ctx->answer->choices[i].candidate->pool];

        if (health->down_until_ns > now
            && (soonest == 0 || health->down_until_ns < soonest))
        {
            soonest = health->down_until_ns;
        }
    }

    return soonest == 0 ? 5 : (ngx_uint_t) ((soonest - now + 999) / 1000);
}
