#include "datapath/megaflow.h"

#include <stdint.h>
#include <string.h>

void
megaflow_round(void *mask_, size_t bytes, size_t step)
{
    uint8_t *mask = mask_;

    for (size_t i = 0; i < bytes; i += step) {
        for (size_t k = i; k < i + step; k++) {
            if (mask[k]) {
                memset(mask + i, 0xff, step);
                break;
            }
        }
    }
}
