/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book that an import fills: models in, rows and what was left out. A class that a variant or a
 * context does not price takes the list's next best price, so that each row stands for itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "prices/internal.h"

#define BOOK_BYTES_MAX ((size_t)256 << 20)

/* ---- growing --------------------------------------------------------------------------------- */

static void *grow(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = realloc(items, wanted * item_bytes);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

static bool add_left(struct prices_book *book, struct prices_left left)
{
    struct prices_left *grown =
        grow(book->left, book->left_count, &book->left_capacity, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    book->left = grown;
    book->left[book->left_count++] = left;
    return true;
}

static bool add_row(struct prices_book *book, const struct prices_row *row)
{
    struct prices_row *grown =
        grow(book->rows, book->row_count, &book->row_capacity, sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    book->rows = grown;
    book->rows[book->row_count++] = *row;
    return true;
}

/* ---- a model --------------------------------------------------------------------------------- */

/* A value of the list in one short line. */
static const char *value_text(struct prices_model *model, const json_t *value)
{
    enum { SHOWN = 60 };
    struct oft_arena *arena = &model->book->arena;
    char *text = NULL;
    if (json_is_string(value)) {
        text = oft_arena_copy(arena, oft_str_from(json_string_value(value)));
    } else if (value != NULL) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        text = dumped == NULL ? NULL : oft_arena_copy(arena, oft_str_from(dumped));
        free(dumped);
    } else {
        return "";
    }
    if (text == NULL) {
        model->failed = true;
        return "";
    }
    if (strlen(text) > SHOWN + 3) {
        size_t cut = SHOWN;
        while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80) {
            cut--;
        }
        memcpy(text + cut, "...", 4);
    }
    return text;
}

void prices_model_leave(struct prices_model *model, const char *key, const json_t *value,
                        const char *why)
{
    struct prices_left left = {model->theirs, key, value_text(model, value), why};
    model->failed = !add_left(model->book, left) || model->failed;
}

const char *prices_model_key(struct prices_model *model, const char *outer, const char *inner)
{
    char *key = oft_arena_printf(&model->book->arena, "%s.%s", outer, inner);
    model->failed = key == NULL || model->failed;
    return key == NULL ? "" : key;
}

static struct prices_slot *slot_find(const struct prices_model *model, enum deal_variant variant,
                                     uint64_t above_tokens)
{
    for (size_t i = 0; i < model->slot_count; i++) {
        const struct prices_row *row = &model->slots[i].row;
        if (row->variant == variant && row->above_tokens == above_tokens) {
            return (struct prices_slot *)&model->slots[i];
        }
    }
    return NULL;
}

static struct prices_slot *slot_need(struct prices_model *model, enum deal_variant variant,
                                     uint64_t above_tokens)
{
    struct prices_slot *slot = slot_find(model, variant, above_tokens);
    if (slot == NULL && model->slot_count < PRICES_SLOTS_MAX) {
        slot = &model->slots[model->slot_count++];
        *slot = (struct prices_slot){.row = {.theirs = model->theirs,
                                             .model = model->ours,
                                             .variant = variant,
                                             .above_tokens = above_tokens}};
    }
    return slot;
}

/* Without its input's and its output's price a line would give them away: then there is none. */
static void spoil(struct prices_model *model, struct prices_place place)
{
    model->spoiled =
        model->spoiled || place.unit == DEAL_UNIT_INPUT || place.unit == DEAL_UNIT_OUTPUT;
}

/* The list has another price for the same class: neither can be told from the other in the books. */
static void dispute(struct prices_model *model, struct prices_slot *slot, struct prices_place place,
                    const char *key, const json_t *value)
{
    static const char WHY[] = "two prices of one class here; it costs like its kin";
    char text[OFT_NANOS_TEXT_BYTES];
    uint32_t bit = 1u << place.unit;
    if ((slot->disputed & bit) == 0) {
        json_t *first = json_sprintf(
            "%s per 1M", oft_nanos_format(slot->row.per_million_nanos[place.unit], text));
        prices_model_leave(model, slot->keys[place.unit], first, WHY);
        json_decref(first);
    }
    prices_model_leave(model, key, value, WHY);
    slot->disputed |= bit;
    slot->row.given &= ~bit;
    spoil(model, place);
}

void prices_model_put(struct prices_model *model, struct prices_place place, const char *key,
                      const json_t *value)
{
    oft_nanos rate;
    if (json_is_null(value)) {
        return; /* says nothing */
    }
    if (!json_is_string(value)) {
        prices_model_leave(model, key, value, "no number");
        spoil(model, place);
        return;
    }
    enum oft_err err = prices_number(oft_str_from(json_string_value(value)), model->shift, &rate);
    if (err != OFT_OK || rate < 0) {
        prices_model_leave(model, key, value,
                           err == OFT_ERR_SYNTAX ? "no number"
                           : err == OFT_OK       ? "a price below zero"
                                                 : "not a whole number of nano-units per million");
        spoil(model, place);
        return;
    }
    struct prices_slot *slot = slot_need(model, place.variant, place.above_tokens);
    if (slot == NULL) {
        prices_model_leave(model, key, value, "too many prices of one model");
        model->spoiled = true;
        return;
    }
    uint32_t bit = 1u << place.unit;
    bool same = (slot->row.given & bit) != 0 && slot->row.per_million_nanos[place.unit] == rate &&
                (place.unit != DEAL_UNIT_IMAGE || slot->row.image_is_token == place.image_is_token);
    if ((slot->disputed & bit) != 0 || ((slot->row.given & bit) != 0 && !same)) {
        dispute(model, slot, place, key, value);
        return;
    }
    slot->row.given |= bit;
    slot->row.per_million_nanos[place.unit] = rate;
    slot->row.image_is_token = slot->row.image_is_token || place.image_is_token;
    slot->keys[place.unit] = key;
}

/* ---- from models to rows ---------------------------------------------------------------------- */

static void take_over(struct prices_slot *slot, const struct prices_slot *other)
{
    for (int unit = 0; other != NULL && unit < DEAL_UNIT_COUNT; unit++) {
        uint32_t bit = 1u << unit;
        if (((slot->row.given | slot->disputed) & bit) == 0 && (other->row.given & bit) != 0) {
            slot->row.given |= bit;
            slot->row.per_million_nanos[unit] = other->row.per_million_nanos[unit];
            slot->row.image_is_token =
                unit == DEAL_UNIT_IMAGE ? other->row.image_is_token : slot->row.image_is_token;
        }
    }
}

/* Every variant has every context, since a variant's price would hide the context's otherwise. */
static bool complete(struct prices_model *model)
{
    size_t count = model->slot_count;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (slot_need(model, model->slots[i].row.variant, model->slots[k].row.above_tokens) ==
                NULL) {
                return false;
            }
        }
    }
    struct prices_slot filled[PRICES_SLOTS_MAX];
    for (size_t i = 0; i < model->slot_count; i++) {
        const struct prices_row *row = &model->slots[i].row;
        filled[i] = model->slots[i];
        if (row->variant == DEAL_BATCH) { /* its price is for any input, where no other is named */
            take_over(&filled[i], slot_find(model, DEAL_BATCH, 0));
            take_over(&filled[i], slot_find(model, DEAL_STANDARD, 0));
        }
        take_over(&filled[i], slot_find(model, DEAL_STANDARD, row->above_tokens));
        take_over(&filled[i], slot_find(model, row->variant, 0));
        take_over(&filled[i], slot_find(model, DEAL_STANDARD, 0));
    }
    memcpy(model->slots, filled, model->slot_count * sizeof(*filled));
    return true;
}

