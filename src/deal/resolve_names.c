/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters every name that a deal declares, with what it needs of other names at once: a provider its
 * party, a product its owner and class, an event its attester. Parties come first. Bodies of pools,
 * products and agreements are resolved later.
 */
#include "base/hash.h"
#include "base/limits.h"
#include "deal/build.h"

#include <string.h>

static void missing(struct deal_build *build, const char *what, const char *hint)
{
    BUILD_ERROR(build, 10, build->root, "", hint, "the deal does not say %s", what);
}

/* One of the three statements that stand once in a deal. */
static const struct deal_node *sole(struct deal_build *build, enum deal_node_kind kind,
                                    const char *what, const char *hint, bool may_be_missing)
{
    const struct deal_node *node = deal_node_child(build->root, kind);
    deal_build_once(build, build->root, kind, what);
    if (node == NULL && !may_be_missing) {
        missing(build, what, hint);
    }
    return node;
}

static void resolve_heading(struct deal_build *build)
{
    bool partial = build->diagnostics->error_count > 0; /* a syntax error may hide the statement */
    const struct deal_node *title =
        sole(build, NODE_DEAL, "its title", "add a line: deal \"Title\"", partial);
    const struct deal_node *currency =
        sole(build, NODE_CURRENCY, "its currency", "add a line: currency USD", partial);
    build->deal->title = title != NULL ? deal_build_copy(build, title->text) : "";
    build->deal->currency = currency != NULL ? deal_build_copy(build, currency->text) : "";
    bool good = currency == NULL || currency->text.length == 3;
    for (size_t i = 0; good && currency != NULL && i < 3; i++) {
        good = currency->text.data[i] >= 'A' && currency->text.data[i] <= 'Z';
    }
    if (!good) {
        BUILD_ERROR(build, 22, currency, "", "write its three letters: USD, EUR, GBP",
                    "\"%.*s\" is no currency code", (int)currency->text.length,
                    currency->text.data);
    }
}

/* The six bits of a base64 letter; 64 for anything else. */
static unsigned base64_bits(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter == '\0' ? NULL : strchr(letters, letter);
    return at == NULL ? 64 : (unsigned)(at - letters);
}

/* "ed25519:" and 43 letters of base64 with one '=': 32 bytes. */
static bool public_key(struct deal_build *build, const struct deal_node *node, const char *name,
                       uint8_t ret_key[32])
{
    static const char prefix[] = "ed25519:";
    const size_t skip = sizeof(prefix) - 1;
    uint32_t held = 0;
    unsigned bits = 0;
    size_t count = 0;
    bool good = node->text.length == skip + 44 && memcmp(node->text.data, prefix, skip) == 0 &&
                node->text.data[skip + 43] == '=';
    for (size_t i = skip; good && i < skip + 43; i++) {
        unsigned value = base64_bits(node->text.data[i]);
        good = value < 64;
        held = (held << 6) | value;
        bits += 6;
        if (bits >= 8 && count < 32) {
            bits -= 8;
            ret_key[count++] = (uint8_t)(held >> bits);
        }
    }
    if (!good || count != 32) {
        BUILD_ERROR(build, 19, node, name,
                    "`offtake keys party NAME` makes one and prints this line",
                    "this is no Ed25519 key: ed25519: and 44 characters of base64");
        return false;
    }
    return true;
}

static void resolve_parties(struct deal_build *build)
{
    struct deal *deal = build->deal;
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        if (n->kind == NODE_PARTY &&
            deal_symbols_add(build, SYMBOL_PARTY, n->text, n->position, deal->party_count)) {
            struct deal_party *party = &build->parties[deal->party_count++];
            *party = (struct deal_party){.name = deal_build_copy(build, n->text),
                                         .title = deal_build_title(build, n),
                                         .position = n->position};
            const struct deal_node *key = deal_node_child(n, NODE_PARTY_KEY);
            party->has_key = key != NULL && public_key(build, key, party->name, party->key);
        }
    }
    bool partial = build->diagnostics->error_count > 0;
    const struct deal_node *customer =
        sole(build, NODE_CUSTOMER, "whose deal it is", "add a line: customer NAME", partial);
    if (customer == NULL) {
        return;
    }
    deal->customer_party = deal_symbols_find(build, SYMBOL_PARTY, customer->text);
    /* The customer is a party whether or not it is declared as one. */
    if (deal->customer_party == DEAL_NONE &&
        deal_symbols_add(build, SYMBOL_PARTY, customer->text, customer->position,
                         deal->party_count)) {
        const char *name = deal_build_copy(build, customer->text);
        deal->customer_party = deal->party_count;
        build->parties[deal->party_count++] =
            (struct deal_party){.name = name, .title = name, .position = customer->position};
    }
}

