/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated provider over real sockets: credentials, tokens, streams, faults, and counts that stay
 * exact while several clients ask at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "provider.h"

#define CHAT "/v1/chat/completions"
#define ASK_FOR(prompt, output, more)              \
    "{\"model\":\"m\",\"max_tokens\":" output more \
    ",\"messages\":[{\"role\":\"user\",\"content\":\"tokens:" prompt " hi\"}]}"

struct answer {
    CURLcode code;
    long status;
    char retry_after[16];
    struct oft_buffer body;
};

static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    struct answer *answer = argument;
    oft_buffer_append(&answer->body, data, size * count);
    return size * count;
}

static size_t take_header(char *data, size_t size, size_t count, void *argument)
{
    struct answer *answer = argument;
    if (size * count > 13 && strncasecmp(data, "retry-after: ", 13) == 0)
        (void)snprintf(answer->retry_after, sizeof(answer->retry_after), "%.*s",
                       (int)(size * count - 15), data + 13);
    return size * count;
}

/* HEADER may be NULL, as may BODY, which makes a GET. */
static struct answer ask(const struct sim_provider *provider, const char *path, const char *header,
                         const char *body)
{
    struct answer answer = {.status = 0};
    struct curl_slist *headers = NULL;
    char url[256];
    CURL *easy = curl_easy_init();
    assert_non_null(easy);
    oft_buffer_init(&answer.body, 1u << 24);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", (unsigned)sim_provider_port(provider),
                   path);
    headers = curl_slist_append(headers, "Authorization: Bearer right-key");
    if (header != NULL)
        headers = curl_slist_append(headers, header);
    assert_non_null(headers);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, url), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PROXY, ""), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer), CURLE_OK);
    if (body != NULL)
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body), CURLE_OK);
    answer.code = curl_easy_perform(easy);
    assert_int_equal(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status), CURLE_OK);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return answer;
}

static long status_of(const struct sim_provider *provider, const char *path, const char *header,
                      const char *body)
{
    struct answer answer = ask(provider, path, header, body);
    oft_buffer_release(&answer.body);
    return answer.status;
}

static json_int_t count_of(const struct sim_provider *provider, const char *name)
{
    struct answer answer = ask(provider, "/sim/counts", NULL, NULL);
    json_t *root = json_loads(oft_buffer_text(&answer.body), 0, NULL);
    assert_non_null(root);
    json_t *value = json_object_get(root, name);
    assert_true(json_is_integer(value));
    json_int_t count = json_integer_value(value);
    json_decref(root);
    oft_buffer_release(&answer.body);
    return count;
}

static struct sim_provider *start(struct sim_options more)
{
    struct oft_error error = {0};
    more.name = "test";
    more.listen = "127.0.0.1";
    more.kind = SIM_KIND_BOTH;
    more.threads = 2;
    more.detail_max = 1000;
    more.seed = 7;
    struct sim_provider *provider = sim_provider_start(&more, &error);
    if (provider == NULL)
        fail_msg("%s", error.message);
    return provider;
}

