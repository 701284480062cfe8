/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_PRIVILEGES_H
#define OFFTAKE_DAEMON_PRIVILEGES_H
/*
 * privileges -- what the daemon gives up, and whom the workers run as.
 */
#include "base/base.h"

struct worker_user {
    char user[64], group[64]; /* "" when we are not root: workers run as we do */
    uint32_t uid, gid;        /* UINT32_MAX when not root */
};

/* As root: USER, or "nobody" when the default user does not exist; never root itself. USER NULL: the
 * default, www-data. Not root: nothing to choose, and a USER asked for is refused. */
enum oft_err worker_user_find(const char *user, struct worker_user *ret_user,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* Whether the workers' user may use DIRECTORY: every directory above it must let it through. */
enum oft_err worker_user_can_enter(const struct worker_user *user, const char *directory,
                                   struct oft_error *reterr) OFT_MUSTCHECK;

/* Sets umask 027, forbids core dumps (secrets are in memory) and new privileges through exec. */
enum oft_err privileges_harden(struct oft_error *reterr) OFT_MUSTCHECK;

/* How many files a worker may open: the hard limit, at most 65,536. */
uint32_t files_max(void);

#endif
