/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_COUNTS_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_COUNTS_H
/*
 * counts -- what the provider served, exactly.
 *
 * served      generation began for this many requests: the count is made before the first byte of the
 *             answer is written, so whoever holds an answer finds it counted.
 * completed   of these, the answer was written to its end;  partial: it was cut, by a fault or by the
 *             client's leaving;  in_flight: neither yet. served = completed + partial + in_flight.
 * prompt, cached   tokens of served requests.
 * completion, reasoning   tokens generated: of an answer in one piece all of them when it is served, of a
 *             stream those of each event before it is written. A cut stream counts what it generated.
 * faults      requests on which a fault was acted (served or not);  unauthorized, limited (over the
 *             cap), bad_requests: answered with an error, not served.
 */
#include <jansson.h>

#include "base/base.h"

struct sim_counts;

struct sim_served {
    const char *model;
    const char *key_tail;   /* the last four characters of the credential */
    const char *request_id; /* NULL or "": none */
    uint64_t prompt_tokens;
    uint64_t cached_tokens;
    bool stream;
    bool faulty;
};

/* What a served request keeps to be counted on. */
struct sim_counted {
    uint64_t epoch;  /* 0: not counted */
    uint64_t detail; /* index + 1; 0: not kept */
    uint32_t row;
};

enum sim_refusal { SIM_REFUSED_KEY, SIM_REFUSED_RATE, SIM_REFUSED_BODY, SIM_REFUSED_FAULT };

struct sim_counts *sim_counts_new(uint64_t detail_max) OFT_MUSTCHECK;
void sim_counts_free(struct sim_counts *counts);
void sim_counts_reset(struct sim_counts *counts);
struct sim_counted sim_counts_begin(struct sim_counts *counts, const struct sim_served *served);
void sim_counts_generated(struct sim_counts *counts, struct sim_counted counted,
                          uint64_t completion_tokens, uint64_t reasoning_tokens);
void sim_counts_end(struct sim_counts *counts, struct sim_counted counted, bool complete);
void sim_counts_refuse(struct sim_counts *counts, enum sim_refusal why);
/* NULL when memory is short. */
json_t *sim_counts_json(struct sim_counts *counts, bool detail);

#endif
