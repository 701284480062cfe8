/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books as they were: balances and statements made of the entries and changes that were recorded by
 * an instant, not of what stands in the books now; and the journal in pages for other programs.
 *
 * Recorded time is exact, to the transaction. Effective time is by month: a series has one, a day has
 * none, since an amount is rounded once for its month.
 */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "engine/internal.h"
#include "engine/trace.h"
#include "ledger/trace.h"
#include "store/trace.h"

/* The head of the journal as of AS_OF, which is contract time. */
static enum oft_err head_at(struct engine *engine, oft_instant as_of, struct store_head *ret_head,
                            struct oft_error *reterr)
{
    oft_instant recorded = as_of;
    if (as_of != OFT_INSTANT_NEVER &&
        __builtin_sub_overflow(as_of, engine->clock_shift_ns, &recorded)) {
        return oft_fail(reterr, OFT_ERR_RANGE, "that instant is outside of what clocks can say");
    }
    return store_head_at(engine->store, recorded, ret_head, reterr);
}

/* ---- balances ---------------------------------------------------------------------------------- */

struct balances {
    const struct engine_as_of *which;
    struct store_head head;
    struct store_balance *items;
    size_t count;
};

static void put_until(struct oft_buffer *out, const struct engine_as_of *which)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    if (which->from != INT32_MIN) {
        oft_buffer_printf(out, ", from month %s on", oft_month_format(which->from, month));
    }
    if (which->through != INT32_MAX) {
        oft_buffer_printf(out, ", months up to %s", oft_month_format(which->through, month));
    }
}

static void print_balances(const struct engine *engine, const struct balances *balances,
                           struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    oft_buffer_printf(out, "Balances after transaction %llu",
                      (unsigned long long)balances->head.number);
    if (balances->head.number != 0) {
        oft_instant at = engine_contract_now(engine, balances->head.recorded_ns);
        oft_buffer_printf(out, " of %s", oft_instant_format(at, text));
    }
    put_until(out, balances->which);
    oft_buffer_append_text(out, "\nDebits are positive.\n\n");
    for (size_t i = 0; i < balances->count; i++) {
        const char *account = balances->items[i].account;
        (void)oft_nanos_format_grouped(balances->items[i].amount, amount);
        if (strlen(account) + strlen(amount) + 4 > 80) {
            oft_buffer_printf(out, "  %s\n  %78s\n", account, amount);
        } else {
            oft_buffer_printf(out, "  %s%*s\n", account, 78 - (int)strlen(account), amount);
        }
    }
}

static void print_balances_json(const struct engine *engine, const struct balances *balances,
                                struct oft_buffer *out)
{
    char text[OFT_NANOS_TEXT_BYTES];
    char month[OFT_INSTANT_TEXT_BYTES];
    struct oft_json json = {out, false};
    oft_json_open(&json, '{');
    oft_json_put_number(&json, "transaction", balances->head.number);
    oft_json_put_instant(&json, "recorded",
                         balances->head.number == 0
                             ? OFT_INSTANT_NEVER
                             : engine_contract_now(engine, balances->head.recorded_ns));
    oft_json_put_text(&json, "until",
                      balances->which->through == INT32_MAX
                          ? NULL
                          : oft_month_format(balances->which->through, month));
    oft_json_put_text(&json, "currency", engine->deal == NULL ? NULL : engine->deal->currency);
    oft_json_key(&json, "balances");
    oft_json_open(&json, '[');
    for (size_t i = 0; i < balances->count; i++) {
        oft_json_open(&json, '{');
        oft_json_put_text(&json, "account", balances->items[i].account);
        oft_json_put_amount(&json, "amount", balances->items[i].amount);
        oft_json_put_text(&json, "amount_nanos", oft_i128_format(balances->items[i].amount, text));
        oft_json_close(&json, '}');
    }
    oft_json_close(&json, ']');
    oft_json_close(&json, '}');
    oft_buffer_append_char(out, '\n');
}

static void print_balances_csv(const struct balances *balances, struct oft_buffer *out)
{
    char amount[OFT_NANOS_TEXT_BYTES];
    char nanos[OFT_NANOS_TEXT_BYTES];
    oft_buffer_append_text(out, "account,amount,amount_nanos\n");
    for (size_t i = 0; i < balances->count; i++) {
        oft_buffer_printf(out, "%s,%s,%s\n", balances->items[i].account,
                          oft_nanos_format(balances->items[i].amount, amount),
                          oft_i128_format(balances->items[i].amount, nanos));
    }
}

/* An account without an entry by then has nothing; one that no transaction ever knew is a mistake. */
static enum oft_err need_account(struct engine *engine, const char *account,
                                 struct balances *balances, struct oft_arena *arena,
                                 struct oft_error *reterr)
{
    struct store_balance *all = NULL;
    size_t count = 0;
    if (account == NULL || balances->count > 0) {
        return OFT_OK;
    }
    enum oft_err code = store_balances(engine->store, arena, &all, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (strcmp(all[i].account, account) == 0) {
            balances->items[0] = (struct store_balance){all[i].account, 0};
            balances->count = 1;
            return OFT_OK;
        }
    }
    return code != OFT_OK ? code
                          : oft_fail(reterr, OFT_ERR_NOT_FOUND,
                                     "the books have no account \"%.120s\"; `offtake balance` "
                                     "lists them all",
                                     account);
}

