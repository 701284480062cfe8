/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers side by side, against servers that misbehave on purpose: a mail server that says nothing, one
 * that never says goodbye, one that stops reading. tests/e2e/test_desk_notices.py has the ones that behave.
 */
#include "notify/notify.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, URL_BYTES = 64, ATTACHMENT_BYTES = 12 << 20 };

struct heard {
    uint32_t count;
    struct notify_outcome last;
};

static void hear(void *context, const struct notify_outcome *outcome)
{
    struct heard *heard = context;
    heard->count++;
    heard->last = *outcome;
}

static int64_t now_ms(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int listening(const char *scheme, char url[URL_BYTES])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, URL_BYTES, "%s://127.0.0.1:%u", scheme, ntohs(address.sin_port));
    return fd;
}

static void ready(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
}

static int accepted(int listener)
{
    ready(listener);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until TEXT has come. */
static void expect(int fd, const char *text)
{
    char got[8192];
    size_t length = 0;
    do {
        ready(fd);
        ssize_t count = read(fd, got + length, sizeof(got) - 1 - length);
        assert_true(count > 0);
        length += (size_t)count;
        got[length] = '\0';
    } while (strstr(got, text) == NULL);
}

/* A mail server up to the point where the mail itself comes. */
static int mail_begun(int listener)
{
    int fd = accepted(listener);
    say(fd, "220 ready\r\n");
    expect(fd, "EHLO");
    say(fd, "250 here\r\n");
    expect(fd, "MAIL FROM");
    say(fd, "250 good\r\n");
    expect(fd, "RCPT TO");
    say(fd, "250 good\r\n");
    expect(fd, "DATA");
    say(fd, "354 go on\r\n");
    return fd;
}

static struct notify_queue *queue_of(void)
{
    struct notify_queue *queue = NULL;
    struct oft_error error = {0};
    assert_int_equal(notify_queue_new(&queue, &error), OFT_OK);
    return queue;
}

static void add(struct notify_queue *queue, const struct notify_message *message)
{
    struct oft_error error = {0};
    assert_int_equal(notify_queue_add(queue, message, &error), OFT_OK);
}

static struct notify_message mail_to(const struct notify_server *server)
{
    return (struct notify_message){.tag = 1,
                                   .id = "a1",
                                   .server = server,
                                   .to = "holder@big.example",
                                   .subject = "Notice",
                                   .text = "words"};
}

static void a_silent_mail_server_holds_up_nobody_else(void **unused)
{
    (void)unused;
    char mail_url[URL_BYTES], hook_url[URL_BYTES];
    int silent = listening("smtp", mail_url), hook = listening("http", hook_url);
    const struct notify_server server = {.url = mail_url, .from = "desk@lab.example"};
    const struct notify_message mail = mail_to(&server);
    const struct notify_message webhook = {
        .tag = 2, .id = "a2", .url = hook_url, .secret = "s", .text = "{}"};
    struct notify_queue *queue = queue_of();
    struct heard heard = {0};
    add(queue, &mail);
    add(queue, &webhook);
    int fd = accepted(hook);
    expect(fd, "{}");
    say(fd, "HTTP/1.1 204 Good\r\n\r\n");
    ready(notify_queue_descriptor(queue));
    notify_queue_run(queue, hear, &heard);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.tag, 2);
    assert_true(heard.last.accepted);
    assert_int_equal(notify_queue_busy(queue), 1);

    int64_t before = now_ms();
    notify_queue_free(queue);
    assert_true(now_ms() - before < PATIENCE_MS / 2);
    (void)close(fd), (void)close(hook), (void)close(silent);
}

static void acceptance_is_told_though_the_server_never_says_goodbye(void **unused)
{
    (void)unused;
    char url[URL_BYTES];
    int listener = listening("smtp", url);
    const struct notify_server server = {.url = url, .from = "desk@lab.example"};
    const struct notify_message mail = mail_to(&server);
    struct notify_queue *queue = queue_of();
    struct heard heard = {0};
    add(queue, &mail);
    int fd = mail_begun(listener);
    expect(fd, "\r\n.\r\n");
    say(fd, "250 kept as 4711\r\n");
    ready(notify_queue_descriptor(queue));
    notify_queue_run(queue, hear, &heard);
    assert_int_equal(heard.count, 1);
    assert_true(heard.last.accepted);
    assert_string_equal(heard.last.reply, "250 kept as 4711");
    expect(fd, "QUIT\r\n"); /* said all the same */
    notify_queue_free(queue);
    (void)close(fd), (void)close(listener);
}

