/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.dev's api.json: providers, in each its models, in each a "cost" in dollars per million tokens,
 * with bands by the input of a request in "tiers" (and, of before there were tiers, in
 * "context_over_200k"). A model is named "provider/model" here.
 */
#include <string.h>

#include "prices/internal.h"

enum { PER_MILLION = 9 }; /* dollars per million are 10^9 nano-dollars per million */

static const struct {
    const char *key;
    enum deal_unit_class unit;
} classes[] = {
    {"input", DEAL_UNIT_INPUT},
    {"cache_read", DEAL_UNIT_CACHED},
    {"cache_write", DEAL_UNIT_CACHE_WRITE},
    {"output", DEAL_UNIT_OUTPUT},
    {"reasoning", DEAL_UNIT_REASONING},
    {"input_audio", DEAL_UNIT_AUDIO},
    {"output_audio", DEAL_UNIT_AUDIO},
};

static bool unit_of(const char *key, enum deal_unit_class *ret_unit)
{
    for (size_t i = 0; i < OFT_COUNT_OF(classes); i++) {
        if (strcmp(key, classes[i].key) == 0) {
            *ret_unit = classes[i].unit;
            return true;
        }
    }
    return false;
}

static const char *const NO_CLASS = "no class of usage here";

/* The prices of one object: of requests above so many input tokens. */
static void read_prices(struct prices_model *model, const char *outer, json_t *prices,
                        uint64_t above_tokens)
{
    const char *key;
    json_t *value;
    json_object_foreach(prices, key, value)
    {
        struct prices_place place = {.above_tokens = above_tokens};
        bool structure = strcmp(key, "tiers") == 0 || strcmp(key, "context_over_200k") == 0 ||
                         strcmp(key, "tier") == 0;
        if (unit_of(key, &place.unit)) {
            prices_model_put(model, place, prices_model_key(model, outer, key), value);
        } else if (!structure) {
            prices_model_leave(model, prices_model_key(model, outer, key), value, NO_CLASS);
        }
    }
}

/* {"tier": {"type": "context", "size": 200000}, "input": ...} */
static void read_tier(struct prices_model *model, const char *name, json_t *entry)
{
    const json_t *tier = json_object_get(entry, "tier");
    const char *type = json_string_value(json_object_get(tier, "type"));
    const char *size = json_string_value(json_object_get(tier, "size"));
    oft_nanos above;
    if (size == NULL || (type != NULL && strcmp(type, "context") != 0) ||
        prices_number(oft_str_from(size), 0, &above) != OFT_OK || above < 1 ||
        above > (oft_nanos)UINT64_C(1000000000000)) {
        prices_model_leave(model, name, entry, "a tier of another kind than the context's size");
        return;
    }
    read_prices(model, name, entry, (uint64_t)above);
}

/* The older key repeats the one tier there is; it may add nothing. */
static bool repeats(const json_t *older, const json_t *tier)
{
    const char *key;
    json_t *value;
    if (!json_is_object(older) || tier == NULL) {
        return false;
    }
    json_object_foreach((json_t *)older, key, value)
    {
        if (!json_equal(value, json_object_get(tier, key))) {
            return false;
        }
    }
    return true;
}

static void read_cost(struct prices_model *model, json_t *cost)
{
    static const char OLDER[] = "cost.context_over_200k";
    json_t *tiers = json_object_get(cost, "tiers");
    json_t *older = json_object_get(cost, "context_over_200k");
    read_prices(model, "cost", cost, 0);
    if (tiers != NULL && !json_is_array(tiers)) {
        prices_model_leave(model, "cost.tiers", tiers, "no list of tiers");
    }
    for (size_t i = 0; i < json_array_size(tiers); i++) {
        const char *name = oft_arena_printf(&model->book->arena, "cost.tiers[%zu]", i);
        model->failed = name == NULL || model->failed;
        read_tier(model, name == NULL ? "" : name, json_array_get(tiers, i));
    }
    if (json_is_object(older) && tiers == NULL) {
        read_prices(model, OLDER, older, 200000);
    } else if (older != NULL &&
               !(json_array_size(tiers) == 1 && repeats(older, json_array_get(tiers, 0)))) {
        prices_model_leave(model, OLDER, older, "says otherwise than the tiers");
    }
}

/* Ways to call a model that cost otherwise; nothing in a record tells them apart. */
static void leave_modes(struct prices_model *model, json_t *entry)
{
    json_t *modes = json_object_get(json_object_get(entry, "experimental"), "modes");
    const char *name;
    json_t *mode;
    json_object_foreach(modes, name, mode)
    {
        const json_t *cost = json_object_get(mode, "cost");
        if (cost != NULL) {
            prices_model_leave(model, prices_model_key(model, "experimental.modes", name), cost,
                               "a mode is no variant here");
        }
    }
}

static enum oft_err read_provider(const char *provider, json_t *models,
                                  const struct prices_wish *wish, struct prices_book *book)
{
    const char *name;
    json_t *entry;
    json_object_foreach(models, name, entry)
    {
        struct prices_model model;
        const char *theirs = oft_arena_printf(&book->arena, "%s/%s", provider, name);
        if (theirs == NULL) {
            return OFT_ERR_MEMORY;
        }
        bool wanted = prices_model_begin(book, wish, theirs, &model);
        json_t *cost = json_object_get(entry, "cost");
        model.shift = PER_MILLION;
        if (wanted && json_is_object(cost)) {
            read_cost(&model, cost);
            leave_modes(&model, entry);
        } else if (wanted) {
            prices_model_leave(&model, "cost", cost, "no prices");
        }
        enum oft_err err = prices_model_end(&model);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

enum oft_err prices_read_models_dev(const json_t *root, const struct prices_wish *wish,
                                    struct prices_book *book, struct oft_error *reterr)
{
    const char *provider;
    json_t *entry;
    if (!json_is_object(root)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "this is no api.json of models.dev: one object, "
                        "with an object for each provider, is needed");
    }
    json_object_foreach((json_t *)root, provider, entry)
    {
        json_t *models = json_object_get(entry, "models");
        if (!json_is_object(models)) {
            return oft_fail(reterr, OFT_ERR_INVALID,
                            "this is no api.json of models.dev: \"%.60s\" has no models", provider);
        }
        enum oft_err err = read_provider(provider, models, wish, book);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}
