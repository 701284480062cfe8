/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: from what happened at the desk to who is told how, and from how that went back to the
 * books. A row's `dedup` is what happened, to what, when, to whom and how, so that nothing is told
 * twice, however often the journal is folded.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/desk_internal.h"
#include "engine/failpoint.h"

enum { DEDUP_BYTES = 320, NOTICE_BYTES_MAX = 8 << 20, REPLY_BYTES = 480 };

/* ---- who is told ------------------------------------------------------------------------------- */

const struct engine_contact *engine_desk_contact(const struct engine *engine, const char *party)
{
    const struct engine_desk *desk = engine->desk;
    for (size_t i = 0; i < desk->contact_count; i++) {
        if (strcmp(desk->contacts[i].party, party) == 0) {
            return &desk->contacts[i];
        }
    }
    return NULL;
}

/* The party beside the customer whom an effect concerns; NULL: none. A holder knows nothing of a notice
 * that was not sent, nor that it is void. */
static const char *concerned(const struct desk_state *state, const struct desk_effect *effect)
{
    if (effect->kind == DESK_EFFECT_NOTICE) {
        const struct desk_notice *notice = desk_notice_at(state, effect->index);
        return notice->event == 0 ? NULL : notice->holder.text;
    }
    if (effect->kind == DESK_EFFECT_ORDER) {
        return desk_order_at(state, effect->index)->party.text;
    }
    return NULL;
}

/* Does anything leave? A rehearsal tells nobody, unless the file of contacts wants it. */
static bool sends(const struct engine *engine)
{
    return !engine->rehearsal || engine->desk->send_in_rehearsal;
}

static bool is_letter(const struct desk_effect *effect)
{
    return effect->kind == DESK_EFFECT_NOTICE && effect->state == DESK_NOTICE_SENT_STATE;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static enum oft_err put_row(struct engine *engine, const struct desk_effect *effect,
                            enum store_delivery_kind kind, const char *party, const char *address,
                            oft_instant now_ns, struct oft_error *reterr)
{
    char dedup[DEDUP_BYTES];
    char thing[DESK_REFERENCE_BYTES];
    struct store_delivery row = {.event = effect->event,
                                 .thing = engine_desk_effect_thing(effect, thing),
                                 .what = engine_desk_effect_what(effect),
                                 .at_ns = effect->at,
                                 .kind = kind,
                                 .party = party,
                                 .address = address,
                                 .state = kind == STORE_DELIVERY_NOBODY ? STORE_DELIVERY_DONE
                                          : sends(engine)               ? STORE_DELIVERY_QUEUED
                                                                        : STORE_DELIVERY_REHEARSED,
                                 .next_ns = now_ns,
                                 .changed_ns = now_ns};
    (void)snprintf(dedup, sizeof(dedup), "%s %s %lld %d %s", row.thing, row.what,
                   (long long)row.at_ns, (int)kind, party);
    row.dedup = dedup;
    return store_delivery_put(engine->store, &row, reterr);
}

static enum oft_err put_for(struct engine *engine, const struct desk_effect *effect,
                            const char *party, bool *told, oft_instant now_ns,
                            struct oft_error *reterr)
{
    const struct engine_contact *contact =
        party == NULL ? NULL : engine_desk_contact(engine, party);
    enum oft_err code = OFT_OK;
    if (contact != NULL && contact->mail != NULL) {
        *told = true;
        code = put_row(engine, effect, STORE_DELIVERY_MAIL, party, contact->mail, now_ns, reterr);
    }
    if (code == OFT_OK && contact != NULL && contact->webhook != NULL) {
        *told = true;
        code = put_row(engine, effect, STORE_DELIVERY_WEBHOOK, party, contact->webhook, now_ns,
                       reterr);
    }
    return code;
}

enum oft_err engine_desk_outbox_put(struct engine *engine, oft_instant now_ns,
                                    struct oft_error *reterr)
{
    const struct engine_desk *desk = engine->desk;
    const char *customer = desk_customer(desk->state).text;
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < desk->effects.count; i++) {
        const struct desk_effect *effect = &desk->effects.items[i];
        const char *party = concerned(desk->state, effect);
        bool told = false;
        engine_failpoint("desk-before-outbox");
        code = put_for(engine, effect, party, &told, now_ns, reterr);
        if (code == OFT_OK && !is_letter(effect)) {
            code = put_for(engine, effect, customer, &told, now_ns, reterr);
        }
        if (code == OFT_OK && !told) {
            code = put_row(engine, effect, STORE_DELIVERY_NOBODY, party != NULL ? party : customer,
                           "", now_ns, reterr);
        }
        engine_failpoint("desk-after-outbox");
    }
    return code;
}

