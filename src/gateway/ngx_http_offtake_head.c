/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first lines of a request as one endpoint must get them: its path, host
 * and credential, by its kind; and of the client's headers the few that a
 * provider may see.  Whatever does not fit into the room that was reckoned
 * for it is an error, and nothing is sent.
 */

#include "ngx_http_offtake.h"
#include "ngx_http_offtake_sign.h"

#define OFFTAKE_MESSAGES_VERSION  "2023-06-01"

typedef struct {
    u_char  *pos;
    u_char  *last;
} ngx_http_offtake_writer_t;


ngx_str_t
ngx_http_offtake_text(const struct policy_view *view, struct policy_text text)
{
    ngx_str_t       result;
    struct oft_str  slice = policy_text(view, text);

    result.data = (u_char *) slice.data;
    result.len = slice.length;

    return result;
}


static void
ngx_http_offtake_put(ngx_http_offtake_writer_t *w, ngx_str_t *text)
{
    if ((size_t) (w->last - w->pos) < text->len) {
        w->pos = w->last;
        return;
    }

    w->pos = ngx_cpymem(w->pos, text->data, text->len);
}


/* ---- paths ------------------------------------------------------------- */

/* What stands behind "/v1" of our own path; of a path elsewhere all of it. */

static ngx_str_t
ngx_http_offtake_tail(ngx_http_request_t *r, ngx_uint_t *below)
{
    ngx_str_t  tail = r->uri;

    *below = tail.len > 4 && ngx_memcmp(tail.data, "/v1/", 4) == 0;

    if (*below) {
        tail.data += 3;
        tail.len -= 3;
    }

    return tail;
}


static ngx_uint_t
ngx_http_offtake_by_deployment(ngx_http_offtake_ctx_t *ctx)
{
    switch (ctx->path) {
    case POLICY_PATH_CHAT:
    case POLICY_PATH_COMPLETIONS:
    case POLICY_PATH_EMBEDDINGS:
    case POLICY_PATH_IMAGES:
    case POLICY_PATH_IMAGE_FORMS:
    case POLICY_PATH_SPEECH:
    case POLICY_PATH_AUDIO_FORMS:
        return 1;
    default:
        return 0;
    }
}


/* "/openai/deployments/gpt4o/chat/completions?api-version=..." */

static u_char *
ngx_http_offtake_azure_path(ngx_http_offtake_writer_t *w,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_str_t *prefix, ngx_str_t *tail)
{
    ngx_str_t  deployment, version;

    version = ngx_http_offtake_text(&ctx->policy->view,
                                    endpoint->api_version);

    if (!ngx_http_offtake_by_deployment(ctx)) {
        return ngx_slprintf(w->pos, w->last, "%V/openai%V?api-version=%V",
                            prefix, tail, &version);
    }

    deployment = ngx_http_offtake_text(&ctx->policy->view,
                                       endpoint->deployment);

    return ngx_slprintf(w->pos, w->last,
                        "%V/openai/deployments/%V%V?api-version=%V", prefix,
                        &deployment, tail, &version);
}


static u_char *
ngx_http_offtake_vertex_path(ngx_http_offtake_writer_t *w,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_str_t *prefix)
{
    ngx_str_t  model;

    static char  publisher[] = "/publishers/anthropic/models/";

    if (ctx->path == POLICY_PATH_CHAT) {
        return ngx_slprintf(w->pos, w->last,
                            "%V/endpoints/openapi/chat/completions", prefix);
    }

    if (ctx->path == POLICY_PATH_COUNT_TOKENS) {
        return ngx_slprintf(w->pos, w->last, "%V%scount-tokens:rawPredict",
                            prefix, publisher);
    }

    model = ngx_http_offtake_text(&ctx->policy->view, endpoint->deployment);

    return ngx_slprintf(w->pos, w->last, "%V%s%V:%s", prefix, publisher,
                        &model, ctx->scanned.stream ? "streamRawPredict"
                                                    : "rawPredict");
}


