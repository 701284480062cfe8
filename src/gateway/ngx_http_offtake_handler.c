/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a request line to a decision: path, policy, key, body, model, pools.
 * Whatever does not pass is answered here, in the OpenAI form, and no
 * provider hears of it.
 */

#include "ngx_http_offtake.h"


static ngx_int_t ngx_http_offtake_authenticate(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
static void ngx_http_offtake_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_offtake_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
static ngx_int_t ngx_http_offtake_decide(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);


typedef struct {
    ngx_str_t                path;
    ngx_http_offtake_path_t  id;
} ngx_http_offtake_route_t;


static ngx_http_offtake_route_t  ngx_http_offtake_routes[] = {
    { ngx_string("/v1/chat/completions"), OFFTAKE_PATH_CHAT },
    { ngx_string("/v1/completions"), OFFTAKE_PATH_COMPLETIONS },
    { ngx_string("/v1/embeddings"), OFFTAKE_PATH_EMBEDDINGS },
    { ngx_string("/v1/responses"), OFFTAKE_PATH_RESPONSES },
    { ngx_string("/v1/models"), OFFTAKE_PATH_MODELS },
    { ngx_null_string, OFFTAKE_PATH_UNKNOWN }
};


static ngx_http_offtake_path_t
ngx_http_offtake_route(ngx_str_t *uri)
{
    ngx_http_offtake_route_t  *route;

    for (route = ngx_http_offtake_routes; route->path.len; route++) {
        if (route->path.len == uri->len
            && ngx_memcmp(route->path.data, uri->data, uri->len) == 0)
        {
            return route->id;
        }
    }

    return OFFTAKE_PATH_UNKNOWN;
}


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
    ctx->worker = omcf->worker;

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
ngx_http_offtake_begin(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_offtake_hold_policy(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_authenticate(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->path == OFFTAKE_PATH_UNKNOWN) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "unknown_url",
                   "There is nothing at this path.");
    }

    if (ctx->path == OFFTAKE_PATH_MODELS) {
        if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
            return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_ALLOWED,
                       "invalid_request_error", "method_not_allowed",
                       "Use GET for this path.");
        }

        rc = ngx_http_discard_request_body(r);
        return rc == NGX_OK ? ngx_http_offtake_models(r, ctx) : rc;
    }

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_ALLOWED,
                   "invalid_request_error", "method_not_allowed",
                   "Use POST for this path.");
    }

    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request_error", "invalid_body",
                   "The request has no body.");
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

    ctx->path = ngx_http_offtake_route(&r->uri);

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


