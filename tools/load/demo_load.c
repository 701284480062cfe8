/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offtake-demo-load: a day of chat requests in miniature, from several accounts and products, JSON and
 * streams mixed. What each request asks is a function of the seed; what came back, from which pool and
 * by which clause, is written down so that it can be held against the contract and the books.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "demo_report.h"
#include "load.h"

#define ANSWER_BYTES_MAX (4u << 20)
#define KEYS_BYTES_MAX   (4u << 20)

static const char help[] =
    "offtake-demo-load --url URL --keys-file FILE [OPTION]...\n"
    "Sends a seeded, day-shaped stream of chat requests; writes down what came back.\n"
    "\n"
    "  --url URL          the gateway, such as http://127.0.0.1:8080\n"
    "  --keys-file FILE   lines of KEY account product model weight\n"
    "  --seconds N        length of the day (default 24)\n"
    "  --rate N           requests a second on average (default 60)\n"
    "  --seed N           what is drawn is a function of it (default 7)\n"
    "  --concurrency N    requests at a time at most (default 32)\n"
    "  --summary FILE     totals by product, pool and clause, as JSON\n"
    "  --log FILE         one JSON line a request\n"
    "\n"
    "Exit: 0 every request was answered whole and with the tokens asked for, 1 some\n"
    "were not, 2 wrong usage, 3 a fault.\n";

struct demo_options {
    const char *url, *keys_path, *summary_path, *log_path;
    uint64_t seconds, rate, seed, concurrency;
};

struct client {
    CURL *easy;
    struct curl_slist *headers;
    struct oft_buffer body, answer;
    struct demo_result result;
    bool busy;
};

struct demo {
    struct demo_options options;
    struct load_keys keys;
    struct demo_report *report;
    CURLM *multi;
    struct client *clients;
    char url[1024];
    int64_t *schedule;
    uint64_t next, count;
    unsigned busy;
};

static size_t on_answer(char *data, size_t size, size_t count, void *argument)
{
    struct client *client = argument;
    oft_buffer_append(&client->answer, data, size * count);
    return client->answer.failed ? 0 : size * count;
}

static void take_header(struct oft_str line, const char *name, char *to)
{
    size_t length = strlen(name);
    if (line.length <= length || strncasecmp(line.data, name, length) != 0)
        return;
    line.data += length;
    line.length -= length;
    while (line.length > 0 && line.data[0] == ' ') {
        line.data++;
        line.length--;
    }
    while (line.length > 0 && (unsigned char)line.data[line.length - 1] <= ' ')
        line.length--;
    if (line.length >= DEMO_NAME_BYTES)
        line.length = DEMO_NAME_BYTES - 1;
    for (size_t i = 0; i < line.length; i++)
        to[i] = (line.data[i] >= 0x20 && line.data[i] < 0x7F) ? line.data[i] : '?';
    to[line.length] = '\0';
}

static size_t on_header(char *data, size_t size, size_t count, void *argument)
{
    struct client *client = argument;
    struct oft_str line = {data, size * count};
    take_header(line, "x-offtake-pool:", client->result.pool);
    take_header(line, "x-offtake-clause:", client->result.clause);
    take_header(line, "x-offtake-request-id:", client->result.request_id);
    return size * count;
}

static void read_usage(const char *text, size_t length, struct demo_result *result)
{
    json_int_t prompt = -1;
    json_int_t output = -1;
    json_t *root = json_loadb(text, length, 0, NULL);
    if (root != NULL && json_unpack(root, "{s:{s:I, s:I}}", "usage", "prompt_tokens", &prompt,
                                    "completion_tokens", &output) == 0) {
        result->prompt = prompt;
        result->output = output;
    }
    result->whole = result->stream ? result->whole : root != NULL;
    json_decref(root);
}

static void read_stream(struct oft_str rest, struct demo_result *result)
{
    while (rest.length > 0) {
        const char *end = memchr(rest.data, '\n', rest.length);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        struct oft_str line = {rest.data, length};
        rest.data += length + (end != NULL);
        rest.length -= length + (end != NULL);
        if (line.length >= 12 && memcmp(line.data, "data: [DONE]", 12) == 0)
            result->whole = true;
        else if (line.length > 6 && memmem(line.data, line.length, "\"usage\":{", 9) != NULL)
            read_usage(line.data + 6, line.length - 6, result);
    }
}

static bool end_request(struct demo *demo, struct client *client, CURLcode code)
{
    struct demo_result *result = &client->result;
    result->received_ns = load_realtime_ns();
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &result->status);
    struct oft_str answer = {oft_buffer_text(&client->answer), client->answer.length};
    if (code == CURLE_OK && result->status == 200) {
        if (result->stream)
            read_stream(answer, result);
        else
            read_usage(answer.data, answer.length, result);
    }
    client->busy = false;
    demo->busy--;
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    return demo_report_add(demo->report, result);
}

