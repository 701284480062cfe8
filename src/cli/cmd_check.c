/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake check`: parses and checks one deal file and prints every diagnostic. It needs no daemon
 * and changes nothing.
 */
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/deal_file.h"
#include "policy/lint.h"

enum { OPT_EMIT = CLI_OPT_OWN, OPT_ORDERS };

static const char HELP[] =
    "Usage: offtake check FILE [--json | --emit json] [--orders FILE]\n"
    "Checks a deal file and everything that it includes. Prints each mistake with\n"
    "its file, line and column, why it is one, and what to change.\n\n"
    "  --json         print the diagnostics as JSON\n"
    "  --emit json    print the deal itself as JSON when it has no errors; its form\n"
    "                 is described by docs/schema/deal.schema.json\n" CLI_ORDERS_HELP
    "  --help         this text\n\n"
    "Exit status: 0 no errors (there may be warnings); 1 errors; 2 wrong command\n"
    "line; 3 the file cannot be read.\n";

#define COUNTED(count) (count), (count) == 1 ? "" : "s"

static void summary_append(const struct deal *deal, struct oft_buffer *out)
{
    oft_buffer_printf(out,
                      "\"%s\": %u part%s, %u provider%s, %u product%s, %u model%s, %u pool%s,\n"
                      "%u agreement%s with %u clause%s, %u price%s, %u account%s.\n",
                      deal->title, deal->party_count, deal->party_count == 1 ? "y" : "ies",
                      COUNTED(deal->provider_count), COUNTED(deal->product_count),
                      COUNTED(deal->model_count), COUNTED(deal->pool_count),
                      COUNTED(deal->agreement_count), COUNTED(deal->clause_count),
                      COUNTED(deal->price_count), COUNTED(deal->account_count));
}

static int check_file(const char *path, const char *orders, bool json, bool emit)
{
    struct deal *deal = NULL;
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    struct oft_buffer out;
    deal_diagnostics_init(&diagnostics);
    oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
    enum oft_err err = cli_deal_parse(path, orders, &deal, &diagnostics, &error);
    if (err == OFT_OK) {
        err = cli_deal_check_zone(deal, &diagnostics, &error);
    }
    if (err == OFT_OK) {
        err = policy_lint(deal, &diagnostics, &error);
    }
    int code = CLI_OK;
    if (err == OFT_OK && emit) {
        deal_emit_json(deal, &out);
    } else if (err != OFT_OK && err != OFT_ERR_INVALID) {
        code = cli_error(CLI_FAULT, "%s: %s", path, cli_fault_text(err, &error));
    } else if (json) {
        deal_diagnostics_print_json(&diagnostics, &out);
        code = err == OFT_OK ? CLI_OK : CLI_NO;
    } else {
        deal_diagnostics_print(&diagnostics, isatty(STDOUT_FILENO) == 1, &out);
        if (err == OFT_OK) {
            summary_append(deal, &out);
        }
        code = err == OFT_OK ? CLI_OK : CLI_NO;
    }
    if (out.failed) {
        code = cli_error(CLI_FAULT, "%s: the report is too long or memory ran out", path);
    } else if (code != CLI_FAULT && cli_print(oft_buffer_text(&out)) != CLI_OK) {
        code = CLI_FAULT;
    }
    oft_buffer_release(&out);
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    return code;
}

int cli_check(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"emit", required_argument, NULL, OPT_EMIT},
                                            {"orders", required_argument, NULL, OPT_ORDERS},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *orders = NULL;
    bool json = false;
    bool emit = false;
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        switch (option) {
        case CLI_OPT_JSON:
            json = true;
            break;
        case OPT_EMIT:
            if (strcmp(optarg, "json") != 0) {
                return cli_usage_error(argv[0], "--emit knows json only, not \"%s\"", optarg);
            }
            emit = true;
            break;
        case OPT_ORDERS:
            orders = optarg;
            break;
        case 'h':
            return cli_print(HELP);
        default:
            return CLI_USAGE;
        }
    }
    if (argc - optind != 1) {
        return cli_usage_error(argv[0], "one deal file is needed, %d given", argc - optind);
    }
    return check_file(argv[optind], orders, json, emit);
}
