/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attestations: who may say that an event has happened, how that is proved, and the chain by which the
 * books keep what was said. A party that has a key in the deal must sign; the word of one without is
 * taken as it comes over the admin API.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/sign.h"
#include "engine/internal.h"

static void put_u64(struct oft_sha256 *hash, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    oft_sha256_update(hash, bytes, sizeof(bytes));
}

static void put_text(struct oft_sha256 *hash, const char *text)
{
    put_u64(hash, strlen(text));
    oft_sha256_update(hash, text, strlen(text));
}

enum oft_err engine_attestation_hash(const struct store_attestation *attestation, uint8_t ret[32])
{
    static const char domain[] = "offtake attestation chain 1\n";
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_sha256_update(hash, domain, sizeof(domain) - 1);
    oft_sha256_update(hash, attestation->previous, sizeof(attestation->previous));
    put_text(hash, attestation->event);
    put_text(hash, attestation->party);
    put_u64(hash, (uint64_t)attestation->at);
    put_u64(hash, attestation->generation);
    put_u64(hash, (uint64_t)attestation->recorded_ns);
    put_u64(hash, attestation->is_signed ? 1 : 0);
    if (attestation->is_signed) {
        oft_sha256_update(hash, attestation->signature, sizeof(attestation->signature));
    }
    oft_sha256_final(hash, ret);
    oft_sha256_free(hash);
    return OFT_OK;
}

bool engine_attestation_signed_by(const struct deal *deal, const struct deal_party *party,
                                  const char *event, oft_instant at,
                                  const uint8_t signature[OFT_SIGN_SIGNATURE_BYTES])
{
    struct oft_buffer statement;
    oft_buffer_init(&statement, 1u << 16);
    deal_attestation_statement(deal->title, event, party->name, at, &statement);
    bool good = !statement.failed &&
                oft_sign_verify(party->key, oft_str_from(oft_buffer_text(&statement)), signature);
    oft_buffer_release(&statement);
    return good;
}

/* May PARTY say this, with this SIGNATURE or without one? */
static enum oft_err may_attest(const struct engine *engine, const char *event, const char *party,
                               oft_instant at, const uint8_t *signature, struct oft_error *reterr)
{
    const struct deal *deal = engine->deal;
    uint32_t index = deal == NULL ? DEAL_NONE : deal_find_event(deal, oft_str_from(event));
    if (index == DEAL_NONE) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the deal knows no event \"%.63s\"", event);
    }
    const struct deal_party *attester = &deal->parties[deal->events[index].attester_party];
    if (strcmp(attester->name, party) != 0) {
        return oft_fail(reterr, OFT_ERR_DENIED, "only %s may attest %s; %.63s may not",
                        attester->name, event, party);
    }
    if (attester->has_key && signature == NULL) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "%s has a key in the deal: its attestation must be signed with it "
                        "(--key FILE, and --at)",
                        party);
    }
    if (!attester->has_key && signature != NULL) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "%s has no key in the deal, so nobody can check this signature", party);
    }
    if (attester->has_key && !engine_attestation_signed_by(deal, attester, event, at, signature)) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "the signature is not %s's over this event, this instant and this deal",
                        party);
    }
    return OFT_OK;
}

/* Links ATTESTATION behind the last one and writes it. */
static enum oft_err put_linked(struct engine *engine, struct store_attestation *attestation,
                               struct oft_error *reterr)
{
    enum oft_err code = store_attestation_head(engine->store, attestation->previous, reterr);
    if (code == OFT_OK) {
        code = engine_attestation_hash(attestation, attestation->hash);
    }
    return code == OFT_OK ? store_attestation_put(engine->store, attestation, reterr) : code;
}

enum oft_err engine_attest(struct engine *engine, const char *event, const char *party,
                           oft_instant at, const uint8_t *signature, oft_instant now_ns,
                           struct oft_error *reterr)
{
    uint64_t last = 0;
    enum oft_err code = may_attest(engine, event, party, at, signature, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = store_begin(engine->store, reterr);
    if (code == OFT_OK) {
        code = store_policy_last(engine->store, &last, reterr);
    }
    struct store_attestation attestation = {.event = event,
                                            .party = party,
                                            .at = at,
                                            .generation = last + 1,
                                            .recorded_ns = now_ns,
                                            .is_signed = signature != NULL,
                                            .is_linked = true};
    if (signature != NULL) {
        memcpy(attestation.signature, signature, sizeof(attestation.signature));
    }
    if (code == OFT_OK) {
        code = put_linked(engine, &attestation, reterr);
    }
    if (code == OFT_OK) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
        return code;
    }
    return engine_republish(engine, now_ns, reterr);
}

static json_t *attestation_json(const struct store_attestation *item)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    char recorded[OFT_INSTANT_TEXT_BYTES];
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}", "event", item->event, "party", item->party,
                     "at", oft_instant_format(item->at, at), "recorded",
                     oft_instant_format(item->recorded_ns, recorded), "generation",
                     (json_int_t)item->generation, "signed", (int)item->is_signed);
}

enum oft_err engine_attestations_list(struct engine *engine, struct oft_buffer *out,
                                      struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_attestation *items = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code =
        store_attestations(engine->store, INT64_MAX, &arena, &items, &count, reterr);
    json_t *list = json_array();
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (json_array_append_new(list, attestation_json(&items[i])) != 0) {
            code = OFT_ERR_MEMORY;
        }
    }
    json_t *answer = json_pack("{s:o}", "attestations", list);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (code == OFT_OK && text == NULL) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "the attestations could not be written");
    }
    if (code == OFT_OK) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    oft_arena_release(&arena);
    return code;
}
