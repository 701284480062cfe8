/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to events. Every length is bounded by what is left, every value by its type, and what could be
 * written in two ways is accepted in one: bytes that decode encode to themselves.
 */
#include <endian.h>

#include "base/hash.h"
#include "desk/journal_bytes.h"

struct reader {
    const uint8_t *at, *end;
    struct oft_arena *arena;
    char *texts, *texts_end; /* where the next text goes; NULL before the first */
    const char *wrong;       /* NULL while all is well */
    bool memory;
};

static void fail(struct reader *r, const char *what)
{
    if (r->wrong == NULL) {
        r->wrong = what;
    }
    r->at = r->end;
}

static void fail_memory(struct reader *r)
{
    r->memory = r->memory || r->wrong == NULL;
    fail(r, "out of memory");
}

/* The next BYTES as a number; zero, and a failure, when there are fewer. */
static inline uint64_t take(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        fail(r, "it is cut short");
        return 0;
    }
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    return le64toh(value);
}

static oft_nanos take_nanos(struct reader *r)
{
    uint64_t low = take(r, 8);
    return (oft_nanos)((oft_u128)take(r, 8) << 64 | low);
}

/* A number below LIMIT. */
static unsigned take_enum(struct reader *r, unsigned least, unsigned limit)
{
    unsigned value = (unsigned)take(r, 1);
    if (value < least || value >= limit) {
        fail(r, "a number stands for nothing");
        return least;
    }
    return value;
}

static void *room(struct reader *r, size_t count, size_t item_bytes)
{
    void *items = r->wrong != NULL ? NULL : oft_arena_alloc_array(r->arena, count, item_bytes);
    if (items == NULL) {
        fail_memory(r);
    }
    return items;
}

/* LENGTH bytes as a text. A text and its NUL are no longer than its length and its bytes, so that what is
 * left of the event at its first text has room for all of them: one allocation for an event's texts. */
static struct oft_str copy_text(struct reader *r, size_t length, size_t prefix)
{
    if (r->texts == NULL) {
        size_t size = (size_t)(r->end - r->at) + prefix;
        r->texts = oft_arena_alloc(r->arena, size);
        if (r->texts == NULL) {
            fail_memory(r);
            return OFT_STR_LITERAL("");
        }
        r->texts_end = r->texts + size;
    }
    OFT_ASSERT(length < (size_t)(r->texts_end - r->texts));
    struct oft_str text = {r->texts, length};
    memcpy(r->texts, r->at, length);
    r->texts[length] = '\0';
    r->texts += length + 1;
    r->at += length;
    return text;
}

static struct oft_str take_str(struct reader *r, size_t bytes_max, unsigned prefix)
{
    size_t length = (size_t)take(r, prefix);
    if (length > bytes_max || length > (size_t)(r->end - r->at) ||
        (length > 0 && memchr(r->at, 0, length) != NULL)) {
        fail(r, "a text is too long, or holds a zero");
        return OFT_STR_LITERAL("");
    }
    return length == 0 ? OFT_STR_LITERAL("") : copy_text(r, length, prefix);
}

static const char *take_text(struct reader *r)
{
    return take_str(r, JOURNAL_TEXT_BYTES_MAX, 4).data;
}

static const char *take_label(struct reader *r)
{
    return take_str(r, JOURNAL_NAME_BYTES_MAX, 2).data;
}

/* An empty name says nothing: it has no id. */
static struct desk_name take_name(struct reader *r, enum oft_id_kind kind)
{
    struct oft_str text = take_str(r, JOURNAL_NAME_BYTES_MAX, 2);
    return (struct desk_name){text.length == 0 ? 0 : oft_id_of(kind, text), text.data};
}

static struct desk_name take_needed(struct reader *r, enum oft_id_kind kind)
{
    struct desk_name taken = take_name(r, kind);
    if (taken.id == 0) {
        fail(r, "a name is missing");
    }
    return taken;
}

/* How many items of at least LEAST bytes follow. */
static uint32_t take_count(struct reader *r, size_t least)
{
    uint32_t count = (uint32_t)take(r, 2);
    if (count > JOURNAL_LIST_MAX || count > (size_t)(r->end - r->at) / least) {
        fail(r, "a list is longer than what follows");
        return 0;
    }
    return count;
}

