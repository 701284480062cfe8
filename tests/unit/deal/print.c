/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the checker says about deal files, for goldens and for people who work on the
 * language: `deal-print FILE...`, or `deal-print --json FILE...`. Not installed.
 */
#include "deal/deal.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    bool json = false;
    int errors = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
            continue;
        }
        struct deal *deal;
        struct deal_diagnostics diagnostics;
        struct oft_error error = {0};
        struct oft_buffer out;
        deal_diagnostics_init(&diagnostics);
        oft_buffer_init(&out, (size_t)16 << 20);
        enum oft_err err = deal_parse(argv[i], deal_load_file, NULL, &deal, &diagnostics, &error);
        if (json) {
            deal_diagnostics_print_json(&diagnostics, &out);
        } else {
            deal_diagnostics_print(&diagnostics, false, &out);
        }
        (void)fputs(oft_buffer_text(&out), stdout);
        if (err != OFT_OK && err != OFT_ERR_INVALID) {
            (void)fprintf(stderr, "%s\n", error.message);
        }
        errors += err != OFT_OK ? 1 : 0;
        oft_buffer_release(&out);
        deal_diagnostics_release(&diagnostics);
        deal_free(deal);
    }
    return errors > 0 ? 1 : 0;
}
