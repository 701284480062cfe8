/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests are settled: a settlement that is read by a later transaction, after a restart, or after
 * the orphan rule had booked the request, is not booked again.
 *
 * The window holds the ids that were settled lately, in memory: every id that begins with the instant
 * `edge` or a later one and was settled is in it. So an id behind the edge that is not in it is new. For an
 * id before the edge, and for the first record of one that is in it, the books are asked (earlier.c): for
 * requests of the orphan rule, and for the segments whose span of instants holds this one.
 *
 * An id begins with the instant of its admission. Nothing here depends on that being true: it is a number
 * that ids are divided by, and only makes those that come together lie together.
 *
 * The window is made from the books: when the engine begins, and after a drain that failed, it is empty,
 * and its edge lies behind all that was settled. So nothing has to be taken back out of it. When it is full
 * or much older than what comes now, the older half goes and the edge moves up.
 */
#include "engine/settled.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_MIN = 1 << 10,
    SLOTS_FREELY = 1 << 18, /* 4 MiB: from here on it grows for what is not old only */
    SLOTS_MAX = 1 << 22,    /* 64 MiB */
    SAMPLES = 1024,
};
#define OLD_NS (3600 * OFT_NS_PER_SECOND)

struct slot {
    uint64_t instant; /* the id's first bytes as a number; 0: the slot is empty */
    uint64_t rest;
};

struct engine_settled {
    bool known; /* made from the books */
    bool has_orphans;
    oft_instant edge; /* at least 1 */
    struct slot *slots;
    size_t capacity, count;
    uint32_t shift; /* of a hash, to the number of its slot */
    struct engine_earlier_segments *earlier;
};

/* ---- the window -------------------------------------------------------------------------------- */

static struct slot slot_of(const uint8_t request_id[16])
{
    struct slot slot;
    memcpy(&slot, request_id, sizeof(slot));
    slot.instant = __builtin_bswap64(slot.instant); /* big endian */
    return slot;
}

/* The books keep signed numbers: what is greater counts as the greatest. */
static oft_instant instant_of(const struct slot *slot)
{
    return slot->instant < INT64_MAX ? (oft_instant)slot->instant : INT64_MAX - 1;
}

oft_instant engine_id_instant(const uint8_t request_id[16])
{
    const struct slot slot = slot_of(request_id);
    return instant_of(&slot);
}

/* A greater hash has a place behind, so that a table that grows is walked in order on both sides. */
static size_t place_of(const struct engine_settled *settled, const struct slot *slot)
{
    uint64_t hash = (slot->rest ^ slot->instant * UINT64_C(0xff51afd7ed558ccd));
    hash = (hash ^ hash >> 32) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(hash >> settled->shift);
}

static struct slot *find(const struct engine_settled *settled, const struct slot *wanted)
{
    size_t at = place_of(settled, wanted);
    while (settled->slots[at].instant != 0 && (settled->slots[at].instant != wanted->instant ||
                                               settled->slots[at].rest != wanted->rest)) {
        at = (at + 1) & (settled->capacity - 1);
    }
    return &settled->slots[at];
}

static void drop_slots(struct engine_settled *settled)
{
    oft_block_free(settled->slots, settled->capacity * sizeof(*settled->slots));
    settled->slots = NULL;
    settled->capacity = settled->count = 0;
}

static enum oft_err resize(struct engine_settled *settled, size_t capacity)
{
    struct engine_settled larger = *settled;
    larger.slots = oft_block_new(capacity * sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return OFT_ERR_MEMORY;
    }
    larger.capacity = capacity;
    larger.shift = 64;
    for (size_t slots = capacity; slots > 1; slots /= 2) {
        larger.shift--;
    }
    for (size_t i = 0; i < settled->capacity; i++) {
        if (settled->slots[i].instant != 0) {
            *find(&larger, &settled->slots[i]) = settled->slots[i];
        }
    }
    larger.count = settled->count;
    drop_slots(settled);
    *settled = larger;
    return OFT_OK;
}

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

