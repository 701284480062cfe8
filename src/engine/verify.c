/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake ledger verify`: believes nothing that is stored as a result. It has the journal walked from its
 * first transaction (verify_journal.c) and compares what every account, series and segment came to with
 * what the books say they hold; deals, attestations, the desk's events and statements besides.
 */
#include <jansson.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/corrections_internal.h"
#include "engine/verify_internal.h"
#include "store/trace.h"

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
            verify_fail(verification, "the balance of %s is not the sum of its entries",
                        balances[i].account);
        }
    }
    if (code == OFT_OK && count != expected) {
        verify_fail(verification, "%zu accounts have entries, %zu have a balance", expected, count);
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
        verify_series_name(&rows[i].key, name, sizeof(name));
        struct tally_item *item = tally_find(&verification->series, name);
        if (item == NULL) {
            return OFT_ERR_MEMORY;
        }
        if (item->totals.quantity != rows[i].totals.quantity ||
            item->totals.amount_nanos != rows[i].totals.amount_nanos ||
            memcmp(item->totals.units, rows[i].totals.units, sizeof(rows[i].totals.units)) != 0) {
            verify_fail(verification, "the series under %s (%s) is not what its changes made it",
                        rows[i].key.clause, rows[i].key.model);
        }
    }
    if (code == OFT_OK && count != expected) {
        verify_fail(verification, "%zu series have changes, %zu are in the books", expected, count);
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
        verify_fail(verification, "%s is read up to record %u; its transactions end at %u",
                    item->name, next, item->next);
    }
}

static enum oft_err compare_positions(struct verification *verification, struct oft_error *reterr)
{
    uint64_t positions = 0;
    enum oft_err code = store_position_count(verification->engine->store, &positions, reterr);
    twalk_r(verification->segments.root, compare_position, verification);
    if (code == OFT_OK && positions != verification->segments.count) {
        verify_fail(verification,
                    "%llu segments have a reading position, %zu were read by a transaction",
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
        verify_fail(verification,
                    "%llu policy generations are in the books; the last has number %llu",
                    (unsigned long long)total, (unsigned long long)last);
    }
    for (size_t i = 0; code == OFT_OK && i < verification->deals; i++) {
        struct oft_error error = {0};
        code = engine_policy_check(verification->engine, firsts[i], &error);
        if (code == OFT_ERR_CORRUPT) {
            verify_fail(verification, "policy generation %llu: %.200s",
                        (unsigned long long)firsts[i], error.message);
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
        verify_fail(verification, "an open intent is of %.63s, of whom no segment was read",
                    writer);
    }
    if (!meter_record_valid(intent, intent->sequence) ||
        meter_record_kind(intent) != METER_INTENT) {
        verify_fail(verification, "an open intent of %.63s fails its checksum", writer);
    }
    return code;
}

static void compare_unsettled(const void *node, VISIT visit, void *closure)
{
    const struct tally_item *item = *(const struct tally_item *const *)node;
    const struct verification *verification = closure;
    char digits[OFT_NANOS_TEXT_BYTES];
    bool kept = strtoull(item->name, NULL, 10) > verification->orphans_from;
    if ((visit == postorder || visit == leaf) && kept && item->amount != 0) {
        verify_fail(closure, "transaction %.20s: %s requests of the orphan rule without a record",
                    item->name, oft_i128_format(item->amount, digits));
    }
}

/* The records that were booked by the orphan rule are whole, and as many as their transactions say. */
static enum oft_err check_orphans(struct verification *verification, struct oft_arena *arena,
                                  struct oft_error *reterr)
{
    struct store *store = verification->engine->store;
    struct store_orphan *orphans = NULL;
    const char *from = NULL;
    enum oft_err code = store_orphans(store, arena, &orphans, &verification->orphans, reterr);
    if (code == OFT_OK) {
        code = store_meta_get(store, "orphans_from", arena, &from, reterr);
    }
    verification->orphans_from = from == NULL ? 0 : strtoull(from, NULL, 10);
    for (size_t i = 0; code == OFT_OK && i < verification->orphans; i++) {
        const struct meter_record *record = &orphans[i].record;
        char name[32];
        (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)orphans[i].number);
        struct tally_item *item = tally_find(&verification->unsettled, name);
        if (item == NULL) {
            return OFT_ERR_MEMORY;
        }
        item->amount--;
        if (!meter_record_valid(record, record->sequence)) {
            verify_fail(verification,
                        "a request that transaction %.20s booked by the orphan rule fails its "
                        "checksum",
                        name);
        }
    }
    if (code == OFT_OK) {
        twalk_r(verification->unsettled.root, compare_unsettled, verification);
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
        "  %llu open intents, %zu requests of the orphan rule: each with its checksum\n"
        "  %zu attestations: each linked to the one before, each signature its party's\n"
        "  %llu events of the desk: linked, and folded again to the state in use\n"
        "  %llu statements: each as drafted and approved, final ones to the byte\n"
        "  %llu corrections of usage: each as it was told, after the one before it\n"
        "  the database file: every page and every index\n"
        "Chain head: %s\n",
        (unsigned long long)verification->transactions, (unsigned long long)verification->entries,
        (unsigned long long)verification->changes, verification->accounts.count,
        verification->series.count, verification->segments.count, verification->deals,
        (unsigned long long)verification->intents, verification->orphans,
        verification->attestations, (unsigned long long)verification->desk_events,
        (unsigned long long)verification->statements, (unsigned long long)verification->corrections,
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
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "sound",
        verification->failures == 0, "transactions", (json_int_t)verification->transactions,
        "entries", (json_int_t)verification->entries, "changes", (json_int_t)verification->changes,
        "accounts", (json_int_t)verification->accounts.count, "series",
        (json_int_t)verification->series.count, "segments",
        (json_int_t)verification->segments.count, "desk_events",
        (json_int_t)verification->desk_events, "corrections", (json_int_t)verification->corrections,
        "chain_head", oft_hex(verification->previous, 32, hex), "findings", findings);
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
        verify_fail(
            verification, "attestation %zu (%s by %s) is %s", index + 1, item->event, item->party,
            has_key ? "not signed, though its party has a key" : "signed with an unknown key");
    } else if (has_key &&
               !engine_attestation_signed_by(context->deal, &context->deal->parties[party],
                                             item->event, item->at, item->signature)) {
        verify_fail(verification, "attestation %zu (%s by %s) has a signature that is not %s's",
                    index + 1, item->event, item->party, item->party);
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
                verify_fail(verification, "attestation %zu is not linked to the one before it",
                            i + 1);
            }
            continue;
        }
        linked = true;
        code = engine_attestation_hash(&items[i], hash);
        if (memcmp(items[i].previous, previous, 32) != 0 || memcmp(items[i].hash, hash, 32) != 0) {
            verify_fail(verification, "attestation %zu (%s by %s) is not what was recorded", i + 1,
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
    verify_fail(context, "%.240s", text);
}

static void file_finding(void *context, const char *text)
{
    verify_fail(context, "the database file: %.220s", text);
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
    enum oft_err codes[12] = {OFT_OK};
    struct oft_error errors[12] = {{0}};
    codes[0] = store_transactions(store, verify_transaction, verification, &errors[0]);
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
    codes[10] = engine_corrections_examine(verification->engine, other_finding, verification,
                                           &verification->corrections, &errors[10]);
    codes[11] = check_orphans(verification, arena, &errors[11]);
    for (size_t i = 0; i < OFT_COUNT_OF(codes); i++) {
        if (codes[i] == OFT_ERR_CORRUPT) { /* a finding, and the other checks still say theirs */
            verify_fail(verification, "%s",
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
    tdestroy(verification.unsettled.root, free);
    oft_arena_release(&arena);
    return code;
}
