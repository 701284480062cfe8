/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of schema 4: what tracing needs. A line's changes are found by an index; a request that was booked by
 * the orphan rule is in no spool range of the transaction that booked it, so it has a row of its own.
 */
#include "store/internal.h"

const char STORE_SCHEMA_TRACE[] =
    "CREATE INDEX IF NOT EXISTS change_by_series ON change (series, number);"
    "CREATE TABLE orphan (request_id BLOB PRIMARY KEY, number INTEGER NOT NULL,"
    " record BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX orphan_by_number ON orphan (number);"
    /* What was booked before there was the table has no rows in it. */
    "INSERT INTO meta (name, value) SELECT 'orphans_from', coalesce(max(number), 0) FROM txn;";
