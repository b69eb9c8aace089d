#include "tools/guest/hash_check.h"

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/control_script.h"
#include "tools/guest/packet.h"
#include "tools/guest/rx_ring.h"

void
hash_check_frame(struct hash_check *h, const struct rx_frame *frame,
                 uint32_t queue)
{
    uint8_t head[PACKET_HEAD_BYTES];
    struct packet p;
    uint32_t hash;
    uint8_t type;

    packet_parse(head, packet_gather(frame->iov, frame->n_iov, 0, head,
                                     sizeof head), &p);
    bool ip = toeplitz_frame(h->key, head, &p, &type, &hash);

    if (!frame->hashed) {
        h->n_missing += ip;
    } else if (!ip || frame->hash != hash || frame->hash_type != type
               || frame->hash_algorithm
                  != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ) {
        h->n_wrong++;
    } else if (hash % CONTROL_MAPPING_SIZE % h->n_queues != queue) {
        h->n_wrong_queue++;
    } else {
        h->n_ok++;
    }
}
