/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake shares` and `offtake deduction`: revenue shares by period, payments of them, and what is taken off
 * revenue before it is shared. The daemon reckons and books; this file asks and prints.
 */
#include <string.h>

#include "cli/client.h"

enum { OPT_AT = CLI_OPT_OWN, OPT_BY, OPT_PERIOD, OPT_ON, OPT_MONTH, OPT_PRODUCT, OPT_REFERENCE };

static const char SHARES_HELP[] =
    "Usage: offtake shares [--at INSTANT] [--json|--csv]\n"
    "       offtake shares pay CLAUSE AMOUNT --period PERIOD --by NAME\n"
    "                      [--on DAY] [--reference TEXT] [--json]\n"
    "Prints each revenue share by its periods: base, deductions, what it comes to,\n"
    "what is kept back, set off, due, paid, and late. With `pay` the books take note\n"
    "of a payment, as 1500.25; below 0 takes one back.\n\n"
    "  --at INSTANT      as of 2026-04-01 or 2026-04-01T12:00:00Z, not of now\n"
    "  --period PERIOD   which one it is for: 2026-04, 2026-Q2 or 2026\n"
    "  --on DAY          when it was paid; today when not said\n"
    "  --by NAME         who says so; the books keep the name\n"
    "  --reference TEXT  the same reference is booked once (a bank's number, say)\n"
    "  --json, --csv     the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no; 2 wrong command line; 3 a fault.\n";

static const char DEDUCTION_HELP[] =
    "Usage: offtake deduction add NAME AMOUNT --month YYYY-MM --by NAME\n"
    "                         [--product PRODUCT] [--reference TEXT] [--json]\n"
    "Takes AMOUNT off the revenue of a month before it is shared, in every share that\n"
    "says `less NAME`; below 0 takes it back. What is told behind a share's claw-back\n"
    "does not count in it, and `offtake shares` says so.\n\n"
    "  --month YYYY-MM    the month of the revenue\n"
    "  --product PRODUCT  only of its revenue; of all when not said\n"
    "  --by NAME          who says so; the books keep the name\n"
    "  --reference TEXT   the same reference is booked once\n"
    "  --json             print the answer as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no; 2 wrong command line; 3 a fault.\n";

struct asked {
    struct cli_target target;
    const char *at, *by, *period, *on, *month, *product, *reference, *format;
};

static const struct option OPTIONS[] = {{"at", required_argument, NULL, OPT_AT},
                                        {"by", required_argument, NULL, OPT_BY},
                                        {"period", required_argument, NULL, OPT_PERIOD},
                                        {"on", required_argument, NULL, OPT_ON},
                                        {"month", required_argument, NULL, OPT_MONTH},
                                        {"product", required_argument, NULL, OPT_PRODUCT},
                                        {"reference", required_argument, NULL, OPT_REFERENCE},
                                        {"json", no_argument, NULL, CLI_OPT_JSON},
                                        {"csv", no_argument, NULL, CLI_OPT_CSV},
                                        CLI_TARGET_OPTIONS,
                                        {0}};

/* False when the command line is done with: *CODE says how. */
static bool read_options(int argc, char **argv, const char *help, struct asked *asked, int *code)
{
    int option;
    *asked = (struct asked){.format = "text"};
    cli_target_init(&asked->target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        const char **texts[] = {&asked->at,    &asked->by,      &asked->period,   &asked->on,
                                &asked->month, &asked->product, &asked->reference};
        if (option == 'h') {
            *code = cli_print(help);
            return false;
        } else if (option >= OPT_AT && option <= OPT_REFERENCE) {
            *texts[option - OPT_AT] = optarg;
        } else if (option == CLI_OPT_JSON || option == CLI_OPT_CSV) {
            asked->format = option == CLI_OPT_JSON ? "json" : "csv";
        } else if (!cli_target_option(&asked->target, option, optarg)) {
            *code = CLI_USAGE;
            return false;
        }
    }
    return true;
}

static void show_booked(const json_t *answer)
{
    bool booked = json_is_true(json_object_get(answer, "booked"));
    const char *of = cli_json_text(answer, "of");
    printf("%s: %s of %s%s%s, %s, %s\n",
           booked ? "booked" : "booked already, under the same reference",
           cli_json_text(answer, "what"), cli_json_text(answer, "name"), of[0] != '\0' ? " " : "",
           of, cli_json_text(answer, "at"), cli_json_text(answer, "amount"));
}

static int tell(const struct asked *asked, const char *title, const char *path, json_t *body)
{
    struct cli_reply reply;
    if (body == NULL) {
        return cli_usage_error(title, "names are UTF-8");
    }
    int code = cli_call(&asked->target, "POST", path, body, &reply);
    if (code == CLI_OK && asked->format[0] == 'j') {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        code = answer == NULL ? CLI_FAULT : CLI_OK;
        if (answer != NULL) {
            show_booked(answer);
        }
        json_decref(answer);
        code = code == CLI_OK ? cli_print("") : code;
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

static const char *or_nothing(const char *text)
{
    return text == NULL ? "" : text;
}

static int list(const struct asked *asked)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/shares?format=%s", asked->format);
    if (asked->at != NULL) {
        oft_buffer_append_text(&path, "&at=");
        cli_encode(&path, asked->at);
    }
    int code = cli_call_and_print(&asked->target, oft_buffer_text(&path));
    oft_buffer_release(&path);
    return code;
}

int cli_shares(int argc, char **argv)
{
    struct asked asked;
    int code = CLI_OK;
    oft_instant instant;
    if (!read_options(argc, argv, SHARES_HELP, &asked, &code)) {
        return code;
    }
    char **words = argv + optind;
    int count = argc - optind;
    if (count == 0) {
        if (asked.at != NULL && oft_instant_parse(oft_str_from(asked.at), &instant) != OFT_OK) {
            return cli_usage_error(argv[0], "\"%s\" is no instant; write 2026-04-01", asked.at);
        }
        return list(&asked);
    }
    if (count != 3 || strcmp(words[0], "pay") != 0) {
        return cli_usage_error(argv[0], "say nothing more, or: pay CLAUSE AMOUNT");
    }
    if (asked.period == NULL || asked.by == NULL) {
        return cli_usage_error(argv[0], "say for which period and who says so: --period, --by");
    }
    return tell(&asked, argv[0], "/v1/shares/payments",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "clause", words[1], "amount", words[2],
                          "period", asked.period, "by", asked.by, "on", or_nothing(asked.on),
                          "reference", or_nothing(asked.reference)));
}

int cli_deduction(int argc, char **argv)
{
    struct asked asked;
    int code = CLI_OK;
    if (!read_options(argc, argv, DEDUCTION_HELP, &asked, &code)) {
        return code;
    }
    char **words = argv + optind;
    if (argc - optind != 3 || strcmp(words[0], "add") != 0) {
        return cli_usage_error(argv[0], "say: add NAME AMOUNT");
    }
    if (asked.month == NULL || asked.by == NULL) {
        return cli_usage_error(argv[0], "say of which month and who says so: --month, --by");
    }
    return tell(&asked, argv[0], "/v1/deductions",
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", words[1], "amount", words[2],
                          "month", asked.month, "by", asked.by, "product",
                          or_nothing(asked.product), "reference", or_nothing(asked.reference)));
}
