/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and the way from the first argument to one of them. Also the words that all
 * commands share: usage errors, faults, where the daemon is. It knows no command's own options.
 */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/replay.h"

static const struct cli_command COMMANDS[] = {
    {"check", "offtake check", "check a deal file: every mistake, its place and its remedy",
     cli_check},
    {"fmt", "offtake fmt", "print a deal file in its stable layout", cli_fmt},
    {"explain", "offtake explain", "which pools may run a request at an instant, and why",
     cli_explain},
    {"timeline", "offtake timeline", "when each clause is in force, drawn", cli_timeline},
    {"diff", "offtake diff", "where the decisions of two deals differ", cli_diff},
    {"prove", "offtake prove", "check a property against every decision a deal can make",
     cli_prove},
    {"prices", "offtake prices", "prices in force, what changed, and public lists as prices",
     cli_prices},
    {"serve", "offtake serve", "run the control plane and nginx in the foreground", cli_serve},
    {"reload", "offtake reload", "put the changed deal file into force", cli_reload},
    {"conf", "offtake conf", "the configuration for an nginx of your own", cli_conf},
    {"status", "offtake status", "what the daemon is doing", cli_status},
    {"top", "offtake top", "pools, rates, latencies and budgets, live", cli_top},
    {"keys", "offtake keys", "create, list, limit, rotate and revoke API keys", cli_keys},
    {"statement", "offtake statement", "a party's statement of a month, and its life",
     cli_statement},
    {"period", "offtake period", "which months are closed; close one", cli_period},
    {"commitments", "offtake commitments", "each commitment's burn against its line",
     cli_commitments},
    {"shares", "offtake shares", "each revenue share by its periods; payments of it", cli_shares},
    {"deduction", "offtake deduction", "take something off revenue before it is shared",
     cli_deduction},
    {"programme", "offtake programme", "pledges of funding: called, paid, drawn", cli_programme},
    {"usage", "offtake usage", "where each product's traffic ran, and by which clause", cli_usage},
    {"focus", "offtake focus", "write and check cost data in FOCUS", cli_focus},
    {"metering", "offtake metering", "what providers are owed, by the day or the hour",
     cli_metering},
    {"reconcile", "offtake reconcile", "hold a provider's bill against our own metering",
     cli_reconcile},
    {"ledger", "offtake ledger", "verify the books, export the journal", cli_ledger},
    {"balance", "offtake balance", "what accounts come to, now or as of then", cli_balance},
    {"trace", "offtake trace", "from a request to its statement lines, and back", cli_trace},
    {"drain", "offtake drain", "book everything that the gateway has written by now", cli_drain},
    {"attest", "offtake attest", "record that an event of the deal has happened", cli_attest},
    {"desk", "offtake desk", "what is due at the capacity desk, by whom, by when", cli_desk},
    {"need", "offtake need", "open, withdraw and list needs of capacity", cli_need},
    {"offer", "offtake offer", "add, change, affirm, withdraw and list offers", cli_offer},
    {"lot", "offtake lot", "list what each right makes of an offer", cli_lot},
    {"notice", "offtake notice", "send notices, record their delivery, read them", cli_notice},
    {"order", "offtake order", "list signed orders and what arrived", cli_order},
    {"right", "offtake right", "list the rights over new capacity", cli_right},
    {"elect", "offtake elect", "take what a notice offers", cli_elect},
    {"decline", "offtake decline", "turn a notice down", cli_decline},
    {"counter", "offtake counter", "answer a notice with other terms: no acceptance", cli_counter},
    {"exempt", "offtake exempt", "prove a carve-out of a right", cli_exempt},
    {"screen", "offtake screen", "hold an opportunity against a right again", cli_screen},
    {"tender", "offtake tender", "put the contract before the holder that elected", cli_tender},
    {"sign", "offtake sign", "sign with a holder or a third party", cli_sign},
    {"settle", "offtake settle", "end a dispute with a holder", cli_settle},
    {"deliver", "offtake deliver", "record that ordered capacity arrived", cli_deliver},
    {"withdraw", "offtake withdraw", "drop a need or an offer", cli_withdraw},
    {"party", "offtake party", "defaults, assignments and tokens of parties", cli_party},
    {"replay", "offtake replay", "send recorded traffic through a running gateway", cli_replay},
    {"version", "offtake version", "print the version", cli_version},
    {"help", "offtake help", "explain a command", cli_help},
};

