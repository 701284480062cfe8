/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk's rows: the journal in order, an answer given once, tokens by hash, an outbox that holds
 * nothing twice; and files of older schemas that come to the present with what they hold.
 */
#include "room.h"

static enum oft_err put_event(struct room *room, uint64_t number, const char *bytes)
{
    struct store_desk_event event = {.number = number,
                                     .recorded_ns = (oft_instant)number * 10,
                                     .bytes = bytes,
                                     .length = strlen(bytes),
                                     .previous = {(uint8_t)(number - 1)},
                                     .hash = {(uint8_t)number}};
    return store_desk_event_put(room->store, &event, &room->error);
}

struct seen {
    char text[256];
    uint64_t enough;
};

static enum oft_err see(void *context, const struct store_desk_event *event,
                        struct oft_error *reterr)
{
    struct seen *seen = context;
    size_t length = strlen(seen->text);
    (void)reterr;
    (void)snprintf(seen->text + length, sizeof(seen->text) - length, "%llu:%.*s@%lld(%u<%u) ",
                   (unsigned long long)event->number, (int)event->length,
                   (const char *)event->bytes, (long long)event->recorded_ns, event->hash[0],
                   event->previous[0]);
    if (event->number == 99) {
        return OFT_ERR_CORRUPT;
    }
    return event->number == seen->enough ? OFT_ERR_EXISTS : OFT_OK;
}

static void a_file_of_schema_2_gets_the_desk_and_keeps_its_rows(void **state)
{
    struct room *room = *state;
    const char *value = NULL;
    OK(store_meta_set(room->store, "kind", "production", &room->error));
    store_close(room->store);
    room->store = NULL;
    make_schema_2(room);
    OK(store_open(room->path, &room->store, &room->error));
    assert_int_equal(sql(room, "PRAGMA user_version"), 4);
    OK(store_meta_get(room->store, "kind", &room->arena, &value, &room->error));
    assert_string_equal(value, "production");
    OK(put_event(room, 1, "a"));
    reopen(room);
    assert_int_equal(sql(room, "SELECT count(*) FROM desk_event"), 1);
}

static void a_file_of_schema_1_takes_both_steps(void **state)
{
    struct room *room = *state;
    store_close(room->store);
    room->store = NULL;
    make_schema_1(room);
    (void)sql(room, "INSERT INTO attestation VALUES ('agi', 'panel', 5, 1, 6)");
    OK(store_open(room->path, &room->store, &room->error));
    assert_int_equal(sql(room, "PRAGMA user_version"), 4);
    assert_int_equal(sql(room, "SELECT count(*) FROM attestation WHERE hash IS NULL"), 1);
    OK(put_event(room, 1, "a"));
}

static void the_journal_comes_back_in_order_and_a_number_is_given_once(void **state)
{
    struct room *room = *state;
    struct seen seen = {.enough = 0};
    uint64_t number = 7;
    uint8_t hash[32], none[32] = {0};
    OK(store_desk_head(room->store, &number, hash, &room->error));
    assert_int_equal(number, 0);
    assert_memory_equal(hash, none, 32);
    OK(put_event(room, 1, "one"));
    OK(put_event(room, 2, "two"));
    OK(put_event(room, 3, "three"));
    assert_int_equal(put_event(room, 2, "other"), OFT_ERR_EXISTS);
    reopen(room);
    OK(store_desk_head(room->store, &number, hash, &room->error));
    assert_int_equal(number, 3);
    assert_int_equal(hash[0], 3);
    OK(store_desk_events(room->store, 2, see, &seen, &room->error));
    assert_string_equal(seen.text, "2:two@20(2<1) 3:three@30(3<2) ");
}

static void a_visitor_may_have_seen_enough_or_may_fail(void **state)
{
    struct room *room = *state;
    struct seen seen = {"", 1};
    OK(put_event(room, 1, "one"));
    OK(put_event(room, 99, "bad"));
    OK(store_desk_events(room->store, 1, see, &seen, &room->error));
    assert_string_equal(seen.text, "1:one@10(1<0) ");
    seen.enough = 0;
    assert_int_equal(store_desk_events(room->store, 1, see, &seen, &room->error), OFT_ERR_CORRUPT);
}

static void an_answer_is_kept_for_one_actor_and_key(void **state)
{
    struct room *room = *state;
    struct store_desk_request request = {.actor = "lab",
                                         .key = "k1",
                                         .payload_sha256 = {1, 2},
                                         .status = 201,
                                         .answer = "{\"event\":1}",
                                         .recorded_ns = 5};
    struct store_desk_request found;
    OK(store_desk_request_put(room->store, &request, &room->error));
    assert_int_equal(store_desk_request_put(room->store, &request, &room->error), OFT_ERR_EXISTS);
    request.actor = "bigcloud"; /* another's keys are its own */
    OK(store_desk_request_put(room->store, &request, &room->error));
    OK(store_desk_request_get(room->store, "lab", "k1", &room->arena, &found, &room->error));
    assert_string_equal(found.answer, "{\"event\":1}");
    assert_memory_equal(found.payload_sha256, request.payload_sha256, 32);
    assert_int_equal(found.status, 201);
    assert_int_equal(
        store_desk_request_get(room->store, "lab", "k2", &room->arena, &found, &room->error),
        OFT_ERR_NOT_FOUND);
}