static void an_answer_has_the_tokens_that_were_asked_for(void **state)
{
    struct sim_provider *provider = start((struct sim_options){0});
    struct answer answer = ask(provider, CHAT, NULL, ASK_FOR("1155 cached:200", "8", ""));
    (void)state;
    assert_int_equal(answer.status, 200);
    json_int_t prompt, output, cached;
    json_t *root = json_loads(oft_buffer_text(&answer.body), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_int_equal(json_unpack(root, "{s:{s:I,s:I,s:{s:I}}}", "usage", "prompt_tokens", &prompt,
                                 "completion_tokens", &output, "prompt_tokens_details",
                                 "cached_tokens", &cached),
                     0);
    assert_int_equal(prompt, 1155);
    assert_int_equal(output, 8);
    assert_int_equal(cached, 200);
    assert_int_equal(count_of(provider, "served"), 1);
    assert_int_equal(count_of(provider, "prompt_tokens"), 1155);
    assert_int_equal(count_of(provider, "completion_tokens"), 8);
    json_decref(root);
    oft_buffer_release(&answer.body);
    sim_provider_stop(provider);
}

static unsigned times(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

static void a_stream_tells_its_usage_only_when_asked(void **state)
{
    struct sim_provider *provider = start((struct sim_options){0});
    struct answer plain = ask(provider, CHAT, NULL, ASK_FOR("10", "5", ",\"stream\":true"));
    struct answer told =
        ask(provider, CHAT, NULL,
            ASK_FOR("10", "500", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    (void)state;
    assert_int_equal(times(oft_buffer_text(&plain.body), "data: "), 1 + 5 + 1 + 1);
    assert_int_equal(times(oft_buffer_text(&plain.body), "usage"), 0);
    assert_int_equal(times(oft_buffer_text(&told.body), "data: "), 1 + 64 + 1 + 1 + 1);
    assert_int_equal(times(oft_buffer_text(&told.body), "\"completion_tokens\":500"), 1);
    assert_non_null(strstr(oft_buffer_text(&told.body), "data: [DONE]\n\n"));
    assert_int_equal(count_of(provider, "completion_tokens"), 505);
    assert_int_equal(count_of(provider, "streams"), 2);
    oft_buffer_release(&plain.body);
    oft_buffer_release(&told.body);
    sim_provider_stop(provider);
}

static void a_message_has_its_own_form_and_disjoint_counts(void **state)
{
    struct sim_provider *provider = start((struct sim_options){.api_key = "right-key"});
    struct answer answer =
        ask(provider, "/v1/messages", NULL,
            "{\"model\":\"m\",\"max_tokens\":7,\"messages\":[{\"role\":\"user\",\"content\":"
            "\"tokens:100 cached:30 x\"}]}");
    (void)state;
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(oft_buffer_text(&answer.body), "\"type\":\"message\""));
    assert_non_null(strstr(oft_buffer_text(&answer.body), "\"input_tokens\":70"));
    assert_non_null(strstr(oft_buffer_text(&answer.body), "\"cache_read_input_tokens\":30"));
    assert_non_null(strstr(oft_buffer_text(&answer.body), "\"output_tokens\":7"));
    oft_buffer_release(&answer.body);
    answer = ask(provider, "/v1/messages", NULL,
                 "{\"model\":\"m\",\"stream\":true,\"max_tokens\":7,\"messages\":[]}");
    const char *at = oft_buffer_text(&answer.body);
    static const char *const events[] = {"event: message_start\n",     "content_block_start",
                                         "event: content_block_delta", "content_block_stop",
                                         "event: message_delta",       "event: message_stop"};
    for (size_t i = 0; i < OFT_COUNT_OF(events); i++) {
        at = strstr(at, events[i]);
        assert_non_null(at);
    }
    oft_buffer_release(&answer.body);
    assert_int_equal(count_of(provider, "completion_tokens"), 14);
    sim_provider_stop(provider);
}

static void a_wrong_key_is_401_and_not_served(void **state)
{
    struct sim_provider *right = start((struct sim_options){.api_key = "right-key"});
    struct sim_provider *wrong = start((struct sim_options){.api_key = "other-key"});
    const char *body = ASK_FOR("1", "1", "");
    const char *azure = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
    (void)state;
    assert_int_equal(status_of(right, CHAT, NULL, body), 200);
    assert_int_equal(status_of(right, azure, NULL, body), 200);
    assert_int_equal(status_of(right, "/openai/deployments/d/chat/completions", NULL, body), 404);
    assert_int_equal(status_of(wrong, CHAT, NULL, body), 401);
    assert_int_equal(status_of(wrong, azure, NULL, body), 401);
    assert_int_equal(count_of(right, "served"), 2);
    assert_int_equal(count_of(wrong, "served"), 0);
    assert_int_equal(count_of(wrong, "unauthorized"), 2);
    sim_provider_stop(right);
    sim_provider_stop(wrong);
}

static void faults_happen_as_they_are_named(void **state)
{
    struct sim_provider *provider = start((struct sim_options){0});
    const char *body = ASK_FOR("3", "9", ",\"stream\":true");
    (void)state;
    struct answer limited = ask(provider, CHAT, "x-sim-fault: 429=7", body);
    assert_int_equal(limited.status, 429);
    assert_string_equal(limited.retry_after, "7");
    oft_buffer_release(&limited.body);
    static const struct {
        const char *fault;
        CURLcode code;
    } cases[] = {{"x-sim-fault: reset", CURLE_RECV_ERROR},
                 {"x-sim-fault: reset-mid=3", CURLE_RECV_ERROR},
                 {"x-sim-fault: close-mid=3", CURLE_PARTIAL_FILE},
                 {"x-sim-fault: split", CURLE_OK},
                 {"x-sim-fault: drip", CURLE_OK}};
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct answer answer = ask(provider, CHAT, cases[i].fault, body);
        assert_int_equal(answer.code, cases[i].code);
        oft_buffer_release(&answer.body);
    }
    /* Served: the two that were cut after a role and two words, and the two slow ones. */
    assert_int_equal(count_of(provider, "served"), 4);
    assert_int_equal(count_of(provider, "completion_tokens"), 2 + 2 + 9 + 9);
    sim_provider_stop(provider);
}

static void an_armed_fault_meets_as_many_requests_as_it_says(void **state)
{
    struct sim_provider *provider = start((struct sim_options){0});
    const char *body = ASK_FOR("1", "1", "");
    (void)state;
    assert_int_equal(status_of(provider, "/sim/fault", NULL, "{\"fault\":\"503\",\"count\":2}"),
                     200);
    assert_int_equal(status_of(provider, "/sim/fault", NULL, "{\"fault\":\"explode\"}"), 400);
    assert_int_equal(status_of(provider, CHAT, NULL, body), 503);
    assert_int_equal(status_of(provider, CHAT, NULL, body), 503);
    assert_int_equal(status_of(provider, CHAT, NULL, body), 200);
    assert_int_equal(count_of(provider, "faults"), 2);
    assert_int_equal(status_of(provider, "/sim/reset", NULL, ""), 200);
    assert_int_equal(count_of(provider, "served"), 0);
    sim_provider_stop(provider);
}

static void above_the_cap_comes_429_with_retry_after(void **state)
{
    struct sim_provider *provider = start((struct sim_options){.requests_per_second = 1});
    const char *body = ASK_FOR("1", "1", "");
    unsigned limited = 0;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct answer answer = ask(provider, CHAT, NULL, body);
        limited += answer.status == 429 && strcmp(answer.retry_after, "1") == 0;
        oft_buffer_release(&answer.body);
    }
    assert_true(limited >= 1);
    assert_int_equal(count_of(provider, "limited"), limited);
    assert_int_equal(count_of(provider, "served"), 5 - limited);
    sim_provider_stop(provider);
}

static void *ask_often(void *argument)
{
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(
            status_of(argument, CHAT, "x-request-id: req_1",
                      i % 2 == 0 ? ASK_FOR("7", "3", "") : ASK_FOR("7", "3", ",\"stream\":true")),
            200);
    return NULL;
}

static void counts_are_exact_while_many_ask_at_once(void **state)
{
    struct sim_provider *provider =
        start((struct sim_options){.latency_ms = 1, .token_interval_us = 100});
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, provider), 0);
    json_int_t before = 0;
    for (unsigned i = 0; i < 20; i++) {
        json_int_t now = count_of(provider, "served");
        assert_true(now >= before && now <= 200);
        before = now;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(count_of(provider, "served"), 200);
    assert_int_equal(count_of(provider, "prompt_tokens"), 1400);
    assert_int_equal(count_of(provider, "completion_tokens"), 600);
    assert_int_equal(count_of(provider, "streams"), 100);
    struct answer answer = ask(provider, "/sim/counts?detail=1", NULL, NULL);
    assert_int_equal(times(oft_buffer_text(&answer.body), "\"request_id\":\"req_1\""), 200);
    oft_buffer_release(&answer.body);
    sim_provider_stop(provider);
}

static int set_up(void **state)
{
    (void)state;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    curl_global_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_the_tokens_that_were_asked_for),
        cmocka_unit_test(a_stream_tells_its_usage_only_when_asked),
        cmocka_unit_test(a_message_has_its_own_form_and_disjoint_counts),
        cmocka_unit_test(a_wrong_key_is_401_and_not_served),
        cmocka_unit_test(faults_happen_as_they_are_named),
        cmocka_unit_test(an_armed_fault_meets_as_many_requests_as_it_says),
        cmocka_unit_test(above_the_cap_comes_429_with_retry_after),
        cmocka_unit_test(counts_are_exact_while_many_ask_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
