/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake keys`: creates, lists and revokes API keys. A key belongs to one account and one product;
 * its token is printed once, at its creation, and cannot be had again.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/sign.h"
#include "cli/client.h"

enum { OPT_ACCOUNT = CLI_OPT_OWN, OPT_PRODUCT, OPT_OUT };

static const char HELP[] =
    "Usage: offtake keys create --account A --product P [--json]\n"
    "       offtake keys list [--json]\n"
    "       offtake keys revoke ID\n"
    "       offtake keys party NAME --out FILE\n"
    "A key belongs to one account and one product of the deal: it is how the gateway\n"
    "knows what a request is for. The token is shown once; only its hash is kept.\n"
    "A party's key is another thing: with it a party signs what it attests. `party`\n"
    "makes a pair, keeps the private half in FILE and prints the line for the deal;\n"
    "it asks no daemon.\n\n"
    "  --account A    whose key it is\n"
    "  --product P    what it is for\n"
    "  --out FILE     where the private key goes; the file must not exist yet\n"
    "  --json         print the answer as JSON\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 no such account, product or key; 2 wrong command line;\n"
    "3 a fault.\n";

struct keys_request {
    const char *account, *product, *out;
    bool json;
};

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
    struct cli_reply reply;
    int code = cli_call(target, "POST", "/v1/keys", body, &reply);
    if (code == CLI_OK && request->json) {
        code = cli_print(oft_buffer_text(&reply.body));
    } else if (code == CLI_OK) {
        json_t *answer = cli_reply_json(&reply);
        if (answer == NULL) {
            code = CLI_FAULT;
        } else {
            printf("%s\n", cli_json_text(answer, "token"));
            if (isatty(STDOUT_FILENO) == 1) {
                printf("Key %s for account %s, product %s.\n"
                       "The token is shown this once; only its hash is kept.\n",
                       cli_json_text(answer, "id"), request->account, request->product);
            }
            code = cli_print("");
        }
        json_decref(answer);
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
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

static int keys_revoke(const struct cli_target *target, const char *key_id)
{
    struct oft_buffer path;
    struct cli_reply reply;
    oft_buffer_init(&path, 1024);
    oft_buffer_append_text(&path, "/v1/keys/");
    cli_encode(&path, key_id);
    if (path.failed) {
        oft_buffer_release(&path);
        return cli_usage_error("offtake keys",
                               "that is no key's id; `offtake keys list` shows them");
    }
    int code = cli_call(target, "DELETE", oft_buffer_text(&path), NULL, &reply);
    if (code == CLI_OK) {
        printf("Key %s is revoked; requests with it are refused from now on.\n", key_id);
        code = cli_print("");
    }
    cli_reply_release(&reply);
    oft_buffer_release(&path);
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

int cli_keys(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"account", required_argument, NULL, OPT_ACCOUNT},
                                            {"product", required_argument, NULL, OPT_PRODUCT},
                                            {"out", required_argument, NULL, OPT_OUT},
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
        } else if (option == CLI_OPT_JSON) {
            request.json = true;
        } else if (!cli_target_option(&target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (strcmp(verb, "create") == 0 && words == 1) {
        return keys_create(&target, &request);
    }
    if (strcmp(verb, "list") == 0 && words == 1) {
        return keys_list(&target, &request);
    }
    if (strcmp(verb, "revoke") == 0 && words == 2 && argv[optind + 1][0] != '\0') {
        return keys_revoke(&target, argv[optind + 1]);
    }
    if (strcmp(verb, "party") == 0 && words == 2 && is_name(argv[optind + 1])) {
        return keys_party(argv[optind + 1], &request);
    }
    return cli_usage_error(argv[0], "say create, list, revoke ID, or party NAME");
}
