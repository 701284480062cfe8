/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake programme`: what funders pledged, what of it is called, paid and drawn; and telling it.
 */
#include <string.h>

#include "cli/client.h"

enum { OPT_BY = CLI_OPT_OWN, OPT_REFERENCE, OPT_DUE, OPT_ON, OPT_ORDER, OPT_AT };

static const char HELP[] =
    "Usage: offtake programme list [--at INSTANT] [--json|--csv]\n"
    "       offtake programme show NAME [--at INSTANT] [--json|--csv]\n"
    "       offtake programme call NAME AMOUNT --due DATE --by WHO --reference R\n"
    "       offtake programme pay NAME FUNDER AMOUNT --on DATE --by WHO --reference R\n"
    "       offtake programme draw NAME AMOUNT --order ORDER --by WHO --reference R\n"
    "Funding programmes of the deal: each funder's pledge and what of it is called,\n"
    "paid, overdue and left; each call and its parts; the cash and what was drawn\n"
    "for which order. A call is split by the funders' shares. What would exceed a\n"
    "pledge, what is called, or the cash is refused. AMOUNT is 1250000.50 or 10bn,\n"
    "in the deal's currency.\n\n"
    "  --due DATE     the day by which a call is to be paid (UTC)\n"
    "  --on DATE      the day on which a funder paid; its oldest calls come first\n"
    "  --order ORDER  what the cash is for: order-2 of the desk, or an order of the\n"
    "                 deal, AGREEMENT.CLAUSE\n"
    "  --by WHO       who tells it; the books keep the name\n"
    "  --reference R  your own name for it: told twice, it is done once\n"
    "  --at INSTANT   as of 2026-04-01 or 2026-04-01T12:00:00Z, not of now\n"
    "  --json, --csv  in a form for programs; what is told has --json alone\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no (refused, or an unknown name);\n"
    "2 wrong command line; 3 a fault.\n";

struct programme_words {
    struct cli_target target;
    const char *title;
    const char *by, *reference, *due, *on, *order, *at;
    const char *format; /* "text", "json", "csv" */
};

static int show(const struct programme_words *it, const char *name)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/programmes");
    if (name != NULL) {
        oft_buffer_append_text(&path, "/");
        cli_encode(&path, name);
    }
    oft_buffer_printf(&path, "?format=%s", it->format);
    if (it->at != NULL) {
        oft_buffer_append_text(&path, "&at=");
        cli_encode(&path, it->at);
    }
    int code = path.failed ? cli_usage_error(it->title, "that is too long")
                           : cli_call_and_print(&it->target, oft_buffer_text(&path));
    oft_buffer_release(&path);
    return code;
}

static int print_told(const struct cli_reply *reply, bool as_json)
{
    if (as_json) {
        return cli_print(oft_buffer_text(&reply->body));
    }
    json_t *answer = cli_reply_json(reply);
    if (answer == NULL) {
        return CLI_FAULT;
    }
    printf("%s of %s under %s, by %s, %s%s (transaction %lld)\n", cli_json_text(answer, "what"),
           cli_json_text(answer, "programme"), cli_json_text(answer, "reference"),
           cli_json_text(answer, "by"), cli_json_text(answer, "at"),
           json_is_true(json_object_get(answer, "again")) ? ", done before" : "",
           (long long)json_integer_value(json_object_get(answer, "transaction")));
    json_decref(answer);
    return cli_print("");
}

/* Takes BODY over. */
static int tell(const struct programme_words *it, const char *name, const char *what, json_t *body)
{
    struct oft_buffer path;
    struct cli_reply reply;
    int code;
    if (body == NULL) {
        return cli_usage_error(it->title, "names are UTF-8");
    }
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/programmes/");
    cli_encode(&path, name);
    oft_buffer_printf(&path, "/%s", what);
    code = cli_call(&it->target, "POST", oft_buffer_text(&path), body, &reply);
    if (code == CLI_OK) {
        code = print_told(&reply, it->format[0] == 'j');
    }
    cli_reply_release(&reply);
    oft_buffer_release(&path);
    json_decref(body);
    return code;
}

static int act(const struct programme_words *it, char **words, int count)
{
    bool call = strcmp(words[0], "call") == 0;
    bool pay = strcmp(words[0], "pay") == 0;
    const char *needed = call ? it->due : pay ? it->on : it->order;
    if (count != (pay ? 4 : 3)) {
        return cli_usage_error(it->title, "write %s NAME %sAMOUNT", words[0], pay ? "FUNDER " : "");
    }
    if (needed == NULL || it->by == NULL || it->reference == NULL) {
        return cli_usage_error(it->title, "%s needs %s, --by WHO and --reference R", words[0],
                               call  ? "--due DATE"
                               : pay ? "--on DATE"
                                     : "--order ORDER");
    }
    if (it->at != NULL || it->format[0] == 'c' || (it->due != NULL && !call) ||
        (it->on != NULL && !pay) || (it->order != NULL && (call || pay))) {
        return cli_usage_error(it->title, "an option does not go with %s", words[0]);
    }
    if (pay) {
        return tell(it, words[1], "payments",
                    json_pack("{s:s, s:s, s:s, s:s, s:s}", "funder", words[2], "amount", words[3],
                              "on", it->on, "by", it->by, "reference", it->reference));
    }
    return tell(it, words[1], call ? "calls" : "draws",
                json_pack("{s:s, s:s, s:s, s:s}", "amount", words[2], call ? "due" : "order",
                          needed, "by", it->by, "reference", it->reference));
}

static int run(const struct programme_words *it, char **words, int count)
{
    oft_instant instant;
    bool list = count == 1 && strcmp(words[0], "list") == 0;
    if (it->at != NULL && oft_instant_parse(oft_str_from(it->at), &instant) != OFT_OK) {
        return cli_usage_error(it->title, "\"%s\" is no instant; write 2026-04-01", it->at);
    }
    if (list || (count == 2 && strcmp(words[0], "show") == 0)) {
        if (it->by != NULL || it->reference != NULL || it->due != NULL || it->on != NULL ||
            it->order != NULL) {
            return cli_usage_error(it->title, "%s takes --at, --json and --csv alone", words[0]);
        }
        return show(it, list ? NULL : words[1]);
    }
    if (count > 0 && (strcmp(words[0], "call") == 0 || strcmp(words[0], "pay") == 0 ||
                      strcmp(words[0], "draw") == 0)) {
        return act(it, words, count);
    }
    return cli_usage_error(it->title, "say list, show NAME, call, pay or draw");
}

int cli_programme(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"by", required_argument, NULL, OPT_BY},
                                            {"reference", required_argument, NULL, OPT_REFERENCE},
                                            {"due", required_argument, NULL, OPT_DUE},
                                            {"on", required_argument, NULL, OPT_ON},
                                            {"order", required_argument, NULL, OPT_ORDER},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct programme_words it = {.title = argv[0], .format = "text"};
    const char **const texts[] = {&it.by, &it.reference, &it.due, &it.on, &it.order, &it.at};
    int option;
    cli_target_init(&it.target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        } else if (option >= OPT_BY && option <= OPT_AT) {
            *texts[option - OPT_BY] = optarg;
        } else if (option == CLI_OPT_JSON || option == CLI_OPT_CSV) {
            it.format = option == CLI_OPT_JSON ? "json" : "csv";
        } else if (!cli_target_option(&it.target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return run(&it, argv + optind, argc - optind);
}
