/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads runs of tokens by the patterns of terms_table.c. The patterns need one token of look-ahead:
 * an optional part begins with a word that cannot stand there otherwise.
 */
#include "deal/terms_internal.h"

#include <stdio.h>
#include <string.h>

#define WORD_BYTES_MAX 64

/* One word of a pattern: where it begins, how long it is. */
struct pattern_word {
    const char *text;
    size_t length;
};

static struct pattern_word next_word(const char **pattern)
{
    const char *at = *pattern + strspn(*pattern, " ");
    struct pattern_word word = {at, 0};
    if (*at == '[' || *at == ']') {
        word.length = 1;
    } else {
        word.length = strcspn(at, " []");
    }
    *pattern = at + word.length;
    return word;
}

static bool is_value(struct pattern_word word)
{
    return word.length > 2 && word.text[0] == '<';
}

static bool is_choice(struct pattern_word word)
{
    return memchr(word.text, '|', word.length) != NULL;
}

bool deal_cursor_is(const struct deal_cursor *cursor, const char *text)
{
    return cursor->at != NULL && !cursor->at->quoted && oft_str_is(cursor->at->text, text);
}

void deal_cursor_step(struct deal_cursor *cursor)
{
    cursor->last = cursor->at;
    cursor->at = cursor->at->next;
}

bool deal_cursor_expected(struct deal_cursor *cursor, const char *wanted)
{
    struct deal_build *build = cursor->build;
    if (cursor->at != NULL) {
        int length = cursor->at->text.length > 60 ? 60 : (int)cursor->at->text.length;
        BUILD_ERROR(build, 17, cursor->at, cursor->clause, "", "\"%.*s\" stands where %s should",
                    length, cursor->at->text.data, wanted);
        return false;
    }
    const struct deal_node *last = cursor->last != NULL ? cursor->last : cursor->run;
    struct deal_position behind = last->position;
    behind.column += behind.length;
    behind.length = 1;
    deal_report(build->diagnostics, DEAL_ERROR, 17, behind, cursor->clause,
                "a line ends a statement; go on after a comma or a \\",
                "the line ends where %s should stand", wanted);
    return false;
}

/* The alternative of CHOICE (or the one word, less its '!') that stands at the cursor. */
static const char *choice_at(const struct deal_cursor *cursor, struct pattern_word choice,
                             char out[WORD_BYTES_MAX])
{
    size_t from = 0;
    while (from < choice.length) {
        size_t length = 0;
        while (from + length < choice.length && choice.text[from + length] != '|' &&
               choice.text[from + length] != '!') {
            length++;
        }
        (void)snprintf(out, WORD_BYTES_MAX, "%.*s", (int)length, choice.text + from);
        if (deal_cursor_is(cursor, out)) {
            return out;
        }
        from += length + 1;
    }
    return NULL;
}

int deal_pattern_weight(const struct deal_cursor *cursor, const char *pattern)
{
    struct deal_cursor probe = *cursor;
    char text[WORD_BYTES_MAX];
    int weight = 0;
    for (;;) {
        struct pattern_word word = next_word(&pattern);
        if (word.length == 0 || is_value(word) || word.text[0] == '[') {
            return weight;
        }
        if (choice_at(&probe, word, text) == NULL) {
            return -1;
        }
        deal_cursor_step(&probe);
        weight++;
    }
}

/* "gross, net or ..." for a message. */
static bool choice_expected(struct deal_cursor *cursor, struct pattern_word choice)
{
    char wanted[160] = "";
    size_t length = 0;
    for (size_t i = 0; i <= choice.length && length + 24 < sizeof(wanted); i++) {
        bool begins = i == 0 || choice.text[i - 1] == '|';
        if (i < choice.length && choice.text[i] != '|' && choice.text[i] != '!') {
            length += (size_t)snprintf(wanted + length, sizeof(wanted) - length, "%s%c",
                                       begins ? "\"" : "", choice.text[i]);
        } else if (i == choice.length || choice.text[i] == '|') {
            length += (size_t)snprintf(wanted + length, sizeof(wanted) - length, "\"%s",
                                       i < choice.length ? " or " : "");
        }
    }
    return deal_cursor_expected(cursor, wanted);
}

