/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Intents and settlements.  Room for both is promised at admission, so that a
 * request that a provider was asked for can always be settled.  That happens
 * before the last byte of an answer goes to the client; and, whatever way a
 * request ends, at the latest when its pool is destroyed.
 */

#include "ngx_http_offtake.h"


static ngx_int_t
ngx_http_offtake_meter_open(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    char                        directory[NGX_MAX_PATH];
    char                        node[32];
    struct timespec             now;
    struct oft_error            error;
    ngx_http_offtake_worker_t  *worker = omcf->worker;

    worker->writer_retry = ngx_current_msec + 1000;
    (void) clock_gettime(CLOCK_REALTIME, &now);

    *ngx_snprintf((u_char *) directory, sizeof(directory) - 1, "%V",
                  &omcf->spool) = 0;
    *ngx_snprintf((u_char *) node, sizeof(node) - 1, "%V", &omcf->node) = 0;

    ngx_memzero(&error, sizeof(error));

    if (meter_writer_open(&worker->writer, directory, node,
                          (uint32_t) omcf->segment_records,
                          (int64_t) now.tv_sec * 1000000000 + now.tv_nsec,
                          &error)
        != OFT_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "no spool, so requests are refused: %s", error.message);
        return NGX_ERROR;
    }

    worker->writer_open = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_offtake_meter_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    /* A worker without a spool runs on and refuses: the disk may clear. */
    (void) ngx_http_offtake_meter_open(omcf, log);

    return NGX_OK;
}


void
ngx_http_offtake_meter_stop(ngx_http_offtake_worker_t *worker)
{
    if (worker->writer_open) {
        meter_writer_close(&worker->writer);
        worker->writer_open = 0;
    }
}


ngx_int_t
ngx_http_offtake_meter_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, uint32_t attempts)
{
    ngx_http_offtake_worker_t     *worker = ctx->worker;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);

    if (!worker->writer_open && ngx_current_msec >= worker->writer_retry) {
        (void) ngx_http_offtake_meter_open(omcf, r->connection->log);
    }

    if (!worker->writer_open
        || meter_reserve(&worker->writer, attempts,
                         ctx->record.admitted_ns) != OFT_OK)
    {
        ctx->retry_after = 5;

        return ngx_http_offtake_error_text(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                   "service_unavailable_error", "metering_unavailable",
                   "This request could not be metered, so it was not sent.");
    }

    ctx->reserved = attempts;
    ctx->admitted = 1;
    ngx_http_offtake_trace_read(r, ctx);
    counter_running(&worker->counters, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_offtake_append(ngx_http_offtake_ctx_t *ctx,
    enum meter_record_kind kind)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    ctx->record.recorded_ns = (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;

    if (ctx->reserved == 0
        || meter_append(&ctx->worker->writer, kind, &ctx->record) != OFT_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "a usage record found no room; this is a bug");
        return NGX_ERROR;
    }

    ctx->reserved--;

    return NGX_OK;
}


static uint64_t
ngx_http_offtake_input_estimate(ngx_http_offtake_ctx_t *ctx)
{
    /* Sounds, images and files are no tokens: they are paid by the request. */
    return ctx->info->flags & (POLICY_PATH_TEXT|POLICY_PATH_INPUT)
           ? (ctx->body.len + 3) / 4 : 0;
}


ngx_int_t
ngx_http_offtake_meter_intent(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_memzero(ctx->record.units, sizeof(ctx->record.units));
    ctx->record.units[0] = ngx_http_offtake_input_estimate(ctx);
    ctx->record.units[3] = ctx->scanned.max_output_tokens
                           * (ctx->scanned.choices > 1
                              ? ctx->scanned.choices : 1);
    ctx->record.charged_nanos = ctx->promised_nanos;
    ctx->record.cost_nanos = ctx->promised_cost_nanos;
    ctx->record.attempts++;
    counter_attempt(&ctx->worker->counters, ctx->record.pool_id);

    return ngx_http_offtake_append(ctx, METER_INTENT);
}


uint32_t
ngx_http_offtake_elapsed_us(ngx_http_offtake_ctx_t *ctx)
{
    int64_t          us;
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    us = (int64_t) (now.tv_sec - ctx->started.tv_sec) * 1000000
         + (now.tv_nsec - ctx->started.tv_nsec) / 1000;

    return us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t) us;
}


