/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_LOAD_DEMO_REPORT_H
#define OFFTAKE_TOOLS_LOAD_DEMO_REPORT_H
/*
 * demo_report -- adds up the results of offtake-demo-load, tells them live and writes them down.
 */
#include <stdio.h>

#include "load.h"

#define DEMO_NAME_BYTES 192u
#define DEMO_ROWS_MAX   512u

struct demo_result {
    const struct load_key *key;
    char pool[DEMO_NAME_BYTES]; /* "" when the answer named none */
    char clause[DEMO_NAME_BYTES];
    char request_id[DEMO_NAME_BYTES];
    long status; /* 0: no answer */
    uint64_t asked_prompt, asked_output;
    int64_t prompt, output; /* as the answer's usage says; -1: it told none */
    int64_t sent_ns, received_ns;
    bool stream;
    bool whole; /* the body came to its end, and a stream to its end mark */
};

struct demo_row {
    char product[64];
    char pool[DEMO_NAME_BYTES];
    char clause[DEMO_NAME_BYTES];
    uint64_t requests, failed;
    uint64_t asked_prompt, asked_output, told, prompt, output;
};

struct demo_report {
    struct demo_row rows[DEMO_ROWS_MAX];
    unsigned row_count;
    uint64_t sent, good, failed, mismatched, unlisted;
    struct load_histogram latency;
    FILE *log; /* or NULL */
    int64_t start_ns, told_ns;
    bool terminal;
};

/* False when the log cannot be written. */
bool demo_report_add(struct demo_report *report, const struct demo_result *result) OFT_MUSTCHECK;
/* One line on stderr: rewritten on a terminal, else every two seconds. */
void demo_report_progress(struct demo_report *report, unsigned in_flight, bool last);
bool demo_report_write(const struct demo_report *report, FILE *to, uint64_t seed) OFT_MUSTCHECK;

#endif
