/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The request as one pool must get it: that pool's host, path and credential,
 * and the client's body with the model renamed and the usage asked for.  Built
 * anew for each attempt; the client's own bytes are never changed.
 */

#include "ngx_http_offtake.h"


typedef struct {
    size_t     offset;   /* in the client's body */
    size_t     removed;
    ngx_str_t  inserted;
} ngx_http_offtake_splice_t;

#define NGX_HTTP_OFFTAKE_SPLICES  4


static ngx_str_t
ngx_http_offtake_text(const struct policy_view *view, struct policy_text text)
{
    ngx_str_t       result;
    struct oft_str  slice = policy_text(view, text);

    result.data = (u_char *) slice.data;
    result.len = slice.length;

    return result;
}


static void
ngx_http_offtake_splice(ngx_http_offtake_splice_t *splices, ngx_uint_t *count,
    size_t offset, size_t removed, ngx_str_t inserted)
{
    ngx_uint_t                 i;
    ngx_http_offtake_splice_t  splice;

    splice.offset = offset;
    splice.removed = removed;
    splice.inserted = inserted;

    for (i = *count; i > 0 && splices[i - 1].offset > offset; i--) {
        splices[i] = splices[i - 1];
    }

    splices[i] = splice;
    (*count)++;
}


/* A stream of chat or completions must end with the provider's usage. */

static void
ngx_http_offtake_splice_usage(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_splice_t *splices, ngx_uint_t *count)
{
    offtake_request_t  *s = &ctx->scanned;

    static ngx_str_t  word = ngx_string("true");
    static ngx_str_t  first = ngx_string("\"include_usage\":true,");
    static ngx_str_t  only = ngx_string("\"include_usage\":true");
    static ngx_str_t  object = ngx_string("{\"include_usage\":true}");
    static ngx_str_t  member = ngx_string(
                          ",\"stream_options\":{\"include_usage\":true}");

    if (s->include_usage_true) {
        return;
    }

    ctx->strip_usage = 1;

    if (s->include_usage.end != 0) {
        ngx_http_offtake_splice(splices, count, s->include_usage.start,
                                s->include_usage.end - s->include_usage.start,
                                word);

    } else if (s->stream_options.end == 0) {
        ngx_http_offtake_splice(splices, count, s->last_byte, 0, member);

    } else if (ctx->body.data[s->stream_options.start] != '{') {
        ngx_http_offtake_splice(splices, count, s->stream_options.start,
                                s->stream_options.end
                                - s->stream_options.start,
                                object);

    } else {
        ngx_http_offtake_splice(splices, count, s->stream_options.start + 1,
                                0, s->empty_options ? only : first);
    }
}


