/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From any text that checks to decisions: what compiles opens, formats to a text that means the same
 * and stays as it is when formatted again, and answers every question. The drawing and the JSON forms
 * are printed on the way.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "deal/deal.h"
#include "deal/format.h"
#include "policy/compile.h"
#include "policy/decide.h"
#include "policy/lint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct deal *parse(struct oft_str text, struct deal_diagnostics *diagnostics)
{
    struct deal_file file = {"a", text};
    struct deal_memory_files files = {&file, 1};
    struct oft_error error = {0};
    struct deal *deal = NULL;
    if (deal_parse("a", deal_load_memory, &files, &deal, diagnostics, &error) != OFT_OK) {
        return NULL;
    }
    return deal;
}

/* Everything but the lines, which the layout may change. */
static void emit(const struct deal *deal, struct oft_buffer *out)
{
    char *line;
    oft_buffer_init(out, 64u << 20);
    deal_emit_json(deal, out);
    for (line = out->failed ? NULL : strstr(out->data, "\"line\":"); line != NULL;
         line = strstr(line + 1, "\"line\":")) {
        for (char *digit = line + 7; *digit >= '0' && *digit <= '9'; digit++) {
            *digit = '0';
        }
    }
}

static void check_format(struct oft_str text, const struct deal *deal)
{
    struct oft_buffer once, twice, before, after;
    struct deal_diagnostics diagnostics;
    oft_buffer_init(&once, 64u << 20);
    oft_buffer_init(&twice, 64u << 20);
    deal_diagnostics_init(&diagnostics);
    if (deal_format(text, &once) != OFT_OK ||
        deal_format((struct oft_str){once.data, once.length}, &twice) != OFT_OK) {
        abort();
    }
    if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0) {
        abort();
    }
    struct deal *same = parse((struct oft_str){once.data, once.length}, &diagnostics);
    if (same == NULL) {
        abort();
    }
    emit(deal, &before);
    emit(same, &after);
    /* Digits of lines may differ in number: compare without zeroes. */
    size_t i = 0, k = 0;
    while (i < before.length || k < after.length) {
        while (i < before.length && before.data[i] == '0') {
            i++;
        }
        while (k < after.length && after.data[k] == '0') {
            k++;
        }
        if ((i < before.length) != (k < after.length) ||
            (i < before.length && before.data[i++] != after.data[k++])) {
            abort();
        }
    }
    oft_buffer_release(&before);
    oft_buffer_release(&after);
    oft_buffer_release(&once);
    oft_buffer_release(&twice);
    deal_diagnostics_release(&diagnostics);
    deal_free(same);
}

static void decide_all(const struct policy_view *view)
{
    static struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    struct policy_answer answer;
    struct policy_query query = {.with_barred = true, .account = POLICY_NONE};
    uint32_t budget = 20000;
    for (uint32_t regime = 0; regime < view->regime_count; regime++) {
        query.instant_ns = view->regimes[regime].from_ns;
        for (query.product = 0; query.product < view->product_count; query.product++) {
            for (query.model = 0; query.model < view->model_count && budget > 0; query.model++) {
                budget--;
                policy_decide(view, &query, choices, OFT_POOLS_PER_DECISION_MAX, &answer);
                if (answer.regime != regime) {
                    abort();
                }
            }
        }
    }
}

static void check_policy(const struct deal *deal)
{
    struct policy_compile_input input = {.deal = deal, .generation = 1};
    struct policy_view view;
    struct oft_buffer bytes;
    struct oft_error error = {0};
    oft_buffer_init(&bytes, OFT_SNAPSHOT_BYTES_MAX);
    if (policy_compile(&input, &bytes, NULL, &error) == OFT_OK) {
        if (policy_open(&view, bytes.data, bytes.length, &error) != OFT_OK) {
            abort(); /* what we write we can read */
        }
        decide_all(&view);
    }
    oft_buffer_release(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oft_str text = {(const char *)data, size};
    struct deal_diagnostics diagnostics;
    struct oft_buffer out;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    oft_buffer_init(&out, 64u << 20);
    struct deal *deal = parse(text, &diagnostics);
    if (deal != NULL) {
        (void)deal_timeline(deal, (struct deal_attestations){NULL, 0}, false, &out);
        (void)deal_timeline(deal, (struct deal_attestations){NULL, 0}, true, &out);
        if (policy_lint(deal, &diagnostics, &error) != OFT_OK && error.code == OFT_ERR_CORRUPT) {
            abort();
        }
        check_format(text, deal);
        check_policy(deal);
    }
    oft_buffer_release(&out);
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    return 0;
}
