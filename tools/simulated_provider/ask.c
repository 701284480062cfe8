/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small scanner over the top level of a request's JSON: fast enough that a benchmark measures what
 * stands in front of the provider, not the provider. It checks the shape of the top level and the
 * nesting of the rest; it does not check every number and escape, which is the gateway's business.
 */
#include <string.h>

#include "ask.h"

#define ASK_DEPTH_MAX 512u

struct cursor {
    const char *at;
    const char *end;
};

uint64_t sim_mix(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) != NULL && *c->at != '\0')
        c->at++;
}

/* At the opening quote; leaves the cursor after the closing one. RET has no quotes, escapes stay. */
static bool read_string(struct cursor *c, struct oft_str *ret)
{
    if (c->at >= c->end || *c->at != '"')
        return false;
    const char *start = ++c->at;
    while (c->at < c->end && *c->at != '"')
        c->at += (*c->at == '\\') ? 2 : 1;
    if (c->at >= c->end)
        return false;
    *ret = (struct oft_str){start, (size_t)(c->at - start)};
    c->at++;
    return true;
}

static bool skip_nested(struct cursor *c)
{
    unsigned depth = 0;
    do {
        struct oft_str ignored;
        if (c->at >= c->end)
            return false;
        if (*c->at == '"') {
            if (!read_string(c, &ignored))
                return false;
            continue;
        }
        if (*c->at == '{' || *c->at == '[') {
            if (++depth > ASK_DEPTH_MAX)
                return false;
        } else if (*c->at == '}' || *c->at == ']') {
            depth--;
        }
        c->at++;
    } while (depth > 0);
    return true;
}

static bool read_value(struct cursor *c, struct oft_str *ret)
{
    skip_blanks(c);
    const char *start = c->at;
    struct oft_str ignored;
    bool good = false;
    if (c->at < c->end && *c->at == '"') {
        good = read_string(c, &ignored);
    } else if (c->at < c->end && (*c->at == '{' || *c->at == '[')) {
        good = skip_nested(c);
    } else {
        while (c->at < c->end && *c->at != '\0' && strchr(",}] \t\r\n", *c->at) == NULL)
            c->at++;
        good = c->at > start;
    }
    *ret = (struct oft_str){start, (size_t)(c->at - start)};
    return good;
}

static bool parse_count(struct oft_str text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 18)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return true;
}

static bool parse_bool(struct oft_str text, bool *ret)
{
    *ret = oft_str_is(text, "true");
    return *ret || oft_str_is(text, "false") || oft_str_is(text, "null");
}

/* Words of the form name:number at the start of a prompt's text. */
static void read_hints(struct cursor c, struct sim_ask *ask)
{
    static const char *const names[] = {"tokens:", "cached:", "reasoning:"};
    uint64_t *const values[] = {&ask->prompt_tokens, &ask->cached_tokens, &ask->reasoning_tokens};
    for (;;) {
        bool found = false;
        for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
            size_t length = strlen(names[i]);
            if ((size_t)(c.end - c.at) < length || memcmp(c.at, names[i], length) != 0)
                continue;
            const char *digits = c.at + length;
            const char *stop = digits;
            while (stop < c.end && *stop >= '0' && *stop <= '9')
                stop++;
            if (!parse_count((struct oft_str){digits, (size_t)(stop - digits)}, values[i]))
                return;
            c.at = stop;
            found = true;
        }
        if (!found || c.at >= c.end || *c.at != ' ')
            return;
        while (c.at < c.end && *c.at == ' ')
            c.at++;
    }
}

static void measure_prompt(struct oft_str prompt, struct sim_ask *ask)
{
    static const char hint[] = "\"tokens:";
    ask->prompt_tokens = prompt.length < 4 ? 1 : (prompt.length + 3) / 4;
    const char *end = prompt.data + prompt.length;
    const char *at = prompt.data;
    while ((at = memmem(at, (size_t)(end - at), hint, sizeof(hint) - 1)) != NULL) {
        if (at == prompt.data || at[-1] != '\\') {
            read_hints((struct cursor){at + 1, end}, ask);
            return;
        }
        at++;
    }
}

/* How many texts an embedding request holds: an array of strings or of arrays has several. */
static unsigned count_inputs(struct oft_str value)
{
    struct cursor c = {value.data + 1, value.data + value.length};
    unsigned count = 0;
    if (value.length == 0 || value.data[0] != '[')
        return 1;
    for (;;) {
        struct oft_str item;
        skip_blanks(&c);
        if (c.at >= c.end || (*c.at != '"' && *c.at != '[') || !read_value(&c, &item))
            break;
        count++;
        skip_blanks(&c);
        if (c.at < c.end && *c.at == ',')
            c.at++;
    }
    return count == 0 ? 1 : count;
}

