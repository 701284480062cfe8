/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_VIEW_INTERNAL_H
#define OFFTAKE_DESK_VIEW_INTERNAL_H
/*
 * What the files of the views share. Private to desk/. Every row is written by one function, and every
 * function that decides who may see it stands beside it in view.c.
 */
#include "base/json.h"
#include "desk/acts_values.h"
#include "desk/view.h"

struct view {
    const struct desk_state *state;
    uint64_t viewer; /* a party's id; 0: everything */
    struct oft_json json;
};

bool view_all(const struct view *v);
bool view_need_visible(const struct view *v, uint32_t need);
bool view_offer_visible(const struct view *v, uint32_t offer);
bool view_lot_visible(const struct view *v, uint32_t lot);
bool view_notice_visible(const struct view *v, uint32_t notice);
bool view_order_visible(const struct view *v, uint32_t order);
bool view_right_visible(const struct view *v, uint32_t right);

void view_name(struct view *v, const char *key, struct desk_name name); /* nothing for id 0 */
void view_reference(struct view *v, const char *key, enum desk_field_kind kind, uint32_t index);
void view_terms(struct view *v, const char *key, struct desk_terms terms);
void view_need(struct view *v, uint32_t index);
void view_offer(struct view *v, uint32_t index);
void view_lot(struct view *v, uint32_t index);
void view_notice(struct view *v, uint32_t index);
void view_order(struct view *v, uint32_t index);
void view_right(struct view *v, uint32_t index);
void view_rows(struct view *v, enum desk_list list);

#endif
