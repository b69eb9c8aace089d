#include "netdom/xs_value.h"

#include <string.h>

bool
xs_value_u64(const char *value, size_t bytes, uint64_t min, uint64_t max,
             uint64_t *result)
{
    uint64_t n = 0;

    if (bytes && !value[bytes - 1]) {
        bytes--;
    }
    if (!bytes || bytes > 20) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        unsigned int digit = (unsigned char) value[i] - '0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    if (n < min || n > max) {
        return false;
    }
    *result = n;
    return true;
}

bool
xs_value_bool(const char *value, size_t bytes, bool *result)
{
    uint64_t n;

    if (!xs_value_u64(value, bytes, 0, 1, &n)) {
        return false;
    }
    *result = n;
    return true;
}

bool
xs_value_text(const char *value, size_t bytes, char *text, size_t text_bytes)
{
    if (bytes && !value[bytes - 1]) {
        bytes--;
    }
    if (bytes >= text_bytes) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return false;
        }
    }
    memcpy(text, value, bytes);
    text[bytes] = '\0';
    return true;
}
