/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake fmt`: a deal file in its stable layout. A file is written only when it parses, and by
 * replacing it whole, so that a mistake of ours never costs anybody's text.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/deal_file.h"
#include "deal/format.h"

enum { OPT_WRITE = CLI_OPT_OWN, OPT_CHECK };

static const char HELP[] =
    "Usage: offtake fmt FILE [--write | --check]\n"
    "Prints a deal file in its stable layout: blanks, indentation, comments under\n"
    "each other. Words, comments and lines stay as they are. Included files are\n"
    "formatted on their own; for that a part need not make sense alone.\n\n"
    "  --write        replace the file instead of printing it\n"
    "  --check        print nothing; say by the exit status whether it is formatted\n"
    "  --help         this text\n\n"
    "Exit status: 0 done, or formatted; 1 it does not parse, or is not formatted;\n"
    "2 wrong command line; 3 a fault.\n";

/* Writes TEXT beside PATH and renames it over PATH. */
static int file_replace(const char *path, const struct oft_buffer *text)
{
    char beside[4096];
    struct stat status;
    int length = snprintf(beside, sizeof beside, "%s.fmt-%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof beside || stat(path, &status) != 0) {
        return cli_error(CLI_FAULT, "cannot replace %s: %s", path, strerror(errno));
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0777);
    if (fd < 0) {
        return cli_error(CLI_FAULT, "cannot write %s: %s", beside, strerror(errno));
    }
    size_t written = 0;
    bool good = true;
    while (good && written < text->length) {
        ssize_t got = write(fd, text->data + written, text->length - written);
        good = got > 0 || (got < 0 && errno == EINTR);
        written += got > 0 ? (size_t)got : 0;
    }
    good = fsync(fd) == 0 && good;
    good = close(fd) == 0 && good;
    if (!good || rename(beside, path) != 0) {
        (void)unlink(beside);
        return cli_error(CLI_FAULT, "cannot replace %s: %s", path, strerror(errno));
    }
    return CLI_OK;
}

static int format_text(const char *path, struct oft_str text, bool write_it, bool check)
{
    struct oft_buffer out;
    int code = CLI_OK;
    oft_buffer_init(&out, 2 * (size_t)OFT_DEAL_FILE_BYTES_MAX + CLI_REPORT_BYTES_MAX);
    if (deal_format(text, &out) != OFT_OK) {
        code = cli_error(CLI_FAULT, "%s: memory ran out", path);
    } else if (check) {
        bool same = out.length == text.length && memcmp(out.data, text.data, text.length) == 0;
        code = same ? CLI_OK
                    : cli_error(CLI_NO, "%s is not formatted; `offtake fmt --write %s` does it",
                                path, path);
    } else if (write_it) {
        code = file_replace(path, &out);
    } else {
        code = cli_print(oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
    return code;
}

/* A part of a deal need not make sense alone: only its words are read. */
static int format_file(const char *path, bool write_it, bool check)
{
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    struct oft_arena arena;
    struct oft_str text;
    int code = CLI_NO;
    oft_arena_init(&arena, (size_t)1 << 30);
    deal_diagnostics_init(&diagnostics);
    enum oft_err err =
        deal_parse_words(path, deal_load_file, NULL, &arena, &text, &diagnostics, &error);
    if (err == OFT_OK) {
        code = format_text(path, text, write_it, check);
    } else if (err == OFT_ERR_INVALID) {
        struct oft_buffer report;
        oft_buffer_init(&report, CLI_REPORT_BYTES_MAX);
        deal_diagnostics_print(&diagnostics, isatty(STDERR_FILENO) == 1, &report);
        fputs(oft_buffer_text(&report), stderr);
        oft_buffer_release(&report);
    } else {
        code = cli_error(CLI_FAULT, "%s: %s", path, cli_fault_text(err, &error));
    }
    deal_diagnostics_release(&diagnostics);
    oft_arena_release(&arena);
    return code;
}

int cli_fmt(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"write", no_argument, NULL, OPT_WRITE},
                                            {"check", no_argument, NULL, OPT_CHECK},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    bool write_it = false;
    bool check = false;
    int option;
    while ((option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1) {
        switch (option) {
        case OPT_WRITE:
            write_it = true;
            break;
        case OPT_CHECK:
            check = true;
            break;
        case 'h':
            return cli_print(HELP);
        default:
            return CLI_USAGE;
        }
    }
    if (argc - optind != 1 || (write_it && check)) {
        return cli_usage_error(argv[0], "one deal file, and --write or --check at most");
    }
    return format_file(argv[optind], write_it, check);
}
