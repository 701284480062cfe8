/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of spans and its thread. The lock is held for a copy at most, never over a transfer.
 */
#include "notify/traces.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/time.h"

enum {
    BATCH_PAUSE_MS = 500, /* what comes within it goes together */
    PAUSE_FIRST_MS = 1000,
    PAUSE_MAX_MS = 30000,
    LAST_MS = 2000,
    CONNECT_MS = 3000,
    ANSWER_MS = 10000,
    HEADERS_MAX = 16,
    BODY_BYTES_MAX = 16 << 20
};

struct notify_traces {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    int64_t stop_by_ms;
    char *spans[NOTIFY_SPANS_WAITING_MAX]; /* a ring */
    size_t first, count;
    struct notify_traces_counts counts;
    char url[2048], version[32], instance[128], ca_file[1024];
    struct curl_slist *headers;
    CURL *curl;
};

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- sending, in our thread -------------------------------------------------------------------- */

static size_t answer_dropped(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static void json_text(struct oft_buffer *out, const char *text)
{
    oft_buffer_append_char(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            oft_buffer_append_char(out, '\\');
        }
        oft_buffer_append_char(out, (unsigned char)*c < 0x20 ? ' ' : *c);
    }
    oft_buffer_append_char(out, '"');
}

static void batch_write(const struct notify_traces *traces, char *const *spans, size_t count,
                        struct oft_buffer *out)
{
    oft_buffer_append_text(out,
                           "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
                           "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"offtake\"}},"
                           "{\"key\":\"service.version\",\"value\":{\"stringValue\":");
    json_text(out, traces->version);
    oft_buffer_append_text(out, "}},{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":");
    json_text(out, traces->instance);
    oft_buffer_append_text(out, "}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"offtake.gateway\","
                                "\"version\":");
    json_text(out, traces->version);
    oft_buffer_append_text(out, "},\"spans\":[");
    for (size_t i = 0; i < count; i++) {
        oft_buffer_append_text(out, i == 0 ? "" : ",");
        oft_buffer_append_text(out, spans[i]);
    }
    oft_buffer_append_text(out, "]}]}]}");
}

enum fate { FATE_TAKEN, FATE_LATER, FATE_NEVER };

static enum fate send_body(struct notify_traces *traces, const struct oft_buffer *body,
                           int64_t *ret_retry_ms)
{
    long status = 0;
    curl_off_t retry_s = 0;
    CURL *curl = traces->curl;
    *ret_retry_ms = 0;
    if (body->failed ||
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data) != CURLE_OK) {
        return FATE_NEVER;
    }
    if (curl_easy_perform(curl) != CURLE_OK) {
        return FATE_LATER;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_s);
    *ret_retry_ms = retry_s > 0 && retry_s <= PAUSE_MAX_MS / 1000 ? (int64_t)retry_s * 1000 : 0;
    if (status >= 200 && status < 300) {
        return FATE_TAKEN;
    }
    return status == 429 || status == 502 || status == 503 || status == 504 ? FATE_LATER
                                                                            : FATE_NEVER;
}

/* Waits with the lock held until WHEN, a stop, or with ANY until something waits to be sent. */
static void wait_until(struct notify_traces *traces, int64_t when_ms, bool any)
{
    while (!traces->stopping && now_ms() < when_ms && !(any && traces->count > 0)) {
        struct timespec at = {.tv_sec = when_ms / 1000, .tv_nsec = when_ms % 1000 * 1000000};
        (void)pthread_cond_timedwait(&traces->wake, &traces->lock, &at);
    }
}

static size_t take(struct notify_traces *traces, char **spans)
{
    size_t taken = 0;
    while (taken < NOTIFY_SPANS_BATCH_MAX && traces->count > 0) {
        spans[taken++] = traces->spans[traces->first];
        traces->spans[traces->first] = NULL;
        traces->first = (traces->first + 1) % NOTIFY_SPANS_WAITING_MAX;
        traces->count--;
    }
    return taken;
}

