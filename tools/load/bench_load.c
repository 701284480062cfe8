/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offtake-bench-load: one fixed request over a few connections that stay open, and a histogram of how long
 * each answer took. Two ways of asking:
 *
 *   closed   each connection asks again when its answer has ended: what is the most that goes through?
 *   open     (--rate) at instants that were fixed beforehand, whatever the answers do. An answer's time
 *            counts from the instant at which its request was due, so that a server that stops for a
 *            while is charged for all who waited, and not for those few that were under way.
 *
 * It reads no more of an answer than its status, its length and its end, so that it costs little beside
 * what it measures. It speaks plain HTTP/1.1 to 127.0.0.1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
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

#define HEAD_BYTES_MAX 8192u
#define READ_BYTES     65536u
#define LATE_NS        (2 * OFT_NS_PER_SECOND)

static const char help[] =
    "offtake-bench-load --port N --path PATH [OPTION]...\n"
    "Repeats one request over open connections, and measures the answers.\n"
    "\n"
    "  --port N             port on 127.0.0.1\n"
    "  --path PATH          such as /v1/chat/completions\n"
    "  --key-env VARIABLE   Authorization: Bearer of this variable\n"
    "  --key-file FILE      the same from a file's first line\n"
    "  --header TEXT        one more header, \"Name: value\"; up to eight\n"
    "  --model M            model to ask for (default gpt-4o)\n"
    "  --connections N      (default 32)\n"
    "  --seconds N          (default 3)\n"
    "  --rate N             requests a second at fixed random instants (default: as fast as "
    "answers come)\n"
    "  --body-bytes N       about the bytes of a request's body (default 1024)\n"
    "  --max-tokens N       tokens of an answer, five bytes each (default 80)\n"
    "  --stream             ask for a stream\n"
    "  --prompt TEXT        how the prompt begins (default \"tokens:200\")\n"
    "  --least-bytes N      a body with fewer bytes is a failed answer (default 2)\n"
    "  --hold               begin one stream on each connection and end when the seconds are over\n"
    "\n"
    "Prints one line of JSON. Exit: 0, 1 some answer was not 200 or not whole, 2 usage, 3 a "
    "fault.\n";

struct connection {
    int fd;
    size_t sent;     /* of the request */
    size_t head;     /* bytes of the head that are here */
    size_t received; /* of the body */
    size_t expected; /* whole body; SIZE_MAX: chunked */
    bool head_done, busy, good;
    int64_t began_ns;
    char tail[8]; /* the last bytes of the body */
    char text[HEAD_BYTES_MAX + 1];
};

struct bench {
    uint64_t port, connections, seconds, rate, body_bytes, max_tokens, least_bytes;
    const char *path, *model, *prompt;
    const char *headers[8];
    unsigned header_count;
    char key[256];
    bool stream, hold;
    struct oft_buffer request;
    struct connection **all, **idle;
    uint64_t idle_count;
    char *bytes;
    int poll_fd;
    struct load_histogram latency, first;
    uint64_t good, bad, begun, running, held, behind;
    int64_t start_ns, until_ns, due_ns;
};