/* The instants at the middle and at nine tenths of the window, as a sample tells them: a writer whose clock
 * is wrong moves neither. */
static void sample(const struct engine_settled *settled, oft_instant *ret_middle,
                   oft_instant *ret_late)
{
    oft_instant instants[SAMPLES];
    size_t count = 0;
    size_t step = settled->capacity / SAMPLES;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t at = i * step; at < (i + 1) * step; at++) {
            if (settled->slots[at].instant != 0) {
                instants[count++] = instant_of(&settled->slots[at]);
                break;
            }
        }
    }
    qsort(instants, count, sizeof(*instants), compare_instants);
    *ret_middle = count == 0 ? 0 : instants[count / 2];
    *ret_late = count == 0 ? 0 : instants[count * 9 / 10];
}

/* Moves the edge up to EDGE, in place: each slot is emptied and put back, in a walk that begins at an empty
 * one, so that none is put behind where it was. */
static void let_go_before(struct engine_settled *settled, oft_instant edge)
{
    size_t begin = 0;
    settled->edge = edge;
    while (settled->slots[begin].instant != 0) {
        begin++;
    }
    for (size_t i = 1; i <= settled->capacity; i++) {
        struct slot *slot = &settled->slots[(begin + i) & (settled->capacity - 1)];
        const struct slot taken = *slot;
        if (taken.instant == 0) {
            continue;
        }
        *slot = (struct slot){0};
        if (instant_of(&taken) >= edge) {
            *find(settled, &taken) = taken;
        } else {
            settled->count--;
        }
    }
}

/* Room for one more. */
static enum oft_err make_room(struct engine_settled *settled)
{
    if (settled->capacity == 0) {
        return resize(settled, SLOTS_MIN);
    }
    if (settled->count < settled->capacity / 8 * 5) {
        return OFT_OK;
    }
    oft_instant middle = 0;
    oft_instant late = 0;
    sample(settled, &middle, &late);
    bool old = late > OLD_NS && middle < late - OLD_NS;
    if (settled->capacity < SLOTS_MAX && (settled->capacity < SLOTS_FREELY || !old)) {
        return resize(settled, settled->capacity * 2);
    }
    let_go_before(settled, middle + 1);
    return OFT_OK;
}

enum oft_err engine_settled_add(struct engine *engine, const uint8_t request_id[16])
{
    struct engine_settled *settled = engine->settlements;
    const struct slot wanted = slot_of(request_id);
    enum oft_err code = instant_of(&wanted) < settled->edge ? OFT_OK : make_room(settled);
    if (code != OFT_OK || instant_of(&wanted) < settled->edge) {
        return code; /* what is before the edge is found in its segment */
    }
    struct slot *slot = find(settled, &wanted);
    settled->count += slot->instant == 0 ? 1 : 0;
    *slot = wanted;
    return OFT_OK;
}

void engine_settled_fetch(const struct engine *engine, const uint8_t request_id[16])
{
    const struct engine_settled *settled = engine->settlements;
    const struct slot wanted = slot_of(request_id);
    if (settled->capacity > 0) {
        __builtin_prefetch(&settled->slots[place_of(settled, &wanted)]);
    }
}

/* ---- from the books ---------------------------------------------------------------------------- */

static enum oft_err take_id(void *context, const uint8_t request_id[16], struct oft_error *reterr)
{
    (void)reterr;
    return engine_settled_add(context, request_id);
}

/* The edge lies behind all that was settled, and not in the future: a writer whose clock is wrong would
 * have us ask the books for every record. What was settled after it is taken in. */
