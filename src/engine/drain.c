/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From spool to books. One call, one transaction: what was read, what it means, and how far we read
 * commit together, so a record counts exactly once whatever is killed when.
 *
 * An intent whose request has no settlement waits in the books. It is an orphan, and settled by the
 * ledger's rule, when its writer is gone and all that the writer left has been read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "engine/drain_internal.h"
#include "engine/failpoint.h"
#include "engine/watch_internal.h"

enum { FETCHED_AHEAD = 8 }; /* records whose ids are asked for while one is booked */

/* ---- records ----------------------------------------------------------------------------------- */

/* A record of a policy that the books do not know cannot be rated; it is kept aside, loudly. */
static enum oft_err set_aside(struct drain *drain, const struct visit *visit,
                              const struct meter_record *record, const char *why)
{
    drain->result.unrated++;
    return store_quarantine(drain->engine->store, visit->name, (uint32_t)record->sequence, why,
                            drain->now_ns, drain->reterr);
}

enum oft_err drain_book(struct drain *drain, const struct visit *visit,
                        const struct meter_record *record, uint64_t *count)
{
    struct engine_context *context = NULL;
    enum oft_err code =
        engine_context_get(drain->engine, record->generation, &context, drain->reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return set_aside(drain, visit, record, "unknown policy");
    }
    if (code != OFT_OK) {
        return code;
    }
    code = ledger_batch_add(drain->batch, context->ledger, record);
    *count += code == OFT_OK ? 1 : 0;
    return code == OFT_OK ? engine_spent_add(&drain->spent, context->deal, record) : code;
}

/* It counts once: the first one holds. */
static enum oft_err set_aside_second(struct drain *drain, const struct visit *visit,
                                     const struct meter_record *record, bool alike)
{
    uint64_t *count = alike ? &drain->result.doubled : &drain->result.conflicts;
    *count += 1;
    return store_quarantine(drain->engine->store, visit->name, (uint32_t)record->sequence,
                            alike ? "settled twice" : "settled twice, and not alike", drain->now_ns,
                            drain->reterr);
}

/* The request is not settled in this drain, as far as its intents tell. */
static enum oft_err book_first(struct drain *drain, struct visit *visit,
                               const struct meter_record *record,
                               struct engine_earlier *ret_earlier)
{
    struct engine *engine = drain->engine;
    enum oft_err code =
        engine_settled_look(engine, visit->name, record, ret_earlier, drain->reterr);
    if (code != OFT_OK || ret_earlier->kind != ENGINE_EARLIER_NONE) {
        bool alike = ret_earlier->kind == ENGINE_EARLIER_RECORD &&
                     engine_intents_alike(&ret_earlier->record, record);
        return code != OFT_OK ? code : set_aside_second(drain, visit, record, alike);
    }
    code = drain_book(drain, visit, record, &drain->result.settled);
    if (code != OFT_OK) {
        return code;
    }
    oft_instant instant = engine_id_instant(record->request_id);
    visit->first = visit->any && visit->first < instant ? visit->first : instant;
    visit->last = visit->any && visit->last > instant ? visit->last : instant;
    visit->any = true;
    return engine_settled_add(engine, record->request_id);
}

static enum oft_err take_settled(struct drain *drain, struct visit *visit,
                                 const struct meter_record *record)
{
    struct engine_earlier earlier; /* large: filled in only when there is one */
    enum engine_seen seen = engine_intents_seen(&drain->intents, record);
    if (seen == ENGINE_SETTLED_ALIKE || seen == ENGINE_SETTLED_OTHERWISE) {
        return set_aside_second(drain, visit, record, seen == ENGINE_SETTLED_ALIKE);
    }
    enum oft_err code = book_first(drain, visit, record, &earlier);
    if (code != OFT_OK) {
        return code;
    }
    engine_intents_settle(&drain->intents,
                          earlier.kind == ENGINE_EARLIER_RECORD ? &earlier.record : record);
    /* A request with several attempts may have an intent here and an earlier one in the database. */
    if (drain->stored_intents > 0 && (seen != ENGINE_INTENT_OPEN || record->attempts > 1)) {
        return store_intent_delete(drain->engine->store, record->request_id, drain->reterr);
    }
    return OFT_OK;
}

static enum oft_err take_record(struct drain *drain, struct visit *visit,
                                const struct meter_record *record)
{
    engine_spans_note(drain->engine, record);
    if (drain->oldest_ns == 0 || record->recorded_ns < drain->oldest_ns) {
        drain->oldest_ns = record->recorded_ns;
    }
    if (meter_record_kind(record) == METER_INTENT) {
        return engine_intents_put(&drain->intents, visit->writer, record);
    }
    return take_settled(drain, visit, record);
}