/* A batch is ours until it is taken, given up, or the time to stop has come. Called without the lock. */
static void batch_send(struct notify_traces *traces, char **spans, size_t count)
{
    struct oft_buffer body;
    enum fate fate = FATE_LATER;
    int64_t pause_ms = PAUSE_FIRST_MS, retry_ms = 0;
    bool goes_on = true;
    oft_buffer_init(&body, BODY_BYTES_MAX);
    batch_write(traces, spans, count, &body);
    while (fate == FATE_LATER && goes_on) {
        fate = send_body(traces, &body, &retry_ms);
        (void)pthread_mutex_lock(&traces->lock);
        if (fate != FATE_TAKEN) {
            traces->counts.failures++;
        }
        if (fate == FATE_LATER) {
            int64_t wait_ms = retry_ms > 0 ? retry_ms : pause_ms;
            wait_until(traces, now_ms() + wait_ms, false);
            goes_on = !traces->stopping || now_ms() < traces->stop_by_ms;
            pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
        }
        bool stopping = traces->stopping;
        (void)pthread_mutex_unlock(&traces->lock);
        if (stopping && fate == FATE_LATER && goes_on) {
            const struct timespec moment = {.tv_nsec = 100000000};
            (void)nanosleep(&moment, NULL); /* the wait above returns at once by now */
        }
    }
    (void)pthread_mutex_lock(&traces->lock);
    if (fate == FATE_TAKEN) {
        traces->counts.exported += count;
    } else {
        traces->counts.dropped += count;
    }
    (void)pthread_mutex_unlock(&traces->lock);
    oft_buffer_release(&body);
}

static void *run(void *context)
{
    struct notify_traces *traces = context;
    char *spans[NOTIFY_SPANS_BATCH_MAX];
    bool goes_on = true;
    while (goes_on) {
        (void)pthread_mutex_lock(&traces->lock);
        wait_until(traces, now_ms() + 3600000, true);
        if (traces->count < NOTIFY_SPANS_BATCH_MAX) {
            wait_until(traces, now_ms() + BATCH_PAUSE_MS, false);
        }
        size_t count = take(traces, spans);
        goes_on = !traces->stopping || (traces->count > 0 && now_ms() < traces->stop_by_ms);
        (void)pthread_mutex_unlock(&traces->lock);
        if (count > 0) {
            batch_send(traces, spans, count);
        }
        for (size_t i = 0; i < count; i++) {
            free(spans[i]);
        }
    }
    return NULL;
}

/* ---- the caller's end -------------------------------------------------------------------------- */

static enum oft_err headers_read(struct notify_traces *traces, const char *file,
                                 struct oft_error *reterr)
{
    char line[4096];
    unsigned count = 0;
    traces->headers = curl_slist_append(NULL, "Content-Type: application/json");
    FILE *stream = file == NULL ? NULL : fopen(file, "re");
    if (file != NULL && stream == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "cannot read %s: %s", file, strerror(errno));
    }
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#') {
            continue;
        }
        size_t name = strcspn(line, ": \t");
        struct curl_slist *longer = name > 0 && line[name] == ':' && count++ < HEADERS_MAX
                                        ? curl_slist_append(traces->headers, line)
                                        : NULL;
        if (longer == NULL) {
            explicit_bzero(line, sizeof line);
            (void)fclose(stream);
            return oft_fail(reterr, OFT_ERR_INVALID,
                            "%s must hold at most %d lines \"Name: value\"", file, HEADERS_MAX);
        }
        traces->headers = longer;
    }
    if (stream != NULL) {
        (void)fclose(stream);
    }
    explicit_bzero(line, sizeof line);
    return traces->headers == NULL ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory") : OFT_OK;
}

static enum oft_err curl_prepare(struct notify_traces *traces, struct oft_error *reterr)
{
    CURL *curl = traces->curl =
        curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    bool good = curl != NULL && curl_easy_setopt(curl, CURLOPT_URL, traces->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, traces->headers) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_dropped) == CURLE_OK &&
                (traces->ca_file[0] == '\0' ||
                 curl_easy_setopt(curl, CURLOPT_CAINFO, traces->ca_file) == CURLE_OK);
    return good ? OFT_OK : oft_fail(reterr, OFT_ERR_MEMORY, "libcurl does not start");
}

