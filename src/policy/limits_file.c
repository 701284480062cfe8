/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that holds the page of limits: mapped by the daemon and by every worker, with a lock for
 * each worker that lives. Edge, and the one file of policy/ that touches the system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, when nginx's build compiles this */
#endif
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/limits.h"

/* ---- the file -------------------------------------------------------------------------------- */

static enum oft_err fail_errno(struct oft_error *reterr, const char *doing, const char *path)
{
    return oft_fail(reterr, errno == ENOSPC || errno == EDQUOT ? OFT_ERR_FULL : OFT_ERR_IO,
                    "cannot %s %s: %s", doing, path, strerror(errno));
}

static enum oft_err map_page(int fd, const char *path, bool create, struct limit_page **ret_page,
                             struct oft_error *reterr)
{
    struct stat status;
    struct limit_page *page;
    int failure;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is no regular file", path);
    }
    if (status.st_size != (off_t)sizeof(*page) &&
        (!create || ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)sizeof(*page)) != 0)) {
        return create
                   ? fail_errno(reterr, "size", path)
                   : oft_fail(reterr, OFT_ERR_CORRUPT, "%s has another size than it should", path);
    }
    failure = create ? posix_fallocate(fd, 0, (off_t)sizeof(*page)) : 0;
    if (failure != 0) { /* a worker must never fault for want of disk */
        errno = failure;
        return fail_errno(reterr, "allocate", path);
    }
    page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return fail_errno(reterr, "map", path);
    }
    if (create && page->magic == 0) {
        page->version = LIMIT_VERSION;
        page->slot_count = LIMIT_SLOT_COUNT;
        page->magic = LIMIT_MAGIC;
    }
    if (page->magic != LIMIT_MAGIC || page->version != LIMIT_VERSION ||
        page->slot_count != LIMIT_SLOT_COUNT) {
        (void)munmap(page, sizeof(*page));
        return oft_fail(reterr, OFT_ERR_VERSION, "%s is of another version of offtake", path);
    }
    *ret_page = page;
    return OFT_OK;
}

enum oft_err limit_page_map(const char *path, bool create, struct limit_page **ret_page,
                            int *ret_fd, struct oft_error *reterr)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0660);
    enum oft_err err;

    if (fd < 0) {
        return fail_errno(reterr, "open", path);
    }
    err = map_page(fd, path, create, ret_page, reterr);
    if (err != OFT_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return OFT_OK;
}

void limit_page_unmap(struct limit_page *page, int fd)
{
    if (page != NULL) {
        (void)munmap(page, sizeof(*page));
        (void)close(fd);
    }
}

/* ---- locks of workers ------------------------------------------------------------------------- */

/* The lock of a row is a byte of the file; it goes with the open file of the worker that died. */
static bool lock_row(int fd, uint32_t row, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)row, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool limit_page_idle(struct limit_page *page, int fd)
{
    uint32_t i;

    for (i = 0; i < LIMIT_WORKER_COUNT; i++) {
        if (atomic_load(&page->rows[i].used) == 0) {
            continue;
        }
        if (!lock_row(fd, i, F_WRLCK)) {
            return false;
        }
        (void)lock_row(fd, i, F_UNLCK);
    }
    return true;
}

static void give_back(struct limit_page *page, struct limit_row *row)
{
    uint32_t place, part;

    for (place = 0; place < LIMIT_RUNNING_MAX; place++) {
        for (part = 0; part < LIMIT_RUNNING_PARTS; part++) {
            uint32_t held = atomic_exchange(&row->running[place][part], 0);

            if (held != 0 && held <= LIMIT_SLOT_COUNT) {
                limit_running_give(&page->slots[held - 1]);
            }
        }
    }
    atomic_store(&row->used, 0);
}

void limit_worker_open(struct limit_worker *worker, struct limit_page *page, int fd)
{
    uint32_t i;

    worker->page = page;
    worker->fd = fd;
    worker->row = LIMIT_NONE;
    worker->free_count = LIMIT_RUNNING_MAX;
    for (i = 0; i < LIMIT_RUNNING_MAX; i++) {
        worker->free[i] = LIMIT_RUNNING_MAX - 1 - i;
    }
    for (i = 0; i < LIMIT_WORKER_COUNT; i++) {
        struct limit_row *row = &page->rows[i];
        bool dead = atomic_load(&row->used) != 0;

        if ((!dead && worker->row != LIMIT_NONE) || !lock_row(fd, i, F_WRLCK)) {
            continue;
        }
        if (atomic_load(&row->used) != 0) {
            give_back(page, row);
        }
        if (worker->row == LIMIT_NONE) {
            worker->row = i;
            atomic_store(&row->used, 1);
        } else {
            (void)lock_row(fd, i, F_UNLCK);
        }
    }
}