static u_char *
ngx_http_offtake_bedrock_path(ngx_http_offtake_writer_t *w,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_str_t *prefix)
{
    ngx_str_t  model;

    if (ctx->path == POLICY_PATH_CHAT) {
        return ngx_slprintf(w->pos, w->last, "%V/openai/v1/chat/completions",
                            prefix);
    }

    model = ngx_http_offtake_text(&ctx->policy->view, endpoint->deployment);

    return ngx_slprintf(w->pos, w->last, "%V/model/%V/invoke", prefix,
                        &model);
}


/* A path outside of /v1 belongs to the server's root: its URL less "/v1". */

static ngx_str_t
ngx_http_offtake_root(ngx_str_t prefix)
{
    if (prefix.len >= 3
        && ngx_memcmp(prefix.data + prefix.len - 3, "/v1", 3) == 0)
    {
        prefix.len -= 3;
    }

    return prefix;
}


static void
ngx_http_offtake_put_path(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, ngx_http_offtake_writer_t *w)
{
    u_char      mark = '?';
    ngx_str_t   prefix, tail;
    ngx_uint_t  below;

    prefix = ngx_http_offtake_text(&ctx->policy->view,
                                   endpoint->path_prefix);
    tail = ngx_http_offtake_tail(r, &below);

    switch (endpoint->kind) {

    case POLICY_KIND_AZURE_OPENAI:
        w->pos = ngx_http_offtake_azure_path(w, ctx, endpoint, &prefix,
                                             &tail);
        mark = '&';
        break;

    case POLICY_KIND_BEDROCK:
        w->pos = ngx_http_offtake_bedrock_path(w, ctx, endpoint, &prefix);
        break;

    case POLICY_KIND_VERTEX:
        w->pos = ngx_http_offtake_vertex_path(w, ctx, endpoint, &prefix);
        break;

    default:
        if (!below) {
            prefix = ngx_http_offtake_root(prefix);
        }
        ngx_http_offtake_put(w, &prefix);
        ngx_http_offtake_put(w, &tail);
        break;
    }

    if (r->args.len > 0 && (ctx->info->flags & POLICY_PATH_QUERY)) {
        w->pos = ngx_slprintf(w->pos, w->last, "%c%V", mark, &r->args);
    }
}


/* ---- credentials ------------------------------------------------------- */

static const struct policy_secret *
ngx_http_offtake_secret(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    const struct policy_credential  *credential;

    if (endpoint->credential_count == 0) {
        return NULL;
    }

    credential = &ctx->policy->view.credentials[ctx->credential];

    return &ctx->policy->secrets[credential->secret];
}


/* Does this attempt need an AWS signature?  A Bedrock key without a colon is
 * a bearer token. */

ngx_uint_t
ngx_http_offtake_signs(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    const struct policy_secret  *secret;

    if (endpoint->kind != POLICY_KIND_BEDROCK) {
        return 0;
    }

    secret = ngx_http_offtake_secret(ctx, endpoint);

    return secret != NULL
           && memchr(secret->bytes, ':', secret->length) != NULL;
}


