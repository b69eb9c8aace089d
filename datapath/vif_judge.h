/* Judges what a guest put on its Tx ring: one frame is a chain of slots.
 *
 * Thread: any.  Pure: no memory but the caller's, no clock, no log.
 * Owner:  the caller's memory.
 * Errors: none; the verdict is the answer.
 * Trust:  slots are hostile, but must be private copies: each is looked at
 *         once, and the guest can no longer change it.
 *
 * Feed it a frame's first slot, then one more for as long as 'wants' asks.
 * Nonsense drops the frame under a named reason, once the chain has been
 * read to its end (so that every slot can be answered); malice, which no
 * honest frontend commits, ends the vif.
 *
 *     first slot      its size is that of the whole frame
 *     extra info      if the first slot says so, until one says "no more"
 *     further data    if the first slot says so, until one says "no more"
 *
 * What the frame itself says is judged later, by vif_offload.h, on a copy of
 * its bytes. */

#ifndef DATAPATH_VIF_JUDGE_H
#define DATAPATH_VIF_JUDGE_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_stats.h"
#include "datapath/xen_ops.h"

/* Data slots of a frame, the first included: how many must be taken
 * (XEN_NETIF_NR_SLOTS_MIN), and above how many the guest is hostile.  Between
 * the two the frame is dropped: old frontends count badly. */
#define VIF_TX_SLOTS_MAX XEN_NETIF_NR_SLOTS_MIN
#define VIF_TX_SLOTS_FATAL 20u

/* Netif.h has five types of extra info (it names four), and a frame has no
 * use for one of them twice. */
#define VIF_TX_EXTRAS_MAX 5u
#define VIF_EXTRA_TYPE_XDP 5u

#define VIF_TX_CHAIN_MAX (VIF_TX_SLOTS_FATAL + VIF_TX_EXTRAS_MAX)

#define VIF_FRAME_MIN_BYTES 14u         /* An Ethernet header. */

/* A copy of a slot of the Tx ring. */
union vif_tx_slot {
    struct netif_tx_request req;
    struct netif_extra_info extra;
    uint32_t words[3];
};

enum vif_verdict {
    VIF_PASS,                           /* A frame to take. */
    VIF_CONTROL,                        /* No frame: amend the multicast
                                         * list. */
    VIF_DROP,                           /* 'drop' says why. */
    VIF_MALICE,                         /* 'malice' says what. */
};

enum vif_wants {
    VIF_WANTS_NOTHING,                  /* The verdict is final. */
    VIF_WANTS_EXTRA,
    VIF_WANTS_DATA,
};

struct vif_judge {
    uint8_t wants;                      /* enum vif_wants. */
    uint8_t verdict;                    /* enum vif_verdict. */
    uint8_t drop;                       /* enum vif_drop. */
    uint8_t n_data, n_extras;           /* Slots fed so far. */
    uint8_t seen;                       /* Extra types, a bit each. */
    uint8_t gso_type;                   /* XEN_NETIF_GSO_TYPE_*; 0: none. */
    uint8_t malice;                     /* enum vif_malice. */
    uint16_t gso_bytes;
    uint16_t flags;                     /* NETTXF_* of the first slot. */
    uint16_t first_offset;
    uint32_t total_bytes;               /* The frame's. */
    uint32_t rest_bytes;                /* Those in slots after the first. */
    uint32_t room_bytes, gso_room_bytes;
    uint8_t mcast_add[6], mcast_del[6]; /* If 'seen' says so. */
};

/* Have extras of 'type' been seen? */
static inline bool
vif_judge_saw(const struct vif_judge *judge, unsigned int type)
{
    return judge->seen & 1u << type;
}

/* The first slot's own bytes; valid for VIF_PASS. */
static inline uint32_t
vif_judge_first_bytes(const struct vif_judge *judge)
{
    return judge->total_bytes - judge->rest_bytes;
}

/* Takes the next slot, while 'wants' is not VIF_WANTS_NOTHING. */
void vif_judge_next(struct vif_judge *, const union vif_tx_slot *);

/* The ring held no further slot though 'wants' asks for one. */
void vif_judge_starved(struct vif_judge *);

/* For vif_judge_first(). */
void vif_judge_finish(struct vif_judge *);

/* Begins with a frame's first slot.  Frames above 'room_bytes' are dropped,
 * those to be segmented above 'gso_room_bytes'. */
static inline void
vif_judge_first(struct vif_judge *judge, const union vif_tx_slot *slot,
                uint32_t room_bytes, uint32_t gso_room_bytes)
{
    const struct netif_tx_request *req = &slot->req;

    *judge = (struct vif_judge) {
        .wants = VIF_WANTS_NOTHING,
        .verdict = VIF_PASS,
        .n_data = 1,
        .flags = req->flags,
        .first_offset = req->offset,
        .total_bytes = req->size,
        .room_bytes = room_bytes,
        .gso_room_bytes = gso_room_bytes,
    };

    if (__builtin_expect(req->flags & (NETTXF_more_data | NETTXF_extra_info),
                         0)) {
        judge->wants = req->flags & NETTXF_extra_info ? VIF_WANTS_EXTRA
                                                      : VIF_WANTS_DATA;
    } else if (__builtin_expect((uint32_t) req->offset + req->size
                                    > XEN_PAGE_BYTES
                                || req->size < VIF_FRAME_MIN_BYTES
                                || req->size > room_bytes, 0)) {
        vif_judge_finish(judge);
    }
}

#endif /* datapath/vif_judge.h */
