/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a statement: drafted, approved by two persons, made final, restated. Each step is an event in
 * the books' chain, and what it rests on is checked in the transaction that writes it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "engine/failpoint.h"
#include "engine/papers.h"

enum { PAPER_BYTES_MAX = 256 << 20 };

/* ---- as JSON ---------------------------------------------------------------------------------- */

static json_t *act_json(const struct ledger_act *act)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    json_t *json =
        json_pack("{s:s, s:s}", "by", act->actor, "at", oft_instant_format(act->at, text));
    if (act->is_signed) {
        (void)json_object_set_new(json, "signed", json_true());
    }
    return json;
}

static json_t *paper_json(const struct engine_paper *paper, const uint8_t *sha256)
{
    static const char *const names[] = {"draft", "approved", "final"};
    char month[OFT_INSTANT_TEXT_BYTES];
    char as_of[OFT_INSTANT_TEXT_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    json_t *approvals = json_array();
    for (size_t i = 0; i < paper->life.approval_count; i++) {
        (void)json_array_append_new(approvals, act_json(&paper->life.approvals[i]));
    }
    bool final = paper->life.status == LEDGER_FINAL;
    json_t *restates =
        paper->row.restates == 0 ? json_null() : json_integer((json_int_t)paper->row.restates);
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "number",
                     (json_int_t)paper->row.number, "party", paper->row.party, "month",
                     oft_month_format(paper->row.month, month), "status", names[paper->life.status],
                     "transaction", (json_int_t)paper->row.transaction, "generation",
                     (json_int_t)paper->row.generation, "as_of",
                     oft_instant_format(paper->row.as_of_ns, as_of), "restates", restates,
                     "approvals", approvals, "final",
                     final ? act_json(&paper->life.final) : json_null(), "text_sha256",
                     sha256 != NULL ? json_string(oft_hex(sha256, 32, hex)) : json_null());
}

/* The statement NUMBER as it is now; *RET_JSON is the caller's. */
static enum oft_err load_json(struct engine *engine, uint64_t number, struct oft_arena *arena,
                              json_t **ret_json, struct oft_error *reterr)
{
    struct engine_paper paper;
    struct store_final text = {0};
    enum oft_err code = engine_paper_load(engine, number, UINT64_MAX, arena, &paper, reterr);
    bool final = code == OFT_OK && paper.life.status == LEDGER_FINAL;
    if (final) {
        code = store_final_get(engine->store, number, "text", arena, &text, reterr);
    }
    *ret_json = code == OFT_OK ? paper_json(&paper, final ? text.sha256 : NULL) : NULL;
    return code;
}

