/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attempts.  nginx asks for a peer before each one: that is where the pool is
 * chosen and the whole request is built for it, so that no byte meant for one
 * pool (its key least of all) can reach another.  When an attempt ends, what
 * happened decides whether another may follow.
 */

#include "ngx_http_offtake.h"


static ngx_int_t ngx_http_offtake_peer_get(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_offtake_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_offtake_peer_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_offtake_peer_save_session(ngx_peer_connection_t *pc,
    void *data);
#endif


ngx_int_t
ngx_http_offtake_upstream_start(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_http_upstream_t           *u;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u = r->upstream;

    ctx->upstream_conf = omcf->upstream;
    ctx->upstream_conf.upstream = &omcf->peers;

    if (ctx->by_id) {
        ctx->upstream_conf.next_upstream |= NGX_HTTP_UPSTREAM_FT_HTTP_404;
    }

    u->conf = &ctx->upstream_conf;
    u->output.tag = (ngx_buf_tag_t) &ngx_http_offtake_module;
    ngx_str_set(&u->schema, "offtake://");

    u->create_request = ngx_http_offtake_create_request;
    u->reinit_request = ngx_http_offtake_reinit_request;
    u->process_header = ngx_http_offtake_process_status;
    u->abort_request = ngx_http_offtake_abort_request;
    u->finalize_request = ngx_http_offtake_finalize_request;

    u->buffering = 0;
    u->input_filter_init = ngx_http_offtake_filter_init;
    u->input_filter = ngx_http_offtake_filter;
    u->input_filter_ctx = r;

    /*
     * The body was read already, and its handler runs outside of any content
     * phase: the upstream goes on from here by itself.
     */
    ngx_http_upstream_init(r);

    return NGX_DONE;
}


ngx_int_t
ngx_http_offtake_peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *peers)
{
    ngx_http_upstream_t     *u = r->upstream;
    ngx_http_offtake_ctx_t  *ctx;

    (void) peers;

    ctx = ngx_http_get_module_ctx(r, ngx_http_offtake_module);

    u->peer.data = ctx;
    u->peer.get = ngx_http_offtake_peer_get;
    u->peer.free = ngx_http_offtake_peer_free;
#if (NGX_HTTP_SSL)
    u->peer.set_session = ngx_http_offtake_peer_set_session;
    u->peer.save_session = ngx_http_offtake_peer_save_session;
#endif
    u->peer.tries = ctx->answer->up_count;
    if (u->peer.tries > OFT_ATTEMPTS_MAX) {
        u->peer.tries = OFT_ATTEMPTS_MAX;
    }

    return NGX_OK;
}


/* The SSL context that verifies against this bundle; made when first needed. */

