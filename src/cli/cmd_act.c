/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An act of the desk as a command: options and help come from the act's fields, the values go to the
 * daemon as they were typed, and the daemon says what they mean.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/desk.h"

enum {
    FIELDS_MAX = 32,
    FILE_BYTES_MAX = 64 << 10,
    OPT_FIELD = CLI_OPT_OWN, /* and one for each field */
    OPT_DRY_RUN = CLI_OPT_OWN + FIELDS_MAX,
    OPT_KEY,
    OPT_POOL_FILE,
    OPT_ENDPOINT,
    OPT_SERVES,
    OPT_KIND,
    OPT_POOL_KEY,
};

struct act_call {
    const struct desk_act *act;
    const struct desk_field *fields[FIELDS_MAX]; /* its own, then the common ones */
    size_t field_count;
    json_t *body;
    struct cli_target target;
    bool dry_run, json;
    const char *key;
    /* A pool in short: what makes its `serves` lines. */
    const char *endpoint, *kind, *pool_key;
    struct oft_buffer lines;
};

/* ---- help ------------------------------------------------------------------------------------ */

static const char *placeholder(const struct desk_field *field)
{
    static const char *const words[] = {
        [DESK_FIELD_NEED] = "NEED",       [DESK_FIELD_OFFER] = "OFFER",
        [DESK_FIELD_LOT] = "LOT",         [DESK_FIELD_NOTICE] = "NOTICE",
        [DESK_FIELD_ORDER] = "ORDER",     [DESK_FIELD_TARGET] = "TARGET",
        [DESK_FIELD_WORD] = "NAME",       [DESK_FIELD_WORDS] = "NAMES",
        [DESK_FIELD_CHOICE] = "WORD",     [DESK_FIELD_COUNT] = "N",
        [DESK_FIELD_PRICE] = "PRICE",     [DESK_FIELD_AMOUNT] = "AMOUNT",
        [DESK_FIELD_RATE] = "RATE",       [DESK_FIELD_INSTANT] = "INSTANT",
        [DESK_FIELD_PERIOD] = "DURATION", [DESK_FIELD_LATE] = "CREDIT",
        [DESK_FIELD_TERM] = "NAME=VALUE", [DESK_FIELD_TEXT] = "TEXT"};
    return words[field->kind];
}

/* TEXT behind a column, in lines of 80. */
static void help_line(const char *head, const char *text)
{
    enum { COLUMN = 24 };
    int at = COLUMN;
    printf("  %-*s", COLUMN - 2, head);
    if (strlen(head) > COLUMN - 4) {
        printf("\n%*s", COLUMN, "");
    }
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (at + (int)length + 1 > CLI_DESK_WIDTH - 1 && at > COLUMN) {
            printf("\n%*s", COLUMN, "");
            at = COLUMN;
        }
        at += printf("%s%.*s", at > COLUMN ? " " : "", (int)length, text);
        text += length + strspn(text + length, " ");
    }
    printf("\n");
}

static void help_field(const struct desk_field *field)
{
    char head[64], text[300];
    (void)snprintf(head, sizeof head, "%s%s%s%s", field->positional ? "" : "--",
                   field->positional ? placeholder(field) : field->name,
                   field->positional ? "" : " ", field->positional ? "" : placeholder(field));
    (void)snprintf(text, sizeof text, "%s%s%s%s", field->help,
                   field->kind == DESK_FIELD_CHOICE ? ": " : "",
                   field->kind == DESK_FIELD_CHOICE ? field->choices : "",
                   field->required   ? "; needed"
                   : field->repeated ? "; may be repeated"
                                     : "");
    help_line(head, text);
}