/* ---- segments ---------------------------------------------------------------------------------- */

static enum oft_err note_damage(struct drain *drain, const struct visit *visit,
                                const struct meter_read_result *read,
                                const struct meter_record *records)
{
    enum oft_err code = OFT_OK;
    uint32_t expected = visit->next;
    for (uint32_t i = 0; i <= read->record_count && read->corrupt_count > 0; i++) {
        uint32_t good = i < read->record_count ? (uint32_t)records[i].sequence : read->next;
        for (; code == OFT_OK && expected < good; expected++) {
            code = store_quarantine(drain->engine->store, visit->name, expected, "corrupt",
                                    drain->now_ns, drain->reterr);
        }
        expected = good + 1;
    }
    if (code == OFT_OK && read->torn) {
        code = store_quarantine(drain->engine->store, visit->name, read->next, "torn",
                                drain->now_ns, drain->reterr);
        drain->result.torn++;
        drain->moved = true;
    }
    drain->result.corrupt += read->corrupt_count;
    return code;
}

/* What one look into the segment finds; RET_ALL says whether that was all of it. */
static enum oft_err read_chunk(struct drain *drain, struct visit *visit,
                               const struct meter_segment *segment, bool *ret_all)
{
    struct meter_record *records = drain->engine->read_buffer;
    struct meter_read_result read;
    uint32_t asked =
        drain->budget > OFT_DRAIN_RECORDS_MAX ? OFT_DRAIN_RECORDS_MAX : (uint32_t)drain->budget;
    enum oft_err code = meter_read(segment, visit->state, visit->next, records, asked, &read);
    *ret_all = true;
    if (code != OFT_OK) {
        visit->unreadable = true;
        return store_quarantine(drain->engine->store, visit->name, visit->next, "unreadable",
                                drain->now_ns, drain->reterr);
    }
    visit->damaged = visit->damaged || read.torn || read.corrupt_count > 0;
    code = note_damage(drain, visit, &read, records);
    visit->next = read.next;
    for (uint32_t i = 0; code == OFT_OK && i < read.record_count; i++) {
        if (i + FETCHED_AHEAD < read.record_count) {
            engine_settled_fetch(drain->engine, records[i + FETCHED_AHEAD].request_id);
        }
        code = take_record(drain, visit, &records[i]);
        if (code == OFT_ERR_LIMIT) {
            /* As many policies as one batch may hold: the rest next time. */
            visit->next = (uint32_t)records[i].sequence;
            drain->budget = 0;
            drain->more = true;
            code = OFT_OK;
            break;
        }
        drain->result.records++;
        drain->budget -= drain->budget > 0 ? 1 : 0;
    }
    *ret_all = visit->next == read.next && read.record_count < asked;
    return code;
}

/* Many looks are one transaction: what a month's lines come to is worked out once for all of them. */
static enum oft_err read_open_segment(struct drain *drain, struct visit *visit,
                                      const struct meter_segment *segment)
{
    bool all = false;
    enum oft_err code = OFT_OK;
    while (code == OFT_OK && !all && drain->budget > 0) {
        code = read_chunk(drain, visit, segment, &all);
        if (ledger_batch_kinds(drain->batch) >= OFT_TRANSACTION_KINDS_MAX) {
            drain->budget = 0;
        }
    }
    if (code == OFT_OK && visit->any) {
        struct store_span span = {.first = visit->first, .last = visit->last, .until = visit->next};
        (void)snprintf(span.segment, sizeof(span.segment), "%s", visit->name);
        code = engine_settled_span(drain->engine, &span, drain->reterr);
    }
    visit->finished = all && visit->state != METER_WRITING && !visit->unreadable;
    drain->more = drain->more || !all;
    return code;
}

/* The writer as the file's name has it, <writer>-<number>.spool: what cannot be opened may hold its
 * settlements, so that none of its intents is an orphan yet. */
static void name_writer(struct visit *visit)
{
    const char *dash = strrchr(visit->name, '-');
    size_t length = dash == NULL ? 0 : (size_t)(dash - visit->name);
    if (length < sizeof(visit->writer)) {
        memcpy(visit->writer, visit->name, length);
        visit->writer[length] = '\0';
    }
}

/* A writer's segments are read in order and none before the one ahead of it is at its end. Else we
 * would read what was just written to the next one, but not the last records of this one, written
 * after we looked: a settlement before its intent, which would then be an orphan for good. */
static bool must_wait(const struct drain *drain, const struct visit *visit)
{
    for (const struct visit *before = drain->visits; before < visit; before++) {
        if (before->in_the_way && strcmp(before->writer, visit->writer) == 0) {
            return true;
        }
    }
    return false;
}

