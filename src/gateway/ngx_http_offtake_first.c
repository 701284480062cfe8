/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The two ends of a stream.  Its first event is read before 200 is given to
 * the client: while the answer can still be another pool's.  And when it
 * breaks off, the client is told so in the form of its API, and finds its
 * connection cut as well.
 */

#include "ngx_http_offtake.h"

#define OFFTAKE_ERROR_SPARE  320


offtake_form_t
ngx_http_offtake_form(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    (void) r;

    if (ctx->path == POLICY_PATH_RESPONSES) {
        return OFFTAKE_FORM_RESPONSES;
    }

    return ctx->path == POLICY_PATH_MESSAGES ? OFFTAKE_FORM_MESSAGES
                                             : OFFTAKE_FORM_CHAT;
}


/* The first event is an error: what the client gets if nobody else answers. */

static ngx_int_t
ngx_http_offtake_refused(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    offtake_error_t *error)
{
    size_t   size;
    u_char  *body;

    size = OFFTAKE_ERROR_SPARE + error->message.length + error->type.length
           + error->code.length;
    body = ngx_pnalloc(r->pool, size);
    if (body == NULL) {
        return NGX_ERROR;
    }

    ctx->first_error.data = body;
    ctx->first_error.len = offtake_error_body(ngx_http_offtake_form(r, ctx),
                                              error, (char *) body, size);
    ctx->upstream_status = error->status;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "pool \"%V\" answered 200 and then an error, as of %ui",
                  r->upstream->peer.name, ctx->upstream_status);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


/* What the client gets of it: a credential of ours is not its business. */

ngx_uint_t
ngx_http_offtake_first_status(ngx_http_offtake_ctx_t *ctx)
{
    switch (ctx->upstream_status) {
    case 401:
    case 402:
    case 403:
        return NGX_HTTP_BAD_GATEWAY;
    default:
        return ctx->upstream_status;
    }
}


/* NGX_AGAIN: this event decides nothing, the next may. */

static ngx_int_t
ngx_http_offtake_judge(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    u_char *data, size_t length)
{
    u_char           *scratch;
    offtake_error_t   error;
    offtake_event_t   event;

    offtake_event_look((char *) data, length, &event);

    if (event.payload == NULL) {
        ctx->first_comment = 1;
        return NGX_AGAIN;
    }

    /* The word may stand anywhere in a small event. */
    if (event.kind != OFFTAKE_EVENT_ERROR
        && memmem(data, length, "error", 5) == NULL)
    {
        return NGX_OK;
    }

    scratch = ngx_pnalloc(r->pool, length);
    if (scratch == NULL) {
        return NGX_ERROR;
    }

    return offtake_event_error((char *) data, length, (char *) scratch,
                               &error)
           ? ngx_http_offtake_refused(r, ctx, &error) : NGX_OK;
}


/* DATA is a stream's, without its framing. */

static ngx_int_t
ngx_http_offtake_first_bytes(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char *data, size_t length)
{
    size_t      whole;
    ngx_int_t   rc;
    ngx_buf_t  *b = ctx->held;

    while (length > 0) {
        whole = offtake_cut(&ctx->cut_state, (char *) data, length);

        if (b == NULL && whole == 0) {
            /* In pieces: as large as what the headers left of the buffer. */
            b = ngx_create_temp_buf(r->pool, r->upstream->conf->buffer_size);
            if (b == NULL) {
                return NGX_ERROR;
            }
            ctx->held = b;
        }

        if (whole == 0) {
            b->last = ngx_cpymem(b->last, data, length);
            return NGX_AGAIN;
        }

        if (b != NULL && b->last > b->pos) {
            b->last = ngx_cpymem(b->last, data, whole);
            rc = ngx_http_offtake_judge(r, ctx, b->pos,
                                        (size_t) (b->last - b->pos));
            b->last = b->pos;

        } else {
            rc = ngx_http_offtake_judge(r, ctx, data, whole);
        }

        if (rc != NGX_AGAIN) {
            return rc;
        }

        data += whole;
        length -= whole;
    }

    return NGX_AGAIN;
}


/* The stream is over, framing and all, and there was no whole event. */

static ngx_int_t
ngx_http_offtake_first_end(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t   rc = NGX_AGAIN;
    ngx_buf_t  *b = ctx->held;

    if (b != NULL && b->last > b->pos) {
        rc = ngx_http_offtake_judge(r, ctx, b->pos,
                                    (size_t) (b->last - b->pos));
    }

    if (rc != NGX_AGAIN) {
        return rc;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "pool \"%V\" answered 200 and not one event",
                  r->upstream->peer.name);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


static ngx_int_t
ngx_http_offtake_first_chunks(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_buf_t *piece)
{
    size_t     length;
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_http_parse_chunked(r, piece, &ctx->first_chunked);

        if (rc == NGX_OK) {
            length = (size_t) (piece->last - piece->pos);
            if ((off_t) length > ctx->first_chunked.size) {
                length = (size_t) ctx->first_chunked.size;
            }

            ctx->first_chunked.size -= (off_t) length;
            piece->pos += length;

            rc = ngx_http_offtake_first_bytes(r, ctx, piece->pos - length,
                                              length);
            if (rc != NGX_AGAIN) {
                return rc;
            }
            continue;
        }

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc != NGX_DONE) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "provider sent an invalid chunk");
            return NGX_HTTP_UPSTREAM_INVALID_HEADER;
        }

        return ngx_http_offtake_first_end(r, ctx);
    }
}