/* What request INDEX asks: long and short prompts mixed, the short ones far more often. */
static void draw_request(struct demo *demo, uint64_t index, struct client *client)
{
    uint64_t seed = demo->options.seed;
    struct demo_result *result = &client->result;
    memset(result, 0, sizeof(*result));
    result->key = load_keys_pick(&demo->keys, load_draw(seed, index, 2));
    result->prompt = -1;
    result->output = -1;
    result->asked_prompt =
        20 + load_draw(seed, index, 3) % (UINT64_C(1) << (5 + load_draw(seed, index, 4) % 8));
    result->asked_output =
        5 + load_draw(seed, index, 5) % (UINT64_C(1) << (4 + load_draw(seed, index, 6) % 6));
    result->stream = load_draw(seed, index, 7) % 2 == 0;
    uint64_t cached = 0;
    if (load_draw(seed, index, 8) % 3 == 0)
        cached = load_draw(seed, index, 9) % (result->asked_prompt + 1);
    bool usage = result->stream && load_draw(seed, index, 10) % 2 == 0;
    oft_buffer_clear(&client->body);
    oft_buffer_printf(
        &client->body,
        "{\"model\":\"%s\",\"max_tokens\":%" PRIu64 "%s%s,\"messages\":[{\"role\":"
        "\"user\",\"content\":\"tokens:%" PRIu64 " cached:%" PRIu64
        " what runs where, and why?\"}]}",
        result->key->model, result->asked_output, result->stream ? ",\"stream\":true" : "",
        usage ? ",\"stream_options\":{\"include_usage\":true}" : "", result->asked_prompt, cached);
}

static bool add_header(struct client *client, const char *line)
{
    struct curl_slist *grown = curl_slist_append(client->headers, line);
    if (grown != NULL)
        client->headers = grown;
    return grown != NULL;
}

static bool begin_request(struct demo *demo, struct client *client)
{
    char line[192];
    draw_request(demo, demo->next++, client);
    oft_buffer_clear(&client->answer);
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", client->result.key->token);
    bool good = add_header(client, line) && add_header(client, "Content-Type: application/json");
    explicit_bzero(line, sizeof(line));
    CURL *easy = client->easy;
    good = good && !client->body.failed &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)client->body.length) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, client->body.data) == CURLE_OK;
    client->result.sent_ns = load_realtime_ns();
    if (!good || curl_multi_add_handle(demo->multi, easy) != CURLM_OK)
        return false;
    client->busy = true;
    demo->busy++;
    demo->report->sent++;
    return true;
}

static struct client *free_client(struct demo *demo)
{
    for (uint64_t i = 0; i < demo->options.concurrency; i++)
        if (!demo->clients[i].busy)
            return &demo->clients[i];
    return NULL;
}

/* Starts what is due; *RET_WAIT_MS is how long nothing more is. */
static bool begin_due(struct demo *demo, int *ret_wait_ms)
{
    *ret_wait_ms = 100;
    while (demo->next < demo->count && demo->busy < demo->options.concurrency) {
        int64_t left = demo->report->start_ns + demo->schedule[demo->next] - load_monotonic_ns();
        if (left > 0) {
            if (left < 100 * OFT_NS_PER_MS)
                *ret_wait_ms = (int)(left / OFT_NS_PER_MS) + 1;
            return true;
        }
        struct client *client = free_client(demo);
        if (client == NULL || !begin_request(demo, client))
            return false;
    }
    return true;
}

static bool run(struct demo *demo)
{
    while (demo->next < demo->count || demo->busy > 0) {
        int wait_ms = 0;
        int running = 0;
        int left = 0;
        CURLMsg *message;
        if (!begin_due(demo, &wait_ms) || curl_multi_perform(demo->multi, &running) != CURLM_OK)
            return false;
        while ((message = curl_multi_info_read(demo->multi, &left)) != NULL) {
            CURL *easy = message->easy_handle;
            CURLcode code = message->data.result;
            char *pointer = NULL;
            if (curl_multi_remove_handle(demo->multi, easy) != CURLM_OK ||
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer) != CURLE_OK ||
                !end_request(demo, (struct client *)(void *)pointer, code))
                return false;
        }
        demo_report_progress(demo->report, demo->busy, false);
        if (curl_multi_poll(demo->multi, NULL, 0, wait_ms, NULL) != CURLM_OK)
            return false;
    }
    demo_report_progress(demo->report, 0, true);
    return true;
}

static bool init_client(struct demo *demo, struct client *client)
{
    oft_buffer_init(&client->body, 4096);
    oft_buffer_init(&client->answer, ANSWER_BYTES_MAX);
    CURL *easy = client->easy = curl_easy_init();
    return easy != NULL && curl_easy_setopt(easy, CURLOPT_URL, demo->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, client) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT, 120L) == CURLE_OK;
}

