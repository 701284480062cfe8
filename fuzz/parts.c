/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of multipart bodies over any bytes, with the boundary "b" and with the first bytes as a
 * content type. What it says lies inside of the body, and the model that it finds is one plain word.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/ngx_http_offtake_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_model(const char *text, size_t size, const offtake_request_t *request)
{
    if (request->model.start >= request->model.end || request->model.end > size ||
        request->choices > OFFTAKE_CHOICES_MAX) {
        abort();
    }
    for (size_t i = request->model.start; i < request->model.end; i++) {
        if (text[i] == '\r' || text[i] == '\n' || text[i] == '"' || text[i] == ' ') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    offtake_request_t request;
    offtake_span_t boundary = {0, 0};
    if (offtake_parts_scan(text, size, "b", 1, &request) == OFFTAKE_PARTS_OK) {
        check_model(text, size, &request);
    }
    if (offtake_parts_boundary(text, size, &boundary) == OFFTAKE_PARTS_OK &&
        (boundary.start >= boundary.end || boundary.end > size)) {
        abort();
    }
    return 0;
}
