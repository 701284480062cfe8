/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of a pool.  One that its provider refuses (401, 402, 403) or
 * throttles (429) cools down, for all workers and over a reload, and the next
 * one of the same pool is tried before another pool is.  A pool all of whose
 * keys are cooling is passed over.  Where a pool has one key alone, all of
 * this is the pool's own cool-down (health.c) and costs nothing.
 */

#include "ngx_http_offtake.h"

#define OFFTAKE_KEY_SLOTS           4096
#define OFFTAKE_KEY_THROTTLED_MAX   30   /* seconds */
#define OFFTAKE_KEY_REFUSED         60


/* Found by the credential's id; claimed once and never given back. */
typedef struct {
    ngx_atomic_t  id;
    ngx_atomic_t  down_until_ms;
    ngx_atomic_t  generation;  /* of the policy whose secret was refused, or 0 */
    ngx_atomic_t  failures;    /* in a row */
    ngx_atomic_t  refused;     /* since nginx was started */
} ngx_http_offtake_key_slot_t;

typedef struct {
    ngx_http_offtake_key_slot_t  slots[OFFTAKE_KEY_SLOTS];
} ngx_http_offtake_key_table_t;


static ngx_int_t
ngx_http_offtake_keys_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t  *slab;

    if (data != NULL) {
        zone->data = data;
        return NGX_OK;
    }

    slab = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = slab->data;
        return NGX_OK;
    }

    zone->data = ngx_slab_calloc(slab, sizeof(ngx_http_offtake_key_table_t));
    if (zone->data == NULL) {
        return NGX_ERROR;
    }

    slab->data = zone->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_keys_zone(ngx_conf_t *cf, ngx_http_offtake_main_conf_t *omcf)
{
    static ngx_str_t  name = ngx_string("offtake_keys");

    omcf->key_zone = ngx_shared_memory_add(cf, &name, 512 * 1024,
                                           &ngx_http_offtake_module);
    if (omcf->key_zone == NULL) {
        return NGX_ERROR;
    }

    omcf->key_zone->init = ngx_http_offtake_keys_init;

    return NGX_OK;
}


static ngx_http_offtake_key_slot_t *
ngx_http_offtake_key_slot(ngx_http_offtake_main_conf_t *omcf, uint64_t id)
{
    ngx_uint_t                     i;
    ngx_http_offtake_key_slot_t   *slot;
    ngx_http_offtake_key_table_t  *table = omcf->key_zone->data;

    for (i = 0; i < OFFTAKE_KEY_SLOTS; i++) {
        slot = &table->slots[(id + i) % OFFTAKE_KEY_SLOTS];

        if (slot->id == (ngx_atomic_uint_t) id) {
            return slot;
        }

        if (slot->id == 0
            && (ngx_atomic_cmp_set(&slot->id, 0, (ngx_atomic_uint_t) id)
                || slot->id == (ngx_atomic_uint_t) id))
        {
            return slot;
        }
    }

    return NULL;
}


/* Milliseconds until this key may be tried again; 0: now. */

static ngx_msec_t
ngx_http_offtake_key_wait(ngx_http_offtake_main_conf_t *omcf,
    ngx_http_offtake_policy_t *policy, uint32_t credential)
{
    ngx_msec_int_t                left;
    ngx_http_offtake_key_slot_t  *slot;

    slot = ngx_http_offtake_key_slot(omcf,
                                 policy->view.credentials[credential].id);

    if (slot == NULL || slot->down_until_ms == 0
        || (slot->generation != 0
            && slot->generation
               != (ngx_atomic_uint_t) policy->view.header->generation))
    {
        return 0; /* a newer policy may have read another secret */
    }

    left = (ngx_msec_int_t) (slot->down_until_ms - ngx_current_msec);

    return left > 0 ? (ngx_msec_t) left : 0;
}


/* The first key of ENDPOINT at or behind FROM that may be tried; or
 * POLICY_NONE, and how long until one may. */

static uint32_t
ngx_http_offtake_key_find(ngx_http_offtake_main_conf_t *omcf,
    ngx_http_offtake_policy_t *policy, const struct policy_endpoint *endpoint,
    uint32_t from, ngx_msec_t *wait)
{
    uint32_t    i;
    ngx_msec_t  one;

    for (i = from; i < endpoint->credential_count; i++) {
        one = ngx_http_offtake_key_wait(omcf, policy,
                                        endpoint->credential + i);
        if (one == 0) {
            return i;
        }
        if (*wait == 0 || one < *wait) {
            *wait = one;
        }
    }

    return POLICY_NONE;
}