static void
ngx_http_offtake_put_signature(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    ngx_str_t path, const char *hash, ngx_http_offtake_writer_t *w)
{
    size_t                       length;
    ngx_tm_t                     tm;
    ngx_str_t                    host, region;
    u_char                       date[OFFTAKE_SIGN_DATE_BYTES + 1];
    u_char                       value[OFFTAKE_SIGN_BYTES_MAX];
    offtake_sign_t               sign;
    const struct policy_secret  *secret;

    secret = ngx_http_offtake_secret(ctx, endpoint);
    host = ngx_http_offtake_text(&ctx->policy->view, endpoint->host_header);
    region = ngx_http_offtake_text(&ctx->policy->view,
                                   endpoint->signing_region);

    ngx_gmtime(ngx_time(), &tm);
    *ngx_sprintf(date, "%4d%02d%02dT%02d%02d%02dZ", tm.ngx_tm_year,
                 tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                 tm.ngx_tm_min, tm.ngx_tm_sec) = 0;

    ngx_memzero(&sign, sizeof(sign));
    sign.method.data = (char *) r->method_name.data;
    sign.method.length = r->method_name.len;
    sign.path.data = (char *) path.data;
    sign.path.length = path.len;
    sign.query.data = "";
    sign.host.data = (char *) host.data;
    sign.host.length = host.len;
    sign.region.data = (char *) region.data;
    sign.region.length = region.len;
    sign.service.data = "bedrock";
    sign.service.length = sizeof("bedrock") - 1;
    sign.date = (char *) date;
    sign.body_hash = hash;

    length = offtake_sign_credential(secret->bytes, secret->length, &sign)
             ? offtake_sign(&sign, (char *) value, sizeof(value)) : 0;

    if (length == 0) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "a request to Bedrock could not be signed; its key is"
                      " written ACCESS-KEY:SECRET or ACCESS-KEY:SECRET:TOKEN");
        w->pos = w->last;
        return;
    }

    w->pos = ngx_slprintf(w->pos, w->last,
                          "X-Amz-Date: %s\r\nAuthorization: %*s\r\n", date,
                          length, value);

    if (sign.token.length > 0) {
        w->pos = ngx_slprintf(w->pos, w->last,
                              "X-Amz-Security-Token: %*s\r\n",
                              sign.token.length, sign.token.data);
    }
}


static void
ngx_http_offtake_put_credential(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, ngx_http_offtake_writer_t *w)
{
    char                        *name;
    ngx_str_t                    value;
    const struct policy_secret  *secret;

    secret = ngx_http_offtake_secret(ctx, endpoint);

    if (secret == NULL || secret->length == 0) {
        return; /* not set where the daemon runs: the provider will say 401 */
    }

    value.data = (u_char *) secret->bytes;
    value.len = secret->length;

    switch (endpoint->kind) {
    case POLICY_KIND_AZURE_OPENAI:
        name = "api-key: ";
        break;
    case POLICY_KIND_ANTHROPIC:
        name = "x-api-key: ";
        break;
    default:
        name = "Authorization: Bearer ";
        break;
    }

    w->pos = ngx_slprintf(w->pos, w->last, "%s%V\r\n", name, &value);
}


/* ---- the other headers ------------------------------------------------- */

/* Anthropic's own API wants its version in a header; Bedrock and Vertex want
 * another one in the body. */

static void
ngx_http_offtake_put_version(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, ngx_http_offtake_writer_t *w)
{
    ngx_str_t  version;

    if (!(ctx->info->flags & POLICY_PATH_MESSAGES_API)
        && endpoint->kind != POLICY_KIND_ANTHROPIC)
    {
        return;
    }

    if (endpoint->kind != POLICY_KIND_ANTHROPIC
        && endpoint->kind != POLICY_KIND_COMPATIBLE)
    {
        return;
    }

    if (ctx->client.version != NULL) {
        version = ctx->client.version->value;

    } else {
        version = ngx_http_offtake_text(&ctx->policy->view,
                                        endpoint->api_version);
        if (version.len == 0) {
            ngx_str_set(&version, OFFTAKE_MESSAGES_VERSION);
        }
    }

    w->pos = ngx_slprintf(w->pos, w->last, "anthropic-version: %V\r\n",
                          &version);
}


static char *
ngx_http_offtake_accept(ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->scanned.stream) {
        return "text/event-stream";
    }

    return ctx->info->flags & POLICY_PATH_ANSWERS ? "application/json" : "*/*";
}


