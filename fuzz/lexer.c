/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer over any bytes that are clean text: every token is a slice of the source, tokens follow
 * each other without overlap, and their places lie in the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "deal/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
    struct oft_str text;
    size_t behind; /* where the token before ended */
    uint32_t line;
};

static void look_at(void *context, const struct deal_node *token)
{
    struct walk *walk = context;
    size_t begin = (size_t)(token->text.data - walk->text.data);
    if (begin < walk->behind || begin + token->text.length > walk->text.length ||
        token->position.line < walk->line || token->position.line == 0 ||
        token->position.column == 0 || token->position.length == 0) {
        abort();
    }
    walk->behind = begin + token->text.length;
    walk->line = token->position.line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct deal_diagnostics diagnostics;
    struct oft_arena arena;
    struct deal_file file = {"a", {(const char *)data, size}};
    struct walk walk = {.text = file.text, .line = 1};
    deal_diagnostics_init(&diagnostics);
    oft_arena_init(&arena, (size_t)1 << 28);
    struct deal_parser parser = {
        .arena = &arena, .diagnostics = &diagnostics, .text = file.text, .line = 1, .column = 1};
    if (deal_text_check(file.text, 0, &diagnostics)) {
        (void)deal_lexer_walk(&parser, look_at, &walk);
    }
    oft_arena_release(&arena);
    deal_diagnostics_release(&diagnostics);
    return 0;
}
