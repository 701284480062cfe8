/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LiteLLM's model_prices_and_context_window.json: one object a model, dollars per token, and a key for
 * every kind of price, with what narrows it down behind it: "..._above_200k_tokens_priority".
 */
#include <string.h>

#include "prices/internal.h"

enum { PER_TOKEN = 15 }; /* dollars per token are 10^15 nano-dollars per million */

static const struct {
    const char *key;
    enum deal_unit_class unit;
    bool image_is_token;
} bases[] = {
    {"input_cost_per_token", DEAL_UNIT_INPUT, false},
    {"input_cost_per_token_cache_hit", DEAL_UNIT_CACHED, false},
    {"cache_read_input_token_cost", DEAL_UNIT_CACHED, false},
    {"cache_creation_input_token_cost", DEAL_UNIT_CACHE_WRITE, false},
    {"output_cost_per_token", DEAL_UNIT_OUTPUT, false},
    {"output_cost_per_reasoning_token", DEAL_UNIT_REASONING, false},
    {"input_cost_per_audio_token", DEAL_UNIT_AUDIO, false},
    {"output_cost_per_audio_token", DEAL_UNIT_AUDIO, false},
    {"input_cost_per_image", DEAL_UNIT_IMAGE, false},
    {"output_cost_per_image", DEAL_UNIT_IMAGE, false},
    {"input_cost_per_image_token", DEAL_UNIT_IMAGE, true},
    {"output_cost_per_image_token", DEAL_UNIT_IMAGE, true},
    {"input_cost_per_request", DEAL_UNIT_REQUEST, false},
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* "_above_200k_tokens": how many, and what stands behind. */
static const char *above_of(const char *text, uint64_t *ret_tokens)
{
    uint64_t tokens = 0;
    const char *at = text + strlen("_above_");
    int digits = 0;
    for (; *at >= '0' && *at <= '9' && digits < 12; at++, digits++) {
        tokens = tokens * 10 + (uint64_t)(*at - '0');
    }
    if (*at == 'k') {
        tokens *= 1000;
        at++;
    }
    if (digits == 0 || tokens == 0 || tokens > UINT64_C(1000000000000) || !starts(at, "_tokens")) {
        return NULL;
    }
    *ret_tokens = tokens;
    return at + strlen("_tokens");
}

/* What stands behind the base of a key; false when it is something else. */
static bool suffix_of(const char *rest, struct prices_place *place)
{
    static const struct {
        const char *text;
        enum deal_variant variant;
    } variants[] = {{"_batches", DEAL_BATCH}, {"_flex", DEAL_FLEX}, {"_priority", DEAL_PRIORITY}};
    while (*rest != '\0') {
        const char *next = NULL;
        for (size_t i = 0; i < OFT_COUNT_OF(variants); i++) {
            if (place->variant == DEAL_STANDARD && starts(rest, variants[i].text)) {
                place->variant = variants[i].variant;
                next = rest + strlen(variants[i].text);
            }
        }
        if (next == NULL && place->above_tokens == 0 && starts(rest, "_above_")) {
            next = above_of(rest, &place->above_tokens);
        }
        if (next == NULL) {
            return false;
        }
        rest = next;
    }
    return true;
}

static bool place_of(const char *key, struct prices_place *place)
{
    size_t best = 0;
    for (size_t i = 0; i < OFT_COUNT_OF(bases); i++) {
        size_t length = strlen(bases[i].key);
        struct prices_place found = {.unit = bases[i].unit,
                                     .image_is_token = bases[i].image_is_token};
        if (length > best && starts(key, bases[i].key) && suffix_of(key + length, &found)) {
            *place = found;
            best = length;
        }
    }
    return best > 0;
}

/* Keys that say something of a model and nothing of its price. */
static bool is_fact(const char *key, const json_t *value)
{
    static const char *const begins[] = {"supports_", "supported_", "max_", "uses_"};
    static const char *const whole[] = {"litellm_provider",
                                        "mode",
                                        "source",
                                        "metadata",
                                        "deprecation_date",
                                        "rpm",
                                        "tpm",
                                        "rpd",
                                        "output_vector_size",
                                        "tool_use_system_prompt_tokens",
                                        "prompt_cache_min_tokens",
                                        "multi_vendor"};
    oft_nanos number;
    for (size_t i = 0; i < OFT_COUNT_OF(begins); i++) {
        if (starts(key, begins[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(whole); i++) {
        if (strcmp(key, whole[i]) == 0) {
            return true;
        }
    }
    return json_is_boolean(value) || json_is_null(value) ||
           (json_is_string(value) && strstr(key, "cost") == NULL &&
            prices_number(oft_str_from(json_string_value(value)), 0, &number) == OFT_ERR_SYNTAX);
}

/* A list of bands by the input of a request: {"range": [0, 32000], "input_cost_per_token": ...}. */
static void read_band(struct prices_model *model, const char *name, json_t *band)
{
    const json_t *range = json_object_get(band, "range");
    const json_t *from = json_array_get(range, 0);
    oft_nanos above = -1;
    const char *key;
    json_t *value;
    if (!json_is_string(from) ||
        prices_number(oft_str_from(json_string_value(from)), 0, &above) != OFT_OK || above < 0 ||
        above > (oft_nanos)UINT64_C(1000000000000)) {
        prices_model_leave(model, name, band, "a band without a beginning");
        return;
    }
    json_object_foreach(band, key, value)
    {
        struct prices_place place;
        const char *shown = prices_model_key(model, name, key);
        if (strcmp(key, "range") == 0) {
            continue;
        }
        if (!place_of(key, &place) || place.above_tokens != 0) {
            prices_model_leave(model, shown, value, "no class of usage here");
            continue;
        }
        place.above_tokens = (uint64_t)above;
        prices_model_put(model, place, shown, value);
    }
}

static void read_bands(struct prices_model *model, json_t *bands)
{
    if (!json_is_array(bands)) {
        prices_model_leave(model, "tiered_pricing", bands, "no list of bands");
        return;
    }
    for (size_t i = 0; i < json_array_size(bands); i++) {
        char name[40];
        (void)snprintf(name, sizeof(name), "tiered_pricing[%zu]", i);
        const char *kept = oft_arena_copy(&model->book->arena, oft_str_from(name));
        model->failed = kept == NULL || model->failed;
        read_band(model, kept == NULL ? "" : kept, json_array_get(bands, i));
    }
}

/* This provider bills the dearer price from the limit on, and not above it. */
static bool limit_included(const json_t *entry)
{
    const char *provider = json_string_value(json_object_get(entry, "litellm_provider"));
    return provider != NULL && strcmp(provider, "xai") == 0;
}

static void read_model(struct prices_model *model, json_t *entry)
{
    const char *name;
    json_t *value;
    bool included = limit_included(entry);
    model->shift = PER_TOKEN;
    json_object_foreach(entry, name, value)
    {
        struct prices_place place;
        const char *key = oft_arena_copy(&model->book->arena, oft_str_from(name));
        if (key == NULL) {
            model->failed = true;
            return;
        }
        if (strcmp(key, "tiered_pricing") == 0) {
            read_bands(model, value);
        } else if (place_of(key, &place)) {
            place.above_tokens -= included && place.above_tokens > 1 ? 1 : 0;
            prices_model_put(model, place, key, value);
        } else if (!is_fact(key, value)) {
            prices_model_leave(model, key, value, "no class of usage here");
        }
    }
}

enum oft_err prices_read_litellm(const json_t *root, const struct prices_wish *wish,
                                 struct prices_book *book, struct oft_error *reterr)
{
    const char *name;
    json_t *entry;
    if (!json_is_object(root)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "this is no price list of LiteLLM: one object, "
                        "with an object for each model, is needed");
    }
    json_object_foreach((json_t *)root, name, entry)
    {
        struct prices_model model;
        if (strcmp(name, "sample_spec") == 0) {
            continue; /* the format's own example, with texts for values */
        }
        bool wanted = prices_model_begin(book, wish, name, &model);
        if (wanted && !json_is_object(entry)) {
            prices_model_leave(&model, "", entry, "no object");
        } else if (wanted) {
            read_model(&model, entry);
        }
        enum oft_err err = prices_model_end(&model);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}