static enum oft_err print_one(struct engine *engine, uint64_t number, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    struct oft_arena arena;
    json_t *json = NULL;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = load_json(engine, number, &arena, &json, reterr);
    if (code == OFT_OK) {
        code = engine_json_out(json, out);
    }
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_statement_list(struct engine *engine, struct oft_buffer *out,
                                   struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_statement *rows = NULL;
    size_t count = 0;
    json_t *list = json_array();
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_statements(engine->store, &arena, &rows, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        json_t *json = NULL;
        code = load_json(engine, rows[i].number, &arena, &json, reterr);
        if (code == OFT_OK && json_array_append_new(list, json) != 0) {
            code = OFT_ERR_MEMORY;
        }
    }
    if (code == OFT_OK) {
        code = engine_json_out(json_pack("{s:O}", "statements", list), out);
    }
    json_decref(list);
    oft_arena_release(&arena);
    return code;
}

/* ---- steps ------------------------------------------------------------------------------------ */

/* One step in the life of a statement, in one transaction of the store. */
struct step {
    struct engine *engine;
    struct oft_arena arena;
    struct engine_paper paper;
    const char *actor;
    const uint8_t *signature; /* of an approval; NULL: none */
    oft_instant now_ns;
    struct oft_error *reterr;
};

static enum oft_err post(struct step *step, const char *what, const uint8_t sha256[32])
{
    const struct store_statement *row = &step->paper.row;
    struct ledger_event event = {.month = row->month, .statement = row->number};
    (void)snprintf(event.what, sizeof(event.what), "%s", what);
    (void)snprintf(event.actor, sizeof(event.actor), "%s", step->actor);
    (void)snprintf(event.about, sizeof(event.about), "%s", row->party);
    memcpy(event.sha256, sha256, 32);
    if (step->signature != NULL) {
        event.is_signed = true;
        memcpy(event.signature, step->signature, sizeof(event.signature));
    }
    return engine_post_event(step->engine, &event, step->now_ns, step->reterr);
}

/* Runs DO between begin and commit, and prints the statement as it is then. */
static enum oft_err take(struct step *step, enum oft_err (*act)(struct step *step),
                         struct oft_buffer *out)
{
    struct store *store = step->engine->store;
    oft_arena_init(&step->arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = engine_actor_check(step->actor, step->reterr);
    if (code == OFT_OK) {
        code = store_begin(store, step->reterr);
    }
    if (code == OFT_OK) {
        code = act(step);
        engine_failpoint("statement-before-commit");
        if (code == OFT_OK) {
            code = store_commit(store, step->reterr);
        }
        if (code != OFT_OK) {
            store_rollback(store);
        }
    }
    engine_failpoint("statement-after-commit");
    if (code == OFT_OK) {
        code = print_one(step->engine, step->paper.row.number, out, step->reterr);
    }
    oft_arena_release(&step->arena);
    return code;
}

/* The final statement that would stand where this one wants to: the first edition of a party's month,
 * or another restatement of the same one. 0: there is none. */
static enum oft_err find_final(struct step *step, uint64_t *ret_number)
{
    struct store_statement *rows = NULL;
    const struct store_statement *own = &step->paper.row;
    size_t count = 0;
    *ret_number = 0;
    enum oft_err code =
        store_statements(step->engine->store, &step->arena, &rows, &count, step->reterr);
    for (size_t i = 0; code == OFT_OK && i < count && *ret_number == 0; i++) {
        struct engine_paper other;
        if (rows[i].number == own->number || rows[i].month != own->month ||
            rows[i].restates != own->restates || strcmp(rows[i].party, own->party) != 0) {
            continue;
        }
        code = engine_paper_load(step->engine, rows[i].number, UINT64_MAX, &step->arena, &other,
                                 step->reterr);
        if (code == OFT_OK && other.life.status == LEDGER_FINAL) {
            *ret_number = rows[i].number;
        }
    }
    return code;
}

static enum oft_err refuse_second(struct step *step)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    uint64_t final = 0;
    enum oft_err code = find_final(step, &final);
    if (code == OFT_OK && final != 0) {
        code = oft_fail(step->reterr, OFT_ERR_CONFLICT,
                        "statement %llu of %.63s for %s is final already; restate it "
                        "(`offtake statement restate %llu`)",
                        (unsigned long long) final, step->paper.row.party,
                        oft_month_format(step->paper.row.month, month), (unsigned long long) final);
    }
    return code;
}

/* Prints what was drafted, so that a draft that cannot be made is none. */
static enum oft_err try_print(struct step *step)
{
    struct oft_buffer out;
    oft_buffer_init(&out, PAPER_BYTES_MAX);
    enum oft_err code =
        engine_paper_print(step->engine, &step->paper, ENGINE_TEXT, &out, step->reterr);
    oft_buffer_release(&out);
    return code;
}

static enum oft_err draft(struct step *step)
{
    struct store *store = step->engine->store;
    struct store_statement *row = &step->paper.row;
    uint8_t hash[32];
    oft_instant recorded_ns = 0;
    uint64_t last = 0;
    enum oft_err code = store_statement_last(store, &last, step->reterr);
    if (code == OFT_OK) {
        code = store_chain_head(store, &row->transaction, hash, &recorded_ns, step->reterr);
    }
    row->number = last + 1;
    row->as_of_ns = engine_contract_now(step->engine, recorded_ns);
    row->generation = step->engine->generation;
    step->paper.life.number = row->number;
    step->paper.life.restates = row->restates;
    if (code == OFT_OK) {
        code = refuse_second(step);
    }
    if (code == OFT_OK) {
        code = try_print(step);
    }
    if (code == OFT_OK) {
        code = store_statement_put(store, row, step->reterr);
    }
    if (code == OFT_OK) {
        code = engine_paper_sha256(row, hash);
    }
    return code == OFT_OK ? post(step, "statement-draft", hash) : code;
}

static enum oft_err ready(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    return engine->deal != NULL ? engine_accrue(engine, now_ns, reterr)
                                : oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
}

enum oft_err engine_statement_draft(struct engine *engine, const char *party, int32_t month,
                                    const char *actor, oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr)
{
    struct step step = {.engine = engine,
                        .actor = actor,
                        .now_ns = now_ns,
                        .reterr = reterr,
                        .paper.row = {.party = party, .month = month}};
    enum oft_err code = ready(engine, now_ns, reterr);
    return code == OFT_OK ? take(&step, draft, out) : code;
}

static enum oft_err load(struct step *step)
{
    return engine_paper_load(step->engine, step->paper.row.number, UINT64_MAX, &step->arena,
                             &step->paper, step->reterr);
}

static enum oft_err approve(struct step *step)
{
    const struct ledger_life *life = &step->paper.life;
    uint8_t hash[32];
    enum oft_err code = load(step);
    if (code != OFT_OK) {
        return code;
    }
    unsigned long long number = step->paper.row.number;
    for (size_t i = 0; i < life->approval_count; i++) {
        if (strcasecmp(life->approvals[i].actor, step->actor) == 0) {
            return oft_fail(step->reterr, OFT_ERR_CONFLICT,
                            "%s approved statement %llu already: it takes two persons",
                            life->approvals[i].actor, number);
        }
    }
    if (life->status != LEDGER_DRAFT) {
        return oft_fail(step->reterr, OFT_ERR_CONFLICT, "statement %llu is %s already", number,
                        life->status == LEDGER_FINAL ? "final" : "approved by two persons");
    }
    code = engine_approval_check(step->engine, &step->paper.row, step->actor, step->signature,
                                 step->reterr);
    if (code == OFT_OK) {
        code = engine_paper_sha256(&step->paper.row, hash);
    }
    return code != OFT_OK
               ? code
               : post(step,
                      step->signature == NULL ? "statement-approve" : "statement-approve-signed",
                      hash);
}

enum oft_err engine_statement_approve_signed(struct engine *engine, uint64_t number,
                                             const char *actor, const uint8_t *signature,
                                             oft_instant now_ns, struct oft_buffer *out,
                                             struct oft_error *reterr)
{
    struct step step = {.engine = engine,
                        .actor = actor,
                        .signature = signature,
                        .now_ns = now_ns,
                        .reterr = reterr,
                        .paper.row.number = number};
    return take(&step, approve, out);
}

enum oft_err engine_statement_approve(struct engine *engine, uint64_t number, const char *actor,
                                      oft_instant now_ns, struct oft_buffer *out,
                                      struct oft_error *reterr)
{
    return engine_statement_approve_signed(engine, number, actor, NULL, now_ns, out, reterr);
}

/* ---- final ------------------------------------------------------------------------------------ */

static enum oft_err check_approved(const struct step *step)
{
    const struct engine_paper *paper = &step->paper;
    unsigned long long number = paper->row.number;
    if (paper->life.status == LEDGER_FINAL) {
        return oft_fail(step->reterr, OFT_ERR_CONFLICT, "statement %llu is final already", number);
    }
    return paper->life.status == LEDGER_APPROVED
               ? OFT_OK
               : oft_fail(step->reterr, OFT_ERR_CONFLICT,
                          "statement %llu has %zu approvals; it takes those of two persons", number,
                          paper->life.approval_count);
}

/* The month is closed, and was drafted as it is now. */
static enum oft_err check_month(struct step *step)
{
    const struct store_statement *row = &step->paper.row;
    struct ledger_periods periods = {0};
    uint64_t changed = 0;
    char month[OFT_INSTANT_TEXT_BYTES];
    (void)oft_month_format(row->month, month);
    enum oft_err code = store_periods(step->engine->store, &periods, step->reterr);
    if (code == OFT_OK && row->month >= periods.closed_until) {
        return oft_fail(step->reterr, OFT_ERR_CONFLICT,
                        "%s is not closed: a final statement is of a month that cannot change "
                        "(`offtake period close %s`)",
                        month, month);
    }
    if (code == OFT_OK) {
        code = store_month_changed(step->engine->store, row->month, &changed, step->reterr);
    }
    if (code == OFT_OK && changed > row->transaction) {
        return oft_fail(step->reterr, OFT_ERR_CONFLICT,
                        "the books of %s changed (transaction %llu) after statement %llu was "
                        "drafted (as of transaction %llu): draft it again",
                        month, (unsigned long long)changed, (unsigned long long)row->number,
                        (unsigned long long)row->transaction);
    }
    return code;
}

static enum oft_err keep_form(struct step *step, enum engine_form form, uint8_t ret_sha256[32])
{
    struct oft_buffer out;
    oft_buffer_init(&out, PAPER_BYTES_MAX);
    enum oft_err code = engine_paper_print(step->engine, &step->paper, form, &out, step->reterr);
    if (code == OFT_OK) {
        code = oft_sha256_once(oft_buffer_text(&out), out.length, ret_sha256);
    }
    struct store_final final = {.statement = step->paper.row.number,
                                .form = ENGINE_FORM_NAMES[form],
                                .bytes = oft_buffer_text(&out),
                                .length = out.length};
    memcpy(final.sha256, ret_sha256, 32);
    if (code == OFT_OK) {
        code = store_final_put(step->engine->store, &final, step->reterr);
    }
    oft_buffer_release(&out);
    return code;
}

static enum oft_err make_final(struct step *step)
{
    uint8_t hashes[ENGINE_FORM_COUNT][32] = {{0}};
    uint8_t hash[32];
    uint64_t head = 0;
    oft_instant recorded_ns;
    enum oft_err code = load(step);
    if (code == OFT_OK) {
        code = check_approved(step);
    }
    if (code == OFT_OK) {
        code = check_month(step);
    }
    if (code == OFT_OK) {
        code = refuse_second(step);
    }
    if (code == OFT_OK) {
        code = store_chain_head(step->engine->store, &head, hash, &recorded_ns, step->reterr);
    }
    /* As it will be once this very transaction is in the books. */
    step->paper.life.status = LEDGER_FINAL;
    step->paper.life.final = (struct ledger_act){step->actor, step->now_ns, false};
    step->paper.life.through = head + 1;
    for (int form = 0; code == OFT_OK && form < ENGINE_FORM_COUNT; form++) {
        code = keep_form(step, (enum engine_form)form, hashes[form]);
        engine_failpoint("statement-form-kept");
    }
    if (code == OFT_OK) {
        code = engine_forms_sha256(hashes, hash);
    }
    return code == OFT_OK ? post(step, "statement-final", hash) : code;
}

enum oft_err engine_statement_final(struct engine *engine, uint64_t number, const char *actor,
                                    oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr)
{
    struct step step = {.engine = engine,
                        .actor = actor,
                        .now_ns = now_ns,
                        .reterr = reterr,
                        .paper.row.number = number};
    return take(&step, make_final, out);
}

/* ---- restated --------------------------------------------------------------------------------- */

static enum oft_err restate(struct step *step)
{
    enum oft_err code = load(step);
    if (code != OFT_OK) {
        return code;
    }
    if (step->paper.life.status != LEDGER_FINAL) {
        return oft_fail(step->reterr, OFT_ERR_CONFLICT,
                        "statement %llu is not final: only what is final is restated; draft "
                        "another",
                        (unsigned long long)step->paper.row.number);
    }
    struct store_statement old = step->paper.row;
    struct store_final text = {0};
    code =
        store_final_get(step->engine->store, old.number, "text", &step->arena, &text, step->reterr);
    memset(&step->paper, 0, sizeof(step->paper));
    step->paper.row.party = old.party;
    step->paper.row.month = old.month;
    step->paper.row.restates = old.number;
    memcpy(step->paper.life.restated_sha256, text.sha256, 32);
    return code == OFT_OK ? draft(step) : code;
}

enum oft_err engine_statement_restate(struct engine *engine, uint64_t number, const char *actor,
                                      oft_instant now_ns, struct oft_buffer *out,
                                      struct oft_error *reterr)
{
    struct step step = {.engine = engine,
                        .actor = actor,
                        .now_ns = now_ns,
                        .reterr = reterr,
                        .paper.row.number = number};
    enum oft_err code = ready(engine, now_ns, reterr);
    return code == OFT_OK ? take(&step, restate, out) : code;
}

/* ---- shown ------------------------------------------------------------------------------------ */

static enum oft_err show(struct engine *engine, uint64_t number, enum engine_form form,
                         struct oft_arena *arena, struct oft_buffer *out, struct oft_error *reterr)
{
    struct engine_paper paper;
    struct store_final final;
    enum oft_err code = engine_paper_load(engine, number, UINT64_MAX, arena, &paper, reterr);
    if (code != OFT_OK || paper.life.status != LEDGER_FINAL) {
        return code == OFT_OK ? engine_paper_print(engine, &paper, form, out, reterr) : code;
    }
    code = store_final_get(engine->store, number, ENGINE_FORM_NAMES[form], arena, &final, reterr);
    if (code == OFT_OK) {
        oft_buffer_append(out, final.bytes, final.length);
        code = out->failed ? OFT_ERR_LIMIT : OFT_OK;
    }
    return code;
}

enum oft_err engine_statement_show(struct engine *engine, uint64_t number, enum engine_form form,
                                   struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = show(engine, number, form, &arena, out, reterr);
    oft_arena_release(&arena);
    return code;
}

/* ---- verified --------------------------------------------------------------------------------- */

struct examination {
    struct engine *engine;
    struct oft_arena arena;
    void (*finding)(void *context, const char *text);
    void *context;
    struct oft_error *reterr;
};

static void found(struct examination *it, uint64_t number, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "statement %llu: %s", (unsigned long long)number, what);
    it->finding(it->context, text);
}