/* ---- messages ---------------------------------------------------------------------------------- */

bool engine_desk_notice_reference(const char *thing, uint32_t *ret_index)
{
    char *end = NULL;
    if (strncmp(thing, "notice-", 7) != 0) {
        return false;
    }
    unsigned long number = strtoul(thing + 7, &end, 10);
    *ret_index = (uint32_t)(number - 1);
    return number > 0 && number < DESK_NONE && *end == '\0';
}

static bool row_is_letter(const struct store_delivery *row, uint32_t *ret_notice)
{
    return engine_desk_notice_reference(row->thing, ret_notice) &&
           strcmp(row->what, desk_notice_state_text(DESK_NOTICE_SENT_STATE)) == 0;
}

static enum oft_err webhook_body(struct engine *engine, const struct store_delivery *row,
                                 struct oft_str letter, struct oft_buffer *out)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    json_t *body = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)row->id, "deal",
        engine->deal == NULL ? "" : engine->deal->title, "from",
        desk_customer(engine->desk->state).text, "to", row->party, "thing", row->thing, "state",
        row->what, "at", oft_instant_format(row->at_ns, at), "rehearsal", (int)engine->rehearsal);
    if (body != NULL && letter.length > 0) {
        (void)json_object_set_new(body, "document", json_stringn(letter.data, letter.length));
    }
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    if (text != NULL) {
        oft_buffer_append_text(out, text);
    }
    free(text);
    json_decref(body);
    return text == NULL || out->failed ? OFT_ERR_MEMORY : OFT_OK;
}

static void mail_text(const struct engine *engine, const struct store_delivery *row,
                      struct oft_str letter, struct oft_buffer *out)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    if (engine->rehearsal) {
        oft_buffer_append_text(out, "THIS IS A REHEARSAL. Nothing in it binds anybody.\n\n");
    }
    if (letter.length > 0) {
        oft_buffer_append_str(out, letter);
    } else {
        oft_buffer_printf(out, "%s: %s since %s.\n", row->thing, row->what,
                          oft_instant_format(row->at_ns, at));
    }
}

struct messages {
    struct engine *engine;
    engine_message_fn visit;
    void *context;
    struct oft_buffer letter, pdf, text;
};

/* The letter in both forms, if the row is one. */
static enum oft_err write_letter(struct messages *messages, const struct store_delivery *row,
                                 struct oft_error *reterr)
{
    uint32_t notice = 0;
    if (!row_is_letter(row, &notice) ||
        notice >= desk_notice_count(messages->engine->desk->state)) {
        return OFT_OK;
    }
    enum oft_err code = engine_desk_letter(messages->engine, notice, ENGINE_DOCUMENT_TEXT,
                                           &messages->letter, reterr);
    if (code == OFT_OK && row->kind == STORE_DELIVERY_MAIL) {
        code = engine_desk_letter(messages->engine, notice, ENGINE_DOCUMENT_PDF, &messages->pdf,
                                  reterr);
    }
    return code;
}

