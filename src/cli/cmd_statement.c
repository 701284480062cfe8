/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake statement`: asks the daemon for one party's or account's month. The daemon makes the text;
 * this file only asks and prints, so that text, JSON and CSV cannot differ by client.
 */
#include "cli/client.h"

enum { OPT_PARTY = CLI_OPT_OWN, OPT_MONTH, OPT_AS_OF };

static const char HELP[] =
    "Usage: offtake statement --party P --month YYYY-MM [--as-of T]\n"
    "                         [--json|--csv]\n"
    "Prints what is owed to and by a party in a calendar month (UTC), line by line\n"
    "with each line's clause; or what an account owes.\n\n"
    "  --party P      a party or an account of the deal\n"
    "  --month M      the month, as 2026-04\n"
    "  --as-of T      as it would have been printed then, as 2026-05-01T12:00:00Z\n"
    "  --json, --csv  the same in a form for programs; amounts in nano-units\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 1 no such party; 2 wrong command line; 3 a fault.\n";

int cli_statement(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"party", required_argument, NULL, OPT_PARTY},
                                            {"month", required_argument, NULL, OPT_MONTH},
                                            {"as-of", required_argument, NULL, OPT_AS_OF},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct cli_target target;
    const char *party = NULL, *month_text = NULL, *as_of = NULL, *format = "text";
    int32_t month;
    int option;
    cli_target_init(&target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        } else if (option == OPT_PARTY) {
            party = optarg;
        } else if (option == OPT_MONTH) {
            month_text = optarg;
        } else if (option == OPT_AS_OF) {
            as_of = optarg;
        } else if (option == CLI_OPT_JSON || option == CLI_OPT_CSV) {
            format = option == CLI_OPT_JSON ? "json" : "csv";
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    if (optind != argc || party == NULL || month_text == NULL) {
        return cli_usage_error(argv[0], "--party and --month are needed, and nothing else");
    }
    if (oft_month_parse(oft_str_from(month_text), &month) != OFT_OK) {
        return cli_usage_error(argv[0], "\"%s\" is no month; write 2026-04", month_text);
    }
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/statement?party=");
    cli_encode(&path, party);
    oft_buffer_append_text(&path, "&month=");
    cli_encode(&path, month_text);
    oft_buffer_printf(&path, "&format=%s", format);
    if (as_of != NULL) {
        oft_buffer_append_text(&path, "&as_of=");
        cli_encode(&path, as_of);
    }
    int code = path.failed ? cli_usage_error(argv[0], "the party's name is too long")
                           : cli_call_and_print(&target, oft_buffer_text(&path));
    oft_buffer_release(&path);
    return code;
}
