/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_PRICES_H
#define OFFTAKE_CLI_PRICES_H
/*
 * prices -- what the verbs of `offtake prices` are asked, and how they show a price.
 */
#include "base/json.h"
#include "cli/command.h"
#include "cli/deal_file.h"

enum { CLI_PRICES_MAPS_MAX = 1024 };

struct cli_prices_ask {
    const char *format, *pool, *product, *from, *at, *orders;
    const char *maps[CLI_PRICES_MAPS_MAX]; /* THEIRS=OURS */
    size_t map_count;
    struct cli_attest attest;
    bool json, models;
};

int cli_prices_import(const char *path, const struct cli_prices_ask *ask);
int cli_prices_list(const char *path, const struct cli_prices_ask *ask);
int cli_prices_diff(const char *before, const char *after, const struct cli_prices_ask *ask);

/* cmd_prices.c */
const char *cli_class_name(int unit); /* "cache-write" */
const char *cli_price_owner(const struct deal *deal, const struct deal_price *price);
/* "image 0.02 USD per image": class UNIT at RATE. */
void cli_price_append(struct oft_buffer *out, const struct deal *deal, int unit, oft_nanos rate);
/* The members that say whose price it is and which: no braces. */
void cli_price_json(struct oft_json *json, const struct deal *deal, const struct deal_price *price);
/* A named object of its classes. */
void cli_rates_json(struct oft_json *json, const char *name, const oft_nanos *per_million_nanos);
/* Prints OUT and releases it. */
int cli_prices_answer(struct oft_buffer *out);

#endif
