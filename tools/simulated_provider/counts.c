/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock, a few rows (model and credential), and a growing list of served requests by their ids.
 * A reset begins a new epoch, and what was begun in an older one no longer counts.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "counts.h"

#define COUNT_ROWS_MAX 256u /* the last one takes whatever finds no row of its own */
#define TAIL_BYTES     8u
#define ID_BYTES       64u

struct tally {
    uint64_t served, completed, partial, streams, faults;
    uint64_t prompt, completion, cached, reasoning;
};

struct row {
    char model[OFT_MODEL_NAME_BYTES_MAX + 1];
    char key_tail[TAIL_BYTES];
    struct tally tally;
};

enum detail_state { DETAIL_IN_FLIGHT, DETAIL_COMPLETE, DETAIL_PARTIAL };

struct detail {
    char request_id[ID_BYTES];
    uint64_t prompt, completion, cached, reasoning;
    uint32_t row;
    uint8_t state;
    bool stream, faulty;
};

struct sim_counts {
    pthread_mutex_t lock;
    uint64_t epoch;
    struct row *rows;
    uint32_t row_count;
    struct detail *details;
    uint64_t detail_count, detail_capacity, detail_max, detail_dropped;
    uint64_t refused[4];
};

struct sim_counts *sim_counts_new(uint64_t detail_max)
{
    struct sim_counts *counts = calloc(1, sizeof(*counts));
    if (counts == NULL)
        return NULL;
    counts->rows = calloc(COUNT_ROWS_MAX, sizeof(struct row));
    if (counts->rows == NULL || pthread_mutex_init(&counts->lock, NULL) != 0) {
        free(counts->rows);
        free(counts);
        return NULL;
    }
    counts->epoch = 1;
    counts->detail_max = detail_max;
    return counts;
}

void sim_counts_free(struct sim_counts *counts)
{
    if (counts == NULL)
        return;
    (void)pthread_mutex_destroy(&counts->lock);
    free(counts->details);
    free(counts->rows);
    free(counts);
}

static void lock(struct sim_counts *counts)
{
    OFT_ASSERT(pthread_mutex_lock(&counts->lock) == 0);
}

static void unlock(struct sim_counts *counts)
{
    OFT_ASSERT(pthread_mutex_unlock(&counts->lock) == 0);
}

void sim_counts_reset(struct sim_counts *counts)
{
    lock(counts);
    counts->epoch++;
    memset(counts->rows, 0, COUNT_ROWS_MAX * sizeof(struct row));
    memset(counts->refused, 0, sizeof(counts->refused));
    counts->row_count = 0;
    counts->detail_count = 0;
    counts->detail_dropped = 0;
    unlock(counts);
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size - 1);
    for (size_t i = 0; i < length; i++)
        to[i] = (from[i] >= 0x20 && from[i] < 0x7F) ? from[i] : '?'; /* JSON must hold it */
    to[length] = '\0';
}

static uint32_t find_row(struct sim_counts *counts, const char *model, const char *key_tail)
{
    for (uint32_t i = 0; i < counts->row_count; i++)
        if (strcmp(counts->rows[i].model, model) == 0 &&
            strcmp(counts->rows[i].key_tail, key_tail) == 0)
            return i;
    if (counts->row_count == COUNT_ROWS_MAX)
        return COUNT_ROWS_MAX - 1;
    uint32_t i = counts->row_count++;
    bool last = i == COUNT_ROWS_MAX - 1;
    copy_text(counts->rows[i].model, sizeof(counts->rows[i].model), last ? "(others)" : model);
    copy_text(counts->rows[i].key_tail, TAIL_BYTES, last ? "" : key_tail);
    return i;
}

static struct detail *new_detail(struct sim_counts *counts)
{
    if (counts->detail_count >= counts->detail_max) {
        counts->detail_dropped++;
        return NULL;
    }
    if (counts->detail_count == counts->detail_capacity) {
        uint64_t capacity = counts->detail_capacity == 0 ? 1024 : counts->detail_capacity * 2;
        struct detail *grown = realloc(counts->details, capacity * sizeof(*grown));
        if (grown == NULL) {
            counts->detail_dropped++;
            return NULL;
        }
        counts->details = grown;
        counts->detail_capacity = capacity;
    }
    struct detail *detail = &counts->details[counts->detail_count++];
    memset(detail, 0, sizeof(*detail));
    return detail;
}

struct sim_counted sim_counts_begin(struct sim_counts *counts, const struct sim_served *served)
{
    lock(counts);
    struct sim_counted counted = {.epoch = counts->epoch};
    counted.row = find_row(counts, served->model, served->key_tail);
    struct tally *tally = &counts->rows[counted.row].tally;
    tally->served++;
    tally->streams += served->stream;
    tally->faults += served->faulty;
    tally->prompt += served->prompt_tokens;
    tally->cached += served->cached_tokens;
    if (served->request_id != NULL && served->request_id[0] != '\0') {
        struct detail *detail = new_detail(counts);
        if (detail != NULL) {
            copy_text(detail->request_id, ID_BYTES, served->request_id);
            detail->prompt = served->prompt_tokens;
            detail->cached = served->cached_tokens;
            detail->stream = served->stream;
            detail->faulty = served->faulty;
            detail->row = counted.row;
            counted.detail = counts->detail_count;
        }
    }
    unlock(counts);
    return counted;
}

