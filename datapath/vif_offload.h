/* Judges what a guest says of a frame besides its bytes: that a checksum is
 * blank, that it is to be segmented.
 *
 * Thread: any.  Pure.   Owner: the caller's memory.
 * Errors: none; the answer is the reason to drop the frame, or VIF_N_DROPS.
 * Trust:  frame and flags are hostile, but private copies. */

#ifndef DATAPATH_VIF_OFFLOAD_H
#define DATAPATH_VIF_OFFLOAD_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/headers.h"
#include "datapath/vif_stats.h"

/* TCP's least segment once all options are in it, as Linux has it
 * (TCP_MIN_GSO_SIZE): what is smaller only multiplies work. */
#define VIF_GSO_MIN_BYTES 8u

/* What a guest claims. */
struct vif_claim {
    bool csum_blank;
    uint8_t gso_type;                   /* XEN_NETIF_GSO_TYPE_*; 0: none. */
    uint16_t gso_bytes;                 /* Payload of a segment. */
};

/* What is to be done with the frame. */
struct vif_offload {
    struct headers headers;             /* If 'csum' or 'mss_bytes'. */
    bool csum;                          /* Its checksum is blank. */
    uint16_t mss_bytes;                 /* Segment it so; 0: do not. */
};

/* Judges 'claim' about 'frame'.  Frames on the wire have at most
 * 'room_bytes'. */
enum vif_drop vif_offload_judge(const uint8_t *frame, uint32_t bytes,
                                const struct vif_claim *, uint32_t room_bytes,
                                struct vif_offload *);

/* What the frame costs: the bytes of the wire frames that it becomes. */
uint64_t vif_offload_wire_bytes(const struct vif_offload *, uint32_t bytes);

#endif /* datapath/vif_offload.h */
