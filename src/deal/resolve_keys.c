/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of endpoints, and the paths that a product lets pass. A key is named, never written: a
 * literal one is an error, and its text is not repeated. An endpoint without keys of its own has its
 * pool's.
 */
#include "base/limits.h"
#include "deal/build.h"

#include <string.h>

/* ---- keys ------------------------------------------------------------------------------------ */

static bool variable_good(struct oft_str name)
{
    bool good = name.data[0] < '0' || name.data[0] > '9';
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        good = good && ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '_');
    }
    return good;
}

/* The secret's index among those of the deal, each once; DEAL_NONE after a diagnostic. */
static uint32_t secret_of(struct deal_build *build, const struct deal_node *node, const char *pool)
{
    struct deal *deal = build->deal;
    struct deal_secret secret = {.source = node->kind == NODE_KEY_FILE ? DEAL_SECRET_FILE
                                                                       : DEAL_SECRET_ENVIRONMENT};
    if (secret.source == DEAL_SECRET_FILE && node->text.length == 0) {
        BUILD_ERROR(build, 35, node, "", "name the file", "the key's file has no name");
        return DEAL_NONE;
    }
    if (secret.source == DEAL_SECRET_ENVIRONMENT && !variable_good(node->text)) {
        BUILD_ERROR(build, 35, node, "", "use letters, digits and _",
                    "this is no name of an environment variable");
        return DEAL_NONE;
    }
    for (uint32_t i = 0; i < deal->secret_count; i++) {
        if (build->secrets[i].source == secret.source &&
            oft_str_is(node->text, build->secrets[i].name)) {
            return i;
        }
    }
    if (deal->secret_count == OFT_DEAL_ITEMS_MAX) {
        BUILD_ERROR(build, 8, node, pool, "use a key for several pools",
                    "the deal has more than %u keys", OFT_DEAL_ITEMS_MAX);
        return DEAL_NONE;
    }
    secret.name = deal_build_copy(build, node->text);
    build->secrets[deal->secret_count] = secret;
    return deal->secret_count++;
}

static bool is_key(const struct deal_node *node)
{
    return node->kind == NODE_KEY_ENV || node->kind == NODE_KEY_FILE;
}

/* NODE's keys, in their order. */
static struct deal_list keys_below(struct deal_build *build, const struct deal_node *node,
                                   const char *pool)
{
    uint32_t *items = deal_build_array(build, OFT_KEYS_PER_ENDPOINT_MAX, sizeof(*items));
    struct deal_list list = {items, 0};
    for (const struct deal_node *child = node->first; child != NULL && items != NULL;
         child = child->next) {
        if (!is_key(child)) {
            continue;
        }
        uint32_t secret = secret_of(build, child, pool);
        for (uint32_t i = 0; secret != DEAL_NONE && i < list.count; i++) {
            if (items[i] == secret) {
                BUILD_ERROR(build, 11, child, pool, "leave one of them out",
                            "the key is said twice");
                secret = DEAL_NONE;
            }
        }
        if (secret != DEAL_NONE && list.count == OFT_KEYS_PER_ENDPOINT_MAX) {
            BUILD_ERROR(build, 8, child, pool, "make it two pools",
                        "an endpoint has at most %u keys", OFT_KEYS_PER_ENDPOINT_MAX);
            return list;
        }
        if (secret != DEAL_NONE) {
            items[list.count++] = secret;
        }
    }
    return list;
}

void deal_resolve_keys(struct deal_build *build, const struct deal_node *node,
                       const struct deal_node *pool_node, const char *pool, struct deal_list *ret)
{
    const struct deal_node *literal = deal_node_child(node, NODE_KEY_LITERAL);
    const struct deal_node *shared = deal_node_child(pool_node, NODE_KEYS);
    *ret = (struct deal_list){NULL, 0};
    if (literal != NULL) {
        BUILD_ERROR(build, 34, literal, "",
                    "write: key env NAME, or: key file \"path\"; and change the key, for it has "
                    "been written down",
                    "a key may not stand in a deal");
        return;
    }
    *ret = keys_below(build, node, pool);
    if (ret->count == 0 && shared != NULL) {
        *ret = keys_below(build, shared, pool);
    }
}

/* ---- paths that pass -------------------------------------------------------------------------- */

/* "/v1/rerank", "/v1/rerank/" and a star: what a request line may hold, and nothing that a server
 * would read in another way. */
static bool pattern_good(struct oft_str text)
{
    bool good = text.length > 1 && text.length <= 256 && text.data[0] == '/';
    for (size_t i = 0; good && i < text.length; i++) {
        char c = text.data[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     strchr("-._~/:@+=", c) != NULL;
        good = c != '\0' && (plain || (c == '*' && i + 1 == text.length));
        good = good && !(i > 0 && text.data[i - 1] == '/' && (c == '/' || c == '.'));
    }
    return good;
}

static const struct deal_node *word_among(const struct deal_node *node)
{
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (!child->quoted && (oft_str_is(child->text, "all") || oft_str_is(child->text, "none"))) {
            return child;
        }
    }
    return NULL;
}

void deal_resolve_passes(struct deal_build *build, const struct deal_node *product,
                         struct deal_names *ret)
{
    *ret = (struct deal_names){NULL, 0};
    deal_build_once(build, product, NODE_PASSTHROUGH, "what passes");
    const struct deal_node *node = deal_node_child(product, NODE_PASSTHROUGH);
    const char **items =
        node == NULL ? NULL : deal_build_array(build, OFT_PASS_PATTERNS_MAX, sizeof(*items));
    if (items == NULL) {
        return;
    }
    const struct deal_node *word = word_among(node);
    if (word != NULL && node->first->next != NULL) {
        BUILD_ERROR(build, 82, word, "", "leave the others out, or this word",
                    "\"%.*s\" stands alone", (int)word->text.length, word->text.data);
        return;
    }
    uint32_t count = 0;
    for (const struct deal_node *child = node->first; child != NULL && word == NULL;
         child = child->next) {
        if (!child->quoted || !pattern_good(child->text)) {
            BUILD_ERROR(build, 82, child, "",
                        "write: passthrough all, none, \"/v1/rerank\" or \"/v1/rerank/*\"",
                        "this is no path that could pass");
        } else if (count == OFT_PASS_PATTERNS_MAX) {
            BUILD_ERROR(build, 8, child, "", "use a star", "a product lets at most %u paths pass",
                        OFT_PASS_PATTERNS_MAX);
            return;
        } else {
            items[count++] = deal_build_copy(build, child->text);
        }
    }
    if (word != NULL && oft_str_is(word->text, "all")) {
        items[count++] = "*";
    }
    *ret = (struct deal_names){items, count};
}
