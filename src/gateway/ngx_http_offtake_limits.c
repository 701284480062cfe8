/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Limits and budgets.  A request takes what it may need before it is sent: of
 * its key, its account and its product at admission, of a pool and of the
 * ceilings on its provider before each attempt.  What it did not need is given
 * back when it ends.  All of it is counted in the page that workers share
 * (policy/limits.h); a limit that cannot be counted admits nothing.
 */

#include "ngx_http_offtake.h"


enum { PART_KEY, PART_ACCOUNT, PART_PRODUCT, PART_POOL };


/* ---- the page ---------------------------------------------------------- */

ngx_int_t
ngx_http_offtake_limits_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log)
{
    u_char                      path[NGX_MAX_PATH];
    struct oft_error            error;
    ngx_http_offtake_worker_t  *worker = omcf->worker;

    worker->limits = ngx_pcalloc(worker->pool, sizeof(struct limit_worker));
    if (worker->limits == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&error, sizeof(error));
    *ngx_snprintf(path, NGX_MAX_PATH - 1, "%V/" LIMIT_FILE, &omcf->run) = 0;

    if (limit_page_map((char *) path, 0, &worker->limit_page,
                       &worker->limit_fd, &error)
        != OFT_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "what has a limit is refused here: %s", error.message);
        worker->limit_page = NULL;
        return NGX_OK;
    }

    limit_worker_open(worker->limits, worker->limit_page, worker->limit_fd);

    return NGX_OK;
}


/* Where each limit of a policy is counted; NULL where it cannot be. */

ngx_int_t
ngx_http_offtake_limits_find(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_policy_t *policy, ngx_log_t *log)
{
    uint32_t  i;

    if (policy->view.limit_count == 0) {
        return NGX_OK;
    }

    policy->slots = ngx_calloc(policy->view.limit_count
                               * sizeof(struct limit_slot *), log);
    if (policy->slots == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; worker->limit_page != NULL && i < policy->view.limit_count;
         i++)
    {
        policy->slots[i] = limit_page_find(worker->limit_page,
                                           policy->view.limits[i].id);
    }

    return NGX_OK;
}


/* ---- one limit --------------------------------------------------------- */

static ngx_uint_t
ngx_http_offtake_wait(int64_t wait_ns)
{
    int64_t  seconds = (wait_ns + 999999999) / 1000000000;

    return seconds < 1 ? 1 : (ngx_uint_t) seconds;
}


static ngx_uint_t
ngx_http_offtake_take_rates(ngx_http_offtake_hold_t *hold, uint64_t tokens,
    int64_t now_ns, ngx_http_offtake_short_t *why)
{
    int64_t                     wait_ns;
    const struct policy_limit  *limit = hold->limit;

    if (limit->requests_per_minute != 0
        && !limit_rate_take(&hold->slot->requests_until_ns,
                            limit->requests_per_minute, 1, now_ns, &wait_ns))
    {
        why->what = OFFTAKE_SHORT_REQUESTS;
        why->retry_after = ngx_http_offtake_wait(wait_ns);
        return 0;
    }

    if (limit->tokens_per_minute == 0) {
        return 1;
    }

    if (!limit_rate_take(&hold->slot->tokens_until_ns,
                         limit->tokens_per_minute, tokens, now_ns, &wait_ns))
    {
        why->what = wait_ns < 0 ? OFFTAKE_SHORT_TOO_LARGE
                                : OFFTAKE_SHORT_TOKENS;
        why->retry_after = wait_ns < 0 ? 0 : ngx_http_offtake_wait(wait_ns);

        if (limit->requests_per_minute != 0) {
            limit_rate_settle(&hold->slot->requests_until_ns,
                              limit->requests_per_minute, 1, 0, now_ns);
        }
        return 0;
    }

    hold->tokens = tokens;

    return 1;
}


