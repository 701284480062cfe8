/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_engine.h"
#include "engine/trace.h"
#include "engine/watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/corrections.h"
#include "engine/periods.h"
#include "engine/programmes.h"
#include "engine/shares.h"

static enum oft_err answer(struct engine *engine, struct oft_error *reterr, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(engine->asked, sizeof engine->asked, format, arguments);
    va_end(arguments);
    engine->calls++;
    return engine->answer == OFT_OK
               ? OFT_OK
               : oft_fail(reterr, engine->answer, "%s", engine->message ? engine->message : "");
}

enum oft_err engine_publish(struct engine *engine, oft_instant now_ns, struct oft_buffer *report,
                            struct oft_error *reterr)
{
    (void)now_ns;
    oft_buffer_append_text(report, engine->text ? engine->text : "");
    return answer(engine, reterr, "publish");
}

enum oft_err engine_metrics(struct engine *engine, const struct engine_watch_extra *extra,
                            oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    (void)now_ns;
    oft_buffer_printf(out, "metrics %u", extra->nginx_restarts);
    return answer(engine, reterr, "metrics");
}

enum oft_err engine_top(struct engine *engine, const struct engine_watch_extra *extra,
                        oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    (void)extra;
    (void)now_ns;
    oft_buffer_append_text(out, engine->text ? engine->text : "");
    return answer(engine, reterr, "top");
}

void engine_heartbeat(struct engine *engine, oft_instant now_ns)
{
    (void)engine;
    (void)now_ns;
}

enum oft_err engine_drain(struct engine *engine, oft_instant now_ns,
                          struct engine_drain_result *ret_result, struct oft_error *reterr)
{
    (void)now_ns;
    memset(ret_result, 0, sizeof *ret_result);
    ret_result->records = 10;
    ret_result->settled = 4;
    ret_result->open_intents = 3;
    ret_result->more = engine->drain_rounds > 0;
    engine->drain_rounds -= ret_result->more;
    return answer(engine, reterr, "drain");
}

enum oft_err engine_key_create(struct engine *engine, const char *account, const char *product,
                               const struct deal_limits *limits, oft_instant now_ns,
                               char ret_token[ENGINE_TOKEN_BYTES], struct oft_error *reterr)
{
    (void)now_ns;
    (void)limits;
    (void)snprintf(ret_token, ENGINE_TOKEN_BYTES, "oft_token");
    return answer(engine, reterr, "key_create %s %s", account, product);
}

enum oft_err engine_key_limit(struct engine *engine, const char *key_id_hex,
                              const struct deal_limits *limits, oft_instant now_ns,
                              struct oft_error *reterr)
{
    (void)now_ns;
    return answer(engine, reterr, "key_limit %s %llu", key_id_hex,
                  (unsigned long long)limits->requests_per_minute);
}

enum oft_err engine_key_rotate(struct engine *engine, const char *key_id_hex, int64_t keep_ns,
                               oft_instant now_ns, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr)
{
    (void)now_ns;
    (void)snprintf(ret_token, ENGINE_TOKEN_BYTES, "oft_another");
    return answer(engine, reterr, "key_rotate %s %lld", key_id_hex, (long long)keep_ns);
}

enum oft_err engine_key_revoke(struct engine *engine, const char *key_id_hex, oft_instant now_ns,
                               struct oft_error *reterr)
{
    (void)now_ns;
    return answer(engine, reterr, "key_revoke %s", key_id_hex);
}

static enum oft_err report(struct engine *engine, struct oft_buffer *out, struct oft_error *reterr,
                           const char *name)
{
    oft_buffer_append_text(out, engine->text ? engine->text : "");
    return answer(engine, reterr, "%s", name);
}

enum oft_err engine_keys_list(struct engine *engine, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    return report(engine, out, reterr, "keys_list");
}

enum oft_err engine_attestations_list(struct engine *engine, struct oft_buffer *out,
                                      struct oft_error *reterr)
{
    return report(engine, out, reterr, "attestations_list");
}

enum oft_err engine_attest(struct engine *engine, const char *event, const char *party,
                           oft_instant at, const uint8_t *signature, oft_instant now_ns,
                           struct oft_error *reterr)
{
    (void)now_ns;
    return answer(engine, reterr, "attest %s %s %lld%s", event, party, (long long)at,
                  signature == NULL ? "" : " signed");
}