static enum oft_err thread_start(struct notify_traces *traces, struct oft_error *reterr)
{
    sigset_t all, before;
    pthread_condattr_t attributes;
    sigfillset(&all);
    (void)pthread_mutex_init(&traces->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&traces->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before); /* the thread takes no signals */
    int failure = pthread_create(&traces->thread, NULL, run, traces);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure == 0
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_IO, "no thread for traces: %s", strerror(failure));
}

static void traces_drop(struct notify_traces *traces)
{
    curl_easy_cleanup(traces->curl);
    curl_slist_free_all(traces->headers);
    free(traces);
}

enum oft_err notify_traces_new(const struct notify_traces_options *options,
                               struct notify_traces **ret_traces, struct oft_error *reterr)
{
    struct notify_traces *traces = calloc(1, sizeof *traces);
    if (traces == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    (void)snprintf(traces->version, sizeof traces->version, "%s", options->version);
    (void)snprintf(traces->instance, sizeof traces->instance, "%s", options->instance);
    (void)snprintf(traces->ca_file, sizeof traces->ca_file, "%s",
                   options->ca_file == NULL ? "" : options->ca_file);
    int length = snprintf(traces->url, sizeof traces->url, "%s", options->url);
    enum oft_err err = OFT_OK;
    if ((strncmp(options->url, "http://", 7) != 0 && strncmp(options->url, "https://", 8) != 0) ||
        length >= (int)sizeof traces->url) {
        err = oft_fail(reterr, OFT_ERR_INVALID,
                       "\"%.80s\" is no address for traces; write http://127.0.0.1:4318/v1/traces",
                       options->url);
    }
    if (err == OFT_OK) {
        err = headers_read(traces, options->headers_file, reterr);
    }
    if (err == OFT_OK) {
        err = curl_prepare(traces, reterr);
    }
    if (err == OFT_OK) {
        err = thread_start(traces, reterr);
    }
    if (err != OFT_OK) {
        traces_drop(traces);
        return err;
    }
    *ret_traces = traces;
    return OFT_OK;
}

void notify_traces_free(struct notify_traces *traces)
{
    if (traces == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&traces->lock);
    traces->stopping = true;
    traces->stop_by_ms = now_ms() + LAST_MS;
    (void)pthread_cond_signal(&traces->wake);
    (void)pthread_mutex_unlock(&traces->lock);
    (void)pthread_join(traces->thread, NULL);
    while (traces->count > 0) {
        free(traces->spans[traces->first]);
        traces->first = (traces->first + 1) % NOTIFY_SPANS_WAITING_MAX;
        traces->count--;
    }
    (void)pthread_cond_destroy(&traces->wake);
    (void)pthread_mutex_destroy(&traces->lock);
    traces_drop(traces);
}

void notify_traces_add(struct notify_traces *traces, struct oft_str span)
{
    char *copy = span.length <= NOTIFY_SPAN_BYTES_MAX ? malloc(span.length + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, span.data, span.length);
        copy[span.length] = '\0';
    }
    (void)pthread_mutex_lock(&traces->lock);
    if (copy != NULL && traces->count < NOTIFY_SPANS_WAITING_MAX) {
        traces->spans[(traces->first + traces->count) % NOTIFY_SPANS_WAITING_MAX] = copy;
        traces->count++;
        copy = NULL;
        (void)pthread_cond_signal(&traces->wake);
    } else {
        traces->counts.dropped++;
    }
    (void)pthread_mutex_unlock(&traces->lock);
    free(copy);
}

void notify_traces_dropped(struct notify_traces *traces, uint64_t count)
{
    (void)pthread_mutex_lock(&traces->lock);
    traces->counts.dropped += count;
    (void)pthread_mutex_unlock(&traces->lock);
}

void notify_traces_read(struct notify_traces *traces, struct notify_traces_counts *ret)
{
    (void)pthread_mutex_lock(&traces->lock);
    *ret = traces->counts;
    ret->waiting = traces->count;
    (void)pthread_mutex_unlock(&traces->lock);
}
