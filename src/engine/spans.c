/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to spans. A request's id gives its spans their ids, so that gateway and daemon need not tell each
 * other: the request's span is the id's second half, and that of its n-th attempt differs from it in the last
 * byte, by n. Without a trace of the client's the trace is the request's id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/watch_internal.h"

enum {
    NOTED_MAX = 4096, /* settlements of one drain that become spans */
    INTENTS = 8192,   /* attempts that are remembered until their request ends */
    ATTEMPTS_MAX = 16,
    SPAN_BYTES_MAX = 8192
};

struct watch_tracer {
    struct engine_spans spans;
    struct meter_record *noted;
    size_t noted_count;
    uint64_t too_many;
    struct meter_record
        *intents; /* by request and attempt; a newer one takes the place of an older */
};

enum oft_err engine_spans_begin(struct engine *engine, const struct engine_spans *spans,
                                struct oft_error *reterr)
{
    struct watch_tracer *tracer = calloc(1, sizeof(*tracer));
    engine->watch->tracer = tracer;
    if (tracer == NULL || (tracer->noted = calloc(NOTED_MAX, sizeof(*tracer->noted))) == NULL ||
        (tracer->intents = calloc(INTENTS, sizeof(*tracer->intents))) == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    tracer->spans = *spans;
    return OFT_OK;
}

void engine_spans_free(struct engine_watch *watch)
{
    if (watch->tracer != NULL) {
        free(watch->tracer->noted);
        free(watch->tracer->intents);
        free(watch->tracer);
        watch->tracer = NULL;
    }
}

/* ---- what a drain reads ------------------------------------------------------------------------ */

static uint64_t id_half(const uint8_t request_id[16])
{
    uint64_t value;
    memcpy(&value, request_id + 8, sizeof(value));
    return value;
}

static struct meter_record *intent_place(const struct watch_tracer *tracer,
                                         const uint8_t request_id[16], unsigned attempt)
{
    uint64_t mixed = (id_half(request_id) + attempt) * UINT64_C(0x9e3779b97f4a7c15);
    return &tracer->intents[mixed % INTENTS];
}

/* The client's own decision, else ours, the same for all spans of a request. */
static bool is_sampled(const struct watch_tracer *tracer, const struct meter_record *record)
{
    if (record->trace_flags & METER_TRACE_SENT) {
        return (record->trace_flags & METER_TRACE_SAMPLED) != 0;
    }
    uint64_t mixed = id_half(record->request_id) * UINT64_C(0xbf58476d1ce4e5b9);
    return (mixed >> 32) % tracer->spans.one_of == 0;
}

void engine_spans_note(struct engine *engine, const struct meter_record *record)
{
    struct watch_tracer *tracer = engine->watch->tracer;
    if (tracer == NULL || !is_sampled(tracer, record)) {
        return;
    }
    if (meter_record_kind(record) == METER_INTENT) {
        *intent_place(tracer, record->request_id, record->attempts) = *record;
    } else if (tracer->noted_count < NOTED_MAX) {
        tracer->noted[tracer->noted_count++] = *record;
    } else {
        tracer->too_many++;
    }
}

/* ---- JSON of OTLP ------------------------------------------------------------------------------ */

struct span {
    struct oft_buffer *out;
    const struct engine_watch *watch;
    const struct meter_record *settled;
    bool first; /* of the attributes */
};

static void text_append(struct oft_buffer *out, struct oft_str text)
{
    oft_buffer_append_char(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            oft_buffer_append_char(out, '\\');
        }
        oft_buffer_append_char(out, c < 0x20 ? ' ' : (char)c);
    }
    oft_buffer_append_char(out, '"');
}

static void key_append(struct span *it, const char *key)
{
    oft_buffer_printf(it->out, "%s{\"key\":\"%s\",\"value\":", it->first ? "" : ",", key);
    it->first = false;
}

static void attribute_str(struct span *it, const char *key, struct oft_str value)
{
    if (value.length > 0) {
        key_append(it, key);
        oft_buffer_append_text(it->out, "{\"stringValue\":");
        text_append(it->out, value);
        oft_buffer_append_text(it->out, "}}");
    }
}

static void attribute(struct span *it, const char *key, const char *value)
{
    attribute_str(it, key, oft_str_from(value));
}

static void attribute_number(struct span *it, const char *key, uint64_t value)
{
    key_append(it, key);
    oft_buffer_printf(it->out, "{\"intValue\":\"%llu\"}}", (unsigned long long)value);
}

static void hex_append(struct oft_buffer *out, const char *member, const uint8_t *bytes,
                       size_t length)
{
    char hex[33];
    oft_buffer_printf(out, "\"%s\":\"%s\",", member, oft_hex(bytes, length, hex));
}

