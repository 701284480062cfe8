/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that libmicrohttpd would not write: broken framing, headers that are none, and ends in every
 * place. The bytes go straight to the connection's socket, which is then closed, reset or left open.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

#define RAW_WRITE_MS 5000

static const char ping[] = ": still here\n\n";

static void append_chunk(struct oft_buffer *out, const char *data, size_t length)
{
    if (length == 0)
        return; /* a chunk of none would be the last */
    oft_buffer_printf(out, "%zx\r\n", length);
    oft_buffer_append(out, data, length);
    oft_buffer_append_text(out, "\r\n");
}

static void append_head(const struct sim_call *call, bool chunked, size_t length,
                        struct oft_buffer *out)
{
    oft_buffer_printf(out, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n",
                      call->streaming ? "text/event-stream" : "application/json");
    if (call->fault.status == SIM_RAW_GZIP)
        oft_buffer_append_text(out, "Content-Encoding: gzip\r\n");
    if (chunked)
        oft_buffer_append_text(out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        oft_buffer_printf(out, "Content-Length: %zu\r\n\r\n", length);
}

static void append_error_event(const struct sim_call *call, unsigned status,
                               struct oft_buffer *event)
{
    if (call->answer.endpoint == SIM_RESPONSES)
        oft_buffer_printf(event,
                          "event: error\ndata: {\"type\":\"error\",\"code\":\"%u\","
                          "\"message\":\"a simulated fault\",\"param\":null}\n\n",
                          status);
    else
        oft_buffer_printf(event,
                          "data: {\"error\":{\"message\":\"a simulated fault\","
                          "\"type\":\"server_error\",\"param\":null,\"code\":%u}}\n\n",
                          status);
}

/* Where the answer stops, seen from the event that comes next. EVENT is empty after the last. */
static bool stops_before(const struct sim_call *call, unsigned number, struct oft_str event)
{
    bool done = event.length >= 12 && memcmp(event.data, "data: [DONE]", 12) == 0;
    switch (call->fault.status) {
    case SIM_RAW_HEADERS:
    case SIM_RAW_EMPTY:
    case SIM_RAW_PING:
        return true;
    case SIM_RAW_FRAME:
    case SIM_RAW_CHUNK:
    case SIM_RAW_ERROR_MID:
        return number >= call->fault.value;
    case SIM_RAW_USAGE:
        return done;
    default:
        return false;
    }
}

/* What stands where the answer stops. */
static void append_stop(const struct sim_call *call, const struct oft_buffer *event,
                        struct oft_buffer *out)
{
    struct oft_buffer error;
    switch (call->fault.status) {
    case SIM_RAW_FRAME:
        append_chunk(out, event->data, event->length / 2);
        break;
    case SIM_RAW_CHUNK:
        oft_buffer_append_text(out, "this is no size\r\n");
        break;
    case SIM_RAW_ERROR_MID:
        oft_buffer_init(&error, 4096);
        append_error_event(call, 503, &error);
        append_chunk(out, error.data, error.length);
        oft_buffer_append_text(out, "0\r\n\r\n");
        oft_buffer_release(&error);
        break;
    case SIM_RAW_EMPTY:
        oft_buffer_append_text(out, "0\r\n\r\n");
        break;
    case SIM_RAW_PING:
        append_chunk(out, ping, sizeof(ping) - 1);
        break;
    default:
        break;
    }
}

static void compose_stream(struct sim_call *call, struct oft_buffer *out)
{
    struct oft_buffer event;
    uint64_t tokens = 0;
    append_head(call, true, 0, out);
    oft_buffer_init(&event, SIM_ANSWER_BYTES_MAX);
    if (call->fault.status == SIM_RAW_ERROR_FIRST) {
        append_error_event(call, call->fault.value, &event);
        append_chunk(out, event.data, event.length);
        oft_buffer_append_text(out, "0\r\n\r\n");
        oft_buffer_release(&event);
        return;
    }
    if (call->fault.status == SIM_RAW_PINGS)
        append_chunk(out, ping, sizeof(ping) - 1);
    for (unsigned number = 0; sim_answer_event(&call->answer, &event, &tokens); number++) {
        if (stops_before(call, number, (struct oft_str){event.data, event.length})) {
            append_stop(call, &event, out);
            oft_buffer_release(&event);
            return;
        }
        sim_counts_generated(call->provider->counts, call->counted, tokens, 0);
        append_chunk(out, event.data, event.length);
        if (call->fault.status == SIM_RAW_PINGS)
            append_chunk(out, ping, sizeof(ping) - 1);
        oft_buffer_clear(&event);
    }
    oft_buffer_release(&event);
    if (call->fault.status != SIM_RAW_DONE && call->fault.status != SIM_RAW_USAGE)
        oft_buffer_append_text(out, "0\r\n\r\n");
}

static void compose_whole(struct sim_call *call, struct oft_buffer *out)
{
    struct oft_buffer body;
    oft_buffer_init(&body, SIM_ANSWER_BYTES_MAX);
    sim_answer_whole(&call->answer, &body);
    size_t length = body.length;
    if (call->fault.status == SIM_RAW_ERROR_FIRST) {
        oft_buffer_clear(&body);
        sim_answer_error(call->fault.value, "a simulated fault", &body);
        length = body.length;
    } else {
        sim_counts_generated(call->provider->counts, call->counted, call->ask.output_tokens,
                             call->ask.reasoning_tokens);
    }
    switch (call->fault.status) {
    case SIM_RAW_CHUNK:
        append_head(call, true, 0, out);
        append_chunk(out, body.data, length / 2);
        oft_buffer_append_text(out, "this is no size\r\n");
        break;
    case SIM_RAW_EMPTY:
        append_head(call, false, 0, out);
        break;
    case SIM_RAW_LENGTH_SHORT:
        append_head(call, false, length - 1, out);
        oft_buffer_append(out, body.data, length);
        break;
    case SIM_RAW_LENGTH_LONG:
        append_head(call, false, length + 1, out);
        oft_buffer_append(out, body.data, length);
        break;
    default:
        append_head(call, false, length, out);
        if (call->fault.status == SIM_RAW_HEADERS || call->fault.status == SIM_RAW_PING)
            length = 0;
        else if (call->fault.status == SIM_RAW_FRAME)
            length /= 2;
        else if (call->fault.status == SIM_RAW_USAGE)
            length--;
        oft_buffer_append(out, body.data, length);
        break;
    }
    oft_buffer_release(&body);
}

static bool write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        } else if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            struct pollfd ready = {fd, POLLOUT, 0};
            if (poll(&ready, 1, RAW_WRITE_MS) == 0)
                return false;
        } else {
            return false;
        }
    }
    return true;
}

