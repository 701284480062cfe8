/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk on a terminal of 80 columns: what is due, a bar for each open lot and order on one axis of
 * time, and the lists as tables. What is drawn comes from the daemon's JSON; nothing is decided here.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/desk.h"

enum { LABEL_COLUMNS = 28, BAR_COLUMNS = 50, AXIS_DATES = 3 };

/* ---- small things ---------------------------------------------------------------------------- */

static oft_instant instant_of(const json_t *object, const char *name)
{
    oft_instant instant = OFT_INSTANT_NEVER;
    const char *text = cli_json_text(object, name);
    return text[0] != '\0' && oft_instant_parse(oft_str_from(text), &instant) == OFT_OK
               ? instant
               : OFT_INSTANT_NEVER;
}

static const char *minute_text(oft_instant instant, char out[20])
{
    char full[OFT_INSTANT_TEXT_BYTES];
    if (instant == OFT_INSTANT_NEVER) {
        return strcpy(out, "-");
    }
    (void)snprintf(out, 17, "%s", oft_instant_format(instant, full));
    out[10] = ' ';
    return out;
}

const char *cli_desk_instant(const json_t *object, const char *name, char out[20])
{
    return minute_text(instant_of(object, name), out);
}

static bool colour(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0');
}

static void heading(const char *text)
{
    printf(colour() ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct column {
    const char *name, *title;
    int width; /* of text, to the left; negative: to the right */
};

static void cell(const json_t *row, const struct column *column)
{
    char text[64];
    const json_t *value = json_object_get(row, column->name);
    size_t length = strlen(column->name);
    bool instant = json_is_string(value) && length > 0 && json_string_length(value) >= 20 &&
                   instant_of(row, column->name) != OFT_INSTANT_NEVER;
    if (instant) {
        (void)minute_text(instant_of(row, column->name), text);
    } else {
        (void)snprintf(text, sizeof text, "%s",
                       json_is_string(value) ? json_string_value(value) : "-");
    }
    printf("%-*.*s  ", column->width, column->width, text);
}

/* Numbers stand to the right. */
static void cell_put(const json_t *row, const struct column *column)
{
    if (column->width >= 0) {
        cell(row, column);
        return;
    }
    long long number = json_integer_value(json_object_get(row, column->name));
    printf("%*lld  ", -column->width, number);
}

static const struct table {
    const char *name;
    struct column columns[7];
    const char *none;
} TABLES[] = {
    {"needs",
     {{"id", "NEED", 8},
      {"state", "STATE", 9},
      {"product", "PRODUCT", 12},
      {"count", "COUNT", -9},
      {"accelerator", "OF", 8},
      {"region", "REGION", 10},
      {"open_until", "OPEN UNTIL", 16}},
     "There are no needs. Open one: offtake need open --help"},
    {"offers",
     {{"id", "OFFER", 9},
      {"state", "STATE", 14},
      {"need", "NEED", 8},
      {"party", "PARTY", 12},
      {"count", "COUNT", -9},
      {"valid_until", "VALID UNTIL", 16}},
     "There are no offers."},
    {"lots",
     {{"id", "LOT", 8},
      {"state", "STATE", 10},
      {"count", "COUNT", -9},
      {"clause", "CLAUSE", 18},
      {"offer", "OFFER", 9},
      {"due", "DUE", 16}},
     "There are no lots: no right reaches what was offered, or nothing was."},
    {"notices",
     {{"id", "NOTICE", 10},
      {"state", "STATE", 9},
      {"holder", "HOLDER", 12},
      {"entitled", "COUNT", -9},
      {"clause", "CLAUSE", 16},
      {"respond_by", "RESPOND BY", 16}},
     "There are no notices."},
    {"orders",
     {{"id", "ORDER", 9},
      {"state", "STATE", 10},
      {"party", "PARTY", 12},
      {"count", "COUNT", -9},
      {"delivered", "DELIVERED", -9},
      {"deliver_by", "DELIVER BY", 16}},
     "There are no orders."},
    {"rights",
     {{"clause", "CLAUSE", 22},
      {"kind", "KIND", 13},
      {"state", "STATE", 10},
      {"from", "FROM", 11},
      {"until", "UNTIL", 11}},
     "The deal has no right over new capacity."},
    {"tokens",
     {{"id", "TOKEN", 16},
      {"party", "PARTY", 20},
      {"created", "CREATED", 16},
      {"revoked", "REVOKED", 16}},
     "There are no tokens. Make one: offtake party token create PARTY"},
};

void cli_desk_table(const json_t *answer, const char *name)
{
    const json_t *rows = json_object_get(answer, name), *row;
    const struct table *table = TABLES;
    size_t index;
    while (strcmp(table->name, name) != 0) {
        table++;
    }
    if (json_array_size(rows) == 0) {
        printf("%s\n", table->none);
        return;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(table->columns) && table->columns[i].name != NULL; i++) {
        printf(table->columns[i].width < 0 ? "%*s  " : "%-*s  ", abs(table->columns[i].width),
               table->columns[i].title);
    }
    printf("\n");
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < OFT_COUNT_OF(table->columns) && table->columns[i].name != NULL;
             i++) {
            cell_put(row, &table->columns[i]);
        }
        printf("\n");
    }
}