static struct desk_names take_names(struct reader *r, enum oft_id_kind kind)
{
    uint32_t count = take_count(r, 3);
    struct desk_name *items = count == 0 ? NULL : room(r, count, sizeof(*items));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        items[i] = take_needed(r, kind);
    }
    return (struct desk_names){items, r->wrong == NULL ? count : 0};
}

static struct desk_terms take_terms(struct reader *r)
{
    uint32_t count = take_count(r, 38);
    struct desk_term *items = count == 0 ? NULL : room(r, count, sizeof(*items));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        items[i].name = take_needed(r, OFT_ID_WORD);
        items[i].kind = take_enum(r, DESK_TERM_AMOUNT, DESK_TERM_TEXT + 1);
        items[i].number = take_nanos(r);
        items[i].text = take_name(r, OFT_ID_WORD);
        items[i].cash_nanos = take_nanos(r);
        if (items[i].cash_nanos < -1) {
            fail(r, "a term is worth less than nothing");
        }
        if (i > 0 && strcmp(items[i - 1].name.text, items[i].name.text) >= 0) {
            fail(r, "terms are not in order");
        }
    }
    if (count > DESK_TERMS_MAX) {
        fail(r, "there are too many terms");
    }
    return (struct desk_terms){items, r->wrong == NULL ? count : 0};
}

static struct oft_period take_period(struct reader *r)
{
    struct oft_period period = {.count = (uint32_t)take(r, 4)};
    period.unit = take_enum(r, OFT_PERIOD_HOURS, OFT_PERIOD_YEARS + 1);
    period.roll = take_enum(r, OFT_ROLL_FOLLOWING, OFT_ROLL_NONE + 1);
    return period;
}

static void take_window(struct reader *r, struct desk_window *window)
{
    *window = (struct desk_window){.calendar = {0, ""}, .zone = {0, ""}};
    window->said = take_enum(r, 0, 2) == 1;
    if (window->said) {
        window->period = take_period(r);
        window->start = take_enum(r, DESK_FROM_DELIVERED, DESK_FROM_DEEMED + 1);
        window->calendar = take_name(r, OFT_ID_WORD);
        window->zone = take_name(r, OFT_ID_WORD);
    }
}

/* ---- what events bring ----------------------------------------------------------------------- */

static const struct desk_need *take_need(struct reader *r)
{
    struct desk_need *need = room(r, 1, sizeof(*need));
    if (need == NULL) {
        return NULL;
    }
    need->product = take_needed(r, OFT_ID_PRODUCT);
    need->accelerator = take_name(r, OFT_ID_WORD);
    need->region = take_name(r, OFT_ID_WORD);
    need->unit = take_enum(r, DESK_SIZE_GPU, DESK_SIZE_MW + 1);
    need->quantity = take(r, 8);
    need->from = (oft_instant)take(r, 8);
    need->months = (uint32_t)take(r, 4);
    need->hours = take(r, 8);
    need->ceiling_nanos = take_nanos(r);
    need->deal = take_enum(r, DESK_DEAL_NEW, DESK_DEAL_EXPANSION + 1);
    if ((need->deal & (need->deal - 1)) != 0) {
        fail(r, "a need is of one kind of deal");
    }
    need->provider = take_name(r, OFT_ID_WORD);
    need->group = take_name(r, OFT_ID_WORD);
    need->part_of = (uint32_t)take(r, 4);
    need->open_until = (oft_instant)take(r, 8);
    need->terms = take_terms(r);
    need->note = take_text(r);
    return need;
}

static const struct desk_offer *take_offer(struct reader *r)
{
    struct desk_offer *offer = room(r, 1, sizeof(*offer));
    if (offer == NULL) {
        return NULL;
    }
    offer->need = (uint32_t)take(r, 4);
    offer->party = take_needed(r, OFT_ID_PARTY);
    offer->provider = take_needed(r, OFT_ID_WORD);
    offer->quantity = take(r, 8);
    offer->valid_until = (oft_instant)take(r, 8);
    offer->bundled_nanos = take_nanos(r);
    offer->programme = take_text(r);
    offer->tranche = take_text(r);
    offer->site = take_text(r);
    offer->affirmed = take_names(r, OFT_ID_WORD);
    offer->terms = take_terms(r);
    return offer;
}

