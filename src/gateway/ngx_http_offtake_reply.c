/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Our own answers, all in the OpenAI form, and a pair of filters: one that
 * puts our headers on a provider's answer, and one that turns nginx's own
 * error pages into that form as well.  The body filter also notices a client
 * that left, so that the provider can be read to its usage.
 */

#include "ngx_http_offtake.h"


static ngx_int_t ngx_http_offtake_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_offtake_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_offtake_reply_init(ngx_conf_t *cf)
{
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_offtake_module);

    if (omcf->run.len == 0) {
        return NGX_OK;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_offtake_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_offtake_body_filter;

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);

    h->value.len = value.len;
    h->value.data = ngx_pnalloc(r->pool, value.len + 1);
    if (h->value.data == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }
    *ngx_cpymem(h->value.data, value.data, value.len) = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_write(ngx_http_request_t *r, ngx_uint_t status,
    u_char *body, size_t length)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = (off_t) length;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = body;
    b->last = body + length;
    b->memory = 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_offtake_send(ngx_http_request_t *r, ngx_uint_t status,
    u_char *body, size_t length)
{
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);
    ctx->answered = 1;
    r->headers_out.status = status;
    ngx_http_offtake_meter_settle(ctx);
    ctx->sent_rc = ngx_http_offtake_write(r, status, body, length);

    return NGX_HTTP_OFFTAKE_ANSWERED;
}


/* TYPE, CODE, PARAM and MESSAGE are safe inside JSON: ours, or a deal's. */

static ngx_str_t
ngx_http_offtake_error_body(ngx_http_request_t *r, const char *type,
    const char *code, ngx_str_t *param, ngx_str_t *message)
{
    size_t                   size, escape;
    u_char                  *p;
    ngx_str_t                body = ngx_null_string;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);
    ctx->code = code;
    counter_refused(&ctx->worker->counters, code);

    if (ngx_http_offtake_in_messages(r)) {
        return ngx_http_offtake_messages_error(r, type, message);
    }

    escape = (size_t) ngx_escape_json(NULL, message->data, message->len);
    size = 160 + message->len + escape + ngx_strlen(type) + ngx_strlen(code)
           + (param ? param->len : 0);

    body.data = ngx_pnalloc(r->pool, size);
    if (body.data == NULL) {
        return body;
    }

    p = ngx_cpymem(body.data, "{\"error\":{\"message\":\"", 21);
    p = (u_char *) ngx_escape_json(p, message->data, message->len);
    p = ngx_sprintf(p, "\",\"type\":\"%s\",\"param\":", type);
    p = param ? ngx_sprintf(p, "\"%V\"", param)
              : ngx_cpymem(p, "null", 4);
    p = ngx_sprintf(p, ",\"code\":\"%s\"}}\n", code);
    body.len = (size_t) (p - body.data);

    return body;
}


ngx_int_t
ngx_http_offtake_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const char *code, ngx_str_t *param, ngx_str_t *message)
{
    ngx_str_t  body;

    r->headers_out.status = status;

    body = ngx_http_offtake_error_body(r, type, code, param, message);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_offtake_send(r, status, body.data, body.len);
}


ngx_int_t
ngx_http_offtake_error_text(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const char *code, const char *message)
{
    ngx_str_t  text;

    text.data = (u_char *) message;
    text.len = ngx_strlen(message);

    return ngx_http_offtake_error(r, status, type, code, NULL, &text);
}


/* The models that this key's product may use at this instant. */

