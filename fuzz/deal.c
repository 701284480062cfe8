/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser and checker over any text: they may refuse it, and may not crash, hang, leak or read
 * past it. The text may include itself under the name "a", which must be refused as a cycle.
 */
#include <stdint.h>
#include <stdlib.h>

#include "deal/deal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct deal_file file = {"a", {(const char *)data, size}};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_buffer out;
    struct oft_error error = {0};
    struct deal *deal = NULL;
    deal_diagnostics_init(&diagnostics);
    oft_buffer_init(&out, 16u << 20);
    enum oft_err code = deal_parse("a", deal_load_memory, &files, &deal, &diagnostics, &error);
    if ((code == OFT_OK) != (deal != NULL) || (code == OFT_OK && diagnostics.error_count != 0)) {
        abort();
    }
    deal_diagnostics_print(&diagnostics, false, &out);
    deal_diagnostics_print_json(&diagnostics, &out);
    oft_buffer_release(&out);
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    return 0;
}
