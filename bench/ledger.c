/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many usage records a second one core rates and posts: the ledger alone (add and close, totals
 * kept in memory), and the whole path where the engine is built in: spool file, read, rate, post,
 * SQLite commit. Time is this process's CPU time. It has no threshold; bench/ledger runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "ledger/ledger.h"
#ifdef BENCH_ENGINE
#include "engine/engine.h"
#include "meter/append.h"
#endif

enum { ACCOUNTS = 40, PRODUCTS = 3, MODELS = 4, POOLS = 3, BATCH = 65536 };
#define FIRST_INSTANT INT64_C(1775001600000000000) /* 2026-04-01 */

static void die(const char *what, const struct oft_error *error)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, error == NULL ? "" : error->message);
    exit(3);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        die("getrusage", NULL);
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- the deal and its traffic ---------------------------------------------------------------- */

static void write_deal(struct oft_buffer *out)
{
    oft_buffer_append_text(out, "deal \"Bench\"\ncustomer lab\ncurrency USD\n"
                                "party cloud \"Cloud\"\nprovider alpha of cloud\n");
    for (int i = 0; i < MODELS; i++) {
        oft_buffer_printf(out, "model m%d\n", i);
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        oft_buffer_printf(out, "account a%d \"Account %d\"\n", i, i);
    }
    for (int i = 0; i < PRODUCTS; i++) {
        oft_buffer_printf(out, "product p%d \"Product %d\" class inference {\n", i, i);
        for (int j = 0; j < MODELS; j++) {
            oft_buffer_printf(out,
                              "    price m%d input 0.%d375 USD per 1M tokens "
                              "output %d.00 USD per 1M tokens\n",
                              j, j + 1, i + j + 1);
        }
        oft_buffer_append_text(out, "}\n");
    }
    oft_buffer_append_text(
        out,
        "agreement ag with cloud {\n    effective 2020-01-01  until 2035-01-01\n"
        "    commit: commit 1bn USD on alpha over 2020-01-01..2035-01-01 build-up counting all\n"
        "    share:  share 20% of revenue from p0, p1 from lab to cloud monthly\n}\n");
    for (int i = 0; i < POOLS; i++) {
        oft_buffer_printf(out, "pool q%d on alpha {\n    region r%d\n", i, i);
        for (int j = 0; j < MODELS; j++) {
            oft_buffer_printf(out,
                              "    serves m%d as \"m%d\" at http://127.0.0.1:9/v1 kind openai\n"
                              "    price m%d input 0.%d25 USD per 1M tokens "
                              "output 0.%d5 USD per 1M tokens\n",
                              j, j, j, j + 1, j + 1);
        }
        oft_buffer_append_text(out, "}\n");
    }
}

static uint64_t named(enum oft_id_kind kind, const char *prefix, uint64_t number)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "%s%llu", prefix, (unsigned long long)number);
    return oft_id_of(kind, oft_str_from(name));
}

static struct meter_record *make_records(size_t count)
{
    struct meter_record *records = calloc(count, sizeof(*records));
    uint64_t state = 88172645463325252u;
    if (records == NULL) {
        die("out of memory", NULL);
    }
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t model = (state >> 8) % MODELS;
        uint64_t pool = (state >> 16) % POOLS;
        char clause[64];
        (void)snprintf(clause, sizeof(clause), "q%d.serves.m%d", (int)pool, (int)model);
        records[i] = (struct meter_record){
            .admitted_ns = FIRST_INSTANT + (int64_t)i * OFT_NS_PER_MS,
            .recorded_ns = FIRST_INSTANT + (int64_t)i * OFT_NS_PER_MS + OFT_NS_PER_SECOND,
            .generation = 1,
            .account_id = named(OFT_ID_ACCOUNT, "a", state % ACCOUNTS),
            .product_id = named(OFT_ID_PRODUCT, "p", (state >> 24) % PRODUCTS),
            .model_id = named(OFT_ID_MODEL, "m", model),
            .pool_id = named(OFT_ID_POOL, "q", pool),
            .clause_id = oft_id_of(OFT_ID_CLAUSE, oft_str_from(clause)),
            .status = 200,
            .units = {[DEAL_UNIT_INPUT] = (state >> 32) % 4000,
                      [DEAL_UNIT_OUTPUT] = (state >> 44) % 900},
        };
        memcpy(records[i].request_id, &state, sizeof(state));
        memcpy(records[i].request_id + 8, &i, sizeof(i));
    }
    return records;
}

