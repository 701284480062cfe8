/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and the numbers they are compared by; and an event with nothing in it.
 */
#include "base/hash.h"
#include "desk/desk.h"

static struct desk_name name_of(enum oft_id_kind kind, const char *text)
{
    return (struct desk_name){oft_id_of(kind, oft_str_from(text)), text};
}

struct desk_name desk_party_name(const char *text)
{
    return name_of(OFT_ID_PARTY, text);
}

struct desk_name desk_product_name(const char *text)
{
    return name_of(OFT_ID_PRODUCT, text);
}

struct desk_name desk_word(const char *text)
{
    return name_of(OFT_ID_WORD, text);
}

struct desk_event desk_event_of(enum desk_event_kind kind, oft_instant at)
{
    const struct desk_name none = {0, ""};
    return (struct desk_event){.kind = kind,
                               .at = at,
                               .happened = at,
                               .actor = none,
                               .party = none,
                               .other = none,
                               .name = none,
                               .need = DESK_NONE,
                               .offer = DESK_NONE,
                               .lot = DESK_NONE,
                               .notice = DESK_NONE,
                               .order = DESK_NONE,
                               .text = ""};
}
