/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing of an answer. An answer in one piece without a fault goes out as one buffer; streams,
 * and answers that a fault breaks or slows, are handed to libmicrohttpd piece by piece.
 */
#include <string.h>

#include "internal.h"

#define DRIP_BYTES 7u

static ssize_t act_in_the_middle(struct sim_call *call)
{
    if (call->fault.kind == SIM_FAULT_HANG_MID && !call->hanging) {
        call->hanging = true;
        if (sim_timer_sleep(call->provider->timer, call->connection, SIM_HANG_NS))
            return 0;
    }
    if (call->fault.kind == SIM_FAULT_RESET_MID)
        sim_reset_connection(call->connection);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static bool breaks_in_the_middle(const struct sim_call *call)
{
    return call->fault.kind == SIM_FAULT_HANG_MID || call->fault.kind == SIM_FAULT_RESET_MID ||
           call->fault.kind == SIM_FAULT_CLOSE_MID;
}

/* Waits once before the next piece. True when the caller must return 0 and will be called again. */
static bool rest(struct sim_call *call, int64_t delay_ns)
{
    if (delay_ns == 0 || call->rested) {
        call->rested = false;
        return false;
    }
    if (!sim_timer_sleep(call->provider->timer, call->connection, delay_ns))
        return false;
    call->rested = true;
    return true;
}

/* Makes the next event, and counts its tokens before any of it is written. */
static bool next_event(struct sim_call *call)
{
    uint64_t tokens = 0;
    oft_buffer_clear(&call->out);
    call->out_sent = 0;
    if (!sim_answer_event(&call->answer, &call->out, &tokens) || call->out.failed)
        return false;
    if (tokens > 0) {
        /* Thinking comes first: the first tokens are the reasoning ones. */
        uint64_t left = call->ask.reasoning_tokens - call->reasoned;
        uint64_t reasoning = tokens < left ? tokens : left;
        sim_counts_generated(call->provider->counts, call->counted, tokens, reasoning);
        call->reasoned += reasoning;
    }
    return true;
}

static ssize_t read_piece(void *argument, uint64_t position, char *to, size_t most)
{
    struct sim_call *call = argument;
    (void)position;
    if (call->out_sent == call->out.length) {
        if (breaks_in_the_middle(call) &&
            (call->cut || (call->streaming && call->answer.event >= call->fault.value)))
            return act_in_the_middle(call);
        if (!call->streaming)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (call->answer.event > 0 && call->fault.kind != SIM_FAULT_DRIP &&
            rest(call, call->provider->options.token_interval_us * OFT_NS_PER_US))
            return 0;
        if (!next_event(call))
            return call->out.failed ? MHD_CONTENT_READER_END_WITH_ERROR
                                    : MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (call->fault.kind == SIM_FAULT_DRIP && rest(call, OFT_NS_PER_MS))
        return 0;
    if (call->fault.kind == SIM_FAULT_SPLIT)
        most = 1;
    if (call->fault.kind == SIM_FAULT_DRIP && most > DRIP_BYTES)
        most = DRIP_BYTES;
    size_t left = call->out.length - call->out_sent;
    if (most > left)
        most = left;
    memcpy(to, call->out.data + call->out_sent, most);
    call->out_sent += most;
    return (ssize_t)most;
}

static enum MHD_Result begin_pieces(struct sim_call *call, uint64_t total, const char *type)
{
    size_t block = call->fault.kind == SIM_FAULT_SPLIT  ? 1
                   : call->fault.kind == SIM_FAULT_DRIP ? DRIP_BYTES
                                                        : 4096;
    struct MHD_Response *response =
        MHD_create_response_from_callback(total, block, read_piece, call, NULL);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (result == MHD_YES)
        result = MHD_queue_response(call->connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void count(struct sim_call *call)
{
    const char *id = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "x-request-id");
    if (id == NULL)
        id = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "x-offtake-request-id");
    struct sim_served served = {
        .model = call->azure ? call->deployment : call->ask.model,
        .key_tail = call->key_tail,
        .request_id = id,
        .prompt_tokens = call->ask.prompt_tokens,
        .cached_tokens = call->ask.cached_tokens,
        .stream = call->streaming,
        .faulty = call->fault.kind != SIM_FAULT_NONE,
    };
    call->counted = sim_counts_begin(call->provider->counts, &served);
}

enum MHD_Result sim_begin_answer(struct sim_call *call)
{
    call->streaming = call->ask.stream && call->answer.endpoint != SIM_EMBEDDINGS;
    call->answer.text = &call->provider->text;
    call->answer.ask = &call->ask;
    call->answer.model = call->ask.model[0] != '\0' ? call->ask.model : call->deployment;
    call->answer.fault = call->fault.kind;
    if (call->answer.endpoint == SIM_EMBEDDINGS) {
        call->ask.output_tokens = 0;
        call->ask.reasoning_tokens = 0;
    }
    count(call);
    if (sim_raw_in_answer(&call->fault))
        return sim_raw(call);
    if (call->streaming)
        return begin_pieces(call, MHD_SIZE_UNKNOWN, "text/event-stream");
    sim_answer_whole(&call->answer, &call->out);
    if (call->out.failed)
        return MHD_NO;
    sim_counts_generated(call->provider->counts, call->counted, call->ask.output_tokens,
                         call->ask.reasoning_tokens);
    size_t total = call->out.length;
    if (breaks_in_the_middle(call)) {
        call->cut = true;
        call->out.length = total / 2;
    } else if (call->fault.kind != SIM_FAULT_SPLIT && call->fault.kind != SIM_FAULT_DRIP) {
        return sim_reply(call, 200, NULL, NULL);
    }
    return begin_pieces(call, total, "application/json");
}
