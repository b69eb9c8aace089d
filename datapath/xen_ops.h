/* What the datapath needs of Xen, as a table with two implementations:
 * xen_ops_local (the stand-in) and, on a real host, libxengnttab and
 * libxenevtchn.  Everything above this table is the same code on both.
 *
 * Thread: open and close on the main thread; a port or a mapping belongs to
 *         whoever opened it, one thread at a time; copy() may be called by
 *         several threads at once.
 * Errors: 0 or -errno for calls; GNTST_* (xen/grant_table.h) per segment of
 *         copy(), because the real grant copy succeeds while single segments
 *         fail (xengnttab_grant_copy() in xengnttab.h).
 * Trust:  memory that map() returns can change under the reader's eyes. */

#ifndef DATAPATH_XEN_OPS_H
#define DATAPATH_XEN_OPS_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XEN_PAGE_BYTES 4096u

/* Memory of ours that copy() may use as its local side.  'base' and 'bytes'
 * never change; whoever registered it keeps it alive until it is
 * unregistered. */
struct xen_region {
    void *base;
    uint64_t bytes;
};

enum xen_copy_dir {
    XEN_COPY_FROM_GUEST,
    XEN_COPY_TO_GUEST,
};

struct xen_copy_seg {
    const struct xen_region *region;    /* Local side: */
    uint64_t local_offset;              /* bytes from region->base. */
    uint32_t gref;                      /* Foreign side: */
    uint16_t domid;
    uint16_t foreign_offset;            /* bytes into the granted page. */
    uint16_t bytes;                     /* Must not cross the page. */
    uint8_t dir;                        /* enum xen_copy_dir. */
    int16_t status;                     /* Out: GNTST_okay or an error. */
};

/* Counts of what would be a hypercall or a system call on Xen, kept by the
 * implementation; relaxed reads from any thread. */
struct xen_ops_counts {
    uint64_t copy_calls;
    uint64_t copy_segs;
    uint64_t notifies;
    uint64_t maps;
    uint64_t unmaps;
};

static inline void
xen_ops_counts_read(const struct xen_ops_counts *counts,
                    struct xen_ops_counts *out)
{
    *out = (struct xen_ops_counts) {
        .copy_calls = __atomic_load_n(&counts->copy_calls, __ATOMIC_RELAXED),
        .copy_segs = __atomic_load_n(&counts->copy_segs, __ATOMIC_RELAXED),
        .notifies = __atomic_load_n(&counts->notifies, __ATOMIC_RELAXED),
        .maps = __atomic_load_n(&counts->maps, __ATOMIC_RELAXED),
        .unmaps = __atomic_load_n(&counts->unmaps, __ATOMIC_RELAXED),
    };
}

struct xen_evtchn;                      /* One bound event channel port. */
struct xen_platform;                    /* An implementation's own state. */

struct xen_ops {
    const char *name;                   /* "local", "xen". */

    /* Opens the platform for domain 'own_domid'.  'where' is the stand-in's
     * run folder, ignored on Xen. */
    int (*open)(uint16_t own_domid, const char *where,
                struct xen_platform **);
    void (*close)(struct xen_platform *);           /* Accepts null. */

    /* Event channels.  A port that fired stays masked until unmask(). */
    int (*evtchn_bind)(struct xen_platform *, uint16_t domid, uint32_t port,
                       struct xen_evtchn **);
    void (*evtchn_unbind)(struct xen_evtchn *);     /* Accepts null. */
    int (*evtchn_fd)(const struct xen_evtchn *);    /* Readable: pending. */
    void (*evtchn_notify)(struct xen_evtchn *);
    bool (*evtchn_pending)(struct xen_evtchn *);    /* Reads it and clears. */
    void (*evtchn_unmask)(struct xen_evtchn *);

    /* Grants.  Maps 'n' pages side by side; all or nothing.  -EACCES or
     * -EINVAL if a gref is bad, -ENOENT if the domain is gone. */
    int (*grant_map)(struct xen_platform *, uint16_t domid,
                     const uint32_t *grefs, unsigned int n, bool writable,
                     void **);
    void (*grant_unmap)(struct xen_platform *, uint16_t domid, void *,
                        const uint32_t *grefs, unsigned int n,
                        bool writable);

    /* Copies each segment, both directions and several domains mixed, and
     * sets each status.  Never fails as a whole.  The caller has some page
     * of each of those domains mapped for as long as it takes: without,
     * GNTST_bad_domain is an honest answer. */
    void (*grant_copy)(struct xen_platform *, struct xen_copy_seg *,
                       unsigned int n);

    void (*counts)(const struct xen_platform *, struct xen_ops_counts *);
};

extern const struct xen_ops xen_ops_local;          /* xen_ops_local.c */
extern const struct xen_ops xen_ops_xen;            /* xen_ops_xen.c */

#endif /* datapath/xen_ops.h */
