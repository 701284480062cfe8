/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told where: <data>/desk.json, read strictly. An unknown member is a mistake that is told, not
 * a wish that is passed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/desk_internal.h"

enum { FILE_BYTES_MAX = 1 << 20, SECRET_FILE_BYTES_MAX = 4096 };

struct reading {
    struct oft_arena *arena;
    const char *path;
    struct oft_error *reterr;
};

static enum oft_err wrong(const struct reading *reading, const char *where, const char *what)
{
    return oft_fail(reading->reterr, OFT_ERR_INVALID, "%s: %s: %s; docs/notices.md has the form",
                    reading->path, where, what);
}

/* The file's bytes with a NUL behind, in ARENA. */
static enum oft_err read_file(const struct reading *reading, const char *path, size_t bytes_max,
                              char **ret_text, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return oft_fail(reading->reterr, errno == ENOENT ? OFT_ERR_NOT_FOUND : OFT_ERR_IO,
                        "cannot open %s: %s", path, strerror(errno));
    }
    struct stat status;
    enum oft_err code = OFT_OK;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size > bytes_max) {
        code = oft_fail(reading->reterr, OFT_ERR_INVALID,
                        "%s is no regular file of at most %zu bytes", path, bytes_max);
    }
    char *text =
        code == OFT_OK ? oft_arena_alloc(reading->arena, (size_t)status.st_size + 1) : NULL;
    ssize_t length = text == NULL ? -1 : read(fd, text, (size_t)status.st_size);
    if (code == OFT_OK && length < 0) {
        code = oft_fail(reading->reterr, OFT_ERR_IO, "cannot read %s", path);
    }
    (void)close(fd);
    *ret_text = text;
    *ret_length = length < 0 ? 0 : (size_t)length;
    return code;
}

/* ---- values ------------------------------------------------------------------------------------ */

/* Every member of OBJECT is one of NAMES (separated by '|'). */
static enum oft_err only(const struct reading *reading, const char *where, const json_t *object,
                         const char *names)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        return wrong(reading, where, "must be an object");
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char wanted[80], message[160];
        (void)snprintf(wanted, sizeof(wanted), "|%.64s|", key);
        if (strstr(names, wanted) == NULL) {
            (void)snprintf(message, sizeof(message), "there is no member \"%.64s\"", key);
            return wrong(reading, where, message);
        }
    }
    return OFT_OK;
}

/* A text without line ends: it goes into headers. NULL when the member is not there. */
static enum oft_err text_of(const struct reading *reading, const char *where, const json_t *object,
                            const char *name, const char **ret)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    char message[120];
    *ret = NULL;
    if (value == NULL) {
        return OFT_OK;
    }
    if (text == NULL || text[0] == '\0' || strpbrk(text, "\r\n") != NULL) {
        (void)snprintf(message, sizeof(message), "\"%s\" must be a text of one line", name);
        return wrong(reading, where, message);
    }
    *ret = oft_arena_copy(reading->arena, oft_str_from(text));
    return *ret == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

static enum oft_err flag_of(const struct reading *reading, const char *where, const json_t *object,
                            const char *name, bool *ret)
{
    const json_t *value = json_object_get(object, name);
    char message[120];
    if (value != NULL && !json_is_boolean(value)) {
        (void)snprintf(message, sizeof(message), "\"%s\" must be true or false", name);
        return wrong(reading, where, message);
    }
    *ret = json_is_true(value);
    return OFT_OK;
}

static enum oft_err secret_from_file(const struct reading *reading, const char *path,
                                     const char **ret)
{
    char *text = NULL;
    size_t length = 0;
    enum oft_err code = read_file(reading, path, SECRET_FILE_BYTES_MAX, &text, &length);
    while (code == OFT_OK && length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        text[--length] = '\0';
    }
    *ret = text;
    return code;
}

