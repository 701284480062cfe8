/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How the pools are doing, as all workers and the daemon know it: in the page
 * of policy/pools.h.  Here it is mapped, and what became of an attempt is
 * told to it.
 */

#include "ngx_http_offtake.h"


ngx_int_t
ngx_http_offtake_health_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    u_char                      path[NGX_MAX_PATH];
    uint32_t                    i;
    struct oft_error            error;
    ngx_http_offtake_worker_t  *worker = omcf->worker;

    ngx_memzero(&error, sizeof(error));
    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/" POOL_FILE, &omcf->run) = 0;

    if (pool_page_map((char *) path, 0, &worker->pool_page, &worker->pool_fd,
                      &error)
        != OFT_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "pools that fail are not spared: %s", error.message);
        worker->pool_page = NULL;
        return NGX_OK;
    }

    /* What workers that died had running is over. */
    for (i = 0; worker->limit_page != NULL && i < POOL_ROW_COUNT; i++) {
        if (i == worker->limits->row) {
            pool_row_open(worker->pool_page, i);

        } else if (atomic_load(&worker->limit_page->rows[i].used) == 0) {
            pool_row_clear(worker->pool_page, i);
        }
    }

    return NGX_OK;
}


/* The slot of each pool of a policy; NULL: it counts as up. */

ngx_int_t
ngx_http_offtake_health_find(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_policy_t *policy, ngx_log_t *log)
{
    uint32_t  i;

    policy->pools = ngx_calloc((policy->view.pool_count + 1)
                               * sizeof(struct pool_slot *), log);
    if (policy->pools == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; worker->pool_page != NULL && i < policy->view.pool_count; i++)
    {
        policy->pools[i] = pool_page_find(worker->pool_page,
                                          policy->view.pools[i].id);
    }

    return NGX_OK;
}


static struct pool_slot *
ngx_http_offtake_slot(ngx_http_offtake_ctx_t *ctx)
{
    return ctx->candidate == NULL ? NULL
                                  : ctx->policy->pools[ctx->candidate->pool];
}


static int64_t
ngx_http_offtake_now(void)
{
    return (int64_t) ngx_current_msec * 1000000;
}


/* An attempt begins.  0: the pool is asked by another request just now. */

ngx_uint_t
ngx_http_offtake_health_begin(ngx_http_offtake_ctx_t *ctx)
{
    struct pool_slot  *slot = ngx_http_offtake_slot(ctx);

    ngx_http_offtake_health_end(ctx);

    /* What is asked for by its id is at that pool and at no other. */
    if (!pool_enter(slot, ngx_http_offtake_now()) && !ctx->by_id) {
        return 0;
    }

    pool_began(ctx->worker->pool_page, ctx->worker->limits->row, slot);
    ctx->running_in = slot;
    ctx->attempt_msec = ngx_current_msec;

    return 1;
}


void
ngx_http_offtake_health_end(ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->running_in != NULL) {
        pool_ended(ctx->worker->pool_page, ctx->worker->limits->row,
                   ctx->running_in);
        ctx->running_in = NULL;
    }
}


/* For those who watch: what became of the breaker. */

static void
ngx_http_offtake_tell_breaker(ngx_http_offtake_ctx_t *ctx,
    struct pool_slot *slot)
{
    uint64_t              down_until_ms;
    enum counter_breaker  breaker;

    if (slot == NULL) {
        return;
    }

    down_until_ms = (uint64_t) atomic_load(&slot->down_until_ns) / 1000000;
    breaker = atomic_load(&slot->open) == 0 ? COUNTER_CLOSED : COUNTER_OPEN;

    if (breaker == COUNTER_OPEN && down_until_ms <= ngx_current_msec) {
        breaker = COUNTER_HALF_OPEN;
    }

    counter_pool_state(&ctx->worker->counters,
                       ctx->policy->view.pools[ctx->candidate->pool].id,
                       ngx_current_msec,
                       breaker == COUNTER_CLOSED ? 0 : down_until_ms, breaker);
}


/* SECONDS: as long as the provider said; 0: a growing pause of our own. */

void
ngx_http_offtake_health_down(ngx_http_offtake_ctx_t *ctx, ngx_uint_t seconds)
{
    struct pool_slot  *slot = ngx_http_offtake_slot(ctx);

    if (seconds > POOL_PAUSE_NS_MAX / 1000000000) {
        seconds = POOL_PAUSE_NS_MAX / 1000000000;
    }

    pool_failed(slot, POOL_HARD, (int64_t) seconds * 1000000000,
                ngx_http_offtake_now());
    ngx_http_offtake_tell_breaker(ctx, slot);
}


void
ngx_http_offtake_health_failed(ngx_http_offtake_ctx_t *ctx)
{
    struct pool_slot  *slot = ngx_http_offtake_slot(ctx);

    pool_failed(slot, POOL_SOFT, 0, ngx_http_offtake_now());

    if (slot != NULL && atomic_load(&slot->open) != 0) {
        ngx_http_offtake_tell_breaker(ctx, slot);
    }
}


void
ngx_http_offtake_health_up(ngx_http_offtake_ctx_t *ctx)
{
    ngx_uint_t         was_open;
    struct pool_slot  *slot = ngx_http_offtake_slot(ctx);

    was_open = slot != NULL && atomic_load(&slot->open) != 0;
    pool_succeeded(slot, ngx_http_offtake_now());

    if (was_open) {
        ngx_http_offtake_tell_breaker(ctx, slot);
    }
}


/* The first byte of an answer is there. */

void
ngx_http_offtake_health_measured(ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->running_in != NULL) {
        pool_measured(ctx->running_in,
                      (int64_t) (ngx_current_msec - ctx->attempt_msec)
                      * 1000000,
                      ngx_http_offtake_now());
    }
}


/* Seconds until the first of the allowed pools may be tried again. */

ngx_uint_t
ngx_http_offtake_health_wait(ngx_http_offtake_ctx_t *ctx)
{
    int64_t            now = ngx_http_offtake_now(), wait, soonest = 0;
    uint32_t           i;
    struct pool_slot  *slot;

    for (i = 0; i < ctx->answer->eligible_count; i++) {
        slot = ctx->policy->pools[ctx->answer->choices[i].candidate->pool];
        wait = pool_wait(slot, now);

        if (wait > 0 && (soonest == 0 || wait < soonest)) {
            soonest = wait;
        }
    }

    return soonest == 0 ? 5 : (ngx_uint_t) ((soonest + 999999999)
                                            / 1000000000);
}
