/* Values of xenstore nodes, judged.  A value is bytes that a guest, or a
 * guest's frontend gone mad, may have written.
 *
 * Thread: any.  Owner: nothing.  Errors: false, and the result untouched. */

#ifndef NETDOM_XS_VALUE_H
#define NETDOM_XS_VALUE_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal whole number from 'min' to 'max': digits only, no sign, no space,
 * nothing behind it (one trailing null is forgiven), at most 20 digits. */
bool xs_value_u64(const char *value, size_t bytes, uint64_t min, uint64_t max,
                  uint64_t *result);

/* "0" or "1". */
bool xs_value_bool(const char *value, size_t bytes, bool *result);

/* Printable ASCII without control characters, copied into 'text' with a null
 * behind it; false if it does not fit. */
bool xs_value_text(const char *value, size_t bytes, char *text,
                   size_t text_bytes);

#endif /* netdom/xs_value.h */