static const struct desk_delivery_terms *take_delivery(struct reader *r)
{
    struct desk_delivery_terms *delivery = room(r, 1, sizeof(*delivery));
    if (delivery == NULL) {
        return NULL;
    }
    delivery->deliver_by = (oft_instant)take(r, 8);
    delivery->cure = take_period(r);
    delivery->late_rate_ppb = (int64_t)take(r, 8);
    delivery->late_per = take_period(r);
    delivery->late_cap_ppb = (int64_t)take(r, 8);
    delivery->late_terminate = take_enum(r, 0, 2) == 1;
    delivery->under = take_name(r, OFT_ID_WORD);
    return delivery;
}

static void take_right_lists(struct reader *r, struct desk_right *right)
{
    uint32_t count = take_count(r, 7);
    struct desk_carve_out *carve_outs = count == 0 ? NULL : room(r, count, sizeof(*carve_outs));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        carve_outs[i].name = take_needed(r, OFT_ID_WORD);
        carve_outs[i].text = take_text(r);
    }
    right->carve_outs = carve_outs;
    right->carve_out_count = count;
    right->bona_fide = take_names(r, OFT_ID_WORD);
    count = take_count(r, 7);
    struct desk_holder *holders = count == 0 ? NULL : room(r, count, sizeof(*holders));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        holders[i].party = take_needed(r, OFT_ID_PARTY);
        holders[i].rank = (uint32_t)take(r, 4);
    }
    right->holders = holders;
    right->holder_count = count;
    count = take_count(r, 12);
    struct desk_compare *compares = count == 0 ? NULL : room(r, count, sizeof(*compares));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        compares[i].name = take_needed(r, OFT_ID_WORD);
        compares[i].better = take_enum(r, DESK_EQUAL, DESK_HIGHER + 1);
        compares[i].tolerance_ppb = (int64_t)take(r, 8);
    }
    right->compares = compares;
    right->compare_count = count;
}

static void take_right_flags(struct reader *r, struct desk_right *right)
{
    unsigned flags = (unsigned)take(r, 2);
    if ((flags & ~(unsigned)RIGHT_FLAGS_ALL) != 0) {
        fail(r, "a right says what this version does not know");
    }
    right->simultaneous = (flags & RIGHT_SIMULTANEOUS) != 0;
    right->cash_equivalent = (flags & RIGHT_CASH) != 0;
    right->partial = (flags & RIGHT_PARTIAL) != 0;
    right->counterparty_any = (flags & RIGHT_COUNTERPARTY_ANY) != 0;
    right->one_time = (flags & RIGHT_ONE_TIME) != 0;
    right->suspend_on_default = (flags & RIGHT_SUSPEND) != 0;
    right->assignable = (flags & RIGHT_ASSIGNABLE) != 0;
    right->ends_on_control = (flags & RIGHT_CONTROL) != 0;
    right->pending_void = (flags & RIGHT_PENDING_VOID) != 0;
    right->governing_at_need = (flags & RIGHT_AT_NEED) != 0;
}

