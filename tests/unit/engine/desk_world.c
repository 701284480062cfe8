/* SPDX-License-Identifier: Apache-2.0 */
#include "desk_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 16, TEXT_BYTES = 1 << 16 };

/* What the last command was answered. */
static struct {
    char answer[TEXT_BYTES];
    struct oft_error error;
} last;

char *desk_deal(const char *respond)
{
    static const char PARTIES[] = "party    other    \"Other Cloud\"\n"
                                  "provider beta  of other\n"
                                  "agreement rc \"Rights\" with bigcloud {\n"
                                  "    effective 2020-01-01  until 2035-01-01\n"
                                  "}\n"
                                  "programme gate {\n"
                                  "    total 9 USD over 30 years from 2020-01-01\n"
                                  "    funder bigcloud 100% status committed\n"
                                  "}\n";
    const char *end = strstr(WORLD_DEAL, "    share:");
    char *text = malloc(strlen(WORLD_DEAL) + 1024);
    assert_non_null(text);
    assert_non_null(end);
    (void)sprintf(text,
                  "%.*s    rofr: first refusal on new capacity {\n"
                  "        holder bigcloud; %s; release 90 days; sign within 30 days\n"
                  "    }\n%s%s",
                  (int)(end - WORLD_DEAL), WORLD_DEAL, respond, end, PARTIES);
    return text;
}

int desk_set_up(void **state)
{
    if (world_set_up(state) != 0) {
        return -1;
    }
    struct world *world = *state;
    char *text = desk_deal("respond within 10 days");
    world_begin_anew(world, text);
    free(text);
    world_publish(world);
    return 0;
}

static enum oft_err command(struct world *world, const struct engine_desk_call *base,
                            struct engine_refusal *ret_refusal, va_list fields)
{
    struct desk_given given[FIELDS_MAX];
    char copies[FIELDS_MAX][256];
    struct engine_desk_call call = *base;
    struct oft_buffer out;
    for (const char *field = va_arg(fields, const char *); field != NULL;
         field = va_arg(fields, const char *)) {
        assert_true(call.count < FIELDS_MAX);
        (void)snprintf(copies[call.count], sizeof(copies[0]), "%s", field);
        char *equals = strchr(copies[call.count], '=');
        assert_non_null(equals);
        *equals = '\0';
        given[call.count] = (struct desk_given){copies[call.count], equals + 1};
        call.count++;
    }
    call.given = given;
    memset(&last.error, 0, sizeof(last.error));
    oft_buffer_init(&out, TEXT_BYTES - 1);
    enum oft_err code =
        engine_desk_act(world->engine, &call, world->now, &out, ret_refusal, &last.error);
    (void)snprintf(last.answer, sizeof(last.answer), "%s", oft_buffer_text(&out));
    oft_buffer_release(&out);
    return code;
}

enum oft_err desk_try(struct world *world, const char *actor, const char *key, bool dry_run,
                      struct engine_refusal *ret_refusal, const char *group, const char *verb, ...)
{
    va_list fields;
    struct engine_desk_call call = {
        .act = desk_act_find(group, verb), .actor = actor, .key = key, .dry_run = dry_run};
    assert_non_null(call.act);
    va_start(fields, verb);
    enum oft_err code = command(world, &call, ret_refusal, fields);
    va_end(fields);
    return code;
}

void desk_ok(struct world *world, const char *actor, const char *group, const char *verb, ...)
{
    va_list fields;
    struct engine_refusal refusal;
    struct engine_desk_call call = {.act = desk_act_find(group, verb), .actor = actor};
    assert_non_null(call.act);
    va_start(fields, verb);
    enum oft_err code = command(world, &call, &refusal, fields);
    va_end(fields);
    if (code != OFT_OK) {
        fail_msg("%s %s: %s", group, verb, last.error.message);
    }
}

const char *desk_answer(void)
{
    return last.answer;
}

const char *desk_error(void)
{
    return last.error.message;
}

void desk_open_notice(struct world *world)
{
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    desk_ok(world, NULL, "offer", "add", OFFER, NULL);
    desk_ok(world, NULL, "notice", "send", "lot=lot-1", NULL);
    desk_ok(world, "bigcloud", "notice", "delivered", "notice=notice-1", NULL);
}

static bool view_has(struct world *world, const struct engine_desk_look *look, const char *words)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 24);
    if (engine_desk_view(world->engine, look, world->now, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    bool found = strstr(oft_buffer_text(&out), words) != NULL;
    (void)snprintf(last.answer, sizeof(last.answer), "%s", oft_buffer_text(&out));
    oft_buffer_release(&out);
    return found;
}

void expect_view(struct world *world, enum desk_list list, const char *words)
{
    struct engine_desk_look look = {.kind = ENGINE_DESK_LIST, .list = list};
    if (!view_has(world, &look, words)) {
        fail_msg("no \"%s\" in %s", words, last.answer);
    }
}

void expect_no_view(struct world *world, enum desk_list list, const char *words)
{
    struct engine_desk_look look = {.kind = ENGINE_DESK_LIST, .list = list};
    if (view_has(world, &look, words)) {
        fail_msg("\"%s\" in %s", words, last.answer);
    }
}

void expect_view_at(struct world *world, enum desk_list list, oft_instant at, const char *words)
{
    struct engine_desk_look look = {
        .kind = ENGINE_DESK_LIST, .list = list, .has_at = true, .at = at};
    if (!view_has(world, &look, words)) {
        fail_msg("no \"%s\" in %s", words, last.answer);
    }
}

void expect_sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}
