/* What differs between the flows of a generator's frames.
 *
 * Thread: any.  Pure. */

#ifndef GUEST_VARY_H
#define GUEST_VARY_H 1

#include <stdint.h>

#include "tools/guest/packet.h"
#include "tools/guest/pktgen_spec.h"

/* Makes the headers of frame 'sequence' those of its flow.  'head' has the
 * first flow's and its checksum of IPv4's header; that is kept right, the
 * others are the caller's business. */
void vary_write(enum pktgen_vary, uint32_t n_flows, uint64_t sequence,
                uint8_t *head, const struct packet *);

#endif /* vary.h */
