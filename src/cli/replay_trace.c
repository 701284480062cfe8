/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading of a recorded trace: strict, because a line that is read wrongly is a request that never
 * was. It sends nothing; replay.c does.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "cli/replay.h"

#define TOKENS_MAX 10000000u

static const char trace_header[] = "TIMESTAMP,ContextTokens,GeneratedTokens";

static bool take_field(struct oft_str *rest, struct oft_str *field)
{
    const char *comma = memchr(rest->data, ',', rest->length);
    *field = *rest;
    if (comma == NULL) {
        rest->length = 0;
        return false;
    }
    field->length = (size_t)(comma - rest->data);
    rest->length -= field->length + 1;
    rest->data = comma + 1;
    return true;
}

static bool parse_tokens(struct oft_str text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text.length == 0 || text.length > 8)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return value <= TOKENS_MAX;
}

static enum oft_err parse_row(struct oft_str line, const char *name, uint64_t number,
                              struct cli_trace_row *row, struct oft_error *error)
{
    struct oft_str at, context, generated, rest = line;
    int shown = line.length > 60 ? 60 : (int)line.length;
    bool three = take_field(&rest, &at);
    three = three && take_field(&rest, &context);
    three = three && !take_field(&rest, &generated);
    if (!three)
        return oft_fail(error, OFT_ERR_SYNTAX,
                        "%s:%" PRIu64 ": a row has three fields, time and two counts: \"%.*s\"",
                        name, number, shown, line.data);
    if (oft_instant_parse(at, &row->at) != OFT_OK)
        return oft_fail(error, OFT_ERR_SYNTAX,
                        "%s:%" PRIu64 ": \"%.*s\" is no time such as 2023-11-16 18:15:46.6805900",
                        name, number, (int)(at.length > 60 ? 60 : at.length), at.data);
    if (!parse_tokens(context, &row->context_tokens) ||
        !parse_tokens(generated, &row->generated_tokens))
        return oft_fail(error, OFT_ERR_SYNTAX,
                        "%s:%" PRIu64 ": token counts are whole numbers up to %u: \"%.*s\"", name,
                        number, TOKENS_MAX, shown, line.data);
    row->line = number;
    return OFT_OK;
}

bool cli_trace_next_line(struct oft_str *rest, struct oft_str *line)
{
    if (rest->length == 0)
        return false;
    const char *end = memchr(rest->data, '\n', rest->length);
    line->data = rest->data;
    line->length = end == NULL ? rest->length : (size_t)(end - rest->data);
    size_t used = end == NULL ? rest->length : line->length + 1;
    rest->data += used;
    rest->length -= used;
    if (line->length > 0 && line->data[line->length - 1] == '\r')
        line->length--;
    return true;
}

static enum oft_err parse_rows(struct oft_str rest, const char *name, struct cli_trace *trace,
                               uint64_t capacity, struct oft_error *error)
{
    struct oft_str line;
    for (uint64_t number = 2; cli_trace_next_line(&rest, &line); number++) {
        if (line.length == 0 && rest.length == 0)
            break; /* an empty last line */
        OFT_ASSERT(trace->count < capacity);
        enum oft_err err = parse_row(line, name, number, &trace->rows[trace->count], error);
        if (err != OFT_OK)
            return err;
        trace->count++;
    }
    if (trace->count == 0)
        return oft_fail(error, OFT_ERR_SYNTAX, "%s: the trace has no rows", name);
    return OFT_OK;
}

enum oft_err cli_trace_parse(struct oft_str text, const char *name, struct cli_trace *ret_trace,
                             struct oft_error *error)
{
    struct oft_str line = {"", 0};
    struct oft_str rest = text;
    *ret_trace = (struct cli_trace){NULL, 0};
    if (rest.length >= 3 && memcmp(rest.data, "\xEF\xBB\xBF", 3) == 0) {
        rest.data += 3;
        rest.length -= 3;
    }
    if (!cli_trace_next_line(&rest, &line) || !oft_str_is(line, trace_header))
        return oft_fail(error, OFT_ERR_SYNTAX, "%s:1: the first line must be %s", name,
                        trace_header);
    uint64_t capacity = 1;
    for (size_t i = 0; i < rest.length; i++)
        capacity += rest.data[i] == '\n';
    ret_trace->rows = calloc(capacity, sizeof(*ret_trace->rows));
    if (ret_trace->rows == NULL)
        return oft_fail(error, OFT_ERR_MEMORY, "%s: out of memory", name);
    enum oft_err err = parse_rows(rest, name, ret_trace, capacity, error);
    if (err != OFT_OK)
        cli_trace_release(ret_trace);
    return err;
}

void cli_trace_release(struct cli_trace *trace)
{
    free(trace->rows);
    *trace = (struct cli_trace){NULL, 0};
}

int64_t cli_trace_delay_ns(oft_instant first, oft_instant row, int64_t speed_millionths)
{
    if (speed_millionths <= 0 || row <= first)
        return 0;
    oft_nanos delay = ((oft_nanos)row - first) * 1000000 / speed_millionths;
    return delay > INT64_MAX ? INT64_MAX : (int64_t)delay;
}
