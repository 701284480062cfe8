/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offtake-bench-upstream: a provider that costs almost nothing, so that a benchmark measures what stands in
 * front of it. One thread, fixed answers. A request says in its prompt what it wants:
 *
 *   "bench: frames=64 every_us=2000 ..."   a stream of 64 frames, one each 2 ms, each in a segment of its own
 *   anything else                          one JSON answer of a fixed size
 *
 * What comes in on the second port fails every so many times, for the measurement of failover. It
 * judges nothing: no credential, no well-formed JSON. The simulated provider is there for that.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "load.h"

#define REQUEST_BYTES_MAX (4u << 20)
#define FIRST_BYTES       (16u << 10)
#define FRAMES_MAX        100000u

static const char help[] =
    "offtake-bench-upstream --port N [OPTION]...\n"
    "Answers every request with the same bytes, as cheaply as it can.\n"
    "\n"
    "  --port N           on 127.0.0.1\n"
    "  --fail-port N      a second port, whose requests fail (default none)\n"
    "  --fail-status N    with this status (default 500)\n"
    "  --fail-every N     every Nth of them, the others are answered (default 1: all)\n"
    "  --answer-bytes N   of the JSON answer's body (default 768)\n"
    "\n"
    "GET /bench/counts tells what was asked. Exit: 0, 2 usage, 3 a fault.\n";

struct client {
    int fd;
    bool listener;
    bool failing; /* came in on the second port */
    char *input;
    size_t length, room;
    size_t head_length, body_length; /* body_length SIZE_MAX: chunked */
    uint64_t frames_left;
    bool usage;
    int64_t interval_ns, due_ns;
    struct client *next, *previous; /* among those that wait for their next frame */
};

struct upstream {
    uint64_t port, fail_port, fail_status, fail_every, answer_bytes;
    int poll_fd;
    struct client listeners[2];
    struct client *first, *last; /* by due_ns */
    struct oft_buffer answer, failure, stream_head, frame, stream_end, stream_end_usage;
    uint64_t requests, failed, streams, frames, opened, to_fail, overrun;
};

/* ---- what is said ------------------------------------------------------ */

#define BEGINNING                                                                        \
    "\"id\":\"chatcmpl-bench00000000000\",\"object\":\"chat.completion%s\",\"created\":" \
    "1735689600,"                                                                        \
    "\"model\":\"gpt-4o\",\"choices\":["
#define USAGE                                                                         \
    "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":64,\"total_tokens\":264," \
    "\"prompt_tokens_details\":{\"cached_tokens\":0},"                                \
    "\"completion_tokens_details\":{\"reasoning_tokens\":0}}"
#define HEADERS                                                                           \
    "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nServer: bench\r\nx-request-id: req_bench\r\n" \
    "openai-processing-ms: 1\r\n"

static void whole(struct oft_buffer *out, unsigned status, const char *reason,
                  const struct oft_buffer *body)
{
    oft_buffer_init(out, 1u << 20);
    oft_buffer_printf(out,
                      "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n" HEADERS "\r\n",
                      status, reason, body->length);
    oft_buffer_append(out, body->data, body->length);
}

static void make_answer(struct upstream *up)
{
    struct oft_buffer body;
    oft_buffer_init(&body, 1u << 20);
    oft_buffer_printf(&body,
                      "{" BEGINNING "{\"index\":0,\"message\":{\"role\":\"assistant\","
                      "\"refusal\":null,\"content\":\"",
                      "");
    static const char end[] = "\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]," USAGE "}";
    while (body.length + sizeof(end) + 4 < up->answer_bytes && !body.failed)
        oft_buffer_append_text(&body, "word ");
    oft_buffer_append_text(&body, end);
    whole(&up->answer, 200, "OK", &body);
    oft_buffer_clear(&body);
    oft_buffer_append_text(&body, "{\"error\":{\"message\":\"a benchmark's fault\",\"type\":"
                                  "\"server_error\",\"param\":null,\"code\":null}}");
    whole(&up->failure, (unsigned)up->fail_status, "Fault", &body);
    oft_buffer_release(&body);
}

