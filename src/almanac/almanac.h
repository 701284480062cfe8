/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ALMANAC_ALMANAC_H
#define OFFTAKE_ALMANAC_ALMANAC_H
/*
 * almanac -- what this machine knows of calendars and time zones, as values.
 *
 * What it is   Holiday calendars from data files (docs/formats/calendar.md) and time zones from the tz
 *              database, through GLib, which knows its rules also beyond the years that it lists.
 * What it is not  It reckons nothing: base/calendar.h does. The desk keeps what it once read in its
 *              journal, so that a later edition of either changes no deadline that already runs.
 * May include  base.
 * Ownership    Everything is put into the caller's arena.
 * Errors       OFT_ERR_NOT_FOUND for a name that nobody knows; OFT_ERR_INVALID for a file that is wrong,
 *              with its line.
 * Threads      Any, one arena each.
 */
#include "base/calendar.h"
#include "base/memory.h"

/* Time zones hold their changes up to this year; a deadline beyond it is reckoned by its last rule. */
#define ALMANAC_ZONE_YEAR_MAX  2100
#define ALMANAC_FILE_BYTES_MAX (1u << 20)

/* The calendar NAME from the first of DIRECTORIES (NULL-terminated) that has NAME.calendar. */
enum oft_err almanac_calendar(const char *const *directories, const char *name,
                              struct oft_arena *arena, const struct oft_calendar **ret_calendar,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* The same from TEXT, which is called PATH in messages. */
enum oft_err almanac_calendar_parse(const char *path, struct oft_str text, struct oft_arena *arena,
                                    const struct oft_calendar **ret_calendar,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* The zone NAME of the tz database ("America/New_York"). */
enum oft_err almanac_zone(const char *name, struct oft_arena *arena,
                          const struct oft_zone **ret_zone, struct oft_error *reterr) OFT_MUSTCHECK;

/* What this machine calls its edition of the tz database: "2025b"; where it does not say, the hash of the
 * file of ZONE, "sha256-...". */
enum oft_err almanac_zone_release(const char *zone, struct oft_arena *arena,
                                  const char **ret_release, struct oft_error *reterr) OFT_MUSTCHECK;

/* Where calendars are looked for when nothing else is said: $OFFTAKE_CALENDARS, then where they are
 * installed beside this program, then the source tree that it was built in. In ARENA; NULL-terminated;
 * NULL when memory is out. */
const char *const *almanac_directories(struct oft_arena *arena);

#endif
