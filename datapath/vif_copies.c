#include <string.h>

#include "datapath/vif_conn_private.h"

/* Our side of a copy: inside 'region', or null. */
static uint8_t *
local(const struct xen_region *region, uint64_t offset, uint16_t bytes)
{
    if (bytes > region->bytes || offset > region->bytes - bytes) {
        return NULL;
    }
    return (uint8_t *) ((uintptr_t) region->base + offset);
}

int
vif_copies_add(struct vif_copies *copies, const struct vif_conn *conn,
               const struct xen_region *region, uint64_t offset,
               uint32_t gref, uint16_t foreign_offset, uint16_t bytes,
               enum xen_copy_dir dir)
{
    const struct vif_gref *mapped
        = vif_grefs_find(__atomic_load_n(&conn->grefs, __ATOMIC_ACQUIRE),
                         gref);

    if (__builtin_expect(mapped != NULL, 0)) {
        uint8_t *ours = local(region, offset, bytes);
        bool to_guest = dir == XEN_COPY_TO_GUEST;

        /* What does not fit is for the grant operation to refuse, by name. */
        if (ours && (uint32_t) foreign_offset + bytes <= XEN_PAGE_BYTES
            && !(to_guest && mapped->readonly)) {
            uint8_t *theirs = mapped->page + foreign_offset;

            copies->mapped[copies->n_mapped++] = (struct vif_mapped_copy) {
                to_guest ? theirs : ours, to_guest ? ours : theirs, bytes,
            };
            return -1;
        }
    }

    copies->segs[copies->n_segs] = (struct xen_copy_seg) {
        .region = region,
        .local_offset = offset,
        .gref = gref,
        .domid = conn->domid,
        .foreign_offset = foreign_offset,
        .bytes = bytes,
        .dir = dir,
    };
    return copies->n_segs++;
}

bool
vif_copies_run(struct vif_copies *copies, const struct vif_conn *conn)
{
    int failed = 0;

    for (unsigned int i = 0; i < copies->n_mapped; i++) {
        const struct vif_mapped_copy *copy = &copies->mapped[i];

        memcpy(copy->to, copy->from, copy->bytes);
    }
    if (copies->n_segs) {
        conn->ops->grant_copy(conn->platform, copies->segs, copies->n_segs);
        for (unsigned int i = 0; i < copies->n_segs; i++) {
            failed |= copies->segs[i].status;
        }
    }
    return failed;
}
