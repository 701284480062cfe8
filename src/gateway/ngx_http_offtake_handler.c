/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a request line to a body: path, policy, key, and whether this may be
 * asked here at all.  Whatever does not pass is answered in the API's own
 * form, and no provider hears of it.  What the body says is in admit.c.
 */

#include "ngx_http_offtake.h"

#define OFFTAKE_ARGS_MAX  2048


static ngx_int_t ngx_http_offtake_authenticate(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
static void ngx_http_offtake_body_handler(ngx_http_request_t *r);


/* ---- what the client says of itself ------------------------------------ */

static ngx_uint_t
ngx_http_offtake_header_is(ngx_table_elt_t *h, const char *name, size_t length)
{
    return ngx_memcmp(h->lowcase_key, name, length) == 0;
}


/* A value that goes on to a provider: short, and without control characters. */

static ngx_uint_t
ngx_http_offtake_plain(ngx_str_t *value, size_t max)
{
    size_t  i;

    if (value->len > max) {
        return 0;
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_offtake_forward(ngx_http_offtake_client_t *client,
    ngx_table_elt_t *h)
{
    if (client->forwarded_count < OFFTAKE_FORWARDED_MAX
        && ngx_http_offtake_plain(&h->value, 1024))
    {
        client->forwarded[client->forwarded_count++] = h;
        client->forwarded_bytes += h->key.len + h->value.len + 4;
    }
}


/* By length first: of a client's headers hardly any has one of these. */

static void
ngx_http_offtake_client_header(ngx_http_offtake_ctx_t *ctx,
    ngx_table_elt_t *h)
{
    ngx_uint_t                  messages;
    ngx_http_offtake_client_t  *client = &ctx->client;

    messages = ctx->info->flags & POLICY_PATH_MESSAGES_API;

    switch (h->key.len) {

    case sizeof("x-api-key") - 1:
        if (client->api_key == NULL
            && ngx_http_offtake_header_is(h, "x-api-key", h->key.len))
        {
            client->api_key = h;
        }
        break;

    case sizeof("openai-beta") - 1:
        if (!messages
            && ngx_http_offtake_header_is(h, "openai-beta", h->key.len))
        {
            ngx_http_offtake_forward(client, h);
        }
        break;

    case sizeof("x-offtake-pool") - 1: /* and anthropic-beta */
        if (client->pool == NULL
            && ngx_http_offtake_header_is(h, "x-offtake-pool", h->key.len))
        {
            client->pool = h;

        } else if (messages
                   && ngx_http_offtake_header_is(h, "anthropic-beta",
                                                 h->key.len))
        {
            ngx_http_offtake_forward(client, h);
        }
        break;

    case sizeof("idempotency-key") - 1:
        if (ngx_http_offtake_header_is(h, "idempotency-key", h->key.len)) {
            ngx_http_offtake_forward(client, h);
        }
        break;

    case sizeof("anthropic-version") - 1:
        if (client->version == NULL
            && ngx_http_offtake_header_is(h, "anthropic-version", h->key.len)
            && h->value.len > 0 && ngx_http_offtake_plain(&h->value, 64))
        {
            client->version = h;
        }
        break;

    default:
        break;
    }
}


static void
ngx_http_offtake_client(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part = &r->headers_in.headers.part;
    ngx_table_elt_t  *h = part->elts;

    for (i = 0; /* void */; i++) {
        if (i >= part->nelts) {
            if (part->next == NULL) {
                return;
            }
            part = part->next;
            h = part->elts;
            i = 0;
        }

        ngx_http_offtake_client_header(ctx, &h[i]);
    }
}


/* ---- the beginning of a request ---------------------------------------- */

/* Unique and sortable: the instant, then a counter that began at random. */

void
ngx_http_offtake_request_id(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_ctx_t *ctx, int64_t now_ns)
{
    uint64_t    high = (uint64_t) now_ns, low;
    ngx_uint_t  i;

    worker->id_counter++;
    low = (worker->id_counter * UINT64_C(0x9e3779b97f4a7c15))
          ^ worker->id_seed;

    for (i = 0; i < 8; i++) {
        ctx->record.request_id[i] = (uint8_t) (high >> (56 - 8 * i));
        ctx->record.request_id[8 + i] = (uint8_t) (low >> (56 - 8 * i));
    }

    ngx_hex_dump(ctx->request_id, ctx->record.request_id, 16);
}


static void
ngx_http_offtake_cleanup(void *data)
{
    ngx_http_offtake_ctx_t  *ctx = data;

    ngx_http_offtake_meter_settle(ctx);

    if (ctx->policy != NULL) {
        ngx_http_offtake_policy_release(ctx->policy);
        ctx->policy = NULL;
    }
}


ngx_http_offtake_ctx_t *
ngx_http_offtake_ctx_new(ngx_http_request_t *r)
{
    int64_t                        now_ns;
    struct timespec                now;
    ngx_pool_cleanup_t            *cleanup;
    ngx_http_offtake_ctx_t        *ctx;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_offtake_ctx_t));
    cleanup = ngx_pool_cleanup_add(r->pool, 0);
    if (ctx == NULL || cleanup == NULL || omcf->worker == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->model = POLICY_NONE;
    ctx->info = policy_path_info(POLICY_PATH_UNKNOWN);
    ctx->worker = omcf->worker;
    r->log_handler = ngx_http_offtake_log_handler;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) clock_gettime(CLOCK_MONOTONIC, &ctx->started);
    now_ns = (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;

    /* One instant decides, is recorded, and is priced by. */
    ctx->record.admitted_ns = now_ns
        + atomic_load_explicit(&ctx->worker->control->clock_shift_ns,
                               memory_order_relaxed);
    ngx_http_offtake_request_id(ctx->worker, ctx, now_ns);

    cleanup->handler = ngx_http_offtake_cleanup;
    cleanup->data = ctx;

    ngx_http_set_ctx(r, ctx, ngx_http_offtake_module);

    return ctx;
}


static ngx_int_t
ngx_http_offtake_unready(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ctx->retry_after = 5;

    return ngx_http_offtake_error_text(r, NGX_HTTP_SERVICE_UNAVAILABLE,
               "service_unavailable_error", "policy_unavailable",
               "No current policy is in force here; try again shortly.");
}


/* Under which policy: the one in force now, held until the request ends. */

static ngx_int_t
ngx_http_offtake_hold_policy(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);

    ctx->policy = ngx_http_offtake_policy_get(omcf, r->connection->log);

    if (ctx->policy != NULL) {
        ctx->policy->references++;
    }

    if (ctx->policy == NULL
        || ngx_http_offtake_policy_stale(ctx->worker, ctx->record.admitted_ns
               - atomic_load_explicit(&ctx->worker->control->clock_shift_ns,
                                      memory_order_relaxed)))
    {
        return ngx_http_offtake_unready(r, ctx);
    }

    ctx->record.generation = ctx->policy->view.header->generation;

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_use(ngx_http_request_t *r, const char *text)
{
    return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_ALLOWED,
               "invalid_request_error", "method_not_allowed", text);
}


static ngx_int_t
ngx_http_offtake_own(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_offtake_use(r, "Use GET for this path.");
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ctx->path == POLICY_PATH_MODELS ? ngx_http_offtake_models(r, ctx)
                                           : ngx_http_offtake_model(r, ctx);
}


/*
 * A path that is not a word of ours goes on as it stands: whatever a server
 * could read in another way than we did is refused.
 */

static ngx_uint_t
ngx_http_offtake_plain_uri(ngx_http_request_t *r)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < r->uri.len; i++) {
        c = r->uri.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || (c != '\0' && ngx_strchr("-._~/:@+=", c) != NULL)))
        {
            return 0;
        }

        if (c == '/' && i + 1 < r->uri.len
            && (r->uri.data[i + 1] == '/' || r->uri.data[i + 1] == '.'))
        {
            return 0;
        }
    }

    if (r->args.len > OFFTAKE_ARGS_MAX) {
        return 0;
    }

    for (i = 0; i < r->args.len; i++) {
        c = r->args.data[i];

        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '"' || c == '<'
            || c == '>' || c == '\\')
        {
            return 0;
        }
    }

    return 1;
}