static int compare_slots(const void *a, const void *b)
{
    const struct prices_row *x = &((const struct prices_slot *)a)->row;
    const struct prices_row *y = &((const struct prices_slot *)b)->row;
    int order = (x->variant > y->variant) - (x->variant < y->variant);
    return order != 0 ? order
                      : (x->above_tokens > y->above_tokens) - (x->above_tokens < y->above_tokens);
}

/* Says ROW nothing that the row before it, of less input, does not say? */
static bool repeats(const struct prices_row *row, const struct prices_row *before)
{
    return before != NULL && row->variant == before->variant && row->given == before->given &&
           row->image_is_token == before->image_is_token &&
           memcmp(row->per_million_nanos, before->per_million_nanos,
                  sizeof(row->per_million_nanos)) == 0;
}

enum oft_err prices_model_end(struct prices_model *model)
{
    bool any = false;
    if (model->wanted && model->slot_count == 0 && model->book->left_count == model->left_before) {
        prices_model_leave(model, "", NULL, "no prices");
    }
    if (!model->spoiled && !complete(model)) {
        prices_model_leave(model, "", NULL, "too many prices of one model");
        model->spoiled = true;
    } else if (model->spoiled) {
        prices_model_leave(model, "", NULL, "no line without the price of its input and output");
    }
    if (model->spoiled) {
        model->slot_count = 0;
    }
    qsort(model->slots, model->slot_count, sizeof(model->slots[0]), compare_slots);
    const struct prices_row *before = NULL;
    for (size_t i = 0; i < model->slot_count; i++) {
        const struct prices_row *row = &model->slots[i].row;
        if (row->given != 0 && !repeats(row, before)) {
            model->failed = !add_row(model->book, row) || model->failed;
            any = true;
            before = row;
        }
    }
    model->book->models_taken += any;
    return model->failed ? OFT_ERR_MEMORY : OFT_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "2026-01-01" is a date wherever it stands. */
static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    bool date = strlen(text) == strlen(form);
    for (size_t i = 0; date && form[i] != '\0'; i++) {
        date = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
    }
    return date;
}

