/* Any bytes as a frame in any two pieces, with any offload, to a guest's tap
 * and from it: nothing is read or written outside the frame, and what is
 * passed on is sane. */

#include <assert.h>
#include <linux/virtio_net.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/guest/checksum.h"
#include "tools/guest/packet.h"
#include "tools/guest/toeplitz.h"
#include "tools/guest/vnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define CONTROL_BYTES 16u

static void
read_headers(const uint8_t *frame, size_t bytes)
{
    struct packet p;
    uint32_t hash;
    uint8_t type;

    packet_parse(frame, bytes, &p);
    packet_flow_hash(frame, bytes);
    assert(toeplitz_frame(toeplitz_default_key, frame, &p, &type, &hash)
           == (p.ip != 0));
    assert(p.payload <= bytes && p.l4 <= bytes);
    assert(!p.payload || p.payload > p.l4);
    assert(!p.l4 || (p.ip && !p.fragment));
    if (p.l4 && p.end > packet_checksum_at(&p) + 1u && p.end <= bytes) {
        checksum_is_good(frame, &p);
    }
}

static void
from_kernel(const uint8_t *control, struct iovec *iov, size_t bytes)
{
    struct offload_set takes = {
        true, control[2] & 1, control[2] & 2, control[2] & 4, control[2] & 8,
    };
    struct virtio_net_hdr hdr;
    struct frame_offload o;
    bool fill;

    memcpy(&hdr, control + 3, sizeof hdr);
    if (vnet_to_offload(&hdr, iov[0].iov_base, iov[0].iov_len, &takes, &o,
                        &fill)) {
        return;
    }
    assert(!o.csum_blank || takes.csum4 || takes.csum6);
    assert(!o.gso_bytes || (o.csum_blank && (takes.gso4 || takes.gso6)));
    assert(!(fill && o.csum_blank));
    if (fill) {
        vnet_fill_checksum(&hdr, iov, 2, bytes);
    }
}

static void
to_kernel(const uint8_t *control, struct iovec *iov)
{
    const struct frame_offload o = {
        .csum_blank = control[13] & 1,
        .data_validated = control[13] & 2,
        .gso_type = control[13] >> 2 & 3,
        .gso_bytes = control[14],
    };
    struct virtio_net_hdr hdr;

    if (!vnet_from_offload(&o, iov, 2, &hdr) && hdr.gso_size) {
        assert(hdr.hdr_len >= hdr.csum_start + 20);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < CONTROL_BYTES) {
        return 0;
    }
    const uint8_t *control = data;
    data += CONTROL_BYTES;
    bytes -= CONTROL_BYTES;

    size_t cut = (control[0] | control[1] << 8) & ~1u;
    cut = cut < bytes ? cut : bytes;
    struct iovec iov[2] = {
        { malloc(cut + 1), cut }, { malloc(bytes - cut + 1), bytes - cut },
    };
    packet_scatter(iov, 2, 0, data, bytes);
    read_headers(data, bytes);
    from_kernel(control, iov, bytes);
    to_kernel(control, iov);
    free(iov[0].iov_base);
    free(iov[1].iov_base);
    return 0;
}