static void resolve_provider(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    uint32_t party = deal_symbols_need(build, SYMBOL_PARTY, deal_node_child(n, NODE_OF), "");
    if (deal_symbols_add(build, SYMBOL_PROVIDER, n->text, n->position, deal->provider_count)) {
        build->providers[deal->provider_count++] = (struct deal_provider){
            deal_build_copy(build, n->text), deal_build_title(build, n), party, n->position};
    }
}

static enum deal_product_class class_of(struct deal_build *build, const struct deal_node *product)
{
    deal_build_once(build, product, NODE_CLASS, "the class");
    const struct deal_node *node = deal_node_child(product, NODE_CLASS);
    if (node == NULL) {
        BUILD_ERROR(build, 10, product, "", "add: class inference | training | research",
                    "product \"%.*s\" has no class", (int)product->text.length, product->text.data);
        return DEAL_CLASS_INFERENCE;
    }
    enum deal_product_class product_class = DEAL_CLASS_INFERENCE;
    (void)deal_value_class(build, node, &product_class); /* told; the deal is refused */
    return product_class;
}

static void resolve_product(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    deal_build_once(build, n, NODE_OF, "the owner");
    const struct deal_node *of = deal_node_child(n, NODE_OF);
    uint32_t owner =
        of != NULL ? deal_symbols_need(build, SYMBOL_PARTY, of, "") : deal->customer_party;
    deal_build_once(build, n, NODE_OF_FIELD, "the field");
    const struct deal_node *of_field = deal_node_child(n, NODE_OF_FIELD);
    uint32_t field =
        of_field != NULL ? deal_symbols_need(build, SYMBOL_FIELD, of_field, "") : DEAL_NONE;
    enum deal_product_class product_class = class_of(build, n);
    struct deal_limits limits;
    deal_resolve_limits(build, n, "", &limits);
    struct deal_names passes;
    deal_resolve_passes(build, n, &passes);
    if (deal_symbols_add(build, SYMBOL_PRODUCT, n->text, n->position, deal->product_count)) {
        build->product_nodes[deal->product_count] = n;
        build->products[deal->product_count++] =
            (struct deal_product){.name = deal_build_copy(build, n->text),
                                  .title = deal_build_title(build, n),
                                  .product_class = product_class,
                                  .owner_party = owner,
                                  .field = field,
                                  .limits = limits,
                                  .passes = passes,
                                  .position = n->position};
    }
}

static void resolve_event(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    const struct deal_node *by = deal_node_child(n, NODE_BY);
    uint32_t attester = DEAL_NONE;
    if (by == NULL) {
        BUILD_ERROR(build, 15, n, "", "add: attested by PARTY",
                    "nobody can say that \"%.*s\" has happened", (int)n->text.length, n->text.data);
    } else {
        attester = deal_symbols_need(build, SYMBOL_PARTY, by, "");
    }
    if (deal_symbols_add(build, SYMBOL_EVENT, n->text, n->position, deal->event_count)) {
        build->events[deal->event_count++] = (struct deal_event){
            deal_build_copy(build, n->text), deal_build_title(build, n), attester, n->position};
    }
}

static void resolve_model(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    uint64_t output = 0;
    const struct deal_node *limit = deal_node_child(n, NODE_OUTPUT_LIMIT);
    if (limit != NULL && !oft_str_is(limit->first->text, "output")) {
        BUILD_ERROR(build, 27, limit->first, "", "write: limit 16384 output tokens",
                    "\"%.*s\" is no kind of tokens", (int)limit->first->text.length,
                    limit->first->text.data);
    } else if (limit != NULL) {
        (void)deal_value_count(build, limit, OFT_OUTPUT_TOKENS_MAX, &output);
    }
    if (deal_symbols_add(build, SYMBOL_MODEL, n->text, n->position, deal->model_count)) {
        build->models[deal->model_count++] =
            (struct deal_model){.name = deal_build_copy(build, n->text),
                                .title = deal_build_title(build, n),
                                .output_tokens_max = output,
                                .position = n->position};
    }
}

