/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futures -- a deal under one set of events: which events are open, and the compiled decisions.
 */
#include <string.h>

#include "policy/futures_internal.h"

static bool is_attested(struct deal_attestations attested, uint32_t event)
{
    size_t i;

    for (i = 0; i < attested.count; i++) {
        if (attested.items[i].event == event) {
            return true;
        }
    }
    return false;
}

static void mark_end(const struct deal_end *end, bool *marked)
{
    uint32_t i;

    if (end->kind == DEAL_END_EVENT) {
        marked[end->event] = true;
    }
    for (i = 0; end->kind == DEAL_END_EARLIEST && i < end->part_count; i++) {
        mark_end(&end->parts[i], marked);
    }
}

static void mark_condition(const struct deal_condition *condition, bool *marked)
{
    uint32_t i;

    if (condition->kind == DEAL_CONDITION_EVENT) {
        marked[condition->event] = true;
    }
    for (i = 0; i < condition->part_count; i++) {
        mark_condition(&condition->parts[i], marked);
    }
}

static void mark_all(const struct deal *deal, bool *marked)
{
    uint32_t i;

    for (i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];

        mark_end(&clause->until, marked);
        if (clause->kind == DEAL_CLAUSE_PRIMARY && clause->as.primary.has_unless) {
            mark_condition(&clause->as.primary.unless, marked);
        }
    }
    for (i = 0; i < deal->price_count; i++) {
        mark_end(&deal->prices[i].until, marked);
    }
    for (i = 0; i < deal->pool_count; i++) {
        mark_end(&deal->pools[i].until, marked);
    }
}

enum oft_err policy_open_events(const struct deal *deal, struct deal_attestations attested,
                                struct policy_open_events *ret_events, struct oft_error *reterr)
{
    bool marked[OFT_DEAL_ITEMS_MAX + 1] = {false};
    uint32_t i;

    ret_events->count = 0;
    mark_all(deal, marked);
    for (i = 0; i < deal->event_count; i++) {
        if (!marked[i] || is_attested(attested, i)) {
            continue;
        }
        if (ret_events->count == FUTURES_EVENTS_MAX) {
            return oft_fail(reterr, OFT_ERR_LIMIT,
                            "more than %d events are open, too many to look at every set of "
                            "them; suppose some by --attest EVENT=INSTANT",
                            FUTURES_EVENTS_MAX);
        }
        ret_events->items[ret_events->count++] = i;
    }
    return OFT_OK;
}

enum oft_err policy_future_make(struct policy_future *future, const struct deal *deal,
                                struct deal_attestations attested, const uint32_t *happened,
                                uint32_t happened_count, struct oft_error *reterr)
{
    struct policy_compile_input input = {.deal = deal, .generation = 1};
    struct deal_attestation *all;
    enum oft_err err = OFT_OK;
    uint32_t i;

    *future = (struct policy_future){.deal = deal};
    oft_arena_init(&future->arena, (size_t)OFT_SNAPSHOT_BYTES_MAX);
    oft_buffer_init(&future->bytes, OFT_SNAPSHOT_BYTES_MAX);
    all = oft_arena_alloc_array(&future->arena, attested.count + happened_count + 1, sizeof(*all));
    if (all == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "no memory to look at what may happen");
    }
    if (attested.count > 0) {
        memcpy(all, attested.items, attested.count * sizeof(*all));
    }
    for (i = 0; i < happened_count; i++) {
        all[attested.count + i] = (struct deal_attestation){happened[i], OFT_INSTANT_ALWAYS};
    }
    input.attested = (struct deal_attestations){all, attested.count + happened_count};
    err = policy_compile(&input, &future->bytes, NULL, reterr);
    if (err == OFT_OK) {
        err = policy_open(&future->view, future->bytes.data, future->bytes.length, reterr);
    }
    if (err == OFT_OK) {
        err = policy_kinds_find(deal, &future->arena, &future->kinds, reterr);
    }
    return err;
}

void policy_future_release(struct policy_future *future)
{
    oft_buffer_release(&future->bytes);
    oft_arena_release(&future->arena);
}

const struct policy_decision *policy_future_decision(const struct policy_future *future,
                                                     uint32_t regime, uint32_t kind,
                                                     uint32_t product, uint32_t model)
{
    const struct policy_view *view = &future->view;
    size_t at = ((size_t)regime * view->kind_count + kind) * view->product_count + product;

    return &view->decisions[(size_t)view->rows[at] * view->model_count + model];
}

struct oft_str policy_next_word(struct oft_str *text)
{
    struct oft_str word;
    size_t at = 0;
    size_t length = 0;

    while (at < text->length && (text->data[at] == ' ' || text->data[at] == '\t')) {
        at++;
    }
    if (at < text->length && text->data[at] == ',') {
        length = 1;
    } else {
        while (at + length < text->length && text->data[at + length] != ' ' &&
               text->data[at + length] != '\t' && text->data[at + length] != ',') {
            length++;
        }
    }
    word = (struct oft_str){text->data + at, length};
    *text = (struct oft_str){text->data + at + length, text->length - at - length};
    return word;
}
