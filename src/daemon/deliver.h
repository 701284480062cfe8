/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_DELIVER_H
#define OFFTAKE_DAEMON_DELIVER_H
/*
 * deliver -- from the desk's outbox to the queue of mail and webhooks, and back how it went.
 *
 * A message stays in the outbox until its fate is written down, so one that was under way when the
 * daemon died is sent again, with the same id. While the books take nothing (the disk is full), what has
 * ended keeps its place here and is not sent again.
 */
#include "engine/desk.h"
#include "notify/notify.h"

struct deliver {
    struct engine *engine;
    struct notify_queue *queue; /* NULL: nobody is told anything */
    oft_instant (*clock)(void);
    struct {
        uint64_t tag; /* 0: free */
        uint32_t attempts;
        bool ended; /* how is not in the books yet */
        struct engine_outcome outcome;
        char reply[NOTIFY_REPLY_BYTES];
    } under_way[NOTIFY_AT_ONCE_MAX];
    struct oft_error error; /* the last fault; its code is OFT_OK when there is none */
};

enum oft_err deliver_begin(struct deliver *deliver, struct engine *engine,
                           oft_instant (*clock)(void), struct oft_error *reterr) OFT_MUSTCHECK;
void deliver_end(struct deliver *deliver);
/* Hands over what is due; to be called now and then. */
void deliver_look(struct deliver *deliver);
/* Goes on with what is under way. */
void deliver_run(struct deliver *deliver);
int deliver_descriptor(const struct deliver *deliver); /* -1: none */

#endif
