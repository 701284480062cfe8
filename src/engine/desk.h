/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_DESK_H
#define OFFTAKE_ENGINE_DESK_H
/*
 * desk -- the capacity desk's use cases: a command, a look, a tick. Part of engine.h.
 *
 * What it is   The journal in the store, the state that it folds to, and what is told to whom. One
 *              command is one transaction: its event, its answer (when it has an idempotency key) and
 *              the outbox rows of what it brought are there together, or none of them is.
 * What it is not  It sends nothing: the daemon takes from the outbox and tells how it went.
 * A command     that is refused, or only tried (dry run), leaves journal and state as they were.
 * A damaged journal closes the desk (every call says why) and nothing else: traffic and books go on.
 * Clock        As in engine.h; every instant of an event is one of contract time.
 */
#include "desk/acts.h"
#include "desk/view.h"
#include "engine/engine.h"

/* ---- commands --------------------------------------------------------------------------------- */

#define ENGINE_IDEMPOTENCY_KEY_BYTES_MAX 128

struct engine_desk_call {
    const struct desk_act *act;
    const struct desk_given *given;
    size_t count;
    const char *actor; /* a party; NULL: the customer */
    const char *key;   /* idempotency key; NULL: none */
    bool dry_run;
};
/* As struct desk_refusal, with texts of its own. */
struct engine_refusal {
    enum desk_refusal_code code;
    unsigned property;
    oft_instant earliest;
    char clause[192], message[320];
};
/*
 * OFT_OK: taken (or would be), ANSWER is JSON {"event","at","reference","effects","summary"}; the same
 * key with the same payload gives the first answer again. OFT_ERR_DENIED: refused, RET_REFUSAL says
 * why. OFT_ERR_CONFLICT: the key was used for something else. OFT_ERR_INVALID: what was given cannot be
 * read, or names what the deal does not know. OFT_ERR_NOT_FOUND: the actor knows no such thing.
 */
enum oft_err engine_desk_act(struct engine *engine, const struct engine_desk_call *call,
                             oft_instant now_ns, struct oft_buffer *answer,
                             struct engine_refusal *ret_refusal,
                             struct oft_error *reterr) OFT_MUSTCHECK;

/* Lets time pass to now: what fell due takes effect and goes into the outbox, once. */
enum oft_err engine_desk_tick(struct engine *engine, oft_instant now_ns,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- looks ------------------------------------------------------------------------------------ */

enum engine_desk_view_kind {
    ENGINE_DESK_ALL,  /* the whole desk */
    ENGINE_DESK_LIST, /* one list */
    ENGINE_DESK_ONE   /* one thing by its reference */
};
struct engine_desk_look {
    enum engine_desk_view_kind kind;
    enum desk_list list;
    const char *reference;
    const char *viewer; /* a party; NULL: the customer */
    bool has_at;
    oft_instant at; /* as it was then; in the future: as it will be if nobody does anything */
};
enum oft_err engine_desk_view(struct engine *engine, const struct engine_desk_look *look,
                              oft_instant now_ns, struct oft_buffer *out,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* {"events": [...], "next": N}: what VIEWER may know, from number FROM on, at most LIMIT of them. */
enum oft_err engine_desk_journal(struct engine *engine, const char *viewer, uint64_t from,
                                 uint32_t limit, oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* Reads the journal again from its first event: chain, decoding, fold, hashes of noticed terms, and
 * that the state in use is the same. JSON {"sound","events","head","findings"}. */
enum oft_err engine_desk_verify(struct engine *engine, struct oft_buffer *out, bool *ret_sound,
                                struct oft_error *reterr) OFT_MUSTCHECK;

enum engine_document_format { ENGINE_DOCUMENT_TEXT, ENGINE_DOCUMENT_PDF };
/* The notice REFERENCE ("notice-2") as a letter to its holder. OFT_ERR_NOT_FOUND also for a viewer who
 * may not know of it. */
enum oft_err engine_notice_document(struct engine *engine, const char *reference,
                                    const char *viewer, enum engine_document_format format,
                                    oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- tokens of parties ------------------------------------------------------------------------ */

#define ENGINE_PARTY_BYTES 64
enum oft_err engine_party_token_create(struct engine *engine, const char *party, oft_instant now_ns,
                                       char ret_token[ENGINE_TOKEN_BYTES],
                                       struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_party_token_revoke(struct engine *engine, const char *id_hex,
                                       oft_instant now_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* JSON: {"tokens":[{"id","party","created","revoked"}]}. */
enum oft_err engine_party_token_list(struct engine *engine, struct oft_buffer *out,
                                     struct oft_error *reterr) OFT_MUSTCHECK;
/* Whose token has this hash? OFT_ERR_NOT_FOUND: nobody's. */
enum oft_err engine_party_of_token(struct engine *engine, const uint8_t sha256[32],
                                   char ret_party[ENGINE_PARTY_BYTES],
                                   struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- the outbox ------------------------------------------------------------------------------- */

/* Reads who is told where (docs/notices.md) from the file at PATH; secrets come from the environment
 * or from files. OFT_ERR_NOT_FOUND: there is no such file, and nobody is told anything. OFT_ERR_INVALID
 * says what is wrong in it. */
enum oft_err engine_desk_contacts_load(struct engine *engine, const char *path,
                                       struct oft_error *reterr) OFT_MUSTCHECK;

/* How mail leaves; NULL members: not said. */
struct engine_mail_server {
    const char *url; /* "smtp://127.0.0.1:25", "smtps://mail.example:465"; NULL: no mail is sent */
    const char *from;
    const char *user, *password;
    const char *ca_file;
    bool require_tls;
};
const struct engine_mail_server *engine_desk_mail_server(const struct engine *engine);

/* One message that is to leave now. Lives for the visit. */
struct engine_message {
    uint64_t id;
    bool is_webhook;
    const char *party;
    const char *address; /* mail address or URL */
    const char *secret;  /* webhook: what its body is signed with */
    const char *subject, *text, *dedup;
    struct oft_str attachment; /* mail: a PDF; length 0: none */
    const char *attachment_name;
    uint32_t attempts;   /* made so far */
    oft_instant made_ns; /* contract time of what it tells */
};
typedef enum oft_err (*engine_message_fn)(void *context, const struct engine_message *message,
                                          struct oft_error *reterr);
/* Visits at most LIMIT messages that are due. */
enum oft_err engine_desk_messages(struct engine *engine, oft_instant now_ns, uint32_t limit,
                                  engine_message_fn visit, void *context,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
struct engine_outcome {
    uint64_t id;
    bool accepted;
    int64_t retry_after_s; /* when not accepted; below 0: not again */
    const char *reply;     /* the other side's words */
};
/* Writes down how it went. Where acceptance is delivery (docs/notices.md), the notice is recorded as
 * delivered in the same transaction. */
enum oft_err engine_desk_message_done(struct engine *engine, const struct engine_outcome *outcome,
                                      oft_instant now_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* {"deliveries": [...], "next": N}. */
enum oft_err engine_desk_deliveries(struct engine *engine, uint64_t after, uint32_t limit,
                                    struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

#endif
