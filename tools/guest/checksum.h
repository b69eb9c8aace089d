/* The Internet's checksum, of pieces that each begin at an even byte.
 *
 * A sum is kept in the order of bytes of this machine, so that what
 * checksum_fold() returns is copied, not converted, into a packet.
 *
 * Thread: any.  Pure. */

#ifndef GUEST_CHECKSUM_H
#define GUEST_CHECKSUM_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet;

uint64_t checksum_add(uint64_t sum, const void *, size_t bytes);

/* The sum in 16 bits, not inverted. */
uint16_t checksum_fold(uint64_t sum);

/* The part for the pseudo header; 'l4_bytes' from the L4 header on. */
uint64_t checksum_pseudo(const uint8_t *head, const struct packet *,
                         uint32_t l4_bytes);

/* Completes a sum for TCP or UDP: what the packet carries. */
uint16_t checksum_finish(uint64_t sum, const struct packet *);

/* Is the L4 checksum of the whole frame right?  A UDP/IPv4 checksum of zero
 * is.  'packet' has an L4 header and ends within the frame. */
bool checksum_is_good(const uint8_t *frame, const struct packet *);

#endif /* checksum.h */
