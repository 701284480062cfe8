/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake reload`, `offtake status`, `offtake drain` and `offtake attest`: what is asked of a running
 * daemon. Status prints whatever members the daemon's answer has, so that a newer daemon can say more.
 */
#include <string.h>

#include "cli/client.h"
#include "cli/sign_file.h"
#include "deal/deal.h"

static const char RELOAD_HELP[] =
    "Usage: offtake reload\n"
    "The daemon reads its deal file again, checks it, and puts it into force without\n"
    "dropping a request. A deal with errors changes nothing: the report is printed\n"
    "and the old policy stays.\n\n" CLI_TARGET_HELP
    "\nExit status: 0 in force; 1 the deal has errors; 2 wrong command line; 3 a fault.\n";

static const char STATUS_HELP[] =
    "Usage: offtake status [--json]\n"
    "Prints what the daemon is doing: the policy in force, what is booked, what\n"
    "waits, nginx.\n\n"
    "  --json         print the answer as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 it runs; 2 wrong command line; 3 it does not answer.\n";

static const char DRAIN_HELP[] =
    "Usage: offtake drain [--json]\n"
    "Books everything that the gateway has written by now, and returns when it is in\n"
    "the ledger. The daemon does so by itself all the time; this waits for it.\n\n"
    "  --json         print the answer as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 booked; 2 wrong command line; 3 a fault.\n";

static const char ATTEST_HELP[] =
    "Usage: offtake attest EVENT --by PARTY [--at INSTANT] [--key FILE]\n"
    "       offtake attest EVENT --by PARTY --at INSTANT --print\n"
    "       offtake attest --list [--json]\n"
    "Records that an event of the deal happened, as its attester says. Clauses that\n"
    "wait for it end at that instant. An attestation cannot be taken back. When the\n"
    "party has a key in the deal, the attestation must be signed with it.\n\n"
    "  --by PARTY     who attests; must be the event's attester in the deal\n"
    "  --at INSTANT   when it happened, 2026-01-01 or 2026-01-01T12:00:00Z\n"
    "                 (default: now; must be said when it is signed)\n"
    "  --key FILE     the party's private key, PEM, from `offtake keys party`\n"
    "  --signature HEX\n"
    "                 a signature made elsewhere, of the text that --print shows\n"
    "  --print        print the text that is signed, and record nothing\n"
    "  --list         print what was attested so far\n"
    "  --json         ... as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 recorded; 1 refused; 2 wrong command line; 3 a fault.\n";

enum { OPT_PARTY = CLI_OPT_OWN, OPT_AT, OPT_KEY, OPT_SIGNATURE, OPT_PRINT, OPT_LIST };

struct arguments {
    struct cli_target target;
    bool json;
    const char *party;
    const char *at;
    const char *key;
    const char *signature;
    bool print;
    bool list;
    int first; /* index of the first word that is no option */
};

/* Reads the options that these commands know between them. CLI_OK: go on. -1: help was printed. */
static int arguments_read(int argc, char **argv, const char *help, const struct option *options,
                          struct arguments *arguments)
{
    int option;
    cli_target_init(&arguments->target);
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(help) == CLI_OK ? -1 : CLI_FAULT;
        } else if (option == CLI_OPT_JSON) {
            arguments->json = true;
        } else if (option == OPT_PARTY) {
            arguments->party = optarg;
        } else if (option == OPT_AT) {
            arguments->at = optarg;
        } else if (option == OPT_KEY) {
            arguments->key = optarg;
        } else if (option == OPT_SIGNATURE) {
            arguments->signature = optarg;
        } else if (option == OPT_PRINT) {
            arguments->print = true;
        } else if (option == OPT_LIST) {
            arguments->list = true;
        } else if (!cli_target_option(&arguments->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    arguments->first = optind;
    return CLI_OK;
}

static int no_more_words(int argc, char **argv, const struct arguments *arguments)
{
    return arguments->first == argc ? CLI_OK
                                    : cli_usage_error(argv[0], "\"%s\" is one argument too many",
                                                      argv[arguments->first]);
}

static const struct option JSON_OPTIONS[] = {
    {"json", no_argument, NULL, CLI_OPT_JSON}, CLI_TARGET_OPTIONS, {0}};

int cli_reload(int argc, char **argv)
{
    static const struct option OPTIONS[] = {CLI_TARGET_OPTIONS, {0}};
    struct arguments arguments = {0};
    int code = arguments_read(argc, argv, RELOAD_HELP, OPTIONS, &arguments);
    if (code != CLI_OK || (code = no_more_words(argc, argv, &arguments)) != CLI_OK) {
        return code < 0 ? CLI_OK : code;
    }
    struct cli_reply reply;
    code = cli_call(&arguments.target, "POST", "/v1/reload", NULL, &reply);
    if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer == NULL) {
            code = CLI_FAULT;
        } else {
            fputs(cli_json_text(answer, "report"), stderr);
            printf("Generation %lld is in force.\n",
                   (long long)json_integer_value(json_object_get(answer, "generation")));
            code = cli_print("");
        }
        json_decref(answer);
    }
    cli_reply_release(&reply);
    return code;
}

/* One line a member; nested objects as "nginx.pid". */
static void members_print(const json_t *object, const char *prefix, unsigned depth)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        char label[96];
        bool nested = json_is_object(value);
        (void)snprintf(label, sizeof label, "%.46s%.46s%s", prefix, name, nested ? "." : "");
        if (nested && depth < 4) {
            members_print(value, label, depth + 1);
        } else if (json_is_string(value)) {
            printf("%-24s  %s\n", label, json_string_value(value));
        } else if (json_is_integer(value)) {
            printf("%-24s  %lld\n", label, (long long)json_integer_value(value));
        } else if (json_is_boolean(value)) {
            printf("%-24s  %s\n", label, json_is_true(value) ? "yes" : "no");
        }
    }
}

static int call_and_print_members(const struct arguments *arguments, const char *method,
                                  const char *path)
{
    struct cli_reply reply;
    int code = cli_call(&arguments->target, method, path, NULL, &reply);
    if (code == CLI_OK && arguments->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer == NULL) {
            code = CLI_FAULT;
        } else {
            members_print(answer, "", 0);
            code = cli_print("");
        }
        json_decref(answer);
    }
    cli_reply_release(&reply);
    return code;
}

static int members_run(int argc, char **argv, const char *help, const char *method,
                       const char *path)
{
    struct arguments arguments = {0};
    int code = arguments_read(argc, argv, help, JSON_OPTIONS, &arguments);
    if (code != CLI_OK || (code = no_more_words(argc, argv, &arguments)) != CLI_OK) {
        return code < 0 ? CLI_OK : code;
    }
    return call_and_print_members(&arguments, method, path);
}

int cli_status(int argc, char **argv)
{
    return members_run(argc, argv, STATUS_HELP, "GET", "/v1/status");
}

int cli_drain(int argc, char **argv)
{
    return members_run(argc, argv, DRAIN_HELP, "POST", "/v1/drain");
}

/* The text that the party signs, with the title of the deal that the daemon serves. */
static int statement_make(const struct arguments *arguments, const char *event, oft_instant at,
                          struct oft_buffer *statement)
{
    struct cli_reply reply;
    int code = cli_call(&arguments->target, "GET", "/v1/status", NULL, &reply);
    json_t *answer = code == CLI_OK ? cli_reply_json(&reply) : NULL;
    if (answer != NULL) {
        deal_attestation_statement(cli_json_text(answer, "deal_title"), event, arguments->party, at,
                                   statement);
    } else if (code == CLI_OK) {
        code = CLI_FAULT;
    }
    json_decref(answer);
    cli_reply_release(&reply);
    return code;
}

/* Puts the signature that was asked for into BODY. */
static int attest_sign(const struct arguments *arguments, const char *event, oft_instant at,
                       json_t *body)
{
    struct oft_buffer statement;
    char hex[CLI_SIGNATURE_HEX_BYTES] = "";
    if (arguments->key == NULL && arguments->signature == NULL && !arguments->print) {
        return CLI_OK;
    }
    if (arguments->at == NULL) {
        return cli_usage_error("offtake attest", "what is signed needs --at: when did it happen?");
    }
    oft_buffer_init(&statement, 1u << 16);
    int code = arguments->signature != NULL && !arguments->print
                   ? CLI_OK
                   : statement_make(arguments, event, at, &statement);
    if (code == CLI_OK && arguments->print) {
        code = cli_print(oft_buffer_text(&statement));
    } else if (code == CLI_OK && arguments->key != NULL) {
        code = cli_sign_text(arguments->key, oft_str_from(oft_buffer_text(&statement)), hex);
    } else if (code == CLI_OK) {
        (void)snprintf(hex, sizeof hex, "%s", arguments->signature);
    }
    if (code == CLI_OK && hex[0] != '\0' &&
        json_object_set_new(body, "signature", json_string(hex)) != 0) {
        code = cli_usage_error("offtake attest", "the signature is no hexadecimal text");
    }
    oft_buffer_release(&statement);
    return code;
}

static int attest_send(const struct arguments *arguments, const char *event, const json_t *body)
{
    struct cli_reply reply;
    int code = cli_call(&arguments->target, "POST", "/v1/attest", body, &reply);
    if (code == CLI_OK) {
        bool is_signed = json_object_get(body, "signature") != NULL;
        printf("Recorded: %s attests \"%s\"%s.\n", arguments->party, event,
               is_signed ? ", signed" : "");
        code = cli_print("");
    }
    cli_reply_release(&reply);
    return code;
}

static int attest_list(const struct arguments *arguments)
{
    struct cli_reply reply;
    int code = cli_call(&arguments->target, "GET", "/v1/attestations", NULL, &reply);
    json_t *answer = code == CLI_OK ? cli_reply_json(&reply) : NULL;
    const json_t *items = json_object_get(answer, "attestations");
    const json_t *item;
    size_t index;
    if (code == CLI_OK && arguments->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (answer != NULL && json_array_size(items) == 0) {
        code = cli_print("Nothing was attested.\n");
    } else if (answer != NULL) {
        printf("%-20s  %-16s  %-20s  %-8s\n", "EVENT", "BY", "AT", "");
        json_array_foreach(items, index, item)
        {
            printf("%-20s  %-16s  %-20s  %s\n", cli_json_text(item, "event"),
                   cli_json_text(item, "party"), cli_json_text(item, "at"),
                   json_is_true(json_object_get(item, "signed")) ? "signed" : "");
        }
        code = cli_print("");
    } else if (code == CLI_OK) {
        code = CLI_FAULT;
    }
    json_decref(answer);
    cli_reply_release(&reply);
    return code;
}

int cli_attest(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"by", required_argument, NULL, OPT_PARTY},
                                            {"party", required_argument, NULL, OPT_PARTY},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"key", required_argument, NULL, OPT_KEY},
                                            {"signature", required_argument, NULL, OPT_SIGNATURE},
                                            {"print", no_argument, NULL, OPT_PRINT},
                                            {"list", no_argument, NULL, OPT_LIST},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct arguments arguments = {0};
    int code = arguments_read(argc, argv, ATTEST_HELP, OPTIONS, &arguments);
    if (code != CLI_OK) {
        return code < 0 ? CLI_OK : code;
    }
    if (arguments.list) {
        code = no_more_words(argc, argv, &arguments);
        return code == CLI_OK ? attest_list(&arguments) : code;
    }
    if (argc - arguments.first != 1 || arguments.party == NULL) {
        return cli_usage_error(argv[0], "one event and --by PARTY are needed");
    }
    const char *event = argv[arguments.first];
    oft_instant at = 0;
    if (arguments.at != NULL && cli_instant_parse(arguments.at, &at) != OFT_OK) {
        return cli_usage_error(argv[0], "\"%s\" is no instant; write 2026-01-01", arguments.at);
    }
    /* Without --at the daemon's clock says when: in a rehearsal that is the rehearsed one. */
    json_t *body = json_pack("{s:s, s:s}", "event", event, "party", arguments.party);
    char at_text[OFT_INSTANT_TEXT_BYTES];
    if (body == NULL ||
        (arguments.at != NULL &&
         json_object_set_new(body, "at", json_string(oft_instant_format(at, at_text))))) {
        json_decref(body);
        return cli_usage_error(argv[0], "the event's or the party's name is not UTF-8");
    }
    code = attest_sign(&arguments, event, at, body);
    if (code == CLI_OK && !arguments.print) {
        code = attest_send(&arguments, event, body);
    }
    json_decref(body);
    return code;
}
