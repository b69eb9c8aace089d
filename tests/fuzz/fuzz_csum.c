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
    bool filled = csum_fill(frame, bytes);
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
