/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices in steps by volume, traced. Into which step a record's units fell follows from the month's count and
 * not from the record. So the lines of all steps of a price are held against all its records together, by
 * their units; and a base that was counted from such lines, against what these lines come to.
 */
#include <string.h>

#include "engine/trace_internal.h"

/* ---- up: from a part to the lines of a transaction --------------------------------------------- */

/* A share's sum is rounded, and may not have moved; steps may cost nothing, and then no base has them. */
static bool may_be_missing(const struct ledger_part *part)
{
    bool rounded = part->key.kind == LEDGER_SHARE && part->key.product[0] == '\0';
    return rounded || (part->lacks_steps && part->exact == 0);
}

static size_t count_held(const struct ledger_transaction *transaction,
                         const struct ledger_part *part)
{
    size_t held = 0;
    for (size_t i = 0; i < transaction->change_count; i++) {
        held += ledger_line_holds(&transaction->changes[i].key, part);
    }
    return held;
}

enum oft_err trace_put_lines(const struct ledger_transaction *transaction, struct oft_arena *arena,
                             struct trace_line **lines, size_t *count, bool *ret_all)
{
    size_t room = 1;
    size_t placed = 0;
    for (size_t i = 0; i < *count; i++) {
        room += 1 + count_held(transaction, &(*lines)[i].part);
    }
    struct trace_line *all = oft_arena_alloc_array(arena, room, sizeof(*all));
    if (all == NULL) {
        return OFT_ERR_MEMORY;
    }
    *ret_all = true;
    for (size_t i = 0; i < *count; i++) {
        const struct trace_line *line = &(*lines)[i];
        size_t before = placed;
        for (size_t c = 0; c < transaction->change_count; c++) {
            if (ledger_line_holds(&transaction->changes[c].key, &line->part)) {
                all[placed] = *line;
                all[placed++].line = transaction->changes[c].key;
            }
        }
        if (placed == before && !may_be_missing(&line->part)) {
            *ret_all = false;
        }
        if (placed == before && !line->part.lacks_steps) {
            all[placed++] = *line;
        }
    }
    *lines = all;
    *count = placed;
    return OFT_OK;
}

/* ---- down: the lines of a price in steps ------------------------------------------------------- */

/* Whether A and B differ in their rates alone. */
static bool is_same_price(const struct ledger_series_key *a, const struct ledger_series_key *b)
{
    struct ledger_series_key other = *b;
    other.rate = a->rate;
    return memcmp(a, &other, sizeof(other)) == 0;
}

enum oft_err trace_find_steps(struct engine *engine, struct trace_of_line *line,
                              struct oft_arena *arena, struct oft_error *reterr)
{
    const struct ledger_series_key *key = &line->row.key;
    struct ledger_row *rows = NULL;
    size_t count = 0;
    enum oft_err code =
        store_rows(engine->store, key->kind, key->month, arena, &rows, &count, reterr);
    line->steps = rows;
    line->step_count = 0;
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (is_same_price(key, &rows[i].key)) {
            rows[line->step_count++] = rows[i];
        }
    }
    return code;
}

bool trace_steps_add_up(const struct trace_of_line *line)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < line->step_count; i++) {
        if (oft_nanos_add(sum, line->steps[i].totals.quantity, &sum) != OFT_OK) {
            return false;
        }
    }
    return sum == line->traced.quantity;
}

/* ---- down: a base that was counted from such lines --------------------------------------------- */

static bool is_rate_of(const struct ledger_part *part, oft_nanos rate)
{
    for (uint32_t i = 0; i < part->rate_count; i++) {
        if (part->rates[i] == rate) {
            return true;
        }
    }
    return false;
}

/* PART's key as it stands where the base does, at RATE. */
static struct ledger_series_key placed_key(const struct trace_of_line *line,
                                           const struct ledger_part *part, oft_nanos rate)
{
    struct ledger_series_key key = part->key;
    key.month = line->row.key.month;
    key.for_month = line->row.key.for_month;
    key.rate = rate;
    return key;
}

/* Puts the lines of the steps of PART behind TO; *RET_EXACT is what they come to. */
static enum oft_err put_step_lines(const struct trace_of_line *line, const struct ledger_part *part,
                                   const struct ledger_row *rows, size_t row_count,
                                   struct ledger_part *to, size_t *to_count, oft_nanos *ret_exact)
{
    *ret_exact = 0;
    for (size_t i = 0; i < row_count; i++) {
        struct ledger_series_key key = placed_key(line, part, rows[i].key.rate);
        if (!is_rate_of(part, rows[i].key.rate) || memcmp(&key, &rows[i].key, sizeof(key)) != 0) {
            continue;
        }
        struct ledger_part *one = &to[(*to_count)++];
        *one = (struct ledger_part){.key = rows[i].key, .quantity = rows[i].totals.quantity};
        if (oft_nanos_mul(one->quantity, key.rate, &one->exact) != OFT_OK ||
            oft_nanos_add(*ret_exact, one->exact, ret_exact) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

/* Records at a plain price of the same clause stand under the same lines, and were counted already. */
static enum oft_err take_plain_off(const struct ledger_traced *traced,
                                   const struct ledger_part *part, oft_nanos *exact)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < traced->drawn_count; i++) {
        const struct ledger_part *plain = &traced->drawn[i];
        if (!plain->in_steps && is_rate_of(part, plain->key.rate) &&
            is_same_price(&part->key, &plain->key)) {
            code = oft_nanos_sub(*exact, plain->exact, exact);
        }
    }
    return code;
}

static enum oft_err add_exact(struct ledger_traced *traced, const struct ledger_part *part,
                              oft_nanos exact)
{
    enum oft_err code = oft_nanos_add(traced->exact, exact, &traced->exact);
    for (size_t i = 0; code == OFT_OK && i < traced->base_count; i++) {
        struct ledger_part *base = &traced->bases[i];
        if (strcmp(base->key.product, part->key.product) == 0) {
            code = oft_nanos_add(base->exact, exact, &base->exact);
        }
    }
    return code;
}

enum oft_err trace_add_steps(struct engine *engine, struct trace_of_line *line,
                             struct oft_arena *arena, struct oft_error *reterr)
{
    const struct ledger_series_key *key = &line->row.key;
    struct ledger_traced *traced = &line->traced;
    struct ledger_row *rows = NULL;
    size_t count = 0;
    size_t drawn_count = 0;
    enum oft_err code =
        store_rows(engine->store, key->kind == LEDGER_SHARE ? LEDGER_SALE : LEDGER_COST, key->month,
                   arena, &rows, &count, reterr);
    struct ledger_part *drawn =
        code == OFT_OK
            ? oft_arena_alloc_array(arena, traced->drawn_count + count + 1, sizeof(*drawn))
            : NULL;
    if (code == OFT_OK && drawn == NULL) {
        code = OFT_ERR_MEMORY;
    }
    for (size_t i = 0; code == OFT_OK && i < traced->drawn_count; i++) {
        const struct ledger_part *part = &traced->drawn[i];
        oft_nanos exact = 0;
        if (!part->in_steps) {
            drawn[drawn_count++] = *part;
            continue;
        }
        code = put_step_lines(line, part, rows, count, drawn, &drawn_count, &exact);
        if (code == OFT_OK) {
            code = take_plain_off(traced, part, &exact);
        }
        if (code == OFT_OK) {
            code = add_exact(traced, part, exact);
        }
    }
    traced->drawn = drawn;
    traced->drawn_count = code == OFT_OK ? drawn_count : 0;
    return code;
}
