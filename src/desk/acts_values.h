/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_ACTS_VALUES_H
#define OFFTAKE_DESK_ACTS_VALUES_H
/*
 * Texts of fields to values. Private to desk/. Each returns OFT_OK, or OFT_ERR_SYNTAX for a text that is
 * none, and touches its result only then. Nothing is rounded: what does not fit exactly is none.
 */
#include "desk/acts.h"

enum { ACT_VALUE_BYTES_MAX = 64 << 10, ACT_NAME_BYTES_MAX = 160 };

/* "need-3" or "3" to 2; WORD is "need". */
enum oft_err act_reference(const char *text, const char *word, uint32_t *ret);
enum oft_err act_count(const char *text, uint64_t *ret);
/* A name as a deal may have it: letters, digits, "_", joined by ".", "/" or "-". */
bool act_is_name(const char *text);
/* "5m USD", "2.50USD": in CURRENCY. */
enum oft_err act_amount(const char *text, const char *currency, oft_nanos *ret);
/* "2.10USD/gpu-hour", "2.10 USD per gpu-hour"; *ret_per points into TEXT, "" when it is per nothing. */
enum oft_err act_price(const char *text, const char *currency, oft_nanos *ret,
                       const char **ret_per);
enum oft_err act_rate(const char *text, int64_t *ret_ppb);
/* A date, a month (its first instant), or an instant. */
enum oft_err act_instant(const char *text, oft_instant *ret);
enum oft_err act_period(const char *text, struct oft_period *ret);
/* "1% per week up to 20%" */
enum oft_err act_late(const char *text, struct desk_delivery_terms *ret);
/* "NAME=VALUE" and, if wanted, " worth AMOUNT"; texts in ARENA. */
enum oft_err act_term(const char *text, const char *currency, struct oft_arena *arena,
                      struct desk_term *ret);

#endif
