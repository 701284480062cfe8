/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_STATEMENT_H
#define OFFTAKE_CLI_STATEMENT_H
/*
 * What the files of `offtake statement` share.
 */
#include "cli/client.h"

struct cli_statement {
    struct cli_target target;
    const char *title; /* of the command, for complaints */
    const char *party, *month, *as_of, *by, *pdf, *again;
    const char *key, *signature;
    bool print;
    const char *format; /* "text", "json", "csv", "pdf" */
};

/* Prints what PATH answers, or puts it into the file of --pdf. PATH lacks its format, which begins with
 * JOINT: '?' or '&'. */
int cli_statement_fetch(const struct cli_statement *it, const char *path, char joint);
/* draft, approve, final, list, restate, show. */
int cli_statement_life(const struct cli_statement *it, int argc, char **argv);
/* --reproduce. */
int cli_statement_again(const struct cli_statement *it);
/* The members of an act, printed: "ann, 2026-05-02T10:00:00Z". */
void cli_statement_act(const json_t *act);

#endif
