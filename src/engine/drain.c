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
#include "engine/failpoint.h"
#include "engine/internal.h"
#include "store/trace.h"

/* One segment in one drain. */
struct visit {
    char name[128];
    char writer[64];
    enum meter_segment_state state;
    uint32_t from, next;
    bool finished; /* read to its end, and nothing will follow */
    bool unreadable;
    bool damaged;    /* something in it could not be booked: its bytes are kept */
    bool in_the_way; /* it may hold records older than those of its writer's next segments */
};

struct drain {
    struct engine *engine;
    oft_instant now_ns;
    struct visit *visits;
    size_t visit_count;
    struct ledger_batch *batch;
    struct engine_intents intents;
    uint64_t stored_intents; /* open intents in the database when the drain began */
    uint64_t last_number;    /* of the journal, before this drain */
    size_t budget;           /* records that may still be read */
    bool more;
    bool moved; /* anything to commit */
    struct engine_drain_result result;
    struct oft_error *reterr;
};

/* ---- records ----------------------------------------------------------------------------------- */

/* A record of a policy that the books do not know cannot be rated; it is kept aside, loudly. */
static enum oft_err set_aside(struct drain *drain, const struct visit *visit,
                              const struct meter_record *record, const char *why)
{
    drain->result.unrated++;
    return store_quarantine(drain->engine->store, visit->name, (uint32_t)record->sequence, why,
                            drain->now_ns, drain->reterr);
}

/* Adds to COUNT what is booked, and not what is set aside. */
static enum oft_err book(struct drain *drain, const struct visit *visit,
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
    return code;
}

static enum oft_err take_settled(struct drain *drain, const struct visit *visit,
                                 const struct meter_record *record)
{
    enum oft_err code = book(drain, visit, record, &drain->result.settled);
    if (code != OFT_OK) {
        return code;
    }
    bool here = engine_intents_settle(&drain->intents, record->request_id);
    /* A request with several attempts may have an intent here and an earlier one in the database. */
    if (drain->stored_intents > 0 && (!here || record->attempts > 1)) {
        return store_intent_delete(drain->engine->store, record->request_id, drain->reterr);
    }
    return OFT_OK;
}

static enum oft_err take_record(struct drain *drain, const struct visit *visit,
                                const struct meter_record *record)
{
    if (meter_record_kind(record) == METER_INTENT) {
        return engine_intents_put(&drain->intents, visit->writer, record);
    }
    return take_settled(drain, visit, record);
}

/* ---- segments ---------------------------------------------------------------------------------- */

