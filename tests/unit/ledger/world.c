/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of the ledger's tests: a small deal with every kind of price, share and commitment, and
 * a book that keeps totals in memory as the store does on disk.
 */
#include "world.h"

#include <string.h>

const char WORLD_DEAL[] =
    "deal \"Test lab\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    bigcloud \"Big Cloud\"\n"
    "party    other    \"Other Cloud\"\n"
    "provider alpha of bigcloud\n"
    "provider beta  of other\n"
    "model    gpt-4o\n"
    "model    small\n"
    "account  acme   \"ACME\"\n"
    "account  globex \"Globex\"\n"
    "product  api  \"API\"  class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens cached 2.50 USD per 1M tokens "
    "output 20.00 USD per 1M tokens\n"
    "    price small input 0.0375 USD per 1M tokens output 0.15 USD per 1M tokens\n"
    "}\n"
    "product  chat \"Chat\" class inference {\n"
    "    price gpt-4o input 4.00 USD per 1M tokens output 16.00 USD per 1M tokens\n"
    "    price small input 0.0125 USD per 1M tokens output 0.05 USD per 1M tokens\n"
    "}\n"
    "product copilot \"Copilot\" of bigcloud class inference {\n"
    "    price gpt-4o input 3.00 USD per 1M tokens output 12.00 USD per 1M tokens\n"
    "}\n"
    "agreement bc with bigcloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    commit: commit 1m USD on alpha over 2020-01-01..2035-01-01 build-up counting all\n"
    "    chatty: commit 1m USD on alpha over 2026-04-01..2026-05-01 build-up counting chat\n"
    "    share:  share 20% of revenue from api, chat from lab to bigcloud monthly\n"
    "    back:   share 10% of revenue from copilot from bigcloud to lab monthly "
    "until 2026-04-15\n"
    "    capped: share 50% of revenue from api from lab to bigcloud monthly cap 0.00001 USD "
    "until 2026-03-01\n"
    "    ip:     license models \"*\" to bigcloud for copilot\n"
    "}\n"
    "agreement oc with other {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    side:   share 1% of revenue from chat from bigcloud to other monthly\n"
    "}\n"
    "pool east on alpha {\n"
    "    region us-east\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    serves small as \"s\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    price gpt-4o input 2.50 USD per 1M tokens cached 1.25 USD per 1M tokens "
    "output 10.00 USD per 1M tokens\n"
    "    price small input 0.0375 USD per 1M tokens output 0.15 USD per 1M tokens\n"
    "}\n"
    "pool metal on beta {\n"
    "    region eu;  reserved\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9103/v1 kind openai key env K\n"
    "}\n";

void world_open(struct world *world, const char *text)
{
    struct deal_file file = {"test.deal", oft_str_from(text)};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    enum oft_err err =
        deal_parse("test.deal", deal_load_memory, &files, &world->deal, &diagnostics, &error);
    if (err != OFT_OK) {
        struct oft_buffer out;
        oft_buffer_init(&out, 1 << 20);
        deal_diagnostics_print(&diagnostics, false, &out);
        fail_msg("%s %s", error.message, oft_buffer_text(&out));
    }
    deal_diagnostics_release(&diagnostics);
    assert_int_equal(ledger_context_new(world->deal, 1, (struct deal_attestations){NULL, 0},
                                        &world->context, &error),
                     OFT_OK);
}

void world_close(struct world *world)
{
    ledger_context_free(world->context);
    deal_free(world->deal);
}

static struct ledger_row *find(struct book *book, const struct ledger_series_key *key)
{
    for (size_t i = 0; i < book->row_count; i++) {
        if (memcmp(&book->rows[i].key, key, sizeof(*key)) == 0) {
            return &book->rows[i];
        }
    }
    return NULL;
}

static enum oft_err book_totals(void *context, const struct ledger_series_key *key,
                                struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    (void)reterr;
    struct ledger_row *row = find(context, key);
    *ret_totals = row == NULL ? (struct ledger_totals){0} : row->totals;
    return OFT_OK;
}

static enum oft_err book_share_total(void *context, const char *clause, oft_nanos *ret_amount,
                                     struct oft_error *reterr)
{
    (void)reterr;
    *ret_amount = book_amount(context, LEDGER_SHARE, clause);
    return OFT_OK;
}

