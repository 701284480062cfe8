/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes side by side in one thread, over libcurl's multi interface (plain HTTP never waits in it).
 */
#include "notify/probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

enum { IDLE_MS = 1000 };

struct item {
    uint64_t id;
    char *url;
    uint32_t every_ms;
    int64_t due_ms;
    uint32_t failures;
    enum { UNKNOWN, GOOD, BAD } told;
    CURL *easy; /* NULL: not asked just now */
};

struct list {
    struct item *items;
    size_t count;
};

struct probe {
    probe_fn tell;
    void *context;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    struct list wanted;   /* taken over by the thread when CHANGED */
    bool changed, stop, running;
};

static int64_t now_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void release(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].url);
    }
    free(list->items);
    *list = (struct list){0};
}

/* ---- the thread ------------------------------------------------------------------------------ */

static size_t drop(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static void hear(struct probe *probe, struct item *item, bool good)
{
    item->failures = good ? 0 : item->failures + 1;
    if (good && item->told != GOOD) {
        item->told = GOOD;
        probe->tell(probe->context, item->id, true);
    } else if (item->failures >= PROBE_FAILURES_BAD && item->told != BAD) {
        item->told = BAD;
        probe->tell(probe->context, item->id, false);
    }
}

static void forget_easy(struct probe *probe, struct item *item)
{
    if (item->easy != NULL) {
        (void)curl_multi_remove_handle(probe->multi, item->easy);
        curl_easy_cleanup(item->easy);
        item->easy = NULL;
    }
}

static void ask(struct probe *probe, struct item *item)
{
    long most_ms =
        (long)(item->every_ms < PROBE_ANSWER_MS_MAX ? item->every_ms : PROBE_ANSWER_MS_MAX);
    CURL *easy = curl_easy_init();
    bool good = easy != NULL && curl_easy_setopt(easy, CURLOPT_URL, item->url) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, most_ms) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PRIVATE, item) == CURLE_OK &&
                curl_multi_add_handle(probe->multi, easy) == CURLM_OK;
    if (!good) {
        curl_easy_cleanup(easy);
        return; /* asked again when it is due again */
    }
    item->easy = easy;
}

static void reap(struct probe *probe)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(probe->multi, &left); message != NULL;
         message = curl_multi_info_read(probe->multi, &left)) {
        struct item *item = NULL;
        long status = 0;
        bool good = message->data.result == CURLE_OK;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&item);
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        hear(probe, item, good && status >= 100 && status < 500);
        forget_easy(probe, item);
    }
}

/* What was known of the same address stays known. */
static void take_over(struct probe *probe, struct list *have, struct list *wanted)
{
    for (size_t i = 0; i < have->count; i++) {
        forget_easy(probe, &have->items[i]);
        for (size_t k = 0; k < wanted->count; k++) {
            struct item *to = &wanted->items[k];
            if (to->id == have->items[i].id && strcmp(to->url, have->items[i].url) == 0) {
                to->failures = have->items[i].failures;
                to->told = have->items[i].told;
                to->due_ms = have->items[i].due_ms;
            }
        }
    }
    release(have);
    *have = *wanted;
    *wanted = (struct list){0};
}

static bool look_for_changes(struct probe *probe, struct list *list)
{
    struct list wanted = {0};
    (void)pthread_mutex_lock(&probe->lock);
    bool stop = probe->stop;
    bool changed = probe->changed;
    if (changed) {
        wanted = probe->wanted;
        probe->wanted = (struct list){0};
        probe->changed = false;
    }
    (void)pthread_mutex_unlock(&probe->lock);
    if (changed) {
        take_over(probe, list, &wanted);
    }
    return !stop;
}

/* Asks those that are due. Milliseconds until the next is. */
static int ask_due(struct probe *probe, struct list *list)
{
    int64_t now = now_ms();
    int64_t wait = IDLE_MS;
    for (size_t i = 0; i < list->count; i++) {
        struct item *item = &list->items[i];
        if (item->easy == NULL && item->due_ms <= now) {
            item->due_ms = now + item->every_ms;
            ask(probe, item);
        }
        wait = item->due_ms - now < wait ? item->due_ms - now : wait;
    }
    return wait < 1 ? 1 : (int)wait;
}

static void *run(void *context)
{
    struct probe *probe = context;
    struct list list = {0};
    int running = 0;
    while (look_for_changes(probe, &list)) {
        int wait = ask_due(probe, &list);
        (void)curl_multi_perform(probe->multi, &running);
        reap(probe);
        (void)curl_multi_poll(probe->multi, NULL, 0, wait, NULL);
    }
    for (size_t i = 0; i < list.count; i++) {
        forget_easy(probe, &list.items[i]);
    }
    release(&list);
    return NULL;
}

/* ---- the caller's side ------------------------------------------------------------------------- */

/* Signals are the daemon's. */
static bool start(struct probe *probe)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    probe->running = pthread_create(&probe->thread, NULL, run, probe) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return probe->running;
}

enum oft_err probe_open(probe_fn tell, void *context, struct probe **ret_probe,
                        struct oft_error *reterr)
{
    struct probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(probe);
        return oft_fail(reterr, OFT_ERR_MEMORY, "libcurl does not start");
    }
    probe->tell = tell;
    probe->context = context;
    probe->multi = curl_multi_init();
    if (pthread_mutex_init(&probe->lock, NULL) != 0 || probe->multi == NULL || !start(probe)) {
        probe_close(probe);
        return oft_fail(reterr, OFT_ERR_MEMORY, "no thread for the checks of pools");
    }
    *ret_probe = probe;
    return OFT_OK;
}

void probe_close(struct probe *probe)
{
    if (probe == NULL) {
        return;
    }
    if (probe->running) {
        (void)pthread_mutex_lock(&probe->lock);
        probe->stop = true;
        (void)pthread_mutex_unlock(&probe->lock);
        (void)curl_multi_wakeup(probe->multi);
        (void)pthread_join(probe->thread, NULL);
    }
    release(&probe->wanted);
    (void)curl_multi_cleanup(probe->multi);
    (void)pthread_mutex_destroy(&probe->lock);
    free(probe);
    curl_global_cleanup();
}

static bool copy_targets(const struct probe_target *targets, size_t count, struct list *list)
{
    list->items = calloc(count + 1, sizeof(*list->items));
    for (; list->items != NULL && list->count < count; list->count++) {
        struct item *item = &list->items[list->count];
        item->id = targets[list->count].id;
        item->every_ms = targets[list->count].every_ms;
        item->url = strdup(targets[list->count].url);
        if (item->url == NULL) {
            return false;
        }
    }
    return list->items != NULL;
}

enum oft_err probe_set(struct probe *probe, const struct probe_target *targets, size_t count,
                       struct oft_error *reterr)
{
    struct list list = {0};
    if (count > PROBE_TARGETS_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT, "%zu pools with a health address are more than %u",
                        count, PROBE_TARGETS_MAX);
    }
    if (!copy_targets(targets, count, &list)) {
        release(&list);
        return OFT_ERR_MEMORY;
    }
    (void)pthread_mutex_lock(&probe->lock);
    release(&probe->wanted);
    probe->wanted = list;
    probe->changed = true;
    (void)pthread_mutex_unlock(&probe->lock);
    (void)curl_multi_wakeup(probe->multi);
    return OFT_OK;
}
