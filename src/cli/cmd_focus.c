/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake focus export` asks the daemon for a file; `offtake focus check` reads one and needs nobody.
 */
#include <string.h>

#include "cli/whole_file.h"

enum { OPT_DATASET = CLI_OPT_OWN, OPT_VERSION, OPT_MONTH, OPT_OUTPUT, OPT_INVOICE, OPT_BY };
enum { INVOICES_MAX = 1024 };

static const char HELP[] =
    "Usage: offtake focus export --month YYYY-MM [--dataset D] [--version V]\n"
    "                            [--by day|month] [--output FILE]\n"
    "       offtake focus check FILE [--dataset D] [--version V]\n"
    "                            [--invoice ID=AMOUNT]... [--json]\n"
    "Cost data in FOCUS, the FinOps Open Cost and Usage Specification, as CSV.\n"
    "export writes what providers are owed for a month; check holds any file (- is\n"
    "standard input) against the rules of its dataset and says of each violation\n"
    "the line, the column, the rule and what to do.\n\n"
    "  --dataset D    cost-and-usage (the default) or contract-commitment\n"
    "  --version V    1.2 or 1.4 (the default); contract-commitment: 1.3 or 1.4\n"
    "  --month M      the month, as 2026-04\n"
    "  --by WHAT      charge periods of use: month (the default) or day, of UTC;\n"
    "                 the days of a line come to its amount of the month\n"
    "  --output FILE  write to FILE; else to standard output\n"
    "  --invoice I=A  check that the rows of invoice I come to A\n"
    "  --json         findings in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 done, or no violation; 1 violations; 2 wrong command line;\n"
    "3 a fault.\n";

struct focus_options {
    struct cli_target target;
    const char *dataset, *version, *month, *by, *output;
    struct focus_invoice invoices[INVOICES_MAX];
    size_t invoice_count;
    bool json;
};

static int focus_export_run(const struct focus_options *options)
{
    struct cli_reply reply;
    int32_t month;
    if (options->month == NULL || oft_month_parse(oft_str_from(options->month), &month) != OFT_OK) {
        return cli_usage_error("offtake focus", "--month is needed, as 2026-04");
    }
    if (strcmp(options->by, "day") != 0 && strcmp(options->by, "month") != 0) {
        return cli_usage_error("offtake focus", "--by is day or month");
    }
    int code = cli_focus_fetch(&options->target, options->dataset, options->version, options->month,
                               options->by, &reply);
    if (code == CLI_OK) {
        code = cli_whole_file_write(options->output, &reply.body);
    }
    cli_reply_release(&reply);
    return code;
}

static int focus_check_text(const struct focus_options *options, struct oft_str text,
                            struct oft_arena *arena)
{
    struct focus_check_input input = {.invoices = options->invoices,
                                      .invoice_count = options->invoice_count};
    struct focus_findings findings;
    struct oft_error error = {0};
    struct oft_buffer out;
    if (focus_dataset_parse(options->dataset, &input.dataset) != OFT_OK ||
        focus_version_parse(options->version, &input.version) != OFT_OK ||
        !focus_version_known(input.dataset, input.version)) {
        return cli_usage_error("offtake focus", "%s %s is no dataset and version that is checked",
                               options->dataset, options->version);
    }
    enum oft_err err = focus_table_csv(text, arena, &input.table, &error);
    if (err == OFT_ERR_SYNTAX) {
        return cli_error(CLI_NO, "%s", error.message);
    }
    if (err == OFT_OK) {
        err = focus_check(&input, arena, &findings, &error);
    }
    if (err != OFT_OK) {
        return cli_error(CLI_FAULT, "%s", error.message);
    }
    oft_buffer_init(&out, CLI_WHOLE_FILE_BYTES_MAX);
    focus_findings_print(&findings, input.table.row_count, options->json, &out);
    int code =
        out.failed ? cli_error(CLI_FAULT, "out of memory") : cli_print(oft_buffer_text(&out));
    oft_buffer_release(&out);
    return code == CLI_OK && findings.count + findings.dropped > 0 ? CLI_NO : code;
}

static int focus_check_run(const struct focus_options *options, const char *path)
{
    struct oft_buffer text;
    struct oft_arena arena;
    oft_buffer_init(&text, CLI_WHOLE_FILE_BYTES_MAX);
    oft_arena_init(&arena, 8 * CLI_WHOLE_FILE_BYTES_MAX);
    int code = cli_whole_file_read(path, &text);
    if (code == CLI_OK) {
        code = focus_check_text(options, (struct oft_str){oft_buffer_text(&text), text.length},
                                &arena);
    }
    oft_arena_release(&arena);
    oft_buffer_release(&text);
    return code;
}

/* "INV-1=12.50"; the text is cut in two where it stands. */
static bool invoice_take(struct focus_options *options, char *text)
{
    char *equals = strrchr(text, '=');
    if (equals == NULL || options->invoice_count == INVOICES_MAX) {
        return false;
    }
    *equals = '\0';
    struct focus_invoice *invoice = &options->invoices[options->invoice_count++];
    invoice->id = text;
    return focus_decimal_parse(oft_str_from(equals + 1), &invoice->payable) == OFT_OK;
}

/* CLI_OK to go on; -1 when the help was printed. */
static int options_read(struct focus_options *options, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"dataset", required_argument, NULL, OPT_DATASET},
                                            {"version", required_argument, NULL, OPT_VERSION},
                                            {"month", required_argument, NULL, OPT_MONTH},
                                            {"by", required_argument, NULL, OPT_BY},
                                            {"output", required_argument, NULL, OPT_OUTPUT},
                                            {"invoice", required_argument, NULL, OPT_INVOICE},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP) == CLI_OK ? -1 : CLI_FAULT;
        } else if (option == OPT_DATASET) {
            options->dataset = optarg;
        } else if (option == OPT_VERSION) {
            options->version = optarg;
        } else if (option == OPT_MONTH) {
            options->month = optarg;
        } else if (option == OPT_BY) {
            options->by = optarg;
        } else if (option == OPT_OUTPUT) {
            options->output = optarg;
        } else if (option == CLI_OPT_JSON) {
            options->json = true;
        } else if (option == OPT_INVOICE) {
            if (!invoice_take(options, optarg)) {
                return cli_usage_error(argv[0], "--invoice is written ID=AMOUNT, as INV-7=120.50");
            }
        } else if (!cli_target_option(&options->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

int cli_focus(int argc, char **argv)
{
    struct focus_options options = {
        .dataset = "cost-and-usage", .version = "1.4", .by = "month", .output = "-"};
    cli_target_init(&options.target);
    int code = options_read(&options, argc, argv);
    if (code != CLI_OK) {
        return code == -1 ? CLI_OK : code;
    }
    int words = argc - optind;
    if (words == 1 && strcmp(argv[optind], "export") == 0) {
        return focus_export_run(&options);
    }
    if (words == 2 && strcmp(argv[optind], "check") == 0) {
        return focus_check_run(&options, argv[optind + 1]);
    }
    return cli_usage_error(argv[0], "say `export`, or `check` and a file");
}
