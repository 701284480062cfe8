/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters' page at the daemon's end: made, read, added up; and the policy in force, mapped as a
 * worker maps it, for names and limits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/watch_internal.h"
#include "policy/limits.h"

/* ---- opening --------------------------------------------------------------------------------- */

static enum oft_err page_open(struct engine *engine, struct engine_watch *watch,
                              struct oft_error *reterr)
{
    const char *path = engine_path(engine, engine->run, COUNTER_FILE);
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err code = counter_page_map(path, true, &watch->page, &watch->fd, reterr);
    if (code == OFT_ERR_VERSION || code == OFT_ERR_CORRUPT) { /* of another offtake: a new one */
        (void)unlink(path);
        code = counter_page_map(path, true, &watch->page, &watch->fd, reterr);
    }
    if (code == OFT_OK &&
        (fchown(watch->fd, UINT32_MAX, engine->worker_gid) != 0 || fchmod(watch->fd, 0660) != 0)) {
        code = oft_fail(reterr, OFT_ERR_IO, "cannot set owner and mode of %s: %s", path,
                        strerror(errno));
    }
    return code;
}

enum oft_err engine_watch_open(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_watch *watch = calloc(1, sizeof(*watch));
    engine->watch = watch;
    if (watch == NULL || (watch->names = calloc(WATCH_NAMES, sizeof(*watch->names))) == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    watch->started_ns = watch->caught_up_ns = now_ns;
    return page_open(engine, watch, reterr);
}

static void view_drop(struct engine_watch *watch)
{
    if (watch->bytes != NULL) {
        (void)munmap(watch->bytes, watch->length);
    }
    watch->bytes = NULL;
    watch->generation = 0;
}

void engine_watch_close(struct engine *engine)
{
    struct engine_watch *watch = engine->watch;
    if (watch == NULL) {
        return;
    }
    view_drop(watch);
    engine_spans_free(watch);
    counter_page_unmap(watch->page, watch->fd);
    free(watch->names);
    free(watch);
    engine->watch = NULL;
}

void engine_watch_drained(struct engine *engine, oft_instant now_ns, bool more,
                          oft_instant oldest_ns)
{
    struct engine_watch *watch = engine->watch;
    if (!more) {
        watch->caught_up_ns = now_ns;
    }
    if (oldest_ns != 0) {
        watch->batch_lag_ns = now_ns > oldest_ns ? now_ns - oldest_ns : 0;
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

static void name_keep(struct engine_watch *watch, uint64_t id, struct policy_text text)
{
    struct oft_str name = policy_text(&watch->view, text);
    for (size_t probe = 0; watch->name_count < WATCH_NAMES / 4 * 3 && probe < WATCH_NAMES;
         probe++) {
        struct watch_name *slot = &watch->names[(id + probe) % WATCH_NAMES];
        if (slot->id == id) {
            return;
        }
        if (slot->id == 0) {
            slot->id = id;
            (void)snprintf(slot->text, sizeof(slot->text), "%.*s", (int)name.length, name.data);
            watch->name_count++;
            return;
        }
    }
}

const char *watch_name(const struct engine_watch *watch, uint64_t id, char scratch[32])
{
    if (id == 0) {
        return "none";
    }
    for (size_t probe = 0; probe < WATCH_NAMES; probe++) {
        const struct watch_name *slot = &watch->names[(id + probe) % WATCH_NAMES];
        if (slot->id == id) {
            return slot->text;
        }
        if (slot->id == 0) {
            break;
        }
    }
    (void)snprintf(scratch, 32, "id-%016llx", (unsigned long long)id);
    return scratch;
}

static void names_keep(struct engine_watch *watch)
{
    const struct policy_view *view = &watch->view;
    for (uint32_t i = 0; i < view->product_count; i++) {
        name_keep(watch, view->products[i].id, view->products[i].name);
    }
    for (uint32_t i = 0; i < view->pool_count; i++) {
        name_keep(watch, view->pools[i].id, view->pools[i].name);
    }
    for (uint32_t i = 0; i < view->account_count; i++) {
        name_keep(watch, view->accounts[i].id, view->accounts[i].name);
    }
    for (uint32_t i = 0; i < view->model_count; i++) {
        name_keep(watch, view->models[i].id, view->models[i].name);
    }
}

/* The policy in force, mapped anew when there is another one. */
enum oft_err watch_refresh(struct engine *engine, struct oft_error *reterr)
{
    struct engine_watch *watch = engine->watch;
    struct stat status;
    char path[METER_PATH_BYTES_MAX];
    if (engine->generation == 0 || watch->generation == engine->generation) {
        return OFT_OK;
    }
    view_drop(watch);
    (void)snprintf(path, sizeof(path), "%s/" POLICY_FILE, engine->run);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0) {
        enum oft_err code =
            oft_fail(reterr, OFT_ERR_IO, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return code;
    }
    watch->length = (size_t)status.st_size;
    void *bytes = mmap(NULL, watch->length, PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot map %s: %s", path, strerror(errno));
    }
    watch->bytes = bytes;
    enum oft_err code = policy_open(&watch->view, bytes, watch->length, reterr);
    if (code != OFT_OK) {
        view_drop(watch);
        return code;
    }
    watch->generation = engine->generation;
    names_keep(watch);
    return OFT_OK;
}

const struct policy_pool *watch_find_pool(const struct engine_watch *watch, uint64_t id)
{
    for (uint32_t i = 0; watch->generation != 0 && i < watch->view.pool_count; i++) {
        if (watch->view.pools[i].id == id) {
            return &watch->view.pools[i];
        }
    }
    return NULL;
}

/* ---- adding up ------------------------------------------------------------------------------- */

static uint64_t read_cell(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static struct watch_series *series_place(struct watch_sums *sums,
                                         const struct counter_series *series, bool other)
{
    for (size_t i = 0; i < sums->series_count; i++) {
        struct watch_series *sum = &sums->series[i];
        if (sum->other == other && sum->product_id == series->product_id &&
            sum->pool_id == series->pool_id && sum->model_id == series->model_id &&
            sum->operation == series->operation) {
            return sum;
        }
    }
    if (sums->series_count >= WATCH_SERIES_MAX && !other) {
        static const struct counter_series none;
        return series_place(sums, &none, true);
    }
    struct watch_series *sum = &sums->series[sums->series_count++];
    sum->product_id = series->product_id;
    sum->pool_id = series->pool_id;
    sum->model_id = series->model_id;
    sum->operation = series->operation;
    sum->other = other;
    return sum;
}

static void add_series(struct watch_sums *sums, const struct counter_row *row)
{
    for (uint32_t i = 0; i <= COUNTER_SERIES_COUNT; i++) {
        const struct counter_series *series = &row->series[i];
        bool other = i == COUNTER_SERIES_COUNT;
        if (!other && atomic_load_explicit(&series->ready, memory_order_acquire) == 0) {
            continue;
        }
        uint64_t any = 0;
        for (unsigned cell = 0; other && cell < COUNTER_UNITS; cell++) {
            any |= read_cell(&series->cells[cell]);
        }
        if (other && any == 0) {
            continue;
        }
        struct watch_series *sum = series_place(sums, series, other);
        for (unsigned cell = 0; cell < COUNTER_SERIES_CELLS; cell++) {
            sum->cells[cell] += read_cell(&series->cells[cell]);
        }
    }
}

static struct watch_pool *pool_place(struct watch_sums *sums, uint64_t id)
{
    for (size_t i = 0; i < sums->pool_count; i++) {
        if (sums->pools[i].pool_id == id) {
            return &sums->pools[i];
        }
    }
    if (sums->pool_count >= WATCH_POOLS_MAX && id != 0) {
        return pool_place(sums, 0);
    }
    sums->pools[sums->pool_count].pool_id = id;
    return &sums->pools[sums->pool_count++];
}

static void add_pools(struct watch_sums *sums, const struct counter_row *row)
{
    for (uint32_t i = 0; i <= COUNTER_POOL_COUNT; i++) {
        const struct counter_pool *pool = &row->pools[i];
        uint64_t id = atomic_load_explicit(&pool->pool_id, memory_order_acquire);
        if (id == 0 && (i < COUNTER_POOL_COUNT || read_cell(&pool->cells[0]) == 0)) {
            continue;
        }
        struct watch_pool *sum = pool_place(sums, id);
        for (unsigned cell = 0; cell < COUNTER_POOL_CELLS; cell++) {
            sum->cells[cell] += read_cell(&pool->cells[cell]);
        }
        uint64_t changed_ms = atomic_load_explicit(&pool->changed_ms, memory_order_acquire);
        if (changed_ms >= sum->changed_ms) {
            sum->changed_ms = changed_ms;
            sum->down_until_ms = read_cell(&pool->down_until_ms);
            sum->breaker = read_cell(&pool->breaker);
        }
    }
}

static struct watch_reason *reason_place(struct watch_sums *sums, const char *text)
{
    for (size_t i = 0; i < sums->reason_count; i++) {
        if (strcmp(sums->reasons[i].text, text) == 0) {
            return &sums->reasons[i];
        }
    }
    if (sums->reason_count >= WATCH_REASONS_MAX && strcmp(text, "other") != 0) {
        return reason_place(sums, "other");
    }
    struct watch_reason *reason = &sums->reasons[sums->reason_count++];
    (void)snprintf(reason->text, sizeof(reason->text), "%.*s", (int)sizeof(reason->text) - 1, text);
    return reason;
}

static void add_reasons(struct watch_sums *sums, const struct counter_row *row)
{
    for (uint32_t i = 0; i <= COUNTER_REASON_COUNT; i++) {
        const struct counter_reason *reason = &row->reasons[i];
        bool other = i == COUNTER_REASON_COUNT;
        uint64_t count = read_cell(&reason->count);
        if (count > 0 && (other || atomic_load_explicit(&reason->ready, memory_order_acquire))) {
            reason_place(sums, other ? "other" : reason->text)->count += count;
        }
    }
}

static void add_row(const struct engine_watch *watch, struct watch_sums *sums, uint32_t index)
{
    const struct counter_row *row = &watch->page->rows[index];
    bool shared = index + 1 == COUNTER_ROW_COUNT;
    if (read_cell(&row->workers) == 0) {
        return;
    }
    sums->workers_ever += read_cell(&row->workers);
    sums->records += read_cell(&row->records);
    if (shared || counter_row_held(watch->fd, index)) {
        sums->running += read_cell(&row->running);
    }
    if (!shared && counter_row_held(watch->fd, index)) {
        sums->workers[sums->worker_count++] =
            (struct watch_worker){index, read_cell(&row->pid), read_cell(&row->generation)};
    }
    add_series(sums, row);
    add_pools(sums, row);
    add_reasons(sums, row);
}

enum oft_err watch_sum(struct engine *engine, struct watch_sums *sums, struct oft_error *reterr)
{
    memset(sums, 0, sizeof(*sums));
    enum oft_err code = watch_refresh(engine, reterr);
    if (code != OFT_OK) {
        return code;
    }
    sums->series = calloc(WATCH_SERIES_MAX + 1, sizeof(*sums->series));
    if (sums->series == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < COUNTER_ROW_COUNT; i++) {
        add_row(engine->watch, sums, i);
    }
    return OFT_OK;
}

/* ---- limits ---------------------------------------------------------------------------------- */

int64_t watch_monotonic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t rate_used_ppm(const _Atomic int64_t *until_ns, int64_t now_ns)
{
    int64_t busy = atomic_load_explicit(until_ns, memory_order_relaxed) - now_ns;
    return busy <= 0 ? 0 : busy / (LIMIT_RATE_WINDOW_NS / 1000000);
}

bool watch_limit_read(struct engine *engine, uint32_t index, oft_instant now_ns,
                      struct watch_limit *ret)
{
    const struct policy_view *view = &engine->watch->view;
    const struct policy_limit *limit = &view->limits[index];
    struct limit_slot *slot = limit_page_find(engine->limits, limit->id);
    oft_instant now = engine_contract_now(engine, now_ns);
    int64_t numbers[POLICY_LIMIT_PERIODS] = {
        policy_period_number(view->days, view->day_count, now),
        policy_period_number(view->months, view->month_count, now)};
    int64_t monotonic_ns = watch_monotonic_ms() * 1000000;
    memset(ret, 0, sizeof(*ret));
    ret->limit = limit;
    if (slot == NULL) {
        return false;
    }
    for (unsigned period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        ret->used_nanos[period] = atomic_load_explicit(
            limit_cell(slot, (enum limit_period)period, numbers[period]), memory_order_relaxed);
    }
    ret->running = atomic_load_explicit(&slot->running, memory_order_relaxed);
    ret->requests_used_ppm = rate_used_ppm(&slot->requests_until_ns, monotonic_ns);
    ret->tokens_used_ppm = rate_used_ppm(&slot->tokens_until_ns, monotonic_ns);
    return true;
}

bool *watch_limits_mark(struct engine_watch *watch)
{
    const struct policy_view *view = &watch->view;
    bool *marks = calloc(watch->generation == 0 ? 1 : view->limit_count + 1, sizeof(*marks));
    for (uint64_t i = 0; marks != NULL && watch->generation != 0 && i < view->key_slot_count; i++) {
        const struct policy_key *key = &view->key_slots[i];
        if (key->key_id != 0 && key->limit != POLICY_NONE) {
            marks[key->limit] = true;
        }
    }
    return marks;
}

/* ---- small things ---------------------------------------------------------------------------- */

void watch_decimal(struct oft_buffer *out, uint64_t value, unsigned digits)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < digits; i++) {
        unit *= 10;
    }
    uint64_t rest = value % unit;
    oft_buffer_printf(out, "%llu", (unsigned long long)(value / unit));
    if (rest == 0) {
        return;
    }
    while (rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    oft_buffer_printf(out, ".%0*llu", (int)digits, (unsigned long long)rest);
}

uint64_t watch_file_bytes(const char *directory, const char *name)
{
    char path[METER_PATH_BYTES_MAX];
    struct stat status;
    int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    return length > 0 && (size_t)length < sizeof(path) && stat(path, &status) == 0
               ? (uint64_t)status.st_size
               : 0;
}

uint64_t watch_resident_bytes(uint64_t pid)
{
    char path[64], text[128] = "";
    unsigned long long total = 0, resident = 0;
    (void)snprintf(path, sizeof(path), "/proc/%llu/statm", (unsigned long long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return got > 0 && sscanf(text, "%llu %llu", &total, &resident) == 2
               ? resident * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

const char *watch_operation(uint64_t operation)
{
    static const char *const NAMES[] = {
        "other",       "chat",   "text_completion", "embeddings", "responses", "messages",
        "moderations", "images", "audio",           "stored",     "other"};
    return NAMES[operation < OFT_COUNT_OF(NAMES) ? operation : 0];
}