enum oft_err engine_paper(struct engine *engine, const struct engine_basis *basis,
                          enum engine_form form, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    if (basis->as_was) {
        return answer(engine, reterr, "statement %s %d %d as of %llu %llu %llu %llu %lld",
                      basis->party, basis->month, (int)form, (unsigned long long)basis->transaction,
                      (unsigned long long)basis->generation, (unsigned long long)basis->number,
                      (unsigned long long)basis->life, (long long)basis->as_of);
    }
    return answer(engine, reterr, "statement %s %d %d", basis->party, basis->month, (int)form);
}

enum oft_err engine_statement_draft(struct engine *engine, const char *party, int32_t month,
                                    const char *actor, oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "draft %s %d %s", party, month, actor);
}

#define FAKE_STEP(name)                                                                     \
    enum oft_err engine_statement_##name(struct engine *engine, uint64_t number,            \
                                         const char *actor, oft_instant now_ns,             \
                                         struct oft_buffer *out, struct oft_error *reterr)  \
    {                                                                                       \
        (void)now_ns;                                                                       \
        (void)report(engine, out, reterr, "");                                              \
        return answer(engine, reterr, #name " %llu %s", (unsigned long long)number, actor); \
    }
FAKE_STEP(approve)
FAKE_STEP(final)
FAKE_STEP(restate)

enum oft_err engine_statement_approve_signed(struct engine *engine, uint64_t number,
                                             const char *actor, const uint8_t *signature,
                                             oft_instant now_ns, struct oft_buffer *out,
                                             struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "approve %llu %s %02x", (unsigned long long)number, actor,
                  signature[0]);
}

enum oft_err engine_statement_approval(struct engine *engine, uint64_t number, const char *person,
                                       struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "approval %llu %s", (unsigned long long)number, person);
}

enum oft_err engine_statement_list(struct engine *engine, struct oft_buffer *out,
                                   struct oft_error *reterr)
{
    return report(engine, out, reterr, "statements");
}

enum oft_err engine_statement_show(struct engine *engine, uint64_t number, enum engine_form form,
                                   struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "show %llu %d", (unsigned long long)number, (int)form);
}

enum oft_err engine_periods(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                            struct oft_error *reterr)
{
    (void)now_ns;
    return report(engine, out, reterr, "periods");
}

enum oft_err engine_period_close(struct engine *engine, int32_t month, bool soft, const char *actor,
                                 oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "close %d %s %s", month, soft ? "softly" : "for good", actor);
}

enum oft_err engine_commitments(struct engine *engine, oft_instant now_ns,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    (void)now_ns;
    (void)format;
    return report(engine, out, reterr, "commitments");
}

enum oft_err engine_programmes(struct engine *engine, const char *named, const oft_instant *at,
                               oft_instant now_ns, enum ledger_format format,
                               struct oft_buffer *out, struct oft_error *reterr)
{
    (void)at;
    (void)now_ns;
    (void)format;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "programmes %s", named == NULL ? "all" : named);
}

enum oft_err engine_fund_tell(struct engine *engine, const struct engine_fund_ask *ask,
                              oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    char amount[OFT_NANOS_TEXT_BYTES];
    char day[OFT_INSTANT_TEXT_BYTES];
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "fund %d %s %s%s %s %s by %s under %s", (int)ask->kind,
                  ask->programme, ask->funder, ask->order, oft_nanos_format(ask->amount, amount),
                  ask->kind == LEDGER_FUND_DRAW ? "today" : oft_instant_format_short(ask->day, day),
                  ask->actor, ask->reference);
}

enum oft_err engine_shares(struct engine *engine, const oft_instant *at, oft_instant now_ns,
                           enum ledger_format format, struct oft_buffer *out,
                           struct oft_error *reterr)
{
    (void)at;
    (void)now_ns;
    (void)format;
    return report(engine, out, reterr, "shares");
}

static enum oft_err told(struct engine *engine, const char *what, const struct engine_told *it,
                         struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "%s %s %s %s %s %s %s", what, it->name, it->detail, it->when,
                  it->amount, it->actor, it->reference);
}

enum oft_err engine_deduct(struct engine *engine, const struct engine_told *it, oft_instant now_ns,
                           struct oft_buffer *out, struct oft_error *reterr)
{
    (void)now_ns;
    return told(engine, "deduct", it, out, reterr);
}