/* The request's id begins with the instant of the real clock. */
static uint64_t began_ns(const struct meter_record *record)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | record->request_id[i];
    }
    return value;
}

static void span_id(const struct meter_record *record, unsigned attempt, uint8_t out[8])
{
    memcpy(out, record->request_id + 8, 8);
    out[7] ^= (uint8_t)attempt;
}

/* From the brace to the attributes' bracket. */
static void span_begin(struct span *it, unsigned attempt, unsigned kind, uint64_t from_ns,
                       uint64_t until_ns)
{
    const struct meter_record *record = it->settled;
    bool sent = (record->trace_flags & METER_TRACE_SENT) != 0;
    uint8_t id[8], parent[8];
    char scratch[32];
    span_id(record, attempt, id);
    span_id(record, 0, parent);
    oft_buffer_append_char(it->out, '{');
    hex_append(it->out, "traceId", sent ? record->trace_id : record->request_id, 16);
    hex_append(it->out, "spanId", id, 8);
    if (attempt > 0) {
        hex_append(it->out, "parentSpanId", parent, 8);
    } else if (sent) {
        hex_append(it->out, "parentSpanId", record->parent_span_id, 8);
    }
    oft_buffer_append_text(it->out, "\"name\":");
    char name[160];
    (void)snprintf(name, sizeof(name), "%s %s", watch_operation(record->operation),
                   watch_name(it->watch, record->model_id, scratch));
    text_append(it->out, oft_str_from(name));
    oft_buffer_printf(it->out,
                      ",\"kind\":%u,\"startTimeUnixNano\":\"%llu\",\"endTimeUnixNano\":\"%llu\","
                      "\"attributes\":[",
                      kind, (unsigned long long)from_ns,
                      (unsigned long long)(until_ns < from_ns ? from_ns : until_ns));
    it->first = true;
}

/* What both kinds of spans tell of a request. */
static void common_attributes(struct span *it)
{
    char scratch[32];
    const struct meter_record *record = it->settled;
    attribute(it, "gen_ai.operation.name", watch_operation(record->operation));
    attribute(it, "gen_ai.request.model", watch_name(it->watch, record->model_id, scratch));
    if (record->max_output_tokens > 0) {
        attribute_number(it, "gen_ai.request.max_tokens", record->max_output_tokens);
    }
}

static void usage_attributes(struct span *it)
{
    const uint64_t *units = it->settled->units;
    attribute_number(it, "gen_ai.usage.input_tokens", units[0] + units[1] + units[2]);
    attribute_number(it, "gen_ai.usage.output_tokens", units[3] + units[4]);
    if (units[1] > 0) {
        attribute_number(it, "gen_ai.usage.cache_read.input_tokens", units[1]);
    }
}

static void pool_attributes(struct span *it, uint64_t pool_id)
{
    char scratch[32];
    const struct policy_pool *pool = watch_find_pool(it->watch, pool_id);
    attribute(it, "offtake.pool", watch_name(it->watch, pool_id, scratch));
    if (pool != NULL) {
        attribute_str(it, "gen_ai.provider.name", policy_text(&it->watch->view, pool->provider));
        attribute_str(it, "cloud.region", policy_text(&it->watch->view, pool->region));
    }
}

static void clause_attribute(struct span *it, uint64_t clause_id)
{
    const struct policy_view *view = &it->watch->view;
    for (uint32_t i = 0; it->watch->generation != 0 && clause_id != 0 && i < view->clause_count;
         i++) {
        if (view->clauses[i].id == clause_id) {
            attribute_str(it, "offtake.clause", policy_text(view, view->clauses[i].name));
            return;
        }
    }
}

static const char *outcome_word(const struct meter_record *record)
{
    static const char *const WORDS[] = {"served",      "estimated", "cut",
                                        "client-left", "refused",   "failed"};
    return WORDS[counter_outcome_of(record)];
}

/* STATUS 0 says nothing; an error's type is a status, or what became of the request. */
static void span_end(struct span *it, bool failed)
{
    oft_buffer_printf(it->out, "],\"status\":{%s}}", failed ? "\"code\":2" : "");
}