/* Paths that pass only where the deal says so. */

static ngx_int_t
ngx_http_offtake_asked(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    if (policy_passes(&ctx->policy->view, ctx->key->product,
                      (char *) r->uri.data, r->uri.len))
    {
        return NGX_OK;
    }

    if (ctx->path == POLICY_PATH_UNKNOWN) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "unknown_url",
                   "There is nothing at this path.");
    }

    return ngx_http_offtake_error_text(r, NGX_HTTP_FORBIDDEN,
               "permission_error", "list_not_allowed",
               "A list would show what other accounts keep at the provider;"
               " ask for things by their ids.");
}


/* May this be asked here, and in this way? */

static ngx_int_t
ngx_http_offtake_allowed(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_uint_t  methods = NGX_HTTP_GET|NGX_HTTP_POST|NGX_HTTP_DELETE;

    switch (ctx->info->form) {

    case POLICY_FORM_JSON:
    case POLICY_FORM_PARTS:
        return r->method == NGX_HTTP_POST
               ? NGX_OK
               : ngx_http_offtake_use(r, "Use POST for this path.");

    case POLICY_FORM_ANY:
        methods |= NGX_HTTP_PUT|NGX_HTTP_PATCH;
        break;

    default:
        if (ctx->path == POLICY_PATH_STORE
            || ctx->path == POLICY_PATH_MESSAGE_STORE)
        {
            methods = NGX_HTTP_POST;
        }
        break;
    }

    if (ctx->info->flags & POLICY_PATH_ASKS) {
        rc = ngx_http_offtake_asked(r, ctx);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (!(r->method & methods)) {
        return ngx_http_offtake_use(r, methods == NGX_HTTP_POST
                                       ? "Use POST for this path."
                                       : "This method is not served here.");
    }

    return ngx_http_offtake_plain_uri(r)
           ? NGX_OK
           : ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                 "invalid_request_error", "unknown_url",
                 "The path or its query holds what no path here has.");
}


