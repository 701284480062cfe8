/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data directory: who may read what, files that appear whole, and the control page, which is
 * written in place because workers have it mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/internal.h"

static const uint32_t UNCHANGED = UINT32_MAX;

static enum oft_err fail_errno(struct oft_error *reterr, const char *doing, const char *path)
{
    enum oft_err code =
        errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? OFT_ERR_FULL : OFT_ERR_IO;
    return oft_fail(reterr, code, "cannot %s %s: %s", doing, path, strerror(errno));
}

static enum oft_err make_directory(const char *path, int open_flags, mode_t mode, uint32_t uid,
                                   uint32_t gid, struct oft_error *reterr)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST) {
        return fail_errno(reterr, "make the directory", path);
    }
    int fd = open(path, open_flags | O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(reterr, "open the directory", path);
    }
    enum oft_err code = OFT_OK;
    if (fchown(fd, uid, gid) != 0 || fchmod(fd, mode) != 0) {
        code = fail_errno(reterr, "set owner and mode of", path);
    }
    (void)close(fd);
    return code;
}

/* Workers walk through data/, read run/, and write spool/; nobody else does more than walk. */
enum oft_err engine_directories(struct engine *engine, struct oft_error *reterr)
{
    if (mkdir(engine->data, 0711) != 0 && errno != EEXIST) {
        return fail_errno(reterr, "make the directory", engine->data);
    }
    enum oft_err code = make_directory(engine->run, 0, 0750, UNCHANGED, engine->worker_gid, reterr);
    if (code == OFT_OK) {
        code =
            make_directory(engine->spool, 0, 0750, engine->worker_uid, engine->worker_gid, reterr);
    }
    if (code == OFT_OK) {
        /* Workers own the spool, and may have put a link in it where we expect the archive. */
        code = make_directory(engine->archive, O_NOFOLLOW, 0750, UNCHANGED, UNCHANGED, reterr);
    }
    return code;
}

static enum oft_err write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return OFT_ERR_IO;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return OFT_OK;
}

enum oft_err engine_write_file(struct engine *engine, const char *path, const void *bytes,
                               size_t length, unsigned mode, struct oft_error *reterr)
{
    char temporary[METER_PATH_BYTES_MAX];
    int printed = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (printed < 0 || (size_t)printed >= sizeof(temporary)) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the path %.80s... is too long", path);
    }
    (void)unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_errno(reterr, "create", temporary);
    }
    enum oft_err code = write_all(fd, bytes, length);
    if (code == OFT_OK && (fchown(fd, UNCHANGED, engine->worker_gid) != 0 ||
                           fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)) {
        code = OFT_ERR_IO;
    }
    if (code != OFT_OK) {
        code = fail_errno(reterr, "write", temporary);
    }
    (void)close(fd);
    if (code == OFT_OK && rename(temporary, path) != 0) {
        code = fail_errno(reterr, "put in place", path);
    }
    if (code != OFT_OK) {
        (void)unlink(temporary);
    }
    return code;
}

static enum oft_err map_control(struct engine *engine, int fd, const char *path,
                                struct oft_error *reterr)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is no regular file", path);
    }
    if (status.st_size != CONTROL_BYTES && ftruncate(fd, CONTROL_BYTES) != 0) {
        return fail_errno(reterr, "size", path);
    }
    if (fchown(fd, UNCHANGED, engine->worker_gid) != 0 || fchmod(fd, 0640) != 0) {
        return fail_errno(reterr, "set owner and mode of", path);
    }
    void *page = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return fail_errno(reterr, "map", path);
    }
    engine->control = page;
    return OFT_OK;
}

enum oft_err engine_control_open(struct engine *engine, oft_instant now_ns, int64_t stale_after_ns,
                                 struct oft_error *reterr)
{
    const char *path = engine_path(engine, engine->run, CONTROL_FILE);
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return fail_errno(reterr, "open", path);
    }
    enum oft_err code = map_control(engine, fd, path, reterr);
    (void)close(fd);
    if (code != OFT_OK) {
        return code;
    }
    struct control_page *page = engine->control;
    if (page->magic != CONTROL_MAGIC) {
        memset(page, 0, sizeof(*page));
        page->version = 1;
        page->magic = CONTROL_MAGIC;
    }
    atomic_store(&page->stale_after_ns, stale_after_ns);
    atomic_store(&page->clock_shift_ns, engine->clock_shift_ns);
    atomic_store(&page->heartbeat_ns, now_ns);
    return OFT_OK;
}