static ngx_int_t
ngx_http_offtake_first_look(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_buf_t             piece;
    ngx_http_upstream_t  *u = r->upstream;

    ngx_memzero(&piece, sizeof(piece));
    piece.pos = u->buffer.pos + ctx->first_seen;
    piece.last = u->buffer.last;
    ctx->first_seen = (size_t) (u->buffer.last - u->buffer.pos);

    if (u->headers_in.chunked) {
        return ngx_http_offtake_first_chunks(r, ctx, &piece);
    }

    rc = ngx_http_offtake_first_bytes(r, ctx, piece.pos,
                                      (size_t) (piece.last - piece.pos));

    if (rc == NGX_AGAIN && u->headers_in.content_length_n >= 0
        && (off_t) ctx->first_seen >= u->headers_in.content_length_n)
    {
        return ngx_http_offtake_first_end(r, ctx);
    }

    return rc;
}


/* Stands in for process_header until the first event decides. */

ngx_int_t
ngx_http_offtake_process_first(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_upstream_t          *u = r->upstream;
    ngx_http_offtake_ctx_t       *ctx;
    ngx_http_offtake_loc_conf_t  *olcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);
    olcf = ngx_http_get_module_loc_conf(r, ngx_http_offtake_module);

    rc = ngx_http_offtake_first_look(r, ctx);

    if (rc == NGX_AGAIN
        && (u->buffer.last == u->buffer.end
            || (ctx->first_comment
                && ngx_current_msec - ctx->first_since >= olcf->hold_max)))
    {
        rc = NGX_OK; /* no more is held, or no longer */
    }

    if (rc == NGX_OK) {
        ctx->opening = 0;
        ctx->cut_state = 0;
        if (ctx->held != NULL) {
            ctx->held->last = ctx->held->pos;
        }
        ctx->record.first_byte_us = ngx_http_offtake_elapsed_us(ctx);
        ngx_http_offtake_health_measured(ctx);
        ngx_http_offtake_health_up(ctx);
    }

    return rc;
}


void
ngx_http_offtake_first_begin(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_memzero(&ctx->first_chunked, sizeof(ngx_http_chunked_t));
    ctx->first_seen = 0;
    ctx->first_since = ngx_current_msec;
    ctx->first_comment = 0;
    ctx->cut_state = 0;
    ctx->opening = 1;

    if (ctx->held != NULL) {
        ctx->held->last = ctx->held->pos;
    }

    r->upstream->process_header = ngx_http_offtake_process_first;
}


/* Past the filter of the upstream, which is about to end. */

static void
ngx_http_offtake_push(ngx_http_request_t *r, u_char *data, size_t length)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL || length == 0) {
        return;
    }

    b->pos = data;
    b->last = data + length;
    b->memory = 1;
    b->flush = 1;
    out.buf = b;
    out.next = NULL;

    (void) ngx_http_output_filter(r, &out);
}


static void
ngx_http_offtake_push_error(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_int_t rc)
{
    size_t       length;
    u_char      *event;
    const char  *code, *message;

    event = ngx_pnalloc(r->pool, OFFTAKE_ERROR_SPARE);
    if (event == NULL) {
        return;
    }

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
        code = "provider_timeout";
        message = "The provider fell silent in the middle of its answer.";
    } else {
        code = "provider_cut";
        message = "The provider broke off in the middle of its answer.";
    }

    length = offtake_error_event(ngx_http_offtake_form(r, ctx), code, message,
                                 ctx->stream_events, (char *) event,
                                 OFFTAKE_ERROR_SPARE);

    ngx_http_offtake_push(r, event, length);
}


/*
 * The upstream ends with RC after headers went to the client.  Nothing of
 * what it does next makes an answer whole that was not: no last chunk.
 */

void
ngx_http_offtake_stream_over(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_int_t rc)
{
    ngx_uint_t  whole;

    if (ctx->client_gone || r->header_only) {
        ngx_http_offtake_meter_settle(ctx);
        return;
    }

    /* An end by close is no end, unless the provider had said that it is. */
    whole = ctx->saw_end || ctx->saw_done
            || (rc == 0 && !(ctx->sse && ctx->upstream_status == 200));

    ctx->cut = !whole || (ctx->told_error && !ctx->usage.has_usage);

    if (!whole && r->http_version < NGX_HTTP_VERSION_11) {
        /* An end by close is all that this client knows: a reset is none. */
        r->connection->timedout = 1;
        r->lingering_close = 0;
    }

    if (ctx->saw_end || !ctx->sse) {
        ngx_http_offtake_meter_settle(ctx);
        return;
    }

    if (whole) {
        if (ctx->held != NULL && ctx->held->last > ctx->held->pos
            && rc == 0)
        {
            ngx_http_offtake_push(r, ctx->held->pos, (size_t)
                                  (ctx->held->last - ctx->held->pos));
        }

        ngx_http_offtake_meter_settle(ctx);

        if (rc != 0) {
            (void) ngx_http_send_special(r, NGX_HTTP_LAST);
        }
        return;
    }

    ngx_http_offtake_meter_settle(ctx);
    ngx_http_offtake_push_error(r, ctx, rc);
    ctx->broken = 1;
}
