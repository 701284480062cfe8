/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A calendar's file: four lines that say what it is, then a line a holiday, in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "almanac/almanac.h"
#include "base/money.h"

enum { HOLIDAYS_MAX = 4000, NAME_BYTES_MAX = 63 };

struct parsing {
    const char *path;
    unsigned line;
    struct oft_arena *arena;
    struct oft_calendar *calendar;
    oft_day *holidays;
    bool has_title, has_source, has_closed, has_covers;
    struct oft_error *error;
};

static enum oft_err wrong(struct parsing *p, const char *what)
{
    return oft_fail(p->error, OFT_ERR_INVALID, "%s:%u: %s", p->path, p->line, what);
}

/* The rest of LINE behind WORD and a blank; false when it does not begin so. */
static bool after(struct oft_str line, const char *word, struct oft_str *ret_rest)
{
    size_t length = strlen(word);
    if (line.length <= length || memcmp(line.data, word, length) != 0 || line.data[length] != ' ') {
        return false;
    }
    *ret_rest = (struct oft_str){line.data + length + 1, line.length - length - 1};
    return true;
}

/* The next word of *REST, which moves behind it. */
static struct oft_str word_of(struct oft_str *rest)
{
    size_t begin = 0, end;
    while (begin < rest->length && rest->data[begin] == ' ') {
        begin++;
    }
    for (end = begin; end < rest->length && rest->data[end] != ' '; end++) {
    }
    struct oft_str word = {rest->data + begin, end - begin};
    *rest = (struct oft_str){rest->data + end, rest->length - end};
    return word;
}

static enum oft_err take_closed(struct parsing *p, struct oft_str rest)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    unsigned closed = 0;
    for (struct oft_str word = word_of(&rest); word.length > 0; word = word_of(&rest)) {
        unsigned i = 0;
        while (i < 7 && !oft_str_is(word, days[i])) {
            i++;
        }
        if (i == 7) {
            return wrong(p, "\"closed\" is followed by days of the week");
        }
        closed |= 1u << i;
    }
    if (closed == 0x7f) {
        return wrong(p, "a calendar that is closed on every day opens never");
    }
    p->calendar->closed_weekdays = (uint8_t)closed;
    p->has_closed = true;
    return OFT_OK;
}

static enum oft_err year_of(struct parsing *p, struct oft_str text, int32_t *ret)
{
    oft_nanos year;
    if (oft_decimal_parse(text, 0, &year) != OFT_OK || year < 1970 || year > 2200) {
        return wrong(p, "a year is a number from 1970 to 2200");
    }
    *ret = (int32_t)year;
    return OFT_OK;
}

/* "covers 2019 2041": from the first day of one year up to the first of another. */
static enum oft_err take_covers(struct parsing *p, struct oft_str rest)
{
    int32_t from = 0, until = 0;
    enum oft_err code = year_of(p, word_of(&rest), &from);
    if (code == OFT_OK) {
        code = year_of(p, word_of(&rest), &until);
    }
    if (code == OFT_OK && (until <= from || word_of(&rest).length > 0)) {
        code = wrong(p, "\"covers\" is followed by a year and a later one");
    }
    if (code == OFT_OK) {
        p->calendar->known_from = oft_day_from_date((struct oft_date){from, 1, 1});
        p->calendar->known_until = oft_day_from_date((struct oft_date){until, 1, 1});
        p->has_covers = true;
    }
    return code;
}

static enum oft_err take_holiday(struct parsing *p, struct oft_str line)
{
    struct oft_str rest = line;
    oft_instant instant;
    struct oft_calendar *calendar = p->calendar;
    struct oft_str date = word_of(&rest);
    if (date.length != 10 || oft_instant_parse(date, &instant) != OFT_OK ||
        word_of(&rest).length == 0) {
        return wrong(p, "a holiday is a date and its name");
    }
    if (!p->has_covers || !p->has_closed || !p->has_source || !p->has_title) {
        return wrong(p, "name, title, source, closed and covers stand before the holidays");
    }
    oft_day day = (oft_day)(instant / OFT_NS_PER_DAY);
    if (day < calendar->known_from || day >= calendar->known_until) {
        return wrong(p, "the holiday lies outside of the years that the calendar covers");
    }
    if (calendar->holiday_count > 0 && p->holidays[calendar->holiday_count - 1] >= day) {
        return wrong(p, "holidays stand in order, each once");
    }
    if (calendar->holiday_count == HOLIDAYS_MAX) {
        return wrong(p, "there are too many holidays");
    }
    p->holidays[calendar->holiday_count++] = day;
    return OFT_OK;
}

