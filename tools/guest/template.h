/* The frames of a generator: headers, of which little changes from frame to
 * frame, a probe, and a piece of the pattern.
 *
 * Thread: any.  Pure. */

#ifndef GUEST_TEMPLATE_H
#define GUEST_TEMPLATE_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tools/guest/packet.h"
#include "tools/guest/pktgen_spec.h"

#define TEMPLATE_HEAD_BYTES 80u

struct frame_offload;
struct offload_set;
struct probe;

struct template {
    uint8_t head[TEMPLATE_HEAD_BYTES];
    uint32_t head_bytes;
    uint32_t payload_bytes;             /* The probe among them. */
    uint32_t n_flows;
    enum pktgen_vary vary;
    uint16_t gso_bytes;
    enum pktgen_csum csum;
    struct packet packet;
};

void template_init(struct template *, const struct pktgen_spec *,
                   const uint8_t src[6]);

/* What these frames leave to a backend that takes 'takes'.  False if it does
 * not take them at all. */
bool template_offload(const struct template *, const struct offload_set *takes,
                      struct frame_offload *);

/* Writes the frame of 'probe' into the pages of 'iov'. */
void template_write(const struct template *, const struct probe *,
                    const struct frame_offload *, const struct iovec *,
                    uint32_t n);

#endif /* template.h */
