/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Server-sent events as they pass: whole events, handed on where they lie in
 * the buffer, less the one that exists only to carry a usage that the client
 * did not ask for.  Only the beginning of an event whose end is not here yet
 * is copied, so that a stream that breaks off ends between two events.
 */

#include "ngx_http_offtake.h"


#define OFFTAKE_TIER_EVENTS  4
#define OFFTAKE_HELD_MAX     (64 * 1024)
#define OFFTAKE_LINGER       1000  /* ms, for the last chunk after the end */

/* An event too large to hold: its usage is read as it passes. */
struct ngx_http_offtake_large_s {
    offtake_lines_t      lines;
    offtake_usage_t      usage;
};


/*
 * A stream that tells its service tier does so in each event, and surely in
 * one of its first; those that come later are not searched for it.
 */

static ngx_uint_t
ngx_http_offtake_tier_due(ngx_http_offtake_ctx_t *ctx,
    offtake_event_t *event)
{
    return ctx->stream_tier == OFFTAKE_TIER_NONE
           && ctx->stream_events <= OFFTAKE_TIER_EVENTS
           && memmem(event->payload, (size_t) (event->end - event->payload),
                     "\"service_tier\"", 14)
              != NULL;
}


/* The provider says that this was all, or that it failed. */

static void
ngx_http_offtake_note_kind(ngx_http_offtake_ctx_t *ctx,
    offtake_event_t *event)
{
    if (event->kind == OFFTAKE_EVENT_END) {
        ctx->saw_done = 1;
        if (!ctx->client_gone) {
            ctx->upstream_conf.read_timeout = OFFTAKE_LINGER;
        }

    } else if (event->kind == OFFTAKE_EVENT_ERROR) {
        ctx->told_error = 1;
    }

    if (!event->done && !ctx->client_gone) {
        ctx->stream_events++;
    }
}


/* Returns 1 if the event is the usage and nothing else. */

static ngx_uint_t
ngx_http_offtake_note_usage(ngx_http_offtake_ctx_t *ctx,
    offtake_usage_t *usage)
{
    if (usage->tier != OFFTAKE_TIER_NONE) {
        ctx->stream_tier = usage->tier;
    }

    if (!usage->has_usage) {
        return 0;
    }

    offtake_usage_merge(&ctx->usage, usage);

    if (usage->has_choices || !ctx->strip_usage) {
        return 0;
    }

    return ctx->path == OFFTAKE_PATH_CHAT
           || ctx->path == OFFTAKE_PATH_COMPLETIONS;
}


/* Looks at one whole event.  Returns 1 if the client must not have it. */

static ngx_uint_t
ngx_http_offtake_look(ngx_http_offtake_ctx_t *ctx, u_char *data,
    size_t length)
{
    ngx_uint_t        drop;
    offtake_event_t   event;
    offtake_lines_t   lines;
    offtake_usage_t   usage;

    offtake_event_look((char *) data, length, &event);

    if (event.payload == NULL) {
        return 0;
    }

    ngx_http_offtake_note_kind(ctx, &event);

    if (event.done || (!offtake_usage_told(event.payload, event.end)
                       && !ngx_http_offtake_tier_due(ctx, &event)))
    {
        return 0;
    }

    offtake_lines_init(&lines);
    offtake_usage_init(&usage);
    offtake_lines_feed(&lines, &usage, (char *) data, length);

    drop = ngx_http_offtake_note_usage(ctx, &usage);

    if (drop && !ctx->client_gone) {
        ctx->stream_events--; /* it carries no part of the answer */
    }

    return drop;
}


/* Buffers that were sent from hold the next events. */

void
ngx_http_offtake_stream_sent(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_chain_t  *cl;

    if (ctx->held_sent == NULL || r->upstream->out_bufs != NULL
        || r->upstream->busy_bufs != NULL)
    {
        return;
    }

    for (cl = ctx->held_sent; cl->next; cl = cl->next) {
        /* void */
    }

    cl->next = ctx->held_free;
    ctx->held_free = ctx->held_sent;
    ctx->held_sent = NULL;
}


static ngx_buf_t *
ngx_http_offtake_held_buffer(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, size_t needed)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (size = 4096; size < needed; size *= 2) {
        /* void */
    }

    if (size == 4096 && ctx->held_free != NULL) {
        cl = ctx->held_free;
        ctx->held_free = cl->next;
        b = cl->buf;
        ngx_free_chain(r->pool, cl);
        b->pos = b->start;
        b->last = b->start;
        return b;
    }

    return ngx_create_temp_buf(r->pool, size);
}


/* What was held is sent from where it lies; the next needs its own room. */

