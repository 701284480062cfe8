/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corrections of usage: the record is found where it was read from, what it came to is taken back, and what
 * is right is booked in its place, with the event that says who did it: one transaction of the books.
 */
#include "engine/corrections.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "engine/corrections_internal.h"
#include "engine/failpoint.h"
#include "engine/papers.h"
#include "engine/trace_internal.h"

static const char DOMAIN[] = "offtake correction 1\n";

struct correcting {
    const struct engine_correction *asked;
    struct store_correction row;
    struct meter_record base; /* what units that are not set are taken from */
    oft_instant now_ns;
    uint64_t number; /* of the transaction; 0: nothing was to be booked */
    bool booked;
};

/* ---- what is asked ----------------------------------------------------------------------------- */

enum oft_err correction_request_parse(const char *text, uint8_t ret_id[16],
                                      struct oft_error *reterr)
{
    const char *digits = strncmp(text, "req_", 4) == 0 ? text + 4 : text;
    if (strlen(digits) != 32 || oft_unhex(oft_str_from(digits), ret_id, 16) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.60s\" is no request's id: req_ and 32 hex digits, from the header "
                        "x-offtake-request-id",
                        text);
    }
    return OFT_OK;
}

const char *correction_request_text(const uint8_t id[16], char out[CORRECTION_REQUEST_BYTES])
{
    memcpy(out, "req_", 4);
    (void)oft_hex(id, 16, out + 4);
    return out;
}

/* Text of at least one byte without control characters, and without blanks when it is a reference. */
static bool is_text(const char *text, size_t bytes_max, bool blanks)
{
    size_t length = strlen(text);
    bool good = length > 0 && length <= bytes_max;
    for (size_t i = 0; good && i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        good = byte >= (blanks ? 0x20 : 0x21) && byte != 0x7f;
    }
    return good;
}

static enum oft_err check_units(const struct engine_correction *asked, struct oft_error *reterr)
{
    bool any = asked->tier != NULL && asked->tier[0] != '\0';
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        any = any || asked->sets[i];
        if (asked->sets[i] && asked->units[i] > OFT_USAGE_TOKENS_MAX) {
            return oft_fail(reterr, OFT_ERR_INVALID,
                            "no request uses more than %llu units of a class",
                            (unsigned long long)OFT_USAGE_TOKENS_MAX);
        }
    }
    if (any == asked->is_void) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        asked->is_void ? "a request that is void has no units: say one or the other"
                                       : "say what is right: units, a service tier, or that the "
                                         "request is void");
    }
    return OFT_OK;
}

static enum oft_err check_asked(const struct engine_correction *asked, struct oft_error *reterr)
{
    enum oft_err code = engine_actor_check(asked->actor, reterr);
    if (code == OFT_OK && !is_text(asked->reason, CORRECTION_REASON_BYTES_MAX, true)) {
        code = oft_fail(reterr, OFT_ERR_INVALID,
                        "say why, in one line of 1 to %d bytes: the books keep the reason",
                        CORRECTION_REASON_BYTES_MAX);
    }
    if (code == OFT_OK && asked->reference[0] != '\0' && !is_text(asked->reference, 63, false)) {
        code = oft_fail(reterr, OFT_ERR_INVALID, "a reference is 1 to 63 bytes without blanks");
    }
    return code == OFT_OK ? check_units(asked, reterr) : code;
}

/* ---- the record -------------------------------------------------------------------------------- */

static enum oft_err refuse_standing(const struct trace_request *request, struct oft_error *reterr)
{
    switch (request->standing) {
    case TRACE_WAITING:
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the request has not ended yet; correct it once it is booked");
    case TRACE_UNREAD:
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the request is not booked yet: `offtake drain` books it; then again");
    case TRACE_SET_ASIDE:
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the request was set aside (%.60s) and is not in the books",
                        request->set_aside);
    case TRACE_BOOKED:
    case TRACE_BOOKED_ORPHAN:
        break;
    }
    return OFT_OK;
}

/* The record as it was metered. */
static enum oft_err find_metered(struct engine *engine, struct correcting *it,
                                 struct oft_arena *arena, struct oft_error *reterr)
{
    struct trace_request *request = oft_arena_alloc(arena, sizeof(*request));
    bool settled = false;
    if (request == NULL) {
        return OFT_ERR_MEMORY;
    }
    (void)oft_hex(it->row.request_id, 16, request->id);
    enum oft_err code = trace_find(engine, it->row.request_id, request, &settled, reterr);
    if (code == OFT_OK) {
        code = trace_stand(engine, it->row.request_id, settled, request, arena, reterr);
    }
    if (code == OFT_OK) {
        code = refuse_standing(request, reterr);
    }
    it->base = request->settled.record;
    it->row.was = it->base;
    it->row.has_was = true;
    return code;
}