static enum oft_err make_window(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_settled *settled = engine->settlements;
    oft_instant latest = OFT_INSTANT_ALWAYS;
    uint8_t orphan[16];
    struct oft_arena arena;
    struct store_span *spans = NULL;
    size_t count = 0;
    drop_slots(settled);
    enum oft_err code = store_span_latest(engine->store, &latest, reterr);
    if (code == OFT_OK) {
        code = store_orphan_latest(engine->store, orphan, &settled->has_orphans, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    if (settled->has_orphans && engine_id_instant(orphan) > latest) {
        latest = engine_id_instant(orphan);
    }
    settled->edge = latest < now_ns ? latest + 1 : now_ns;
    settled->edge = settled->edge < 1 ? 1 : settled->edge;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = store_spans_between(engine->store, settled->edge, INT64_MAX, &arena, &spans, &count,
                               reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        code = engine_earlier_ids(engine, &spans[i], settled->edge, take_id, engine, reterr);
    }
    oft_arena_release(&arena);
    if (code == OFT_OK && settled->has_orphans) {
        uint8_t from[16] = {0};
        for (size_t i = 0; i < 8; i++) {
            from[i] = (uint8_t)((uint64_t)settled->edge >> (56 - 8 * i));
        }
        code = store_orphans_from(engine->store, from, take_id, engine, reterr);
    }
    settled->known = code == OFT_OK;
    return code;
}

enum oft_err engine_settled_begin(struct engine *engine, oft_instant now_ns,
                                  struct oft_error *reterr)
{
    if (engine->settlements == NULL) {
        engine->settlements = calloc(1, sizeof(*engine->settlements));
        if (engine->settlements == NULL) {
            return OFT_ERR_MEMORY;
        }
    }
    struct engine_settled *settled = engine->settlements;
    if (!settled->known) {
        return make_window(engine, now_ns, reterr);
    }
    uint8_t orphan[16];
    return settled->has_orphans
               ? OFT_OK
               : store_orphan_latest(engine->store, orphan, &settled->has_orphans, reterr);
}

void engine_settled_end(struct engine *engine, bool committed)
{
    struct engine_settled *settled = engine->settlements;
    if (settled == NULL) {
        return;
    }
    engine_earlier_free(settled->earlier);
    settled->earlier = NULL;
    settled->known = settled->known && committed;
    if (!settled->known) {
        drop_slots(settled);
    }
}

void engine_settled_free(struct engine_settled *settled)
{
    if (settled != NULL) {
        engine_earlier_free(settled->earlier);
        drop_slots(settled);
        free(settled);
    }
}

enum oft_err engine_settled_span(struct engine *engine, const struct store_span *span,
                                 struct oft_error *reterr)
{
    if (engine->settlements->earlier != NULL) {
        engine_earlier_forget_spans(engine->settlements->earlier);
    }
    return store_span_put(engine->store, span, reterr);
}

/* ---- a record ---------------------------------------------------------------------------------- */

static enum oft_err ask_books(struct engine *engine, const char *segment,
                              const struct meter_record *record, struct engine_earlier *ret,
                              struct oft_error *reterr)
{
    struct engine_settled *settled = engine->settlements;
    struct store_orphan orphan = {0};
    enum oft_err code = OFT_OK;
    if (settled->has_orphans) {
        code = store_orphan_get(engine->store, record->request_id, &orphan, reterr);
    }
    if (code == OFT_OK && orphan.number != 0) {
        ret->kind = ENGINE_EARLIER_RECORD;
        ret->record = orphan.record;
        return OFT_OK;
    }
    if (code == OFT_OK && settled->earlier == NULL) {
        code = engine_earlier_new(&settled->earlier);
    }
    return code != OFT_OK
               ? code
               : engine_earlier_find(engine, settled->earlier, segment, record, ret, reterr);
}

enum oft_err engine_settled_look(struct engine *engine, const char *segment,
                                 const struct meter_record *record, struct engine_earlier *ret,
                                 struct oft_error *reterr)
{
    const struct engine_settled *settled = engine->settlements;
    const struct slot wanted = slot_of(record->request_id);
    bool in_window = instant_of(&wanted) >= settled->edge;
    ret->kind = ENGINE_EARLIER_NONE;
    if (in_window && (settled->count == 0 || find(settled, &wanted)->instant == 0)) {
        return OFT_OK;
    }
    enum oft_err code = ask_books(engine, segment, record, ret, reterr);
    if (code == OFT_OK && in_window && ret->kind == ENGINE_EARLIER_NONE) {
        ret->kind = ENGINE_EARLIER_LOST;
    }
    return code;
}
