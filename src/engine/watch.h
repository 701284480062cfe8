/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_WATCH_H
#define OFFTAKE_ENGINE_WATCH_H
/*
 * watch -- what those who watch are told: metrics as Prometheus reads them, and the state that
 * `offtake top` draws.
 *
 * Both are made when they are asked for, from the page of counters that the workers keep
 * (meter/counters.h), the page of limits, the policy in force and the books' own counts. Labels are names
 * of the deal and words of ours, so how many there can be is known beforehand; of keys, which have no
 * bound, only those with the most used budgets are told, and only to `offtake top`.
 */
#include <sys/types.h>

#include "base/memory.h"
#include "base/time.h"

struct engine;

/* What the daemon knows beside us. */
struct engine_watch_extra {
    pid_t nginx_pid; /* 0: not running */
    uint32_t nginx_restarts;
    /* Traces; all 0 when none are made. */
    uint64_t spans_exported, spans_dropped, span_failures, spans_waiting;
};

/* The text format of Prometheus, version 0.0.4. */
enum oft_err engine_metrics(struct engine *engine, const struct engine_watch_extra *extra,
                            oft_instant now_ns, struct oft_buffer *out,
                            struct oft_error *reterr) OFT_MUSTCHECK;
/* JSON: counts since the counters began, and gauges. Rates are made of two of them. */
enum oft_err engine_top(struct engine *engine, const struct engine_watch_extra *extra,
                        oft_instant now_ns, struct oft_buffer *out,
                        struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- traces ------------------------------------------------------------------------------------ */

/*
 * Spans of what is booked from now on, as OpenTelemetry has them: one of kind SERVER for the request, and
 * below it one of kind CLIENT for each attempt, with the attributes of the semantic conventions for
 * generative AI. Made of the records alone: no prompt, no key and no query is in a record.
 */
struct engine_spans {
    /* A span as a JSON object of OTLP. Called when its request's booking is committed. */
    void (*tell)(void *context, struct oft_str span);
    void (*dropped)(void *context, uint64_t count); /* that many were too many for one batch */
    void *context;
    /* Of requests whose client did not decide itself (traceparent), one of so many is told; at least 1. */
    uint32_t one_of;
};
enum oft_err engine_spans_begin(struct engine *engine, const struct engine_spans *spans,
                                struct oft_error *reterr) OFT_MUSTCHECK;

#endif