static int help_print(const struct act_call *call)
{
    const struct desk_act *act = call->act;
    printf("Usage: offtake %s%s%s", act->group, act->verb[0] != '\0' ? " " : "", act->verb);
    for (size_t i = 0; i < act->field_count; i++) {
        if (act->fields[i].positional) {
            printf(" %s", placeholder(&act->fields[i]));
        }
    }
    printf(" [OPTION]...\n%c%s.\nWhat the desk makes of it: docs/desk.md.\n\n",
           toupper((unsigned char)act->summary[0]), act->summary + 1);
    for (size_t i = 0; i < call->field_count; i++) {
        help_field(call->fields[i]);
    }
    if (act->kind == DESK_DELIVERED) {
        help_line("--pool-file FILE", "the pool's lines from a file");
        help_line("--endpoint URL", "or in short: where the pool answers,");
        help_line("--serves MODEL", "... MODEL or MODEL=UPSTREAM; may be repeated,");
        help_line("--kind KIND", "... openai (the default) or azure-openai,");
        help_line("--key env:NAME", "... and where its key is: env:NAME or file:PATH");
    }
    help_line("--dry-run", "say what would follow, and do nothing");
    help_line("--idempotency-key KEY",
              "the same key does the same thing once (default: a random one)");
    help_line("--json", "print the answer as JSON");
    fputs(CLI_TARGET_HELP
          "\nExit status: 0 done; 1 refused, with the clause and the earliest instant;\n"
          "2 wrong command line; 3 a fault, or nobody answers.\n",
          stdout);
    return cli_print("");
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool value_add(struct act_call *call, const struct desk_field *field, const char *value)
{
    json_t *text = json_string(value);
    json_t *list = json_object_get(call->body, field->name);
    if (text == NULL) {
        return false;
    }
    if (!field->repeated) {
        if (list != NULL) {
            json_decref(text);
            return false;
        }
        return json_object_set_new(call->body, field->name, text) == 0;
    }
    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(call->body, field->name, list) != 0) {
            json_decref(text);
            return false;
        }
    }
    return json_array_append_new(list, text) == 0;
}

static int pool_file_read(struct act_call *call, const char *path)
{
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return cli_error(CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
    }
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0) {
        oft_buffer_append(&call->lines, bytes, length);
    }
    bool bad = ferror(file) != 0 || call->lines.failed;
    (void)fclose(file);
    return bad ? cli_error(CLI_USAGE, "%s cannot be read, or is longer than 64 KiB", path) : CLI_OK;
}

/* "gpt-4o=deployment" as a line of the deal language; the key is told later. */
static void serves_add(struct act_call *call, const char *model)
{
    const char *equals = strchr(model, '=');
    size_t length = equals == NULL ? strlen(model) : (size_t)(equals - model);
    oft_buffer_printf(&call->lines, "serves %.*s as \"%s\" at \1\n", (int)length, model,
                      equals == NULL ? model : equals + 1);
}

static bool key_is_named(const char *key)
{
    return (strncmp(key, "env:", 4) == 0 && key[4] != '\0') ||
           (strncmp(key, "file:", 5) == 0 && key[5] != '\0');
}

/* Puts the endpoint, the kind and the key behind every `serves` that waits for them. */
static int serves_finish(struct act_call *call)
{
    struct oft_buffer whole;
    if (strchr(oft_buffer_text(&call->lines), '\1') == NULL) {
        bool wants = call->endpoint != NULL || call->kind != NULL || call->pool_key != NULL;
        return wants ? cli_error(CLI_USAGE, "--endpoint, --kind and --key need --serves MODEL")
                     : CLI_OK;
    }
    if (call->endpoint == NULL) {
        return cli_error(CLI_USAGE, "--serves needs --endpoint URL");
    }
    if (call->pool_key != NULL && !key_is_named(call->pool_key)) {
        return cli_error(CLI_USAGE, "--key is env:NAME or file:PATH, where the key is, and not the "
                                    "key itself");
    }
    oft_buffer_init(&whole, FILE_BYTES_MAX);
    for (const char *at = oft_buffer_text(&call->lines); *at != '\0'; at++) {
        if (*at != '\1') {
            oft_buffer_append_char(&whole, *at);
            continue;
        }
        oft_buffer_printf(&whole, "%s kind %s", call->endpoint,
                          call->kind == NULL ? "openai" : call->kind);
        if (call->pool_key != NULL && strncmp(call->pool_key, "env:", 4) == 0) {
            oft_buffer_printf(&whole, " key env %s", call->pool_key + 4);
        } else if (call->pool_key != NULL) {
            oft_buffer_printf(&whole, " key file \"%s\"", call->pool_key + 5);
        }
    }
    oft_buffer_release(&call->lines);
    call->lines = whole;
    return call->lines.failed ? cli_error(CLI_FAULT, "out of memory") : CLI_OK;
}