/* The word itself: a plain one leaves no value, a choice or a marked one does. */
static bool match_word(struct deal_cursor *cursor, struct pattern_word word,
                       struct deal_value *values, uint32_t *count)
{
    char text[WORD_BYTES_MAX];
    if (choice_at(cursor, word, text) == NULL) {
        return choice_expected(cursor, word);
    }
    if (is_choice(word) || word.text[word.length - 1] == '!') {
        values[(*count)++] = (struct deal_value){
            .kind = DEAL_VALUE_WORD, .as.text = deal_build_copy(cursor->build, oft_str_from(text))};
    }
    deal_cursor_step(cursor);
    return true;
}

/* Passes over an optional part that is not there; its values are "none". */
static void skip_optional(const char **pattern, struct deal_value *values, uint32_t *count)
{
    struct pattern_word word = next_word(pattern);
    while (word.length > 0 && word.text[0] != ']') {
        if (is_value(word) || is_choice(word) || word.text[word.length - 1] == '!') {
            values[(*count)++] = (struct deal_value){.kind = DEAL_VALUE_NONE};
        }
        word = next_word(pattern);
    }
}

bool deal_pattern_match(struct deal_cursor *cursor, const char *pattern, struct deal_value *values,
                        uint32_t *ret_count)
{
    uint32_t count = 0;
    char text[WORD_BYTES_MAX];
    for (;;) {
        struct pattern_word word = next_word(&pattern);
        bool good = true;
        if (word.length == 0) {
            *ret_count = count;
            return true;
        }
        OFT_ASSERT(count < DEAL_PATTERN_VALUES_MAX);
        if (word.text[0] == '[') {
            const char *inside = pattern;
            if (choice_at(cursor, next_word(&inside), text) == NULL) {
                skip_optional(&pattern, values, &count);
            }
        } else if (word.text[0] == ']') {
            continue;
        } else if (is_value(word)) {
            good = deal_cursor_value(cursor, word.text + 1, word.length - 2, &values[count++]);
        } else {
            good = match_word(cursor, word, values, &count);
        }
        if (!good) {
            return false;
        }
    }
}

/* ---- terms ----------------------------------------------------------------------------------- */

/* The leading words of a term, for a hint. */
static void append_lead(struct oft_buffer *out, const char *pattern)
{
    const char *end = pattern;
    for (;;) {
        const char *after = end;
        struct pattern_word word = next_word(&after);
        if (word.length == 0 || is_value(word) || word.text[0] == '[') {
            break;
        }
        end = after;
    }
    oft_buffer_append(out, pattern, (size_t)(end - pattern));
}

/* The first word of PATTERN, or one of its alternatives, that is one or two letters from TEXT. */
static void near_word(struct oft_str text, const char *pattern, char near[WORD_BYTES_MAX])
{
    struct pattern_word word = next_word(&pattern);
    size_t from = 0;
    while (text.length > 3 && from < word.length) {
        size_t length = strcspn(word.text + from, "| ![]");
        struct oft_str one = {word.text + from, length};
        if (near[0] == '\0' && deal_edit_distance(text, one) <= 2) {
            (void)snprintf(near, WORD_BYTES_MAX, "%.*s", (int)length, one.data);
        }
        from += length + 1;
    }
}

static void no_such_term(struct deal_cursor *cursor, enum deal_clause_kind kind)
{
    struct oft_buffer known;
    char near[WORD_BYTES_MAX] = "";
    struct deal_build *build = cursor->build;
    oft_buffer_init(&known, 1024);
    oft_buffer_append_text(&known, "terms of this clause: ");
    bool first = true;
    for (int key = 0; key < DEAL_TERM_KEY_COUNT; key++) {
        if ((deal_term_specs[key].clauses & (1u << kind)) != 0) {
            oft_buffer_append_text(&known, first ? "" : ", ");
            append_lead(&known, deal_term_specs[key].pattern);
            near_word(cursor->at->text, deal_term_specs[key].pattern, near);
            first = false;
        }
    }
    int length = cursor->at->text.length > 60 ? 60 : (int)cursor->at->text.length;
    if (near[0] != '\0') {
        oft_buffer_clear(&known);
        oft_buffer_printf(&known, "did you mean \"%s\"?", near);
    }
    BUILD_ERROR(build, 18, cursor->at, cursor->clause, oft_buffer_text(&known),
                "\"%.*s\" begins no term of this clause", length, cursor->at->text.data);
    oft_buffer_release(&known);
}

