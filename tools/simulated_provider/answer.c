/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the provider says. Everything is a function of the seed and of the request, the identifiers
 * and the "created" instant included, so that two runs with one seed give the same bytes.
 */
#include <inttypes.h>
#include <string.h>

#include "answer.h"

#define CREATED "1735689600"

void sim_text_init(struct sim_text *text, uint64_t seed)
{
    static const char words[][SIM_TOKEN_BYTES] = {"unit", "rack", "grid", "watt", "core", "heat",
                                                  "node", "load", "term", "deed", "bond", "rate",
                                                  "fair", "book", "sale", "lane"};
    for (size_t i = 0; i < SIM_TEXT_BLOCK; i++) {
        memcpy(text->words + i * SIM_TOKEN_BYTES, words[sim_mix(seed + i) % OFT_COUNT_OF(words)],
               SIM_TOKEN_BYTES - 1);
        text->words[i * SIM_TOKEN_BYTES + SIM_TOKEN_BYTES - 1] = ' ';
    }
}

void sim_answer_text(const struct sim_answer *a, uint64_t from, uint64_t until,
                     struct oft_buffer *out)
{
    if (until > SIM_TEXT_TOKENS_MAX)
        until = SIM_TEXT_TOKENS_MAX;
    while (from < until) {
        uint64_t at = (a->ask->hash + from) % SIM_TEXT_BLOCK;
        uint64_t count = until - from;
        if (count > SIM_TEXT_BLOCK - at)
            count = SIM_TEXT_BLOCK - at;
        oft_buffer_append(out, a->text->words + at * SIM_TOKEN_BYTES, count * SIM_TOKEN_BYTES);
        from += count;
    }
}

/* One count as the fault wants it written. */
static void append_count(const struct sim_answer *a, const char *name, uint64_t count,
                         struct oft_buffer *out)
{
    const char *format = "\"%s\":%" PRIu64;
    if (a->fault == SIM_FAULT_USAGE_NEG)
        format = "\"%s\":-%" PRIu64;
    else if (a->fault == SIM_FAULT_USAGE_BIG)
        format = "\"%s\":%" PRIu64 "000000000000000000";
    else if (a->fault == SIM_FAULT_USAGE_STR)
        format = "\"%s\":\"%" PRIu64 "\"";
    else if (a->fault == SIM_FAULT_USAGE_FLOAT)
        format = "\"%s\":%" PRIu64 ".5";
    oft_buffer_printf(out, format, name, count);
}

static void append_usage_once(const struct sim_answer *a, uint64_t prompt, struct oft_buffer *out)
{
    const struct sim_ask *ask = a->ask;
    bool responses = a->endpoint == SIM_RESPONSES;
    oft_buffer_append_text(out, "\"usage\":{");
    append_count(a, responses ? "input_tokens" : "prompt_tokens", prompt, out);
    oft_buffer_append_char(out, ',');
    if (a->endpoint != SIM_EMBEDDINGS) {
        append_count(a, responses ? "output_tokens" : "completion_tokens", ask->output_tokens, out);
        oft_buffer_append_char(out, ',');
    }
    uint64_t output = a->endpoint == SIM_EMBEDDINGS ? 0 : ask->output_tokens;
    append_count(a, "total_tokens", prompt + output, out);
    if (a->endpoint != SIM_EMBEDDINGS)
        oft_buffer_printf(
            out,
            responses ? ",\"input_tokens_details\":{\"cached_tokens\":%" PRIu64
                        "},\"output_tokens_details\":{\"reasoning_tokens\":%" PRIu64 "}"
                      : ",\"prompt_tokens_details\":{\"cached_tokens\":%" PRIu64
                        "},\"completion_tokens_details\":{\"reasoning_tokens\":%" PRIu64 "}",
            ask->cached_tokens, ask->reasoning_tokens);
    oft_buffer_append_char(out, '}');
}

/* ",usage":{...} with its leading comma; nothing at all under the fault "nousage". */
static void append_usage(const struct sim_answer *a, struct oft_buffer *out)
{
    if (a->fault == SIM_FAULT_NOUSAGE)
        return;
    oft_buffer_append_char(out, ',');
    if (a->fault == SIM_FAULT_USAGE_DUP) {
        append_usage_once(a, a->ask->prompt_tokens + 1, out);
        oft_buffer_append_char(out, ',');
    }
    append_usage_once(a, a->ask->prompt_tokens, out);
}

/* ,"service_tier":"..." when it was asked for; what serves "auto" is "default". BEGUN: nothing but what was
 * asked can be told yet. */
static void append_tier(const struct sim_answer *a, bool begun, struct oft_buffer *out)
{
    const char *asked = a->ask->service_tier;
    bool standard = strcmp(asked, "auto") == 0 || a->fault == SIM_FAULT_DOWNGRADE;
    if (asked[0] != '\0')
        oft_buffer_printf(out, ",\"service_tier\":\"%s\"", standard && !begun ? "default" : asked);
}