static enum oft_err show(struct messages *messages, const struct store_delivery *row,
                         struct oft_error *reterr)
{
    struct engine *engine = messages->engine;
    char subject[256], dedup[64], attachment[64];
    const struct engine_contact *contact = engine_desk_contact(engine, row->party);
    oft_buffer_clear(&messages->letter);
    oft_buffer_clear(&messages->pdf);
    oft_buffer_clear(&messages->text);
    enum oft_err code = write_letter(messages, row, reterr);
    struct oft_str letter = {oft_buffer_text(&messages->letter), messages->letter.length};
    if (code == OFT_OK && row->kind == STORE_DELIVERY_WEBHOOK) {
        code = webhook_body(engine, row, letter, &messages->text);
    } else if (code == OFT_OK) {
        mail_text(engine, row, letter, &messages->text);
    }
    if (code != OFT_OK) {
        return code;
    }
    (void)snprintf(subject, sizeof(subject), "%s%s: %s (%s)",
                   engine->rehearsal ? "REHEARSAL: " : "",
                   letter.length > 0 ? "Notice under a right over new capacity" : "Capacity desk",
                   row->thing, row->what);
    (void)snprintf(dedup, sizeof(dedup), "desk-%llu", (unsigned long long)row->id);
    (void)snprintf(attachment, sizeof(attachment), "%s.pdf", row->thing);
    struct engine_message message = {
        .id = row->id,
        .is_webhook = row->kind == STORE_DELIVERY_WEBHOOK,
        .party = row->party,
        .address = row->address,
        .secret = contact == NULL ? NULL : contact->secret,
        .subject = subject,
        .text = oft_buffer_text(&messages->text),
        .dedup = dedup,
        .attachment = {oft_buffer_text(&messages->pdf), messages->pdf.length},
        .attachment_name = attachment,
        .attempts = row->attempts,
        .made_ns = row->at_ns};
    return messages->visit(messages->context, &message, reterr);
}

enum oft_err engine_desk_messages(struct engine *engine, oft_instant now_ns, uint32_t limit,
                                  engine_message_fn visit, void *context, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_delivery *rows = NULL;
    size_t count = 0;
    if (engine->desk->contact_count == 0 || engine->desk->state == NULL || !sends(engine)) {
        return OFT_OK;
    }
    struct messages messages = {.engine = engine, .visit = visit, .context = context};
    oft_arena_init(&arena, ENGINE_TEXT_BYTES_MAX);
    oft_buffer_init(&messages.letter, NOTICE_BYTES_MAX);
    oft_buffer_init(&messages.pdf, NOTICE_BYTES_MAX);
    oft_buffer_init(&messages.text, NOTICE_BYTES_MAX);
    enum oft_err code =
        store_deliveries_due(engine->store, now_ns, limit, &arena, &rows, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count && engine->desk->state != NULL; i++) {
        code = show(&messages, &rows[i], reterr);
    }
    oft_buffer_release(&messages.letter);
    oft_buffer_release(&messages.pdf);
    oft_buffer_release(&messages.text);
    oft_arena_release(&arena);
    return code;
}

/* ---- how it went ------------------------------------------------------------------------------- */

/* Takes the delivery of a letter into the state, where its acceptance is that. What the fold refuses
 * (it was delivered already, or withdrawn) is no fault. */
static enum oft_err take_delivery(struct engine *engine, const struct store_delivery *row,
                                  const char *reply, oft_instant now_ns, struct oft_error *reterr)
{
    uint32_t notice = 0;
    char text[REPLY_BYTES + 64];
    const struct engine_contact *contact = engine_desk_contact(engine, row->party);
    bool webhook = row->kind == STORE_DELIVERY_WEBHOOK;
    bool counts = contact != NULL && (webhook ? contact->acknowledges : contact->mail_is_delivery);
    if (!counts || !row_is_letter(row, &notice)) {
        return OFT_OK;
    }
    enum oft_err code = engine_desk_ready(engine, now_ns, reterr);
    if (code != OFT_OK || notice >= desk_notice_count(engine->desk->state) ||
        desk_notice_at(engine->desk->state, notice)->sent != row->at_ns) {
        return code; /* another notice was sent since: this one was not asked for */
    }
    struct desk_event event = desk_event_of(DESK_NOTICE_DELIVERED, engine_desk_at(engine, now_ns));
    struct desk_refusal refusal = {.clause = ""};
    (void)snprintf(text, sizeof(text), "%s accepted for %s: %.400s", webhook ? "webhook" : "mail",
                   row->address, reply);
    event.actor = desk_customer(engine->desk->state);
    event.party = desk_notice_at(engine->desk->state, notice)->holder;
    event.notice = notice;
    event.text = text;
    code = engine_desk_take(engine, &event, &refusal, reterr);
    return code == OFT_ERR_DENIED ? OFT_OK : code;
}

