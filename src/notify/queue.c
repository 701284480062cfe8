/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers side by side. libcurl names the descriptors that it waits for; they are watched in an epoll
 * of our own, which is the one descriptor that the caller sees.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "notify/internal.h"

enum { EVENTS_AT_ONCE = 16, CONNECT_MS = 10000, WHOLE_S = 60, RETRY_MOST_S = 3600 };

struct notify_queue {
    CURLM *multi;
    int epoll_fd;
    int64_t timer_ms; /* monotonic; -1: none */
    uint32_t busy;
    struct notify_transfer transfers[NOTIFY_AT_ONCE_MAX];
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- libcurl's wishes ------------------------------------------------------------------------ */

static int socket_wish(CURL *curl, curl_socket_t fd, int what, void *context, void *known)
{
    struct notify_queue *queue = context;
    struct epoll_event event = {.data.fd = fd};
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(queue->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    int operation = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(queue->epoll_fd, operation, fd, &event) != 0 &&
        epoll_ctl(queue->epoll_fd, operation == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
                  &event) != 0) {
        return -1;
    }
    (void)curl_multi_assign(queue->multi, fd, queue); /* known from now on */
    return 0;
}

static int timer_wish(CURLM *multi, long timeout_ms, void *context)
{
    struct notify_queue *queue = context;
    (void)multi;
    queue->timer_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    return 0;
}

/* What the other side says, the last line of it; a mail server's lines come as headers. */
static size_t words_came(char *data, size_t size, size_t count, void *context)
{
    struct notify_transfer *transfer = context;
    size_t length = size * count, kept = 0;
    if (transfer->is_mail || transfer->reply[0] == '\0') {
        for (size_t i = 0; i < length && kept < sizeof(transfer->reply) - 1; i++) {
            unsigned char c = (unsigned char)data[i];
            transfer->reply[kept] = c >= ' ' && c < 0x7f ? (char)c : ' ';
            kept++;
        }
        while (kept > 0 && transfer->reply[kept - 1] == ' ') {
            kept--;
        }
        transfer->reply[kept] = '\0';
    }
    return length;
}

static size_t body_dropped(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

/* ---- the queue ------------------------------------------------------------------------------- */

enum oft_err notify_queue_new(struct notify_queue **ret_queue, struct oft_error *reterr)
{
    struct notify_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(queue);
        return oft_fail(reterr, OFT_ERR_MEMORY, "libcurl does not start");
    }
    queue->timer_ms = -1;
    queue->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    queue->multi = curl_multi_init();
    if (queue->epoll_fd < 0 || queue->multi == NULL ||
        curl_multi_setopt(queue->multi, CURLMOPT_SOCKETFUNCTION, socket_wish) != CURLM_OK ||
        curl_multi_setopt(queue->multi, CURLMOPT_SOCKETDATA, queue) != CURLM_OK ||
        curl_multi_setopt(queue->multi, CURLMOPT_TIMERFUNCTION, timer_wish) != CURLM_OK ||
        curl_multi_setopt(queue->multi, CURLMOPT_TIMERDATA, queue) != CURLM_OK) {
        enum oft_err code =
            oft_fail(reterr, OFT_ERR_IO, "no queue for mail and webhooks: %s", strerror(errno));
        notify_queue_free(queue);
        return code;
    }
    *ret_queue = queue;
    return OFT_OK;
}

static void transfer_end(struct notify_queue *queue, struct notify_transfer *transfer)
{
    if (transfer->curl != NULL) {
        (void)curl_multi_remove_handle(queue->multi, transfer->curl);
        curl_easy_cleanup(transfer->curl);
    }
    curl_mime_free(transfer->mime);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->recipients);
    oft_arena_release(&transfer->arena);
    memset(transfer, 0, sizeof(*transfer));
}

void notify_queue_free(struct notify_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        if (queue->transfers[i].used) {
            transfer_end(queue, &queue->transfers[i]);
        }
    }
    if (queue->multi != NULL) {
        (void)curl_multi_cleanup(queue->multi);
    }
    if (queue->epoll_fd >= 0) {
        (void)close(queue->epoll_fd);
    }
    free(queue);
    curl_global_cleanup();
}

enum oft_err notify_header(struct notify_transfer *transfer, const char *name, const char *value,
                           struct oft_error *reterr)
{
    char *line = oft_arena_printf(&transfer->arena, "%s: %s", name, value);
    if (strpbrk(value, "\r\n") != NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s may not hold a line break", name);
    }
    struct curl_slist *longer = line == NULL ? NULL : curl_slist_append(transfer->headers, line);
    if (longer == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    transfer->headers = longer;
    return OFT_OK;
}

static bool common_options(struct notify_transfer *transfer)
{
    CURL *curl = transfer->curl;
    return curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->detail) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, words_came) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_dropped) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, 1L << 20) == CURLE_OK;
}

