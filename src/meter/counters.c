/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers' counters: opening the page, and the additions of the hot path. Edge.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK, when nginx's build compiles this */
#endif
#include "meter/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const uint64_t counter_duration_us[COUNTER_DURATION_BUCKETS] = {
    10000,   20000,   40000,   80000,    160000,   320000,   640000,
    1280000, 2560000, 5120000, 10240000, 20480000, 40960000, 81920000};
const uint64_t counter_first_us[COUNTER_FIRST_BUCKETS] = {
    1000,   5000,   10000,  20000,   40000,   60000,   80000,   100000,
    250000, 500000, 750000, 1000000, 2500000, 5000000, 7500000, 10000000};
const uint64_t counter_token_us[COUNTER_TOKEN_BUCKETS] = {10000,  25000,   50000,  75000,  100000,
                                                          150000, 200000,  300000, 400000, 500000,
                                                          750000, 1000000, 2500000};
const uint64_t counter_usage[COUNTER_USAGE_BUCKETS] = {
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};

/* ---- the file -------------------------------------------------------------------------------- */

static enum oft_err fail_errno(struct oft_error *reterr, const char *doing, const char *path)
{
    return oft_fail(reterr, errno == ENOSPC || errno == EDQUOT ? OFT_ERR_FULL : OFT_ERR_IO,
                    "cannot %s %s: %s", doing, path, strerror(errno));
}

static enum oft_err map_page(int fd, const char *path, bool create, struct counter_page **ret_page,
                             struct oft_error *reterr)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is no regular file", path);
    }
    if (status.st_size != (off_t)sizeof(struct counter_page)) {
        if (!create || status.st_size != 0) {
            return oft_fail(reterr, OFT_ERR_CORRUPT, "%s has another size than it should", path);
        }
        /* All of it on disk: a worker must never fault for want of room. */
        int failure = posix_fallocate(fd, 0, (off_t)sizeof(struct counter_page));
        if (failure != 0) {
            errno = failure;
            return fail_errno(reterr, "allocate", path);
        }
    }
    struct counter_page *page =
        mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return fail_errno(reterr, "map", path);
    }
    if (create && page->magic == 0) {
        page->version = COUNTER_VERSION;
        page->row_count = COUNTER_ROW_COUNT;
        page->row_bytes = sizeof(struct counter_row);
        page->magic = COUNTER_MAGIC;
    }
    if (page->magic != COUNTER_MAGIC || page->version != COUNTER_VERSION ||
        page->row_count != COUNTER_ROW_COUNT || page->row_bytes != sizeof(struct counter_row)) {
        (void)munmap(page, sizeof(*page));
        return oft_fail(reterr, OFT_ERR_VERSION, "%s is of another version of offtake", path);
    }
    *ret_page = page;
    return OFT_OK;
}

enum oft_err counter_page_map(const char *path, bool create, struct counter_page **ret_page,
                              int *ret_fd, struct oft_error *reterr)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0660);
    if (fd < 0) {
        return fail_errno(reterr, "open", path);
    }
    enum oft_err err = map_page(fd, path, create, ret_page, reterr);
    if (err != OFT_OK) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return OFT_OK;
}

void counter_page_unmap(struct counter_page *page, int fd)
{
    if (page != NULL) {
        (void)munmap(page, sizeof(*page));
        (void)close(fd);
    }
}

static struct flock row_range(uint32_t row, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)row, .l_len = 1};
}

bool counter_row_held(int fd, uint32_t row)
{
    struct flock range = row_range(row, F_WRLCK);
    return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void add(const struct counter_worker *worker, _Atomic uint64_t *cell, uint64_t amount)
{
    if (worker->shared) {
        (void)atomic_fetch_add_explicit(cell, amount, memory_order_relaxed);
        return;
    }
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + amount,
                          memory_order_relaxed);
}

/* COUNT buckets, one above, and the sum. */
static void observe(const struct counter_worker *worker, _Atomic uint64_t *cells,
                    const uint64_t *bounds, unsigned count, uint64_t value)
{
    unsigned bucket = 0;
    while (bucket < count && value > bounds[bucket]) {
        bucket++;
    }
    add(worker, &cells[bucket], 1);
    add(worker, &cells[count + 1], value);
}

