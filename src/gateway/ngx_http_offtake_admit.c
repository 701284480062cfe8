/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a body to pools: what it says of itself, the model, the decision, and
 * what limits have left.  A body that a provider could read in another way
 * than we did is refused.
 */

#include "ngx_http_offtake.h"


static ngx_int_t ngx_http_offtake_decide(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);


/*
 * nginx gives the buffer of the rest as much room again as the beginning has
 * (client_body_in_single_buffer): a large body moves up within it, which costs
 * a tenth of another allocation and the kernel's zeroing of it.
 */

static ngx_uint_t
ngx_http_offtake_join_in_place(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_chain_t *bufs)
{
    size_t      first, length;
    ngx_buf_t  *rest = bufs->next->buf, *own = r->request_body->buf;

    first = (size_t) (bufs->buf->last - bufs->buf->pos);
    length = (size_t) (rest->last - rest->pos);

    if (r->headers_in.chunked || bufs->next->next != NULL || own == NULL
        || rest->pos != own->start || rest->last != own->last
        || (size_t) (own->end - own->last) < first)
    {
        return 0;
    }

    ngx_memmove(rest->pos + first, rest->pos, length);
    ngx_memcpy(rest->pos, bufs->buf->pos, first);

    ctx->body.data = rest->pos;
    ctx->body.len = first + length;

    return 1;
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

    if (ngx_http_offtake_join_in_place(r, ctx, bufs)) {
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


/* ---- what a body says -------------------------------------------------- */

static ngx_int_t
ngx_http_offtake_bad_body(ngx_http_request_t *r, const char *text)
{
    return ngx_http_offtake_error_text(r, NGX_HTTP_BAD_REQUEST,
               "invalid_request_error", "invalid_body", text);
}


static ngx_uint_t
ngx_http_offtake_is_form(ngx_http_request_t *r)
{
    ngx_table_elt_t  *type = r->headers_in.content_type;

    return type != NULL && type->value.len >= 10
           && ngx_strncasecmp(type->value.data, (u_char *) "multipart/", 10)
              == 0;
}


static u_char
ngx_http_offtake_first_byte(ngx_http_offtake_ctx_t *ctx)
{
    size_t  i;

    for (i = 0; i < ctx->body.len; i++) {
        if (ngx_strchr(" \t\r\n", ctx->body.data[i]) == NULL
            || ctx->body.data[i] == '\0')
        {
            return ctx->body.data[i];
        }
    }

    return '\0';
}


/* How the body is to be read.  A form is one by its content type; JSON is
 * JSON whatever it is called, since there are servers that read it so. */

static ngx_http_offtake_body_t
ngx_http_offtake_body_form(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    switch (ctx->info->form) {

    case POLICY_FORM_JSON:
        return OFFTAKE_BODY_JSON;

    case POLICY_FORM_PARTS:
        return ngx_http_offtake_is_form(r) ? OFFTAKE_BODY_PARTS
                                           : OFFTAKE_BODY_JSON;

    default:
        if (ctx->body.len == 0) {
            return OFFTAKE_BODY_NONE;
        }
        if (ngx_http_offtake_is_form(r)) {
            return ctx->info->form == POLICY_FORM_ANY ? OFFTAKE_BODY_PARTS
                                                      : OFFTAKE_BODY_BYTES;
        }
        return ngx_http_offtake_first_byte(ctx) == '{' ? OFFTAKE_BODY_JSON
                                                       : OFFTAKE_BODY_BYTES;
    }
}


static ngx_uint_t
ngx_http_offtake_needs_model(ngx_http_offtake_ctx_t *ctx)
{
    return ctx->info->form == POLICY_FORM_JSON
           || ctx->info->form == POLICY_FORM_PARTS;
}


static ngx_int_t
ngx_http_offtake_scan_json(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    offtake_scan_result_t  scanned;

    scanned = offtake_scan_request((char *) ctx->body.data, ctx->body.len,
                                   &ctx->scanned);

    if (scanned == OFFTAKE_SCAN_NO_MODEL
        && !ngx_http_offtake_needs_model(ctx))
    {
        return NGX_OK;
    }

    if (scanned != OFFTAKE_SCAN_OK) {
        return ngx_http_offtake_bad_body(r, offtake_scan_text(scanned));
    }

    if (ctx->scanned.has_version
        && (ctx->info->flags & POLICY_PATH_MESSAGES_API))
    {
        return ngx_http_offtake_bad_body(r, "anthropic_version is a header"
                                            " here, not a part of the body.");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_scan_parts(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_str_t              *type = &r->headers_in.content_type->value;
    offtake_span_t          boundary;
    offtake_parts_result_t  result;

    result = offtake_parts_boundary((char *) type->data, type->len,
                                    &boundary);

    if (result == OFFTAKE_PARTS_OK) {
        result = offtake_parts_scan((char *) ctx->body.data, ctx->body.len,
                                    (char *) type->data + boundary.start,
                                    boundary.end - boundary.start,
                                    &ctx->scanned);
    }

    if (result == OFFTAKE_PARTS_OK
        || (result == OFFTAKE_PARTS_NO_MODEL
            && !ngx_http_offtake_needs_model(ctx)))
    {
        return NGX_OK;
    }

    return ngx_http_offtake_bad_body(r, offtake_parts_text(result));
}


/* A content type that goes on to a provider. */

static ngx_uint_t
ngx_http_offtake_plain_type(ngx_http_request_t *r)
{
    size_t      i;
    ngx_str_t  *value;

    if (r->headers_in.content_type == NULL) {
        return 1;
    }

    value = &r->headers_in.content_type->value;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            return 0;
        }
    }

    return value->len <= 1024;
}


static ngx_int_t
ngx_http_offtake_scan(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t  rc = NGX_OK;

    ctx->body_form = ngx_http_offtake_body_form(r, ctx);

    if (ctx->body_form != OFFTAKE_BODY_JSON
        && !ngx_http_offtake_plain_type(r))
    {
        return ngx_http_offtake_bad_body(r, "The content type is not plain.");
    }

    if (ctx->body_form == OFFTAKE_BODY_JSON) {
        rc = ngx_http_offtake_scan_json(r, ctx);

    } else if (ctx->body_form == OFFTAKE_BODY_PARTS) {
        rc = ngx_http_offtake_scan_parts(r, ctx);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->info->flags & POLICY_PATH_INPUT) {
        ctx->scanned.stream = 0;
    }

    if (ctx->info->form == POLICY_FORM_BARE) {
        /* What is kept at a provider belongs to the product, not a model. */
        ctx->scanned.model.end = 0;
        ctx->scanned.stream = 0;
    }

    if (ctx->scanned.stream) {
        ctx->record.flags |= METER_FLAG_STREAM;
    }

    return NGX_OK;
}


/* ---- the model --------------------------------------------------------- */

static ngx_int_t
ngx_http_offtake_find_model(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    size_t                     quote;
    struct oft_str             name;
    const struct policy_view  *view = &ctx->policy->view;

    ctx->model = POLICY_NONE;

    if (ctx->scanned.model.end == 0) {
        return NGX_OK;
    }

    quote = ctx->body_form == OFFTAKE_BODY_JSON;
    name.data = (char *) ctx->body.data + ctx->scanned.model.start + quote;
    name.length = ctx->scanned.model.end - ctx->scanned.model.start
                  - 2 * quote;

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


/* GET /v1/models/{id}: one of those that this key may use. */

ngx_int_t
ngx_http_offtake_model(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    u_char                    *body, *p;
    ngx_str_t                  name;
    struct oft_str             wanted;
    struct policy_query        query;
    struct policy_choice       choice;
    struct policy_answer       answer;
    const struct policy_view  *view = &ctx->policy->view;

    wanted.data = (char *) r->uri.data + sizeof("/v1/models/") - 1;
    wanted.length = r->uri.len - (sizeof("/v1/models/") - 1);

    ngx_memzero(&query, sizeof(query));
    query.instant_ns = ctx->record.admitted_ns;
    query.product = ctx->key->product;
    query.account = ctx->key->account;
    query.model = policy_find_model(view, wanted);

    policy_decide(view, &query, &choice, 1, &answer);

    if (answer.eligible_count == 0) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "model_not_found",
                   "This model is not offered here; GET /v1/models lists"
                   " those that this key may use.");
    }

    name = ngx_http_offtake_text(view, view->models[query.model].name);

    body = ngx_pnalloc(r->pool, name.len + 96);
    if (body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(body, "{\"id\":\"%V\",\"object\":\"model\","
                    "\"created\":0,\"owned_by\":\"offtake\"}\n", &name);

    return ngx_http_offtake_send(r, NGX_HTTP_OK, body, (size_t) (p - body));
}


/* ---- admission --------------------------------------------------------- */

static const uint8_t  ngx_http_offtake_operations[POLICY_PATH_COUNT] = {
    [POLICY_PATH_UNKNOWN] = METER_OP_OTHER,
    [POLICY_PATH_CHAT] = METER_OP_CHAT,
    [POLICY_PATH_COMPLETIONS] = METER_OP_COMPLETIONS,
    [POLICY_PATH_EMBEDDINGS] = METER_OP_EMBEDDINGS,
    [POLICY_PATH_RESPONSES] = METER_OP_RESPONSES,
    [POLICY_PATH_RESPONSE_WORK] = METER_OP_RESPONSES,
    [POLICY_PATH_MODERATIONS] = METER_OP_MODERATIONS,
    [POLICY_PATH_IMAGES] = METER_OP_IMAGES,
    [POLICY_PATH_IMAGE_FORMS] = METER_OP_IMAGES,
    [POLICY_PATH_SPEECH] = METER_OP_AUDIO,
    [POLICY_PATH_AUDIO_FORMS] = METER_OP_AUDIO,
    [POLICY_PATH_MESSAGES] = METER_OP_MESSAGES,
    [POLICY_PATH_COUNT_TOKENS] = METER_OP_MESSAGES,
    [POLICY_PATH_STORE] = METER_OP_STORED,
    [POLICY_PATH_STORED] = METER_OP_STORED,
    [POLICY_PATH_LIST] = METER_OP_STORED,
    [POLICY_PATH_MESSAGE_STORE] = METER_OP_STORED,
    [POLICY_PATH_MESSAGE_STORED] = METER_OP_STORED,
    [POLICY_PATH_MESSAGE_LIST] = METER_OP_STORED,
};


/* The body is here: scan it, decide, and hand over to the upstream. */

ngx_int_t
ngx_http_offtake_admit(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->record.operation = ngx_http_offtake_operations[ctx->path];

    rc = ngx_http_offtake_take_body(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_meter_admit(r, ctx, 1 + OFT_ATTEMPTS_MAX);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_offtake_scan(r, ctx);
    if (rc != NGX_OK) {
        return rc;
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


/* ---- the decision ------------------------------------------------------ */

/* 403: the contract does not let this product's traffic run anywhere. */

static ngx_int_t
ngx_http_offtake_forbidden(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_str_t                    name, summary, message;
    struct oft_str               text;
    const struct policy_view    *view = &ctx->policy->view;
    const struct policy_clause  *clause;

    if (ctx->answer->unspoken) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "path_not_served",
                   "No pool that the contract allows speaks the API of this"
                   " path.");
    }

    if (ctx->answer->refusal_clause == POLICY_NONE) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error",
                   ctx->client.pool != NULL ? "pool_not_found"
                   : ctx->model == POLICY_NONE ? "unknown_url"
                                               : "model_not_found",
                   ctx->client.pool != NULL
                   ? "The pool of x-offtake-pool does not serve this."
                   : ctx->model == POLICY_NONE
                     ? "No pool serves this product."
                     : "No pool serves this model.");
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


/* The pool that the client names, as the answer to an earlier request told
 * it: that one and no other, if the contract allows it now. */

static ngx_int_t
ngx_http_offtake_named_pool(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, struct policy_query *query)
{
    uint32_t        pool;
    struct oft_str  name;

    if (ctx->client.pool == NULL) {
        return NGX_OK;
    }

    name.data = (char *) ctx->client.pool->value.data;
    name.length = ctx->client.pool->value.len;

    pool = policy_find_pool(&ctx->policy->view, name);
    if (pool == POLICY_NONE) {
        return ngx_http_offtake_error_text(r, NGX_HTTP_NOT_FOUND,
                   "invalid_request_error", "pool_not_found",
                   "There is no pool of the name in x-offtake-pool.");
    }

    query->only_pool = pool + 1;

    return NGX_OK;
}


/*
 * Something that is asked for by its id is at one of the pools: those that
 * are cooling down are asked as well, after the others.
 */

static void
ngx_http_offtake_ask_all(ngx_http_offtake_ctx_t *ctx)
{
    uint32_t                       i;
    struct policy_answer          *answer = ctx->answer;
    const struct policy_endpoint  *endpoints = ctx->policy->view.endpoints;

    ctx->by_id = 1;

    for (i = answer->up_count; i < answer->eligible_count; i++) {
        if (endpoints[answer->choices[i].candidate->endpoint].address_count
            == 0)
        {
            break;
        }
        answer->up_count++;
    }
}


static ngx_int_t
ngx_http_offtake_pools_down(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_uint_t keys_wait)
{
    ctx->retry_after = keys_wait != 0 ? keys_wait
                                      : ngx_http_offtake_health_wait(ctx);

    return ngx_http_offtake_error_text(r, NGX_HTTP_SERVICE_UNAVAILABLE,
               "service_unavailable_error", "pools_down",
               "Every pool that the contract allows is down or busy.");
}


static ngx_int_t
ngx_http_offtake_decide(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_int_t                      rc;
    ngx_uint_t                     keys_wait;
    struct policy_query            query;
    struct policy_choice          *choices;

    ctx->answer = ngx_palloc(r->pool, sizeof(struct policy_answer));
    choices = ngx_palloc(r->pool, OFT_ATTEMPTS_MAX * sizeof(struct policy_choice));
    if (ctx->answer == NULL || choices == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&query, sizeof(query));
    query.instant_ns = ctx->record.admitted_ns;
    query.now_ns = (int64_t) ngx_current_msec * 1000000;
    query.product = ctx->key->product;
    query.model = ctx->model;
    query.account = ctx->key->account;
    query.pools = ctx->policy->pools;
    query.pool_page = ctx->worker->pool_page;
    query.dice = (uint32_t) (ctx->worker->id_counter * 40503 % POOL_DICE);
    query.speaks = ctx->info->speaks;
    query.home = (ctx->info->flags & POLICY_PATH_HOME) != 0;

    if (ctx->path == POLICY_PATH_MESSAGES && ctx->scanned.stream) {
        query.speaks &= ~(1u << POLICY_KIND_BEDROCK); /* no events, but frames */
    }

    rc = ngx_http_offtake_named_pool(r, ctx, &query);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->model == POLICY_NONE) {
        policy_decide_bare(&ctx->policy->view, &query, choices,
                           OFT_ATTEMPTS_MAX, ctx->answer);
    } else {
        policy_decide(&ctx->policy->view, &query, choices, OFT_ATTEMPTS_MAX,
                      ctx->answer);
    }

    if (ctx->answer->eligible_count == 0) {
        return ngx_http_offtake_forbidden(r, ctx);
    }

    keys_wait = ngx_http_offtake_keys_sort(ctx);

    if (ctx->info->flags & POLICY_PATH_BY_ID) {
        ngx_http_offtake_ask_all(ctx);
    }

    return ctx->answer->up_count > 0
           ? NGX_OK : ngx_http_offtake_pools_down(r, ctx, keys_wait);
}