static enum oft_err transfer_begin(struct notify_queue *queue, struct notify_transfer *transfer,
                                   const struct notify_message *message, struct oft_error *reterr)
{
    transfer->tag = message->tag;
    transfer->is_mail = message->server != NULL;
    oft_arena_init(&transfer->arena, 1u << 20);
    transfer->curl = curl_easy_init();
    if (transfer->curl == NULL || !common_options(transfer)) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    enum oft_err code = transfer->is_mail ? notify_mail_prepare(transfer, message, reterr)
                                          : notify_webhook_prepare(transfer, message, reterr);
    if (code == OFT_OK &&
        (curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers) != CURLE_OK ||
         curl_multi_add_handle(queue->multi, transfer->curl) != CURLM_OK)) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    return code;
}

enum oft_err notify_queue_add(struct notify_queue *queue, const struct notify_message *message,
                              struct oft_error *reterr)
{
    struct notify_transfer *transfer = queue->transfers;
    if (queue->busy == NOTIFY_AT_ONCE_MAX) {
        return oft_fail(reterr, OFT_ERR_BUSY, "%u messages are under way already",
                        NOTIFY_AT_ONCE_MAX);
    }
    while (transfer->used) {
        transfer++;
    }
    transfer->used = true;
    enum oft_err code = transfer_begin(queue, transfer, message, reterr);
    if (code != OFT_OK) {
        transfer_end(queue, transfer);
        return code;
    }
    queue->busy++;
    return OFT_OK;
}

uint32_t notify_queue_busy(const struct notify_queue *queue)
{
    return queue->busy;
}

int notify_queue_descriptor(const struct notify_queue *queue)
{
    return queue->epoll_fd;
}

int notify_queue_timeout_ms(const struct notify_queue *queue)
{
    int64_t left = queue->timer_ms < 0 ? -1 : queue->timer_ms - now_ms();
    return queue->timer_ms < 0 ? -1 : left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* ---- how it went ----------------------------------------------------------------------------- */

/* Answers that mean "later": RFC 9110 and 6585; a mail server's 4xx: RFC 5321, section 4.2.1. */
static bool is_temporary(const struct notify_transfer *transfer, long status)
{
    if (transfer->is_mail) {
        return status < 500;
    }
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static struct notify_outcome outcome_of(const struct notify_transfer *transfer, CURLcode result)
{
    struct notify_outcome outcome = {.tag = transfer->tag};
    long status = 0;
    curl_off_t retry_s = 0;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &retry_s);
    outcome.accepted =
        result == CURLE_OK && (transfer->is_mail || (status >= 200 && status <= 299));
    /* After a mail server's 2xx or 3xx it is libcurl that knows why it did not go on. */
    bool answered = status != 0 && (result == CURLE_OK || (transfer->is_mail && status >= 400));
    outcome.permanent = !outcome.accepted && answered && !is_temporary(transfer, status);
    outcome.retry_after_s = outcome.accepted         ? 0
                            : retry_s > RETRY_MOST_S ? RETRY_MOST_S
                                                     : (int64_t)retry_s;
    const char *words = answered && transfer->reply[0] != '\0' ? transfer->reply
                        : transfer->detail[0] != '\0'          ? transfer->detail
                                                               : curl_easy_strerror(result);
    (void)snprintf(outcome.reply, sizeof(outcome.reply), "%s", words);
    return outcome;
}

static void finished(struct notify_queue *queue, notify_fn tell, void *context)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(queue->multi, &left)) != NULL) {
        struct notify_transfer *transfer = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) !=
                CURLE_OK) {
            continue;
        }
        struct notify_outcome outcome = outcome_of(transfer, message->data.result);
        transfer_end(queue, transfer);
        queue->busy--;
        tell(context, &outcome);
    }
}

void notify_queue_run(struct notify_queue *queue, notify_fn tell, void *context)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int running;
    int count = epoll_wait(queue->epoll_fd, events, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < count; i++) {
        int ready = (events[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(queue->multi, events[i].data.fd, ready, &running);
    }
    if (queue->timer_ms >= 0 && queue->timer_ms <= now_ms()) {
        queue->timer_ms = -1;
        (void)curl_multi_socket_action(queue->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    finished(queue, tell, context);
}

int64_t notify_retry_after_s(uint32_t attempt, uint64_t seed)
{
    enum { FIRST_S = 5, GIVE_UP_AFTER_S = 3 * 86400 };
    int64_t wait_s = FIRST_S, since_s = 0;
    for (uint32_t i = 1; i < attempt && since_s < GIVE_UP_AFTER_S; i++) {
        since_s += wait_s;
        wait_s = wait_s * 2 > RETRY_MOST_S ? RETRY_MOST_S : wait_s * 2;
    }
    if (since_s >= GIVE_UP_AFTER_S) {
        return -1;
    }
    uint64_t mixed = (seed + attempt) * UINT64_C(0x9e3779b97f4a7c15);
    return wait_s + (int64_t)((mixed >> 32) % (uint64_t)(wait_s / 4 + 1));
}
