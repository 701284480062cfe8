/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_PAGE_FILE_H
#define OFFTAKE_POLICY_PAGE_FILE_H
/*
 * page_file -- a file of one fixed size that the daemon and all workers map: how limits.h and pools.h keep
 * what they share. Edge, and the one file of policy/ that touches the system.
 *
 * Ownership    page_file_map gives a mapping and an open file; page_file_unmap ends both.
 * Errors       enum oft_err with a struct oft_error.
 */
#include "base/base.h"

/* How every such page begins. */
struct page_head {
    uint64_t magic;
    uint32_t version;
    uint32_t slot_count;
};

/* Maps PATH of BYTES, whose head must be WANTED; makes it, zero but for the head, when CREATE says so. *RET_FD stays open.
 * OFT_ERR_CORRUPT, OFT_ERR_VERSION: it is another offtake's. */
enum oft_err page_file_map(const char *path, bool create, size_t bytes,
                           const struct page_head *wanted, void **ret_page, int *ret_fd,
                           struct oft_error *reterr) OFT_MUSTCHECK;
void page_file_unmap(void *page, size_t bytes, int fd); /* accepts NULL */

/* A lock on a byte of the open file, which goes with the process that holds it. False: another has it. */
bool page_file_lock(int fd, uint32_t row);
void page_file_unlock(int fd, uint32_t row);

#endif
