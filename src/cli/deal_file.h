/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_DEAL_FILE_H
#define OFFTAKE_CLI_DEAL_FILE_H
/*
 * deal_file -- what the commands that work on a deal file alone share.
 */
#include "deal/deal.h"

#define CLI_REPORT_BYTES_MAX (16u << 20)

/* The best words there are for a fault. */
const char *cli_fault_text(enum oft_err code, const struct oft_error *error);

/* Parses the deal at PATH and, beside it, what the file ORDERS holds (NULL: nothing): capacity that was
 * delivered, as `offtake order pools` prints it. As deal_parse_with. */
enum oft_err cli_deal_parse(const char *path, const char *orders, struct deal **ret_deal,
                            struct deal_diagnostics *diagnostics, struct oft_error *reterr);
#define CLI_ORDERS_HELP                                                              \
    "  --orders FILE  with the pools of FILE too: capacity that was delivered, as\n" \
    "                 `offtake order pools` prints it\n"

/* Whether this machine knows the time zone of DEAL's statements. OFT_ERR_INVALID after a diagnostic. */
enum oft_err cli_deal_check_zone(const struct deal *deal, struct deal_diagnostics *diagnostics,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

/* Reads a deal that must be free of errors. On anything else: the report on stderr, and the exit
 * code in *ret_code. */
struct deal *cli_deal_read(const char *path, int *ret_code);
struct deal *cli_deal_read_with(const char *path, const char *orders, int *ret_code);

/* What --attest EVENT=INSTANT said, before and after the deal is known. */
#define CLI_ATTEST_MAX 64
struct cli_attest {
    const char *texts[CLI_ATTEST_MAX];
    size_t count;
};
bool cli_attest_add(struct cli_attest *attest, const char *text); /* false: too many */
/* Into ITEMS (room for CLI_ATTEST_MAX). CLI_OK, or an exit code after a message. */
int cli_attest_resolve(const char *title, const struct deal *deal, const struct cli_attest *attest,
                       struct deal_attestation *items, struct deal_attestations *ret_attested);

#endif
