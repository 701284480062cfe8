/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A small push-down scanner: it follows nesting and keys, and keeps numbers
 * only while it stands inside a usage object ("usage" at the top, or inside
 * the top-level "response" of the responses API), and a word only where the
 * service tier stands.
 */

#include "ngx_http_offtake_usage.h"

#include <string.h>

#define USAGE_COUNT_MAX  UINT64_C(1000000000)


void
offtake_usage_init(offtake_usage_t *u)
{
    memset(u, 0, sizeof(*u));
}


static int
key_is(const offtake_usage_t *u, const char *word)
{
    size_t  length = strlen(word);

    return u->key_length == length && memcmp(u->key, word, length) == 0;
}


static int
field_of_key(const offtake_usage_t *u)
{
    if (u->details == 0) {
        if (key_is(u, "prompt_tokens") || key_is(u, "input_tokens")) {
            return OFFTAKE_USAGE_PROMPT;
        }
        if (key_is(u, "completion_tokens") || key_is(u, "output_tokens")) {
            return OFFTAKE_USAGE_COMPLETION;
        }
        if (key_is(u, "cache_read_input_tokens")) {
            return OFFTAKE_USAGE_CACHE_READ;
        }
        return key_is(u, "cache_creation_input_tokens")
               ? OFFTAKE_USAGE_CACHE_WRITE : -1;
    }

    if (u->details == 1) {
        if (key_is(u, "cached_tokens")) {
            return OFFTAKE_USAGE_CACHED;
        }
        return key_is(u, "audio_tokens") ? OFFTAKE_USAGE_AUDIO_IN : -1;
    }

    if (key_is(u, "reasoning_tokens")) {
        return OFFTAKE_USAGE_REASONING;
    }
    return key_is(u, "audio_tokens") ? OFFTAKE_USAGE_AUDIO_OUT : -1;
}


static int
at_count(const offtake_usage_t *u)
{
    return u->usage_depth != 0 && u->key_ready
           && (u->depth == u->usage_depth
               || (u->details != 0 && u->depth == u->usage_depth + 1));
}


/* A value that is no number stands where a count is due. */

static void
reject_value(offtake_usage_t *u, char first)
{
    if (at_count(u) && field_of_key(u) >= 0 && first != 'n') {
        u->bad = 1;
    }
}


static void
end_number(offtake_usage_t *u)
{
    int  field;

    u->in_number = 0;

    if (at_count(u)) {
        field = field_of_key(u);

        if (field >= 0) {
            if (u->broken || u->negative || u->number > USAGE_COUNT_MAX) {
                u->bad = 1;
            } else {
                u->count[field] = u->number;
                u->seen |= 1u << field;
            }
        }
    }

    u->key_ready = 0;
}


static void
number_char(offtake_usage_t *u, char c)
{
    if (c >= '0' && c <= '9') {
        if (u->number <= USAGE_COUNT_MAX) {
            u->number = u->number * 10 + (uint64_t) (c - '0');
        }

    } else if (c == '-') {
        u->negative = 1;

    } else {
        u->broken = 1;
    }
}


static void
open_bracket(offtake_usage_t *u, int is_object)
{
    if (u->depth == 1 && u->key_ready) {
        if (key_is(u, "response")) {
            u->response = (char) is_object;
        } else if (key_is(u, "message")) {
            u->message = (char) is_object;
        }
    }

    if (is_object && u->key_ready && u->usage_depth == 0 && key_is(u, "usage")
        && (u->depth == 1
            || (u->depth == 2 && (u->response || u->message))))
    {
        /* Counts of a later usage object replace those of an earlier one. */
        u->has_usage = 1;
        u->begun = (unsigned) (u->depth == 2 && u->message);
        u->bad = 0;
        u->seen = 0;
        memset(u->count, 0, sizeof(u->count));
        u->usage_depth = u->depth + 1;

    } else if (u->usage_depth != 0 && u->depth == u->usage_depth
               && u->key_ready)
    {
        if (key_is(u, "prompt_tokens_details")
            || key_is(u, "input_tokens_details"))
        {
            u->details = 1;

        } else if (key_is(u, "completion_tokens_details")
                   || key_is(u, "output_tokens_details"))
        {
            u->details = 2;

        } else {
            reject_value(u, '{');
        }
    }

    if (u->depth < OFFTAKE_USAGE_DEPTH) {
        u->objects &= ~((uint64_t) 1 << u->depth);
        u->objects |= (uint64_t) is_object << u->depth;
    }

    u->depth++;
    u->key_ready = 0;
    u->is_key = (unsigned) is_object;
    u->key_length = 0;
}