static int option_take(struct act_call *call, int option, const char *value)
{
    switch (option) {
    case OPT_DRY_RUN:
        call->dry_run = true;
        return CLI_OK;
    case OPT_KEY:
        call->key = value;
        return CLI_OK;
    case CLI_OPT_JSON:
        call->json = true;
        return CLI_OK;
    case OPT_POOL_FILE:
        return pool_file_read(call, value);
    case OPT_ENDPOINT:
        call->endpoint = value;
        return CLI_OK;
    case OPT_SERVES:
        serves_add(call, value);
        return CLI_OK;
    case OPT_KIND:
        call->kind = value;
        return CLI_OK;
    case OPT_POOL_KEY:
        call->pool_key = value;
        return CLI_OK;
    default:
        break;
    }
    if (option >= OPT_FIELD && option < OPT_FIELD + (int)call->field_count) {
        const struct desk_field *field = call->fields[option - OPT_FIELD];
        return value_add(call, field, value)
                   ? CLI_OK
                   : cli_usage_error("offtake", "--%s stands twice, or is not UTF-8", field->name);
    }
    return cli_target_option(&call->target, option, value) ? CLI_OK : CLI_USAGE;
}

static size_t options_make(const struct act_call *call, struct option *options)
{
    const struct option fixed[] = {{"dry-run", no_argument, NULL, OPT_DRY_RUN},
                                   {"idempotency-key", required_argument, NULL, OPT_KEY},
                                   {"json", no_argument, NULL, CLI_OPT_JSON},
                                   CLI_TARGET_OPTIONS};
    const struct option pool[] = {{"pool-file", required_argument, NULL, OPT_POOL_FILE},
                                  {"endpoint", required_argument, NULL, OPT_ENDPOINT},
                                  {"serves", required_argument, NULL, OPT_SERVES},
                                  {"kind", required_argument, NULL, OPT_KIND},
                                  {"key", required_argument, NULL, OPT_POOL_KEY}};
    size_t count = 0;
    for (size_t i = 0; i < call->field_count; i++) {
        options[count++] =
            (struct option){call->fields[i]->name, required_argument, NULL, OPT_FIELD + (int)i};
    }
    for (size_t i = 0; i < OFT_COUNT_OF(fixed); i++) {
        options[count++] = fixed[i];
    }
    for (size_t i = 0; call->act->kind == DESK_DELIVERED && i < OFT_COUNT_OF(pool); i++) {
        options[count++] = pool[i];
    }
    options[count] = (struct option){0};
    return count;
}

/* What stands without its name, in the order of the fields. */
static int positionals_take(struct act_call *call, int argc, char **argv)
{
    int at = optind;
    for (size_t i = 0; i < call->act->field_count; i++) {
        const struct desk_field *field = &call->act->fields[i];
        if (!field->positional || json_object_get(call->body, field->name) != NULL) {
            continue;
        }
        if (at >= argc) {
            return cli_usage_error(argv[0], "%s is missing: %s", placeholder(field), field->help);
        }
        if (!value_add(call, field, argv[at++])) {
            return cli_usage_error(argv[0], "%s is not UTF-8", placeholder(field));
        }
    }
    return at == argc ? CLI_OK : cli_usage_error(argv[0], "\"%s\" is one word too many", argv[at]);
}

static int required_check(const struct act_call *call, const char *title)
{
    for (size_t i = 0; i < call->act->field_count; i++) {
        const struct desk_field *field = &call->act->fields[i];
        if (field->required && json_object_get(call->body, field->name) == NULL) {
            return cli_usage_error(title, "--%s is needed: %s", field->name, field->help);
        }
    }
    return CLI_OK;
}

/* ---- the call -------------------------------------------------------------------------------- */

