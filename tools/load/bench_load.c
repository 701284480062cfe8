/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offtake-bench-load: one request after the other over each of a few connections that stay open, as
 * fast as the answers come, and a histogram of how long each took. It sends one fixed request and
 * reads no more of an answer than its status and its end, so that it costs little beside what it
 * measures. It speaks plain HTTP/1.1 to an IPv4 address.
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
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "load.h"

#define ANSWER_BYTES_MAX (1u << 20)

static const char help[] =
    "offtake-bench-load --port N --path PATH [OPTION]...\n"
    "Repeats one request over open connections, and measures the answers.\n"
    "\n"
    "  --port N             port on 127.0.0.1\n"
    "  --path PATH          such as /v1/chat/completions\n"
    "  --key-env VARIABLE   Authorization: Bearer of this variable\n"
    "  --key-file FILE      the same from a file's first line\n"
    "  --model M            model to ask for (default gpt-4o)\n"
    "  --connections N      (default 32)\n"
    "  --seconds N          (default 3)\n"
    "  --body-bytes N       about the bytes of a request's body (default 1024)\n"
    "  --max-tokens N       tokens of an answer, five bytes each (default 80)\n"
    "  --stream             ask for a stream\n"
    "\n"
    "Prints one line of JSON. Exit: 0, 1 some answer was not 200, 2 usage, 3 a fault.\n";

struct connection {
    int fd;
    size_t sent;     /* of the request */
    size_t received; /* of the answer */
    size_t expected; /* whole answer; 0: not known yet, SIZE_MAX: chunked */
    int64_t began_ns;
    char *answer;
};

struct bench {
    uint64_t port, connections, seconds, body_bytes, max_tokens;
    const char *path, *model;
    char key[256];
    bool stream;
    struct oft_buffer request;
    struct connection *all;
    int poll_fd;
    struct load_histogram latency;
    uint64_t good, bad;
    int64_t until_ns;
};

static void build_request(struct bench *bench)
{
    struct oft_buffer body;
    oft_buffer_init(&body, 16u << 20);
    oft_buffer_printf(&body,
                      "{\"model\":\"%s\",\"max_tokens\":%" PRIu64 "%s,\"messages\":[{\"role\":"
                      "\"user\",\"content\":\"tokens:200 ",
                      bench->model, bench->max_tokens, bench->stream ? ",\"stream\":true" : "");
    while (body.length + 4 < bench->body_bytes && !body.failed)
        oft_buffer_append_text(&body, "word ");
    oft_buffer_append_text(&body, "\"}]}");
    oft_buffer_init(&bench->request, 17u << 20);
    oft_buffer_printf(&bench->request,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                      bench->path, bench->key[0] != '\0' ? bench->key : "none", body.length);
    oft_buffer_append(&bench->request, oft_buffer_text(&body), body.length);
    oft_buffer_release(&body);
}

static bool open_connection(struct bench *bench, struct connection *connection)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bench->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
        return false;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    return epoll_ctl(bench->poll_fd, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

/* Sends what is left of the request. False when the connection is lost. */
static bool send_rest(const struct bench *bench, struct connection *connection)
{
    while (connection->sent < bench->request.length) {
        ssize_t count = send(connection->fd, bench->request.data + connection->sent,
                             bench->request.length - connection->sent, MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        connection->sent += (size_t)count;
    }
    return true;
}

static bool begin_request(struct bench *bench, struct connection *connection)
{
    connection->sent = 0;
    connection->received = 0;
    connection->expected = 0;
    connection->began_ns = load_monotonic_ns();
    return send_rest(bench, connection);
}

/* Learns from the head where the answer ends. False when the head makes no sense. */
static bool read_head(struct connection *connection)
{
    connection->answer[connection->received] = '\0';
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL)
        return connection->received < ANSWER_BYTES_MAX;
    const char *length = strcasestr(connection->answer, "\r\nContent-Length:");
    if (length != NULL && length < end) {
        connection->expected =
            (size_t)(end - connection->answer) + 4 + strtoul(length + 17, NULL, 10);
        return connection->expected <= ANSWER_BYTES_MAX;
    }
    const char *chunked = strcasestr(connection->answer, "\r\nTransfer-Encoding: chunked");
    connection->expected = SIZE_MAX;
    return chunked != NULL && chunked < end;
}

static bool answer_ended(const struct connection *connection)
{
    if (connection->expected == 0)
        return false;
    if (connection->expected != SIZE_MAX)
        return connection->received >= connection->expected;
    /* One request at a time: nothing follows the last chunk. */
    return connection->received > 7 &&
           memcmp(connection->answer + connection->received - 7, "\r\n0\r\n\r\n", 7) == 0;
}

/* Reads what has come, and goes on with the next request when the answer has ended. */
static bool read_answer(struct bench *bench, struct connection *connection)
{
    for (;;) {
        size_t room = ANSWER_BYTES_MAX - connection->received;
        ssize_t count =
            room == 0 ? 0
                      : recv(connection->fd, connection->answer + connection->received, room, 0);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count == 0)
            return false;
        connection->received += (size_t)count;
        if (connection->expected == 0 && !read_head(connection))
            return false;
        if (!answer_ended(connection))
            continue;
        int64_t now = load_monotonic_ns();
        load_histogram_add(&bench->latency, now - connection->began_ns);
        if (memcmp(connection->answer, "HTTP/1.1 200", 12) == 0)
            bench->good++;
        else
            bench->bad++;
        if (now >= bench->until_ns)
            return true;
        if (!begin_request(bench, connection))
            return false;
    }
}

