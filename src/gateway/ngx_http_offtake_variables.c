/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Variables for access logs: what a request was, where it ran, what came of
 * it.  None of them holds a key, a credential, a query or a word of a body.
 * They are for the log phase: what is not known yet is "-".
 */

#include "ngx_http_offtake.h"


typedef enum {
    VARIABLE_REQUEST_ID,
    VARIABLE_PRODUCT,
    VARIABLE_ACCOUNT,
    VARIABLE_KEY_ID,
    VARIABLE_POOL,
    VARIABLE_PROVIDER,
    VARIABLE_CLAUSE,
    VARIABLE_MODEL,
    VARIABLE_OPERATION,
    VARIABLE_STREAM,
    VARIABLE_OUTCOME,
    VARIABLE_CODE,
    VARIABLE_ATTEMPTS,
    VARIABLE_UPSTREAM_STATUS,
    VARIABLE_INPUT_TOKENS,
    VARIABLE_CACHED_TOKENS,
    VARIABLE_OUTPUT_TOKENS,
    VARIABLE_FIRST_BYTE_US,
    VARIABLE_TOTAL_US,
    VARIABLE_GENERATION,
    VARIABLE_PATH
} ngx_http_offtake_variable_id_t;


static ngx_int_t ngx_http_offtake_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_int_t ngx_http_offtake_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_offtake_variables[] = {

    { ngx_string("offtake_request_id"), NULL, ngx_http_offtake_variable,
      VARIABLE_REQUEST_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_product"), NULL, ngx_http_offtake_variable,
      VARIABLE_PRODUCT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_account"), NULL, ngx_http_offtake_variable,
      VARIABLE_ACCOUNT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_key_id"), NULL, ngx_http_offtake_variable,
      VARIABLE_KEY_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_pool"), NULL, ngx_http_offtake_variable,
      VARIABLE_POOL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_provider"), NULL, ngx_http_offtake_variable,
      VARIABLE_PROVIDER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_clause"), NULL, ngx_http_offtake_variable,
      VARIABLE_CLAUSE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_model"), NULL, ngx_http_offtake_variable,
      VARIABLE_MODEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_operation"), NULL, ngx_http_offtake_variable,
      VARIABLE_OPERATION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_stream"), NULL, ngx_http_offtake_variable,
      VARIABLE_STREAM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_outcome"), NULL, ngx_http_offtake_variable,
      VARIABLE_OUTCOME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_code"), NULL, ngx_http_offtake_variable,
      VARIABLE_CODE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_attempts"), NULL, ngx_http_offtake_variable,
      VARIABLE_ATTEMPTS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_upstream_status"), NULL, ngx_http_offtake_variable,
      VARIABLE_UPSTREAM_STATUS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_input_tokens"), NULL, ngx_http_offtake_variable,
      VARIABLE_INPUT_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_cached_tokens"), NULL, ngx_http_offtake_variable,
      VARIABLE_CACHED_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_output_tokens"), NULL, ngx_http_offtake_variable,
      VARIABLE_OUTPUT_TOKENS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_first_byte_us"), NULL, ngx_http_offtake_variable,
      VARIABLE_FIRST_BYTE_US, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_total_us"), NULL, ngx_http_offtake_variable,
      VARIABLE_TOTAL_US, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_generation"), NULL, ngx_http_offtake_variable,
      VARIABLE_GENERATION, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("offtake_path"), NULL, ngx_http_offtake_variable_path,
      VARIABLE_PATH, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_offtake_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_offtake_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static const char *
ngx_http_offtake_outcome(ngx_http_offtake_ctx_t *ctx)
{
    static const char  *words[COUNTER_OUTCOMES] = {
        "served", "estimated", "cut", "client-left", "refused", "failed"
    };

    if (!ctx->admitted) {
        return ctx->answered && ctx->code == NULL ? "served" : "refused";
    }

    return words[counter_outcome_of(&ctx->record)];
}


static struct oft_str
ngx_http_offtake_word(const char *word)
{
    struct oft_str  text;

    text.data = word;
    text.length = ngx_strlen(word);

    return text;
}


/* Of what the policy names; empty when there is nothing of it. */

static struct oft_str
ngx_http_offtake_name(ngx_http_offtake_ctx_t *ctx, uintptr_t which)
{
    uint32_t                   i;
    struct oft_str             none;
    const struct policy_view  *view = &ctx->policy->view;

    none.data = "";
    none.length = 0;

    switch (which) {

    case VARIABLE_PRODUCT:
        return ctx->key == NULL ? none
                          : policy_text(view,
                                        view->products[ctx->key->product].name);

    case VARIABLE_ACCOUNT:
        return ctx->key == NULL ? none
                          : policy_text(view,
                                        view->accounts[ctx->key->account].name);

    case VARIABLE_MODEL:
        return ctx->record.model_id == 0
               ? none : policy_text(view, view->models[ctx->model].name);

    case VARIABLE_POOL:
        return ctx->candidate == NULL
               ? none
               : policy_text(view, view->pools[ctx->candidate->pool].name);

    case VARIABLE_PROVIDER:
        return ctx->candidate == NULL
               ? none
               : policy_text(view, view->pools[ctx->candidate->pool].provider);

    case VARIABLE_CLAUSE:
        for (i = 0; ctx->record.clause_id != 0 && i < view->clause_count; i++) {
            if (view->clauses[i].id == ctx->record.clause_id) {
                return policy_text(view, view->clauses[i].name);
            }
        }
        return none;

    default:
        return none;
    }
}


static struct oft_str
ngx_http_offtake_variable_text(ngx_http_offtake_ctx_t *ctx, uintptr_t which)
{
    static const char  *operations[] = {
        "", "chat", "completions", "embeddings", "responses", "messages",
        "moderations", "images", "audio", "stored", "other"
    };

    switch (which) {

    case VARIABLE_OPERATION:
        return ngx_http_offtake_word(
                   ctx->record.operation < sizeof(operations) / sizeof(char *)
                   ? operations[ctx->record.operation] : "other");

    case VARIABLE_OUTCOME:
        return ngx_http_offtake_word(ngx_http_offtake_outcome(ctx));

    case VARIABLE_CODE:
        return ngx_http_offtake_word(ctx->code == NULL ? "" : ctx->code);

    case VARIABLE_STREAM:
        return ngx_http_offtake_word(ctx->record.flags & METER_FLAG_STREAM
                                     ? "true" : "false");

    default:
        return ctx->policy == NULL ? ngx_http_offtake_word("")
                                   : ngx_http_offtake_name(ctx, which);
    }
}


static uint64_t
ngx_http_offtake_number(ngx_http_offtake_ctx_t *ctx, uintptr_t which)
{
    const struct meter_record  *record = &ctx->record;

    switch (which) {

    case VARIABLE_ATTEMPTS:
        return record->attempts;

    case VARIABLE_UPSTREAM_STATUS:
        return record->upstream_status;

    case VARIABLE_INPUT_TOKENS:
        return record->units[0] + record->units[1] + record->units[2];

    case VARIABLE_CACHED_TOKENS:
        return record->units[1];

    case VARIABLE_OUTPUT_TOKENS:
        return record->units[3] + record->units[4];

    case VARIABLE_FIRST_BYTE_US:
        return record->first_byte_us;

    case VARIABLE_TOTAL_US:
        return record->total_us;

    default:
        return record->generation;
    }
}


static ngx_int_t
ngx_http_offtake_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                  *p;
    struct oft_str           text;
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    if (ctx == NULL) { /* nginx answered by itself, before it came to us */
        v->valid = 1;
        v->no_cacheable = 0;
        v->not_found = 0;
        v->len = data >= VARIABLE_ATTEMPTS ? 1 : 0;
        v->data = (u_char *) "0";

        if (data == VARIABLE_STREAM) {
            v->len = 5;
            v->data = (u_char *) "false";
        }

        return NGX_OK;
    }

    if (ctx->admitted && !ctx->settled && r->pool != NULL
        && r->connection->log->action != NULL
        && ngx_strcmp(r->connection->log->action, "logging request") == 0)
    {
        /* The last that is done for it: whatever was delivered is known. */
        ngx_http_offtake_meter_settle(ctx);
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (data < VARIABLE_ATTEMPTS && data != VARIABLE_REQUEST_ID
        && data != VARIABLE_KEY_ID)
    {
        text = ngx_http_offtake_variable_text(ctx, data);
        v->data = (u_char *) text.data;
        v->len = (unsigned) text.length;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, 40);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;

    if (data == VARIABLE_REQUEST_ID) {
        p = ngx_sprintf(p, "req_%*s", (size_t) 32, ctx->request_id);

    } else if (data == VARIABLE_KEY_ID) {
        p = ctx->key == NULL ? p
                             : ngx_sprintf(p, "%016xL", ctx->key->key_id);

    } else {
        p = ngx_sprintf(p, "%uL", ngx_http_offtake_number(ctx, data));
    }

    v->len = (unsigned) (p - v->data);

    return NGX_OK;
}


/*
 * The path without its query, of at most 256 bytes, in plain ASCII: $uri may
 * hold bytes that are no UTF-8, and then a line of JSON would not be JSON.
 */

#define OFFTAKE_PATH_BYTES  256

static ngx_int_t
ngx_http_offtake_variable_path(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char  *p, *c, *last;

    (void) data;

    last = r->uri.data + ngx_min(r->uri.len, OFFTAKE_PATH_BYTES);

    p = ngx_pnalloc(r->pool, 3 * OFFTAKE_PATH_BYTES);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;

    for (c = r->uri.data; c < last; c++) {
        if (*c <= 0x20 || *c >= 0x7f || *c == '"' || *c == '\\'
            || *c == '%')
        {
            p = ngx_sprintf(p, "%%%02Xd", (ngx_uint_t) *c);
        } else {
            *p++ = *c;
        }
    }

    v->len = (unsigned) (p - v->data);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/*
 * nginx's own would write the whole request line, where some clients put a
 * key, and the referrer.
 */

u_char *
ngx_http_offtake_log_handler(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char                  *p = buf;
    struct oft_str           text;
    ngx_http_offtake_ctx_t  *ctx;

    (void) sr;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    p = ngx_snprintf(p, len, ", request: \"%V %V\"", &r->method_name,
                     &r->uri);

    if (ctx == NULL) {
        return p;
    }

    len -= (size_t) (p - buf);
    buf = p;
    p = ngx_snprintf(p, len, ", id: \"req_%*s\"", (size_t) 32,
                     ctx->request_id);

    if (ctx->policy != NULL && ctx->candidate != NULL) {
        len -= (size_t) (p - buf);
        text = ngx_http_offtake_name(ctx, VARIABLE_POOL);
        p = ngx_snprintf(p, len, ", pool: \"%*s\"", text.length, text.data);
    }

    return p;
}
