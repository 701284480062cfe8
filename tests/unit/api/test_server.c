/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server over real sockets in one thread: the test writes a request, lets the server run
 * until the answer is whole, and reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/hash.h"
#include "base/limits.h"
#include "fake_engine.h"

struct bench {
    struct engine engine;
    struct api *api;
    char directory[64];
    char socket_path[108];
    char answer[65536];
};

static oft_instant clock_fixed(void)
{
    return 0;
}

static int set_up(void **state)
{
    static struct bench bench;
    struct oft_error error = {0};
    memset(&bench, 0, sizeof bench);
    bench.engine.text = "{\"generation\":1}";
    (void)snprintf(bench.directory, sizeof bench.directory, "/tmp/oft-api-XXXXXX");
    if (mkdtemp(bench.directory) == NULL) {
        return -1;
    }
    (void)snprintf(bench.socket_path, sizeof bench.socket_path, "%.60s/admin.sock",
                   bench.directory);
    struct api_options options = {
        .engine = &bench.engine, .clock = clock_fixed, .socket_path = bench.socket_path};
    *state = &bench;
    return api_open(&options, &bench.api, &error) == OFT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    api_close(bench->api);
    (void)unlink(bench->socket_path);
    return rmdir(bench->directory);
}

static int connect_to(const struct bench *bench)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", bench->socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends REQUEST in whole and reads until the server closes; runs the server meanwhile. */
static const char *exchange(struct bench *bench, const char *request, size_t length)
{
    int fd = connect_to(bench);
    size_t sent = 0, got = 0;
    for (;;) {
        int api_fds[2];
        api_descriptors(bench->api, api_fds);
        struct pollfd fds[2] = {{.fd = fd, .events = sent < length ? POLLIN | POLLOUT : POLLIN},
                                {.fd = api_fds[0], .events = POLLIN}};
        int wait_ms = api_timeout_ms(bench->api);
        int ready = poll(fds, 2, wait_ms >= 0 ? wait_ms : 5000);
        assert_true(ready > 0 || wait_ms >= 0);
        if (fds[0].revents & POLLOUT && sent < length) {
            ssize_t done = send(fd, request + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += done > 0 ? (size_t)done : 0;
        }
        api_run(bench->api);
        if (fds[0].revents & (POLLIN | POLLHUP)) {
            ssize_t part =
                recv(fd, bench->answer + got, sizeof bench->answer - 1 - got, MSG_DONTWAIT);
            if (part == 0) {
                break;
            }
            got += part > 0 ? (size_t)part : 0;
        }
    }
    (void)close(fd);
    bench->answer[got] = '\0';
    return bench->answer;
}

static const char *ask(struct bench *bench, const char *request)
{
    return exchange(bench, request, strlen(request));
}

static void the_socket_is_its_owners_alone(void **state)
{
    struct bench *bench = *state;
    struct stat entry;
    assert_int_equal(stat(bench->socket_path, &entry), 0);
    assert_true(S_ISSOCK(entry.st_mode));
    assert_int_equal(entry.st_mode & 0777, 0600);
}

static void a_request_is_answered_in_the_callers_loop(void **state)
{
    struct bench *bench = *state;
    const char *answer =
        ask(bench, "GET /v1/status HTTP/1.1\r\nHost: offtake\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "Cache-Control: no-store"));
    assert_non_null(strstr(answer, "\"generation\":1"));
}

static void a_query_is_decoded_for_the_handler(void **state)
{
    struct bench *bench = *state;
    const char *answer = ask(bench, "GET /v1/statement?party=a%26b%20c&month=2026-04 HTTP/1.1\r\n"
                                    "Host: offtake\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_string_equal(bench->engine.asked, "statement a&b c 24315 1");
}

static void an_oversized_body_is_413_and_reaches_nobody(void **state)
{
    struct bench *bench = *state;
    size_t body = OFT_ADMIN_BODY_BYTES_MAX + 1;
    char *request = malloc(body + 256);
    assert_non_null(request);
    int head = snprintf(request, 256,
                        "POST /v1/keys HTTP/1.1\r\nHost: offtake\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        body);
    memset(request + head, ' ', body);
    const char *answer = exchange(bench, request, (size_t)head + body);
    assert_non_null(strstr(answer, "HTTP/1.1 413"));
    assert_int_equal(bench->engine.calls, 0);
    free(request);
}

static void unsound_books_are_told_by_a_header(void **state)
{
    struct bench *bench = *state;
    const char *answer =
        ask(bench, "GET /v1/ledger/verify HTTP/1.1\r\nHost: offtake\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "X-Offtake-Sound: false"));
}

static void a_dead_daemons_socket_is_replaced(void **state)
{
    struct bench *bench = *state;
    struct oft_error error = {0};
    struct api *second = NULL;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/old.sock", bench->directory);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    struct api_options options = {
        .engine = &bench->engine, .clock = clock_fixed, .socket_path = path};
    assert_int_equal(api_open(&options, &second, &error), OFT_OK);
    api_close(second);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_path_too_long_for_a_socket_is_told_as_such(void **state)
{
    struct bench *bench = *state;
    struct oft_error error = {0};
    struct api *second = NULL;
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    struct api_options options = {
        .engine = &bench->engine, .clock = clock_fixed, .socket_path = path};
    assert_int_equal(api_open(&options, &second, &error), OFT_ERR_LIMIT);
    assert_non_null(strstr(error.message, "shorter data directory"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_socket_is_its_owners_alone),
        TEST(a_request_is_answered_in_the_callers_loop),
        TEST(a_query_is_decoded_for_the_handler),
        TEST(an_oversized_body_is_413_and_reaches_nobody),
        TEST(unsound_books_are_told_by_a_header),
        TEST(a_dead_daemons_socket_is_replaced),
        TEST(a_path_too_long_for_a_socket_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