ngx_int_t
ngx_http_offtake_models(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    size_t                     size = 64;
    u_char                    *body, *p;
    uint32_t                   i;
    ngx_str_t                  name;
    ngx_uint_t                 first = 1;
    struct oft_str             text;
    struct policy_query        query;
    struct policy_choice       choice;
    struct policy_answer       answer;
    const struct policy_view  *view = &ctx->policy->view;

    for (i = 0; i < view->model_count; i++) {
        size += view->models[i].name.length + 80;
    }

    body = ngx_pnalloc(r->pool, size);
    if (body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&query, sizeof(query));
    query.instant_ns = ctx->record.admitted_ns;
    query.product = ctx->key->product;
    query.account = ctx->key->account;

    p = ngx_cpymem(body, "{\"object\":\"list\",\"data\":[", 25);
    p = body + (sizeof("{\"object\":\"list\",\"data\":[") - 1);

    for (i = 0; i < view->model_count; i++) {
        query.model = i;
        policy_decide(view, &query, &choice, 1, &answer);

        if (answer.eligible_count == 0) {
            continue;
        }

        text = policy_text(view, view->models[i].name);
        name.data = (u_char *) text.data;
        name.len = text.length;

        p = ngx_sprintf(p, "%s{\"id\":\"%V\",\"object\":\"model\","
                        "\"created\":0,\"owned_by\":\"offtake\"}",
                        first ? "" : ",", &name);
        first = 0;
    }

    p = ngx_sprintf(p, "]}\n");

    return ngx_http_offtake_send(r, NGX_HTTP_OK, body, (size_t) (p - body));
}


