/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_layout -- fills the sections of a snapshot, each in the order of the deal (models: of
 * their names).
 *
 * Every item starts from zeroes and every order is given by the input, so that the same input makes
 * the same bytes.
 */
#include "policy/compile_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* ---- names ------------------------------------------------------------------------------------ */

/* A name and its index in the deal, to be sorted and searched. */
struct ranked_name {
    const char *name;
    uint32_t index;
};

static int compare_names(const void *a, const void *b)
{
    const struct ranked_name *left = a;
    const struct ranked_name *right = b;

    return strcmp(left->name, right->name);
}

static uint32_t find_ranked(const struct ranked_name *names, uint32_t count, const char *name)
{
    struct ranked_name wanted = {.name = name};
    const struct ranked_name *found = bsearch(&wanted, names, count, sizeof(*names), compare_names);

    return found == NULL ? POLICY_NONE : found->index;
}

static void put_name(struct policy_build *build, enum policy_section section, enum oft_id_kind kind,
                     const char *text)
{
    struct policy_name name = {0};

    name.id = oft_id_of(kind, oft_str_from(text));
    name.name = policy_build_text(build, oft_str_from(text), "a name");
    oft_buffer_append(&build->sections[section], &name, sizeof(name));
}

static void put_account(struct policy_build *build, uint32_t index)
{
    struct oft_str name = oft_str_from(build->deal->accounts[index].name);
    struct policy_account account = {.kind = build->kinds.of_account[index]};

    account.id = oft_id_of(OFT_ID_ACCOUNT, name);
    account.name = policy_build_text(build, name, "a name");
    oft_buffer_append(&build->sections[POLICY_ACCOUNTS], &account, sizeof(account));
}

void policy_build_names(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    struct ranked_name *models =
        policy_build_alloc(build, deal->model_count, sizeof(struct ranked_name));
    uint32_t i;

    if (models == NULL) {
        return;
    }
    for (i = 0; i < deal->model_count; i++) {
        models[i] = (struct ranked_name){.name = deal->models[i].name, .index = i};
    }
    qsort(models, deal->model_count, sizeof(*models), compare_names);
    for (i = 0; i < deal->model_count; i++) {
        build->model_at[i] = models[i].index;
        build->model_rank[models[i].index] = i;
        put_name(build, POLICY_MODELS, OFT_ID_MODEL, models[i].name);
    }
    for (i = 0; i < deal->product_count; i++) {
        put_name(build, POLICY_PRODUCTS, OFT_ID_PRODUCT, deal->products[i].name);
    }
    for (i = 0; i < deal->account_count; i++) {
        put_account(build, i);
    }
}

/* ---- pools ------------------------------------------------------------------------------------ */

void policy_build_pools(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    uint32_t i;

    for (i = 0; i < deal->pool_count; i++) {
        const struct deal_pool *pool = &deal->pools[i];
        struct policy_pool item = {0};

        item.id = oft_id_of(OFT_ID_POOL, oft_str_from(pool->name));
        item.name = policy_build_text(build, oft_str_from(pool->name), "a pool's name");
        item.provider = policy_build_text(build, oft_str_from(deal->providers[pool->provider].name),
                                          "a provider's name");
        item.region = policy_build_text(build, oft_str_from(pool->region), "a pool's region");
        item.flags = pool->reserved ? 1 : 0;
        item.connect_timeout_ms = pool->connect_timeout_ms;
        item.first_byte_timeout_ms = pool->first_byte_timeout_ms;
        item.read_timeout_ms = pool->read_timeout_ms;
        item.requests_per_minute = pool->limits.requests_per_minute;
        oft_buffer_append(&build->sections[POLICY_POOLS], &item, sizeof(item));
    }
}

/* ---- keys ------------------------------------------------------------------------------------- */

static struct ranked_name *rank_accounts(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    struct ranked_name *names =
        policy_build_alloc(build, deal->account_count, sizeof(struct ranked_name));
    uint32_t i;

    for (i = 0; names != NULL && i < deal->account_count; i++) {
        names[i] = (struct ranked_name){.name = deal->accounts[i].name, .index = i};
    }
    if (names != NULL) {
        qsort(names, deal->account_count, sizeof(*names), compare_names);
    }
    return names;
}

static struct ranked_name *rank_products(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    struct ranked_name *names =
        policy_build_alloc(build, deal->product_count, sizeof(struct ranked_name));
    uint32_t i;

    for (i = 0; names != NULL && i < deal->product_count; i++) {
        names[i] = (struct ranked_name){.name = deal->products[i].name, .index = i};
    }
    if (names != NULL) {
        qsort(names, deal->product_count, sizeof(*names), compare_names);
    }
    return names;
}

/* False when the key is there already or could be taken for an empty slot. */
static bool place_key(struct policy_key *slots, size_t slot_count, const struct policy_key *key)
{
    static const uint8_t empty[32];
    uint64_t hash = 0;
    size_t probe;
    unsigned i;

    if (memcmp(key->sha256, empty, sizeof(empty)) == 0) {
        return false;
    }
    for (i = 0; i < 8; i++) {
        hash |= (uint64_t)key->sha256[i] << (8 * i);
    }
    for (probe = 0; probe < slot_count; probe++) {
        struct policy_key *slot = &slots[(hash + probe) & (slot_count - 1)];

        if (memcmp(slot->sha256, key->sha256, sizeof(empty)) == 0) {
            return false;
        }
        if (memcmp(slot->sha256, empty, sizeof(empty)) == 0) {
            *slot = *key;
            return true;
        }
    }
    return false;
}

static bool put_key(struct policy_build *build, struct policy_key *slots, size_t slot_count,
                    const struct policy_key_input *from, struct policy_key *key)
{
    char name[24];

    (void)snprintf(name, sizeof(name), "%016llx", (unsigned long long)from->key_id);
    if (from == build->input->keys || from[-1].key_id != from->key_id) {
        build->limit_of_last_key = policy_build_limit(build, "key", name, &from->limits);
    }
    key->limit = build->limit_of_last_key;
    return place_key(slots, slot_count, key);
}

void policy_build_keys(struct policy_build *build, size_t *ret_keys_left_out)
{
    const struct policy_compile_input *input = build->input;
    struct ranked_name *accounts = rank_accounts(build);
    struct ranked_name *products = rank_products(build);
    struct policy_key *slots;
    size_t slot_count = 2;
    size_t i;

    if (input->key_count > OFT_KEYS_MAX && build->err == OFT_OK) {
        build->err =
            oft_fail(build->reterr, OFT_ERR_LIMIT, "%llu keys are more than %u; revoke some",
                     (unsigned long long)input->key_count, OFT_KEYS_MAX);
    }
    if (build->err != OFT_OK) {
        return;
    }
    while (slot_count < input->key_count * 2) {
        slot_count *= 2;
    }
    slots = policy_build_alloc(build, slot_count, sizeof(struct policy_key));
    if (slots == NULL) {
        return;
    }
    for (i = 0; i < input->key_count; i++) {
        const struct policy_key_input *from = &input->keys[i];
        struct policy_key key = {.key_id = from->key_id};

        memcpy(key.sha256, from->sha256, sizeof(key.sha256));
        key.account = find_ranked(accounts, build->deal->account_count, from->account);
        key.product = find_ranked(products, build->deal->product_count, from->product);
        if (key.account == POLICY_NONE || key.product == POLICY_NONE ||
            !put_key(build, slots, slot_count, from, &key)) {
            (*ret_keys_left_out)++;
        }
    }
    oft_buffer_append(&build->sections[POLICY_KEY_SLOTS], slots, slot_count * sizeof(*slots));
}
