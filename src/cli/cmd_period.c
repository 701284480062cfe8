/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake period`: which months are open, soft-closed and closed, and closing one.
 */
#include <string.h>

#include "cli/statement.h"

enum { OPT_BY = CLI_OPT_OWN };

static const char HELP[] =
    "Usage: offtake period list [--json]\n"
    "       offtake period soft-close|close YYYY-MM --by NAME [--json]\n"
    "Months of the whole books: open, soft-closed, closed; in order, and never\n"
    "back. What belongs to a soft-closed month still lands in it, told apart as late.\n"
    "A closed month never changes: what belongs to it lands in the first open month\n"
    "and names its own. Each closing is an event in the books' chain.\n\n"
    "  --by NAME      who closes it; the books keep the name\n"
    "  --json         print the answer as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no (it is not over, or not its turn);\n"
    "2 wrong command line; 3 a fault.\n";

static void show_act(const char *what, const json_t *act)
{
    if (json_is_object(act)) {
        printf("    %s by ", what);
        cli_statement_act(act);
        printf(" (transaction %lld)\n",
               (long long)json_integer_value(json_object_get(act, "transaction")));
    }
}

static void show_period(const json_t *period)
{
    printf("%s  %s\n", cli_json_text(period, "month"), cli_json_text(period, "state"));
    show_act("soft-closed", json_object_get(period, "soft_closed"));
    show_act("closed", json_object_get(period, "closed"));
}

static void show_list(const json_t *answer)
{
    size_t i;
    const json_t *period;
    const char *late = cli_json_text(answer, "late_lands_in");
    if (json_array_size(json_object_get(answer, "periods")) == 0) {
        printf("Nothing is booked yet.\n");
    }
    json_array_foreach(json_object_get(answer, "periods"), i, period)
    {
        show_period(period);
    }
    if (late[0] != '\0') {
        printf("What belongs to a closed month lands in %s.\n", late);
    }
}

static int call(const struct cli_target *target, const char *method, const char *path,
                const json_t *body, bool as_json)
{
    struct cli_reply reply;
    int code = cli_call(target, method, path, body, &reply);
    if (code == CLI_OK && as_json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer == NULL) {
            code = CLI_FAULT;
        } else if (body == NULL) {
            show_list(answer);
        } else {
            show_period(answer);
        }
        json_decref(answer);
        code = code == CLI_OK ? cli_print("") : code;
    }
    cli_reply_release(&reply);
    return code;
}

static int close_month(const struct cli_target *target, const char *title, char **words,
                       const char *by, bool as_json)
{
    int32_t month;
    char path[128];
    if (by == NULL) {
        return cli_usage_error(title, "say who closes it: --by NAME");
    }
    if (oft_month_parse(oft_str_from(words[1]), &month) != OFT_OK) {
        return cli_usage_error(title, "\"%s\" is no month; write 2026-04", words[1]);
    }
    (void)snprintf(path, sizeof path, "/v1/periods/%.32s/%s", words[1], words[0]);
    json_t *body = json_pack("{s:s}", "by", by);
    int code = body == NULL ? cli_usage_error(title, "names are UTF-8")
                            : call(target, "POST", path, body, as_json);
    json_decref(body);
    return code;
}

int cli_period(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"by", required_argument, NULL, OPT_BY},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct cli_target target;
    const char *by = NULL;
    bool as_json = false;
    int option;
    cli_target_init(&target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        } else if (option == OPT_BY) {
            by = optarg;
        } else if (option == CLI_OPT_JSON) {
            as_json = true;
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    char **words = argv + optind;
    int count = argc - optind;
    if (count == 1 && strcmp(words[0], "list") == 0) {
        return call(&target, "GET", "/v1/periods", NULL, as_json);
    }
    if (count == 2 && (strcmp(words[0], "soft-close") == 0 || strcmp(words[0], "close") == 0)) {
        return close_month(&target, argv[0], words, by, as_json);
    }
    return cli_usage_error(argv[0], "say list, or soft-close or close and a month");
}
