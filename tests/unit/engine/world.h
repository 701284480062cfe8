/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_ENGINE_WORLD_H
#define OFFTAKE_TESTS_ENGINE_WORLD_H
/*
 * A data directory of its own, a deal file, a real engine and real spool writers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "meter/append.h"

enum { WORLD_PATH_BYTES = 512 };

/* What one record of world_record owes: 1000 input and 100 output tokens of gpt-4o. */
enum { WORLD_SALE_NANOS = 7000000, WORLD_COST_NANOS = 3500000 };

struct world {
    char root[WORLD_PATH_BYTES];
    char data[WORLD_PATH_BYTES + 8];
    char deal[WORLD_PATH_BYTES + 16];
    struct engine *engine;
    oft_instant now; /* 2026-04-10T00:00:00Z, and later as tests say */
    uint64_t requests;
    bool rehearsal; /* how it is opened from now on */
};

extern const char WORLD_DEAL[];

/* cmocka's set-up and tear-down: *state is a struct world whose engine is open and has published. */
int world_set_up(void **state);
int world_tear_down(void **state);

void world_write_deal(struct world *world, const char *text);
enum oft_err world_open(struct world *world, struct oft_error *reterr);
void world_close(struct world *world);
/* Opens the engine again without publishing. */
void world_reopen(struct world *world);
void world_publish(struct world *world);
/* New books and another deal, not published yet. */
void world_begin_anew(struct world *world, const char *deal);
const char *world_path(const struct world *world, const char *name, char out[WORLD_PATH_BYTES * 2]);

/* A served request of generation 1 with an id of its own. */
struct meter_record world_record(struct world *world);
void world_writer_open(struct world *world, struct meter_writer *writer, uint32_t segment_records);
void world_append(struct meter_writer *writer, enum meter_record_kind kind,
                  const struct meter_record *record);
/* COUNT requests, each an intent and its settlement. */
void world_append_requests(struct world *world, struct meter_writer *writer, size_t count);
/* What is left of a writer after kill -9: its files, unlocked and not marked as closed. */
void world_writer_die(struct meter_writer *writer);

/* Drains until nothing is left; results are added up. */
struct engine_drain_result world_drain(struct world *world);

/* The books seen through SQL of the test's own. */
int64_t world_sql(const struct world *world, const char *sql);
void world_run(const struct world *world, const char *sql);
/* As world_run, and it must change a row. */
void world_tamper(const struct world *world, const char *sql);
int64_t world_sales(const struct world *world);
int64_t world_requests_booked(const struct world *world);
bool world_sound(struct world *world, char findings[4096]);

#endif
