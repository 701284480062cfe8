/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of schema 4: the limits of keys, the tokens that they had before and that are good for a while yet,
 * and what budgets have counted, so that a restart begins where the books are.
 */
#include "store/internal.h"

const char STORE_SCHEMA_LIMITS[] =
    "CREATE TABLE key_limit (key_id INTEGER PRIMARY KEY, requests_per_minute INTEGER NOT NULL,"
    " tokens_per_minute INTEGER NOT NULL, concurrent INTEGER NOT NULL,"
    " day_nanos INTEGER NOT NULL, month_nanos INTEGER NOT NULL);"
    "CREATE TABLE former_token (sha256 BLOB PRIMARY KEY, key_id INTEGER NOT NULL,"
    " until_ns INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE spent (subject INTEGER NOT NULL, id INTEGER NOT NULL, period INTEGER NOT NULL,"
    " number INTEGER NOT NULL, nanos INTEGER NOT NULL,"
    " PRIMARY KEY (subject, id, period, number)) WITHOUT ROWID;";
