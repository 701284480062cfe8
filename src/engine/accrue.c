/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity that is paid for by the hour or the month, into the books: what was delivered under an order, and
 * pools with a flat price. What it comes to follows from the orders, the deal and the clock alone, so this
 * may be done at any time and any number of times; the transaction is the books' only trace of it.
 */
#include <stdio.h>
#include <string.h>

#include "desk/pools.h"
#include "engine/failpoint.h"
#include "engine/internal.h"

#define HOUR_NS     (3600 * OFT_NS_PER_SECOND)
#define THROUGH_KEY "accrued_through"

struct charges {
    struct ledger_charge *items;
    size_t count;
};

static enum oft_err charge_of(const struct desk_state *desk, const struct desk_arrival *arrival,
                              struct oft_arena *arena, struct charges *charges)
{
    const struct desk_order *order = desk_order_at(desk, arrival->order);
    const struct desk_need *need = desk_need_at(desk, order->need)->need;
    struct ledger_charge *charge = &charges->items[charges->count];
    bool by_month = false;
    if (!desk_order_flat(desk, order, &charge->rate, &by_month)) {
        return OFT_OK;
    }
    charge->clause = oft_arena_printf(arena, "order-%u.price", arrival->order + 1);
    charge->pool = arrival->pool.id != 0 ? arrival->pool.text
                                         : oft_arena_printf(arena, "order-%u", arrival->order + 1);
    charge->provider = order->provider.id != 0 ? order->provider.text : "";
    charge->party = order->party.text;
    charge->product = need->product.text;
    bool mw = need->unit == DESK_SIZE_MW;
    charge->unit = by_month ? (mw ? LEDGER_MW_OF_MONTH : LEDGER_GPU_OF_MONTH)
                            : (mw ? LEDGER_MW_HOUR : LEDGER_GPU_HOUR);
    charge->quantity = arrival->quantity;
    charge->from = arrival->happened;
    charge->until = desk_arrival_end(desk, arrival);
    charges->count++;
    return charge->clause == NULL || charge->pool == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* What the deal says of its pools. Which product a pool is for it does not say. */
static void flat_charges(const struct deal *deal, struct deal_attestations attested,
                         struct charges *charges)
{
    for (uint32_t i = 0; i < deal->flat_count; i++) {
        const struct deal_flat *flat = &deal->flats[i];
        const struct deal_provider *provider = &deal->providers[deal->pools[flat->pool].provider];
        charges->items[charges->count++] = (struct ledger_charge){
            .clause = flat->id,
            .pool = deal->pools[flat->pool].name,
            .provider = provider->name,
            .party = deal->parties[provider->party].name,
            .product = "",
            .unit = LEDGER_POOL_OF_MONTH,
            .quantity = 1,
            .from = flat->from,
            .until = deal_flat_until(deal, flat, attested),
            .rate = flat->per_month_nanos,
            .by_deal = true,
        };
    }
}

static enum oft_err charges_of(const struct desk_state *desk, const struct deal *deal,
                               struct deal_attestations attested, struct oft_arena *arena,
                               struct charges *ret_charges)
{
    uint32_t arrivals = desk == NULL ? 0 : desk_arrival_count(desk);
    enum oft_err code = OFT_OK;
    ret_charges->count = 0;
    ret_charges->items = oft_arena_alloc_array(arena, (size_t)arrivals + deal->flat_count + 1,
                                               sizeof(*ret_charges->items));
    if (ret_charges->items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; code == OFT_OK && i < arrivals; i++) {
        code = charge_of(desk, desk_arrival_at(desk, i), arena, ret_charges);
    }
    flat_charges(deal, attested, ret_charges);
    return code;
}

/* Never before what was reckoned already: a clock that was set back owes nothing back. */
static enum oft_err through_of(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                               oft_instant *ret_through, struct oft_error *reterr)
{
    const char *text = NULL;
    oft_nanos before;
    *ret_through = engine_contract_now(engine, now_ns);
    enum oft_err code = store_meta_get(engine->store, THROUGH_KEY, arena, &text, reterr);
    if (code == OFT_OK && text != NULL) {
        if (oft_i128_parse(oft_str_from(text), &before) != OFT_OK || before > INT64_MAX ||
            before < INT64_MIN) {
            return oft_fail(reterr, OFT_ERR_CORRUPT,
                            "how far capacity was booked (" THROUGH_KEY ") is damaged in the "
                            "books");
        }
        *ret_through = before > *ret_through ? (oft_instant)before : *ret_through;
    }
    return code;
}

static enum oft_err post(struct engine *engine, struct ledger_batch *batch, oft_instant through,
                         oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_posted posted = {0};
    char text[OFT_NANOS_TEXT_BYTES];
    enum oft_err code = store_begin(engine->store, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = engine_post(engine, batch, NULL, 0, now_ns, &posted, reterr);
    engine_failpoint("accrue-posted");
    if (code == OFT_OK && posted.any) {
        code = store_meta_set(engine->store, THROUGH_KEY, oft_i128_format(through, text), reterr);
    }
    engine_failpoint("accrue-before-commit");
    if (code == OFT_OK && posted.any) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK || !posted.any) {
        store_rollback(engine->store);
    }
    return code;
}

static enum oft_err accrue(struct engine *engine, const struct desk_state *desk, oft_instant now_ns,
                           struct oft_arena *arena, struct oft_error *reterr)
{
    struct charges charges;
    struct ledger_row *counted = NULL;
    size_t counted_count = 0;
    struct ledger_batch *batch = NULL;
    oft_instant through = 0;
    enum oft_err code =
        charges_of(desk, engine->deal, engine_attested_now(engine), arena, &charges);
    if (code != OFT_OK || charges.count == 0) {
        return code;
    }
    code = through_of(engine, now_ns, arena, &through, reterr);
    if (code == OFT_OK) {
        code = ledger_batch_new(&batch);
    }
    if (code == OFT_OK) {
        code = engine_batch_periods(engine, batch, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_capacity_add(batch, engine->current->ledger, charges.items, charges.count,
                                   through);
    }
    if (code == OFT_OK) { /* hours that counted elsewhere before the deal changed */
        code = store_rows(engine->store, LEDGER_COMMITMENT, 0, arena, &counted, &counted_count,
                          reterr);
    }
    if (code == OFT_OK) {
        code = ledger_dues_add(batch, engine->current->ledger, NULL, 0, counted, counted_count);
    }
    if (code == OFT_OK) {
        code = post(engine, batch, through, now_ns, reterr);
    }
    ledger_batch_free(batch);
    return code;
}

static enum oft_err accrue_hours(struct engine *engine, oft_instant now_ns,
                                 struct oft_error *reterr)
{
    const struct desk_state *desk = engine_orders(engine);
    struct oft_arena arena;
    struct oft_error error = {0};
    if (engine->current == NULL || engine->deal == NULL) {
        return OFT_OK;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = accrue(engine, desk, now_ns, &arena, &error);
    oft_arena_release(&arena);
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "the hours of capacity cannot be booked: %.380s",
                        error.message[0] != '\0' ? error.message : oft_err_text(code));
    }
    return OFT_OK;
}

enum oft_err engine_accrue(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    enum oft_err code = accrue_hours(engine, now_ns, reterr);
    return code == OFT_OK ? engine_settle_dues(engine, now_ns, reterr) : code;
}

enum oft_err engine_charges(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                            struct engine_charges *ret, struct oft_error *reterr)
{
    const struct desk_state *desk = engine_orders(engine);
    struct charges charges = {0};
    enum oft_err code =
        engine->deal == NULL
            ? OFT_OK
            : charges_of(desk, engine->deal, engine_attested_now(engine), arena, &charges);
    ret->items = charges.items;
    ret->count = charges.count;
    return code == OFT_OK ? through_of(engine, now_ns, arena, &ret->through, reterr) : code;
}

enum oft_err engine_accrue_hourly(struct engine *engine, oft_instant now_ns,
                                  struct oft_error *reterr)
{
    int64_t hour = engine_contract_now(engine, now_ns) / HOUR_NS;
    if (engine->accrued_once && engine->accrued_hour == hour) {
        return OFT_OK;
    }
    /* Also when it fails: whoever reads a statement tries again, and is told. */
    engine->accrued_once = true;
    engine->accrued_hour = hour;
    return engine_accrue(engine, now_ns, reterr);
}
