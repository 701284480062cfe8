/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_ANSWER_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_ANSWER_H
/*
 * answer -- the bytes of an answer: in one piece, or one event of a stream after the other.
 *
 * A token of text is a word of four letters and a blank. An answer carries the text of its first
 * SIM_TEXT_TOKENS_MAX tokens; the tokens after these are counted and have no text. A stream has at
 * most SIM_TEXT_EVENTS_MAX events with text, each with its share of the tokens.
 */
#include "ask.h"
#include "base/memory.h"
#include "fault.h"

#define SIM_TEXT_TOKENS_MAX 12800u
#define SIM_TEXT_EVENTS_MAX 64u
#define SIM_TEXT_BLOCK      1024u /* words, after which the text repeats */
#define SIM_TOKEN_BYTES     5u

enum sim_endpoint { SIM_CHAT, SIM_COMPLETIONS, SIM_EMBEDDINGS, SIM_RESPONSES, SIM_MESSAGES };

struct sim_text {
    char words[SIM_TEXT_BLOCK * SIM_TOKEN_BYTES];
};
void sim_text_init(struct sim_text *text, uint64_t seed);

struct sim_answer {
    const struct sim_text *text;
    const struct sim_ask *ask;
    const char *model;
    enum sim_endpoint endpoint;
    enum sim_fault_kind fault;
    unsigned event; /* the next one */
};

/* Appends the whole answer as one JSON text. */
void sim_answer_whole(const struct sim_answer *answer, struct oft_buffer *out);
/* Appends the next event. False, and nothing appended, after the last one. *RET_TOKENS is what the
 * event carries. */
bool sim_answer_event(struct sim_answer *answer, struct oft_buffer *out, uint64_t *ret_tokens);
/* The text of tokens FROM to UNTIL of this answer. */
void sim_answer_text(const struct sim_answer *answer, uint64_t from, uint64_t until,
                     struct oft_buffer *out);
/* answer_messages.c: the same in the form of Anthropic's Messages API. */
void sim_message_whole(const struct sim_answer *answer, struct oft_buffer *out);
bool sim_message_event(const struct sim_answer *answer, uint64_t event, struct oft_buffer *out,
                       uint64_t *ret_tokens);
/* An error in the OpenAI form. */
void sim_answer_error(unsigned status, const char *message, struct oft_buffer *out);

#endif
