/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the past where they lie: in spool/archive, or still in spool/. Nothing is locked, moved or
 * marked; the drain is of the same thread, so no segment moves while one is read here.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "engine/trace_internal.h"
#include "store/spans.h"

/* ---- a range ----------------------------------------------------------------------------------- */

enum oft_err trace_read(struct engine *engine, const struct ledger_range *range,
                        trace_record_fn visit, void *context, bool *ret_missing,
                        struct oft_error *reterr)
{
    struct meter_segment segment;
    struct meter_read_result read = {.next = range->from};
    struct trace_sighting sighting = {.archived = true};
    enum oft_err code = meter_segment_open(&segment, engine->archive, range->segment, NULL);
    if (code != OFT_OK) {
        sighting.archived = false;
        code = meter_segment_open(&segment, engine->spool, range->segment, NULL);
    }
    *ret_missing = code != OFT_OK;
    if (code != OFT_OK) {
        return OFT_OK; /* the caller says so */
    }
    (void)snprintf(sighting.segment, sizeof(sighting.segment), "%s", range->segment);
    while (code == OFT_OK && read.next < range->until) {
        uint32_t left = range->until - read.next;
        uint32_t from = read.next;
        code = meter_read(&segment, METER_ENDED, from, engine->read_buffer,
                          left < OFT_DRAIN_RECORDS_MAX ? left : OFT_DRAIN_RECORDS_MAX, &read);
        for (uint32_t i = 0; code == OFT_OK && i < read.record_count; i++) {
            sighting.record = engine->read_buffer[i];
            sighting.slot = (uint32_t)sighting.record.sequence;
            if (sighting.slot < range->until) {
                code = visit(context, &sighting, reterr);
            }
        }
        if (read.next == from) {
            *ret_missing = true; /* it ends before what was booked from it */
            break;
        }
    }
    meter_segment_close(&segment);
    return code;
}

/* ---- a request --------------------------------------------------------------------------------- */

static const struct meter_record *slot_of(const struct meter_segment *segment, uint32_t slot)
{
    return (const void *)(segment->bytes + METER_HEADER_BYTES + (size_t)slot * METER_RECORD_BYTES);
}

/* How many slots were written to; a segment is written front to back. */
static uint32_t written(const struct meter_segment *segment)
{
    uint32_t low = 0;
    uint32_t high = segment->capacity;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (__atomic_load_n(&slot_of(segment, middle)->commit, __ATOMIC_ACQUIRE) != 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A request's id begins with the instant of its admission, and a record says when it was written. */
static bool may_hold(const struct meter_segment *segment, uint32_t count, oft_instant admitted)
{
    if (count == 0) {
        return false;
    }
    oft_instant first = slot_of(segment, 0)->recorded_ns;
    oft_instant last = slot_of(segment, count - 1)->recorded_ns;
    return last >= admitted && (oft_nanos)first - OFT_NS_PER_DAY <= admitted;
}

/* Of two settlements the one that was booked counts; RET_SETTLED: it is that one. The other is kept for the
 * case that no segment has the first any longer. */
static enum oft_err take(struct engine *engine, struct trace_request *request,
                         const struct meter_segment *segment, const struct meter_record *record,
                         bool archived, bool *ret_settled, struct oft_error *reterr)
{
    bool intent = meter_record_kind(record) == METER_INTENT;
    bool second = false;
    uint32_t slot = (uint32_t)record->sequence;
    enum oft_err code = OFT_OK;
    if (intent && request->intent_count == TRACE_SIGHTINGS_MAX) {
        return OFT_OK;
    }
    if (!intent) {
        code = store_set_aside_as_second(engine->store, segment->name, slot, &second, reterr);
    }
    struct trace_sighting *sighting =
        intent ? &request->intents[request->intent_count++] : &request->settled;
    (void)snprintf(sighting->segment, sizeof(sighting->segment), "%s", segment->name);
    sighting->slot = slot;
    sighting->archived = archived;
    sighting->record = *record;
    *ret_settled = !intent && !second;
    return code;
}

static enum oft_err search_segment(struct engine *engine, const struct meter_segment *segment,
                                   const uint8_t id[16], oft_instant admitted, bool archived,
                                   struct trace_request *request, bool *settled,
                                   struct oft_error *reterr)
{
    uint32_t count = written(segment);
    enum oft_err code = OFT_OK;
    if (admitted != 0 && !may_hold(segment, count, admitted)) {
        return OFT_OK;
    }
    for (uint32_t slot = 0; code == OFT_OK && slot < count && !*settled; slot++) {
        struct meter_record record;
        if (memcmp(slot_of(segment, slot)->request_id, id, 16) != 0) {
            continue;
        }
        memcpy(&record, slot_of(segment, slot), sizeof(record));
        if (meter_record_valid(&record, slot)) {
            code = take(engine, request, segment, &record, archived, settled, reterr);
        }
    }
    return code;
}

/* ADMITTED 0: look everywhere. A writer's segments are in order of their names, and older ones are in
 * the archive: what is found first is the first attempt. */
static enum oft_err search(struct engine *engine, const uint8_t id[16], oft_instant admitted,
                           struct trace_request *request, bool *settled, struct oft_error *reterr)
{
    const char *const directories[] = {engine->archive, engine->spool};
    enum oft_err code = OFT_OK;
    request->intent_count = 0;
    for (size_t d = 0; code == OFT_OK && d < OFT_COUNT_OF(directories) && !*settled; d++) {
        char **names = NULL;
        size_t count = 0;
        code = meter_list(directories[d], &names, &count, reterr);
        for (size_t i = 0; code == OFT_OK && i < count && !*settled; i++) {
            struct meter_segment segment;
            if (meter_segment_open(&segment, directories[d], names[i], NULL) == OFT_OK) {
                code = search_segment(engine, &segment, id, admitted, d == 0, request, settled,
                                      reterr);
                meter_segment_close(&segment);
            }
        }
        meter_names_free(names, count);
    }
    return code;
}

enum oft_err trace_find(struct engine *engine, const uint8_t id[16], struct trace_request *request,
                        bool *ret_settled, struct oft_error *reterr)
{
    uint64_t admitted = 0;
    for (size_t i = 0; i < 8; i++) {
        admitted = admitted << 8 | id[i];
    }
    *ret_settled = false;
    enum oft_err code = OFT_OK;
    if (admitted > 0 && admitted < INT64_MAX) {
        code = search(engine, id, (oft_instant)admitted, request, ret_settled, reterr);
    }
    /* The clock was set back, or the answer took more than a day. */
    if (code == OFT_OK && !*ret_settled) {
        code = search(engine, id, 0, request, ret_settled, reterr);
    }
    *ret_settled = *ret_settled || request->settled.segment[0] != '\0';
    return code;
}
