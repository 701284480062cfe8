/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and publishing: who may open, what files a generation leaves and who may read them, what a
 * bad deal changes (nothing), and keys.
 */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/control.h"
#include "policy/decide.h"

/* A file of the data directory, 16-aligned as malloc gives; the caller frees. */
static uint8_t *load(const struct world *world, const char *name, size_t *ret_length)
{
    char path[WORLD_PATH_BYTES * 2];
    struct stat status;
    int fd = open(world_path(world, name, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    assert_int_equal(close(fd), 0);
    *ret_length = (size_t)status.st_size;
    return bytes;
}

static unsigned mode_of(const struct world *world, const char *name)
{
    char path[WORLD_PATH_BYTES * 2];
    struct stat status;
    assert_int_equal(lstat(world_path(world, name, path), &status), 0);
    return (unsigned)status.st_mode & 07777u;
}

static bool is_there(const struct world *world, const char *name)
{
    char path[WORLD_PATH_BYTES * 2];
    return access(world_path(world, name, path), F_OK) == 0;
}

static uint64_t control_generation(const struct world *world)
{
    size_t length = 0;
    uint8_t *bytes = load(world, "run/control", &length);
    assert_int_equal(length, CONTROL_BYTES);
    uint64_t generation = ((const struct control_page *)(const void *)bytes)->generation;
    free(bytes);
    return generation;
}

static uint64_t snapshot_generation(const struct world *world)
{
    struct policy_view view;
    struct oft_error error = {0};
    size_t length = 0;
    uint8_t *bytes = load(world, "run/policy.snap", &length);
    assert_int_equal(policy_open(&view, bytes, length, &error), OFT_OK);
    uint64_t generation = view.header->generation;
    free(bytes);
    return generation;
}

static bool snapshot_has_key(const struct world *world, const char *token)
{
    struct policy_view view;
    struct oft_error error = {0};
    uint8_t hash[OFT_SHA256_BYTES];
    size_t length = 0;
    uint8_t *bytes = load(world, "run/policy.snap", &length);
    assert_int_equal(policy_open(&view, bytes, length, &error), OFT_OK);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    bool found = policy_find_key(&view, hash) != NULL;
    free(bytes);
    return found;
}

static void a_published_generation_is_whole_and_readable_by_few(void **state)
{
    struct world *world = *state;
    assert_int_equal(engine_generation(world->engine), 1);
    assert_int_equal(control_generation(world), 1);
    assert_int_equal(snapshot_generation(world), 1);
    assert_int_equal(mode_of(world, "run"), 0750);
    assert_int_equal(mode_of(world, "run/policy.snap"), 0640);
    assert_int_equal(mode_of(world, "run/secrets-1"), 0640);
    assert_int_equal(mode_of(world, "run/control"), 0640);
    assert_int_equal(mode_of(world, "spool"), 0750);
    assert_false(is_there(world, "run/policy.snap.tmp"));
}

static void the_books_are_closed_to_other_people(void **state)
{
    struct world *world = *state;
    assert_int_equal(mode_of(world, "books.db") & 07, 0);
    assert_int_equal(mode_of(world, "books.db-wal") & 07, 0);
    assert_int_equal(mode_of(world, "lock") & 077, 0);
}

static bool holds(const uint8_t *bytes, size_t length, const char *text)
{
    return memmem(bytes, length, text, strlen(text)) != NULL;
}

static void a_secret_is_in_its_own_file_and_nowhere_else(void **state)
{
    struct world *world = *state;
    static const char *const others[] = {"run/policy.snap", "run/control", "books.db",
                                         "books.db-wal"};
    const char *secret = getenv("WORLD_KEY");
    size_t length = 0;
    uint8_t *bytes = load(world, "run/secrets-1", &length);
    assert_true(holds(bytes, length, secret));
    free(bytes);
    for (size_t i = 0; i < OFT_COUNT_OF(others); i++) {
        bytes = load(world, others[i], &length);
        assert_false(holds(bytes, length, secret));
        free(bytes);
    }
}

static void an_unset_secret_is_a_warning(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(unsetenv("WORLD_KEY"), 0);
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&report), "WORLD_KEY"));
    oft_buffer_release(&report);
}

static void only_the_last_two_secrets_stay(void **state)
{
    struct world *world = *state;
    world_publish(world);
    world_publish(world);
    assert_false(is_there(world, "run/secrets-1"));
    assert_true(is_there(world, "run/secrets-2"));
    assert_true(is_there(world, "run/secrets-3"));
}

static void a_bad_deal_changes_nothing_and_says_why(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    oft_buffer_init(&report, 1 << 20);
    world_write_deal(world, "deal \"Broken\"\ncustomer lab\ncurrency USD\nproduct x\npool {\n");
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_ERR_INVALID);
    assert_non_null(strstr(oft_buffer_text(&report), "test.deal:"));
    assert_non_null(strstr(error.message, "the policy in force stays"));
    oft_buffer_release(&report);
    assert_int_equal(engine_generation(world->engine), 1);
    assert_int_equal(control_generation(world), 1);
    assert_int_equal(snapshot_generation(world), 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM policy"), 1);
    assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(snapshot_generation(world), 2);
}

