/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of sleepers in the order of their wakings, and one thread that waits for the first. Most
 * sleepers of a run sleep equally long, so a new one nearly always belongs at the end.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "timer.h"

struct sleeper {
    struct sleeper *previous;
    struct sleeper *next;
    struct MHD_Connection *connection;
    int64_t wake_ns;
};

struct sim_timer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct sleeper *first;
    struct sleeper *last;
    bool ending;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

/* With the lock held. */
static void wake_first(struct sim_timer *timer)
{
    struct sleeper *sleeper = timer->first;
    timer->first = sleeper->next;
    if (timer->first != NULL)
        timer->first->previous = NULL;
    else
        timer->last = NULL;
    MHD_resume_connection(sleeper->connection);
    free(sleeper);
}

static void *run(void *argument)
{
    struct sim_timer *timer = argument;
    (void)pthread_mutex_lock(&timer->lock);
    while (!timer->ending) {
        if (timer->first == NULL) {
            (void)pthread_cond_wait(&timer->changed, &timer->lock);
        } else if (timer->first->wake_ns <= now_ns()) {
            wake_first(timer);
        } else {
            struct timespec until = {.tv_sec = timer->first->wake_ns / OFT_NS_PER_SECOND,
                                     .tv_nsec = timer->first->wake_ns % OFT_NS_PER_SECOND};
            (void)pthread_cond_timedwait(&timer->changed, &timer->lock, &until);
        }
    }
    (void)pthread_mutex_unlock(&timer->lock);
    return NULL;
}

struct sim_timer *sim_timer_new(void)
{
    struct sim_timer *timer = calloc(1, sizeof(*timer));
    pthread_condattr_t attributes;
    if (timer == NULL || pthread_condattr_init(&attributes) != 0) {
        free(timer);
        return NULL;
    }
    bool good = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_mutex_init(&timer->lock, NULL) == 0 &&
                pthread_cond_init(&timer->changed, &attributes) == 0 &&
                pthread_create(&timer->thread, NULL, run, timer) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!good) {
        free(timer);
        return NULL;
    }
    return timer;
}

bool sim_timer_sleep(struct sim_timer *timer, struct MHD_Connection *connection, int64_t delay_ns)
{
    struct sleeper *sleeper = calloc(1, sizeof(*sleeper));
    if (sleeper == NULL)
        return false;
    (void)pthread_mutex_lock(&timer->lock);
    if (timer->ending) {
        (void)pthread_mutex_unlock(&timer->lock);
        free(sleeper);
        return false;
    }
    MHD_suspend_connection(connection);
    sleeper->connection = connection;
    sleeper->wake_ns = now_ns() + delay_ns;
    struct sleeper *before = timer->last;
    while (before != NULL && before->wake_ns > sleeper->wake_ns)
        before = before->previous;
    sleeper->previous = before;
    sleeper->next = before == NULL ? timer->first : before->next;
    if (sleeper->next != NULL)
        sleeper->next->previous = sleeper;
    else
        timer->last = sleeper;
    if (before != NULL)
        before->next = sleeper;
    else
        timer->first = sleeper;
    if (timer->first == sleeper)
        (void)pthread_cond_signal(&timer->changed);
    (void)pthread_mutex_unlock(&timer->lock);
    return true;
}

void sim_timer_end(struct sim_timer *timer)
{
    (void)pthread_mutex_lock(&timer->lock);
    timer->ending = true;
    while (timer->first != NULL)
        wake_first(timer);
    (void)pthread_cond_signal(&timer->changed);
    (void)pthread_mutex_unlock(&timer->lock);
    (void)pthread_join(timer->thread, NULL);
}

void sim_timer_free(struct sim_timer *timer)
{
    if (timer == NULL)
        return;
    (void)pthread_cond_destroy(&timer->changed);
    (void)pthread_mutex_destroy(&timer->lock);
    free(timer);
}