/* One chunk of the transfer coding that holds TEXT. */
static void chunk(struct oft_buffer *out, const struct oft_buffer *text)
{
    oft_buffer_printf(out, "%zx\r\n", text->length);
    oft_buffer_append(out, text->data, text->length);
    oft_buffer_append_text(out, "\r\n");
}

static void frame_text(struct oft_buffer *text, const char *delta, const char *reason)
{
    oft_buffer_printf(text,
                      "data: {" BEGINNING "{\"index\":0,\"delta\":{%s},\"logprobs\":null,"
                      "\"finish_reason\":%s}]}\n\n",
                      ".chunk", delta, reason);
}

static void make_frames(struct upstream *up)
{
    struct oft_buffer text, ending;
    struct oft_buffer *parts[] = {&up->stream_head,      &up->frame, &up->stream_end,
                                  &up->stream_end_usage, &text,      &ending};
    for (size_t i = 0; i < OFT_COUNT_OF(parts); i++)
        oft_buffer_init(parts[i], 1u << 16);
    oft_buffer_append_text(&up->stream_head,
                           "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                           "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n" HEADERS
                           "\r\n");
    frame_text(&text, "\"role\":\"assistant\",\"content\":\"\"", "null");
    chunk(&up->stream_head, &text);
    oft_buffer_clear(&text);
    frame_text(&text, "\"content\":\"word \"", "null");
    chunk(&up->frame, &text);
    oft_buffer_clear(&text);
    frame_text(&text, "", "\"stop\"");
    oft_buffer_append(&ending, text.data, text.length);
    oft_buffer_append_text(&text, "data: [DONE]\n\n");
    chunk(&up->stream_end, &text);
    oft_buffer_append_text(&up->stream_end, "0\r\n\r\n");
    oft_buffer_printf(&ending, "data: {" BEGINNING "]," USAGE "}\n\ndata: [DONE]\n\n", ".chunk");
    chunk(&up->stream_end_usage, &ending);
    oft_buffer_append_text(&up->stream_end_usage, "0\r\n\r\n");
    oft_buffer_release(&text);
    oft_buffer_release(&ending);
}

/* ---- connections ------------------------------------------------------- */

static void unqueue(struct upstream *up, struct client *client)
{
    if (client->previous != NULL)
        client->previous->next = client->next;
    else if (up->first == client)
        up->first = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    else if (up->last == client)
        up->last = client->previous;
    client->next = client->previous = NULL;
}

/* All streams of a run have one interval, so the place is the end, or near it. */
static void queue(struct upstream *up, struct client *client)
{
    struct client *before = up->last;
    while (before != NULL && before->due_ns > client->due_ns)
        before = before->previous;
    client->previous = before;
    client->next = before == NULL ? up->first : before->next;
    if (client->next != NULL)
        client->next->previous = client;
    else
        up->last = client;
    if (before != NULL)
        before->next = client;
    else
        up->first = client;
}

static void drop(struct upstream *up, struct client *client)
{
    if (client->frames_left > 0)
        unqueue(up, client);
    (void)close(client->fd);
    free(client->input);
    free(client);
}

/* False when the connection is gone, or does not take this little. */
static bool say(struct upstream *up, struct client *client, const struct oft_buffer *text)
{
    ssize_t count = send(client->fd, text->data, text->length, MSG_NOSIGNAL);
    if (count == (ssize_t)text->length)
        return true;
    if (count >= 0 || errno == EAGAIN)
        up->overrun++;
    return false;
}