/* Letters, digits and _, joined by one dot or slash, or by dashes. */
static bool is_name(const char *text)
{
    size_t length = strlen(text);
    bool good = length > 0 && length <= OFT_NAME_BYTES_MAX && strcmp(text, "all") != 0 &&
                !is_date(text) && is_letter(text[0]) && is_letter(text[length - 1]);
    for (size_t i = 1; good && i + 1 < length; i++) {
        char c = text[i];
        bool joint = c == '.' || c == '/';
        good = is_letter(c) || (joint && is_letter(text[i - 1]) && is_letter(text[i + 1])) ||
               (c == '-' && (is_letter(text[i - 1]) || text[i - 1] == '-'));
    }
    for (size_t i = 1; good && i < length; i++) {
        good = text[i - 1] != '-' || is_letter(text[i]) || text[i] == '-';
    }
    return good;
}

static const char *mapped(const struct prices_wish *wish, const char *theirs)
{
    for (size_t i = 0; i < wish->map_count; i++) {
        if (strcmp(wish->maps[i].theirs, theirs) == 0) {
            return wish->maps[i].ours;
        }
    }
    return wish->map_count == 0 ? theirs : NULL;
}

static bool name_taken(const struct prices_book *book, const char *ours)
{
    for (size_t i = 0; i < book->row_count; i++) {
        if (strcmp(book->rows[i].model, ours) == 0) {
            return true;
        }
    }
    return false;
}

bool prices_model_begin(struct prices_book *book, const struct prices_wish *wish,
                        const char *theirs, struct prices_model *model)
{
    *model = (struct prices_model){.book = book};
    book->models_read++;
    const char *ours = mapped(wish, theirs);
    if (ours == NULL) {
        book->models_unwanted++;
        return false;
    }
    model->theirs = oft_arena_copy(&book->arena, oft_str_from(theirs));
    model->ours = oft_arena_copy(&book->arena, oft_str_from(ours));
    if (model->theirs == NULL || model->ours == NULL) {
        model->failed = true;
        return false;
    }
    if (!is_name(ours)) {
        prices_model_leave(model, "", NULL, "no name for a deal: give one with --map");
        return false;
    }
    if (name_taken(book, ours)) {
        prices_model_leave(model, "", NULL, "another model is imported under this name");
        return false;
    }
    model->wanted = true;
    model->left_before = book->left_count;
    return true;
}