static ngx_uint_t
ngx_http_offtake_take_money(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_hold_t *hold, int64_t nanos)
{
    uint32_t                    period;
    _Atomic int64_t            *cell;
    const struct policy_limit  *limit = hold->limit;

    for (period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        if (limit->budget_nanos[period] == LIMIT_UNBOUNDED_NANOS) {
            continue;
        }

        cell = limit_cell(hold->slot, (enum limit_period) period,
                          ctx->period_number[period]);

        if (!limit_money_take(cell, limit->budget_nanos[period], nanos)) {
            if (period == POLICY_LIMIT_MONTH
                && hold->money[POLICY_LIMIT_DAY] != NULL)
            {
                limit_money_settle(hold->money[POLICY_LIMIT_DAY], nanos, 0);
            }
            hold->money[POLICY_LIMIT_DAY] = NULL;
            return 0;
        }

        hold->money[period] = cell;
    }

    hold->nanos = nanos;

    return 1;
}


static ngx_uint_t
ngx_http_offtake_take_running(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_hold_t *hold, uint32_t part)
{
    struct limit_worker  *worker = ctx->worker->limits;

    if (hold->limit->concurrent == 0) {
        return 1;
    }

    if (!ctx->has_place) {
        ctx->place = limit_worker_begin(worker);
        ctx->has_place = ctx->place != LIMIT_NONE;
    }

    if (!ctx->has_place
        || !limit_running_take(hold->slot, hold->limit->concurrent))
    {
        return 0;
    }

    limit_worker_note(worker, ctx->place, part, hold->slot);

    return 1;
}


/* Gives back what HOLD has, but for what was USED of it. */

static void
ngx_http_offtake_settle_hold(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_hold_t *hold, uint64_t used_tokens, int64_t used_nanos,
    int64_t now_ns)
{
    uint32_t  period;

    if (hold->limit == NULL) {
        return;
    }

    if (hold->tokens != 0 || used_tokens != 0) {
        if (hold->limit->tokens_per_minute != 0) {
            limit_rate_settle(&hold->slot->tokens_until_ns,
                              hold->limit->tokens_per_minute, hold->tokens,
                              used_tokens, now_ns);
        }
    }

    for (period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        if (hold->money[period] != NULL) {
            limit_money_settle(hold->money[period], hold->nanos, used_nanos);
        }
    }

    ngx_memzero(hold, sizeof(ngx_http_offtake_hold_t));
}


static int64_t
ngx_http_offtake_monotonic(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}


/* Takes all that LIMIT asks for, or nothing. */

static ngx_uint_t
ngx_http_offtake_take(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_hold_t *hold, uint32_t limit, uint32_t part,
    uint64_t tokens, int64_t nanos, ngx_http_offtake_short_t *why)
{
    int64_t  now_ns = ngx_http_offtake_monotonic();

    ngx_memzero(hold, sizeof(ngx_http_offtake_hold_t));

    if (limit == POLICY_NONE) {
        return 1;
    }

    why->limit = &ctx->policy->view.limits[limit];
    why->retry_after = 1;

    if (ctx->policy->slots[limit] == NULL) {
        why->what = OFFTAKE_SHORT_UNKNOWN;
        return 0;
    }

    hold->limit = why->limit;
    hold->slot = ctx->policy->slots[limit];

    if (!ngx_http_offtake_take_rates(hold, tokens, now_ns, why)) {
        ngx_memzero(hold, sizeof(ngx_http_offtake_hold_t));
        return 0;
    }

    if (!ngx_http_offtake_take_money(ctx, hold, nanos)) {
        why->what = OFFTAKE_SHORT_MONEY;

    } else if (!ngx_http_offtake_take_running(ctx, hold, part)) {
        why->what = OFFTAKE_SHORT_RUNNING;

    } else {
        return 1;
    }

    /* It was no request then: its place in the minute is given back too. */
    if (hold->limit->requests_per_minute != 0) {
        limit_rate_settle(&hold->slot->requests_until_ns,
                          hold->limit->requests_per_minute, 1, 0, now_ns);
    }
    ngx_http_offtake_settle_hold(ctx, hold, 0, 0, now_ns);

    return 0;
}


/* ---- refusals ---------------------------------------------------------- */

