/* Between the offloads of Linux's tap devices (struct virtio_net_hdr) and
 * those of Xen's network protocol.
 *
 * Thread: any.  Pure.
 * Errors: 0 or -errno.
 * Trust:  any header, any frame. */

#ifndef GUEST_VNET_H
#define GUEST_VNET_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tools/guest/offload.h"

struct virtio_net_hdr;

/* What the kernel left to us of a frame, whose first 'bytes' are 'head', we
 * leave to a backend that takes 'takes'.  '*fill': it does not take this
 * blank checksum, so vnet_fill_checksum() must be called.  -EOPNOTSUPP: it
 * takes no such GSO frame; -EINVAL: a frame that no tap device sends. */
int vnet_to_offload(const struct virtio_net_hdr *, const uint8_t *head,
                    size_t bytes, const struct offload_set *takes,
                    struct frame_offload *, bool *fill);

/* Sums up the frame from the header's csum_start on, which must be in the
 * first piece; pieces but the last have an even length. */
void vnet_fill_checksum(const struct virtio_net_hdr *,
                        const struct iovec *, uint32_t n, size_t bytes);

/* What a backend left to us of a frame of 'bytes' we leave to the kernel.
 * Writes the checksum of the pseudo header into the frame, where the kernel
 * wants it.  -EINVAL: the frame is not what it is said to be. */
int vnet_from_offload(const struct frame_offload *, const struct iovec *,
                      uint32_t n, struct virtio_net_hdr *);

#endif /* vnet.h */
