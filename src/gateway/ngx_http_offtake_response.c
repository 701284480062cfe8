/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The provider's answer: its status line, the few headers that a client may
 * see, and a body that passes through unbuffered while its usage is read.
 */

#include "ngx_http_offtake.h"


static ngx_int_t ngx_http_offtake_process_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_offtake_header_done(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);


/* The request is built when the peer is known, before each attempt. */

ngx_int_t
ngx_http_offtake_create_request(ngx_http_request_t *r)
{
    r->upstream->request_bufs = NULL;
    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_reinit_request(ngx_http_request_t *r)
{
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    ngx_memzero(&ctx->status, sizeof(ngx_http_status_t));
    ngx_memzero(&ctx->chunked, sizeof(ngx_http_chunked_t));
    r->upstream->process_header = ngx_http_offtake_process_status;
    r->state = 0;

    return NGX_OK;
}


void
ngx_http_offtake_abort_request(ngx_http_request_t *r)
{
    (void) r;
}


/* It answers as it should, though maybe that the request is wrong. */

static ngx_uint_t
ngx_http_offtake_is_alive(ngx_uint_t status)
{
    return (status >= 200 && status < 300) || status == 400 || status == 404
           || status == 409 || status == 413 || status == 422;
}


/* The statuses that pause a pool. */

ngx_uint_t
ngx_http_offtake_says_wait(ngx_uint_t status)
{
    return status == 429 || status == 503 || status == 529;
}


void
ngx_http_offtake_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (!r->upstream->header_sent) {
        return;
    }

    if (rc == NGX_HTTP_REQUEST_TIME_OUT) {
        ctx->client_gone = 1; /* it reads no more */
    }

    ngx_http_offtake_stream_over(r, ctx, rc);

    if (ctx->cut) {
        ngx_http_offtake_health_failed(ctx);
    }
}