/* A segment is what its header says, under whatever name: one that was put back under another name holds
 * what is booked already. */
static bool is_under_its_name(const struct visit *visit, const struct meter_segment *segment)
{
    char name[sizeof(visit->name)];
    int length = snprintf(name, sizeof(name), "%.63s-%06llu.spool", segment->header.writer,
                          (unsigned long long)segment->header.segment_number);
    return length > 0 && (size_t)length < sizeof(name) && strcmp(name, visit->name) == 0;
}

static enum oft_err read_segment(struct drain *drain, struct visit *visit)
{
    struct meter_segment segment;
    struct oft_error error = {0};
    enum oft_err code =
        store_position_get(drain->engine->store, visit->name, &visit->from, drain->reterr);
    visit->next = visit->from;
    if (code != OFT_OK) {
        return code;
    }
    code = meter_segment_open(&segment, drain->engine->spool, visit->name, &error);
    if (code != OFT_OK) {
        visit->unreadable = true;
        /* No file or memory to be had may pass; what is written wrong stays so, and is passed over. */
        visit->in_the_way = code == OFT_ERR_IO || code == OFT_ERR_MEMORY;
        name_writer(visit);
        (void)snprintf(drain->engine->last_error, sizeof(drain->engine->last_error), "%s",
                       error.message);
        return store_quarantine(drain->engine->store, visit->name, 0, "unreadable", drain->now_ns,
                                drain->reterr);
    }
    (void)snprintf(visit->writer, sizeof(visit->writer), "%.63s", segment.header.writer);
    visit->state = meter_segment_state(&segment);
    if (!is_under_its_name(visit, &segment)) {
        visit->unreadable = true;
        meter_segment_close(&segment);
        (void)snprintf(drain->engine->last_error, sizeof(drain->engine->last_error),
                       "%s is another segment under that name: give it its own, %.63s-%06llu.spool",
                       visit->name, segment.header.writer,
                       (unsigned long long)segment.header.segment_number);
        return store_quarantine(drain->engine->store, visit->name, 0, "renamed", drain->now_ns,
                                drain->reterr);
    }
    if (drain->budget == 0) {
        drain->more = true;
    } else if (!must_wait(drain, visit)) {
        code = read_open_segment(drain, visit, &segment);
    }
    visit->in_the_way = !visit->finished && !visit->unreadable;
    meter_segment_close(&segment);
    drain->moved = drain->moved || visit->next != visit->from;
    return code;
}

static enum oft_err list_segments(struct drain *drain)
{
    char **names = NULL;
    size_t count = 0;
    enum oft_err code = meter_list(drain->engine->spool, &names, &count, drain->reterr);
    if (code != OFT_OK) {
        return code;
    }
    drain->visits = calloc(count + 1, sizeof(*drain->visits));
    if (drain->visits == NULL) {
        code = OFT_ERR_MEMORY;
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        (void)snprintf(drain->visits[i].name, sizeof(drain->visits[i].name), "%s", names[i]);
    }
    drain->visit_count = code == OFT_OK ? count : 0;
    meter_names_free(names, count);
    return code;
}

static enum oft_err keep_open_intents(struct drain *drain)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < drain->intents.capacity; i++) {
        const struct engine_intent *intent = &drain->intents.slots[i];
        if (intent->used && !intent->settled) {
            code = store_intent_put(drain->engine->store, intent->writer, &intent->record,
                                    drain->reterr);
        }
    }
    return code;
}

/* ---- the transaction --------------------------------------------------------------------------- */

static size_t fill_ranges(const struct drain *drain, struct ledger_range *ranges)
{
    size_t count = 0;
    for (size_t i = 0; i < drain->visit_count; i++) {
        const struct visit *visit = &drain->visits[i];
        if (visit->next != visit->from) {
            (void)snprintf(ranges[count].segment, sizeof(ranges[count].segment), "%s", visit->name);
            ranges[count].from = visit->from;
            ranges[count].until = visit->next;
            count++;
        }
    }
    return count;
}

static enum oft_err post(struct drain *drain)
{
    struct engine *engine = drain->engine;
    struct engine_posted posted;
    struct ledger_range *ranges = calloc(drain->visit_count + 1, sizeof(*ranges));
    if (ranges == NULL) {
        return OFT_ERR_MEMORY;
    }
    size_t count = fill_ranges(drain, ranges);
    enum oft_err code =
        engine_post(engine, drain->batch, ranges, count, drain->now_ns, &posted, drain->reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        code = store_position_set(engine->store, ranges[i].segment, ranges[i].until, drain->reterr);
    }
    drain->result.unrated += code == OFT_OK ? posted.unrated : 0;
    if (code == OFT_OK) {
        code = engine_spent_write(&drain->spent, engine->store, drain->reterr);
    }
    free(ranges);
    return code;
}

