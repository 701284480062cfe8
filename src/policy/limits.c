/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: the few atomic steps by which workers take and give back, and the rows of those
 * who count. Edge.
 */
#include "policy/limits.h"

#include <string.h>

#include "policy/page_file.h"

/* ---- the file -------------------------------------------------------------------------------- */

enum oft_err limit_page_map(const char *path, bool create, struct limit_page **ret_page,
                            int *ret_fd, struct oft_error *reterr)
{
    static const struct page_head wanted = {LIMIT_MAGIC, LIMIT_VERSION, LIMIT_SLOT_COUNT};
    void *page = NULL;
    enum oft_err err =
        page_file_map(path, create, sizeof(**ret_page), &wanted, &page, ret_fd, reterr);

    *ret_page = page;
    return err;
}

void limit_page_unmap(struct limit_page *page, int fd)
{
    page_file_unmap(page, sizeof(*page), fd);
}

/* ---- the page ---------------------------------------------------------------------------------- */

void limit_page_clear(struct limit_page *page)
{
    memset(page->slots, 0, sizeof(page->slots));
    memset(page->rows, 0, sizeof(page->rows));
}

/* Ids are hashes already. */
static struct limit_slot *look(struct limit_page *page, uint64_t id, bool claim)
{
    uint32_t probe;

    for (probe = 0; probe < LIMIT_SLOTS_USED_MAX; probe++) {
        struct limit_slot *slot = &page->slots[(id + probe) % LIMIT_SLOT_COUNT];
        uint64_t held = atomic_load_explicit(&slot->id, memory_order_acquire);

        if (held == id) {
            return slot;
        }
        if (held == 0) {
            if (claim) {
                atomic_store_explicit(&slot->id, id, memory_order_release);
            }
            return claim ? slot : NULL;
        }
    }
    return NULL;
}

struct limit_slot *limit_page_claim(struct limit_page *page, uint64_t id)
{
    return id == 0 ? NULL : look(page, id, true);
}

struct limit_slot *limit_page_find(struct limit_page *page, uint64_t id)
{
    return id == 0 ? NULL : look(page, id, false);
}

static unsigned cell_of(int64_t number)
{
    int64_t rest = number % (int64_t)LIMIT_CELL_COUNT;

    return (unsigned)(rest < 0 ? rest + (int64_t)LIMIT_CELL_COUNT : rest);
}

/* The period that runs and the two before it are kept: a request may end after its own. */
void limit_page_turn(struct limit_page *page, enum limit_period period, int64_t number)
{
    uint32_t i;
    int64_t later;

    for (i = 0; i < LIMIT_SLOT_COUNT; i++) {
        struct limit_slot *slot = &page->slots[i];

        if (atomic_load_explicit(&slot->id, memory_order_relaxed) == 0) {
            continue;
        }
        for (later = 1; later <= (int64_t)LIMIT_CELL_COUNT - 3; later++) {
            atomic_store_explicit(&slot->spent_nanos[period][cell_of(number + later)], 0,
                                  memory_order_relaxed);
        }
    }
}

/* ---- rates ----------------------------------------------------------------------------------- */

/* How long COUNT keeps the limit busy, rounded up; more than any window when it is absurd. */
static int64_t busy_ns(uint64_t per_minute, uint64_t count)
{
    oft_u128 length = ((oft_u128)count * LIMIT_RATE_WINDOW_NS + per_minute - 1) / per_minute;

    return length > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)length;
}

