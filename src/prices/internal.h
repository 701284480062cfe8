/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_PRICES_INTERNAL_H
#define OFFTAKE_PRICES_INTERNAL_H
/*
 * internal -- one model of a list while it is read. book.c keeps it; litellm.c and models_dev.c fill it.
 */
#include <jansson.h>

#include "prices/prices.h"

enum { PRICES_SLOTS_MAX = 64 };

/* What the list says of one variant above one number of input tokens. */
struct prices_slot {
    struct prices_row row;
    uint32_t disputed; /* classes that the list gives two prices */
    const char *keys[DEAL_UNIT_COUNT];
};

struct prices_model {
    struct prices_book *book;
    const char *theirs;
    const char *ours;
    int shift; /* from the list's unit to nano-units per million */
    struct prices_slot slots[PRICES_SLOTS_MAX];
    size_t slot_count;
    size_t left_before; /* what was left out when it began */
    bool wanted;
    bool spoiled; /* no line of it may be written */
    bool failed;  /* memory */
};

/* Where one value of the list belongs. */
struct prices_place {
    enum deal_variant variant;
    uint64_t above_tokens;
    enum deal_unit_class unit;
    bool image_is_token;
};

/* Takes VALUE of KEY as the price of PLACE, or leaves it out with a reason. */
void prices_model_put(struct prices_model *model, struct prices_place place, const char *key,
                      const json_t *value);
/* Leaves VALUE of KEY out. */
void prices_model_leave(struct prices_model *model, const char *key, const json_t *value,
                        const char *why);
/* "outer.inner", in the book's arena; "" when memory ran out. */
const char *prices_model_key(struct prices_model *model, const char *outer, const char *inner);

/* Begins the model that the list calls THEIRS. False when it is not wanted or cannot be named; then it
 * is told or counted. Ends it: its slots become rows. */
bool prices_model_begin(struct prices_book *book, const struct prices_wish *wish,
                        const char *theirs, struct prices_model *model);
enum oft_err prices_model_end(struct prices_model *model);

enum oft_err prices_read_litellm(const json_t *root, const struct prices_wish *wish,
                                 struct prices_book *book, struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err prices_read_models_dev(const json_t *root, const struct prices_wish *wish,
                                    struct prices_book *book,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

#endif
