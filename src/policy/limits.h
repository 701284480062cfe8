/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_LIMITS_H
#define OFFTAKE_POLICY_LIMITS_H
/*
 * limits -- what is used of rates, budgets and concurrency: one mapped file that all workers share.
 * Edge: no lock, no allocation and no system call once it is open.
 *
 * What it is   A slot for each limit of the policy (key, account, product, pool, ceiling), found by its
 *              id. Workers take from it at admission and set right at the end, each by one
 *              compare-and-swap: what is promised never exceeds a limit, however many workers there are.
 *              The snapshot says how much may be used (struct policy_limit), this how much is.
 * Who writes   The daemon makes the file, claims slots before it publishes a policy that needs them,
 *              and clears the cells of periods to come. Workers only use slots that they find.
 * Rates        GCRA, the generic cell rate algorithm (ITU-T I.371): one instant a limit, until which it is
 *              used up; a full minute's worth may come at once. Instants are CLOCK_MONOTONIC.
 * Money        Nano-units in a cell for each period: a day or a month of the books, by its number.
 * The dead     A worker holds a lock on its row for as long as it lives. What it counted as running is
 *              given back by the next worker that starts; what it had promised of a budget stays
 *              spent, as its intents do in the books.
 * Errors       enum oft_err with a struct oft_error when opening; nothing aborts.
 * Threads      Everything in a slot is atomic; a struct limit_worker is its process's own.
 */
#include <stdatomic.h>

#include "base/money.h"
#include "base/time.h"

#define LIMIT_FILE            "limits"
#define LIMIT_MAGIC           UINT64_C(0x3154494d494c464f) /* "OFLIMIT1" as little-endian */
#define LIMIT_VERSION         1
#define LIMIT_SLOT_COUNT      65536u
#define LIMIT_SLOTS_USED_MAX  49152u /* three quarters: every search ends soon */
#define LIMIT_WORKER_COUNT    64u
#define LIMIT_RUNNING_MAX     4096u /* requests under a limit of concurrency that one worker runs */
#define LIMIT_RUNNING_PARTS   4u    /* key, account, product, pool */
#define LIMIT_CELL_COUNT      6u    /* periods kept: two past ones, this one, three to come */
#define LIMIT_RATE_WINDOW_NS  (60 * OFT_NS_PER_SECOND)
#define LIMIT_NONE            UINT32_MAX
#define LIMIT_UNBOUNDED_NANOS INT64_MAX

enum limit_period { LIMIT_DAY, LIMIT_MONTH, LIMIT_PERIOD_COUNT };

struct limit_slot {
    _Atomic uint64_t id; /* of the limit; 0: free */
    _Atomic int64_t requests_until_ns;
    _Atomic int64_t tokens_until_ns;
    _Atomic int64_t running;
    _Atomic int64_t spent_nanos[LIMIT_PERIOD_COUNT][LIMIT_CELL_COUNT];
};
_Static_assert(sizeof(struct limit_slot) == 128, "two cache lines");

struct limit_row {
    _Atomic uint64_t used; /* 1: some worker holds it, or held it when it died */
    uint64_t reserved[7];
    _Atomic uint32_t running[LIMIT_RUNNING_MAX][LIMIT_RUNNING_PARTS]; /* slot index plus 1 */
};

struct limit_page {
    uint64_t magic;
    uint32_t version;
    uint32_t slot_count;
    uint8_t reserved[4080];
    struct limit_slot slots[LIMIT_SLOT_COUNT];
    struct limit_row rows[LIMIT_WORKER_COUNT];
};

/* ---- the file -------------------------------------------------------------------------------- */

/* Maps PATH, making it when CREATE says so; *RET_FD stays open for the locks of rows. */
enum oft_err limit_page_map(const char *path, bool create, struct limit_page **ret_page,
                            int *ret_fd, struct oft_error *reterr) OFT_MUSTCHECK;
void limit_page_unmap(struct limit_page *page, int fd);

/* Whether no worker lives that counts in the page. */
bool limit_page_idle(struct limit_page *page, int fd);
/* Forgets everything that is counted. Only when no worker runs. */
void limit_page_clear(struct limit_page *page);

/* The daemon's: the slot of ID, made when there is none; NULL when the page is full. */
struct limit_slot *limit_page_claim(struct limit_page *page, uint64_t id);
/* The worker's: NULL when there is none. */
struct limit_slot *limit_page_find(struct limit_page *page, uint64_t id);

/* The daemon's, when the period with NUMBER of PERIOD is running: the cells of later ones are emptied. */
void limit_page_turn(struct limit_page *page, enum limit_period period, int64_t number);

/* ---- taking and giving back ------------------------------------------------------------------ */

/* COUNT of what may be used PER_MINUTE (not 0). On refusal *RET_WAIT_NS is when to ask again, or -1 when
 * COUNT alone is more than a minute's worth. */
bool limit_rate_take(_Atomic int64_t *until_ns, uint64_t per_minute, uint64_t count, int64_t now_ns,
                     int64_t *ret_wait_ns);
/* TAKEN were promised and USED were used: the difference is given back, or taken besides. */
void limit_rate_settle(_Atomic int64_t *until_ns, uint64_t per_minute, uint64_t taken,
                       uint64_t used, int64_t now_ns);

bool limit_running_take(struct limit_slot *slot, uint32_t most);
void limit_running_give(struct limit_slot *slot);

_Atomic int64_t *limit_cell(struct limit_slot *slot, enum limit_period period, int64_t number);
/* AMOUNT of at most MOST in this cell. Neither may be negative. */
bool limit_money_take(_Atomic int64_t *cell, int64_t most_nanos, int64_t amount_nanos);
void limit_money_settle(_Atomic int64_t *cell, int64_t taken_nanos, int64_t used_nanos);

/* ---- a worker's row -------------------------------------------------------------------------- */

struct limit_worker {
    struct limit_page *page;
    int fd;
    uint32_t row; /* LIMIT_NONE: none was free */
    uint32_t free_count;
    uint32_t free[LIMIT_RUNNING_MAX];
};

/* Finds a row, and gives back what dead workers counted as running. WORKER may be without a row: then
 * nothing under a limit of concurrency is admitted. */
void limit_worker_open(struct limit_worker *worker, struct limit_page *page, int fd);
/* A place to note what a request counts as running; LIMIT_NONE when there is none. */
uint32_t limit_worker_begin(struct limit_worker *worker);
/* PART 0 to LIMIT_RUNNING_PARTS - 1 of PLACE counts in SLOT from now on (already taken there). */
void limit_worker_note(struct limit_worker *worker, uint32_t place, uint32_t part,
                       struct limit_slot *slot);
/* Gives back what PART counts; nothing when it counts nothing. */
void limit_worker_drop(struct limit_worker *worker, uint32_t place, uint32_t part);
/* All parts, and the place itself. */
void limit_worker_end(struct limit_worker *worker, uint32_t place);

#endif
