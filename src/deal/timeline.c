/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regimes of a deal: which clauses begin and end at each instant at which anything does, drawn for
 * a terminal and as JSON. Clauses of agreements are drawn; prices and pools are listed by their ids.
 */
#include "deal/deal.h"

#include <stdio.h>
#include <string.h>

#define LABEL_COLUMNS 26
#define BAR_COLUMNS   50

struct timeline {
    const struct deal *deal;
    struct deal_attestations attested;
    oft_instant *cuts;
    size_t count;
    struct oft_buffer *out;
};

/* ---- what begins and ends -------------------------------------------------------------------- */

/* A word in front of the first of a list, a comma in front of the others. */
static void item(struct timeline *t, bool json, unsigned *told, const char *id, const char *word,
                 const char *by)
{
    if (json) {
        oft_buffer_printf(t->out, "%s{\"id\":\"%s\"", *told > 0 ? "," : "", id);
        if (by != NULL) {
            oft_buffer_printf(t->out, ",\"by\":\"%s\"", by);
        }
        oft_buffer_append_char(t->out, '}');
    } else {
        oft_buffer_printf(t->out, "    %s  %s", word, id);
        oft_buffer_printf(t->out, by != NULL ? "  (by %s)\n" : "%s\n", by != NULL ? by : "");
    }
    (*told)++;
}

static void begins_at(struct timeline *t, oft_instant at, bool json, unsigned *told)
{
    const struct deal *deal = t->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        if (clause->from == at && deal_clause_until(clause, t->attested) > at) {
            item(t, json, told, clause->id, "begins", NULL);
        }
    }
    for (uint32_t i = 0; i < deal->price_count; i++) {
        if (deal->prices[i].from == at) {
            item(t, json, told, deal->prices[i].id, "begins", NULL);
        }
    }
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        if (deal->pools[i].from == at) {
            item(t, json, told, deal->pools[i].name, "begins", NULL);
        }
    }
}

static void ends_at(struct timeline *t, oft_instant at, bool json, unsigned *told)
{
    const struct deal *deal = t->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        if (deal_clause_until(clause, t->attested) == at && clause->from < at) {
            item(t, json, told, clause->id, "ends  ",
                 clause->superseded_from == at ? clause->superseded_by : NULL);
        }
    }
    for (uint32_t i = 0; i < deal->price_count; i++) {
        if (deal_end_instant(&deal->prices[i].until, t->attested) == at) {
            item(t, json, told, deal->prices[i].id, "ends  ", NULL);
        }
    }
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        if (deal_end_instant(&deal->pools[i].until, t->attested) == at) {
            item(t, json, told, deal->pools[i].name, "ends  ", NULL);
        }
    }
}

/* What happens inside a clause: periods of commitments, models that may run elsewhere from now on. */
static void changes_at(struct timeline *t, oft_instant at, bool json, unsigned *told)
{
    const struct deal *deal = t->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        const struct deal_commit *commit = &clause->as.commit;
        bool changes =
            clause->kind == DEAL_CLAUSE_COMMIT && clause->from != at &&
            (commit->period_from == at ||
             (commit->period_until == at && deal_clause_until(clause, t->attested) != at));
        for (uint32_t m = 0; clause->kind == DEAL_CLAUSE_PRIMARY && m < deal->model_count; m++) {
            changes =
                changes || (clause->as.primary.ship_first && clause->from != at &&
                            deal_shipped_from(deal, &clause->as.primary, m, t->attested) == at);
        }
        if (changes) {
            item(t, json, told, clause->id, "changes", NULL);
        }
    }
}

/* ---- waiting for events ---------------------------------------------------------------------- */

static void append_events(struct timeline *t, const struct deal_end *end, bool json, unsigned *told)
{
    if (end->kind == DEAL_END_EVENT && deal_end_instant(end, t->attested) == OFT_INSTANT_NEVER) {
        oft_buffer_printf(t->out, json ? "%s\"%s\"" : "%s%s", *told > 0 ? (json ? "," : ", ") : "",
                          t->deal->events[end->event].name);
        (*told)++;
    }
    for (uint32_t i = 0; end->kind == DEAL_END_EARLIEST && i < end->part_count; i++) {
        append_events(t, &end->parts[i], json, told);
    }
}

/* ---- the drawing ----------------------------------------------------------------------------- */

static size_t column_of(const struct timeline *t, oft_instant at)
{
    oft_instant first = t->cuts[0];
    oft_instant last = t->cuts[t->count - 1];
    if (at <= first) {
        return 0;
    }
    if (at >= last) {
        return BAR_COLUMNS - 1;
    }
    return (size_t)(((__int128)at - first) * (BAR_COLUMNS - 1) / ((__int128)last - first));
}

/* "[====)": begins and ends; "~" behind an end that may come earlier by an event; ">" goes on. */
static void draw_bar(struct timeline *t, const struct deal_clause *clause)
{
    char bar[BAR_COLUMNS + 1];
    oft_instant until = deal_clause_until(clause, t->attested);
    size_t from = column_of(t, clause->from);
    size_t to = until == OFT_INSTANT_NEVER ? BAR_COLUMNS - 1 : column_of(t, until);
    memset(bar, ' ', BAR_COLUMNS);
    bar[BAR_COLUMNS] = '\0';
    if (until > clause->from) {
        memset(bar + from, '=', to - from + 1);
        bar[to] = until == OFT_INSTANT_NEVER ? '>' : ')';
        bar[from] = '[';
    }
    while (to > 0 && bar[to] == ' ') {
        to--;
    }
    bar[to + 1] = '\0';
    int label = (int)strlen(clause->id);
    oft_buffer_printf(t->out, "%-*.*s  %s", LABEL_COLUMNS, LABEL_COLUMNS, clause->id, bar);
    if (label > LABEL_COLUMNS) {
        t->out->data[t->out->length - strlen(bar) - 3] = '~'; /* the name is cut */
    }
    oft_buffer_append_char(t->out, '\n');
}

