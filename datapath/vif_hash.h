/* Which of a guest's queues a frame goes to: as the guest has asked for over
 * its control ring (Toeplitz, xen/io/netif.h), or by a hash of our own.
 *
 * Thread: any; the state does not change while it is used.
 * Owner:  the caller's memory.   Errors: none.
 * Trust:  the state was judged when it was set (vif_ctrl.h), so that every
 *         queue in it is below the number of queues; frames are judged by
 *         headers_parse(). */

#ifndef DATAPATH_VIF_HASH_H
#define DATAPATH_VIF_HASH_H 1

#include <stdint.h>

#define VIF_HASH_KEY_BYTES 40u
#define VIF_HASH_MAPPING_MAX 128u
#define VIF_HASH_TYPE_NONE 0xffu

struct vif_hash {
    uint32_t algorithm;                 /* XEN_NETIF_CTRL_HASH_ALGORITHM_*. */
    uint32_t flags;                     /* XEN_NETIF_CTRL_HASH_TYPE_*. */
    uint32_t n_mapping;                 /* 0: hash modulo queues. */
    uint8_t mapping[VIF_HASH_MAPPING_MAX];  /* Queues. */
    /* Words, so that it is aligned; the bytes are in the guest's order. */
    uint32_t key[VIF_HASH_KEY_BYTES / 4];
};

/* A frame's hash, for its HASH extra. */
struct vif_hash_value {
    uint32_t value;
    uint8_t type;                       /* _XEN_NETIF_CTRL_HASH_TYPE_* */
    uint8_t queue;                      /* Where the frame goes. */
};

/* Chooses for 'frame'.  The type is VIF_HASH_TYPE_NONE if the guest has not
 * asked for its hash. */
struct vif_hash_value vif_hash_frame(const struct vif_hash *,
                                     const uint8_t *frame, uint32_t bytes,
                                     unsigned int n_queues);

#endif /* datapath/vif_hash.h */
