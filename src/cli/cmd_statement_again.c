/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake statement --reproduce FILE`: reads from a statement what it was made from, has the daemon make
 * it again from the books, and compares byte for byte. What the file says is only where to look: the bytes
 * that it is held against come from the books alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/statement.h"

enum { FILE_BYTES_MAX = 256 << 20, WORD_BYTES = 256, SHOWN_BYTES = 60 };

struct basis {
    char party[WORD_BYTES], month[WORD_BYTES], transaction[WORD_BYTES], generation[WORD_BYTES];
    char as_of[WORD_BYTES], number[WORD_BYTES], life[WORD_BYTES];
};

static const char MARK[] = "offtake-statement-";

/* The value of NAME at *AT, behind any white space; *AT moves behind it. */
static bool word_take(const char **at, const char *end, const char *name, char out[WORD_BYTES])
{
    const char *c = *at;
    size_t length = strlen(name);
    size_t kept = 0;
    while (c < end && (*c == ' ' || *c == '\n' || *c == '\r')) {
        c++;
    }
    if ((size_t)(end - c) <= length || memcmp(c, name, length) != 0 || c[length] != '=') {
        return false;
    }
    for (c += length + 1; c < end && kept + 1 < WORD_BYTES; c++) {
        bool inside = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                      (*c >= 'A' && *c <= 'Z') || strchr("-_.:%+", *c) != NULL;
        if (*c == '\0' || !inside) {
            break;
        }
        out[kept++] = *c;
    }
    out[kept] = '\0';
    *at = c;
    return kept > 0;
}

static bool basis_take(const char *at, const char *end, struct basis *basis)
{
    at += sizeof MARK - 1;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return word_take(&at, end, "party", basis->party) &&
           word_take(&at, end, "month", basis->month) &&
           word_take(&at, end, "transaction", basis->transaction) &&
           word_take(&at, end, "generation", basis->generation) &&
           word_take(&at, end, "as-of", basis->as_of) &&
           word_take(&at, end, "number", basis->number) && word_take(&at, end, "life", basis->life);
}

/* The last whole one: what a deal's title says comes before it. */
static bool basis_find(const struct oft_buffer *file, struct basis *ret_basis)
{
    const char *end = oft_buffer_text(file) + file->length;
    bool found = false;
    for (const char *at = oft_buffer_text(file);
         (at = memmem(at, (size_t)(end - at), MARK, sizeof MARK - 1)) != NULL; at++) {
        struct basis basis;
        if (basis_take(at, end, &basis)) {
            *ret_basis = basis;
            found = true;
        }
    }
    return found;
}

static const char *form_of(const struct oft_buffer *file)
{
    const char *text = oft_buffer_text(file);
    return strncmp(text, "%PDF-", 5) == 0            ? "pdf"
           : strncmp(text, "{", 1) == 0              ? "json"
           : strncmp(text, "section,item,", 13) == 0 ? "csv"
                                                     : "text";
}

static int file_read(const char *path, struct oft_buffer *out)
{
    char part[65536];
    size_t got;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return cli_error(CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
    }
    while ((got = fread(part, 1, sizeof part, file)) > 0) {
        oft_buffer_append(out, part, got);
    }
    bool good = ferror(file) == 0 && !out->failed;
    (void)fclose(file);
    return good ? CLI_OK : cli_error(CLI_FAULT, "cannot read %s whole", path);
}

/* ---- the comparison --------------------------------------------------------------------------- */

struct difference {
    size_t offset, line;
    char file[SHOWN_BYTES + 1],
        books[SHOWN_BYTES + 1]; /* the line of each, or what there is of it */
};

static void line_copy(const struct oft_buffer *from, size_t begin, char out[SHOWN_BYTES + 1])
{
    size_t kept = 0;
    const char *text = oft_buffer_text(from);
    for (size_t i = begin; i < from->length && text[i] != '\n' && kept < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)text[i];
        out[kept++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    out[kept] = '\0';
}

static bool find_difference(const struct oft_buffer *file, const struct oft_buffer *books,
                            struct difference *ret)
{
    const char *a = oft_buffer_text(file);
    const char *b = oft_buffer_text(books);
    size_t shorter = file->length < books->length ? file->length : books->length;
    size_t begin = 0;
    *ret = (struct difference){.line = 1};
    while (ret->offset < shorter && a[ret->offset] == b[ret->offset]) {
        if (a[ret->offset] == '\n') {
            ret->line++;
            begin = ret->offset + 1;
        }
        ret->offset++;
    }
    /* A long line is shown from a little before the difference. */
    begin = ret->offset - begin > SHOWN_BYTES / 2 ? ret->offset - SHOWN_BYTES / 2 : begin;
    line_copy(file, begin, ret->file);
    line_copy(books, begin, ret->books);
    return ret->offset < file->length || ret->offset < books->length;
}

static int verdict(const struct cli_statement *it, const struct oft_buffer *file,
                   const struct oft_buffer *books)
{
    struct difference where;
    bool differs = find_difference(file, books, &where);
    const char *form = form_of(file);
    if (strcmp(it->format, "json") == 0) {
        json_t *answer = json_pack("{s:b, s:s, s:I}", "same", !differs, "form", form, "bytes",
                                   (json_int_t)file->length);
        if (differs) {
            (void)json_object_set_new(
                answer, "first_difference",
                json_pack("{s:I, s:I, s:s, s:s}", "offset", (json_int_t)where.offset, "line",
                          (json_int_t)where.line, "file", where.file, "books", where.books));
        }
        char *text = json_dumps(answer, JSON_COMPACT);
        printf("%s\n", text == NULL ? "" : text);
        free(text);
        json_decref(answer);
    } else if (!differs) {
        printf("The same: all %zu bytes (%s) are what the books make of it.\n", file->length, form);
    } else {
        printf("NOT the same. The first difference is at byte %zu, line %zu:\n"
               "  file:  %s\n  books: %s\n",
               where.offset, where.line, where.file, where.books);
    }
    int code = cli_print("");
    return code == CLI_OK && differs ? CLI_NO : code;
}

static int make_again(const struct cli_statement *it, const struct basis *basis,
                      const struct oft_buffer *file)
{
    struct oft_buffer path;
    struct cli_reply reply;
    oft_buffer_init(&path, 8192);
    /* The party's word is percent-encoded already. */
    oft_buffer_printf(&path, "/v1/statement?party=%s&month=%s&transaction=%s&generation=%s",
                      basis->party, basis->month, basis->transaction, basis->generation);
    oft_buffer_append_text(&path, "&as_of=");
    cli_encode(&path, basis->as_of);
    oft_buffer_printf(&path, "&number=%s&life=%s&format=%s", basis->number, basis->life,
                      form_of(file));
    int code = cli_call(&it->target, "GET", oft_buffer_text(&path), NULL, &reply);
    if (code == CLI_OK) {
        code = verdict(it, file, &reply.body);
    }
    cli_reply_release(&reply);
    oft_buffer_release(&path);
    return code;
}

int cli_statement_again(const struct cli_statement *it)
{
    struct basis basis;
    struct oft_buffer file;
    oft_buffer_init(&file, FILE_BYTES_MAX);
    int code = file_read(it->again, &file);
    if (code == CLI_OK && !basis_find(&file, &basis)) {
        code = cli_error(CLI_NO,
                         "%s does not say what it was made from: no \"offtake-statement-... "
                         "party=...\" is in it. Is it a statement, and whole?",
                         it->again);
    } else if (code == CLI_OK) {
        code = make_again(it, &basis, &file);
    }
    oft_buffer_release(&file);
    return code;
}
