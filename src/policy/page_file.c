/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are mapped by the daemon and by every worker, with a lock for each worker that lives.
 * Edge.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, when nginx's build compiles this */
#endif
#include "policy/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum oft_err fail_errno(struct oft_error *reterr, const char *doing, const char *path)
{
    return oft_fail(reterr, errno == ENOSPC || errno == EDQUOT ? OFT_ERR_FULL : OFT_ERR_IO,
                    "cannot %s %s: %s", doing, path, strerror(errno));
}

/* A worker must never fault for want of disk: all of it is allocated. */
static enum oft_err size_file(int fd, const char *path, bool create, off_t bytes,
                              struct oft_error *reterr)
{
    struct stat status;
    int failure;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is no regular file", path);
    }
    if (!create) {
        return status.st_size == bytes
                   ? OFT_OK
                   : oft_fail(reterr, OFT_ERR_CORRUPT, "%s has another size than it should", path);
    }
    if (status.st_size != bytes && (ftruncate(fd, 0) != 0 || ftruncate(fd, bytes) != 0)) {
        return fail_errno(reterr, "size", path);
    }
    failure = posix_fallocate(fd, 0, bytes);
    if (failure != 0) {
        errno = failure;
        return fail_errno(reterr, "allocate", path);
    }
    return OFT_OK;
}

static enum oft_err map_file(int fd, const char *path, bool create, size_t bytes,
                             const struct page_head *wanted, void **ret_page,
                             struct oft_error *reterr)
{
    struct page_head *head;
    enum oft_err err = size_file(fd, path, create, (off_t)bytes, reterr);

    if (err != OFT_OK) {
        return err;
    }
    head = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (head == MAP_FAILED) {
        return fail_errno(reterr, "map", path);
    }
    if (create && head->magic == 0) {
        head->version = wanted->version;
        head->slot_count = wanted->slot_count;
        head->magic = wanted->magic;
    }
    if (memcmp(head, wanted, sizeof(*wanted)) != 0) {
        (void)munmap(head, bytes);
        return oft_fail(reterr, OFT_ERR_VERSION, "%s is of another version of offtake", path);
    }
    *ret_page = head;
    return OFT_OK;
}

enum oft_err page_file_map(const char *path, bool create, size_t bytes,
                           const struct page_head *wanted, void **ret_page, int *ret_fd,
                           struct oft_error *reterr)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0660);
    enum oft_err err;

    if (fd < 0) {
        return fail_errno(reterr, "open", path);
    }
    err = map_file(fd, path, create, bytes, wanted, ret_page, reterr);
    if (err != OFT_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return OFT_OK;
}

void page_file_unmap(void *page, size_t bytes, int fd)
{
    if (page != NULL) {
        (void)munmap(page, bytes);
        (void)close(fd);
    }
}

static bool set_lock(int fd, uint32_t row, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)row, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool page_file_lock(int fd, uint32_t row)
{
    return set_lock(fd, row, F_WRLCK);
}

void page_file_unlock(int fd, uint32_t row)
{
    (void)set_lock(fd, row, F_UNLCK);
}
