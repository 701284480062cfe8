/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake timeline`, `offtake diff` and `offtake prove`: questions about all of a deal's time, asked
 * of deal files alone.
 */
#include <string.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/deal_file.h"
#include "policy/futures.h"

enum { OPT_ATTEST = CLI_OPT_OWN };

#define ATTEST_HELP              \
    "  --attest EVENT=INSTANT\n" \
    "                 suppose that an event happened; may be repeated\n"

static const char TIMELINE_HELP[] =
    "Usage: offtake timeline FILE [OPTION]...\n"
    "Draws when each clause is in force, and lists every instant at which a clause,\n"
    "a price or a pool begins or ends. Between two of them nothing changes.\n\n" ATTEST_HELP
    "  --json         print regimes and clauses as JSON\n"
    "  --help         this text\n\n"
    "Exit status: 0 printed; 1 the deal has errors; 2 wrong command line; 3 a fault.\n";

static const char DIFF_HELP[] =
    "Usage: offtake diff A.deal B.deal [OPTION]...\n"
    "Tells where the decisions of two deals differ: for which product, model, account\n"
    "and pool, from when until when, and under which events that nobody has attested\n"
    "yet. A pool that is tried before another in one deal and after it in the other\n"
    "differs too. A change of words that changes no decision is no difference.\n\n" ATTEST_HELP
    "                 (in both deals)\n"
    "  --json         print the differences as JSON\n"
    "  --help         this text\n\n"
    "Exit status: 0 no decision differs; 1 some do, or a deal has errors; 2 wrong\n"
    "command line; 3 a fault.\n";

static const char PROVE_HELP[] =
    "Usage: offtake prove FILE 'PROPERTY' [OPTION]...\n"
    "Checks a property against every decision that the deal can make: all regimes,\n"
    "products, models, pools, kinds of accounts, and all sets of events that nobody\n"
    "has attested yet. Prints the smallest counterexample, or how much was covered.\n\n"
    "  never PRODUCTS ...     no pool there may run them\n"
    "  only PRODUCTS ...      no pool elsewhere may\n"
    "  always PRODUCTS ...    at each instant some pool there may run some model of\n"
    "                         theirs (each model, when models are named)\n"
    "  equivalent OTHER.deal  no decision differs\n"
    "and, in any order:\n"
    "  on NAMES               providers or pools       in NAMES      regions\n"
    "  with NAMES             models                   somewhere     anywhere\n"
    "  for account NAMES      these (none: without)    for group NAMES\n"
    "  before DATE, from DATE, during DATE..DATE\n\n"
    "  offtake prove openai.deal 'never api on oci before 2026-04-27'\n"
    "  offtake prove openai.deal 'always training somewhere'\n\n" ATTEST_HELP
    "  --json         print the verdict as JSON\n"
    "  --help         this text\n\n"
    "Exit status: 0 it holds; 1 it fails, or the deal has errors; 2 wrong command\n"
    "line or property; 3 a fault.\n";

struct options {
    bool json;
    struct cli_attest attest;
};

/* Reads the options that all three have. Returns false when the command is over, with *ret_code. */
static bool options_read(int argc, char **argv, const char *help, struct options *options,
                         int *ret_code)
{
    static const struct option OPTIONS[] = {{"attest", required_argument, NULL, OPT_ATTEST},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    *options = (struct options){0};
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            *ret_code = cli_print(help);
            return false;
        }
        if (option == CLI_OPT_JSON) {
            options->json = true;
        } else if (option != OPT_ATTEST || !cli_attest_add(&options->attest, optarg)) {
            *ret_code = option == OPT_ATTEST
                            ? cli_usage_error(argv[0], "more than %d attestations", CLI_ATTEST_MAX)
                            : CLI_USAGE;
            return false;
        }
    }
    return true;
}

/* Prints OUT, or says what ERR is; WHEN_FALSE is the exit status when the ANSWER is no. */
static int finish(const char *path, enum oft_err err, const struct oft_error *error, bool answer,
                  struct oft_buffer *out)
{
    int code = answer ? CLI_OK : CLI_NO;
    if (err == OFT_ERR_INVALID) {
        code = cli_error(CLI_USAGE, "%s", error->message);
    } else if (err != OFT_OK) {
        code = cli_error(CLI_FAULT, "%s: %s", path, cli_fault_text(err, error));
    } else if (cli_print(oft_buffer_text(out)) != CLI_OK) {
        code = CLI_FAULT;
    }
    oft_buffer_release(out);
    return code;
}

int cli_timeline(int argc, char **argv)
{
    struct options options;
    struct deal_attestation items[CLI_ATTEST_MAX];
    struct deal_attestations attested;
    struct oft_error error = {0};
    struct oft_buffer out;
    int code = CLI_OK;
    if (!options_read(argc, argv, TIMELINE_HELP, &options, &code)) {
        return code;
    }
    if (argc - optind != 1) {
        return cli_usage_error(argv[0], "one deal file is needed, %d given", argc - optind);
    }
    struct deal *deal = cli_deal_read(argv[optind], &code);
    if (deal == NULL) {
        return code;
    }
    code = cli_attest_resolve(argv[0], deal, &options.attest, items, &attested);
    if (code == CLI_OK) {
        oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
        enum oft_err err = deal_timeline(deal, attested, options.json, &out);
        code = finish(argv[optind], err, &error, true, &out);
    }
    deal_free(deal);
    return code;
}

/* Compares two deals; SAME is told. */
static int compare(const char *title, const char *path_a, const char *path_b,
                   const struct options *options)
{
    struct deal_attestation items[2][CLI_ATTEST_MAX];
    struct deal_attestations attested[2];
    struct oft_error error = {0};
    struct oft_buffer out;
    bool same = false;
    int code;
    struct deal *a = cli_deal_read(path_a, &code);
    struct deal *b = a == NULL ? NULL : cli_deal_read(path_b, &code);
    if (b != NULL) {
        code = cli_attest_resolve(title, a, &options->attest, items[0], &attested[0]);
    }
    if (b != NULL && code == CLI_OK) {
        code = cli_attest_resolve(title, b, &options->attest, items[1], &attested[1]);
    }
    if (b != NULL && code == CLI_OK) {
        oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
        enum oft_err err =
            policy_diff(a, attested[0], b, attested[1], options->json, &out, &same, &error);
        code = finish(path_a, err, &error, same, &out);
    }
    deal_free(a);
    deal_free(b);
    return code;
}

int cli_diff(int argc, char **argv)
{
    struct options options;
    int code = CLI_OK;
    if (!options_read(argc, argv, DIFF_HELP, &options, &code)) {
        return code;
    }
    if (argc - optind != 2) {
        return cli_usage_error(argv[0], "two deal files are needed, %d given", argc - optind);
    }
    return compare(argv[0], argv[optind], argv[optind + 1], &options);
}

/* "equivalent OTHER.deal": the path, which may hold blanks. */
static const char *other_deal(const char *property)
{
    static const char word[] = "equivalent ";
    const char *path = property + strspn(property, " ");
    if (strncmp(path, word, sizeof(word) - 1) != 0) {
        return NULL;
    }
    path += sizeof(word) - 1;
    return path + strspn(path, " ");
}

static int prove(const char *title, const char *path, const char *property,
                 const struct options *options)
{
    struct deal_attestation items[CLI_ATTEST_MAX];
    struct deal_attestations attested;
    struct oft_error error = {0};
    struct oft_buffer out;
    bool holds = false;
    int code;
    struct deal *deal = cli_deal_read(path, &code);
    if (deal == NULL) {
        return code;
    }
    code = cli_attest_resolve(title, deal, &options->attest, items, &attested);
    if (code == CLI_OK) {
        oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
        enum oft_err err = policy_prove(deal, attested, oft_str_from(property), options->json, &out,
                                        &holds, &error);
        code = finish(path, err, &error, holds, &out);
    }
    deal_free(deal);
    return code;
}

int cli_prove(int argc, char **argv)
{
    struct options options;
    int code = CLI_OK;
    if (!options_read(argc, argv, PROVE_HELP, &options, &code)) {
        return code;
    }
    if (argc - optind != 2) {
        return cli_usage_error(argv[0], "a deal file and a property (in quotes) are needed");
    }
    const char *other = other_deal(argv[optind + 1]);
    if (other != NULL) {
        return compare(argv[0], argv[optind], other, &options);
    }
    return prove(argv[0], argv[optind], argv[optind + 1], &options);
}
