/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a statement's life, and the list of statements.
 */
#include <string.h>

#include "cli/sign_file.h"
#include "cli/statement.h"

void cli_statement_act(const json_t *act)
{
    printf("%s, %s%s", cli_json_text(act, "by"), cli_json_text(act, "at"),
           json_is_true(json_object_get(act, "signed")) ? ", signed" : "");
}

static long long number_in(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void show_one(const json_t *statement)
{
    size_t i;
    const json_t *act;
    printf("statement %lld  %s  %s  %s\n", number_in(statement, "number"),
           cli_json_text(statement, "party"), cli_json_text(statement, "month"),
           cli_json_text(statement, "status"));
    printf("    as of transaction %lld, policy generation %lld\n",
           number_in(statement, "transaction"), number_in(statement, "generation"));
    if (json_is_integer(json_object_get(statement, "restates"))) {
        printf("    restates statement %lld\n", number_in(statement, "restates"));
    }
    json_array_foreach(json_object_get(statement, "approvals"), i, act)
    {
        printf("    approved by ");
        cli_statement_act(act);
        printf("\n");
    }
    if (json_is_object(json_object_get(statement, "final"))) {
        printf("    made final by ");
        cli_statement_act(json_object_get(statement, "final"));
        printf("\n    SHA-256 of its text:\n    %s\n", cli_json_text(statement, "text_sha256"));
    }
}

static int reply_show(const struct cli_statement *it, const struct cli_reply *reply, bool is_list)
{
    size_t i;
    const json_t *one;
    if (strcmp(it->format, "json") == 0) {
        return cli_print(oft_buffer_text(&reply->body));
    }
    json_t *answer = cli_reply_json(reply);
    if (answer == NULL) {
        return CLI_FAULT;
    }
    if (!is_list) {
        show_one(answer);
    } else if (json_array_size(json_object_get(answer, "statements")) == 0) {
        printf("No statement was drafted yet.\n");
    }
    json_array_foreach(json_object_get(answer, "statements"), i, one)
    {
        show_one(one);
    }
    json_decref(answer);
    return cli_print("");
}

static int post(const struct cli_statement *it, const char *path, json_t *body)
{
    struct cli_reply reply;
    int code = cli_call(&it->target, "POST", path, body, &reply);
    if (code == CLI_OK) {
        code = reply_show(it, &reply, false);
    }
    cli_reply_release(&reply);
    json_decref(body);
    return code;
}

static int draft(const struct cli_statement *it)
{
    if (it->party == NULL || it->month == NULL || it->by == NULL) {
        return cli_usage_error(it->title, "a draft needs --party, --month and --by");
    }
    json_t *body =
        json_pack("{s:s, s:s, s:s}", "party", it->party, "month", it->month, "by", it->by);
    return body == NULL ? cli_usage_error(it->title, "names are UTF-8")
                        : post(it, "/v1/statements", body);
}

static int list(const struct cli_statement *it)
{
    struct cli_reply reply;
    int code = cli_call(&it->target, "GET", "/v1/statements", NULL, &reply);
    if (code == CLI_OK) {
        code = reply_show(it, &reply, true);
    }
    cli_reply_release(&reply);
    return code;
}

/* Puts a signature over what the daemon says is to be signed into BODY; --print prints that text alone. */
static int approval_sign(const struct cli_statement *it, const char *number, json_t *body)
{
    struct cli_reply reply;
    struct oft_buffer path;
    char hex[CLI_SIGNATURE_HEX_BYTES] = "";
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/statements/%s/approval?by=", number);
    cli_encode(&path, it->by);
    int code = cli_call(&it->target, "GET", oft_buffer_text(&path), NULL, &reply);
    json_t *answer = code == CLI_OK ? cli_reply_json(&reply) : NULL;
    if (answer != NULL && it->print) {
        code = cli_print(cli_json_text(answer, "text"));
    } else if (answer != NULL) {
        code = cli_sign_text(it->key, oft_str_from(cli_json_text(answer, "text")), hex);
    } else if (code == CLI_OK) {
        code = CLI_FAULT;
    }
    if (code == CLI_OK && !it->print &&
        json_object_set_new(body, "signature", json_string(hex)) != 0) {
        code = CLI_FAULT;
    }
    json_decref(answer);
    cli_reply_release(&reply);
    oft_buffer_release(&path);
    return code;
}

static int approve(const struct cli_statement *it, const char *number, const char *path,
                   json_t *body)
{
    int code = CLI_OK;
    if (it->signature != NULL && !it->print) {
        code = json_object_set_new(body, "signature", json_string(it->signature)) == 0
                   ? CLI_OK
                   : cli_usage_error(it->title, "the signature is no hexadecimal text");
    } else if (it->key != NULL || it->print) {
        code = approval_sign(it, number, body);
    }
    if (code == CLI_OK && !it->print) {
        return post(it, path, body);
    }
    json_decref(body);
    return code;
}

static int with_number(const struct cli_statement *it, const char *verb, const char *number)
{
    char path[128];
    bool show = strcmp(verb, "show") == 0;
    if (number[0] == '\0' || strlen(number) > 18 ||
        strspn(number, "0123456789") != strlen(number)) {
        return cli_usage_error(it->title, "\"%s\" is no statement's number", number);
    }
    (void)snprintf(path, sizeof path, "/v1/statements/%s%s%s", number, show ? "" : "/",
                   show ? "" : verb);
    if (show) {
        return cli_statement_fetch(it, path, '?');
    }
    if (it->by == NULL) {
        return cli_usage_error(it->title, "say who does it: --by NAME");
    }
    json_t *body = json_pack("{s:s}", "by", it->by);
    if (body == NULL) {
        return cli_usage_error(it->title, "names are UTF-8");
    }
    return strcmp(verb, "approve") == 0 ? approve(it, number, path, body) : post(it, path, body);
}

int cli_statement_life(const struct cli_statement *it, int argc, char **argv)
{
    static const char *const NUMBERED[] = {"approve", "final", "restate", "show"};
    if (strcmp(argv[0], "show") != 0 &&
        (strcmp(it->format, "csv") == 0 || strcmp(it->format, "pdf") == 0)) {
        return cli_usage_error(it->title, "%s answers in text or --json", argv[0]);
    }
    if (argc == 1 && strcmp(argv[0], "draft") == 0) {
        return draft(it);
    }
    if (argc == 1 && strcmp(argv[0], "list") == 0) {
        return list(it);
    }
    for (size_t i = 0; argc == 2 && i < OFT_COUNT_OF(NUMBERED); i++) {
        if (strcmp(argv[0], NUMBERED[i]) == 0) {
            return with_number(it, argv[0], argv[1]);
        }
    }
    return cli_usage_error(it->title,
                           "\"%s\": say draft, list, or approve, final, restate or show "
                           "and a number",
                           argv[0]);
}
