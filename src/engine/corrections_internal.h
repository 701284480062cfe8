/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_CORRECTIONS_INTERNAL_H
#define OFFTAKE_ENGINE_CORRECTIONS_INTERNAL_H
/*
 * What the files of corrections share: corrections.c books them, corrections_print.c tells of them, verify.c
 * and the trace read them.
 */
#include <jansson.h>

#include "engine/corrections.h"
#include "engine/internal.h"
#include "store/corrections.h"
#include "store/periods.h"

enum { CORRECTION_REQUEST_BYTES = 37, CORRECTION_REASON_BYTES_MAX = 500 };

/* The 16 bytes of "req_..." or its digits. */
enum oft_err correction_request_parse(const char *text, uint8_t ret_id[16],
                                      struct oft_error *reterr);
/* "req_..." */
const char *correction_request_text(const uint8_t id[16], char out[CORRECTION_REQUEST_BYTES]);
/* What the event of a correction has: SHA-256 over its row. */
enum oft_err correction_sha256(const struct store_correction *correction, uint8_t ret_sha256[32]);
/* Units and tier of a record; null when there is none. */
json_t *correction_record_json(bool has, const struct meter_record *record);
/* "input 10 -> 12, output 5 -> 0", "void", ... */
void correction_put_wrapped(struct oft_buffer *out, size_t indent,
                            const struct store_correction *correction);
/* The event of transaction NUMBER that says who corrected; NULL when there is none. */
const struct store_event *correction_event(const struct store_event *events, size_t count,
                                           uint64_t number);
/* Holds every correction against its event and the one before; each finding is told. */
enum oft_err engine_corrections_examine(struct engine *engine,
                                        void (*finding)(void *context, const char *text),
                                        void *context, uint64_t *ret_count,
                                        struct oft_error *reterr);

#endif