/* The provider's count where it can be believed, our own otherwise. */

static void
ngx_http_offtake_units(ngx_http_offtake_ctx_t *ctx)
{
    uint64_t              bytes;
    struct meter_record  *record = &ctx->record;

    ngx_memzero(record->units, sizeof(record->units));

    if (!ctx->connected) {
        return;
    }

    if (offtake_usage_units(&ctx->usage, record->units)) {
        return;
    }

    if (ctx->usage.has_usage && !ctx->usage.begun) {
        record->flags |= METER_FLAG_BAD_USAGE;
    }

    if (ctx->upstream_status < 200 || ctx->upstream_status > 299) {
        return; /* refused or never answered: nothing was delivered */
    }

    ngx_memzero(record->units, sizeof(record->units));

    if (!(ctx->info->flags & (POLICY_PATH_TEXT|POLICY_PATH_INPUT))) {
        return; /* one request, and nothing of it can be counted in tokens */
    }

    record->flags |= METER_FLAG_ESTIMATED;
    record->units[0] = ngx_http_offtake_input_estimate(ctx);

    bytes = ctx->delivered_bytes;
    if (ctx->sse) {
        record->units[3] = ctx->stream_events;
    } else if (ctx->info->flags & POLICY_PATH_TEXT) {
        record->units[3] = (bytes + 3) / 4;
    }
}


/*
 * How the provider says that it served the request.  A word that is no price
 * variant of ours costs the standard price, and the record says so.
 */

static void
ngx_http_offtake_service_tier(ngx_http_offtake_ctx_t *ctx)
{
    offtake_tier_t  tier = ctx->sse ? ctx->stream_tier : ctx->usage.tier;

    switch (tier) {

    case OFFTAKE_TIER_BATCH:
        ctx->record.service_tier = METER_TIER_BATCH;
        break;

    case OFFTAKE_TIER_FLEX:
        ctx->record.service_tier = METER_TIER_FLEX;
        break;

    case OFFTAKE_TIER_PRIORITY:
        ctx->record.service_tier = METER_TIER_PRIORITY;
        break;

    default:
        ctx->record.service_tier = METER_TIER_STANDARD;
        break;
    }

    if (tier == OFFTAKE_TIER_OTHER) {
        ctx->record.flags |= METER_FLAG_OTHER_TIER;
    }
}


void
ngx_http_offtake_meter_settle(void *data)
{
    ngx_http_request_t      *r;
    ngx_http_offtake_ctx_t  *ctx = data;
    struct meter_record     *record = &ctx->record;

    if (!ctx->admitted || ctx->settled) {
        return;
    }

    ctx->settled = 1;
    r = ctx->request;

    ngx_http_offtake_units(ctx);
    ngx_http_offtake_health_end(ctx);
    ngx_http_offtake_limits_settle(ctx);
    ngx_http_offtake_service_tier(ctx);

    record->status = (uint16_t) (ctx->client_gone ? 499
                                                  : r->headers_out.status);
    if (record->status == 0) {
        record->status = r->err_status ? (uint16_t) r->err_status : 499;
    }

    record->upstream_status = (uint16_t) ctx->upstream_status;
    record->total_us = ngx_http_offtake_elapsed_us(ctx);
    record->stream_events = (uint32_t) ctx->stream_events;
    record->response_bytes = ctx->delivered_bytes;

    if (ctx->client_gone || record->status == 499) {
        record->flags |= METER_FLAG_ABORTED;
    }

    if (ctx->cut) {
        record->flags |= METER_FLAG_CUT;
    }

    if (ctx->maybe_billed) {
        record->flags |= METER_FLAG_MAYBE_BILLED;
    }

    if (!ctx->connected) {
        record->flags |= METER_FLAG_REFUSED;
        record->pool_id = 0;
    }

    if (atomic_load_explicit(&ctx->worker->control->clock_shift_ns,
                             memory_order_relaxed) != 0)
    {
        record->flags |= METER_FLAG_REHEARSAL;
    }

    (void) ngx_http_offtake_append(ctx, METER_SETTLED);
    counter_running(&ctx->worker->counters, -1);
    counter_settled(&ctx->worker->counters, record);

    meter_unreserve(&ctx->worker->writer, ctx->reserved);
    ctx->reserved = 0;
}
