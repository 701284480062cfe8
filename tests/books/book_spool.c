/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order through the real thing: writers with spool files, drains between them, SQLite. What came
 * of it stands in DATA/books.db; statements are printed.
 */
#include "book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/corrections.h"
#include "engine/engine.h"
#include "engine/periods.h"
#include "meter/append.h"

enum { WRITERS = 3, FIRST_MONTH = 2023 * 12 + 10 };

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

/* One or two intents and, unless its worker died, a settlement; now and then a second one, of the same or of
 * other content, which is set aside. Returns whether there was such a one. */
static bool put_request(struct meter_writer *writer, const struct meter_record *from,
                        uint64_t *dice)
{
    struct meter_record record = *from;
    bool orphan = ((record.commit >> 8) & 0xff) == METER_INTENT;
    bool refused = (record.flags & METER_FLAG_REFUSED) != 0;
    for (uint64_t n = refused ? 0 : 1 + (roll(dice) % 8 == 0); n > 0; n--) {
        record.attempts++;
        append(writer, METER_INTENT, &record);
    }
    if (orphan) {
        return false;
    }
    append(writer, METER_SETTLED, &record);
    if (refused || roll(dice) % 32 != 0) {
        return false;
    }
    record.units[roll(dice) % METER_UNITS] += roll(dice) % 2 == 0 ? 0 : 1000;
    append(writer, METER_SETTLED, &record);
    return true;
}

/* Records [FROM, UNTIL), with drains between them. Returns how many were settled twice. */
static uint64_t feed(const struct order *order, size_t from, size_t until, struct engine *engine,
                     const char *spool)
{
    static struct meter_writer writers[WRITERS];
    struct oft_error error = {0};
    uint64_t dice = order->dice + from;
    uint64_t twice = 0;
    size_t until_drain = 1;
    for (int i = 0; i < WRITERS; i++) {
        if (meter_writer_open(&writers[i], spool, "books", 4096,
                              order->as_of + (oft_instant)from * WRITERS + i, &error) != OFT_OK) {
            die("spool", &error);
        }
    }
    for (size_t i = from; i < until; i++) {
        struct meter_record record = order->records[i];
        record.generation = engine_generation(engine);
        twice += put_request(&writers[roll(&dice) % WRITERS], &record, &dice);
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
    return twice;
}

static void correct(const struct order *order, const struct correcting *it, struct engine *engine,
                    struct oft_buffer *out)
{
    struct oft_error error = {0};
    uint8_t id[16];
    char request[40] = "req_";
    struct engine_correction correction = {.request = request,
                                           .is_void = it->is_void,
                                           .actor = "books",
                                           .reason = "it was metered wrong",
                                           .reference = ""};
    memcpy(correction.sets, it->sets, sizeof(it->sets));
    memcpy(correction.units, it->units, sizeof(it->units));
    request_id_of(it->number, it->admitted, id);
    (void)oft_hex(id, sizeof(id), request + 4);
    oft_buffer_clear(out);
    if (engine_correct_usage(engine, &correction, order->as_of, out, &error) != OFT_OK) {
        die("correct", &error);
    }
}

/* Months from FROM on, those before UNTIL. */
static int32_t close_months(const struct order *order, int32_t from, int32_t until, bool soft,
                            struct engine *engine, struct oft_buffer *out)
{
    struct oft_error error = {0};
    for (; from < until; from++) {
        oft_buffer_clear(out);
        if (engine_period_close(engine, from, soft, "books", order->as_of, out, &error) != OFT_OK) {
            die("close a month", &error);
        }
    }
    return from;
}

static void run_stages(const struct order *order, struct engine *engine, const char *spool)
{
    struct oft_buffer out;
    struct stage done = {.soft_until = FIRST_MONTH, .closed_until = FIRST_MONTH};
    uint64_t twice = 0;
    oft_buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < order->stage_count; i++) {
        const struct stage *stage = &order->stages[i];
        twice += feed(order, done.records_until, stage->records_until, engine, spool);
        for (size_t n = done.corrections_until; n < stage->corrections_until; n++) {
            correct(order, &order->corrections[n], engine, &out);
        }
        done.soft_until =
            close_months(order, done.soft_until, stage->soft_until, true, engine, &out);
        done.closed_until =
            close_months(order, done.closed_until, stage->closed_until, false, engine, &out);
        done.records_until = stage->records_until;
        done.corrections_until = stage->corrections_until;
    }
    printf("twice\t%llu\n", (unsigned long long)twice);
    oft_buffer_release(&out);
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
        oft_buffer_clear(&out);
        if (engine_forecast(engine, &order->looks[i], order->as_of, LEDGER_JSON, &out, &error) !=
            OFT_OK) {
            die("forecast", &error);
        }
        printf("forecasts\t%lld\t%s", (long long)order->looks[i], oft_buffer_text(&out));
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
    run_stages(order, engine, spool);
    print_statements(order, engine);
    oft_buffer_release(&report);
    engine_close(engine);
}
