/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: policy_open on any bytes, then every look-up on what opened. The frame (magic,
 * version, sizes, checksum) is put right first, so that the fuzzer spends its time behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "policy/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_frame(uint8_t *bytes, size_t size)
{
    const size_t checked_from = offsetof(struct policy_header, crc32c) + sizeof(uint32_t);
    struct policy_header header;

    memcpy(&header, bytes, sizeof(header));
    header.magic = POLICY_MAGIC;
    header.version = POLICY_FORMAT_VERSION;
    header.header_bytes = sizeof(header);
    header.total_bytes = size;
    header.flags = 0;
    memcpy(bytes, &header, sizeof(header));
    header.crc32c = oft_crc32c(0, bytes + checked_from, size - checked_from);
    memcpy(bytes, &header, sizeof(header));
}

static size_t text_length(const struct policy_view *view, struct policy_text text)
{
    return strlen(policy_text(view, text).data);
}

/* Reads all that a decision leads to, so that a sanitizer sees each access. */
static size_t follow(const struct policy_view *view, const struct policy_choice *choice)
{
    const struct policy_candidate *candidate = choice->candidate;
    const struct policy_endpoint *endpoint = &view->endpoints[candidate->endpoint];
    size_t seen = 0;
    uint32_t i;

    for (i = 0; i < endpoint->address_count; i++) {
        seen += endpoint->addresses[i].port;
    }
    return seen + text_length(view, view->pools[candidate->pool].name) +
           text_length(view, view->clauses[candidate->clause].name) +
           text_length(view, view->clauses[candidate->clause].source) +
           text_length(view, endpoint->host) + text_length(view, endpoint->upstream_model) +
           strlen(policy_reason_text(choice->reason));
}

static size_t decide_everything(const struct policy_view *view)
{
    static const char *const regions[] = {NULL, "us-east"};
    static struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    struct policy_answer answer;
    struct policy_query query = {0};
    size_t seen = 0;
    uint32_t regime, region, i;

    for (regime = 0; regime < view->regime_count; regime++) {
        query.instant_ns = view->regimes[regime].from_ns;
        for (query.product = 0; query.product < view->product_count; query.product++) {
            for (query.model = 0; query.model < view->model_count; query.model++) {
                for (region = 0; region < 2; region++) {
                    query.region = regions[region];
                    policy_decide(view, &query, choices, OFT_POOLS_PER_DECISION_MAX, &answer);
                    for (i = 0; i < answer.eligible_count + answer.barred_count; i++) {
                        seen += follow(view, &answer.choices[i]);
                    }
                    if (answer.refusal_clause != POLICY_NONE) {
                        seen += text_length(view, view->clauses[answer.refusal_clause].summary);
                    }
                }
            }
        }
    }
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_view view;
    uint8_t *bytes;
    uint64_t slot;
    uint32_t i;
    size_t seen = 0;

    if (size < sizeof(struct policy_header) || size > (1u << 20)) {
        return 0;
    }
    bytes = aligned_alloc(16, (size + 15) & ~(size_t)15);
    if (bytes == NULL) {
        return 0;
    }
    memcpy(bytes, data, size);
    mend_frame(bytes, size);
    if (policy_open(&view, bytes, size, NULL) == OFT_OK) {
        seen = decide_everything(&view);
        for (slot = 0; slot < view.key_slot_count; slot++) {
            seen += policy_find_key(&view, view.key_slots[slot].sha256) != NULL;
        }
        for (i = 0; i < view.model_count; i++) {
            if (policy_find_model(&view, policy_text(&view, view.models[i].name)) != i) {
                abort();
            }
        }
    }
    free(bytes);
    return seen == SIZE_MAX ? 1 : 0;
}
