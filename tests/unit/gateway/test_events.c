/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events without nginx: where they end, what they are, what they say; whatever pieces they come in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/ngx_http_offtake_events.h"

static void an_event_ends_at_its_blank_line_however_it_arrives(void **state)
{
    static const struct {
        const char *text;
        size_t end;
    } cases[] = {
        {"data: x\n\ndata: y\n\n", 9},
        {"data: x\r\n\r\ndata", 11},
        {"data: x\n", 0},
        {"data: x\r\n\r", 0},
        {": note\n\n", 8},
        {"", 0},
        {"data: x\n\r\ndata", 10},
        {"data: x\r\n\ndata", 10},
        {"data: a\ndata: b\n\n", 17},
        {"\n\n", 2},
        {"data: x\n\rdata\n\n", 15},
        {"data: x\r\rdata: y\n", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].text);
        for (size_t cut = 0; cut <= length; cut++) {
            unsigned at = 0;
            size_t end = offtake_cut(&at, cases[i].text, cut);
            if (end == 0 && cut < length) {
                end = offtake_cut(&at, cases[i].text + cut, length - cut);
                end = end == 0 ? 0 : end + cut;
            }
            if (end != cases[i].end && !(end == 0 && cut == length)) {
                fail_msg("%s cut at %zu: %zu", cases[i].text, cut, end);
            }
            assert_true(end == 0 || at == 0);
        }
    }
}

static void an_event_is_what_it_says_first(void **state)
{
    static const struct {
        const char *text;
        offtake_event_kind_t kind;
    } cases[] = {
        {": ping\n\n", OFFTAKE_EVENT_COMMENT},
        {"event: ping\n\n", OFFTAKE_EVENT_COMMENT},
        {"\n\n", OFFTAKE_EVENT_COMMENT},
        {": ping\ndata: {}\n\n", OFFTAKE_EVENT_DATA},
        {"data:{}\n\n", OFFTAKE_EVENT_DATA},
        {"\xef\xbb\xbf"
         "data: {}\r\n\r\n",
         OFFTAKE_EVENT_DATA},
        {"data: [DONE]\n\n", OFFTAKE_EVENT_END},
        {"data:[DONE]\r\n\r\n", OFFTAKE_EVENT_END},
        {"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", OFFTAKE_EVENT_END},
        {"event: response.completed\r\ndata: {}\r\n\r\n", OFFTAKE_EVENT_END},
        {"event: response.completed.not\ndata: {}\n\n", OFFTAKE_EVENT_DATA},
        {"data: {\"type\":\"response.failed\"}\n\n", OFFTAKE_EVENT_END},
        {"data: {\"type\":\"response.failed_not\"}\n\n", OFFTAKE_EVENT_DATA},
        {"event: error\ndata: x\n\n", OFFTAKE_EVENT_ERROR},
        {"event: errors\ndata: x\n\n", OFFTAKE_EVENT_DATA},
        {"data: {\"error\": {\"message\":\"m\"}}\n\n", OFFTAKE_EVENT_ERROR},
        {"data: {\"error\":null}\n\n", OFFTAKE_EVENT_DATA},
        {"data: {\"type\":\"error\",\"code\":1}\n\n", OFFTAKE_EVENT_ERROR},
        {"data: {\"choices\":[{\"delta\":{\"content\":\"[DONE]\"}}]}\n\n", OFFTAKE_EVENT_DATA},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].text);
        char *copy = malloc(length); /* its own size, so that a read past the end is seen */
        offtake_event_t event;
        memcpy(copy, cases[i].text, length);
        offtake_event_look(copy, length, &event);
        if (event.kind != cases[i].kind) {
            fail_msg("%s: %d", cases[i].text, (int)event.kind);
        }
        free(copy);
    }
}

/* What the gateway's stream does, without its buffers: cut, look, read. */
struct reader {
    char held[4096];
    size_t used;
    unsigned state;
    offtake_usage_t total;
    unsigned events;
};

