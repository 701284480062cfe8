/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace's rows become chat completions with the row's token counts: the prompt says "tokens:N", which
 * the simulated provider obeys, and max_tokens is the row's generated tokens. They leave at the trace's
 * pace, or faster, over connections that stay open. Every answer's own usage is added up and compared
 * with what was asked. It does not retry: a replay that needed retries is not the trace.
 */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/money.h"
#include "cli/command.h"
#include "cli/replay.h"

#define TRACE_BYTES_MAX  (512u << 20)
#define ANSWER_BYTES_MAX (32u << 20)
#define ERRORS_TOLD      5u
#define REQUEST_SECONDS  300L

struct replay_totals {
    uint64_t sent, succeeded, failed, skipped;
    uint64_t context_tokens, generated_tokens; /* as the answers' usage says */
    uint64_t asked_context, asked_generated;
};

struct slot {
    CURL *easy;
    const struct cli_trace_row *row;
    struct oft_buffer body;
    struct oft_buffer answer;
    char problem[CURL_ERROR_SIZE];
    bool stream;
    bool busy;
};

struct replay {
    const struct cli_replay_options *options;
    const struct cli_trace *trace;
    CURLM *multi;
    struct curl_slist *headers;
    char *url;
    struct slot *slots;
    unsigned busy;
    uint64_t next;
    uint64_t end;
    int64_t start_ns;
    int64_t told_ns;
    struct replay_totals totals;
    bool terminal;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * OFT_NS_PER_SECOND + now.tv_nsec;
}

static size_t on_answer(char *data, size_t size, size_t count, void *argument)
{
    struct slot *slot = argument;
    oft_buffer_append(&slot->answer, data, size * count);
    return slot->answer.failed ? 0 : size * count;
}

static void tell_failure(struct replay *replay, const struct slot *slot, const char *what)
{
    replay->totals.failed++;
    if (replay->totals.failed > ERRORS_TOLD)
        return;
    (void)fprintf(stderr, "%s%s:%" PRIu64 ": %s\n", replay->terminal ? "\r\033[K" : "",
                  replay->options->trace_path, slot->row->line, what);
    if (replay->totals.failed == ERRORS_TOLD)
        (void)fputs("further failures are counted and not told\n", stderr);
}

/* Takes the two counts of {"usage": {...}}; false when TEXT holds none. */
static bool read_usage(const char *text, size_t length, uint64_t *prompt, uint64_t *output)
{
    json_int_t in = -1;
    json_int_t out = -1;
    json_t *root = json_loadb(text, length, 0, NULL);
    bool good = root != NULL && json_unpack(root, "{s:{s:I, s:I}}", "usage", "prompt_tokens", &in,
                                            "completion_tokens", &out) == 0;
    json_decref(root);
    if (!good || in < 0 || out < 0)
        return false;
    *prompt = (uint64_t)in;
    *output = (uint64_t)out;
    return true;
}

/* A stream is whole when it ends with [DONE]; its usage is in one of the last events. */
static bool read_stream(struct oft_str rest, uint64_t *prompt, uint64_t *output)
{
    static const char usage[] = "\"usage\":{";
    struct oft_str line;
    bool found = false;
    bool done = false;
    while (cli_trace_next_line(&rest, &line)) {
        if (line.length < 6 || memcmp(line.data, "data: ", 6) != 0)
            continue;
        done = line.length == 12 && memcmp(line.data + 6, "[DONE]", 6) == 0;
        if (memmem(line.data, line.length, usage, sizeof(usage) - 1) != NULL)
            found = read_usage(line.data + 6, line.length - 6, prompt, output);
    }
    return found && done;
}

static void tell_status(struct replay *replay, const struct slot *slot, long status)
{
    char what[256];
    const char *message = "";
    json_t *root = slot->answer.length == 0
                       ? NULL
                       : json_loadb(slot->answer.data, slot->answer.length, 0, NULL);
    if (root != NULL)
        (void)json_unpack(root, "{s:{s:s}}", "error", "message", &message);
    (void)snprintf(what, sizeof(what), "HTTP %ld: %.200s", status, message);
    json_decref(root);
    tell_failure(replay, slot, what);
}

