/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting programs and looking at processes. It knows what an nginx looks like from outside, but
 * nothing about when to start or stop one (nginx.c).
 */
#include "daemon/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the child, after fork: only async-signal-safe calls. Never returns. */
static void child_become(char *const arguments[], int output_fd)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *environment[] = {path, NULL};
    sigset_t none;
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    (void)setpgid(0, 0);
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &by_default, NULL);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (output_fd >= 0) {
        (void)dup2(output_fd, STDOUT_FILENO);
        (void)dup2(output_fd, STDERR_FILENO);
    }
    int in = open("/dev/null", O_RDONLY);
    if (in > STDIN_FILENO) {
        (void)dup2(in, STDIN_FILENO);
    }
    (void)close_range(3, ~0U, 0);
    execve(arguments[0], arguments, environment);
    _exit(127);
}

enum oft_err process_start(char *const arguments[], int output_fd, pid_t *ret_pid,
                           struct oft_error *reterr)
{
    pid_t pid = fork();
    if (pid < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot start %s: %s", arguments[0], strerror(errno));
    }
    if (pid == 0) {
        child_become(arguments, output_fd);
    }
    (void)setpgid(pid, pid); /* in both, so that neither wins a race */
    *ret_pid = pid;
    return OFT_OK;
}

/* In the process between: starts the program, tells its number, and waits until it is up or ended. */
static void starter_become(char *const arguments[], const char *pid_file, int tell_fd)
{
    enum { LOOKS = 1000 };
    const struct timespec pause = {.tv_nsec = 10000000};
    (void)setpgid(0, 0);
    pid_t pid = fork();
    if (pid == 0) {
        child_become(arguments, -1);
    }
    if (write(tell_fd, &pid, sizeof pid) != (ssize_t)sizeof pid || pid < 0) {
        _exit(1);
    }
    for (int look = 0; look < LOOKS; look++) {
        char text[32] = "";
        int fd = open(pid_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
        if (fd >= 0) {
            (void)close(fd);
        }
        siginfo_t ended = {0}; /* left as it is: whoever comes after us learns how it ended */
        if ((got > 0 && atol(text) == (long)pid) ||
            waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            ended.si_pid == pid) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    _exit(0);
}

enum oft_err process_start_apart(char *const arguments[], const char *pid_file, pid_t *ret_pid,
                                 struct oft_error *reterr)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot make a pipe: %s", strerror(errno));
    }
    pid_t starter = fork();
    if (starter == 0) {
        starter_become(arguments, pid_file, pipe_fds[1]);
    }
    int error = errno;
    (void)close(pipe_fds[1]);
    *ret_pid = -1;
    ssize_t got = starter > 0 ? read(pipe_fds[0], ret_pid, sizeof *ret_pid) : -1;
    (void)close(pipe_fds[0]);
    if (starter < 0 || got != (ssize_t)sizeof *ret_pid || *ret_pid <= 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot start %s: %s", arguments[0],
                        starter < 0 ? strerror(error) : "its starter ended");
    }
    return OFT_OK;
}

enum oft_err process_adopt_orphans(struct oft_error *reterr)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) == 0
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_IO, "cannot become a reaper of processes: %s",
                          strerror(errno));
}

void process_reap(pid_t kept)
{
    for (;;) {
        siginfo_t ended = {0};
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0 ||
            ended.si_pid == kept) {
            return;
        }
        (void)waitpid(ended.si_pid, NULL, WNOHANG);
    }
}

static void output_read(int fd, struct oft_buffer *output)
{
    char chunk[4096];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got > 0) {
            oft_buffer_append(output, chunk, (size_t)got);
        } else if (got == 0 || errno != EINTR) {
            return;
        }
    }
}

enum oft_err process_run(char *const arguments[], struct oft_buffer *output, int *ret_code,
                         struct oft_error *reterr)
{
    int pipe_fds[2], status = 0;
    pid_t pid = 0;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot make a pipe: %s", strerror(errno));
    }
    enum oft_err err = process_start(arguments, pipe_fds[1], &pid, reterr);
    (void)close(pipe_fds[1]);
    if (err == OFT_OK) {
        output_read(pipe_fds[0], output);
        pid_t ended;
        do {
            ended = waitpid(pid, &status, 0);
        } while (ended < 0 && errno == EINTR);
        *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    (void)close(pipe_fds[0]);
    return err;
}

