/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_NOTIFY_INTERNAL_H
#define OFFTAKE_NOTIFY_INTERNAL_H
/*
 * What the files of notify share. Private to notify/.
 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "notify/notify.h"

/* One message under way. Between pthread_create and `ended` all but `stop` is its thread's. */
struct notify_transfer {
    bool used, is_mail;
    atomic_bool stop, ended;
    pthread_t thread;
    int event_fd;
    struct notify_outcome outcome;
    uint64_t tag;
    CURL *curl;
    curl_mime *mime;
    struct curl_slist *headers, *recipients;
    struct oft_arena arena; /* copies of the message's texts */
    char detail[CURL_ERROR_SIZE];
    char reply[NOTIFY_REPLY_BYTES];
};

/* Prepare TRANSFER's curl handle; OFT_ERR_INVALID for what must not be sent. */
enum oft_err notify_mail_prepare(struct notify_transfer *transfer,
                                 const struct notify_message *message, struct oft_error *reterr);
enum oft_err notify_webhook_prepare(struct notify_transfer *transfer,
                                    const struct notify_message *message, struct oft_error *reterr);
/* "NAME: VALUE" to the transfer's headers; a line break in VALUE is OFT_ERR_INVALID. */
enum oft_err notify_header(struct notify_transfer *transfer, const char *name, const char *value,
                           struct oft_error *reterr);

#endif
