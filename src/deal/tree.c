/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes of the syntax tree, all in the deal's arena. When the arena is full a spare node is handed
 * out and a flag set, so that the grammar's actions need no test each; the spare is never linked
 * into the tree, and the driver gives up once the parse returns.
 */
#include "deal/tree.h"

static struct deal_node *node_alloc(struct deal_parser *parser)
{
    struct deal_node *node = oft_arena_alloc(parser->arena, sizeof(*node));
    if (node == NULL) {
        parser->memory_failed = true;
        parser->spare = (struct deal_node){.text = {.data = "", .length = 0}};
        return &parser->spare;
    }
    node->text.data = "";
    return node;
}

struct deal_node *deal_node_new(struct deal_parser *parser, enum deal_node_kind kind,
                                const struct deal_node *token)
{
    struct deal_node *node = node_alloc(parser);
    node->kind = kind;
    node->text = token->text;
    node->position = token->position;
    node->quoted = token->quoted;
    return node;
}

struct deal_node *deal_node_at(struct deal_parser *parser, enum deal_node_kind kind,
                               struct deal_position position)
{
    struct deal_node *node = node_alloc(parser);
    node->kind = kind;
    node->position = position;
    return node;
}

struct deal_node *deal_node_add(struct deal_parser *parser, struct deal_node *node,
                                struct deal_node *child)
{
    if (child == NULL || child == &parser->spare || node == &parser->spare) {
        return node;
    }
    if (node->last == NULL) {
        node->first = child;
    } else {
        node->last->next = child;
    }
    node->last = child;
    return node;
}

struct deal_node *deal_node_adopt(struct deal_parser *parser, struct deal_node *node,
                                  struct deal_node *list)
{
    if (list == NULL || list == &parser->spare || node == &parser->spare || list->first == NULL) {
        return node;
    }
    if (node->last == NULL) {
        node->first = list->first;
    } else {
        node->last->next = list->first;
    }
    node->last = list->last;
    list->first = NULL;
    list->last = NULL;
    return node;
}

const struct deal_node *deal_node_child(const struct deal_node *node, enum deal_node_kind kind)
{
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == kind) {
            return child;
        }
    }
    return NULL;
}

uint32_t deal_node_count(const struct deal_node *node, enum deal_node_kind kind)
{
    uint32_t count = 0;
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        count += child->kind == kind ? 1 : 0;
    }
    return count;
}
