/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Server-sent events as they pass.  A client that asked for the usage gets
 * every byte at once, and a copy of the unfinished event is kept only to be
 * looked at.  A client that did not ask gets whole events, less the one that
 * exists only to carry the usage.
 */

#include "ngx_http_offtake.h"


#define OFFTAKE_TIER_EVENTS  4


/*
 * A stream that tells its service tier does so in each event, and surely in
 * one of its first; those that come later are not searched for it.
 */

static ngx_uint_t
ngx_http_offtake_tier_due(ngx_http_offtake_ctx_t *ctx, u_char *payload,
    u_char *end)
{
    return ctx->stream_tier == OFFTAKE_TIER_NONE
           && ctx->stream_events <= OFFTAKE_TIER_EVENTS
           && ngx_strlcasestrn(payload, end, (u_char *) "\"service_tier\"",
                               14 - 1)
              != NULL;
}


/* Looks at one whole event.  Returns 1 if it is the usage and nothing else. */

static ngx_uint_t
ngx_http_offtake_look(ngx_http_offtake_ctx_t *ctx, u_char *data,
    size_t length)
{
    u_char           *payload, *end = data + length;
    offtake_usage_t   usage;

    if (length >= 5 && ngx_memcmp(data, "data:", 5) == 0) {
        payload = data + 5;
    } else {
        payload = ngx_strlcasestrn(data, end, (u_char *) "\ndata:", 6 - 1);
        if (payload == NULL) {
            return 0; /* a comment */
        }
        payload += 6;
    }

    while (payload < end && *payload == ' ') {
        payload++;
    }

    if (end - payload >= 6 && ngx_memcmp(payload, "[DONE]", 6) == 0) {
        ctx->saw_done = 1;
        return 0;
    }

    ctx->stream_events++;

    if (memmem(payload, (size_t) (end - payload), "\"usage\"", 7) == NULL
        && !ngx_http_offtake_tier_due(ctx, payload, end))
    {
        return 0;
    }

    offtake_usage_init(&usage);
    offtake_usage_feed(&usage, (char *) payload, (size_t) (end - payload));

    if (usage.tier != OFFTAKE_TIER_NONE) {
        ctx->stream_tier = usage.tier;
    }

    if (!usage.has_usage) {
        return 0;
    }

    ctx->usage = usage;

    if (usage.has_choices) {
        return 0;
    }

    if (ctx->path == OFFTAKE_PATH_CHAT
        || ctx->path == OFFTAKE_PATH_COMPLETIONS)
    {
        ctx->stream_events--; /* it carries no part of the answer */
        return 1;
    }

    return 0;
}


/* Keeps DATA, the beginning or the middle of an event. */

static ngx_int_t
ngx_http_offtake_hold(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    u_char *data, size_t length)
{
    size_t      used, size;
    ngx_buf_t  *b = ctx->held, *larger;

    used = b == NULL ? 0 : (size_t) (b->last - b->pos);

    if (used + length > OFT_SSE_EVENT_BYTES_MAX) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "a provider's event is larger than %ui bytes",
                      (ngx_uint_t) OFT_SSE_EVENT_BYTES_MAX);
        return NGX_ERROR;
    }

    if (b == NULL || (size_t) (b->end - b->pos) < used + length) {
        size = 4096;
        while (size < used + length) {
            size *= 2;
        }

        larger = ngx_create_temp_buf(r->pool, size);
        if (larger == NULL) {
            return NGX_ERROR;
        }

        if (used > 0) {
            larger->last = ngx_cpymem(larger->last, b->pos, used);
        }

        ctx->held = larger;
        b = larger;
    }

    b->last = ngx_cpymem(b->last, data, length);

    return NGX_OK;
}


/* The event that began earlier is whole now. */

static ngx_int_t
ngx_http_offtake_held_event(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_buf_t  *b = ctx->held;
    ngx_uint_t  drop;

    drop = ngx_http_offtake_look(ctx, b->pos, (size_t) (b->last - b->pos));
    ctx->held_looked = 0;

    if (!ctx->strip_usage) {
        b->last = b->pos; /* its bytes are sent already */
        return NGX_OK;
    }

    if (drop) {
        b->last = b->pos;
        return NGX_OK;
    }

    /* Sent from where it is held, so the next one needs room of its own. */
    ctx->held = NULL;

    return ngx_http_offtake_emit(r, b->pos, (size_t) (b->last - b->pos));
}


/* How much of DATA ends the held event; 0 if it does not end here. */

static ngx_int_t
ngx_http_offtake_finish_held(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char **data, u_char *end)
{
    size_t      used, whole, take;
    ngx_buf_t  *b = ctx->held;

    used = (size_t) (b->last - b->pos);
    take = (size_t) (end - *data);

    if (ngx_http_offtake_hold(r, ctx, *data, take) != NGX_OK) {
        return NGX_ERROR;
    }

    b = ctx->held;
    whole = offtake_event_end((char *) b->pos, used + take,
                              ctx->held_looked);

    if (whole == 0) {
        ctx->held_looked = used + take;
        *data = end;
        return NGX_OK;
    }

    b->last = b->pos + whole;
    *data += whole - used;

    return ngx_http_offtake_held_event(r, ctx);
}


static ngx_uint_t
ngx_http_offtake_holding(ngx_http_offtake_ctx_t *ctx)
{
    return ctx->held != NULL && ctx->held->last > ctx->held->pos;
}


ngx_int_t
ngx_http_offtake_stream_bytes(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char *data, size_t length)
{
    size_t   whole;
    u_char  *end = data + length, *run = data;

    if (!ctx->strip_usage
        && ngx_http_offtake_emit(r, data, length) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_offtake_holding(ctx)) {
        if (ngx_http_offtake_finish_held(r, ctx, &data, end) != NGX_OK) {
            return NGX_ERROR;
        }
        run = data;
    }

    while (data < end) {
        whole = offtake_event_end((char *) data, (size_t) (end - data), 0);

        if (whole == 0) {
            break;
        }

        if (ngx_http_offtake_look(ctx, data, whole) && ctx->strip_usage) {
            if (ngx_http_offtake_emit(r, run, (size_t) (data - run))
                != NGX_OK)
            {
                return NGX_ERROR;
            }
            run = data + whole;
        }

        data += whole;
    }

    if (ctx->strip_usage
        && ngx_http_offtake_emit(r, run, (size_t) (data - run)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->held_looked = 0;

    return data < end
           ? ngx_http_offtake_hold(r, ctx, data, (size_t) (end - data))
           : NGX_OK;
}