static bool run(struct bench *bench)
{
    struct epoll_event events[256];
    for (uint64_t i = 0; i < bench->connections; i++)
        if (!begin_request(bench, &bench->all[i]))
            return false;
    while (load_monotonic_ns() < bench->until_ns) {
        int count = epoll_wait(bench->poll_fd, events, 256, 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!send_rest(bench, connection) || !read_answer(bench, connection)) {
                (void)fprintf(stderr, "offtake-bench-load: the server closed a connection, or its "
                                      "answer is not understood\n");
                return false;
            }
        }
    }
    return true;
}

static bool set_up(struct bench *bench)
{
    build_request(bench);
    bench->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench->all = calloc(bench->connections, sizeof(*bench->all));
    if (bench->request.failed || bench->poll_fd < 0 || bench->all == NULL)
        return false;
    for (uint64_t i = 0; i < bench->connections; i++) {
        bench->all[i].answer = malloc(ANSWER_BYTES_MAX + 1);
        if (bench->all[i].answer == NULL || !open_connection(bench, &bench->all[i])) {
            (void)fprintf(stderr,
                          "offtake-bench-load: cannot connect to 127.0.0.1:%" PRIu64 ": %s\n",
                          bench->port, strerror(errno));
            return false;
        }
    }
    return true;
}

static void tear_down(struct bench *bench)
{
    for (uint64_t i = 0; bench->all != NULL && i < bench->connections; i++) {
        if (bench->all[i].fd > 0)
            (void)close(bench->all[i].fd);
        free(bench->all[i].answer);
    }
    free(bench->all);
    oft_buffer_release(&bench->request);
    if (bench->poll_fd >= 0)
        (void)close(bench->poll_fd);
}

static bool take_key(struct bench *bench, const char *key)
{
    size_t length = key == NULL ? 0 : strcspn(key, "\r\n");
    if (length == 0 || length >= sizeof(bench->key))
        return false;
    memcpy(bench->key, key, length);
    bench->key[length] = '\0';
    return true;
}

static bool take_key_file(struct bench *bench, const char *path)
{
    char line[sizeof(bench->key)];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool good = fgets(line, sizeof(line), file) != NULL && take_key(bench, line);
    (void)fclose(file);
    return good;
}

static bool take_option(struct bench *bench, int id, const char *text)
{
    switch (id) {
    case 'p':
        return load_number(text, 65535, &bench->port);
    case 'c':
        return load_number(text, 1024, &bench->connections) && bench->connections > 0;
    case 's':
        return load_number(text, 3600, &bench->seconds) && bench->seconds > 0;
    case 'b':
        return load_number(text, 8u << 20, &bench->body_bytes);
    case 't':
        return load_number(text, 100000, &bench->max_tokens);
    case 'u':
        bench->path = text;
        return true;
    case 'm':
        bench->model = text;
        return true;
    case 'e':
        return take_key(bench, getenv(text));
    case 'f':
        return take_key_file(bench, text);
    case 'S':
        bench->stream = true;
        return true;
    default:
        return false;
    }
}

static bool take_options(int argc, char **argv, struct bench *bench)
{
    static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                          {"path", required_argument, NULL, 'u'},
                                          {"key-env", required_argument, NULL, 'e'},
                                          {"key-file", required_argument, NULL, 'f'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"body-bytes", required_argument, NULL, 'b'},
                                          {"max-tokens", required_argument, NULL, 't'},
                                          {"stream", no_argument, NULL, 'S'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int id;
    while ((id = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (id == 'h') {
            (void)fputs(help, stdout);
            exit(0);
        }
        if (!take_option(bench, id, optarg))
            return false;
    }
    return optind == argc && bench->port != 0 && bench->path != NULL;
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    if (bench == NULL)
        return 3;
    *bench = (struct bench){.connections = 32,
                            .seconds = 3,
                            .body_bytes = 1024,
                            .max_tokens = 80,
                            .model = "gpt-4o",
                            .poll_fd = -1};
    if (!take_options(argc, argv, bench)) {
        (void)fputs("offtake-bench-load: wrong or missing option; see --help\n", stderr);
        free(bench);
        return 2;
    }
    int64_t start_ns = 0;
    int code = 3;
    if (set_up(bench)) {
        start_ns = load_monotonic_ns();
        bench->until_ns = start_ns + (int64_t)bench->seconds * OFT_NS_PER_SECOND;
        if (run(bench)) {
            int64_t took_ns = load_monotonic_ns() - start_ns;
            uint64_t all = bench->good + bench->bad;
            (void)printf("{\"requests\":%" PRIu64 ",\"failed\":%" PRIu64
                         ",\"requests_per_second\":%" PRIu64 ",\"p50_us\":%" PRId64
                         ",\"p99_us\":%" PRId64 "}\n",
                         all, bench->bad, (uint64_t)((double)all * 1e9 / (double)took_ns),
                         load_histogram_quantile(&bench->latency, 500) / OFT_NS_PER_US,
                         load_histogram_quantile(&bench->latency, 990) / OFT_NS_PER_US);
            code = bench->bad > 0 || all == 0 ? 1 : 0;
        }
    }
    tear_down(bench);
    free(bench);
    return code;
}
