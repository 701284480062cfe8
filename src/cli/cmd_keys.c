/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake keys`: creates, lists, limits, rotates and revokes API keys. A key belongs to one account and one product;
 * its token is printed once, when it is made, and cannot be had again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sign.h"
#include "cli/client.h"

enum {
    OPT_ACCOUNT = CLI_OPT_OWN,
    OPT_PRODUCT,
    OPT_OUT,
    OPT_KEEP,
    OPT_LIMIT, /* the first of LIMIT_NAMES; the others follow */
};

/* Members of the body; the options have the same names with hyphens. The first three are numbers. */
enum { LIMIT_NUMBERS = 3, LIMIT_NAMES = 5 };
static const char *const LIMITS[LIMIT_NAMES] = {"requests_per_minute", "tokens_per_minute",
                                                "concurrent_requests", "budget_per_day",
                                                "budget_per_month"};
static const char *const LIMIT_WORDS[LIMIT_NAMES] = {"requests/min", "tokens/min", "at once",
                                                     "a day", "a month"};

static const char HELP[] =
    "Usage: offtake keys create --account A --product P [LIMITS] [--json]\n"
    "       offtake keys list [--json]\n"
    "       offtake keys limit ID [LIMITS]\n"
    "       offtake keys rotate ID [--keep TIME] [--json]\n"
    "       offtake keys revoke ID\n"
    "       offtake keys party NAME --out FILE\n"
    "A key belongs to one account and one product of the deal: it is how the gateway\n"
    "knows what a request is for. The token is shown once; only its hash is kept.\n"
    "`limit` puts new limits in the place of all that the key had; without LIMITS it\n"
    "has none. `rotate` gives the key a new token; its id, limits and what it spent\n"
    "stay, and the token of before ends at once or is good for TIME yet.\n"
    "A party's key is another thing: with it a party signs what it attests. `party`\n"
    "makes a pair, keeps the private half in FILE and prints the line for the deal;\n"
    "it asks no daemon.\n\n"
    "  --account A                whose key it is\n"
    "  --product P                what it is for\n"
    "  --keep TIME                30m, 24h or 7d; up to 90d\n"
    "  --out FILE                 where the private key goes; it must not exist\n"
    "  --json                     print the answer as JSON\n"
    "LIMITS are any of these, besides those that the deal sets for the account and\n"
    "the product:\n"
    "  --requests-per-minute N\n"
    "  --tokens-per-minute N      input and output\n"
    "  --concurrent-requests N    how many at a time\n"
    "  --budget-per-day AMOUNT    in the currency of the books: 250.00\n"
    "  --budget-per-month AMOUNT\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 no such account, product or key; 2 wrong command line, or\n"
    "a limit that cannot be; 3 a fault.\n";

struct keys_request {
    const char *account, *product, *out, *keep;
    const char *limits[LIMIT_NAMES]; /* as written; NULL: not said */
    bool json;
};

/* What the daemon says of a limit that cannot be is told to the user; here is only what is no number at all. */
static bool limits_put(json_t *body, const struct keys_request *request)
{
    for (int i = 0; i < LIMIT_NAMES; i++) {
        const char *text = request->limits[i];
        if (text == NULL) {
            continue;
        }
        json_t *value = NULL;
        if (i >= LIMIT_NUMBERS) {
            value = json_string(text);
        } else if (text[0] != '\0' && strlen(text) <= 15 &&
                   strspn(text, "0123456789") == strlen(text)) {
            value = json_integer(strtoll(text, NULL, 10));
        }
        if (value == NULL) {
            return false;
        }
        (void)json_object_set_new(body, LIMITS[i], value);
    }
    return true;
}

static int limits_wrong(json_t *body)
{
    json_decref(body);
    return cli_usage_error("offtake keys",
                           "a limit is a number, and a budget an amount like 250.00");
}

static int token_print(const struct cli_reply *reply, const char *words, const char *more)
{
    json_t *answer = cli_reply_json(reply);
    if (answer == NULL) {
        return CLI_FAULT;
    }
    printf("%s\n", cli_json_text(answer, "token"));
    if (isatty(STDOUT_FILENO) == 1) {
        printf("Key %s%s%s.\nThe token is shown this once; only its hash is kept.\n",
               cli_json_text(answer, "id"), words, more);
    }
    json_decref(answer);
    return cli_print("");
}

static int keys_create(const struct cli_target *target, const struct keys_request *request)
{
    if (request->account == NULL || request->product == NULL) {
        return cli_usage_error("offtake keys", "create needs --account and --product");
    }
    json_t *body =
        json_pack("{s:s, s:s}", "account", request->account, "product", request->product);
    if (body == NULL) {
        return cli_usage_error("offtake keys", "the account's or the product's name is not UTF-8");
    }
    if (!limits_put(body, request)) {
        return limits_wrong(body);
    }
    struct cli_reply reply;
    int code = cli_call(target, "POST", "/v1/keys", body, &reply);
    if (code == CLI_OK && request->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        code = token_print(&reply, " is for account ", request->account);
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

/* A line below the key's for what limits it. */
static void limits_print(const json_t *limits)
{
    const char *comma = "    limits: ";
    for (int i = 0; i < LIMIT_NAMES; i++) {
        const json_t *value = json_object_get(limits, LIMITS[i]);
        if (json_is_integer(value)) {
            printf("%s%lld %s", comma, (long long)json_integer_value(value), LIMIT_WORDS[i]);
        } else if (json_is_string(value)) {
            printf("%s%s %s", comma, json_string_value(value), LIMIT_WORDS[i]);
        } else {
            continue;
        }
        comma = ", ";
    }
    if (json_object_size(limits) > 0) {
        printf("\n");
    }
}

static void keys_table_print(const json_t *keys)
{
    size_t index;
    const json_t *key;
    printf("%-16s  %-20s  %-14s  %-20s\n", "KEY", "ACCOUNT", "PRODUCT", "CREATED");
    json_array_foreach(keys, index, key)
    {
        const json_t *revoked = json_object_get(key, "revoked");
        bool is_revoked = json_is_true(revoked) || json_string_length(revoked) > 0;
        printf("%-16s  %-20s  %-14s  %s%s\n", cli_json_text(key, "id"),
               cli_json_text(key, "account"), cli_json_text(key, "product"),
               cli_json_text(key, "created"), is_revoked ? "  revoked" : "");
        if (json_object_get(key, "former_token_until") != NULL && !is_revoked) {
            printf("    the token of before is good until %s\n",
                   cli_json_text(key, "former_token_until"));
        }
        limits_print(json_object_get(key, "limits"));
    }
}

static int keys_list(const struct cli_target *target, const struct keys_request *request)
{
    struct cli_reply reply;
    int code = cli_call(target, "GET", "/v1/keys", NULL, &reply);
    if (code == CLI_OK && request->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        const json_t *keys = json_object_get(answer, "keys");
        if (answer == NULL) {
            code = CLI_FAULT;
        } else if (json_array_size(keys) == 0) {
            code = cli_print("There are no keys. Make one:\n"
                             "  offtake keys create --account A --product P\n");
        } else {
            keys_table_print(keys);
            code = cli_print("");
        }
        json_decref(answer);
    }
    cli_reply_release(&reply);
    return code;
}

/* METHOD on the key and what comes after its id. */
static int key_call(const struct cli_target *target, const char *method, const char *key_id,
                    const char *after, json_t *body, struct cli_reply *reply)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 1024);
    oft_buffer_append_text(&path, "/v1/keys/");
    cli_encode(&path, key_id);
    oft_buffer_append_text(&path, after);
    if (path.failed) {
        oft_buffer_release(&path);
        *reply = (struct cli_reply){0};
        return cli_usage_error("offtake keys",
                               "that is no key's id; `offtake keys list` shows them");
    }
    int code = cli_call(target, method, oft_buffer_text(&path), body, reply);
    oft_buffer_release(&path);
    return code;
}

static int keys_revoke(const struct cli_target *target, const char *key_id)
{
    struct cli_reply reply;
    int code = key_call(target, "DELETE", key_id, "", NULL, &reply);
    if (code == CLI_OK) {
        printf("Key %s is revoked; requests with it are refused from now on.\n", key_id);
        code = cli_print("");
    }
    cli_reply_release(&reply);
    return code;
}

static int keys_limit(const struct cli_target *target, const char *key_id,
                      const struct keys_request *request)
{
    struct cli_reply reply;
    json_t *body = json_object();
    if (!limits_put(body, request)) {
        return limits_wrong(body);
    }
    int code = key_call(target, "POST", key_id, "/limits", body, &reply);
    if (code == CLI_OK && request->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        printf("Key %s has these limits now, and those of its account and product%s\n", key_id,
               json_object_size(body) == 0 ? ": none of its own" : ":");
        limits_print(body);
        code = cli_print("");
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

/* "30m", "24h", "7d" in seconds; 0: that is none. */
static json_int_t keep_seconds(const char *text)
{
    static const struct {
        char letter;
        json_int_t seconds;
    } UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (digits > 0 && digits <= 7 && text[digits] == UNITS[i].letter &&
            text[digits + 1] == '\0') {
            return strtoll(text, NULL, 10) * UNITS[i].seconds;
        }
    }
    return 0;
}

static int keys_rotate(const struct cli_target *target, const char *key_id,
                       const struct keys_request *request)
{
    struct cli_reply reply;
    json_int_t keep = request->keep == NULL ? 0 : keep_seconds(request->keep);
    if (request->keep != NULL && keep <= 0) {
        return cli_usage_error("offtake keys", "--keep takes a time like 30m, 24h or 7d");
    }
    json_t *body = json_object();
    if (keep > 0) {
        (void)json_object_set_new(body, "keep_seconds", json_integer(keep));
    }
    int code = key_call(target, "POST", key_id, "/rotate", body, &reply);
    if (code == CLI_OK && request->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        code = token_print(&reply,
                           keep > 0 ? " has a new token; the one of before is good for "
                                    : " has a new token; the one of before is refused",
                           keep > 0 ? request->keep : "");
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

/* A name as a deal may have it, as far as it can be printed into one. */
static bool is_name(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
    size_t length = strlen(text);
    return length > 0 && length <= 63 && strspn(text, letters) == length;
}

/* Writes the private half where only its owner reads it, and never over anything. */
static int private_key_write(const char *path, const char *pem, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return cli_error(CLI_FAULT, "cannot make %s: %s", path, strerror(errno));
    }
    ssize_t written = write(fd, pem, length);
    bool good = written >= 0 && (size_t)written == length && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (!good) {
        (void)unlink(path);
        return cli_error(CLI_FAULT, "cannot write %s: %s", path, strerror(errno));
    }
    return CLI_OK;
}

static int keys_party(const char *party, const struct keys_request *request)
{
    char pem[OFT_SIGN_PEM_BYTES_MAX];
    char text[OFT_SIGN_PUBLIC_TEXT_BYTES];
    uint8_t public_key[OFT_SIGN_PUBLIC_BYTES];
    size_t length = 0;
    if (request->out == NULL) {
        return cli_usage_error("offtake keys", "party needs --out FILE for the private key");
    }
    if (oft_sign_new(pem, &length, public_key) != OFT_OK) {
        return cli_error(CLI_FAULT, "no key could be made");
    }
    int code = private_key_write(request->out, pem, length);
    oft_wipe(pem, sizeof pem);
    if (code == CLI_OK && request->json) {
        printf("{\"party\":\"%s\",\"key\":\"%s\"}\n", party,
               oft_sign_public_text(public_key, text));
    } else if (code == CLI_OK) {
        printf("party %s key \"%s\"\n", party, oft_sign_public_text(public_key, text));
    }
    return code == CLI_OK ? cli_print("") : code;
}

static int keys_run(const struct cli_target *target, const struct keys_request *request, int words,
                    char **word)
{
    const char *verb = words > 0 ? word[0] : "";
    const char *name = words == 2 ? word[1] : "";
    if (strcmp(verb, "create") == 0 && words == 1) {
        return keys_create(target, request);
    }
    if (strcmp(verb, "list") == 0 && words == 1) {
        return keys_list(target, request);
    }
    if (strcmp(verb, "limit") == 0 && name[0] != '\0') {
        return keys_limit(target, name, request);
    }
    if (strcmp(verb, "rotate") == 0 && name[0] != '\0') {
        return keys_rotate(target, name, request);
    }
    if (strcmp(verb, "revoke") == 0 && name[0] != '\0') {
        return keys_revoke(target, name);
    }
    if (strcmp(verb, "party") == 0 && is_name(name)) {
        return keys_party(name, request);
    }
    return cli_usage_error("offtake keys",
                           "say create, list, limit ID, rotate ID, revoke ID, or party NAME");
}

int cli_keys(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"account", required_argument, NULL, OPT_ACCOUNT},
        {"product", required_argument, NULL, OPT_PRODUCT},
        {"out", required_argument, NULL, OPT_OUT},
        {"keep", required_argument, NULL, OPT_KEEP},
        {"requests-per-minute", required_argument, NULL, OPT_LIMIT},
        {"tokens-per-minute", required_argument, NULL, OPT_LIMIT + 1},
        {"concurrent-requests", required_argument, NULL, OPT_LIMIT + 2},
        {"budget-per-day", required_argument, NULL, OPT_LIMIT + 3},
        {"budget-per-month", required_argument, NULL, OPT_LIMIT + 4},
        {"json", no_argument, NULL, CLI_OPT_JSON},
        CLI_TARGET_OPTIONS,
        {0}};
    struct cli_target target;
    struct keys_request request = {0};
    int option;
    cli_target_init(&target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        } else if (option == OPT_ACCOUNT) {
            request.account = optarg;
        } else if (option == OPT_PRODUCT) {
            request.product = optarg;
        } else if (option == OPT_OUT) {
            request.out = optarg;
        } else if (option == OPT_KEEP) {
            request.keep = optarg;
        } else if (option >= OPT_LIMIT && option < OPT_LIMIT + LIMIT_NAMES) {
            request.limits[option - OPT_LIMIT] = optarg;
        } else if (option == CLI_OPT_JSON) {
            request.json = true;
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return keys_run(&target, &request, argc - optind, argv + optind);
}
