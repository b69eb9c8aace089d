/* Any bytes as a frame whose checksum is blank: nothing beyond the frame is
 * touched, and at most the two bytes of one checksum change. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/csum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint8_t *frame = malloc(bytes + 1);
    size_t first = SIZE_MAX, last = 0;

    memcpy(frame, data, bytes);
    struct headers h;
    bool filled = headers_parse(frame, bytes, &h) && h.l4;

    if (filled) {
        assert(h.l3_offset < h.l4_offset && h.l4_offset < h.payload_offset);
        assert(h.payload_offset <= h.end && h.end <= bytes);
        csum_fill(frame, &h);
    }
    for (size_t i = 0; i < bytes; i++) {
        if (frame[i] != data[i]) {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    }
    assert(first == SIZE_MAX || (filled && last - first <= 1));
    free(frame);
    return 0;
}
