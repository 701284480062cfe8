/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of nginx under the daemon. Everything that can take long is a state with a deadline, so
 * that the loop never waits here; only the check of the configuration and, rarely, the replacement of
 * an adopted nginx by one with a newer module happen in one go, before the loop begins.
 */
#include "daemon/nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"

enum {
    CONF_BYTES_MAX = 64 << 10,
    PAUSE_FIRST_MS = 100,
    PAUSE_MAX_MS = 10000,
    STEADY_MS = 30000,   /* having run so long, its pauses start small again */
    PATIENCE_MS = 20000, /* from SIGQUIT to SIGTERM */
    HURRY_MS = 5000,     /* from SIGTERM to SIGKILL */
    REPLACE_WAIT_MS = 30000,
    WORKERS_LOOK_MS = 500,
    WORKERS_NONE_MS = 2000,
    LISTEN_ATTEMPTS = 20,
    LISTEN_PAUSE_MS = 100
};

/* ---- configuration --------------------------------------------------------------------------- */

static enum oft_err file_replace(const char *path, const struct oft_buffer *text,
                                 struct oft_error *reterr)
{
    char temporary[1100];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot write %s: %s", temporary, strerror(errno));
    }
    size_t done = 0;
    while (done < text->length) {
        ssize_t written = write(fd, text->data + done, text->length - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    int error = errno;
    if (close(fd) != 0 || done != text->length || rename(temporary, path) != 0) {
        error = done != text->length ? error : errno;
        return oft_fail(reterr, OFT_ERR_IO, "cannot write %s: %s", path, strerror(error));
    }
    return OFT_OK;
}

/* The old text into OLD (nothing when there was none). */
static void file_read(const char *path, struct oft_buffer *old)
{
    char chunk[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got;
    while (fd >= 0 && (got = read(fd, chunk, sizeof chunk)) > 0) {
        oft_buffer_append(old, chunk, (size_t)got);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static enum oft_err configuration_check(const struct nginx *nginx, struct oft_error *reterr)
{
    char *arguments[] = {(char *)nginx->program,
                         "-t",
                         "-q",
                         "-e",
                         "stderr",
                         "-p",
                         (char *)nginx->run_directory,
                         "-c",
                         (char *)nginx->conf_path,
                         NULL};
    struct oft_buffer output;
    int code = 0;
    oft_buffer_init(&output, CONF_BYTES_MAX);
    enum oft_err err = process_run(arguments, &output, &code, reterr);
    if (err == OFT_OK && code != 0) {
        daemon_log_lines(DAEMON_ERROR, oft_buffer_text(&output));
        err = code == 127 ? oft_fail(reterr, OFT_ERR_NOT_FOUND,
                                     "%s cannot be run; install nginx or name it with --nginx",
                                     nginx->program)
                          : oft_fail(reterr, OFT_ERR_INVALID,
                                     "nginx refuses its configuration %s; its words stand above",
                                     nginx->conf_path);
    } else if (err == OFT_OK) {
        daemon_log_lines(DAEMON_WARNING, oft_buffer_text(&output));
    }
    oft_buffer_release(&output);
    return err;
}

static bool paths_set(struct nginx *nginx, const char *program, const char *run_directory)
{
    const size_t size = sizeof nginx->program;
    int lengths[] = {
        snprintf(nginx->program, size, "%s", program),
        snprintf(nginx->run_directory, size, "%s", run_directory),
        snprintf(nginx->conf_path, size, "%s/nginx.conf", run_directory),
        snprintf(nginx->pid_path, size, "%s/nginx.pid", run_directory),
    };
    for (size_t i = 0; i < OFT_COUNT_OF(lengths); i++) {
        if (lengths[i] < 0 || (size_t)lengths[i] >= size) {
            return false;
        }
    }
    return true;
}

/* Whether nginx could listen there. A listener that is just being killed gets a moment to go. */
static enum oft_err listen_is_free(const char *listen, struct oft_error *reterr)
{
    char host[256], port[8];
    const char *colon = strrchr(listen, ':');
    bool bracketed = listen[0] == '[';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - listen) - 2 * bracketed,
                   listen + bracketed);
    (void)snprintf(port, sizeof port, "%s", colon + 1);
    int resolved = getaddrinfo(host, port, &hints, &found);
    if (resolved != 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "cannot listen on %s: %s", listen,
                        gai_strerror(resolved));
    }
    int error = EADDRINUSE, one = 1;
    for (unsigned attempt = 0; error == EADDRINUSE && attempt < LISTEN_ATTEMPTS; attempt++) {
        if (attempt > 0) {
            (void)poll(NULL, 0, LISTEN_PAUSE_MS);
        }
        int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                    bind(fd, found->ai_addr, found->ai_addrlen) == 0;
        error = good ? 0 : errno;
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    freeaddrinfo(found);
    if (error == EADDRINUSE) {
        return oft_fail(reterr, OFT_ERR_BUSY,
                        "another program listens on %s; stop it, or choose another address with "
                        "--listen",
                        listen);
    }
    return error == 0
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_IO, "cannot listen on %s: %s", listen, strerror(error));
}

/* ---- start and adoption ---------------------------------------------------------------------- */

static enum oft_err nginx_start(struct nginx *nginx, int64_t now_ms, struct oft_error *reterr)
{
    char *arguments[] = {nginx->program,       "-e", "stderr",         "-p",
                         nginx->run_directory, "-c", nginx->conf_path, NULL};
    (void)unlink(nginx->pid_path); /* so that a new one means: it listens */
    enum oft_err err = process_start_apart(arguments, nginx->pid_path, &nginx->pid, reterr);
    if (err != OFT_OK) {
        nginx->pid = 0;
        return err;
    }
    err = process_watch(nginx->pid, &nginx->pidfd, reterr);
    if (err != OFT_OK) {
        (void)kill(nginx->pid, SIGTERM);
        nginx->pid = 0;
        nginx->pidfd = -1;
        return err;
    }
    nginx->state = NGINX_RUNNING;
    nginx->adopted = false;
    nginx->ready = false;
    nginx->started_ms = nginx->workers_seen_ms = now_ms;
    nginx->workers.count = 0;
    return OFT_OK;
}

static bool nginx_follow_pid(struct nginx *nginx, pid_t pid, int64_t now_ms)
{
    struct oft_error ignored = {0};
    if (pid == 0 || process_watch(pid, &nginx->pidfd, &ignored) != OFT_OK) {
        nginx->pidfd = -1;
        return false;
    }
    /* Looked at after the pidfd was opened: what we look at is what we watch. */
    if (!process_is_our_nginx(pid, nginx->conf_path)) {
        (void)close(nginx->pidfd);
        nginx->pidfd = -1;
        return false;
    }
    nginx->pid = pid;
    nginx->adopted = true;
    nginx->ready = nginx->was_ready = true;
    nginx->started_ms = nginx->workers_seen_ms = now_ms;
    return true;
}

/* Finds the nginx of a daemon before us. False when there is none. */
static bool nginx_adopt(struct nginx *nginx, int64_t now_ms)
{
    nginx->state = NGINX_RUNNING;
    return nginx_follow_pid(nginx, process_pid_read(nginx->pid_path), now_ms);
}

/* While a binary is upgraded there are two masters: the one that is not BUT. 0: there is none. */
static pid_t nginx_other(const struct nginx *nginx, pid_t but)
{
    char old_path[sizeof nginx->pid_path + 8];
    (void)snprintf(old_path, sizeof old_path, "%s.oldbin", nginx->pid_path);
    /* An upgrade that is given up renames the old one's file back: this order misses neither. */
    pid_t pids[2];
    pids[0] = process_pid_read(old_path);
    pids[1] = process_pid_read(nginx->pid_path);
    for (size_t i = 2; i-- > 0;) {
        if (pids[i] != 0 && pids[i] != but && process_is_our_nginx(pids[i], nginx->conf_path)) {
            return pids[i];
        }
    }
    return 0;
}

/* The module on disk is another one: the old nginx finishes its requests while a new one starts. */
static enum oft_err nginx_replace(struct nginx *nginx, int64_t now_ms, struct oft_error *reterr)
{
    struct pollfd ended = {.fd = nginx->pidfd, .events = POLLIN};
    daemon_log(DAEMON_INFO, "the module has changed: replacing nginx (process %d)",
               (int)nginx->pid);
    if (pidfd_send_signal(nginx->pidfd, SIGQUIT, NULL, 0) != 0 && errno != ESRCH) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot stop nginx: %s", strerror(errno));
    }
    if (poll(&ended, 1, REPLACE_WAIT_MS) != 1) {
        (void)pidfd_send_signal(nginx->pidfd, SIGTERM, NULL, 0);
        (void)poll(&ended, 1, HURRY_MS);
    }
    (void)close(nginx->pidfd);
    nginx->pidfd = -1;
    return nginx_start(nginx, now_ms, reterr);
}

