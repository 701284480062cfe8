/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order through the real thing: writers with spool files, drains between them, SQLite. What came
 * of it stands in DATA/books.db; statements are printed.
 */
#include "book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "meter/append.h"

enum { WRITERS = 3 };

static void drain(struct engine *engine, oft_instant now)
{
    struct engine_drain_result result = {.more = true};
    struct oft_error error = {0};
    while (result.more) {
        if (engine_drain(engine, now, &result, &error) != OFT_OK) {
            die("drain", &error);
        }
    }
}

static void append(struct meter_writer *writer, enum meter_record_kind kind,
                   const struct meter_record *record)
{
    if (meter_reserve(writer, 1, record->recorded_ns) != OFT_OK ||
        meter_append(writer, kind, record) != OFT_OK) {
        die("append", NULL);
    }
}

/* Each request is one or two intents and, unless its worker died, a settlement. */
static void feed(const struct order *order, struct engine *engine, const char *spool)
{
    static struct meter_writer writers[WRITERS];
    struct oft_error error = {0};
    uint64_t dice = order->dice;
    size_t until_drain = 1;
    for (int i = 0; i < WRITERS; i++) {
        if (meter_writer_open(&writers[i], spool, "books", 4096, order->as_of + i, &error) !=
            OFT_OK) {
            die("spool", &error);
        }
    }
    for (size_t i = 0; i < order->record_count; i++) {
        struct meter_record record = order->records[i];
        struct meter_writer *writer = &writers[roll(&dice) % WRITERS];
        bool orphan = ((record.commit >> 8) & 0xff) == METER_INTENT;
        record.generation = engine_generation(engine);
        bool refused = (record.flags & METER_FLAG_REFUSED) != 0;
        for (uint64_t n = refused ? 0 : 1 + (roll(&dice) % 8 == 0); n > 0; n--) {
            record.attempts++;
            append(writer, METER_INTENT, &record);
        }
        if (!orphan) {
            append(writer, METER_SETTLED, &record);
        }
        if (--until_drain == 0) {
            drain(engine, order->as_of);
            until_drain = 1 + roll(&dice) % order->batch_max;
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        meter_writer_close(&writers[i]);
    }
    drain(engine, order->as_of);
    drain(engine, order->as_of); /* orphans wait for a second look */
}

static void print_statements(const struct order *order, struct engine *engine)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    bool sound = false;
    oft_buffer_init(&out, (size_t)1 << 28);
    for (size_t i = 0; i < order->ask_count; i++) {
        oft_buffer_clear(&out);
        if (engine_statement(engine, order->asks[i].name, order->asks[i].month, order->as_of,
                             LEDGER_JSON, &out, &error) != OFT_OK) {
            die("statement", &error);
        }
        printf("statement\t%s\t%d\t%s", order->asks[i].name, order->asks[i].month,
               oft_buffer_text(&out));
    }
    for (size_t i = 0; i < order->look_count; i++) {
        oft_buffer_clear(&out);
        if (order->looks[i] >= order->as_of &&
            engine_commitments(engine, order->looks[i], LEDGER_JSON, &out, &error) != OFT_OK) {
            die("commitments", &error);
        }
        if (order->looks[i] >= order->as_of) {
            printf("commitments\t%lld\t%s", (long long)order->looks[i], oft_buffer_text(&out));
        }
    }
    oft_buffer_clear(&out);
    if (engine_verify(engine, LEDGER_TEXT, &out, &sound, &error) != OFT_OK || !sound) {
        (void)fputs(oft_buffer_text(&out), stderr);
        die("the books are not sound", &error);
    }
    oft_buffer_release(&out);
}

void run_engine(const struct order *order, const char *deal, const char *data)
{
    struct engine *engine = NULL;
    struct oft_error error = {0};
    struct oft_buffer report;
    char spool[4200];
    struct engine_options options = {.data_directory = data,
                                     .deal_path = deal,
                                     .worker_uid = UINT32_MAX,
                                     .worker_gid = UINT32_MAX,
                                     .stale_after_ns = OFT_NS_PER_SECOND};
    oft_buffer_init(&report, 1 << 20);
    if (engine_open(&options, order->as_of, &engine, &error) != OFT_OK ||
        engine_publish(engine, order->as_of, &report, &error) != OFT_OK) {
        (void)fputs(oft_buffer_text(&report), stderr);
        die("engine", &error);
    }
    for (size_t i = 0; i < order->attested_count; i++) {
        if (engine_attest(engine, order->attested[i].event, "attester", order->attested[i].at, NULL,
                          order->as_of, &error) != OFT_OK) {
            die("attest", &error);
        }
    }
    (void)snprintf(spool, sizeof(spool), "%.4000s/spool", data);
    feed(order, engine, spool);
    print_statements(order, engine);
    oft_buffer_release(&report);
    engine_close(engine);
}
