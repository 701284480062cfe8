/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API's client. libcurl speaks HTTP over the unix socket; over TCP the token comes from the
 * environment, never from the command line, where every user of the machine could read it. It follows
 * no redirect and asks no proxy: the token goes to the named host or nowhere.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPLY_BYTES_MAX = 64 << 20, SOCKET_PATH_BYTES = 108 };

struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    char *body_text;
    bool repeatable; /* under an idempotency key */
    char socket_path[4096];
    char detail[CURL_ERROR_SIZE];
};

static size_t body_arrived(char *data, size_t size, size_t count, void *context)
{
    struct cli_reply *reply = context;
    oft_buffer_append(&reply->body, data, size * count);
    return reply->body.failed ? 0 : size * count;
}

static size_t header_arrived(char *data, size_t size, size_t count, void *context)
{
    static const char SOUND[] = "x-offtake-sound: false", NEXT[] = "x-offtake-next: ";
    struct cli_reply *reply = context;
    size_t length = size * count;
    if (length >= sizeof SOUND - 1 && strncasecmp(data, SOUND, sizeof SOUND - 1) == 0) {
        reply->unsound = true;
    }
    if (length >= sizeof NEXT - 1 && strncasecmp(data, NEXT, sizeof NEXT - 1) == 0) {
        size_t size_of = strcspn(data + sizeof NEXT - 1, "\r\n");
        (void)snprintf(reply->next, sizeof reply->next, "%.*s",
                       (int)(size_of < length - (sizeof NEXT - 1) ? size_of : 0),
                       data + sizeof NEXT - 1);
    }
    return length;
}

void cli_encode(struct oft_buffer *out, const char *text)
{
    static const char PLAIN[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(PLAIN, *c) != NULL) {
            oft_buffer_append_char(out, *c);
        } else {
            oft_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

static bool header_add(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL) {
        return false;
    }
    exchange->headers = longer;
    return true;
}

/* Over TCP: the token from the environment. */
static int token_add(struct exchange *exchange)
{
    const char *token = getenv("OFFTAKE_ADMIN_TOKEN");
    if (token == NULL || token[0] == '\0') {
        return cli_error(CLI_USAGE,
                         "--admin needs the admin token in the environment variable\n"
                         "  OFFTAKE_ADMIN_TOKEN. `offtake serve --admin-listen` shows the token "
                         "once,\n  at its first start.");
    }
    if (strlen(token) > 256 || strpbrk(token, "\r\n") != NULL) {
        return cli_error(CLI_USAGE, "OFFTAKE_ADMIN_TOKEN does not hold a token");
    }
    char line[320];
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    return header_add(exchange, line) ? CLI_OK : cli_error(CLI_FAULT, "out of memory");
}

static int url_set(struct exchange *exchange, const struct cli_target *target, const char *path)
{
    struct oft_buffer url;
    oft_buffer_init(&url, 16384);
    int code = CLI_OK;
    if (target->admin_url == NULL) {
        int length = snprintf(exchange->socket_path, sizeof exchange->socket_path, "%s/admin.sock",
                              target->data_directory);
        if (length < 0 || length >= SOCKET_PATH_BYTES) {
            code = cli_error(
                CLI_USAGE,
                "%s/admin.sock: longer than the %d bytes that a unix\n  socket's path may "
                "have; use a shorter data directory",
                target->data_directory, SOCKET_PATH_BYTES - 1);
        }
        oft_buffer_printf(&url, "http://offtake%s", path);
        if (code == CLI_OK && curl_easy_setopt(exchange->curl, CURLOPT_UNIX_SOCKET_PATH,
                                               exchange->socket_path) != CURLE_OK) {
            code = cli_error(CLI_FAULT, "this libcurl cannot speak over a unix socket");
        }
    } else {
        size_t length = strlen(target->admin_url);
        while (length > 0 && target->admin_url[length - 1] == '/') {
            length--;
        }
        oft_buffer_append(&url, target->admin_url, length);
        oft_buffer_append_text(&url, path);
        code = token_add(exchange);
    }
    if (code == CLI_OK && (url.failed || curl_easy_setopt(exchange->curl, CURLOPT_URL,
                                                          oft_buffer_text(&url)) != CURLE_OK)) {
        code = cli_error(CLI_FAULT, "out of memory");
    }
    oft_buffer_release(&url);
    return code;
}

static int exchange_prepare(struct exchange *exchange, const struct cli_target *target,
                            const char *method, const char *path, const json_t *body,
                            struct cli_reply *reply)
{
    int code = url_set(exchange, target, path);
    if (code != CLI_OK) {
        return code;
    }
    CURL *curl = exchange->curl;
    bool good = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_TIMEOUT, 600L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->detail) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_arrived) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_arrived) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply) == CURLE_OK;
    if (good && body != NULL) {
        exchange->body_text = json_dumps(body, JSON_COMPACT);
        good = exchange->body_text != NULL &&
               header_add(exchange, "Content-Type: application/json") &&
               header_add(exchange, "Expect:") &&
               curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange->body_text) == CURLE_OK;
    } else if (good && strcmp(method, "POST") == 0) {
        good = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "") == CURLE_OK;
    }
    good = good && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
    return good ? CLI_OK : cli_error(CLI_FAULT, "out of memory");
}