void counter_worker_open(struct counter_worker *worker, struct counter_page *page, int fd,
                         uint64_t pid)
{
    uint32_t row;
    memset(worker, 0, sizeof(*worker));
    for (row = 0; row + 1 < COUNTER_ROW_COUNT; row++) {
        struct flock range = row_range(row, F_WRLCK);
        if (fcntl(fd, F_OFD_SETLK, &range) == 0) {
            break;
        }
    }
    worker->row = &page->rows[row];
    worker->shared = row + 1 == COUNTER_ROW_COUNT;
    if (!worker->shared) { /* whoever held it runs nothing any more */
        atomic_store_explicit(&worker->row->running, 0, memory_order_relaxed);
    }
    atomic_store_explicit(&worker->row->pid, pid, memory_order_relaxed);
    add(worker, &worker->row->workers, 1);
}

void counter_running(struct counter_worker *worker, int change)
{
    if (worker->row != NULL) {
        add(worker, &worker->row->running, (uint64_t)(int64_t)change);
    }
}

void counter_generation(struct counter_worker *worker, uint64_t generation)
{
    if (worker->row != NULL) {
        atomic_store_explicit(&worker->row->generation, generation, memory_order_relaxed);
    }
}

static uint64_t rotated(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

/* The ids are hashes already. */
static uint64_t series_key(const struct meter_record *record)
{
    uint64_t key = record->product_id ^ rotated(record->pool_id, 21) ^
                   rotated(record->model_id, 42) ^ record->operation * UINT64_C(0x9e3779b97f4a7c15);
    return key == 0 ? 1 : key;
}

/* Takes a free place for KEY. Only workers that share a row can meet another here. */
static bool claim(_Atomic uint64_t *place, uint64_t key)
{
    uint64_t free_key = 0;
    return atomic_compare_exchange_strong_explicit(place, &free_key, key, memory_order_acq_rel,
                                                   memory_order_acquire);
}

static struct counter_series *series_of(struct counter_worker *worker,
                                        const struct meter_record *record)
{
    uint64_t key = series_key(record);
    if (worker->last != NULL &&
        atomic_load_explicit(&worker->last->key, memory_order_relaxed) == key) {
        return worker->last;
    }
    for (uint32_t probe = 0; probe < COUNTER_SERIES_COUNT; probe++) {
        struct counter_series *series = &worker->row->series[(key + probe) % COUNTER_SERIES_COUNT];
        uint64_t held = atomic_load_explicit(&series->key, memory_order_acquire);
        if (held == 0 && claim(&series->key, key)) {
            series->product_id = record->product_id;
            series->pool_id = record->pool_id;
            series->model_id = record->model_id;
            series->operation = record->operation;
            atomic_store_explicit(&series->ready, 1, memory_order_release);
            held = key;
        }
        if (held == key || atomic_load_explicit(&series->key, memory_order_acquire) == key) {
            worker->last = series;
            return series;
        }
    }
    return &worker->row->series[COUNTER_SERIES_COUNT];
}

enum counter_class counter_class_of(uint16_t status)
{
    switch (status / 100) {
    case 2:
        return COUNTER_2XX;
    case 4:
        return COUNTER_4XX;
    case 5:
        return COUNTER_5XX;
    default:
        return COUNTER_OTHER_CLASS;
    }
}

enum counter_outcome counter_outcome_of(const struct meter_record *record)
{
    if (record->flags & METER_FLAG_REFUSED) {
        return record->flags & METER_FLAG_ABORTED ? COUNTER_CLIENT_LEFT : COUNTER_REFUSED;
    }
    if (record->flags & METER_FLAG_CUT) {
        return COUNTER_CUT;
    }
    if (record->flags & METER_FLAG_ABORTED) {
        return COUNTER_CLIENT_LEFT;
    }
    if (record->upstream_status < 200 || record->upstream_status > 299) {
        return COUNTER_FAILED;
    }
    return record->flags & METER_FLAG_ESTIMATED ? COUNTER_ESTIMATED : COUNTER_SERVED;
}

/* Tokens by their classes, and how long they took. */
static void observe_answer(const struct counter_worker *worker, _Atomic uint64_t *cells,
                           const struct meter_record *record)
{
    uint64_t input = record->units[0] + record->units[1] + record->units[2];
    uint64_t output = record->units[3] + record->units[4];
    for (unsigned i = 0; i < METER_UNITS; i++) {
        if (record->units[i] != 0) {
            add(worker, &cells[COUNTER_UNITS + i], record->units[i]);
        }
    }
    if (input > 0) {
        observe(worker, &cells[COUNTER_INPUT], counter_usage, COUNTER_USAGE_BUCKETS, input);
    }
    if (output > 0) {
        observe(worker, &cells[COUNTER_OUTPUT], counter_usage, COUNTER_USAGE_BUCKETS, output);
    }
    if (!(record->flags & METER_FLAG_STREAM) || record->first_byte_us == 0) {
        return;
    }
    observe(worker, &cells[COUNTER_FIRST], counter_first_us, COUNTER_FIRST_BUCKETS,
            record->first_byte_us);
    if (output > 1 && record->total_us >= record->first_byte_us) {
        observe(worker, &cells[COUNTER_PER_TOKEN], counter_token_us, COUNTER_TOKEN_BUCKETS,
                (record->total_us - record->first_byte_us) / (output - 1));
    }
}

void counter_settled(struct counter_worker *worker, const struct meter_record *record)
{
    if (worker->row == NULL) {
        return;
    }
    _Atomic uint64_t *cells = series_of(worker, record)->cells;
    enum counter_outcome outcome = counter_outcome_of(record);
    add(worker,
        &cells[COUNTER_REQUESTS + (int)counter_class_of(record->status) * COUNTER_OUTCOMES +
               (int)outcome],
        1);
    add(worker, &worker->row->records, 1u + record->attempts);
    if (record->attempts > 0) {
        add(worker, &cells[COUNTER_ATTEMPTS], record->attempts);
        observe(worker, &cells[COUNTER_DURATION], counter_duration_us, COUNTER_DURATION_BUCKETS,
                record->total_us);
        observe_answer(worker, cells, record);
    }
}

/* ---- what is rare ---------------------------------------------------------------------------- */

static uint64_t text_key(const char *text, size_t length)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) {
        key = (key ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    return key == 0 ? 1 : key;
}

void counter_refused(struct counter_worker *worker, const char *reason)
{
    if (worker->row == NULL) {
        return;
    }
    size_t length = strlen(reason);
    uint64_t key = text_key(reason, length);
    struct counter_reason *found = &worker->row->reasons[COUNTER_REASON_COUNT];
    for (uint32_t probe = 0; length < COUNTER_REASON_BYTES && probe < COUNTER_REASON_COUNT;
         probe++) {
        struct counter_reason *slot = &worker->row->reasons[(key + probe) % COUNTER_REASON_COUNT];
        if (claim(&slot->key, key)) {
            memcpy(slot->text, reason, length + 1);
            atomic_store_explicit(&slot->ready, 1, memory_order_release);
        }
        if (atomic_load_explicit(&slot->key, memory_order_acquire) == key) {
            found = slot;
            break;
        }
    }
    add(worker, &found->count, 1);
}

static struct counter_pool *pool_of(struct counter_worker *worker, uint64_t pool_id)
{
    for (uint32_t probe = 0; pool_id != 0 && probe < COUNTER_POOL_COUNT; probe++) {
        struct counter_pool *pool = &worker->row->pools[(pool_id + probe) % COUNTER_POOL_COUNT];
        uint64_t held = atomic_load_explicit(&pool->pool_id, memory_order_acquire);
        if (held == pool_id || (held == 0 && claim(&pool->pool_id, pool_id)) ||
            atomic_load_explicit(&pool->pool_id, memory_order_acquire) == pool_id) {
            return pool;
        }
    }
    return &worker->row->pools[COUNTER_POOL_COUNT];
}

void counter_attempt(struct counter_worker *worker, uint64_t pool_id)
{
    if (worker->row != NULL) {
        add(worker, &pool_of(worker, pool_id)->cells[COUNTER_POOL_ATTEMPTS], 1);
    }
}

void counter_attempt_failed(struct counter_worker *worker, uint64_t pool_id,
                            enum counter_attempt how, bool failover)
{
    if (worker->row == NULL) {
        return;
    }
    struct counter_pool *pool = pool_of(worker, pool_id);
    add(worker, &pool->cells[COUNTER_POOL_FAILURES + (int)how], 1);
    if (failover) {
        add(worker, &pool->cells[COUNTER_POOL_FAILOVERS], 1);
    }
}

void counter_pool_state(struct counter_worker *worker, uint64_t pool_id, uint64_t now_ms,
                        uint64_t down_until_ms, enum counter_breaker breaker)
{
    if (worker->row == NULL) {
        return;
    }
    struct counter_pool *pool = pool_of(worker, pool_id);
    if (down_until_ms > now_ms) {
        add(worker, &pool->cells[COUNTER_POOL_COOL_DOWNS], 1);
    }
    atomic_store_explicit(&pool->down_until_ms, down_until_ms, memory_order_relaxed);
    atomic_store_explicit(&pool->breaker, (uint64_t)breaker, memory_order_relaxed);
    atomic_store_explicit(&pool->changed_ms, now_ms, memory_order_release);
}