void sim_counts_generated(struct sim_counts *counts, struct sim_counted counted,
                          uint64_t completion_tokens, uint64_t reasoning_tokens)
{
    lock(counts);
    if (counted.epoch == counts->epoch) {
        counts->rows[counted.row].tally.completion += completion_tokens;
        counts->rows[counted.row].tally.reasoning += reasoning_tokens;
        if (counted.detail != 0) {
            counts->details[counted.detail - 1].completion += completion_tokens;
            counts->details[counted.detail - 1].reasoning += reasoning_tokens;
        }
    }
    unlock(counts);
}

void sim_counts_end(struct sim_counts *counts, struct sim_counted counted, bool complete)
{
    lock(counts);
    if (counted.epoch == counts->epoch) {
        struct tally *tally = &counts->rows[counted.row].tally;
        tally->completed += complete;
        tally->partial += !complete;
        if (counted.detail != 0)
            counts->details[counted.detail - 1].state = complete ? DETAIL_COMPLETE : DETAIL_PARTIAL;
    }
    unlock(counts);
}

void sim_counts_refuse(struct sim_counts *counts, enum sim_refusal why)
{
    lock(counts);
    counts->refused[why]++;
    unlock(counts);
}

static json_t *tally_json(const struct tally *t)
{
    return json_pack("{sI sI sI sI sI sI sI sI sI sI}", "served", (json_int_t)t->served,
                     "completed", (json_int_t)t->completed, "partial", (json_int_t)t->partial,
                     "in_flight", (json_int_t)(t->served - t->completed - t->partial), "streams",
                     (json_int_t)t->streams, "faults", (json_int_t)t->faults, "prompt_tokens",
                     (json_int_t)t->prompt, "completion_tokens", (json_int_t)t->completion,
                     "cached_tokens", (json_int_t)t->cached, "reasoning_tokens",
                     (json_int_t)t->reasoning);
}

static json_t *detail_json(const struct sim_counts *counts, const struct detail *d)
{
    static const char *const states[] = {"in_flight", "complete", "partial"};
    return json_pack("{ss ss sI sI sI sI sb sb ss}", "request_id", d->request_id, "model",
                     counts->rows[d->row].model, "prompt_tokens", (json_int_t)d->prompt,
                     "completion_tokens", (json_int_t)d->completion, "cached_tokens",
                     (json_int_t)d->cached, "reasoning_tokens", (json_int_t)d->reasoning, "stream",
                     d->stream, "fault", d->faulty, "state", states[d->state]);
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->served += t->served;
    sum->completed += t->completed;
    sum->partial += t->partial;
    sum->streams += t->streams;
    sum->faults += t->faults;
    sum->prompt += t->prompt;
    sum->completion += t->completion;
    sum->cached += t->cached;
    sum->reasoning += t->reasoning;
}

static bool add_details(struct sim_counts *counts, json_t *root)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint64_t i = 0; good && i < counts->detail_count; i++)
        good = json_array_append_new(list, detail_json(counts, &counts->details[i])) == 0;
    if (json_object_set_new(root, "requests", list) != 0)
        return false;
    return good && json_object_set_new(root, "requests_dropped",
                                       json_integer((json_int_t)counts->detail_dropped)) == 0;
}

static json_t *build_json(struct sim_counts *counts, bool detail)
{
    struct tally sum = {0};
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (uint32_t i = 0; good && i < counts->row_count; i++) {
        const struct row *row = &counts->rows[i];
        json_t *item = tally_json(&row->tally);
        good = json_object_set_new(item, "model", json_string(row->model)) == 0 &&
               json_object_set_new(item, "key_tail", json_string(row->key_tail)) == 0;
        good = json_array_append_new(rows, item) == 0 && good;
        add_tally(&sum, &row->tally);
    }
    sum.faults += counts->refused[SIM_REFUSED_FAULT];
    json_t *root = tally_json(&sum);
    good = json_object_set_new(root, "models", rows) == 0 && good;
    static const char *const names[] = {"unauthorized", "limited", "bad_requests"};
    for (unsigned i = 0; good && i < OFT_COUNT_OF(names); i++)
        good =
            json_object_set_new(root, names[i], json_integer((json_int_t)counts->refused[i])) == 0;
    if (good && detail)
        good = add_details(counts, root);
    if (!good) {
        json_decref(root);
        return NULL;
    }
    return root;
}

json_t *sim_counts_json(struct sim_counts *counts, bool detail)
{
    lock(counts);
    json_t *root = build_json(counts, detail);
    unlock(counts);
    return root;
}
