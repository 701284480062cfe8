/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intents in the books whose request was never settled: when their writer is gone and all that it left has
 * been read, the ledger's rule settles them.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/drain_internal.h"
#include "store/trace.h"

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
    struct engine_earlier earlier;
    uint64_t booked = drain->result.unsettled;
    enum oft_err code = engine_settled_look(drain->engine, NULL, intent, &earlier, drain->reterr);
    if (code != OFT_OK || earlier.kind != ENGINE_EARLIER_NONE) {
        return code; /* an intent after its settlement is out of order: it changes nothing */
    }
    ledger_settle_orphan(intent, &settled);
    code = drain_book(drain, &nowhere, &settled, &drain->result.unsettled);
    if (code == OFT_OK) {
        drain->moved = true;
        code = engine_settled_add(drain->engine, intent->request_id);
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

enum oft_err drain_settle_orphans(struct drain *drain)
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