static void
close_bracket(offtake_usage_t *u)
{
    if (u->depth > 0) {
        u->depth--;
    }

    if (u->usage_depth != 0 && u->depth == u->usage_depth) {
        u->details = 0;
    }

    if (u->depth < u->usage_depth) {
        u->usage_depth = 0;
    }

    if (u->depth == 1) {
        u->response = 0;
        u->message = 0;
    }

    u->key_ready = 0;
    u->is_key = 0;
}


/* "choices" is not empty when anything begins one level below it. */

static void
note_choices(offtake_usage_t *u)
{
    if (u->depth == 2 && !u->response && !u->message && u->key_length == 0
        && (u->objects & 2) == 0 && u->has_choices == 0)
    {
        u->has_choices = 1;
    }
}


static int
at_tier(const offtake_usage_t *u)
{
    return u->key_ready && (u->depth == 1 || (u->depth == 2 && u->response))
           && key_is(u, "service_tier");
}


static void
end_word(offtake_usage_t *u)
{
    static const struct {
        const char      *word;
        offtake_tier_t   tier;
    } words[] = {
        { "default", OFFTAKE_TIER_STANDARD },
        { "standard", OFFTAKE_TIER_STANDARD },
        { "auto", OFFTAKE_TIER_NONE },
        { "batch", OFFTAKE_TIER_BATCH },
        { "flex", OFFTAKE_TIER_FLEX },
        { "priority", OFFTAKE_TIER_PRIORITY },
    };
    size_t  i;

    u->in_word = 0;
    u->tier = OFFTAKE_TIER_OTHER;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == u->word_length
            && memcmp(words[i].word, u->word, u->word_length) == 0)
        {
            u->tier = words[i].tier;
        }
    }
}


static void
string_char(offtake_usage_t *u, char c)
{
    if (u->escape) {
        u->escape = 0;
        u->key_length = OFFTAKE_USAGE_KEY; /* an escaped key matches nothing */
        u->word_length = OFFTAKE_USAGE_WORD;
        return;
    }

    if (c == '\\') {
        u->escape = 1;
        return;
    }

    if (c == '"') {
        u->in_string = 0;
        u->key_ready = u->is_key;
        if (u->in_word) {
            end_word(u);
        }
        return;
    }

    if (u->is_key) {
        if (u->key_length < OFFTAKE_USAGE_KEY) {
            u->key[u->key_length++] = c;
        }

    } else if (u->word_length < OFFTAKE_USAGE_WORD) {
        u->word[u->word_length++] = c; /* the tier: other values are skipped */
    }
}


static int
level_is_object(const offtake_usage_t *u)
{
    return u->depth > 0 && u->depth <= OFFTAKE_USAGE_DEPTH
           && ((u->objects >> (u->depth - 1)) & 1);
}


