/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Idle connections to providers, kept by pool, endpoint address, TLS and host:
 * two pools behind one address never share a connection.
 */

#include "ngx_http_offtake.h"

#define OFFTAKE_IDLE_MS       60000
#define OFFTAKE_REQUESTS_MAX  10000


typedef struct {
    ngx_queue_t                 queue;
    ngx_http_offtake_worker_t  *worker;
    ngx_connection_t           *connection;
    uint64_t                    pool_id;
    struct policy_address       address;
    uint32_t                    tls;
    size_t                      host_length;
    u_char                      host[256];
} ngx_http_offtake_item_t;


static void ngx_http_offtake_idle_read(ngx_event_t *ev);
static void ngx_http_offtake_idle_write(ngx_event_t *ev);


ngx_int_t
ngx_http_offtake_keepalive_init(ngx_http_offtake_main_conf_t *omcf)
{
    ngx_uint_t                  i;
    ngx_http_offtake_item_t    *items;
    ngx_http_offtake_worker_t  *worker = omcf->worker;

    ngx_queue_init(&worker->idle);
    ngx_queue_init(&worker->free_items);

    if (omcf->keepalive == 0) {
        return NGX_OK;
    }

    items = ngx_pcalloc(worker->pool,
                        omcf->keepalive * sizeof(ngx_http_offtake_item_t));
    if (items == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < omcf->keepalive; i++) {
        items[i].worker = worker;
        ngx_queue_insert_head(&worker->free_items, &items[i].queue);
    }

    return NGX_OK;
}


static void
ngx_http_offtake_close(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)
    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_http_offtake_close;
            return;
        }
    }
#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


static ngx_uint_t
ngx_http_offtake_same(ngx_http_offtake_item_t *item, uint64_t pool_id,
    const struct policy_endpoint *endpoint, uint32_t address,
    struct oft_str host)
{
    return item->pool_id == pool_id
           && item->tls == endpoint->tls
           && item->host_length == host.length
           && ngx_memcmp(item->host, host.data, host.length) == 0
           && ngx_memcmp(&item->address, &endpoint->addresses[address],
                         sizeof(struct policy_address)) == 0;
}


ngx_connection_t *
ngx_http_offtake_keepalive_take(ngx_http_offtake_worker_t *worker,
    uint64_t pool_id, const struct policy_endpoint *endpoint,
    uint32_t address, struct oft_str host)
{
    ngx_queue_t              *q;
    ngx_connection_t         *c;
    ngx_http_offtake_item_t  *item;

    for (q = ngx_queue_head(&worker->idle);
         q != ngx_queue_sentinel(&worker->idle);
         q = ngx_queue_next(q))
    {
        item = ngx_queue_data(q, ngx_http_offtake_item_t, queue);

        if (!ngx_http_offtake_same(item, pool_id, endpoint, address, host)) {
            continue;
        }

        c = item->connection;
        ngx_queue_remove(q);
        ngx_queue_insert_head(&worker->free_items, q);

        if (c->read->timer_set) {
            ngx_del_timer(c->read);
        }

        return c;
    }

    return NULL;
}


/* An item for a new idle connection; the one idle for longest makes room. */

static ngx_http_offtake_item_t *
ngx_http_offtake_item(ngx_http_offtake_worker_t *worker)
{
    ngx_queue_t              *q;
    ngx_http_offtake_item_t  *item;

    if (!ngx_queue_empty(&worker->free_items)) {
        q = ngx_queue_head(&worker->free_items);
        ngx_queue_remove(q);
        return ngx_queue_data(q, ngx_http_offtake_item_t, queue);
    }

    if (ngx_queue_empty(&worker->idle)) {
        return NULL;
    }

    q = ngx_queue_last(&worker->idle);
    ngx_queue_remove(q);
    item = ngx_queue_data(q, ngx_http_offtake_item_t, queue);
    ngx_http_offtake_close(item->connection);

    return item;
}


ngx_int_t
ngx_http_offtake_keepalive_put(ngx_http_offtake_worker_t *worker,
    uint64_t pool_id, const struct policy_endpoint *endpoint,
    uint32_t address, struct oft_str host, ngx_connection_t *c)
{
    ngx_http_offtake_item_t  *item;

    if (ngx_terminate || ngx_exiting || c->requests >= OFFTAKE_REQUESTS_MAX
        || host.length > sizeof(item->host)
        || ngx_handle_read_event(c->read, 0) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    item = ngx_http_offtake_item(worker);
    if (item == NULL) {
        return NGX_DECLINED;
    }

    item->connection = c;
    item->pool_id = pool_id;
    item->tls = endpoint->tls;
    item->address = endpoint->addresses[address];
    item->host_length = host.length;
    ngx_memcpy(item->host, host.data, host.length);
    ngx_queue_insert_head(&worker->idle, &item->queue);

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->delayed = 0;
    ngx_add_timer(c->read, OFFTAKE_IDLE_MS);

    c->read->handler = ngx_http_offtake_idle_read;
    c->write->handler = ngx_http_offtake_idle_write;
    c->data = item;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_http_offtake_idle_read(c->read);
    }

    return NGX_OK;
}


static void
ngx_http_offtake_idle_write(ngx_event_t *ev)
{
    (void) ev;
}


/* An idle connection has nothing to say: bytes, an end or a time-out close it. */

static void
ngx_http_offtake_idle_read(ngx_event_t *ev)
{
    int                       n;
    char                      byte[1];
    ngx_connection_t         *c = ev->data;
    ngx_http_offtake_item_t  *item = c->data;

    if (!c->close && !ev->timedout) {
        n = (int) recv(c->fd, byte, 1, MSG_PEEK);

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            ev->ready = 0;

            if (ngx_handle_read_event(ev, 0) == NGX_OK) {
                return;
            }
        }
    }

    ngx_queue_remove(&item->queue);
    ngx_queue_insert_head(&item->worker->free_items, &item->queue);
    ngx_http_offtake_close(c);
}
