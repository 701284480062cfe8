/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deal_parse: load the files, parse each into one tree, resolve the tree, check the result. An
 * include is replaced by the statements of the file that it names. The order of work is all that is
 * here; what a statement means is in resolve_*.c.
 */
#include "base/hash.h"
#include "base/limits.h"
#include "deal/build.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES_MAX ((size_t)1 << 30)

struct loading {
    struct deal *deal;
    struct deal_diagnostics *diagnostics;
    deal_load_fn load;
    void *load_context;
    struct oft_error *error;
    struct deal_generated generated;
    bool all_at_hand; /* `generated` holds every file: those that includes reach come first */
    struct deal_file *files; /* OFT_DEAL_INCLUDES_MAX of them */
    struct deal_file *diagnostic_files;
    uint32_t open_files[OFT_DEAL_INCLUDE_DEPTH_MAX];
    struct deal_parser *parser;
};

static enum oft_err load_tree(struct loading *l, const char *path, const struct deal_node *include,
                              uint32_t depth, struct deal_node *into);

/* "dir/a.deal" + "b.deal" is "dir/b.deal"; an absolute path stays. */
static char *resolved_path(struct loading *l, const char *from, struct oft_str path)
{
    const char *slash = strrchr(from, '/');
    if (slash == NULL || (path.length > 0 && path.data[0] == '/')) {
        return oft_arena_copy(&l->deal->arena, path);
    }
    return oft_arena_printf(&l->deal->arena, "%.*s/%.*s", (int)(slash - from), from,
                            (int)path.length, path.data);
}

static enum oft_err follow_include(struct loading *l, const struct deal_node *node, uint32_t depth,
                                   struct deal_node *into)
{
    if (node->text.length == 0 || memchr(node->text.data, 0, node->text.length) != NULL) {
        deal_report(l->diagnostics, DEAL_ERROR, 5, node->position, "", "",
                    "an include names a file");
        return OFT_OK;
    }
    if (l->deal->generated_count > 0) { /* else a stored one could not be told from its includes */
        deal_report(l->diagnostics, DEAL_ERROR, 5, node->position, "",
                    "put the include into the deal's own file", "a generated file includes none");
        return OFT_OK;
    }
    char *path = resolved_path(l, l->files[node->position.file].path, node->text);
    if (path == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i <= depth; i++) {
        if (strcmp(l->files[l->open_files[i]].path, path) == 0) {
            deal_report(l->diagnostics, DEAL_ERROR, 6, node->position, "",
                        "take the include out of one of the files", "%s would include itself",
                        path);
            return OFT_OK;
        }
    }
    if (depth + 1 >= OFT_DEAL_INCLUDE_DEPTH_MAX || l->deal->file_count >= OFT_DEAL_INCLUDES_MAX) {
        deal_report(l->diagnostics, DEAL_ERROR, 7, node->position, "",
                    "a deal has at most 64 files, 8 deep", "one include too many");
        return OFT_OK;
    }
    return load_tree(l, path, node, depth + 1, into);
}

/* Hands the statements of one file over, with those of its includes in their place. */
static enum oft_err splice(struct loading *l, struct deal_node *root, uint32_t depth,
                           struct deal_node *into)
{
    enum oft_err err = OFT_OK;
    struct deal_node *node = root->first;
    while (node != NULL && err == OFT_OK) {
        struct deal_node *next = node->next;
        node->next = NULL;
        if (node->kind == NODE_INCLUDE) {
            err = follow_include(l, node, depth, into);
        } else {
            deal_node_add(l->parser, into, node);
        }
        node = next;
    }
    return err;
}

static enum oft_err parse_text(struct loading *l, uint32_t file, uint32_t depth,
                               struct deal_node *into)
{
    struct deal_parser *parser = l->parser;
    struct oft_str text = l->files[file].text;
    if (text.length > OFT_DEAL_FILE_BYTES_MAX) {
        deal_report(l->diagnostics, DEAL_ERROR, 8, (struct deal_position){file, 1, 1, 1}, "", "",
                    "this file is larger than %u bytes", OFT_DEAL_FILE_BYTES_MAX);
        return OFT_OK;
    }
    if (!deal_text_check(text, file, l->diagnostics)) {
        return OFT_OK;
    }
    *parser = (struct deal_parser){.arena = &l->deal->arena,
                                   .diagnostics = l->diagnostics,
                                   .text = text,
                                   .file = file,
                                   .line = 1,
                                   .column = 1};
    if (!deal_grammar_run(parser)) {
        return parser->memory_failed || l->diagnostics->error_count == 0 ? OFT_ERR_MEMORY : OFT_OK;
    }
    return parser->root == NULL ? OFT_OK : splice(l, parser->root, depth, into);
}

