/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_ASK_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_ASK_H
/*
 * ask -- what a request asks of the provider: which model, how many tokens, in which form.
 */
#include "base/base.h"
#include "base/limits.h"

enum { SIM_TIER_BYTES = 32 };

struct sim_ask {
    char model[OFT_MODEL_NAME_BYTES_MAX + 1]; /* "" when the body names none */
    uint64_t prompt_tokens;
    uint64_t cached_tokens;    /* of the prompt tokens */
    uint64_t reasoning_tokens; /* of the output tokens */
    uint64_t output_tokens;
    uint64_t hash;                     /* of the body: what makes this request's answer its own */
    unsigned inputs;                   /* texts to embed, at least 1 */
    char service_tier[SIM_TIER_BYTES]; /* as asked; "" when it was not */
    bool output_given;
    bool stream;
    bool include_usage;
};

/*
 * Reads a JSON body. False when it is no JSON object, or when a field it needs has another type.
 *
 * Prompt tokens: the hint if the first text that starts with one says "tokens:1155 ..." (then also
 * "cached:200", "reasoning:64", in any order, parted by blanks), else the bytes of the prompt's JSON
 * over four, rounded up, at least 1. Output tokens: max_completion_tokens, max_output_tokens or
 * max_tokens exactly; else a number from 1 to 256 drawn from SEED and the body.
 */
bool sim_ask_parse(struct oft_str body, uint64_t seed, struct sim_ask *ask) OFT_MUSTCHECK;

/* A fixed scrambling of one number, the root of everything "seeded" here. */
uint64_t sim_mix(uint64_t value);

#endif
