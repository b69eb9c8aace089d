/* Holds the hashes that a backend says, and the queues it chooses by them,
 * against our own.
 *
 * Thread: one at a time.  Pure.
 * Trust:  a frame's first bytes are copied before they are hashed. */

#ifndef GUEST_HASH_CHECK_H
#define GUEST_HASH_CHECK_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/toeplitz.h"

struct rx_frame;

struct hash_check {
    bool active;                        /* The backend should hash. */
    uint8_t key[TOEPLITZ_KEY_BYTES];
    uint32_t n_queues;
    uint64_t n_ok;
    uint64_t n_wrong;                   /* Type, algorithm or value. */
    uint64_t n_wrong_queue;             /* The right hash in the wrong one. */
    uint64_t n_missing;                 /* IP without a hash. */
};

void hash_check_frame(struct hash_check *, const struct rx_frame *,
                      uint32_t queue);

#endif /* hash_check.h */
