/* A sink behind a guest's vif: counts what arrives, over time, and for each
 * generator of probes (probe.h) what was lost, reordered or doubled, and how
 * long frames took.
 *
 * Thread: the guest's only one.
 * Owner:  the endpoint's 'destroy' frees it.
 * Trust:  frames may be anything; the number of generators that are told
 *         apart and the length of the series are bounded. */

#ifndef GUEST_SINK_H
#define GUEST_SINK_H 1

#include <stdint.h>

#include "tools/guest/pktgen_spec.h"

struct endpoint;

/* 'spec' must stay valid.  'mac', if not null, is what the sink announces
 * itself with instead of the vif's. */
int sink_create(struct endpoint **, const struct sink_spec *,
                const uint8_t *mac);

#endif /* sink.h */