static ngx_ssl_t *
ngx_http_offtake_ssl(ngx_http_offtake_main_conf_t *omcf, ngx_str_t *ca_file,
    ngx_log_t *log)
{
    ngx_uint_t               i;
    ngx_array_t             *known = &omcf->worker->ssl;
    ngx_http_offtake_ssl_t  *entry = known->elts;

    for (i = 0; i < known->nelts; i++) {
        if (entry[i].ca_file.len == ca_file->len
            && ngx_memcmp(entry[i].ca_file.data, ca_file->data, ca_file->len)
               == 0)
        {
            return entry[i].ssl;
        }
    }

    entry = ngx_array_push(known);
    if (entry == NULL) {
        return NULL;
    }

    ngx_memzero(entry, sizeof(ngx_http_offtake_ssl_t));
    entry->ca_file.data = ngx_pnalloc(omcf->worker->pool, ca_file->len + 1);
    entry->ssl = ngx_pcalloc(omcf->worker->pool, sizeof(ngx_ssl_t));
    if (entry->ca_file.data == NULL || entry->ssl == NULL) {
        known->nelts--;
        return NULL;
    }

    *ngx_cpymem(entry->ca_file.data, ca_file->data, ca_file->len) = 0;
    entry->ca_file.len = ca_file->len;
    entry->ssl->log = ngx_cycle->log;

    if (ngx_ssl_create(entry->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
            != NGX_OK
        || SSL_CTX_load_verify_locations(entry->ssl->ctx,
                                         (char *) entry->ca_file.data, NULL)
           != 1)
    {
        ngx_ssl_error(NGX_LOG_ALERT, log, 0,
                      "the certificate bundle \"%V\" cannot be used",
                      &entry->ca_file);
        known->nelts--; /* asked again next time: the file may be mended */
        return NULL;
    }

    SSL_CTX_set_verify(entry->ssl->ctx, SSL_VERIFY_PEER, NULL);

    return entry->ssl;
}


/* This attempt's configuration: the pool's time-outs and its certificates. */

static ngx_int_t
ngx_http_offtake_configure(ngx_http_request_t *r, ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint)
{
    ngx_str_t                      ca_file;
    struct oft_str                 text;
    ngx_http_upstream_t           *u = r->upstream;
    const struct policy_pool      *pool;
    ngx_http_offtake_main_conf_t  *omcf;

    omcf = ngx_http_get_module_main_conf(r, ngx_http_offtake_module);
    pool = &ctx->policy->view.pools[endpoint->pool];

    ctx->upstream_conf.connect_timeout = pool->connect_timeout_ms;
    ctx->upstream_conf.send_timeout = pool->first_byte_timeout_ms;
    ctx->upstream_conf.read_timeout = pool->first_byte_timeout_ms;

    u->ssl = endpoint->tls ? 1 : 0;

    if (!u->ssl) {
        return NGX_OK;
    }

    text = policy_text(&ctx->policy->view, endpoint->ca_file);
    ca_file.data = (u_char *) text.data;
    ca_file.len = text.length;

    if (ca_file.len == 0) {
        ca_file = omcf->ca_bundle;
    }

    ctx->upstream_conf.ssl = ngx_http_offtake_ssl(omcf, &ca_file,
                                                  r->connection->log);

    text = policy_text(&ctx->policy->view, endpoint->host);
    u->ssl_name.data = (u_char *) text.data;
    u->ssl_name.len = text.length;

    return ctx->upstream_conf.ssl == NULL ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_offtake_sockaddr(ngx_http_request_t *r, ngx_peer_connection_t *pc,
    const struct policy_address *address, ngx_str_t *name)
{
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    if (address->family == 4) {
        sin = ngx_pcalloc(r->pool, sizeof(struct sockaddr_in));
        if (sin == NULL) {
            return NGX_ERROR;
        }

        sin->sin_family = AF_INET;
        sin->sin_port = htons(address->port);
        ngx_memcpy(&sin->sin_addr, address->bytes, 4);
        pc->sockaddr = (struct sockaddr *) sin;
        pc->socklen = sizeof(struct sockaddr_in);

    } else {
        sin6 = ngx_pcalloc(r->pool, sizeof(struct sockaddr_in6));
        if (sin6 == NULL) {
            return NGX_ERROR;
        }

        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(address->port);
        ngx_memcpy(&sin6->sin6_addr, address->bytes, 16);
        pc->sockaddr = (struct sockaddr *) sin6;
        pc->socklen = sizeof(struct sockaddr_in6);
    }

    pc->name = name;

    return NGX_OK;
}


/* The next allowed pool, or the same one again after a stale connection. */

static ngx_int_t
ngx_http_offtake_choose(ngx_http_offtake_ctx_t *ctx)
{
    ngx_http_offtake_short_t       why;
    const struct policy_endpoint  *endpoint;

    if (ctx->next_key) {
        ctx->key_at = ctx->key_next;
        endpoint = &ctx->policy->view.endpoints[ctx->candidate->endpoint];
        ctx->credential = endpoint->credential + ctx->key_at;
        ctx->next_key = 0;

    } else if (!ctx->same_pool) {
        do {
            if (!ctx->pool_taken
                && !ngx_http_offtake_limits_next_pool(ctx, &why))
            {
                return NGX_BUSY;
            }

            ctx->pool_taken = 0;
            ctx->candidate = ctx->answer->choices[ctx->choice].candidate;
            ctx->choice++;

        } while (!ngx_http_offtake_health_begin(ctx));

        endpoint = &ctx->policy->view.endpoints[ctx->candidate->endpoint];
        ctx->address = (uint32_t) (ctx->worker->id_counter
                                   % endpoint->address_count);
        ngx_http_offtake_key_choose(ctx, endpoint);
    }

    ctx->same_pool = 0;

    return NGX_OK;
}


/* What goes to a provider goes at once, as what goes to clients does. */

static ngx_int_t
ngx_http_offtake_send_at_once(void *data, ngx_chain_t *in)
{
    ngx_chain_writer_ctx_t  *writer = data;

    if (writer->connection->tcp_nodelay == NGX_TCP_NODELAY_UNSET) {
        (void) ngx_tcp_nodelay(writer->connection);
    }

    return ngx_chain_writer(data, in);
}


static ngx_int_t
ngx_http_offtake_peer_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_str_t                     *name;
    struct oft_str                 text;
    ngx_connection_t              *c;
    ngx_http_request_t            *r;
    ngx_http_offtake_ctx_t        *ctx = data;
    const struct policy_view      *view = &ctx->policy->view;
    const struct policy_endpoint  *endpoint;
    ngx_uint_t                     fresh = ctx->same_pool;

    r = ctx->request;
    r->upstream->output.output_filter = ngx_http_offtake_send_at_once;
    pc->cached = 0;
    pc->connection = NULL;

    if (ngx_http_offtake_choose(ctx) != NGX_OK) {
        return NGX_BUSY;
    }

    endpoint = &view->endpoints[ctx->candidate->endpoint];

    ctx->record.pool_id = view->pools[ctx->candidate->pool].id;
    ctx->record.clause_id = view->clauses[ctx->candidate->clause].id;
    ctx->upstream_status = 0;
    ctx->retry_after = 0;
    ctx->timed_out = 0;
    ctx->encoded = 0;
    ctx->opening = 0;
    ctx->first_error.len = 0;

    name = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (name == NULL) {
        return NGX_ERROR;
    }

    text = policy_text(view, view->pools[ctx->candidate->pool].name);
    name->data = (u_char *) text.data;
    name->len = text.length;

    if (ngx_http_offtake_sockaddr(r, pc, &endpoint->addresses[ctx->address],
                                  name)
            != NGX_OK
        || ngx_http_offtake_build(r, ctx, endpoint) != NGX_OK
        || ngx_http_offtake_meter_intent(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_offtake_configure(r, ctx, endpoint) != NGX_OK) {
        return NGX_DECLINED; /* no certificates to trust: the next pool */
    }

    if (!fresh) {
        c = ngx_http_offtake_keepalive_take(ctx->worker, ctx->record.pool_id,
                                            endpoint, ctx->address,
                                            policy_text(view,
                                                        endpoint->host));
        if (c != NULL) {
            c->idle = 0;
            c->sent = 0;
            c->data = NULL;
            c->log = pc->log;
            c->read->log = pc->log;
            c->write->log = pc->log;
            c->pool->log = pc->log;
            pc->connection = c;
            pc->cached = 1;
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


/* What a provider's status means for its pool. */

static void
ngx_http_offtake_told(ngx_http_offtake_ctx_t *ctx)
{
    if (ngx_http_offtake_says_wait(ctx->upstream_status)) {
        ngx_http_offtake_health_down(ctx, ctx->retry_after);

    } else if (ctx->upstream_status >= 500) {
        ngx_http_offtake_health_failed(ctx);
    }
}


static void
ngx_http_offtake_count_failed(ngx_peer_connection_t *pc,
    ngx_http_offtake_ctx_t *ctx, enum counter_attempt how)
{
    counter_attempt_failed(&ctx->worker->counters, ctx->record.pool_id, how,
                           how != COUNTER_STALE && how != COUNTER_NO_ANSWER
                           && pc->tries > 0);
}


static enum counter_attempt
ngx_http_offtake_how(ngx_uint_t status)
{
    switch (status) {

    case 401:
    case 403:
        return COUNTER_CREDENTIAL;

    case 429:
        return COUNTER_LIMITED;

    case 503:
    case 529:
        return COUNTER_BUSY;

    default:
        return COUNTER_FAULT;
    }
}


/* What a failed attempt means: for its pool, and for whether to go on. */

static void
ngx_http_offtake_failed(ngx_peer_connection_t *pc, ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx)
{
    ngx_connection_t     *c = pc->connection;
    ngx_http_upstream_t  *u = r->upstream;

    if (ctx->opening && ctx->first_error.len == 0) {
        /* It said 200 and then nothing that a client could use: the next
         * pool may answer, though this one may have generated. */
        ctx->connected = 1;
        ctx->maybe_billed = 1;
        ctx->failed_over = 1;
        ctx->timed_out = c != NULL && c->read->timedout;
        ctx->upstream_status = 0;
        pc->cached = 0;
        ngx_http_offtake_health_failed(ctx);
        ngx_http_offtake_count_failed(pc, ctx, COUNTER_FAULT);
        return;
    }

    if (ctx->upstream_status != 0) {
        /* It answered, with a status that lets another pool try. */
        ctx->connected = 1;
        ngx_http_offtake_count_failed(pc, ctx,
                            ngx_http_offtake_how(ctx->upstream_status));

        if (!ctx->next_key) { /* else the key cools down, and not its pool */
            ngx_http_offtake_told(ctx);
        }
        return;
    }

    if (!u->request_sent) {
        ngx_http_offtake_count_failed(pc, ctx, COUNTER_UNREACHED);
        ngx_http_offtake_health_down(ctx, 0);
        return;
    }

    if (pc->cached && c != NULL && !c->read->timedout && !c->write->timedout
        && u->state->bytes_received == 0)
    {
        /* An idle connection that the provider had closed: same pool, new
         * connection.  nginx gives the try back. */
        ctx->same_pool = 1;
        ngx_http_offtake_count_failed(pc, ctx, COUNTER_STALE);
        return;
    }

    /* Sent, and no answer: it may be generating, and billing.  Not again. */
    ngx_http_offtake_health_failed(ctx);
    ngx_http_offtake_count_failed(pc, ctx, COUNTER_NO_ANSWER);
    ctx->connected = 1;
    ctx->maybe_billed = 1;
    ctx->timed_out = c != NULL && (c->read->timedout || c->write->timedout);
    pc->tries = 0;
    pc->cached = 0; /* or nginx would give the try back */
}


/* An error that is here to its last byte leaves a connection as good as any. */

static ngx_uint_t
ngx_http_offtake_error_is_whole(ngx_http_upstream_t *u,
    ngx_http_offtake_ctx_t *ctx)
{
    return ctx->upstream_status != 0
           && !u->headers_in.connection_close
           && !u->headers_in.chunked
           && u->headers_in.content_length_n == u->buffer.last - u->buffer.pos;
}


static void
ngx_http_offtake_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_uint_t                     keep;
    ngx_http_request_t            *r;
    ngx_connection_t              *c = pc->connection;
    ngx_http_upstream_t           *u;
    ngx_http_offtake_ctx_t        *ctx = data;
    const struct policy_endpoint  *endpoint;

    r = ctx->request;
    u = r->upstream;

    if (pc->tries) {
        pc->tries--;
    }

    if (ctx->candidate == NULL) {
        return;
    }

    keep = u->keepalive;

    if (state & NGX_PEER_FAILED) {
        ngx_http_offtake_failed(pc, r, ctx);
        keep = ngx_http_offtake_error_is_whole(u, ctx);

    } else {
        ngx_http_offtake_told(ctx); /* no other pool was left to try */
    }

    if (c == NULL || !keep || !u->request_body_sent
        || c->read->eof || c->read->error || c->read->timedout
        || c->write->error || c->write->timedout)
    {
        return;
    }

    endpoint = &ctx->policy->view.endpoints[ctx->candidate->endpoint];

    if (ngx_http_offtake_keepalive_put(ctx->worker, ctx->record.pool_id,
                                       endpoint, ctx->address,
                                       policy_text(&ctx->policy->view,
                                                   endpoint->host),
                                       c)
        == NGX_OK)
    {
        pc->connection = NULL;
    }
}


#if (NGX_HTTP_SSL)

/* Connections are kept alive by pool; sessions are not kept beside them. */

static ngx_int_t
ngx_http_offtake_peer_set_session(ngx_peer_connection_t *pc, void *data)
{
    (void) pc;
    (void) data;

    return NGX_OK;
}


static void
ngx_http_offtake_peer_save_session(ngx_peer_connection_t *pc, void *data)
{
    (void) pc;
    (void) data;
}

#endif
