/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice as a letter to its holder: who asks whom under which clause, for what, on which terms, how
 * to answer and until when, and what silence means. Of the third party it says what the clause lets
 * it say.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "document/document.h"
#include "engine/desk_internal.h"

enum { LINE_BYTES = 1024 };

struct writing {
    const struct engine *engine;
    const struct desk_state *state;
    const struct desk_notice *notice;
    const struct desk_lot *lot;
    const struct desk_right *right;
    const struct desk_need *need;
    const struct desk_offer *offer; /* NULL under a first offer */
    struct document *letter;
};

static const char *title_of(const struct engine *engine, const char *party)
{
    uint32_t index =
        engine->deal == NULL ? DEAL_NONE : deal_find_party(engine->deal, oft_str_from(party));
    return index == DEAL_NONE ? party : engine->deal->parties[index].title;
}

/* ---- windows in words -------------------------------------------------------------------------- */

static void period_words(const struct oft_period *period, char *out, size_t size)
{
    static const char *const units[] = {
        [OFT_PERIOD_HOURS] = "hour",   [OFT_PERIOD_DAYS] = "day",
        [OFT_PERIOD_WEEKS] = "week",   [OFT_PERIOD_BUSINESS_DAYS] = "business day",
        [OFT_PERIOD_MONTHS] = "month", [OFT_PERIOD_YEARS] = "year"};
    (void)snprintf(out, size, "%u %s%s", period->count, units[period->unit],
                   period->count == 1 ? "" : "s");
}

static void window_words(const struct desk_window *window, char *out, size_t size)
{
    static const char *const starts[] = {[DESK_FROM_DELIVERED] = "delivery of this notice",
                                         [DESK_FROM_SENT] = "sending of this notice",
                                         [DESK_FROM_DEEMED] = "deemed delivery of this notice"};
    char period[64];
    period_words(&window->period, period, sizeof(period));
    (void)snprintf(out, size, "%s from %s%s%s%s%s", period, starts[window->start],
                   window->calendar.id == 0 ? "" : ", by the calendar ",
                   window->calendar.id == 0 ? "" : window->calendar.text,
                   window->zone.id == 0 ? "" : ", in the time zone ",
                   window->zone.id == 0 ? "" : window->zone.text);
}

/* ---- parts of the letter ----------------------------------------------------------------------- */

static void write_head(const struct writing *writing, const char *reference)
{
    char text[LINE_BYTES];
    const struct engine *engine = writing->engine;
    if (engine->rehearsal) {
        document_banner(writing->letter, "REHEARSAL: nothing in this letter binds anybody");
    }
    document_row(writing->letter, "From", title_of(engine, desk_customer(writing->state).text));
    document_row(writing->letter, "To", title_of(engine, writing->notice->holder.text));
    document_row(writing->letter, "Reference", reference);
    if (engine->deal != NULL) {
        document_row(writing->letter, "Deal", engine->deal->title);
    }
    document_row(writing->letter, "Sent",
                 writing->notice->sent == OFT_INSTANT_NEVER
                     ? "not sent yet"
                     : oft_instant_format(writing->notice->sent, text));
}

static void write_clause(const struct writing *writing)
{
    const struct deal *deal = writing->engine->deal;
    const char *id = writing->right->clause.text;
    uint32_t index = deal == NULL ? DEAL_NONE : deal_find_clause(deal, oft_str_from(id));
    document_heading(writing->letter, "The clause");
    document_row(writing->letter, "Clause", id);
    document_row(writing->letter, "Right",
                 writing->right->kind == DESK_RIGHT_OFFER ? "first offer" : "first refusal");
    if (index != DEAL_NONE) {
        document_paragraph(writing->letter, deal->clauses[index].text);
    }
}

static const char *unit_words(const struct desk_need *need)
{
    return need->unit == DESK_SIZE_MW ? "MW" : "accelerators";
}

static bool was_noticed(const struct writing *writing, uint64_t quantity)
{
    uint8_t hash[32];
    return desk_terms_hash(writing->right->clause.text, quantity, writing->notice->terms, hash) ==
               OFT_OK &&
           memcmp(hash, writing->notice->hash, sizeof(hash)) == 0;
}

/* The lot may be smaller by now: what others took of it is none of the holder's business. The notice's
 * hash tells which quantity it stated. 0: not known any more. */
