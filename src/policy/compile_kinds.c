/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_kinds -- which accounts the contract cannot tell apart.
 *
 * Two accounts are of one kind when every clause that looks at accounts covers both or neither, for
 * whatever product. A deal with a million accounts has a handful of kinds, and decisions are kept by
 * kind. Kind 0 is that of the request without an account.
 */
#include "policy/compile_internal.h"

#include <string.h>

/* Does the clause's account part hold for ACCOUNT? Whatever the products. */
static bool touches(const struct deal *deal, const struct deal_clause *clause, uint32_t account)
{
    uint32_t product;

    if (clause->kind == DEAL_CLAUSE_EXCLUSIVE) {
        for (product = 0; product < deal->product_count; product++) {
            if (deal_exclusive_covers(deal, &clause->as.exclusive, product, account)) {
                return true;
            }
        }
        return false;
    }
    return deal_residency_covers(deal, &clause->as.residency, DEAL_NONE, account);
}

static bool looks_at_accounts(const struct deal_clause *clause)
{
    if (clause->kind == DEAL_CLAUSE_EXCLUSIVE) {
        return clause->as.exclusive.surfaces.count > 0 ||
               clause->as.exclusive.except_groups.count > 0;
    }
    return clause->kind == DEAL_CLAUSE_RESIDENCY && clause->as.residency.subject != SYMBOL_PRODUCT;
}

/* The clauses that look at accounts. */
static uint32_t list_clauses(const struct deal *deal, uint32_t *list)
{
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < deal->clause_count; i++) {
        if (looks_at_accounts(&deal->clauses[i])) {
            list[count++] = i;
        }
    }
    return count;
}

/* A bit per listed clause. */
static void sign(const struct deal *deal, const uint32_t *list, uint32_t count, uint32_t account,
                 uint8_t *signature)
{
    uint32_t i;

    memset(signature, 0, (count + 7) / 8);
    for (i = 0; i < count; i++) {
        if (touches(deal, &deal->clauses[list[i]], account)) {
            signature[i / 8] |= (uint8_t)(1u << (i % 8));
        }
    }
}

enum oft_err policy_kinds_find(const struct deal *deal, struct oft_arena *arena,
                               struct policy_kinds *ret_kinds, struct oft_error *reterr)
{
    size_t most = (size_t)deal->account_count + 1;
    uint32_t *list = oft_arena_alloc_array(arena, (size_t)deal->clause_count + 1, sizeof(*list));
    uint32_t clause_count = list == NULL ? 0 : list_clauses(deal, list);
    size_t bytes = ((size_t)clause_count + 7) / 8 + 1;
    uint8_t *signatures = oft_arena_alloc_array(arena, most, bytes);
    struct policy_kinds kinds = {.of_account = oft_arena_alloc_array(arena, most, sizeof(uint32_t)),
                                 .representative =
                                     oft_arena_alloc_array(arena, most, sizeof(uint32_t))};
    uint32_t account, kind;

    if (list == NULL || signatures == NULL || kinds.of_account == NULL ||
        kinds.representative == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
    }
    sign(deal, list, clause_count, DEAL_NONE, signatures);
    kinds.representative[0] = DEAL_NONE;
    kinds.count = 1;
    for (account = 0; account < deal->account_count; account++) {
        uint8_t *own = signatures + kinds.count * bytes;

        sign(deal, list, clause_count, account, own);
        for (kind = 0; kind < kinds.count; kind++) {
            if (memcmp(signatures + kind * bytes, own, bytes) == 0) {
                break;
            }
        }
        if (kind == kinds.count) {
            kinds.representative[kinds.count++] = account;
        }
        kinds.of_account[account] = kind;
    }
    *ret_kinds = kinds;
    return OFT_OK;
}