static int best_term(const struct deal_cursor *cursor, enum deal_clause_kind kind)
{
    int best = -1;
    int best_weight = 0;
    for (int key = 0; key < DEAL_TERM_KEY_COUNT; key++) {
        if ((deal_term_specs[key].clauses & (1u << kind)) == 0) {
            continue;
        }
        int weight = deal_pattern_weight(cursor, deal_term_specs[key].pattern);
        if (weight > best_weight) {
            best = key;
            best_weight = weight;
        }
    }
    return best;
}

/* "cure" of "standing cure" and the like: words that begin a term, but not as they stand. */
static int begun_term(const struct deal_cursor *cursor, enum deal_clause_kind kind)
{
    char text[WORD_BYTES_MAX];
    for (int key = 0; key < DEAL_TERM_KEY_COUNT; key++) {
        const char *pattern = deal_term_specs[key].pattern;
        if ((deal_term_specs[key].clauses & (1u << kind)) != 0 &&
            choice_at(cursor, next_word(&pattern), text) != NULL) {
            return key;
        }
    }
    return -1;
}

static bool read_term(struct deal_cursor *cursor, enum deal_clause_kind kind, struct deal_term *ret)
{
    struct deal_value values[DEAL_PATTERN_VALUES_MAX] = {0};
    uint32_t count = 0;
    int key = best_term(cursor, kind);
    key = key < 0 ? begun_term(cursor, kind) : key;
    if (key < 0) {
        no_such_term(cursor, kind);
        return false;
    }
    *ret = (struct deal_term){.key = (enum deal_term_key)key, .position = cursor->at->position};
    if (!deal_pattern_match(cursor, deal_term_specs[key].pattern, values, &count)) {
        return false;
    }
    OFT_ASSERT(count <= DEAL_TERM_VALUES_MAX);
    ret->value_count = count;
    memcpy(ret->values, values, count * sizeof(values[0]));
    return true;
}

static bool said_before(const struct deal_term *terms, uint32_t count, enum deal_term_key key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (terms[i].key == key) {
            return true;
        }
    }
    return false;
}

bool deal_terms_read(struct deal_cursor *cursor, enum deal_clause_kind kind,
                     struct deal_term *terms, uint32_t most, uint32_t *count)
{
    bool good = true;
    while (cursor->at != NULL) {
        struct deal_term term;
        const struct deal_node *begin = cursor->at;
        if (!read_term(cursor, kind, &term)) {
            return false; /* the rest of the line means nothing any more */
        }
        if (!deal_term_specs[term.key].repeats && said_before(terms, *count, term.key)) {
            BUILD_ERROR(cursor->build, 11, begin, cursor->clause, "leave one of them out",
                        "\"%.*s\" is said twice", (int)begin->text.length, begin->text.data);
            good = false;
            continue;
        }
        if (*count < most) {
            terms[(*count)++] = term;
        }
    }
    return good;
}

void deal_term_append_words(struct oft_buffer *out, enum deal_term_key key)
{
    append_lead(out, deal_term_specs[key].pattern);
}

const struct deal_term *deal_terms_next(struct deal_terms terms, enum deal_term_key key,
                                        uint32_t *from)
{
    for (uint32_t i = *from; i < terms.count; i++) {
        if (terms.items[i].key == key) {
            *from = i + 1;
            return &terms.items[i];
        }
    }
    return NULL;
}

const struct deal_term *deal_terms_find(struct deal_terms terms, enum deal_term_key key)
{
    uint32_t from = 0;
    return deal_terms_next(terms, key, &from);
}

const char *deal_term_name(enum deal_term_key key)
{
    return deal_term_specs[key].name;
}