/* ---- one thing ------------------------------------------------------------------------------- */

static void show_member(const char *name, const json_t *value, int indent)
{
    if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
        (json_is_array(value) && json_array_size(value) == 0)) {
        return;
    }
    printf("%*s%-*s  ", indent, "", 18 - indent, name);
    if (json_is_string(value)) {
        printf("%s\n", json_string_value(value));
    } else if (json_is_integer(value)) {
        printf("%lld\n", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        printf("%s\n", json_is_true(value) ? "yes" : "no");
    } else {
        printf("\n");
    }
}

/* A list of objects, a line each: its members' values. */
static void show_list(const json_t *list)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *name;
        json_t *value;
        printf("   ");
        if (json_is_string(item)) {
            printf(" %s", json_string_value(item));
        }
        json_object_foreach((json_t *)item, name, value)
        {
            if (json_is_string(value)) {
                printf(" %s", json_string_value(value));
            } else if (json_is_integer(value)) {
                printf(" %lld", (long long)json_integer_value(value));
            } else if (json_is_true(value)) {
                printf(" %s", name);
            }
        }
        printf("\n");
    }
}

void cli_desk_show(const json_t *thing)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)thing, name, value)
    {
        show_member(name, value, 0);
        if (json_is_array(value)) {
            show_list(value);
        }
    }
}

/* ---- what is due ----------------------------------------------------------------------------- */

static int due_before(const void *a, const void *b)
{
    oft_instant left = instant_of(*(json_t *const *)a, "by");
    oft_instant right = instant_of(*(json_t *const *)b, "by");
    return left < right ? -1 : left > right;
}

/* TEXT from column INDENT on, in lines of 80; the cursor stands there already. */
static void wrapped(const char *text, int indent)
{
    int at = indent;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (at > indent && at + 1 + length > CLI_DESK_WIDTH - 1) {
            printf("\n%*s", indent, "");
            at = indent;
        }
        at += printf("%s%.*s", at > indent ? " " : "", length, text);
        text += length + (int)strspn(text + length, " ");
    }
    printf("\n");
}

static void draw_due(const json_t *desk)
{
    const json_t *due = json_object_get(desk, "due");
    size_t count = json_array_size(due);
    json_t **sorted = calloc(count + 1, sizeof *sorted);
    heading("Due");
    if (count == 0 || sorted == NULL) {
        printf("  Nothing is due.\n");
        free(sorted);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = json_array_get(due, i);
    }
    qsort(sorted, count, sizeof *sorted, due_before);
    for (size_t i = 0; i < count; i++) {
        char by[20];
        const char *clause = cli_json_text(sorted[i], "clause");
        printf("  %-16s  %-12s  %s %s%s%s\n", cli_desk_instant(sorted[i], "by", by),
               cli_json_text(sorted[i], "who"), cli_json_text(sorted[i], "what"),
               cli_json_text(sorted[i], "on"), clause[0] != '\0' ? " under " : "", clause);
        printf("%34s", "");
        wrapped(cli_json_text(sorted[i], "text"), 34);
    }
    free(sorted);
}

/* ---- the timeline ---------------------------------------------------------------------------- */

struct axis {
    oft_instant now, from, until;
};

struct bar {
    char label[LABEL_COLUMNS + 1];
    oft_instant from, until;
    oft_instant grace; /* an order's cure period ends; NEVER: none */
};

static bool is_open_lot(const json_t *lot)
{
    static const char *const final[] = {"BOUND", "SOLD", "EXEMPT", "WITHDRAWN", "REVIVED", "VOID"};
    const char *state = cli_json_text(lot, "state");
    for (size_t i = 0; i < OFT_COUNT_OF(final); i++) {
        if (strcmp(final[i], state) == 0) {
            return false;
        }
    }
    return true;
}

