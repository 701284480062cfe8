/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendars and time zones as the machine has them, for the desk's journal to keep.
 */
#include "engine/desk_internal.h"

enum oft_err engine_desk_calendar(struct engine *engine, const char *name, struct oft_arena *arena,
                                  const struct oft_calendar **ret_calendar,
                                  struct oft_error *reterr)
{
    (void)engine;
    (void)arena;
    *ret_calendar = NULL;
    return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no calendar \"%.63s\"", name);
}

enum oft_err engine_desk_zone(struct engine *engine, const char *name, struct oft_arena *arena,
                              const struct oft_zone **ret_zone, struct oft_error *reterr)
{
    (void)engine;
    (void)arena;
    *ret_zone = NULL;
    return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no time zone \"%.63s\"", name);
}