static uint64_t noticed_quantity(const struct writing *writing)
{
    const struct desk_notice *notice = writing->notice;
    uint64_t shares = 0;
    if (notice->event == 0 || was_noticed(writing, writing->lot->quantity)) {
        return writing->lot->quantity;
    }
    for (uint32_t i = 0; i < desk_notice_count(writing->state); i++) {
        const struct desk_notice *other = desk_notice_at(writing->state, i);
        bool together = other->lot == notice->lot && other->event == notice->event;
        shares += together ? other->entitled : 0;
    }
    return was_noticed(writing, shares) ? shares : 0;
}

static void write_subject(const struct writing *writing)
{
    char text[LINE_BYTES];
    uint64_t quantity = noticed_quantity(writing);
    const struct desk_need *need = writing->need;
    struct document *letter = writing->letter;
    document_heading(letter, "What is offered to you");
    document_row(letter, "Product", need->product.text);
    if (quantity > 0) {
        (void)snprintf(text, sizeof(text), "%llu %s", (unsigned long long)quantity,
                       unit_words(need));
        document_row(letter, "Quantity", text);
    }
    (void)snprintf(text, sizeof(text), "%llu %s", (unsigned long long)writing->notice->entitled,
                   unit_words(need));
    document_row(letter, "Your share of it", text);
    if (need->accelerator.id != 0) {
        document_row(letter, "Accelerator", need->accelerator.text);
    }
    if (need->region.id != 0) {
        document_row(letter, "Region", need->region.text);
    }
    document_row(letter, "Wanted from", oft_instant_format_short(need->from, text));
    if (need->months > 0) {
        (void)snprintf(text, sizeof(text), "%u months", need->months);
        document_row(letter, "Term", text);
    }
}

static void term_words(const struct desk_term *term, char *out, size_t size)
{
    char number[OFT_NANOS_TEXT_BYTES], at[OFT_INSTANT_TEXT_BYTES];
    switch (term->kind) {
    case DESK_TERM_INSTANT:
        (void)snprintf(out, size, "%s", oft_instant_format_short((oft_instant)term->number, at));
        break;
    case DESK_TERM_TEXT:
        (void)snprintf(out, size, "%s", term->text.text);
        break;
    case DESK_TERM_AMOUNT:
    case DESK_TERM_NUMBER:
        (void)snprintf(out, size, "%s%s%s", oft_nanos_format_grouped(term->number, number),
                       term->text.id == 0 ? "" : " per ",
                       term->text.id == 0 ? "" : term->text.text);
        break;
    }
}

static void write_terms(const struct writing *writing)
{
    char text[LINE_BYTES];
    const struct desk_terms terms = writing->notice->event != 0 ? writing->notice->terms
                                    : writing->offer != NULL
                                        ? desk_offer_at(writing->state, writing->lot->offer)->terms
                                        : writing->need->terms;
    document_heading(writing->letter, "On these terms");
    if (terms.count == 0) {
        document_paragraph(writing->letter, "No term but quantity and time is stated.");
    }
    for (uint32_t i = 0; i < terms.count; i++) {
        term_words(&terms.items[i], text, sizeof(text));
        document_row(writing->letter, terms.items[i].name.text, text);
    }
}

static void write_third_party(const struct writing *writing)
{
    char text[LINE_BYTES];
    const struct desk_offer *offer = writing->offer;
    if (offer == NULL || writing->right->disclose == DESK_DISCLOSE_NOTHING) {
        return;
    }
    document_heading(writing->letter, "The third party's offer");
    if (writing->right->disclose == DESK_DISCLOSE_IDENTITY) {
        document_row(writing->letter, "By", title_of(writing->engine, offer->party.text));
        document_row(writing->letter, "On", offer->provider.text);
        if (offer->site[0] != '\0') {
            document_row(writing->letter, "Site", offer->site);
        }
    }
    if (offer->bundled_nanos > 0) {
        document_row(writing->letter, "Bundled goods out of scope",
                     oft_nanos_format_grouped(offer->bundled_nanos, text));
    }
    document_row(writing->letter, "Stands until", oft_instant_format(offer->valid_until, text));
}