static size_t bars_take(const json_t *desk, struct bar *bars, size_t most)
{
    size_t count = 0, index;
    const json_t *row;
    json_array_foreach(json_object_get(desk, "lots"), index, row)
    {
        if (is_open_lot(row) && count < most) {
            struct bar *bar = &bars[count++];
            (void)snprintf(bar->label, sizeof bar->label, "%s %s %lld", cli_json_text(row, "id"),
                           cli_json_text(row, "state"),
                           (long long)json_integer_value(json_object_get(row, "count")));
            bar->from = instant_of(row, "since");
            bar->until = instant_of(row, "due");
            bar->grace = OFT_INSTANT_NEVER;
        }
    }
    json_array_foreach(json_object_get(desk, "orders"), index, row)
    {
        const char *state = cli_json_text(row, "state");
        bool waits = strcmp(state, "signed") == 0 || strcmp(state, "late") == 0;
        if (waits && count < most && instant_of(row, "deliver_by") != OFT_INSTANT_NEVER) {
            struct bar *bar = &bars[count++];
            (void)snprintf(bar->label, sizeof bar->label, "%s %s %lld", cli_json_text(row, "id"),
                           state, (long long)json_integer_value(json_object_get(row, "count")));
            bar->from = instant_of(row, "signed");
            bar->until = instant_of(row, "deliver_by");
            bar->grace = instant_of(row, "cure_until");
        }
    }
    return count;
}

/* The axis holds now and every bar, with a little room. */
static struct axis axis_of(oft_instant now, const struct bar *bars, size_t count)
{
    struct axis axis = {now, now, now};
    for (size_t i = 0; i < count; i++) {
        oft_instant ends[] = {bars[i].until, bars[i].grace};
        axis.from = bars[i].from < axis.from ? bars[i].from : axis.from;
        for (size_t k = 0; k < 2; k++) {
            axis.until =
                ends[k] != OFT_INSTANT_NEVER && ends[k] > axis.until ? ends[k] : axis.until;
        }
    }
    if (axis.until - axis.from < OFT_NS_PER_DAY) {
        axis.until = axis.from + OFT_NS_PER_DAY;
    }
    return axis;
}

static int column_of(const struct axis *axis, oft_instant at)
{
    if (at >= axis->until) {
        return BAR_COLUMNS - 1;
    }
    if (at <= axis->from) {
        return 0;
    }
    oft_instant step = (axis->until - axis->from) / BAR_COLUMNS + 1;
    return (int)((at - axis->from) / step);
}

static void draw_bar(const struct axis *axis, const struct bar *bar)
{
    char cells[BAR_COLUMNS + 1];
    int now = column_of(axis, axis->now);
    int from = column_of(axis, bar->from), until = column_of(axis, bar->until);
    int grace = bar->grace == OFT_INSTANT_NEVER ? until : column_of(axis, bar->grace);
    for (int i = 0; i < BAR_COLUMNS; i++) {
        cells[i] = i < from || i > grace ? ' ' : i > until ? '~' : i <= now ? '=' : '-';
    }
    cells[until] = bar->until == OFT_INSTANT_NEVER ? '>' : '|';
    if (cells[now] != '|') {
        cells[now] = ':';
    }
    cells[BAR_COLUMNS] = '\0';
    printf("  %-*.*s%s\n", LABEL_COLUMNS - 2, LABEL_COLUMNS - 2, bar->label, cells);
}

static void draw_axis(const struct axis *axis)
{
    char text[20], line[BAR_COLUMNS + 16];
    memset(line, ' ', sizeof line);
    for (int i = 0; i < AXIS_DATES; i++) {
        oft_instant at = axis->from + (axis->until - axis->from) / (AXIS_DATES - 1) * i;
        int column = i * (BAR_COLUMNS - 10) / (AXIS_DATES - 1);
        (void)minute_text(at, text);
        memcpy(line + column, text, 10);
    }
    printf("%*s%.*s\n", LABEL_COLUMNS, "", BAR_COLUMNS, line);
}

static void draw_timeline(const json_t *desk)
{
    enum { BARS_MAX = 200 };
    struct bar *bars = calloc(BARS_MAX, sizeof *bars);
    size_t count = bars == NULL ? 0 : bars_take(desk, bars, BARS_MAX);
    if (count > 0) {
        struct axis axis = axis_of(instant_of(desk, "at"), bars, count);
        heading("Open lots and orders");
        draw_axis(&axis);
        for (size_t i = 0; i < count; i++) {
            draw_bar(&axis, &bars[i]);
        }
        printf("  = so far   : now   - to come   | deadline   ~ cure period   > no deadline\n");
    }
    free(bars);
}

void cli_desk_draw(const json_t *desk)
{
    char at[20], next[20];
    printf("The desk at %s UTC. Next of itself: %s\n", cli_desk_instant(desk, "at", at),
           cli_desk_instant(desk, "next_due", next));
    draw_due(desk);
    draw_timeline(desk);
    heading("Rights");
    cli_desk_table(desk, "rights");
}
