/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files in and out.
 */
#include "cli/whole_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int cli_whole_file_read(const char *path, struct oft_buffer *out)
{
    char piece[65536];
    size_t got;
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    if (file == NULL) {
        return cli_error(CLI_FAULT, "cannot open %s: %s", path, strerror(errno));
    }
    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        oft_buffer_append(out, piece, got);
    }
    bool failed = ferror(file) != 0;
    if (!standard) {
        (void)fclose(file);
    }
    if (failed) {
        return cli_error(CLI_FAULT, "cannot read %s: %s", path, strerror(errno));
    }
    return out->failed
               ? cli_error(CLI_FAULT, "%s is larger than a gigabyte; split it by month", path)
               : CLI_OK;
}

int cli_whole_file_write(const char *path, const struct oft_buffer *text)
{
    char beside[4096];
    if (strcmp(path, "-") == 0) {
        return cli_print(oft_buffer_text(text));
    }
    if (snprintf(beside, sizeof beside, "%s.part", path) >= (int)sizeof beside) {
        return cli_error(CLI_FAULT, "the path is too long: %s", path);
    }
    FILE *file = fopen(beside, "wbe");
    if (file == NULL) {
        return cli_error(CLI_FAULT, "cannot make %s: %s", beside, strerror(errno));
    }
    bool good = fwrite(oft_buffer_text(text), 1, text->length, file) == text->length;
    good = fclose(file) == 0 && good;
    if (!good || rename(beside, path) != 0) {
        int why = errno;
        (void)unlink(beside);
        return cli_error(CLI_FAULT, "cannot write %s: %s", path, strerror(why));
    }
    return CLI_OK;
}

int cli_focus_fetch(const struct cli_target *target, const char *dataset, const char *version,
                    const char *month, const char *by, struct cli_reply *ret_reply)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/focus?dataset=");
    cli_encode(&path, dataset);
    oft_buffer_append_text(&path, "&version=");
    cli_encode(&path, version);
    oft_buffer_append_text(&path, "&month=");
    cli_encode(&path, month);
    oft_buffer_append_text(&path, "&by=");
    cli_encode(&path, by);
    int code = path.failed ? cli_error(CLI_USAGE, "the names are too long")
                           : cli_call(target, "GET", oft_buffer_text(&path), NULL, ret_reply);
    oft_buffer_release(&path);
    return code;
}

int cli_metering_fetch(const struct cli_target *target, const char *month, const char *by,
                       struct cli_reply *ret_reply)
{
    struct oft_buffer path;
    oft_buffer_init(&path, 4096);
    oft_buffer_append_text(&path, "/v1/metering?month=");
    cli_encode(&path, month);
    oft_buffer_append_text(&path, "&by=");
    cli_encode(&path, by);
    int code = path.failed ? cli_error(CLI_USAGE, "the month is too long")
                           : cli_call(target, "GET", oft_buffer_text(&path), NULL, ret_reply);
    oft_buffer_release(&path);
    return code;
}
