/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many usage records a second one core rates and posts, phase by phase, each a process of its own
 * so that its memory is its own: the ledger alone (add and close, totals kept in memory) in batches and
 * with a batch for each record; filling a spool; the whole path from spool file to SQLite commit; a
 * statement. CPU time and wall time. It has no threshold; bench/ledger runs it.
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

enum { PRODUCTS = 3, MODELS = 4, POOLS = 3, BATCH = 65536, ROWS_MAX = 1 << 20 };
#define FIRST_INSTANT INT64_C(1775001600000000000) /* 2026-04-01 */

static void die(const char *what, const struct oft_error *error)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, error == NULL ? "" : error->message);
    exit(3);
}

static double wall_seconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        die("clock_gettime", NULL);
    }
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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

/* What a phase took. */
struct took {
    double cpu, wall;
};

static void took_begin(struct took *took)
{
    *took = (struct took){cpu_seconds(), wall_seconds()};
}

static void took_end(struct took *took)
{
    *took = (struct took){cpu_seconds() - took->cpu, wall_seconds() - took->wall};
}

/* COUNT of WHAT: records, or bytes of a statement. */
static void print_result(const char *name, size_t count, const char *what, const struct took *took,
                         bool json)
{
    struct rusage usage;
    double rate = took->cpu > 0 ? (double)count / took->cpu : 0;
    double real = took->wall > 0 ? (double)count / took->wall : 0;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        die("getrusage", NULL);
    }
    if (json) {
        (void)printf("{\"bench\":\"%s\",\"%s\":%zu,\"cpu_seconds\":%.6f,\"per_cpu_second\":%.0f,"
                     "\"wall_seconds\":%.6f,\"per_wall_second\":%.0f,\"peak_kib\":%ld}\n",
                     name, what, count, took->cpu, rate, took->wall, real, usage.ru_maxrss);
    } else {
        (void)printf("%-22s %9zu %-7s %8.3f CPU s %10.0f/s  %8.3f s %10.0f/s  %8ld KiB\n", name,
                     count, what, took->cpu, rate, took->wall, real, usage.ru_maxrss);
    }
}

/* ---- the deal and its traffic ---------------------------------------------------------------- */