/* ---- the ledger alone ------------------------------------------------------------------------ */

/* Totals in memory, found by hash, so that the store's cost is not the ledger's. */
struct totals_map {
    struct ledger_row *rows;
    size_t size, count;
};

static struct ledger_row *row_of(struct totals_map *map, const struct ledger_series_key *key)
{
    uint64_t words[sizeof(*key) / 8];
    uint64_t hash = 1;
    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < OFT_COUNT_OF(words); i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 31;
    }
    size_t slot = hash % map->size;
    while (map->rows[slot].key.kind != 0 && memcmp(&map->rows[slot].key, key, sizeof(*key)) != 0) {
        slot = (slot + 1) % map->size;
    }
    if (map->rows[slot].key.kind == 0) {
        map->rows[slot].key = *key;
        if (++map->count * 2 > map->size) {
            die("the table of totals is too small", NULL);
        }
    }
    return &map->rows[slot];
}

static enum oft_err totals_of(void *context, const struct ledger_series_key *key,
                              struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    (void)reterr;
    *ret_totals = row_of(context, key)->totals;
    return OFT_OK;
}

static enum oft_err no_share(void *context, const char *clause, oft_nanos *ret_amount,
                             struct oft_error *reterr)
{
    (void)context;
    (void)clause;
    (void)reterr;
    *ret_amount = 0; /* no share of this deal has a cap */
    return OFT_OK;
}

static double rate_alone(const struct ledger_context *context, const struct meter_record *records,
                         size_t count)
{
    struct totals_map map = {calloc(32768, sizeof(struct ledger_row)), 32768, 0};
    struct oft_error error = {0};
    if (map.rows == NULL) {
        die("out of memory", NULL);
    }
    double begin = cpu_seconds();
    for (size_t from = 0; from < count; from += BATCH) {
        size_t until = count - from < BATCH ? count : from + BATCH;
        struct ledger_batch *batch;
        struct ledger_result result;
        if (ledger_batch_new(&batch) != OFT_OK) {
            die("out of memory", NULL);
        }
        for (size_t i = from; i < until; i++) {
            if (ledger_batch_add(batch, context, &records[i]) != OFT_OK) {
                die("a record was not taken", NULL);
            }
        }
        struct ledger_totals_source source = {&map, totals_of, no_share, NULL};
        if (ledger_batch_close(batch, source, &result, &error) != OFT_OK) {
            die("close", &error);
        }
        if (result.counts.unrated != 0) {
            die("records could not be rated", NULL);
        }
        for (size_t i = 0; i < result.change_count; i++) {
            row_of(&map, &result.changes[i].key)->totals = result.changes[i].after;
        }
        ledger_batch_free(batch);
    }
    double seconds = cpu_seconds() - begin;
    free(map.rows);
    return seconds;
}

/* ---- the whole path -------------------------------------------------------------------------- */

#ifdef BENCH_ENGINE
static void fill_spool(const char *directory, struct meter_record *records, size_t count,
                       uint64_t generation)
{
    static struct meter_writer writer;
    struct oft_error error = {0};
    if (meter_writer_open(&writer, directory, "bench", 0, FIRST_INSTANT, &error) != OFT_OK) {
        die("spool", &error);
    }
    for (size_t i = 0; i < count; i++) {
        records[i].generation = generation;
        if (meter_reserve(&writer, 1, FIRST_INSTANT) != OFT_OK ||
            meter_append(&writer, METER_SETTLED, &records[i]) != OFT_OK) {
            die("append", NULL);
        }
    }
    meter_writer_close(&writer);
}

