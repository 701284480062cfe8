/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
                               oft_instant now_ns, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr)
{
    (void)now_ns;
    (void)snprintf(ret_token, ENGINE_TOKEN_BYTES, "oft_token");
    return answer(engine, reterr, "key_create %s %s", account, product);
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

enum oft_err engine_statement(struct engine *engine, const char *party, int32_t month,
                              oft_instant now_ns, enum ledger_format format, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    (void)now_ns;
    (void)report(engine, out, reterr, "");
    return answer(engine, reterr, "statement %s %d %d", party, month, (int)format);
}

enum oft_err engine_commitments(struct engine *engine, oft_instant now_ns,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    (void)now_ns;
    (void)format;
    return report(engine, out, reterr, "commitments");
}

enum oft_err engine_usage(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    (void)format;
    return report(engine, out, reterr, "usage");
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

uint64_t engine_generation(const struct engine *engine)
{
    (void)engine;
    return 7;
}