static enum oft_err nginx_take_over(struct nginx *nginx, const struct nginx_settings *settings,
                                    const struct oft_buffer *old, const struct oft_buffer *text,
                                    int64_t now_ms, struct oft_error *reterr)
{
    char first_line[256];
    int length = snprintf(first_line, sizeof first_line, "# %s\n", settings->stamp);
    daemon_log(DAEMON_INFO, "found nginx (process %d) still serving: taking it over",
               (int)nginx->pid);
    if (length < 0 || strncmp(oft_buffer_text(old), first_line, (size_t)length) != 0) {
        return nginx_replace(nginx, now_ms, reterr);
    }
    if (strcmp(oft_buffer_text(old), oft_buffer_text(text)) != 0) {
        daemon_log(DAEMON_INFO, "nginx's configuration has changed: reloading it");
        if (pidfd_send_signal(nginx->pidfd, SIGHUP, NULL, 0) != 0) {
            return oft_fail(reterr, OFT_ERR_IO, "cannot reload nginx: %s", strerror(errno));
        }
    }
    return OFT_OK;
}

enum oft_err nginx_begin(struct nginx *nginx, const char *program,
                         const struct nginx_settings *settings, int64_t now_ms,
                         struct oft_error *reterr)
{
    struct oft_buffer text, old;
    char temporary[1100];
    memset(nginx, 0, sizeof *nginx);
    nginx->pidfd = -1;
    if (process_adopt_orphans(reterr) != OFT_OK) {
        return OFT_ERR_IO;
    }
    if (!paths_set(nginx, program, settings->run_directory)) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "the data directory's path is too long");
    }
    (void)snprintf(temporary, sizeof temporary, "%s/tmp", nginx->run_directory);
    /* Workers pass through to their own folders in it; run/ keeps everybody else out. */
    if ((mkdir(temporary, 0711) != 0 && errno != EEXIST) || chmod(temporary, 0711) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot make %s: %s", temporary, strerror(errno));
    }
    oft_buffer_init(&text, CONF_BYTES_MAX);
    oft_buffer_init(&old, CONF_BYTES_MAX);
    file_read(nginx->conf_path, &old);
    enum oft_err err = nginx_conf_text(settings, &text, reterr);
    if (err == OFT_OK) {
        err = file_replace(nginx->conf_path, &text, reterr);
    }
    if (err == OFT_OK) {
        err = configuration_check(nginx, reterr);
    }
    if (err == OFT_OK && nginx_adopt(nginx, now_ms)) {
        err = nginx_take_over(nginx, settings, &old, &text, now_ms, reterr);
    } else if (err == OFT_OK) {
        unsigned orphans = process_orphans_quit(nginx->run_directory, &nginx->workers);
        if (orphans > 0) {
            daemon_log(DAEMON_WARNING, "%u nginx workers had lost their master: told to finish",
                       orphans);
        }
        err = orphans > 0 ? OFT_OK : listen_is_free(settings->listen, reterr);
        if (err == OFT_OK) {
            err = nginx_start(nginx, now_ms, reterr);
        }
    }
    oft_buffer_release(&text);
    oft_buffer_release(&old);
    return err;
}

