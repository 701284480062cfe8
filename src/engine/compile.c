/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a checked deal to the files that workers read: keys from the store, addresses from the
 * resolver, secrets from their sources, commitments from the books. Secrets first, then the snapshot,
 * then the control page says the generation.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/limits.h"

/* Also keeps when the first of the tokens that keys had before is to end. */
static enum oft_err load_keys(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                              struct policy_compile_input *input, struct oft_error *reterr)
{
    struct store_key *rows = NULL;
    size_t count = 0;
    enum oft_err code = store_tokens(engine->store, now_ns, arena, &rows, &count, reterr);
    if (code != OFT_OK) {
        return code;
    }
    struct policy_key_input *keys = oft_arena_alloc_array(arena, count, sizeof(*keys));
    if (keys == NULL) {
        return OFT_ERR_MEMORY;
    }
    engine->former_token_ends_ns = OFT_INSTANT_NEVER;
    for (size_t i = 0; i < count; i++) {
        struct policy_key_input *key = &keys[input->key_count++];
        memcpy(key->sha256, rows[i].sha256, sizeof(key->sha256));
        key->key_id = rows[i].key_id;
        key->account = rows[i].account;
        key->product = rows[i].product;
        key->limits = rows[i].limits;
        if (rows[i].former_until_ns != 0 &&
            rows[i].former_until_ns < engine->former_token_ends_ns) {
            engine->former_token_ends_ns = rows[i].former_until_ns;
        }
    }
    input->keys = keys;
    return OFT_OK;
}

static void take_address(const struct addrinfo *item, uint16_t port,
                         struct policy_resolved *resolved)
{
    struct policy_address *address = &resolved->addresses[resolved->address_count];
    address->port = port;
    if (item->ai_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)item->ai_addr;
        address->family = 4;
        memcpy(address->bytes, &in->sin_addr, 4);
    } else if (item->ai_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)item->ai_addr;
        address->family = 6;
        memcpy(address->bytes, &in6->sin6_addr, 16);
    } else {
        return;
    }
    resolved->address_count++;
}

static void resolve(const struct deal_serve *serve, struct policy_resolved *resolved,
                    struct oft_buffer *report)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    memset(resolved, 0, sizeof(*resolved));
    resolved->host = serve->host;
    resolved->port = serve->port;
    int failure = getaddrinfo(serve->host, NULL, &hints, &found);
    if (failure != 0) {
        oft_buffer_printf(report,
                          "warning: the host %s cannot be resolved (%s); its pools count as "
                          "down until the next reload\n",
                          serve->host, gai_strerror(failure));
        return;
    }
    for (const struct addrinfo *item = found;
         item != NULL && resolved->address_count < OFT_ADDRESSES_PER_ENDPOINT_MAX;
         item = item->ai_next) {
        take_address(item, serve->port, resolved);
    }
    freeaddrinfo(found);
}

static bool already_resolved(const struct policy_compile_input *input,
                             const struct deal_serve *serve)
{
    for (size_t i = 0; i < input->resolved_count; i++) {
        if (input->resolved[i].port == serve->port &&
            strcmp(input->resolved[i].host, serve->host) == 0) {
            return true;
        }
    }
    return false;
}

static enum oft_err resolve_all(const struct deal *deal, struct oft_arena *arena,
                                struct policy_compile_input *input, struct oft_buffer *report)
{
    struct policy_resolved *resolved =
        oft_arena_alloc_array(arena, deal->serve_count, sizeof(*resolved));
    if (resolved == NULL) {
        return OFT_ERR_MEMORY;
    }
    input->resolved = resolved;
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        if (!already_resolved(input, &deal->serves[i])) {
            resolve(&deal->serves[i], &resolved[input->resolved_count], report);
            input->resolved_count++;
        }
    }
    return OFT_OK;
}

enum oft_err engine_values(struct engine *engine, const struct deal *deal,
                           struct deal_attestations attested, oft_instant now_ns,
                           struct oft_arena *arena, int64_t **ret_values, struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_commitment_status *status = NULL;
    size_t count = 0;
    int64_t *values = oft_arena_alloc_array(arena, deal->clause_count + 1, sizeof(*values));
    enum oft_err code = values == NULL ? OFT_ERR_MEMORY
                                       : store_rows(engine->store, LEDGER_COMMITMENT, 0, arena,
                                                    &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_commitments(deal, attested, rows, row_count,
                                  engine_contract_now(engine, now_ns), arena, &status, &count);
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        values[status[i].clause] = status[i].value_ppb;
    }
    *ret_values = values;
    return code;
}

static enum oft_err write_snapshot(struct engine *engine, const struct policy_compile_input *input,
                                   struct oft_buffer *report, struct oft_error *reterr)
{
    struct oft_buffer bytes;
    size_t left_out = 0;
    oft_buffer_init(&bytes, OFT_SNAPSHOT_BYTES_MAX);
    enum oft_err code = policy_compile(input, &bytes, &left_out, reterr);
    char path[METER_PATH_BYTES_MAX];
    if (code == OFT_OK) {
        code = engine_limits_claim(engine, &bytes, input->compiled_ns, reterr);
    }
    if (code == OFT_OK &&
        snprintf(path, sizeof(path), "%s/" POLICY_FILE, engine->run) >= (int)sizeof(path)) {
        code = OFT_ERR_LIMIT;
    }
    if (code == OFT_OK) {
        code = engine_write_file(engine, path, bytes.data, bytes.length, 0640, reterr);
    }
    if (code == OFT_OK && left_out > 0) {
        oft_buffer_printf(report,
                          "warning: %zu keys name an account or product that the deal no longer "
                          "has; they are refused\n",
                          left_out);
    }
    oft_buffer_release(&bytes);
    return code;
}

/* Keeps what the snapshot was compiled with, so that a commitment crossing its line is noticed. */
static void remember_values(struct engine *engine, const struct deal *deal, const int64_t *values)
{
    int64_t *copy = calloc(deal->clause_count + 1, sizeof(*copy));
    if (copy != NULL) {
        memcpy(copy, values, deal->clause_count * sizeof(*copy));
    }
    free(engine->values);
    engine->values = copy;
}

enum oft_err engine_release(struct engine *engine, const struct deal *deal, uint64_t generation,
                            struct deal_attestations attested, oft_instant now_ns,
                            struct oft_buffer *report, struct oft_error *reterr)
{
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    struct policy_compile_input input = {.deal = deal,
                                         .attested = attested,
                                         .generation = generation,
                                         .compiled_ns = now_ns,
                                         .counted_from_ns = engine_contract_now(engine, now_ns)};
    int64_t *values = NULL;
    enum oft_err code = load_keys(engine, now_ns, &arena, &input, reterr);
    if (code == OFT_OK) {
        code = resolve_all(deal, &arena, &input, report);
    }
    if (code == OFT_OK) {
        code = engine_values(engine, deal, attested, now_ns, &arena, &values, reterr);
        input.commitment_value_ppb = values;
    }
    if (code == OFT_OK) {
        code = engine_secrets_write(engine, deal, generation, report, reterr);
    }
    if (code == OFT_OK) {
        code = write_snapshot(engine, &input, report, reterr);
    }
    if (code == OFT_OK) {
        uint64_t previous = atomic_load(&engine->control->generation);
        atomic_store_explicit(&engine->control->generation, generation, memory_order_release);
        remember_values(engine, deal, values);
        engine_secrets_keep(engine, generation, previous);
    }
    oft_arena_release(&arena);
    return code;
}
