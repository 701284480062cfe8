/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake explain`: compiles a deal file as the daemon would and asks the gateway's own decision
 * function about one product, model and instant. It needs no daemon; commitments count as being on
 * their line, because only the books know better.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/deal_file.h"
#include "policy/compile.h"
#include "policy/decide.h"

enum {
    OPT_PRODUCT = CLI_OPT_OWN,
    OPT_MODEL,
    OPT_AT,
    OPT_REGION,
    OPT_ATTEST,
    OPT_ACCOUNT,
    OPT_WHY_NOT,
    OPT_BATCH,
    OPT_ORDERS,
    OPT_PATH
};

static const char HELP[] =
    "Usage: offtake explain FILE --product P --model M [OPTION]...\n"
    "       offtake explain FILE --product P --path PATH [OPTION]...\n"
    "       offtake explain FILE --batch [--attest EVENT=INSTANT]...\n"
    "Prints the pools on which a request may run, in the order in which they would\n"
    "be tried, and the pools that are barred; each with the clause that decides.\n\n"
    "  --product P    the product that the request belongs to\n"
    "  --model M      the model that it asks for\n"
    "  --path PATH    the path that it goes to, /v1/messages or \"GET /v1/files/x\":\n"
    "                 bars pools that do not speak its API; files and the like need\n"
    "                 no model (default: any path)\n"
    "  --at INSTANT   a date or an instant, 2025-06-01 or 2025-06-01T12:00:00Z\n"
    "                 (default: now)\n"
    "  --account A    the account that asks: its groups and surface may matter\n"
    "                 (default: none)\n"
    "  --region R     only pools in this region\n"
    "  --why-not P    tell about this pool only\n"
    "  --attest EVENT=INSTANT\n"
    "                 suppose that an event of the deal happened; may be repeated\n" CLI_ORDERS_HELP
    "  --json         print the answer as JSON\n"
    "  --batch        read questions from standard input, a line each, five fields\n"
    "                 with tabs between: instant, product, model, account, region\n"
    "                 (- for none); answer each with a line (docs/semantics.md)\n"
    "  --help         this text\n\n"
    "Exit status: 0 answered; 1 the deal has errors or knows no such product or\n"
    "model; 2 wrong command line; 3 a fault.\n";

struct question {
    const char *path, *orders, *product, *model, *region, *account, *why_not, *asked_path;
    oft_instant at;
    bool json;
    bool batch;
    struct cli_attest attest;
};

/* Answers each line of standard input; the answers go out in blocks. */
static enum oft_err answer_lines(const struct oft_buffer *bytes, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    struct policy_view view;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    enum oft_err err = policy_open(&view, bytes->data, bytes->length, reterr);
    while (err == OFT_OK && (length = getline(&line, &room, stdin)) >= 0) {
        if (length > 0 && line[length - 1] == '\n') {
            length--;
        }
        policy_explain_line(&view, (struct oft_str){line, (size_t)length}, out);
        if (out->failed) {
            err = oft_fail(reterr, OFT_ERR_MEMORY, "no memory for the answers");
        } else if (out->length > (1u << 16)) {
            err = cli_print(oft_buffer_text(out)) == CLI_OK ? OFT_OK : OFT_ERR_IO;
            oft_buffer_clear(out);
        }
    }
    free(line);
    if (err == OFT_OK && out->length > 0 && cli_print(oft_buffer_text(out)) != CLI_OK) {
        err = OFT_ERR_IO;
    }
    return err;
}

static struct oft_str text_or_none(const char *text)
{
    return oft_str_from(text == NULL ? "" : text);
}

static enum oft_err answer(const struct question *question, const struct oft_buffer *bytes,
                           struct oft_buffer *out, struct oft_error *reterr)
{
    const struct policy_explain_question asked = {.product = text_or_none(question->product),
                                                  .model = text_or_none(question->model),
                                                  .account = text_or_none(question->account),
                                                  .region = text_or_none(question->region),
                                                  .why_not = text_or_none(question->why_not),
                                                  .path = text_or_none(question->asked_path),
                                                  .at = question->at};
    if (question->batch) {
        return answer_lines(bytes, out, reterr);
    }
    return policy_explain(bytes->data, bytes->length, &asked, question->json, out, reterr);
}

static int explain_deal(const struct question *question, const struct deal *deal)
{
    struct deal_attestation items[CLI_ATTEST_MAX];
    struct deal_attestations attested;
    int code = cli_attest_resolve("offtake explain", deal, &question->attest, items, &attested);
    if (code != CLI_OK) {
        return code;
    }
    struct policy_compile_input input = {
        .deal = deal,
        .attested = attested,
        .generation = 1,
        .compiled_ns = question->at,
    };
    struct oft_buffer bytes, out;
    struct oft_error error = {0};
    oft_buffer_init(&bytes, OFT_SNAPSHOT_BYTES_MAX);
    oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
    enum oft_err err = policy_compile(&input, &bytes, NULL, &error);
    if (err == OFT_OK) {
        err = answer(question, &bytes, &out, &error);
    }
    if (err == OFT_OK && question->batch) {
        code = CLI_OK; /* written as they were asked */
    } else if (err == OFT_OK) {
        code = cli_print(oft_buffer_text(&out));
    } else {
        code = cli_error(err == OFT_ERR_NOT_FOUND ? CLI_NO : CLI_FAULT, "%s: %s", question->path,
                         cli_fault_text(err, &error));
    }
    oft_buffer_release(&out);
    oft_buffer_release(&bytes);
    return code;
}

static int question_option(struct question *question, int option, const char *value)
{
    switch (option) {
    case OPT_PRODUCT:
        question->product = value;
        return CLI_OK;
    case OPT_MODEL:
        question->model = value;
        return CLI_OK;
    case OPT_REGION:
        question->region = value;
        return CLI_OK;
    case OPT_ACCOUNT:
        question->account = value;
        return CLI_OK;
    case OPT_WHY_NOT:
        question->why_not = value;
        return CLI_OK;
    case OPT_BATCH:
        question->batch = true;
        return CLI_OK;
    case OPT_PATH:
        question->asked_path = value;
        return CLI_OK;
    case OPT_ORDERS:
        question->orders = value;
        return CLI_OK;
    case OPT_AT:
        if (cli_instant_parse(value, &question->at) != OFT_OK) {
            return cli_usage_error("offtake explain",
                                   "\"%s\" is no instant; write 2025-06-01 or 2025-06-01T12:00:00Z",
                                   value);
        }
        return CLI_OK;
    case OPT_ATTEST:
        return cli_attest_add(&question->attest, value)
                   ? CLI_OK
                   : cli_usage_error("offtake explain", "more than %d attestations",
                                     CLI_ATTEST_MAX);
    case CLI_OPT_JSON:
        question->json = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

int cli_explain(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"product", required_argument, NULL, OPT_PRODUCT},
                                            {"model", required_argument, NULL, OPT_MODEL},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"region", required_argument, NULL, OPT_REGION},
                                            {"attest", required_argument, NULL, OPT_ATTEST},
                                            {"account", required_argument, NULL, OPT_ACCOUNT},
                                            {"why-not", required_argument, NULL, OPT_WHY_NOT},
                                            {"batch", no_argument, NULL, OPT_BATCH},
                                            {"orders", required_argument, NULL, OPT_ORDERS},
                                            {"path", required_argument, NULL, OPT_PATH},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct question question = {.at = cli_now()};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        }
        int code = question_option(&question, option, optarg);
        if (code != CLI_OK) {
            return code;
        }
    }
    bool named =
        question.product != NULL && (question.model != NULL || question.asked_path != NULL);
    if (argc - optind != 1 || (!named && !question.batch)) {
        return cli_usage_error(argv[0], "a deal file, --product and --model are needed");
    }
    question.path = argv[optind];
    int code;
    struct deal *deal = cli_deal_read_with(question.path, question.orders, &code);
    if (deal == NULL) {
        return code;
    }
    code = explain_deal(&question, deal);
    deal_free(deal);
    return code;
}
