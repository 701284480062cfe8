/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a day, the choice of keys and the measuring of latencies. It opens no connection:
 * demo_load.c and bench_load.c do.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

#define KEYS_MAX 10000u
#define SUB_BITS 5u
#define SUB      (1u << SUB_BITS)
#define SWING    0.6 /* how far the rate leaves its average, as a part of it */

uint64_t load_draw(uint64_t seed, uint64_t index, uint64_t salt)
{
    uint64_t value =
        seed * UINT64_C(0xD1342543DE82EF95) + index * UINT64_C(0x9E3779B97F4A7C15) + salt;
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* The part of a day's arrivals before the part X of the day: the integral of 1 - SWING cos(2 pi x). */
static double arrived_part(double x)
{
    const double two_pi = 6.283185307179586;
    return x - SWING / two_pi * sin(two_pi * x);
}

uint64_t load_arrived_at(uint64_t total, uint64_t fraction_millionths)
{
    return (uint64_t)((double)total * arrived_part((double)fraction_millionths / 1e6) + 0.5);
}

/* The inverse of arrived_part, which rises everywhere, by halving. */
static double part_of_day(double arrived)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < 48; i++) {
        double middle = (low + high) / 2;
        if (arrived_part(middle) < arrived)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t *load_schedule(unsigned seconds, unsigned rate, uint64_t seed, uint64_t *ret_count)
{
    uint64_t count = (uint64_t)seconds * rate;
    int64_t *arrivals = calloc(count == 0 ? 1 : count, sizeof(*arrivals));
    if (arrivals == NULL)
        return NULL;
    for (uint64_t i = 0; i < count; i++) {
        /* Each arrival falls anywhere within its own share of the day, so the order holds. */
        double within = (double)(load_draw(seed, i, 1) >> 11) / 9007199254740992.0;
        double part = part_of_day(((double)i + within) / (double)count);
        arrivals[i] = (int64_t)(part * (double)seconds * 1e9);
    }
    *ret_count = count;
    return arrivals;
}

/* The next word of LINE into TO; false when there is none or it is too long. */
static bool take_word(struct oft_str *line, char *to, size_t size)
{
    while (line->length > 0 && (line->data[0] == ' ' || line->data[0] == '\t')) {
        line->data++;
        line->length--;
    }
    size_t length = 0;
    while (length < line->length && line->data[length] != ' ' && line->data[length] != '\t')
        length++;
    if (length == 0 || length >= size)
        return false;
    memcpy(to, line->data, length);
    to[length] = '\0';
    line->data += length;
    line->length -= length;
    for (size_t i = 0; i < length; i++)
        if (to[i] <= 0x20 || to[i] > 0x7E || to[i] == '"' || to[i] == '\\')
            return false;
    return true;
}

static bool parse_key(struct oft_str line, struct load_key *key)
{
    char weight[24];
    return take_word(&line, key->token, sizeof(key->token)) &&
           take_word(&line, key->account, sizeof(key->account)) &&
           take_word(&line, key->product, sizeof(key->product)) &&
           take_word(&line, key->model, sizeof(key->model)) &&
           take_word(&line, weight, sizeof(weight)) && load_number(weight, 1000000, &key->weight);
}

enum oft_err load_keys_parse(struct oft_str text, const char *name, struct load_keys *ret,
                             struct oft_error *error)
{
    *ret = (struct load_keys){NULL, 0, 0};
    ret->items = calloc(KEYS_MAX, sizeof(*ret->items));
    if (ret->items == NULL)
        return oft_fail(error, OFT_ERR_MEMORY, "out of memory");
    unsigned number = 0;
    while (text.length > 0) {
        const char *end = memchr(text.data, '\n', text.length);
        struct oft_str line = {text.data, end == NULL ? text.length : (size_t)(end - text.data)};
        text.length -= line.length + (end != NULL);
        text.data += line.length + (end != NULL);
        number++;
        if (line.length > 0 && line.data[line.length - 1] == '\r')
            line.length--;
        if (line.length == 0 || line.data[0] == '#')
            continue;
        /* The line itself is not repeated: it holds a key. */
        if (ret->count == KEYS_MAX || !parse_key(line, &ret->items[ret->count])) {
            load_keys_release(ret);
            return oft_fail(error, OFT_ERR_SYNTAX,
                            "%s:%u: a line has KEY account product model weight", name, number);
        }
        ret->weight += ret->items[ret->count++].weight;
    }
    if (ret->weight > 0)
        return OFT_OK;
    load_keys_release(ret);
    return oft_fail(error, OFT_ERR_SYNTAX, "%s holds no key with a weight above 0", name);
}

void load_keys_release(struct load_keys *keys)
{
    if (keys->items != NULL)
        explicit_bzero(keys->items, keys->count * sizeof(*keys->items));
    free(keys->items);
    *keys = (struct load_keys){NULL, 0, 0};
}

const struct load_key *load_keys_pick(const struct load_keys *keys, uint64_t draw)
{
    uint64_t at = draw % keys->weight;
    for (unsigned i = 0; i < keys->count; i++) {
        if (at < keys->items[i].weight)
            return &keys->items[i];
        at -= keys->items[i].weight;
    }
    return &keys->items[keys->count - 1];
}

/* SUB buckets to each power of two; the values below SUB have their own. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - SUB_BITS;
    return (shift + 1) * SUB + (unsigned)((ns >> shift) & (SUB - 1));
}

void load_histogram_add(struct load_histogram *histogram, int64_t ns)
{
    unsigned bucket = bucket_of(ns < 0 ? 0 : (uint64_t)ns);
    histogram->buckets[bucket < LOAD_HISTOGRAM_BUCKETS ? bucket : LOAD_HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
}

int64_t load_histogram_quantile(const struct load_histogram *histogram, unsigned per_mille)
{
    uint64_t wanted = (histogram->count * per_mille + 999) / 1000;
    uint64_t seen = 0;
    if (histogram->count == 0)
        return 0;
    for (unsigned i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted && seen > 0)
            return i < SUB ? i : (int64_t)(((uint64_t)(SUB + i % SUB + 1) << (i / SUB - 1)) - 1);
    }
    return INT64_MAX;
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

int64_t load_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t load_realtime_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

bool load_number(const char *text, uint64_t most, uint64_t *ret)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18)
        return false;
    *ret = strtoull(text, &end, 10);
    return *end == '\0' && *ret <= most;
}
