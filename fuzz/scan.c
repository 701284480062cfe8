/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's two scanners over any bytes. What the request scanner says lies inside the body; the
 * usage scanner finds the same in one piece as in two.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/ngx_http_offtake_scan.h"
#include "gateway/ngx_http_offtake_usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const char *text, size_t size)
{
    offtake_request_t request;
    if (offtake_scan_request(text, size, &request) != OFFTAKE_SCAN_OK) {
        return;
    }
    if (request.model.start >= request.model.end || request.model.end > size ||
        text[request.model.start] != '"' || text[request.model.end - 1] != '"' ||
        request.object_end >= size || text[request.object_end] != '}' ||
        request.last_byte > request.object_end || request.stream_options.end > size ||
        request.include_usage.end > size || request.model_key >= request.model.start ||
        text[request.model_key] != '"' || request.stream_member.start > request.stream_member.end ||
        request.stream_member.end > request.object_end || request.choices > OFFTAKE_CHOICES_MAX) {
        abort();
    }
    /* Cut out, the stream leaves an object that names the same model. */
    if (request.stream_member.end != 0) {
        size_t rest = size - (request.stream_member.end - request.stream_member.start);
        char *copy = malloc(rest);
        offtake_request_t again;
        if (copy == NULL) {
            return;
        }
        memcpy(copy, text, request.stream_member.start);
        memcpy(copy + request.stream_member.start, text + request.stream_member.end,
               size - request.stream_member.end);
        if (offtake_scan_request(copy, rest, &again) != OFFTAKE_SCAN_OK || again.stream ||
            again.stream_member.end != 0) {
            abort();
        }
        free(copy);
    }
}

static void check_usage(const char *text, size_t size)
{
    offtake_usage_t whole;
    offtake_usage_t pieces;
    uint64_t a[7] = {0};
    uint64_t b[7] = {0};
    size_t cut = size / 3;
    offtake_usage_init(&whole);
    offtake_usage_feed(&whole, text, size);
    offtake_usage_init(&pieces);
    offtake_usage_feed(&pieces, text, cut);
    offtake_usage_feed(&pieces, text + cut, size - cut);
    int good = offtake_usage_units(&whole, a);
    if (good != offtake_usage_units(&pieces, b) || memcmp(a, b, sizeof(a)) != 0 ||
        whole.has_choices != pieces.has_choices || whole.tier != pieces.tier) {
        abort();
    }
    for (int i = 0; good && i < 7; i++) {
        if (a[i] > UINT64_C(2000000000)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* its own allocation: a read past the end is seen */
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    check_request(text, size);
    check_usage(text, size);
    free(text);
    return 0;
}
