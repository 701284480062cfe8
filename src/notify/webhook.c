/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a signed POST. The signature covers the time and the id, so that an old message cannot be
 * sent again as a new one.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "notify/internal.h"

enum oft_err notify_signature(const char *secret, int64_t timestamp_s, const char *id,
                              struct oft_str body, char ret_hex[65])
{
    unsigned char digest[32];
    unsigned length = sizeof(digest);
    struct oft_buffer text;
    oft_buffer_init(&text, NOTIFY_BODY_BYTES_MAX + 1024);
    oft_buffer_printf(&text, "%lld.%s.", (long long)timestamp_s, id);
    oft_buffer_append_str(&text, body);
    bool good = !text.failed && HMAC(EVP_sha256(), secret, (int)strlen(secret),
                                     (const unsigned char *)oft_buffer_text(&text), text.length,
                                     digest, &length) != NULL;
    oft_buffer_release(&text);
    if (!good) {
        return OFT_ERR_MEMORY;
    }
    (void)oft_hex(digest, sizeof(digest), ret_hex);
    return OFT_OK;
}

/* https anywhere; http only to this machine itself. */
static bool is_allowed(const char *url)
{
    static const char *const loopback[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    if (strncmp(url, "https://", 8) == 0 && url[8] != '\0') {
        return true;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(loopback); i++) {
        size_t length = strlen(loopback[i]);
        if (strncmp(url, loopback[i], length) == 0 &&
            (url[length] == ':' || url[length] == '/' || url[length] == '\0') &&
            strchr(url, '@') == NULL) {
            return true;
        }
    }
    return false;
}

static enum oft_err headers_add(struct notify_transfer *transfer,
                                const struct notify_message *message, struct oft_error *reterr)
{
    int64_t timestamp_s = message->dated / OFT_NS_PER_SECOND;
    char timestamp[24], hex[65], signature[80];
    enum oft_err code = notify_signature(message->secret, timestamp_s, message->id,
                                         oft_str_from(message->text), hex);
    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)timestamp_s);
    (void)snprintf(signature, sizeof(signature), "v1=%s", hex);
    const char *const headers[] = {
        "Content-Type",      "application/json", "Offtake-Delivery",  message->id,
        "Offtake-Timestamp", timestamp,          "Offtake-Signature", signature};
    for (size_t i = 0; code == OFT_OK && i < OFT_COUNT_OF(headers); i += 2) {
        code = notify_header(transfer, headers[i], headers[i + 1], reterr);
    }
    return code;
}

enum oft_err notify_webhook_prepare(struct notify_transfer *transfer,
                                    const struct notify_message *message, struct oft_error *reterr)
{
    CURL *curl = transfer->curl;
    if (!is_allowed(message->url)) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "a webhook goes to https://, or to this machine itself, not to \"%.80s\"",
                        message->url);
    }
    if (message->secret == NULL || message->secret[0] == '\0') {
        return oft_fail(reterr, OFT_ERR_INVALID, "a webhook is signed: it needs a secret");
    }
    enum oft_err code = headers_add(transfer, message, reterr);
    bool good = code == OFT_OK && curl_easy_setopt(curl, CURLOPT_URL, message->url) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                                 (curl_off_t)strlen(message->text)) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, message->text) == CURLE_OK;
    return code != OFT_OK || good
               ? code
               : oft_fail(reterr, OFT_ERR_MEMORY, "the webhook could not be made: out of memory");
}