static ngx_int_t
ngx_http_offtake_authenticate(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    size_t                          length;
    u_char                         *token;
    uint8_t                         hash[32];
    ngx_str_t                      *value;
    const struct policy_view       *view = &ctx->policy->view;

    if (r->headers_in.authorization != NULL) {
        value = &r->headers_in.authorization->value;

        if (value->len > 7 && value->len <= 7 + OFT_API_KEY_BYTES_MAX
            && ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) == 0)
        {
            token = value->data + 7;
            length = value->len - 7;

            while (length > 0 && *token == ' ') {
                token++;
                length--;
            }

            if (ngx_http_offtake_hash(ctx->worker, token, length, hash)
                != NGX_OK)
            {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            ctx->key = policy_find_key(view, hash);
        }
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


/* The beginning may have come with the headers, in a buffer of its own. */

static ngx_int_t
ngx_http_offtake_join_body(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    u_char       *p;
    size_t        length = 0;
    ngx_chain_t  *cl, *bufs = r->request_body->bufs;

    if (bufs == NULL) {
        return NGX_OK;
    }

    if (bufs->next == NULL) {
        ctx->body.data = bufs->buf->pos;
        ctx->body.len = (size_t) (bufs->buf->last - bufs->buf->pos);
        return NGX_OK;
    }

    for (cl = bufs; cl; cl = cl->next) {
        length += (size_t) (cl->buf->last - cl->buf->pos);
    }

    p = ngx_pnalloc(r->pool, length);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->body.data = p;
    ctx->body.len = length;

    for (cl = bufs; cl; cl = cl->next) {
        if (cl->buf->last > cl->buf->pos) { /* the last may be nowhere */
            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_take_body(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    if (r->request_body == NULL || r->request_body->temp_file != NULL) {
        return ngx_http_offtake_error_text(r,
                   NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "invalid_request_error",
                   "body_too_large", "The body is larger than allowed.");
    }

    if (ngx_http_offtake_join_body(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->record.request_bytes = ctx->body.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_find_model(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    struct oft_str             name;
    const struct policy_view  *view = &ctx->policy->view;

    name.data = (char *) ctx->body.data + ctx->scanned.model.start + 1;
    name.length = ctx->scanned.model.end - ctx->scanned.model.start - 2;

    ctx->model = policy_find_model(view, name);

    if (ctx->model == POLICY_NONE) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "model_not_found",
                   "This model is not offered here; GET /v1/models lists"
                   " those that this key may use.");
    }

    ctx->record.model_id = view->models[ctx->model].id;

    return NGX_OK;
}


/* The body is here: scan it, decide, and hand over to the upstream. */

static ngx_int_t
ngx_http_offtake_admit(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t              rc;
    offtake_scan_result_t  scanned;

    static const uint8_t  operations[] = {
        0, METER_OP_CHAT, METER_OP_COMPLETIONS, METER_OP_EMBEDDINGS,
        METER_OP_RESPONSES, 0
    };

    ctx->record.operation = operations[ctx->path];

    rc = ngx_http_offtake_take_body(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_meter_admit(r, ctx, 1 + OFT_ATTEMPTS_MAX);
    if (rc != NGX_OK) {
        return rc;
    }

    scanned = offtake_scan_request((char *) ctx->body.data, ctx->body.len,
                                   &ctx->scanned);

    if (scanned != OFFTAKE_SCAN_OK) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request_error", "invalid_body",
                   offtake_scan_text(scanned));
    }

    if (ctx->path == OFFTAKE_PATH_EMBEDDINGS) {
        ctx->scanned.stream = 0;
    }

    if (ctx->scanned.stream) {
        ctx->record.flags |= METER_FLAG_STREAM;
    }

    ctx->record.max_output_tokens = (uint32_t) ctx->scanned.max_output_tokens;

    rc = ngx_http_offtake_find_model(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_decide(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_limits_admit(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_offtake_upstream_start(r, ctx);
}


/* 403: the contract does not let this product's traffic run anywhere. */

static ngx_int_t
ngx_http_offtake_forbidden(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_str_t                    name, summary, message;
    struct oft_str               text;
    const struct policy_view    *view = &ctx->policy->view;
    const struct policy_clause  *clause;

    if (ctx->answer->refusal_clause == POLICY_NONE) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "model_not_found",
                   "No pool serves this model.");
    }

    clause = &view->clauses[ctx->answer->refusal_clause];
    ctx->record.clause_id = clause->id;

    text = policy_text(view, clause->name);
    name.data = (u_char *) text.data;
    name.len = text.length;
    text = policy_text(view, clause->summary);
    summary.data = (u_char *) text.data;
    summary.len = text.length;

    message.data = ngx_pnalloc(r->pool, name.len + summary.len + 64);
    if (message.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    message.len = (size_t) (ngx_sprintf(message.data,
                      "Clause %V lets this request run nowhere: %V", &name,
                      &summary) - message.data);

    if (ngx_http_offtake_add_header(r, "x-offtake-clause", name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_offtake_error(r, NGX_HTTP_FORBIDDEN, "permission_error",
                                  "clause_forbids", &name, &message);
}


static ngx_int_t
ngx_http_offtake_decide(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    struct policy_query            query;
    struct policy_choice          *choices;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);

    ctx->answer = ngx_palloc(r->pool, sizeof(struct policy_answer));
    choices = ngx_palloc(r->pool, OFT_ATTEMPTS_MAX * sizeof(struct policy_choice));
    if (ctx->answer == NULL || choices == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_offtake_health_fill(omcf, ctx->policy);

    ngx_memzero(&query, sizeof(query));
    query.instant_ns = ctx->record.admitted_ns;
    query.now_ns = (int64_t) ngx_current_msec;
    query.product = ctx->key->product;
    query.model = ctx->model;
    query.account = ctx->key->account;
    query.health = ctx->policy->health;

    policy_decide(&ctx->policy->view, &query, choices, OFT_ATTEMPTS_MAX, ctx->answer);

    if (ctx->answer->eligible_count == 0) {
        return ngx_http_offtake_forbidden(r, ctx);
    }

    if (ctx->answer->up_count == 0) {
        ctx->retry_after = ngx_http_offtake_health_wait(omcf, ctx);

        return ngx_http_offtake_error_text(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "service_unavailable_error", "pools_down",
                   "Every pool that the contract allows is down or busy.");
    }

    return NGX_OK;
}
