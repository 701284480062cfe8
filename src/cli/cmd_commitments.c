/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake commitments`: how far each has come and what becomes of it, or where it will stand at its end.
 * The daemon makes the text; this file asks and prints.
 */
#include "cli/client.h"

enum { OPT_FORECAST = CLI_OPT_OWN, OPT_AT };

static const char HELP[] =
    "Usage: offtake commitments [--json|--csv]\n"
    "       offtake commitments --forecast [--at INSTANT] [--json]\n"
    "Prints each commitment: its amount and period, what counted towards it so far,\n"
    "where it stands against its line, what became of each milestone, and what a\n"
    "unit of spend saves there now.\n\n"
    "  --forecast     where each open milestone and the whole will stand at its end,\n"
    "                 by the pace so far and by the season a year ago: the day on\n"
    "                 which it is met, or the shortfall\n"
    "  --at INSTANT   as of 2026-04-01 or 2026-04-01T12:00:00Z, not of now; with\n"
    "                 --forecast\n"
    "  --json, --csv  the same in a form for programs; amounts in nano-units\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 2 wrong command line; 3 a fault.\n";

static int ask(const struct cli_target *target, bool forecast, const char *at, const char *format)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/commitments%s?format=%s", forecast ? "/forecast" : "", format);
    if (at != NULL) {
        oft_buffer_append_text(&path, "&at=");
        cli_encode(&path, at);
    }
    int code = cli_call_and_print(target, oft_buffer_text(&path));
    oft_buffer_release(&path);
    return code;
}

int cli_commitments(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"forecast", no_argument, NULL, OPT_FORECAST},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct cli_target target;
    const char *at = NULL, *format = "text";
    bool forecast = false;
    oft_instant instant;
    int option;
    cli_target_init(&target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        } else if (option == OPT_FORECAST) {
            forecast = true;
        } else if (option == OPT_AT) {
            at = optarg;
        } else if (option == CLI_OPT_JSON || option == CLI_OPT_CSV) {
            format = option == CLI_OPT_JSON ? "json" : "csv";
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    if (optind != argc) {
        return cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind]);
    }
    if (at != NULL && (!forecast || oft_instant_parse(oft_str_from(at), &instant) != OFT_OK)) {
        return cli_usage_error(argv[0],
                               forecast ? "\"%s\" is no instant; write 2026-04-01"
                                        : "--at %s goes with --forecast",
                               at);
    }
    if (forecast && format[0] == 'c') {
        return cli_usage_error(argv[0], "a forecast has no --csv; use --json");
    }
    return ask(&target, forecast, at, format);
}
