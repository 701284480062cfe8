/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How pools are doing: the breaker's steps, and the load by which equal pools are ordered. Edge; the
 * page's file is page_file.c's.
 */
#include "policy/pools.h"

#include <string.h>

#include "policy/page_file.h"

/* ---- the file -------------------------------------------------------------------------------- */

enum oft_err pool_page_map(const char *path, bool create, struct pool_page **ret_page, int *ret_fd,
                           struct oft_error *reterr)
{
    static const struct page_head wanted = {POOL_MAGIC, POOL_VERSION, POOL_SLOT_COUNT};
    void *page = NULL;
    enum oft_err err =
        page_file_map(path, create, sizeof(**ret_page), &wanted, &page, ret_fd, reterr);

    *ret_page = page;
    return err;
}

void pool_page_unmap(struct pool_page *page, int fd)
{
    page_file_unmap(page, sizeof(*page), fd);
}

/* ---- the page ---------------------------------------------------------------------------------- */

void pool_page_clear(struct pool_page *page)
{
    memset(page->slots, 0, sizeof(page->slots));
    memset(page->running, 0, sizeof(page->running));
}

void pool_row_clear(struct pool_page *page, uint32_t row)
{
    uint32_t i;

    for (i = 0; row < POOL_ROW_COUNT && i < POOL_SLOT_COUNT; i++) {
        if (atomic_load_explicit(&page->running[row][i], memory_order_relaxed) != 0) {
            atomic_store_explicit(&page->running[row][i], 0, memory_order_relaxed);
        }
    }
}

void pool_row_open(struct pool_page *page, uint32_t row)
{
    uint32_t end = atomic_load(&page->row_end);

    pool_row_clear(page, row);
    while (row < POOL_ROW_COUNT && end <= row &&
           !atomic_compare_exchange_weak(&page->row_end, &end, row + 1)) {
    }
}

static struct pool_slot *look(struct pool_page *page, uint64_t id, bool claim)
{
    uint32_t probe;

    for (probe = 0; probe < POOL_SLOTS_USED_MAX; probe++) {
        struct pool_slot *slot = &page->slots[(id + probe) % POOL_SLOT_COUNT];
        uint64_t held = atomic_load_explicit(&slot->id, memory_order_acquire);

        if (held == 0 && claim && atomic_compare_exchange_strong(&slot->id, &held, id)) {
            return slot;
        }
        if (held == id) {
            return slot;
        }
        if (held == 0) {
            return NULL;
        }
    }
    return NULL;
}

struct pool_slot *pool_page_claim(struct pool_page *page, uint64_t id)
{
    return look(page, id, true);
}

struct pool_slot *pool_page_find(struct pool_page *page, uint64_t id)
{
    return look(page, id, false);
}

/* ---- the breaker ------------------------------------------------------------------------------- */