static void
plain_char(offtake_usage_t *u, char c)
{
    switch (c) {

    case '"':
        if (!u->is_key) {
            reject_value(u, c);
            if (u->depth <= 2 && at_tier(u)) {
                u->in_word = 1;
                u->word_length = 0;
            }
        }
        u->in_string = 1;
        if (u->is_key) {
            u->key_length = 0;
        }
        break;

    case '{':
    case '[':
        open_bracket(u, c == '{');
        break;

    case '}':
    case ']':
        close_bracket(u);
        break;

    case ':':
        u->is_key = 0;
        break;

    case ',':
        u->key_ready = 0;
        u->is_key = (unsigned) level_is_object(u);
        break;

    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        u->in_number = 1;
        u->number = 0;
        u->negative = 0;
        u->broken = 0;
        number_char(u, c);
        break;

    case 't': case 'f': case 'n':
        reject_value(u, c);
        if (c == 'n' && at_tier(u)) {
            u->tier = OFFTAKE_TIER_NONE;
        }
        break;

    default:
        break;
    }
}


/* Bytes of a string that cannot end it are taken a run at a time. */

static size_t
take_run(offtake_usage_t *u, const char *data, size_t length)
{
    size_t       run, room;
    const char  *quote, *slash;

    if (u->escape || u->in_word) {
        return 0;
    }

    quote = memchr(data, '"', length);
    run = quote == NULL ? length : (size_t) (quote - data);
    slash = memchr(data, '\\', run);
    run = slash == NULL ? run : (size_t) (slash - data);

    if (u->is_key) {
        room = OFFTAKE_USAGE_KEY - u->key_length;
        memcpy(u->key + u->key_length, data, run < room ? run : room);
        u->key_length += run < room ? run : room;
    }

    return run;
}


void
offtake_usage_feed(offtake_usage_t *u, const char *data, size_t length)
{
    size_t  i = 0;

    while (i < length) {
        char  c;

        if (u->in_string) {
            i += take_run(u, data + i, length - i);
            if (i == length) {
                return;
            }
            string_char(u, data[i++]);
            continue;
        }

        c = data[i];

        if (u->in_number) {
            if ((c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E'
                || c == '+' || c == '-')
            {
                number_char(u, c);
                i++;
                continue;
            }
            end_number(u);
        }

        if (u->depth == 1 && c == '[' && u->key_ready && key_is(u, "choices"))
        {
            /* Mark the level: key_length 0 tells note_choices where it is. */
            open_bracket(u, 0);
            i++;
            continue;
        }

        if (c != ' ' && c != '\n' && c != '\r' && c != '\t' && c != ']') {
            note_choices(u);
        }

        plain_char(u, c);
        i++;
    }
}


void
offtake_usage_merge(offtake_usage_t *total, const offtake_usage_t *later)
{
    int  i;

    if (!total->has_usage || !total->of_message) {
        *total = *later;
        total->of_message = later->begun;
        return;
    }

    for (i = 0; i < OFFTAKE_USAGE_FIELDS; i++) {
        if (later->seen & (1u << i)) {
            total->count[i] = later->count[i];
        }
    }

    total->seen |= later->seen;
    total->bad |= later->bad;
    total->begun = later->begun;
}


int
offtake_usage_units(const offtake_usage_t *u, uint64_t units[7])
{
    uint64_t  prompt = u->count[OFFTAKE_USAGE_PROMPT];
    uint64_t  completion = u->count[OFFTAKE_USAGE_COMPLETION];
    uint64_t  cached = u->count[OFFTAKE_USAGE_CACHED];
    uint64_t  audio_in = u->count[OFFTAKE_USAGE_AUDIO_IN];
    uint64_t  reasoning = u->count[OFFTAKE_USAGE_REASONING];
    uint64_t  audio_out = u->count[OFFTAKE_USAGE_AUDIO_OUT];

    if (!u->has_usage || u->bad || u->begun || !(u->seen & (1u << OFFTAKE_USAGE_PROMPT))
        || cached + audio_in > prompt || reasoning + audio_out > completion)
    {
        return 0;
    }

    units[0] = prompt - cached - audio_in;
    units[1] = cached + u->count[OFFTAKE_USAGE_CACHE_READ];
    units[2] = u->count[OFFTAKE_USAGE_CACHE_WRITE];
    units[3] = completion - reasoning - audio_out;
    units[4] = reasoning;
    units[5] = audio_in + audio_out;
    units[6] = 0;
    return 1;
}
