/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendars and time zones as the machine has them, for the desk's journal to keep.
 */
#include "almanac/almanac.h"
#include "engine/desk_internal.h"

enum oft_err engine_desk_calendar(const char *name, struct oft_arena *arena,
                                  const struct oft_calendar **ret_calendar,
                                  struct oft_error *reterr)
{
    const char *const *directories = almanac_directories(arena);
    return directories == NULL ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory")
                               : almanac_calendar(directories, name, arena, ret_calendar, reterr);
}

enum oft_err engine_desk_zone(const char *name, struct oft_arena *arena,
                              const struct oft_zone **ret_zone, struct oft_error *reterr)
{
    return almanac_zone(name, arena, ret_zone, reterr);
}
