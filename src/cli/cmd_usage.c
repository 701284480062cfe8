/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake usage`: where traffic ran, and what was metered wrong and put right. The daemon reckons and books;
 * this file asks and prints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

/* The unit classes come first and in order: an option's place is that of its name. */
enum {
    OPT_UNITS = CLI_OPT_OWN,
    OPT_VOID = OPT_UNITS + 7,
    OPT_TIER,
    OPT_BY,
    OPT_REASON,
    OPT_REFERENCE
};

static const char *const UNITS[] = {"input",     "cached", "cache-write", "output",
                                    "reasoning", "audio",  "image"};

static const char HELP[] =
    "Usage: offtake usage [--json|--csv]\n"
    "       offtake usage correct REQUEST-ID --by NAME --reason TEXT\n"
    "                     [--input N] [--cached N] [--cache-write N] [--output N]\n"
    "                     [--reasoning N] [--audio N] [--image N] [--tier TIER]\n"
    "                     [--void] [--reference TEXT] [--json]\n"
    "       offtake usage corrections [REQUEST-ID] [--json|--csv]\n"
    "Prints where traffic ran: requests and tokens by product, pool and the clause\n"
    "that decided. With `correct` it puts right what was metered of one request: the\n"
    "books take back what it came to and book what is right, and everything that\n"
    "follows from it moves by the difference. In a closed month that is late. With\n"
    "`corrections` it lists what was put right, by whom and why.\n\n"
    "  REQUEST-ID        from the answer's header x-offtake-request-id\n"
    "  --input N         what it truly used of that class, and so --cached,\n"
    "                    --cache-write, --output, --reasoning, --audio, --image;\n"
    "                    what is not said stays as it was\n"
    "  --tier TIER       how it was served: standard, batch, flex or priority\n"
    "  --void            nothing is owed for it, whatever was metered\n"
    "  --by NAME         who says so; the books keep the name\n"
    "  --reason TEXT     why; the books keep that too\n"
    "  --reference TEXT  the same reference is booked once (a ticket's number, say)\n"
    "  --json, --csv     the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no; 2 wrong command line; 3 a fault.\n";

struct asked {
    struct cli_target target;
    const char *units[7];
    const char *tier, *by, *reason, *reference, *format;
    bool is_void;
};

static const struct option OPTIONS[] = {{"input", required_argument, NULL, OPT_UNITS},
                                        {"cached", required_argument, NULL, OPT_UNITS + 1},
                                        {"cache-write", required_argument, NULL, OPT_UNITS + 2},
                                        {"output", required_argument, NULL, OPT_UNITS + 3},
                                        {"reasoning", required_argument, NULL, OPT_UNITS + 4},
                                        {"audio", required_argument, NULL, OPT_UNITS + 5},
                                        {"image", required_argument, NULL, OPT_UNITS + 6},
                                        {"void", no_argument, NULL, OPT_VOID},
                                        {"tier", required_argument, NULL, OPT_TIER},
                                        {"by", required_argument, NULL, OPT_BY},
                                        {"reason", required_argument, NULL, OPT_REASON},
                                        {"reference", required_argument, NULL, OPT_REFERENCE},
                                        {"json", no_argument, NULL, CLI_OPT_JSON},
                                        {"csv", no_argument, NULL, CLI_OPT_CSV},
                                        CLI_TARGET_OPTIONS,
                                        {0}};

static bool take_option(struct asked *asked, int option)
{
    const char **texts[] = {&asked->tier, &asked->by, &asked->reason, &asked->reference};
    if (option >= OPT_UNITS && option < OPT_VOID) {
        asked->units[option - OPT_UNITS] = optarg;
    } else if (option == OPT_VOID) {
        asked->is_void = true;
    } else if (option >= OPT_TIER && option <= OPT_REFERENCE) {
        *texts[option - OPT_TIER] = optarg;
    } else if (option == CLI_OPT_JSON || option == CLI_OPT_CSV) {
        asked->format = option == CLI_OPT_JSON ? "json" : "csv";
    } else {
        return cli_target_option(&asked->target, option, optarg);
    }
    return true;
}

/* ---- correct ----------------------------------------------------------------------------------- */

/* The units that were said, as an object; NULL when one of them is no count: told on stderr. */
static json_t *units_of(const struct asked *asked, const char *title, int *code)
{
    json_t *units = json_object();
    for (size_t i = 0; i < OFT_COUNT_OF(UNITS); i++) {
        char *end = NULL;
        if (asked->units[i] == NULL) {
            continue;
        }
        errno = 0;
        long long count = strtoll(asked->units[i], &end, 10);
        if (errno != 0 || end == asked->units[i] || *end != '\0' || count < 0) {
            *code = cli_usage_error(title, "--%s \"%s\" is no count; write 1200", UNITS[i],
                                    asked->units[i]);
            json_decref(units);
            return NULL;
        }
        (void)json_object_set_new(units, UNITS[i], json_integer((json_int_t)count));
    }
    return units;
}

static void show_units(const json_t *was, const json_t *is)
{
    const char *between = "  ";
    for (size_t i = 0; i < OFT_COUNT_OF(UNITS); i++) {
        json_int_t from =
            json_integer_value(json_object_get(json_object_get(was, "units"), UNITS[i]));
        json_int_t to = json_integer_value(json_object_get(json_object_get(is, "units"), UNITS[i]));
        if (from != to) {
            printf("%s%s %lld -> %lld", between, UNITS[i], (long long)from, (long long)to);
            between = ", ";
        }
    }
    if (between[0] == ',') {
        printf("\n");
    }
}

static void show(const json_t *answer)
{
    if (!json_is_true(json_object_get(answer, "booked"))) {
        printf("nothing to do: the books say so already of %s\n", cli_json_text(answer, "request"));
        return;
    }
    printf("%s %s: transaction %lld\n", cli_json_text(answer, "what"),
           cli_json_text(answer, "request"),
           (long long)json_integer_value(json_object_get(answer, "transaction")));
    show_units(json_object_get(answer, "was"), json_object_get(answer, "is"));
}

static json_t *body_of(const struct asked *asked, const char *request, json_t *units)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:b, s:O}", "request", request, "by", asked->by,
                             "reason", asked->reason, "void", (int)asked->is_void, "units", units);
    if (body != NULL && asked->tier != NULL) {
        (void)json_object_set_new(body, "service_tier", json_string(asked->tier));
    }
    if (body != NULL && asked->reference != NULL) {
        (void)json_object_set_new(body, "reference", json_string(asked->reference));
    }
    return body;
}

static int correct(const struct asked *asked, const char *title, const char *request)
{
    struct cli_reply reply;
    int code = CLI_OK;
    if (asked->by == NULL || asked->reason == NULL) {
        return cli_usage_error(title, "say who says so and why: --by, --reason");
    }
    json_t *units = units_of(asked, title, &code);
    if (units == NULL) {
        return code;
    }
    json_t *body = body_of(asked, request, units);
    json_decref(units);
    if (body == NULL) {
        return cli_usage_error(title, "names and reasons are UTF-8");
    }
    code = cli_call(&asked->target, "POST", "/v1/usage/corrections", body, &reply);
    if (code == CLI_OK && asked->format[0] == 'j') {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        code = answer == NULL ? CLI_FAULT : CLI_OK;
        if (answer != NULL) {
            show(answer);
        }
        json_decref(answer);
        code = code == CLI_OK ? cli_print("") : code;
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

/* ---- lists ------------------------------------------------------------------------------------- */

static int list(const struct asked *asked, const char *path, const char *request)
{
    struct oft_buffer text;
    oft_buffer_init(&text, 4096);
    oft_buffer_printf(&text, "%s?format=%s", path, asked->format);
    if (request != NULL) {
        oft_buffer_append_text(&text, "&request=");
        cli_encode(&text, request);
    }
    int code = cli_call_and_print(&asked->target, oft_buffer_text(&text));
    oft_buffer_release(&text);
    return code;
}

int cli_usage(int argc, char **argv)
{
    struct asked asked = {.format = "text"};
    int option;
    cli_target_init(&asked.target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        }
        if (!take_option(&asked, option)) {
            return CLI_USAGE;
        }
    }
    char **words = argv + optind;
    int count = argc - optind;
    if (count == 0) {
        return list(&asked, "/v1/usage", NULL);
    }
    if (strcmp(words[0], "correct") == 0 && count == 2) {
        return correct(&asked, argv[0], words[1]);
    }
    if (strcmp(words[0], "corrections") == 0 && count <= 2) {
        return list(&asked, "/v1/usage/corrections", count == 2 ? words[1] : NULL);
    }
    return cli_usage_error(argv[0],
                           "say nothing more, or: correct REQUEST-ID, corrections [REQUEST-ID]");
}