/* "length" when the client's own limit ended the answer. */
static const char *finish_reason(const struct sim_answer *a)
{
    return a->ask->output_given ? "length" : "stop";
}

static void append_embeddings(const struct sim_answer *a, struct oft_buffer *out)
{
    oft_buffer_append_text(out, "{\"object\":\"list\",\"data\":[");
    for (unsigned i = 0; i < a->ask->inputs && !out->failed; i++) {
        oft_buffer_printf(out, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":[",
                          i == 0 ? "" : ",", i);
        for (unsigned j = 0; j < 8; j++) {
            uint64_t digits = sim_mix(a->ask->hash + i * 8 + j) % 1000000;
            oft_buffer_printf(out, "%s0.%06" PRIu64, j == 0 ? "" : ",", digits);
        }
        oft_buffer_append_text(out, "]}");
    }
    oft_buffer_printf(out, "],\"model\":\"%s\"", a->model);
    append_usage(a, out);
    oft_buffer_append_char(out, '}');
}

/* The "response" object; OUTPUT says whether its text is there yet. */
static void append_response(const struct sim_answer *a, bool output, struct oft_buffer *out)
{
    oft_buffer_printf(out,
                      "{\"id\":\"resp_%016" PRIx64 "\",\"object\":\"response\","
                      "\"created_at\":" CREATED ",\"status\":\"%s\",\"error\":null,"
                      "\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},"
                      "\"model\":\"%s\",\"parallel_tool_calls\":true,\"temperature\":1.0,"
                      "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"output\":[",
                      a->ask->hash, output ? "completed" : "in_progress", a->model);
    if (output) {
        oft_buffer_printf(out,
                          "{\"type\":\"message\",\"id\":\"msg_%016" PRIx64
                          "\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{"
                          "\"type\":\"output_text\",\"annotations\":[],\"text\":\"",
                          a->ask->hash);
        sim_answer_text(a, 0, a->ask->output_tokens, out);
        oft_buffer_append_text(out, "\"}]}]");
        append_tier(a, false, out);
        append_usage(a, out);
        oft_buffer_append_char(out, '}');
    } else {
        oft_buffer_append_char(out, ']');
        append_tier(a, true, out);
        oft_buffer_append_text(out, ",\"usage\":null}");
    }
}

void sim_answer_whole(const struct sim_answer *a, struct oft_buffer *out)
{
    size_t start = out->length;
    if (a->endpoint == SIM_EMBEDDINGS) {
        append_embeddings(a, out);
    } else if (a->endpoint == SIM_RESPONSES) {
        append_response(a, true, out);
    } else if (a->endpoint == SIM_MESSAGES) {
        sim_message_whole(a, out);
    } else {
        bool chat = a->endpoint == SIM_CHAT;
        oft_buffer_printf(
            out,
            "{\"id\":\"%s-%016" PRIx64 "\",\"object\":\"%s\",\"created\":" CREATED
            ",\"model\":\"%s\",\"choices\":[{\"index\":0,%s",
            chat ? "chatcmpl" : "cmpl", a->ask->hash, chat ? "chat.completion" : "text_completion",
            a->model,
            chat ? "\"message\":{\"role\":\"assistant\",\"refusal\":null,\"content\":\""
                 : "\"text\":\"");
        sim_answer_text(a, 0, a->ask->output_tokens, out);
        oft_buffer_printf(out, "\"%s,\"logprobs\":null,\"finish_reason\":\"%s\"}]", chat ? "}" : "",
                          finish_reason(a));
        append_tier(a, false, out);
        append_usage(a, out);
        oft_buffer_append_char(out, '}');
    }
    /* Cut where the JSON is surely open: within the first bytes' braces. */
    if (a->fault == SIM_FAULT_MALFORMED && !out->failed)
        out->length = start + (out->length - start) * 3 / 5;
}

static uint64_t event_count(const struct sim_ask *ask)
{
    return ask->output_tokens < SIM_TEXT_EVENTS_MAX ? ask->output_tokens : SIM_TEXT_EVENTS_MAX;
}

static void end_event(const struct sim_answer *a, struct oft_buffer *out)
{
    oft_buffer_append_text(out, a->fault == SIM_FAULT_CRLF ? "\r\n\r\n" : "\n\n");
}

/* The frame of a chat.completion.chunk (or text_completion), up to its choices. */
static void begin_chunk(const struct sim_answer *a, struct oft_buffer *out)
{
    bool chat = a->endpoint == SIM_CHAT;
    oft_buffer_printf(out,
                      "data: {\"id\":\"%s-%016" PRIx64 "\",\"object\":\"%s\",\"created\":" CREATED
                      ",\"model\":\"%s\",\"choices\":[",
                      chat ? "chatcmpl" : "cmpl", a->ask->hash,
                      chat ? "chat.completion.chunk" : "text_completion", a->model);
}

static void end_chunk(const struct sim_answer *a, bool usage, struct oft_buffer *out)
{
    oft_buffer_append_char(out, ']');
    append_tier(a, false, out);
    if (usage)
        append_usage(a, out);
    else if (a->ask->include_usage && a->fault != SIM_FAULT_NOUSAGE)
        oft_buffer_append_text(out, ",\"usage\":null");
    oft_buffer_append_char(out, '}');
    end_event(a, out);
}

