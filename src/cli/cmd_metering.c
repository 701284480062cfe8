/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake metering`: our own side of a bill by the day or the hour, as `offtake reconcile` reads it.
 */
#include <string.h>

#include "cli/whole_file.h"

enum { OPT_MONTH = CLI_OPT_OWN, OPT_BY, OPT_OUTPUT };

static const char HELP[] =
    "Usage: offtake metering --month YYYY-MM [--by day|hour] [--output FILE]\n"
    "Prints what providers are owed for a month by pool, model, unit and day as CSV:\n"
    "quantities and costs that are not rounded, from the records that the month was\n"
    "booked from. What these do not come to stands as a rest with the month for its\n"
    "day and the reason: the file adds up to the books. Days are UTC's.\n\n"
    "  --month M      the month, as 2026-04\n"
    "  --by WHAT      day (the default) or hour\n"
    "  --output FILE  write to FILE; else to standard output\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 2 wrong command line; 3 a fault.\n";

struct metering_options {
    struct cli_target target;
    const char *month, *by, *output;
};

static int options_read(struct metering_options *options, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"month", required_argument, NULL, OPT_MONTH},
                                            {"by", required_argument, NULL, OPT_BY},
                                            {"output", required_argument, NULL, OPT_OUTPUT},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP) == CLI_OK ? -1 : CLI_FAULT;
        } else if (option == OPT_MONTH) {
            options->month = optarg;
        } else if (option == OPT_BY) {
            options->by = optarg;
        } else if (option == OPT_OUTPUT) {
            options->output = optarg;
        } else if (!cli_target_option(&options->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

int cli_metering(int argc, char **argv)
{
    struct metering_options options = {.by = "day", .output = "-"};
    struct cli_reply reply;
    int32_t month;
    cli_target_init(&options.target);
    int code = options_read(&options, argc, argv);
    if (code != CLI_OK) {
        return code == -1 ? CLI_OK : code;
    }
    if (optind != argc || options.month == NULL ||
        oft_month_parse(oft_str_from(options.month), &month) != OFT_OK) {
        return cli_usage_error(argv[0], "--month is needed, as 2026-04");
    }
    if (strcmp(options.by, "day") != 0 && strcmp(options.by, "hour") != 0) {
        return cli_usage_error(argv[0], "--by is day or hour");
    }
    code = cli_metering_fetch(&options.target, options.month, options.by, &reply);
    if (code == CLI_OK) {
        code = cli_whole_file_write(options.output, &reply.body);
    }
    cli_reply_release(&reply);
    return code;
}
