/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loaders: where the texts of a deal come from. The only file of this room that does I/O; the
 * parser takes a loader as an argument and never sees a file. Sizes are bounded before anything is
 * read, and only regular files are.
 */
#include "base/limits.h"
#include "deal/deal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum oft_err read_all(int fd, char *out, size_t size, size_t *ret_length)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, out + length, size - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return OFT_ERR_IO;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
    }
    *ret_length = length;
    return OFT_OK;
}

static enum oft_err load_open_file(int fd, const char *path, struct oft_arena *arena,
                                   struct oft_str *ret_text, struct oft_error *reterr)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is not a regular file", path);
    }
    if (status.st_size > (off_t)OFT_DEAL_FILE_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "%s is larger than %u bytes", path,
                        OFT_DEAL_FILE_BYTES_MAX);
    }
    size_t size = (size_t)status.st_size;
    char *bytes = oft_arena_alloc(arena, size + 1);
    if (bytes == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory while reading %s", path);
    }
    size_t length = 0;
    if (read_all(fd, bytes, size, &length) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
    *ret_text = (struct oft_str){bytes, length};
    return OFT_OK;
}

enum oft_err deal_load_file(void *context, const char *path, struct oft_arena *arena,
                            struct oft_str *ret_text, struct oft_error *reterr)
{
    (void)context;
    /* Without O_NONBLOCK a FIFO would hold us before we can see that it is one. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        enum oft_err code = errno == ENOENT ? OFT_ERR_NOT_FOUND : OFT_ERR_IO;
        return oft_fail(reterr, code, "cannot open %s: %s", path, strerror(errno));
    }
    enum oft_err code = load_open_file(fd, path, arena, ret_text, reterr);
    (void)close(fd); /* only read from: nothing can be lost */
    return code;
}

enum oft_err deal_load_memory(void *context, const char *path, struct oft_arena *arena,
                              struct oft_str *ret_text, struct oft_error *reterr)
{
    const struct deal_memory_files *files = context;
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->files[i].path, path) != 0) {
            continue;
        }
        char *copy = oft_arena_copy(arena, files->files[i].text);
        if (copy == NULL) {
            return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory while reading %s", path);
        }
        *ret_text = (struct oft_str){copy, files->files[i].text.length};
        return OFT_OK;
    }
    return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no text for %s", path);
}