static void resolve_account(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    struct deal_list groups = {NULL, 0};
    deal_build_once(build, n, NODE_IN, "\"in\"");
    deal_build_once(build, n, NODE_VIA, "\"via\"");
    const struct deal_node *in = deal_node_child(n, NODE_IN);
    const struct deal_node *via = deal_node_child(n, NODE_VIA);
    if (in != NULL && deal_symbols_list(build, SYMBOL_GROUP, in, "", &groups) &&
        groups.items[0] == DEAL_ALL) {
        BUILD_ERROR(build, 13, in->first, "", "name the groups", "an account is not in \"all\"");
    }
    uint32_t surface = via != NULL ? deal_symbols_need(build, SYMBOL_SURFACE, via, "") : DEAL_NONE;
    struct deal_limits limits;
    deal_resolve_limits(build, n, "", &limits);
    if (deal_symbols_add(build, SYMBOL_ACCOUNT, n->text, n->position, deal->account_count)) {
        build->accounts[deal->account_count++] =
            (struct deal_account){.name = deal_build_copy(build, n->text),
                                  .title = deal_build_title(build, n),
                                  .groups = groups,
                                  .surface = surface,
                                  .limits = limits,
                                  .position = n->position};
    }
}

static void resolve_pool_name(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    uint32_t provider = deal_symbols_need(build, SYMBOL_PROVIDER, deal_node_child(n, NODE_ON), "");
    if (deal_symbols_add(build, SYMBOL_POOL, n->text, n->position, deal->pool_count)) {
        build->pool_nodes[deal->pool_count] = n;
        build->pools[deal->pool_count++] =
            (struct deal_pool){.name = deal_build_copy(build, n->text),
                               .title = deal_build_title(build, n),
                               .provider = provider,
                               .position = n->position};
    }
}

static void resolve_agreement_name(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    uint32_t party = deal_symbols_need(build, SYMBOL_PARTY, deal_node_child(n, NODE_WITH), "");
    if (deal_symbols_add(build, SYMBOL_AGREEMENT, n->text, n->position, deal->agreement_count)) {
        build->agreement_nodes[deal->agreement_count] = n;
        build->agreements[deal->agreement_count++] =
            (struct deal_agreement){.name = deal_build_copy(build, n->text),
                                    .title = deal_build_title(build, n),
                                    .party = party,
                                    .position = n->position};
    }
}

/* Groups, surfaces, fields and deductions. */
static void resolve_named(struct deal_build *build, const struct deal_node *n,
                          enum deal_symbol_kind kind, struct deal_named *rows, uint32_t *count)
{
    if (deal_symbols_add(build, kind, n->text, n->position, *count)) {
        rows[(*count)++] = (struct deal_named){deal_build_copy(build, n->text),
                                               deal_build_title(build, n), n->position};
    }
}

static void resolve_person(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    if (deal_symbols_add(build, SYMBOL_PERSON, n->text, n->position, deal->person_count)) {
        struct deal_person *person = &build->persons[deal->person_count++];
        *person = (struct deal_person){.name = deal_build_copy(build, n->text),
                                       .title = deal_build_title(build, n),
                                       .position = n->position};
        (void)public_key(build, deal_node_child(n, NODE_PARTY_KEY), person->name, person->key);
    }
}

/* What has no references of its own, and is referred to by statements above it. */
static void resolve_plain(struct deal_build *build, const struct deal_node *n)
{
    struct deal *deal = build->deal;
    switch (n->kind) {
    case NODE_PERSON:
        resolve_person(build, n);
        break;
    case NODE_GROUP:
        resolve_named(build, n, SYMBOL_GROUP, build->groups, &deal->group_count);
        break;
    case NODE_SURFACE:
        resolve_named(build, n, SYMBOL_SURFACE, build->surfaces, &deal->surface_count);
        break;
    case NODE_FIELD:
        resolve_named(build, n, SYMBOL_FIELD, build->fields, &deal->field_count);
        break;
    case NODE_DEDUCTION:
        resolve_named(build, n, SYMBOL_DEDUCTION, build->deductions, &deal->deduction_count);
        break;
    default:
        break;
    }
}

static void resolve_one(struct deal_build *build, const struct deal_node *n)
{
    switch (n->kind) {
    case NODE_PROVIDER:
        resolve_provider(build, n);
        break;
    case NODE_PRODUCT:
        resolve_product(build, n);
        break;
    case NODE_MODEL:
        resolve_model(build, n);
        break;
    case NODE_ACCOUNT:
        resolve_account(build, n);
        break;
    case NODE_EVENT:
        resolve_event(build, n);
        break;
    case NODE_AGREEMENT:
        resolve_agreement_name(build, n);
        break;
    default:
        break;
    }
}

void deal_resolve_names(struct deal_build *build)
{
    bool partial = build->diagnostics->error_count > 0;
    resolve_heading(build);
    resolve_parties(build);
    if (partial) {
        return; /* names are missing: to call the others unknown would be noise */
    }
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        resolve_plain(build, n);
    }
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        resolve_one(build, n);
    }
    /* Providers may be declared below their pools. */
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        if (n->kind == NODE_POOL) {
            resolve_pool_name(build, n);
        }
    }
}
