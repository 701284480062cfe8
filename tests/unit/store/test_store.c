/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows go in and come back as they were, over a restart, in a real SQLite file; and what was rolled
 * back was never there.
 */
#include "room.h"

/* ---- opening ----------------------------------------------------------------------------------- */

static void settings_are_kept_over_a_restart(void **state)
{
    struct room *room = *state;
    const char *value = "?";
    OK(store_meta_get(room->store, "kind", &room->arena, &value, &room->error));
    assert_null(value);
    OK(store_meta_set(room->store, "kind", "production", &room->error));
    OK(store_meta_set(room->store, "kind", "rehearsal'; DROP TABLE meta;--", &room->error));
    reopen(room);
    OK(store_meta_get(room->store, "kind", &room->arena, &value, &room->error));
    assert_string_equal(value, "rehearsal'; DROP TABLE meta;--");
}

static void a_newer_schema_is_refused_in_words(void **state)
{
    struct room *room = *state;
    store_close(room->store);
    room->store = NULL;
    (void)sql(room, "PRAGMA user_version = 7");
    assert_int_equal(store_open(room->path, &room->store, &room->error), OFT_ERR_VERSION);
    assert_non_null(strstr(room->error.message, "schema version 7"));
    assert_non_null(strstr(room->error.message, "newer"));
    assert_null(room->store);
}

static void attestations_of_schema_1_are_kept_and_new_ones_are_linked_behind_them(void **state)
{
    struct room *room = *state;
    struct store_attestation *items = NULL;
    size_t count = 0;
    uint8_t head[32], none[32] = {0};
    store_close(room->store);
    room->store = NULL;
    make_schema_1(room);
    (void)sql(room, "INSERT INTO attestation VALUES ('agi', 'panel', 5, 1, 6)");
    OK(store_open(room->path, &room->store, &room->error));
    OK(store_attestation_head(room->store, head, &room->error));
    assert_memory_equal(head, none, sizeof(head));
    struct store_attestation ipo = {.event = "ipo",
                                    .party = "board",
                                    .at = 7,
                                    .generation = 2,
                                    .is_signed = true,
                                    .signature = {1, 2, 3},
                                    .is_linked = true,
                                    .hash = {9}};
    OK(store_attestation_put(room->store, &ipo, &room->error));
    OK(store_attestations(room->store, 2, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 2);
    assert_false(items[0].is_linked);
    assert_false(items[0].is_signed);
    assert_true(items[1].is_linked);
    assert_memory_equal(items[1].signature, ipo.signature, 64);
    OK(store_attestation_head(room->store, head, &room->error));
    assert_memory_equal(head, ipo.hash, sizeof(head));
    assert_int_equal(sql(room, "PRAGMA user_version"), 4);
}

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct room *room = *state;
    char path[320];
    char text[4096];
    (void)snprintf(path, sizeof(path), "%s/letter", room->root);
    memset(text, 'x', sizeof(text));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, sizeof(text), file), sizeof(text));
    assert_int_equal(fclose(file), 0);
    struct store *other = NULL;
    assert_int_equal(store_open(path, &other, &room->error), OFT_ERR_CORRUPT);
    assert_null(other);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, sizeof(text));
    assert_int_equal(store_open("/nonexistent/books.db", &other, &room->error), OFT_ERR_IO);
    assert_non_null(strstr(room->error.message, "/nonexistent/books.db"));
}

static void other_people_cannot_read_the_file_whatever_the_umask(void **state)
{
    struct room *room = *state;
    struct stat status;
    char path[320];
    struct store *other = NULL;
    (void)snprintf(path, sizeof(path), "%s/open.db", room->root);
    mode_t mask = umask(0);
    enum oft_err code = store_open(path, &other, &room->error);
    (void)umask(mask);
    OK(code);
    store_close(other);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0664), 0); /* an operator's group stays, everybody does not */
    OK(store_open(path, &other, &room->error));
    store_close(other);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
}

/* ---- policies, attestations, keys -------------------------------------------------------------- */