static void write_deal(struct oft_buffer *out, int accounts)
{
    oft_buffer_append_text(out, "deal \"Bench\"\ncustomer lab\ncurrency USD\n"
                                "party cloud \"Cloud\"\nprovider alpha of cloud\n");
    for (int i = 0; i < MODELS; i++) {
        oft_buffer_printf(out, "model m%d\n", i);
    }
    for (int i = 0; i < accounts; i++) {
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

static struct meter_record *make_records(size_t count, int accounts)
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
            .account_id = named(OFT_ID_ACCOUNT, "a", state % (uint64_t)accounts),
            .product_id = named(OFT_ID_PRODUCT, "p", (state >> 24) % PRODUCTS),
            .model_id = named(OFT_ID_MODEL, "m", model),
            .pool_id = named(OFT_ID_POOL, "q", pool),
            .clause_id = oft_id_of(OFT_ID_CLAUSE, oft_str_from(clause)),
            .status = 200,
            .units = {[DEAL_UNIT_INPUT] = (state >> 32) % 4000,
                      [DEAL_UNIT_OUTPUT] = (state >> 44) % 900},
        };
        /* As the gateway makes them: the instant in big endian, and eight bytes as good as random. */
        for (size_t byte = 0; byte < 8; byte++) {
            records[i].request_id[byte] = (uint8_t)(records[i].admitted_ns >> (56 - 8 * byte));
        }
        memcpy(records[i].request_id + 8, &state, sizeof(state));
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
                         size_t count, size_t batch_records)
{
    struct totals_map map = {calloc(ROWS_MAX, sizeof(struct ledger_row)), ROWS_MAX, 0};
    struct oft_error error = {0};
    if (map.rows == NULL) {
        die("out of memory", NULL);
    }
    double begin = cpu_seconds();
    for (size_t from = 0; from < count; from += batch_records) {
        size_t until = count - from < batch_records ? count : from + batch_records;
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

/* In DIRECTORY, with DIRECTORY/bench.deal in force when PUBLISH says so. */
static struct engine *open_engine(const char *directory, bool publish)
{
    char data[4200];
    char deal[4200];
    struct engine *engine;
    struct oft_error error = {0};
    struct oft_buffer report;
    (void)snprintf(data, sizeof(data), "%.4000s/data", directory);
    (void)snprintf(deal, sizeof(deal), "%.4000s/bench.deal", directory);
    struct engine_options options = {.data_directory = data, .deal_path = deal};
    options.worker_uid = options.worker_gid = UINT32_MAX;
    options.stale_after_ns = OFT_NS_PER_SECOND;
    oft_buffer_init(&report, 1 << 20);
    if (engine_open(&options, FIRST_INSTANT, &engine, &error) != OFT_OK ||
        (publish && engine_publish(engine, FIRST_INSTANT, &report, &error) != OFT_OK)) {
        (void)fputs(oft_buffer_text(&report), stderr);
        die("engine", &error);
    }
    oft_buffer_release(&report);
    return engine;
}

static void phase_fill(const char *directory, const struct oft_buffer *text,
                       struct meter_record *records, size_t count)
{
    char path[4200];
    (void)snprintf(path, sizeof(path), "%.4000s/bench.deal", directory);
    FILE *out = fopen(path, "w");
    if (out == NULL || fputs(oft_buffer_text(text), out) < 0 || fclose(out) != 0) {
        die("writing the deal", NULL);
    }
    struct engine *engine = open_engine(directory, true);
    (void)snprintf(path, sizeof(path), "%.4000s/data/spool", directory);
    fill_spool(path, records, count, engine_generation(engine));
    engine_close(engine);
}

static size_t phase_drain(const char *directory, struct took *took)
{
    struct engine *engine = open_engine(directory, false);
    struct engine_drain_result result = {.more = true};
    struct oft_error error = {0};
    size_t settled = 0;
    took_begin(took);
    while (result.more) {
        if (engine_drain(engine, FIRST_INSTANT, &result, &error) != OFT_OK) {
            die("drain", &error);
        }
        settled += result.settled;
    }
    took_end(took);
    engine_close(engine);
    return settled;
}

/* The customer's own: every row of the month. */
static size_t phase_statement(const char *directory, struct took *took)
{
    struct engine *engine = open_engine(directory, true);
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, (size_t)1 << 30);
    took_begin(took);
    if (engine_statement(engine, "lab", oft_month_of(FIRST_INSTANT), FIRST_INSTANT, LEDGER_JSON,
                         &out, &error) != OFT_OK) {
        die("statement", &error);
    }
    took_end(took);
    size_t bytes = out.length;
    oft_buffer_release(&out);
    engine_close(engine);
    return bytes;
}
#endif

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

/* The ledger alone: BATCH_RECORDS in each batch. */
static void phase_alone(const char *name, const struct oft_buffer *text, size_t count, int accounts,
                        size_t batch_records, bool json)
{
    struct deal *deal = parse_deal(text);
    struct ledger_context *context;
    struct oft_error error = {0};
    struct took took;
    if (ledger_context_new(deal, 1, (struct deal_attestations){NULL, 0}, &context, &error) !=
        OFT_OK) {
        die("context", &error);
    }
    struct meter_record *records = make_records(count, accounts);
    took_begin(&took);
    double cpu = rate_alone(context, records, count, batch_records);
    took_end(&took);
    took.cpu = cpu;
    print_result(name, count, "records", &took, json);
    free(records);
    ledger_context_free(context);
    deal_free(deal);
}

#ifdef BENCH_ENGINE
static void phase_of_engine(const char *phase, const char *directory, const struct oft_buffer *text,
                            size_t count, int accounts, bool json)
{
    struct took took;
    if (strcmp(phase, "fill") == 0) {
        struct meter_record *records = make_records(count, accounts);
        phase_fill(directory, text, records, count);
        free(records);
    } else if (strcmp(phase, "drain") == 0) {
        size_t settled = phase_drain(directory, &took);
        if (settled != count) {
            die("not all records were booked", NULL);
        }
        print_result("spool-to-books", settled, "records", &took, json);
    } else if (strcmp(phase, "statement") == 0) {
        size_t bytes = phase_statement(directory, &took);
        print_result("statement", bytes, "bytes", &took, json);
    } else {
        die("no such phase", NULL);
    }
}
#endif

/* Usage: bench_ledger PHASE DIRECTORY RECORDS ACCOUNTS [--json]. bench/ledger knows the phases. */
int main(int argc, char **argv)
{
    bool json = argc == 6 && strcmp(argv[5], "--json") == 0;
    size_t count = argc >= 5 ? (size_t)strtoull(argv[3], NULL, 10) : 0;
    int accounts = argc >= 5 ? (int)strtol(argv[4], NULL, 10) : 0;
    if (count == 0 || accounts <= 0) {
        (void)fputs("Usage: bench_ledger PHASE DIRECTORY RECORDS ACCOUNTS [--json]\n", stderr);
        return 2;
    }
    struct oft_buffer text;
    oft_buffer_init(&text, 1 << 22);
    write_deal(&text, accounts);
    if (strcmp(argv[1], "alone") == 0) {
        phase_alone("ledger", &text, count, accounts, BATCH, json);
    } else if (strcmp(argv[1], "each") == 0) {
        phase_alone("ledger-batch-of-one", &text, count, accounts, 1, json);
    } else {
#ifdef BENCH_ENGINE
        phase_of_engine(argv[1], argv[2], &text, count, accounts, json);
#endif
    }
    oft_buffer_release(&text);
    return 0;
}
