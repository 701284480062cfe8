/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The request as one pool must get it: its first lines (head.c), and the
 * client's body with the model renamed and the usage asked for.  Built anew
 * for each attempt; the client's own bytes are never changed.
 */

#include "ngx_http_offtake.h"


typedef struct {
    size_t     offset;   /* in the client's body */
    size_t     removed;
    ngx_str_t  inserted;
} ngx_http_offtake_splice_t;

#define NGX_HTTP_OFFTAKE_SPLICES  4


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


/* Bedrock's InvokeModel and Vertex's rawPredict have the model in the path,
 * and in its place in the body the version of the dialect. */

static ngx_str_t *
ngx_http_offtake_raw_version(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    static ngx_str_t  bedrock = ngx_string(
                          "\"anthropic_version\":\"bedrock-2023-05-31\"");
    static ngx_str_t  vertex = ngx_string(
                          "\"anthropic_version\":\"vertex-2023-10-16\"");

    if (ctx->path != POLICY_PATH_MESSAGES) {
        return NULL;
    }

    return endpoint->kind == POLICY_KIND_BEDROCK ? &bedrock
           : endpoint->kind == POLICY_KIND_VERTEX ? &vertex : NULL;
}


static void
ngx_http_offtake_splice_raw(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, ngx_str_t version,
    ngx_http_offtake_splice_t *splices, ngx_uint_t *count)
{
    offtake_request_t  *s = &ctx->scanned;

    static ngx_str_t  nothing = ngx_null_string;

    ngx_http_offtake_splice(splices, count, s->model_key,
                            s->model.end - s->model_key, version);

    if (endpoint->kind == POLICY_KIND_BEDROCK && s->stream_member.end != 0) {
        ngx_http_offtake_splice(splices, count, s->stream_member.start,
                                s->stream_member.end
                                - s->stream_member.start, nothing);
    }
}


static ngx_int_t
ngx_http_offtake_splice_model(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_http_offtake_splice_t *splices, ngx_uint_t *count)
{
    ngx_str_t  upstream, quoted, *version;

    if (ctx->model == POLICY_NONE) {
        return NGX_OK;
    }

    version = ngx_http_offtake_raw_version(ctx, endpoint);
    if (version != NULL) {
        ngx_http_offtake_splice_raw(ctx, endpoint, *version, splices, count);
        return NGX_OK;
    }

    upstream = ngx_http_offtake_text(&ctx->policy->view,
                                     endpoint->upstream_model);
    quoted = upstream;

    if (ctx->body_form == OFFTAKE_BODY_JSON) {
        quoted.data = ngx_pnalloc(r->pool, upstream.len + 2);
        if (quoted.data == NULL) {
            return NGX_ERROR;
        }

        quoted.len = (size_t) (ngx_sprintf(quoted.data, "\"%V\"", &upstream)
                               - quoted.data);
    }

    ngx_http_offtake_splice(splices, count, ctx->scanned.model.start,
                            ctx->scanned.model.end - ctx->scanned.model.start,
                            quoted);
    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_hash_body(ngx_http_offtake_ctx_t *ctx, ngx_chain_t *body,
    u_char hash[64])
{
    uint8_t      digest[32];
    unsigned     size;
    EVP_MD_CTX  *context = ctx->worker->sha256_context;

    if (EVP_DigestInit_ex(context, ctx->worker->sha256, NULL) != 1) {
        return NGX_ERROR;
    }

    for (/* void */; body; body = body->next) {
        if (EVP_DigestUpdate(context, body->buf->pos,
                             body->buf->last - body->buf->pos) != 1)
        {
            return NGX_ERROR;
        }
    }

    if (EVP_DigestFinal_ex(context, digest, &size) != 1) {
        return NGX_ERROR;
    }

    ngx_hex_dump(hash, digest, 32);

    return NGX_OK;
}


/* The head goes in front; a signature is made over the body behind it. */

static ngx_int_t
ngx_http_offtake_push_head(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, size_t length, ngx_chain_t **body)
{
    u_char        hash[64], *signed_hash = NULL;
    ngx_str_t     head;
    ngx_chain_t  *first = NULL, **last = &first;

    if (ngx_http_offtake_signs(ctx, endpoint)) {
        if (ngx_http_offtake_hash_body(ctx, *body, hash) != NGX_OK) {
            return NGX_ERROR;
        }
        signed_hash = hash;
    }

    if (ngx_http_offtake_head(r, ctx, endpoint, length, (char *) signed_hash,
                              &head)
            != NGX_OK
        || ngx_http_offtake_push(r, &last, head.data, head.len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *last = *body;
    *body = first;

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_build(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    size_t                      length;
    ngx_uint_t                  i, count = 0;
    ngx_chain_t                *chain = NULL, **last = &chain;
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

    if (ngx_http_offtake_push_body(r, ctx, splices, count, &last) != NGX_OK
        || ngx_http_offtake_push_head(r, ctx, endpoint, length, &chain)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->upstream->request_bufs = chain;

    /* TLS collects small pieces until it is told that this was the last. */
    while (chain->next != NULL) {
        chain = chain->next;
    }

    chain->buf->flush = 1;

    return NGX_OK;
}
