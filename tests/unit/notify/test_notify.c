/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said without a server: signatures, the schedule of retries, and what is not sent at all.
 * tests/e2e/test_desk.py has the servers.
 */
#include "notify/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_signature_is_the_hmac_of_time_id_and_body(void **unused)
{
    (void)unused;
    char hex[65], other[65];
    /* printf '1700000000.7.{}' | openssl dgst -sha256 -hmac secret */
    assert_int_equal(notify_signature("secret", 1700000000, "7", OFT_STR_LITERAL("{}"), hex),
                     OFT_OK);
    assert_string_equal(hex, "2476a3273a22f222704aa93ff3f4078a85cc90a6951a61e23107bff2b33b3d4e");
    assert_int_equal(notify_signature("secret", 1700000001, "7", OFT_STR_LITERAL("{}"), other),
                     OFT_OK);
    assert_string_not_equal(hex, other);
    assert_int_equal(notify_signature("Secret", 1700000000, "7", OFT_STR_LITERAL("{}"), other),
                     OFT_OK);
    assert_string_not_equal(hex, other);
}

static void retries_come_ever_later_and_end_after_three_days(void **unused)
{
    (void)unused;
    int64_t sum = 0, before = 0;
    uint32_t attempt = 1;
    for (;; attempt++) {
        int64_t wait = notify_retry_after_s(attempt, 42);
        if (wait < 0) {
            break;
        }
        assert_true(wait >= 5 && wait <= 4500);
        assert_true(attempt > 9 || wait > before);
        before = wait;
        sum += wait;
    }
    assert_true(sum > 3 * 86400 && sum < 4 * 86400);
    assert_int_equal(notify_retry_after_s(3, 1), notify_retry_after_s(3, 1));
    assert_int_equal(notify_retry_after_s(100000, 1), -1);
}

static void what_would_smuggle_is_not_sent(void **unused)
{
    (void)unused;
    struct notify_queue *queue;
    struct oft_error error = {0};
    const struct notify_server server = {.url = "smtp://127.0.0.1:1", .from = "desk@lab.example"};
    assert_int_equal(notify_queue_new(&queue, &error), OFT_OK);
    struct notify_message mail = {.tag = 1,
                                  .id = "a1",
                                  .server = &server,
                                  .to = "holder@big.example",
                                  .subject = "Notice",
                                  .text = "words"};
    static const char *const wrong[] = {"a@b@c", "a b@c", "<a@b>", "a@b\r\nBcc: c@d", "", "ab"};
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        struct notify_message bad = mail;
        bad.to = wrong[i];
        assert_int_equal(notify_queue_add(queue, &bad, &error), OFT_ERR_INVALID);
    }
    struct notify_message id = mail;
    id.id = "a\r\nBcc: c@d";
    assert_int_equal(notify_queue_add(queue, &id, &error), OFT_ERR_INVALID);
    static const char *const urls[] = {"http://example.com/",    "ftp://127.0.0.1/",
                                       "http://127.0.0.1.evil/", "http://127.0.0.1@evil/",
                                       "file:///etc/passwd",     ""};
    for (size_t i = 0; i < OFT_COUNT_OF(urls); i++) {
        struct notify_message hook = {.id = "1", .url = urls[i], .secret = "s", .text = "{}"};
        assert_int_equal(notify_queue_add(queue, &hook, &error), OFT_ERR_INVALID);
    }
    assert_int_equal(notify_queue_busy(queue), 0);
    notify_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_the_hmac_of_time_id_and_body),
        cmocka_unit_test(retries_come_ever_later_and_end_after_three_days),
        cmocka_unit_test(what_would_smuggle_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