static enum oft_err write_outcome(struct engine *engine, struct store_delivery *row,
                                  oft_instant now_ns, struct oft_error *reterr)
{
    enum oft_err code = store_begin(engine->store, reterr);
    if (code == OFT_OK) {
        engine_failpoint("desk-before-outcome");
        code = store_delivery_update(engine->store, row, reterr);
        engine_failpoint("desk-after-outcome");
    }
    if (code == OFT_OK && engine->desk->state != NULL) {
        code = engine_desk_write(engine, NULL, now_ns, reterr);
    }
    if (code == OFT_OK) {
        engine_failpoint("desk-before-commit");
        code = store_commit(engine->store, reterr);
        engine_failpoint("desk-after-commit");
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
    }
    engine_desk_settle(engine, code);
    return code;
}

enum oft_err engine_desk_message_done(struct engine *engine, const struct engine_outcome *outcome,
                                      oft_instant now_ns, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_delivery row = {0};
    char reply[REPLY_BYTES];
    oft_arena_init(&arena, ENGINE_TEXT_BYTES_MAX);
    (void)snprintf(reply, sizeof(reply), "%s", outcome->reply == NULL ? "" : outcome->reply);
    enum oft_err code = store_delivery_get(engine->store, outcome->id, &arena, &row, reterr);
    if (code == OFT_OK && outcome->accepted) {
        code = take_delivery(engine, &row, reply, now_ns, reterr);
    }
    if (code == OFT_OK) {
        bool again = !outcome->accepted && outcome->retry_after_s >= 0;
        row.state = outcome->accepted ? STORE_DELIVERY_ACCEPTED
                    : again           ? STORE_DELIVERY_QUEUED
                                      : STORE_DELIVERY_FAILED;
        row.attempts++;
        row.changed_ns = now_ns;
        row.next_ns = again ? now_ns + outcome->retry_after_s * OFT_NS_PER_SECOND : 0;
        row.reply = reply;
        code = write_outcome(engine, &row, now_ns, reterr);
    }
    oft_arena_release(&arena);
    return code;
}

/* ---- the list ---------------------------------------------------------------------------------- */

static json_t *delivery_json(const struct store_delivery *row)
{
    static const char *const KINDS[] = {"nobody", "mail", "webhook"};
    static const char *const STATES[] = {"queued", "accepted", "failed", "done", "rehearsed"};
    char at[OFT_INSTANT_TEXT_BYTES], changed[OFT_INSTANT_TEXT_BYTES], next[OFT_INSTANT_TEXT_BYTES];
    return json_pack(
        "{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s}", "id",
        (json_int_t)row->id, "event", (json_int_t)row->event, "thing", row->thing, "what",
        row->what, "at", oft_instant_format(row->at_ns, at), "kind",
        (size_t)row->kind < OFT_COUNT_OF(KINDS) ? KINDS[row->kind] : "", "party", row->party,
        "address", row->address, "state",
        (size_t)row->state < OFT_COUNT_OF(STATES) ? STATES[row->state] : "", "attempts",
        (json_int_t)row->attempts, "changed", oft_instant_format(row->changed_ns, changed), "next",
        row->state == STORE_DELIVERY_QUEUED ? oft_instant_format(row->next_ns, next) : "", "reply",
        row->reply);
}

enum oft_err engine_desk_deliveries(struct engine *engine, uint64_t after, uint32_t limit,
                                    struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_delivery *rows = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code =
        store_deliveries(engine->store, after, limit, &arena, &rows, &count, reterr);
    json_t *list = json_array();
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (json_array_append_new(list, delivery_json(&rows[i])) != 0) {
            code = OFT_ERR_MEMORY;
        }
    }
    json_t *answer = json_pack("{s:o, s:I}", "deliveries", list, "next",
                               (json_int_t)(count > 0 ? rows[count - 1].id : after));
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (code == OFT_OK && text == NULL) {
        code = OFT_ERR_MEMORY;
    }
    if (code == OFT_OK) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    oft_arena_release(&arena);
    return code;
}
