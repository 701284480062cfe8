/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_API_FAKE_ENGINE_H
#define OFFTAKE_TESTS_API_FAKE_ENGINE_H
/*
 * An engine that answers as it is told and remembers what it was asked, so that the API's own work
 * can be seen alone.
 */
#include "engine/desk.h"

struct engine {
    enum oft_err answer;           /* what every call returns */
    const char *message;           /* of a failure */
    const char *text;              /* what reports hold */
    bool sound;                    /* of engine_verify */
    unsigned drain_rounds;         /* how often there is more */
    struct engine_refusal refusal; /* of engine_desk_act, with OFT_ERR_DENIED */
    enum oft_err token;            /* of engine_party_of_token */
    const char *token_party;
    unsigned calls;
    char asked[1024]; /* the last call, in words */
};

#endif
