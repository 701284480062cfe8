/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the admin token once. The file that will hold it is opened before the token is made, so that a
 * token is never made that nobody can read; stderr may be a log, so it is used only as a terminal.
 */
#include "daemon/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "daemon/log.h"

static enum oft_err token_to_file(struct engine *engine, const char *path, uint8_t ret_sha256[32],
                                  struct oft_error *reterr)
{
    char temporary[4200], token[ENGINE_TOKEN_BYTES + 1] = "";
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the admin token file's path is too long");
    }
    if (unlink(temporary) != 0 && errno != ENOENT) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot write %s: %s", temporary, strerror(errno));
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot write %s: %s", temporary, strerror(errno));
    }
    enum oft_err err = engine_admin_token(engine, token, ret_sha256, reterr);
    if (err == OFT_OK && token[0] != '\0') {
        size_t size = strlen(token);
        token[size] = '\n';
        if (write(fd, token, size + 1) != (ssize_t)size + 1 || fsync(fd) != 0 ||
            rename(temporary, path) != 0) {
            err = oft_fail(reterr, OFT_ERR_IO, "cannot write the admin token to %s: %s", path,
                           strerror(errno));
        } else {
            daemon_log(DAEMON_INFO, "the admin token is in %s; move it to a safe place", path);
        }
    } else {
        (void)unlink(temporary);
    }
    explicit_bzero(token, sizeof token);
    (void)close(fd);
    return err;
}

enum oft_err token_show_once(struct engine *engine, const char *data_directory, const char *file,
                             uint8_t ret_sha256[32], struct oft_error *reterr)
{
    char path[4096], token[ENGINE_TOKEN_BYTES] = "";
    if (file != NULL) {
        return token_to_file(engine, file, ret_sha256, reterr);
    }
    if (isatty(STDERR_FILENO) != 1) {
        int length = snprintf(path, sizeof path, "%s/admin-token", data_directory);
        if (length < 0 || (size_t)length >= sizeof path) {
            return oft_fail(reterr, OFT_ERR_LIMIT, "the data directory's path is too long");
        }
        return token_to_file(engine, path, ret_sha256, reterr);
    }
    enum oft_err err = engine_admin_token(engine, token, ret_sha256, reterr);
    if (err == OFT_OK && token[0] != '\0') {
        fprintf(stderr,
                "The admin token, shown this once (only its hash is kept):\n"
                "  %s\n"
                "Clients give it in the environment variable OFFTAKE_ADMIN_TOKEN.\n",
                token);
    }
    explicit_bzero(token, sizeof token);
    return err;
}

enum oft_err token_of_file(const char *file, uint8_t ret_sha256[32], struct oft_error *reterr)
{
    enum { SHORTEST = 16, LONGEST = 128 };
    char line[LONGEST + 2];
    FILE *stream = fopen(file, "re");
    if (stream == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "cannot read the token in %s: %s", file,
                        strerror(errno));
    }
    bool any = fgets(line, sizeof line, stream) != NULL;
    (void)fclose(stream);
    size_t length = any ? strcspn(line, "\r\n") : 0;
    for (size_t i = 0; i < length; i++) {
        if (line[i] < 0x21 || line[i] > 0x7e) {
            length = 0;
        }
    }
    enum oft_err err = OFT_OK;
    if (length < SHORTEST || length > LONGEST) {
        err = oft_fail(reterr, OFT_ERR_INVALID,
                       "the first line of %s is no token: it needs %d to %d visible characters",
                       file, SHORTEST, LONGEST);
    } else {
        err = oft_sha256_once(line, length, ret_sha256);
    }
    explicit_bzero(line, sizeof line);
    return err;
}
