/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake reconcile`: a provider's file against our own metering of the month, which the daemon gives
 * as a FOCUS file, or which stands in one already.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/whole_file.h"

enum { OPT_FORMAT = CLI_OPT_OWN, OPT_MONTH, OPT_MAP, OPT_ALIAS, OPT_OURS, OPT_HOURS, OPT_BY };
enum { ALIASES_MAX = 4096 };

static const char HELP[] =
    "Usage: offtake reconcile FILE --month YYYY-MM [--format focus|csv|json]\n"
    "                 [--map FIELD=COLUMN]... [--alias FIELD:THEIRS=OURS]...\n"
    "                 [--by auto|day|month] [--ours FILE] [--hours FILE] [--json]\n"
    "Holds a provider's bill (- is standard input) against what we metered, by pool,\n"
    "model, unit and day or month: each difference with its size and likely cause,\n"
    "each row that could not be compared with the reason, and totals that hold every\n"
    "row of both sides.\n\n"
    "  --month M      the month, as 2026-04\n"
    "  --format F     focus (the default; CSV of FOCUS 1.0 to 1.4), csv or json\n"
    "  --map F=C      the column that holds pool, model, unit, day, quantity, cost or\n"
    "                 currency; csv and json take columns of these names by default\n"
    "  --alias F:T=O  their name T of a pool, model, unit is our O\n"
    "  --by WHAT      day: rows of a day are held against our day; month: never;\n"
    "                 auto (the default): day, unless all are of the month's first\n"
    "  --ours FILE    our side from a file that `offtake focus export` wrote\n"
    "  --hours FILE   our days from a file that `offtake metering` wrote\n"
    "  --json         the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 nothing differs; 1 something does; 2 wrong command line;\n"
    "3 a fault.\n";

struct reconcile_options {
    struct cli_target target;
    struct focus_reconcile_input input;
    struct focus_alias aliases[ALIASES_MAX];
    const char *format, *month, *ours, *hours, *by;
    bool json;
};

static bool field_find(const char *text, size_t length, enum focus_field *ret)
{
    for (int i = 0; i < FOCUS_FIELD_COUNT; i++) {
        if (strlen(FOCUS_FIELD_NAMES[i]) == length &&
            memcmp(FOCUS_FIELD_NAMES[i], text, length) == 0) {
            *ret = (enum focus_field)i;
            return true;
        }
    }
    return false;
}

static bool map_take(struct reconcile_options *options, const char *text)
{
    enum focus_field field;
    size_t length = strcspn(text, "=");
    if (text[length] == '\0' || !field_find(text, length, &field)) {
        return false;
    }
    options->input.columns[field] = text + length + 1;
    return true;
}

/* The text is cut where it stands; of a name with "=" in it the last one counts. */
static bool alias_take(struct reconcile_options *options, char *text)
{
    size_t length = strcspn(text, ":");
    char *equals = strrchr(text, '=');
    if (text[length] == '\0' || equals == NULL || equals < text + length ||
        options->input.alias_count == ALIASES_MAX) {
        return false;
    }
    struct focus_alias *alias = &options->aliases[options->input.alias_count++];
    *equals = '\0';
    alias->theirs = text + length + 1;
    alias->ours = equals + 1;
    return field_find(text, length, &alias->field);
}

static int options_read(struct reconcile_options *options, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"format", required_argument, NULL, OPT_FORMAT},
                                            {"month", required_argument, NULL, OPT_MONTH},
                                            {"map", required_argument, NULL, OPT_MAP},
                                            {"alias", required_argument, NULL, OPT_ALIAS},
                                            {"ours", required_argument, NULL, OPT_OURS},
                                            {"hours", required_argument, NULL, OPT_HOURS},
                                            {"by", required_argument, NULL, OPT_BY},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP) == CLI_OK ? -1 : CLI_FAULT;
        } else if (option == OPT_FORMAT) {
            options->format = optarg;
        } else if (option == OPT_MONTH) {
            options->month = optarg;
        } else if (option == OPT_OURS) {
            options->ours = optarg;
        } else if (option == OPT_HOURS) {
            options->hours = optarg;
        } else if (option == OPT_BY) {
            options->by = optarg;
        } else if (option == CLI_OPT_JSON) {
            options->json = true;
        } else if (option == OPT_MAP || option == OPT_ALIAS) {
            bool map = option == OPT_MAP;
            if (!(map ? map_take(options, optarg) : alias_take(options, optarg))) {
                return cli_usage_error(argv[0],
                                       map ? "--map is written FIELD=COLUMN, as cost=Amount"
                                           : "--alias is written FIELD:THEIRS=OURS, as "
                                             "pool:prod-1=azure-east");
            }
        } else if (!cli_target_option(&options->target, option, optarg)) {
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

static int theirs_read(struct reconcile_options *options, struct oft_str text,
                       struct oft_arena *arena)
{
    struct oft_error error = {0};
    bool json = strcmp(options->format, "json") == 0;
    enum oft_err err = json ? focus_table_json(text, arena, &options->input.theirs, &error)
                            : focus_table_csv(text, arena, &options->input.theirs, &error);
    return err == OFT_OK ? CLI_OK : cli_error(CLI_FAULT, "%s", error.message);
}

static int ours_read(struct reconcile_options *options, struct oft_buffer *text,
                     struct oft_arena *arena)
{
    struct oft_error error = {0};
    int code;
    if (options->ours != NULL) {
        code = cli_whole_file_read(options->ours, text);
    } else {
        struct cli_reply reply;
        code = cli_focus_fetch(&options->target, "cost-and-usage", "1.4", options->month, "month",
                               &reply);
        if (code == CLI_OK) {
            oft_buffer_append(text, oft_buffer_text(&reply.body), reply.body.length);
        }
        cli_reply_release(&reply);
    }
    if (code != CLI_OK) {
        return code;
    }
    struct oft_str bytes = {oft_buffer_text(text), text->length};
    return focus_table_csv(bytes, arena, &options->input.ours, &error) == OFT_OK
               ? CLI_OK
               : cli_error(CLI_FAULT, "our own file: %s", error.message);
}

/* Our days, when the bill has some. Without them the bill is compared by the month, unless days were asked
 * for. */
static int hours_read(struct reconcile_options *options, struct oft_buffer *text,
                      struct oft_arena *arena)
{
    struct oft_error error = {0};
    bool days = false;
    int code = CLI_OK;
    if (focus_reconcile_has_days(&options->input, arena, &days) != OFT_OK) {
        return cli_error(CLI_FAULT, "out of memory");
    }
    if (options->hours != NULL) {
        code = cli_whole_file_read(options->hours, text);
    } else if (days && options->ours == NULL) {
        struct cli_reply reply;
        code = cli_metering_fetch(&options->target, options->month, "hour", &reply);
        if (code == CLI_OK) {
            oft_buffer_append(text, oft_buffer_text(&reply.body), reply.body.length);
        }
        cli_reply_release(&reply);
    } else {
        if (days && options->input.by == FOCUS_BY_DAY) {
            return cli_error(CLI_USAGE, "--ours has no days; give them with --hours FILE");
        }
        return CLI_OK;
    }
    struct oft_str bytes = {oft_buffer_text(text), text->length};
    if (code == CLI_OK && focus_table_csv(bytes, arena, &options->input.hours, &error) != OFT_OK) {
        code = cli_error(CLI_FAULT, "our own hours: %s", error.message);
    }
    return code;
}

static int reconcile_print(const struct reconcile_options *options, struct oft_arena *arena)
{
    const struct focus_reconciliation *result;
    struct oft_error error = {0};
    struct oft_buffer out;
    if (focus_reconcile(&options->input, arena, &result, &error) != OFT_OK) {
        return cli_error(CLI_FAULT, "%s", error.message);
    }
    oft_buffer_init(&out, CLI_WHOLE_FILE_BYTES_MAX);
    focus_reconciliation_print(result, options->json, &out);
    int code =
        out.failed ? cli_error(CLI_FAULT, "out of memory") : cli_print(oft_buffer_text(&out));
    oft_buffer_release(&out);
    return code == CLI_OK && !focus_reconciliation_clean(result) ? CLI_NO : code;
}

static int reconcile_run(struct reconcile_options *options, const char *path)
{
    struct oft_buffer theirs;
    struct oft_buffer ours;
    struct oft_buffer hours;
    struct oft_arena arena;
    oft_buffer_init(&hours, CLI_WHOLE_FILE_BYTES_MAX);
    oft_buffer_init(&theirs, CLI_WHOLE_FILE_BYTES_MAX);
    oft_buffer_init(&ours, CLI_WHOLE_FILE_BYTES_MAX);
    oft_arena_init(&arena, 16 * CLI_WHOLE_FILE_BYTES_MAX);
    int code = cli_whole_file_read(path, &theirs);
    if (code == CLI_OK) {
        code =
            theirs_read(options, (struct oft_str){oft_buffer_text(&theirs), theirs.length}, &arena);
    }
    if (code == CLI_OK) {
        code = ours_read(options, &ours, &arena);
    }
    if (code == CLI_OK && options->input.by != FOCUS_BY_MONTH) {
        code = hours_read(options, &hours, &arena);
    }
    if (code == CLI_OK) {
        code = reconcile_print(options, &arena);
    }
    oft_arena_release(&arena);
    oft_buffer_release(&hours);
    oft_buffer_release(&ours);
    oft_buffer_release(&theirs);
    return code;
}

static bool by_find(const char *text, enum focus_by *ret)
{
    static const char *const names[] = {"auto", "day", "month"};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum focus_by)i;
            return true;
        }
    }
    return false;
}

int cli_reconcile(int argc, char **argv)
{
    struct reconcile_options *options = calloc(1, sizeof *options);
    if (options == NULL) {
        return cli_error(CLI_FAULT, "out of memory");
    }
    options->format = "focus";
    options->by = "auto";
    options->input.aliases = options->aliases;
    cli_target_init(&options->target);
    int code = options_read(options, argc, argv);
    if (code == CLI_OK) {
        bool focus = strcmp(options->format, "focus") == 0;
        options->input.theirs_is_focus = focus;
        if (argc - optind != 1 || options->month == NULL ||
            oft_month_parse(oft_str_from(options->month), &options->input.month) != OFT_OK) {
            code = cli_usage_error(argv[0], "one file and --month YYYY-MM are needed");
        } else if (!by_find(options->by, &options->input.by)) {
            code = cli_usage_error(argv[0], "\"%s\" is no --by; auto, day or month", options->by);
        } else if (!focus && strcmp(options->format, "csv") != 0 &&
                   strcmp(options->format, "json") != 0) {
            code = cli_usage_error(argv[0], "\"%s\" is no format; focus, csv or json",
                                   options->format);
        } else {
            code = reconcile_run(options, argv[optind]);
        }
    }
    free(options);
    return code == -1 ? CLI_OK : code;
}
