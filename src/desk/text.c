/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for what the desk's enums mean: names as in the specification, and texts for people.
 */
#include "desk/desk.h"

/* The text at INDEX; a value that no enum has is a mistake of ours. */
#define WORD(list, index) (OFT_ASSERT((size_t)(index) < OFT_COUNT_OF(list)), (list)[index])

const char *desk_event_kind_text(enum desk_event_kind kind)
{
    static const char *const texts[DESK_EVENT_KIND_COUNT] = {
        "",
        [DESK_CUSTOMER] = "desk.customer",
        [DESK_CALENDAR] = "desk.calendar",
        [DESK_ZONE] = "desk.zone",
        [DESK_RIGHT] = "desk.right",
        [DESK_NEED_OPENED] = "need.opened",
        [DESK_NEED_WITHDRAWN] = "need.withdrawn",
        [DESK_OFFER_ADDED] = "offer.added",
        [DESK_OFFER_CHANGED] = "offer.changed",
        [DESK_OFFER_AFFIRMED] = "offer.affirmed",
        [DESK_OFFER_WITHDRAWN] = "offer.withdrawn",
        [DESK_SCREENED] = "screened",
        [DESK_EXEMPTED] = "exempted",
        [DESK_NOTICE_SENT] = "notice.sent",
        [DESK_NOTICE_DELIVERED] = "notice.delivered",
        [DESK_NOTICE_OBJECTED] = "notice.objected",
        [DESK_ELECTED] = "elected",
        [DESK_DECLINED] = "declined",
        [DESK_COUNTERED] = "countered",
        [DESK_TENDERED] = "tendered",
        [DESK_SIGNED] = "signed",
        [DESK_SETTLED] = "settled",
        [DESK_DELIVERED] = "delivered",
        [DESK_DEFAULTED] = "party.defaulted",
        [DESK_CURED] = "party.cured",
        [DESK_ASSIGNED] = "party.assigned",
        [DESK_CONTROL_CHANGED] = "party.control-changed",
    };
    return WORD(texts, kind);
}

const char *desk_lot_state_name(enum desk_lot_state state)
{
    static const char *const names[DESK_LOT_STATE_COUNT] = {
        [DESK_LOT_DRAFT] = "DRAFT",         [DESK_LOT_READY] = "READY",
        [DESK_LOT_NOTICED] = "NOTICED",     [DESK_LOT_OPEN] = "OPEN",
        [DESK_LOT_OVERALLOT] = "OVERALLOT", [DESK_LOT_ELECTED] = "ELECTED",
        [DESK_LOT_DISPUTED] = "DISPUTED",   [DESK_LOT_FREE] = "FREE",
        [DESK_LOT_BOUND] = "BOUND",         [DESK_LOT_SOLD] = "SOLD",
        [DESK_LOT_EXEMPT] = "EXEMPT",       [DESK_LOT_WITHDRAWN] = "WITHDRAWN",
        [DESK_LOT_REVIVED] = "REVIVED",     [DESK_LOT_VOID] = "VOID",
    };
    return WORD(names, state);
}

const char *desk_lot_state_text(enum desk_lot_state state)
{
    static const char *const texts[DESK_LOT_STATE_COUNT] = {
        [DESK_LOT_DRAFT] = "not yet bona fide",
        [DESK_LOT_READY] = "notice owed",
        [DESK_LOT_NOTICED] = "notice sent, delivery not told",
        [DESK_LOT_OPEN] = "with the holder",
        [DESK_LOT_OVERALLOT] = "over-allotment",
        [DESK_LOT_ELECTED] = "elected, to be signed",
        [DESK_LOT_DISPUTED] = "in dispute",
        [DESK_LOT_FREE] = "free to sell",
        [DESK_LOT_BOUND] = "signed by the holder",
        [DESK_LOT_SOLD] = "sold",
        [DESK_LOT_EXEMPT] = "exempt",
        [DESK_LOT_WITHDRAWN] = "withdrawn",
        [DESK_LOT_REVIVED] = "right revived",
        [DESK_LOT_VOID] = "void",
    };
    return WORD(texts, state);
}

const char *desk_why_text(enum desk_why why)
{
    static const char *const texts[] = {
        [DESK_WHY_NONE] = "",
        [DESK_WHY_OUT_OF_SCOPE] = "out of scope",
        [DESK_WHY_CARVE_OUT] = "carve-out",
        [DESK_WHY_EXHAUSTED] = "the right is used up",
        [DESK_WHY_DECLINED] = "declined",
        [DESK_WHY_LAPSED] = "lapsed",
        [DESK_WHY_NO_STANDING] = "no holder has standing",
        [DESK_WHY_HOLDER_DEFAULT] = "holder default",
        [DESK_WHY_DELIVERY_FAILED] = "delivery failed",
        [DESK_WHY_SETTLED] = "settled",
        [DESK_WHY_OFFER_GONE] = "the offer is gone",
        [DESK_WHY_NEED_GONE] = "the need is gone",
        [DESK_WHY_RIGHT_ENDED] = "the right ended",
        [DESK_WHY_TIME] = "the time ran out",
    };
    return WORD(texts, why);
}

const char *desk_notice_state_text(enum desk_notice_state state)
{
    static const char *const texts[] = {
        [DESK_NOTICE_OWED] = "owed",         [DESK_NOTICE_SENT_STATE] = "sent",
        [DESK_NOTICE_OPEN] = "open",         [DESK_NOTICE_ELECTED] = "elected",
        [DESK_NOTICE_DECLINED] = "declined", [DESK_NOTICE_LAPSED] = "lapsed",
        [DESK_NOTICE_VOID] = "void",
    };
    return WORD(texts, state);
}

const char *desk_order_state_text(enum desk_order_state state)
{
    static const char *const texts[] = {
        [DESK_ORDER_SIGNED] = "signed",
        [DESK_ORDER_LATE] = "late",
        [DESK_ORDER_DELIVERED] = "delivered",
        [DESK_ORDER_FAILED] = "failed",
    };
    return WORD(texts, state);
}

const char *desk_right_state_text(enum desk_right_state state)
{
    static const char *const texts[] = {
        [DESK_RIGHT_INACTIVE] = "inactive",     [DESK_RIGHT_ARMED] = "armed",
        [DESK_RIGHT_SUSPENDED] = "suspended",   [DESK_RIGHT_EXPIRED] = "expired",
        [DESK_RIGHT_TERMINATED] = "terminated", [DESK_RIGHT_EXHAUSTED] = "exhausted",
    };
    return WORD(texts, state);
}