static double rate_engine(const char *directory, const char *deal_path,
                          struct meter_record *records, size_t count)
{
    char spool[4200];
    struct engine *engine;
    struct oft_error error = {0};
    struct oft_buffer report;
    struct engine_options options = {.data_directory = directory, .deal_path = deal_path};
    options.worker_uid = options.worker_gid = UINT32_MAX;
    options.stale_after_ns = OFT_NS_PER_SECOND;
    oft_buffer_init(&report, 1 << 20);
    if (engine_open(&options, FIRST_INSTANT, &engine, &error) != OFT_OK ||
        engine_publish(engine, FIRST_INSTANT, &report, &error) != OFT_OK) {
        (void)fputs(oft_buffer_text(&report), stderr);
        die("engine", &error);
    }
    (void)snprintf(spool, sizeof(spool), "%.4000s/spool", directory);
    fill_spool(spool, records, count, engine_generation(engine));
    struct engine_drain_result result = {.more = true};
    uint64_t settled = 0;
    double begin = cpu_seconds();
    while (result.more) {
        if (engine_drain(engine, FIRST_INSTANT, &result, &error) != OFT_OK) {
            die("drain", &error);
        }
        settled += result.settled;
    }
    double seconds = cpu_seconds() - begin;
    if (settled != count) {
        (void)fprintf(stderr, "bench: %llu of %zu records were booked\n",
                      (unsigned long long)settled, count);
        exit(3);
    }
    engine_close(engine);
    oft_buffer_release(&report);
    return seconds;
}
#endif

static void print_result(const char *name, size_t records, double seconds, bool json)
{
    double rate = seconds > 0 ? (double)records / seconds : 0;
    if (json) {
        (void)printf("{\"bench\":\"%s\",\"records\":%zu,\"cpu_seconds\":%.6f,"
                     "\"records_per_second\":%.0f}\n",
                     name, records, seconds, rate);
    } else {
        (void)printf("%-28s %10zu records  %8.3f CPU s  %12.0f records/s\n", name, records, seconds,
                     rate);
    }
}

static struct deal *parse_deal(const struct oft_buffer *text)
{
    struct deal_file file = {"bench.deal", {text->data, text->length}};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct deal *deal = NULL;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    if (deal_parse("bench.deal", deal_load_memory, &files, &deal, &diagnostics, &error) != OFT_OK) {
        struct oft_buffer report;
        oft_buffer_init(&report, 1 << 20);
        deal_diagnostics_print(&diagnostics, false, &report);
        (void)fputs(oft_buffer_text(&report), stderr);
        die("the deal of the benchmark", &error);
    }
    deal_diagnostics_release(&diagnostics);
    return deal;
}

#ifdef BENCH_ENGINE
static void run_engine(const char *directory, const struct oft_buffer *text,
                       struct meter_record *records, size_t count, bool json)
{
    char path[4200];
    char data[4200];
    (void)snprintf(path, sizeof(path), "%.4000s/bench.deal", directory);
    (void)snprintf(data, sizeof(data), "%.4000s/data", directory);
    FILE *out = fopen(path, "w");
    if (out == NULL || fputs(oft_buffer_text(text), out) < 0 || fclose(out) != 0) {
        die("writing the deal", NULL);
    }
    print_result("spool-to-books", count, rate_engine(data, path, records, count), json);
}
#endif

/* Usage: bench_ledger DIRECTORY RECORDS [--json]. DIRECTORY must be empty; bench/ledger makes it. */
int main(int argc, char **argv)
{
    bool json = argc == 4 && strcmp(argv[3], "--json") == 0;
    size_t count = argc >= 3 ? (size_t)strtoull(argv[2], NULL, 10) : 0;
    if (argc < 3 || count == 0) {
        (void)fputs("Usage: bench_ledger DIRECTORY RECORDS [--json]\n", stderr);
        return 2;
    }
    struct oft_buffer text;
    oft_buffer_init(&text, 1 << 20);
    write_deal(&text);
    struct deal *deal = parse_deal(&text);
    struct ledger_context *context;
    struct oft_error error = {0};
    if (ledger_context_new(deal, 1, (struct deal_attestations){NULL, 0}, &context, &error) !=
        OFT_OK) {
        die("context", &error);
    }
    struct meter_record *records = make_records(count);
    print_result("ledger", count, rate_alone(context, records, count), json);
#ifdef BENCH_ENGINE
    run_engine(argv[1], &text, records, count, json);
#endif
    free(records);
    ledger_context_free(context);
    deal_free(deal);
    oft_buffer_release(&text);
    return 0;
}
