/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A settlement of before in the segments themselves: those whose span of instants holds the request's, in
 * the archive or still in the spool. Each that is looked into is read once in a drain, into a table of its
 * settlements; the tables go at the drain's end, and those that were not used lately when there are many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/settled.h"

enum {
    TABLES_MAX = 64,
    CELLS_MIN = 256,
    READ_RECORDS = 256,
};
#define TABLE_BYTES_MAX ((size_t)64 << 20) /* of all together */
#define NEAR_NS         OFT_NS_PER_SECOND  /* how far around an instant spans are asked for */

struct cell {
    uint32_t tag;
    uint32_t after; /* the slot and one; 0: the cell is empty */
};

struct table {
    struct meter_segment segment;
    bool missing;
    uint32_t covered; /* slots below are in the table */
    struct cell *cells;
    size_t capacity, count;
    uint64_t last_use;
};

struct engine_earlier_segments {
    struct table *tables;
    size_t count;
    uint64_t uses;
    struct meter_record *buffer;
    /* The spans that touch [near_from, near_until]. */
    bool near_known;
    oft_instant near_from, near_until;
    struct store_span *near;
    size_t near_count;
    struct oft_arena arena;
};

enum oft_err engine_earlier_new(struct engine_earlier_segments **ret)
{
    struct engine_earlier_segments *segments = calloc(1, sizeof(*segments));
    if (segments == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_arena_init(&segments->arena, ENGINE_ARENA_BYTES_MAX);
    segments->tables = calloc(TABLES_MAX, sizeof(*segments->tables));
    segments->buffer = calloc(READ_RECORDS, sizeof(*segments->buffer));
    if (segments->tables == NULL || segments->buffer == NULL) {
        engine_earlier_free(segments);
        return OFT_ERR_MEMORY;
    }
    *ret = segments;
    return OFT_OK;
}

static void close_table(struct table *table)
{
    if (!table->missing) {
        meter_segment_close(&table->segment);
    }
    free(table->cells);
    memset(table, 0, sizeof(*table));
}

void engine_earlier_free(struct engine_earlier_segments *segments)
{
    if (segments == NULL) {
        return;
    }
    for (size_t i = 0; i < segments->count; i++) {
        close_table(&segments->tables[i]);
    }
    free(segments->tables);
    free(segments->buffer);
    oft_arena_release(&segments->arena);
    free(segments);
}

/* ---- one segment ------------------------------------------------------------------------------- */

/* Booked segments are in the archive; the ones that are being read are in the spool. */
static enum oft_err open_segment(const struct engine *engine, const char *name,
                                 struct meter_segment *segment)
{
    enum oft_err code = meter_segment_open(segment, engine->archive, name, NULL);
    return code == OFT_OK || code == OFT_ERR_MEMORY
               ? code
               : meter_segment_open(segment, engine->spool, name, NULL);
}

/* Calls VISIT with the settlements in the slots [FROM, UNTIL). Damaged ones are passed over: they were not
 * booked. */
typedef enum oft_err (*settlement_fn)(void *context, const struct meter_record *record);
static enum oft_err walk(const struct meter_segment *segment, uint32_t from, uint32_t until,
                         struct meter_record *buffer, settlement_fn visit, void *context)
{
    struct meter_read_result read = {.next = from};
    enum oft_err code = OFT_OK;
    while (code == OFT_OK && read.next < until) {
        uint32_t left = until - read.next;
        uint32_t begin = read.next;
        if (meter_read(segment, METER_ENDED, begin, buffer,
                       left < READ_RECORDS ? left : READ_RECORDS, &read) != OFT_OK ||
            read.next == begin) {
            break; /* it was cut short: what is not there cannot be known */
        }
        for (uint32_t i = 0; code == OFT_OK && i < read.record_count; i++) {
            if (buffer[i].sequence < until && meter_record_kind(&buffer[i]) == METER_SETTLED) {
                code = visit(context, &buffer[i]);
            }
        }
    }
    return code;
}

static bool read_slot(const struct table *table, uint32_t slot, struct meter_record *ret)
{
    struct meter_read_result read;
    return meter_read(&table->segment, METER_ENDED, slot, ret, 1, &read) == OFT_OK &&
           read.record_count == 1 && ret->sequence == slot;
}

static uint64_t hash_of(const uint8_t request_id[16])
{
    uint64_t words[2];
    memcpy(words, request_id, sizeof(words));
    uint64_t hash = (words[1] ^ words[0] * UINT64_C(0xff51afd7ed558ccd));
    return (hash ^ hash >> 32) * UINT64_C(0xc4ceb9fe1a85ec53);
}

/* The cell of REQUEST_ID, of which *ret_record is the first settlement here; or the empty one where it
 * would be. */
static struct cell *find_cell(const struct table *table, const uint8_t request_id[16],
                              struct meter_record *ret_record)
{
    uint64_t hash = hash_of(request_id);
    size_t at = (size_t)(hash >> 32) & (table->capacity - 1);
    for (; table->cells[at].after != 0; at = (at + 1) & (table->capacity - 1)) {
        if (table->cells[at].tag == (uint32_t)hash &&
            read_slot(table, table->cells[at].after - 1, ret_record) &&
            memcmp(ret_record->request_id, request_id, 16) == 0) {
            break;
        }
    }
    return &table->cells[at];
}

static enum oft_err grow(struct table *table)
{
    size_t capacity = table->capacity == 0 ? CELLS_MIN : table->capacity * 2;
    struct table larger = {.segment = table->segment, .capacity = capacity};
    larger.cells = calloc(capacity, sizeof(*larger.cells));
    if (larger.cells == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        struct meter_record record;
        if (table->cells[i].after != 0 && read_slot(table, table->cells[i].after - 1, &record)) {
            struct meter_record other;
            *find_cell(&larger, record.request_id, &other) = table->cells[i];
            larger.count++;
        }
    }
    free(table->cells);
    table->cells = larger.cells;
    table->capacity = larger.capacity;
    table->count = larger.count;
    return OFT_OK;
}

static enum oft_err take_settlement(void *context, const struct meter_record *record)
{
    struct table *table = context;
    struct meter_record first;
    if (table->count * 2 >= table->capacity && grow(table) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    struct cell *cell = find_cell(table, record->request_id, &first);
    if (cell->after == 0) {
        *cell =
            (struct cell){(uint32_t)hash_of(record->request_id), (uint32_t)record->sequence + 1};
        table->count++;
    }
    return OFT_OK;
}

/* ---- which segments ---------------------------------------------------------------------------- */

/* Room for one more table: those that were not used for longest go. */
static void make_room(struct engine_earlier_segments *segments)
{
    for (;;) {
        size_t bytes = 0;
        size_t oldest = 0;
        for (size_t i = 0; i < segments->count; i++) {
            bytes += segments->tables[i].capacity * sizeof(struct cell);
            if (segments->tables[i].last_use < segments->tables[oldest].last_use) {
                oldest = i;
            }
        }
        if (segments->count < TABLES_MAX && bytes < TABLE_BYTES_MAX) {
            return;
        }
        close_table(&segments->tables[oldest]);
        segments->tables[oldest] = segments->tables[--segments->count];
    }
}

static enum oft_err table_of(const struct engine *engine, struct engine_earlier_segments *segments,
                             const char *name, struct table **ret)
{
    for (size_t i = 0; i < segments->count; i++) {
        if (strcmp(segments->tables[i].segment.name, name) == 0) {
            *ret = &segments->tables[i];
            (*ret)->last_use = ++segments->uses;
            return OFT_OK;
        }
    }
    make_room(segments);
    struct table *table = &segments->tables[segments->count];
    memset(table, 0, sizeof(*table));
    enum oft_err code = open_segment(engine, name, &table->segment);
    if (code == OFT_ERR_MEMORY) {
        return code;
    }
    table->missing = code != OFT_OK;
    (void)snprintf(table->segment.name, sizeof(table->segment.name), "%s", name);
    table->last_use = ++segments->uses;
    segments->count++;
    *ret = table;
    return OFT_OK;
}

/* The booked settlement among the slots below UNTIL of the segment NAME. */
static enum oft_err look_into(struct engine *engine, struct engine_earlier_segments *segments,
                              const char *name, uint32_t until, const uint8_t request_id[16],
                              struct engine_earlier *ret, struct oft_error *reterr)
{
    struct table *table = NULL;
    struct meter_record record;
    bool second = false;
    enum oft_err code = table_of(engine, segments, name, &table);
    if (code != OFT_OK || table->missing) {
        return code;
    }
    if (table->covered < until) {
        code =
            walk(&table->segment, table->covered, until, segments->buffer, take_settlement, table);
        table->covered = until;
    }
    if (code != OFT_OK || table->count == 0 || find_cell(table, request_id, &record)->after == 0 ||
        record.sequence >= until) {
        return code;
    }
    /* Of several only the first was booked, and what is compared is compared with that. */
    code =
        store_set_aside_as_second(engine->store, name, (uint32_t)record.sequence, &second, reterr);
    if (code == OFT_OK && !second) {
        ret->kind = ENGINE_EARLIER_RECORD;
        ret->record = record;
    }
    return code;
}

void engine_earlier_forget_spans(struct engine_earlier_segments *segments)
{
    segments->near_known = false;
}

static enum oft_err load_near(struct engine *engine, struct engine_earlier_segments *segments,
                              oft_instant instant, struct oft_error *reterr)
{
    if (segments->near_known && instant >= segments->near_from && instant <= segments->near_until) {
        return OFT_OK;
    }
    oft_arena_release(&segments->arena);
    oft_arena_init(&segments->arena, ENGINE_ARENA_BYTES_MAX);
    segments->near_from = instant < NEAR_NS ? 0 : instant - NEAR_NS;
    segments->near_until = instant > INT64_MAX - NEAR_NS ? INT64_MAX : instant + NEAR_NS;
    enum oft_err code =
        store_spans_between(engine->store, segments->near_from, segments->near_until,
                            &segments->arena, &segments->near, &segments->near_count, reterr);
    segments->near_known = code == OFT_OK;
    return code;
}

enum oft_err engine_earlier_find(struct engine *engine, struct engine_earlier_segments *segments,
                                 const char *segment, const struct meter_record *record,
                                 struct engine_earlier *ret, struct oft_error *reterr)
{
    oft_instant instant = engine_id_instant(record->request_id);
    enum oft_err code = load_near(engine, segments, instant, reterr);
    if (code == OFT_OK && segment != NULL) {
        code = look_into(engine, segments, segment, (uint32_t)record->sequence, record->request_id,
                         ret, reterr);
    }
    for (size_t i = 0;
         code == OFT_OK && ret->kind == ENGINE_EARLIER_NONE && i < segments->near_count; i++) {
        const struct store_span *span = &segments->near[i];
        bool own = segment != NULL && strcmp(span->segment, segment) == 0;
        if (!own && span->first <= instant && instant <= span->last) {
            code = look_into(engine, segments, span->segment, span->until, record->request_id, ret,
                             reterr);
        }
    }
    return code;
}

/* ---- all ids of a segment ---------------------------------------------------------------------- */

struct ids {
    oft_instant edge;
    store_request_fn visit;
    void *context;
    struct oft_error *reterr;
};

static enum oft_err take_id(void *context, const struct meter_record *record)
{
    const struct ids *ids = context;
    return engine_id_instant(record->request_id) < ids->edge
               ? OFT_OK
               : ids->visit(ids->context, record->request_id, ids->reterr);
}

enum oft_err engine_earlier_ids(struct engine *engine, const struct store_span *span,
                                oft_instant edge, store_request_fn visit, void *context,
                                struct oft_error *reterr)
{
    struct meter_segment segment;
    struct ids ids = {edge, visit, context, reterr};
    struct meter_record *buffer = calloc(READ_RECORDS, sizeof(*buffer));
    if (buffer == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err code = open_segment(engine, span->segment, &segment);
    if (code == OFT_OK) {
        code = walk(&segment, 0, span->until, buffer, take_id, &ids);
        meter_segment_close(&segment);
    } else if (code != OFT_ERR_MEMORY) {
        code = OFT_OK; /* it is missing: what it held cannot be known */
    }
    free(buffer);
    return code;
}
