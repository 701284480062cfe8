/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart bodies: the model is found, and whatever two readers could take apart differently is
 * refused. Every cut and every flipped byte of a good body gives an answer that stays inside of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ngx_http_offtake_parts.h"

#define PART(name, value) \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define SOUND                                                                      \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n" \
    "Content-Type: audio/wav\r\n\r\nRIFF\r\n--c\r\n\0\xff--b\r\n"
#define END "--b--\r\n"

static offtake_parts_result_t scan_bytes(const char *body, size_t length,
                                         offtake_request_t *request)
{
    char *copy = malloc(length == 0 ? 1 : length); /* its own size: a read past the end is seen */
    offtake_parts_result_t result;
    memcpy(copy, body, length);
    result = offtake_parts_scan(copy, length, "b", 1, request);
    free(copy);
    return result;
}

static offtake_parts_result_t scan(const char *body, offtake_request_t *request)
{
    return scan_bytes(body, strlen(body), request);
}

static void the_model_is_found_among_files_and_fields(void **state)
{
    static const char body[] = SOUND PART("model", "whisper-1") PART("n", "4")
        PART("stream", "true") PART("response_format", "json") END;
    offtake_request_t request;
    (void)state;
    assert_int_equal(scan_bytes(body, sizeof(body) - 1, &request), OFFTAKE_PARTS_OK);
    assert_int_equal(request.model.end - request.model.start, 9);
    assert_memory_equal(body + request.model.start, "whisper-1", 9);
    assert_int_equal(request.choices, 4);
    assert_true(request.stream);
    assert_int_equal(scan(PART("model", "m") "--b--", &request), OFFTAKE_PARTS_OK);
}

static void what_readers_could_take_apart_differently_is_refused(void **state)
{
    static const struct {
        const char *body;
        offtake_parts_result_t expected;
    } cases[] = {
        {"", OFFTAKE_PARTS_BAD_FRAME},
        {PART("file", "x") END, OFFTAKE_PARTS_NO_MODEL},
        {PART("model", "a") PART("model", "b") END, OFFTAKE_PARTS_DUPLICATE},
        {PART("model", "a") PART("n", "1") PART("n", "2") END, OFFTAKE_PARTS_DUPLICATE},
        {PART("model", "a") PART("Model", "b") END, OFFTAKE_PARTS_BAD_NAME},
        {"preamble\r\n" PART("model", "a") END, OFFTAKE_PARTS_BAD_FRAME},
        {"\r\n" PART("model", "a") END, OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a") END "epilogue", OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a") END END, OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a"), OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a") "--b-", OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a") "--b \r\n" PART("x", "y") END, OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "a") "--bb\r\n" PART("x", "y") END, OFFTAKE_PARTS_BAD_FRAME},
        {PART("model", "") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a b") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a\r\nb") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a\"b") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a") PART("stream", "maybe") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a") PART("n", "-1") END, OFFTAKE_PARTS_BAD_VALUE},
        {PART("model", "a") PART("n", "9999") END, OFFTAKE_PARTS_BAD_VALUE},
        /* dispositions */
        {"--b\r\n\r\nx\r\n" END, OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" END, OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=\"model\"; name=\"x\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=\"mod\\el\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: attachment; name=\"model\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n"
         "Content-Disposition: form-data; name=\"model\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=\"model\"; filename=\"a\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data;\r\n name=\"model\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_NAME},
        {"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n folded\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_HEADER},
        {"--b\r\nX-Odd: 1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_HEADER},
        {"--b\nContent-Disposition: form-data; name=\"model\"\n\na\n--b--\n",
         OFFTAKE_PARTS_BAD_FRAME},
        {"--b\r\nContent-Disposition: form-data; name=\"model\"\n\r\na\r\n" END,
         OFFTAKE_PARTS_BAD_HEADER},
        {"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n" END,
         OFFTAKE_PARTS_BAD_HEADER},
        {"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n"
         "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n" END,
         OFFTAKE_PARTS_NESTED},
    };
    offtake_request_t request;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        offtake_parts_result_t found = scan(cases[i].body, &request);
        if (found != cases[i].expected) {
            print_error("%s: %d instead of %d\n", cases[i].body, found, cases[i].expected);
        }
        assert_int_equal(found, cases[i].expected);
    }
}

static void a_body_of_very_many_parts_is_refused(void **state)
{
    size_t one = strlen(PART("x", "y"));
    char *body = malloc(one * 300 + 64);
    offtake_request_t request;
    (void)state;
    body[0] = '\0';
    for (int i = 0; i < 300; i++) {
        memcpy(body + one * (size_t)i, PART("x", "y"), one + 1);
    }
    strcat(body, END);
    assert_int_equal(scan(body, &request), OFFTAKE_PARTS_TOO_MANY);
    free(body);
}

static void a_boundary_is_one_plain_word(void **state)
{
    static const struct {
        const char *type;
        const char *boundary; /* NULL: refused */
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"Multipart/Form-Data;boundary=\"a'b\"", "a'b"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
         "----WebKitFormBoundary7MA4YWxk"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"\"", NULL},
        {"multipart/form-data; boundary=\"abc", NULL},
        {"multipart/form-data; boundary=a b", NULL},
        {"multipart/form-data; boundary=abc; charset=utf-8", NULL},
        {"multipart/form-data; boundary=a; boundary=b", NULL},
        {"multipart/form-data; charset=utf-8; boundary=abc", NULL},
        {"multipart/form-data; boundary=\"a\\\"b\"", NULL},
        {"multipart/mixed; boundary=abc", NULL},
        {"multipart/form-data-x; boundary=abc", NULL},
        {"multipart/form-data; boundary="
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        offtake_span_t span = {0, 0};
        const char *type = cases[i].type;
        offtake_parts_result_t found = offtake_parts_boundary(type, strlen(type), &span);
        if ((found == OFFTAKE_PARTS_OK) != (cases[i].boundary != NULL)) {
            print_error("%s\n", type);
        }
        assert_int_equal(found == OFFTAKE_PARTS_OK, cases[i].boundary != NULL);
        if (found == OFFTAKE_PARTS_OK) {
            assert_int_equal(span.end - span.start, strlen(cases[i].boundary));
            assert_memory_equal(type + span.start, cases[i].boundary, span.end - span.start);
        }
    }
}

static void every_cut_and_flip_of_a_good_body_is_answered_inside_of_it(void **state)
{
    static const char body[] = SOUND PART("model", "whisper-1") PART("n", "4") END;
    const size_t length = sizeof(body) - 1;
    offtake_request_t request;
    char copy[sizeof(body)];
    (void)state;
    for (size_t cut = 0; cut < length - 2; cut++) { /* the last line end may be left out */
        assert_int_not_equal(scan_bytes(body, cut, &request), OFFTAKE_PARTS_OK);
    }
    for (size_t at = 0; at < length * 8; at++) {
        memcpy(copy, body, sizeof(body));
        copy[at / 8] = (char)(copy[at / 8] ^ (1 << (at % 8)));
        if (scan_bytes(copy, length, &request) == OFFTAKE_PARTS_OK) {
            assert_true(request.model.start < request.model.end && request.model.end <= length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_found_among_files_and_fields),
        cmocka_unit_test(what_readers_could_take_apart_differently_is_refused),
        cmocka_unit_test(a_body_of_very_many_parts_is_refused),
        cmocka_unit_test(a_boundary_is_one_plain_word),
        cmocka_unit_test(every_cut_and_flip_of_a_good_body_is_answered_inside_of_it),
    };
    return cmocka_run_group_tests_name("gateway parts", tests, NULL, NULL);
}