static ngx_int_t
ngx_http_offtake_refuse(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_short_t *why)
{
    size_t                      size;
    ngx_str_t                   param, message;
    struct oft_str              name;
    const ngx_http_offtake_words_t  *words;

    static const ngx_http_offtake_words_t  all[] = {
        { "rate_limit_error", "requests_per_minute",
          "makes as many requests a minute as it may" },
        { "rate_limit_error", "tokens_per_minute",
          "uses as many tokens a minute as it may" },
        { "invalid_request_error", "request_too_large",
          "may use fewer tokens a minute than this request alone; ask for"
          " fewer output tokens or send less" },
        { "rate_limit_error", "concurrent_requests",
          "has as many requests running as it may" },
        { "insufficient_quota", "budget_exceeded",
          "has not enough left of its budget for this request" },
        { "service_unavailable_error", "limit_unavailable",
          "has a limit that cannot be counted here now" }
    };

    words = &all[why->what];
    name = policy_text(&ctx->policy->view, why->limit->name);
    ctx->retry_after = why->retry_after;

    param.data = (u_char *) name.data;
    param.len = name.length;

    size = name.length + ngx_strlen(words->text) + 8;
    message.data = ngx_pnalloc(r->pool, size);
    if (message.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    message.len = (size_t) (ngx_snprintf(message.data, size, "The %V %s.",
                                         &param, words->text)
                            - message.data);

    if (why->limit->clause != POLICY_NONE) {
        ctx->record.clause_id =
                      ctx->policy->view.clauses[why->limit->clause].id;
    }

    return ngx_http_offtake_error(r,
               why->what == OFFTAKE_SHORT_UNKNOWN
               ? NGX_HTTP_SERVICE_UNAVAILABLE
               : why->what == OFFTAKE_SHORT_TOO_LARGE
                 ? NGX_HTTP_BAD_REQUEST : NGX_HTTP_TOO_MANY_REQUESTS,
               words->type, words->code, &param, &message);
}


/* ---- admission --------------------------------------------------------- */

/* Where tokens go in or out, what they may be at most: as many answers as the
 * request asks for, each of the most that one can have. */

static void
ngx_http_offtake_estimate(ngx_http_offtake_ctx_t *ctx)
{
    uint64_t                   one;
    const struct policy_view  *view = &ctx->policy->view;

    if (ctx->info->flags & (POLICY_PATH_TEXT|POLICY_PATH_INPUT)) {
        ctx->promised_input = (ctx->body.len + 3) / 4;
    }

    if (ctx->info->flags & POLICY_PATH_TEXT) {
        one = ctx->scanned.max_output_tokens;
        if (one == 0 && ctx->model != POLICY_NONE) {
            one = view->outputs[ctx->model];
        }

        ctx->promised_output = one * (ctx->scanned.choices > 1
                                      ? ctx->scanned.choices : 1);
    }

    ctx->period_number[POLICY_LIMIT_DAY] = policy_period_number(view->days,
                           view->day_count, ctx->record.admitted_ns);
    ctx->period_number[POLICY_LIMIT_MONTH] = policy_period_number(
                           view->months, view->month_count,
                           ctx->record.admitted_ns);
}


static ngx_uint_t
ngx_http_offtake_has_budget(const struct policy_view *view, uint32_t limit)
{
    return limit != POLICY_NONE
           && (view->limits[limit].budget_nanos[0] != LIMIT_UNBOUNDED_NANOS
               || view->limits[limit].budget_nanos[1]
                  != LIMIT_UNBOUNDED_NANOS);
}


static void
ngx_http_offtake_give_back(ngx_http_offtake_ctx_t *ctx, ngx_uint_t count)
{
    int64_t     now_ns = ngx_http_offtake_monotonic();
    ngx_uint_t  i;

    for (i = 0; i < count; i++) {
        if (ctx->holds[i].limit != NULL
            && ctx->holds[i].limit->requests_per_minute != 0)
        {
            limit_rate_settle(&ctx->holds[i].slot->requests_until_ns,
                              ctx->holds[i].limit->requests_per_minute, 1, 0,
                              now_ns);
        }
        ngx_http_offtake_settle_hold(ctx, &ctx->holds[i], 0, 0, now_ns);
    }

    if (ctx->has_place) {
        limit_worker_end(ctx->worker->limits, ctx->place);
        ctx->has_place = 0;
    }
}


ngx_int_t
ngx_http_offtake_limits_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    uint32_t                   limits[OFFTAKE_HOLDS];
    ngx_uint_t                 i;
    ngx_http_offtake_short_t   why;
    const struct policy_view  *view = &ctx->policy->view;

    if (view->limit_count == 0) {
        return NGX_OK;
    }

    limits[PART_KEY] = ctx->key->limit;
    limits[PART_ACCOUNT] = policy_limit_of_account(view, ctx->key->account);
    limits[PART_PRODUCT] = policy_limit_of_product(view, ctx->key->product);

    ngx_http_offtake_estimate(ctx);

    for (i = 0; i < OFFTAKE_HOLDS; i++) {
        if (ngx_http_offtake_has_budget(view, limits[i])) {
            ctx->budgeted = 1;
        }
    }

    if (ctx->budgeted) {
        ctx->promised_nanos = policy_promise_nanos(
                 policy_find_sale(view, ctx->key->product, ctx->model,
                                  ctx->record.admitted_ns),
                 ctx->promised_input, ctx->promised_output);
    }

    for (i = 0; i < OFFTAKE_HOLDS; i++) {
        if (!ngx_http_offtake_take(ctx, &ctx->holds[i], limits[i],
                                   (uint32_t) i,
                                   ctx->promised_input + ctx->promised_output,
                                   ctx->promised_nanos, &why))
        {
            ngx_http_offtake_give_back(ctx, i);
            return ngx_http_offtake_refuse(r, ctx, &why);
        }
    }

    if (!ngx_http_offtake_limits_next_pool(ctx, &why)) {
        ngx_http_offtake_give_back(ctx, OFFTAKE_HOLDS);
        return ngx_http_offtake_refuse(r, ctx, &why);
    }

    ctx->pool_taken = 1;

    return NGX_OK;
}