enum oft_err engine_share_paid(struct engine *engine, const struct engine_told *it,
                               oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    (void)now_ns;
    return told(engine, "paid", it, out, reterr);
}

bool engine_correction_set(struct engine_correction *correction, const char *name, uint64_t units)
{
    correction->sets[0] = strcmp(name, "input") == 0;
    correction->units[0] = units;
    return correction->sets[0];
}

enum oft_err engine_correct_usage(struct engine *engine, const struct engine_correction *it,
                                  oft_instant now_ns, struct oft_buffer *out,
                                  struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "correct %s %s %llu %s %s %s %s", it->request,
                  it->is_void ? "void" : "units", (unsigned long long)it->units[0], it->tier,
                  it->actor, it->reason, it->reference);
}

enum oft_err engine_corrections(struct engine *engine, const char *request,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    (void)format;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "corrections %s", request == NULL ? "all" : request);
}

enum oft_err engine_forecast(struct engine *engine, const oft_instant *asked, oft_instant now_ns,
                             enum ledger_format format, struct oft_buffer *out,
                             struct oft_error *reterr)
{
    (void)asked;
    (void)now_ns;
    (void)format;
    return report(engine, out, reterr, "forecast");
}

enum oft_err engine_usage(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    (void)format;
    return report(engine, out, reterr, "usage");
}

enum oft_err engine_focus(struct engine *engine, const char *dataset, const char *version,
                          int32_t month, bool by_day, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    (void)dataset;
    (void)version;
    (void)month;
    (void)by_day;
    (void)now_ns;
    return report(engine, out, reterr, "focus");
}

enum oft_err engine_metering(struct engine *engine, int32_t month, bool by_hour, oft_instant now_ns,
                             struct oft_buffer *out, struct oft_error *reterr)
{
    (void)engine, (void)month, (void)by_hour, (void)now_ns, (void)out;
    return oft_fail(reterr, OFT_ERR_INVALID, "not in this test");
}

enum oft_err engine_verify(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                           bool *ret_sound, struct oft_error *reterr)
{
    (void)format;
    *ret_sound = engine->sound;
    return report(engine, out, reterr, "verify");
}

enum oft_err engine_status(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                           struct oft_error *reterr)
{
    (void)now_ns;
    return report(engine, out, reterr, "status");
}

enum oft_err engine_trace(struct engine *engine, const char *what, uint32_t limit,
                          enum ledger_format format, struct oft_buffer *out, bool *ret_sound,
                          struct oft_error *reterr)
{
    *ret_sound = engine->sound;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "trace %s %u %d", what, limit, (int)format);
}

enum oft_err engine_balance(struct engine *engine, const char *account,
                            const struct engine_as_of *which, enum ledger_format format,
                            struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "balance %s %lld %d %d %d", account == NULL ? "all" : account,
                  (long long)which->as_of, which->from, which->through, (int)format);
}

enum oft_err engine_basis_at(struct engine *engine, oft_instant as_of,
                             struct engine_basis *ret_basis, struct oft_error *reterr)
{
    (void)engine, (void)reterr;
    ret_basis->as_was = true;
    ret_basis->transaction = (uint64_t)(as_of / OFT_NS_PER_SECOND);
    ret_basis->generation = 9;
    return OFT_OK;
}

enum oft_err engine_export(struct engine *engine, enum ledger_journal journal,
                           const struct engine_as_of *which, struct engine_page *page,
                           struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    page->through = page->through == 0 ? 7 : page->through;
    page->next = page->from == 0 ? 5 : 0;
    return answer(engine, reterr, "export %d %d %llu %llu", (int)journal, which->through,
                  (unsigned long long)page->from, (unsigned long long)page->through);
}

uint64_t engine_generation(const struct engine *engine)
{
    (void)engine;
    return 7;
}

/* ---- the desk ---------------------------------------------------------------------------------- */

static const struct desk_field OPEN_FIELDS[] = {
    {"product", DESK_FIELD_WORD, true, false, true, NULL, "what for"},
    {"deal", DESK_FIELD_CHOICE, false, false, false, "new|renewal", "which kind"},
    {"term", DESK_FIELD_TERM, false, true, false, NULL, "a material term"},
};
static const struct desk_field ELECT_FIELDS[] = {
    {"notice", DESK_FIELD_NOTICE, true, false, true, NULL, "which"},
};
static const struct desk_field COMMON[] = {
    {"happened", DESK_FIELD_INSTANT, false, false, false, NULL, "when it was done"},
};
static const struct desk_act ACTS[] = {
    {"need", "open", "/v1/desk/needs", DESK_NEED_OPENED, "Open a need", OPEN_FIELDS, 3},
    {"elect", "", "/v1/desk/elections", DESK_ELECTED, "Elect", ELECT_FIELDS, 1},
};

