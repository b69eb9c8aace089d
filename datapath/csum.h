/* TCP's and UDP's checksums: filling in what a guest left blank
 * (NETTXF_csum_blank in xen/io/netif.h), and leaving it blank for a guest that
 * takes that.
 *
 * Thread: any.  Owner: the caller's frame.  Errors: none; the headers were
 *         judged by headers_parse() and have 'l4'. */

#ifndef DATAPATH_CSUM_H
#define DATAPATH_CSUM_H 1

#include <stdint.h>

#include "datapath/headers.h"

/* Computes the L4 checksum of 'frame' and writes it there. */
void csum_fill(uint8_t *frame, const struct headers *);

/* Writes the sum of the pseudo header where the checksum belongs: what a
 * "blank" one holds, so that whoever completes it need only go on adding. */
void csum_blank(uint8_t *frame, const struct headers *);

/* Computes the checksum of the IPv4 header. */
void csum_fill_ipv4(uint8_t *frame, const struct headers *);

#endif /* datapath/csum.h */