/* ---- pools ------------------------------------------------------------- */

static void
ngx_http_offtake_settle_pool(ngx_http_offtake_ctx_t *ctx,
    uint64_t used_tokens, int64_t used_nanos)
{
    int64_t     now_ns;
    ngx_uint_t  i;

    if (ctx->pool_hold.limit == NULL && ctx->ceiling_count == 0) {
        return;
    }

    now_ns = ngx_http_offtake_monotonic();

    if (ctx->has_place) {
        limit_worker_drop(ctx->worker->limits, ctx->place, PART_POOL);
    }

    ngx_http_offtake_settle_hold(ctx, &ctx->pool_hold, used_tokens, 0,
                                 now_ns);

    for (i = 0; i < ctx->ceiling_count; i++) {
        ngx_http_offtake_settle_hold(ctx, &ctx->ceilings[i], 0, used_nanos,
                                     now_ns);
    }

    ctx->ceiling_count = 0;
    ctx->promised_cost_nanos = 0;
}


static const struct policy_price *
ngx_http_offtake_cost(ngx_http_offtake_ctx_t *ctx,
    const struct policy_candidate *candidate)
{
    return ctx->model == POLICY_NONE
           ? policy_find_bare_cost(&ctx->policy->view, candidate->pool,
                                   ctx->record.admitted_ns)
           : policy_find_cost(&ctx->policy->view, candidate->endpoint,
                              ctx->record.admitted_ns);
}


/* The ceilings in force on this candidate's provider. */

