/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits and budgets, as accounts, products and pools have them.
 */
#include "deal/build.h"

static void resolve_concurrent(struct deal_build *build, const struct deal_node *node,
                               const char *name, uint64_t *ret)
{
    const struct deal_node *word = node->first;
    if (!oft_str_is(word->text, "concurrent")) {
        BUILD_ERROR(build, 27, word, name, "write: limit 200 concurrent requests",
                    "\"%.*s\" is no kind of requests", (int)word->text.length, word->text.data);
        return;
    }
    (void)deal_value_count(build, node, DEAL_LIMIT_REQUESTS_MAX, ret);
}

static void resolve_budget(struct deal_build *build, const struct deal_node *node, const char *name,
                           struct deal_limits *limits)
{
    const struct deal_node *amount = deal_node_child(node, NODE_AMOUNT);
    const struct deal_node *per = deal_node_child(node, NODE_PER);
    bool day = oft_str_is(per->text, "day");
    if (!day && !oft_str_is(per->text, "month")) {
        BUILD_ERROR(build, 27, per, name, "write: per day, or: per month",
                    "there is no budget per \"%.*s\"", (int)per->text.length, per->text.data);
        return;
    }
    oft_nanos *place = &limits->budget_nanos[day ? DEAL_BUDGET_DAY : DEAL_BUDGET_MONTH];
    oft_nanos nanos = 0;
    if (*place != 0) {
        BUILD_ERROR(build, 11, node, name, "keep one of them", "the budget per %s is said twice",
                    day ? "day" : "month");
    } else if (deal_value_amount(build, amount, name, &nanos) &&
               deal_value_budget(build, amount, nanos, name)) {
        *place = nanos;
    }
}

void deal_resolve_limits(struct deal_build *build, const struct deal_node *node, const char *name,
                         struct deal_limits *ret)
{
    *ret = (struct deal_limits){0};
    deal_build_once(build, node, NODE_LIMIT, "the limit");
    deal_build_once(build, node, NODE_TOKENS_LIMIT, "the limit");
    deal_build_once(build, node, NODE_RUNNING_LIMIT, "the limit");
    for (const struct deal_node *n = node->first; n != NULL; n = n->next) {
        if (n->kind == NODE_LIMIT) {
            (void)deal_value_count(build, n, DEAL_LIMIT_REQUESTS_MAX, &ret->requests_per_minute);
        } else if (n->kind == NODE_TOKENS_LIMIT) {
            (void)deal_value_count(build, n, DEAL_LIMIT_TOKENS_MAX, &ret->tokens_per_minute);
        } else if (n->kind == NODE_RUNNING_LIMIT) {
            resolve_concurrent(build, n, name, &ret->concurrent);
        } else if (n->kind == NODE_BUDGET) {
            resolve_budget(build, n, name, ret);
        }
    }
}
