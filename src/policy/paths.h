/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_PATHS_H
#define OFFTAKE_POLICY_PATHS_H
/*
 * paths -- which paths there are, what a request at one of them is, and which kinds of endpoints
 * speak its dialect. The gateway routes by it and `offtake explain --path` asks it. Edge.
 *
 * What it is   A table in the order of enum policy_path, and a look-up by length first, so that the
 *              paths that everybody asks for cost one comparison.
 * What it is not  A list of what a provider has: a path that is not here is POLICY_PATH_UNKNOWN, and
 *              the deal says per product whether it passes ("passthrough").
 * Threads      Pure.
 */
#include "policy/snapshot_fmt.h"

enum policy_path {
    POLICY_PATH_UNKNOWN = 0,
    POLICY_PATH_CHAT,
    POLICY_PATH_COMPLETIONS,
    POLICY_PATH_EMBEDDINGS,
    POLICY_PATH_RESPONSES,     /* a new one */
    POLICY_PATH_RESPONSE_WORK, /* /compact, /input_tokens: a model, and no id */
    POLICY_PATH_MODELS,        /* ours to answer: the list */
    POLICY_PATH_MODEL,         /* and one of them */
    POLICY_PATH_MODERATIONS,
    POLICY_PATH_IMAGES,
    POLICY_PATH_IMAGE_FORMS, /* edits, variations: multipart */
    POLICY_PATH_SPEECH,
    POLICY_PATH_AUDIO_FORMS, /* transcriptions, translations: multipart */
    POLICY_PATH_MESSAGES,
    POLICY_PATH_COUNT_TOKENS,
    POLICY_PATH_STORE,  /* POST: makes something that has an id: a file, an upload, a batch */
    POLICY_PATH_STORED, /* something that has an id */
    POLICY_PATH_LIST,   /* GET: all that the provider's account has */
    POLICY_PATH_MESSAGE_STORE, /* the same three in Anthropic's dialect: batches of messages */
    POLICY_PATH_MESSAGE_STORED,
    POLICY_PATH_MESSAGE_LIST,
    POLICY_PATH_COUNT
};

enum policy_form {
    POLICY_FORM_OWN,   /* the gateway answers it */
    POLICY_FORM_JSON,  /* POST, a JSON object that names a model */
    POLICY_FORM_PARTS, /* POST, multipart with a part `model`; or JSON, as its content type says */
    POLICY_FORM_BARE,  /* no model: the product decides */
    POLICY_FORM_ANY,   /* whatever its body turns out to be */
};

enum policy_path_flag {
    POLICY_PATH_TEXT = 1u << 0,    /* tokens in, tokens out: estimates make sense */
    POLICY_PATH_INPUT = 1u << 1,   /* tokens in, none out */
    POLICY_PATH_BY_ID = 1u << 2,   /* asks for something by its id: a pool that does not have it
                                      answers 404, and the next one is asked */
    POLICY_PATH_HOME = 1u << 3,    /* one pool alone: the first in the deal's order */
    POLICY_PATH_ANSWERS = 1u << 4, /* its answer is JSON or a stream of events, never bytes */
    POLICY_PATH_MESSAGES_API = 1u << 5, /* Anthropic's dialect: errors are told in its form */
    POLICY_PATH_ASKS = 1u << 6,         /* passes only where the deal says so */
    POLICY_PATH_QUERY = 1u << 7,        /* its query goes on to the provider */
};

struct policy_path_info {
    uint16_t speaks;  /* a bit for each enum policy_endpoint_kind */
    uint8_t form;     /* enum policy_form */
    uint8_t flags;    /* enum policy_path_flag */
    const char *name; /* for people: "chat completions" */
};

/* The path of a normalized URI; POST tells a creation from a list. */
enum policy_path policy_path_of(const char *uri, size_t length, bool post);

/* What is known of it. Static storage. */
const struct policy_path_info *policy_path_info(enum policy_path path);

/* "openai", "azure-openai", ... Static storage. */
const char *policy_kind_text(enum policy_endpoint_kind kind);

/* Does PATTERN ("/v1/rerank", "/v1/rerank/" and a star, or a star alone) hold this URI? */
bool policy_pattern_holds(struct oft_str pattern, const char *uri, size_t length);

#endif
