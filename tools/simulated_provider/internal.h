/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_INTERNAL_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_INTERNAL_H
/*
 * internal -- what serve.c, handle.c and control.c share: the provider, and one request in flight.
 */
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "answer.h"
#include "ask.h"
#include "base/memory.h"
#include "counts.h"
#include "fault.h"
#include "provider.h"
#include "timer.h"

#define SIM_KEY_TAIL_BYTES 5u

struct sim_provider {
    struct sim_options options;
    struct MHD_Daemon *daemon;
    struct sim_timer *timer;
    struct sim_counts *counts;
    struct sim_text text;
    char *tls_cert;
    char *tls_key;
    pthread_mutex_t lock;         /* over what follows */
    struct sim_fault_list faults; /* armed by the control API */
    int64_t bucket_ns;            /* the rate cap: time saved up, at most one second */
    int64_t bucket_at_ns;
    atomic_uint armed; /* how many faults wait, so that nobody locks for none */
    uint16_t port;
};

enum sim_target {
    SIM_TARGET_UNKNOWN,
    SIM_TARGET_MODELS,
    SIM_TARGET_GENERATE,
    SIM_TARGET_CONTROL,
};

/* One request, from its first header to its completion. */
struct sim_call {
    struct sim_provider *provider;
    struct MHD_Connection *connection;
    enum sim_target target;
    bool azure;
    bool post;
    bool hanging; /* it was woken to be closed */
    bool delayed; /* it had its latency */
    bool rested;  /* it waited before the piece that comes next */
    bool cut;     /* OUT ends before the answer does */
    bool streaming;
    struct oft_buffer body;
    char deployment[OFT_MODEL_NAME_BYTES_MAX + 1];
    char key_tail[SIM_KEY_TAIL_BYTES];
    struct sim_ask ask;
    struct sim_fault fault;
    struct sim_answer answer;
    struct sim_counted counted;
    struct oft_buffer out;
    size_t out_sent;
    uint64_t reasoned; /* reasoning tokens counted so far */
};

#define SIM_BODY_BYTES_MAX   (64u << 20)
#define SIM_ANSWER_BYTES_MAX (16u << 20)

/* handle.c: answers a request whose body is complete. */
enum MHD_Result sim_handle(struct sim_call *call, const char *url);
/* Answers with the bytes of CALL->out, which it takes. */
enum MHD_Result sim_reply(struct sim_call *call, unsigned status, const char *header,
                          const char *value);
enum MHD_Result sim_reply_error(struct sim_call *call, unsigned status, const char *message);
/* stream.c: begins the answer of a call that may answer. */
enum MHD_Result sim_begin_answer(struct sim_call *call);
/* Sends a RST instead of a FIN. */
void sim_reset_connection(struct MHD_Connection *connection);
/* raw.c: an answer past libmicrohttpd. Whether FAULT is one that comes before, or in, an answer. */
enum MHD_Result sim_raw(struct sim_call *call);
bool sim_raw_before_answer(const struct sim_fault *fault);
bool sim_raw_in_answer(const struct sim_fault *fault);
/* control.c: /sim/... */
enum MHD_Result sim_control(struct sim_call *call, const char *url);

#define SIM_HANG_NS (INT64_C(600) * 1000000000)

#endif