/* The record as the books have it by now. */
static enum oft_err find_record(struct engine *engine, struct correcting *it,
                                struct oft_arena *arena, struct oft_error *reterr)
{
    struct store_correction *before = NULL;
    size_t count = 0;
    enum oft_err code =
        store_corrections(engine->store, it->row.request_id, arena, &before, &count, reterr);
    if (code != OFT_OK) {
        return code;
    }
    if (count == 0) {
        return find_metered(engine, it, arena, reterr);
    }
    const struct store_correction *last = &before[count - 1];
    it->row.has_was = last->has_record;
    it->row.was = last->record;
    it->base = last->has_record ? last->record : last->was;
    return OFT_OK;
}

static enum oft_err put_tier(struct meter_record *record, const char *tier,
                             struct oft_error *reterr)
{
    for (uint32_t i = 0; i < DEAL_VARIANT_COUNT; i++) {
        if (strcmp(tier, deal_variant_text((enum deal_variant)i)) == 0) {
            record->service_tier = (uint8_t)i;
            record->flags &= ~(uint32_t)METER_FLAG_OTHER_TIER;
            return OFT_OK;
        }
    }
    return oft_fail(reterr, OFT_ERR_INVALID,
                    "\"%.40s\" is no service tier; there are standard, batch, flex and priority",
                    tier);
}

/* What is right. Somebody says what was used, so it was served, and nothing in it is a guess. */
static enum oft_err put_right(struct correcting *it, struct oft_error *reterr)
{
    const struct engine_correction *asked = it->asked;
    struct meter_record *record = &it->row.record;
    const uint32_t guessed = METER_FLAG_ESTIMATED | METER_FLAG_UNSETTLED | METER_FLAG_BAD_USAGE;
    it->row.has_record = !asked->is_void;
    if (asked->is_void) {
        return OFT_OK;
    }
    *record = it->base;
    if (record->pool_id == 0 || (record->flags & METER_FLAG_REFUSED)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "no provider served this request: there is nothing that it used");
    }
    record->flags &= ~guessed;
    bool served = record->status >= 200 && record->status <= 299;
    if (!served && !(record->flags & (METER_FLAG_ABORTED | METER_FLAG_CUT))) {
        record->status = 200;
    }
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        record->units[i] = asked->sets[i] ? asked->units[i] : record->units[i];
    }
    return asked->tier == NULL || asked->tier[0] == '\0' ? OFT_OK
                                                         : put_tier(record, asked->tier, reterr);
}

static bool changes_nothing(const struct store_correction *row)
{
    return row->has_was == row->has_record &&
           (!row->has_was || memcmp(&row->was, &row->record, sizeof(row->was)) == 0);
}

/* Whether the reference told the same before. */
static enum oft_err told_before(struct engine *engine, const struct correcting *it,
                                struct oft_arena *arena, bool *ret_told, struct oft_error *reterr)
{
    struct store_correction told;
    *ret_told = false;
    if (it->row.reference[0] == '\0') {
        return OFT_OK;
    }
    enum oft_err code =
        store_correction_told(engine->store, it->row.reference, arena, ret_told, &told, reterr);
    if (code != OFT_OK || !*ret_told) {
        return code;
    }
    const struct engine_correction *asked = it->asked;
    bool same = memcmp(told.request_id, it->row.request_id, sizeof(told.request_id)) == 0 &&
                told.has_record == !asked->is_void;
    for (uint32_t i = 0; same && i < METER_UNITS; i++) {
        same = !asked->sets[i] || told.record.units[i] == asked->units[i];
    }
    if (same && asked->tier != NULL && asked->tier[0] != '\0') {
        same = strcmp(deal_variant_text((enum deal_variant)told.record.service_tier),
                      asked->tier) == 0;
    }
    return same ? OFT_OK
                : oft_fail(reterr, OFT_ERR_CONFLICT,
                           "the reference %s was used for another correction; take another",
                           it->row.reference);
}

/* ---- booking ----------------------------------------------------------------------------------- */

static void put_number(struct oft_sha256 *hash, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    oft_sha256_update(hash, bytes, sizeof(bytes));
}

static void put_record(struct oft_sha256 *hash, bool has, const struct meter_record *record)
{
    put_number(hash, has);
    if (has) {
        oft_sha256_update(hash, record, sizeof(*record));
    }
}

static void put_text(struct oft_sha256 *hash, const char *text)
{
    put_number(hash, strlen(text));
    oft_sha256_update(hash, text, strlen(text));
}

