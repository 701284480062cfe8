/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a request, in this order: where it goes, whether its credential is right, whether
 * its body is, whether it is below the cap, which fault it meets, and how long it waits. What remains
 * is answered by stream.c.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum MHD_Result sim_reply(struct sim_call *call, unsigned status, const char *header,
                          const char *value)
{
    size_t length = call->out.length;
    char *bytes = oft_buffer_detach(&call->out);
    if (bytes == NULL)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(bytes);
        return MHD_NO;
    }
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (header != NULL && result == MHD_YES)
        result = MHD_add_response_header(response, header, value);
    if (result == MHD_YES)
        result = MHD_queue_response(call->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result sim_reply_error(struct sim_call *call, unsigned status, const char *message)
{
    sim_answer_error(status, message, &call->out);
    return sim_reply(call, status, NULL, NULL);
}

static const char *header_of(const struct sim_call *call, const char *name)
{
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

static bool find_endpoint(const char *path, enum sim_endpoint *ret)
{
    static const char *const names[] = {"chat/completions", "completions", "embeddings",
                                        "responses", "messages"};
    for (unsigned i = 0; i < OFT_COUNT_OF(names); i++) {
        if (strcmp(path, names[i]) == 0) {
            *ret = (enum sim_endpoint)i;
            return true;
        }
    }
    return false;
}

static void find_azure_target(struct sim_call *call, const char *path)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._:=-";
    size_t length = strspn(path, allowed);
    call->azure = true;
    if (length == 0 || length >= sizeof(call->deployment) || path[length] != '/')
        return;
    memcpy(call->deployment, path, length);
    call->deployment[length] = '\0';
    if (find_endpoint(path + length + 1, &call->answer.endpoint))
        call->target = SIM_TARGET_GENERATE;
}

static void find_target(struct sim_call *call, const char *url)
{
    static const char deployments[] = "/openai/deployments/";
    enum sim_kind kind = call->provider->options.kind;
    call->target = SIM_TARGET_UNKNOWN;
    if (strncmp(url, "/sim/", 5) == 0) {
        call->target = SIM_TARGET_CONTROL;
    } else if (strncmp(url, "/v1/", 4) == 0 && (kind & SIM_KIND_OPENAI) != 0) {
        if (strcmp(url + 4, "models") == 0)
            call->target = SIM_TARGET_MODELS;
        else if (find_endpoint(url + 4, &call->answer.endpoint))
            call->target = SIM_TARGET_GENERATE;
    } else if (strncmp(url, deployments, sizeof(deployments) - 1) == 0 &&
               (kind & SIM_KIND_AZURE) != 0) {
        find_azure_target(call, url + sizeof(deployments) - 1);
    }
}

/* Takes the credential's last characters for the counts, and says whether it is the right one. */
static bool check_credential(struct sim_call *call)
{
    const char *given = header_of(call, "Authorization");
    if (given != NULL && strncasecmp(given, "Bearer ", 7) == 0)
        given += 7;
    else
        given = call->azure                             ? header_of(call, "api-key")
                : call->answer.endpoint == SIM_MESSAGES ? header_of(call, "x-api-key")
                                                        : NULL;
    size_t length = given == NULL ? 0 : strlen(given);
    for (size_t i = length < 4 ? 0 : length - 4, j = 0; i < length && j < SIM_KEY_TAIL_BYTES - 1;
         i++, j++)
        call->key_tail[j] = (given[i] > 0x20 && given[i] < 0x7F) ? given[i] : '?';
    const char *wanted = call->provider->options.api_key;
    if (wanted == NULL || wanted[0] == '\0')
        return true;
    return length == strlen(wanted) && oft_equal_constant_time(given, wanted, length);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

/* A bucket of one second's requests. False above the cap. */
static bool below_cap(struct sim_provider *provider)
{
    unsigned cap = provider->options.requests_per_second;
    if (cap == 0)
        return true;
    int64_t price = OFT_NS_PER_SECOND / cap;
    (void)pthread_mutex_lock(&provider->lock);
    int64_t now = monotonic_ns();
    if (provider->bucket_at_ns != 0)
        provider->bucket_ns += now - provider->bucket_at_ns;
    provider->bucket_at_ns = now;
    if (provider->bucket_ns > OFT_NS_PER_SECOND)
        provider->bucket_ns = OFT_NS_PER_SECOND;
    bool below = provider->bucket_ns >= price;
    if (below)
        provider->bucket_ns -= price;
    (void)pthread_mutex_unlock(&provider->lock);
    return below;
}

/* The first of: the header, the model's or deployment's name, the control API. */
static bool choose_fault(struct sim_call *call)
{
    struct sim_provider *provider = call->provider;
    const char *header = header_of(call, "x-sim-fault");
    if (header != NULL)
        return sim_fault_parse(oft_str_from(header), &call->fault);
    const char *names[] = {call->deployment, call->ask.model};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        const char *at = strstr(names[i], "fault:");
        if (at != NULL)
            return sim_fault_parse(oft_str_from(at + 6), &call->fault);
    }
    if (atomic_load(&provider->armed) > 0) {
        (void)pthread_mutex_lock(&provider->lock);
        call->fault =
            sim_fault_take(&provider->faults, call->azure ? call->deployment : call->ask.model);
        atomic_store(&provider->armed, provider->faults.count);
        (void)pthread_mutex_unlock(&provider->lock);
    }
    return true;
}

void sim_reset_connection(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    /* Dissolving an established association makes Linux send a RST. */
    if (info != NULL)
        (void)connect(info->connect_fd, &nowhere, sizeof(nowhere));
}

static enum MHD_Result reply_status_fault(struct sim_call *call)
{
    char value[16];
    const char *header = NULL;
    (void)snprintf(value, sizeof(value), "%u", call->fault.value);
    if (call->fault.kind == SIM_FAULT_STATUS_MS)
        header = "retry-after-ms";
    else if (call->fault.value > 0)
        header = MHD_HTTP_HEADER_RETRY_AFTER;
    sim_answer_error(call->fault.status, "a simulated fault", &call->out);
    return sim_reply(call, call->fault.status, header, value);
}

/* Faults that come before any byte of an answer. False when this one comes later, or never. */
static bool act_before_answer(struct sim_call *call, enum MHD_Result *ret)
{
    switch (call->fault.kind) {
    case SIM_FAULT_STATUS:
    case SIM_FAULT_STATUS_MS:
        *ret = reply_status_fault(call);
        break;
    case SIM_FAULT_HANG:
        call->hanging = true;
        *ret = sim_timer_sleep(call->provider->timer, call->connection, SIM_HANG_NS) ? MHD_YES
                                                                                     : MHD_NO;
        break;
    case SIM_FAULT_RESET:
        sim_reset_connection(call->connection);
        *ret = MHD_NO;
        break;
    default:
        if (!sim_raw_before_answer(&call->fault))
            return false;
        *ret = sim_raw(call);
        break;
    }
    sim_counts_refuse(call->provider->counts, SIM_REFUSED_FAULT);
    return true;
}

static bool read_hint_header(const struct sim_call *call, const char *name, uint64_t most,
                             uint64_t *value)
{
    const char *text = header_of(call, name);
    if (text == NULL)
        return true;
    if (text[0] == '\0' || strlen(text) > 18 || text[strspn(text, "0123456789")] != '\0')
        return false;
    *value = strtoull(text, NULL, 10);
    if (*value > most)
        *value = most;
    return true;
}

static enum MHD_Result refuse(struct sim_call *call, enum sim_refusal why, unsigned status,
                              const char *message)
{
    sim_counts_refuse(call->provider->counts, why);
    return sim_reply_error(call, status, message);
}

static enum MHD_Result handle_generate(struct sim_call *call)
{
    struct sim_provider *provider = call->provider;
    if (!call->post)
        return sim_reply_error(call, 405, "use POST");
    if (call->azure &&
        MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "api-version") == NULL)
        return refuse(call, SIM_REFUSED_BODY, 404, "the query lacks api-version");
    struct oft_str body = {call->body.data, call->body.length};
    if (call->body.failed || !sim_ask_parse(body, provider->options.seed, &call->ask) ||
        (!call->azure && call->ask.model[0] == '\0') ||
        !read_hint_header(call, "x-sim-cached", call->ask.prompt_tokens,
                          &call->ask.cached_tokens) ||
        !read_hint_header(call, "x-sim-reasoning", call->ask.output_tokens,
                          &call->ask.reasoning_tokens))
        return refuse(call, SIM_REFUSED_BODY, 400, "the request's body is not understood");
    if (!below_cap(provider)) {
        sim_counts_refuse(provider->counts, SIM_REFUSED_RATE);
        sim_answer_error(429, "more requests a second than this provider takes", &call->out);
        return sim_reply(call, 429, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    }
    if (!choose_fault(call))
        return refuse(call, SIM_REFUSED_BODY, 400, "x-sim-fault or the model names no known fault");
    enum MHD_Result result = MHD_NO;
    if (act_before_answer(call, &result))
        return result;
    if (provider->options.latency_ms > 0) {
        call->delayed = true;
        return sim_timer_sleep(provider->timer, call->connection,
                               provider->options.latency_ms * OFT_NS_PER_MS)
                   ? MHD_YES
                   : MHD_NO;
    }
    return sim_begin_answer(call);
}

static enum MHD_Result reply_models(struct sim_call *call)
{
    static const char *const names[] = {"gpt-4o", "gpt-4o-mini", "o3", "text-embedding-3-small"};
    oft_buffer_append_text(&call->out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++)
        oft_buffer_printf(&call->out,
                          "%s{\"id\":\"%s\",\"object\":\"model\",\"created\":1735689600,"
                          "\"owned_by\":\"simulated\"}",
                          i == 0 ? "" : ",", names[i]);
    oft_buffer_append_text(&call->out, "]}");
    return sim_reply(call, 200, NULL, NULL);
}

enum MHD_Result sim_handle(struct sim_call *call, const char *url)
{
    if (call->hanging)
        return MHD_NO;
    if (call->delayed)
        return sim_begin_answer(call);
    find_target(call, url);
    if (call->target == SIM_TARGET_CONTROL)
        return sim_control(call, url);
    if (!check_credential(call))
        return refuse(call, SIM_REFUSED_KEY, 401, "Incorrect API key provided");
    switch (call->target) {
    case SIM_TARGET_GENERATE:
        return handle_generate(call);
    case SIM_TARGET_MODELS:
        return reply_models(call);
    default:
        return sim_reply_error(call, 404, "no such path at this provider");
    }
}
