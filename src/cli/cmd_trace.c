/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake trace`, `offtake balance` and `offtake ledger`: looking back at what was booked. The daemon
 * makes the text. (A recorded trace of traffic is another thing: `offtake replay`.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"

enum { OPT_LIMIT = CLI_OPT_OWN, OPT_AS_OF, OPT_UNTIL, OPT_MONTH, OPT_FORMAT, OPT_OUTPUT };

static const char TRACE_HELP[] =
    "Usage: offtake trace REQUEST-ID [--json]\n"
    "       offtake trace LINE [--limit N] [--json]\n"
    "Shows what a request came to, unrounded, by which clause and price, and the\n"
    "statement lines that hold it; or what a statement line is made of, down to its\n"
    "records, rated again and added up.\n\n"
    "  REQUEST-ID     from the answer's header x-offtake-request-id\n"
    "  LINE           the id beside a line of a statement, or its first six digits\n"
    "  --limit N      show at most N records and transactions, up to 1000\n"
    "                 (default: 20; all are added up)\n"
    "  --json         the same in a form for programs\n" CLI_TARGET_HELP
    "\nExit status: 0 it adds up; 1 it does not, or there is no such request or line;\n"
    "2 wrong command line; 3 a fault.\n";

static const char BALANCE_HELP[] =
    "Usage: offtake balance [ACCOUNT] [--as-of T] [--until M] [--json|--csv]\n"
    "Prints what an account of the books comes to, or all of them.\n\n"
    "  ACCOUNT        as receivable/acme\n"
    "  --as-of T      only what was recorded by then, as 2026-04-30T12:00:00Z\n"
    "  --until M      only what was earned up to the end of that month, as 2026-04\n"
    "  --json, --csv  the same in a form for programs; amounts in nano-units\n" CLI_TARGET_HELP
    "\nExit status: 0 printed; 1 no such account; 2 wrong command line; 3 a fault.\n";

static const char LEDGER_HELP[] =
    "Usage: offtake ledger verify [--json]\n"
    "       offtake ledger export --format hledger|beancount|csv\n"
    "                      [--month M|--until M] [--as-of T] [--output FILE]\n"
    "verify rebuilds every balance from the entries, checks that each transaction\n"
    "sums to zero, follows the hash chain, and says what it checked. export writes\n"
    "the general journal for other programs, with what every account must come to.\n\n"
    "  --json         verify: the same in a form for programs\n"
    "  --format F     export: whose language\n"
    "  --month M      export: only what was earned in that month, as 2026-04\n"
    "  --until M      export: only what was earned up to the end of that month\n"
    "  --as-of T      export: only what was recorded by then\n"
    "  --output FILE  export: into FILE, which is there when it is whole\n" CLI_TARGET_HELP
    "\nExit status: 0 the books are sound, or exported; 1 they are not sound;\n"
    "2 wrong command line; 3 a fault.\n";

struct options {
    struct cli_target target;
    const char *format, *limit, *as_of, *until, *month, *output;
    bool json, csv;
};

/* The options of all three. CLI_OK: go on; else *RET_CODE is the exit code. */
static bool options_read(int argc, char **argv, const char *help, const struct option *table,
                         struct options *options, int *ret_code)
{
    int option;
    memset(options, 0, sizeof *options);
    cli_target_init(&options->target);
    while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        const char **text = option == OPT_LIMIT    ? &options->limit
                            : option == OPT_AS_OF  ? &options->as_of
                            : option == OPT_UNTIL  ? &options->until
                            : option == OPT_MONTH  ? &options->month
                            : option == OPT_FORMAT ? &options->format
                            : option == OPT_OUTPUT ? &options->output
                                                   : NULL;
        if (option == 'h') {
            *ret_code = cli_print(help);
            return false;
        } else if (text != NULL) {
            *text = optarg;
        } else if (option == CLI_OPT_JSON) {
            options->json = true;
        } else if (option == CLI_OPT_CSV) {
            options->csv = true;
        } else if (!cli_target_option(&options->target, option, optarg)) {
            *ret_code = CLI_USAGE;
            return false;
        }
    }
    return true;
}

static void add_query(struct oft_buffer *path, const char *name, const char *value)
{
    if (value != NULL) {
        oft_buffer_printf(path, "&%s=", name);
        cli_encode(path, value);
    }
}

/* Refuses what is no instant or no month before anybody is asked. CLI_OK, or CLI_USAGE. */
static int times_check(const char *title, const struct options *options)
{
    oft_instant at;
    int32_t month;
    const char *months[] = {options->until, options->month};
    if (options->as_of != NULL && oft_instant_parse(oft_str_from(options->as_of), &at) != OFT_OK) {
        return cli_usage_error(title, "\"%s\" is no instant; write 2026-04-30T12:00:00Z",
                               options->as_of);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(months); i++) {
        if (months[i] != NULL && oft_month_parse(oft_str_from(months[i]), &month) != OFT_OK) {
            return cli_usage_error(title, "\"%s\" is no month; write 2026-04", months[i]);
        }
    }
    return options->month != NULL && options->until != NULL
               ? cli_usage_error(title, "give --month or --until, not both")
               : CLI_OK;
}

static int print_and_judge(const struct cli_target *target, struct oft_buffer *path)
{
    struct cli_reply reply;
    if (path->failed) {
        return cli_error(CLI_USAGE, "an argument is too long");
    }
    int code = cli_call(target, "GET", oft_buffer_text(path), NULL, &reply);
    if (code == CLI_OK) {
        code = cli_print(oft_buffer_text(&reply.body));
        code = code == CLI_OK && reply.unsound ? CLI_NO : code;
    }
    cli_reply_release(&reply);
    return code;
}

int cli_trace(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"limit", required_argument, NULL, OPT_LIMIT},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct options options;
    int code;
    if (!options_read(argc, argv, TRACE_HELP, OPTIONS, &options, &code)) {
        return code;
    }
    if (argc - optind != 1 || argv[optind][0] == '\0') {
        return cli_usage_error(argv[0], "say which request or which line");
    }
    const char *limit = options.limit == NULL ? "20" : options.limit;
    if (limit[0] == '\0' || strlen(limit) > 4 || strspn(limit, "0123456789") != strlen(limit) ||
        atoi(limit) < 1 || atoi(limit) > 1000) {
        return cli_usage_error(argv[0], "--limit is a number from 1 to 1000");
    }
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/trace/");
    cli_encode(&path, argv[optind]);
    oft_buffer_printf(&path, "?limit=%s&format=%s", limit, options.json ? "json" : "text");
    code = print_and_judge(&options.target, &path);
    oft_buffer_release(&path);
    return code;
}

int cli_balance(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"as-of", required_argument, NULL, OPT_AS_OF},
                                            {"until", required_argument, NULL, OPT_UNTIL},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct options options;
    int code;
    if (!options_read(argc, argv, BALANCE_HELP, OPTIONS, &options, &code)) {
        return code;
    }
    if (argc - optind > 1) {
        return cli_usage_error(argv[0], "\"%s\" is one argument too many", argv[optind + 1]);
    }
    code = times_check(argv[0], &options);
    if (code != CLI_OK) {
        return code;
    }
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/balance?format=%s",
                      options.json  ? "json"
                      : options.csv ? "csv"
                                    : "text");
    add_query(&path, "account", optind < argc ? argv[optind] : NULL);
    add_query(&path, "as_of", options.as_of);
    add_query(&path, "until", options.until);
    code = print_and_judge(&options.target, &path);
    oft_buffer_release(&path);
    return code;
}

/* ---- ledger ------------------------------------------------------------------------------------ */

/* Writes page after page; a reply names the next one. */
static int pages_write(const struct cli_target *target, struct oft_buffer *path, FILE *file)
{
    size_t length = path->length;
    struct cli_reply reply = {0};
    int code = CLI_OK;
    do {
        if (reply.next[0] != '\0') {
            oft_buffer_printf(path, "&%s", reply.next);
            cli_reply_release(&reply);
        }
        code = path->failed ? cli_error(CLI_USAGE, "an argument is too long")
                            : cli_call(target, "GET", oft_buffer_text(path), NULL, &reply);
        path->length = length;
        path->data[length] = '\0';
        if (code == CLI_OK && fwrite(reply.body.data != NULL ? reply.body.data : "", 1,
                                     reply.body.length, file) != reply.body.length) {
            code = cli_error(CLI_FAULT, "cannot write the journal: %s", strerror(errno));
        }
    } while (code == CLI_OK && reply.next[0] != '\0');
    cli_reply_release(&reply);
    return code;
}

/* Into a file beside OUTPUT, renamed when it is whole. */
static int file_write(const struct cli_target *target, struct oft_buffer *path, const char *output)
{
    struct oft_buffer beside;
    oft_buffer_init(&beside, 8192);
    oft_buffer_printf(&beside, "%s.part", output);
    const char *name = oft_buffer_text(&beside);
    FILE *file = beside.failed ? NULL : fopen(name, "w");
    if (file == NULL) {
        int code = cli_error(CLI_FAULT, "cannot open %s: %s", name, strerror(errno));
        oft_buffer_release(&beside);
        return code;
    }
    int code = pages_write(target, path, file);
    bool kept = fflush(file) == 0 && fsync(fileno(file)) == 0;
    kept = fclose(file) == 0 && kept;
    if (code == CLI_OK && (!kept || rename(name, output) != 0)) {
        code = cli_error(CLI_FAULT, "cannot write %s: %s", output, strerror(errno));
    }
    if (code != CLI_OK) {
        (void)unlink(name);
    }
    oft_buffer_release(&beside);
    return code;
}

static int ledger_export(const char *title, const struct options *options)
{
    struct oft_buffer path;
    int code = times_check(title, options);
    if (code != CLI_OK) {
        return code;
    }
    if (options->json || options->format == NULL ||
        (strcmp(options->format, "hledger") != 0 && strcmp(options->format, "beancount") != 0 &&
         strcmp(options->format, "csv") != 0)) {
        return cli_usage_error(title, "say --format hledger, beancount or csv");
    }
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/ledger/export?format=%s", options->format);
    add_query(&path, "month", options->month);
    add_query(&path, "until", options->until);
    add_query(&path, "as_of", options->as_of);
    if (options->output != NULL) {
        code = file_write(&options->target, &path, options->output);
    } else {
        code = pages_write(&options->target, &path, stdout);
        if (code == CLI_OK && fflush(stdout) != 0) {
            code = cli_error(CLI_FAULT, "cannot write the journal: %s", strerror(errno));
        }
    }
    oft_buffer_release(&path);
    return code;
}

int cli_ledger(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            {"format", required_argument, NULL, OPT_FORMAT},
                                            {"month", required_argument, NULL, OPT_MONTH},
                                            {"until", required_argument, NULL, OPT_UNTIL},
                                            {"as-of", required_argument, NULL, OPT_AS_OF},
                                            {"output", required_argument, NULL, OPT_OUTPUT},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct options options;
    int code;
    if (!options_read(argc, argv, LEDGER_HELP, OPTIONS, &options, &code)) {
        return code;
    }
    const char *verb = argc - optind == 1 ? argv[optind] : "";
    if (strcmp(verb, "export") == 0) {
        return ledger_export(argv[0], &options);
    }
    if (options.csv) {
        return cli_usage_error(argv[0], "--csv does not fit this report; use --json");
    }
    if (strcmp(verb, "verify") != 0) {
        return cli_usage_error(argv[0], "say what to do: %s verify or export", argv[0]);
    }
    if (options.format != NULL || options.month != NULL || options.until != NULL ||
        options.as_of != NULL || options.output != NULL) {
        return cli_usage_error(argv[0], "verify takes --json and nothing else");
    }
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_printf(&path, "/v1/ledger/verify?format=%s", options.json ? "json" : "text");
    code = print_and_judge(&options.target, &path);
    oft_buffer_release(&path);
    return code;
}