static ngx_int_t
ngx_http_offtake_is_status_line(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_http_upstream_t  *u = r->upstream;

    rc = ngx_http_parse_status_line(r, &u->buffer, &ctx->status);

    if (rc == NGX_AGAIN) {
        return rc;
    }

    if (rc == NGX_ERROR || ctx->status.code < 200 || ctx->status.code > 599) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "provider sent no valid HTTP answer");
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_process_status(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_upstream_t     *u = r->upstream;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    rc = ngx_http_offtake_is_status_line(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (u->state && u->state->status == 0) {
        u->state->status = ctx->status.code;
    }

    u->headers_in.status_n = ctx->status.code;

    if (ctx->status.http_version < NGX_HTTP_VERSION_11) {
        u->headers_in.connection_close = 1;
    }

    u->process_header = ngx_http_offtake_process_header;

    return ngx_http_offtake_process_header(r);
}


/* What a client may see of a provider's headers; the rest is dropped. */

static ngx_str_t  ngx_http_offtake_passed[] = {
    ngx_string("content-type"),
    ngx_string("retry-after"),
    ngx_string("retry-after-ms"),
    ngx_string("openai-processing-ms"),
    ngx_string("openai-model"),
    ngx_string("content-disposition"),
    ngx_string("request-id"),
    ngx_null_string
};

static ngx_str_t  ngx_http_offtake_framing[] = {
    ngx_string("content-length"),
    ngx_string("transfer-encoding"),
    ngx_string("connection"),
    ngx_string("content-encoding"),
    ngx_null_string
};


static ngx_uint_t
ngx_http_offtake_listed(ngx_str_t *names, u_char *lower, size_t length)
{
    for (/* void */; names->len; names++) {
        if (names->len == length && ngx_memcmp(names->data, lower, length) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_offtake_ratelimit(u_char *lower, size_t length)
{
    return (length > 12 && ngx_memcmp(lower, "x-ratelimit-", 12) == 0)
           || (length > 20
               && ngx_memcmp(lower, "anthropic-ratelimit-", 20) == 0);
}


static void
ngx_http_offtake_note_retry(ngx_http_offtake_ctx_t *ctx, ngx_str_t *value)
{
    time_t     date;
    ngx_int_t  seconds;

    seconds = ngx_atoi(value->data, value->len);

    if (seconds == NGX_ERROR) {
        date = ngx_parse_http_time(value->data, value->len);
        if (date != (time_t) NGX_ERROR) {
            seconds = date > ngx_time() ? (ngx_int_t) (date - ngx_time()) : 1;
        }
    }

    ctx->retry_after = seconds == NGX_ERROR ? 1 : seconds > 3600 ? 3600
                                                : (ngx_uint_t) seconds;
    if (ctx->retry_after == 0) {
        ctx->retry_after = 1;
    }
}


static ngx_uint_t
ngx_http_offtake_identity(ngx_str_t *value)
{
    return value->len == 0
           || (value->len == 8
               && ngx_strncasecmp(value->data, (u_char *) "identity", 8)
                  == 0);
}


static ngx_int_t
ngx_http_offtake_take_header(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    size_t                          length;
    u_char                         *copy;
    ngx_uint_t                      framing;
    ngx_table_elt_t                *h;
    ngx_http_upstream_t            *u = r->upstream;
    ngx_http_upstream_header_t     *hh;
    ngx_http_upstream_main_conf_t  *umcf;
    u_char                          lower[64];

    length = (size_t) (r->header_name_end - r->header_name_start);
    if (length == 0 || length > sizeof(lower)) {
        return NGX_OK;
    }

    ngx_strlow(lower, r->header_name_start, length);
    framing = ngx_http_offtake_listed(ngx_http_offtake_framing, lower, length);

    if (!framing
        && !ngx_http_offtake_ratelimit(lower, length)
        && !ngx_http_offtake_listed(ngx_http_offtake_passed, lower, length))
    {
        return NGX_OK;
    }

    h = ngx_list_push(&u->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = r->header_hash;
    h->value.len = (size_t) (r->header_end - r->header_start);

    copy = ngx_pnalloc(r->pool, 2 * length + h->value.len + 2);
    if (copy == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    h->key.len = length;
    h->key.data = copy;
    h->lowcase_key = copy + length;
    h->value.data = copy + 2 * length;
    ngx_memcpy(h->key.data, r->header_name_start, length);
    ngx_memcpy(h->lowcase_key, lower, length);
    *ngx_cpymem(h->value.data, r->header_start, h->value.len) = 0;
    h->hash = ngx_hash_key(lower, length);

    if (length == sizeof("retry-after") - 1
        && ngx_memcmp(lower, "retry-after", length) == 0)
    {
        ngx_http_offtake_note_retry(ctx, &h->value);
    }

    if (length == sizeof("content-encoding") - 1
        && ngx_memcmp(lower, "content-encoding", length) == 0
        && !ngx_http_offtake_identity(&h->value))
    {
        ctx->encoded = 1;
    }

    umcf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);
    hh = ngx_hash_find(&umcf->headers_in_hash, h->hash, h->lowcase_key,
                       length);

    if (hh != NULL && hh->handler(r, h, hh->offset) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_process_header(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    for ( ;; ) {
        rc = ngx_http_parse_header_line(r, &r->upstream->buffer, 1);

        if (rc == NGX_OK) {
            if (ngx_http_offtake_take_header(r, ctx) != NGX_OK) {
                return NGX_ERROR;
            }
            continue;
        }

        if (rc == NGX_HTTP_PARSE_HEADER_DONE) {
            return ngx_http_offtake_header_done(r, ctx);
        }

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "provider sent an invalid header");
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }
}


static ngx_uint_t
ngx_http_offtake_is_sse(ngx_http_request_t *r)
{
    ngx_table_elt_t  *type = r->upstream->headers_in.content_type;

    return type != NULL && type->value.len >= 17
           && ngx_strncasecmp(type->value.data,
                              (u_char *) "text/event-stream", 17) == 0;
}


/*
 * All headers are here.  nginx itself passes on 429, 500, 502, 503 and 504 to
 * the next pool; the others that mean "not now" are shown to it as 503, and
 * a credential of ours that a provider refuses as 502.  The client gets the
 * provider's own status back when there is no next pool (see reply.c).
 */

static ngx_int_t
ngx_http_offtake_header_done(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_uint_t                     status;
    ngx_http_upstream_t           *u = r->upstream;
    const struct policy_pool      *pool;

    status = u->headers_in.status_n;

    if (ctx->encoded && status >= 200 && status < 300) {
        /* We asked for none: its usage could not be read, and the client may
         * not be able to decode it. */
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "pool \"%V\" encoded its answer unasked",
                      u->peer.name);
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    ctx->upstream_status = status;
    ctx->connected = 1;

    ctx->record.first_byte_us = ngx_http_offtake_elapsed_us(ctx);

    if (u->headers_in.chunked) {
        u->headers_in.content_length_n = -1;
    }

    u->keepalive = 0;
    pool = &ctx->policy->view.pools[ctx->candidate->pool];
    ctx->upstream_conf.read_timeout = pool->read_timeout_ms;

    ctx->sse = ngx_http_offtake_is_sse(r) ? 1 : 0;
    offtake_usage_init(&ctx->usage);
    ctx->stream_tier = OFFTAKE_TIER_NONE;

    (void) ngx_http_offtake_key_answered(r, ctx, status);

    if (status == 401 || status == 402 || status == 403) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "pool \"%V\" refused our credential with %ui",
                      u->peer.name, status);
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (status == 408 || status == 425 || status == 529
        || (status >= 520 && status <= 524))
    {
        u->headers_in.status_n = NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (status == NGX_HTTP_OK && ctx->sse) {
        ngx_http_offtake_first_begin(r, ctx);
        return ngx_http_offtake_process_first(r);
    }

    if (ngx_http_offtake_is_alive(status)) {
        ngx_http_offtake_health_measured(ctx);
        ngx_http_offtake_health_up(ctx);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_filter_init(void *data)
{
    ngx_http_request_t      *r = data;
    ngx_http_upstream_t     *u = r->upstream;

    if (u->headers_in.status_n == NGX_HTTP_NO_CONTENT) {
        u->length = 0;
        u->keepalive = !u->headers_in.connection_close;

    } else if (u->headers_in.chunked) {
        u->length = 1; /* something is to come; the last chunk sets 0 */

    } else {
        u->length = u->headers_in.content_length_n;
        if (u->length == 0) {
            u->keepalive = !u->headers_in.connection_close;
        }
    }

    return NGX_OK;
}


/* Hands DATA on without a copy: it stays in the buffer until it is sent. */

ngx_int_t
ngx_http_offtake_emit(ngx_http_request_t *r, u_char *data, size_t length)
{
    ngx_chain_t             *cl, **ll;
    ngx_http_upstream_t     *u = r->upstream;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (length == 0) {
        return NGX_OK;
    }

    if (ctx->client_gone) {
        return NGX_OK;
    }

    ctx->delivered_bytes += length;

    for (cl = u->out_bufs, ll = &u->out_bufs; cl; cl = cl->next) {
        ll = &cl->next;
    }

    cl = ngx_chain_get_free_buf(r->pool, &u->free_bufs);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    *ll = cl;
    cl->buf->flush = 1;
    cl->buf->memory = 1;
    cl->buf->pos = data;
    cl->buf->last = data + length;
    cl->buf->tag = u->output.tag;

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_body_bytes(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char *data, size_t length)
{
    if (ctx->sse) {
        return ngx_http_offtake_stream_bytes(r, ctx, data, length);
    }

    offtake_usage_feed(&ctx->usage, (char *) data, length);

    return ngx_http_offtake_emit(r, data, length);
}


/*
 * The provider's answer is here to its last byte.  It is settled before that
 * byte goes to the client: nobody holds a whole answer that is not metered.
 */

static ngx_int_t
ngx_http_offtake_whole(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->sse && ngx_http_offtake_stream_end(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->saw_end = 1;
    ctx->cut = ctx->told_error && !ctx->usage.has_usage;
    ngx_http_offtake_meter_settle(ctx);

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_filter_chunked(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_buf_t *piece)
{
    size_t                length;
    ngx_int_t             rc;
    ngx_http_upstream_t  *u = r->upstream;

    for ( ;; ) {
        rc = ngx_http_parse_chunked(r, piece, &ctx->chunked);

        if (rc == NGX_OK) {
            length = (size_t) (piece->last - piece->pos);
            if ((off_t) length > ctx->chunked.size) {
                length = (size_t) ctx->chunked.size;
            }

            ctx->chunked.size -= (off_t) length;
            piece->pos += length;

            if (ngx_http_offtake_body_bytes(r, ctx, piece->pos - length,
                                            length)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
            continue;
        }

        if (rc == NGX_DONE) {
            u->keepalive = !u->headers_in.connection_close;
            u->length = 0;
            return ngx_http_offtake_whole(r, ctx);
        }

        if (rc == NGX_AGAIN) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "provider sent an invalid chunk");
        u->error = 1; /* what came before it still goes to the client */
        return NGX_OK;
    }
}


/* A client that left: the provider is read on to its usage, within bounds. */

void
ngx_http_offtake_client_left(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_http_offtake_loc_conf_t  *olcf;

    olcf = ngx_http_get_module_loc_conf(r, ngx_http_offtake_module);

    ctx->client_gone = 1;
    ctx->drain_until = ngx_current_msec + olcf->drain_max;
    ctx->upstream_conf.read_timeout =
        ngx_min(ctx->upstream_conf.read_timeout, olcf->drain_max);
}


static ngx_int_t
ngx_http_offtake_drained(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    size_t bytes)
{
    ngx_msec_int_t                left;
    ngx_http_offtake_loc_conf_t  *olcf;

    if (!ctx->client_gone) {
        return NGX_OK;
    }

    olcf = ngx_http_get_module_loc_conf(r, ngx_http_offtake_module);

    ctx->drained_bytes += bytes;
    left = (ngx_msec_int_t) (ctx->drain_until - ngx_current_msec);

    if (left <= 0 || ctx->drained_bytes > olcf->drain_size) {
        return NGX_ERROR;
    }

    ctx->upstream_conf.read_timeout =
        ngx_min(ctx->upstream_conf.read_timeout, (ngx_msec_t) left);

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_filter(void *data, ssize_t bytes)
{
    ngx_buf_t                piece, *b;
    ngx_http_request_t      *r = data;
    ngx_http_upstream_t     *u = r->upstream;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (ngx_http_offtake_drained(r, ctx, (size_t) bytes) != NGX_OK) {
        return NGX_ERROR;
    }

    if (u->error) {
        return NGX_OK; /* nothing behind a broken chunk has a meaning */
    }

    ngx_http_offtake_stream_sent(r, ctx);

    b = &u->buffer;
    ngx_memzero(&piece, sizeof(piece));
    piece.pos = b->last;
    piece.last = b->last + bytes;
    b->last += bytes;

    if (u->headers_in.chunked) {
        return ngx_http_offtake_filter_chunked(r, ctx, &piece);
    }

    if (u->length != -1) {
        if (bytes > u->length) {
            piece.last = piece.pos + u->length; /* more than announced */
            bytes = (ssize_t) u->length;
            u->headers_in.connection_close = 1;
        }

        u->length -= bytes;

        if (u->length == 0) {
            u->keepalive = !u->headers_in.connection_close;
        }
    }

    if (ngx_http_offtake_body_bytes(r, ctx, piece.pos,
                                    (size_t) (piece.last - piece.pos))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return u->length == 0 ? ngx_http_offtake_whole(r, ctx) : NGX_OK;
}
