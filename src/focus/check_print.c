/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings for people and for programs.
 */
#include <stdio.h>

#include "base/json.h"
#include "focus/internal.h"
#include "ledger/statement.h"

static void print_text(const struct focus_findings *findings, size_t row_count,
                       struct oft_buffer *out)
{
    char line[1024];
    for (size_t i = 0; i < findings->count; i++) {
        const struct focus_finding *item = &findings->items[i];
        if (item->line == 0) {
            oft_buffer_append_text(out, "the file");
        } else {
            oft_buffer_printf(out, "line %zu", item->line);
        }
        oft_buffer_append_text(out, ", ");
        print_clean(out, item->column);
        oft_buffer_printf(out, " [%s]\n", item->rule);
        print_wrapped(out, 2, 2, item->message);
        (void)snprintf(line, sizeof(line), "Mend: %s.", item->remedy);
        print_wrapped(out, 2, 4, line);
    }
    oft_buffer_printf(out, "%zu rows, %zu findings.\n", row_count,
                      findings->count + findings->dropped);
    if (findings->dropped > 0) {
        oft_buffer_printf(out, "%zu of them are not listed.\n", findings->dropped);
    }
}

void focus_findings_print(const struct focus_findings *findings, size_t row_count, bool json,
                          struct oft_buffer *out)
{
    if (!json) {
        print_text(findings, row_count, out);
        return;
    }
    struct oft_json document = {.out = out};
    oft_json_open(&document, '{');
    oft_json_put_number(&document, "rows", row_count);
    oft_json_put_number(&document, "findings_total", findings->count + findings->dropped);
    oft_json_key(&document, "findings");
    oft_json_open(&document, '[');
    for (size_t i = 0; i < findings->count; i++) {
        const struct focus_finding *item = &findings->items[i];
        oft_json_open(&document, '{');
        oft_json_put_number(&document, "line", item->line);
        oft_json_put_text(&document, "column", item->column);
        oft_json_put_text(&document, "rule", item->rule);
        oft_json_put_text(&document, "message", item->message);
        oft_json_put_text(&document, "remedy", item->remedy);
        oft_json_close(&document, '}');
    }
    oft_json_close(&document, ']');
    oft_json_close(&document, '}');
    oft_buffer_append_char(out, '\n');
}
