/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intents of one drain by request id: an open-addressing table. Most requests begin and end
 * within one drain, and then their intent never touches the database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

enum { SETTLED_KEPT_MAX = 131072 }; /* slots of a table that remembers what is settled */

void engine_intents_release(struct engine_intents *intents)
{
    free(intents->slots);
    memset(intents, 0, sizeof(*intents));
}

/* Request ids end in bytes that are as good as random. */
static size_t first_slot(const struct engine_intents *intents, const uint8_t request_id[16])
{
    uint64_t hash;
    memcpy(&hash, request_id + 8, sizeof(hash));
    return (size_t)hash & (intents->capacity - 1);
}

static struct engine_intent *find(const struct engine_intents *intents,
                                  const uint8_t request_id[16])
{
    size_t at = first_slot(intents, request_id);
    while (intents->slots[at].used &&
           memcmp(intents->slots[at].record.request_id, request_id, 16) != 0) {
        at = (at + 1) & (intents->capacity - 1);
    }
    return &intents->slots[at];
}

/* Settled ones are let go of when there are many, as they are at the end of a drain. */
static enum oft_err grow(struct engine_intents *intents)
{
    bool full = intents->capacity >= SETTLED_KEPT_MAX;
    size_t open = 0;
    for (size_t i = 0; full && i < intents->capacity; i++) {
        open += intents->slots[i].used && !intents->slots[i].settled;
    }
    bool larger_needed = !full || open * 4 >= intents->capacity;
    struct engine_intents larger = {.capacity = intents->capacity == 0 ? 256
                                                : larger_needed        ? intents->capacity * 2
                                                                       : intents->capacity};
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < intents->capacity; i++) {
        if (intents->slots[i].used && !(full && intents->slots[i].settled)) {
            *find(&larger, intents->slots[i].record.request_id) = intents->slots[i];
            larger.count++;
        }
    }
    free(intents->slots);
    *intents = larger;
    return OFT_OK;
}

enum oft_err engine_intents_put(struct engine_intents *intents, const char *writer,
                                const struct meter_record *record)
{
    if (intents->count * 2 >= intents->capacity && grow(intents) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    struct engine_intent *slot = find(intents, record->request_id);
    if (!slot->used) {
        slot->used = true;
        intents->count++;
    }
    if (!slot->settled) { /* an intent after its settlement is out of order: it changes nothing */
        slot->record = *record;
        (void)snprintf(slot->writer, sizeof(slot->writer), "%.63s", writer);
    }
    return OFT_OK;
}

bool engine_intents_alike(const struct meter_record *a, const struct meter_record *b)
{
    struct meter_record x = *a;
    struct meter_record y = *b;
    x.commit = y.commit = 0;
    x.crc32c = y.crc32c = 0;
    x.sequence = y.sequence = 0;
    x.recorded_ns = y.recorded_ns = 0;
    return memcmp(&x, &y, sizeof(x)) == 0;
}

enum engine_seen engine_intents_seen(const struct engine_intents *intents,
                                     const struct meter_record *settled)
{
    if (intents->capacity == 0) {
        return ENGINE_INTENT_UNSEEN;
    }
    const struct engine_intent *slot = find(intents, settled->request_id);
    return !slot->used                                    ? ENGINE_INTENT_UNSEEN
           : !slot->settled                               ? ENGINE_INTENT_OPEN
           : engine_intents_alike(&slot->record, settled) ? ENGINE_SETTLED_ALIKE
                                                          : ENGINE_SETTLED_OTHERWISE;
}

void engine_intents_settle(struct engine_intents *intents, const struct meter_record *settled)
{
    struct engine_intent *slot = intents->capacity == 0 ? NULL : find(intents, settled->request_id);
    if (slot != NULL && slot->used) {
        slot->record = *settled;
        slot->settled = true;
    }
}
