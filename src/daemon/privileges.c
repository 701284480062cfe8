/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon keeps root where it was started as root, because nginx's master needs it for low ports
 * and for starting workers as another user; everything that meets strangers' bytes runs in the
 * workers. Forbidding new privileges does not stop the master from setuid(): it already has the right.
 */
#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES_MAX = 65536 };

enum oft_err worker_user_find(const char *user, struct worker_user *ret_user,
                              struct oft_error *reterr)
{
    memset(ret_user, 0, sizeof *ret_user);
    ret_user->uid = ret_user->gid = UINT32_MAX;
    if (geteuid() != 0) {
        return user == NULL ? OFT_OK
                            : oft_fail(reterr, OFT_ERR_INVALID,
                                       "--user needs root; without it nginx runs as you do");
    }
    const struct passwd *entry = getpwnam(user != NULL ? user : "www-data");
    if (entry == NULL && user == NULL) {
        entry = getpwnam("nobody");
    }
    if (entry == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no user \"%s\" for nginx's workers",
                        user != NULL ? user : "www-data");
    }
    if (entry->pw_uid == 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "nginx's workers must not run as root");
    }
    ret_user->uid = entry->pw_uid;
    ret_user->gid = entry->pw_gid;
    int user_length = snprintf(ret_user->user, sizeof ret_user->user, "%s", entry->pw_name);
    const struct group *group = getgrgid(ret_user->gid);
    if (group == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the group of user %s has no name",
                        ret_user->user);
    }
    int group_length = snprintf(ret_user->group, sizeof ret_user->group, "%s", group->gr_name);
    if (user_length >= (int)sizeof ret_user->user || group_length >= (int)sizeof ret_user->group) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the name of user or group %s is too long",
                        ret_user->user);
    }
    return OFT_OK;
}

/* Asked of the kernel by a child that is that user: modes, groups, ACLs and mounts all count. */
enum oft_err worker_user_can_enter(const struct worker_user *user, const char *directory,
                                   struct oft_error *reterr)
{
    int status = 0;
    if (user->user[0] == '\0') {
        return OFT_OK;
    }
    pid_t pid = fork();
    if (pid == 0) {
        gid_t group = user->gid;
        bool good = setgroups(1, &group) == 0 && setgid(group) == 0 && setuid(user->uid) == 0 &&
                    access(directory, R_OK | X_OK) == 0;
        _exit(good ? 0 : 1);
    }
    pid_t ended = -1;
    while (pid > 0 && (ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
    if (ended < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot start a process: %s", strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return OFT_OK;
    }
    return oft_fail(reterr, OFT_ERR_DENIED,
                    "nginx's workers run as %s and may not enter %s; give every directory above it "
                    "mode 0755, or choose another --data",
                    user->user, directory);
}

enum oft_err privileges_harden(struct oft_error *reterr)
{
    const struct rlimit none = {0, 0};
    (void)umask(027);
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot give up privileges: %s", strerror(errno));
    }
#if !defined(__SANITIZE_ADDRESS__) /* the leak checker must be able to look at us */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot forbid memory dumps: %s", strerror(errno));
    }
#endif
    return OFT_OK;
}

uint32_t files_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY ||
        limit.rlim_max > FILES_MAX) {
        return FILES_MAX;
    }
    return (uint32_t)limit.rlim_max;
}