static void put_policy(struct room *room, uint64_t generation, uint8_t hash, const char *second)
{
    struct deal_file files[2] = {{"main.deal", oft_str_from("deal \"A\"\n")},
                                 {"more/prices.deal", oft_str_from(second)}};
    struct deal deal = {.files = files, .file_count = 2};
    memset(deal.text_sha256, hash, sizeof(deal.text_sha256));
    OK(store_policy_put(room->store, generation, 1000 + (oft_instant)generation, &deal,
                        &room->error));
}

static void a_deal_comes_back_as_it_was_and_is_stored_once(void **state)
{
    struct room *room = *state;
    struct deal_file *files = NULL;
    size_t count = 0;
    uint64_t last = 99;
    uint64_t *firsts = NULL;
    uint64_t total = 0;
    uint8_t hash[32];
    OK(store_policy_last(room->store, &last, &room->error));
    assert_int_equal(last, 0);
    put_policy(room, 1, 0xa1, "first\n");
    put_policy(room, 2, 0xa1, "first\n");
    put_policy(room, 3, 0xb2, "");
    reopen(room);
    OK(store_policy_last(room->store, &last, &room->error));
    assert_int_equal(last, 3);
    assert_int_equal(sql(room, "SELECT count(*) FROM deal_text"), 4); /* two deals of two files */
    OK(store_policy_files(room->store, 2, &room->arena, &files, &count, &room->error));
    assert_int_equal(count, 2);
    assert_string_equal(files[0].path, "main.deal");
    assert_string_equal(files[1].path, "more/prices.deal");
    assert_int_equal(files[1].text.length, 6);
    assert_memory_equal(files[1].text.data, "first\n", 6);
    OK(store_policy_files(room->store, 3, &room->arena, &files, &count, &room->error));
    assert_int_equal(files[1].text.length, 0);
    assert_int_equal(store_policy_files(room->store, 4, &room->arena, &files, &count, &room->error),
                     OFT_ERR_NOT_FOUND);
    OK(store_policy_sha256(room->store, 3, hash, &room->error));
    assert_int_equal(hash[31], 0xb2);
    assert_int_equal(store_policy_sha256(room->store, 4, hash, &room->error), OFT_ERR_NOT_FOUND);
    OK(store_policy_firsts(room->store, &room->arena, &firsts, &count, &total, &room->error));
    assert_int_equal(count, 2);
    assert_int_equal(firsts[0], 1);
    assert_int_equal(firsts[1], 3);
    assert_int_equal(total, 3);
}

static void a_generation_is_never_put_twice(void **state)
{
    struct room *room = *state;
    struct deal deal = {0};
    put_policy(room, 1, 0xa1, "first\n");
    assert_int_equal(store_policy_put(room->store, 1, 5, &deal, &room->error), OFT_ERR_EXISTS);
}