/* The bytes of each form have the hash beside them, and all hashes the one in the event. */
static enum oft_err examine_final(struct examination *it, uint64_t number,
                                  const struct store_event *event)
{
    uint8_t hashes[ENGINE_FORM_COUNT][32] = {{0}};
    uint8_t hash[32];
    enum oft_err code = OFT_OK;
    for (int form = 0; code == OFT_OK && form < ENGINE_FORM_COUNT; form++) {
        struct store_final final = {0};
        code = store_final_get(it->engine->store, number, ENGINE_FORM_NAMES[form], &it->arena,
                               &final, it->reterr);
        if (code == OFT_ERR_NOT_FOUND) {
            found(it, number, "is final, and the bytes of one of its forms are not there");
            return OFT_OK;
        }
        if (code == OFT_OK) {
            code = oft_sha256_once(final.bytes, final.length, hashes[form]);
        }
        if (code == OFT_OK && memcmp(final.sha256, hashes[form], sizeof(final.sha256)) != 0) {
            found(it, number, "a form that was made final does not have the hash beside it");
        }
    }
    if (code == OFT_OK) {
        code = engine_forms_sha256(hashes, hash);
    }
    if (code == OFT_OK && memcmp(hash, event->event.sha256, 32) != 0) {
        found(it, number, "its bytes are not those that were made final");
    }
    return code;
}

