/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's main: starts the parts in order, runs the loop, and takes them down in reverse. What
 * each event does is short and here; how is in the parts.
 */
#include "daemon/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "daemon/checks.h"
#include "daemon/deliver.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/nginx.h"
#include "daemon/setup.h"
#include "daemon/token.h"
#include "engine/desk.h"
#include "engine/watch.h"
#include "notify/traces.h"

enum { EXIT_STOPPED = 0, EXIT_BAD_DEAL = 1, EXIT_USAGE = 2, EXIT_FAULT = 3 };
enum {
    REPORT_BYTES_MAX = 16 << 20,
    DRAIN_ROUNDS_PER_TICK = 1,  /* then let others have the loop */
    DRAIN_ROUNDS_LAST = 100000, /* at the end: all there is */
    FIRST_FAILURES_MAX = 4,     /* starts of nginx that may fail before we say it cannot */
    REPUBLISH_MS = 300000       /* how old a host's addresses may get */
};

struct daemon {
    const struct serve_options *options;
    int64_t clock_shift_ns;
    struct setup setup;
    struct engine *engine;
    struct loop loop;
    bool loop_is_open;
    struct nginx nginx;
    bool nginx_is_begun;
    int nginx_watched_fd; /* the pidfd that is in the loop, -1: none */
    struct api *api;
    struct deliver deliver;
    struct checks checks;
    struct notify_traces *traces; /* NULL: none are made */
    int64_t republished_ms;
    bool announced;
    bool stopping;
    bool failed;
    char last_complaint[480]; /* said once, not ten times a second */
};

