/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the desk: acts go to cmd_act.c; lists, single things, letters, the desk as a whole and
 * the tokens of parties are read here.
 */
#include <errno.h>
#include <string.h>

#include "cli/desk.h"

enum { OPT_AT = CLI_OPT_OWN, OPT_PDF, OPT_TEXT, OPT_FROM };

static const char HELP[] =
    "Usage: offtake desk [--at INSTANT] [--json]\n"
    "       offtake desk journal [--from N] [--json]\n"
    "       offtake desk verify [--json]\n"
    "       offtake desk outbox [--json]\n"
    "       offtake need|offer|lot|notice|order list [--at INSTANT] [--json]\n"
    "       offtake need|offer|lot|notice|order show REFERENCE [--json]\n"
    "       offtake notice show NOTICE --text | --pdf FILE\n"
    "       offtake right list [--json]\n"
    "       offtake party token create PARTY | list | revoke ID\n"
    "The capacity desk: what is due, by whom, by when, drawn as a timeline; the lists\n"
    "behind it; its journal. docs/desk-guide.md shows how to use it.\n\n"
    "  --at INSTANT   the desk as it was then, or as it will be if nobody acts\n"
    "  --from N       journal: from this event on\n"
    "  --text         notice: the letter\n"
    "  --pdf FILE     notice: the letter as PDF, into FILE\n"
    "  --json         print the answer as JSON\n" CLI_TARGET_HELP
    "\nThe acts: need open, need withdraw, offer add, offer change, offer affirm,\n"
    "offer withdraw, screen, exempt, notice send, notice delivered, notice objected,\n"
    "elect, decline, counter, tender, sign, settle, deliver, withdraw, party default,\n"
    "party cure, party assign, party control. Each explains itself with --help.\n"
    "\nExit status: 0 done; 1 the answer is no; 2 wrong command line; 3 a fault, or\n"
    "nobody answers.\n";

struct look {
    struct cli_target target;
    const char *at, *pdf, *from;
    bool json, text, helped;
};

int cli_desk_get(const struct cli_target *target, const char *path, bool as_json, cli_show_fn show)
{
    struct cli_reply reply;
    int code = cli_call(target, "GET", path, NULL, &reply);
    if (code == CLI_OK && as_json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer == NULL) {
            code = CLI_FAULT;
        } else {
            show(answer);
            code = cli_print("");
        }
        json_decref(answer);
    }
    if (code == CLI_OK && reply.unsound) {
        code = CLI_NO;
    }
    cli_reply_release(&reply);
    return code;
}

