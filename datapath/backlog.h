/* What of a vif's frames waits in front of the uplink.  The uplink counts it,
 * the vif's gate looks at it, and either may go before the other.
 *
 * Thread: any.   Owner: counted; vif_backlog_unref() by each who has it.
 * Errors: none. */

#ifndef DATAPATH_BACKLOG_H
#define DATAPATH_BACKLOG_H 1

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "ovs-atomic.h"
#include "util.h"

struct vif_backlog {
    struct ovs_refcount ref_cnt;
    atomic_uint32_t bytes;
    atomic_uint32_t enough_bytes;       /* From here on, the vif waits. */
};

static inline struct vif_backlog *
vif_backlog_create(void)
{
    struct vif_backlog *b = xmalloc(sizeof *b);

    ovs_refcount_init(&b->ref_cnt);
    atomic_init(&b->bytes, 0);
    atomic_init(&b->enough_bytes, UINT32_MAX);
    return b;
}

static inline struct vif_backlog *
vif_backlog_ref(struct vif_backlog *b)
{
    if (b) {
        ovs_refcount_ref(&b->ref_cnt);
    }
    return b;
}

static inline void
vif_backlog_unref(struct vif_backlog *b)
{
    if (b && ovs_refcount_unref(&b->ref_cnt) == 1) {
        free(b);
    }
}

static inline bool
vif_backlog_is_enough(struct vif_backlog *b)
{
    uint32_t bytes, enough_bytes;

    atomic_read_relaxed(&b->bytes, &bytes);
    atomic_read_relaxed(&b->enough_bytes, &enough_bytes);
    return bytes >= enough_bytes;
}

#endif /* datapath/backlog.h */
