/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of faults, and the list of those that the control API armed. Nothing here fails by itself:
 * serve.c and answer.c act on what they are told.
 */
#include <string.h>

#include "fault.h"

struct fault_name {
    const char *name;
    struct sim_fault fault; /* its value is the default of "=NUMBER" */
};

static const struct fault_name fault_names[] = {
    {"429", {SIM_FAULT_STATUS, 429, 1}},
    {"429-ms", {SIM_FAULT_STATUS_MS, 429, 250}},
    {"400", {SIM_FAULT_STATUS, 400, 0}},
    {"401", {SIM_FAULT_STATUS, 401, 0}},
    {"403", {SIM_FAULT_STATUS, 403, 0}},
    {"402", {SIM_FAULT_STATUS, 402, 0}},
    {"404", {SIM_FAULT_STATUS, 404, 0}},
    {"408", {SIM_FAULT_STATUS, 408, 0}},
    {"409", {SIM_FAULT_STATUS, 409, 0}},
    {"500", {SIM_FAULT_STATUS, 500, 0}},
    {"502", {SIM_FAULT_STATUS, 502, 0}},
    {"503", {SIM_FAULT_STATUS, 503, 0}},
    {"504", {SIM_FAULT_STATUS, 504, 0}},
    {"529", {SIM_FAULT_STATUS, 529, 0}},
    {"hang", {SIM_FAULT_HANG, 0, 0}},
    {"hang-mid", {SIM_FAULT_HANG_MID, 0, 2}},
    {"reset", {SIM_FAULT_RESET, 0, 0}},
    {"reset-mid", {SIM_FAULT_RESET_MID, 0, 2}},
    {"close-mid", {SIM_FAULT_CLOSE_MID, 0, 2}},
    {"malformed", {SIM_FAULT_MALFORMED, 0, 0}},
    {"nousage", {SIM_FAULT_NOUSAGE, 0, 0}},
    {"usage-neg", {SIM_FAULT_USAGE_NEG, 0, 0}},
    {"usage-big", {SIM_FAULT_USAGE_BIG, 0, 0}},
    {"usage-str", {SIM_FAULT_USAGE_STR, 0, 0}},
    {"usage-float", {SIM_FAULT_USAGE_FLOAT, 0, 0}},
    {"usage-dup", {SIM_FAULT_USAGE_DUP, 0, 0}},
    {"split", {SIM_FAULT_SPLIT, 0, 0}},
    {"crlf", {SIM_FAULT_CRLF, 0, 0}},
    {"drip", {SIM_FAULT_DRIP, 0, 0}},
    {"downgrade", {SIM_FAULT_DOWNGRADE, 0, 0}},
    {"close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_BEFORE, 0}},
    {"garbage", {SIM_FAULT_RAW_CLOSE, SIM_RAW_GARBAGE, 0}},
    {"header-big", {SIM_FAULT_RAW_CLOSE, SIM_RAW_HEADER_BIG, 0}},
    {"header-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_HEADER, 0}},
    {"header-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_HEADER, 0}},
    {"header-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_HEADER, 0}},
    {"headers-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_HEADERS, 0}},
    {"headers-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_HEADERS, 0}},
    {"headers-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_HEADERS, 0}},
    {"ping-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_PING, 0}},
    {"ping-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_PING, 0}},
    {"ping-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_PING, 0}},
    {"frame-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_FRAME, 2}},
    {"frame-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_FRAME, 2}},
    {"frame-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_FRAME, 2}},
    {"usage-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_USAGE, 0}},
    {"usage-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_USAGE, 0}},
    {"usage-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_USAGE, 0}},
    {"done-close", {SIM_FAULT_RAW_CLOSE, SIM_RAW_DONE, 0}},
    {"done-reset", {SIM_FAULT_RAW_RESET, SIM_RAW_DONE, 0}},
    {"done-hang", {SIM_FAULT_RAW_HANG, SIM_RAW_DONE, 0}},
    {"ping", {SIM_FAULT_RAW_CLOSE, SIM_RAW_PINGS, 0}},
    {"empty", {SIM_FAULT_RAW_CLOSE, SIM_RAW_EMPTY, 0}},
    {"chunk", {SIM_FAULT_RAW_CLOSE, SIM_RAW_CHUNK, 2}},
    {"length-short", {SIM_FAULT_RAW_CLOSE, SIM_RAW_LENGTH_SHORT, 0}},
    {"length-long", {SIM_FAULT_RAW_CLOSE, SIM_RAW_LENGTH_LONG, 0}},
    {"gzip", {SIM_FAULT_RAW_CLOSE, SIM_RAW_GZIP, 0}},
    {"error-first", {SIM_FAULT_RAW_CLOSE, SIM_RAW_ERROR_FIRST, 503}},
    {"error-mid", {SIM_FAULT_RAW_CLOSE, SIM_RAW_ERROR_MID, 2}},
};

bool sim_fault_parse(struct oft_str text, struct sim_fault *ret)
{
    const char *equals = text.length > 0 ? memchr(text.data, '=', text.length) : NULL;
    struct oft_str name = text;
    unsigned value = 0;
    if (equals != NULL) {
        name.length = (size_t)(equals - text.data);
        const char *end = text.data + text.length;
        if (equals + 1 == end || end - equals > 8)
            return false;
        for (const char *p = equals + 1; p < end; p++) {
            if (*p < '0' || *p > '9')
                return false;
            value = value * 10 + (unsigned)(*p - '0');
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(fault_names); i++) {
        if (!oft_str_is(name, fault_names[i].name))
            continue;
        *ret = fault_names[i].fault;
        if (equals != NULL)
            ret->value = value;
        return true;
    }
    return false;
}

bool sim_fault_arm(struct sim_fault_list *list, struct sim_fault fault, uint64_t count,
                   const char *model)
{
    if (list->count == SIM_FAULTS_ARMED_MAX || strlen(model) > OFT_MODEL_NAME_BYTES_MAX)
        return false;
    if (count == 0)
        return true;
    struct sim_armed_fault *item = &list->items[list->count++];
    item->fault = fault;
    item->left = count;
    memcpy(item->model, model, strlen(model) + 1);
    return true;
}

struct sim_fault sim_fault_take(struct sim_fault_list *list, const char *model)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct sim_armed_fault *item = &list->items[i];
        if (item->model[0] != '\0' && strcmp(item->model, model) != 0)
            continue;
        struct sim_fault fault = item->fault;
        if (--item->left == 0) {
            list->count--;
            memmove(item, item + 1, (list->count - i) * sizeof(*item));
        }
        return fault;
    }
    return (struct sim_fault){SIM_FAULT_NONE, 0, 0};
}
