/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a deal file for a command that needs a sound one: the report goes to stderr, so that what a
 * script reads on stdout is the command's own answer or nothing.
 */
#include "cli/deal_file.h"

#include <string.h>
#include <unistd.h>

#include "almanac/almanac.h"
#include "base/limits.h"
#include "cli/command.h"

enum { ZONE_BYTES_MAX = 1 << 20 };

const char *cli_fault_text(enum oft_err code, const struct oft_error *error)
{
    return error->message[0] != '\0' ? error->message : oft_err_text(code);
}

enum oft_err cli_deal_parse(const char *path, const char *orders, struct deal **ret_deal,
                            struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct deal_file file = {orders, {NULL, 0}};
    if (orders == NULL) {
        return deal_parse(path, deal_load_file, NULL, ret_deal, diagnostics, reterr);
    }
    oft_arena_init(&arena, 2 * (size_t)OFT_DEAL_FILE_BYTES_MAX);
    enum oft_err err = deal_load_file(NULL, orders, &arena, &file.text, reterr);
    if (err == OFT_ERR_INVALID) {
        err = OFT_ERR_IO; /* no regular file: the deal has no mistake */
    }
    if (err == OFT_OK) {
        err = deal_parse_with(path, deal_load_file, NULL, (struct deal_generated){&file, 1},
                              ret_deal, diagnostics, reterr);
    }
    oft_arena_release(&arena);
    return err;
}

enum oft_err cli_deal_check_zone(const struct deal *deal, struct deal_diagnostics *diagnostics,
                                 struct oft_error *reterr)
{
    struct oft_arena arena;
    struct oft_error why = {0};
    const struct oft_zone *zone = NULL;
    if (deal->statements_in[0] == '\0') {
        return OFT_OK;
    }
    oft_arena_init(&arena, ZONE_BYTES_MAX);
    enum oft_err err = almanac_zone(deal->statements_in, &arena, &zone, &why);
    oft_arena_release(&arena);
    if (err == OFT_ERR_NOT_FOUND) {
        deal_zone_unknown(deal, diagnostics, why.message);
        return OFT_ERR_INVALID;
    }
    return err == OFT_OK ? OFT_OK : oft_fail(reterr, err, "%s", cli_fault_text(err, &why));
}

struct deal *cli_deal_read(const char *path, int *ret_code)
{
    return cli_deal_read_with(path, NULL, ret_code);
}

struct deal *cli_deal_read_with(const char *path, const char *orders, int *ret_code)
{
    struct deal *deal = NULL;
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    enum oft_err err = cli_deal_parse(path, orders, &deal, &diagnostics, &error);
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

bool cli_attest_add(struct cli_attest *attest, const char *text)
{
    if (attest->count == CLI_ATTEST_MAX) {
        return false;
    }
    attest->texts[attest->count++] = text;
    return true;
}

int cli_attest_resolve(const char *title, const struct deal *deal, const struct cli_attest *attest,
                       struct deal_attestation *items, struct deal_attestations *ret_attested)
{
    for (size_t i = 0; i < attest->count; i++) {
        const char *text = attest->texts[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return cli_usage_error(title, "--attest takes EVENT=INSTANT, not \"%s\"", text);
        }
        struct oft_str name = {text, (size_t)(equals - text)};
        items[i].event = deal_find_event(deal, name);
        if (items[i].event == DEAL_NONE) {
            return cli_error(CLI_NO, "the deal has no event \"%.*s\"", (int)name.length, name.data);
        }
        if (cli_instant_parse(equals + 1, &items[i].instant) != OFT_OK) {
            return cli_usage_error(title, "\"%s\" is no instant; write 2025-06-01", equals + 1);
        }
    }
    *ret_attested = (struct deal_attestations){items, attest->count};
    return CLI_OK;
}