bool limit_rate_take(_Atomic int64_t *until_ns, uint64_t per_minute, uint64_t count, int64_t now_ns,
                     int64_t *ret_wait_ns)
{
    int64_t busy = busy_ns(per_minute, count);
    int64_t old = atomic_load_explicit(until_ns, memory_order_relaxed);
    int64_t next;

    *ret_wait_ns = -1;
    if (busy > LIMIT_RATE_WINDOW_NS) {
        return false;
    }
    do {
        next = (old > now_ns ? old : now_ns) + busy;
        if (next - now_ns > LIMIT_RATE_WINDOW_NS) {
            *ret_wait_ns = next - now_ns - LIMIT_RATE_WINDOW_NS;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(until_ns, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void limit_rate_settle(_Atomic int64_t *until_ns, uint64_t per_minute, uint64_t taken,
                       uint64_t used, int64_t now_ns)
{
    int64_t old = atomic_load_explicit(until_ns, memory_order_relaxed);
    int64_t next;

    if (taken == used) {
        return;
    }
    do {
        if (used < taken) {
            next = old - busy_ns(per_minute, taken - used);
        } else {
            next = (old > now_ns ? old : now_ns) + busy_ns(per_minute, used - taken);
        }
    } while (!atomic_compare_exchange_weak_explicit(until_ns, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

/* ---- concurrency and money ------------------------------------------------------------------- */

bool limit_running_take(struct limit_slot *slot, uint32_t most)
{
    int64_t old = atomic_load_explicit(&slot->running, memory_order_relaxed);

    do {
        if (old >= (int64_t)most) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->running, &old, old + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void limit_running_give(struct limit_slot *slot)
{
    int64_t old = atomic_load_explicit(&slot->running, memory_order_relaxed);

    do {
        if (old <= 0) {
            return; /* the page was cleared meanwhile */
        }
    } while (!atomic_compare_exchange_weak_explicit(&slot->running, &old, old - 1,
                                                    memory_order_relaxed, memory_order_relaxed));
}

_Atomic int64_t *limit_cell(struct limit_slot *slot, enum limit_period period, int64_t number)
{
    return &slot->spent_nanos[period][cell_of(number)];
}

bool limit_money_take(_Atomic int64_t *cell, int64_t most_nanos, int64_t amount_nanos)
{
    int64_t old = atomic_load_explicit(cell, memory_order_relaxed);

    do {
        if (old > most_nanos || amount_nanos > most_nanos - (old < 0 ? 0 : old)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(cell, &old, old + amount_nanos,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void limit_money_settle(_Atomic int64_t *cell, int64_t taken_nanos, int64_t used_nanos)
{
    atomic_fetch_add_explicit(cell, used_nanos - taken_nanos, memory_order_relaxed);
}

/* ---- a worker's row -------------------------------------------------------------------------- */

bool limit_page_idle(struct limit_page *page, int fd)
{
    uint32_t i;

    for (i = 0; i < LIMIT_WORKER_COUNT; i++) {
        if (atomic_load(&page->rows[i].used) == 0) {
            continue;
        }
        if (!page_file_lock(fd, i)) {
            return false;
        }
        page_file_unlock(fd, i);
    }
    return true;
}

static void give_back(struct limit_page *page, struct limit_row *row)
{
    uint32_t place, part;

    for (place = 0; place < LIMIT_RUNNING_MAX; place++) {
        for (part = 0; part < LIMIT_RUNNING_PARTS; part++) {
            uint32_t held = atomic_exchange(&row->running[place][part], 0);

            if (held != 0 && held <= LIMIT_SLOT_COUNT) {
                limit_running_give(&page->slots[held - 1]);
            }
        }
    }
    atomic_store(&row->used, 0);
}

void limit_worker_open(struct limit_worker *worker, struct limit_page *page, int fd)
{
    uint32_t i;

    worker->page = page;
    worker->fd = fd;
    worker->row = LIMIT_NONE;
    worker->free_count = LIMIT_RUNNING_MAX;
    for (i = 0; i < LIMIT_RUNNING_MAX; i++) {
        worker->free[i] = LIMIT_RUNNING_MAX - 1 - i;
    }
    for (i = 0; i < LIMIT_WORKER_COUNT; i++) {
        struct limit_row *row = &page->rows[i];
        bool dead = atomic_load(&row->used) != 0;

        if ((!dead && worker->row != LIMIT_NONE) || !page_file_lock(fd, i)) {
            continue;
        }
        if (atomic_load(&row->used) != 0) {
            give_back(page, row);
        }
        if (worker->row == LIMIT_NONE) {
            worker->row = i;
            atomic_store(&row->used, 1);
        } else {
            page_file_unlock(fd, i);
        }
    }
}

uint32_t limit_worker_begin(struct limit_worker *worker)
{
    if (worker->row == LIMIT_NONE || worker->free_count == 0) {
        return LIMIT_NONE;
    }
    return worker->free[--worker->free_count];
}

/* Noted after it was taken: a worker that dies between the two leaves one too many, never one too few. */
void limit_worker_note(struct limit_worker *worker, uint32_t place, uint32_t part,
                       struct limit_slot *slot)
{
    atomic_store_explicit(&worker->page->rows[worker->row].running[place][part],
                          (uint32_t)(slot - worker->page->slots) + 1, memory_order_release);
}

void limit_worker_drop(struct limit_worker *worker, uint32_t place, uint32_t part)
{
    uint32_t held = atomic_exchange(&worker->page->rows[worker->row].running[place][part], 0);

    if (held != 0) {
        limit_running_give(&worker->page->slots[held - 1]);
    }
}

void limit_worker_end(struct limit_worker *worker, uint32_t place)
{
    uint32_t part;

    for (part = 0; part < LIMIT_RUNNING_PARTS; part++) {
        limit_worker_drop(worker, place, part);
    }
    worker->free[worker->free_count++] = place;
}