static bool listen_on(struct upstream *up, uint64_t port, struct client *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    listener->listener = true;
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    return listener->fd >= 0 &&
           setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
           bind(listener->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(listener->fd, 4096) == 0 &&
           epoll_ctl(up->poll_fd, EPOLL_CTL_ADD, listener->fd, &event) == 0;
}

static void take_connections(struct upstream *up, const struct client *listener)
{
    for (;;) {
        int one = 1;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct client *client = calloc(1, sizeof(*client));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        if (client == NULL || (client->input = malloc(FIRST_BYTES)) == NULL ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
            epoll_ctl(up->poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            free(client == NULL ? NULL : client->input);
            free(client);
            (void)close(fd);
            continue;
        }
        client->fd = fd;
        client->failing = listener == &up->listeners[1];
        client->room = FIRST_BYTES;
        up->opened++;
    }
}

/* ---- requests ---------------------------------------------------------- */

static bool find_length(struct client *client)
{
    client->input[client->length] = '\0';
    const char *end = strstr(client->input, "\r\n\r\n");
    if (end == NULL)
        return client->length < FIRST_BYTES - 1;
    client->head_length = (size_t)(end - client->input) + 4;
    const char *length = strcasestr(client->input, "\r\nContent-Length:");
    const char *chunked = strcasestr(client->input, "\r\nTransfer-Encoding: chunked");
    client->body_length = 0;
    if (length != NULL && length < end)
        client->body_length = strtoul(length + 17, NULL, 10);
    else if (chunked != NULL && chunked < end)
        client->body_length = SIZE_MAX;
    return client->body_length == SIZE_MAX || client->body_length < REQUEST_BYTES_MAX;
}

static bool is_whole(const struct client *client)
{
    if (client->head_length == 0)
        return false;
    if (client->body_length != SIZE_MAX)
        return client->length >= client->head_length + client->body_length;
    return client->length >= client->head_length + 5 &&
           memcmp(client->input + client->length - 5, "0\r\n\r\n", 5) == 0;
}

static uint64_t number_after(const char *text, size_t length, const char *name)
{
    const char *at = memmem(text, length, name, strlen(name));
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static bool begin_stream(struct upstream *up, struct client *client, const char *hint,
                         const char *body, size_t length)
{
    size_t left = (size_t)(body + length - hint);
    left = left < 64 ? left : 64;
    client->frames_left = number_after(hint, left, "frames=");
    client->interval_ns = (int64_t)number_after(hint, left, "every_us=") * OFT_NS_PER_US;
    const char *options = memmem(body, length, "\"include_usage\"", 15);
    client->usage = options != NULL && memmem(options, 24, "true", 4) != NULL;
    if (client->frames_left == 0 || client->frames_left > FRAMES_MAX)
        return false;
    client->due_ns = load_monotonic_ns() + client->interval_ns;
    queue(up, client);
    up->streams++;
    return say(up, client, &up->stream_head);
}

static bool tell_counts(struct upstream *up, struct client *client)
{
    struct oft_buffer body, text;
    oft_buffer_init(&body, 4096);
    oft_buffer_printf(&body,
                      "{\"requests\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"streams\":%" PRIu64
                      ",\"frames\":%" PRIu64 ",\"opened\":%" PRIu64 ",\"overrun\":%" PRIu64 "}\n",
                      up->requests, up->failed, up->streams, up->frames, up->opened, up->overrun);
    whole(&text, 200, "OK", &body);
    bool good = say(up, client, &text);
    oft_buffer_release(&body);
    oft_buffer_release(&text);
    return good;
}

static bool answer(struct upstream *up, struct client *client)
{
    char *body = client->input + client->head_length;
    size_t length = client->length - client->head_length;
    client->input[client->length] = '\0';
    client->length = 0;
    client->head_length = 0;
    if (strncmp(client->input, "GET /bench/counts", 17) == 0)
        return tell_counts(up, client);
    up->requests++;
    if (client->failing && ++up->to_fail % up->fail_every == 0) {
        up->failed++;
        return say(up, client, &up->failure);
    }
    const char *hint = memmem(body, length, "bench: frames=", 14);
    return hint != NULL ? begin_stream(up, client, hint, body, length)
                        : say(up, client, &up->answer);
}

static bool make_room(struct client *client)
{
    if (client->length + 1 < client->room)
        return true;
    char *larger =
        client->room >= REQUEST_BYTES_MAX ? NULL : realloc(client->input, 4 * client->room);
    if (larger == NULL)
        return false;
    client->input = larger;
    client->room *= 4;
    return true;
}

static bool take_bytes(struct upstream *up, struct client *client)
{
    if (!make_room(client))
        return false;
    size_t room = client->room - 1 - client->length;
    ssize_t count = recv(client->fd, client->input + client->length, room, 0);
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    client->length += (size_t)count;
    if (client->head_length == 0 && !find_length(client))
        return false;
    return !is_whole(client) || answer(up, client);
}

/* The next frame of each stream whose time has come. */
static void send_frames(struct upstream *up, int64_t now)
{
    struct client *client;
    while ((client = up->first) != NULL && client->due_ns <= now) {
        unqueue(up, client);
        bool last = client->frames_left-- == 1;
        bool good = say(up, client, &up->frame);
        up->frames++;
        if (good && last)
            good = say(up, client, client->usage ? &up->stream_end_usage : &up->stream_end);
        if (!good) {
            client->frames_left = 0;
            drop(up, client);
        } else if (!last) {
            client->due_ns += client->interval_ns;
            if (client->due_ns <= now) /* late: no burst to catch up */
                client->due_ns = now + 1;
            queue(up, client);
        }
    }
}

static bool run(struct upstream *up)
{
    struct epoll_event events[256];
    for (;;) {
        struct timespec wait = {0};
        if (up->first != NULL) {
            int64_t left = up->first->due_ns - load_monotonic_ns();
            left = left < 0 ? 0 : left;
            wait = (struct timespec){left / OFT_NS_PER_SECOND, left % OFT_NS_PER_SECOND};
        }
        int count = epoll_pwait2(up->poll_fd, events, 256, up->first == NULL ? NULL : &wait, NULL);
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (client->listener)
                take_connections(up, client);
            else if (!take_bytes(up, client))
                drop(up, client);
        }
        if (up->first != NULL)
            send_frames(up, load_monotonic_ns());
    }
}

/* ---- options ----------------------------------------------------------- */

static bool take_options(int argc, char **argv, struct upstream *up)
{
    static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                          {"fail-port", required_argument, NULL, 'f'},
                                          {"fail-status", required_argument, NULL, 's'},
                                          {"fail-every", required_argument, NULL, 'e'},
                                          {"answer-bytes", required_argument, NULL, 'a'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int id;
    bool good = true;
    while (good && (id = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (id == 'h') {
            (void)fputs(help, stdout);
            exit(0);
        }
        good = id == 'p'   ? load_number(optarg, 65535, &up->port)
               : id == 'f' ? load_number(optarg, 65535, &up->fail_port)
               : id == 's' ? load_number(optarg, 599, &up->fail_status) && up->fail_status >= 400
               : id == 'e' ? load_number(optarg, 1000000, &up->fail_every) && up->fail_every > 0
               : id == 'a' ? load_number(optarg, 1u << 19, &up->answer_bytes)
                           : false;
    }
    return good && optind == argc && up->port != 0;
}

int main(int argc, char **argv)
{
    struct upstream *up = calloc(1, sizeof(*up));
    if (up == NULL)
        return 3;
    *up = (struct upstream){.fail_status = 500, .fail_every = 1, .answer_bytes = 768};
    if (!take_options(argc, argv, up)) {
        (void)fputs("offtake-bench-upstream: wrong or missing option; see --help\n", stderr);
        free(up);
        return 2;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1000ul);
    make_answer(up);
    make_frames(up);
    up->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (up->answer.failed || up->poll_fd < 0 || !listen_on(up, up->port, &up->listeners[0]) ||
        (up->fail_port != 0 && !listen_on(up, up->fail_port, &up->listeners[1]))) {
        (void)fprintf(stderr, "offtake-bench-upstream: cannot listen: %s\n", strerror(errno));
        free(up);
        return 3;
    }
    (void)run(up);
    free(up);
    return 3;
}
