/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of bodies and answers, in one line each: NAME:KIND with blanks between, where KIND is
 * s (text), i (whole number), b (true or false), o (any object), a leading [ an array of them, a name
 * in < > another shape, a trailing ? "may be null", and a trailing - "may be left out".
 */
#include <stdio.h>
#include <string.h>

#include "api/routes.h"

struct shape {
    const char *name, *members;
    bool open; /* members that are not listed are possible */
};

static const struct shape SHAPES[] = {
    {"Anything", "", true},
    {"Error", "error:<ErrorBody>", false},
    {"ErrorBody", "code:s message:s report:s-", true},
    {"Refusal", "error:<RefusalBody>", false},
    {"RefusalBody", "code:s message:s clause:s- property:i- earliest:s?-", true},
    {"Status",
     "generation:i deal_title:s deal_path:s deal_sha256:s rehearsal:b contract_now:s data:s "
     "records:i settled:i unsettled:i unrated:i open_intents:i corrupt:i torn:i unreadable:i "
     "settled_twice:i settled_otherwise:i "
     "segments:i transactions:i last_error:s nginx:o-",
     true},
    {"Top",
     "contract_now:s clock_ms:i deal_title:s currency:s rehearsal:b generation:i nginx:o workers:i "
     "worker_starts:i running:i spool_lag_ms:i drain_lag_ms:i unrated:i total:<TopCounts> "
     "pools:[<TopPool> products:[<TopProduct> refusals:[o limits:[<TopLimit> bounds:o "
     "revenue_nanos:s cost_nanos:s",
     false},
    {"TopCounts",
     "requests:i served:i failed:i refused:i client_left:i input_tokens:i output_tokens:i "
     "duration:o first_token:o",
     false},
    {"TopPool",
     "requests:i served:i failed:i refused:i client_left:i input_tokens:i output_tokens:i "
     "duration:o first_token:o pool:s provider:s region:s reserved:b attempts:i attempt_failures:i "
     "failovers:i cool_downs:i cooling_ms:i breaker:s",
     false},
    {"TopProduct",
     "requests:i served:i failed:i refused:i client_left:i input_tokens:i output_tokens:i "
     "duration:o first_token:o product:s",
     false},
    {"TopLimit",
     "limit:s key:b budgets:[o running:i concurrent:i requests_per_minute:i requests_used_ppm:i "
     "tokens_per_minute:i tokens_used_ppm:i",
     false},
    {"Reload", "generation:i report:s", false},
    {"Drain",
     "records:i settled:i unsettled:i open_intents:i unrated:i corrupt:i torn:i "
     "settled_twice:i settled_otherwise:i",
     false},
    {"AttestBody", "event:s party:s at:s- signature:s-", false},
    {"Attestation", "event:s party:s at:s signed:b generation:i recorded:s-", false},
    {"Attestations", "attestations:[<Attestation>", false},
    {"KeyBody",
     "account:s product:s requests_per_minute:i- tokens_per_minute:i- concurrent_requests:i- "
     "budget_per_day:s- budget_per_month:s-",
     false},
    {"KeyLimits",
     "requests_per_minute:i- tokens_per_minute:i- concurrent_requests:i- budget_per_day:s- "
     "budget_per_month:s-",
     false},
    {"KeyRotateBody", "keep_seconds:i-", false},
    {"RotatedKey", "id:s token:s former_token_until:s?", false},
    {"NewKey", "id:s token:s account:s product:s", false},
    {"Key",
     "id:s account:s product:s created:s revoked:s? former_token_until:s- limits:<KeyLimits>",
     false},
    {"Keys", "keys:[<Key>", false},
    {"Revoked", "id:s revoked:b", false},
    {"Report", "", true},
    {"ByBody", "by:s", false},
    {"DraftBody", "party:s month:s by:s", false},
    {"ApproveBody", "by:s signature:s-", false},
    {"Approval", "number:i by:s text:s", false},
    {"StatementAct", "by:s at:s signed:b-", false},
    {"Statement",
     "number:i party:s month:s status:s transaction:i generation:i as_of:s restates:i? "
     "approvals:[<StatementAct> final:<StatementAct>? text_sha256:s?",
     false},
    {"Statements", "statements:[<Statement>", false},
    {"PeriodAct", "by:s at:s transaction:i", false},
    {"Period", "month:s state:s soft_closed:<PeriodAct>? closed:<PeriodAct>?", false},
    {"Periods", "now:s late_lands_in:s? periods:[<Period>", false},
    {"PaymentBody", "clause:s period:s amount:s by:s on:s- reference:s-", false},
    {"DeductionBody", "name:s month:s amount:s by:s product:s- reference:s-", false},
    {"Told", "what:s name:s of:s at:s amount:s reference:s booked:b", false},
    {"CorrectionBody",
     "request:s by:s reason:s void:b- units:<UnitCounts>- service_tier:s- reference:s-", false},
    {"UnitCounts", "input:i- cached:i- cache-write:i- output:i- reasoning:i- audio:i- image:i-",
     false},
    {"Correction", "request:s what:s by:s reason:s reference:s transaction:i booked:b was:o? is:o?",
     false},
    {"FundCallBody", "amount:s due:s by:s reference:s", false},
    {"FundPaymentBody", "funder:s amount:s on:s by:s reference:s", false},
    {"FundDrawBody", "amount:s order:s by:s reference:s", false},
    {"FundAnswer", "what:s programme:s reference:s by:s at:s transaction:i again:b", false},
    {"Verification", "sound:b findings:[s chain_head:s", true},
    {"ActAnswer", "event:i at:s reference:s effects:[<Effect> summary:s dry_run:b-", false},
    {"Effect", "thing:s state:s at:s", false},
    {"Desk", "at:s", true},
    {"DeskNeeds", "at:s needs:[o", true},
    {"DeskOffers", "at:s offers:[o", true},
    {"DeskLots", "at:s lots:[o", true},
    {"DeskNotices", "at:s notices:[o", true},
    {"DeskOrders", "at:s orders:[o", true},
    {"DeskRights", "at:s rights:[o", true},
    {"DeskEvent",
     "number:i kind:s at:s happened:s actor:s party:s- other:s- name:s- need:s- offer:s- lot:s- "
     "notice:s- order:s- quantity:i- text:s- clause:s- calendar:s- zone:s- terms:[o-",
     false},
    {"DeskJournal", "events:[<DeskEvent> next:i", false},
    {"DeskVerification", "sound:b events:i head:s findings:[s", false},
    {"Delivery",
     "id:i event:i thing:s what:s at:s kind:s party:s address:s state:s attempts:i changed:s "
     "next:s reply:s",
     false},
    {"Deliveries", "deliveries:[<Delivery> next:i", false},
    {"TokenBody", "party:s", false},
    {"NewToken", "id:s token:s party:s", false},
    {"Token", "id:s party:s created:s revoked:s?", false},
    {"Tokens", "tokens:[<Token>", false},
};

static const char *type_word(char letter)
{
    return letter == 's'   ? "string"
           : letter == 'i' ? "integer"
           : letter == 'b' ? "boolean"
                           : "object";
}

static json_t *kind_schema(const char *kind, size_t length)
{
    bool nullable = memchr(kind, '?', length) != NULL;
    if (kind[0] == '[') {
        return json_pack("{s:s, s:o}", "type", "array", "items", kind_schema(kind + 1, length - 1));
    }
    if (kind[0] == '<') {
        char path[128];
        (void)snprintf(path, sizeof path, "#/components/schemas/%.*s", (int)strcspn(kind + 1, ">"),
                       kind + 1);
        return json_pack("{s:s}", "$ref", path);
    }
    return nullable ? json_pack("{s:[s, s]}", "type", type_word(kind[0]), "null")
                    : json_pack("{s:s}", "type", type_word(kind[0]));
}

static json_t *shape_schema(const struct shape *shape)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (const char *at = shape->members; *at != '\0';) {
        size_t length = strcspn(at, " ");
        size_t name = strcspn(at, ":");
        char member[64];
        (void)snprintf(member, sizeof member, "%.*s", (int)name, at);
        (void)json_object_set_new(properties, member,
                                  kind_schema(at + name + 1, length - name - 1));
        if (at[length - 1] != '-') {
            (void)json_array_append_new(required, json_string(member));
        }
        at += length + strspn(at + length, " ");
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", (int)shape->open);
}

json_t *api_openapi_schemas(void)
{
    json_t *schemas = json_object();
    for (size_t i = 0; i < OFT_COUNT_OF(SHAPES); i++) {
        (void)json_object_set_new(schemas, SHAPES[i].name, shape_schema(&SHAPES[i]));
    }
    return schemas;
}
