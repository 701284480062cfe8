/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint -- looks through the compiled decisions for products that no pool may run. Stretches of time
 * that join are told once. What lies before a product's first legal pool or after its last is a note:
 * products begin and end. A hole between is a warning, and so is a product that may never run.
 */
#include "policy/lint.h"

#include "policy/compile_internal.h"
#include "policy/decide.h"

struct lint {
    const struct deal *deal;
    const struct policy_view *view;
    struct deal_diagnostics *diagnostics;
    const struct policy_kinds *kinds;
};

static const struct policy_decision *row_of(const struct policy_view *view, uint32_t regime,
                                            uint32_t kind, uint32_t product)
{
    size_t at = ((size_t)regime * view->kind_count + kind) * view->product_count + product;
    return &view->decisions[(size_t)view->rows[at] * view->model_count];
}

/* Is there a model that some pool may run? */
static bool legal(const struct policy_view *view, const struct policy_decision *row)
{
    uint32_t model;

    for (model = 0; model < view->model_count; model++) {
        if (row[model].eligible_count > 0) {
            return true;
        }
    }
    return false;
}

static bool serves_anything(const struct policy_view *view, const struct policy_decision *row)
{
    uint32_t model;

    for (model = 0; model < view->model_count; model++) {
        if (row[model].barred_count > 0) {
            return true;
        }
    }
    return false;
}

static void tell(const struct lint *lint, uint32_t product, uint32_t kind, uint32_t first,
                 uint32_t last, bool was_legal)
{
    const struct deal_product *item = &lint->deal->products[product];
    oft_instant from = lint->view->regimes[first].from_ns;
    oft_instant until = lint->view->regimes[last].until_ns;
    const struct policy_decision *row = row_of(lint->view, first, kind, product);
    bool all = first == 0 && until == OFT_INSTANT_NEVER;
    bool hole = was_legal && until != OFT_INSTANT_NEVER;
    char a[OFT_INSTANT_TEXT_BYTES];
    char b[OFT_INSTANT_TEXT_BYTES];
    const char *clause = "no pool serves a model";
    const char *account = "";
    unsigned nearest = 0;
    uint32_t model;

    for (model = 0; model < lint->view->model_count; model++) {
        const struct policy_candidate *items = &lint->view->candidates[row[model].first_candidate];

        /* The last of the barred came nearest to running: it kept every rule but this. */
        if (row[model].barred_count > 0 && items[row[model].barred_count - 1].reason > nearest) {
            const struct policy_candidate *nearer = &items[row[model].barred_count - 1];

            nearest = nearer->reason;
            clause = policy_text(lint->view, lint->view->clauses[nearer->clause].name).data;
        }
    }
    if (lint->kinds->representative[kind] != DEAL_NONE) {
        account = lint->deal->accounts[lint->kinds->representative[kind]].name;
    }
    deal_report(lint->diagnostics, all || hole ? DEAL_WARNING : DEAL_NOTE, 74, item->position,
                item->name, "", "%s%s%s%s no pool may run \"%s\"%s%s: it is barred by %s",
                from == OFT_INSTANT_ALWAYS ? (all ? "at any time" : "") : "from ",
                from == OFT_INSTANT_ALWAYS ? "" : oft_instant_format_short(from, a),
                until == OFT_INSTANT_NEVER   ? (all ? "" : " on")
                : from == OFT_INSTANT_ALWAYS ? "until "
                                             : " until ",
                until == OFT_INSTANT_NEVER ? "" : oft_instant_format_short(until, b), item->name,
                account[0] == '\0' ? "" : " for account ", account, clause);
}

static void look_at(const struct lint *lint, uint32_t product, uint32_t kind)
{
    const struct policy_view *view = lint->view;
    bool was_legal = false;
    uint32_t regime = 0;

    while (regime < view->regime_count) {
        uint32_t first = regime;

        if (legal(view, row_of(view, regime, kind, product))) {
            was_legal = true;
            regime++;
            continue;
        }
        while (regime < view->regime_count && !legal(view, row_of(view, regime, kind, product))) {
            regime++;
        }
        /* What is not served at all is told elsewhere (OFT0054), as is one kind like another. */
        if (serves_anything(view, row_of(view, first, kind, product)) &&
            (kind == 0 || legal(view, row_of(view, first, 0, product)))) {
            tell(lint, product, kind, first, regime - 1, was_legal);
        }
    }
}

enum oft_err policy_lint(const struct deal *deal, struct deal_diagnostics *diagnostics,
                         struct oft_error *reterr)
{
    struct policy_compile_input input = {.deal = deal, .generation = 1};
    struct policy_kinds kinds;
    struct policy_view view;
    struct oft_arena arena;
    struct oft_buffer bytes;
    enum oft_err err;

    oft_arena_init(&arena, (size_t)OFT_SNAPSHOT_BYTES_MAX);
    oft_buffer_init(&bytes, OFT_SNAPSHOT_BYTES_MAX);
    err = policy_compile(&input, &bytes, NULL, reterr);
    if (err == OFT_OK) {
        err = policy_open(&view, bytes.data, bytes.length, reterr);
    }
    if (err == OFT_OK) {
        err = policy_kinds_find(deal, &arena, &kinds, reterr);
    }
    if (err == OFT_OK) {
        const struct lint lint = {deal, &view, diagnostics, &kinds};

        for (uint32_t product = 0; product < deal->product_count; product++) {
            for (uint32_t kind = 0; kind < kinds.count; kind++) {
                look_at(&lint, product, kind);
            }
        }
        deal_diagnostics_sort(diagnostics);
    }
    oft_buffer_release(&bytes);
    oft_arena_release(&arena);
    return err;
}
