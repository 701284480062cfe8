/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_USAGE_H
#define OFFTAKE_GATEWAY_USAGE_H

/*
 * usage -- the provider's own count, read from its answer as it passes.
 *
 * What it is   An incremental scanner over JSON bytes: feed it a body in any
 *              pieces, then ask for the usage object it saw.
 * What it is not  A judge of the answer: it never alters or refuses a byte.
 * Classes      OpenAI's prompt count includes cached tokens and its completion
 *              count includes reasoning; Anthropic's input count has neither
 *              what was read from a cache nor what was written to one.  What
 *              is handed out is disjoint.
 * Tier         "service_tier" at the top, or inside the top-level "response":
 *              how the provider says that it served the request.  The last
 *              word counts; "auto" is what was asked and says nothing.
 * Errors       A count that is no integer of 0..1e9 makes the usage "bad": the
 *              caller estimates instead and says so.
 * Threads      Pure; no nginx in here, so that it can be fuzzed.
 */

#include <stddef.h>
#include <stdint.h>

#define OFFTAKE_USAGE_DEPTH  64
#define OFFTAKE_USAGE_KEY    40
#define OFFTAKE_USAGE_WORD   16

/* The last: a word that is none of ours ("scale", say). */
typedef enum {
    OFFTAKE_TIER_NONE = 0,
    OFFTAKE_TIER_STANDARD,
    OFFTAKE_TIER_BATCH,
    OFFTAKE_TIER_FLEX,
    OFFTAKE_TIER_PRIORITY,
    OFFTAKE_TIER_OTHER
} offtake_tier_t;

enum {
    OFFTAKE_USAGE_PROMPT,
    OFFTAKE_USAGE_COMPLETION,
    OFFTAKE_USAGE_CACHED,
    OFFTAKE_USAGE_AUDIO_IN,
    OFFTAKE_USAGE_REASONING,
    OFFTAKE_USAGE_AUDIO_OUT,
    OFFTAKE_USAGE_CACHE_READ,
    OFFTAKE_USAGE_CACHE_WRITE,
    OFFTAKE_USAGE_FIELDS
};

typedef struct {
    /* What was found. */
    uint64_t  count[OFFTAKE_USAGE_FIELDS];
    unsigned  seen;           /* bit per field */
    unsigned  has_usage:1;    /* a usage object was there */
    unsigned  bad:1;          /* with a count that cannot be believed */
    unsigned  has_choices:1;  /* "choices" held at least one element */
    unsigned  begun:1;        /* of a message's start: its output is to come */
    unsigned  of_message:1;   /* merged from a message's events */

    /* Where the scanner stands. */
    unsigned  in_string:1;
    unsigned  escape:1;
    unsigned  is_key:1;       /* the string is a key */
    unsigned  key_ready:1;    /* a key was read; its value comes */
    unsigned  in_word:1;      /* the string is the service tier */
    unsigned  in_number:1;
    unsigned  negative:1;
    unsigned  broken:1;       /* a count with a fraction, sign or exponent */
    int       depth;
    int       usage_depth;    /* depth inside the usage object, 0: not in it */
    int       details;        /* 1 prompt, 2 completion details; 0 none */
    uint64_t  objects;        /* bit per level: an object */
    uint64_t  number;
    size_t    key_length;
    char      key[OFFTAKE_USAGE_KEY];
    char      response;       /* inside the top-level "response" object */
    char      message;        /* or inside "message" */
    size_t    word_length;
    char      word[OFFTAKE_USAGE_WORD];

    offtake_tier_t  tier;     /* what was found, too */
} offtake_usage_t;

void offtake_usage_init(offtake_usage_t *usage);
void offtake_usage_feed(offtake_usage_t *usage, const char *data,
    size_t length);

/* A later event's usage: it replaces what was told before, but of a message
 * its fields are added to those of the message's start. */
void offtake_usage_merge(offtake_usage_t *total,
    const offtake_usage_t *later);

/* Disjoint classes in meter order: input, cached, cache write, output,
 * reasoning, audio, image.  Returns 1 when they can be believed. */
int offtake_usage_units(const offtake_usage_t *usage, uint64_t units[7]);

#endif
