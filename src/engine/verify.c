/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake ledger verify`: believes nothing that is stored as a result. It walks the journal from its
 * first transaction, checks each link of the hash chain and each sum, adds up what every account and
 * every series must hold, and compares that with what the books say they hold; and it checks that the
 * ranges read from each segment follow one another without a gap or an overlap.
 */
#include <jansson.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/desk_internal.h"
#include "engine/papers.h"

enum { FAILURES_SHOWN = 20 };

struct tally_item {
    char name[1024];
    oft_nanos amount;
    struct ledger_totals totals;
    uint32_t next;
};

/* Sums by name, in a search tree of the C library. */
struct tally {
    void *root;
    size_t count;
};

struct verification {
    struct engine *engine;
    struct tally accounts, series, segments;
    uint8_t previous[32];
    uint64_t next_number;
    uint64_t transactions, entries, changes, intents, failures;
    size_t deals;
    size_t attestations;
    uint64_t desk_events, statements;
    int32_t closed_until; /* months before it are closed by now */
    char failure_text[FAILURES_SHOWN][256];
};

static void fail(struct verification *verification, const char *format, ...) OFT_PRINTF(2, 3);

static void fail(struct verification *verification, const char *format, ...)
{
    if (verification->failures < FAILURES_SHOWN) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(verification->failure_text[verification->failures],
                        sizeof(verification->failure_text[0]), format, arguments);
        va_end(arguments);
    }
    verification->failures++;
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const struct tally_item *)a)->name, ((const struct tally_item *)b)->name);
}

/* The item of NAME, made when it is not there; NULL when memory is out. */
static struct tally_item *tally_find(struct tally *tally, const char *name)
{
    struct tally_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return NULL;
    }
    (void)snprintf(item->name, sizeof(item->name), "%s", name);
    struct tally_item **found = tsearch(item, &tally->root, compare_items);
    if (found == NULL || *found != item) {
        free(item);
        return found == NULL ? NULL : *found;
    }
    tally->count++;
    return item;
}

static void series_name(const struct ledger_series_key *key, char *out, size_t size)
{
    char rate[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(out, size, "%d|%d|%d|%u|%u|%s|%s|%s|%s|%s|%s|%s", (int)key->kind, key->month,
                   key->for_month, key->unit, key->outcome, oft_i128_format(key->rate, rate),
                   key->account, key->product, key->model, key->pool, key->party, key->clause);
}

/* ---- one transaction --------------------------------------------------------------------------- */

static enum oft_err check_chain(struct verification *verification,
                                const struct store_transaction *row)
{
    uint8_t hash[32];
    unsigned long long number = row->transaction.number;
    if (row->transaction.number != verification->next_number) {
        fail(verification, "transaction %llu follows where %llu should", number,
             (unsigned long long)verification->next_number);
    }
    if (memcmp(row->previous, verification->previous, sizeof(hash)) != 0) {
        fail(verification, "transaction %llu does not name the hash of the one before it", number);
    }
    enum oft_err code = ledger_transaction_hash(&row->transaction, verification->previous, hash);
    if (code == OFT_OK && memcmp(hash, row->hash, sizeof(hash)) != 0) {
        fail(verification, "transaction %llu does not have the hash that it was written with",
             number);
    }
    memcpy(verification->previous, row->hash, sizeof(verification->previous));
    verification->next_number = row->transaction.number + 1;
    return code;
}

static enum oft_err check_entries(struct verification *verification,
                                  const struct ledger_transaction *transaction)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < transaction->entry_count; i++) {
        const struct ledger_entry *entry = &transaction->entries[i];
        struct tally_item *account = tally_find(&verification->accounts, entry->account);
        if (account == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (oft_nanos_add(account->amount, entry->amount_nanos, &account->amount) != OFT_OK ||
            oft_nanos_add(sum, entry->amount_nanos, &sum) != OFT_OK) {
            fail(verification, "an amount of transaction %llu is out of range",
                 (unsigned long long)transaction->number);
        }
        if (entry->series >= transaction->change_count) {
            fail(verification, "an entry of transaction %llu names no change",
                 (unsigned long long)transaction->number);
        }
    }
    if (sum != 0) {
        char text[OFT_NANOS_TEXT_BYTES];
        fail(verification, "transaction %llu does not balance: its entries sum to %s",
             (unsigned long long)transaction->number, oft_nanos_format(sum, text));
    }
    verification->entries += transaction->entry_count;
    return OFT_OK;
}

/* A sale's or cost's amount is its whole quantity at its rate, rounded once. */
static void check_amount(struct verification *verification, const struct ledger_change *change,
                         uint64_t number)
{
    oft_nanos expected;
    if (change->key.kind != LEDGER_SALE && change->key.kind != LEDGER_COST) {
        return;
    }
    if (oft_nanos_mul_div_half_even(change->after.quantity, change->key.rate, 1000000, &expected) !=
            OFT_OK ||
        expected != change->after.amount_nanos) {
        fail(verification, "transaction %llu: %s at %s is not quantity times rate",
             (unsigned long long)number, change->key.clause, change->key.model);
    }
}

/* Nothing is booked to a month once it is closed. */
static void check_period(struct verification *verification, const struct ledger_change *change,
                         uint64_t number)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    if (change->key.month < verification->closed_until) {
        fail(verification, "transaction %llu changed %s, which was closed",
             (unsigned long long)number, oft_month_format(change->key.month, month));
    }
}

static void check_events(struct verification *verification,
                         const struct ledger_transaction *transaction)
{
    for (size_t i = 0; i < transaction->event_count; i++) {
        const struct ledger_event *event = &transaction->events[i];
        if (strcmp(event->what, "period-close") == 0 &&
            event->month >= verification->closed_until) {
            verification->closed_until = event->month + 1;
        }
    }
}

/* Both sides of the entries that a change brought. */
struct sides {
    oft_nanos debits, credits;
};

/* What the chain's hash does not cover: which change an entry came from. */
static enum oft_err add_sides(const struct ledger_transaction *transaction, struct sides *sides)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < transaction->entry_count; i++) {
        const struct ledger_entry *entry = &transaction->entries[i];
        if (entry->series < transaction->change_count) { /* else it is a finding already */
            struct sides *of = &sides[entry->series];
            oft_nanos *side = entry->amount_nanos > 0 ? &of->debits : &of->credits;
            code = oft_nanos_add(*side, entry->amount_nanos, side);
        }
    }
    return code;
}

/* The entries of a change are as much on both sides as its amount moved. */
static void check_sides(struct verification *verification, const struct ledger_change *change,
                        oft_nanos before, const struct sides *sides, uint64_t number)
{
    oft_nanos moved;
    oft_nanos sum;
    if (oft_nanos_sub(change->after.amount_nanos, before, &moved) != OFT_OK ||
        oft_nanos_add(sides->debits, sides->credits, &sum) != OFT_OK || sum != 0 ||
        (sides->debits != moved && sides->credits != moved)) {
        fail(verification, "transaction %llu: the entries of %s at %s are not what it changed by",
             (unsigned long long)number, change->key.clause, change->key.model);
    }
}

static enum oft_err check_changes(struct verification *verification,
                                  const struct ledger_transaction *transaction)
{
    struct sides *sides = calloc(transaction->change_count + 1, sizeof(*sides));
    enum oft_err code = sides == NULL ? OFT_ERR_MEMORY : OFT_OK;
    if (code == OFT_OK && add_sides(transaction, sides) != OFT_OK) {
        fail(verification, "the entries of transaction %llu add up out of range",
             (unsigned long long)transaction->number);
    }
    for (size_t i = 0; code == OFT_OK && i < transaction->change_count; i++) {
        const struct ledger_change *change = &transaction->changes[i];
        char name[1024];
        series_name(&change->key, name, sizeof(name));
        struct tally_item *series = tally_find(&verification->series, name);
        if (series == NULL) {
            code = OFT_ERR_MEMORY;
            break;
        }
        check_amount(verification, change, transaction->number);
        check_period(verification, change, transaction->number);
        check_sides(verification, change, series->totals.amount_nanos, &sides[i],
                    transaction->number);
        series->totals = change->after;
    }
    free(sides);
    verification->changes += transaction->change_count;
    return code;
}

static enum oft_err check_ranges(struct verification *verification,
                                 const struct ledger_transaction *transaction)
{
    for (size_t i = 0; i < transaction->range_count; i++) {
        const struct ledger_range *range = &transaction->ranges[i];
        struct tally_item *segment = tally_find(&verification->segments, range->segment);
        if (segment == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (range->from != segment->next || range->until < range->from) {
            fail(verification, "transaction %llu read %s from record %u; %u was next",
                 (unsigned long long)transaction->number, range->segment, range->from,
                 segment->next);
        }
        segment->next = range->until;
    }
    return OFT_OK;
}

static enum oft_err check_transaction(void *context, const struct store_transaction *row,
                                      struct oft_error *reterr)
{
    struct verification *verification = context;
    (void)reterr;
    verification->transactions++;
    enum oft_err code = check_chain(verification, row);
    if (code == OFT_OK) {
        code = check_entries(verification, &row->transaction);
    }
    if (code == OFT_OK) {
        code = check_changes(verification, &row->transaction);
    }
    check_events(verification, &row->transaction);
    return code == OFT_OK ? check_ranges(verification, &row->transaction) : code;
}

/* ---- what the books say they hold --------------------------------------------------------------- */

static enum oft_err compare_balances(struct verification *verification, struct oft_arena *arena,
                                     struct oft_error *reterr)
{
    struct store_balance *balances = NULL;
    size_t count = 0;
    enum oft_err code =
        store_balances(verification->engine->store, arena, &balances, &count, reterr);
    size_t expected = verification->accounts.count;
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        struct tally_item *item = tally_find(&verification->accounts, balances[i].account);
        if (item == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (item->amount != balances[i].amount) {
            fail(verification, "the balance of %s is not the sum of its entries",
                 balances[i].account);
        }
    }
    if (code == OFT_OK && count != expected) {
        fail(verification, "%zu accounts have entries, %zu have a balance", expected, count);
    }
    return code;
}

static enum oft_err compare_series(struct verification *verification, struct oft_arena *arena,
                                   struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t count = 0;
    enum oft_err code = store_rows(verification->engine->store, 0, 0, arena, &rows, &count, reterr);
    size_t expected = verification->series.count;
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        char name[1024];
        series_name(&rows[i].key, name, sizeof(name));
        struct tally_item *item = tally_find(&verification->series, name);
        if (item == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (item->totals.quantity != rows[i].totals.quantity ||
            item->totals.amount_nanos != rows[i].totals.amount_nanos ||
            memcmp(item->totals.units, rows[i].totals.units, sizeof(rows[i].totals.units)) != 0) {
            fail(verification, "the series under %s (%s) is not what its changes made it",
                 rows[i].key.clause, rows[i].key.model);
        }
    }
    if (code == OFT_OK && count != expected) {
        fail(verification, "%zu series have changes, %zu are in the books", expected, count);
    }
    return code;
}

static void compare_position(const void *node, VISIT visit, void *closure)
{
    const struct tally_item *item = *(const struct tally_item *const *)node;
    struct verification *verification = closure;
    uint32_t next = 0;
    if (visit != postorder && visit != leaf) {
        return;
    }
    if (store_position_get(verification->engine->store, item->name, &next, NULL) != OFT_OK ||
        next != item->next) {
        fail(verification, "%s is read up to record %u; its transactions end at %u", item->name,
             next, item->next);
    }
}

static enum oft_err compare_positions(struct verification *verification, struct oft_error *reterr)
{
    uint64_t positions = 0;
    enum oft_err code = store_position_count(verification->engine->store, &positions, reterr);
    twalk_r(verification->segments.root, compare_position, verification);
    if (code == OFT_OK && positions != verification->segments.count) {
        fail(verification, "%llu segments have a reading position, %zu were read by a transaction",
             (unsigned long long)positions, verification->segments.count);
    }
    return code;
}

/* Every deal that anything was rated by is there as it was published, and no generation is missing. */
static enum oft_err check_policies(struct verification *verification, struct oft_arena *arena,
                                   struct oft_error *reterr)
{
    struct store *store = verification->engine->store;
    uint64_t *firsts = NULL;
    uint64_t total = 0;
    uint64_t last = 0;
    enum oft_err code =
        store_policy_firsts(store, arena, &firsts, &verification->deals, &total, reterr);
    if (code == OFT_OK) {
        code = store_policy_last(store, &last, reterr);
    }
    if (code == OFT_OK && (total != last || (total == 0 && verification->changes > 0))) {
        fail(verification, "%llu policy generations are in the books; the last has number %llu",
             (unsigned long long)total, (unsigned long long)last);
    }
    for (size_t i = 0; code == OFT_OK && i < verification->deals; i++) {
        struct oft_error error = {0};
        code = engine_policy_check(verification->engine, firsts[i], &error);
        if (code == OFT_ERR_CORRUPT) {
            fail(verification, "policy generation %llu: %.200s", (unsigned long long)firsts[i],
                 error.message);
            code = OFT_OK;
        }
    }
    return code;
}

static enum oft_err check_intent(void *context, const char *writer,
                                 const struct meter_record *intent, struct oft_error *reterr)
{
    struct verification *verification = context;
    bool known = false;
    verification->intents++;
    enum oft_err code = store_writer_known(verification->engine->store, writer, &known, reterr);
    if (code == OFT_OK && !known) {
        fail(verification, "an open intent is of %.63s, of whom no segment was read", writer);
    }
    if (!meter_record_valid(intent, intent->sequence) ||
        meter_record_kind(intent) != METER_INTENT) {
        fail(verification, "an open intent of %.63s fails its checksum", writer);
    }
    return code;
}

/* ---- the report -------------------------------------------------------------------------------- */

static void print_text(const struct verification *verification, struct oft_buffer *out)
{
    char hex[OFT_SHA256_HEX_BYTES];
    oft_buffer_printf(
        out,
        "Checked %llu transactions, %llu entries and %llu changes:\n"
        "  the hash chain, from the first transaction to the last\n"
        "  that the entries of each transaction sum to zero\n"
        "  %zu accounts: each balance is the sum of its entries\n"
        "  %zu series: each total is what its changes made it, each amount its\n"
        "      quantity times its rate\n"
        "  %zu spool segments: read once, without a gap or an overlap\n"
        "  %zu deals: each as it was published, no generation missing\n"
        "  %llu open intents: each with its checksum\n"
        "  %zu attestations: each linked to the one before, each signature its party's\n"
        "  %llu events of the desk: linked, and folded again to the state in use\n"
        "  %llu statements: each as drafted and approved, final ones to the byte\n"
        "  the database file: every page and every index\n"
        "Chain head: %s\n",
        (unsigned long long)verification->transactions, (unsigned long long)verification->entries,
        (unsigned long long)verification->changes, verification->accounts.count,
        verification->series.count, verification->segments.count, verification->deals,
        (unsigned long long)verification->intents, verification->attestations,
        (unsigned long long)verification->desk_events, (unsigned long long)verification->statements,
        oft_hex(verification->previous, 32, hex));
    uint64_t shown =
        verification->failures < FAILURES_SHOWN ? verification->failures : FAILURES_SHOWN;
    for (uint64_t i = 0; i < shown; i++) {
        oft_buffer_printf(out, "WRONG: %s\n", verification->failure_text[i]);
    }
    if (verification->failures == 0) {
        oft_buffer_append_text(out, "The books are sound.\n");
    } else {
        oft_buffer_printf(out, "The books are not sound: %llu findings.\n",
                          (unsigned long long)verification->failures);
    }
}

static enum oft_err print_json(const struct verification *verification, struct oft_buffer *out)
{
    char hex[OFT_SHA256_HEX_BYTES];
    json_t *findings = json_array();
    uint64_t shown =
        verification->failures < FAILURES_SHOWN ? verification->failures : FAILURES_SHOWN;
    for (uint64_t i = 0; i < shown; i++) {
        (void)json_array_append_new(findings, json_string(verification->failure_text[i]));
    }
    json_t *answer = json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "sound", verification->failures == 0,
        "transactions", (json_int_t)verification->transactions, "entries",
        (json_int_t)verification->entries, "changes", (json_int_t)verification->changes, "accounts",
        (json_int_t)verification->accounts.count, "series", (json_int_t)verification->series.count,
        "segments", (json_int_t)verification->segments.count, "desk_events",
        (json_int_t)verification->desk_events, "chain_head",
        oft_hex(verification->previous, 32, hex), "findings", findings);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    return text == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* A signature that was good when it was given is good for ever: it is checked against the deal that
 * was in force then. */
static enum oft_err check_signature(struct verification *verification, size_t index,
                                    const struct store_attestation *item, struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    enum oft_err code =
        engine_context_get(verification->engine, item->generation, &context, reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return OFT_OK; /* recorded, and killed before it was published */
    }
    if (code != OFT_OK) {
        return code;
    }
    uint32_t party = deal_find_party(context->deal, oft_str_from(item->party));
    bool has_key = party != DEAL_NONE && context->deal->parties[party].has_key;
    if (has_key != item->is_signed) {
        fail(verification, "attestation %zu (%s by %s) is %s", index + 1, item->event, item->party,
             has_key ? "not signed, though its party has a key" : "signed with an unknown key");
    } else if (has_key &&
               !engine_attestation_signed_by(context->deal, &context->deal->parties[party],
                                             item->event, item->at, item->signature)) {
        fail(verification, "attestation %zu (%s by %s) has a signature that is not %s's", index + 1,
             item->event, item->party, item->party);
    }
    return OFT_OK;
}

static enum oft_err check_attestations(struct verification *verification, struct oft_arena *arena,
                                       struct oft_error *reterr)
{
    struct store_attestation *items = NULL;
    uint8_t previous[32] = {0};
    bool linked = false;
    enum oft_err code = store_attestations(verification->engine->store, INT64_MAX, arena, &items,
                                           &verification->attestations, reterr);
    for (size_t i = 0; code == OFT_OK && i < verification->attestations; i++) {
        uint8_t hash[32];
        if (!items[i].is_linked) {
            if (linked) {
                fail(verification, "attestation %zu is not linked to the one before it", i + 1);
            }
            continue;
        }
        linked = true;
        code = engine_attestation_hash(&items[i], hash);
        if (memcmp(items[i].previous, previous, 32) != 0 || memcmp(items[i].hash, hash, 32) != 0) {
            fail(verification, "attestation %zu (%s by %s) is not what was recorded", i + 1,
                 items[i].event, items[i].party);
        }
        memcpy(previous, items[i].hash, 32);
        if (code == OFT_OK) {
            code = check_signature(verification, i, &items[i], reterr);
        }
    }
    return code;
}

static void other_finding(void *context, const char *text)
{
    fail(context, "%.240s", text);
}

static void file_finding(void *context, const char *text)
{
    fail(context, "the database file: %.220s", text);
}

static enum oft_err check_desk(struct verification *verification, struct oft_error *reterr)
{
    uint8_t head[32];
    return engine_desk_examine(verification->engine, other_finding, verification,
                               &verification->desk_events, head, reterr);
}

static enum oft_err check_all(struct verification *verification, struct oft_arena *arena,
                              struct oft_error *reterr)
{
    struct store *store = verification->engine->store;
    enum oft_err codes[10] = {OFT_OK};
    struct oft_error errors[10] = {{0}};
    codes[0] = store_transactions(store, check_transaction, verification, &errors[0]);
    codes[1] = compare_balances(verification, arena, &errors[1]);
    codes[2] = compare_series(verification, arena, &errors[2]);
    codes[3] = compare_positions(verification, &errors[3]);
    codes[4] = check_policies(verification, arena, &errors[4]);
    codes[5] = store_intents(store, check_intent, verification, &errors[5]);
    codes[6] = check_attestations(verification, arena, &errors[6]);
    codes[7] = check_desk(verification, &errors[7]);
    codes[8] = engine_papers_examine(verification->engine, other_finding, verification,
                                     &verification->statements, &errors[8]);
    codes[9] = store_examine(store, file_finding, verification, &errors[9]);
    for (size_t i = 0; i < OFT_COUNT_OF(codes); i++) {
        if (codes[i] == OFT_ERR_CORRUPT) { /* a finding, and the other checks still say theirs */
            fail(verification, "%s",
                 errors[i].message[0] == '\0' ? "damaged rows" : errors[i].message);
        } else if (codes[i] != OFT_OK) {
            return oft_fail(reterr, codes[i], "%s",
                            errors[i].message[0] == '\0' ? oft_err_text(codes[i])
                                                         : errors[i].message);
        }
    }
    return OFT_OK;
}

enum oft_err engine_verify(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                           bool *ret_sound, struct oft_error *reterr)
{
    struct verification verification = {.engine = engine, .next_number = 1};
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = check_all(&verification, &arena, reterr);
    if (code == OFT_OK) {
        *ret_sound = verification.failures == 0;
        if (format == LEDGER_JSON) {
            code = print_json(&verification, out);
        } else {
            print_text(&verification, out);
        }
    }
    tdestroy(verification.accounts.root, free);
    tdestroy(verification.series.root, free);
    tdestroy(verification.segments.root, free);
    oft_arena_release(&arena);
    return code;
}