static const struct desk_right *take_right(struct reader *r)
{
    struct desk_right *right = room(r, 1, sizeof(*right));
    if (right == NULL) {
        return NULL;
    }
    right->clause = take_needed(r, OFT_ID_WORD);
    right->kind = take_enum(r, DESK_RIGHT_REFUSAL, DESK_RIGHT_EXCLUSIVE + 1);
    right->from = (oft_instant)take(r, 8);
    right->until = (oft_instant)take(r, 8);
    right->end = take_enum(r, DESK_ENDS_EXPIRED, DESK_ENDS_AMENDED + 1);
    right->ended_by = take_name(r, OFT_ID_WORD);
    right->provider = take_name(r, OFT_ID_WORD);
    right->except_groups = take_names(r, OFT_ID_WORD);
    right->products = take_names(r, OFT_ID_PRODUCT);
    right->regions = take_names(r, OFT_ID_WORD);
    right->accelerators = take_names(r, OFT_ID_WORD);
    right->floor.kind = take_enum(r, DESK_SIZE_NONE, DESK_SIZE_MONEY + 1);
    right->floor.amount = take_nanos(r);
    right->deals = take_enum(r, 0, 8);
    take_right_lists(r, right);
    take_right_flags(r, right);
    right->disclose = take_enum(r, DESK_DISCLOSE_NOTHING, DESK_DISCLOSE_IDENTITY + 1);
    right->match = take_enum(r, DESK_MATCH_ALL, DESK_MATCH_LISTED + 1);
    right->partial_minimum = take(r, 8);
    right->partial_step = take(r, 8);
    right->partial_unit = take_enum(r, DESK_SIZE_NONE, DESK_SIZE_MW + 1);
    for (unsigned i = 0; i < RIGHT_WINDOWS; i++) {
        take_window(r, (struct desk_window *)(uintptr_t)journal_window(right, i));
    }
    right->standing_defaults = (uint32_t)take(r, 4);
    right->remedy = take_text(r);
    return right;
}

static const struct oft_calendar *take_calendar(struct reader *r)
{
    struct oft_calendar *calendar = room(r, 1, sizeof(*calendar));
    if (calendar == NULL) {
        return NULL;
    }
    calendar->name = take_label(r);
    calendar->closed_weekdays = (uint8_t)take_enum(r, 0, 128);
    calendar->known_from = (oft_day)take(r, 4);
    calendar->known_until = (oft_day)take(r, 4);
    uint32_t count = take_count(r, 4);
    oft_day *holidays = count == 0 ? NULL : room(r, count, sizeof(*holidays));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        holidays[i] = (oft_day)take(r, 4);
        if (i > 0 && holidays[i] <= holidays[i - 1]) {
            fail(r, "holidays are not in order");
        }
    }
    calendar->holidays = holidays;
    calendar->holiday_count = count;
    if (calendar->name[0] == '\0') {
        fail(r, "a calendar has no name");
    }
    return calendar;
}

