/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake usage` and `offtake ledger verify`: reports without arguments of their own. The daemon makes the text; the verdict of `ledger verify` is the exit code.
 */
#include <string.h>

#include "cli/client.h"

static const char USAGE_HELP[] =
    "Usage: offtake usage [--json|--csv]\n"
    "Prints where traffic ran: requests and tokens by product, pool and the clause\n"
    "that decided.\n\n"
    "  --json, --csv  the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 2 wrong command line; 3 a fault.\n";

static const char LEDGER_HELP[] =
    "Usage: offtake ledger verify [--json]\n"
    "Rebuilds every balance from the entries, checks that each transaction sums to\n"
    "zero, follows the hash chain, and says what it checked.\n\n"
    "  --json         the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 the books are sound; 1 they are not; 2 wrong command line;\n"
    "3 a fault.\n";

struct report {
    const char *help;
    const char *path;
    const char *verb; /* a word that must follow, or NULL */
    bool csv;
};

static int report_print(const struct cli_target *target, const struct report *report,
                        const char *format)
{
    char path[128];
    struct cli_reply reply;
    (void)snprintf(path, sizeof path, "%s?format=%s", report->path, format);
    int code = cli_call(target, "GET", path, NULL, &reply);
    if (code == CLI_OK) {
        code = cli_print(oft_buffer_text(&reply.body));
        if (code == CLI_OK && reply.unsound) {
            code = CLI_NO;
        }
    }
    cli_reply_release(&reply);
    return code;
}

static int report_run(const struct report *report, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct cli_target target;
    const char *format = "text";
    int option;
    cli_target_init(&target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(report->help);
        } else if (option == CLI_OPT_JSON) {
            format = "json";
        } else if (option == CLI_OPT_CSV && report->csv) {
            format = "csv";
        } else if (option == CLI_OPT_CSV) {
            return cli_usage_error(argv[0], "--csv does not fit this report; use --json");
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    if (report->verb != NULL) {
        if (argc - optind != 1 || strcmp(argv[optind], report->verb) != 0) {
            return cli_usage_error(argv[0], "say what to do: %s %s", argv[0], report->verb);
        }
    } else if (optind != argc) {
        return cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind]);
    }
    return report_print(&target, report, format);
}

int cli_usage(int argc, char **argv)
{
    static const struct report REPORT = {USAGE_HELP, "/v1/usage", NULL, true};
    return report_run(&REPORT, argc, argv);
}

int cli_ledger(int argc, char **argv)
{
    static const struct report REPORT = {LEDGER_HELP, "/v1/ledger/verify", "verify", false};
    return report_run(&REPORT, argc, argv);
}
