/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths -- the table of paths and the look-up in it. Edge: no allocation, no system call.
 */
#include "policy/paths.h"

#include <string.h>

#define OPENAI     (1u << POLICY_KIND_OPENAI)
#define AZURE      (1u << POLICY_KIND_AZURE_OPENAI)
#define COMPATIBLE (1u << POLICY_KIND_COMPATIBLE)
#define ANTHROPIC  (1u << POLICY_KIND_ANTHROPIC)
#define BEDROCK    (1u << POLICY_KIND_BEDROCK)
#define VERTEX     (1u << POLICY_KIND_VERTEX)

#define TEXT  (POLICY_PATH_TEXT | POLICY_PATH_ANSWERS)
#define INPUT (POLICY_PATH_INPUT | POLICY_PATH_ANSWERS)

static const struct policy_path_info infos[POLICY_PATH_COUNT] = {
    [POLICY_PATH_UNKNOWN] = {OPENAI | AZURE | COMPATIBLE | ANTHROPIC, POLICY_FORM_ANY,
                             POLICY_PATH_ASKS | POLICY_PATH_HOME | POLICY_PATH_QUERY,
                             "a path that the gateway does not know"},
    [POLICY_PATH_CHAT] = {OPENAI | AZURE | COMPATIBLE | BEDROCK | VERTEX, POLICY_FORM_JSON, TEXT,
                          "chat completions"},
    [POLICY_PATH_COMPLETIONS] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, TEXT,
                                 "completions"},
    [POLICY_PATH_EMBEDDINGS] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, INPUT, "embeddings"},
    [POLICY_PATH_RESPONSES] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, TEXT, "responses"},
    [POLICY_PATH_RESPONSE_WORK] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, INPUT,
                                   "work on a response"},
    [POLICY_PATH_MODELS] = {0, POLICY_FORM_OWN, 0, "models"},
    [POLICY_PATH_MODEL] = {0, POLICY_FORM_OWN, 0, "a model"},
    [POLICY_PATH_MODERATIONS] = {OPENAI | COMPATIBLE, POLICY_FORM_JSON, INPUT, "moderations"},
    [POLICY_PATH_IMAGES] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, POLICY_PATH_ANSWERS,
                            "images"},
    [POLICY_PATH_IMAGE_FORMS] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_PARTS,
                                 POLICY_PATH_ANSWERS, "edits of images"},
    [POLICY_PATH_SPEECH] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_JSON, 0, "speech"},
    [POLICY_PATH_AUDIO_FORMS] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_PARTS, 0,
                                 "transcriptions and translations"},
    [POLICY_PATH_MESSAGES] = {ANTHROPIC | COMPATIBLE | BEDROCK | VERTEX, POLICY_FORM_JSON,
                              TEXT | POLICY_PATH_MESSAGES_API, "messages"},
    [POLICY_PATH_COUNT_TOKENS] = {ANTHROPIC | COMPATIBLE | VERTEX, POLICY_FORM_JSON,
                                  POLICY_PATH_ANSWERS | POLICY_PATH_MESSAGES_API,
                                  "counting of tokens"},
    [POLICY_PATH_STORE] = {OPENAI | AZURE, POLICY_FORM_BARE, POLICY_PATH_HOME | POLICY_PATH_QUERY,
                           "files, uploads and batches"},
    [POLICY_PATH_STORED] = {OPENAI | AZURE | COMPATIBLE, POLICY_FORM_BARE,
                            POLICY_PATH_BY_ID | POLICY_PATH_QUERY, "what a provider keeps"},
    [POLICY_PATH_LIST] = {OPENAI | AZURE, POLICY_FORM_BARE,
                          POLICY_PATH_ASKS | POLICY_PATH_HOME | POLICY_PATH_QUERY,
                          "lists of what a provider keeps"},
    [POLICY_PATH_MESSAGE_STORE] = {ANTHROPIC, POLICY_FORM_BARE,
                                   POLICY_PATH_HOME | POLICY_PATH_QUERY | POLICY_PATH_MESSAGES_API,
                                   "batches of messages"},
    [POLICY_PATH_MESSAGE_STORED] = {ANTHROPIC, POLICY_FORM_BARE,
                                    POLICY_PATH_BY_ID | POLICY_PATH_QUERY |
                                        POLICY_PATH_MESSAGES_API,
                                    "a batch of messages"},
    [POLICY_PATH_MESSAGE_LIST] = {ANTHROPIC, POLICY_FORM_BARE,
                                  POLICY_PATH_ASKS | POLICY_PATH_HOME | POLICY_PATH_QUERY |
                                      POLICY_PATH_MESSAGES_API,
                                  "lists of batches of messages"},
};

const struct policy_path_info *policy_path_info(enum policy_path path)
{
    return &infos[path < POLICY_PATH_COUNT ? path : POLICY_PATH_UNKNOWN];
}

/* ---- the look-up ------------------------------------------------------------------------------ */

/* POST and GET of a path; a path below it; in the order in which they are compared. */
struct route {
    const char *text; /* one that ends in a slash holds what begins with it, and something more */
    uint8_t post;
    uint8_t other;
};

