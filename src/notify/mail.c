/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as mail: headers, words, and the letter behind them. libcurl speaks SMTP and makes the MIME.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "notify/internal.h"

enum { ADDRESS_BYTES_MAX = 254 };

/* "local@domain" as far as a header and an envelope take it whole: nothing quoted, no blank, no bracket. */
static bool is_address(const char *text)
{
    size_t length = strlen(text);
    const char *at = strchr(text, '@');
    if (length == 0 || length > ADDRESS_BYTES_MAX || at == NULL || at == text || at[1] == '\0' ||
        strchr(at + 1, '@') != NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7f || strchr("<>()[],;:\\\"", c) != NULL) {
            return false;
        }
    }
    return true;
}

/* "Mon, 02 Mar 2026 12:00:00 +0000". Source: RFC 5322, section 3.3. */
static void date_text(oft_instant at, char out[40])
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct oft_date date = oft_date_from_instant(at);
    oft_instant of_day = at - oft_instant_from_date(date);
    int seconds = (int)(of_day / OFT_NS_PER_SECOND);
    (void)snprintf(out, 40, "%s, %02d %s %d %02d:%02d:%02d +0000",
                   days[oft_day_weekday(oft_day_from_date(date))], date.day, months[date.month - 1],
                   date.year, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* A subject that is not plain is sent in encoded words, of whole characters each. Source: RFC 2047. */
static const char *subject_text(struct notify_transfer *transfer, const char *subject)
{
    enum { BYTES_OF_A_WORD = 42 };
    struct oft_buffer out;
    bool plain = true;
    for (const char *c = subject; *c != '\0'; c++) {
        plain = plain && (unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f;
    }
    if (plain) {
        return subject;
    }
    oft_buffer_init(&out, 8192);
    while (*subject != '\0') {
        unsigned char word[2 * BYTES_OF_A_WORD];
        size_t length = strlen(subject);
        length = length > BYTES_OF_A_WORD ? BYTES_OF_A_WORD : length;
        while (length > 1 && ((unsigned char)subject[length] & 0xc0) == 0x80) {
            length--;
        }
        (void)EVP_EncodeBlock(word, (const unsigned char *)subject, (int)length);
        oft_buffer_printf(&out, "%s=?utf-8?B?%s?=", out.length > 0 ? " " : "", word);
        subject += length;
    }
    const char *text = oft_arena_copy(&transfer->arena, oft_str_from(oft_buffer_text(&out)));
    oft_buffer_release(&out);
    return text;
}

static enum oft_err headers_add(struct notify_transfer *transfer,
                                const struct notify_message *message, struct oft_error *reterr)
{
    char date[40], id[320];
    const char *subject = subject_text(transfer, message->subject);
    const char *domain = strchr(message->server->from, '@');
    date_text(message->dated, date);
    (void)snprintf(id, sizeof(id), "<%s%s>", message->id, domain);
    const char *const headers[] = {
        "From", message->server->from, "To", message->to,      "Subject",       subject, "Date",
        date,   "Message-ID",          id,   "Auto-Submitted", "auto-generated"};
    enum oft_err code = subject == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < OFT_COUNT_OF(headers); i += 2) {
        code = notify_header(transfer, headers[i], headers[i + 1], reterr);
    }
    return code;
}

static bool parts_add(struct notify_transfer *transfer, const struct notify_message *message)
{
    transfer->mime = curl_mime_init(transfer->curl);
    curl_mimepart *part = transfer->mime == NULL ? NULL : curl_mime_addpart(transfer->mime);
    bool good = part != NULL &&
                curl_mime_data(part, message->text, CURL_ZERO_TERMINATED) == CURLE_OK &&
                curl_mime_type(part, "text/plain; charset=utf-8") == CURLE_OK &&
                curl_mime_encoder(part, "quoted-printable") == CURLE_OK;
    if (good && message->attachment.length > 0) {
        part = curl_mime_addpart(transfer->mime);
        good = part != NULL &&
               curl_mime_data(part, message->attachment.data, message->attachment.length) ==
                   CURLE_OK &&
               curl_mime_type(part, "application/pdf") == CURLE_OK &&
               curl_mime_filename(part, message->attachment_name) == CURLE_OK &&
               curl_mime_encoder(part, "base64") == CURLE_OK;
    }
    return good;
}

static bool options_set(struct notify_transfer *transfer, const struct notify_message *message)
{
    const struct notify_server *server = message->server;
    CURL *curl = transfer->curl;
    char bracketed[ADDRESS_BYTES_MAX + 3];
    bool tls = server->require_tls || server->password != NULL; /* never in the clear */
    (void)snprintf(bracketed, sizeof(bracketed), "<%s>", message->to);
    transfer->recipients = curl_slist_append(NULL, bracketed);
    (void)snprintf(bracketed, sizeof(bracketed), "<%s>", server->from);
    bool good = transfer->recipients != NULL &&
                curl_easy_setopt(curl, CURLOPT_URL, server->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_MAIL_FROM, bracketed) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, transfer->recipients) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_USE_SSL,
                                 (long)(tls ? CURLUSESSL_ALL : CURLUSESSL_TRY)) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_MIMEPOST, transfer->mime) == CURLE_OK;
    if (good && server->user != NULL) {
        good = curl_easy_setopt(curl, CURLOPT_USERNAME, server->user) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PASSWORD,
                                server->password == NULL ? "" : server->password) == CURLE_OK;
    }
    if (good && server->ca_file != NULL) {
        good = curl_easy_setopt(curl, CURLOPT_CAINFO, server->ca_file) == CURLE_OK;
    }
    return good;
}

enum oft_err notify_mail_prepare(struct notify_transfer *transfer,
                                 const struct notify_message *message, struct oft_error *reterr)
{
    if (!is_address(message->server->from) || !is_address(message->to)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "\"%.80s\" is no address that mail can go %s",
                        is_address(message->to) ? message->server->from : message->to,
                        is_address(message->to) ? "out from" : "to");
    }
    enum oft_err code = headers_add(transfer, message, reterr);
    if (code == OFT_OK && (!parts_add(transfer, message) || !options_set(transfer, message))) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "the mail could not be made: out of memory");
    }
    return code;
}