static void end_request(struct replay *replay, struct slot *slot, CURLcode result)
{
    struct replay_totals *totals = &replay->totals;
    struct oft_str answer = {slot->answer.data, slot->answer.length};
    uint64_t prompt = 0;
    uint64_t output = 0;
    long status = 0;
    char what[160];
    (void)curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    slot->busy = false;
    replay->busy--;
    if (result != CURLE_OK) {
        const char *words = slot->problem[0] != '\0' ? slot->problem : curl_easy_strerror(result);
        tell_failure(replay, slot, words);
    } else if (status != 200) {
        tell_status(replay, slot, status);
    } else if (answer.length == 0 ||
               !(slot->stream ? read_stream(answer, &prompt, &output)
                              : read_usage(answer.data, answer.length, &prompt, &output))) {
        tell_failure(replay, slot, "the answer is not whole, or tells no usage");
    } else {
        totals->context_tokens += prompt;
        totals->generated_tokens += output;
        if (prompt == slot->row->context_tokens && output == slot->row->generated_tokens) {
            totals->succeeded++;
            return;
        }
        (void)snprintf(what, sizeof(what),
                       "usage is %" PRIu64 " + %" PRIu64 " tokens, the trace asks %" PRIu64
                       " + %" PRIu64,
                       prompt, output, slot->row->context_tokens, slot->row->generated_tokens);
        tell_failure(replay, slot, what);
    }
}

static bool wants_stream(const struct replay *replay, uint64_t index)
{
    /* Scrambled, so that streams are spread over the trace and the same in each run. */
    return (index * UINT64_C(0x9E3779B97F4A7C15) >> 32) % 100 < replay->options->stream_percent;
}

static bool begin_request(struct replay *replay, struct slot *slot, uint64_t index)
{
    const struct cli_trace_row *row = &replay->trace->rows[index];
    slot->row = row;
    slot->stream = wants_stream(replay, index);
    slot->problem[0] = '\0';
    oft_buffer_clear(&slot->answer);
    oft_buffer_clear(&slot->body);
    oft_buffer_printf(&slot->body,
                      "{\"model\":\"%s\",\"max_tokens\":%" PRIu64 "%s,\"messages\":[{\"role\":"
                      "\"user\",\"content\":\"tokens:%" PRIu64
                      " a recorded request, replayed for its sizes and its time\"}]}",
                      replay->options->model, row->generated_tokens,
                      slot->stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"
                                   : "",
                      row->context_tokens);
    if (slot->body.failed ||
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)slot->body.length) != CURLE_OK ||
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body.data) != CURLE_OK ||
        curl_multi_add_handle(replay->multi, slot->easy) != CURLM_OK)
        return false;
    slot->busy = true;
    replay->busy++;
    replay->totals.sent++;
    replay->totals.asked_context += row->context_tokens;
    replay->totals.asked_generated += row->generated_tokens;
    return true;
}

static struct slot *free_slot(struct replay *replay)
{
    for (unsigned i = 0; i < replay->options->concurrency; i++)
        if (!replay->slots[i].busy)
            return &replay->slots[i];
    return NULL;
}

/* Starts what is due. *RET_WAIT_NS is the time until the next row, at most a tenth of a second. */
static bool begin_due(struct replay *replay, int64_t *ret_wait_ns)
{
    const struct cli_trace_row *rows = replay->trace->rows;
    *ret_wait_ns = OFT_NS_PER_SECOND / 10;
    while (replay->next < replay->end && replay->busy < replay->options->concurrency) {
        const struct cli_trace_row *row = &rows[replay->next];
        if (row->context_tokens == 0 || row->generated_tokens == 0) {
            replay->totals.skipped++; /* a completion of nothing cannot be asked for */
            replay->next++;
            continue;
        }
        int64_t due = replay->start_ns +
                      cli_trace_delay_ns(rows[0].at, row->at, replay->options->speed_millionths);
        int64_t left = due - monotonic_ns();
        if (left > 0) {
            if (left < *ret_wait_ns)
                *ret_wait_ns = left;
            return true;
        }
        struct slot *slot = free_slot(replay);
        if (slot == NULL || !begin_request(replay, slot, replay->next))
            return false;
        replay->next++;
    }
    return true;
}