static ngx_int_t
ngx_http_offtake_push(ngx_http_request_t *r, ngx_chain_t ***last,
    u_char *data, size_t length)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (length == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    cl = ngx_alloc_chain_link(r->pool);
    if (b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    /* start == pos: what nginx rewinds to when it sends again. */
    b->start = data;
    b->pos = data;
    b->last = data + length;
    b->end = b->last;
    b->memory = 1;

    cl->buf = b;
    cl->next = NULL;
    **last = cl;
    *last = &cl->next;

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_push_body(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_splice_t *splices, ngx_uint_t count, ngx_chain_t ***last)
{
    size_t      at = 0;
    ngx_uint_t  i;

    for (i = 0; i < count; i++) {
        if (ngx_http_offtake_push(r, last, ctx->body.data + at,
                                  splices[i].offset - at) != NGX_OK
            || ngx_http_offtake_push(r, last, splices[i].inserted.data,
                                     splices[i].inserted.len) != NGX_OK)
        {
            return NGX_ERROR;
        }

        at = splices[i].offset + splices[i].removed;
    }

    return ngx_http_offtake_push(r, last, ctx->body.data + at,
                                 ctx->body.len - at);
}


/* "/openai/deployments/gpt4o/chat/completions?api-version=..." and the like. */

static u_char *
ngx_http_offtake_write_path(u_char *p, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    ngx_str_t                  prefix, deployment, version;
    const struct policy_view  *view = &ctx->policy->view;

    static ngx_str_t  tails[] = {
        ngx_null_string,
        ngx_string("/chat/completions"),
        ngx_string("/completions"),
        ngx_string("/embeddings"),
        ngx_string("/responses"),
        ngx_null_string
    };

    prefix = ngx_http_offtake_text(view, endpoint->path_prefix);

    if (endpoint->kind != POLICY_KIND_AZURE_OPENAI) {
        return ngx_sprintf(p, "%V%V", &prefix, &tails[ctx->path]);
    }

    deployment = ngx_http_offtake_text(view, endpoint->deployment);
    version = ngx_http_offtake_text(view, endpoint->api_version);

    if (ctx->path == OFFTAKE_PATH_RESPONSES) {
        return ngx_sprintf(p, "%V/openai/responses?api-version=%V", &prefix,
                           &version);
    }

    return ngx_sprintf(p, "%V/openai/deployments/%V%V?api-version=%V",
                       &prefix, &deployment, &tails[ctx->path], &version);
}


/* The few headers of the client's that a provider may see. */

static ngx_str_t  ngx_http_offtake_forwarded[] = {
    ngx_string("openai-beta"),
    ngx_string("idempotency-key"),
    ngx_null_string
};


static ngx_uint_t
ngx_http_offtake_may_forward(ngx_table_elt_t *h)
{
    size_t      i;
    ngx_str_t  *name;

    for (name = ngx_http_offtake_forwarded; name->len; name++) {
        if (h->key.len == name->len
            && ngx_strncasecmp(h->key.data, name->data, name->len) == 0)
        {
            break;
        }
    }

    if (name->len == 0 || h->value.len > 1024) {
        return 0;
    }

    for (i = 0; i < h->value.len; i++) {
        if (h->value.data[i] < 0x20 || h->value.data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


/* Writes the forwarded headers at P, or with P NULL only counts them. */

static u_char *
ngx_http_offtake_forward(ngx_http_request_t *r, u_char *p, size_t *length)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part = &r->headers_in.headers.part;
    ngx_table_elt_t  *h = part->elts;

    for (i = 0; /* void */; i++) {
        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }
            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (!ngx_http_offtake_may_forward(&h[i])) {
            continue;
        }

        *length += h[i].key.len + h[i].value.len + 4;
        if (p != NULL) {
            p = ngx_sprintf(p, "%V: %V\r\n", &h[i].key, &h[i].value);
        }
    }

    return p;
}


static u_char *
ngx_http_offtake_write_credential(u_char *p, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    ngx_str_t                    secret;
    const struct policy_secret  *slot;

    if (endpoint->secret == POLICY_NO_SECRET) {
        return p;
    }

    slot = &ctx->policy->secrets[endpoint->secret];
    if (slot->length == 0) {
        return p; /* not set where the daemon runs: the provider will say 401 */
    }

    secret.data = (u_char *) slot->bytes;
    secret.len = slot->length;

    return ngx_sprintf(p, endpoint->kind == POLICY_KIND_AZURE_OPENAI
                          ? "api-key: %V\r\n" : "Authorization: Bearer %V\r\n",
                       &secret);
}


static ngx_int_t
ngx_http_offtake_push_head(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, size_t body_length,
    ngx_chain_t ***last)
{
    size_t                     size, forwarded = 0;
    u_char                    *head, *p;
    ngx_str_t                  host;
    const struct policy_view  *view = &ctx->policy->view;

    (void) ngx_http_offtake_forward(r, NULL, &forwarded);

    host = ngx_http_offtake_text(view, endpoint->host_header);

    size = 512 + forwarded + host.len + endpoint->path_prefix.length
           + endpoint->deployment.length + endpoint->api_version.length
           + OFT_SECRET_BYTES_MAX + NGX_HTTP_OFFTAKE_TRACE_BYTES;

    head = ngx_pnalloc(r->pool, size);
    if (head == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(head, "POST ", 5);
    p = ngx_http_offtake_write_path(p, ctx, endpoint);
    p = ngx_sprintf(p, " HTTP/1.1\r\nHost: %V\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: %uz\r\n"
                    "Accept: %s\r\n"
                    "User-Agent: offtake/0.1\r\n"
                    "X-Request-Id: req_%*s\r\n",
                    &host, body_length,
                    ctx->scanned.stream ? "text/event-stream"
                                        : "application/json",
                    (size_t) 32, ctx->request_id);
    p = ngx_http_offtake_write_credential(p, ctx, endpoint);
    p = ngx_http_offtake_forward(r, p, &forwarded);
    p = ngx_http_offtake_trace_write(p, ctx);
    *p++ = CR; *p++ = LF;

    return ngx_http_offtake_push(r, last, head, (size_t) (p - head));
}


static ngx_int_t
ngx_http_offtake_splice_model(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_http_offtake_splice_t *splices, ngx_uint_t *count)
{
    ngx_str_t  upstream, quoted;

    upstream = ngx_http_offtake_text(&ctx->policy->view,
                                     endpoint->upstream_model);

    quoted.data = ngx_pnalloc(r->pool, upstream.len + 2);
    if (quoted.data == NULL) {
        return NGX_ERROR;
    }

    quoted.len = (size_t) (ngx_sprintf(quoted.data, "\"%V\"", &upstream)
                           - quoted.data);

    ngx_http_offtake_splice(splices, count, ctx->scanned.model.start,
                            ctx->scanned.model.end - ctx->scanned.model.start,
                            quoted);
    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_build(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    size_t                      length;
    ngx_uint_t                  i, count = 0;
    ngx_chain_t                *head = NULL, **last = &head;
    ngx_http_offtake_splice_t   splices[NGX_HTTP_OFFTAKE_SPLICES];

    if (ngx_http_offtake_splice_model(r, ctx, endpoint, splices, &count)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->scanned.stream && (ctx->path == OFFTAKE_PATH_CHAT
                                || ctx->path == OFFTAKE_PATH_COMPLETIONS))
    {
        ngx_http_offtake_splice_usage(ctx, splices, &count);
    }

    length = ctx->body.len;
    for (i = 0; i < count; i++) {
        length = length + splices[i].inserted.len - splices[i].removed;
    }

    if (ngx_http_offtake_push_head(r, ctx, endpoint, length, &last) != NGX_OK
        || ngx_http_offtake_push_body(r, ctx, splices, count, &last)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->upstream->request_bufs = head;

    /* TLS collects small pieces until it is told that this was the last. */
    while (head->next != NULL) {
        head = head->next;
    }

    head->buf->flush = 1;

    return NGX_OK;
}