enum oft_err engine_balance(struct engine *engine, const char *account,
                            const struct engine_as_of *which, enum ledger_format format,
                            struct oft_buffer *out, struct oft_error *reterr)
{
    struct balances balances = {.which = which};
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = head_at(engine, which->as_of, &balances.head, reterr);
    if (code == OFT_OK) {
        code = store_balances_at(engine->store, balances.head.number, which->from, which->through,
                                 account, &arena, &balances.items, &balances.count, reterr);
    }
    if (code == OFT_OK) {
        code = need_account(engine, account, &balances, &arena, reterr);
    }
    if (code == OFT_OK && format == LEDGER_JSON) {
        print_balances_json(engine, &balances, out);
    } else if (code == OFT_OK && format == LEDGER_CSV) {
        print_balances_csv(&balances, out);
    } else if (code == OFT_OK) {
        print_balances(engine, &balances, out);
    }
    oft_arena_release(&arena);
    return code == OFT_OK && out->failed ? OFT_ERR_LIMIT : code;
}

/* ---- statements -------------------------------------------------------------------------------- */

enum oft_err engine_basis_at(struct engine *engine, oft_instant as_of,
                             struct engine_basis *ret_basis, struct oft_error *reterr)
{
    struct store_head head;
    enum oft_err code = head_at(engine, as_of, &head, reterr);
    if (code == OFT_OK) {
        code = store_generation_at(engine->store, as_of - engine->clock_shift_ns,
                                   &ret_basis->generation, reterr);
    }
    if (code == OFT_OK && ret_basis->generation == 0) {
        char text[OFT_INSTANT_TEXT_BYTES];
        code = oft_fail(reterr, OFT_ERR_INVALID, "no policy was published by %s",
                        oft_instant_format(as_of, text));
    }
    ret_basis->as_was = true;
    ret_basis->transaction = head.number;
    ret_basis->as_of = engine_contract_now(engine, head.recorded_ns);
    return code;
}

/* ---- the journal ------------------------------------------------------------------------------- */

struct writing {
    const struct ledger_export *export;
    struct oft_buffer *out;
    uint64_t entries, last;
    oft_instant first_ns, last_ns;
};

static enum oft_err write_one(void *context, const struct store_transaction *row,
                              struct oft_error *reterr)
{
    struct writing *writing = context;
    if (writing->entries >= OFT_EXPORT_ENTRIES_MAX) {
        return OFT_ERR_EXISTS; /* the page is full */
    }
    writing->entries += row->transaction.entry_count + 1;
    writing->last = row->transaction.number;
    enum oft_err code =
        ledger_export_transaction(writing->export, &row->transaction, row->hash, writing->out);
    return code == OFT_ERR_CORRUPT ? oft_fail(reterr, code,
                                              "an entry of transaction %llu names no change; run "
                                              "`offtake ledger verify`",
                                              (unsigned long long)row->transaction.number)
                                   : code;
}

static enum oft_err accounts_at(struct engine *engine, const struct engine_as_of *which,
                                uint64_t number, struct oft_arena *arena,
                                struct ledger_export_account **ret_accounts, size_t *ret_count,
                                struct oft_error *reterr)
{
    struct store_balance *balances = NULL;
    enum oft_err code = store_balances_at(engine->store, number, which->from, which->through, NULL,
                                          arena, &balances, ret_count, reterr);
    if (code != OFT_OK) {
        return code;
    }
    *ret_accounts = oft_arena_alloc_array(arena, *ret_count + 1, sizeof(**ret_accounts));
    if (*ret_accounts == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < *ret_count; i++) {
        (*ret_accounts)[i] =
            (struct ledger_export_account){balances[i].account, balances[i].amount};
    }
    return OFT_OK;
}

static enum oft_err write_page(struct engine *engine, const struct engine_as_of *which,
                               struct writing *writing, struct engine_page *page,
                               struct oft_arena *arena, struct oft_error *reterr)
{
    struct ledger_export_account *accounts = NULL;
    size_t count = 0;
    bool begins = page->from <= 1;
    enum oft_err code = store_recorded_span(engine->store, page->through, &writing->first_ns,
                                            &writing->last_ns, reterr);
    if (code == OFT_OK && begins) {
        code = accounts_at(engine, which, page->through, arena, &accounts, &count, reterr);
        ledger_export_begin(writing->export, accounts, count, writing->first_ns, writing->out);
    }
    writing->last = page->through;
    if (code == OFT_OK) {
        code = store_transactions_between(engine->store, page->from, page->through, write_one,
                                          writing, reterr);
    }
    page->next = writing->last < page->through ? writing->last + 1 : 0;
    if (code == OFT_OK && page->next == 0) {
        if (!begins) {
            code = accounts_at(engine, which, page->through, arena, &accounts, &count, reterr);
        }
        if (code == OFT_OK) {
            ledger_export_end(writing->export, accounts, count, writing->last_ns, page->through,
                              writing->out);
        }
    }
    return code == OFT_OK && writing->out->failed ? OFT_ERR_LIMIT : code;
}

enum oft_err engine_export(struct engine *engine, enum ledger_journal journal,
                           const struct engine_as_of *which, struct engine_page *page,
                           struct oft_buffer *out, struct oft_error *reterr)
{
    struct store_head head;
    struct oft_arena arena;
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    const struct ledger_export export = {.journal = journal,
                                         .currency = engine->deal->currency,
                                         .title = engine->deal->title,
                                         .rehearsal = engine->rehearsal,
                                         .clock_shift_ns = engine->clock_shift_ns,
                                         .month_from = which->from,
                                         .month_until = which->through};
    struct writing writing = {.export = &export, .out = out};
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = head_at(engine, which->as_of, &head, reterr);
    if (code == OFT_OK) {
        page->through =
            page->through == 0 || page->through > head.number ? head.number : page->through;
        page->from = page->from == 0 ? 1 : page->from;
        code = write_page(engine, which, &writing, page, &arena, reterr);
    }
    oft_arena_release(&arena);
    return code;
}
