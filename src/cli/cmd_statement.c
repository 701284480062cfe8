/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake statement`: asks the daemon for one party's or account's month, or for a step in a statement's
 * life. The daemon makes the text; this file only asks and prints, so that the forms cannot differ by
 * client.
 */
#include <errno.h>
#include <string.h>

#include "cli/statement.h"

enum {
    OPT_PARTY = CLI_OPT_OWN,
    OPT_MONTH,
    OPT_PDF,
    OPT_BY,
    OPT_REPRODUCE,
    OPT_AS_OF,
    OPT_KEY,
    OPT_SIGNATURE,
    OPT_PRINT
};

static const char HELP[] =
    "Usage: offtake statement --party P --month YYYY-MM [--as-of T]\n"
    "                         [--json|--csv|--pdf FILE]\n"
    "       offtake statement draft --party P --month YYYY-MM --by NAME [--json]\n"
    "       offtake statement approve NUMBER --by NAME [--key FILE] [--json]\n"
    "       offtake statement final|restate NUMBER --by NAME [--json]\n"
    "       offtake statement list [--json]\n"
    "       offtake statement show NUMBER [--json|--csv|--pdf FILE]\n"
    "       offtake statement --reproduce FILE [--json]\n"
    "Prints what is owed to and by a party in a month of the books, line by line\n"
    "with each line's clause; or what an account owes. Without a number it is a\n"
    "draft, and says so.\n\n"
    "A statement's life: `draft` keeps one under a number; two persons `approve` it;\n"
    "once its month is closed (`offtake period close`) `final` keeps its bytes for\n"
    "good. What comes late after that lands in a later month; `restate` drafts a new\n"
    "edition that names the old one and shows each line's difference.\n\n"
    "  --party P         a party or an account of the deal\n"
    "  --month M         the month, as 2026-04\n"
    "  --as-of T         as it would have been made then, as 2026-05-01T12:00:00Z\n"
    "  --json, --csv     the same in a form for programs; amounts in nano-units\n"
    "  --pdf FILE        as PDF, into FILE\n"
    "  --by NAME         who does it; the books keep the name\n"
    "  --key FILE        approve: the person's private key, PEM, from `offtake keys\n"
    "                    party`; needed when the deal names persons\n"
    "  --signature HEX   approve: a signature made elsewhere, of what --print shows\n"
    "  --print           approve: print the text that is signed, and do nothing\n"
    "  --reproduce FILE  make the statement in FILE (text, JSON, CSV or PDF) again\n"
    "                    from the books and compare it byte for byte\n" CLI_TARGET_HELP
    "\nExit status: 0 done; 1 the answer is no (no such party, the same person twice,\n"
    "bytes that differ); 2 wrong command line; 3 a fault.\n";

static int file_write(const char *path, const struct oft_buffer *bytes)
{
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        return cli_error(CLI_USAGE, "cannot write %s: %s", path, strerror(errno));
    }
    bool good = fwrite(oft_buffer_text(bytes), 1, bytes->length, file) == bytes->length;
    good = fclose(file) == 0 && good;
    return good ? CLI_OK : cli_error(CLI_FAULT, "cannot write %s: %s", path, strerror(errno));
}

int cli_statement_fetch(const struct cli_statement *it, const char *path, char joint)
{
    struct cli_reply reply;
    struct oft_buffer whole;
    oft_buffer_init(&whole, 8192);
    oft_buffer_printf(&whole, "%s%cformat=%s", path, joint, it->format);
    int code = cli_call(&it->target, "GET", oft_buffer_text(&whole), NULL, &reply);
    if (code == CLI_OK) {
        code = it->pdf != NULL ? file_write(it->pdf, &reply.body)
                               : cli_print(oft_buffer_text(&reply.body));
    }
    cli_reply_release(&reply);
    oft_buffer_release(&whole);
    return code;
}

static int print_month(const struct cli_statement *it)
{
    int32_t month;
    struct oft_buffer path;
    if (it->party == NULL || it->month == NULL) {
        return cli_usage_error(it->title, "--party and --month are needed");
    }
    if (oft_month_parse(oft_str_from(it->month), &month) != OFT_OK) {
        return cli_usage_error(it->title, "\"%s\" is no month; write 2026-04", it->month);
    }
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/statement?party=");
    cli_encode(&path, it->party);
    oft_buffer_append_text(&path, "&month=");
    cli_encode(&path, it->month);
    if (it->as_of != NULL) {
        oft_buffer_append_text(&path, "&recorded_by=");
        cli_encode(&path, it->as_of);
    }
    int code = path.failed ? cli_usage_error(it->title, "the party's name is too long")
                           : cli_statement_fetch(it, oft_buffer_text(&path), '&');
    oft_buffer_release(&path);
    return code;
}

/* False: OPTION is not one of a statement's. */
static bool take_option(struct cli_statement *it, int option, const char *value)
{
    switch (option) {
    case OPT_PARTY:
        it->party = value;
        return true;
    case OPT_MONTH:
        it->month = value;
        return true;
    case OPT_AS_OF:
        it->as_of = value;
        return true;
    case OPT_BY:
        it->by = value;
        return true;
    case OPT_REPRODUCE:
        it->again = value;
        return true;
    case OPT_KEY:
        it->key = value;
        return true;
    case OPT_SIGNATURE:
        it->signature = value;
        return true;
    case OPT_PRINT:
        it->print = true;
        return true;
    case OPT_PDF:
        it->pdf = value;
        it->format = "pdf";
        return true;
    case CLI_OPT_JSON:
        it->format = "json";
        return true;
    case CLI_OPT_CSV:
        it->format = "csv";
        return true;
    default:
        return cli_target_option(&it->target, option, value);
    }
}

int cli_statement(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"party", required_argument, NULL, OPT_PARTY},
                                            {"month", required_argument, NULL, OPT_MONTH},
                                            {"pdf", required_argument, NULL, OPT_PDF},
                                            {"as-of", required_argument, NULL, OPT_AS_OF},
                                            {"by", required_argument, NULL, OPT_BY},
                                            {"key", required_argument, NULL, OPT_KEY},
                                            {"signature", required_argument, NULL, OPT_SIGNATURE},
                                            {"print", no_argument, NULL, OPT_PRINT},
                                            {"reproduce", required_argument, NULL, OPT_REPRODUCE},
                                            {"json", no_argument, NULL, CLI_OPT_JSON},
                                            {"csv", no_argument, NULL, CLI_OPT_CSV},
                                            CLI_TARGET_OPTIONS,
                                            {0}};
    struct cli_statement it = {.title = argv[0], .format = "text"};
    int option;
    cli_target_init(&it.target);
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        if (option == 'h') {
            return cli_print(HELP);
        }
        if (!take_option(&it, option, optarg)) {
            return CLI_USAGE;
        }
    }
    if (it.again != NULL && optind == argc) {
        return cli_statement_again(&it);
    }
    if (it.pdf != NULL && strcmp(it.format, "pdf") != 0) {
        return cli_usage_error(argv[0], "--pdf, --json and --csv exclude one another");
    }
    return optind < argc ? cli_statement_life(&it, argc - optind, argv + optind) : print_month(&it);
}
