/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How things stand, as JSON.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/internal.h"

struct status_counts {
    uint64_t open_intents, corrupt, torn, unreadable, doubled, conflicts, transactions;
    size_t segments;
};

static enum oft_err load_counts(struct engine *engine, struct status_counts *counts,
                                struct oft_error *reterr)
{
    uint8_t hash[32];
    oft_instant recorded_ns;
    char **names = NULL;
    enum oft_err code = store_intent_count(engine->store, &counts->open_intents, reterr);
    if (code == OFT_OK) {
        code = store_quarantine_count(engine->store, "corrupt", &counts->corrupt, reterr);
    }
    if (code == OFT_OK) {
        code = store_quarantine_count(engine->store, "torn", &counts->torn, reterr);
    }
    if (code == OFT_OK) {
        code = store_quarantine_count(engine->store, "unreadable", &counts->unreadable, reterr);
    }
    if (code == OFT_OK) {
        code = store_quarantine_count(engine->store, "settled twice", &counts->doubled, reterr);
    }
    if (code == OFT_OK) {
        code = store_quarantine_count(engine->store, "settled twice, and not alike",
                                      &counts->conflicts, reterr);
    }
    if (code == OFT_OK) {
        code = store_chain_head(engine->store, &counts->transactions, hash, &recorded_ns, reterr);
    }
    if (code == OFT_OK) {
        code = meter_list(engine->spool, &names, &counts->segments, reterr);
    }
    meter_names_free(names, counts->segments);
    return code;
}

static json_t *status_json(const struct engine *engine, const struct status_counts *counts,
                           oft_instant now_ns)
{
    char deal_hex[OFT_SHA256_HEX_BYTES] = "";
    char now_text[OFT_INSTANT_TEXT_BYTES];
    if (engine->deal != NULL) {
        (void)oft_hex(engine->deal->text_sha256, 32, deal_hex);
    }
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:I, s:I, s:s}",
        "generation", (json_int_t)engine->generation, "deal_title",
        engine->deal == NULL ? "" : engine->deal->title, "deal_path", engine->deal_path,
        "deal_sha256", deal_hex, "rehearsal", (int)engine->rehearsal, "contract_now",
        oft_instant_format(engine_contract_now(engine, now_ns), now_text), "data", engine->data,
        "records", (json_int_t)engine->records, "settled", (json_int_t)engine->settled, "unsettled",
        (json_int_t)engine->unsettled, "unrated", (json_int_t)engine->unrated, "open_intents",
        (json_int_t)counts->open_intents, "corrupt", (json_int_t)counts->corrupt, "torn",
        (json_int_t)counts->torn, "unreadable", (json_int_t)counts->unreadable, "settled_twice",
        (json_int_t)counts->doubled, "settled_otherwise", (json_int_t)counts->conflicts, "segments",
        (json_int_t)counts->segments, "transactions", (json_int_t)counts->transactions,
        "last_error", engine->last_error);
}

enum oft_err engine_status(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                           struct oft_error *reterr)
{
    struct status_counts counts = {0};
    enum oft_err code = load_counts(engine, &counts, reterr);
    if (code != OFT_OK) {
        return code;
    }
    json_t *answer = status_json(engine, &counts, now_ns);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    return text == NULL ? oft_fail(reterr, OFT_ERR_MEMORY, "the status could not be written")
                        : OFT_OK;
}
