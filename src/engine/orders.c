/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was delivered under the desk's orders, as a file of the deal (desk/pools.h). It is published
 * beside the customer's own text, and kept with it: a past policy is read again as it was, whatever has
 * been delivered since.
 *
 * A desk that is closed takes nothing away: then what the last policy had stays.
 */
#include <string.h>

#include "base/limits.h"
#include "desk/pools.h"
#include "engine/internal.h"
#include "policy/lint.h"

const struct desk_state *engine_orders(const struct engine *engine)
{
    return engine->orders;
}

static struct oft_str generated_text(const struct deal *deal)
{
    return engine_generated_text(deal, DESK_ORDERS_FILE);
}

enum oft_err engine_last_deal(struct engine *engine, const struct deal **ret_deal,
                              struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    uint64_t last = 0;
    enum oft_err code = OFT_OK;
    *ret_deal = engine->deal;
    if (engine->deal == NULL) {
        code = store_policy_last(engine->store, &last, reterr);
    }
    if (code == OFT_OK && last > 0) {
        code = engine_context_get(engine, last, &context, reterr);
        *ret_deal = code == OFT_OK ? context->deal : NULL;
    }
    return code;
}

static enum oft_err copy_text(struct oft_arena *arena, struct oft_str text,
                              struct oft_str *ret_text)
{
    char *copy = oft_arena_copy(arena, text);
    *ret_text = (struct oft_str){copy, text.length};
    return copy == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

enum oft_err engine_orders_text(struct engine *engine, struct oft_arena *arena,
                                struct oft_str *ret_text, struct oft_error *reterr)
{
    const struct desk_state *desk = engine_orders(engine);
    if (desk == NULL) {
        const struct deal *deal = NULL;
        enum oft_err code = engine_last_deal(engine, &deal, reterr);
        return code == OFT_OK && deal != NULL ? copy_text(arena, generated_text(deal), ret_text)
                                              : (*ret_text = (struct oft_str){"", 0}, code);
    }
    struct oft_buffer text;
    oft_buffer_init(&text, OFT_DEAL_FILE_BYTES_MAX);
    enum oft_err code = desk_pools_text(desk, &text);
    if (code == OFT_OK && text.failed) {
        code = OFT_ERR_LIMIT;
    }
    if (code == OFT_OK) {
        code = copy_text(arena, (struct oft_str){oft_buffer_text(&text), text.length}, ret_text);
    } else {
        code = oft_fail(reterr, code, "what was delivered cannot be written as deal text: %s",
                        oft_err_text(code));
    }
    oft_buffer_release(&text);
    return code;
}

enum oft_err engine_deal_parse(struct engine *engine, const struct deal *again,
                               struct oft_str orders, struct oft_str months, struct deal **ret_deal,
                               struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    struct deal_file files[2];
    struct deal_generated generated = {files, 0};
    if (months.length > 0) {
        files[generated.count++] = engine_months_file(months);
    }
    if (orders.length > 0) {
        files[generated.count++] = (struct deal_file){DESK_ORDERS_FILE, orders};
    }
    if (again == NULL) {
        return deal_parse_with(engine->deal_path, deal_load_file, NULL, generated, ret_deal,
                               diagnostics, reterr);
    }
    struct deal_memory_files own = {again->files, again->file_count - again->generated_count};
    return deal_parse_with(again->files[0].path, deal_load_memory, &own, generated, ret_deal,
                           diagnostics, reterr);
}

const char *engine_first_error(const struct deal_diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        if (diagnostics->items[i].severity == DEAL_ERROR) {
            return diagnostics->items[i].message;
        }
    }
    return "";
}

bool engine_orders_published(const struct engine *engine, struct oft_str orders)
{
    return oft_str_equal(generated_text(engine->deal), orders);
}

enum oft_err engine_orders_check(struct engine *engine, struct oft_str text,
                                 struct oft_buffer *report, struct oft_error *reterr)
{
    struct deal_diagnostics diagnostics;
    struct deal *deal = NULL;
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    deal_diagnostics_init(&diagnostics);
    enum oft_err code = engine_deal_parse(
        engine, engine->deal, text, engine_months_of(engine->deal), &deal, &diagnostics, reterr);
    if (code == OFT_OK) {
        code = policy_lint(deal, &diagnostics, reterr);
    }
    if (code == OFT_ERR_INVALID) {
        deal_diagnostics_print(&diagnostics, false, report);
        code = oft_fail(reterr, code, "the deal does not hold with these pools in it: %.300s",
                        engine_first_error(&diagnostics));
    }
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    return code;
}

enum oft_err engine_delivery_check(struct engine *engine, const struct desk_arrival *arrival,
                                   struct oft_buffer *report, struct oft_error *reterr)
{
    const struct desk_state *desk = engine_orders(engine);
    struct oft_buffer text;
    if (desk == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "there is no desk to deliver to");
    }
    enum oft_err code = desk_pool_check(desk, arrival, reterr);
    if (code != OFT_OK) {
        return code;
    }
    oft_buffer_init(&text, OFT_DEAL_FILE_BYTES_MAX);
    code = desk_pools_text(desk, &text);
    if (code == OFT_OK) {
        code = desk_pool_text(desk, arrival, &text);
    }
    if (code == OFT_OK && text.failed) {
        code = oft_fail(reterr, OFT_ERR_LIMIT,
                        "the pools of all deliveries are more text than a "
                        "deal file may hold");
    }
    if (code == OFT_OK) {
        code = engine_orders_check(engine, (struct oft_str){oft_buffer_text(&text), text.length},
                                   report, reterr);
    }
    oft_buffer_release(&text);
    return code;
}