static void a_token_is_found_by_its_hash_until_it_is_revoked(void **state)
{
    struct room *room = *state;
    struct store_desk_token token = {
        .id = UINT64_MAX - 1, .sha256 = {7, 8}, .party = "bigcloud", .created_ns = 3};
    struct store_desk_token *tokens = NULL;
    const uint8_t other[32] = {7, 9};
    const char *party = NULL;
    size_t count = 0;
    OK(store_desk_token_put(room->store, &token, &room->error));
    OK(store_desk_token_party(room->store, token.sha256, &room->arena, &party, &room->error));
    assert_string_equal(party, "bigcloud");
    assert_int_equal(store_desk_token_party(room->store, other, &room->arena, &party, &room->error),
                     OFT_ERR_NOT_FOUND);
    OK(store_desk_token_revoke(room->store, token.id, 9, &room->error));
    assert_int_equal(store_desk_token_revoke(room->store, token.id, 10, &room->error),
                     OFT_ERR_NOT_FOUND);
    assert_int_equal(
        store_desk_token_party(room->store, token.sha256, &room->arena, &party, &room->error),
        OFT_ERR_NOT_FOUND);
    OK(store_desk_tokens(room->store, &room->arena, &tokens, &count, &room->error));
    assert_int_equal(count, 1);
    assert_int_equal(tokens[0].id, token.id);
    assert_int_equal(tokens[0].revoked_ns, 9);
}

static struct store_delivery delivery_of(const char *dedup, oft_instant next_ns)
{
    return (struct store_delivery){.dedup = dedup,
                                   .event = 4,
                                   .thing = "notice-1",
                                   .what = "sent",
                                   .at_ns = 100 + next_ns,
                                   .kind = STORE_DELIVERY_MAIL,
                                   .party = "bigcloud",
                                   .address = "legal@bigcloud.example",
                                   .next_ns = next_ns,
                                   .changed_ns = 1};
}

static void the_outbox_holds_nothing_twice_and_gives_out_what_is_due(void **state)
{
    struct room *room = *state;
    struct store_delivery *items = NULL;
    size_t count = 0;
    oft_instant latest = 0;
    OK(store_deliveries_latest(room->store, &latest, &room->error));
    assert_true(latest == OFT_INSTANT_ALWAYS);
    const struct store_delivery rows[] = {delivery_of("a", 20), delivery_of("b", 10),
                                          delivery_of("a", 5), delivery_of("c", 30)};
    for (size_t i = 0; i < OFT_COUNT_OF(rows); i++) {
        OK(store_delivery_put(room->store, &rows[i], &room->error));
    }
    assert_int_equal(sql(room, "SELECT count(*) FROM desk_delivery"), 3);
    OK(store_deliveries_due(room->store, 20, 9, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 2);
    assert_string_equal(items[0].dedup, "b");
    assert_string_equal(items[1].dedup, "a");
    assert_string_equal(items[1].address, "legal@bigcloud.example");
    items[0].state = STORE_DELIVERY_ACCEPTED;
    items[0].attempts = 1;
    items[0].reply = "250 ok";
    OK(store_delivery_update(room->store, &items[0], &room->error));
    items[1].attempts = 1;
    items[1].next_ns = 900;
    items[1].reply = "451 later";
    OK(store_delivery_update(room->store, &items[1], &room->error));
    OK(store_deliveries_due(room->store, 20, 9, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 0);
    OK(store_deliveries(room->store, 0, 2, &room->arena, &items, &count, &room->error));
    assert_int_equal(count, 2);
    assert_string_equal(items[0].reply, "451 later");
    assert_int_equal(items[0].next_ns, 900);
    struct store_delivery one;
    OK(store_delivery_get(room->store, items[1].id, &room->arena, &one, &room->error));
    assert_int_equal(one.state, STORE_DELIVERY_ACCEPTED);
    assert_int_equal(store_delivery_get(room->store, 99, &room->arena, &one, &room->error),
                     OFT_ERR_NOT_FOUND);
    OK(store_deliveries_latest(room->store, &latest, &room->error));
    assert_int_equal(latest, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(a_file_of_schema_2_gets_the_desk_and_keeps_its_rows),
        IN_A_ROOM(a_file_of_schema_1_takes_both_steps),
        IN_A_ROOM(the_journal_comes_back_in_order_and_a_number_is_given_once),
        IN_A_ROOM(a_visitor_may_have_seen_enough_or_may_fail),
        IN_A_ROOM(an_answer_is_kept_for_one_actor_and_key),
        IN_A_ROOM(a_token_is_found_by_its_hash_until_it_is_revoked),
        IN_A_ROOM(the_outbox_holds_nothing_twice_and_gives_out_what_is_due),
    };
    return cmocka_run_group_tests_name("store desk", tests, NULL, NULL);
}
