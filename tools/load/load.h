/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_LOAD_LOAD_H
#define OFFTAKE_TOOLS_LOAD_LOAD_H
/*
 * load -- what the load programs share: a day of arrivals, keys, sizes, and latencies.
 *
 * Everything drawn is a function of a seed and of an index, so that a run can be repeated.
 */
#include "base/time.h"

/* A fixed scrambling of (seed, index, salt). */
uint64_t load_draw(uint64_t seed, uint64_t index, uint64_t salt);

/*
 * Arrivals over a day in miniature: SECONDS long, RATE a second on average, one wave from a quiet start
 * over a busy middle to a quiet end (0.4 to 1.6 of the average). Ascending, in nanoseconds from the
 * start; the caller frees it. NULL when memory is short.
 */
int64_t *load_schedule(unsigned seconds, unsigned rate, uint64_t seed, uint64_t *ret_count);
/* How many of TOTAL arrivals have come when FRACTION millionths of the day have passed. */
uint64_t load_arrived_at(uint64_t total, uint64_t fraction_millionths);

struct load_key {
    char token[129];
    char account[64];
    char product[64];
    char model[64];
    uint64_t weight;
};
struct load_keys {
    struct load_key *items;
    unsigned count;
    uint64_t weight; /* the sum */
};
/* Lines of "KEY account product model weight"; blank lines and # lines are skipped. */
enum oft_err load_keys_parse(struct oft_str text, const char *name, struct load_keys *ret,
                             struct oft_error *error) OFT_MUSTCHECK;
void load_keys_release(struct load_keys *keys);
const struct load_key *load_keys_pick(const struct load_keys *keys, uint64_t draw);

/* Latencies in buckets a 32nd of a power of two wide: a quantile is right within 3 percent. */
#define LOAD_HISTOGRAM_BUCKETS 2048u
struct load_histogram {
    uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
    uint64_t count;
};
void load_histogram_add(struct load_histogram *histogram, int64_t ns);
/* The upper end of the bucket that holds the quantile; 0 when nothing was added. */
int64_t load_histogram_quantile(const struct load_histogram *histogram, unsigned per_mille);

int64_t load_monotonic_ns(void);
int64_t load_realtime_ns(void);
bool load_number(const char *text, uint64_t most, uint64_t *ret) OFT_MUSTCHECK;

#endif
