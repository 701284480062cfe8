/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_WATCH_INTERNAL_H
#define OFFTAKE_ENGINE_WATCH_INTERNAL_H
/*
 * The rows of the counters added up, and the names that their ids stand for. Private to engine/watch*.c.
 */
#include "engine/internal.h"
#include "engine/watch.h"
#include "meter/counters.h"
#include "policy/decide.h"

enum {
    WATCH_SERIES_MAX = 2048, /* after adding up; the rest is told as one more */
    WATCH_POOLS_MAX = 512,
    WATCH_REASONS_MAX = 128,
    WATCH_NAMES = 8192, /* ids whose names are kept, also of policies of before */
    WATCH_LIMITS_MAX = 500,
    WATCH_LABEL_BYTES = 160
};

struct watch_name {
    uint64_t id; /* 0: free */
    char text[64];
};

struct engine_watch {
    struct counter_page *page;
    int fd;
    uint64_t generation; /* of the mapped snapshot; 0: none */
    void *bytes;
    size_t length;
    struct policy_view view;
    struct watch_name *names; /* open addressing */
    size_t name_count;
    oft_instant started_ns;
    oft_instant caught_up_ns;    /* when the spools were last read to their end */
    struct watch_tracer *tracer; /* NULL: no spans are made */
    int64_t batch_lag_ns;        /* how old the oldest record of the last batch was */
};

struct watch_series {
    uint64_t product_id, pool_id, model_id, operation;
    bool other; /* what found no place */
    uint64_t cells[COUNTER_SERIES_CELLS];
};

struct watch_pool {
    uint64_t pool_id; /* 0: what found no place */
    uint64_t cells[COUNTER_POOL_CELLS];
    uint64_t changed_ms, down_until_ms, breaker;
};

struct watch_reason {
    char text[COUNTER_REASON_BYTES];
    uint64_t count;
};

struct watch_worker {
    uint32_t row;
    uint64_t pid, generation;
};

struct watch_sums {
    struct watch_series *series; /* WATCH_SERIES_MAX + 1 */
    size_t series_count;
    struct watch_pool pools[WATCH_POOLS_MAX + 1];
    size_t pool_count;
    struct watch_reason reasons[WATCH_REASONS_MAX + 1];
    size_t reason_count;
    struct watch_worker workers[COUNTER_ROW_COUNT]; /* that live */
    size_t worker_count;
    uint64_t running, records, workers_ever;
};

/* watch.c */
enum oft_err engine_watch_open(struct engine *engine, oft_instant now_ns,
                               struct oft_error *reterr) OFT_MUSTCHECK;
void engine_watch_close(struct engine *engine);
/* After a drain. OLDEST_NS: when the oldest record that was read was written, 0: none was. */
void engine_watch_drained(struct engine *engine, oft_instant now_ns, bool more,
                          oft_instant oldest_ns);
/* To be released with free(sums->series). */
enum oft_err watch_sum(struct engine *engine, struct watch_sums *sums,
                       struct oft_error *reterr) OFT_MUSTCHECK;
/* The name of ID; "none" for 0, and an id in hex when no policy that we know has it. */
const char *watch_name(const struct engine_watch *watch, uint64_t id, char scratch[32]);
/* NULL when the policy in force has no such pool. */
const struct policy_pool *watch_find_pool(const struct engine_watch *watch, uint64_t id);
/* The row of RET's limit as it is used now. False: it is counted nowhere. */
struct watch_limit {
    const struct policy_limit *limit;
    int64_t used_nanos[POLICY_LIMIT_PERIODS];
    int64_t running;
    int64_t requests_used_ppm, tokens_used_ppm; /* of a minute's worth, in parts per million */
};
bool watch_limit_read(struct engine *engine, uint32_t index, oft_instant now_ns,
                      struct watch_limit *ret);
/* Whether limit INDEX is one key's own. MARKS has an entry a limit, made by watch_limits_mark. */
bool *watch_limits_mark(struct engine_watch *watch);
/* "12.5" of 12500000 at 6 digits: no digit is lost, none is added. */
void watch_decimal(struct oft_buffer *out, uint64_t value, unsigned digits);
uint64_t watch_file_bytes(const char *directory, const char *name);
/* Resident bytes of a process; 0 when it cannot be told. */
uint64_t watch_resident_bytes(uint64_t pid);
int64_t watch_monotonic_ms(void);
/* Operation as the semantic conventions for generative AI call it. */
const char *watch_operation(uint64_t operation);

/* spans.c: what a drain reads; told when it is COMMITTED, else forgotten. */
void engine_spans_note(struct engine *engine, const struct meter_record *record);
void engine_spans_end(struct engine *engine, bool committed);
void engine_spans_free(struct engine_watch *watch);
/* Maps the policy in force when it changed. */
enum oft_err watch_refresh(struct engine *engine, struct oft_error *reterr) OFT_MUSTCHECK;

#endif
