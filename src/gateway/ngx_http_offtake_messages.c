/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is particular to Anthropic's API: the form of its errors.
 */

#include "ngx_http_offtake.h"


ngx_uint_t
ngx_http_offtake_in_messages(ngx_http_request_t *r)
{
    ngx_http_offtake_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    return ctx != NULL && (ctx->info->flags & POLICY_PATH_MESSAGES_API);
}


/* Its words for what ours say. */

static const char *
ngx_http_offtake_messages_type(ngx_http_request_t *r, const char *type)
{
    size_t  i;

    static const struct {
        const char  *ours;
        const char  *theirs;
    } words[] = {
        { "service_unavailable_error", "overloaded_error" },
        { "insufficient_quota", "rate_limit_error" },
        { "api_error", "api_error" },
        { "authentication_error", "authentication_error" },
        { "permission_error", "permission_error" },
        { "rate_limit_error", "rate_limit_error" }
    };

    if (r->headers_out.status == NGX_HTTP_NOT_FOUND) {
        return "not_found_error";
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ngx_strcmp(type, words[i].ours) == 0) {
            return words[i].theirs;
        }
    }

    return "invalid_request_error";
}


/* MESSAGE is ours, or a deal's, as in reply.c. */

ngx_str_t
ngx_http_offtake_messages_error(ngx_http_request_t *r, const char *type,
    ngx_str_t *message)
{
    size_t     size;
    u_char    *p;
    ngx_str_t  body = ngx_null_string;

    size = 96 + message->len + ngx_strlen(type)
           + (size_t) ngx_escape_json(NULL, message->data, message->len);

    body.data = ngx_pnalloc(r->pool, size);
    if (body.data == NULL) {
        return body;
    }

    p = ngx_sprintf(body.data, "{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                    "\"message\":\"",
                    ngx_http_offtake_messages_type(r, type));
    p = (u_char *) ngx_escape_json(p, message->data, message->len);
    p = ngx_cpymem(p, "\"}}\n", 4);
    body.len = (size_t) (p - body.data);

    return body;
}