static void attestations_are_known_from_their_generation_on(void **state)
{
    struct room *room = *state;
    struct store_attestation *items = NULL;
    size_t count = 0;
    struct store_attestation agi = {.event = "agi",
                                    .party = "panel",
                                    .at = 500,
                                    .generation = 3,
                                    .recorded_ns = 1,
                                    .is_linked = true};
    struct store_attestation ipo = {.event = "ipo",
                                    .party = "board",
                                    .at = -7,
                                    .generation = 5,
                                    .recorded_ns = 1,
                                    .is_linked = true};
    OK(store_attestation_put(room->store, &agi, &room->error));
    OK(store_attestation_put(room->store, &ipo, &room->error));
    OK(store_attestations(room->store, 2, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 0);
    OK(store_attestations(room->store, 4, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 1);
    OK(store_attestations(room->store, 5, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 2);
    assert_string_equal(items[1].event, "ipo");
    assert_string_equal(items[1].party, "board");
    assert_int_equal(items[1].at, -7);
}

static void a_key_is_kept_and_revoked_once(void **state)
{
    struct room *room = *state;
    struct store_key *keys = NULL;
    size_t count = 0;
    /* The id uses all 64 bits. */
    struct store_key key = {.key_id = UINT64_C(0xfedcba9876543210),
                            .account = "acme",
                            .product = "api",
                            .created_ns = 10};
    memset(key.sha256, 0x5c, sizeof(key.sha256));
    OK(store_key_put(room->store, &key, &room->error));
    assert_int_equal(store_key_put(room->store, &key, &room->error), OFT_ERR_EXISTS);
    reopen(room);
    OK(store_keys(room->store, &room->arena, &keys, &count, &room->error));
    assert_int_equal(count, 1);
    assert_true(keys[0].key_id == key.key_id);
    assert_memory_equal(keys[0].sha256, key.sha256, 32);
    assert_string_equal(keys[0].account, "acme");
    assert_string_equal(keys[0].product, "api");
    assert_int_equal(keys[0].revoked_ns, 0);
    assert_int_equal(store_key_revoke(room->store, 1, 20, &room->error), OFT_ERR_NOT_FOUND);
    OK(store_key_revoke(room->store, key.key_id, 20, &room->error));
    assert_int_equal(store_key_revoke(room->store, key.key_id, 30, &room->error),
                     OFT_ERR_NOT_FOUND);
    OK(store_keys(room->store, &room->arena, &keys, &count, &room->error));
    assert_int_equal(keys[0].revoked_ns, 20);
}

/* ---- the spool --------------------------------------------------------------------------------- */

static void a_position_is_kept_up_to_the_last_slot(void **state)
{
    struct room *room = *state;
    uint32_t next = 9;
    uint64_t count = 0;
    OK(store_position_get(room->store, "a.spool", &next, &room->error));
    assert_int_equal(next, 0);
    OK(store_position_set(room->store, "a.spool", 5, &room->error));
    OK(store_position_set(room->store, "a.spool", UINT32_MAX, &room->error));
    OK(store_position_set(room->store, "b.spool", 1, &room->error));
    reopen(room);
    OK(store_position_get(room->store, "a.spool", &next, &room->error));
    assert_true(next == UINT32_MAX);
    OK(store_position_count(room->store, &count, &room->error));
    assert_int_equal(count, 2);
}

static void a_slot_is_put_aside_once_for_one_reason(void **state)
{
    struct room *room = *state;
    uint64_t count = 0;
    for (int i = 0; i < 3; i++) {
        OK(store_quarantine(room->store, "a.spool", 4, "corrupt", i, &room->error));
    }
    OK(store_quarantine(room->store, "a.spool", 4, "torn", 9, &room->error));
    OK(store_quarantine(room->store, "a.spool", 5, "corrupt", 9, &room->error));
    OK(store_quarantine_count(room->store, "corrupt", &count, &room->error));
    assert_int_equal(count, 2);
    OK(store_quarantine_count(room->store, "unknown policy", &count, &room->error));
    assert_int_equal(count, 0);
}

struct seen {
    size_t count;
    struct meter_record last;
    char writer[64];
    enum oft_err answer;
};

static enum oft_err see_intent(void *context, const char *writer, const struct meter_record *intent,
                               struct oft_error *reterr)
{
    struct seen *seen = context;
    (void)reterr;
    seen->count++;
    seen->last = *intent;
    (void)snprintf(seen->writer, sizeof(seen->writer), "%s", writer);
    return seen->answer;
}

static void the_latest_intent_of_a_request_stays_until_it_is_deleted(void **state)
{
    struct room *room = *state;
    struct meter_record intent = {.request_id = {1, 2, 3}, .attempts = 1};
    struct meter_record other = {.request_id = {9}};
    struct seen seen = {0};
    uint64_t count = 0;
    OK(store_intent_put(room->store, "w-1", &intent, &room->error));
    intent.attempts = 2;
    OK(store_intent_put(room->store, "w-2", &intent, &room->error));
    reopen(room);
    OK(store_intents(room->store, see_intent, &seen, &room->error));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.writer, "w-2");
    assert_memory_equal(&seen.last, &intent, sizeof(intent));
    OK(store_intent_put(room->store, "w-2", &other, &room->error));
    OK(store_intent_count(room->store, &count, &room->error));
    assert_int_equal(count, 2);
    OK(store_intent_delete(room->store, intent.request_id, &room->error));
    OK(store_intent_delete(room->store, intent.request_id, &room->error)); /* no harm */
    OK(store_intent_count(room->store, &count, &room->error));
    assert_int_equal(count, 1);
}

static void a_visitor_that_fails_ends_the_visit_with_its_answer(void **state)
{
    struct room *room = *state;
    struct meter_record intent = {.request_id = {1}};
    struct seen seen = {.answer = OFT_ERR_LIMIT};
    OK(store_intent_put(room->store, "w", &intent, &room->error));
    intent.request_id[0] = 2;
    OK(store_intent_put(room->store, "w", &intent, &room->error));
    assert_int_equal(store_intents(room->store, see_intent, &seen, &room->error), OFT_ERR_LIMIT);
    assert_int_equal(seen.count, 1);
    OK(store_begin(room->store, &room->error)); /* nothing was left open */
    OK(store_commit(room->store, &room->error));
}

/* ---- the books --------------------------------------------------------------------------------- */

static const oft_nanos WIDE = (oft_nanos)INT64_MAX * 1000000007; /* beyond 64 bits by far */

static struct ledger_series_key sale_key(void)
{
    struct ledger_series_key key = {
        .kind = LEDGER_SALE, .month = 675, .unit = 2, .rate = WIDE, .account = "acme"};
    (void)snprintf(key.product, sizeof(key.product), "api");
    (void)snprintf(key.model, sizeof(key.model), "gpt-4o");
    (void)snprintf(key.pool, sizeof(key.pool), "east");
    (void)snprintf(key.party, sizeof(key.party), "lab");
    (void)snprintf(key.clause, sizeof(key.clause), "bc.price");
    return key;
}

/* Transaction NUMBER: the sale's series reaches NUMBER times WIDE, posted as one pair. */
static enum oft_err put_transaction(struct room *room, uint64_t number, uint8_t previous_byte)
{
    struct ledger_range range = {.segment = "w-000000.spool", .from = 4, .until = 8};
    struct ledger_change changes[2] = {{.key = sale_key()}, {.key = sale_key()}};
    changes[0].after.quantity = (oft_nanos)number * WIDE;
    changes[0].after.amount_nanos = -(oft_nanos)number * WIDE;
    changes[0].after.units[6] = INT64_MIN;
    changes[1].key.kind = LEDGER_SHARE;
    changes[1].key.unit = LEDGER_SHARE_PLAIN;
    changes[1].after.amount_nanos = (oft_nanos)number * 3;
    struct ledger_entry entries[2] = {
        {.account = "receivable/acme", .amount_nanos = WIDE, .series = 0},
        {.account = "revenue/api", .amount_nanos = -WIDE, .series = 0}};
    struct ledger_transaction transaction = {
        number, 7000 + (oft_instant)number, &range, 1, changes, 2, entries, 2, NULL, 0};
    uint8_t previous[32];
    uint8_t hash[32];
    memset(previous, previous_byte, sizeof(previous));
    memset(hash, (int)number, sizeof(hash));
    return store_transaction_put(room->store, &transaction, previous, hash, &room->error);
}

static void books_of_schema_3_keep_their_series_as_not_late(void **state)
{
    struct room *room = *state;
    struct ledger_series_key key = sale_key();
    struct ledger_totals totals;
    OK(put_transaction(room, 1, 0));
    store_close(room->store);
    room->store = NULL;
    make_schema_3(room);
    OK(store_open(room->path, &room->store, &room->error));
    assert_int_equal(sql(room, "PRAGMA user_version"), 4);
    OK(store_series_totals(room->store, &key, &totals, &room->error));
    assert_true(totals.quantity == WIDE);
    assert_int_equal(sql(room, "SELECT count(*) FROM series WHERE for_month = 0"), 2);
    key.for_month = key.month;
    OK(store_series_totals(room->store, &key, &totals, &room->error));
    assert_true(totals.quantity == 0);
}

static void amounts_beyond_64_bits_come_back_to_the_last_digit(void **state)
{
    struct room *room = *state;
    struct ledger_series_key key = sale_key();
    struct ledger_totals totals;
    struct store_balance *balances = NULL;
    size_t count = 0;
    oft_nanos share = 0;
    OK(store_series_totals(room->store, &key, &totals, &room->error));
    assert_true(totals.quantity == 0 && totals.amount_nanos == 0 && totals.units[6] == 0);
    OK(put_transaction(room, 1, 0));
    OK(put_transaction(room, 2, 1));
    reopen(room);
    OK(store_series_totals(room->store, &key, &totals, &room->error));
    assert_true(totals.quantity == 2 * WIDE);
    assert_true(totals.amount_nanos == -2 * WIDE);
    assert_true(totals.units[6] == INT64_MIN);
    key.rate--; /* another price is another line */
    OK(store_series_totals(room->store, &key, &totals, &room->error));
    assert_true(totals.quantity == 0);
    OK(store_balances(room->store, &room->arena, &balances, &count, &room->error));
    assert_int_equal(count, 2);
    assert_string_equal(balances[0].account, "receivable/acme");
    assert_true(balances[0].amount == 2 * WIDE);
    assert_true(balances[1].amount == -2 * WIDE);
    OK(store_share_total(room->store, "bc.price", &share, &room->error));
    assert_true(share == 6);
    OK(store_share_total(room->store, "bc.other", &share, &room->error));
    assert_true(share == 0);
}

static void rows_come_by_kind_and_month(void **state)
{
    struct room *room = *state;
    struct ledger_series_key key = sale_key();
    struct ledger_row *rows = NULL;
    size_t count = 0;
    OK(put_transaction(room, 1, 0));
    OK(store_rows(room->store, 0, 0, &room->arena, &rows, &count, &room->error));
    assert_int_equal(count, 2);
    OK(store_rows(room->store, LEDGER_SALE, 676, &room->arena, &rows, &count, &room->error));
    assert_int_equal(count, 0);
    OK(store_rows(room->store, LEDGER_SALE, 675, &room->arena, &rows, &count, &room->error));
    assert_int_equal(count, 1);
    assert_memory_equal(&rows[0].key, &key, sizeof(key));
}

struct journal {
    size_t count;
    oft_nanos entry, quantity;
    uint8_t previous, hash;
    struct ledger_range range;
    char account[sizeof(((struct ledger_entry *)0)->account)];
    enum ledger_series_kind kind;
};

static enum oft_err see_transaction(void *context, const struct store_transaction *row,
                                    struct oft_error *reterr)
{
    struct journal *journal = context;
    const struct ledger_transaction *transaction = &row->transaction;
    (void)reterr;
    journal->count++;
    assert_int_equal(transaction->number, journal->count);
    assert_int_equal(transaction->recorded_ns, 7000 + (int64_t)journal->count);
    assert_int_equal(transaction->range_count, 1);
    assert_int_equal(transaction->change_count, 2);
    assert_int_equal(transaction->entry_count, 2);
    journal->entry = transaction->entries[1].amount_nanos;
    (void)snprintf(journal->account, sizeof(journal->account), "%s",
                   transaction->entries[1].account);
    journal->quantity = transaction->changes[0].after.quantity;
    journal->kind = transaction->changes[1].key.kind;
    journal->range = transaction->ranges[0];
    journal->previous = row->previous[31];
    journal->hash = row->hash[31];
    return OFT_OK;
}

static void transactions_come_back_in_order_and_whole(void **state)
{
    struct room *room = *state;
    struct journal journal = {0};
    uint64_t number = 9;
    uint8_t hash[32];
    oft_instant recorded = 9;
    OK(store_chain_head(room->store, &number, hash, &recorded, &room->error));
    assert_int_equal(number, 0);
    assert_int_equal(hash[0], 0);
    OK(put_transaction(room, 1, 0));
    OK(put_transaction(room, 2, 1));
    reopen(room);
    OK(store_transactions(room->store, see_transaction, &journal, &room->error));
    assert_int_equal(journal.count, 2);
    assert_true(journal.entry == -WIDE);
    assert_string_equal(journal.account, "revenue/api");
    assert_true(journal.quantity == 2 * WIDE);
    assert_int_equal(journal.kind, LEDGER_SHARE);
    assert_string_equal(journal.range.segment, "w-000000.spool");
    assert_int_equal(journal.range.from, 4);
    assert_int_equal(journal.range.until, 8);
    assert_int_equal(journal.previous, 1);
    assert_int_equal(journal.hash, 2);
    OK(store_chain_head(room->store, &number, hash, &recorded, &room->error));
    assert_int_equal(number, 2);
    assert_int_equal(hash[0], 2);
    assert_int_equal(recorded, 7002);
}

static void a_number_is_never_given_twice(void **state)
{
    struct room *room = *state;
    OK(put_transaction(room, 1, 0));
    assert_int_equal(put_transaction(room, 1, 0), OFT_ERR_EXISTS);
}

/* ---- transactions ------------------------------------------------------------------------------ */

static void a_rollback_leaves_nothing(void **state)
{
    struct room *room = *state;
    struct meter_record intent = {.request_id = {1}};
    struct ledger_row *rows = NULL;
    struct store_balance *balances = NULL;
    size_t count = 9;
    uint64_t number = 9;
    uint32_t next = 9;
    uint8_t hash[32];
    oft_instant recorded = 0;
    OK(store_begin(room->store, &room->error));
    OK(put_transaction(room, 1, 0));
    OK(store_position_set(room->store, "w-000000.spool", 8, &room->error));
    OK(store_intent_put(room->store, "w", &intent, &room->error));
    store_rollback(room->store);
    store_rollback(room->store); /* once more does no harm */
    OK(store_chain_head(room->store, &number, hash, &recorded, &room->error));
    assert_int_equal(number, 0);
    OK(store_rows(room->store, 0, 0, &room->arena, &rows, &count, &room->error));
    assert_int_equal(count, 0);
    OK(store_balances(room->store, &room->arena, &balances, &count, &room->error));
    assert_int_equal(count, 0);
    OK(store_position_get(room->store, "w-000000.spool", &next, &room->error));
    assert_int_equal(next, 0);
    OK(store_intent_count(room->store, &number, &room->error));
    assert_int_equal(number, 0);
    OK(put_transaction(room, 1, 0)); /* and the number is free again */
}

static void closing_in_a_transaction_is_a_rollback(void **state)
{
    struct room *room = *state;
    OK(store_begin(room->store, &room->error));
    OK(put_transaction(room, 1, 0));
    reopen(room);
    assert_int_equal(sql(room, "SELECT count(*) FROM txn"), 0);
    assert_int_equal(sql(room, "SELECT count(*) FROM balance"), 0);
}

static void a_damaged_amount_is_said_and_not_read_as_a_number(void **state)
{
    struct room *room = *state;
    struct ledger_series_key key = sale_key();
    struct ledger_totals totals;
    OK(put_transaction(room, 1, 0));
    (void)sql(room, "UPDATE series SET quantity = '12x' WHERE kind = 2");
    assert_int_equal(store_series_totals(room->store, &key, &totals, &room->error),
                     OFT_ERR_CORRUPT);
    assert_non_null(strstr(room->error.message, "12x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(settings_are_kept_over_a_restart),
        IN_A_ROOM(a_newer_schema_is_refused_in_words),
        IN_A_ROOM(books_of_schema_3_keep_their_series_as_not_late),
        IN_A_ROOM(attestations_of_schema_1_are_kept_and_new_ones_are_linked_behind_them),
        IN_A_ROOM(a_file_that_is_no_database_is_refused_and_left_alone),
        IN_A_ROOM(other_people_cannot_read_the_file_whatever_the_umask),
        IN_A_ROOM(a_deal_comes_back_as_it_was_and_is_stored_once),
        IN_A_ROOM(a_generation_is_never_put_twice),
        IN_A_ROOM(attestations_are_known_from_their_generation_on),
        IN_A_ROOM(a_key_is_kept_and_revoked_once),
        IN_A_ROOM(a_position_is_kept_up_to_the_last_slot),
        IN_A_ROOM(a_slot_is_put_aside_once_for_one_reason),
        IN_A_ROOM(the_latest_intent_of_a_request_stays_until_it_is_deleted),
        IN_A_ROOM(a_visitor_that_fails_ends_the_visit_with_its_answer),
        IN_A_ROOM(amounts_beyond_64_bits_come_back_to_the_last_digit),
        IN_A_ROOM(rows_come_by_kind_and_month),
        IN_A_ROOM(transactions_come_back_in_order_and_whole),
        IN_A_ROOM(a_number_is_never_given_twice),
        IN_A_ROOM(a_rollback_leaves_nothing),
        IN_A_ROOM(closing_in_a_transaction_is_a_rollback),
        IN_A_ROOM(a_damaged_amount_is_said_and_not_read_as_a_number),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
