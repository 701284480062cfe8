/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_CORRECTIONS_H
#define OFFTAKE_ENGINE_CORRECTIONS_H
/*
 * corrections -- usage that was metered wrong, put right in the books. A part of engine.h, whose words hold.
 *
 * A record is never changed. A correction takes back what it came to and books the right one in its place, in
 * one transaction with an event that says who did it and whose hash covers both records and the reason. Both
 * are rated by the deal of the record's own generation and belong to its own month; where that is closed,
 * they land in the first open month as late. Lines, shares and commitments move by the difference alone.
 */
#include "engine/engine.h"
#include "meter/record_fmt.h"

struct engine_correction {
    const char *request; /* "req_" and 32 hex digits */
    bool is_void;        /* nothing is owed for it: nothing comes in its place */
    const char *tier;    /* "standard", "batch", "flex", "priority"; NULL or "": as it was */
    bool sets[METER_UNITS];
    uint64_t units[METER_UNITS]; /* of the classes that are set; the others stay */
    const char *actor, *reason;
    const char *reference; /* at most 63 bytes; "" for none */
};
/*
 * A corrected request counts as served and exactly counted, whatever was metered of that. JSON of what was
 * booked in OUT: {"request","what","by","reason","reference","transaction","booked","was","is"}; booked is
 * false when the books say the same already, or the reference told it before. OFT_ERR_NOT_FOUND without
 * such a request, OFT_ERR_CONFLICT when it is not booked yet, or the reference told something else.
 */
enum oft_err engine_correct_usage(struct engine *engine, const struct engine_correction *correction,
                                  oft_instant now_ns, struct oft_buffer *out,
                                  struct oft_error *reterr) OFT_MUSTCHECK;

/* Sets the units of the class NAME ("input", "cache-write"); false when there is none of that name. */
bool engine_correction_set(struct engine_correction *correction, const char *name, uint64_t units);

/* All corrections, or those of REQUEST, in order. */
enum oft_err engine_corrections(struct engine *engine, const char *request,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr) OFT_MUSTCHECK;

#endif
