/* Xen itself: grants through gntdev, event channels through evtchn, each
 * channel with a handle, and so a descriptor, of its own. */

#include "datapath/xen_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenevtchn.h>
#include <xengnttab.h>

/* Segments in a call of the library; the kernel makes its hypercalls of them
 * as it likes (sixteen at a time, in Linux 6.1's gntdev.c). */
#define COPY_SEGS 64u
#define MAP_PAGES 32u

struct xen_platform {
    xengnttab_handle *grants;
    struct xen_ops_counts counts;
};

struct xen_evtchn {
    struct xen_platform *platform;
    xenevtchn_handle *handle;
    evtchn_port_t port;                 /* Ours. */
};

static void
count(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static int
error_of(int otherwise)
{
    return errno ? -errno : -otherwise;
}

static void
on_xen_close(struct xen_platform *platform)
{
    if (platform) {
        if (platform->grants) {
            xengnttab_close(platform->grants);
        }
        free(platform);
    }
}

static int
on_xen_open(uint16_t own_domid, const char *where,
            struct xen_platform **platformp)
{
    struct xen_platform *platform = calloc(1, sizeof *platform);

    (void) own_domid;                   /* Xen knows who we are. */
    (void) where;
    *platformp = NULL;
    if (!platform) {
        return -ENOMEM;
    }
    errno = 0;
    platform->grants = xengnttab_open(NULL, 0);
    if (!platform->grants) {
        int error = error_of(ENODEV);

        on_xen_close(platform);
        return error;
    }
    *platformp = platform;
    return 0;
}

/* Event channels. */

static void
on_xen_evtchn_unbind(struct xen_evtchn *evtchn)
{
    if (evtchn) {
        xenevtchn_close(evtchn->handle);        /* Unbinds. */
        free(evtchn);
    }
}

static int
on_xen_evtchn_bind(struct xen_platform *platform, uint16_t domid,
                   uint32_t port, struct xen_evtchn **evtchnp)
{
    struct xen_evtchn *evtchn = calloc(1, sizeof *evtchn);

    *evtchnp = NULL;
    if (!evtchn) {
        return -ENOMEM;
    }
    errno = 0;
    evtchn->platform = platform;
    evtchn->handle = xenevtchn_open(NULL, 0);
    if (!evtchn->handle) {
        int error = error_of(ENODEV);

        free(evtchn);
        return error;
    }

    /* What is asked for when nothing is pending must not be waited for. */
    int fd = xenevtchn_fd(evtchn->handle);
    int flags = fcntl(fd, F_GETFL);
    int bound = (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -1
                 : xenevtchn_bind_interdomain(evtchn->handle, domid, port));
    if (bound < 0) {
        int error = error_of(EINVAL);

        on_xen_evtchn_unbind(evtchn);
        return error;
    }
    evtchn->port = bound;
    *evtchnp = evtchn;
    return 0;
}

static int
on_xen_evtchn_fd(const struct xen_evtchn *evtchn)
{
    return xenevtchn_fd(evtchn->handle);
}

static void
on_xen_evtchn_notify(struct xen_evtchn *evtchn)
{
    /* It fails if the other side is gone, of which others tell. */
    xenevtchn_notify(evtchn->handle, evtchn->port);
    count(&evtchn->platform->counts.notifies, 1);
}

static bool
on_xen_evtchn_pending(struct xen_evtchn *evtchn)
{
    return xenevtchn_pending(evtchn->handle) >= 0;
}

static void
on_xen_evtchn_unmask(struct xen_evtchn *evtchn)
{
    xenevtchn_unmask(evtchn->handle, evtchn->port);
}

/* Grants. */

static int
on_xen_grant_map(struct xen_platform *platform, uint16_t domid,
                 const uint32_t *grefs, unsigned int n, bool writable,
                 void **addressp)
{
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);
    uint32_t few[MAP_PAGES], *copy = few;

    *addressp = NULL;
    if (n > MAP_PAGES && !(copy = malloc(n * sizeof *copy))) {
        return -ENOMEM;
    }
    memcpy(copy, grefs, n * sizeof *copy);      /* The library's is not
                                                 * const. */
    errno = 0;
    void *address = xengnttab_map_domain_grant_refs(platform->grants, n,
                                                    domid, copy, prot);
    int error = address ? 0 : error_of(EINVAL);
    if (copy != few) {
        free(copy);
    }
    if (address) {
        *addressp = address;
        count(&platform->counts.maps, n);
    }
    return error;
}

