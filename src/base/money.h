/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_MONEY_H
#define OFFTAKE_BASE_MONEY_H
/*
 * money -- exact amounts in nano-units (10^-9 of the currency), 128 bits wide.
 *
 * Why          $500 billion is 5e20 nano-dollars, more than 64 bits hold; $0.15 per million tokens is
 *              150 nano-dollars a token, exactly. There is no floating point near money.
 * Overflow     is OFT_ERR_RANGE. Nothing wraps.
 * Rounding     happens where a caller names it, half to even.
 */
#include "base/base.h"

__extension__ typedef __int128 oft_nanos; /* nano-units of a currency; the deal names which */
__extension__ typedef unsigned __int128 oft_u128;

#define OFT_NANOS_PER_UNIT ((oft_nanos)1000000000)
#define OFT_NANOS_MAX      ((oft_nanos)(((oft_u128)1 << 127) - 1))
#define OFT_NANOS_MIN      (-OFT_NANOS_MAX - 1)

/* Checked arithmetic. On OFT_ERR_RANGE *ret is untouched. */
enum oft_err oft_nanos_add(oft_nanos a, oft_nanos b, oft_nanos *ret) OFT_MUSTCHECK;
enum oft_err oft_nanos_sub(oft_nanos a, oft_nanos b, oft_nanos *ret) OFT_MUSTCHECK;
enum oft_err oft_nanos_mul(oft_nanos a, oft_nanos b, oft_nanos *ret) OFT_MUSTCHECK;

/* a * numerator / denominator, rounded half to even, through a 256-bit product. DENOMINATOR > 0. */
enum oft_err oft_nanos_mul_div_half_even(oft_nanos a, oft_nanos numerator, oft_nanos denominator,
                                         oft_nanos *ret) OFT_MUSTCHECK;

/* An exact decimal "[-]123[.456]" as value * 10^SCALE (SCALE 0..18). OFT_ERR_SYNTAX when it is no
 * decimal, OFT_ERR_RANGE when it needs more than SCALE decimals or does not fit. */
enum oft_err oft_decimal_parse(struct oft_str text, unsigned scale, oft_nanos *ret) OFT_MUSTCHECK;

#define OFT_NANOS_TEXT_BYTES 56 /* enough for any amount, grouped, with sign and NUL */

/* "1234567.89" with at least two decimals and as many as the amount needs, at most nine: exact. */
const char *oft_nanos_format(oft_nanos amount, char out[OFT_NANOS_TEXT_BYTES]);
/* The same with thousands grouped, "1,234,567.89", for people. */
const char *oft_nanos_format_grouped(oft_nanos amount, char out[OFT_NANOS_TEXT_BYTES]);
/* A whole number of nano-units in decimal, "-42"; and back. For storage. */
const char *oft_i128_format(oft_nanos value, char out[OFT_NANOS_TEXT_BYTES]);
enum oft_err oft_i128_parse(struct oft_str text, oft_nanos *ret) OFT_MUSTCHECK;

#endif