/* Options of what looks; *ret_words is the number of words that stay. */
static int look_take(struct look *look, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"at", required_argument, NULL, OPT_AT},
                                            {"pdf", required_argument, NULL, OPT_PDF},
                                            {"text", no_argument, NULL, OPT_TEXT},
                                            {"from", required_argument, NULL, OPT_FROM},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    int option;
    cli_target_init(&look->target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            look->helped = true;
            return cli_print(HELP);
        } else if (option == OPT_AT) {
            look->at = optarg;
        } else if (option == OPT_PDF) {
            look->pdf = optarg;
        } else if (option == OPT_FROM) {
            look->from = optarg;
        } else if (option == OPT_TEXT) {
            look->text = true;
        } else if (option == CLI_OPT_JSON) {
            look->json = true;
        } else if (!cli_target_option(&look->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

/* "/v1/desk" PART with the query that NAME=VALUE makes; both may be NULL. False: it is too long. */
static bool path_make(struct oft_buffer *path, const char *part, const char *reference,
                      const char *name, const char *value)
{
    oft_buffer_init(path, 4096);
    oft_buffer_printf(path, "/v1/desk%s", part);
    if (reference != NULL) {
        oft_buffer_append_char(path, '/');
        cli_encode(path, reference);
    }
    if (value != NULL) {
        oft_buffer_printf(path, "?%s=", name);
        cli_encode(path, value);
    }
    return !path->failed;
}

static int get(const struct look *look, const char *part, const char *reference, const char *name,
               const char *value, cli_show_fn show)
{
    struct oft_buffer path;
    int code = path_make(&path, part, reference, name, value)
                   ? cli_desk_get(&look->target, oft_buffer_text(&path), look->json, show)
                   : cli_usage_error("offtake desk", "that is too long");
    oft_buffer_release(&path);
    return code;
}

/* ---- the desk -------------------------------------------------------------------------------- */

static void journal_show(const json_t *answer)
{
    size_t index;
    const json_t *event;
    char at[20];
    json_array_foreach(json_object_get(answer, "events"), index, event)
    {
        printf("%6d  %-16s  %-20s  %-12s %s\n",
               (int)json_integer_value(json_object_get(event, "number")),
               cli_desk_instant(event, "at", at), cli_json_text(event, "kind"),
               cli_json_text(event, "actor"), cli_json_text(event, "summary"));
    }
}

int cli_desk(int argc, char **argv)
{
    struct look look = {0};
    int code = look_take(&look, argc, argv);
    if (code != CLI_OK || look.helped) {
        return code;
    }
    const char *verb = optind < argc ? argv[optind] : "";
    if (argc - optind > 1) {
        return cli_usage_error(argv[0], "\"%s\" is one word too many", argv[optind + 1]);
    }
    if (verb[0] == '\0') {
        return get(&look, "", NULL, "at", look.at, cli_desk_draw);
    }
    if (strcmp(verb, "journal") == 0) {
        return get(&look, "/journal", NULL, "from", look.from, journal_show);
    }
    if (strcmp(verb, "verify") == 0) {
        return get(&look, "/verify", NULL, "at", NULL, cli_desk_show);
    }
    if (strcmp(verb, "outbox") == 0) {
        return get(&look, "/outbox", NULL, "at", NULL, cli_desk_show);
    }
    return cli_usage_error(argv[0],
                           "say journal, verify or outbox, or nothing for the desk itself");
}

/* ---- lists and single things ------------------------------------------------------------------- */

#define TABLE(name)                                \
    static void table_##name(const json_t *answer) \
    {                                              \
        cli_desk_table(answer, #name);             \
    }
TABLE(needs)
TABLE(offers)
TABLE(lots)
TABLE(notices)
TABLE(orders)
TABLE(rights)

static const struct {
    const char *group, *part;
    cli_show_fn table;
} GROUPS[] = {{"need", "/needs", table_needs},    {"offer", "/offers", table_offers},
              {"lot", "/lots", table_lots},       {"notice", "/notices", table_notices},
              {"order", "/orders", table_orders}, {"right", "/rights", table_rights}};

static int pdf_write(const char *path, const struct cli_reply *reply)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return cli_error(CLI_USAGE, "cannot write %s: %s", path, strerror(errno));
    }
    bool good =
        fwrite(oft_buffer_text(&reply->body), 1, reply->body.length, file) == reply->body.length;
    good = fclose(file) == 0 && good;
    return good ? CLI_OK : cli_error(CLI_FAULT, "cannot write %s", path);
}

static int letter(const struct look *look, const char *reference)
{
    struct oft_buffer path;
    struct cli_reply reply;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/desk/notices/");
    cli_encode(&path, reference);
    oft_buffer_printf(&path, "/document?format=%s", look->pdf != NULL ? "pdf" : "text");
    int code = cli_call(&look->target, "GET", oft_buffer_text(&path), NULL, &reply);
    if (code == CLI_OK) {
        code = look->pdf != NULL ? pdf_write(look->pdf, &reply)
                                 : cli_print(oft_buffer_text(&reply.body));
    }
    cli_reply_release(&reply);
    oft_buffer_release(&path);
    return code;
}

static int look_run(size_t group, int argc, char **argv)
{
    struct look look = {0};
    int code = look_take(&look, argc, argv);
    if (code != CLI_OK || look.helped) {
        return code;
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (strcmp(verb, "list") == 0 && words == 1) {
        return get(&look, GROUPS[group].part, NULL, "at", look.at, GROUPS[group].table);
    }
    if (strcmp(verb, "show") == 0 && words == 2) {
        const char *reference = argv[optind + 1];
        if (look.text || look.pdf != NULL) {
            return strcmp(GROUPS[group].group, "notice") == 0
                       ? letter(&look, reference)
                       : cli_usage_error(argv[0], "only a notice is a letter");
        }
        return get(&look, GROUPS[group].part, reference, "at", look.at, cli_desk_show);
    }
    return cli_usage_error(argv[0], "say list, show REFERENCE, or one of its acts; see --help");
}

/* `offtake GROUP ...`: an act of that group, or a look. */
static int group_run(const char *group, int argc, char **argv)
{
    const struct desk_act *act = argc > 1 ? desk_act_find(group, argv[1]) : NULL;
    if (act != NULL) {
        char title[64];
        (void)snprintf(title, sizeof title, "offtake %s %s", group, act->verb);
        argv[1] = title;
        return cli_act_run(act, argc - 1, argv + 1);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(GROUPS); i++) {
        if (strcmp(GROUPS[i].group, group) == 0) {
            return look_run(i, argc, argv);
        }
    }
    return cli_usage_error(argv[0],
                           "say default, cure, assign, control or token; see offtake desk --help");
}

#define GROUP_COMMAND(name)                  \
    int cli_##name(int argc, char **argv)    \
    {                                        \
        return group_run(#name, argc, argv); \
    }
GROUP_COMMAND(need)
GROUP_COMMAND(offer)
GROUP_COMMAND(lot)
GROUP_COMMAND(notice)
GROUP_COMMAND(order)
GROUP_COMMAND(right)

#define ACT_COMMAND(name)                                         \
    int cli_##name(int argc, char **argv)                         \
    {                                                             \
        return cli_act_run(desk_act_find(#name, ""), argc, argv); \
    }
ACT_COMMAND(screen)
ACT_COMMAND(exempt)
ACT_COMMAND(elect)
ACT_COMMAND(decline)
ACT_COMMAND(counter)
ACT_COMMAND(tender)
ACT_COMMAND(sign)
ACT_COMMAND(settle)
ACT_COMMAND(deliver)

/* `offtake withdraw need-1` or `offer-1`: whichever it is. */
int cli_withdraw(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "need-", 5) == 0) {
            return cli_act_run(desk_act_find("need", "withdraw"), argc, argv);
        }
    }
    return cli_act_run(desk_act_find("offer", "withdraw"), argc, argv);
}

/* ---- parties --------------------------------------------------------------------------------- */

static int token_create(const struct look *look, const char *party)
{
    struct cli_reply reply;
    json_t *body = json_pack("{s:s}", "party", party);
    if (body == NULL) {
        return cli_usage_error("offtake party", "the party's name is not UTF-8");
    }
    int code = cli_call(&look->target, "POST", "/v1/desk/tokens", body, &reply);
    if (code == CLI_OK && look->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer != NULL) {
            printf("%s\n", cli_json_text(answer, "token"));
        }
        code = answer == NULL ? CLI_FAULT : cli_print("");
        json_decref(answer);
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

static int token_revoke(const struct look *look, const char *id)
{
    struct oft_buffer path;
    struct cli_reply reply;
    if (!path_make(&path, "/tokens", id, NULL, NULL)) {
        oft_buffer_release(&path);
        return cli_usage_error("offtake party", "that is no token's id");
    }
    int code = cli_call(&look->target, "DELETE", oft_buffer_text(&path), NULL, &reply);
    if (code == CLI_OK) {
        printf("Token %s is revoked.\n", id);
        code = cli_print("");
    }
    cli_reply_release(&reply);
    oft_buffer_release(&path);
    return code;
}

static void tokens_show(const json_t *answer)
{
    cli_desk_table(answer, "tokens");
}

int cli_party(int argc, char **argv)
{
    struct look look = {0};
    if (argc < 2 || strcmp(argv[1], "token") != 0) {
        return argc > 1 && desk_act_find("party", argv[1]) == NULL && argv[1][0] == '-'
                   ? look_take(&look, argc, argv)
                   : group_run("party", argc, argv);
    }
    int code = look_take(&look, argc, argv);
    if (code != CLI_OK || look.helped) {
        return code;
    }
    int words = argc - optind; /* "token" first */
    const char *verb = words > 1 ? argv[optind + 1] : "";
    if (strcmp(verb, "create") == 0 && words == 3) {
        return token_create(&look, argv[optind + 2]);
    }
    if (strcmp(verb, "revoke") == 0 && words == 3) {
        return token_revoke(&look, argv[optind + 2]);
    }
    if (strcmp(verb, "list") == 0 && words == 2) {
        return get(&look, "/tokens", NULL, "at", NULL, tokens_show);
    }
    return cli_usage_error(argv[0], "say token create PARTY, token list or token revoke ID");
}