const struct cli_command *cli_commands(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(COMMANDS);
    return COMMANDS;
}

static const struct cli_command *command_find(const char *name)
{
    for (size_t i = 0; i < OFT_COUNT_OF(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

static int overview_print(FILE *out)
{
    fprintf(out, "Usage: offtake COMMAND [OPTION]...\n"
                 "Runs AI traffic across cloud providers under the contracts signed.\n\n"
                 "Commands:\n");
    for (size_t i = 0; i < OFT_COUNT_OF(COMMANDS); i++) {
        fprintf(out, "  %-12s  %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    }
    fprintf(out, "\n`offtake COMMAND --help` explains one of them.\n"
                 "Exit status: 0 done; 1 the answer is no; 2 wrong command line; 3 a fault, or\n"
                 "nobody answers.\n");
    return fflush(out) == 0 ? CLI_OK : CLI_FAULT;
}

int cli_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return cli_print("offtake " OFFTAKE_VERSION "\n");
}

int cli_help(int argc, char **argv)
{
    char help_option[] = "--help";
    char *arguments[3] = {NULL, help_option, NULL};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        return overview_print(stdout);
    }
    const struct cli_command *command = command_find(argv[1]);
    if (command == NULL) {
        return cli_usage_error("offtake", "there is no command \"%s\"", argv[1]);
    }
    arguments[0] = argv[1];
    optind = 0;
    return command->run(2, arguments);
}

int cli_main(int argc, char **argv)
{
    if (argc < 2) {
        (void)overview_print(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        return cli_version(0, NULL);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return overview_print(stdout);
    }
    const struct cli_command *command = command_find(argv[1]);
    if (command == NULL) {
        return cli_usage_error("offtake", "there is no command \"%s\"", argv[1]);
    }
    char title[64];
    (void)snprintf(title, sizeof title, "%s", command->title);
    argv[1] = title;
    optind = 0; /* GNU: begin anew, so that one process may run several commands (tests do) */
    return command->run(argc - 1, argv + 1);
}

void cli_target_init(struct cli_target *target)
{
    const char *from_environment = getenv("OFFTAKE_DATA");
    target->data_directory = from_environment != NULL && from_environment[0] != '\0'
                                 ? from_environment
                                 : "/var/lib/offtake";
    target->admin_url = NULL;
}

bool cli_target_option(struct cli_target *target, int option, const char *value)
{
    if (option == CLI_OPT_DATA) {
        target->data_directory = value;
        return true;
    }
    if (option == CLI_OPT_ADMIN) {
        target->admin_url = value;
        return true;
    }
    return false;
}

int cli_usage_error(const char *title, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", title);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry `%s --help`.\n", title);
    va_end(arguments);
    return CLI_USAGE;
}

/* Prints TEXT on stderr; a line of more than 80 columns goes on, indented, on the next one. */
static void text_wrap(const char *text)
{
    enum { COLUMNS = 80, INDENT = 2 };
    while (*text != '\0') {
        size_t length = strcspn(text, "\n"), indent = 0;
        while (length > COLUMNS - indent) {
            size_t cut = COLUMNS - indent;
            while (cut > 0 && text[cut] != ' ') {
                cut--;
            }
            if (cut == 0) { /* one long word: a path stays whole, to be copied */
                cut = strcspn(text, " \n");
            }
            fprintf(stderr, "%*s%.*s\n", (int)indent, "", (int)cut, text);
            text += cut + (text[cut] == ' ');
            length = strcspn(text, "\n");
            indent = INDENT;
        }
        fprintf(stderr, "%*s%.*s\n", (int)(length > 0 ? indent : 0), "", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

int cli_error(int code, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int prefix = snprintf(text, sizeof text, "offtake: ");
    (void)vsnprintf(text + prefix, sizeof text - (size_t)prefix, format, arguments);
    va_end(arguments);
    text_wrap(text);
    return code;
}

int cli_print(const char *text)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) != 0) {
        return cli_error(CLI_FAULT, "cannot write the answer: %s", strerror(errno));
    }
    return CLI_OK;
}

oft_instant cli_now(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return 0;
    }
    return (oft_instant)now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

enum oft_err cli_instant_parse(const char *text, oft_instant *ret)
{
    if (strcmp(text, "now") == 0) {
        *ret = cli_now();
        return OFT_OK;
    }
    return oft_instant_parse(oft_str_from(text), ret);
}
