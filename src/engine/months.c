/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the months of the books begin, as a file of the deal: `statements in "Europe/Berlin"` is reckoned
 * by the zone data of this machine when the deal is published, and what comes out is kept with the deal.
 * So a past policy rates as it did, and the ledger never sees a time zone.
 *
 * A month that has begun, by the deal before or by this one, begins when it began: neither a new release
 * of zone data nor another zone moves what may be booked already.
 */
#include <string.h>

#include "almanac/almanac.h"
#include "base/limits.h"
#include "engine/internal.h"
#include "policy/lint.h"

#define MONTHS_FILE "months.deal"

enum { MONTH_FIRST = 1970 * 12, MONTH_LAST = ALMANAC_ZONE_YEAR_MAX * 12 };

struct reckoning {
    const struct deal *before;   /* NULL: nothing was published yet */
    const struct oft_zone *zone; /* NULL: UTC */
    oft_instant now;
};

struct oft_str engine_generated_text(const struct deal *deal, const char *path)
{
    for (uint32_t i = deal->file_count - deal->generated_count; i < deal->file_count; i++) {
        if (strcmp(deal->files[i].path, path) == 0) {
            return deal->files[i].text;
        }
    }
    return (struct oft_str){"", 0};
}

struct oft_str engine_months_of(const struct deal *deal)
{
    return engine_generated_text(deal, MONTHS_FILE);
}

struct deal_file engine_months_file(struct oft_str text)
{
    return (struct deal_file){MONTHS_FILE, text};
}

static enum oft_err begin_of(const struct reckoning *it, int32_t month, oft_instant *ret)
{
    oft_instant civil = oft_month_start(month);
    if (it->zone != NULL) {
        oft_day first = oft_day_from_date(oft_date_from_instant(civil));
        enum oft_err code = oft_zone_day_start(it->zone, first, &civil);
        if (code != OFT_OK) {
            return code;
        }
    }
    oft_instant was = deal_month_start(it->before, month);
    bool begun = it->before != NULL && (was <= it->now || civil <= it->now);
    *ret = begun ? was : civil;
    return OFT_OK;
}

/* A line for each month that begins at another distance from UTC than the one before it. */
static enum oft_err put_begins(const struct reckoning *it, struct oft_buffer *out,
                               size_t *ret_lines)
{
    char month_text[OFT_INSTANT_TEXT_BYTES];
    char begins_text[OFT_INSTANT_TEXT_BYTES];
    oft_instant shift = 0;
    *ret_lines = 0;
    for (int32_t month = MONTH_FIRST; month < MONTH_LAST; month++) {
        oft_instant begins;
        enum oft_err code = begin_of(it, month, &begins);
        if (code != OFT_OK) {
            return code;
        }
        if (begins - oft_month_start(month) != shift) {
            shift = begins - oft_month_start(month);
            oft_buffer_printf(out, "months from \"%s\" at %s\n",
                              oft_month_format(month, month_text),
                              oft_instant_format(begins, begins_text));
            (*ret_lines)++;
        }
    }
    return OFT_OK;
}

static enum oft_err write_months(const struct reckoning *it, const char *name, const char *release,
                                 struct oft_arena *arena, struct oft_str *ret_text)
{
    struct oft_buffer begins;
    size_t lines = 0;
    oft_buffer_init(&begins, OFT_DEAL_FILE_BYTES_MAX);
    enum oft_err code = put_begins(it, &begins, &lines);
    if (code == OFT_OK && begins.failed) {
        code = OFT_ERR_MEMORY;
    }
    *ret_text = (struct oft_str){"", 0};
    if (code == OFT_OK && (lines > 0 || it->zone != NULL)) {
        const char *text = oft_arena_printf(
            arena,
            "# months.deal: written by offtake from the time zones of its machine, when the deal\n"
            "# was published. A month begins as far from its beginning in UTC as the one before "
            "it,\n"
            "# unless it has a line.\n"
            "months in \"%s\" by \"%s\"\n%s",
            name, release, oft_buffer_text(&begins));
        code = text == NULL ? OFT_ERR_MEMORY : OFT_OK;
        *ret_text = text == NULL ? *ret_text : oft_str_from(text);
    }
    oft_buffer_release(&begins);
    return code;
}

/* The text that stands beside DEAL; "" when its months are, and always were, UTC. */
static enum oft_err months_text(const struct deal *deal, const struct deal *before, oft_instant now,
                                struct oft_arena *arena, struct oft_str *ret_text,
                                struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    struct reckoning it = {.before = before, .now = now};
    struct oft_error failure = {0};
    const char *name = deal->statements_in;
    const char *release = "";
    *ret_text = (struct oft_str){"", 0};
    if (name[0] == '\0' && (before == NULL || before->months.count == 0)) {
        return OFT_OK;
    }
    enum oft_err code = name[0] == '\0' ? OFT_OK : almanac_zone(name, arena, &it.zone, &failure);
    if (code == OFT_ERR_NOT_FOUND) {
        deal_zone_unknown(deal, diagnostics, failure.message);
        return OFT_ERR_INVALID;
    }
    name = name[0] == '\0' ? "UTC" : name;
    if (code == OFT_OK) {
        code = almanac_zone_release(name, arena, &release, &failure);
    }
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "%s", failure.message);
    }
    code = write_months(&it, name, release, arena, ret_text);
    return code == OFT_OK ? OFT_OK
                          : oft_fail(reterr, code,
                                     "the months of the time zone %.63s cannot be "
                                     "written: %s",
                                     name, oft_err_text(code));
}

/* DEAL, whose zone is reckoned, parsed once more with what came out beside it. */
static enum oft_err with_months(struct engine *engine, const struct deal *deal,
                                struct oft_str orders, oft_instant now, struct deal **ret_deal,
                                struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    const struct deal *before = NULL;
    struct oft_arena arena;
    struct oft_str months;
    *ret_deal = NULL;
    enum oft_err code = engine_last_deal(engine, &before, NULL);
    if (code == OFT_ERR_CORRUPT || code == OFT_ERR_NOT_FOUND) {
        code = OFT_OK; /* a damaged deal of before stands in the way of none */
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    if (code == OFT_OK) {
        code = months_text(deal, before, now, &arena, &months, diagnostics, reterr);
    }
    if (code == OFT_OK && months.length > 0) {
        deal_diagnostics_release(diagnostics); /* or each would be told twice */
        code = engine_deal_parse(engine, deal, orders, months, ret_deal, diagnostics, reterr);
    }
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_deal_read(struct engine *engine, struct oft_str orders, oft_instant now_ns,
                              struct deal **ret_deal, struct deal_diagnostics *diagnostics,
                              struct oft_error *reterr)
{
    struct deal *plain = NULL;
    struct deal *zoned = NULL;
    enum oft_err code = engine_deal_parse(engine, NULL, orders, (struct oft_str){"", 0}, &plain,
                                          diagnostics, reterr);
    if (code == OFT_OK) {
        code = with_months(engine, plain, orders, engine_contract_now(engine, now_ns), &zoned,
                           diagnostics, reterr);
    }
    if (code != OFT_OK || zoned != NULL) {
        deal_free(plain);
        plain = zoned;
    }
    *ret_deal = plain;
    return code;
}
