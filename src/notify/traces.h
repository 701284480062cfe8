/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_NOTIFY_TRACES_H
#define OFFTAKE_NOTIFY_TRACES_H
/*
 * traces -- spans on their way to an OpenTelemetry collector, over OTLP/HTTP in JSON.
 *
 * What it is   A bounded queue of spans and one thread that sends them in batches. The caller never
 *              waits: when the queue is full the span is dropped, and counted.
 * What it is not  It knows no span: the caller hands over each as a JSON object.
 * Failures     What the other side may take later (no connection, 429, 502, 503, 504) is sent again, with
 *              growing pauses or the one that was asked for; anything else is dropped and counted. Spans
 *              are for looking, not for billing: nothing is kept on disk.
 * Ownership    notify_traces_new/notify_traces_free.
 * Threads      One thread calls; one thread of ours sends.
 */
#include "base/base.h"

#define NOTIFY_SPANS_WAITING_MAX 8192u
#define NOTIFY_SPAN_BYTES_MAX    8192u
#define NOTIFY_SPANS_BATCH_MAX   512u

struct notify_traces_options {
    const char *url; /* http:// or https://, the whole path: .../v1/traces */
    const char
        *headers_file;   /* lines "Name: value", for a collector that wants a key; NULL: none */
    const char *ca_file; /* NULL: the system's bundle */
    const char *version, *instance;
};

struct notify_traces_counts {
    uint64_t exported, dropped, failures, waiting;
};

struct notify_traces;
enum oft_err notify_traces_new(const struct notify_traces_options *options,
                               struct notify_traces **ret_traces,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* Sends what waits, for two seconds at most. Accepts NULL. */
void notify_traces_free(struct notify_traces *traces);
/* A copy of SPAN waits to be sent; or it is dropped. */
void notify_traces_add(struct notify_traces *traces, struct oft_str span);
/* The caller itself had to drop COUNT spans. */
void notify_traces_dropped(struct notify_traces *traces, uint64_t count);
void notify_traces_read(struct notify_traces *traces, struct notify_traces_counts *ret);

#endif
