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

/* 'mac', if not null, is what frames are sent from
 * unless the specification says so itself. */
int pktgen_create(struct endpoint **, const struct pktgen_spec *,
                  const uint8_t *mac);

/* Changes the rate of a running generator, "max", "100kpps" or "100Mbit".
 * False if 'text' is no rate; 'error' then has room for SPEC_ERROR_BYTES and
 * says why. */
bool pktgen_set_rate(struct endpoint *, const char *text, char *error,
                     uint64_t now_ns);

#endif /* pktgen.h */