enum oft_err correction_sha256(const struct store_correction *correction, uint8_t ret_sha256[32])
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_sha256_update(hash, DOMAIN, sizeof(DOMAIN) - 1);
    oft_sha256_update(hash, correction->request_id, sizeof(correction->request_id));
    put_record(hash, correction->has_was, &correction->was);
    put_record(hash, correction->has_record, &correction->record);
    put_text(hash, correction->reason);
    put_text(hash, correction->reference);
    oft_sha256_final(hash, ret_sha256);
    oft_sha256_free(hash);
    return OFT_OK;
}

static enum oft_err fill_batch(struct engine *engine, const struct correcting *it,
                               struct ledger_batch *batch, int32_t *ret_month,
                               struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    engine->batch_began = engine->uses;
    enum oft_err code = engine_context_get(engine, it->base.generation, &context, reterr);
    if (code != OFT_OK) {
        return code;
    }
    *ret_month = deal_month_of(context->deal, it->base.admitted_ns);
    if (it->row.has_was) {
        code = ledger_batch_reverse(batch, context->ledger, &it->row.was);
    }
    if (code == OFT_OK && it->row.has_record) {
        code = ledger_batch_add(batch, context->ledger, &it->row.record);
    }
    return code;
}

static enum oft_err post(struct engine *engine, struct correcting *it, struct ledger_batch *batch,
                         int32_t month, struct oft_error *reterr)
{
    struct engine_posted posted = {0};
    struct ledger_event event = {.month = month};
    (void)snprintf(event.what, sizeof(event.what), "%s",
                   it->row.has_record ? "usage-correct" : "usage-void");
    (void)snprintf(event.actor, sizeof(event.actor), "%s", it->asked->actor);
    (void)correction_request_text(it->row.request_id, event.about);
    enum oft_err code = correction_sha256(&it->row, event.sha256);
    if (code == OFT_OK) {
        code = engine_post_told(engine, batch, &event, it->now_ns, &posted, reterr);
    }
    it->row.number = posted.number;
    return code == OFT_OK ? store_correction_put(engine->store, &it->row, reterr) : code;
}

static enum oft_err book(struct engine *engine, struct correcting *it, struct oft_error *reterr)
{
    struct ledger_batch *batch = NULL;
    int32_t month = 0;
    enum oft_err code = ledger_batch_new(&batch);
    if (code == OFT_OK) {
        code = fill_batch(engine, it, batch, &month, reterr);
    }
    if (code == OFT_OK) {
        code = post(engine, it, batch, month, reterr);
    }
    ledger_batch_free(batch);
    return code;
}

static enum oft_err book_once(struct engine *engine, struct correcting *it, struct oft_arena *arena,
                              struct oft_error *reterr)
{
    bool told = false;
    enum oft_err code = store_begin(engine->store, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = find_record(engine, it, arena, reterr);
    if (code == OFT_OK) {
        code = told_before(engine, it, arena, &told, reterr);
    }
    if (code == OFT_OK && !told) {
        code = put_right(it, reterr);
    }
    it->booked = code == OFT_OK && !told && !changes_nothing(&it->row);
    if (it->booked) {
        code = book(engine, it, reterr);
        engine_failpoint("correction-before-commit");
        code = code == OFT_OK ? store_commit(engine->store, reterr) : code;
    }
    if (code != OFT_OK || !it->booked) {
        store_rollback(engine->store);
    }
    return code;
}

static enum oft_err answer(const struct correcting *it, struct oft_buffer *out)
{
    const struct store_correction *row = &it->row;
    char request[CORRECTION_REQUEST_BYTES];
    return engine_json_out(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:o, s:o}", "request",
                  correction_request_text(row->request_id, request), "what",
                  it->asked->is_void ? "void" : "corrected", "by", it->asked->actor, "reason",
                  row->reason, "reference", row->reference, "transaction", (json_int_t)row->number,
                  "booked", (int)it->booked, "was", correction_record_json(row->has_was, &row->was),
                  "is",
                  it->booked ? correction_record_json(row->has_record, &row->record)
                             : correction_record_json(row->has_was, &row->was)),
        out);
}

enum oft_err engine_correct_usage(struct engine *engine, const struct engine_correction *correction,
                                  oft_instant now_ns, struct oft_buffer *out,
                                  struct oft_error *reterr)
{
    struct oft_arena arena;
    struct correcting it = {
        .asked = correction,
        .row = {.reason = correction->reason, .reference = correction->reference},
        .now_ns = now_ns};
    enum oft_err code = engine->deal != NULL
                            ? check_asked(correction, reterr)
                            : oft_fail(reterr, OFT_ERR_NOT_FOUND, "no deal is published yet");
    if (code == OFT_OK) {
        code = correction_request_parse(correction->request, it.row.request_id, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = book_once(engine, &it, &arena, reterr);
    if (code == OFT_OK && it.booked) {
        code = engine_accrue(engine, now_ns, reterr);
    }
    if (code == OFT_OK) {
        code = answer(&it, out);
    }
    oft_arena_release(&arena);
    return code;
}
