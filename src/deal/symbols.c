/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What names mean: one hash table over (kind, name). An unknown name is told with the nearest known
 * one; a taken name with the place of the first. Also guards the stable 64-bit ids, which must not
 * collide within a deal.
 */
#include "base/hash.h"
#include "base/limits.h"
#include "deal/build.h"

static const char *const kind_words[SYMBOL_KIND_COUNT] = {
    "party",  "provider",  "product", "model",   "account", "event",     "pool",  "agreement",
    "clause", "programme", "group",   "surface", "field",   "deduction", "person"};

static size_t slot_of(const struct deal_symbols *symbols, uint32_t kind, struct oft_str name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ kind;
    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(0x100000001b3);
    }
    size_t slot = (size_t)(hash ^ (hash >> 29)) & (symbols->capacity - 1);
    while (symbols->slots[slot].name.data != NULL &&
           (symbols->slots[slot].kind != kind || !oft_str_equal(symbols->slots[slot].name, name))) {
        slot = (slot + 1) & (symbols->capacity - 1);
    }
    return slot;
}

bool deal_symbols_init(struct deal_build *build, size_t names)
{
    size_t capacity = 64;
    while (capacity < names * 2 + 16) {
        capacity *= 2;
    }
    build->symbols.capacity = capacity;
    build->symbols.slots = deal_build_array(build, capacity, sizeof(*build->symbols.slots));
    return build->symbols.slots != NULL;
}

bool deal_symbols_add(struct deal_build *build, enum deal_symbol_kind kind, struct oft_str name,
                      struct deal_position position, uint32_t index)
{
    size_t bytes_max = kind == SYMBOL_CLAUSE ? OFT_CLAUSE_ID_BYTES_MAX : OFT_NAME_BYTES_MAX;
    if (name.length == 0 || name.length > bytes_max) {
        deal_report(build->diagnostics, DEAL_ERROR, 4, position, "", "choose a shorter one",
                    "this name of a %s has %zu bytes; it may have 1 to %zu", kind_words[kind],
                    name.length, bytes_max);
        return false;
    }
    if (oft_str_is(name, "all") && kind != SYMBOL_CLAUSE) {
        deal_report(build->diagnostics, DEAL_ERROR, 13, position, "", "choose another name",
                    "\"all\" means every one of them and cannot name a %s", kind_words[kind]);
        return false;
    }
    struct deal_symbol *slot = &build->symbols.slots[slot_of(&build->symbols, kind, name)];
    if (slot->name.data != NULL) {
        const char *path = build->deal->files[slot->position.file].path;
        deal_report(build->diagnostics, DEAL_ERROR, 13, position, "",
                    "rename one of them, or take one out",
                    "%s \"%.*s\" is already declared at %s:%u", kind_words[kind], (int)name.length,
                    name.data, path, slot->position.line);
        return false;
    }
    *slot = (struct deal_symbol){name, kind, index, position};
    return true;
}

uint32_t deal_symbols_find(const struct deal_build *build, enum deal_symbol_kind kind,
                           struct oft_str name)
{
    const struct deal_symbol *slot = &build->symbols.slots[slot_of(&build->symbols, kind, name)];
    return slot->name.data == NULL ? DEAL_NONE : slot->index;
}

static const struct deal_symbol *nearest(const struct deal_build *build, uint32_t kind,
                                         struct oft_str name)
{
    const struct deal_symbol *best = NULL;
    size_t best_distance = name.length / 3 + 2;
    for (size_t i = 0; i < build->symbols.capacity; i++) {
        const struct deal_symbol *symbol = &build->symbols.slots[i];
        if (symbol->name.data == NULL || symbol->kind != kind) {
            continue;
        }
        size_t distance = deal_edit_distance(symbol->name, name);
        /* Ties go to the earlier declaration, so that the message does not depend on the table. */
        if (distance < best_distance ||
            (best != NULL && distance == best_distance && symbol->index < best->index)) {
            best = symbol;
            best_distance = distance;
        }
    }
    return best;
}

uint32_t deal_symbols_need(struct deal_build *build, enum deal_symbol_kind kind,
                           const struct deal_node *node, const char *clause)
{
    uint32_t index = deal_symbols_find(build, kind, node->text);
    if (index != DEAL_NONE) {
        return index;
    }
    char hint[320] = "";
    struct oft_str shown = node->text;
    shown.length = shown.length > 100 ? 100 : shown.length;
    struct oft_buffer buffer;
    oft_buffer_init(&buffer, sizeof(hint));
    const struct deal_symbol *near =
        deal_diagnostics_full(build->diagnostics) ? NULL : nearest(build, kind, node->text);
    if (near != NULL) {
        oft_buffer_printf(&buffer, "did you mean \"%.*s\"?", (int)near->name.length,
                          near->name.data);
    } else if (kind == SYMBOL_CLAUSE) {
        oft_buffer_append_text(&buffer, "a clause is named AGREEMENT.LABEL");
    } else {
        oft_buffer_printf(&buffer, "declare it: %s %.*s ...", kind_words[kind], (int)shown.length,
                          shown.data);
    }
    BUILD_ERROR(build, 12, node, clause, oft_buffer_text(&buffer), "there is no %s \"%.*s\"",
                kind_words[kind], (int)shown.length, shown.data);
    oft_buffer_release(&buffer);
    return DEAL_NONE;
}

bool deal_symbols_list(struct deal_build *build, enum deal_symbol_kind kind,
                       const struct deal_node *node, const char *clause, struct deal_list *ret)
{
    uint32_t count = 0;
    uint32_t *items =
        deal_build_array(build, deal_node_count(node, NODE_TOKEN) + 1, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    bool good = true;
    for (const struct deal_node *item = node->first; item != NULL; item = item->next) {
        bool all = oft_str_is(item->text, "*") || (!item->quoted && oft_str_is(item->text, "all"));
        uint32_t index = all ? DEAL_ALL : deal_symbols_need(build, kind, item, clause);
        if (index == DEAL_NONE) {
            good = false;
            continue;
        }
        if (all && node->first->next != NULL) {
            BUILD_ERROR(build, 11, item, clause, "leave the other names out",
                        "\"all\" already holds every %s", kind_words[kind]);
            good = false;
            continue;
        }
        items[count++] = index;
    }
    *ret = (struct deal_list){items, count};
    return good;
}