static ngx_uint_t
ngx_http_offtake_take_ceilings(ngx_http_offtake_ctx_t *ctx,
    const struct policy_candidate *candidate, ngx_http_offtake_short_t *why)
{
    int64_t                       nanos;
    uint32_t                      i;
    const struct policy_view     *view = &ctx->policy->view;
    const struct policy_ceiling  *ceiling;

    nanos = 0;

    for (i = 0; i < view->ceiling_count; i++) {
        ceiling = &view->ceilings[i];

        if (ceiling->pool != candidate->pool
            || view->limits[ceiling->limit].from_ns > ctx->record.admitted_ns
            || view->limits[ceiling->limit].until_ns
               <= ctx->record.admitted_ns)
        {
            continue;
        }

        if (nanos == 0) {
            nanos = policy_promise_nanos(
                          ngx_http_offtake_cost(ctx, candidate),
                          ctx->promised_input, ctx->promised_output);
            ctx->promised_cost_nanos = nanos;
        }

        if (ctx->ceiling_count == OFFTAKE_CEILINGS_MAX) {
            why->limit = &view->limits[ceiling->limit];
            why->what = OFFTAKE_SHORT_UNKNOWN;
            return 0;
        }

        if (!ngx_http_offtake_take(ctx, &ctx->ceilings[ctx->ceiling_count],
                                   ceiling->limit, PART_POOL, 0, nanos, why))
        {
            return 0;
        }

        ctx->ceiling_count++;
    }

    return 1;
}


/*
 * Moves ctx->choice to the next candidate that has room, and takes it there.
 * 0: none has, and WHY tells what the first of them lacks.
 */

ngx_uint_t
ngx_http_offtake_limits_next_pool(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_short_t *why)
{
    ngx_uint_t                      told = 0;
    ngx_http_offtake_short_t        now;
    const struct policy_view       *view = &ctx->policy->view;
    const struct policy_candidate  *candidate;

    if (view->limit_count == 0) {
        return ctx->choice < ctx->answer->up_count;
    }

    ngx_http_offtake_settle_pool(ctx, 0, 0);

    for ( /* void */; ctx->choice < ctx->answer->up_count; ctx->choice++) {
        candidate = ctx->answer->choices[ctx->choice].candidate;

        if (ngx_http_offtake_take(ctx, &ctx->pool_hold,
                         policy_limit_of_pool(view, candidate->pool),
                         PART_POOL,
                         ctx->promised_input + ctx->promised_output, 0, &now))
        {
            if (ngx_http_offtake_take_ceilings(ctx, candidate, &now)) {
                return 1;
            }
            ngx_http_offtake_settle_pool(ctx, 0, 0);
        }

        if (!told) {
            *why = now;
            told = 1;
        }
    }

    return 0;
}


/* ---- the end ----------------------------------------------------------- */

/* What the record says was used; sets what budgets and ceilings counted. */

void
ngx_http_offtake_limits_settle(ngx_http_offtake_ctx_t *ctx)
{
    int64_t                    charged = 0, cost = 0, now_ns;
    uint64_t                   tokens = 0;
    ngx_uint_t                 i, paid;
    const struct policy_view  *view;
    struct meter_record       *record = &ctx->record;

    record->charged_nanos = 0;
    record->cost_nanos = 0;

    if (ctx->policy == NULL || ctx->policy->view.limit_count == 0
        || ctx->key == NULL)
    {
        return;
    }

    view = &ctx->policy->view;
    paid = ctx->connected && ctx->upstream_status >= 200
           && ctx->upstream_status < 300;

    for (i = 0; i < METER_UNITS; i++) {
        tokens += record->units[i];
    }

    if (paid && ctx->budgeted) {
        charged = policy_amount_nanos(
                      policy_find_sale(view, ctx->key->product, ctx->model,
                                       record->admitted_ns),
                      record->units);
    }

    if (ctx->ceiling_count > 0 && paid) {
        cost = policy_amount_nanos(
                      ngx_http_offtake_cost(ctx, ctx->candidate),
                      record->units);
    }

    /* It may have been processed and billed: what was promised stays. */
    if (ctx->maybe_billed && !paid) {
        tokens = ctx->promised_input + ctx->promised_output;
        charged = ctx->promised_nanos;
        cost = ctx->promised_cost_nanos;
    }

    record->charged_nanos = charged;
    record->cost_nanos = cost;

    now_ns = ngx_http_offtake_monotonic();

    for (i = 0; i < OFFTAKE_HOLDS; i++) {
        ngx_http_offtake_settle_hold(ctx, &ctx->holds[i], tokens, charged,
                                     now_ns);
    }

    ngx_http_offtake_settle_pool(ctx, tokens, cost);

    if (ctx->has_place) {
        limit_worker_end(ctx->worker->limits, ctx->place);
        ctx->has_place = 0;
    }
}
