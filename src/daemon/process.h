/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_PROCESS_H
#define OFFTAKE_DAEMON_PROCESS_H
/*
 * process -- children and strangers: start a program, watch it by a pidfd, recognise our nginx.
 *
 * A child gets its own process group (Ctrl-C reaches only us), an environment of nothing but PATH (no
 * provider's key is in nginx's environment), default signals, and no descriptor of ours but the
 * standard three.
 */
#include <sys/types.h>

#include "base/memory.h"

/* Starts ARGUMENTS[0]. OUTPUT_FD >= 0 becomes its stdout and stderr. */
enum oft_err process_start(char *const arguments[], int output_fd, pid_t *ret_pid,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* The same, by a process between, which ends when PID_FILE has the program's number. nginx takes USR2
 * (the upgrade of its binary) only when its parent is another one than it was started by. The process
 * between is taken away by process_reap. Needs process_adopt_orphans. */
enum oft_err process_start_apart(char *const arguments[], const char *pid_file, pid_t *ret_pid,
                                 struct oft_error *reterr);
/* From now on orphans below us become our children. */
enum oft_err process_adopt_orphans(struct oft_error *reterr) OFT_MUSTCHECK;
/* Takes away ended children, but not KEPT. */
void process_reap(pid_t kept);

/* Runs ARGUMENTS to its end; what it prints goes to OUTPUT. *ret_code is its exit code, 128 + signal
 * when one ended it. */
enum oft_err process_run(char *const arguments[], struct oft_buffer *output, int *ret_code,
                         struct oft_error *reterr) OFT_MUSTCHECK;

/* A descriptor that is readable when PID has ended. */
enum oft_err process_watch(pid_t pid, int *ret_fd, struct oft_error *reterr) OFT_MUSTCHECK;

/* The number in a pid file, 0 when there is none. */
pid_t process_pid_read(const char *pid_file);

/* Whether PID is an nginx master that runs by the configuration CONF_PATH. */
bool process_is_our_nginx(pid_t pid, const char *conf_path);

enum { PROCESS_WORKERS_MAX = 1024 };
struct process_workers {
    pid_t pids[PROCESS_WORKERS_MAX];
    unsigned count;
};
/* Who the children of MASTER are now. False, and the old list stays, when that cannot be read. */
bool process_workers_note(pid_t master, struct process_workers *workers);

/* Asks nginx workers that have lost their master to finish (SIGQUIT): as long as they live they hold
 * the listening socket. Ours are those in KNOWN, and those that map a file of RUN_DIRECTORY (which a
 * daemon may see only with the right to trace). Returns how many there were. */
unsigned process_orphans_quit(const char *run_directory, const struct process_workers *known);

#endif