static enum oft_err load_keys(struct demo *demo, struct oft_error *error)
{
    char block[4096];
    size_t length;
    struct oft_buffer text;
    const char *path = demo->options.keys_path;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return oft_fail(error, OFT_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    oft_buffer_init(&text, KEYS_BYTES_MAX);
    while ((length = fread(block, 1, sizeof(block), file)) > 0)
        oft_buffer_append(&text, block, length);
    enum oft_err err = OFT_ERR_IO;
    if (ferror(file) == 0 && !text.failed)
        err = load_keys_parse((struct oft_str){oft_buffer_text(&text), text.length}, path,
                              &demo->keys, error);
    else
        (void)oft_fail(error, OFT_ERR_IO, "cannot read %s whole", path);
    (void)fclose(file);
    oft_buffer_release(&text);
    return err;
}

static bool set_up(struct demo *demo)
{
    const struct demo_options *options = &demo->options;
    size_t length = strlen(options->url);
    while (length > 0 && options->url[length - 1] == '/')
        length--;
    if (length > sizeof(demo->url) - 32)
        return false;
    (void)snprintf(demo->url, sizeof(demo->url), "%.*s/v1/chat/completions", (int)length,
                   options->url);
    demo->schedule = load_schedule((unsigned)options->seconds, (unsigned)options->rate,
                                   options->seed, &demo->count);
    demo->clients = calloc(options->concurrency, sizeof(*demo->clients));
    demo->multi = curl_multi_init();
    bool good = demo->schedule != NULL && demo->clients != NULL && demo->multi != NULL;
    for (uint64_t i = 0; good && i < options->concurrency; i++)
        good = init_client(demo, &demo->clients[i]);
    if (good && options->log_path != NULL)
        good = (demo->report->log = fopen(options->log_path, "we")) != NULL;
    demo->report->terminal = isatty(STDERR_FILENO) == 1;
    demo->report->start_ns = load_monotonic_ns();
    demo->report->told_ns = demo->report->start_ns;
    return good && curl_multi_setopt(demo->multi, CURLMOPT_MAXCONNECTS,
                                     (long)options->concurrency) == CURLM_OK;
}

static void tear_down(struct demo *demo)
{
    for (uint64_t i = 0; demo->clients != NULL && i < demo->options.concurrency; i++) {
        struct client *client = &demo->clients[i];
        if (client->busy)
            (void)curl_multi_remove_handle(demo->multi, client->easy);
        curl_easy_cleanup(client->easy);
        curl_slist_free_all(client->headers);
        oft_buffer_release(&client->body);
        oft_buffer_release(&client->answer);
    }
    free(demo->clients);
    free(demo->schedule);
    (void)curl_multi_cleanup(demo->multi);
    load_keys_release(&demo->keys);
}

/* The summary goes to a file; the log is closed here, because only a close tells a full disk. */
static bool write_down(struct demo *demo)
{
    bool good = true;
    if (demo->report->log != NULL)
        good = fclose(demo->report->log) == 0;
    demo->report->log = NULL;
    if (demo->options.summary_path == NULL)
        return good;
    FILE *file = fopen(demo->options.summary_path, "we");
    if (file == NULL)
        return false;
    good = demo_report_write(demo->report, file, demo->options.seed) && good;
    return fclose(file) == 0 && good;
}

static bool take_options(int argc, char **argv, struct demo_options *options)
{
    static const struct option longs[] = {
        {"url", required_argument, NULL, 'u'},     {"keys-file", required_argument, NULL, 'k'},
        {"seconds", required_argument, NULL, 's'}, {"rate", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 'e'},    {"concurrency", required_argument, NULL, 'c'},
        {"summary", required_argument, NULL, 'o'}, {"log", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int id;
    bool good = true;
    while (good && (id = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (id) {
        case 'u':
            options->url = optarg;
            break;
        case 'k':
            options->keys_path = optarg;
            break;
        case 'o':
            options->summary_path = optarg;
            break;
        case 'l':
            options->log_path = optarg;
            break;
        case 's':
            good = load_number(optarg, 86400, &options->seconds) && options->seconds > 0;
            break;
        case 'r':
            good = load_number(optarg, 10000, &options->rate) && options->rate > 0;
            break;
        case 'e':
            good = load_number(optarg, INT64_MAX, &options->seed);
            break;
        case 'c':
            good = load_number(optarg, 1024, &options->concurrency) && options->concurrency > 0;
            break;
        case 'h':
            (void)fputs(help, stdout);
            exit(0);
        default:
            good = false;
        }
    }
    return good && optind == argc && options->url != NULL && options->keys_path != NULL;
}

int main(int argc, char **argv)
{
    struct demo demo = {.options = {.seconds = 24, .rate = 60, .seed = 7, .concurrency = 32}};
    struct oft_error error = {0};
    if (!take_options(argc, argv, &demo.options)) {
        (void)fputs("offtake-demo-load: wrong or missing option; see --help\n", stderr);
        return 2;
    }
    if (load_keys(&demo, &error) != OFT_OK) {
        (void)fprintf(stderr, "offtake-demo-load: %s\n", error.message);
        return 3;
    }
    demo.report = calloc(1, sizeof(*demo.report));
    if (demo.report == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 3;
    bool good = set_up(&demo) && run(&demo);
    good = write_down(&demo) && good;
    if (!good)
        (void)fprintf(stderr, "offtake-demo-load: stopped early, the log or the summary cannot be "
                              "written, or memory is short\n");
    uint64_t wrong = demo.report->failed + demo.report->mismatched + demo.report->unlisted;
    tear_down(&demo);
    curl_global_cleanup();
    free(demo.report);
    return !good ? 3 : wrong > 0 ? 1 : 0;
}
