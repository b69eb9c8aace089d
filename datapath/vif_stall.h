/* A guest that takes no frames: how long what waits for it is kept, and when
 * it counts as gone.
 *
 * Linux's netback keeps frames for 10 s and takes the carrier off after 60 s,
 * and so do we; but what waits here is in buffers of those who sent it, so
 * after one second only a little is kept.  A guest that never tells of its
 * buffers (no feature-rx-notify) is asked often, and does not count as gone:
 * nobody can tell it from one that rests.
 *
 * Thread: the one that polls the queue.   Owner: the queue.
 * Errors: none.   Time is passed in. */

#ifndef DATAPATH_VIF_STALL_H
#define DATAPATH_VIF_STALL_H 1

#include <stdbool.h>
#include <stdint.h>

#define VIF_STALL_TRIM_NS UINT64_C(1000000000)
#define VIF_STALL_KEEP_PACKETS 32u      /* Behind that. */

struct vif_stall_limits {
    uint64_t drain_ns;                  /* Then drop what waits; 0: never. */
    uint64_t gone_ns;                   /* Then no carrier; 0: never. */
};
#define VIF_STALL_DRAIN_MS 10000u
#define VIF_STALL_GONE_MS 60000u

/* Time that counts between two looks: when the whole machine stood still,
 * nobody else had any either. */
#define VIF_STALL_STEP_NS UINT64_C(50000000)

struct vif_stall {
    uint64_t looked_ns;                 /* It takes nothing; 0: it does. */
    uint64_t waited_ns;
    bool gone;
};

enum vif_stall_action {
    VIF_STALL_NOTHING,
    VIF_STALL_TRIM,                     /* To VIF_STALL_KEEP_PACKETS. */
    VIF_STALL_DRAIN,                    /* Drop all that waits. */
};

/* Frames wait, or were dropped after they did, and the guest has posted no
 * buffers for them.  Called at each look while that is so. */
static inline enum vif_stall_action
vif_stall_waits(struct vif_stall *stall, const struct vif_stall_limits *l,
                uint64_t now_ns)
{
    uint64_t step_ns = stall->looked_ns && now_ns > stall->looked_ns
                       ? now_ns - stall->looked_ns : 0;

    stall->looked_ns = now_ns ? now_ns : 1;
    stall->waited_ns += step_ns < VIF_STALL_STEP_NS ? step_ns
                                                    : VIF_STALL_STEP_NS;
    if (l->gone_ns && stall->waited_ns >= l->gone_ns) {
        stall->gone = true;
    }
    return (l->drain_ns && stall->waited_ns >= l->drain_ns ? VIF_STALL_DRAIN
            : stall->waited_ns >= VIF_STALL_TRIM_NS ? VIF_STALL_TRIM
            : VIF_STALL_NOTHING);
}

/* It took some, or posted buffers. */
static inline void
vif_stall_over(struct vif_stall *stall)
{
    *stall = (struct vif_stall) { 0, 0, false };
}

#endif /* datapath/vif_stall.h */