/* The control page names a generation only when its files are in place. */
static void a_publication_that_fails_halfway_leaves_the_old_one_in_force(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    char obstacle[WORLD_PATH_BYTES * 2];
    static const char *const names[] = {"run/policy.snap.tmp", "run/secrets-3.tmp"};
    oft_buffer_init(&report, 1 << 20);
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        assert_int_equal(mkdir(world_path(world, names[i], obstacle), 0700), 0);
        assert_int_not_equal(engine_publish(world->engine, world->now, &report, &error), OFT_OK);
        assert_non_null(strstr(error.message, names[i]));
        assert_int_equal(control_generation(world), 1);
        assert_int_equal(snapshot_generation(world), 1);
        assert_int_equal(engine_generation(world->engine), 1);
        assert_true(is_there(world, "run/secrets-1"));
        assert_int_equal(rmdir(obstacle), 0);
    }
    oft_buffer_release(&report);
    world_publish(world);
    assert_int_equal(control_generation(world), 4); /* a number is never given twice */
    assert_int_equal(snapshot_generation(world), 4);
    assert_true(is_there(world, "run/secrets-1"));  /* workers may be on their way from it */
    assert_false(is_there(world, "run/secrets-2")); /* never in force */
    world_publish(world);
    assert_false(is_there(world, "run/secrets-1"));
}

/* Its texts come back from the books with the hash that they were published with. */
static void a_deal_of_several_files_is_published_and_kept_whole(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    char path[WORLD_PATH_BYTES * 2];
    char text[4096];
    char findings[4096];
    (void)snprintf(path, sizeof(path), "%s/more.deal", world->root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("account initech \"Initech\"\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(text, sizeof(text), "%.3900sinclude \"more.deal\"\n", WORLD_DEAL);
    world_write_deal(world, text);
    world_publish(world);
    assert_int_equal(engine_generation(world->engine), 2);
    assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM deal_text"), 3);
    world_reopen(world);
    world_publish(world);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
    assert_non_null(strstr(findings, "2 deals"));
}

static void generations_go_on_after_a_restart(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct stat before;
    struct stat after;
    char path[WORLD_PATH_BYTES * 2];
    assert_int_equal(stat(world_path(world, "run/control", path), &before), 0);
    world_reopen(world);
    assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_ERR_INVALID);
    assert_int_equal(control_generation(world), 1); /* workers go on by the old one meanwhile */
    world_publish(world);
    assert_int_equal(engine_generation(world->engine), 2);
    assert_int_equal(control_generation(world), 2);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino); /* workers have this very page mapped */
}

static void a_second_engine_is_refused(void **state)
{
    struct world *world = *state;
    struct world second = *world;
    struct oft_error error = {0};
    second.engine = NULL;
    assert_int_equal(world_open(&second, &error), OFT_ERR_BUSY);
    assert_non_null(strstr(error.message, "another offtake daemon"));
}

static void a_rehearsal_and_real_books_never_mix(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct engine *rehearsal = NULL;
    struct engine_options options = {
        .data_directory = world->data,
        .deal_path = world->deal,
        .worker_uid = UINT32_MAX,
        .worker_gid = UINT32_MAX,
        .clock_shift_ns = OFT_NS_PER_DAY,
        .rehearsal = true,
    };
    world_close(world);
    assert_int_equal(engine_open(&options, world->now, &rehearsal, &error), OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "production"));
    assert_int_equal(world_open(world, &error), OFT_OK); /* the refusal let go of the lock */
}

static void a_key_is_in_the_snapshot_until_it_is_revoked(void **state)
{
    struct world *world = *state;
    char token[ENGINE_TOKEN_BYTES];
    char id[17];
    uint8_t hash[OFT_SHA256_BYTES];
    uint8_t reversed[8];
    struct oft_error error = {0};
    struct oft_buffer list;
    assert_int_equal(
        engine_key_create(world->engine, "acme", "api", NULL, world->now, token, &error), OFT_OK);
    assert_int_equal(strlen(token), 47);
    assert_memory_equal(token, "oft_", 4);
    assert_true(snapshot_has_key(world, token));
    assert_int_equal(engine_generation(world->engine), 2);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    for (int i = 0; i < 8; i++) {
        reversed[i] = hash[7 - i];
    }
    (void)oft_hex(reversed, 8, id);
    oft_buffer_init(&list, 1 << 20);
    assert_int_equal(engine_keys_list(world->engine, &list, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&list), id));
    assert_null(strstr(oft_buffer_text(&list), token));
    oft_buffer_release(&list);
    assert_int_equal(engine_key_revoke(world->engine, id, world->now, &error), OFT_OK);
    assert_false(snapshot_has_key(world, token));
    assert_int_equal(engine_key_revoke(world->engine, id, world->now, &error), OFT_ERR_NOT_FOUND);
}