static bool take_model(struct oft_str value, struct sim_ask *ask)
{
    if (value.length < 3 || value.data[0] != '"' || value.length - 2 >= sizeof(ask->model))
        return false;
    memcpy(ask->model, value.data + 1, value.length - 2);
    ask->model[value.length - 2] = '\0';
    /* An escaped or unprintable name would have to be escaped again in every answer. */
    for (const char *p = ask->model; *p != '\0'; p++)
        if (*p == '\\' || (unsigned char)*p < 0x20 || (unsigned char)*p > 0x7E)
            return false;
    return true;
}

/* Small letters alone; null says nothing. */
static bool take_tier(struct oft_str value, struct sim_ask *ask)
{
    if (oft_str_is(value, "null"))
        return true;
    if (value.length < 3 || value.data[0] != '"' || value.length - 2 >= sizeof(ask->service_tier))
        return false;
    memcpy(ask->service_tier, value.data + 1, value.length - 2);
    ask->service_tier[value.length - 2] = '\0';
    return strspn(ask->service_tier, "abcdefghijklmnopqrstuvwxyz_") == value.length - 2;
}

static bool take_field(struct oft_str key, struct oft_str value, struct sim_ask *ask)
{
    if (oft_str_is(key, "model"))
        return take_model(value, ask);
    if (oft_str_is(key, "stream"))
        return parse_bool(value, &ask->stream);
    if (oft_str_is(key, "service_tier"))
        return take_tier(value, ask);
    if (oft_str_is(key, "stream_options")) {
        const char *at = memmem(value.data, value.length, "\"include_usage\"", 15);
        if (at != NULL) {
            struct cursor c = {at + 15, value.data + value.length};
            skip_blanks(&c);
            struct oft_str flag;
            if (c.at >= c.end || *c.at != ':')
                return false;
            c.at++;
            return read_value(&c, &flag) && parse_bool(flag, &ask->include_usage);
        }
        return true;
    }
    if (oft_str_is(key, "max_tokens") || oft_str_is(key, "max_completion_tokens") ||
        oft_str_is(key, "max_output_tokens")) {
        if (oft_str_is(value, "null"))
            return true;
        ask->output_given = true;
        return parse_count(value, &ask->output_tokens);
    }
    if (oft_str_is(key, "messages") || oft_str_is(key, "prompt") || oft_str_is(key, "input")) {
        ask->inputs = count_inputs(value);
        measure_prompt(value, ask);
    }
    return true;
}

static bool read_object(struct cursor *c, struct sim_ask *ask)
{
    skip_blanks(c);
    if (c->at >= c->end || *c->at++ != '{')
        return false;
    skip_blanks(c);
    if (c->at < c->end && *c->at == '}') {
        c->at++;
        return true;
    }
    for (;;) {
        struct oft_str key, value;
        skip_blanks(c);
        if (!read_string(c, &key))
            return false;
        skip_blanks(c);
        if (c->at >= c->end || *c->at++ != ':')
            return false;
        if (!read_value(c, &value) || !take_field(key, value, ask))
            return false;
        skip_blanks(c);
        if (c->at >= c->end)
            return false;
        char next = *c->at++;
        if (next == '}')
            return true;
        if (next != ',')
            return false;
    }
}

static uint64_t hash_bytes(struct oft_str text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    size_t i = 0;
    for (; i + 8 <= text.length; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, 8);
        hash = (hash ^ word) * UINT64_C(0x100000001B3);
        hash ^= hash >> 29;
    }
    for (; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    return hash;
}

bool sim_ask_parse(struct oft_str body, uint64_t seed, struct sim_ask *ask)
{
    struct cursor c = {body.data, body.data + body.length};
    memset(ask, 0, sizeof(*ask));
    ask->prompt_tokens = 1;
    ask->inputs = 1;
    if (body.length == 0 || !read_object(&c, ask))
        return false;
    skip_blanks(&c);
    if (c.at != c.end)
        return false;
    ask->hash = sim_mix(hash_bytes(body) ^ sim_mix(seed));
    if (!ask->output_given)
        ask->output_tokens = 1 + sim_mix(ask->hash) % 256;
    if (ask->cached_tokens > ask->prompt_tokens)
        ask->cached_tokens = ask->prompt_tokens;
    if (ask->reasoning_tokens > ask->output_tokens)
        ask->reasoning_tokens = ask->output_tokens;
    return true;
}