static enum MHD_Result end_raw(struct sim_call *call, int fd, const struct oft_buffer *out)
{
    if (!out->failed && !write_all(fd, out->data, out->length))
        return MHD_NO;
    if (call->fault.kind == SIM_FAULT_RAW_HANG) {
        call->hanging = true;
        return sim_timer_sleep(call->provider->timer, call->connection, SIM_HANG_NS) ? MHD_YES
                                                                                     : MHD_NO;
    }
    if (call->fault.kind == SIM_FAULT_RAW_RESET)
        sim_reset_connection(call->connection);
    else
        (void)shutdown(fd, SHUT_RDWR);
    return MHD_NO;
}

bool sim_raw_before_answer(const struct sim_fault *fault)
{
    return (fault->kind == SIM_FAULT_RAW_CLOSE || fault->kind == SIM_FAULT_RAW_RESET ||
            fault->kind == SIM_FAULT_RAW_HANG) &&
           fault->status <= SIM_RAW_HEADER;
}

bool sim_raw_in_answer(const struct sim_fault *fault)
{
    return fault->kind >= SIM_FAULT_RAW_CLOSE && fault->status > SIM_RAW_HEADER;
}

enum MHD_Result sim_raw(struct sim_call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL || call->provider->tls_cert != NULL)
        return MHD_NO;
    struct oft_buffer out;
    oft_buffer_init(&out, SIM_ANSWER_BYTES_MAX);
    switch (call->fault.status) {
    case SIM_RAW_BEFORE:
        break;
    case SIM_RAW_GARBAGE:
        oft_buffer_append_text(&out, "\x16\x03\x01 this is no HTTP\r\n\r\n");
        break;
    case SIM_RAW_HEADER_BIG:
        oft_buffer_append_text(&out, "HTTP/1.1 200 OK\r\nX-Large: ");
        for (unsigned i = 0; i < 4096; i++)
            oft_buffer_append_text(&out, "0123456789abcdef");
        oft_buffer_append_text(&out, "\r\nContent-Length: 0\r\n\r\n");
        break;
    case SIM_RAW_HEADER:
        oft_buffer_append_text(&out, "HTTP/1.1 200 OK\r\nContent-Ty");
        break;
    default:
        if (call->streaming)
            compose_stream(call, &out);
        else
            compose_whole(call, &out);
        break;
    }
    enum MHD_Result result = end_raw(call, info->connect_fd, &out);
    oft_buffer_release(&out);
    return result;
}