static void a_key_outlives_a_restart_and_its_text_is_kept_nowhere(void **state)
{
    struct world *world = *state;
    char token[ENGINE_TOKEN_BYTES];
    struct oft_error error = {0};
    assert_int_equal(
        engine_key_create(world->engine, "acme", "api", NULL, world->now, token, &error), OFT_OK);
    world_reopen(world);
    world_publish(world);
    assert_true(snapshot_has_key(world, token));
    static const char *const files[] = {"run/policy.snap", "run/secrets-3", "books.db"};
    for (size_t i = 0; i < OFT_COUNT_OF(files); i++) {
        size_t length = 0;
        uint8_t *bytes = load(world, files[i], &length);
        assert_false(holds(bytes, length, token + 4));
        free(bytes);
    }
}

static void a_key_for_unknown_names_is_refused(void **state)
{
    struct world *world = *state;
    char token[ENGINE_TOKEN_BYTES];
    struct oft_error error = {0};
    assert_int_equal(
        engine_key_create(world->engine, "nobody", "api", NULL, world->now, token, &error),
        OFT_ERR_NOT_FOUND);
    assert_int_equal(
        engine_key_create(world->engine, "acme", "' OR 1=1", NULL, world->now, token, &error),
        OFT_ERR_NOT_FOUND);
    assert_int_equal(engine_key_revoke(world->engine, "xyz", world->now, &error), OFT_ERR_INVALID);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM api_key"), 0);
    assert_int_equal(engine_generation(world->engine), 1);
}

static void only_the_attester_attests(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    oft_instant now = world->now;
    assert_int_equal(engine_attest(world->engine, "agi", "bigcloud", now, NULL, now, &error),
                     OFT_ERR_DENIED);
    assert_int_equal(engine_attest(world->engine, "rain", "panel", now, NULL, now, &error),
                     OFT_ERR_NOT_FOUND);
    assert_int_equal(engine_generation(world->engine), 1);
    assert_int_equal(engine_attest(world->engine, "agi", "panel", now, NULL, now, &error), OFT_OK);
    assert_int_equal(engine_generation(world->engine), 2);
    assert_int_equal(world_sql(world, "SELECT generation FROM attestation"), 2);
}

static void the_admin_token_is_shown_once(void **state)
{
    struct world *world = *state;
    char token[ENGINE_TOKEN_BYTES];
    char again[ENGINE_TOKEN_BYTES];
    uint8_t first[OFT_SHA256_BYTES];
    uint8_t second[OFT_SHA256_BYTES];
    uint8_t hash[OFT_SHA256_BYTES];
    struct oft_error error = {0};
    assert_int_equal(engine_admin_token(world->engine, token, first, &error), OFT_OK);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    assert_memory_equal(first, hash, sizeof(hash));
    world_reopen(world);
    assert_int_equal(engine_admin_token(world->engine, again, second, &error), OFT_OK);
    assert_string_equal(again, "");
    assert_memory_equal(first, second, sizeof(first));
}

static void a_commitment_that_crosses_its_line_publishes_again(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_error error = {0};
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(engine_generation(world->engine), 1);
    struct meter_record record = world_record(world);
    record.units[DEAL_UNIT_INPUT] = 4000000; /* 10 USD; the line stands at 9 */
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &record);
    (void)world_drain(world);
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(engine_generation(world->engine), 2);
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(engine_generation(world->engine), 2);
    world->now += 3 * OFT_NS_PER_DAY; /* the line moves on to 12 */
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(engine_generation(world->engine), 3);
    meter_writer_close(&writer);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_published_generation_is_whole_and_readable_by_few),
        WITH_WORLD(the_books_are_closed_to_other_people),
        WITH_WORLD(a_secret_is_in_its_own_file_and_nowhere_else),
        WITH_WORLD(an_unset_secret_is_a_warning),
        WITH_WORLD(only_the_last_two_secrets_stay),
        WITH_WORLD(a_bad_deal_changes_nothing_and_says_why),
        WITH_WORLD(a_publication_that_fails_halfway_leaves_the_old_one_in_force),
        WITH_WORLD(a_deal_of_several_files_is_published_and_kept_whole),
        WITH_WORLD(generations_go_on_after_a_restart),
        WITH_WORLD(a_second_engine_is_refused),
        WITH_WORLD(a_rehearsal_and_real_books_never_mix),
        WITH_WORLD(a_key_is_in_the_snapshot_until_it_is_revoked),
        WITH_WORLD(a_key_outlives_a_restart_and_its_text_is_kept_nowhere),
        WITH_WORLD(a_key_for_unknown_names_is_refused),
        WITH_WORLD(only_the_attester_attests),
        WITH_WORLD(the_admin_token_is_shown_once),
        WITH_WORLD(a_commitment_that_crosses_its_line_publishes_again),
    };
    return cmocka_run_group_tests_name("engine publish", tests, NULL, NULL);
}
