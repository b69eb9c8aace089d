/* xenstore, as this room uses it: libxenstore with answers judged.
 *
 * Thread: main.
 * Owner:  the handle is the room's; values are copied out.
 * Errors: 0 or -errno.  -ENOENT: no such node; -EINVAL: a value that is not
 *         what it should be; -EIO: the connection is gone, reopen. */

#ifndef NETDOM_XS_H
#define NETDOM_XS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

#define XS_PATH_BYTES 128

/* Reads DIR/LEAF, judged by xs_value.h. */
int xs_get_u64(struct xs_handle *, xs_transaction_t, const char *dir,
               const char *leaf, uint64_t min, uint64_t max, uint64_t *);
int xs_get_bool(struct xs_handle *, xs_transaction_t, const char *dir,
                const char *leaf, bool *);
int xs_get_text(struct xs_handle *, xs_transaction_t, const char *dir,
                const char *leaf, char *text, size_t text_bytes);

/* Copies at most 'start_bytes' of DIR/LEAF, whatever they are, and its whole
 * length into '*bytes'. */
int xs_get_start(struct xs_handle *, xs_transaction_t, const char *dir,
                 const char *leaf, char *start, size_t start_bytes,
                 size_t *bytes);

/* Removes DIR/LEAF, if it is there. */
int xs_remove(struct xs_handle *, xs_transaction_t, const char *dir,
              const char *leaf);

/* Writes DIR/LEAF. */
int xs_put(struct xs_handle *, xs_transaction_t, const char *dir,
           const char *leaf, const char *value);

/* Runs 'body' in a transaction, again (a few times) while others interfere.
 * 'body' returns 0 to commit, anything else to give up with that. */
int xs_atomically(struct xs_handle *,
                  int (*body)(struct xs_handle *, xs_transaction_t,
                              void *aux),
                  void *aux);

#endif /* netdom/xs.h */
