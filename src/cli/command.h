/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_COMMAND_H
#define OFFTAKE_CLI_COMMAND_H
/*
 * command -- the table of commands of `offtake`, and what every command shares.
 *
 * What it is   One row a command; each command reads its own options (getopt_long) in its own file and
 *              returns an exit code.
 * Exit codes   0 done; 1 the answer is no (a deal with errors, books that do not verify, an unknown
 *              name); 2 the command line is wrong; 3 a fault, or nobody answers.
 * May include  base, deal, policy; daemon/serve.h for `serve`. Everything else goes over the admin API.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/time.h"

enum cli_exit { CLI_OK = 0, CLI_NO = 1, CLI_USAGE = 2, CLI_FAULT = 3 };

struct cli_command {
    const char *name;
    const char *title; /* "offtake check": what getopt puts before its complaints */
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the title */
};

/* All commands, in the order of `offtake --help`. */
const struct cli_command *cli_commands(size_t *ret_count);

/* Runs the command that ARGV names. The one entry: main() only hands over. */
int cli_main(int argc, char **argv);

/* Options above any character, for those without a letter. */
enum {
    CLI_OPT_DATA = 1000,
    CLI_OPT_ADMIN,
    CLI_OPT_JSON,
    CLI_OPT_CSV,
    CLI_OPT_OWN, /* a command's own options start here */
};

/* Where the daemon is. */
struct cli_target {
    const char *data_directory;
    const char *admin_url; /* NULL: the unix socket of data_directory */
};
#define CLI_TARGET_OPTIONS                                 \
    {"data", required_argument, NULL, CLI_OPT_DATA},       \
        {"admin", required_argument, NULL, CLI_OPT_ADMIN}, \
    {                                                      \
        "help", no_argument, NULL, 'h'                     \
    }
#define CLI_TARGET_HELP                                                           \
    "  --data DIR     the daemon's data directory; its DIR/admin.sock is asked\n" \
    "                 (default: $OFFTAKE_DATA, else /var/lib/offtake)\n"          \
    "  --admin URL    ask an admin API over TCP instead; its token is taken\n"    \
    "                 from the environment variable OFFTAKE_ADMIN_TOKEN\n"        \
    "  --help         this text\n"

void cli_target_init(struct cli_target *target);
/* True when OPTION was one of the target's. */
bool cli_target_option(struct cli_target *target, int option, const char *value);

/* Says on stderr what is wrong with the command line and where help is. Returns CLI_USAGE. */
int cli_usage_error(const char *title, const char *format, ...) OFT_PRINTF(2, 3);
/* "offtake: ..." on stderr. Returns CODE. */
int cli_error(int code, const char *format, ...) OFT_PRINTF(2, 3);
/* Prints TEXT on stdout. Returns CLI_OK, or CLI_FAULT when stdout does not take it. */
int cli_print(const char *text);

/* An instant of the command line; "now" is the real clock. */
enum oft_err cli_instant_parse(const char *text, oft_instant *ret) OFT_MUSTCHECK;
oft_instant cli_now(void);

int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_fmt(int argc, char **argv);
int cli_timeline(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_prove(int argc, char **argv);
int cli_prices(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_conf(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_statement(int argc, char **argv);
int cli_period(int argc, char **argv);
int cli_shares(int argc, char **argv);
int cli_deduction(int argc, char **argv);
int cli_programme(int argc, char **argv);
int cli_commitments(int argc, char **argv);
int cli_usage(int argc, char **argv);
int cli_focus(int argc, char **argv);
int cli_metering(int argc, char **argv);
int cli_reconcile(int argc, char **argv);
int cli_ledger(int argc, char **argv);
int cli_balance(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_drain(int argc, char **argv);
int cli_attest(int argc, char **argv);
int cli_desk(int argc, char **argv);
int cli_need(int argc, char **argv);
int cli_offer(int argc, char **argv);
int cli_lot(int argc, char **argv);
int cli_notice(int argc, char **argv);
int cli_order(int argc, char **argv);
int cli_right(int argc, char **argv);
int cli_screen(int argc, char **argv);
int cli_exempt(int argc, char **argv);
int cli_elect(int argc, char **argv);
int cli_decline(int argc, char **argv);
int cli_counter(int argc, char **argv);
int cli_tender(int argc, char **argv);
int cli_sign(int argc, char **argv);
int cli_settle(int argc, char **argv);
int cli_deliver(int argc, char **argv);
int cli_withdraw(int argc, char **argv);
int cli_party(int argc, char **argv);
int cli_version(int argc, char **argv);
int cli_help(int argc, char **argv);

#endif