static enum oft_err drain_in_transaction(struct drain *drain)
{
    uint8_t hash[32];
    oft_instant recorded_ns;
    enum oft_err code =
        store_intent_count(drain->engine->store, &drain->stored_intents, drain->reterr);
    if (code == OFT_OK) {
        code = store_chain_head(drain->engine->store, &drain->last_number, hash, &recorded_ns,
                                drain->reterr);
    }
    if (code == OFT_OK) {
        code = engine_settled_begin(drain->engine, drain->now_ns, drain->reterr);
    }
    if (code == OFT_OK) {
        code = list_segments(drain);
    }
    for (size_t i = 0; code == OFT_OK && i < drain->visit_count; i++) {
        code = read_segment(drain, &drain->visits[i]);
        engine_failpoint("drain-read");
    }
    if (code == OFT_OK) {
        code = keep_open_intents(drain);
    }
    if (code == OFT_OK) {
        code = drain_settle_orphans(drain);
    }
    if (code == OFT_OK) {
        code = store_intent_count(drain->engine->store, &drain->result.open_intents, drain->reterr);
    }
    if (code == OFT_OK && drain->moved) {
        code = post(drain);
    }
    return code;
}

/* A segment that is read to its end leaves the spool; one that never held a record is deleted. A
 * crash before this point leaves it for the next drain, which finds nothing new in it. */
static void archive_finished(struct drain *drain)
{
    struct engine *engine = drain->engine;
    int archive = -1;
    for (size_t i = 0; i < drain->visit_count; i++) {
        const struct visit *visit = &drain->visits[i];
        char from[METER_PATH_BYTES_MAX];
        if (!visit->finished || visit->unreadable) {
            continue;
        }
        int printed = snprintf(from, sizeof(from), "%s/%s", engine->spool, visit->name);
        if (printed < 0 || (size_t)printed >= sizeof(from)) {
            continue;
        }
        if (archive < 0) {
            /* The workers own the directory around it: it may have become a link. */
            archive = open(engine->archive, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int failed = visit->next == 0 && !visit->damaged
                         ? unlink(from)
                         : renameat(AT_FDCWD, from, archive, visit->name);
        if (failed != 0 && errno != ENOENT) {
            (void)snprintf(engine->last_error, sizeof(engine->last_error),
                           "cannot archive %.120s: %s", visit->name, strerror(errno));
        }
    }
    if (archive >= 0) {
        (void)close(archive);
    }
}

static enum oft_err drain_and_commit(struct drain *drain)
{
    struct store *store = drain->engine->store;
    enum oft_err code = store_begin(store, drain->reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = drain_in_transaction(drain);
    engine_failpoint("drain-before-commit");
    if (code == OFT_OK) {
        code = store_commit(store, drain->reterr);
    }
    if (code != OFT_OK) {
        store_rollback(store);
        return code;
    }
    engine_failpoint("drain-before-archive");
    archive_finished(drain);
    return OFT_OK;
}

static void count_result(struct engine *engine, const struct engine_drain_result *result)
{
    engine->records += result->records;
    engine->settled += result->settled;
    engine->unsettled += result->unsettled;
    engine->unrated += result->unrated;
    engine->corrupt += result->corrupt;
    engine->torn += result->torn;
}

enum oft_err engine_drain(struct engine *engine, oft_instant now_ns,
                          struct engine_drain_result *ret_result, struct oft_error *reterr)
{
    struct drain drain = {
        .engine = engine, .now_ns = now_ns, .budget = engine->drain_records_max, .reterr = reterr};
    engine->batch_began = engine->uses;
    enum oft_err code = ledger_batch_new(&drain.batch);
    if (code == OFT_OK) {
        code = drain_and_commit(&drain);
    }
    engine_settled_end(engine, code == OFT_OK);
    engine_spans_end(engine, code == OFT_OK);
    ledger_batch_free(drain.batch);
    engine_intents_release(&drain.intents);
    engine_spent_release(&drain.spent);
    free(drain.visits);
    if (code != OFT_OK) {
        if (reterr != NULL && reterr->message[0] != '\0') {
            (void)snprintf(engine->last_error, sizeof(engine->last_error), "%s", reterr->message);
        }
        return code;
    }
    drain.result.more = drain.more;
    engine_watch_drained(engine, now_ns, drain.more, drain.oldest_ns);
    count_result(engine, &drain.result);
    *ret_result = drain.result;
    return OFT_OK;
}
