/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_METER_COUNTERS_H
#define OFFTAKE_METER_COUNTERS_H
/*
 * counters -- what the workers count for those who watch: one mapped file, a row for each worker.
 * Edge.
 *
 * What it is   A worker adds to its own row and to no other, with a relaxed load and a relaxed store;
 *              the daemon reads all rows and adds them up. No lock, no system call, no allocation.
 * What it is not  The books. Nothing is billed and nothing is decided by these numbers.
 * Rows         A worker holds a lock on its row for as long as it lives. The next one goes on counting where
 *              a dead one stopped, so sums never fall. When all rows are held, the last one is
 *              shared: there workers add with atomic additions.
 * Series       By product, pool, model and operation, at most COUNTER_SERIES_COUNT a row; what finds no
 *              place is counted in one series more, whose ids are 0. So the file has a size, and what is
 *              told of it has a bound.
 * Histograms   Integer buckets in microseconds or tokens; each cell counts its own bucket alone, the
 *              reader adds up.
 * Errors       enum oft_err with a struct oft_error when opening; nothing aborts. A worker without a
 *              page counts nothing.
 * Threads      A struct counter_worker is its process's own.
 */
#include <stdatomic.h>

#include "meter/record_fmt.h"

#define COUNTER_FILE         "counters"
#define COUNTER_MAGIC        UINT64_C(0x31544e554f43464f) /* "OFCOUNT1" as little-endian */
#define COUNTER_VERSION      1
#define COUNTER_ROW_COUNT    64u
#define COUNTER_SERIES_COUNT 512u
#define COUNTER_POOL_COUNT   256u
#define COUNTER_REASON_COUNT 64u
#define COUNTER_REASON_BYTES 40u

enum counter_class { /* of the status that the client got */
                     COUNTER_2XX,
                     COUNTER_4XX,
                     COUNTER_5XX,
                     COUNTER_OTHER_CLASS,
                     COUNTER_CLASSES
};

enum counter_outcome {
    COUNTER_SERVED,
    COUNTER_ESTIMATED, /* served; the provider told no usage */
    COUNTER_CUT,       /* broke off after its first byte */
    COUNTER_CLIENT_LEFT,
    COUNTER_REFUSED, /* by us: no provider was asked */
    COUNTER_FAILED,  /* a provider's own error, or none answered */
    COUNTER_OUTCOMES
};

/* Buckets are those of the semantic conventions for generative AI; one more is for what is above. */
#define COUNTER_DURATION_BUCKETS 14u
#define COUNTER_FIRST_BUCKETS    16u
#define COUNTER_TOKEN_BUCKETS    13u /* time per output token */
#define COUNTER_USAGE_BUCKETS    14u
extern const uint64_t counter_duration_us[COUNTER_DURATION_BUCKETS];
extern const uint64_t counter_first_us[COUNTER_FIRST_BUCKETS];
extern const uint64_t counter_token_us[COUNTER_TOKEN_BUCKETS];
extern const uint64_t counter_usage[COUNTER_USAGE_BUCKETS];

/* A histogram is its buckets, the one above them, and the sum. */
enum counter_cell {
    COUNTER_REQUESTS = 0, /* by class * COUNTER_OUTCOMES + outcome */
    COUNTER_UNITS = COUNTER_REQUESTS + (int)COUNTER_CLASSES * COUNTER_OUTCOMES,
    COUNTER_DURATION = COUNTER_UNITS + METER_UNITS,
    COUNTER_FIRST = COUNTER_DURATION + COUNTER_DURATION_BUCKETS + 2,
    COUNTER_PER_TOKEN = COUNTER_FIRST + COUNTER_FIRST_BUCKETS + 2,
    COUNTER_INPUT = COUNTER_PER_TOKEN + COUNTER_TOKEN_BUCKETS + 2,
    COUNTER_OUTPUT = COUNTER_INPUT + COUNTER_USAGE_BUCKETS + 2,
    COUNTER_ATTEMPTS = COUNTER_OUTPUT + COUNTER_USAGE_BUCKETS + 2,
    COUNTER_SERIES_CELLS
};

enum counter_attempt {                    /* how an attempt at a pool went wrong */
                       COUNTER_UNREACHED, /* no connection, or TLS failed: nothing was sent */
                       COUNTER_LIMITED,   /* 429 */
                       COUNTER_BUSY,      /* 503, 529 */
                       COUNTER_FAULT,     /* another status that lets the next pool try */
                       COUNTER_CREDENTIAL,
                       COUNTER_NO_ANSWER, /* sent, and nothing came: not repeated */
                       COUNTER_STALE,     /* an idle connection was closed: same pool again */
                       COUNTER_ATTEMPT_FAILURES
};

