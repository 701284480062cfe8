/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_POOLS_H
#define OFFTAKE_POLICY_POOLS_H
/*
 * pools -- how the pools are doing, in one file that the daemon and all workers map: which pause, which are
 * tried again, how loaded and how quick each is. Edge.
 *
 * What it is   A slot for each pool, found by its id, changed by single atomic steps; and how many requests
 *              each worker has running in each pool.
 * What it is not  It does not say what the contract allows: it only orders and skips among pools that
 *              a decision lists.
 * Breaker      Closed: all may go. After failures it opens, and nobody goes for a time that doubles, or for as
 *              long as the provider said. Then one request asks (half-open); if that succeeds, the pool gets a
 *              growing part of its requests for POOL_RAMP_NS, and then all.
 * Units        Nanoseconds of CLOCK_MONOTONIC; callers give the instant.
 * Errors       enum oft_err when mapping; nothing else fails. Without a page all pools count as up.
 * Threads      Any number of processes and threads; a worker's row of running requests is its own.
 */
#include <stdatomic.h>

#include "base/base.h"

#define POOL_FILE           "pools"
#define POOL_MAGIC          UINT64_C(0x31534c4f4f50464f) /* "OFPOOLS1" as little-endian */
#define POOL_VERSION        1u
#define POOL_SLOT_COUNT     8192u
#define POOL_SLOTS_USED_MAX 6144u /* three quarters: every search ends soon */
#define POOL_ROW_COUNT      64u   /* rows as in policy/limits.h */

#define POOL_FAILURES_OPEN 5u /* soft failures in a row that open the breaker */
#define POOL_PAUSE_NS_MAX  (INT64_C(300) * 1000000000)
#define POOL_PROBE_NS \
    (INT64_C(10) * 1000000000) /* a probe that says nothing for so long is forgotten */
#define POOL_RAMP_NS (INT64_C(10) * 1000000000)
#define POOL_DICE    65536u

enum pool_standing {
    POOL_UP,
    POOL_SPARE, /* coming back, and this request is not of its part: when no other pool is up */
    POOL_DOWN
};

enum pool_failure {
    POOL_HARD, /* it cannot be reached, or says that it takes no more: at once */
    POOL_SOFT  /* a request failed: when there are several in a row */
};

enum pool_check { POOL_UNCHECKED, POOL_CHECKED_GOOD, POOL_CHECKED_BAD };

struct pool_slot {
    _Atomic uint64_t id; /* 0: free */
    _Atomic int64_t down_until_ns;
    _Atomic int64_t probe_until_ns; /* half-open: one asks, until its end or this instant */
    _Atomic int64_t ramp_from_ns;   /* 0: not coming back */
    _Atomic int64_t latency_ns;     /* to the first byte: a moving average */
    _Atomic int64_t measured_ns;    /* when a latency was last taken in */
    _Atomic uint32_t failures;      /* since its last success */
    _Atomic uint32_t open;          /* 1: a probe must succeed first */
    _Atomic uint32_t checked;       /* enum pool_check, by the daemon */
    uint32_t reserved;
};

_Static_assert(sizeof(struct pool_slot) == 64, "a cache line");

struct pool_page {
    uint64_t magic;
    uint32_t version;
    uint32_t slot_count;
    _Atomic uint32_t row_end; /* rows beyond were never used */
    uint8_t reserved[44];
    struct pool_slot slots[POOL_SLOT_COUNT];
    _Atomic uint32_t
        running[POOL_ROW_COUNT][POOL_SLOT_COUNT]; /* written by the row's worker alone */
};

/* Maps PATH, and makes it first if CREATE. The fd is for fchown; both end with pool_page_unmap.
 * OFT_ERR_VERSION, OFT_ERR_CORRUPT: another offtake's. */
enum oft_err pool_page_map(const char *path, bool create, struct pool_page **ret_page, int *ret_fd,
                           struct oft_error *reterr) OFT_MUSTCHECK;
void pool_page_unmap(struct pool_page *page, int fd);
/* For when no worker lives. */
void pool_page_clear(struct pool_page *page);
/* A worker begins in ROW: what another that died had running there is over. */
void pool_row_open(struct pool_page *page, uint32_t row);
/* The same for a row that nobody took over. */
void pool_row_clear(struct pool_page *page, uint32_t row);

/* The slot of a pool, made when there is none; NULL when the page is full. */
struct pool_slot *pool_page_claim(struct pool_page *page, uint64_t id);
/* NULL when it has none. */
struct pool_slot *pool_page_find(struct pool_page *page, uint64_t id);

/* SLOT may be NULL: up. DICE, below POOL_DICE, says which part of the requests this one is of. */
enum pool_standing pool_standing(const struct pool_slot *slot, int64_t now_ns, uint32_t dice);
/* Nanoseconds until a pool that is down may be asked; 0: now. */
int64_t pool_wait(const struct pool_slot *slot, int64_t now_ns);

/* Before an attempt. False: the pool is half-open and another request is asking. */
bool pool_enter(struct pool_slot *slot, int64_t now_ns);
/* PAUSE_NS: as long as the provider said; 0: 1, 2, 4, ... 16 seconds. */
void pool_failed(struct pool_slot *slot, enum pool_failure failure, int64_t pause_ns,
                 int64_t now_ns);
void pool_succeeded(struct pool_slot *slot, int64_t now_ns);
/* A check of the daemon. */
void pool_checked(struct pool_slot *slot, bool good, int64_t now_ns);

/* ROW: of limit_worker; one that is POOL_ROW_COUNT or more counts nothing. */
void pool_began(struct pool_page *page, uint32_t row, const struct pool_slot *slot);
void pool_ended(struct pool_page *page, uint32_t row, const struct pool_slot *slot);
/* Requests that run in the pool, of all workers. */
uint64_t pool_running(const struct pool_page *page, const struct pool_slot *slot);

void pool_measured(struct pool_slot *slot, int64_t latency_ns, int64_t now_ns);
/* The average, halved for every ten seconds that nothing was measured: a pool that was slow once is
 * asked again. 0: not known. */
int64_t pool_latency(const struct pool_slot *slot, int64_t now_ns);
/* What orders pools that are equal in all else: running requests times latency; the lowest first. */
uint64_t pool_load(const struct pool_page *page, const struct pool_slot *slot, int64_t now_ns);

#endif