static enum oft_err note_damage(struct drain *drain, const struct visit *visit,
                                const struct meter_segment *segment,
                                const struct meter_read_result *read,
                                const struct meter_record *records)
{
    enum oft_err code = OFT_OK;
    uint32_t expected = visit->from;
    (void)segment;
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

static enum oft_err read_open_segment(struct drain *drain, struct visit *visit,
                                      const struct meter_segment *segment)
{
    struct meter_record *records = drain->engine->read_buffer;
    struct meter_read_result read;
    uint32_t asked =
        drain->budget > OFT_DRAIN_RECORDS_MAX ? OFT_DRAIN_RECORDS_MAX : (uint32_t)drain->budget;
    enum oft_err code = meter_read(segment, visit->state, visit->from, records, asked, &read);
    if (code != OFT_OK) {
        visit->unreadable = true;
        return store_quarantine(drain->engine->store, visit->name, visit->from, "unreadable",
                                drain->now_ns, drain->reterr);
    }
    visit->damaged = read.torn || read.corrupt_count > 0;
    code = note_damage(drain, visit, segment, &read, records);
    visit->next = read.next;
    for (uint32_t i = 0; code == OFT_OK && i < read.record_count; i++) {
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
    bool all = visit->next == read.next && read.record_count < asked;
    visit->finished = all && visit->state != METER_WRITING;
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

/* A header says whose segment it is and which. Positions go by the file's name: under another one its
 * records would be read once more. */
static bool has_its_name(const struct meter_segment *segment)
{
    char name[sizeof(segment->name)];
    (void)snprintf(name, sizeof(name), "%.63s-%06llu.spool", segment->header.writer,
                   (unsigned long long)segment->header.segment_number);
    return strcmp(name, segment->name) == 0;
}

static enum oft_err refuse_copy(struct drain *drain, struct visit *visit,
                                const struct meter_segment *segment)
{
    visit->unreadable = true;
    name_writer(visit);
    (void)snprintf(drain->engine->last_error, sizeof(drain->engine->last_error),
                   "%.120s is segment %llu of writer %.63s under another name and is not booked: "
                   "take it out of spool/, or give it its name back",
                   visit->name, (unsigned long long)segment->header.segment_number,
                   segment->header.writer);
    return store_quarantine(drain->engine->store, visit->name, 0, "unreadable", drain->now_ns,
                            drain->reterr);
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
    if (!has_its_name(&segment)) {
        code = refuse_copy(drain, visit, &segment);
        meter_segment_close(&segment);
        return code;
    }
    (void)snprintf(visit->writer, sizeof(visit->writer), "%.63s", segment.header.writer);
    visit->state = meter_segment_state(&segment);
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

/* ---- orphans ----------------------------------------------------------------------------------- */

/* A writer is gone when none of its segments is being written and all are read to their end. A
 * segment that appeared since the list was made means that it was alive then: wait. */
static bool writer_gone(const struct drain *drain, const char *writer, char *const *names_now,
                        size_t count_now)
{
    for (size_t i = 0; i < drain->visit_count; i++) {
        const struct visit *visit = &drain->visits[i];
        if (strcmp(visit->writer, writer) == 0 && !visit->finished) {
            return false;
        }
    }
    size_t length = strlen(writer);
    for (size_t n = 0; n < count_now; n++) {
        if (strncmp(names_now[n], writer, length) != 0) {
            continue;
        }
        bool listed = false;
        for (size_t i = 0; i < drain->visit_count && !listed; i++) {
            listed = strcmp(drain->visits[i].name, names_now[n]) == 0;
        }
        if (!listed) {
            return false;
        }
    }
    return true;
}

static enum oft_err settle_orphan(struct drain *drain, const struct meter_record *intent)
{
    struct meter_record settled;
    struct visit nowhere = {.name = "open intents"};
    uint64_t booked = drain->result.unsettled;
    ledger_settle_orphan(intent, &settled);
    enum oft_err code = book(drain, &nowhere, &settled, &drain->result.unsettled);
    if (code == OFT_OK) {
        drain->moved = true;
    }
    /* It stands in no range of the transaction that books it: the row is the way back. */
    const struct store_orphan orphan = {drain->last_number + 1, settled};
    return code == OFT_OK && drain->result.unsettled > booked
               ? store_orphan_put(drain->engine->store, &orphan, drain->reterr)
               : code;
}

struct orphan_search {
    struct drain *drain;
    char **names;
    size_t name_count;
    struct meter_record *found;
    size_t count, capacity;
};

static enum oft_err collect_orphan(void *context, const char *writer,
                                   const struct meter_record *intent, struct oft_error *reterr)
{
    struct orphan_search *search = context;
    (void)reterr;
    if (!writer_gone(search->drain, writer, search->names, search->name_count)) {
        return OFT_OK;
    }
    if (search->count == search->capacity) {
        size_t capacity = search->capacity == 0 ? 64 : search->capacity * 2;
        void *larger = realloc(search->found, capacity * sizeof(*search->found));
        if (larger == NULL) {
            return OFT_ERR_MEMORY;
        }
        search->found = larger;
        search->capacity = capacity;
    }
    search->found[search->count++] = *intent;
    return OFT_OK;
}

/* What is still open goes to the database; what is open there for a writer that is gone is settled. */
static enum oft_err settle_orphans(struct drain *drain)
{
    struct store *store = drain->engine->store;
    uint64_t open = 0;
    enum oft_err code = store_intent_count(store, &open, drain->reterr);
    if (code != OFT_OK || open == 0 || drain->more) {
        return code;
    }
    struct orphan_search search = {.drain = drain};
    code = meter_list(drain->engine->spool, &search.names, &search.name_count, drain->reterr);
    if (code == OFT_OK) {
        code = store_intents(store, collect_orphan, &search, drain->reterr);
    }
    for (size_t i = 0; code == OFT_OK && i < search.count; i++) {
        code = settle_orphan(drain, &search.found[i]);
        if (code ==
            OFT_ERR_LIMIT) { /* as many policies as one batch may hold: the rest next time */
            drain->more = true;
            code = OFT_OK;
            break;
        }
        if (code == OFT_OK) {
            code = store_intent_delete(store, search.found[i].request_id, drain->reterr);
        }
    }
    meter_names_free(search.names, search.name_count);
    free(search.found);
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
        code = settle_orphans(drain);
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
        .engine = engine, .now_ns = now_ns, .budget = OFT_DRAIN_RECORDS_MAX, .reterr = reterr};
    engine->batch_began = engine->uses;
    enum oft_err code = ledger_batch_new(&drain.batch);
    if (code == OFT_OK) {
        code = drain_and_commit(&drain);
    }
    ledger_batch_free(drain.batch);
    engine_intents_release(&drain.intents);
    free(drain.visits);
    if (code != OFT_OK) {
        if (reterr != NULL && reterr->message[0] != '\0') {
            (void)snprintf(engine->last_error, sizeof(engine->last_error), "%s", reterr->message);
        }
        return code;
    }
    drain.result.more = drain.more;
    count_result(engine, &drain.result);
    *ret_result = drain.result;
    return OFT_OK;
}
