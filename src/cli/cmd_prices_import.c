/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake prices import`: a public price list as price lines. What no line can say is in the text as
 * comments, and counted on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "cli/deal_file.h"
#include "cli/prices.h"
#include "prices/prices.h"

static int read_all(int fd, const char *path, struct oft_buffer *text)
{
    char bytes[65536];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cli_error(CLI_FAULT, "cannot read %s: %s", path, strerror(errno));
        }
        oft_buffer_append(text, bytes, (size_t)got);
        if (text->failed) {
            return cli_error(CLI_FAULT, "%s is larger than %u bytes", path,
                             OFT_PRICE_LIST_BYTES_MAX);
        }
    }
    return CLI_OK;
}

static int read_list(const char *path, struct oft_buffer *text)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return cli_error(CLI_FAULT, "cannot open %s: %s", path, strerror(errno));
    }
    int code = fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
                   ? read_all(fd, path, text)
                   : cli_error(CLI_FAULT, "%s is not a regular file", path);
    (void)close(fd); /* only read from: nothing can be lost */
    return code;
}

/* Splits THEIRS=OURS, in memory of its own, at the last "=": their names may hold one. */
static int split_maps(const struct cli_prices_ask *ask, struct prices_map *maps, char **ret_memory)
{
    size_t bytes = 1;
    for (size_t i = 0; i < ask->map_count; i++) {
        bytes += strlen(ask->maps[i]) + 1;
    }
    char *memory = *ret_memory = malloc(bytes);
    if (memory == NULL) {
        return cli_error(CLI_FAULT, "out of memory");
    }
    for (size_t i = 0; i < ask->map_count; i++) {
        size_t length = strlen(ask->maps[i]);
        memcpy(memory, ask->maps[i], length + 1);
        char *equals = strrchr(memory, '=');
        if (equals == NULL || equals == memory || equals[1] == '\0') {
            return cli_usage_error("offtake prices", "--map takes THEIRS=OURS, not \"%s\"",
                                   ask->maps[i]);
        }
        *equals = '\0';
        maps[i] = (struct prices_map){memory, equals + 1};
        memory += length + 1;
    }
    return CLI_OK;
}

static int hash_text(const struct oft_buffer *text, char out[65])
{
    uint8_t digest[32];
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return cli_error(CLI_FAULT, "out of memory");
    }
    oft_sha256_update(hash, oft_buffer_text(text), text->length);
    oft_sha256_final(hash, digest);
    oft_sha256_free(hash);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
    return CLI_OK;
}

static int write_book(const struct prices_book *book, const struct prices_form *form, bool json)
{
    struct oft_buffer out;
    oft_buffer_init(&out, 4 * (size_t)CLI_REPORT_BYTES_MAX);
    if (json) {
        prices_write_json(book, form, &out);
    } else {
        prices_write_deal(book, form, &out);
    }
    int code = out.failed ? cli_error(CLI_FAULT, "the answer is too long or memory ran out")
                          : cli_print(oft_buffer_text(&out));
    oft_buffer_release(&out);
    if (code == CLI_OK) {
        fprintf(stderr,
                "%zu of %zu models, %zu price lines; %zu values could not be said and are\n"
                "listed%s; %zu models were not asked for.\n",
                book->models_taken, book->models_read, book->row_count, book->left_count,
                json ? " under left_out" : " as comments", book->models_unwanted);
    }
    return code == CLI_OK && (book->maps_unknown > 0 || book->row_count == 0) ? CLI_NO : code;
}

static int import_text(const char *path, const struct oft_buffer *text,
                       const struct cli_prices_ask *ask, const struct prices_map *maps)
{
    char sha256[65];
    const char *slash = strrchr(path, '/');
    struct prices_wish wish = {.format = strcmp(ask->format, "litellm") == 0 ? PRICES_LITELLM
                                                                             : PRICES_MODELS_DEV,
                               .maps = maps,
                               .map_count = ask->map_count};
    struct prices_form form = {.source = slash == NULL ? path : slash + 1,
                               .sha256 = sha256,
                               .pool = ask->pool,
                               .product = ask->product,
                               .from = ask->from,
                               .models = ask->models};
    struct prices_book *book = NULL;
    struct oft_error error = {0};
    int code = hash_text(text, sha256);
    if (code != CLI_OK) {
        return code;
    }
    enum oft_err err =
        prices_read((struct oft_str){oft_buffer_text(text), text->length}, &wish, &book, &error);
    if (err != OFT_OK) {
        return cli_error(err == OFT_ERR_INVALID ? CLI_NO : CLI_FAULT, "%s: %s", path,
                         cli_fault_text(err, &error));
    }
    code = write_book(book, &form, ask->json);
    prices_free(book);
    return code;
}

/* It goes into the text as it is. */
static bool good_name(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
    return name == NULL || (name[0] != '\0' && strlen(name) <= OFT_NAME_BYTES_MAX &&
                            strspn(name, letters) == strlen(name));
}

int cli_prices_import(const char *path, const struct cli_prices_ask *ask)
{
    static const char TITLE[] = "offtake prices";
    oft_instant from;
    if (ask->format == NULL ||
        (strcmp(ask->format, "litellm") != 0 && strcmp(ask->format, "models.dev") != 0)) {
        return cli_usage_error(TITLE, "import needs --format litellm or --format models.dev");
    }
    if (ask->pool != NULL && ask->product != NULL) {
        return cli_usage_error(TITLE, "a price is a pool's or a product's, not both");
    }
    if (!good_name(ask->pool) || !good_name(ask->product)) {
        return cli_usage_error(TITLE, "\"%s\" is no name of a deal",
                               ask->pool != NULL ? ask->pool : ask->product);
    }
    if (ask->from != NULL && oft_instant_parse(oft_str_from(ask->from), &from) != OFT_OK) {
        return cli_usage_error(TITLE, "\"%s\" is no date; write 2026-01-01", ask->from);
    }
    struct prices_map *maps = calloc(ask->map_count + 1, sizeof(*maps));
    char *memory = NULL;
    struct oft_buffer text;
    oft_buffer_init(&text, OFT_PRICE_LIST_BYTES_MAX);
    int code = maps == NULL ? cli_error(CLI_FAULT, "out of memory") : CLI_OK;
    if (code == CLI_OK) {
        code = split_maps(ask, maps, &memory);
    }
    if (code == CLI_OK) {
        code = read_list(path, &text);
    }
    if (code == CLI_OK) {
        code = import_text(path, &text, ask, maps);
    }
    oft_buffer_release(&text);
    free(memory);
    free(maps);
    return code;
}