enum oft_err process_watch(pid_t pid, int *ret_fd, struct oft_error *reterr)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot watch process %d: %s", (int)pid,
                        strerror(errno));
    }
    *ret_fd = fd;
    return OFT_OK;
}

/* The first bytes of a file, NUL-terminated; its length, or -1. */
static ssize_t file_head(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -1;
    }
    ssize_t got = read(fd, out, size - 1);
    (void)close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got;
}

pid_t process_pid_read(const char *pid_file)
{
    char text[32];
    if (file_head(pid_file, text, sizeof text) <= 0) {
        return 0;
    }
    char *end;
    errno = 0;
    long pid = strtol(text, &end, 10);
    return errno == 0 && end != text && pid > 1 && pid < INT32_MAX ? (pid_t)pid : 0;
}

bool process_is_our_nginx(pid_t pid, const char *conf_path)
{
    static const char TITLE[] = "nginx: master process ";
    char path[64], command[8192];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    ssize_t length = file_head(path, command, sizeof command);
    if (length <= 0 || strncmp(command, TITLE, sizeof TITLE - 1) != 0) {
        return false;
    }
    for (ssize_t i = 0; i < length; i++) {
        command[i] = command[i] == '\0' ? ' ' : command[i];
    }
    const char *found = strstr(command, conf_path);
    if (found == NULL || found[-1] != ' ') {
        return false;
    }
    char after = found[strlen(conf_path)];
    return after == ' ' || after == '\0';
}

static bool maps_hold(pid_t pid, const char *needle)
{
    char path[64];
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    if (maps == NULL) {
        return false;
    }
    while (!found && getline(&line, &size, maps) > 0) {
        found = strstr(line, needle) != NULL;
    }
    free(line);
    (void)fclose(maps);
    return found;
}

static bool parent_is_gone(pid_t pid)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (file_head(path, text, sizeof text) <= 0) {
        return false;
    }
    const char *after_name = strrchr(text, ')');
    int parent = 0;
    if (after_name == NULL || sscanf(after_name + 1, " %*c %d", &parent) != 1) {
        return false;
    }
    char command[64];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", parent);
    return file_head(path, command, sizeof command) <= 0 ||
           strncmp(command, "nginx: master", 13) != 0;
}

bool process_workers_note(pid_t master, struct process_workers *workers)
{
    char path[64], text[PROCESS_WORKERS_MAX * 8];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)master, (int)master);
    if (file_head(path, text, sizeof text) < 0) {
        return false;
    }
    workers->count = 0;
    char *next = text;
    for (long pid = strtol(text, &next, 10); pid > 1 && workers->count < PROCESS_WORKERS_MAX;
         pid = strtol(next, &next, 10)) {
        workers->pids[workers->count++] = (pid_t)pid;
    }
    return true;
}

static bool is_known(pid_t pid, const struct process_workers *known)
{
    for (unsigned i = 0; i < known->count; i++) {
        if (known->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

unsigned process_orphans_quit(const char *run_directory, const struct process_workers *known)
{
    static const char WORKER[] = "nginx: worker process";
    char needle[4200];
    unsigned count = 0;
    int length = snprintf(needle, sizeof needle, "%s/", run_directory);
    DIR *processes = opendir("/proc");
    if (processes == NULL || length < 0 || (size_t)length >= sizeof needle) {
        if (processes != NULL) {
            (void)closedir(processes);
        }
        return 0;
    }
    const struct dirent *entry;
    while ((entry = readdir(processes)) != NULL) {
        char path[300], command[64];
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        (void)snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        if (pid > 1 && file_head(path, command, sizeof command) > 0 &&
            strncmp(command, WORKER, sizeof WORKER - 1) == 0 && parent_is_gone(pid) &&
            (is_known(pid, known) || maps_hold(pid, needle)) && kill(pid, SIGQUIT) == 0) {
            count++;
        }
    }
    (void)closedir(processes);
    return count;
}