static void draw_axis(struct timeline *t)
{
    char years[BAR_COLUMNS + 8];
    char marks[BAR_COLUMNS + 1];
    size_t free_from = 0;
    memset(years, ' ', sizeof(years));
    memset(marks, '-', BAR_COLUMNS);
    struct oft_date date = oft_date_from_instant(t->cuts[0]);
    struct oft_date last = oft_date_from_instant(t->cuts[t->count - 1]);
    for (int32_t year = date.year + 1; year <= last.year; year++) {
        size_t column = column_of(t, oft_instant_from_date((struct oft_date){year, 1, 1}));
        marks[column] = '+';
        if (column >= free_from && column + 4 < sizeof(years)) {
            char digits[16];
            (void)snprintf(digits, sizeof(digits), "%04d", (int)year);
            memcpy(years + column, digits, 4);
            free_from = column + 5;
        }
    }
    size_t length = sizeof(years);
    while (length > 0 && years[length - 1] == ' ') {
        length--;
    }
    oft_buffer_append_repeat(t->out, ' ', LABEL_COLUMNS + 2);
    oft_buffer_append(t->out, years, length);
    oft_buffer_append_char(t->out, '\n');
    oft_buffer_append_repeat(t->out, ' ', LABEL_COLUMNS + 2);
    oft_buffer_append(t->out, marks, BAR_COLUMNS);
    oft_buffer_append_char(t->out, '\n');
}

static void draw(struct timeline *t)
{
    const struct deal *deal = t->deal;
    unsigned waiting = 0;
    if (t->count > 1) {
        draw_axis(t);
    }
    for (uint32_t i = 0; i < deal->clause_count && t->count > 1; i++) {
        draw_bar(t, &deal->clauses[i]);
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        unsigned told = 0;
        struct oft_buffer names;
        struct timeline quiet = *t;
        oft_buffer_init(&names, 4096);
        quiet.out = &names;
        append_events(&quiet, &clause->until, false, &told);
        if (told > 0) {
            oft_buffer_printf(t->out, "%s%s ends earlier if this happens: %s\n",
                              waiting++ == 0 ? "\n" : "", clause->id, oft_buffer_text(&names));
        }
        oft_buffer_release(&names);
    }
    oft_buffer_append_char(t->out, '\n');
}

static void list_regimes(struct timeline *t)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    for (size_t i = 0; i < t->count; i++) {
        unsigned told = 0;
        oft_buffer_printf(t->out, "%s\n", oft_instant_format_short(t->cuts[i], when));
        ends_at(t, t->cuts[i], false, &told);
        begins_at(t, t->cuts[i], false, &told);
        changes_at(t, t->cuts[i], false, &told);
    }
    oft_buffer_printf(t->out, "%zu regimes\n", t->count + 1);
}

static void print_json(struct timeline *t)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_append_text(t->out, "{\"regimes\":[");
    for (size_t i = 0; i <= t->count; i++) {
        unsigned told = 0;
        oft_instant from = i == 0 ? OFT_INSTANT_ALWAYS : t->cuts[i - 1];
        oft_instant until = i == t->count ? OFT_INSTANT_NEVER : t->cuts[i];
        oft_buffer_printf(t->out, "%s\n{\"from\":\"%s\",", i > 0 ? "," : "",
                          oft_instant_format(from, when));
        oft_buffer_printf(t->out, "\"until\":\"%s\",\"begins\":[", oft_instant_format(until, when));
        if (i > 0) {
            begins_at(t, from, true, &told);
        }
        told = 0;
        oft_buffer_append_text(t->out, "],\"ends\":[");
        if (i > 0) {
            ends_at(t, from, true, &told);
        }
        told = 0;
        oft_buffer_append_text(t->out, "],\"changes\":[");
        if (i > 0) {
            changes_at(t, from, true, &told);
        }
        oft_buffer_append_text(t->out, "]}");
    }
    oft_buffer_append_text(t->out, "],\"clauses\":[");
    for (uint32_t i = 0; i < t->deal->clause_count; i++) {
        const struct deal_clause *clause = &t->deal->clauses[i];
        unsigned told = 0;
        oft_buffer_printf(t->out, "%s\n{\"id\":\"%s\",\"kind\":\"%s\",", i > 0 ? "," : "",
                          clause->id, deal_clause_kind_text(clause->kind));
        oft_buffer_printf(t->out, "\"from\":\"%s\",", oft_instant_format(clause->from, when));
        oft_buffer_printf(t->out, "\"until\":\"%s\",\"waits_for\":[",
                          oft_instant_format(deal_clause_until(clause, t->attested), when));
        append_events(t, &clause->until, true, &told);
        oft_buffer_append_text(t->out, "]}");
    }
    oft_buffer_append_text(t->out, "]}\n");
}

enum oft_err deal_timeline(const struct deal *deal, struct deal_attestations attested, bool json,
                           struct oft_buffer *out)
{
    struct oft_arena arena;
    struct timeline t = {.deal = deal, .attested = attested, .out = out};
    oft_arena_init(&arena, (size_t)1 << 28);
    enum oft_err err = deal_regime_instants(deal, attested, &arena, &t.cuts, &t.count);
    if (err == OFT_OK && json) {
        print_json(&t);
    } else if (err == OFT_OK) {
        draw(&t);
        list_regimes(&t);
    }
    oft_arena_release(&arena);
    return err == OFT_OK && out->failed ? OFT_ERR_MEMORY : err;
}