static ngx_int_t
ngx_http_offtake_send_held(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_buf_t    *b = ctx->held;
    ngx_chain_t  *cl;

    ctx->held = NULL;

    if (b->end - b->start == 4096) {
        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }
        cl->buf = b;
        cl->next = ctx->held_sent;
        ctx->held_sent = cl;
    }

    return ngx_http_offtake_emit(r, b->pos, (size_t) (b->last - b->pos));
}


/* Too large to hold: it passes as it comes, and its usage is read on the
 * way. */

static ngx_int_t
ngx_http_offtake_grow_large(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_buf_t        *b = ctx->held;
    offtake_event_t   event;

    ctx->large = ngx_palloc(r->pool, sizeof(ngx_http_offtake_large_t));
    if (ctx->large == NULL) {
        return NGX_ERROR;
    }

    offtake_lines_init(&ctx->large->lines);
    offtake_usage_init(&ctx->large->usage);
    offtake_lines_feed(&ctx->large->lines, &ctx->large->usage,
                       (char *) b->pos, (size_t) (b->last - b->pos));

    offtake_event_look((char *) b->pos, (size_t) (b->last - b->pos), &event);
    if (event.payload != NULL) {
        ngx_http_offtake_note_kind(ctx, &event);
    }

    return ngx_http_offtake_send_held(r, ctx);
}


/* Keeps DATA, the beginning or the middle of an event. */

static ngx_int_t
ngx_http_offtake_hold(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    u_char *data, size_t length)
{
    size_t      used;
    ngx_buf_t  *b = ctx->held, *larger;

    used = b == NULL ? 0 : (size_t) (b->last - b->pos);

    if (b == NULL || (size_t) (b->end - b->pos) < used + length) {
        larger = ngx_http_offtake_held_buffer(r, ctx, used + length);
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

    return used + length > OFFTAKE_HELD_MAX
           ? ngx_http_offtake_grow_large(r, ctx) : NGX_OK;
}


static ngx_uint_t
ngx_http_offtake_holding(ngx_http_offtake_ctx_t *ctx)
{
    return ctx->held != NULL && ctx->held->last > ctx->held->pos;
}


/* The event that is held is whole. */

static ngx_int_t
ngx_http_offtake_held_event(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_buf_t  *b = ctx->held;

    if (ngx_http_offtake_look(ctx, b->pos, (size_t) (b->last - b->pos))) {
        b->last = b->pos;
        return NGX_OK;
    }

    return ngx_http_offtake_send_held(r, ctx);
}


/* DATA goes on with an event that began earlier; ENDS, if it does there. */

static ngx_int_t
ngx_http_offtake_go_on(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    u_char *data, size_t length, ngx_uint_t ends)
{
    if (ctx->large == NULL) {
        if (ngx_http_offtake_hold(r, ctx, data, length) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ends && ctx->large == NULL) {
            return ngx_http_offtake_held_event(r, ctx);
        }

    } else {
        offtake_lines_feed(&ctx->large->lines, &ctx->large->usage,
                           (char *) data, length);
        if (ngx_http_offtake_emit(r, data, length) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ends) {
        (void) ngx_http_offtake_note_usage(ctx, &ctx->large->usage);
        ctx->large = NULL;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_stream_bytes(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char *data, size_t length)
{
    size_t   whole;
    u_char  *end = data + length, *run;

    if (ctx->large != NULL || ngx_http_offtake_holding(ctx)) {
        whole = offtake_cut(&ctx->cut_state, (char *) data, length);

        if (ngx_http_offtake_go_on(r, ctx, data, whole ? whole : length,
                                   whole != 0)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        data += whole ? whole : length;
    }

    run = data;

    while (data < end) {
        whole = offtake_cut(&ctx->cut_state, (char *) data,
                            (size_t) (end - data));
        if (whole == 0) {
            break;
        }

        if (ngx_http_offtake_look(ctx, data, whole)) {
            if (ngx_http_offtake_emit(r, run, (size_t) (data - run))
                != NGX_OK)
            {
                return NGX_ERROR;
            }
            run = data + whole;
        }

        data += whole;
    }

    if (ngx_http_offtake_emit(r, run, (size_t) (data - run)) != NGX_OK) {
        return NGX_ERROR;
    }

    return data < end
           ? ngx_http_offtake_hold(r, ctx, data, (size_t) (end - data))
           : NGX_OK;
}


/* The stream came to its end: so did an event that lacks its blank line. */

ngx_int_t
ngx_http_offtake_stream_end(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->large != NULL) {
        (void) ngx_http_offtake_note_usage(ctx, &ctx->large->usage);
        ctx->large = NULL;
    }

    return ngx_http_offtake_holding(ctx)
           ? ngx_http_offtake_held_event(r, ctx) : NGX_OK;
}