static void chat_choice(const struct sim_answer *a, uint64_t from, uint64_t until, bool first,
                        struct oft_buffer *out)
{
    bool chat = a->endpoint == SIM_CHAT;
    oft_buffer_append_text(out, "{\"index\":0,");
    if (chat)
        oft_buffer_append_text(out, first ? "\"delta\":{\"role\":\"assistant\",\"content\":\""
                                          : "\"delta\":{\"content\":\"");
    else
        oft_buffer_append_text(out, "\"text\":\"");
    sim_answer_text(a, from, until, out);
    oft_buffer_printf(out, "\"%s,\"logprobs\":null,\"finish_reason\":null}", chat ? "}" : "");
}

/* Chat and completions: a first event with the role, those with text, the last with the reason, the
 * usage if it was asked for, and the end mark. */
static bool chat_event(const struct sim_answer *a, uint64_t event, struct oft_buffer *out,
                       uint64_t *ret_tokens)
{
    uint64_t events = event_count(a->ask);
    uint64_t tokens = a->ask->output_tokens;
    if (event <= events) {
        uint64_t from = event == 0 ? 0 : tokens * (event - 1) / events;
        uint64_t until = event == 0 ? 0 : tokens * event / events;
        *ret_tokens = until - from;
        begin_chunk(a, out);
        if (a->fault == SIM_FAULT_MALFORMED && event == 1) {
            end_event(a, out); /* the object is left open */
            return true;
        }
        chat_choice(a, from, until, event == 0, out);
        end_chunk(a, false, out);
        return true;
    }
    event -= events + 1;
    if (event == 0) {
        begin_chunk(a, out);
        oft_buffer_printf(out, "{\"index\":0,%s,\"logprobs\":null,\"finish_reason\":\"%s\"}",
                          a->endpoint == SIM_CHAT ? "\"delta\":{}" : "\"text\":\"\"",
                          finish_reason(a));
        end_chunk(a, false, out);
        return true;
    }
    bool usage = a->ask->include_usage && a->fault != SIM_FAULT_NOUSAGE;
    if (usage && event == 1) {
        begin_chunk(a, out);
        end_chunk(a, true, out);
        return true;
    }
    if (event == (usage ? 2u : 1u)) {
        oft_buffer_append_text(out, "data: [DONE]");
        end_event(a, out);
        return true;
    }
    return false;
}

static bool response_event(const struct sim_answer *a, uint64_t event, struct oft_buffer *out,
                           uint64_t *ret_tokens)
{
    uint64_t events = event_count(a->ask);
    uint64_t tokens = a->ask->output_tokens;
    const char *line = a->fault == SIM_FAULT_CRLF ? "\r\n" : "\n";
    if (event > events + 1)
        return false;
    const char *name = event == 0        ? "response.created"
                       : event <= events ? "response.output_text.delta"
                                         : "response.completed";
    oft_buffer_printf(out, "event: %s%sdata: {\"type\":\"%s\",\"sequence_number\":%" PRIu64 ",",
                      name, line, name, event);
    if (event == 0 || event > events) {
        oft_buffer_append_text(out, "\"response\":");
        append_response(a, event > events, out);
        oft_buffer_append_char(out, '}');
    } else if (a->fault != SIM_FAULT_MALFORMED || event != 1) {
        oft_buffer_printf(out,
                          "\"item_id\":\"msg_%016" PRIx64
                          "\",\"output_index\":0,\"content_index\":0,\"logprobs\":[],\"delta\":\"",
                          a->ask->hash);
        sim_answer_text(a, tokens * (event - 1) / events, tokens * event / events, out);
        oft_buffer_append_text(out, "\"}");
    }
    if (event >= 1 && event <= events)
        *ret_tokens = tokens * event / events - tokens * (event - 1) / events;
    end_event(a, out);
    return true;
}

bool sim_answer_event(struct sim_answer *a, struct oft_buffer *out, uint64_t *ret_tokens)
{
    *ret_tokens = 0;
    uint64_t event = a->event++;
    if (a->endpoint == SIM_MESSAGES)
        return sim_message_event(a, event, out, ret_tokens);
    return a->endpoint == SIM_RESPONSES ? response_event(a, event, out, ret_tokens)
                                        : chat_event(a, event, out, ret_tokens);
}

void sim_answer_error(unsigned status, const char *message, struct oft_buffer *out)
{
    const char *type = status == 401   ? "authentication_error"
                       : status == 429 ? "rate_limit_error"
                       : status >= 500 ? "server_error"
                                       : "invalid_request_error";
    const char *code = status == 401   ? "\"invalid_api_key\""
                       : status == 404 ? "\"not_found\""
                       : status == 429 ? "\"rate_limit_exceeded\""
                                       : "null";
    oft_buffer_printf(out,
                      "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,"
                      "\"code\":%s}}",
                      message, type, code);
}