static bool key_make(char out[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

/* Where a thing went through several states at once, the last is what counts. */
static bool is_last_of_its(const json_t *effects, size_t index)
{
    const char *thing = cli_json_text(json_array_get(effects, index), "thing");
    for (size_t i = index + 1; i < json_array_size(effects); i++) {
        if (strcmp(cli_json_text(json_array_get(effects, i), "thing"), thing) == 0) {
            return false;
        }
    }
    return true;
}

static int answer_print(const struct act_call *call, const struct cli_reply *reply)
{
    if (call->json) {
        return cli_print(oft_buffer_text(&reply->body));
    }
    json_t *answer = cli_reply_json(reply);
    if (answer == NULL) {
        return CLI_FAULT;
    }
    const char *summary = cli_json_text(answer, "summary");
    const json_t *effect;
    size_t index;
    printf("%s%.*s\n", call->dry_run ? "would be: " : "", (int)strcspn(summary, ";"), summary);
    json_array_foreach(json_object_get(answer, "effects"), index, effect)
    {
        if (is_last_of_its(json_object_get(answer, "effects"), index)) {
            printf("  %-10s  %s\n", cli_json_text(effect, "thing"), cli_json_text(effect, "state"));
        }
    }
    json_decref(answer);
    return cli_print("");
}

static int call_make(struct act_call *call)
{
    struct cli_reply reply;
    char path[128], key[33] = "";
    (void)snprintf(path, sizeof path, "%s%s", call->act->path, call->dry_run ? "?dry_run=1" : "");
    if (call->key == NULL && !call->dry_run && !key_make(key)) {
        return cli_error(CLI_FAULT, "no random numbers are to be had");
    }
    const char *with = call->key != NULL ? call->key : key[0] != '\0' ? key : NULL;
    int code = cli_call_once(&call->target, "POST", path, call->body, with, &reply);
    if (code == CLI_OK) {
        code = answer_print(call, &reply);
    }
    cli_reply_release(&reply);
    return code;
}

static int arguments_take(struct act_call *call, int argc, char **argv, bool *ret_helped)
{
    struct option options[FIELDS_MAX + 16];
    int option;
    (void)options_make(call, options);
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            *ret_helped = true;
            return help_print(call);
        }
        int code = option_take(call, option, optarg);
        if (code != CLI_OK) {
            return code;
        }
    }
    int code = positionals_take(call, argc, argv);
    if (code == CLI_OK) {
        code = serves_finish(call);
    }
    if (code == CLI_OK && call->lines.length > 0 &&
        json_object_get(call->body, "pool-lines") != NULL) {
        code = cli_usage_error(argv[0],
                               "--pool-lines, --pool-file and --endpoint say the same; give one");
    }
    if (code == CLI_OK && call->lines.length > 0 &&
        json_object_set_new(call->body, "pool-lines", json_string(oft_buffer_text(&call->lines))) !=
            0) {
        code = cli_error(CLI_USAGE, "the pool's lines are not UTF-8");
    }
    return code == CLI_OK ? required_check(call, argv[0]) : code;
}

int cli_act_run(const struct desk_act *act, int argc, char **argv)
{
    struct act_call call = {.act = act, .body = json_object()};
    size_t common_count;
    const struct desk_field *common = desk_common_fields(&common_count);
    bool helped = false;
    OFT_ASSERT(act->field_count + common_count <= FIELDS_MAX);
    for (size_t i = 0; i < act->field_count; i++) {
        call.fields[call.field_count++] = &act->fields[i];
    }
    for (size_t i = 0; i < common_count; i++) {
        call.fields[call.field_count++] = &common[i];
    }
    cli_target_init(&call.target);
    oft_buffer_init(&call.lines, FILE_BYTES_MAX);
    int code = call.body == NULL ? cli_error(CLI_FAULT, "out of memory")
                                 : arguments_take(&call, argc, argv, &helped);
    if (code == CLI_OK && !helped) {
        code = call_make(&call);
    }
    oft_buffer_release(&call.lines);
    json_decref(call.body);
    return code;
}
