/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server around the answers: starting and stopping libmicrohttpd, and gathering each request's
 * body. What a request gets is decided in handle.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_length, void **context)
{
    struct sim_provider *provider = argument;
    struct sim_call *call = *context;
    (void)version;
    if (call == NULL) {
        call = calloc(1, sizeof(*call));
        if (call == NULL)
            return MHD_NO;
        call->provider = provider;
        call->connection = connection;
        call->post = strcmp(method, "POST") == 0;
        oft_buffer_init(&call->body, SIM_BODY_BYTES_MAX);
        oft_buffer_init(&call->out, SIM_ANSWER_BYTES_MAX);
        *context = call;
        if (!call->post && strcmp(method, "GET") != 0)
            return sim_reply_error(call, 405, "this server knows GET and POST");
        return MHD_YES;
    }
    if (*upload_length > 0) {
        oft_buffer_append(&call->body, upload, *upload_length);
        *upload_length = 0;
        return MHD_YES;
    }
    return sim_handle(call, url);
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct sim_provider *provider = argument;
    struct sim_call *call = *context;
    (void)connection;
    if (call == NULL)
        return;
    if (call->counted.epoch != 0)
        sim_counts_end(provider->counts, call->counted, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    oft_buffer_release(&call->body);
    oft_buffer_release(&call->out);
    free(call);
    *context = NULL;
}

static char *read_file(const char *path, struct oft_error *error)
{
    char bytes[65536];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        (void)oft_fail(error, OFT_ERR_IO, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    size_t length = fread(bytes, 1, sizeof(bytes) - 1, file);
    bool whole = feof(file) != 0 && ferror(file) == 0;
    (void)fclose(file);
    bytes[length] = '\0';
    char *text = whole ? strdup(bytes) : NULL;
    explicit_bzero(bytes, sizeof(bytes));
    if (text == NULL)
        (void)oft_fail(error, OFT_ERR_IO, "cannot read %s whole: it must be below 64 KiB", path);
    return text;
}

static enum oft_err load_tls(struct sim_provider *provider, struct oft_error *error)
{
    const struct sim_options *options = &provider->options;
    if (options->tls_cert_path == NULL)
        return OFT_OK;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return oft_fail(error, OFT_ERR_INVALID, "this libmicrohttpd was built without TLS");
    provider->tls_cert = read_file(options->tls_cert_path, error);
    provider->tls_key = provider->tls_cert == NULL ? NULL : read_file(options->tls_key_path, error);
    return provider->tls_key == NULL ? OFT_ERR_IO : OFT_OK;
}

static enum oft_err start_daemon(struct sim_provider *provider, struct oft_error *error)
{
    const struct sim_options *options = &provider->options;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->listen, &address.sin_addr) != 1)
        return oft_fail(error, OFT_ERR_INVALID, "--listen %s is no IPv4 address", options->listen);
    struct MHD_OptionItem items[8];
    size_t count = 0;
    if (options->threads > 1)
        items[count++] =
            (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL};
    if (provider->tls_cert != NULL) {
        items[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, provider->tls_cert};
        items[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, provider->tls_key};
    }
    items[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (provider->tls_cert != NULL)
        flags |= MHD_USE_TLS;
    provider->daemon =
        MHD_start_daemon(flags, options->port, NULL, NULL, on_request, provider,
                         MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
                         MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, provider, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (provider->daemon == NULL)
        return oft_fail(error, OFT_ERR_IO, "cannot listen on %s:%u: %s", options->listen,
                        (unsigned)options->port, strerror(errno));
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(provider->daemon, MHD_DAEMON_INFO_BIND_PORT);
    provider->port = info != NULL ? info->port : options->port;
    return OFT_OK;
}

struct sim_provider *sim_provider_start(const struct sim_options *options, struct oft_error *error)
{
    struct sim_provider *provider = calloc(1, sizeof(*provider));
    if (provider == NULL) {
        (void)oft_fail(error, OFT_ERR_MEMORY, "out of memory");
        return NULL;
    }
    provider->options = *options;
    sim_text_init(&provider->text, options->seed);
    if (pthread_mutex_init(&provider->lock, NULL) != 0) {
        free(provider);
        (void)oft_fail(error, OFT_ERR_MEMORY, "cannot make a lock");
        return NULL;
    }
    provider->bucket_ns = OFT_NS_PER_SECOND;
    provider->counts = sim_counts_new(options->detail_max);
    provider->timer = sim_timer_new();
    if (provider->counts == NULL || provider->timer == NULL)
        (void)oft_fail(error, OFT_ERR_MEMORY, "out of memory");
    else if (load_tls(provider, error) == OFT_OK && start_daemon(provider, error) == OFT_OK)
        return provider;
    sim_provider_stop(provider);
    return NULL;
}

uint16_t sim_provider_port(const struct sim_provider *provider)
{
    return provider->port;
}

void sim_provider_stop(struct sim_provider *provider)
{
    if (provider == NULL)
        return;
    if (provider->timer != NULL)
        sim_timer_end(provider->timer); /* nobody sleeps: libmicrohttpd cannot stop over sleepers */
    if (provider->daemon != NULL)
        MHD_stop_daemon(provider->daemon);
    sim_timer_free(provider->timer);
    sim_counts_free(provider->counts);
    if (provider->tls_key != NULL)
        explicit_bzero(provider->tls_key, strlen(provider->tls_key));
    free(provider->tls_cert);
    free(provider->tls_key);
    (void)pthread_mutex_destroy(&provider->lock);
    free(provider);
}