static void
on_xen_grant_unmap(struct xen_platform *platform, uint16_t domid,
                   void *address, const uint32_t *grefs, unsigned int n,
                   bool writable)
{
    (void) domid;
    (void) grefs;
    (void) writable;
    xengnttab_unmap(platform->grants, address, n);
    count(&platform->counts.unmaps, n);
}

/* Null: what the segment says of our side makes no sense. */
static void *
local_of(const struct xen_copy_seg *seg)
{
    const struct xen_region *region = seg->region;

    return ((uint32_t) seg->foreign_offset + seg->bytes > XEN_PAGE_BYTES
            || seg->bytes > region->bytes
            || seg->local_offset > region->bytes - seg->bytes
            ? NULL
            : (void *) ((uintptr_t) region->base + seg->local_offset));
}

static void
fill(xengnttab_grant_copy_segment_t *out, const struct xen_copy_seg *seg,
     void *local)
{
    bool to_guest = seg->dir == XEN_COPY_TO_GUEST;
    union xengnttab_copy_ptr *foreign = to_guest ? &out->dest : &out->source;

    memset(out, 0, sizeof *out);
    foreign->foreign.ref = seg->gref;
    foreign->foreign.offset = seg->foreign_offset;
    foreign->foreign.domid = seg->domid;
    (to_guest ? &out->source : &out->dest)->virt = local;
    out->len = seg->bytes;
    out->flags = to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
    out->status = GNTST_general_error;
}

/* What fits one call.  Returns how many segments that were. */
static unsigned int
copy_some(struct xen_platform *platform, struct xen_copy_seg *segs,
          unsigned int n)
{
    xengnttab_grant_copy_segment_t calls[COPY_SEGS];
    struct xen_copy_seg *of[COPY_SEGS];
    unsigned int n_calls = 0, i;

    for (i = 0; i < n && n_calls < COPY_SEGS; i++) {
        void *local = local_of(&segs[i]);

        segs[i].status = GNTST_bad_copy_arg;
        if (local) {
            fill(&calls[n_calls], &segs[i], local);
            of[n_calls++] = &segs[i];
        }
    }
    if (n_calls) {
        /* If it fails as a whole, it set no status, or some. */
        xengnttab_grant_copy(platform->grants, n_calls, calls);
        count(&platform->counts.copy_calls, 1);
    }
    for (unsigned int k = 0; k < n_calls; k++) {
        of[k]->status = calls[k].status;
    }
    return i;
}

static void
on_xen_grant_copy(struct xen_platform *platform, struct xen_copy_seg *segs,
                  unsigned int n)
{
    count(&platform->counts.copy_segs, n);
    while (n) {
        unsigned int done = copy_some(platform, segs, n);

        segs += done;
        n -= done;
    }
}

static void
on_xen_counts(const struct xen_platform *platform, struct xen_ops_counts *out)
{
    xen_ops_counts_read(&platform->counts, out);
}

const struct xen_ops xen_ops_xen = {
    .name = "xen",
    .open = on_xen_open,
    .close = on_xen_close,
    .evtchn_bind = on_xen_evtchn_bind,
    .evtchn_unbind = on_xen_evtchn_unbind,
    .evtchn_fd = on_xen_evtchn_fd,
    .evtchn_notify = on_xen_evtchn_notify,
    .evtchn_pending = on_xen_evtchn_pending,
    .evtchn_unmask = on_xen_evtchn_unmask,
    .grant_map = on_xen_grant_map,
    .grant_unmap = on_xen_grant_unmap,
    .grant_copy = on_xen_grant_copy,
    .counts = on_xen_counts,
};