static const struct route routes[] = {
    {"/v1/models", POLICY_PATH_MODELS, POLICY_PATH_MODELS},
    {"/v1/models/", POLICY_PATH_MODEL, POLICY_PATH_MODEL},
    {"/v1/moderations", POLICY_PATH_MODERATIONS, POLICY_PATH_MODERATIONS},
    {"/v1/images/generations", POLICY_PATH_IMAGES, POLICY_PATH_IMAGES},
    {"/v1/images/edits", POLICY_PATH_IMAGE_FORMS, POLICY_PATH_IMAGE_FORMS},
    {"/v1/images/variations", POLICY_PATH_IMAGE_FORMS, POLICY_PATH_IMAGE_FORMS},
    {"/v1/audio/speech", POLICY_PATH_SPEECH, POLICY_PATH_SPEECH},
    {"/v1/audio/transcriptions", POLICY_PATH_AUDIO_FORMS, POLICY_PATH_AUDIO_FORMS},
    {"/v1/audio/translations", POLICY_PATH_AUDIO_FORMS, POLICY_PATH_AUDIO_FORMS},
    {"/v1/responses/compact", POLICY_PATH_RESPONSE_WORK, POLICY_PATH_RESPONSE_WORK},
    {"/v1/responses/input_tokens", POLICY_PATH_RESPONSE_WORK, POLICY_PATH_RESPONSE_WORK},
    {"/v1/responses/", POLICY_PATH_STORED, POLICY_PATH_STORED},
    {"/v1/chat/completions/", POLICY_PATH_STORED, POLICY_PATH_STORED},
    {"/v1/messages/count_tokens", POLICY_PATH_COUNT_TOKENS, POLICY_PATH_COUNT_TOKENS},
    {"/v1/messages/batches", POLICY_PATH_MESSAGE_STORE, POLICY_PATH_MESSAGE_LIST},
    {"/v1/messages/batches/", POLICY_PATH_MESSAGE_STORED, POLICY_PATH_MESSAGE_STORED},
    {"/v1/files", POLICY_PATH_STORE, POLICY_PATH_LIST},
    {"/v1/files/", POLICY_PATH_STORED, POLICY_PATH_STORED},
    {"/v1/uploads", POLICY_PATH_STORE, POLICY_PATH_STORE},
    {"/v1/uploads/", POLICY_PATH_STORED, POLICY_PATH_STORED},
    {"/v1/batches", POLICY_PATH_STORE, POLICY_PATH_LIST},
    {"/v1/batches/", POLICY_PATH_STORED, POLICY_PATH_STORED},
};

static bool holds(const char *text, const char *uri, size_t length)
{
    size_t known = strlen(text);

    return text[known - 1] == '/' ? length > known && memcmp(text, uri, known) == 0
                                  : length == known && memcmp(text, uri, known) == 0;
}

static enum policy_path search(const char *uri, size_t length, bool post)
{
    size_t i;

    for (i = 0; i < OFT_COUNT_OF(routes); i++) {
        if (holds(routes[i].text, uri, length)) {
            return (enum policy_path)(post ? routes[i].post : routes[i].other);
        }
    }
    return POLICY_PATH_UNKNOWN;
}

enum policy_path policy_path_of(const char *uri, size_t length, bool post)
{
    switch (length) { /* those that come most, by one comparison */
    case sizeof("/v1/chat/completions") - 1:
        if (memcmp(uri, "/v1/chat/completions", length) == 0) {
            return post ? POLICY_PATH_CHAT : POLICY_PATH_LIST;
        }
        break;
    case sizeof("/v1/completions") - 1:
        if (memcmp(uri, "/v1/completions", length) == 0) {
            return POLICY_PATH_COMPLETIONS;
        }
        break;
    case sizeof("/v1/embeddings") - 1:
        if (memcmp(uri, "/v1/embeddings", length) == 0) {
            return POLICY_PATH_EMBEDDINGS;
        }
        break;
    case sizeof("/v1/responses") - 1:
        if (memcmp(uri, "/v1/responses", length) == 0) {
            return POLICY_PATH_RESPONSES;
        }
        break;
    case sizeof("/v1/messages") - 1:
        if (memcmp(uri, "/v1/messages", length) == 0) {
            return POLICY_PATH_MESSAGES;
        }
        break;
    default:
        break;
    }
    return search(uri, length, post);
}

/* ---- words ------------------------------------------------------------------------------------ */

const char *policy_kind_text(enum policy_endpoint_kind kind)
{
    static const char *const texts[POLICY_KIND_COUNT] = {
        [POLICY_KIND_OPENAI] = "openai",
        [POLICY_KIND_AZURE_OPENAI] = "azure-openai",
        [POLICY_KIND_COMPATIBLE] = "openai-compatible",
        [POLICY_KIND_ANTHROPIC] = "anthropic",
        [POLICY_KIND_BEDROCK] = "bedrock",
        [POLICY_KIND_VERTEX] = "vertex",
    };

    return kind < POLICY_KIND_COUNT ? texts[kind] : "unknown";
}

bool policy_pattern_holds(struct oft_str pattern, const char *uri, size_t length)
{
    size_t known = pattern.length;

    if (known > 0 && pattern.data[known - 1] == '*') {
        known--;
        return length >= known && memcmp(pattern.data, uri, known) == 0;
    }
    return length == known && memcmp(pattern.data, uri, known) == 0;
}
