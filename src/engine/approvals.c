/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals that are proved. A deal that names persons with keys takes an approval only with the
 * signature of one of them, over what the statement is made from and the hashes of the books and the
 * deal that it was made of. What was signed follows from the books, so it can be checked for good.
 */
#include <string.h>

#include "base/hash.h"
#include "base/sign.h"
#include "engine/papers.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

static const struct deal_person *person_of(const struct deal *deal, const char *name)
{
    for (uint32_t i = 0; i < deal->person_count; i++) {
        if (strcmp(deal->persons[i].name, name) == 0) {
            return &deal->persons[i];
        }
    }
    return NULL;
}

/* Seven lines that a person can read. */
static enum oft_err put_text(struct engine *engine, const struct store_statement *row,
                             const struct deal *deal, const char *person, struct oft_buffer *out,
                             struct oft_error *reterr)
{
    uint8_t words[32];
    uint8_t journal[32];
    char hex[3][OFT_SHA256_HEX_BYTES];
    oft_instant recorded_ns;
    enum oft_err code = engine_paper_sha256(row, words);
    if (code == OFT_OK) {
        code = store_chain_at(engine->store, row->transaction, journal, &recorded_ns, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    oft_buffer_printf(out, "offtake approval 1\ndeal %s\nby %s\nstatement ", deal->title, person);
    engine_paper_words(row, out);
    oft_buffer_printf(out, "\nsha256 %s\njournal %s\ndeal-sha256 %s\n",
                      oft_hex(words, sizeof(words), hex[0]),
                      oft_hex(journal, sizeof(journal), hex[1]),
                      oft_hex(deal->text_sha256, sizeof(deal->text_sha256), hex[2]));
    return out->failed ? OFT_ERR_LIMIT : OFT_OK;
}

static enum oft_err is_signed_by(struct engine *engine, const struct store_statement *row,
                                 const struct deal *deal, const struct deal_person *person,
                                 const uint8_t *signature, bool *ret, struct oft_error *reterr)
{
    struct oft_buffer text;
    oft_buffer_init(&text, TEXT_BYTES_MAX);
    enum oft_err code = put_text(engine, row, deal, person->name, &text, reterr);
    *ret = code == OFT_OK &&
           oft_sign_verify(person->key, oft_str_from(oft_buffer_text(&text)), signature);
    oft_buffer_release(&text);
    return code;
}

/* The deal that the statement was made by. */
static enum oft_err deal_of(struct engine *engine, const struct store_statement *row,
                            const struct deal **ret_deal, struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    engine->batch_began = engine->uses; /* what no batch needs may make room */
    enum oft_err code = engine_context_get(engine, row->generation, &context, reterr);
    *ret_deal = code == OFT_OK ? context->deal : NULL;
    return code;
}

/* The person by that name, who must be one of the statement's deal and of the one in force, by one key. */
static enum oft_err find_person(const struct engine *engine, const struct deal *deal,
                                const char *name, const struct deal_person **ret_person,
                                struct oft_error *reterr)
{
    const struct deal *now = engine->deal == NULL ? deal : engine->deal;
    const struct deal_person *own = person_of(deal, name);
    const struct deal_person *known = person_of(now, name);
    *ret_person = own;
    if (known == NULL && now->person_count > 0) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "the deal names who approves statements, and \"%.63s\" is none of them",
                        name);
    }
    if (known == NULL || own == NULL || memcmp(own->key, known->key, sizeof(own->key)) != 0) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "who approves, and by which key, changed in the deal since this statement "
                        "was drafted: draft it again");
    }
    return OFT_OK;
}

enum oft_err engine_approval_check(struct engine *engine, const struct store_statement *row,
                                   const char *actor, const uint8_t *signature,
                                   struct oft_error *reterr)
{
    const struct deal *deal = NULL;
    const struct deal_person *person = NULL;
    bool good = false;
    enum oft_err code = deal_of(engine, row, &deal, reterr);
    if (code != OFT_OK) {
        return code;
    }
    if (deal->person_count == 0 && (engine->deal == NULL || engine->deal->person_count == 0)) {
        return signature == NULL
                   ? OFT_OK
                   : oft_fail(reterr, OFT_ERR_DENIED,
                              "the deal names no persons with keys, so nobody can check this "
                              "signature");
    }
    code = find_person(engine, deal, actor, &person, reterr);
    if (code == OFT_OK && signature == NULL) {
        return oft_fail(reterr, OFT_ERR_DENIED,
                        "%s has a key in the deal: an approval must be signed with it "
                        "(--key FILE)",
                        actor);
    }
    if (code == OFT_OK) {
        code = is_signed_by(engine, row, deal, person, signature, &good, reterr);
    }
    return code != OFT_OK || good
               ? code
               : oft_fail(reterr, OFT_ERR_DENIED, "the signature is not %s's over this statement",
                          actor);
}

const char *engine_approval_examine(struct engine *engine, const struct store_statement *row,
                                    const struct ledger_event *event)
{
    const struct deal *deal = NULL;
    bool good = false;
    if (deal_of(engine, row, &deal, NULL) != OFT_OK) {
        return NULL; /* a deal that is damaged is a finding of its own */
    }
    if (!event->is_signed) {
        return deal->person_count == 0 ? NULL : "was approved without a signature";
    }
    const struct deal_person *person = person_of(deal, event->actor);
    if (person == NULL ||
        is_signed_by(engine, row, deal, person, event->signature, &good, NULL) != OFT_OK || !good) {
        return "the signature of an approval is not that of whom it names";
    }
    return NULL;
}

/* ---- asked for -------------------------------------------------------------------------------- */

static enum oft_err print_approval(struct engine *engine, uint64_t number, const char *person,
                                   struct oft_arena *arena, struct oft_buffer *out,
                                   struct oft_error *reterr)
{
    struct store_statement row;
    const struct deal *deal = NULL;
    struct oft_buffer text;
    oft_buffer_init(&text, TEXT_BYTES_MAX);
    enum oft_err code = engine_actor_check(person, reterr);
    if (code == OFT_OK) {
        code = store_statement_get(engine->store, number, arena, &row, reterr);
    }
    if (code == OFT_OK) {
        code = deal_of(engine, &row, &deal, reterr);
    }
    if (code == OFT_OK) {
        code = put_text(engine, &row, deal, person, &text, reterr);
    }
    if (code == OFT_OK) {
        code = engine_json_out(json_pack("{s:I, s:s, s:s}", "number", (json_int_t)number, "by",
                                         person, "text", oft_buffer_text(&text)),
                               out);
    }
    oft_buffer_release(&text);
    return code;
}

enum oft_err engine_statement_approval(struct engine *engine, uint64_t number, const char *person,
                                       struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = print_approval(engine, number, person, &arena, out, reterr);
    oft_arena_release(&arena);
    return code;
}
