/* SPDX-License-Identifier: Apache-2.0 */

/*
 * W3C trace context: which trace of the client's a request is part of.  It
 * goes into the record, of which the daemon makes spans, and on to the
 * provider with a span of ours as its parent.  What a client sends that is
 * not well-formed is as if it were not there.
 */

#include "ngx_http_offtake.h"


#define OFFTAKE_TRACEPARENT  55  /* 00-<32>-<16>-<2> */


static ngx_int_t
ngx_http_offtake_unhex(u_char *text, uint8_t *out, size_t length)
{
    size_t      i;
    u_char      c;
    uint8_t     digit, any = 0;

    for (i = 0; i < 2 * length; i++) {
        c = text[i];

        if (c >= '0' && c <= '9') {
            digit = (uint8_t) (c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint8_t) (c - 'a' + 10);
        } else {
            return NGX_ERROR;
        }

        out[i / 2] = (uint8_t) (i % 2 ? out[i / 2] | digit : digit << 4);
        any |= digit;
    }

    return any ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_offtake_parse_trace(ngx_str_t *value, struct meter_record *record)
{
    u_char   *p = value->data;
    uint8_t   version, trace[16], parent[8], flags;

    /* A later version may have more behind what version 0 has. */
    if (value->len < OFFTAKE_TRACEPARENT
        || ngx_http_offtake_unhex(p, &version, 1) == NGX_ERROR
        || version == 0xff
        || (value->len > OFFTAKE_TRACEPARENT
            && (version == 0 || p[OFFTAKE_TRACEPARENT] != '-'))
        || p[2] != '-' || p[35] != '-' || p[52] != '-'
        || ngx_http_offtake_unhex(p + 3, trace, 16) != NGX_OK
        || ngx_http_offtake_unhex(p + 36, parent, 8) != NGX_OK
        || ngx_http_offtake_unhex(p + 53, &flags, 1) == NGX_ERROR)
    {
        return;
    }

    ngx_memcpy(record->trace_id, trace, sizeof(trace));
    ngx_memcpy(record->parent_span_id, parent, sizeof(parent));
    record->trace_flags = (uint8_t) (METER_TRACE_SENT
                                     | (flags & METER_TRACE_SAMPLED));
}


void
ngx_http_offtake_trace_read(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_uint_t        i, found = 0;
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

        if (h[i].key.len == sizeof("traceparent") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "traceparent",
                               sizeof("traceparent") - 1) == 0)
        {
            if (found++) { /* two of them are none */
                ngx_memzero(ctx->record.trace_id, 16);
                ngx_memzero(ctx->record.parent_span_id, 8);
                ctx->record.trace_flags = 0;
                return;
            }

            ngx_http_offtake_parse_trace(&h[i].value, &ctx->record);
        }
    }
}


/* At P, for the attempt to come: its span is a child of the request's. */

u_char *
ngx_http_offtake_trace_write(u_char *p, ngx_http_offtake_ctx_t *ctx)
{
    uint8_t  span[8];

    if (!(ctx->record.trace_flags & METER_TRACE_SENT)) {
        return p;
    }

    ngx_memcpy(span, ctx->record.request_id + 8, sizeof(span));
    span[7] ^= (uint8_t) (ctx->record.attempts + 1);

    p = ngx_cpymem(p, "traceparent: 00-", sizeof("traceparent: 00-") - 1);
    p = ngx_hex_dump(p, ctx->record.trace_id, 16);
    *p++ = '-';
    p = ngx_hex_dump(p, span, sizeof(span));

    return ngx_cpymem(p, ctx->record.trace_flags & METER_TRACE_SAMPLED
                         ? "-01\r\n" : "-00\r\n", 5);
}