enum counter_pool_cell {
    COUNTER_POOL_ATTEMPTS = 0,
    COUNTER_POOL_FAILURES, /* by enum counter_attempt */
    COUNTER_POOL_FAILOVERS = COUNTER_POOL_FAILURES + COUNTER_ATTEMPT_FAILURES,
    COUNTER_POOL_COOL_DOWNS,
    COUNTER_POOL_CELLS
};

/* Of a pool, by those who keep its health. */
enum counter_breaker { COUNTER_CLOSED, COUNTER_OPEN, COUNTER_HALF_OPEN };

struct counter_series {
    _Atomic uint64_t key;   /* of the ids below; 0: free */
    _Atomic uint64_t ready; /* 1: the ids are there */
    uint64_t product_id, pool_id, model_id;
    uint64_t operation; /* enum meter_operation */
    _Atomic uint64_t cells[COUNTER_SERIES_CELLS];
};

struct counter_pool {
    _Atomic uint64_t pool_id; /* 0: free */
    _Atomic uint64_t cells[COUNTER_POOL_CELLS];
    /* Gauges. That of the row which changed them last counts; milliseconds of CLOCK_MONOTONIC. */
    _Atomic uint64_t changed_ms, down_until_ms, breaker;
};

struct counter_reason {
    _Atomic uint64_t key; /* of the text; 0: free */
    _Atomic uint64_t ready;
    char text[COUNTER_REASON_BYTES];
    _Atomic uint64_t count;
};

struct counter_row {
    _Atomic uint64_t pid;        /* of its worker, or of the last one */
    _Atomic uint64_t running;    /* requests, a gauge */
    _Atomic uint64_t generation; /* of the policy that the worker has */
    _Atomic uint64_t workers;    /* that have held it */
    _Atomic uint64_t records;    /* written into the spool */
    _Atomic uint64_t reserved[3];
    struct counter_reason reasons[COUNTER_REASON_COUNT + 1]; /* the last: any other */
    struct counter_pool pools[COUNTER_POOL_COUNT + 1];
    struct counter_series series[COUNTER_SERIES_COUNT + 1];
};

struct counter_page {
    uint64_t magic;
    uint32_t version;
    uint32_t row_count;
    uint64_t row_bytes;
    uint8_t reserved[4072];
    struct counter_row rows[COUNTER_ROW_COUNT];
};

/* ---- the file -------------------------------------------------------------------------------- */

/* Maps PATH, making it when CREATE says so; *RET_FD stays open for the locks of rows. */
enum oft_err counter_page_map(const char *path, bool create, struct counter_page **ret_page,
                              int *ret_fd, struct oft_error *reterr) OFT_MUSTCHECK;
void counter_page_unmap(struct counter_page *page, int fd);
/* Whether a worker holds ROW now. */
bool counter_row_held(int fd, uint32_t row);

/* ---- a worker's -------------------------------------------------------------------------------- */

struct counter_worker {
    struct counter_row *row; /* NULL: counts nothing */
    bool shared;             /* the row is not ours alone */
    struct counter_series *last;
};

/* Finds a row. PID is the worker's. */
void counter_worker_open(struct counter_worker *worker, struct counter_page *page, int fd,
                         uint64_t pid);
/* A request begins (1) or ends (-1). */
void counter_running(struct counter_worker *worker, int change);
void counter_generation(struct counter_worker *worker, uint64_t generation);
/* A settled request, by its record. */
void counter_settled(struct counter_worker *worker, const struct meter_record *record);
/* An answer of our own with this code. */
void counter_refused(struct counter_worker *worker, const char *reason);
void counter_attempt(struct counter_worker *worker, uint64_t pool_id);
/* An attempt failed; FAILOVER: another pool is tried. */
void counter_attempt_failed(struct counter_worker *worker, uint64_t pool_id,
                            enum counter_attempt how, bool failover);
void counter_pool_state(struct counter_worker *worker, uint64_t pool_id, uint64_t now_ms,
                        uint64_t down_until_ms, enum counter_breaker breaker);

enum counter_class counter_class_of(uint16_t status);
enum counter_outcome counter_outcome_of(const struct meter_record *record);

#endif