static int unreachable(const struct cli_target *target, const struct exchange *exchange,
                       CURLcode result)
{
    const char *why = exchange->detail[0] != '\0' ? exchange->detail : curl_easy_strerror(result);
    if (target->admin_url != NULL) {
        return cli_error(CLI_FAULT,
                         "no answer from %s: %s.\n  Is the daemon running with --admin-listen?",
                         target->admin_url, why);
    }
    long number = 0;
    if (access(exchange->socket_path, F_OK) != 0) {
        why = strerror(errno);
    } else if (result == CURLE_COULDNT_CONNECT &&
               curl_easy_getinfo(exchange->curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
               number != 0) {
        why = strerror((int)number);
    }
    return cli_error(
        CLI_FAULT,
        "no daemon answers on %s:\n  %s.\n  Start it with: offtake serve DEAL --data %s\n"
        "  or name its data directory with --data or OFFTAKE_DATA.",
        exchange->socket_path, why, target->data_directory);
}

/* What a refusal of the desk says besides: which clause, which property, from when on. */
static void refusal_details(const json_t *error)
{
    const char *clause = cli_json_text(error, "clause");
    const char *earliest = cli_json_text(error, "earliest");
    json_int_t property = json_integer_value(json_object_get(error, "property"));
    if (clause[0] != '\0') {
        fprintf(stderr, "  clause:    %s\n", clause);
    }
    if (property > 0) {
        fprintf(stderr, "  property:  %d (docs/desk.md)\n", (int)property);
    }
    if (json_object_get(error, "earliest") != NULL) {
        fprintf(stderr, "  earliest:  %s\n",
                earliest[0] != '\0' ? earliest : "waiting alone does not help");
    }
}

/* A refusal in the API's error form, for people; and its exit code. */
static int refusal(const struct cli_reply *reply)
{
    json_error_t where;
    json_t *document = json_loadb(reply->body.data != NULL ? reply->body.data : "",
                                  reply->body.length, JSON_REJECT_DUPLICATES, &where);
    const json_t *error = json_object_get(document, "error");
    const char *message = cli_json_text(error, "message");
    const char *report = cli_json_text(error, "report");
    if (report[0] != '\0') {
        fputs(report, stderr);
    }
    (void)cli_error(0, message[0] != '\0' ? "%s" : "the daemon answered with an error%s", message);
    refusal_details(error);
    int code = CLI_FAULT;
    switch (reply->status) {
    case 400:
    case 413:
        code = CLI_USAGE;
        break;
    case 403:
    case 404:
    case 409:
    case 422:
        code = CLI_NO;
        break;
    case 401:
        fputs("  The token in OFFTAKE_ADMIN_TOKEN is not this daemon's.\n", stderr);
        break;
    default:
        break;
    }
    json_decref(document);
    return code;
}

static int exchange_run(struct exchange *exchange, const struct cli_target *target,
                        const char *method, const char *path, const json_t *body,
                        struct cli_reply *reply)
{
    int code = exchange_prepare(exchange, target, method, path, body, reply);
    if (code != CLI_OK) {
        return code;
    }
    CURLcode result = curl_easy_perform(exchange->curl);
    bool lost = result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR;
    if (lost && exchange->repeatable) {
        oft_buffer_clear(&reply->body);
        result = curl_easy_perform(exchange->curl);
    }
    if (result != CURLE_OK) {
        return unreachable(target, exchange, result);
    }
    if (curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &reply->status) != CURLE_OK) {
        return cli_error(CLI_FAULT, "the daemon's answer has no status");
    }
    return reply->status >= 200 && reply->status <= 299 ? CLI_OK : refusal(reply);
}