/* Makes TEXT the next file of the deal, and adds its statements to INTO. */
static enum oft_err take_file(struct loading *l, const char *path, struct oft_str text,
                              uint32_t depth, struct deal_node *into)
{
    uint32_t file = l->deal->file_count;
    char *shown_path = oft_arena_copy(&l->diagnostics->arena, oft_str_from(path));
    char *shown_text = oft_arena_copy(&l->diagnostics->arena, text);
    char *own_path = oft_arena_copy(&l->deal->arena, oft_str_from(path));
    if (shown_path == NULL || shown_text == NULL || own_path == NULL) {
        return OFT_ERR_MEMORY;
    }
    l->files[file] = (struct deal_file){own_path, text};
    l->diagnostic_files[file] = (struct deal_file){shown_path, {shown_text, text.length}};
    l->deal->file_count = file + 1;
    l->diagnostics->file_count = file + 1;
    l->open_files[depth] = file;
    return parse_text(l, file, depth, into);
}

static enum oft_err load_tree(struct loading *l, const char *path, const struct deal_node *include,
                              uint32_t depth, struct deal_node *into)
{
    struct oft_error failure = {0};
    struct oft_str text = {"", 0};
    enum oft_err err = l->load(l->load_context, path, &l->deal->arena, &text, &failure);
    if (err != OFT_OK && include != NULL && err != OFT_ERR_MEMORY) {
        deal_report(l->diagnostics, DEAL_ERROR, 5, include->position, "",
                    "paths are taken from the including file's own place", "%s", failure.message);
        return OFT_OK;
    }
    if (err != OFT_OK) {
        return oft_fail(l->error, err, "%s", failure.message);
    }
    return take_file(l, path, text, depth, into);
}

/* The texts that stand beside the deal, behind all that it includes. */
static enum oft_err take_generated(struct loading *l, struct deal_node *into)
{
    enum oft_err err = OFT_OK;
    size_t first = l->all_at_hand ? l->deal->file_count : 0;
    for (size_t i = first; err == OFT_OK && i < l->generated.count; i++) {
        const struct deal_file *file = &l->generated.files[i];
        if (l->deal->file_count >= OFT_DEAL_INCLUDES_MAX) {
            deal_report(l->diagnostics, DEAL_ERROR, 7, (struct deal_position){0, 1, 1, 1}, "",
                        "a deal has at most 64 files", "there is no room for %s", file->path);
            return OFT_OK;
        }
        char *text = oft_arena_copy(&l->deal->arena, file->text);
        l->deal->generated_count++;
        err = text == NULL
                  ? OFT_ERR_MEMORY
                  : take_file(l, file->path, (struct oft_str){text, file->text.length}, 0, into);
    }
    return err;
}

/* Over every path and text, each with its length before it, so that no two deals read alike. */
static enum oft_err hash_texts(struct deal *deal)
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->file_count; i++) {
        struct oft_str parts[2] = {oft_str_from(deal->files[i].path), deal->files[i].text};
        for (int k = 0; k < 2; k++) {
            uint8_t length[8];
            for (int b = 0; b < 8; b++) {
                length[b] = (uint8_t)((uint64_t)parts[k].length >> (8 * b));
            }
            oft_sha256_update(hash, length, sizeof(length));
            oft_sha256_update(hash, parts[k].data, parts[k].length);
        }
    }
    oft_sha256_final(hash, deal->text_sha256);
    oft_sha256_free(hash);
    return OFT_OK;
}

static enum oft_err parse_into(struct loading *l, const char *path)
{
    struct deal *deal = l->deal;
    struct deal_parser parser = {.arena = &deal->arena};
    l->parser = &parser;
    l->files = oft_arena_alloc_array(&deal->arena, OFT_DEAL_INCLUDES_MAX, sizeof(*l->files));
    l->diagnostic_files = oft_arena_alloc_array(&l->diagnostics->arena, OFT_DEAL_INCLUDES_MAX,
                                                sizeof(*l->diagnostic_files));
    struct deal_node *root = oft_arena_alloc(&deal->arena, sizeof(*root));
    if (l->files == NULL || l->diagnostic_files == NULL || root == NULL) {
        return OFT_ERR_MEMORY;
    }
    root->kind = NODE_LIST;
    root->position = (struct deal_position){0, 1, 1, 1};
    deal->files = l->files;
    l->diagnostics->files = l->diagnostic_files;
    enum oft_err err = load_tree(l, path, NULL, 0, root);
    if (err == OFT_OK) {
        err = take_generated(l, root);
    }
    if (err != OFT_OK) {
        return err;
    }
    struct deal_build build = {
        .arena = &deal->arena, .diagnostics = l->diagnostics, .deal = deal, .root = root};
    if (!deal_build_run(&build)) {
        return OFT_ERR_MEMORY;
    }
    deal_diagnostics_sort(l->diagnostics);
    return l->diagnostics->error_count > 0 ? OFT_ERR_INVALID : hash_texts(deal);
}