static enum oft_err examine_one(struct examination *it, uint64_t number)
{
    struct store_statement row;
    struct store_event *events = NULL;
    size_t count = 0;
    uint8_t hash[32];
    enum oft_err code =
        store_statement_get(it->engine->store, number, &it->arena, &row, it->reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        found(it, number, "was drafted and is not there");
        return OFT_OK;
    }
    if (code == OFT_OK) {
        code = store_events(it->engine->store, number, UINT64_MAX, &it->arena, &events, &count,
                            it->reterr);
    }
    if (code == OFT_OK) {
        code = engine_paper_sha256(&row, hash);
    }
    if (code == OFT_OK && (count == 0 || strcmp(events[0].event.what, "statement-draft") != 0)) {
        found(it, number, "nobody drafted it");
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (strcmp(events[i].event.what, "statement-final") == 0) {
            code = examine_final(it, number, &events[i]);
        } else if (memcmp(events[i].event.sha256, hash, 32) != 0) {
            found(it, number, "is not what was drafted and approved");
        }
        if (code == OFT_OK && strncmp(events[i].event.what, "statement-approve", 17) == 0) {
            const char *wrong = engine_approval_examine(it->engine, &row, &events[i].event);
            if (wrong != NULL) {
                found(it, number, wrong);
            }
        }
    }
    return code;
}

enum oft_err engine_papers_examine(struct engine *engine,
                                   void (*finding)(void *context, const char *text), void *context,
                                   uint64_t *ret_count, struct oft_error *reterr)
{
    struct examination it = {
        .engine = engine, .finding = finding, .context = context, .reterr = reterr};
    *ret_count = 0;
    enum oft_err code = store_statement_last(engine->store, ret_count, reterr);
    for (uint64_t number = 1; code == OFT_OK && number <= *ret_count; number++) {
        oft_arena_init(&it.arena, ENGINE_ARENA_BYTES_MAX);
        code = examine_one(&it, number);
        oft_arena_release(&it.arena);
    }
    return code;
}