static enum oft_err take_line(struct parsing *p, struct oft_str line)
{
    struct oft_str rest;
    if (line.length == 0 || line.data[0] == '#') {
        return OFT_OK;
    }
    if (after(line, "name", &rest)) {
        if (rest.length > NAME_BYTES_MAX || p->calendar->name != NULL) {
            return wrong(p, "the name stands once and is at most 63 bytes long");
        }
        p->calendar->name = oft_arena_copy(p->arena, rest);
        return p->calendar->name == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    if (after(line, "title", &rest)) {
        p->has_title = true;
        return OFT_OK;
    }
    if (after(line, "source", &rest)) {
        p->has_source = true;
        return OFT_OK;
    }
    if (after(line, "closed", &rest)) {
        return take_closed(p, rest);
    }
    return after(line, "covers", &rest) ? take_covers(p, rest) : take_holiday(p, line);
}

enum oft_err almanac_calendar_parse(const char *path, struct oft_str text, struct oft_arena *arena,
                                    const struct oft_calendar **ret_calendar,
                                    struct oft_error *reterr)
{
    struct parsing p = {.path = path, .arena = arena, .error = reterr};
    enum oft_err code = OFT_OK;
    p.calendar = oft_arena_alloc(arena, sizeof(*p.calendar));
    p.holidays = oft_arena_alloc_array(arena, HOLIDAYS_MAX, sizeof(*p.holidays));
    if (p.calendar == NULL || p.holidays == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    while (text.length > 0 && code == OFT_OK) {
        const char *end = memchr(text.data, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.data);
        p.line++;
        code = take_line(&p, (struct oft_str){text.data, length});
        length += end != NULL;
        text = (struct oft_str){text.data + length, text.length - length};
    }
    if (code == OFT_OK && (p.calendar->name == NULL || !p.has_covers || !p.has_closed)) {
        code = wrong(&p, "name, title, source, closed and covers are needed");
    }
    p.calendar->holidays = p.holidays;
    *ret_calendar = p.calendar;
    return code;
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static enum oft_err read_file(FILE *file, const char *path, struct oft_arena *arena,
                              struct oft_str *ret_text, struct oft_error *reterr)
{
    char *bytes = oft_arena_alloc(arena, ALMANAC_FILE_BYTES_MAX + 1);
    if (bytes == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    size_t length = fread(bytes, 1, ALMANAC_FILE_BYTES_MAX + 1, file);
    if (ferror(file) != 0 || length > ALMANAC_FILE_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_IO, "%s cannot be read, or is longer than 1 MiB", path);
    }
    *ret_text = (struct oft_str){bytes, length};
    return OFT_OK;
}

enum oft_err almanac_calendar(const char *const *directories, const char *name,
                              struct oft_arena *arena, const struct oft_calendar **ret_calendar,
                              struct oft_error *reterr)
{
    for (size_t i = 0; is_name(name) && directories != NULL && directories[i] != NULL; i++) {
        struct oft_str text;
        const char *path = oft_arena_printf(arena, "%s/%s.calendar", directories[i], name);
        FILE *file = path == NULL ? NULL : fopen(path, "rbe");
        if (file == NULL) {
            continue;
        }
        enum oft_err code = read_file(file, path, arena, &text, reterr);
        (void)fclose(file);
        if (code == OFT_OK) {
            code = almanac_calendar_parse(path, text, arena, ret_calendar, reterr);
        }
        if (code == OFT_OK && strcmp((*ret_calendar)->name, name) != 0) {
            code = oft_fail(reterr, OFT_ERR_INVALID, "%s is of the calendar %s", path,
                            (*ret_calendar)->name);
        }
        return code;
    }
    return oft_fail(
        reterr, OFT_ERR_NOT_FOUND,
        "there is no calendar \"%.63s\"; docs/formats/calendar.md lists those that come "
        "with offtake, and says where own ones go",
        name);
}

/* The directory that this program's own file is in; NULL when it cannot be told. */
static const char *own_directory(struct oft_arena *arena)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length <= 0) {
        return NULL;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    return slash == NULL ? NULL
                         : oft_arena_copy(arena, (struct oft_str){path, (size_t)(slash - path)});
}

const char *const *almanac_directories(struct oft_arena *arena)
{
    const char **list = oft_arena_alloc_array(arena, 4, sizeof(*list));
    const char *given = getenv("OFFTAKE_CALENDARS");
    const char *own = own_directory(arena);
    size_t count = 0;
    if (list == NULL) {
        return NULL;
    }
    if (given != NULL && given[0] != '\0') {
        list[count++] = given;
    }
    if (own != NULL) {
        list[count++] = oft_arena_printf(arena, "%s/../share/offtake/calendars", own);
        list[count++] = oft_arena_printf(arena, "%s/../data/calendars", own);
    }
    return list;
}
