/* Pages of a guest that stay mapped ("static grants", xen/io/netif.h): what
 * goes over them needs no grant operation.
 *
 * A table never changes once it is in use: the main thread makes another one
 * and puts it in its place, and a page is unmapped only when no polling thread
 * can still have the table that names it.
 *
 * Thread: find on the polling thread; the rest on the main thread.
 * Owner:  whoever made it; pages belong to whoever mapped them.
 * Errors: null: no memory.
 * Trust:  references are the guest's; a page's bytes may change at any time,
 *         so they are copied once and never looked at in place. */

#ifndef DATAPATH_VIF_GREFS_H
#define DATAPATH_VIF_GREFS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_journal.h"

/* A power of two, so that at most half of it is used. */
#define VIF_GREFS_SLOTS (2 * VIF_GREFS_MAX)

struct vif_gref {
    uint32_t gref;
    bool readonly;
    uint8_t *page;                      /* Null: an empty slot. */
};

struct vif_grefs {
    unsigned int n;
    uint32_t secret;                    /* Odd.  A guest that knew it could
                                         * have all its pages in one place,
                                         * and us look for them. */
    struct vif_gref slots[VIF_GREFS_SLOTS];
};

/* A copy of 'old', which may be null: empty. */
struct vif_grefs *vif_grefs_copy(const struct vif_grefs *old);
void vif_grefs_destroy(struct vif_grefs *);         /* Accepts null. */

/* Adds to a table that is not in use yet.  False: it is full, or has 'gref'
 * already. */
bool vif_grefs_add(struct vif_grefs *, const struct vif_gref *);
/* Takes 'gref' out; its page, or null. */
uint8_t *vif_grefs_remove(struct vif_grefs *, uint32_t gref);

static inline uint32_t
vif_grefs_slot(const struct vif_grefs *grefs, uint32_t gref)
{
    return gref * grefs->secret >> 22;  /* 10 bits. */
}
_Static_assert(VIF_GREFS_SLOTS == 1u << 10, "vif_grefs_slot()");

/* The entry of 'gref', or null; 'grefs' may be null. */
static inline const struct vif_gref *
vif_grefs_find(const struct vif_grefs *grefs, uint32_t gref)
{
    if (__builtin_expect(!grefs, 1)) {
        return NULL;
    }
    for (uint32_t i = vif_grefs_slot(grefs, gref); ; i++) {
        const struct vif_gref *slot = &grefs->slots[i % VIF_GREFS_SLOTS];

        if (!slot->page || slot->gref == gref) {
            return slot->page ? slot : NULL;
        }
    }
}

#endif /* datapath/vif_grefs.h */