static void request_span(struct span *it)
{
    const struct meter_record *record = it->settled;
    char scratch[32], id[40], key[17];
    bool failed = record->status >= 500 || counter_outcome_of(record) == COUNTER_CUT;
    uint64_t from_ns = began_ns(record);
    span_begin(it, 0, 2, from_ns, from_ns + (uint64_t)record->total_us * 1000);
    common_attributes(it);
    attribute_number(it, "http.response.status_code", record->status);
    (void)snprintf(id, sizeof(id), "req_%s", oft_hex(record->request_id, 16, (char[33]){0}));
    (void)snprintf(key, sizeof(key), "%016llx", (unsigned long long)record->key_id);
    attribute(it, "offtake.request_id", id);
    attribute(it, "offtake.key_id", key);
    attribute(it, "offtake.product", watch_name(it->watch, record->product_id, scratch));
    attribute(it, "offtake.account", watch_name(it->watch, record->account_id, scratch));
    attribute(it, "offtake.outcome", outcome_word(record));
    attribute_number(it, "offtake.attempts", record->attempts);
    attribute_number(it, "offtake.generation", record->generation);
    clause_attribute(it, record->clause_id);
    if (record->attempts > 0) {
        pool_attributes(it, record->pool_id);
        usage_attributes(it);
    }
    if (failed || record->status >= 400) {
        char type[16];
        (void)snprintf(type, sizeof(type), "%u", record->status);
        attribute(it, "error.type", record->status >= 400 ? type : outcome_word(record));
    }
    span_end(it, failed);
}

static void attempt_span(struct span *it, const struct meter_record *intent, unsigned attempt,
                         uint64_t until_ns)
{
    const struct meter_record *record = it->settled;
    bool last = attempt == record->attempts;
    enum counter_outcome outcome = counter_outcome_of(record);
    bool failed = !last || outcome == COUNTER_FAILED || outcome == COUNTER_CUT;
    span_begin(it, attempt, 3, (uint64_t)intent->recorded_ns, until_ns);
    common_attributes(it);
    pool_attributes(it, intent->pool_id);
    clause_attribute(it, intent->clause_id);
    if (last && record->upstream_status != 0) {
        attribute_number(it, "http.response.status_code", record->upstream_status);
    }
    if (last && !failed) {
        usage_attributes(it);
    }
    if (last && (record->flags & METER_FLAG_STREAM) && record->first_byte_us > 0) {
        attribute_number(it, "offtake.first_byte_us", record->first_byte_us);
    }
    if (failed) {
        char type[16];
        (void)snprintf(type, sizeof(type), "%u", record->upstream_status);
        attribute(it, "error.type",
                  !last                            ? "failed_over"
                  : record->upstream_status >= 400 ? type
                  : outcome == COUNTER_CUT         ? "cut"
                                                   : "no_answer");
    }
    span_end(it, failed);
}

/* ---- telling ----------------------------------------------------------------------------------- */

static void span_tell(const struct watch_tracer *tracer, struct oft_buffer *out)
{
    if (out->failed) {
        tracer->spans.dropped(tracer->spans.context, 1);
    } else {
        tracer->spans.tell(tracer->spans.context,
                           (struct oft_str){oft_buffer_text(out), out->length});
    }
    oft_buffer_clear(out);
}

static void tell(const struct engine *engine, struct watch_tracer *tracer,
                 const struct meter_record *record, struct oft_buffer *out)
{
    struct span it = {.out = out, .watch = engine->watch, .settled = record};
    uint64_t until_ns = began_ns(record) + (uint64_t)record->total_us * 1000;
    request_span(&it);
    span_tell(tracer, out);
    unsigned count = record->attempts < ATTEMPTS_MAX ? record->attempts : ATTEMPTS_MAX;
    for (unsigned attempt = count; attempt > 0; attempt--) {
        struct meter_record *intent = intent_place(tracer, record->request_id, attempt);
        if (memcmp(intent->request_id, record->request_id, 16) == 0 &&
            intent->attempts == attempt) {
            attempt_span(&it, intent, attempt, until_ns);
            until_ns = (uint64_t)intent->recorded_ns;
            memset(intent, 0, sizeof(*intent));
            span_tell(tracer, out);
        }
    }
}

void engine_spans_end(struct engine *engine, bool committed)
{
    struct watch_tracer *tracer = engine->watch->tracer;
    struct oft_buffer out;
    if (tracer == NULL) {
        return;
    }
    if (committed && tracer->noted_count > 0 && watch_refresh(engine, NULL) == OFT_OK) {
        oft_buffer_init(&out, SPAN_BYTES_MAX);
        for (size_t i = 0; i < tracer->noted_count; i++) {
            tell(engine, tracer, &tracer->noted[i], &out);
        }
        oft_buffer_release(&out);
    }
    if (committed && tracer->too_many > 0) {
        tracer->spans.dropped(tracer->spans.context, tracer->too_many);
    }
    tracer->noted_count = 0;
    tracer->too_many = 0;
}