static ngx_int_t
ngx_http_offtake_own_headers(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    u_char           *p;
    u_char            id[40];
    ngx_str_t         value;
    struct oft_str    text;

    p = ngx_cpymem(id, "req_", 4);
    p = ngx_cpymem(p, ctx->request_id, 32);
    value.data = id;
    value.len = (size_t) (p - id);

    if (ngx_http_offtake_add_header(r, "x-offtake-request-id", value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->retry_after != 0 && ctx->upstream_status == 0) {
        value.len = (size_t) (ngx_sprintf(id, "%ui", ctx->retry_after) - id);
        if (ngx_http_offtake_add_header(r, "Retry-After", value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (ctx->candidate == NULL) {
        return NGX_OK;
    }

    text = policy_text(&ctx->policy->view,
                       ctx->policy->view.pools[ctx->candidate->pool].name);
    value.data = (u_char *) text.data;
    value.len = text.length;

    if (ngx_http_offtake_add_header(r, "x-offtake-pool", value) != NGX_OK) {
        return NGX_ERROR;
    }

    text = policy_text(&ctx->policy->view,
                   ctx->policy->view.clauses[ctx->candidate->clause].name);
    value.data = (u_char *) text.data;
    value.len = text.length;

    return ngx_http_offtake_add_header(r, "x-offtake-clause", value);
}


/* What an nginx page about to be sent means, once providers were asked. */

static const char *
ngx_http_offtake_failure(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->timed_out && ctx->failed_over) {
        r->headers_out.status = NGX_HTTP_GATEWAY_TIME_OUT;
        return "No provider that the contract allows answered in time.";
    }

    if (ctx->timed_out) {
        r->headers_out.status = NGX_HTTP_GATEWAY_TIME_OUT;
        return "The provider did not answer in time; the request may have"
               " been processed and was not repeated.";
    }

    if (ctx->maybe_billed && !ctx->failed_over) {
        r->headers_out.status = NGX_HTTP_BAD_GATEWAY;
        return "The provider broke off before it answered; the request may"
               " have been processed and was not repeated.";
    }

    if (ctx->connected) {
        r->headers_out.status = NGX_HTTP_BAD_GATEWAY;
        return "No provider that the contract allows gave a usable answer.";
    }

    r->headers_out.status = NGX_HTTP_SERVICE_UNAVAILABLE;
    ctx->upstream_status = 0;
    if (ctx->retry_after == 0) {
        ctx->retry_after = 1;
    }
    return "No provider that the contract allows can be reached.";
}


static const char *
ngx_http_offtake_page(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    if (ctx->candidate != NULL) {
        return ngx_http_offtake_failure(r, ctx);
    }

    switch (r->headers_out.status) {
    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "The body is larger than allowed.";
    case NGX_HTTP_REQUEST_TIME_OUT:
        return "The request did not arrive in time.";
    case NGX_HTTP_REQUEST_URI_TOO_LARGE:
        return "The request line is too long.";
    case NGX_HTTP_BAD_REQUEST:
        return "The request is not valid HTTP.";
    default:
        return r->headers_out.status < 500 ? "The request cannot be served."
                                           : "Something failed here.";
    }
}


/* nginx is about to send a page of its own: send ours in its place. */

static ngx_int_t
ngx_http_offtake_replace(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx)
{
    ngx_str_t    message, body;
    const char  *text;

    if (ctx->first_error.len > 0) {
        r->headers_out.status = ngx_http_offtake_first_status(ctx);
        body = ctx->first_error;

    } else {
        text = ngx_http_offtake_page(r, ctx);
        message.data = (u_char *) text;
        message.len = ngx_strlen(text);

        body = ngx_http_offtake_error_body(r,
                   r->headers_out.status < 500 ? "invalid_request_error"
                                               : "api_error",
                   r->headers_out.status < 500 ? "bad_request"
                                               : "provider_unavailable",
                   NULL, &message);
    }

    if (body.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_offtake_meter_settle(ctx);

    ctx->replaced = 1;
    ctx->body = body;

    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = (off_t) body.len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(&r->headers_out.charset);

    return NGX_OK;
}


/* The provider's own status, where we had shown nginx another. */

static void
ngx_http_offtake_restore_status(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    if (r->headers_out.status != ctx->upstream_status) {
        r->headers_out.status = ctx->upstream_status;
        r->headers_out.status_line.len = 0;
    }

    if (ctx->strip_usage && ctx->sse) {
        ngx_http_clear_content_length(r);
    }
}


static ngx_int_t
ngx_http_offtake_header_filter(ngx_http_request_t *r)
{
    ngx_http_upstream_t          *u = r->upstream;
    ngx_http_offtake_ctx_t       *ctx;
    ngx_http_offtake_srv_conf_t  *oscf;

    oscf = ngx_http_get_module_srv_conf(r, ngx_http_offtake_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (!oscf->enabled || r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    if (ctx == NULL) {
        if (r->headers_out.status < 400) {
            return ngx_http_next_header_filter(r);
        }

        ctx = ngx_http_offtake_ctx_new(r);
        if (ctx == NULL) {
            return ngx_http_next_header_filter(r);
        }
    }

    if (!ctx->answered) {
        if (u != NULL && u->headers_in.status_n != 0 && r->err_status == 0
            && ctx->upstream_status != 0)
        {
            ngx_http_offtake_restore_status(r, ctx);

        } else if (r->headers_out.status >= 400
                   && ngx_http_offtake_replace(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_offtake_own_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static void
ngx_http_offtake_consume(ngx_chain_t *in)
{
    for (/* void */; in; in = in->next) {
        in->buf->pos = in->buf->last;
        in->buf->file_pos = in->buf->file_last;
    }
}


static ngx_uint_t
ngx_http_offtake_has_last(ngx_chain_t *in)
{
    for (/* void */; in; in = in->next) {
        if (in->buf->last_buf) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_offtake_send_replacement(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    ngx_http_offtake_consume(in);

    if (ctx->replaced_sent) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->replaced_sent = 1;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->body.data;
    b->last = ctx->body.data + ctx->body.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


static ngx_int_t
ngx_http_offtake_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                rc;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (ctx == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->replaced) {
        return ngx_http_offtake_send_replacement(r, ctx, in);
    }

    if (ctx->client_gone) {
        ngx_http_offtake_consume(in);
        return NGX_OK;
    }

    if (ctx->broken && ngx_http_offtake_has_last(in)) {
        return NGX_ERROR; /* a clean end would be a lie */
    }

    rc = ngx_http_next_body_filter(r, in);

    if (rc == NGX_ERROR && r->connection->error && ctx->candidate != NULL
        && !ctx->saw_end)
    {
        /* The client left.  Read the provider to its usage, then end. */
        ngx_http_offtake_client_left(r, ctx);
        ngx_http_offtake_consume(in);
        if (r->upstream != NULL) {
            ngx_http_offtake_consume(r->upstream->busy_bufs);
        }
        r->connection->buffered = 0;
        r->out = NULL;
        return NGX_OK;
    }

    return rc;
}
