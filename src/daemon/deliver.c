/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox keeps, the queue sends, and this file carries between the two.
 */
#include "daemon/deliver.h"

#include <stdio.h>

enum { DUE_AT_ONCE = 4 * NOTIFY_AT_ONCE_MAX };

enum oft_err deliver_begin(struct deliver *deliver, struct engine *engine,
                           oft_instant (*clock)(void), struct oft_error *reterr)
{
    *deliver = (struct deliver){.engine = engine, .clock = clock};
    return notify_queue_new(&deliver->queue, reterr);
}

void deliver_end(struct deliver *deliver)
{
    notify_queue_free(deliver->queue);
    deliver->queue = NULL;
}

/* The place of TAG; 0 finds a free one. NOTIFY_AT_ONCE_MAX when there is none. */
static size_t place_of(const struct deliver *deliver, uint64_t tag)
{
    size_t i = 0;
    while (i < NOTIFY_AT_ONCE_MAX && deliver->under_way[i].tag != tag) {
        i++;
    }
    return i;
}

static bool write_down(struct deliver *deliver, const struct engine_outcome *outcome)
{
    struct oft_error error = {0};
    if (engine_desk_message_done(deliver->engine, outcome, deliver->clock(), &error) != OFT_OK) {
        deliver->error = error;
        return false;
    }
    return true;
}

/* Writes down how the message at PLACE ended; until that is done it keeps its place. */
static void settle(struct deliver *deliver, size_t place)
{
    if (write_down(deliver, &deliver->under_way[place].outcome)) {
        deliver->under_way[place].tag = 0;
        deliver->under_way[place].ended = false;
    }
}

static void tell(void *context, const struct notify_outcome *outcome)
{
    struct deliver *deliver = context;
    size_t place = place_of(deliver, outcome->tag);
    OFT_ASSERT(place < NOTIFY_AT_ONCE_MAX);
    deliver->under_way[place].ended = true;
    int64_t wait = notify_retry_after_s(deliver->under_way[place].attempts + 1, outcome->tag);
    if (wait >= 0 && outcome->retry_after_s > wait) {
        wait = outcome->retry_after_s;
    }
    (void)snprintf(deliver->under_way[place].reply, NOTIFY_REPLY_BYTES, "%s", outcome->reply);
    deliver->under_way[place].outcome =
        (struct engine_outcome){.id = outcome->tag,
                                .accepted = outcome->accepted,
                                .retry_after_s = outcome->permanent ? -1 : wait,
                                .reply = deliver->under_way[place].reply};
    settle(deliver, place);
}

static enum oft_err add(struct deliver *deliver, const struct engine_message *message,
                        struct oft_error *reterr)
{
    const struct engine_mail_server *mail = engine_desk_mail_server(deliver->engine);
    const struct notify_server server = {.url = mail->url,
                                         .from = mail->from,
                                         .user = mail->user,
                                         .password = mail->password,
                                         .ca_file = mail->ca_file,
                                         .require_tls = mail->require_tls};
    const struct notify_message sent = {
        .tag = message->id,
        .id = message->dedup,
        .dated = deliver->clock(),
        .server = message->is_webhook ? NULL : &server,
        .to = message->address,
        .subject = message->subject,
        .attachment = message->attachment,
        .attachment_name = message->attachment.length > 0 ? message->attachment_name : NULL,
        .url = message->is_webhook ? message->address : NULL,
        .secret = message->secret,
        .text = message->text};
    if ((message->is_webhook && message->secret == NULL) ||
        (!message->is_webhook && mail->url == NULL)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "the contacts no longer say how to reach %s",
                        message->party);
    }
    return notify_queue_add(deliver->queue, &sent, reterr);
}

static enum oft_err hand_over(void *context, const struct engine_message *message,
                              struct oft_error *reterr)
{
    struct deliver *deliver = context;
    struct oft_error error = {0};
    size_t place = place_of(deliver, 0);
    (void)reterr;
    if (place == NOTIFY_AT_ONCE_MAX || place_of(deliver, message->id) < NOTIFY_AT_ONCE_MAX) {
        return OFT_OK; /* no room now, or under way already */
    }
    enum oft_err err = add(deliver, message, &error);
    if (err == OFT_OK) {
        deliver->under_way[place].tag = message->id;
        deliver->under_way[place].attempts = message->attempts;
    } else if (err == OFT_ERR_INVALID) {
        struct engine_outcome refused = {
            .id = message->id, .retry_after_s = -1, .reply = error.message};
        (void)write_down(deliver, &refused); /* else it is refused again at the next look */
    }
    return OFT_OK;
}

void deliver_look(struct deliver *deliver)
{
    struct oft_error error = {0};
    for (size_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        if (deliver->under_way[i].ended) {
            settle(deliver, i);
        }
    }
    if (deliver->queue == NULL || place_of(deliver, 0) == NOTIFY_AT_ONCE_MAX) {
        return;
    }
    if (engine_desk_messages(deliver->engine, deliver->clock(), DUE_AT_ONCE, hand_over, deliver,
                             &error) != OFT_OK) {
        deliver->error = error;
    }
    deliver_run(deliver);
}

void deliver_run(struct deliver *deliver)
{
    if (deliver->queue != NULL && notify_queue_busy(deliver->queue) > 0) {
        notify_queue_run(deliver->queue, tell, deliver);
    }
}

int deliver_descriptor(const struct deliver *deliver)
{
    return deliver->queue == NULL ? -1 : notify_queue_descriptor(deliver->queue);
}
