/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone of the tz database as a table of its changes. GLib reads the database and goes on by its last
 * rule; we walk its intervals once.
 */
#include <glib.h>
#include <string.h>

#include "almanac/almanac.h"

enum { ZONE_NAME_BYTES_MAX = 63, CHANGES_MAX = 1024 };

/* As the tz database names zones: no path out of it, nothing that GLib would take for a rule. */
static bool is_zone_name(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t length = strlen(name);
    return length > 0 && length <= ZONE_NAME_BYTES_MAX && strspn(name, letters) == length &&
           name[0] != '/' && name[length - 1] != '/' && strstr(name, "//") == NULL &&
           ((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z'));
}

/* The first second at which the zone's interval is another than BEFORE, in (LOW, HIGH]. */
static gint64 change_between(GTimeZone *zone, gint64 low, gint64 high, gint before)
{
    while (high - low > 1) {
        gint64 middle = low + (high - low) / 2;
        if (g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, middle) == before) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* Intervals are longer than a week; one that is not would be a mistake of the database. */
static enum oft_err walk(GTimeZone *zone, struct oft_zone_change *changes, uint32_t *ret_count)
{
    const gint64 step = 7 * 86400;
    const gint64 end =
        oft_instant_from_date((struct oft_date){ALMANAC_ZONE_YEAR_MAX, 1, 1}) / OFT_NS_PER_SECOND;
    gint interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, 0);
    uint32_t count = 1;
    changes[0] =
        (struct oft_zone_change){OFT_INSTANT_ALWAYS, g_time_zone_get_offset(zone, interval)};
    for (gint64 at = 0; at < end; at += step) {
        gint next = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, at + step);
        if (next == interval) {
            continue;
        }
        int32_t offset_s = g_time_zone_get_offset(zone, next);
        if (offset_s != changes[count - 1].offset_s) {
            if (count == CHANGES_MAX) {
                return OFT_ERR_LIMIT;
            }
            gint64 second = change_between(zone, at, at + step, interval);
            changes[count++] = (struct oft_zone_change){second * OFT_NS_PER_SECOND, offset_s};
        }
        interval = next;
    }
    *ret_count = count;
    return OFT_OK;
}

enum oft_err almanac_zone(const char *name, struct oft_arena *arena,
                          const struct oft_zone **ret_zone, struct oft_error *reterr)
{
    struct oft_zone *zone = oft_arena_alloc(arena, sizeof(*zone));
    struct oft_zone_change *changes = oft_arena_alloc_array(arena, CHANGES_MAX, sizeof(*changes));
    GTimeZone *known = is_zone_name(name) ? g_time_zone_new_identifier(name) : NULL;
    enum oft_err code;
    if (zone == NULL || changes == NULL) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    } else if (known == NULL) {
        code = oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "there is no time zone \"%.63s\" in the tz database; write one as "
                        "America/New_York (is the package tzdata installed?)",
                        name);
    } else {
        code = walk(known, changes, &zone->change_count);
        zone->name = oft_arena_copy(arena, oft_str_from(name));
        zone->changes = changes;
        if (code == OFT_OK && zone->name == NULL) {
            code = OFT_ERR_MEMORY;
        }
        *ret_zone = zone;
    }
    if (known != NULL) {
        g_time_zone_unref(known);
    }
    return code;
}
