/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of schema 4: which admissions each segment holds, so that a request that was settled before is found
 * without reading them all. What was read before there was this table has no row.
 */
#include "store/internal.h"

const char STORE_SCHEMA_SPANS[] =
    "CREATE TABLE spool_span (segment TEXT PRIMARY KEY, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX spool_span_by_last ON spool_span (last_ns, first_ns);";