static void read_event(struct reader *reader)
{
    offtake_event_t event;
    offtake_lines_t lines;
    offtake_usage_t usage;
    offtake_event_look(reader->held, reader->used, &event);
    reader->events++;
    if (event.payload == NULL || event.done || !offtake_usage_told(event.payload, event.end)) {
        return;
    }
    offtake_lines_init(&lines);
    offtake_usage_init(&usage);
    offtake_lines_feed(&lines, &usage, reader->held, reader->used);
    if (usage.has_usage) {
        offtake_usage_merge(&reader->total, &usage);
    }
}

static void read_bytes(struct reader *reader, const char *data, size_t length)
{
    while (length > 0) {
        size_t whole = offtake_cut(&reader->state, data, length);
        size_t take = whole == 0 ? length : whole;
        assert_true(reader->used + take <= sizeof(reader->held));
        memcpy(reader->held + reader->used, data, take);
        reader->used += take;
        data += take;
        length -= take;
        if (whole != 0) {
            read_event(reader);
            reader->used = 0;
        }
    }
}

#define LF  "\n"
#define CR  "\r\n"
#define BOM "\xef\xbb\xbf"
#define CHAT(nl)                                                                               \
    ": wait" nl nl                                                                             \
    "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\"}}],\"usage\":null}" nl nl \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,"         \
    "\"prompt_tokens_details\":{\"cached_tokens\":30}}}" nl nl "data: [DONE]" nl nl
#define LINES(nl)                                                                        \
    "data: {\"choices\":[]," nl "data: \"usage\"" nl "data:: {\"prompt_tokens\":100," nl \
    "id: 7" nl "data: \"completion_tokens\":20,\"prompt_tokens_details\":" nl            \
    "data:{\"cached_tokens\":30}}}" nl nl
#define RESPONSES(nl)                                                                             \
    "event: response.created" nl                                                                  \
    "data: {\"type\":\"response.created\",\"response\":{\"usage\":null}}" nl nl                   \
    "event: response.completed" nl                                                                \
    "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{"                            \
    "\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":30},\"output_tokens\":20}}" \
    "}" nl nl
#define MESSAGES(nl)                                                                         \
    "event: message_start" nl                                                                \
    "data: {\"type\":\"message_start\",\"message\":{\"content\":[],\"usage\":{"              \
    "\"input_tokens\":70,\"cache_read_input_tokens\":30,\"cache_creation_input_tokens\":0,"  \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0},\"output_tokens\":1}}}" nl nl      \
    "event: ping" nl "data: {\"type\": \"ping\"}" nl nl "event: message_delta" nl            \
    "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":20}}" nl nl \
    "event: message_stop" nl "data: {\"type\":\"message_stop\"}" nl nl

static void usage_is_the_same_wherever_the_bytes_are_cut(void **state)
{
    static const char *const streams[] = {
        CHAT(LF),      CHAT(CR),      BOM CHAT(LF), LINES(LF),        BOM LINES(CR),
        RESPONSES(LF), RESPONSES(CR), MESSAGES(LF), BOM MESSAGES(CR),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        size_t length = strlen(streams[i]);
        for (size_t step = 0; step <= length; step++) {
            struct reader reader;
            uint64_t units[7] = {0};
            memset(&reader, 0, sizeof(reader));
            if (step == 0) { /* byte by byte */
                for (size_t at = 0; at < length; at++) {
                    read_bytes(&reader, streams[i] + at, 1);
                }
            } else {
                read_bytes(&reader, streams[i], step);
                read_bytes(&reader, streams[i] + step, length - step);
            }
            if (!offtake_usage_units(&reader.total, units) || units[0] != 70 || units[1] != 30 ||
                units[3] != 20) {
                fail_msg("stream %zu cut at %zu: %d %d %d", i, step, (int)units[0], (int)units[1],
                         (int)units[3]);
            }
            assert_int_equal(reader.used, 0);
        }
    }
}

static void data_lines_say_the_same_in_pieces_of_any_size(void **state)
{
    const char *text = LINES(CR);
    size_t length = strlen(text);
    (void)state;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            offtake_lines_t lines;
            offtake_usage_t usage;
            uint64_t units[7];
            offtake_lines_init(&lines);
            offtake_usage_init(&usage);
            offtake_lines_feed(&lines, &usage, text, first);
            offtake_lines_feed(&lines, &usage, text + first, second - first);
            offtake_lines_feed(&lines, &usage, text + second, length - second);
            assert_int_equal(offtake_usage_units(&usage, units), 1);
            assert_int_equal(units[0] + units[1] + units[3], 120);
        }
    }
}

