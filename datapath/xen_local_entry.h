/* One entry of a guest's v1 grant table, held while it is in use, as the
 * hypervisor holds it: GTF_reading and GTF_writing are set by
 * compare-and-swap, against a guest that edits the entry at the same time.
 *
 * Thread: any.
 * Trust:  the entry may change at any time; its flags and domid are judged
 *         and changed as one word, its frame is read once, while held. */

#ifndef DATAPATH_XEN_LOCAL_ENTRY_H
#define DATAPATH_XEN_LOCAL_ENTRY_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

#include "datapath/xen_local.h"

#define XEN_LOCAL_ENTRY_TRIES 5

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
               && sizeof(struct grant_entry_v1) == 8, "grant entry");

struct xen_local_hold {
    uint32_t *word;                     /* Flags below, domid above. */
    uint32_t bits;                      /* Those that we have set. */
    uint32_t frame;
};

static inline struct grant_entry_v1 *
xen_local_entry(const struct xen_local_memory *memory, uint32_t gref)
{
    return (struct grant_entry_v1 *) memory->base + gref;
}

static inline void
xen_local_release(const struct xen_local_hold *hold)
{
    if (hold->bits) {
        __atomic_fetch_and(hold->word, ~hold->bits, __ATOMIC_RELEASE);
    }
}

/* Holds entry 'gref' on behalf of 'own_domid'.  Returns GNTST_okay, or why
 * not.  If the entry is held already, it stays so until its first holder
 * releases it; only a guest that grants one page for two uses sees that. */
static inline int
xen_local_hold(const struct xen_local_memory *memory, uint32_t gref,
               uint16_t own_domid, bool writable, struct xen_local_hold *hold)
{
    uint32_t bits = GTF_reading | (writable ? GTF_writing : 0);

    if (gref >= memory->n_grants) {
        return GNTST_bad_gntref;
    }

    struct grant_entry_v1 *entry = xen_local_entry(memory, gref);
    hold->word = (uint32_t *) entry;
    uint32_t old = __atomic_load_n(hold->word, __ATOMIC_RELAXED);

    for (int i = 0; ; i++) {
        if ((old & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access) {
            return GNTST_bad_gntref;
        }
        if (old >> 16 != own_domid || (writable && old & GTF_readonly)) {
            return GNTST_permission_denied;
        }
        hold->bits = bits & ~old;
        if (__atomic_compare_exchange_n(hold->word, &old, old | bits, false,
                                        __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            break;
        }
        if (i + 1 >= XEN_LOCAL_ENTRY_TRIES) {
            return GNTST_eagain;
        }
    }

    hold->frame = __atomic_load_n(&entry->frame, __ATOMIC_RELAXED);
    if (hold->frame >= memory->n_pages) {
        xen_local_release(hold);
        return GNTST_bad_page;
    }
    return GNTST_okay;
}

#endif /* datapath/xen_local_entry.h */