/* {"env": NAME} or {"file": PATH}: a secret never stands in the file itself. */
static enum oft_err secret_of(const struct reading *reading, const char *where,
                              const json_t *object, const char *name, const char **ret)
{
    const json_t *source = json_object_get(object, name);
    const char *variable = NULL, *file = NULL;
    *ret = NULL;
    if (source == NULL) {
        return OFT_OK;
    }
    enum oft_err code = only(reading, where, source, "|env|file|");
    if (code == OFT_OK) {
        code = text_of(reading, where, source, "env", &variable);
    }
    if (code == OFT_OK) {
        code = text_of(reading, where, source, "file", &file);
    }
    if (code == OFT_OK && (variable == NULL) == (file == NULL)) {
        return wrong(reading, where, "a secret is {\"env\": NAME} or {\"file\": PATH}");
    }
    if (code == OFT_OK && file != NULL) {
        code = secret_from_file(reading, file, ret);
    } else if (code == OFT_OK) {
        const char *value = getenv(variable);
        *ret = value == NULL ? NULL : oft_arena_copy(reading->arena, oft_str_from(value));
    }
    if (code == OFT_OK && (*ret == NULL || (*ret)[0] == '\0')) {
        return wrong(reading, where, "the secret is not set, or empty");
    }
    return code;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static enum oft_err read_server(const struct reading *reading, const json_t *object,
                                struct engine_mail_server *server)
{
    static const char WHERE[] = "smtp";
    enum oft_err code = only(reading, WHERE, object, "|url|from|user|password|ca_file|tls|");
    if (code == OFT_OK) {
        code = text_of(reading, WHERE, object, "url", &server->url);
    }
    if (code == OFT_OK) {
        code = text_of(reading, WHERE, object, "from", &server->from);
    }
    if (code == OFT_OK) {
        code = text_of(reading, WHERE, object, "user", &server->user);
    }
    if (code == OFT_OK) {
        code = secret_of(reading, WHERE, object, "password", &server->password);
    }
    if (code == OFT_OK) {
        code = text_of(reading, WHERE, object, "ca_file", &server->ca_file);
    }
    if (code == OFT_OK) {
        code = flag_of(reading, WHERE, object, "tls", &server->require_tls);
    }
    if (code == OFT_OK &&
        (server->url == NULL || server->from == NULL ||
         (strncmp(server->url, "smtp://", 7) != 0 && strncmp(server->url, "smtps://", 8) != 0))) {
        return wrong(reading, WHERE, "needs \"url\" (smtp://... or smtps://...) and \"from\"");
    }
    return code;
}

static enum oft_err read_webhook(const struct reading *reading, const char *where,
                                 const json_t *object, struct engine_contact *contact)
{
    enum oft_err code = only(reading, where, object, "|url|secret|acknowledges|");
    if (code == OFT_OK) {
        code = text_of(reading, where, object, "url", &contact->webhook);
    }
    if (code == OFT_OK) {
        code = secret_of(reading, where, object, "secret", &contact->secret);
    }
    if (code == OFT_OK) {
        code = flag_of(reading, where, object, "acknowledges", &contact->acknowledges);
    }
    if (code == OFT_OK && (contact->webhook == NULL || contact->secret == NULL ||
                           (strncmp(contact->webhook, "https://", 8) != 0 &&
                            strncmp(contact->webhook, "http://", 7) != 0))) {
        return wrong(reading, where, "a webhook needs \"url\" (https://...) and \"secret\"");
    }
    return code;
}

static enum oft_err read_contact(const struct reading *reading, const char *party,
                                 const json_t *object, struct engine_contact *contact)
{
    char where[96];
    (void)snprintf(where, sizeof(where), "contacts.%.63s", party);
    const json_t *webhook = json_object_get(object, "webhook");
    enum oft_err code = only(reading, where, object, "|mail|mail_is_delivery|webhook|");
    contact->party = oft_arena_copy(reading->arena, oft_str_from(party));
    if (code == OFT_OK) {
        code = text_of(reading, where, object, "mail", &contact->mail);
    }
    if (code == OFT_OK) {
        code = flag_of(reading, where, object, "mail_is_delivery", &contact->mail_is_delivery);
    }
    if (code == OFT_OK && webhook != NULL) {
        code = read_webhook(reading, where, webhook, contact);
    }
    if (code == OFT_OK && contact->mail != NULL && strchr(contact->mail, '@') == NULL) {
        return wrong(reading, where, "\"mail\" must be an address");
    }
    return code == OFT_OK && contact->party == NULL ? OFT_ERR_MEMORY : code;
}

static enum oft_err read_all(const struct reading *reading, const json_t *root,
                             struct engine_desk *desk)
{
    const json_t *server = json_object_get(root, "smtp");
    json_t *contacts = json_object_get(root, "contacts");
    const char *party;
    json_t *value;
    enum oft_err code = only(reading, "the file", root, "|smtp|contacts|send_in_rehearsal|");
    if (code == OFT_OK) {
        code = flag_of(reading, "the file", root, "send_in_rehearsal", &desk->send_in_rehearsal);
    }
    if (code == OFT_OK && server != NULL) {
        code = read_server(reading, server, &desk->mail);
    }
    if (code == OFT_OK && !json_is_object(contacts)) {
        code = wrong(reading, "contacts", "must be an object with a member for each party");
    }
    if (code != OFT_OK) {
        return code;
    }
    desk->contacts = oft_arena_alloc_array(reading->arena, json_object_size(contacts) + 1,
                                           sizeof(*desk->contacts));
    if (desk->contacts == NULL) {
        return OFT_ERR_MEMORY;
    }
    json_object_foreach(contacts, party, value)
    {
        struct engine_contact *contact = &desk->contacts[desk->contact_count++];
        code = read_contact(reading, party, value, contact);
        if (code == OFT_OK && contact->mail != NULL && desk->mail.url == NULL) {
            code = wrong(reading, party, "has a mail address, but there is no \"smtp\"");
        }
        if (code != OFT_OK) {
            return code;
        }
    }
    return OFT_OK;
}

enum oft_err engine_desk_contacts_load(struct engine *engine, const char *path,
                                       struct oft_error *reterr)
{
    struct engine_desk *desk = engine->desk;
    struct reading reading = {&desk->contacts_arena, path, reterr};
    json_error_t where;
    char *text = NULL;
    size_t length = 0;
    oft_arena_release(&desk->contacts_arena);
    desk->contacts = NULL;
    desk->contact_count = 0;
    desk->mail = (struct engine_mail_server){0};
    desk->send_in_rehearsal = false;
    enum oft_err code = read_file(&reading, path, FILE_BYTES_MAX, &text, &length);
    if (code != OFT_OK) {
        return code;
    }
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "%s is not JSON: line %d, column %d: %s", path,
                        where.line, where.column, where.text);
    }
    code = read_all(&reading, root, desk);
    json_decref(root);
    if (code != OFT_OK) {
        desk->contact_count = 0;
    }
    return code;
}

const struct engine_mail_server *engine_desk_mail_server(const struct engine *engine)
{
    return &engine->desk->mail;
}
