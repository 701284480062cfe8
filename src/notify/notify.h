/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_NOTIFY_NOTIFY_H
#define OFFTAKE_NOTIFY_NOTIFY_H
/*
 * notify -- telling somebody: mail by SMTP and signed webhooks, without making the caller wait.
 *
 * What it is   A queue of transfers over libcurl. The caller adds messages, watches one descriptor and
 *              runs the queue when it is readable; a callback hears how each message went.
 * What it is not  It decides neither who is told nor when it is tried again (notify_retry_after_s says
 *              how long to wait, the caller keeps the time), and it keeps nothing: a message that was not
 *              told of is to be added again.
 * Receivers    docs/notices.md: headers, signature, what an answer means.
 * May include  base.
 * Ownership    notify_queue_new/notify_queue_free. A message is copied when it is added.
 * Errors       A message that cannot be sent as it is (a header with a line break) is OFT_ERR_INVALID at
 *              once. Secrets are in no error and no log.
 * Threads      One queue, one thread that calls it. Each message under way has a thread of its own, which
 *              takes no signals and ends with the message, after a minute at most. Nothing here waits
 *              but notify_queue_free, a second or so.
 */
#include "base/base.h"
#include "base/time.h"

#define NOTIFY_AT_ONCE_MAX    8u
#define NOTIFY_REPLY_BYTES    256
#define NOTIFY_BODY_BYTES_MAX (16u << 20)

/* How mail leaves. */
struct notify_server {
    const char *url;             /* smtp://host:port or smtps://host:port */
    const char *from;            /* an address */
    const char *user, *password; /* NULL: the server wants none */
    const char *ca_file;         /* NULL: the system's bundle */
    bool require_tls;            /* also on smtp:// */
};

struct notify_message {
    uint64_t tag;      /* the caller's; handed to the callback */
    const char *id;    /* of this message, the same at every try: how a receiver knows it */
    oft_instant dated; /* mail: its Date. Webhook: its timestamp */

    /* Mail, when SERVER is not NULL. */
    const struct notify_server *server;
    const char *to, *subject;
    struct oft_str attachment; /* application/pdf; length 0: none */
    const char *attachment_name;

    /* Webhook, otherwise. */
    const char *url;
    const char *secret;

    const char *text; /* mail: the words. Webhook: the JSON body */
};

struct notify_outcome {
    uint64_t tag;
    bool accepted;
    bool permanent;                 /* not accepted, and never will be */
    int64_t retry_after_s;          /* what the other side asked for, an hour at most; 0: nothing */
    char reply[NOTIFY_REPLY_BYTES]; /* its words, or why it could not be reached; one line */
};
typedef void (*notify_fn)(void *context, const struct notify_outcome *outcome);

struct notify_queue;
enum oft_err notify_queue_new(struct notify_queue **ret_queue,
                              struct oft_error *reterr) OFT_MUSTCHECK;
void notify_queue_free(struct notify_queue *queue); /* accepts NULL; breaks off what is under way */
/* OFT_ERR_BUSY when NOTIFY_AT_ONCE_MAX are under way: run the queue first. */
enum oft_err notify_queue_add(struct notify_queue *queue, const struct notify_message *message,
                              struct oft_error *reterr) OFT_MUSTCHECK;
uint32_t notify_queue_busy(const struct notify_queue *queue);
/* Readable (EPOLLIN) when notify_queue_run has something to tell. */
int notify_queue_descriptor(const struct notify_queue *queue);
void notify_queue_run(struct notify_queue *queue, notify_fn tell, void *context);

/* Seconds to wait after the ATTEMPT-th try (1, 2, ...): 5 s doubling up to an hour, a little more or less
 * by SEED so that many do not come back at once; -1 when it is not to be tried again (after 3 days). */
int64_t notify_retry_after_s(uint32_t attempt, uint64_t seed);

/* HMAC-SHA256 by SECRET over "TIMESTAMP.ID.BODY", in hex. Source: what receivers check, docs/notices.md. */
enum oft_err notify_signature(const char *secret, int64_t timestamp_s, const char *id,
                              struct oft_str body, char ret_hex[65]) OFT_MUSTCHECK;

#endif