/* ---- while the loop runs --------------------------------------------------------------------- */

static void exit_log(const struct nginx *nginx)
{
    int status = 0;
    if (nginx->adopted || waitpid(nginx->pid, &status, WNOHANG) != nginx->pid) {
        daemon_log(DAEMON_INFO, "nginx (process %d) has ended", (int)nginx->pid);
    } else if (WIFSIGNALED(status)) {
        daemon_log(DAEMON_WARNING, "nginx (process %d) was ended by signal %d", (int)nginx->pid,
                   WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        daemon_log(DAEMON_WARNING, "nginx (process %d) ended with status %d", (int)nginx->pid,
                   WEXITSTATUS(status));
    } else {
        daemon_log(DAEMON_INFO, "nginx (process %d) has ended", (int)nginx->pid);
    }
}

static void restart_plan(struct nginx *nginx, int64_t now_ms)
{
    if (nginx->ready && now_ms - nginx->started_ms >= STEADY_MS) {
        nginx->failures = 0;
    }
    int64_t pause_ms = PAUSE_FIRST_MS;
    for (unsigned i = 0; i < nginx->failures && pause_ms < PAUSE_MAX_MS; i++) {
        pause_ms *= 2;
    }
    nginx->failures++;
    nginx->restart_at_ms = now_ms + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    nginx->state = NGINX_WAITING;
    daemon_log(DAEMON_WARNING, "nginx is started again in %lld ms",
               (long long)(nginx->restart_at_ms - now_ms));
}

void nginx_ended(struct nginx *nginx, int64_t now_ms)
{
    exit_log(nginx);
    (void)close(nginx->pidfd);
    nginx->pidfd = -1;
    nginx->pid = 0;
    (void)process_orphans_quit(nginx->run_directory, &nginx->workers);
    pid_t other = nginx_other(nginx, 0);
    if (other != 0 && nginx_follow_pid(nginx, other, now_ms)) {
        daemon_log(DAEMON_INFO, "nginx (process %d) goes on", (int)other);
        if (nginx->state == NGINX_STOPPING) {
            (void)pidfd_send_signal(nginx->pidfd, SIGQUIT, NULL, 0);
        }
        return;
    }
    if (nginx->state == NGINX_STOPPING) {
        nginx->state = NGINX_GONE;
        return;
    }
    restart_plan(nginx, now_ms);
    nginx->ready = false;
}

static void signal_send(const struct nginx *nginx, int number)
{
    if (pidfd_send_signal(nginx->pidfd, number, NULL, 0) != 0 && errno != ESRCH) {
        daemon_log(DAEMON_ERROR, "cannot signal nginx (process %d): %s", (int)nginx->pid,
                   strerror(errno));
    }
}

/* A master whose workers all gave up stays, and serves nobody: it is ended, to be started again. */
static void workers_look(struct nginx *nginx, int64_t now_ms)
{
    if (nginx->ready && now_ms - nginx->workers_looked_ms < WORKERS_LOOK_MS) {
        return;
    }
    bool can_see = process_workers_note(nginx->pid, &nginx->workers);
    nginx->workers_looked_ms = now_ms;
    if (!can_see || nginx->workers.count > 0) {
        nginx->workers_seen_ms = now_ms;
    }
    if (!nginx->ready && nginx->workers_seen_ms == now_ms &&
        process_pid_read(nginx->pid_path) == nginx->pid) {
        nginx->ready = nginx->was_ready = true;
    }
    if (now_ms - nginx->workers_seen_ms >= WORKERS_NONE_MS) {
        daemon_log(DAEMON_ERROR, "nginx (process %d) has no workers: ending it", (int)nginx->pid);
        signal_send(nginx, SIGTERM);
        nginx->workers_seen_ms = now_ms;
        nginx->ready = false;
    }
}

/* A new master that has workers takes over from the one that we watched. */
static void upgrade_look(struct nginx *nginx, int64_t now_ms)
{
    struct process_workers *workers = &nginx->workers;
    pid_t before = nginx->pid, new = process_pid_read(nginx->pid_path);
    int before_fd = nginx->pidfd;
    if (new == 0 || new == before || !process_is_our_nginx(new, nginx->conf_path) ||
        !process_workers_note(new, workers) || workers->count == 0 ||
        !nginx_follow_pid(nginx, new, now_ms)) {
        if (nginx->pid == before) {
            nginx->pidfd = before_fd;
        }
        return;
    }
    daemon_log(DAEMON_INFO, "nginx was upgraded: process %d serves beside process %d", (int)new,
               (int)before);
    if (nginx->upgrading && pidfd_send_signal(before_fd, SIGQUIT, NULL, 0) != 0 && errno != ESRCH) {
        daemon_log(DAEMON_ERROR, "cannot signal nginx (process %d): %s", (int)before,
                   strerror(errno));
    }
    nginx->upgrading = false;
    (void)close(before_fd);
}

void nginx_tick(struct nginx *nginx, int64_t now_ms)
{
    struct oft_error error = {0};
    process_reap(nginx->pid);
    if (nginx->state == NGINX_WAITING && now_ms >= nginx->restart_at_ms) {
        nginx->restarts++;
        if (nginx_start(nginx, now_ms, &error) != OFT_OK) {
            daemon_log(DAEMON_ERROR, "%s", error.message);
            restart_plan(nginx, now_ms);
        }
    }
    if (nginx->state == NGINX_RUNNING && nginx->ready &&
        now_ms - nginx->workers_looked_ms >= WORKERS_LOOK_MS) {
        upgrade_look(nginx, now_ms);
    }
    if (nginx->state == NGINX_RUNNING) {
        workers_look(nginx, now_ms);
    }
    if (nginx->state == NGINX_STOPPING && now_ms >= nginx->hurry_at_ms) {
        daemon_log(DAEMON_WARNING, "nginx takes too long to finish: ending it");
        signal_send(nginx, nginx->hurries == 0 ? SIGTERM : SIGKILL);
        nginx->hurries++;
        nginx->hurry_at_ms = now_ms + HURRY_MS;
    }
}

void nginx_stop(struct nginx *nginx, int64_t now_ms)
{
    if (nginx->pid == 0) {
        nginx->state = NGINX_GONE;
        return;
    }
    if (nginx->state == NGINX_STOPPING) {
        nginx->hurry_at_ms = now_ms;
        nginx_tick(nginx, now_ms);
        return;
    }
    nginx->state = NGINX_STOPPING;
    nginx->hurries = 0;
    nginx->hurry_at_ms = now_ms + (nginx->patience_ms > 0 ? nginx->patience_ms : PATIENCE_MS);
    signal_send(nginx, SIGQUIT);
    pid_t other = nginx_other(nginx, nginx->pid);
    if (other != 0) {
        (void)kill(other, SIGQUIT);
    }
}

void nginx_reopen(const struct nginx *nginx)
{
    if (nginx->pid != 0) {
        signal_send(nginx, SIGUSR1);
    }
}

void nginx_upgrade(struct nginx *nginx)
{
    if (nginx->state == NGINX_RUNNING && nginx->ready) {
        daemon_log(DAEMON_INFO, "upgrading nginx (process %d)", (int)nginx->pid);
        nginx->upgrading = true;
        signal_send(nginx, SIGUSR2);
    }
}