static void
ngx_http_offtake_put_body_lines(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, size_t body_length,
    ngx_http_offtake_writer_t *w)
{
    if (ctx->body_form == OFFTAKE_BODY_NONE) {
        if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_DELETE) {
            w->pos = ngx_slprintf(w->pos, w->last, "Content-Length: 0\r\n");
        }
        return;
    }

    if (ctx->body_form == OFFTAKE_BODY_JSON) {
        w->pos = ngx_slprintf(w->pos, w->last,
                              "Content-Type: application/json\r\n");

    } else if (r->headers_in.content_type != NULL) {
        w->pos = ngx_slprintf(w->pos, w->last, "Content-Type: %V\r\n",
                              &r->headers_in.content_type->value);
    }

    w->pos = ngx_slprintf(w->pos, w->last, "Content-Length: %uz\r\n",
                          body_length);
}


static size_t
ngx_http_offtake_head_size(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    size_t                       size;
    const struct policy_secret  *secret;

    size = 640 + ctx->client.forwarded_bytes + endpoint->host_header.length
           + endpoint->path_prefix.length + endpoint->deployment.length
           + endpoint->api_version.length + r->uri.len + r->args.len
           + NGX_HTTP_OFFTAKE_TRACE_BYTES;

    secret = ngx_http_offtake_secret(ctx, endpoint);
    if (secret != NULL) {
        size += secret->length;
    }

    if (endpoint->kind == POLICY_KIND_BEDROCK) {
        size += OFFTAKE_SIGN_BYTES_MAX;
    }

    if (ctx->client.version != NULL) {
        size += ctx->client.version->value.len;
    }

    if (ctx->body_form != OFFTAKE_BODY_JSON
        && r->headers_in.content_type != NULL)
    {
        size += r->headers_in.content_type->value.len;
    }

    return size;
}


ngx_int_t
ngx_http_offtake_head(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint, size_t body_length,
    const char *hash, ngx_str_t *head)
{
    size_t                      size;
    ngx_str_t                   host, path;
    ngx_uint_t                  i;
    ngx_http_offtake_writer_t   w;

    size = ngx_http_offtake_head_size(r, ctx, endpoint);

    head->data = ngx_pnalloc(r->pool, size);
    if (head->data == NULL) {
        return NGX_ERROR;
    }

    w.pos = head->data;
    w.last = head->data + size;

    host = ngx_http_offtake_text(&ctx->policy->view, endpoint->host_header);

    ngx_http_offtake_put(&w, &r->method_name);
    *w.pos++ = ' ';
    path.data = w.pos;
    ngx_http_offtake_put_path(r, ctx, endpoint, &w);
    path.len = (size_t) (w.pos - path.data);

    w.pos = ngx_slprintf(w.pos, w.last, " HTTP/1.1\r\nHost: %V\r\n"
                         "Accept: %s\r\n"
                         "User-Agent: offtake/0.1\r\n"
                         "X-Request-Id: req_%*s\r\n",
                         &host, ngx_http_offtake_accept(ctx), (size_t) 32,
                         ctx->request_id);

    ngx_http_offtake_put_body_lines(r, ctx, body_length, &w);

    if (hash != NULL) {
        ngx_http_offtake_put_signature(r, ctx, endpoint, path, hash, &w);
    } else {
        ngx_http_offtake_put_credential(ctx, endpoint, &w);
    }

    ngx_http_offtake_put_version(ctx, endpoint, &w);

    for (i = 0; i < ctx->client.forwarded_count; i++) {
        w.pos = ngx_slprintf(w.pos, w.last, "%V: %V\r\n",
                             &ctx->client.forwarded[i]->key,
                             &ctx->client.forwarded[i]->value);
    }

    if ((size_t) (w.last - w.pos) > NGX_HTTP_OFFTAKE_TRACE_BYTES + 2) {
        w.pos = ngx_http_offtake_trace_write(w.pos, ctx);
    }

    if (w.last - w.pos <= 2) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "a request's head is larger than reckoned; not sent");
        return NGX_ERROR;
    }

    *w.pos++ = CR;
    *w.pos++ = LF;
    head->len = (size_t) (w.pos - head->data);

    return NGX_OK;
}