static ngx_int_t
ngx_http_offtake_begin(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_uint_t  body;

    rc = ngx_http_offtake_hold_policy(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_offtake_client(r, ctx);

    rc = ngx_http_offtake_authenticate(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->info->form == POLICY_FORM_OWN) {
        return ngx_http_offtake_own(r, ctx);
    }

    rc = ngx_http_offtake_allowed(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    body = r->headers_in.content_length_n > 0 || r->headers_in.chunked;

    if (!body && (ctx->info->form == POLICY_FORM_JSON
                  || ctx->info->form == POLICY_FORM_PARTS))
    {
        return ngx_http_offtake_error_text(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request_error", "invalid_body",
                   "The request has no body.");
    }

    if (body && (r->method & (NGX_HTTP_GET|NGX_HTTP_DELETE))) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request_error", "invalid_body",
                   "A request of this method has no body.");
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_offtake_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


ngx_int_t
ngx_http_offtake_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_offtake_ctx_new(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->path = policy_path_of((char *) r->uri.data, r->uri.len,
                               r->method == NGX_HTTP_POST);
    ctx->info = policy_path_info(ctx->path);

    rc = ngx_http_offtake_begin(r, ctx);

    return rc == NGX_HTTP_OFFTAKE_ANSWERED ? ctx->sent_rc : rc;
}


static ngx_int_t
ngx_http_offtake_hash(ngx_http_offtake_worker_t *worker, u_char *token,
    size_t length, uint8_t hash[32])
{
    unsigned     size;
    EVP_MD_CTX  *context = worker->sha256_context;

    return EVP_DigestInit_ex(context, worker->sha256, NULL) == 1
           && EVP_DigestUpdate(context, token, length) == 1
           && EVP_DigestFinal_ex(context, hash, &size) == 1 ? NGX_OK
                                                            : NGX_ERROR;
}


/* "Authorization: Bearer KEY", or "x-api-key: KEY" as Anthropic's clients
 * send it. */

static ngx_str_t
ngx_http_offtake_token(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_str_t  token = ngx_null_string, *value;

    if (r->headers_in.authorization != NULL) {
        value = &r->headers_in.authorization->value;

        if (value->len > 7 && value->len <= 7 + OFT_API_KEY_BYTES_MAX
            && ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) == 0)
        {
            token.data = value->data + 7;
            token.len = value->len - 7;

            while (token.len > 0 && *token.data == ' ') {
                token.data++;
                token.len--;
            }
        }

    } else if (ctx->client.api_key != NULL
               && ctx->client.api_key->value.len <= OFT_API_KEY_BYTES_MAX)
    {
        token = ctx->client.api_key->value;
    }

    return token;
}


static ngx_int_t
ngx_http_offtake_authenticate(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    uint8_t                         hash[32];
    ngx_str_t                       token;
    const struct policy_view       *view = &ctx->policy->view;

    token = ngx_http_offtake_token(r, ctx);

    if (token.len > 0) {
        if (ngx_http_offtake_hash(ctx->worker, token.data, token.len, hash)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ctx->key = policy_find_key(view, hash);
    }

    if (ctx->key == NULL) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_UNAUTHORIZED,
                   "authentication_error", "invalid_api_key",
                   "This API key is not known here. Send a valid one as"
                   " \\\"Authorization: Bearer KEY\\\".");
    }

    ctx->record.key_id = ctx->key->key_id;
    ctx->record.account_id = view->accounts[ctx->key->account].id;
    ctx->record.product_id = view->products[ctx->key->product].id;

    return NGX_OK;
}


static void
ngx_http_offtake_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    rc = ngx_http_offtake_admit(r, ctx);

    if (rc == NGX_DONE) {
        return; /* the upstream has it */
    }

    ngx_http_finalize_request(r, rc == NGX_HTTP_OFFTAKE_ANSWERED
                                 ? ctx->sent_rc : rc);
}
