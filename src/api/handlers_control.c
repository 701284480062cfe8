/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of the running daemon: status, reload, drain, attestations. Each is one call of the
 * engine; nothing is decided here.
 */
#include <string.h>

#include "api/routes.h"
#include "base/hash.h"

enum {
    REPORT_BYTES_MAX = 16 << 20,
    DRAIN_ROUNDS_MAX = 100000 /* with 65,536 records each: never met by a sound spool */
};

void api_get_status(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    struct oft_buffer text;
    json_error_t where;
    oft_buffer_init(&text, REPORT_BYTES_MAX);
    enum oft_err err = engine_status(scope->options->engine, scope->now_ns, &text, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        oft_buffer_release(&text);
        return;
    }
    json_t *status = json_loadb(oft_buffer_text(&text), text.length, 0, &where);
    oft_buffer_release(&text);
    if (status != NULL && scope->options->gateway_state != NULL) {
        struct api_gateway_state state = {0};
        scope->options->gateway_state(scope->options->context, &state);
        json_t *nginx = json_pack("{s:b, s:I, s:b, s:I, s:s}", "running", state.pid > 0, "pid",
                                  (json_int_t)state.pid, "adopted", state.adopted, "restarts",
                                  (json_int_t)state.restarts, "listen",
                                  state.listen != NULL ? state.listen : "");
        if (json_object_set_new(status, "nginx", nginx) != 0) {
            json_decref(status);
            status = NULL;
        }
    }
    api_answer_json(answer, 200, status);
}

void api_post_reload(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    struct oft_buffer report;
    oft_buffer_init(&report, REPORT_BYTES_MAX);
    enum oft_err err = engine_publish(scope->options->engine, scope->now_ns, &report, &error);
    if (err == OFT_OK) {
        uint64_t generation = engine_generation(scope->options->engine);
        api_answer_json(answer, 200,
                        json_pack("{s:I, s:s}", "generation", (json_int_t)generation, "report",
                                  oft_buffer_text(&report)));
    } else if (err == OFT_ERR_INVALID) {
        api_answer_error(answer, 422, "invalid_deal",
                         "the deal has errors; the policy in force stays as it is",
                         oft_buffer_text(&report));
    } else {
        api_answer_fault(answer, err, &error, oft_buffer_text(&report));
    }
    oft_buffer_release(&report);
}

static void result_add(struct engine_drain_result *sum, const struct engine_drain_result *part)
{
    sum->records += part->records;
    sum->settled += part->settled;
    sum->unsettled += part->unsettled;
    sum->unrated += part->unrated;
    sum->corrupt += part->corrupt;
    sum->torn += part->torn;
    sum->doubled += part->doubled;
    sum->conflicts += part->conflicts;
    sum->open_intents = part->open_intents;
    sum->more = part->more;
}

void api_post_drain(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine *engine = scope->options->engine;
    struct oft_error error = {0};
    struct engine_drain_result sum = {.more = true};
    for (unsigned round = 0; sum.more && round < DRAIN_ROUNDS_MAX; round++) {
        struct engine_drain_result part = {0};
        oft_instant now_ns = scope->options->clock();
        engine_heartbeat(engine, now_ns); /* the loop that does so waits for us */
        enum oft_err err = engine_drain(engine, now_ns, &part, &error);
        if (err != OFT_OK) {
            api_answer_fault(answer, err, &error, NULL);
            return;
        }
        result_add(&sum, &part);
    }
    api_answer_json(answer, 200,
                    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "records",
                              (json_int_t)sum.records, "settled", (json_int_t)sum.settled,
                              "unsettled", (json_int_t)sum.unsettled, "open_intents",
                              (json_int_t)sum.open_intents, "unrated", (json_int_t)sum.unrated,
                              "corrupt", (json_int_t)sum.corrupt, "torn", (json_int_t)sum.torn,
                              "settled_twice", (json_int_t)sum.doubled, "settled_otherwise",
                              (json_int_t)sum.conflicts));
}

void api_post_attest(const struct api_scope *scope, struct api_answer *answer)
{
    const char *event = json_string_value(json_object_get(scope->body, "event"));
    const char *party = json_string_value(json_object_get(scope->body, "party"));
    const json_t *at_value = json_object_get(scope->body, "at");
    oft_instant at = scope->now_ns + scope->options->clock_shift_ns;
    if (event == NULL || party == NULL || (at_value != NULL && !json_is_string(at_value))) {
        api_answer_error(answer, 400, "bad_request",
                         "an attestation needs \"event\" and \"party\", and \"at\" must be text",
                         NULL);
        return;
    }
    if (at_value != NULL &&
        oft_instant_parse(oft_str_from(json_string_value(at_value)), &at) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "\"at\" is no instant; write 2026-01-01 or 2026-01-01T12:00:00Z", NULL);
        return;
    }
    const json_t *signature_value = json_object_get(scope->body, "signature");
    uint8_t signature[64];
    if (signature_value != NULL && (!json_is_string(signature_value) ||
                                    oft_unhex(oft_str_from(json_string_value(signature_value)),
                                              signature, sizeof(signature)) != OFT_OK)) {
        api_answer_error(answer, 400, "bad_request", "\"signature\" must be 128 hexadecimal digits",
                         NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err =
        engine_attest(scope->options->engine, event, party, at,
                      signature_value == NULL ? NULL : signature, scope->now_ns, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    char at_text[OFT_INSTANT_TEXT_BYTES];
    api_answer_json(answer, 200,
                    json_pack("{s:s, s:s, s:s, s:b, s:I}", "event", event, "party", party, "at",
                              oft_instant_format(at, at_text), "signed", signature_value != NULL,
                              "generation", (json_int_t)engine_generation(scope->options->engine)));
}

void api_get_attestations(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_attestations_list(scope->options->engine, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/json";
}
