/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_TRACE_INTERNAL_H
#define OFFTAKE_ENGINE_TRACE_INTERNAL_H
/*
 * What is found before it is printed. trace.c looks, trace_spool.c reads the segments, trace_print.c and
 * trace_json.c say it.
 */
#include "base/limits.h"
#include "engine/internal.h"
#include "engine/trace.h"
#include "ledger/trace.h"
#include "store/corrections.h"
#include "store/periods.h"
#include "store/trace.h"

/* A record where it lies. */
struct trace_sighting {
    char segment[128]; /* "" for what the books keep of an orphan */
    uint32_t slot;
    bool archived;
    struct meter_record record;
};

enum { TRACE_SIGHTINGS_MAX = 2 * OFT_ATTEMPTS_MAX };

/* ---- a request -------------------------------------------------------------------------------- */

enum trace_standing {
    TRACE_BOOKED,
    TRACE_BOOKED_ORPHAN, /* by the orphan rule */
    TRACE_WAITING,       /* an intent that has no settlement yet */
    TRACE_UNREAD,        /* settled, and not drained yet */
    TRACE_SET_ASIDE,     /* in quarantine */
};

/* A part of a record with the line that holds it. */
struct trace_line {
    struct ledger_part part;
    struct ledger_series_key line; /* the part's key when nothing is booked */
    char id[LEDGER_LINE_ID_BYTES];
    const char *statements[4]; /* on whose it stands; NULL ends them */
};

/* What a correction of the request did. */
struct trace_correction {
    const struct store_correction *row;
    const struct store_event *event;
    struct trace_line *lines; /* by how much each moved */
    size_t line_count;
};

struct trace_request {
    char id[33];
    enum trace_standing standing;
    const char *set_aside; /* why */
    struct trace_sighting intents[TRACE_SIGHTINGS_MAX];
    size_t intent_count;
    struct trace_sighting settled; /* what was booked, or will be */
    uint64_t number;               /* the transaction; 0: none */
    oft_instant recorded_ns;
    uint8_t hash[32];
    uint8_t deal_sha256[32];
    const char *clause_text; /* NULL: it is no clause of the deal */
    const struct trace_line *usage;
    struct trace_line *lines; /* usage first */
    size_t line_count;
    struct trace_correction *corrections;
    size_t correction_count;
    bool adds_up; /* each part has its line in the transaction that booked it */
};

/* ---- a line ----------------------------------------------------------------------------------- */

enum trace_how { TRACE_AS_METERED, TRACE_TAKEN_BACK, TRACE_PUT_RIGHT };

struct trace_record {
    struct trace_sighting at;
    uint64_t number;
    enum trace_how how;
    oft_nanos quantity, exact;
    bool in_steps; /* then EXACT is not known */
};

struct trace_of_line {
    struct ledger_row row;
    char id[LEDGER_LINE_ID_BYTES];
    const char *statements[4];
    struct store_line_change *changes; /* the first ones */
    size_t change_count;
    uint64_t change_total;
    struct trace_record *records; /* the first ones */
    size_t record_count;
    struct ledger_traced traced;
    uint64_t missing;  /* segments that are nowhere */
    bool by_the_clock; /* capacity, dues: there are no records */
    bool adds_up;
    struct ledger_row *steps; /* of a price in steps: all its lines, which are traced together */
    size_t step_count;
    bool not_compared;   /* only a part of some price's steps counts here */
    oft_nanos unrounded; /* valid when it has room */
    unsigned scale;
    bool has_unrounded;
};

/* trace_spool.c: the records of a request; those that were found. */
enum oft_err trace_find(struct engine *engine, const uint8_t id[16], struct trace_request *request,
                        bool *ret_settled, struct oft_error *reterr);
/* Every booked record of RANGE in order, the intents too; *ret_missing when its segment is nowhere. */
typedef enum oft_err (*trace_record_fn)(void *context, const struct trace_sighting *sighting,
                                        struct oft_error *reterr);
enum oft_err trace_read(struct engine *engine, const struct ledger_range *range,
                        trace_record_fn visit, void *context, bool *ret_missing,
                        struct oft_error *reterr);

/* trace.c: whether and how it was booked, from what trace_find found. */
enum oft_err trace_stand(struct engine *engine, const uint8_t id[16], bool settled,
                         struct trace_request *request, struct oft_arena *arena,
                         struct oft_error *reterr);

/* Whose statements a line stands on; at most three names, ended by NULL; in ARENA. */
void trace_name_statements(const struct engine *engine, const struct ledger_series_key *key,
                           struct oft_arena *arena, const char *out[4]);
/* trace_steps.c: puts the changes of TRANSACTION that hold their parts beside *LINES; of a part in steps each
 * step that it changed, on more lines. *RET_ALL: every part has one. */
enum oft_err trace_put_lines(const struct ledger_transaction *transaction, struct oft_arena *arena,
                             struct trace_line **lines, size_t *count, bool *ret_all);
/* All lines of the price in steps that LINE is one of. */
enum oft_err trace_find_steps(struct engine *engine, struct trace_of_line *line,
                              struct oft_arena *arena, struct oft_error *reterr);
/* Whether the records of all steps have as many units as their lines. */
bool trace_steps_add_up(const struct trace_of_line *line);
/* Adds to a base what the lines of the steps that it was counted from come to. */
enum oft_err trace_add_steps(struct engine *engine, struct trace_of_line *line,
                             struct oft_arena *arena, struct oft_error *reterr);
/* trace_corrections.c: what was corrected of a request, and whether the books hold it. */
enum oft_err trace_corrections(struct engine *engine, const uint8_t id[16],
                               struct trace_request *request, struct oft_arena *arena,
                               struct oft_error *reterr);

void trace_print_request(const struct engine *engine, const struct trace_request *request,
                         struct oft_buffer *out);
void trace_print_line(const struct engine *engine, const struct trace_of_line *line,
                      struct oft_buffer *out);
enum oft_err trace_json_request(const struct engine *engine, const struct trace_request *request,
                                struct oft_buffer *out);
enum oft_err trace_json_line(const struct engine *engine, const struct trace_of_line *line,
                             struct oft_buffer *out);
/* A record's units as totals have them; OUT. */
const int64_t *trace_units(const struct meter_record *record, int64_t out[METER_UNITS]);
const char *trace_standing_name(enum trace_standing standing);

#endif
