/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in the form of Anthropic's Messages API. Its counts are disjoint: what was read from a cache
 * is no input token beside.
 */
#include <inttypes.h>

#include "answer.h"

static uint64_t fresh_input(const struct sim_ask *ask)
{
    return ask->prompt_tokens - ask->cached_tokens;
}

static const char *stop_reason(const struct sim_answer *a)
{
    return a->ask->output_given ? "max_tokens" : "end_turn";
}

static void append_usage(const struct sim_answer *a, uint64_t output, struct oft_buffer *out)
{
    if (a->fault == SIM_FAULT_NOUSAGE)
        return;
    oft_buffer_printf(out,
                      ",\"usage\":{\"input_tokens\":%" PRIu64
                      ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":%" PRIu64
                      ",\"output_tokens\":%" PRIu64 "}",
                      fresh_input(a->ask), a->ask->cached_tokens, output);
}

void sim_message_whole(const struct sim_answer *a, struct oft_buffer *out)
{
    oft_buffer_printf(out,
                      "{\"id\":\"msg_%016" PRIx64 "\",\"type\":\"message\",\"role\":\"assistant\","
                      "\"model\":\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"",
                      a->ask->hash, a->model);
    sim_answer_text(a, 0, a->ask->output_tokens, out);
    oft_buffer_printf(out, "\"}],\"stop_reason\":\"%s\",\"stop_sequence\":null", stop_reason(a));
    append_usage(a, a->ask->output_tokens, out);
    oft_buffer_append_char(out, '}');
}

static void begin_event(const struct sim_answer *a, const char *name, struct oft_buffer *out)
{
    oft_buffer_printf(out, "event: %s%sdata: {\"type\":\"%s\"", name,
                      a->fault == SIM_FAULT_CRLF ? "\r\n" : "\n", name);
}

static bool end_event(const struct sim_answer *a, struct oft_buffer *out)
{
    oft_buffer_append_text(out, a->fault == SIM_FAULT_CRLF ? "}\r\n\r\n" : "}\n\n");
    return true;
}

/* The message as it begins: the input is known, of the output one token. */
static bool start_event(const struct sim_answer *a, struct oft_buffer *out)
{
    begin_event(a, "message_start", out);
    oft_buffer_printf(out,
                      ",\"message\":{\"id\":\"msg_%016" PRIx64 "\",\"type\":\"message\","
                      "\"role\":\"assistant\",\"model\":\"%s\",\"content\":[],"
                      "\"stop_reason\":null,\"stop_sequence\":null",
                      a->ask->hash, a->model);
    append_usage(a, 1, out);
    oft_buffer_append_char(out, '}');
    return end_event(a, out);
}

static bool text_event(const struct sim_answer *a, uint64_t from, uint64_t until,
                       struct oft_buffer *out)
{
    begin_event(a, "content_block_delta", out);
    oft_buffer_append_text(out, ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"");
    sim_answer_text(a, from, until, out);
    oft_buffer_append_text(out, "\"}");
    return end_event(a, out);
}

static bool last_event(const struct sim_answer *a, uint64_t event, struct oft_buffer *out)
{
    if (event == 0) {
        begin_event(a, "content_block_stop", out);
        oft_buffer_append_text(out, ",\"index\":0");
    } else if (event == 1) {
        begin_event(a, "message_delta", out);
        oft_buffer_printf(out, ",\"delta\":{\"stop_reason\":\"%s\",\"stop_sequence\":null}",
                          stop_reason(a));
        if (a->fault != SIM_FAULT_NOUSAGE)
            oft_buffer_printf(out, ",\"usage\":{\"output_tokens\":%" PRIu64 "}",
                              a->ask->output_tokens);
    } else if (event == 2) {
        begin_event(a, "message_stop", out);
    } else {
        return false;
    }
    return end_event(a, out);
}

bool sim_message_event(const struct sim_answer *a, uint64_t event, struct oft_buffer *out,
                       uint64_t *ret_tokens)
{
    uint64_t tokens = a->ask->output_tokens;
    uint64_t events = tokens < SIM_TEXT_EVENTS_MAX ? tokens : SIM_TEXT_EVENTS_MAX;
    if (event == 0)
        return start_event(a, out);
    if (event == 1) {
        begin_event(a, "content_block_start", out);
        oft_buffer_append_text(out,
                               ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
        return end_event(a, out);
    }
    event -= 2;
    if (event < events) {
        uint64_t from = tokens * event / events;
        uint64_t until = tokens * (event + 1) / events;
        *ret_tokens = until - from;
        return text_event(a, from, until, out);
    }
    return last_event(a, event - events, out);
}
