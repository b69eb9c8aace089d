/* The stand-in's grant copy: on Xen this is a hypercall. */

#include <string.h>

#include "datapath/xen_local.h"
#include "datapath/xen_local_entry.h"

#define PREFETCH_ENTRY_AHEAD 4          /* Segments. */
#define PREFETCH_PAGE_AHEAD 2

static inline const struct xen_local_memory *
memory_of(struct xen_platform *platform, uint16_t domid)
{
    return (domid < XEN_LOCAL_DOMIDS
            ? __atomic_load_n(&platform->memory_of[domid], __ATOMIC_ACQUIRE)
            : NULL);
}

static inline void
prefetch_entry(const struct xen_local_memory *memory,
               const struct xen_copy_seg *seg)
{
    if (seg->gref < memory->n_grants) {
        __builtin_prefetch(xen_local_entry(memory, seg->gref), 1);
    }
}

/* A hint only: the entry is not held, and may be another domain's. */
static inline void
prefetch_page(const struct xen_local_memory *memory,
              const struct xen_copy_seg *seg)
{
    if (seg->gref < memory->n_grants) {
        uint32_t frame
            = __atomic_load_n(&xen_local_entry(memory, seg->gref)->frame,
                              __ATOMIC_RELAXED);
        if (frame < memory->n_pages) {
            __builtin_prefetch(memory->base
                               + (uint64_t) frame * XEN_PAGE_BYTES
                               + (seg->foreign_offset & ~63u
                                  & (XEN_PAGE_BYTES - 1)));
        }
    }
}

static inline void *
foreign_address(const struct xen_local_memory *memory, uint32_t frame,
                const struct xen_copy_seg *seg)
{
    return memory->base + (uint64_t) frame * XEN_PAGE_BYTES
           + seg->foreign_offset;
}

static inline int
copy_to_guest(const struct xen_local_memory *memory, uint16_t own_domid,
              const struct xen_copy_seg *seg, const void *local)
{
    struct xen_local_hold hold;

    int status = xen_local_hold(memory, seg->gref, own_domid, true, &hold);
    if (__builtin_expect(status == GNTST_okay, 1)) {
        memcpy(foreign_address(memory, hold.frame, seg), local, seg->bytes);
        xen_local_release_short(&hold);
    }
    return status;
}

static inline int
copy_from_guest(const struct xen_local_memory *memory, uint16_t own_domid,
                const struct xen_copy_seg *seg, void *local)
{
    struct xen_local_hold hold;

    int status = xen_local_look(memory, seg->gref, own_domid, &hold);
    if (__builtin_expect(status == GNTST_okay, 1)) {
        memcpy(local, foreign_address(memory, hold.frame, seg), seg->bytes);
        status = xen_local_look_again(&hold);
    }
    return status;
}

static inline int
copy_one(const struct xen_local_memory *memory, uint16_t own_domid,
         const struct xen_copy_seg *seg)
{
    const struct xen_region *region = seg->region;
    void *local = (void *) ((uintptr_t) region->base + seg->local_offset);

    if (__builtin_expect((uint32_t) seg->foreign_offset + seg->bytes
                             > XEN_PAGE_BYTES
                         || seg->bytes > region->bytes
                         || seg->local_offset > region->bytes - seg->bytes,
                         0)) {
        return GNTST_bad_copy_arg;
    }
    return (seg->dir == XEN_COPY_TO_GUEST
            ? copy_to_guest(memory, own_domid, seg, local)
            : copy_from_guest(memory, own_domid, seg, local));
}

void
xen_local_grant_copy(struct xen_platform *platform, struct xen_copy_seg *segs,
                     unsigned int n)
{
    const struct xen_local_memory *memory = NULL;
    uint32_t domid = UINT32_MAX;

    for (unsigned int i = 0; i < n; i++) {
        struct xen_copy_seg *seg = &segs[i];

        if (seg->domid != domid) {
            domid = seg->domid;
            memory = memory_of(platform, domid);
        }
        if (__builtin_expect(!memory, 0)) {
            seg->status = GNTST_bad_domain;
            continue;
        }
        /* The next segment is almost always the same guest's; a hint from
         * another's table would only be useless. */
        if (i + PREFETCH_ENTRY_AHEAD < n) {
            prefetch_entry(memory, &segs[i + PREFETCH_ENTRY_AHEAD]);
        }
        if (i + PREFETCH_PAGE_AHEAD < n) {
            prefetch_page(memory, &segs[i + PREFETCH_PAGE_AHEAD]);
        }
        seg->status = copy_one(memory, platform->own_domid, seg);
    }

    xen_local_count(&platform->counts.copy_calls, 1);
    xen_local_count(&platform->counts.copy_segs, n);
}
