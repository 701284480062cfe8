/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON twin of the diagnostics, for editors and CI. Written by hand because the core uses no
 * JSON library: the only hard part, escaping, is one function. Text that came from a file which was
 * no UTF-8 (only paths can) has its odd bytes replaced.
 */
#include "deal/tree.h"

static void append_string(struct oft_buffer *out, const char *text)
{
    oft_buffer_append_char(out, '"');
    for (const char *s = text; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            oft_buffer_append_char(out, '\\');
            oft_buffer_append_char(out, *s);
        } else if (c < 0x20 || c == 0x7f) {
            oft_buffer_printf(out, "\\u%04x", c);
        } else {
            oft_buffer_append_char(out, *s);
        }
    }
    oft_buffer_append_char(out, '"');
}

static void append_item(const struct deal_diagnostics *d, const struct deal_diagnostic *item,
                        struct oft_buffer *out)
{
    static const char *const words[] = {"error", "warning", "note"};
    const char *path =
        item->position.file < d->file_count ? d->files[item->position.file].path : "?";
    oft_buffer_append_text(out, "{\"file\": ");
    append_string(out, path);
    oft_buffer_printf(out, ", \"line\": %u, \"column\": %u, \"length\": %u, \"severity\": \"%s\", ",
                      item->position.line, item->position.column, item->position.length,
                      words[item->severity]);
    oft_buffer_printf(out, "\"code\": \"OFT%04u\", \"clause\": ", item->code);
    append_string(out, item->clause);
    oft_buffer_append_text(out, ", \"message\": ");
    append_string(out, item->message);
    oft_buffer_append_text(out, ", \"hint\": ");
    append_string(out, item->hint);
    oft_buffer_append_char(out, '}');
}

void deal_diagnostics_print_json(const struct deal_diagnostics *diagnostics, struct oft_buffer *out)
{
    uint32_t warnings = 0;
    uint32_t notes = 0;
    oft_buffer_append_text(out, "{\"diagnostics\": [");
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        oft_buffer_append_text(out, i == 0 ? "\n  " : ",\n  ");
        append_item(diagnostics, &diagnostics->items[i], out);
        warnings += diagnostics->items[i].severity == DEAL_WARNING ? 1 : 0;
        notes += diagnostics->items[i].severity == DEAL_NOTE ? 1 : 0;
    }
    oft_buffer_printf(out, "%s], \"errors\": %u, \"warnings\": %u, \"notes\": %u}\n",
                      diagnostics->count > 0 ? "\n" : "", diagnostics->error_count, warnings,
                      notes);
}
