/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a file of somebody else as CSV and as JSON, checked, and reconciled with itself. Whatever it
 * is, every row is somewhere: the code asserts it.
 */
#include <stdlib.h>

#include "focus/focus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct focus_table *table, bool focus, struct oft_arena *arena)
{
    struct oft_error error = {0};
    struct focus_findings findings;
    const struct focus_reconciliation *result;
    struct focus_reconcile_input input = {
        .theirs = *table, .ours = *table, .theirs_is_focus = focus, .month = 2026 * 12 + 3};
    for (enum focus_dataset dataset = FOCUS_COST_AND_USAGE; dataset <= FOCUS_CONTRACT_COMMITMENT;
         dataset++) {
        struct focus_check_input check = {.table = *table, .dataset = dataset, .version = 14};
        if (focus_check(&check, arena, &findings, &error) == OFT_OK) {
            struct oft_buffer out;
            oft_buffer_init(&out, (size_t)16 << 20);
            focus_findings_print(&findings, table->row_count, true, &out);
            oft_buffer_release(&out);
        }
    }
    if (focus_reconcile(&input, arena, &result, &error) == OFT_OK) {
        struct oft_buffer out;
        oft_buffer_init(&out, (size_t)16 << 20);
        focus_reconciliation_print(result, false, &out);
        focus_reconciliation_print(result, true, &out);
        oft_buffer_release(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oft_str text = {(const char *)data, size};
    for (int json = 0; json < 2; json++) {
        struct oft_arena arena;
        struct focus_table table;
        struct oft_error error = {0};
        oft_arena_init(&arena, (size_t)256 << 20);
        if ((json ? focus_table_json(text, &arena, &table, &error)
                  : focus_table_csv(text, &arena, &table, &error)) == OFT_OK) {
            use(&table, !json, &arena);
        }
        oft_arena_release(&arena);
    }
    return 0;
}
