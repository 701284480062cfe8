/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: desk_event_decode on any bytes. What is accepted must encode to the same bytes, and be read
 * from them as the same event again.
 */
#include <stdlib.h>
#include <string.h>

#include "desk/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oft_arena arena;
    struct oft_buffer bytes;
    struct desk_event event, again;
    struct oft_error error = {0};

    oft_arena_init(&arena, (size_t)64 << 20);
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    if (desk_event_decode(data, size, 1, &arena, &event, &error) == OFT_OK) {
        desk_event_encode(&event, &bytes);
        if (bytes.failed || bytes.length != size || memcmp(bytes.data, data, size) != 0 ||
            desk_event_decode(bytes.data, size, 1, &arena, &again, &error) != OFT_OK ||
            again.kind != event.kind || again.terms.count != event.terms.count ||
            again.party.id != event.party.id) {
            abort();
        }
    }
    oft_buffer_release(&bytes);
    oft_arena_release(&arena);
    return 0;
}