static oft_instant clock_real(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (oft_instant)now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

static int64_t clock_monotonic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void gateway_state(void *context, struct api_gateway_state *ret_state)
{
    const struct daemon *daemon = context;
    ret_state->pid = daemon->nginx.pid;
    ret_state->adopted = daemon->nginx.adopted;
    ret_state->restarts = daemon->nginx.restarts;
    ret_state->listen = daemon->options->listen;
}

static void watch_extra(void *context, struct engine_watch_extra *ret_extra)
{
    const struct daemon *daemon = context;
    ret_extra->nginx_pid = daemon->nginx.pid;
    ret_extra->nginx_restarts = daemon->nginx.restarts;
    if (daemon->traces != NULL) {
        struct notify_traces_counts counts;
        notify_traces_read(daemon->traces, &counts);
        ret_extra->spans_exported = counts.exported;
        ret_extra->spans_dropped = counts.dropped;
        ret_extra->span_failures = counts.failures;
        ret_extra->spans_waiting = counts.waiting;
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static void complain(struct daemon *daemon, const struct oft_error *error)
{
    if (strcmp(daemon->last_complaint, error->message) != 0) {
        daemon_log(DAEMON_ERROR, "%s", error->message);
        (void)snprintf(daemon->last_complaint, sizeof daemon->last_complaint, "%s", error->message);
    }
}

/* Books what the spools hold. False when the engine could not; what is unread stays in the spools. */
static bool drain(struct daemon *daemon, unsigned rounds_max)
{
    struct engine_drain_result result = {.more = true};
    for (unsigned round = 0; result.more && round < rounds_max; round++) {
        struct oft_error error = {0};
        memset(&result, 0, sizeof result);
        if (engine_drain(daemon->engine, clock_real(), &result, &error) != OFT_OK) {
            complain(daemon, &error);
            return false;
        }
        if (result.corrupt + result.torn > 0) {
            daemon_log(DAEMON_WARNING, "spool: %llu corrupt and %llu torn records were not booked",
                       (unsigned long long)result.corrupt, (unsigned long long)result.torn);
        }
        if (result.unrated > 0) {
            daemon_log(DAEMON_WARNING, "%llu records could not be priced; see `offtake usage`",
                       (unsigned long long)result.unrated);
        }
    }
    daemon->last_complaint[0] = '\0';
    return true;
}

static void reload(struct daemon *daemon)
{
    struct oft_error error = {0};
    struct oft_buffer report;
    oft_buffer_init(&report, REPORT_BYTES_MAX);
    enum oft_err err = engine_publish(daemon->engine, clock_real(), &report, &error);
    daemon_log_lines(err == OFT_OK ? DAEMON_WARNING : DAEMON_ERROR, oft_buffer_text(&report));
    if (err == OFT_OK) {
        daemon_log(DAEMON_INFO, "generation %llu is in force",
                   (unsigned long long)engine_generation(daemon->engine));
    } else {
        daemon_log(DAEMON_ERROR, "the deal was not put into force; the old policy stays: %s",
                   error.message[0] != '\0' ? error.message : oft_err_text(err));
    }
    oft_buffer_release(&report);
}

static void stop_begin(struct daemon *daemon)
{
    daemon_log(DAEMON_INFO,
               daemon->stopping ? "stopping at once" : "stopping: nginx finishes its requests");
    daemon->stopping = true;
    if (daemon->options->no_nginx) {
        daemon->nginx.state = NGINX_GONE;
        return;
    }
    nginx_stop(&daemon->nginx, clock_monotonic_ms());
}

static void signals_handle(struct daemon *daemon)
{
    int number;
    while ((number = loop_signal_next(&daemon->loop)) != 0) {
        if (number == SIGHUP) {
            reload(daemon);
        } else if (number == SIGUSR1) {
            nginx_reopen(&daemon->nginx);
        } else if (number == SIGUSR2) {
            nginx_upgrade(&daemon->nginx);
        } else {
            stop_begin(daemon);
        }
    }
}

static void announce(struct daemon *daemon)
{
    const struct serve_options *options = daemon->options;
    char instant[OFT_INSTANT_TEXT_BYTES];
    daemon->announced = true;
    if (options->no_nginx) {
        daemon_log(DAEMON_INFO, "serving %s to an nginx of your own, generation %llu",
                   options->deal_path, (unsigned long long)engine_generation(daemon->engine));
    } else {
        daemon_log(DAEMON_INFO, "serving %s on %s://%s, generation %llu", options->deal_path,
                   options->tls_cert != NULL ? "https" : "http", options->listen,
                   (unsigned long long)engine_generation(daemon->engine));
    }
    daemon_log(DAEMON_INFO, "data in %s", daemon->setup.data_directory);
    daemon_log(DAEMON_INFO, "make a key: offtake keys create --account A --product P --data %s",
               daemon->setup.data_directory);
    if (options->rehearsal) {
        daemon_log(DAEMON_WARNING,
                   "REHEARSAL: the contract's clock began at %s; these books are "
                   "marked and no real ones",
                   oft_instant_format(options->rehearse_at, instant));
    }
}

/* Keeps the loop's watch on nginx's current process. */
static void nginx_follow(struct daemon *daemon)
{
    struct oft_error error = {0};
    if (daemon->options->no_nginx) {
        return;
    }
    nginx_tick(&daemon->nginx, clock_monotonic_ms());
    if (daemon->nginx.pidfd >= 0 && daemon->nginx_watched_fd != daemon->nginx.pidfd) {
        if (loop_watch(&daemon->loop, daemon->nginx.pidfd, LOOP_NGINX, &error) == OFT_OK) {
            daemon->nginx_watched_fd = daemon->nginx.pidfd;
        } else {
            complain(daemon, &error);
        }
    }
    if (!daemon->announced && daemon->nginx.ready) {
        announce(daemon);
    }
    if (!daemon->nginx.was_ready && daemon->nginx.failures >= FIRST_FAILURES_MAX) {
        daemon_log(DAEMON_ERROR, "nginx does not start; its words stand above");
        daemon->failed = true;
    }
}

/* Commitments cross their lines and hosts move to other addresses while nobody touches the deal. */
static void policy_look(struct daemon *daemon)
{
    struct oft_error error = {0};
    int64_t now_ms = clock_monotonic_ms();
    bool due = now_ms - daemon->republished_ms >= REPUBLISH_MS;
    enum oft_err err = due ? engine_republish(daemon->engine, clock_real(), &error)
                           : engine_tick(daemon->engine, clock_real(), &error);
    if (due) {
        daemon->republished_ms = now_ms;
    }
    if (err != OFT_OK) {
        complain(daemon, &error);
    }
}

/* Tokens that another process keeps fresh in files. */
static void secrets_look(struct daemon *daemon)
{
    struct oft_error error = {0};
    if (engine_secrets_look(daemon->engine, clock_real(), &error) != OFT_OK) {
        complain(daemon, &error);
    }
}

/* Deadlines at the desk pass while nobody asks: each second it is looked whether one did. */
static void desk_look(struct daemon *daemon)
{
    struct oft_error error = {0};
    if (engine_desk_tick(daemon->engine, clock_real(), &error) != OFT_OK) {
        complain(daemon, &error);
    }
    deliver_look(&daemon->deliver);
    if (daemon->deliver.error.code != OFT_OK) {
        complain(daemon, &daemon->deliver.error);
        daemon->deliver.error.code = OFT_OK;
    }
}

static void checks_look(struct daemon *daemon)
{
    struct oft_error error = {0};
    if (checks_follow(&daemon->checks, daemon->engine, &error) != OFT_OK) {
        complain(daemon, &error);
    }
}

static bool loop_step(struct daemon *daemon, struct oft_error *reterr)
{
    unsigned ready = 0;
    if (loop_wait(&daemon->loop, api_timeout_ms(daemon->api), &ready, reterr) != OFT_OK) {
        return false;
    }
    if (ready & 1u << LOOP_SIGNALS) {
        signals_handle(daemon);
    }
    if (ready & 1u << LOOP_NGINX && daemon->nginx.pidfd >= 0) {
        daemon->nginx_watched_fd = -1;
        nginx_ended(&daemon->nginx, clock_monotonic_ms());
    }
    if (ready & 1u << LOOP_BEAT) {
        engine_heartbeat(daemon->engine, clock_real());
        desk_look(daemon);
        checks_look(daemon);
        secrets_look(daemon);
    }
    if (ready & 1u << LOOP_DRAIN) {
        (void)drain(daemon, DRAIN_ROUNDS_PER_TICK);
    }
    if (ready & 1u << LOOP_POLICY && !daemon->stopping) {
        policy_look(daemon);
    }
    nginx_follow(daemon);
    api_run(daemon->api);
    deliver_run(&daemon->deliver);
    return true;
}

static int loop_run(struct daemon *daemon)
{
    struct oft_error error = {0};
    nginx_follow(daemon);
    while (daemon->nginx.state != NGINX_GONE && !daemon->failed) {
        if (!loop_step(daemon, &error)) {
            daemon_log(DAEMON_ERROR, "%s", error.message);
            return EXIT_FAULT;
        }
    }
    if (daemon->failed) {
        return EXIT_FAULT;
    }
    if (!drain(daemon, DRAIN_ROUNDS_LAST)) {
        daemon_log(DAEMON_WARNING,
                   "some records are not booked yet; they stay in the spool and are "
                   "booked at the next start");
        return EXIT_FAULT;
    }
    daemon_log(DAEMON_INFO, "stopped; everything is booked");
    return EXIT_STOPPED;
}

/* ---- start ----------------------------------------------------------------------------------- */

static int start_failed(enum oft_err err, struct oft_error *error)
{
    if (error->message[0] == '\0') {
        (void)oft_fail(error, err, "%s", oft_err_text(err));
    }
    error->code = err;
    return err == OFT_ERR_INVALID || err == OFT_ERR_NOT_FOUND ? EXIT_USAGE : EXIT_FAULT;
}

/* A file that was named must be there; the one in the data directory may be missing. */
static enum oft_err contacts_begin(struct daemon *daemon, struct oft_error *reterr)
{
    const struct serve_options *options = daemon->options;
    struct oft_error error = {0};
    char path[SETUP_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/desk.json", options->data_directory);
    enum oft_err err = engine_desk_contacts_load(
        daemon->engine, options->desk_config != NULL ? options->desk_config : path, &error);
    if (err == OFT_ERR_NOT_FOUND && options->desk_config == NULL) {
        return OFT_OK;
    }
    if (err != OFT_OK) {
        return oft_fail(reterr, err, "%s", error.message);
    }
    err = deliver_begin(&daemon->deliver, daemon->engine, clock_real, reterr);
    return err == OFT_OK ? loop_watch(&daemon->loop, deliver_descriptor(&daemon->deliver),
                                      LOOP_NOTIFY, reterr)
                         : err;
}

static void span_tell(void *context, struct oft_str span)
{
    notify_traces_add(context, span);
}

static void spans_dropped(void *context, uint64_t count)
{
    notify_traces_dropped(context, count);
}

static enum oft_err traces_begin(struct daemon *daemon, struct oft_error *reterr)
{
    const struct serve_options *options = daemon->options;
    if (options->otlp_url == NULL) {
        return OFT_OK;
    }
    struct notify_traces_options traces = {
        .url = options->otlp_url,
        .headers_file = options->otlp_headers_file,
        .ca_file = daemon->setup.ca_bundle[0] != '\0' ? daemon->setup.ca_bundle : NULL,
        .version = OFFTAKE_VERSION,
        .instance = daemon->setup.node,
    };
    enum oft_err err = notify_traces_new(&traces, &daemon->traces, reterr);
    if (err == OFT_OK) {
        struct engine_spans spans = {.tell = span_tell,
                                     .dropped = spans_dropped,
                                     .context = daemon->traces,
                                     .one_of = options->otlp_one_of};
        err = engine_spans_begin(daemon->engine, &spans, reterr);
    }
    return err;
}

static enum oft_err engine_begin(struct daemon *daemon, struct oft_error *reterr)
{
    const struct serve_options *options = daemon->options;
    struct engine_options engine_options = {
        .data_directory = options->data_directory,
        .deal_path = options->deal_path,
        .worker_uid = daemon->setup.worker.uid,
        .worker_gid = daemon->setup.worker.gid,
        .clock_shift_ns = daemon->clock_shift_ns,
        .rehearsal = options->rehearsal,
        .stale_after_ns = options->stale_after_ns,
    };
    enum oft_err err = engine_open(&engine_options, clock_real(), &daemon->engine, reterr);
    return err == OFT_OK ? contacts_begin(daemon, reterr) : err;
}

/* The first publication: a deal with errors ends the start. Returns an exit code. */
static int publish_first(struct daemon *daemon, struct oft_error *reterr)
{
    struct oft_buffer report;
    oft_buffer_init(&report, REPORT_BYTES_MAX);
    enum oft_err err = engine_publish(daemon->engine, clock_real(), &report, reterr);
    int code = EXIT_STOPPED;
    fputs(oft_buffer_text(&report), stderr);
    if (err == OFT_ERR_INVALID) {
        (void)oft_fail(reterr, err, "%s has errors; nothing was started",
                       daemon->options->deal_path);
        code = EXIT_BAD_DEAL;
    } else if (err != OFT_OK) {
        (void)start_failed(err, reterr);
        code = EXIT_FAULT;
    }
    oft_buffer_release(&report);
    return code;
}

static enum oft_err api_begin(struct daemon *daemon, struct oft_error *reterr)
{
    struct api_options options = {
        .engine = daemon->engine,
        .clock = clock_real,
        .clock_shift_ns = daemon->clock_shift_ns,
        .gateway_state = gateway_state,
        .watch_extra = watch_extra,
        .context = daemon,
        .socket_path = daemon->setup.socket_path,
        .tcp_listen = daemon->options->admin_listen,
    };
    enum oft_err err = OFT_OK;
    if (options.tcp_listen != NULL) {
        err = token_show_once(daemon->engine, daemon->setup.data_directory,
                              daemon->options->admin_token_file, options.token_sha256, reterr);
    }
    if (err == OFT_OK && daemon->options->metrics_token_file != NULL) {
        err = token_of_file(daemon->options->metrics_token_file, options.metrics_token_sha256,
                            reterr);
        options.has_metrics_token = err == OFT_OK;
    }
    if (err == OFT_OK) {
        err = api_open(&options, &daemon->api, reterr);
    }
    if (err != OFT_OK) {
        return err;
    }
    int fds[2];
    api_descriptors(daemon->api, fds);
    for (size_t i = 0; err == OFT_OK && i < OFT_COUNT_OF(fds); i++) {
        if (fds[i] >= 0) {
            err = loop_watch(&daemon->loop, fds[i], LOOP_API, reterr);
        }
    }
    return err;
}

/* Starts everything. Returns an exit code; EXIT_STOPPED means that all runs. */
static int parts_start(struct daemon *daemon, struct oft_error *reterr)
{
    enum oft_err err = privileges_harden(reterr);
    if (err == OFT_OK) {
        err = setup_before(&daemon->setup, daemon->options, reterr);
    }
    if (err == OFT_OK) {
        err = loop_open(&daemon->loop, reterr);
        daemon->loop_is_open = err == OFT_OK;
    }
    if (err != OFT_OK || (err = engine_begin(daemon, reterr)) != OFT_OK ||
        (err = traces_begin(daemon, reterr)) != OFT_OK) {
        return start_failed(err, reterr);
    }
    if (!drain(daemon, DRAIN_ROUNDS_LAST)) {
        daemon_log(DAEMON_WARNING, "what a run of before left in the spool is not booked yet");
    }
    engine_limits_begin(daemon->engine);
    int code = publish_first(daemon, reterr);
    if (code != EXIT_STOPPED) {
        return code;
    }
    err = setup_after(&daemon->setup, daemon->options, reterr);
    if (err == OFT_OK) {
        err = worker_user_can_enter(&daemon->setup.worker, daemon->setup.run_directory, reterr);
    }
    if (err == OFT_OK) {
        err = api_begin(daemon, reterr);
    }
    if (err == OFT_OK && daemon->options->no_nginx) {
        daemon->nginx.state = NGINX_RUNNING;
        daemon->nginx.pidfd = -1;
        announce(daemon);
    } else if (err == OFT_OK) {
        err = nginx_begin(&daemon->nginx, daemon->setup.nginx_program, &daemon->setup.settings,
                          clock_monotonic_ms(), reterr);
        daemon->nginx_is_begun = err == OFT_OK;
        daemon->nginx.patience_ms = daemon->options->stop_after_ms;
    }
    return err == OFT_OK ? EXIT_STOPPED : start_failed(err, reterr);
}

int daemon_serve(const struct serve_options *options, struct oft_error *reterr)
{
    struct daemon daemon = {
        .options = options, .nginx_watched_fd = -1, .republished_ms = clock_monotonic_ms()};
    if (options->rehearsal) {
        daemon.clock_shift_ns = options->rehearse_at - clock_real();
    }
    int code = parts_start(&daemon, reterr);
    if (code == EXIT_STOPPED) {
        code = loop_run(&daemon);
    }
    api_close(daemon.api);
    checks_end(&daemon.checks);
    deliver_end(&daemon.deliver);
    if (daemon.engine != NULL) {
        engine_close(daemon.engine);
    }
    notify_traces_free(daemon.traces);
    if (daemon.loop_is_open) {
        loop_close(&daemon.loop);
    }
    if (daemon.nginx_is_begun && daemon.nginx.pidfd >= 0) {
        (void)close(daemon.nginx.pidfd);
    }
    return code;
}