static void a_mail_that_is_broken_off_is_not_ended_as_if_it_were_whole(void **unused)
{
    (void)unused;
    char url[URL_BYTES];
    int listener = listening("smtp", url);
    const struct notify_server server = {.url = url, .from = "desk@lab.example"};
    struct notify_message mail = mail_to(&server);
    char *attachment = calloc(1, ATTACHMENT_BYTES);
    char *got = malloc(2 * ATTACHMENT_BYTES);
    assert_true(attachment != NULL && got != NULL);
    mail.attachment = (struct oft_str){attachment, ATTACHMENT_BYTES};
    mail.attachment_name = "notice.pdf";
    struct notify_queue *queue = queue_of();
    add(queue, &mail);
    int fd = mail_begun(listener);
    expect(fd, "Subject: Notice"); /* the mail comes; the rest is left in the pipe */
    notify_queue_free(queue);

    size_t length = 0;
    ssize_t count;
    while (length < 2 * ATTACHMENT_BYTES &&
           (count = read(fd, got + length, 2 * ATTACHMENT_BYTES - length)) > 0) {
        length += (size_t)count;
    }
    assert_true(length > 0 && length < ATTACHMENT_BYTES);
    assert_null(memmem(got, length, "\r\n.\r\n", 5));
    free(got);
    free(attachment);
    (void)close(fd), (void)close(listener);
}

static void a_refused_recipient_is_refused_for_good_and_a_busy_server_is_not(void **unused)
{
    (void)unused;
    static const char *const answers[] = {"550 no such party\r\n", "451 later\r\n"};
    char url[URL_BYTES];
    int listener = listening("smtp", url);
    const struct notify_server server = {.url = url, .from = "desk@lab.example"};
    const struct notify_message mail = mail_to(&server);
    struct notify_queue *queue = queue_of();
    for (size_t i = 0; i < OFT_COUNT_OF(answers); i++) {
        struct heard heard = {0};
        add(queue, &mail);
        int fd = accepted(listener);
        say(fd, "220 ready\r\n");
        expect(fd, "EHLO");
        say(fd, "250 here\r\n");
        expect(fd, "MAIL FROM");
        say(fd, "250 good\r\n");
        expect(fd, "RCPT TO");
        say(fd, answers[i]);
        expect(fd, "QUIT");
        say(fd, "221 bye\r\n");
        ready(notify_queue_descriptor(queue));
        notify_queue_run(queue, hear, &heard);
        assert_int_equal(heard.count, 1);
        assert_false(heard.last.accepted);
        assert_true(heard.last.permanent == (i == 0));
        assert_int_equal(notify_queue_busy(queue), 0);
        (void)close(fd);
    }
    notify_queue_free(queue);
    (void)close(listener);
}

static void more_at_once_than_there_is_room_for_wait_with_the_caller(void **unused)
{
    (void)unused;
    char url[URL_BYTES];
    int listener = listening("http", url);
    struct notify_queue *queue = queue_of();
    struct oft_error error = {0};
    struct notify_message webhook = {.id = "a", .url = url, .secret = "s", .text = "{}"};
    int fds[NOTIFY_AT_ONCE_MAX];
    for (uint64_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        webhook.tag = i + 1;
        add(queue, &webhook);
    }
    assert_int_equal(notify_queue_add(queue, &webhook, &error), OFT_ERR_BUSY);
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        fds[i] = accepted(listener);
    }
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        expect(fds[i], "{}");
        say(fds[i], "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    }
    struct heard heard = {0};
    while (heard.count < NOTIFY_AT_ONCE_MAX) {
        ready(notify_queue_descriptor(queue));
        notify_queue_run(queue, hear, &heard);
        assert_int_equal(heard.last.retry_after_s, 7);
        assert_false(heard.last.accepted || heard.last.permanent);
    }
    assert_int_equal(notify_queue_busy(queue), 0);
    for (uint32_t i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
        (void)close(fds[i]);
    }
    notify_queue_free(queue);
    (void)close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_mail_server_holds_up_nobody_else),
        cmocka_unit_test(acceptance_is_told_though_the_server_never_says_goodbye),
        cmocka_unit_test(a_mail_that_is_broken_off_is_not_ended_as_if_it_were_whole),
        cmocka_unit_test(a_refused_recipient_is_refused_for_good_and_a_busy_server_is_not),
        cmocka_unit_test(more_at_once_than_there_is_room_for_wait_with_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
