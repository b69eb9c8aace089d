/* The Toeplitz hash of a frame, as Xen's network protocol defines it.
 *
 * Thread: any.  Pure. */

#ifndef GUEST_TOEPLITZ_H
#define GUEST_TOEPLITZ_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOEPLITZ_KEY_BYTES 40u

struct packet;

/* The key of Microsoft's verification suite for RSS. */
extern const uint8_t toeplitz_default_key[TOEPLITZ_KEY_BYTES];

uint32_t toeplitz(const uint8_t key[TOEPLITZ_KEY_BYTES], const uint8_t *data,
                  size_t bytes);

/* The hash of the maximal type that fits a frame: TCP's, or IP's.  'type' is
 * one of _XEN_NETIF_CTRL_HASH_TYPE_*.  False if the frame is not IP. */
bool toeplitz_frame(const uint8_t key[TOEPLITZ_KEY_BYTES],
                    const uint8_t *head, const struct packet *,
                    uint8_t *type, uint32_t *hash);

#endif /* toeplitz.h */
