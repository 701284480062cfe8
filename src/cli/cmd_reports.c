/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake usage`: a report without arguments of its own. The daemon makes the text.
 */
#include "cli/client.h"

static const char USAGE_HELP[] =
    "Usage: offtake usage [--json|--csv]\n"
    "Prints where traffic ran: requests and tokens by product, pool and the clause\n"
    "that decided.\n\n"
    "  --json, --csv  the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 2 wrong command line; 3 a fault.\n";

struct report {
    const char *help;
    const char *path;
};

static int report_print(const struct cli_target *target, const struct report *report,
                        const char *format)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s?format=%s", report->path, format);
    return cli_call_and_print(target, path);
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
        } else if (option == CLI_OPT_CSV) {
            format = "csv";
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    if (optind != argc) {
        return cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind]);
    }
    return report_print(&target, report, format);
}

int cli_usage(int argc, char **argv)
{
    static const struct report REPORT = {USAGE_HELP, "/v1/usage"};
    return report_run(&REPORT, argc, argv);
}
