/* Any bytes as a xenstore value: no byte beyond the value is read, what is
 * accepted means what it says. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "netdom/xs_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *value = (const char *) data;
    uint64_t n;
    bool b;
    char text[32];

    if (xs_value_u64(value, bytes, 3, 1000000, &n)) {
        assert(n >= 3 && n <= 1000000);
        assert(bytes <= 21);
    }
    if (xs_value_bool(value, bytes, &b)) {
        assert(b == (memchr(value, '1', bytes) != NULL));
    }
    if (xs_value_text(value, bytes, text, sizeof text)) {
        assert(strlen(text) < sizeof text);
        assert(!memcmp(text, value, strlen(text)));
    }
    return 0;
}