static bool reap(struct replay *replay)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(replay->multi, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        char *pointer = NULL;
        if (message->msg != CURLMSG_DONE ||
            curl_multi_remove_handle(replay->multi, easy) != CURLM_OK ||
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &pointer) != CURLE_OK)
            return false;
        end_request(replay, (struct slot *)(void *)pointer, result);
    }
    return true;
}

static void tell_progress(struct replay *replay)
{
    int64_t now = monotonic_ns();
    int64_t pause = replay->terminal ? OFT_NS_PER_SECOND / 4 : 5 * OFT_NS_PER_SECOND;
    if (now - replay->told_ns < pause)
        return;
    replay->told_ns = now;
    (void)fprintf(stderr,
                  "%s%" PRIu64 " of %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64
                  " failed, %" PRId64 " s%s",
                  replay->terminal ? "\r\033[K" : "", replay->totals.sent, replay->end,
                  replay->totals.succeeded, replay->totals.failed,
                  (now - replay->start_ns) / OFT_NS_PER_SECOND, replay->terminal ? "" : "\n");
}

static bool run(struct replay *replay)
{
    while (replay->next < replay->end || replay->busy > 0) {
        int64_t wait_ns = 0;
        int running = 0;
        if (!begin_due(replay, &wait_ns) ||
            curl_multi_perform(replay->multi, &running) != CURLM_OK || !reap(replay))
            return false;
        tell_progress(replay);
        bool ready = replay->next < replay->end && replay->busy < replay->options->concurrency &&
                     replay->options->speed_millionths == 0;
        if ((replay->next < replay->end || replay->busy > 0) && !ready &&
            curl_multi_poll(replay->multi, NULL, 0,
                            (int)((wait_ns + OFT_NS_PER_MS - 1) / OFT_NS_PER_MS), NULL) != CURLM_OK)
            return false;
    }
    if (replay->terminal)
        (void)fputs("\r\033[K", stderr);
    return true;
}

static bool init_slot(struct replay *replay, struct slot *slot)
{
    const struct cli_replay_options *options = replay->options;
    oft_buffer_init(&slot->body, 4096);
    oft_buffer_init(&slot->answer, ANSWER_BYTES_MAX);
    slot->easy = curl_easy_init();
    CURL *easy = slot->easy;
    return easy != NULL && curl_easy_setopt(easy, CURLOPT_URL, replay->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, replay->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->problem) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT, REQUEST_SECONDS) == CURLE_OK &&
           (options->ca_file == NULL ||
            curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK);
}

static char *make_url(const char *base)
{
    char *url = NULL;
    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    bool versioned = length >= 3 && memcmp(base + length - 3, "/v1", 3) == 0;
    if (asprintf(&url, "%.*s%s/chat/completions", (int)length, base, versioned ? "" : "/v1") < 0)
        return NULL;
    return url;
}

static bool add_header(struct replay *replay, const char *line)
{
    struct curl_slist *grown = curl_slist_append(replay->headers, line);
    if (grown != NULL)
        replay->headers = grown;
    return grown != NULL;
}

static bool set_up(struct replay *replay)
{
    char line[CLI_REPLAY_KEY_BYTES + 32];
    const struct cli_replay_options *options = replay->options;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %.*s",
                   (int)(CLI_REPLAY_KEY_BYTES - 1), options->key);
    bool good = add_header(replay, line) && add_header(replay, "Content-Type: application/json") &&
                add_header(replay, "Expect:");
    explicit_bzero(line, sizeof(line));
    replay->url = make_url(options->url);
    replay->multi = curl_multi_init();
    replay->slots = calloc(options->concurrency, sizeof(*replay->slots));
    good = good && replay->url != NULL && replay->multi != NULL && replay->slots != NULL;
    for (unsigned i = 0; good && i < options->concurrency; i++)
        good = init_slot(replay, &replay->slots[i]);
    return good && curl_multi_setopt(replay->multi, CURLMOPT_MAXCONNECTS,
                                     (long)options->concurrency) == CURLM_OK;
}