static const struct oft_zone *take_zone(struct reader *r)
{
    struct oft_zone *zone = room(r, 1, sizeof(*zone));
    if (zone == NULL) {
        return NULL;
    }
    zone->name = take_label(r);
    uint32_t count = take_count(r, 12);
    struct oft_zone_change *changes = room(r, count == 0 ? 1 : count, sizeof(*changes));
    for (uint32_t i = 0; i < count && r->wrong == NULL; i++) {
        changes[i].from = (oft_instant)take(r, 8);
        changes[i].offset_s = (int32_t)take(r, 4);
        bool in_order =
            i == 0 ? changes[i].from == OFT_INSTANT_ALWAYS : changes[i].from > changes[i - 1].from;
        if (!in_order || changes[i].offset_s <= -86400 || changes[i].offset_s >= 86400) {
            fail(r, "a zone's changes are not in order");
        }
    }
    zone->changes = changes;
    zone->change_count = count;
    if (zone->name[0] == '\0' || count == 0) {
        fail(r, "a zone has no name, or no offset");
    }
    return zone;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void take_payload(struct reader *r, struct desk_event *event)
{
    switch (event->kind) {
    case DESK_NEED_OPENED:
        event->need_opened = take_need(r);
        break;
    case DESK_OFFER_ADDED:
        event->offer_added = take_offer(r);
        break;
    case DESK_RIGHT:
        event->right = take_right(r);
        break;
    case DESK_SIGNED:
        event->delivery = take_delivery(r);
        break;
    case DESK_CALENDAR:
        event->calendar = take_calendar(r);
        break;
    case DESK_ZONE:
        event->zone = take_zone(r);
        break;
    default:
        fail(r, "it brings what its kind does not");
    }
}

static void take_names_of(struct reader *r, unsigned parts, struct desk_event *event)
{
    if ((parts & PART_ACTOR) != 0) {
        event->actor = take_needed(r, OFT_ID_PARTY);
    }
    event->party = event->actor;
    if ((parts & PART_PARTY) != 0) {
        event->party = take_name(r, OFT_ID_PARTY);
        if (event->party.id == event->actor.id) {
            fail(r, "the party is told twice");
        }
    }
    if ((parts & PART_OTHER) != 0) {
        event->other = take_needed(r, event->kind == DESK_ASSIGNED ? OFT_ID_PARTY : OFT_ID_WORD);
    }
}

static void take_references(struct reader *r, unsigned parts, struct desk_event *event)
{
    uint32_t *references[] = {&event->need, &event->offer, &event->lot, &event->notice,
                              &event->order};
    for (unsigned i = 0; i < 5; i++) {
        if ((parts & ((unsigned)PART_NEED << i)) != 0) {
            *references[i] = (uint32_t)take(r, 4);
            if (*references[i] == DESK_NONE) {
                fail(r, "a reference to nothing");
            }
        }
    }
}

static void take_hash(struct reader *r, uint8_t ret_hash[32])
{
    if ((size_t)(r->end - r->at) < 32) {
        fail(r, "it is cut short");
        return;
    }
    memcpy(ret_hash, r->at, 32);
    r->at += 32;
}

static void take_rest(struct reader *r, unsigned parts, struct desk_event *event)
{
    static const uint8_t no_hash[32];
    if ((parts & PART_QUANTITY) != 0 && (event->quantity = take(r, 8)) == 0) {
        fail(r, "a quantity of nothing");
    }
    if ((parts & PART_TERMS) != 0) {
        event->terms = take_terms(r);
        if (event->terms.count == 0) {
            fail(r, "terms without a term");
        }
    }
    if ((parts & PART_NAME) != 0) {
        event->name = take_needed(r, OFT_ID_WORD);
    }
    if ((parts & PART_NAMES) != 0) {
        event->names = take_names(r, OFT_ID_WORD);
        if (event->names.count == 0) {
            fail(r, "names without a name");
        }
    }
    if ((parts & PART_TEXT) != 0) {
        event->text = take_text(r);
        if (event->text[0] == '\0') {
            fail(r, "a text without a word");
        }
    }
    if ((parts & PART_HASH) != 0) {
        take_hash(r, event->hash);
        if (memcmp(event->hash, no_hash, sizeof(no_hash)) == 0) {
            fail(r, "a hash of zeroes");
        }
    }
    if ((parts & PART_PAYLOAD) != 0) {
        take_payload(r, event);
    }
}

enum oft_err desk_event_decode(const void *bytes, size_t length, uint64_t number,
                               struct oft_arena *arena, struct desk_event *ret_event,
                               struct oft_error *reterr)
{
    static const uint8_t nothing[1];
    struct reader r = {.at = length == 0 ? nothing : bytes, .arena = arena};
    r.end = r.at + length;
    if (length > DESK_EVENT_BYTES_MAX) {
        fail(&r, "it is too long");
    }
    unsigned version = (unsigned)take(&r, 1);
    if (r.wrong == NULL && version != JOURNAL_VERSION) {
        return oft_fail(reterr, OFT_ERR_VERSION,
                        "event %llu of the desk's journal is of version %u; this program knows "
                        "version %d",
                        (unsigned long long)number, version, JOURNAL_VERSION);
    }
    unsigned kind = take_enum(&r, DESK_CUSTOMER, DESK_EVENT_KIND_COUNT);
    unsigned parts = (unsigned)take(&r, 2);
    *ret_event = desk_event_of(kind, (oft_instant)take(&r, 8));
    ret_event->number = number;
    if ((parts & PART_HAPPENED) != 0) {
        ret_event->happened = (oft_instant)take(&r, 8);
        if (ret_event->happened == ret_event->at) {
            fail(&r, "an instant is told twice");
        }
    }
    take_names_of(&r, parts, ret_event);
    take_references(&r, parts, ret_event);
    take_rest(&r, parts, ret_event);
    if (r.wrong == NULL && r.at != r.end) {
        r.wrong = "there is more behind it";
    }
    if (r.wrong != NULL) {
        return oft_fail(reterr, r.memory ? OFT_ERR_MEMORY : OFT_ERR_CORRUPT,
                        "event %llu of the desk's journal cannot be read: %s",
                        (unsigned long long)number, r.wrong);
    }
    return OFT_OK;
}