static enum oft_err parse(struct loading *l, const char *path, struct deal **ret_deal,
                          struct oft_error *reterr)
{
    *ret_deal = NULL;
    struct deal *deal = calloc(1, sizeof(*deal));
    if (deal == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory while reading %s", path);
    }
    oft_arena_init(&deal->arena, ARENA_BYTES_MAX);
    struct oft_error failure = {0};
    l->deal = deal;
    l->error = &failure;
    enum oft_err err = parse_into(l, path);
    if (err == OFT_OK) {
        *ret_deal = deal;
        return OFT_OK;
    }
    deal_free(deal);
    if (failure.code != OFT_OK) {
        /* A fault of the loader may not look like "the deal has errors". */
        err = failure.code == OFT_ERR_INVALID ? OFT_ERR_IO : failure.code;
        return oft_fail(reterr, err, "%s", failure.message);
    }
    if (err == OFT_ERR_INVALID) {
        uint32_t count = l->diagnostics->error_count;
        return oft_fail(reterr, err, "%s has %u error%s", path, count, count == 1 ? "" : "s");
    }
    return oft_fail(reterr, err, "%s while reading %s", oft_err_text(err), path);
}

enum oft_err deal_parse(const char *path, deal_load_fn load, void *load_context,
                        struct deal **ret_deal, struct deal_diagnostics *diagnostics,
                        struct oft_error *reterr)
{
    struct deal_generated none = {NULL, 0};
    return deal_parse_with(path, load, load_context, none, ret_deal, diagnostics, reterr);
}

enum oft_err deal_parse_with(const char *path, deal_load_fn load, void *load_context,
                             struct deal_generated generated, struct deal **ret_deal,
                             struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    struct loading l = {.diagnostics = diagnostics,
                        .load = load,
                        .load_context = load_context,
                        .generated = generated};
    return parse(&l, path, ret_deal, reterr);
}

enum oft_err deal_parse_files(const struct deal_file *files, size_t count, struct deal **ret_deal,
                              struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    struct deal_memory_files memory = {files, count};
    struct loading l = {.diagnostics = diagnostics,
                        .load = deal_load_memory,
                        .load_context = &memory,
                        .generated = {files, count},
                        .all_at_hand = true};
    return parse(&l, files[0].path, ret_deal, reterr);
}

void deal_free(struct deal *deal)
{
    if (deal != NULL) {
        oft_arena_release(&deal->arena);
        free(deal);
    }
}

static enum oft_err parse_words(const char *path, struct oft_arena *arena, struct oft_str text,
                                struct deal_diagnostics *diagnostics)
{
    struct deal_file *file = oft_arena_alloc_array(&diagnostics->arena, 1, sizeof(*file));
    char *shown_path = oft_arena_copy(&diagnostics->arena, oft_str_from(path));
    char *shown_text = oft_arena_copy(&diagnostics->arena, text);
    if (file == NULL || shown_path == NULL || shown_text == NULL) {
        return OFT_ERR_MEMORY;
    }
    *file = (struct deal_file){shown_path, {shown_text, text.length}};
    diagnostics->files = file;
    diagnostics->file_count = 1;
    struct deal_parser parser = {
        .arena = arena, .diagnostics = diagnostics, .text = text, .line = 1, .column = 1};
    if (deal_text_check(text, 0, diagnostics) && !deal_grammar_run(&parser) &&
        diagnostics->error_count == 0) {
        return OFT_ERR_MEMORY;
    }
    deal_diagnostics_sort(diagnostics);
    return diagnostics->error_count > 0 ? OFT_ERR_INVALID : OFT_OK;
}

enum oft_err deal_parse_words(const char *path, deal_load_fn load, void *load_context,
                              struct oft_arena *arena, struct oft_str *ret_text,
                              struct deal_diagnostics *diagnostics, struct oft_error *reterr)
{
    enum oft_err err = load(load_context, path, arena, ret_text, reterr);
    if (err != OFT_OK) {
        return err == OFT_ERR_INVALID ? OFT_ERR_IO : err; /* a fault is no mistake of the text */
    }
    err = parse_words(path, arena, *ret_text, diagnostics);
    if (err == OFT_ERR_MEMORY) {
        return oft_fail(reterr, err, "out of memory while reading %s", path);
    }
    return err;
}