/* ---- all ------------------------------------------------------------------------------------- */

static json_t *parse(struct oft_str text, struct oft_error *reterr, enum oft_err *ret_err)
{
    struct oft_buffer quoted;
    json_error_t failure;
    json_t *root = NULL;
    oft_buffer_init(&quoted, 2 * (size_t)OFT_PRICE_LIST_BYTES_MAX + 64);
    *ret_err = prices_quote_numbers(text, &quoted, reterr);
    if (*ret_err == OFT_OK) {
        root =
            json_loadb(oft_buffer_text(&quoted), quoted.length, JSON_REJECT_DUPLICATES, &failure);
        if (root == NULL) {
            *ret_err = oft_fail(reterr, OFT_ERR_INVALID, "line %d is no JSON: %s", failure.line,
                                failure.text);
        }
    }
    oft_buffer_release(&quoted);
    return root;
}

/* Maps whose model the list does not have. */
static enum oft_err tell_unknown(struct prices_book *book, const struct prices_wish *wish,
                                 const bool *found)
{
    for (size_t i = 0; i < wish->map_count; i++) {
        const char *theirs = oft_arena_copy(&book->arena, oft_str_from(wish->maps[i].theirs));
        struct prices_left left = {theirs, "", "", "the list has no such model"};
        if (found[i]) {
            continue;
        }
        if (theirs == NULL || !add_left(book, left)) {
            return OFT_ERR_MEMORY;
        }
        book->maps_unknown++;
    }
    return OFT_OK;
}

static enum oft_err check_maps(struct prices_book *book, const struct prices_wish *wish)
{
    bool *found = calloc(wish->map_count + 1, sizeof(*found));
    if (found == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < wish->map_count; i++) {
        for (size_t k = 0; k < book->row_count + book->left_count && !found[i]; k++) {
            const char *theirs =
                k < book->row_count ? book->rows[k].theirs : book->left[k - book->row_count].theirs;
            found[i] = strcmp(theirs, wish->maps[i].theirs) == 0;
        }
    }
    enum oft_err err = tell_unknown(book, wish, found);
    free(found);
    return err;
}

enum oft_err prices_read(struct oft_str text, const struct prices_wish *wish,
                         struct prices_book **ret_book, struct oft_error *reterr)
{
    enum oft_err err;
    if (text.length > OFT_PRICE_LIST_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "a price list has at most %u bytes",
                        OFT_PRICE_LIST_BYTES_MAX);
    }
    struct prices_book *book = calloc(1, sizeof(*book));
    if (book == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory for this price list");
    }
    oft_arena_init(&book->arena, BOOK_BYTES_MAX);
    json_t *root = parse(text, reterr, &err);
    if (err == OFT_OK && wish->format == PRICES_LITELLM) {
        err = prices_read_litellm(root, wish, book, reterr);
    } else if (err == OFT_OK) {
        err = prices_read_models_dev(root, wish, book, reterr);
    }
    if (err == OFT_OK) {
        err = check_maps(book, wish);
    }
    json_decref(root);
    if (err != OFT_OK) {
        prices_free(book);
        return err == OFT_ERR_MEMORY ? oft_fail(reterr, err, "out of memory for this price list")
                                     : err;
    }
    *ret_book = book;
    return OFT_OK;
}

void prices_free(struct prices_book *book)
{
    if (book != NULL) {
        oft_arena_release(&book->arena);
        free(book->rows);
        free(book->left);
        free(book);
    }
}
