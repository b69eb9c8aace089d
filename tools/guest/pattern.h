/* The bytes that fill frames: a fixed stream of 65536 bytes, repeated, of
 * which a frame holds a piece from a known position on.
 *
 * Thread: any, after the first call.  Pure. */

#ifndef GUEST_PATTERN_H
#define GUEST_PATTERN_H 1

#include <stdint.h>

/* The bytes from 'position' on; at least 65536 of them. */
const uint8_t *pattern_at(uint64_t position);

/* Where the payload of a datagram of this number begins in the stream.  (What
 * TCP carries begins at its sequence number.) */
static inline uint64_t
pattern_datagram(uint64_t sequence)
{
    return sequence * 4093;
}

#endif /* pattern.h */
