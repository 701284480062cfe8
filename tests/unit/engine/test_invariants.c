/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the books promise, each broken once behind the program's back: verification finds it, and says
 * where. The numbers are those of the table in docs/books.md, "Verification".
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

static const struct broken {
    const char *promise; /* the test's name */
    const char *sql;
    const char *words[4]; /* of what verification says */
} BROKEN[] = {
    {"1: debits equal credits",
     "UPDATE entry SET amount = amount + 1 WHERE number = 2 AND n = 0",
     {"transaction 2 does not balance: its entries sum to 0.000000001"}},
    {"2: an entry is immutable, also when its transaction still balances",
     "UPDATE entry SET amount = CAST(2 * amount AS TEXT) WHERE number = 2",
     {"transaction 2 does not have the hash that it was written with"}},
    {"2: an entry moved to another account",
     "UPDATE entry SET account = 'receivable/globex' WHERE number = 1 AND account ="
     " 'receivable/acme'",
     {"transaction 1 does not have the hash", "the balance of receivable/acme is not the sum"}},
    {"2: a transaction rewritten with all that follows from it but the chain",
     "UPDATE entry SET account = 'receivable/globex' WHERE account = 'receivable/acme';"
     " UPDATE balance SET account = 'receivable/globex' WHERE account = 'receivable/acme'",
     {"transaction 1 does not have the hash", "transaction 2 does not have the hash"}},
    {"3: what was read is claimed with the write: a position moved back would book twice",
     "UPDATE position SET next = next - 2",
     {"is read up to record 22; its transactions end at 24"}},
    {"3: two transactions claim the same records",
     "UPDATE txn_range SET first = first - 2 WHERE number = 2",
     {"transaction 2 read test-", "from record 6; 8 was next"}},
    {"4: the recorded time",
     "UPDATE txn SET recorded_ns = recorded_ns - 1 WHERE number = 3",
     {"transaction 3 does not have the hash"}},
    {"4: the effective time: a month's use moved to another",
     "UPDATE series SET month = month - 1, key = replace(key, '24315', '24314') WHERE kind = 2",
     {"transaction 1 does not have the hash", "transaction 3 does not have the hash"}},
    {"5: an intent that waits for its settlement is what its writer wrote",
     "UPDATE open_intent SET record = CAST(substr(record, 1, 120) || x'ff' || substr(record, 122)"
     " AS BLOB)",
     {"an open intent of test-", "fails its checksum"}},
    {"6: a month that is over: use added to it later",
     "UPDATE series SET quantity = quantity + 1000 WHERE kind = 2 AND unit = 0",
     {"the series under api.price.gpt-4o@always (gpt-4o) is not what its changes made it"}},
    {"7: from a posting back to its use: a range that is gone",
     "DELETE FROM txn_range WHERE number = 2",
     {"transaction 3 read test-", "from record 16; 8 was next"}},
    {"7: from an entry back to its line: another change is named",
     "UPDATE entry SET change = change + 1 WHERE number = 2 AND n = 0",
     {"transaction 2: the entries of ", "are not what it changed by"}},
    {"7: a line that is not found under its key",
     "UPDATE series SET key = key || 'x' WHERE kind = 3",
     {"stands under a key that is not its own"}},
    {"8: the deal that amounts were rated by",
     "UPDATE deal_text SET text = CAST(replace(CAST(text AS TEXT), '20%', '10%') AS BLOB)",
     {"policy generation 1: "}},
    {"8: the head of the chain, which statements print",
     "UPDATE txn SET hash = randomblob(32) WHERE number = 3",
     {"transaction 3 does not have the hash that it was written with"}},
    {"9: an amount is its cumulative quantity times its rate, rounded once",
     "UPDATE change SET amount = CAST(amount + 1 AS TEXT) WHERE number = 3 AND series IN"
     " (SELECT id FROM series WHERE kind = 2 AND unit = 0)",
     {"transaction 3: api.price.gpt-4o@always at gpt-4o is not quantity times rate"}},
    {"10: a transaction lost",
     "DELETE FROM entry WHERE number = 2; DELETE FROM change WHERE number = 2;"
     " DELETE FROM txn_range WHERE number = 2; DELETE FROM txn WHERE number = 2",
     {"transaction 3 follows where 2 should", "transaction 3 does not name the hash"}},
    {"10: a transaction doubled",
     "INSERT INTO txn SELECT 4, recorded_ns, previous, hash FROM txn WHERE number = 3;"
     " INSERT INTO txn_range SELECT 4, n, segment, first, until FROM txn_range WHERE number = 3;"
     " INSERT INTO change SELECT 4, n, series, quantity, amount, units FROM change WHERE number ="
     " 3; INSERT INTO entry SELECT 4, n, account, amount, change FROM entry WHERE number = 3",
     {"transaction 4 does not name the hash", "transaction 4 read test-", "24 was next"}},
};

static const struct broken *current;

static int set_up(void **state)
{
    current = *state;
    if (world_set_up(state) != 0) {
        return -1;
    }
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    for (int i = 0; i < 3; i++) { /* three transactions of eight records */
        world_append_requests(world, &writer, 4 - (i == 2));
        if (i == 2) {
            struct meter_record first = world_record(world);
            struct meter_record second = world_record(world);
            world_append(&writer, METER_INTENT, &first);
            world_append(&writer, METER_INTENT, &second);
        }
        (void)world_drain(world);
    }
    world_close(world); /* the log is written back, so that a copy would be whole */
    return world_open(world, &(struct oft_error){0}) == OFT_OK ? 0 : -1;
}

static void is_found_and_named(void **state)
{
    struct world *world = *state;
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("before: %s", findings);
    }
    world_tamper(world, current->sql);
    if (world_sound(world, findings)) {
        fail_msg("not found: %s", current->sql);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(current->words) && current->words[i] != NULL; i++) {
        if (strstr(findings, current->words[i]) == NULL) {
            fail_msg("\"%s\" is not said: %s", current->words[i], findings);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[OFT_COUNT_OF(BROKEN)];
    for (size_t i = 0; i < OFT_COUNT_OF(BROKEN); i++) {
        tests[i] = (struct CMUnitTest){.name = BROKEN[i].promise,
                                       .test_func = is_found_and_named,
                                       .setup_func = set_up,
                                       .teardown_func = world_tear_down,
                                       .initial_state = (void *)(uintptr_t)&BROKEN[i]};
    }
    return cmocka_run_group_tests_name("engine invariants", tests, NULL, NULL);
}
