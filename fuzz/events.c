/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a provider's stream. The first byte chooses the pieces that the rest comes in: where events end,
 * what they are and the usage they tell must not depend on it. What an error event says is JSON when we repeat it.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/ngx_http_offtake_events.h"
#include "gateway/ngx_http_offtake_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    char *held;
    size_t used;
    unsigned state;
    offtake_usage_t total;
    uint64_t events;
    uint64_t kinds;
};

static void check_error(const char *event, size_t length)
{
    char *scratch = malloc(length);
    char *body = malloc(length + 512);
    offtake_error_t error;
    if (scratch == NULL || body == NULL)
        abort();
    if (offtake_event_error(event, length, scratch, &error)) {
        for (int form = 0; form < 3; form++) {
            size_t used = offtake_error_body((offtake_form_t)form, &error, body, length + 512);
            offtake_json_t json;
            memset(&json, 0, sizeof(json));
            json.body = body;
            json.length = used;
            if (used == 0 || error.status < 400 || error.status > 599 ||
                offtake_json_value(&json) != OFFTAKE_JSON_OK || json.at + 1 != used)
                abort();
        }
    }
    free(scratch);
    free(body);
}

/* The data lines in two pieces say what they say in one. */
static void check_lines(const char *event, size_t length, const offtake_usage_t *whole)
{
    offtake_lines_t lines;
    offtake_usage_t usage;
    offtake_lines_init(&lines);
    offtake_usage_init(&usage);
    offtake_lines_feed(&lines, &usage, event, length / 2);
    offtake_lines_feed(&lines, &usage, event + length / 2, length - length / 2);
    if (usage.has_usage != whole->has_usage || usage.bad != whole->bad ||
        usage.tier != whole->tier || memcmp(usage.count, whole->count, sizeof(usage.count)) != 0)
        abort();
}

static void take_event(struct reading *r)
{
    offtake_event_t event;
    offtake_lines_t lines;
    offtake_usage_t usage;
    char *copy = malloc(r->used); /* its own size: a read past the end is seen */
    if (copy == NULL)
        abort();
    memcpy(copy, r->held, r->used);
    offtake_event_look(copy, r->used, &event);
    r->events++;
    r->kinds = r->kinds * 5 + (uint64_t)event.kind;
    if (event.payload != NULL) {
        if (event.payload < copy || event.payload > copy + r->used || event.end != copy + r->used)
            abort();
        offtake_lines_init(&lines);
        offtake_usage_init(&usage);
        offtake_lines_feed(&lines, &usage, copy, r->used);
        check_lines(copy, r->used, &usage);
        if (usage.has_usage)
            offtake_usage_merge(&r->total, &usage);
        check_error(copy, r->used);
    }
    free(copy);
    r->used = 0;
}

static void feed(struct reading *r, const char *data, size_t length)
{
    while (length > 0) {
        size_t whole = offtake_cut(&r->state, data, length);
        size_t take = whole == 0 ? length : whole;
        if (take > length)
            abort();
        memcpy(r->held + r->used, data, take);
        r->used += take;
        data += take;
        length -= take;
        if (whole != 0) {
            if (r->state != 0)
                abort();
            take_event(r);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading one;
    struct reading many;
    uint64_t a[7] = {0};
    uint64_t b[7] = {0};
    if (size < 2 || size > 65536)
        return 0;
    const char *text = (const char *)data + 1;
    size_t step = (size_t)data[0] + 1;
    size--;
    memset(&one, 0, sizeof(one));
    memset(&many, 0, sizeof(many));
    one.held = malloc(size);
    many.held = malloc(size);
    if (one.held == NULL || many.held == NULL)
        abort();
    feed(&one, text, size);
    for (size_t at = 0; at < size; at += step)
        feed(&many, text + at, size - at < step ? size - at : step);
    int good = offtake_usage_units(&one.total, a);
    if (one.events != many.events || one.kinds != many.kinds || one.used != many.used ||
        good != offtake_usage_units(&many.total, b) || memcmp(a, b, sizeof(a)) != 0)
        abort();
    free(one.held);
    free(many.held);
    return 0;
}
