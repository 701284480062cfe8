/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Past policies made ready for rating. A record is rated by the deal text of its own generation, which
 * may be an old one: texts come from the store, a few of them are kept parsed.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

static void context_free(struct engine_context *context)
{
    if (context != NULL) {
        ledger_context_free(context->ledger);
        deal_free(context->deal);
        oft_arena_release(&context->arena);
        free(context);
    }
}

void engine_contexts_drop(struct engine *engine)
{
    for (size_t i = 0; i < ENGINE_CONTEXTS_MAX; i++) {
        context_free(engine->contexts[i]);
        engine->contexts[i] = NULL;
    }
    engine->current = NULL;
    engine->deal = NULL;
}

enum oft_err engine_attested(struct engine *engine, const struct deal *deal, uint64_t generation,
                             struct oft_arena *arena, struct deal_attestations *ret_attested,
                             struct oft_error *reterr)
{
    struct store_attestation *rows = NULL;
    size_t count = 0;
    enum oft_err code = store_attestations(engine->store, generation, arena, &rows, &count, reterr);
    if (code != OFT_OK) {
        return code;
    }
    struct deal_attestation *items = oft_arena_alloc_array(arena, count, sizeof(*items));
    if (items == NULL) {
        return OFT_ERR_MEMORY;
    }
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t event = deal_find_event(deal, oft_str_from(rows[i].event));
        if (event != DEAL_NONE) {
            items[known].event = event;
            items[known].instant = rows[i].at;
            known++;
        }
    }
    *ret_attested = (struct deal_attestations){items, known};
    return OFT_OK;
}

/* Parses the stored text again. It passed once, so errors now are a fault of ours or of the disk. */
static enum oft_err parse_stored(struct engine *engine, struct engine_context *context,
                                 struct oft_error *reterr)
{
    struct deal_file *files = NULL;
    size_t count = 0;
    enum oft_err code = store_policy_files(engine->store, context->generation, &context->arena,
                                           &files, &count, reterr);
    if (code != OFT_OK) {
        return code;
    }
    struct deal_diagnostics diagnostics;
    deal_diagnostics_init(&diagnostics);
    code = deal_parse_files(files, count, &context->deal, &diagnostics, reterr);
    if (code == OFT_ERR_INVALID) {
        code = oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the stored deal of policy generation %llu no longer parses: %s",
                        (unsigned long long)context->generation, engine_first_error(&diagnostics));
    }
    deal_diagnostics_release(&diagnostics);
    return code;
}

/* What we rate by is what was published, to the byte. */
static enum oft_err check_text(struct engine *engine, const struct engine_context *context,
                               struct oft_error *reterr)
{
    uint8_t published[32];
    enum oft_err code = store_policy_sha256(engine->store, context->generation, published, reterr);
    if (code == OFT_OK && memcmp(published, context->deal->text_sha256, sizeof(published)) != 0) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the stored deal of policy generation %llu is not what was published: its "
                        "hash differs. Restore books.db from a backup",
                        (unsigned long long)context->generation);
    }
    return code;
}

static enum oft_err context_new(struct engine *engine, uint64_t generation,
                                struct engine_context **ret_context, struct oft_error *reterr)
{
    struct engine_context *context = calloc(1, sizeof(*context));
    if (context == NULL) {
        return OFT_ERR_MEMORY;
    }
    context->generation = generation;
    oft_arena_init(&context->arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = parse_stored(engine, context, reterr);
    if (code == OFT_OK) {
        code = check_text(engine, context, reterr);
    }
    if (code == OFT_OK) {
        code = engine_attested(engine, context->deal, generation, &context->arena,
                               &context->attested, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_context_new(context->deal, generation, context->attested, &context->ledger,
                                  reterr);
    }
    if (code != OFT_OK) {
        context_free(context);
        return code;
    }
    *ret_context = context;
    return OFT_OK;
}

enum oft_err engine_policy_check(struct engine *engine, uint64_t generation,
                                 struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    enum oft_err code = context_new(engine, generation, &context, reterr);
    if (code == OFT_OK) {
        context_free(context);
    }
    if (code == OFT_ERR_NOT_FOUND) { /* the generation is there, its text is not */
        code = OFT_ERR_CORRUPT;
    }
    return code;
}

/* A free place, or that of the one unused for longest. Neither the one in force nor one that the
 * batch being made refers to is given up: ENGINE_CONTEXTS_MAX when there is no place. */
static size_t place_for(struct engine *engine)
{
    size_t oldest = ENGINE_CONTEXTS_MAX;
    for (size_t i = 0; i < ENGINE_CONTEXTS_MAX; i++) {
        if (engine->contexts[i] == NULL) {
            return i;
        }
        if (engine->contexts[i] != engine->current &&
            engine->contexts[i]->last_use <= engine->batch_began &&
            (oldest == ENGINE_CONTEXTS_MAX ||
             engine->contexts[i]->last_use < engine->contexts[oldest]->last_use)) {
            oldest = i;
        }
    }
    if (oldest < ENGINE_CONTEXTS_MAX) {
        context_free(engine->contexts[oldest]);
        engine->contexts[oldest] = NULL;
    }
    return oldest;
}

enum oft_err engine_context_get(struct engine *engine, uint64_t generation,
                                struct engine_context **ret_context, struct oft_error *reterr)
{
    engine->uses++;
    for (size_t i = 0; i < ENGINE_CONTEXTS_MAX; i++) {
        struct engine_context *known = engine->contexts[i];
        if (known != NULL && known->generation == generation) {
            known->last_use = engine->uses;
            *ret_context = known;
            return OFT_OK;
        }
    }
    size_t place = place_for(engine);
    if (place == ENGINE_CONTEXTS_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "too many policy generations in one batch");
    }
    struct engine_context *context = NULL;
    enum oft_err code = context_new(engine, generation, &context, reterr);
    if (code != OFT_OK) {
        return code;
    }
    context->last_use = engine->uses;
    engine->contexts[place] = context;
    *ret_context = context;
    return OFT_OK;
}