static int64_t load(const _Atomic int64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static bool probing(const struct pool_slot *slot, int64_t now_ns)
{
    return load(&slot->probe_until_ns) > now_ns;
}

/* A tenth at first, and all after POOL_RAMP_NS. */
static bool in_ramp_part(int64_t since_ns, uint32_t dice)
{
    int64_t part = POOL_DICE / 10 + since_ns / (POOL_RAMP_NS / (POOL_DICE - POOL_DICE / 10));

    return (int64_t)dice < part;
}

enum pool_standing pool_standing(const struct pool_slot *slot, int64_t now_ns, uint32_t dice)
{
    int64_t ramp;

    if (slot == NULL) {
        return POOL_UP;
    }
    if (load(&slot->down_until_ns) > now_ns ||
        atomic_load_explicit(&slot->checked, memory_order_relaxed) == POOL_CHECKED_BAD) {
        return POOL_DOWN;
    }
    if (atomic_load_explicit(&slot->open, memory_order_relaxed) != 0) {
        return probing(slot, now_ns) ? POOL_DOWN : POOL_UP;
    }
    ramp = load(&slot->ramp_from_ns);
    if (ramp != 0 && now_ns - ramp < POOL_RAMP_NS && !in_ramp_part(now_ns - ramp, dice)) {
        return POOL_SPARE;
    }
    return POOL_UP;
}

int64_t pool_wait(const struct pool_slot *slot, int64_t now_ns)
{
    int64_t until;

    if (slot == NULL) {
        return 0;
    }
    until = load(&slot->down_until_ns);
    if (until <= now_ns && probing(slot, now_ns)) {
        until = now_ns + 1000000000; /* the probe will have told by then, or not at all */
    }
    return until > now_ns ? until - now_ns : 0;
}

bool pool_enter(struct pool_slot *slot, int64_t now_ns)
{
    int64_t until;

    if (slot == NULL || atomic_load_explicit(&slot->open, memory_order_relaxed) == 0) {
        return true;
    }
    until = load(&slot->probe_until_ns);
    return until <= now_ns && load(&slot->down_until_ns) <= now_ns &&
           atomic_compare_exchange_strong(&slot->probe_until_ns, &until, now_ns + POOL_PROBE_NS);
}

void pool_failed(struct pool_slot *slot, enum pool_failure failure, int64_t pause_ns,
                 int64_t now_ns)
{
    uint32_t failures;
    bool open;

    if (slot == NULL) {
        return;
    }
    failures = atomic_fetch_add_explicit(&slot->failures, 1, memory_order_relaxed);
    open = atomic_load_explicit(&slot->open, memory_order_relaxed) != 0;
    if (failure == POOL_SOFT && !open && failures + 1 < POOL_FAILURES_OPEN) {
        return;
    }
    if (failure == POOL_SOFT && !open) {
        failures = 0; /* its first pause */
        atomic_store_explicit(&slot->failures, 1, memory_order_relaxed);
    }
    if (pause_ns <= 0) {
        pause_ns = (INT64_C(1) << (failures > 4 ? 4 : failures)) * 1000000000;
    }
    if (pause_ns > POOL_PAUSE_NS_MAX) {
        pause_ns = POOL_PAUSE_NS_MAX;
    }
    atomic_store_explicit(&slot->ramp_from_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->down_until_ns, now_ns + pause_ns, memory_order_relaxed);
    atomic_store_explicit(&slot->open, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->probe_until_ns, 0, memory_order_relaxed);
}

/* A success that began before the breaker opened closes nothing: the pause is not over. */
void pool_succeeded(struct pool_slot *slot, int64_t now_ns)
{
    if (slot == NULL || load(&slot->down_until_ns) > now_ns) {
        return;
    }
    if (atomic_load_explicit(&slot->failures, memory_order_relaxed) != 0) {
        atomic_store_explicit(&slot->failures, 0, memory_order_relaxed);
    }
    if (atomic_load_explicit(&slot->open, memory_order_relaxed) != 0) {
        atomic_store_explicit(&slot->ramp_from_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&slot->open, 0, memory_order_relaxed);
        atomic_store_explicit(&slot->probe_until_ns, 0, memory_order_relaxed);
    }
}

void pool_checked(struct pool_slot *slot, bool good, int64_t now_ns)
{
    uint32_t was = atomic_exchange(&slot->checked, good ? POOL_CHECKED_GOOD : POOL_CHECKED_BAD);

    if (good && was == POOL_CHECKED_BAD) {
        atomic_store_explicit(&slot->ramp_from_ns, now_ns, memory_order_relaxed);
    }
}

/* ---- load -------------------------------------------------------------------------------------- */

static _Atomic uint32_t *cell_of(struct pool_page *page, uint32_t row, const struct pool_slot *slot)
{
    return page == NULL || slot == NULL || row >= POOL_ROW_COUNT
               ? NULL
               : &page->running[row][slot - page->slots];
}

void pool_began(struct pool_page *page, uint32_t row, const struct pool_slot *slot)
{
    _Atomic uint32_t *cell = cell_of(page, row, slot);

    if (cell != NULL) {
        atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
}

/* Never below nothing: a row may be cleared as its next worker starts. */
void pool_ended(struct pool_page *page, uint32_t row, const struct pool_slot *slot)
{
    _Atomic uint32_t *cell = cell_of(page, row, slot);
    uint32_t held = cell == NULL ? 0 : atomic_load_explicit(cell, memory_order_relaxed);

    if (held != 0) {
        atomic_store_explicit(cell, held - 1, memory_order_relaxed);
    }
}

uint64_t pool_running(const struct pool_page *page, const struct pool_slot *slot)
{
    uint64_t sum = 0;
    uint32_t end = atomic_load_explicit(&page->row_end, memory_order_relaxed);
    uint32_t row;

    for (row = 0; row < end && row < POOL_ROW_COUNT; row++) {
        sum += atomic_load_explicit(&page->running[row][slot - page->slots], memory_order_relaxed);
    }
    return sum;
}

/* Two workers at once: one of the two counts. An average may lose a sample. */
void pool_measured(struct pool_slot *slot, int64_t latency_ns, int64_t now_ns)
{
    int64_t average;

    if (slot == NULL || latency_ns < 0) {
        return;
    }
    average = pool_latency(slot, now_ns);
    average = average == 0 ? latency_ns : average + (latency_ns - average) / 8;
    atomic_store_explicit(&slot->latency_ns, average < 1 ? 1 : average, memory_order_relaxed);
    atomic_store_explicit(&slot->measured_ns, now_ns, memory_order_relaxed);
}

int64_t pool_latency(const struct pool_slot *slot, int64_t now_ns)
{
    int64_t halvings = (now_ns - load(&slot->measured_ns)) / (INT64_C(10) * 1000000000);

    return halvings < 0 ? load(&slot->latency_ns)
                        : load(&slot->latency_ns) >> (halvings > 62 ? 62 : halvings);
}

uint64_t pool_load(const struct pool_page *page, const struct pool_slot *slot, int64_t now_ns)
{
    uint64_t latency = slot == NULL ? 0 : (uint64_t)pool_latency(slot, now_ns) / 1000;

    return slot == NULL ? 0 : (pool_running(page, slot) + 1) * (latency + 1);
}
