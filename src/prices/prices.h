/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_PRICES_PRICES_H
#define OFFTAKE_PRICES_PRICES_H
/*
 * prices -- public price lists: their JSON in, price lines of the deal language out.
 *
 * What it is   A reader of LiteLLM's model_prices_and_context_window.json and of models.dev's api.json.
 *              What a price line can say exactly becomes one; everything else that the list says of
 *              a model's price is kept with its key, its value and why it was left out.
 * What it is not  It knows no deal: whether the models are declared is `check`'s to say. It fetches
 *              nothing: the caller hands in the text.
 * Exactness    A number is kept as it is written, and read as digits and a power of ten. There is no
 *              floating point on the way; what is finer than a nano-unit per million is left out.
 * May include  base, deal/deal.h (classes and variants).  Used by: cli.
 * Units        Nano-units of a dollar per million units.
 * Ownership    A book owns what it points to until prices_free.
 * Errors       A text that is no such list is OFT_ERR_INVALID with what is wrong.
 * Limits       base/limits.h.
 */
#include "deal/deal.h"

enum prices_format { PRICES_LITELLM, PRICES_MODELS_DEV };

/* One price line. */
struct prices_row {
    const char *theirs; /* the model as the list names it */
    const char *model;  /* as the deal does */
    enum deal_variant variant;
    uint64_t above_tokens;
    oft_nanos per_million_nanos[DEAL_UNIT_COUNT];
    uint32_t given;      /* a bit per class that the line says */
    bool image_is_token; /* its price of an image is one of a token */
};

/* What the list says and no line does. */
struct prices_left {
    const char *theirs;
    const char *key; /* "" when it is the whole model */
    const char *value;
    const char *why;
};

struct prices_book {
    struct prices_row *rows; /* a model's lines stand together, in the order of the list */
    size_t row_count;
    struct prices_left *left;
    size_t left_count;
    size_t models_read;     /* in the list */
    size_t models_taken;    /* of these, with at least one line */
    size_t models_unwanted; /* of these, that no map names when there are maps */
    size_t maps_unknown;    /* maps whose model the list does not have; each is in `left` too */
    struct oft_arena arena;
    size_t row_capacity, left_capacity;
};

/* THEIRS=OURS. With none, every model is taken under its own name. */
struct prices_map {
    const char *theirs;
    const char *ours;
};
struct prices_wish {
    enum prices_format format;
    const struct prices_map *maps;
    size_t map_count;
};

enum oft_err prices_read(struct oft_str text, const struct prices_wish *wish,
                         struct prices_book **ret_book, struct oft_error *reterr) OFT_MUSTCHECK;
void prices_free(struct prices_book *book); /* accepts NULL */

/* An exact number of JSON, "1.5e-07", as value * 10^SHIFT. OFT_ERR_SYNTAX: it is none. OFT_ERR_RANGE:
 * not whole, or beyond 27 digits, either way. */
enum oft_err prices_number(struct oft_str text, int shift, oft_nanos *ret) OFT_MUSTCHECK;
/* TEXT with every number in quotes, so that a reader of JSON keeps it as it stands. */
enum oft_err prices_quote_numbers(struct oft_str text, struct oft_buffer *out,
                                  struct oft_error *reterr) OFT_MUSTCHECK;

struct prices_form {
    const char *source;  /* the file's name, for a comment */
    const char *sha256;  /* of the file, hexadecimal; for a comment */
    const char *pool;    /* whose prices they are; NULL: ... */
    const char *product; /* ... a product's; both NULL: lines without a block */
    const char *from;    /* a date, or NULL */
    bool models;         /* declare the models too */
};
void prices_write_deal(const struct prices_book *book, const struct prices_form *form,
                       struct oft_buffer *out);
void prices_write_json(const struct prices_book *book, const struct prices_form *form,
                       struct oft_buffer *out);

#endif
