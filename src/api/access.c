/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask. On the unix socket the file system has answered already. Over TCP every call needs the
 * admin token, or a party's, which opens the desk alone; and because a browser on the operator's machine can be led to send requests anywhere,
 * a call with an Origin is refused, and so is one whose Host is a name we do not know (a name that was
 * rebound to our address).
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "api/routes.h"
#include "base/hash.h"
#include "base/limits.h"

enum { HOST_BYTES_MAX = 255 };

/* The host of "host:port", "[v6]:port" or "host", without brackets. False when it is none. */
static bool host_part(const char *text, char out[HOST_BYTES_MAX + 1])
{
    size_t length = strlen(text);
    if (length == 0 || length > HOST_BYTES_MAX) {
        return false;
    }
    const char *begin = text, *end = text + length;
    if (text[0] == '[') {
        begin = text + 1;
        end = strchr(text, ']');
        if (end == NULL) {
            return false;
        }
    } else {
        const char *colon = strrchr(text, ':');
        end = colon != NULL ? colon : end;
    }
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    return end != begin;
}

static bool host_is_ours(const struct api_options *options, const char *host)
{
    char asked[HOST_BYTES_MAX + 1], listening[HOST_BYTES_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (host == NULL || !host_part(host, asked)) {
        return false;
    }
    if (strcasecmp(asked, "localhost") == 0 || inet_pton(AF_INET, asked, address) == 1 ||
        inet_pton(AF_INET6, asked, address) == 1) {
        return true; /* an address cannot be rebound */
    }
    return options->tcp_listen != NULL && host_part(options->tcp_listen, listening) &&
           strcasecmp(asked, listening) == 0;
}

/* The hash of the bearer token; false when there is none. */
static bool token_hash(const char *authorization, uint8_t ret_hash[OFT_SHA256_BYTES])
{
    static const char SCHEME[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0) {
        return false;
    }
    const char *token = authorization + sizeof SCHEME - 1;
    size_t length = strlen(token);
    return length > 0 && length <= OFT_API_KEY_BYTES_MAX &&
           oft_sha256_once(token, length, ret_hash) == OFT_OK;
}

/* Whose token it is: the administrator's, or a party's. */
static unsigned check_token(const struct api_options *options, const struct api_call *call,
                            char ret_party[ENGINE_PARTY_BYTES], const char **ret_reason)
{
    uint8_t hash[OFT_SHA256_BYTES];
    struct oft_error error = {0};
    *ret_reason = "the token is missing or wrong; send it as Authorization: Bearer";
    if (!token_hash(call->authorization, hash)) {
        return 401;
    }
    if (oft_equal_constant_time(hash, options->token_sha256, sizeof hash)) {
        return 0;
    }
    if (options->has_metrics_token && strcmp(call->path, API_METRICS_PATH) == 0 &&
        oft_equal_constant_time(hash, options->metrics_token_sha256, sizeof hash)) {
        return 0;
    }
    enum oft_err err = engine_party_of_token(options->engine, hash, ret_party, &error);
    if (err != OFT_OK && err != OFT_ERR_NOT_FOUND) {
        *ret_reason = "the token cannot be checked now; try again";
        return 503;
    }
    return err == OFT_OK ? 0 : 401;
}

unsigned api_refuses(const struct api_options *options, const struct api_call *call,
                     char ret_party[ENGINE_PARTY_BYTES], const char **ret_reason)
{
    ret_party[0] = '\0';
    if (!call->over_tcp) {
        return 0;
    }
    unsigned refused = check_token(options, call, ret_party, ret_reason);
    if (refused != 0) {
        return refused;
    }
    if (call->origin != NULL) {
        *ret_reason = "the admin API does not answer web pages (the call has an Origin)";
        return 403;
    }
    if (!host_is_ours(options, call->host)) {
        *ret_reason = "the Host header is not the address that the admin API listens on";
        return 403;
    }
    return 0;
}