static void a_message_that_only_began_has_no_usage_to_believe(void **state)
{
    struct reader reader;
    uint64_t units[7];
    const char *text = MESSAGES(LF);
    (void)state;
    memset(&reader, 0, sizeof(reader));
    read_bytes(&reader, text, (size_t)(strstr(text, "event: message_delta") - text));
    assert_true(reader.total.has_usage && reader.total.begun);
    assert_int_equal(offtake_usage_units(&reader.total, units), 0);
}

static void a_message_in_one_piece_has_classes_that_are_disjoint(void **state)
{
    const char *text =
        "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"usage\":{"
        "\"input_tokens\":5,\"cache_read_input_tokens\":7,\"cache_creation_input_tokens\":11,"
        "\"output_tokens\":13,\"service_tier\":\"standard\"}}";
    offtake_usage_t usage;
    uint64_t units[7];
    (void)state;
    offtake_usage_init(&usage);
    offtake_usage_feed(&usage, text, strlen(text));
    assert_int_equal(offtake_usage_units(&usage, units), 1);
    const uint64_t expected[7] = {5, 7, 11, 13, 0, 0, 0};
    assert_memory_equal(units, expected, sizeof(units));
}

static void usage_null_in_each_event_is_told_from_a_usage(void **state)
{
    static const struct {
        const char *text;
        int told;
    } cases[] = {
        {"{\"usage\":null}", 0},
        {"{\"usage\" : null}", 0},
        {"{}", 0},
        {"{\"usage\":{}}", 1},
        {"{\"a\":{\"usage\":null},\"usage\":{}}", 1},
        {"{\"usage\":null,\"usage\":null}", 0},
        {"{\"usage\"\n:{}}", 1},
        {"{\"usage\":\n{}}", 1},
        {"{\"usage\"", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = cases[i].text;
        if (offtake_usage_told(text, text + strlen(text)) != cases[i].told) {
            fail_msg("%s", text);
        }
    }
}

static void an_error_event_tells_its_status_and_its_words(void **state)
{
    static const struct {
        const char *text;
        unsigned status; /* 0: no error */
        const char *body;
    } cases[] = {
        {"data: {\"error\":{\"message\":\"m "
         "\\\"q\\\"\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
         502,
         "{\"error\":{\"message\":\"m \\\"q\\\"\",\"type\":\"server_error\",\"param\":null,"
         "\"code\":\"provider_unavailable\"}}\n"},
        {"data: {\"error\":{\"message\":\"slow\",\"code\":\"rate_limit_exceeded\"}}\n\n", 429,
         "{\"error\":{\"message\":\"slow\",\"type\":\"api_error\",\"param\":null,"
         "\"code\":\"rate_limit_exceeded\"}}\n"},
        {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
         "\"message\":\"Overloaded\"}}\n\n",
         503,
         "{\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\",\"param\":null,"
         "\"code\":\"provider_unavailable\"}}\n"},
        {"event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\"}\n\n",
         502,
         "{\"error\":{\"message\":\"m\",\"type\":\"error\",\"param\":null,\"code\":\"server_"
         "error\"}}\n"},
        {"data: {\"error\":{\"code\":529,\"message\":\"m\"}}\n\n", 503,
         "{\"error\":{\"message\":\"m\",\"type\":\"api_error\",\"param\":null,\"code\":529}}\n"},
        {"data: {\"error\":{\"code\":\"400\",\"message\":\"m\"}}\n\n", 400,
         "{\"error\":{\"message\":\"m\",\"type\":\"api_error\",\"param\":null,\"code\":\"400\"}}"
         "\n"},
        {"data: {\"id\":1,\"error\":\"plain words\"}\n\n", 502,
         "{\"error\":{\"message\":\"plain words\",\"type\":\"api_error\",\"param\":null,"
         "\"code\":\"provider_unavailable\"}}\n"},
        {"event: error\ndata: no json\n\n", 502,
         "{\"error\":{\"message\":\"No provider that the contract allows gave a usable answer.\","
         "\"type\":\"api_error\",\"param\":null,\"code\":\"provider_unavailable\"}}\n"},
        {"data: {\"error\":{\"type\":\"invalid_api_key\",\"message\":\"sk-secret is wrong\"}}\n\n",
         401,
         "{\"error\":{\"message\":\"No provider that the contract allows gave a usable answer.\","
         "\"type\":\"api_error\",\"param\":null,\"code\":\"provider_unavailable\"}}\n"},
        {"data: {\"error\":\ndata: {\"code\":\"timeout\"}}\n\n", 504,
         "{\"error\":{\"message\":\"No provider that the contract allows gave a usable answer.\","
         "\"type\":\"api_error\",\"param\":null,\"code\":\"timeout\"}}\n"},
        {"data: {\"error\":null,\"choices\":[]}\n\n", 0, NULL},
        {"data: {\"response\":{\"error\":{\"message\":\"m\"}}}\n\n", 0, NULL},
        {"data: {\"choices\":[{\"error\":{}}],\"message\":\"error\",\"type\":\"x\"}\n\n", 0, NULL},
        {"data: [DONE]\n\n", 0, NULL},
        {": error\n\n", 0, NULL},
        {"data: {\"error\":{\"message\"\n\n", 502,
         "{\"error\":{\"message\":\"No provider that the contract allows gave a usable answer.\","
         "\"type\":\"api_error\",\"param\":null,\"code\":\"provider_unavailable\"}}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].text);
        char *scratch = malloc(length);
        char *copy = malloc(length);
        char body[1024];
        offtake_error_t error;
        memcpy(copy, cases[i].text, length);
        int found = offtake_event_error(copy, length, scratch, &error);
        if (found != (cases[i].status != 0) || (found && error.status != cases[i].status)) {
            fail_msg("%s: %d, %u", cases[i].text, found, error.status);
        }
        if (found) {
            size_t used = offtake_error_body(OFFTAKE_FORM_CHAT, &error, body, sizeof(body));
            body[used] = '\0';
            assert_string_equal(body, cases[i].body);
            assert_int_equal(offtake_error_body(OFFTAKE_FORM_CHAT, &error, body, used - 1), 0);
            assert_true(offtake_error_body(OFFTAKE_FORM_MESSAGES, &error, body, sizeof(body)) > 0);
            assert_memory_equal(body, "{\"type\":\"error\",\"error\":{\"type\":", 32);
        }
        free(copy);
        free(scratch);
    }
}

static void a_stream_that_broke_off_says_so_in_its_own_form(void **state)
{
    static const struct {
        offtake_form_t form;
        const char *event;
    } cases[] = {
        {OFFTAKE_FORM_CHAT,
         "data: {\"error\":{\"message\":\"It broke.\",\"type\":\"api_error\",\"param\":null,"
         "\"code\":\"cut\"}}\n\n"},
        {OFFTAKE_FORM_RESPONSES,
         "event: error\ndata: {\"type\":\"error\",\"code\":\"cut\",\"message\":\"It broke.\","
         "\"param\":null,\"sequence_number\":7}\n\n"},
        {OFFTAKE_FORM_MESSAGES,
         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
         "\"message\":\"It broke.\"}}\n\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char event[320];
        size_t length =
            offtake_error_event(cases[i].form, "cut", "It broke.", 7, event, sizeof(event));
        assert_int_equal(length, strlen(cases[i].event));
        assert_string_equal(event, cases[i].event);
        assert_int_equal(offtake_error_event(cases[i].form, "cut", "It broke.", 7, event, 8), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_ends_at_its_blank_line_however_it_arrives),
        cmocka_unit_test(an_event_is_what_it_says_first),
        cmocka_unit_test(usage_is_the_same_wherever_the_bytes_are_cut),
        cmocka_unit_test(data_lines_say_the_same_in_pieces_of_any_size),
        cmocka_unit_test(a_message_that_only_began_has_no_usage_to_believe),
        cmocka_unit_test(a_message_in_one_piece_has_classes_that_are_disjoint),
        cmocka_unit_test(usage_null_in_each_event_is_told_from_a_usage),
        cmocka_unit_test(an_error_event_tells_its_status_and_its_words),
        cmocka_unit_test(a_stream_that_broke_off_says_so_in_its_own_form),
    };
    return cmocka_run_group_tests_name("gateway events", tests, NULL, NULL);
}