/* The key as a header; it comes from the command line and must not carry another header in. */
static int key_add(struct exchange *exchange, const char *key)
{
    char line[192];
    if (key == NULL) {
        return CLI_OK;
    }
    if (key[0] == '\0' || strlen(key) > 128 || strpbrk(key, "\r\n") != NULL) {
        return cli_error(CLI_USAGE, "an idempotency key has 1 to 128 characters, on one line");
    }
    (void)snprintf(line, sizeof line, "Idempotency-Key: %s", key);
    exchange->repeatable = true;
    return header_add(exchange, line) ? CLI_OK : cli_error(CLI_FAULT, "out of memory");
}

int cli_call(const struct cli_target *target, const char *method, const char *path,
             const json_t *body, struct cli_reply *ret_reply)
{
    return cli_call_once(target, method, path, body, NULL, ret_reply);
}

int cli_call_once(const struct cli_target *target, const char *method, const char *path,
                  const json_t *body, const char *idempotency_key, struct cli_reply *ret_reply)
{
    memset(ret_reply, 0, sizeof *ret_reply);
    oft_buffer_init(&ret_reply->body, REPLY_BYTES_MAX);
    struct exchange exchange = {0};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return cli_error(CLI_FAULT, "libcurl does not start");
    }
    exchange.curl = curl_easy_init();
    int code = exchange.curl != NULL ? key_add(&exchange, idempotency_key)
                                     : cli_error(CLI_FAULT, "out of memory");
    if (code == CLI_OK) {
        code = exchange_run(&exchange, target, method, path, body, ret_reply);
    }
    curl_slist_free_all(exchange.headers);
    curl_easy_cleanup(exchange.curl);
    free(exchange.body_text);
    curl_global_cleanup();
    return code;
}

void cli_reply_release(struct cli_reply *reply)
{
    oft_buffer_release(&reply->body);
}

int cli_call_and_print(const struct cli_target *target, const char *path)
{
    struct cli_reply reply;
    int code = cli_call(target, "GET", path, NULL, &reply);
    if (code == CLI_OK) {
        code = cli_print(oft_buffer_text(&reply.body));
    }
    cli_reply_release(&reply);
    return code;
}

json_t *cli_reply_json(const struct cli_reply *reply)
{
    json_error_t where;
    json_t *document =
        json_loadb(reply->body.data != NULL ? reply->body.data : "", reply->body.length, 0, &where);
    if (!json_is_object(document)) {
        (void)cli_error(CLI_FAULT,
                        "the daemon's answer is not the JSON expected; are the daemon and\n"
                        "  this command of the same version?");
        json_decref(document);
        return NULL;
    }
    return document;
}

const char *cli_json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}
