/* Reading and writing single xenstore nodes.
 *
 * Thread: one.
 * Owner:  strings are the caller's to free.
 * Trust:  other domains write what we read: numbers are parsed strictly and
 *         held against a bound. */

#ifndef GUEST_XS_NODE_H
#define GUEST_XS_NODE_H 1

#include <stdbool.h>
#include <stdint.h>

struct xs_handle;

/* The node 'leaf' below 'dir'; null if there is none, if it is longer than
 * 1 KiB, or if it holds a null byte. */
char *xs_node_read(struct xs_handle *, const char *dir, const char *leaf);

/* The node as a decimal number of at most 'max'; 'fallback' if there is none
 * or if it is not such a number. */
uint32_t xs_node_read_uint(struct xs_handle *, const char *dir,
                           const char *leaf, uint32_t max, uint32_t fallback);

/* Writes 'value' to 'leaf' below 'dir', inside transaction 't' (0: none).
 * Returns 0 or -errno. */
int xs_node_write(struct xs_handle *, uint32_t t, const char *dir,
                  const char *leaf, const char *value);
int xs_node_write_uint(struct xs_handle *, uint32_t t, const char *dir,
                       const char *leaf, uint32_t value);

/* Removes 'leaf' below 'dir' if it is there. */
int xs_node_remove(struct xs_handle *, uint32_t t, const char *dir,
                   const char *leaf);

/* Parses text of decimal digits, at most 'max'. */
bool xs_uint_parse(const char *text, uint32_t max, uint32_t *value);

#endif /* xs_node.h */
