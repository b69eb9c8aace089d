/* One entry of a guest's v1 grant table, against a guest that edits it at the
 * same time.
 *
 * To write to the page, or to keep it mapped, the entry is held as the
 * hypervisor holds it: GTF_reading and GTF_writing are set by
 * compare-and-swap, so that the guest sees that it cannot take the page back
 * yet.  To read from it once, the entry is looked at before and after: a page
 * that was taken back meanwhile is refused, as if that had been before.  That
 * leaves the entry's cache line to the guest.
 *
 * Thread: any.
 * Trust:  the entry may change at any time; its flags and domid are judged
 *         and changed as one word, its frame is read once. */

#ifndef DATAPATH_XEN_LOCAL_ENTRY_H
#define DATAPATH_XEN_LOCAL_ENTRY_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

#include "datapath/xen_local.h"

#define XEN_LOCAL_ENTRY_TRIES 5

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
               && sizeof(struct grant_entry_v1) == 8, "grant entry");

#define XEN_LOCAL_HOLD_BITS ((uint32_t) (GTF_reading | GTF_writing))

struct xen_local_hold {
    uint32_t *word;                     /* Flags below, domid above. */
    uint32_t before;                    /* As it was when it was held. */
    uint32_t bits;                      /* Those that we have set. */
    uint32_t frame;
};

static inline struct grant_entry_v1 *
xen_local_entry(const struct xen_local_memory *memory, uint32_t gref)
{
    return (struct grant_entry_v1 *) memory->base + gref;
}

/* Does 'word' let 'own_domid' read, or write if 'writable'?  GNTST_okay, or
 * why not. */
static inline int
xen_local_check(uint32_t word, uint16_t own_domid, bool writable)
{
    if ((word & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access) {
        return GNTST_bad_gntref;
    }
    if (word >> 16 != own_domid || (writable && word & GTF_readonly)) {
        return GNTST_permission_denied;
    }
    return GNTST_okay;
}

static inline void
xen_local_release(const struct xen_local_hold *hold)
{
    if (hold->bits) {
        __atomic_fetch_and(hold->word, ~hold->bits, __ATOMIC_RELEASE);
    }
}

/* The same for a short hold for writing.  Nobody else held the entry before,
 * so the flags' low byte, where the bits are, can be put back with a plain
 * store: while GTF_writing is set the guest may not touch them. */
static inline void
xen_local_release_short(const struct xen_local_hold *hold)
{
    if (hold->bits == XEN_LOCAL_HOLD_BITS) {
        __atomic_store_n((uint8_t *) hold->word, (uint8_t) hold->before,
                         __ATOMIC_RELEASE);
    } else {
        xen_local_release(hold);
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
    hold->before = __atomic_load_n(hold->word, __ATOMIC_RELAXED);

    for (int i = 0; ; i++) {
        int status = xen_local_check(hold->before, own_domid, writable);
        if (status != GNTST_okay) {
            return status;
        }
        hold->bits = bits & ~hold->before;
        if (__atomic_compare_exchange_n(hold->word, &hold->before,
                                        hold->before | bits, false,
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

/* Begins to read: stores the entry as it is in 'hold'. */
static inline int
xen_local_look(const struct xen_local_memory *memory, uint32_t gref,
               uint16_t own_domid, struct xen_local_hold *hold)
{
    if (gref >= memory->n_grants) {
        return GNTST_bad_gntref;
    }

    struct grant_entry_v1 *entry = xen_local_entry(memory, gref);
    hold->word = (uint32_t *) entry;
    hold->before = __atomic_load_n(hold->word, __ATOMIC_ACQUIRE);
    hold->frame = __atomic_load_n(&entry->frame, __ATOMIC_RELAXED);

    int status = xen_local_check(hold->before, own_domid, false);
    if (status == GNTST_okay && hold->frame >= memory->n_pages) {
        status = GNTST_bad_page;
    }
    return status;
}

/* After the read: was the entry good all the while? */
static inline int
xen_local_look_again(const struct xen_local_hold *hold)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint32_t now = __atomic_load_n(hold->word, __ATOMIC_RELAXED);

    return ((now ^ hold->before) & ~XEN_LOCAL_HOLD_BITS ? GNTST_bad_gntref
                                                        : GNTST_okay);
}

#endif /* datapath/xen_local_entry.h */