/* A pool was chosen: which of its keys? */

void
ngx_http_offtake_key_choose(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    ngx_msec_t                     wait = 0;
    ngx_http_offtake_main_conf_t  *omcf;

    ctx->credential = endpoint->credential;

    if (endpoint->credential_count > 1) {
        omcf = ngx_http_get_module_main_conf(ctx->request,
                                             ngx_http_offtake_module);
        ctx->key_at = ngx_http_offtake_key_find(omcf, ctx->policy, endpoint,
                                                0, &wait);
        if (ctx->key_at == POLICY_NONE) {
            ctx->key_at = 0; /* they began to cool just now */
        }
        ctx->credential += ctx->key_at;
    }
}


/* Puts choices all of whose keys are cooling behind those that may be tried.
 * The wait until the first of them may, in seconds; 0: nothing waits. */

ngx_uint_t
ngx_http_offtake_keys_sort(ngx_http_offtake_ctx_t *ctx)
{
    uint32_t                       i, up = 0, count = ctx->answer->up_count;
    ngx_msec_t                     wait = 0;
    struct policy_choice           choice, *choices = ctx->answer->choices;
    const struct policy_endpoint  *endpoint;
    ngx_http_offtake_main_conf_t  *omcf;

    if (!ctx->policy->several_keys) {
        return 0;
    }

    omcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_offtake_module);

    for (i = 0; i < count; i++) {
        choice = choices[i];
        endpoint = &ctx->policy->view.endpoints[choice.candidate->endpoint];

        if (endpoint->credential_count > 1
            && ngx_http_offtake_key_find(omcf, ctx->policy, endpoint, 0, &wait)
               == POLICY_NONE)
        {
            continue;
        }

        if (i != up) {
            ngx_memmove(&choices[up + 1], &choices[up],
                        (i - up) * sizeof(struct policy_choice));
            choices[up] = choice;
        }
        up++;
    }

    ctx->answer->up_count = up;

    return (wait + 999) / 1000;
}


/*
 * The provider answered STATUS: does it mean the key, and is there another
 * one of this pool?  Then the next attempt is with that one.
 */

ngx_uint_t
ngx_http_offtake_key_answered(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_uint_t status)
{
    uint32_t                       next;
    ngx_uint_t                     failures, seconds, denied;
    ngx_msec_t                     wait = 0;
    const struct policy_endpoint  *endpoint;
    ngx_http_offtake_key_slot_t   *slot;
    ngx_http_offtake_main_conf_t  *omcf;

    ctx->next_key = 0;

    endpoint = &ctx->policy->view.endpoints[ctx->candidate->endpoint];
    if (endpoint->credential_count <= 1) {
        return 0;
    }

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);
    slot = ngx_http_offtake_key_slot(omcf,
                          ctx->policy->view.credentials[ctx->credential].id);

    denied = status == 401 || status == 402 || status == 403;

    if (!denied && status != 429) {
        if (slot != NULL && slot->failures != 0 && status < 400) {
            slot->failures = 0;
            slot->down_until_ms = 0;
        }
        return 0;
    }

    if (slot != NULL) {
        failures = ngx_atomic_fetch_add(&slot->failures, 1);
        (void) ngx_atomic_fetch_add(&slot->refused, 1);

        seconds = denied ? OFFTAKE_KEY_REFUSED
                  : ctx->retry_after != 0 ? ctx->retry_after
                  : failures > 4 ? 16 : (ngx_uint_t) 1 << failures;

        if (!denied && seconds > OFFTAKE_KEY_THROTTLED_MAX) {
            seconds = OFFTAKE_KEY_THROTTLED_MAX;
        }

        slot->generation = denied ? (ngx_atomic_uint_t)
                                    ctx->policy->view.header->generation : 0;
        slot->down_until_ms = (ngx_atomic_uint_t) (ngx_current_msec
                                                   + seconds * 1000);
    }

    next = ngx_http_offtake_key_find(omcf, ctx->policy, endpoint,
                                     ctx->key_at + 1, &wait);

    if (next == POLICY_NONE || ctx->record.attempts >= OFT_ATTEMPTS_MAX) {
        return 0;
    }

    ctx->next_key = 1;
    ctx->key_next = next;

    /* One try more than there are pools, as long as there is room for it. */
    if (r->upstream->peer.tries + ctx->record.attempts <= OFT_ATTEMPTS_MAX) {
        r->upstream->peer.tries++;
    }

    return 1;
}
