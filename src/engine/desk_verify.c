/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal believed no more than the books are: read again from its first event, link by link, and
 * folded; each notice's hash is that of the terms it fixed; and the state in use is the one that comes
 * out.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/desk_internal.h"

struct examination {
    engine_desk_finding_fn find;
    void *context;
};

static void check_notice(void *context, const struct desk_state *state,
                         const struct desk_event *event)
{
    struct examination *examination = context;
    uint8_t hash[32];
    char text[160];
    if (event->kind == DESK_NOTICE_SENT && (engine_desk_notice_hash(state, event, hash) != OFT_OK ||
                                            memcmp(hash, event->hash, sizeof(hash)) != 0)) {
        (void)snprintf(
            text, sizeof(text),
            "event %llu of the desk's journal: the notice's hash is not that of its terms",
            (unsigned long long)event->number);
        examination->find(examination->context, text);
    }
}

/* A state that has passed through every moment and one that jumped from event to event are the same. */
static enum oft_err compare(struct engine *engine, struct engine_desk_fold *fold,
                            struct examination *examination)
{
    const struct engine_desk *desk = engine->desk;
    if (desk->state == NULL) {
        return OFT_OK;
    }
    enum oft_err code = desk_advance(fold->state, desk_clock(desk->state));
    if (code == OFT_OK &&
        (fold->count != desk->count || memcmp(fold->head, desk->head, sizeof(fold->head)) != 0 ||
         desk_digest(fold->state) != desk_digest(desk->state))) {
        examination->find(
            examination->context,
            "the desk's state is not what its journal folds to; restart offtake serve");
    }
    return code;
}

enum oft_err engine_desk_examine(struct engine *engine, engine_desk_finding_fn find, void *context,
                                 uint64_t *ret_events, uint8_t ret_head[32],
                                 struct oft_error *reterr)
{
    struct examination examination = {find, context};
    struct oft_arena arena;
    struct oft_error error = {0};
    oft_arena_init(&arena, SIZE_MAX / 4);
    struct engine_desk_fold fold = {.until = OFT_INSTANT_NEVER,
                                    .arena = &arena,
                                    .check = check_notice,
                                    .check_context = &examination};
    enum oft_err code = engine_desk_fold_run(engine, &fold, &error);
    *ret_events = fold.count;
    memcpy(ret_head, fold.head, 32);
    if (code == OFT_ERR_CORRUPT) {
        find(context, error.message);
        code = OFT_OK;
    } else if (code == OFT_OK) {
        code = compare(engine, &fold, &examination);
    }
    desk_state_free(fold.state);
    oft_arena_release(&arena);
    return code == OFT_OK ? OFT_OK : oft_fail(reterr, code, "%s", error.message);
}

static void add_finding(void *context, const char *text)
{
    (void)json_array_append_new(context, json_string(text));
}

enum oft_err engine_desk_verify(struct engine *engine, struct oft_buffer *out, bool *ret_sound,
                                struct oft_error *reterr)
{
    uint64_t events = 0;
    uint8_t head[32];
    char hex[OFT_SHA256_HEX_BYTES];
    json_t *findings = json_array();
    enum oft_err code = engine_desk_examine(engine, add_finding, findings, &events, head, reterr);
    if (code != OFT_OK) {
        json_decref(findings);
        return code;
    }
    *ret_sound = json_array_size(findings) == 0;
    json_t *answer =
        json_pack("{s:b, s:I, s:s, s:o}", "sound", (int)*ret_sound, "events", (json_int_t)events,
                  "head", oft_hex(head, 32, hex), "findings", findings);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    return text == NULL ? OFT_ERR_MEMORY : OFT_OK;
}
