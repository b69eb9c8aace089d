/* Filling in a TCP or UDP checksum that the guest left to us
 * (NETTXF_csum_blank in xen/io/netif.h).
 *
 * Thread: any.  Owner: the caller's frame.  Errors: false.
 * Trust:  the frame is hostile but private; no header is believed beyond
 *         'bytes'. */

#ifndef DATAPATH_CSUM_H
#define DATAPATH_CSUM_H 1

#include <stdbool.h>
#include <stdint.h>

/* Computes the L4 checksum of the Ethernet frame at 'frame' (up to two VLAN
 * tags; IPv4 without fragments, or IPv6 without extension headers; TCP or
 * UDP) and writes it there.  Returns false, changing nothing, if it is no
 * such frame or its headers do not agree with its length. */
bool csum_fill(uint8_t *frame, uint32_t bytes);

#endif /* datapath/csum.h */