static void write_deadline(const struct writing *writing)
{
    char line[LINE_BYTES], words[LINE_BYTES / 2], at[OFT_INSTANT_TEXT_BYTES];
    const struct desk_notice *notice = writing->notice;
    bool reoffer = writing->lot->reoffer && writing->right->windows[DESK_WINDOW_REOFFER].said;
    const struct desk_window *window =
        &writing->right->windows[reoffer ? DESK_WINDOW_REOFFER : DESK_WINDOW_RESPOND];
    window_words(window, words, sizeof(words));
    document_row(writing->letter, "Time to answer", words);
    if (notice->delivered != OFT_INSTANT_NEVER) {
        document_row(writing->letter, "Delivered", oft_instant_format(notice->delivered, at));
        document_row(writing->letter, "Answer before", oft_instant_format(notice->respond_by, at));
    } else {
        (void)snprintf(line, sizeof(line),
                       "The window is reckoned when delivery is known. An answer at exactly the "
                       "deadline is late.");
        document_paragraph(writing->letter, line);
    }
    if (notice->delivered == OFT_INSTANT_NEVER && notice->deemed_at != OFT_INSTANT_NEVER) {
        (void)snprintf(line, sizeof(line),
                       "Unless it is delivered earlier, this notice counts as delivered at %s.",
                       oft_instant_format(notice->deemed_at, at));
        document_paragraph(writing->letter, line);
    }
}

static void write_answer(const struct writing *writing, const char *reference)
{
    char text[LINE_BYTES];
    document_heading(writing->letter, "How to answer");
    write_deadline(writing);
    (void)snprintf(text, sizeof(text),
                   "You may elect (take it on the terms above), decline, make a counter-proposal, "
                   "or object to a defect of this notice. Answer at the desk's API under %s, or to "
                   "the sender.",
                   reference);
    document_paragraph(writing->letter, text);
    document_paragraph(writing->letter,
                       writing->right->partial
                           ? "You may elect a part of your share, within the clause's minimum and "
                             "step; anything else is a counter-proposal."
                           : "You may elect the whole of your share alone; anything else is a "
                             "counter-proposal.");
    document_heading(writing->letter, "What silence means");
    document_paragraph(
        writing->letter,
        "Silence is no acceptance. Without an answer before the deadline your right "
        "lapses for this opportunity, and what you do not take may be offered to the "
        "next holder, or sold on terms no better for a third party.");
}

static void write_hash(const struct writing *writing)
{
    char hex[OFT_SHA256_HEX_BYTES];
    if (writing->notice->event == 0) {
        return;
    }
    document_heading(writing->letter, "Proof");
    document_paragraph(writing->letter, "SHA-256 of clause, quantity and terms:");
    document_code(writing->letter, oft_hex(writing->notice->hash, 32, hex));
}

static void write_parts(const struct writing *writing, const char *reference)
{
    write_head(writing, reference);
    write_clause(writing);
    write_subject(writing);
    write_terms(writing);
    write_third_party(writing);
    write_answer(writing, reference);
    write_hash(writing);
    document_footer(writing->letter, reference);
}

enum oft_err engine_desk_letter(struct engine *engine, uint32_t notice,
                                enum engine_document_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    const struct desk_state *state = engine->desk->state;
    const struct desk_notice *row = desk_notice_at(state, notice);
    oft_instant dated = row->sent == OFT_INSTANT_NEVER ? desk_clock(state) : row->sent;
    char reference[DESK_REFERENCE_BYTES];
    struct document *letter = NULL;
    enum oft_err code = document_new("Notice of an opportunity", dated, &letter);
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "the notice cannot be written: %s", oft_err_text(code));
    }
    struct writing writing = {.engine = engine, .state = state, .notice = row, .letter = letter};
    writing.lot = desk_lot_at(state, writing.notice->lot);
    writing.right = desk_right_at(state, writing.lot->right);
    writing.need = desk_need_at(state, writing.lot->need)->need;
    writing.offer =
        writing.lot->offer == DESK_NONE ? NULL : desk_offer_at(state, writing.lot->offer)->offer;
    (void)desk_reference(DESK_FIELD_NOTICE, notice, reference);
    write_parts(&writing, reference);
    code = format == ENGINE_DOCUMENT_PDF ? document_pdf(letter, out, reterr)
                                         : document_text(letter, out);
    document_free(letter);
    return code == OFT_OK || format == ENGINE_DOCUMENT_PDF
               ? code
               : oft_fail(reterr, code, "the notice cannot be written: %s", oft_err_text(code));
}

enum oft_err engine_notice_document(struct engine *engine, const char *reference,
                                    const char *viewer, enum engine_document_format format,
                                    oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr)
{
    enum oft_err code = engine_desk_ready(engine, now_ns, reterr);
    uint32_t notice = DESK_NONE;
    if (code != OFT_OK) {
        return code;
    }
    if (!engine_desk_notice_reference(reference, &notice) ||
        notice >= desk_notice_count(engine->desk->state) ||
        !engine_desk_knows(engine->desk->state, DESK_FIELD_NOTICE, notice,
                           engine_desk_viewer(engine, viewer))) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no %.40s", reference);
    }
    return engine_desk_letter(engine, notice, format, out, reterr);
}
