/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing: the data directory, its lock, the store, the control page, and the mark that
 * tells a rehearsal's books from real ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "engine/desk_internal.h"
#include "engine/limits.h"
#include "engine/settled.h"
#include "engine/watch_internal.h"

const char *engine_path(struct engine *engine, const char *directory, const char *name)
{
    return oft_arena_printf(&engine->arena, "%s/%s", directory, name);
}

oft_instant engine_contract_now(const struct engine *engine, oft_instant now_ns)
{
    return now_ns + engine->clock_shift_ns;
}

static enum oft_err make_paths(struct engine *engine, const struct engine_options *options)
{
    engine->data = oft_arena_copy(&engine->arena, oft_str_from(options->data_directory));
    engine->deal_path = oft_arena_copy(&engine->arena, oft_str_from(options->deal_path));
    if (engine->data == NULL || engine->deal_path == NULL) {
        return OFT_ERR_MEMORY;
    }
    engine->run = engine_path(engine, engine->data, "run");
    engine->spool = engine_path(engine, engine->data, "spool");
    engine->archive = engine_path(engine, engine->data, "spool/archive");
    return engine->run != NULL && engine->spool != NULL && engine->archive != NULL ? OFT_OK
                                                                                   : OFT_ERR_MEMORY;
}

static enum oft_err take_lock(struct engine *engine, struct oft_error *reterr)
{
    const char *path = engine_path(engine, engine->data, "lock");
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    engine->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (engine->lock_fd < 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(engine->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return oft_fail(reterr, OFT_ERR_BUSY,
                        "another offtake daemon works on %s; stop it, or name another --data",
                        engine->data);
    }
    return OFT_OK;
}

/* Books are made as production or as a rehearsal and stay so. */
static enum oft_err check_kind(struct engine *engine, struct oft_error *reterr)
{
    const char *kind = NULL;
    const char *wanted = engine->rehearsal ? "rehearsal" : "production";
    enum oft_err code = store_meta_get(engine->store, "kind", &engine->arena, &kind, reterr);
    if (code != OFT_OK) {
        return code;
    }
    if (kind == NULL) {
        return store_meta_set(engine->store, "kind", wanted, reterr);
    }
    if (strcmp(kind, wanted) != 0) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the books in %s are those of a %s; use another --data for a %s",
                        engine->data, kind, wanted);
    }
    return OFT_OK;
}

static enum oft_err open_all(struct engine *engine, oft_instant now_ns, int64_t stale_after_ns,
                             struct oft_error *reterr)
{
    enum oft_err code = engine_directories(engine, reterr);
    if (code == OFT_OK) {
        code = take_lock(engine, reterr);
    }
    const char *books = engine_path(engine, engine->data, "books.db");
    if (code == OFT_OK && books == NULL) {
        code = OFT_ERR_MEMORY;
    }
    if (code == OFT_OK) {
        code = store_open(books, &engine->store, reterr);
    }
    if (code == OFT_OK) {
        code = check_kind(engine, reterr);
    }
    if (code == OFT_OK) {
        code = engine_control_open(engine, now_ns, stale_after_ns, reterr);
    }
    if (code == OFT_OK) {
        code = engine_limits_open(engine, reterr);
    }
    if (code == OFT_OK) {
        code = engine_watch_open(engine, now_ns, reterr);
    }
    engine->read_buffer = calloc(OFT_DRAIN_RECORDS_MAX, sizeof(*engine->read_buffer));
    if (code == OFT_OK && engine->read_buffer == NULL) {
        code = OFT_ERR_MEMORY;
    }
    return code == OFT_OK ? engine_desk_open(engine, reterr) : code;
}

enum oft_err engine_open(const struct engine_options *options, oft_instant now_ns,
                         struct engine **ret_engine, struct oft_error *reterr)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    oft_arena_init(&engine->arena, ENGINE_ARENA_BYTES_MAX);
    engine->lock_fd = -1;
    engine->worker_uid = options->worker_uid;
    engine->worker_gid = options->worker_gid;
    engine->clock_shift_ns = options->clock_shift_ns;
    engine->rehearsal = options->rehearsal;
    engine->drain_records_max =
        options->drain_records_max != 0 ? options->drain_records_max : OFT_TRANSACTION_RECORDS_MAX;
    enum oft_err code = make_paths(engine, options);
    if (code == OFT_OK) {
        code = open_all(engine, now_ns, options->stale_after_ns, reterr);
    }
    if (code != OFT_OK) {
        if (reterr != NULL && reterr->message[0] == '\0') {
            (void)oft_fail(reterr, code, "cannot open %s: %s", options->data_directory,
                           oft_err_text(code));
        }
        engine_close(engine);
        return code;
    }
    *ret_engine = engine;
    return OFT_OK;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    engine_desk_close(engine);
    engine_contexts_drop(engine);
    engine_settled_free(engine->settlements);
    store_close(engine->store);
    engine_limits_close(engine);
    engine_watch_close(engine);
    if (engine->control != NULL) {
        (void)munmap(engine->control, CONTROL_BYTES);
    }
    if (engine->lock_fd >= 0) {
        (void)close(engine->lock_fd);
    }
    free(engine->values);
    free(engine->read_buffer);
    oft_arena_release(&engine->arena);
    free(engine);
}

void engine_heartbeat(struct engine *engine, oft_instant now_ns)
{
    atomic_store_explicit(&engine->control->heartbeat_ns, now_ns, memory_order_relaxed);
    engine_limits_turn(engine, now_ns);
}

uint64_t engine_generation(const struct engine *engine)
{
    return engine->generation;
}
