#include "tools/guest/pattern.h"

#include <stdbool.h>
#include <string.h>

#include "tools/guest/probe.h"

#define PATTERN_BYTES 65536u

static uint8_t pattern[2 * PATTERN_BYTES];

/* Any stream will do in which the magic number of a probe is not found. */
static void
fill(void)
{
    uint32_t x = 2463534242u;

    for (uint32_t i = 0; i < PATTERN_BYTES; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        pattern[i] = x >> 8;
        if (pattern[i] == PROBE_MAGIC >> 8) {
            pattern[i] = 0;
        }
    }
    memcpy(pattern + PATTERN_BYTES, pattern, PATTERN_BYTES);
}

const uint8_t *
pattern_at(uint64_t position)
{
    static bool filled;

    if (!filled) {
        fill();
        filled = true;
    }
    return pattern + position % PATTERN_BYTES;
}
