/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers side by side: a thread each, as libcurl's SMTP waits inside its multi interface, whatever
 * the caller has to do meanwhile. A thread touches its own transfer only, until it says that it has ended.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "notify/internal.h"

enum { CONNECT_MS = 10000, WHOLE_S = 60, ANSWER_S = 30, RETRY_MOST_S = 3600 };

struct notify_queue {
    int event_fd; /* readable: a transfer has ended */
    uint32_t busy;
    struct notify_transfer transfers[NOTIFY_AT_ONCE_MAX];
};

/* ---- what libcurl calls, in the transfer's thread ---------------------------------------------- */

/* Called about once a second, also while nothing moves. */
static int asked_to_stop(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                         curl_off_t up_now)
{
    struct notify_transfer *transfer = context;
    (void)total, (void)now, (void)up_total, (void)up_now;
    return atomic_load(&transfer->stop) ? 1 : 0;
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
    queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->event_fd < 0) {
        enum oft_err code =
            oft_fail(reterr, OFT_ERR_IO, "no queue for mail and webhooks: %s", strerror(errno));
        notify_queue_free(queue);
        return code;
    }
    *ret_queue = queue;
    return OFT_OK;
}

/* Lets go of the connection. libcurl says QUIT to a mail server and would wait two minutes for the answer:
 * nothing comes in any more, so it does not wait. */
static void hang_up(struct notify_transfer *transfer)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(transfer->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        (void)shutdown(fd, SHUT_RD);
    }
    curl_easy_cleanup(transfer->curl);
    transfer->curl = NULL;
}

static void transfer_end(struct notify_transfer *transfer)
{
    if (transfer->curl != NULL) {
        curl_easy_cleanup(transfer->curl); /* never connected */
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
        atomic_store(&queue->transfers[i].stop, true);
    }
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        if (queue->transfers[i].used) {
            OFT_ASSERT(pthread_join(queue->transfers[i].thread, NULL) == 0);
            transfer_end(&queue->transfers[i]);
        }
    }
    if (queue->event_fd >= 0) {
        (void)close(queue->event_fd);
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
    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)ANSWER_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->detail) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, words_came) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_dropped) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, 1L << 20) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, asked_to_stop) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer) == CURLE_OK;
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

/* ---- a transfer ------------------------------------------------------------------------------ */

/* The transfer's thread. */
static void *transfer_run(void *context)
{
    struct notify_transfer *transfer = context;
    const uint64_t one = 1;
    transfer->outcome = outcome_of(transfer, curl_easy_perform(transfer->curl));
    hang_up(transfer);
    int event_fd = transfer->event_fd;
    atomic_store(&transfer->ended, true);
    /* From here on the transfer is the queue's again. An eventfd takes 2^64 of these. */
    ssize_t written = write(event_fd, &one, sizeof(one));
    OFT_ASSERT(written == sizeof(one));
    return NULL;
}

/* Signals are for the caller's thread: a transfer's thread takes none, SIGPIPE neither. */
static enum oft_err thread_begin(struct notify_transfer *transfer, struct oft_error *reterr)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    OFT_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int failed = pthread_create(&transfer->thread, NULL, transfer_run, transfer);
    OFT_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return failed == 0
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_IO, "no thread for a message: %s", strerror(failed));
}

static enum oft_err transfer_begin(struct notify_queue *queue, struct notify_transfer *transfer,
                                   const struct notify_message *message, struct oft_error *reterr)
{
    transfer->tag = message->tag;
    transfer->event_fd = queue->event_fd;
    transfer->is_mail = message->server != NULL;
    oft_arena_init(&transfer->arena, 1u << 20);
    transfer->curl = curl_easy_init();
    if (transfer->curl == NULL || !common_options(transfer)) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    enum oft_err code = transfer->is_mail ? notify_mail_prepare(transfer, message, reterr)
                                          : notify_webhook_prepare(transfer, message, reterr);
    if (code == OFT_OK &&
        curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers) != CURLE_OK) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    return code == OFT_OK ? thread_begin(transfer, reterr) : code;
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
        transfer_end(transfer);
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
    return queue->event_fd;
}

void notify_queue_run(struct notify_queue *queue, notify_fn tell, void *context)
{
    uint64_t ended;
    if (read(queue->event_fd, &ended, sizeof(ended)) != sizeof(ended)) {
        return; /* nothing since the last call */
    }
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        struct notify_transfer *transfer = &queue->transfers[i];
        if (!transfer->used || !atomic_load(&transfer->ended)) {
            continue;
        }
        OFT_ASSERT(pthread_join(transfer->thread, NULL) == 0);
        struct notify_outcome outcome = transfer->outcome;
        transfer_end(transfer);
        queue->busy--;
        tell(context, &outcome);
    }
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