static enum oft_err book_elsewhere(void *context, const struct ledger_series_key *key,
                                   struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    const struct book *book = context;
    struct ledger_series_key plain = *key;
    (void)reterr;
    *ret_totals = (struct ledger_totals){0};
    plain.month = plain.for_month = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        struct ledger_series_key other = book->rows[i].key;
        bool itself = memcmp(&other, key, sizeof(other)) == 0;
        bool own = ledger_own_month(&other) == ledger_own_month(key);
        other.month = other.for_month = 0;
        if (own && !itself && memcmp(&other, &plain, sizeof(other)) == 0) {
            ret_totals->quantity += book->rows[i].totals.quantity;
            ret_totals->amount_nanos += book->rows[i].totals.amount_nanos;
        }
    }
    return OFT_OK;
}

struct ledger_totals_source book_source(struct book *book)
{
    return (struct ledger_totals_source){book, book_totals, book_share_total, book_elsewhere};
}

void book_take(struct book *book, const struct ledger_result *result)
{
    oft_nanos sum = 0;
    oft_nanos moved = 0;
    for (size_t i = 0; i < result->entry_count; i++) {
        oft_nanos amount = result->entries[i].amount_nanos;
        assert_true(result->entries[i].series < result->change_count);
        assert_true(amount != 0);
        sum += amount;
        *(amount > 0 ? &book->debits : &book->credits) += amount;
        moved += amount > 0 ? amount : 0;
    }
    assert_true(sum == 0);
    for (size_t i = 0; i < result->change_count; i++) {
        const struct ledger_change *change = &result->changes[i];
        struct ledger_row *row = find(book, &change->key);
        if (row == NULL) {
            assert_true(book->row_count < BOOK_ROWS_MAX);
            row = &book->rows[book->row_count++];
            row->key = change->key;
        } else {
            assert_memory_equal(&row->totals, &change->before, sizeof(row->totals));
        }
        oft_nanos step = change->after.amount_nanos - change->before.amount_nanos;
        row->totals = change->after;
        moved -= step < 0 ? -step : step;
    }
    assert_true(moved == 0); /* what is posted is exactly what the series moved by */
    book->counts.records += result->counts.records;
    book->counts.unrated += result->counts.unrated;
    book->counts.unsettled += result->counts.unsettled;
    book->counts.estimated += result->counts.estimated;
}

void book_add(struct book *book, const struct world *world, const struct meter_record *records,
              size_t count)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ledger_batch_add(batch, world->context, &records[i]), OFT_OK);
    }
    assert_int_equal(ledger_batch_close(batch, book_source(book), &result, &error), OFT_OK);
    book_take(book, &result);
    ledger_batch_free(batch);
}

static bool matches(const struct ledger_row *row, enum ledger_series_kind kind, const char *name)
{
    const struct ledger_series_key *key = &row->key;
    return key->kind == kind && (strcmp(key->clause, name) == 0 ||
                                 strcmp(key->product, name) == 0 || strcmp(key->pool, name) == 0);
}

oft_nanos book_amount(const struct book *book, enum ledger_series_kind kind, const char *name)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        sum += matches(&book->rows[i], kind, name) ? book->rows[i].totals.amount_nanos : 0;
    }
    return sum;
}

oft_nanos book_quantity(const struct book *book, enum ledger_series_kind kind, const char *name)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < book->row_count; i++) {
        sum += matches(&book->rows[i], kind, name) ? book->rows[i].totals.quantity : 0;
    }
    return sum;
}

const struct ledger_row *book_row(const struct book *book, enum ledger_series_kind kind,
                                  const char *name)
{
    for (size_t i = 0; i < book->row_count; i++) {
        if (matches(&book->rows[i], kind, name)) {
            return &book->rows[i];
        }
    }
    return NULL;
}

oft_instant at(const char *instant)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(instant), &result), OFT_OK);
    return result;
}

struct meter_record record_of(const char *instant, const char *product, const char *pool,
                              uint64_t input, uint64_t output)
{
    return (struct meter_record){
        .admitted_ns = at(instant),
        .generation = 1,
        .account_id = oft_id_of(OFT_ID_ACCOUNT, OFT_STR_LITERAL("acme")),
        .product_id = oft_id_of(OFT_ID_PRODUCT, oft_str_from(product)),
        .model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("gpt-4o")),
        .pool_id = oft_id_of(OFT_ID_POOL, oft_str_from(pool)),
        .clause_id = oft_id_of(OFT_ID_CLAUSE, OFT_STR_LITERAL("bc.share")),
        .status = 200,
        .units = {[DEAL_UNIT_INPUT] = input, [DEAL_UNIT_OUTPUT] = output},
    };
}