const struct desk_act *desk_acts(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(ACTS);
    return ACTS;
}

const struct desk_act *desk_act_of_path(const char *path)
{
    for (size_t i = 0; i < OFT_COUNT_OF(ACTS); i++) {
        if (strcmp(ACTS[i].path, path) == 0) {
            return &ACTS[i];
        }
    }
    return NULL;
}

const struct desk_field *desk_common_fields(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(COMMON);
    return COMMON;
}

enum oft_err engine_party_of_token(struct engine *engine, const uint8_t sha256[32],
                                   char ret_party[ENGINE_PARTY_BYTES], struct oft_error *reterr)
{
    (void)sha256;
    if (engine->token_party == NULL) {
        return OFT_ERR_NOT_FOUND;
    }
    (void)snprintf(ret_party, ENGINE_PARTY_BYTES, "%s", engine->token_party);
    return engine->token == OFT_OK ? OFT_OK : oft_fail(reterr, engine->token, "no");
}

enum oft_err engine_desk_act(struct engine *engine, const struct engine_desk_call *call,
                             oft_instant now_ns, struct oft_buffer *out,
                             struct engine_refusal *ret_refusal, struct oft_error *reterr)
{
    char given[400] = "";
    (void)now_ns;
    for (size_t i = 0; i < call->count; i++) {
        size_t length = strlen(given);
        (void)snprintf(given + length, sizeof given - length, " %s=%s", call->given[i].name,
                       call->given[i].value);
    }
    *ret_refusal = engine->refusal;
    oft_buffer_append_text(out, "{\"event\":1}\n");
    return answer(engine, reterr, "act %s.%s by %s key %s dry %d:%s", call->act->group,
                  call->act->verb, call->actor == NULL ? "-" : call->actor,
                  call->key == NULL ? "-" : call->key, (int)call->dry_run, given);
}

enum oft_err engine_desk_view(struct engine *engine, const struct engine_desk_look *look,
                              oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "view %d %d %s by %s at %lld", (int)look->kind, (int)look->list,
                  look->reference == NULL ? "-" : look->reference,
                  look->viewer == NULL ? "-" : look->viewer,
                  look->has_at ? (long long)look->at : -1LL);
}

enum oft_err engine_desk_journal(struct engine *engine, const char *viewer, uint64_t from,
                                 uint32_t limit, oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "journal %s %llu %u", viewer == NULL ? "-" : viewer,
                  (unsigned long long)from, limit);
}

enum oft_err engine_desk_deliveries(struct engine *engine, uint64_t after, uint32_t limit,
                                    struct oft_buffer *out, struct oft_error *reterr)
{
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "deliveries %llu %u", (unsigned long long)after, limit);
}

enum oft_err engine_desk_verify(struct engine *engine, struct oft_buffer *out, bool *ret_sound,
                                struct oft_error *reterr)
{
    *ret_sound = engine->sound;
    return report(engine, out, reterr, "desk_verify");
}

enum oft_err engine_notice_document(struct engine *engine, const char *reference,
                                    const char *viewer, enum engine_document_format format,
                                    oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "document %s by %s %d", reference, viewer == NULL ? "-" : viewer,
                  (int)format);
}

enum oft_err engine_party_token_create(struct engine *engine, const char *party, oft_instant now_ns,
                                       char ret_token[ENGINE_TOKEN_BYTES], struct oft_error *reterr)
{
    (void)now_ns;
    (void)snprintf(ret_token, ENGINE_TOKEN_BYTES, "oft_desk_token");
    return answer(engine, reterr, "token_create %s", party);
}

enum oft_err engine_party_token_revoke(struct engine *engine, const char *id_hex,
                                       oft_instant now_ns, struct oft_error *reterr)
{
    (void)now_ns;
    return answer(engine, reterr, "token_revoke %s", id_hex);
}

enum oft_err engine_party_token_list(struct engine *engine, struct oft_buffer *out,
                                     struct oft_error *reterr)
{
    return report(engine, out, reterr, "token_list");
}