static void tear_down(struct replay *replay)
{
    for (unsigned i = 0; replay->slots != NULL && i < replay->options->concurrency; i++) {
        struct slot *slot = &replay->slots[i];
        if (slot->busy)
            (void)curl_multi_remove_handle(replay->multi, slot->easy);
        curl_easy_cleanup(slot->easy);
        oft_buffer_release(&slot->body);
        oft_buffer_release(&slot->answer);
    }
    free(replay->slots);
    free(replay->url);
    curl_slist_free_all(replay->headers);
    (void)curl_multi_cleanup(replay->multi);
}

static enum oft_err load_trace(const char *path, struct cli_trace *trace, struct oft_error *error)
{
    char block[65536];
    size_t length;
    struct oft_buffer text;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return oft_fail(error, OFT_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    oft_buffer_init(&text, TRACE_BYTES_MAX);
    while ((length = fread(block, 1, sizeof(block), file)) > 0)
        oft_buffer_append(&text, block, length);
    enum oft_err err = OFT_OK;
    if (ferror(file) != 0 || text.failed)
        err = oft_fail(error, OFT_ERR_IO, "cannot read %s whole (at most %u bytes)", path,
                       TRACE_BYTES_MAX);
    else
        err = cli_trace_parse((struct oft_str){oft_buffer_text(&text), text.length}, path, trace,
                              error);
    (void)fclose(file);
    oft_buffer_release(&text);
    return err;
}

static int tell_totals(const struct replay *replay)
{
    const struct replay_totals *t = &replay->totals;
    int64_t ms = (monotonic_ns() - replay->start_ns) / OFT_NS_PER_MS;
    const char *form =
        replay->options->json
            ? "{\"requests\":%" PRIu64 ",\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64
              ",\"skipped\":%" PRIu64 ",\"context_tokens\":%" PRIu64
              ",\"generated_tokens\":%" PRIu64 ",\"asked_context_tokens\":%" PRIu64
              ",\"asked_generated_tokens\":%" PRIu64 ",\"milliseconds\":%" PRId64 "}\n"
            : "requests          %14" PRIu64 "\n"
              "  succeeded       %14" PRIu64 "\n"
              "  failed          %14" PRIu64 "\n"
              "  skipped rows    %14" PRIu64 "  (a count of 0)\n"
              "context tokens    %14" PRIu64 "  by the answers' usage\n"
              "generated tokens  %14" PRIu64 "  by the answers' usage\n"
              "asked for         %14" PRIu64 "  context tokens\n"
              "asked for         %14" PRIu64 "  generated tokens\n"
              "milliseconds      %14" PRId64 "\n";
    if (printf(form, t->sent, t->succeeded, t->failed, t->skipped, t->context_tokens,
               t->generated_tokens, t->asked_context, t->asked_generated, ms) < 0 ||
        fflush(stdout) != 0)
        return CLI_FAULT;
    return t->failed == 0 && t->succeeded == t->sent ? CLI_OK : CLI_NO;
}

static int replay_trace(const struct cli_replay_options *options, const struct cli_trace *trace)
{
    struct replay replay = {.options = options, .trace = trace};
    int code = CLI_FAULT;
    replay.end = trace->count < options->limit ? trace->count : options->limit;
    replay.terminal = isatty(STDERR_FILENO) == 1;
    replay.start_ns = monotonic_ns();
    replay.told_ns = replay.start_ns;
    if (set_up(&replay) && run(&replay))
        code = tell_totals(&replay);
    else
        (void)fputs("offtake replay: libcurl failed, or memory is short\n", stderr);
    tear_down(&replay);
    return code;
}

int cli_replay(int argc, char **argv)
{
    struct cli_replay_options options = {
        .speed_millionths = 1000000, .limit = UINT64_MAX, .concurrency = 64, .stream_percent = 50};
    struct cli_trace trace = {NULL, 0};
    struct oft_error error = {0};
    int code = cli_replay_options(argc, argv, &options);
    if (code == CLI_OK) {
        if (load_trace(options.trace_path, &trace, &error) != OFT_OK) {
            (void)fprintf(stderr, "offtake replay: %s\n", error.message);
            code = CLI_FAULT;
        } else if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
            code = CLI_FAULT;
        } else {
            code = replay_trace(&options, &trace);
            curl_global_cleanup();
        }
    }
    cli_trace_release(&trace);
    explicit_bzero(options.key, sizeof(options.key));
    return code == -1 ? CLI_OK : code;
}
