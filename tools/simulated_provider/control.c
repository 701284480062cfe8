/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control API, for tests on the same machine: what was served, forget it, and fail next time.
 *
 *   GET  /sim/counts[?detail=1]   counts.h says what each number means
 *   POST /sim/reset               all counts to zero, and no fault waits
 *   POST /sim/fault               {"fault": "429=3", "count": 2, "model": "gpt-4o"}; model may lack
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool from_loopback(const struct sim_call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
        return false;
    struct sockaddr_in address;
    memcpy(&address, info->client_addr, sizeof(address));
    return (ntohl(address.sin_addr.s_addr) >> 24) == 127;
}

static enum MHD_Result reply_counts(struct sim_call *call)
{
    const char *detail =
        MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, "detail");
    json_t *root =
        sim_counts_json(call->provider->counts, detail != NULL && strcmp(detail, "1") == 0);
    if (root == NULL ||
        json_object_set_new(root, "name", json_string(call->provider->options.name)) != 0) {
        json_decref(root);
        return sim_reply_error(call, 500, "out of memory");
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        return sim_reply_error(call, 500, "out of memory");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (result == MHD_YES)
        result = MHD_queue_response(call->connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_done(struct sim_call *call)
{
    oft_buffer_append_text(&call->out, "{\"ok\":true}");
    return sim_reply(call, 200, NULL, NULL);
}

static enum MHD_Result reset(struct sim_call *call)
{
    struct sim_provider *provider = call->provider;
    (void)pthread_mutex_lock(&provider->lock);
    provider->faults.count = 0;
    atomic_store(&provider->armed, 0);
    (void)pthread_mutex_unlock(&provider->lock);
    sim_counts_reset(provider->counts);
    return reply_done(call);
}

static enum MHD_Result arm(struct sim_call *call)
{
    struct sim_provider *provider = call->provider;
    const char *name = NULL;
    const char *model = "";
    json_int_t times = 1;
    json_t *root =
        call->body.length == 0 || call->body.failed
            ? NULL
            : json_loadb(call->body.data, call->body.length, JSON_REJECT_DUPLICATES, NULL);
    struct sim_fault fault = {SIM_FAULT_NONE, 0, 0};
    bool good = root != NULL &&
                json_unpack(root, "{s:s, s?I, s?s}", "fault", &name, "count", &times, "model",
                            &model) == 0 &&
                times >= 0 && sim_fault_parse(oft_str_from(name), &fault);
    if (good) {
        (void)pthread_mutex_lock(&provider->lock);
        good = sim_fault_arm(&provider->faults, fault, (uint64_t)times, model);
        atomic_store(&provider->armed, provider->faults.count);
        (void)pthread_mutex_unlock(&provider->lock);
    }
    json_decref(root);
    if (!good)
        return sim_reply_error(call, 400, "no such fault, or too many wait already");
    return reply_done(call);
}

enum MHD_Result sim_control(struct sim_call *call, const char *url)
{
    if (!from_loopback(call))
        return sim_reply_error(call, 403, "the control API is for this machine only");
    if (strcmp(url, "/sim/counts") == 0 && !call->post)
        return reply_counts(call);
    if (strcmp(url, "/sim/reset") == 0 && call->post)
        return reset(call);
    if (strcmp(url, "/sim/fault") == 0 && call->post)
        return arm(call);
    return sim_reply_error(call, 404, "GET /sim/counts, POST /sim/reset, POST /sim/fault");
}