static void build_request(struct bench *bench)
{
    struct oft_buffer body;
    oft_buffer_init(&body, 16u << 20);
    oft_buffer_printf(&body,
                      "{\"model\":\"%s\",\"max_tokens\":%" PRIu64 "%s,\"messages\":[{\"role\":"
                      "\"user\",\"content\":\"%s ",
                      bench->model, bench->max_tokens, bench->stream ? ",\"stream\":true" : "",
                      bench->prompt);
    while (body.length + 4 < bench->body_bytes && !body.failed)
        oft_buffer_append_text(&body, "word ");
    oft_buffer_append_text(&body, "\"}]}");
    oft_buffer_init(&bench->request, 17u << 20);
    oft_buffer_printf(&bench->request,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      bench->path, bench->key[0] != '\0' ? bench->key : "none", body.length);
    for (unsigned i = 0; i < bench->header_count; i++)
        oft_buffer_printf(&bench->request, "%s\r\n", bench->headers[i]);
    oft_buffer_append_text(&bench->request, "\r\n");
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

/* Some servers end a connection after so many requests: that is their right between two of them. */
static bool open_again(struct bench *bench, struct connection *connection)
{
    (void)close(connection->fd);
    return open_connection(bench, connection);
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

static bool begin_request(struct bench *bench, struct connection *connection, int64_t due_ns)
{
    connection->sent = 0;
    connection->head = 0;
    connection->received = 0;
    connection->expected = 0;
    connection->head_done = false;
    connection->busy = true;
    connection->began_ns = due_ns;
    bench->begun++;
    bench->running++;
    return send_rest(bench, connection);
}

/* ---- answers ----------------------------------------------------------- */

/* Learns from the head where the answer ends. False when the head makes no sense. */
static bool read_head(struct connection *connection)
{
    char *text = connection->text;
    text[connection->head] = '\0';
    char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return connection->head < HEAD_BYTES_MAX;
    size_t head_length = (size_t)(end - text) + 4;
    const char *length = strcasestr(text, "\r\nContent-Length:");
    const char *chunked = strcasestr(text, "\r\nTransfer-Encoding: chunked");
    connection->head_done = true;
    connection->good = memcmp(text, "HTTP/1.1 200", 12) == 0;
    connection->received = connection->head - head_length;
    size_t tail = connection->received < 8 ? connection->received : 8;
    memset(connection->tail, 0, 8);
    memcpy(connection->tail + 8 - tail, text + connection->head - tail, tail);
    if (length != NULL && length < end) {
        connection->expected = strtoul(length + 17, NULL, 10);
        return true;
    }
    connection->expected = SIZE_MAX;
    return chunked != NULL && chunked < end;
}

static void keep_tail(struct connection *connection, const char *bytes, size_t count)
{
    if (count >= 8) {
        memcpy(connection->tail, bytes + count - 8, 8);
    } else {
        memmove(connection->tail, connection->tail + count, 8 - count);
        memcpy(connection->tail + 8 - count, bytes, count);
    }
    connection->received += count;
}

static bool answer_ended(const struct connection *connection)
{
    if (!connection->head_done)
        return false;
    if (connection->expected != SIZE_MAX)
        return connection->received >= connection->expected;
    /* One request at a time: nothing follows the last chunk. */
    return connection->received >= 5 && memcmp(connection->tail + 3, "0\r\n\r\n", 5) == 0 &&
           (connection->received == 5 || connection->tail[2] == '\n');
}

static void count_answer(struct bench *bench, struct connection *connection)
{
    int64_t now = load_monotonic_ns();
    load_histogram_add(&bench->latency, now - connection->began_ns);
    if (connection->good && connection->received >= bench->least_bytes)
        bench->good++;
    else
        bench->bad++;
    connection->busy = false;
    bench->running--;
}

/* Takes COUNT bytes that came. False when they make no sense. */
static bool take_bytes(struct bench *bench, struct connection *connection, size_t count)
{
    size_t before = connection->received;
    if (connection->head_done) {
        keep_tail(connection, bench->bytes, count);
    } else {
        size_t room = HEAD_BYTES_MAX - connection->head;
        size_t part = count < room ? count : room;
        memcpy(connection->text + connection->head, bench->bytes, part);
        connection->head += part;
        if (!read_head(connection))
            return false;
        if (connection->head_done && part < count)
            keep_tail(connection, bench->bytes + part, count - part);
    }
    if (before == 0 && connection->received > 0) {
        load_histogram_add(&bench->first, load_monotonic_ns() - connection->began_ns);
        bench->held++;
    }
    return true;
}

/* Reads what has come, and goes on with the next request when the answer has ended. */
static bool read_answer(struct bench *bench, struct connection *connection)
{
    for (;;) {
        ssize_t count = recv(connection->fd, bench->bytes, READ_BYTES, 0);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        if (count == 0)
            return !connection->busy && open_again(bench, connection);
        if (!take_bytes(bench, connection, (size_t)count))
            return false;
        if (!answer_ended(connection))
            continue;
        count_answer(bench, connection);
        if (bench->rate != 0 || bench->hold) {
            bench->idle[bench->idle_count++] = connection;
            continue;
        }
        int64_t now = load_monotonic_ns();
        if (now >= bench->until_ns)
            return true;
        if (!begin_request(bench, connection, now))
            return false;
    }
}

/* ---- the two ways of asking -------------------------------------------- */

/* The gaps are exponential, and always the same for the same rate: arrivals of independent clients. */
static void next_due(struct bench *bench)
{
    double share = (double)(load_draw(1, bench->begun, 7) >> 11) / 9007199254740992.0;
    bench->due_ns += (int64_t)(-log(1.0 - share) * 1e9 / (double)bench->rate);
}

static bool begin_due(struct bench *bench)
{
    int64_t now = load_monotonic_ns();
    while (bench->due_ns <= now && bench->due_ns < bench->until_ns && bench->idle_count > 0) {
        int64_t due = bench->due_ns;
        next_due(bench);
        if (!begin_request(bench, bench->idle[--bench->idle_count], due))
            return false;
    }
    return true;
}

static bool begin_all(struct bench *bench)
{
    for (uint64_t i = 0; i < bench->connections; i++) {
        bench->idle[i] = bench->all[i];
        if (bench->rate == 0 && !begin_request(bench, bench->all[i], load_monotonic_ns()))
            return false;
    }
    bench->idle_count = bench->rate == 0 ? 0 : bench->connections;
    bench->due_ns = bench->start_ns;
    return true;
}

/* How long there is nothing to do; negative: it is over. */
static int64_t time_left(const struct bench *bench)
{
    int64_t now = load_monotonic_ns();
    if (bench->rate == 0)
        return bench->until_ns - now;
    if (bench->due_ns < bench->until_ns && bench->idle_count > 0)
        return bench->due_ns > now ? bench->due_ns - now : 0;
    if (bench->due_ns >= bench->until_ns && bench->running == 0)
        return -1;
    return bench->until_ns + LATE_NS - now;
}

static bool run(struct bench *bench)
{
    struct epoll_event events[256];
    int64_t left;
    if (!begin_all(bench))
        return false;
    while ((left = time_left(bench)) >= 0) {
        struct timespec wait = {left / OFT_NS_PER_SECOND, left % OFT_NS_PER_SECOND};
        int count = epoll_pwait2(bench->poll_fd, events, 256, &wait, NULL);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if ((connection->busy && !send_rest(bench, connection)) ||
                !read_answer(bench, connection)) {
                (void)fprintf(stderr, "offtake-bench-load: the server closed a connection, or its "
                                      "answer is not understood\n");
                return false;
            }
        }
        if (bench->rate != 0 && !begin_due(bench))
            return false;
    }
    /* Those that were due and never begun, or never answered: the rate is above what goes through. */
    for (; bench->rate != 0 && bench->due_ns < bench->until_ns; bench->begun++) {
        next_due(bench);
        bench->behind++;
    }
    bench->behind += bench->rate != 0 ? bench->running : 0;
    return true;
}

/* ---- setting up, and the end ------------------------------------------- */

static bool set_up(struct bench *bench)
{
    build_request(bench);
    bench->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench->all = calloc(bench->connections, sizeof(struct connection *));
    bench->idle = calloc(bench->connections, sizeof(struct connection *));
    bench->bytes = malloc(READ_BYTES);
    if (bench->request.failed || bench->poll_fd < 0 || bench->all == NULL || bench->idle == NULL ||
        bench->bytes == NULL)
        return false;
    for (uint64_t i = 0; i < bench->connections; i++) {
        bench->all[i] = calloc(1, sizeof(struct connection));
        if (bench->all[i] == NULL || !open_connection(bench, bench->all[i])) {
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
    for (uint64_t i = 0; bench->all != NULL && i < bench->connections && bench->all[i]; i++) {
        if (bench->all[i]->fd > 0)
            (void)close(bench->all[i]->fd);
        free(bench->all[i]);
    }
    free(bench->all);
    free(bench->idle);
    free(bench->bytes);
    oft_buffer_release(&bench->request);
    if (bench->poll_fd >= 0)
        (void)close(bench->poll_fd);
}

static double quantile_us(const struct load_histogram *histogram, unsigned per_mille)
{
    return (double)load_histogram_quantile(histogram, per_mille) / 1e3;
}

static int report(const struct bench *bench)
{
    double seconds = (double)(load_monotonic_ns() - bench->start_ns) / 1e9;
    uint64_t all = bench->good + bench->bad;
    bool good = bench->bad == 0 && (bench->hold ? bench->held == bench->connections : all > 0);
    (void)printf("{\"requests\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"behind\":%" PRIu64
                 ",\"held\":%" PRIu64 ",\"seconds\":%.3f,\"requests_per_second\":%.1f"
                 ",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f"
                 ",\"first_p50_us\":%.1f,\"first_p99_us\":%.1f}\n",
                 all, bench->bad, bench->behind, bench->held, seconds, (double)all / seconds,
                 quantile_us(&bench->latency, 500), quantile_us(&bench->latency, 900),
                 quantile_us(&bench->latency, 990), quantile_us(&bench->latency, 999),
                 quantile_us(&bench->first, 500), quantile_us(&bench->first, 990));
    return good ? 0 : 1;
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

static bool take_number(struct bench *bench, int id, const char *text)
{
    switch (id) {
    case 'p':
        return load_number(text, 65535, &bench->port);
    case 'c':
        return load_number(text, 16384, &bench->connections) && bench->connections > 0;
    case 's':
        return load_number(text, 3600, &bench->seconds) && bench->seconds > 0;
    case 'r':
        return load_number(text, 10000000, &bench->rate);
    case 'b':
        return load_number(text, 8u << 20, &bench->body_bytes);
    case 't':
        return load_number(text, 100000, &bench->max_tokens);
    case 'l':
        return load_number(text, 1u << 30, &bench->least_bytes);
    default:
        return false;
    }
}

static bool take_option(struct bench *bench, int id, const char *text)
{
    switch (id) {
    case 'u':
        bench->path = text;
        return true;
    case 'm':
        bench->model = text;
        return true;
    case 'P':
        bench->prompt = text;
        return true;
    case 'e':
        return take_key(bench, getenv(text));
    case 'f':
        return take_key_file(bench, text);
    case 'H':
        if (bench->header_count == OFT_COUNT_OF(bench->headers))
            return false;
        bench->headers[bench->header_count++] = text;
        return true;
    case 'S':
        bench->stream = true;
        return true;
    case 'O':
        bench->hold = true;
        return true;
    default:
        return take_number(bench, id, text);
    }
}

static bool take_options(int argc, char **argv, struct bench *bench)
{
    static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                          {"path", required_argument, NULL, 'u'},
                                          {"key-env", required_argument, NULL, 'e'},
                                          {"key-file", required_argument, NULL, 'f'},
                                          {"header", required_argument, NULL, 'H'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"body-bytes", required_argument, NULL, 'b'},
                                          {"max-tokens", required_argument, NULL, 't'},
                                          {"prompt", required_argument, NULL, 'P'},
                                          {"least-bytes", required_argument, NULL, 'l'},
                                          {"stream", no_argument, NULL, 'S'},
                                          {"hold", no_argument, NULL, 'O'},
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
                            .least_bytes = 2,
                            .model = "gpt-4o",
                            .prompt = "tokens:200",
                            .poll_fd = -1};
    if (!take_options(argc, argv, bench)) {
        (void)fputs("offtake-bench-load: wrong or missing option; see --help\n", stderr);
        free(bench);
        return 2;
    }
    int code = 3;
    (void)prctl(PR_SET_TIMERSLACK, 1000ul);
    if (set_up(bench)) {
        bench->start_ns = load_monotonic_ns();
        bench->until_ns = bench->start_ns + (int64_t)bench->seconds * OFT_NS_PER_SECOND;
        if (run(bench))
            code = report(bench);
    }
    tear_down(bench);
    free(bench);
    return code;
}
