/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a deal file for a command that needs a sound one: the report goes to stderr, so that what a
 * script reads on stdout is the command's own answer or nothing.
 */
#include "cli/deal_file.h"

#include <unistd.h>

#include "cli/command.h"

const char *cli_fault_text(enum oft_err code, const struct oft_error *error)
{
    return error->message[0] != '\0' ? error->message : oft_err_text(code);
}

struct deal *cli_deal_read(const char *path, int *ret_code)
{
    struct deal *deal = NULL;
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    enum oft_err err = deal_parse(path, deal_load_file, NULL, &deal, &diagnostics, &error);
    *ret_code = CLI_OK;
    if (err == OFT_ERR_INVALID) {
        struct oft_buffer report;
        oft_buffer_init(&report, CLI_REPORT_BYTES_MAX);
        deal_diagnostics_print(&diagnostics, isatty(STDERR_FILENO) == 1, &report);
        fputs(oft_buffer_text(&report), stderr);
        oft_buffer_release(&report);
        *ret_code = CLI_NO;
    } else if (err != OFT_OK) {
        *ret_code = cli_error(CLI_FAULT, "%s: %s", path, cli_fault_text(err, &error));
    }
    deal_diagnostics_release(&diagnostics);
    return deal;
}
