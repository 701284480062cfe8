/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a transaction: one vector that was computed by other means (chain_vector.py builds the
 * documented bytes and hashes them), and that every field moves it.
 */
#include "world.h"

#include <string.h>

static const char CHAIN_VECTOR[] =
    "50421e862a3cc1f766896c92ee0b2b24eeb8c4dee0ee9a888332d5aa056dc1c5";

/* The same with a series that is late and an event. */
static const char CHAIN_VECTOR_LATE[] =
    "3d68b2bf35db306636eb44a1ef5a82afe48fc4c2e270ddb81a36e3d2106d1e2a";

struct sample {
    struct ledger_range ranges[2];
    struct ledger_change changes[1];
    struct ledger_entry entries[2];
    struct ledger_event events[1];
    struct ledger_transaction transaction;
    uint8_t previous[32];
};

static void fill(struct sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    sample->ranges[0] = (struct ledger_range){"w-1.spool", 0, 7};
    sample->ranges[1] = (struct ledger_range){"w-2.spool", 3, 4};
    struct ledger_change *change = &sample->changes[0];
    change->key = (struct ledger_series_key){
        .kind = LEDGER_COST,
        .month = 24315,
        .unit = DEAL_UNIT_OUTPUT,
        .rate = (oft_nanos)10 * 1000000000,
        .model = "gpt-4o",
        .pool = "east",
        .party = "bigcloud",
        .clause = "east.price.gpt-4o",
    };
    change->after.quantity = 7;
    change->after.amount_nanos = 70000;
    change->after.units[6] = 9;
    memcpy(sample->entries[0].account, "cost/east", sizeof("cost/east"));
    sample->entries[0].amount_nanos = 70000;
    memcpy(sample->entries[1].account, "payable/bigcloud", sizeof("payable/bigcloud"));
    sample->entries[1].amount_nanos = -70000;
    sample->transaction = (struct ledger_transaction){
        .number = 42,
        .recorded_ns = INT64_C(1775779200000000000),
        .ranges = sample->ranges,
        .range_count = 2,
        .changes = sample->changes,
        .change_count = 1,
        .entries = sample->entries,
        .entry_count = 2,
    };
    for (size_t i = 0; i < sizeof(sample->previous); i++) {
        sample->previous[i] = (uint8_t)i;
    }
}

static void hash_of(const struct sample *sample, uint8_t out[32])
{
    assert_int_equal(ledger_transaction_hash(&sample->transaction, sample->previous, out), OFT_OK);
}

static void the_bytes_are_the_documented_ones(void **state)
{
    struct sample sample;
    uint8_t hash[32];
    char hex[OFT_SHA256_HEX_BYTES];
    (void)state;
    fill(&sample);
    hash_of(&sample, hash);
    assert_string_equal(oft_hex(hash, 32, hex), CHAIN_VECTOR);
}

static void fill_late(struct sample *sample)
{
    fill(sample);
    sample->changes[0].key.for_month = 24314;
    sample->events[0] = (struct ledger_event){.what = "period-close",
                                              .month = 24314,
                                              .statement = 7,
                                              .actor = "ann",
                                              .about = "bigcloud"};
    for (size_t i = 0; i < 32; i++) {
        sample->events[0].sha256[i] = (uint8_t)i;
    }
    sample->transaction.events = sample->events;
    sample->transaction.event_count = 1;
}

static void what_is_late_and_what_was_decided_have_documented_bytes_too(void **state)
{
    struct sample sample;
    uint8_t original[32];
    uint8_t changed[32];
    char hex[OFT_SHA256_HEX_BYTES];
    (void)state;
    fill_late(&sample);
    hash_of(&sample, original);
    assert_string_equal(oft_hex(original, 32, hex), CHAIN_VECTOR_LATE);
#define CHANGED_LATE_BY(statement)                      \
    do {                                                \
        fill_late(&sample);                             \
        statement;                                      \
        hash_of(&sample, changed);                      \
        assert_memory_not_equal(original, changed, 32); \
    } while (0)
    CHANGED_LATE_BY(sample.changes[0].key.for_month--);
    CHANGED_LATE_BY(sample.changes[0].key.for_month = 0);
    CHANGED_LATE_BY(sample.events[0].what[0]++);
    CHANGED_LATE_BY(sample.events[0].month++);
    CHANGED_LATE_BY(sample.events[0].statement++);
    CHANGED_LATE_BY(sample.events[0].actor[0]++);
    CHANGED_LATE_BY(sample.events[0].about[0]++);
    CHANGED_LATE_BY(sample.events[0].sha256[31]++);
    CHANGED_LATE_BY(sample.transaction.event_count = 0);
}

static void any_field_changes_the_hash(void **state)
{
    struct sample sample;
    uint8_t original[32];
    uint8_t changed[32];
    (void)state;
    fill(&sample);
    hash_of(&sample, original);
#define CHANGED_BY(statement)                           \
    do {                                                \
        fill(&sample);                                  \
        statement;                                      \
        hash_of(&sample, changed);                      \
        assert_memory_not_equal(original, changed, 32); \
    } while (0)
    CHANGED_BY(sample.previous[31] ^= 1);
    CHANGED_BY(sample.transaction.number++);
    CHANGED_BY(sample.transaction.recorded_ns++);
    CHANGED_BY(sample.transaction.range_count--);
    CHANGED_BY(sample.transaction.entry_count--);
    CHANGED_BY(sample.transaction.change_count--);
    CHANGED_BY(sample.ranges[0].segment[0]++);
    CHANGED_BY(sample.ranges[1].from++);
    CHANGED_BY(sample.ranges[1].until++);
    CHANGED_BY(sample.entries[0].account[0]++);
    CHANGED_BY(sample.entries[1].amount_nanos--);
    CHANGED_BY(sample.changes[0].key.kind = LEDGER_SALE);
    CHANGED_BY(sample.changes[0].key.month++);
    CHANGED_BY(sample.changes[0].key.unit++);
    CHANGED_BY(sample.changes[0].key.outcome++);
    CHANGED_BY(sample.changes[0].key.rate += (oft_nanos)1 << 100);
    CHANGED_BY(sample.changes[0].key.account[0] = 'x');
    CHANGED_BY(sample.changes[0].key.product[0] = 'x');
    CHANGED_BY(sample.changes[0].key.model[0] = 'x');
    CHANGED_BY(sample.changes[0].key.pool[0] = 'x');
    CHANGED_BY(sample.changes[0].key.party[0] = 'x');
    CHANGED_BY(sample.changes[0].key.clause[0] = 'x');
    CHANGED_BY(sample.changes[0].after.quantity++);
    CHANGED_BY(sample.changes[0].after.amount_nanos++);
    for (size_t i = 0; i < METER_UNITS; i++) {
        CHANGED_BY(sample.changes[0].after.units[i]++);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_the_documented_ones),
        cmocka_unit_test(what_is_late_and_what_was_decided_have_documented_bytes_too),
        cmocka_unit_test(any_field_changes_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
