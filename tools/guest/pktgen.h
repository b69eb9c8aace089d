/* A packet generator behind a guest's vif: frames of one shape, paced, each
 * with a sequence number and the time of sending (probe.h).
 *
 * Thread: the guest's only one.
 * Owner:  the endpoint's 'destroy' frees it. */

#ifndef GUEST_PKTGEN_H
#define GUEST_PKTGEN_H 1

#include <stdbool.h>
#include <stdint.h>

struct endpoint;
struct pktgen_spec;

/* 'spec' must stay valid.  'mac', if not null, is what frames are sent from
 * unless the specification says so itself. */
int pktgen_create(struct endpoint **, const struct pktgen_spec *,
                  const uint8_t *mac);

#endif /* pktgen.h */
