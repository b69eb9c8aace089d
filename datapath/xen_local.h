/* The stand-in's side of the ops table, shared by its files: xen_ops_local.c
 * (platform and broker), xen_local_grant.c, xen_local_evtchn.c.
 *
 * Thread: what has 'platform->mutex' held says so; grant_copy() takes no lock.
 * Trust:  a guest's memory is hostile; the broker is not, but its replies are
 *         checked, and it may die and come back at any time. */

#ifndef DATAPATH_XEN_LOCAL_H
#define DATAPATH_XEN_LOCAL_H 1

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/xen_ops.h"
#include "xenlocal/xenlocal.h"

#define XEN_LOCAL_DOMIDS 0x7ff0u        /* DOMID_FIRST_RESERVED. */
#define XEN_LOCAL_PATH_BYTES 108        /* sockaddr_un's. */

/* A guest's memory, mapped whole.  It stays valid when the guest dies: the
 * memfd is ours as well, and sealed against shrinking. */
struct xen_local_memory {
    uint8_t *base;
    uint64_t bytes;
    uint32_t n_pages;
    uint32_t n_grants;                  /* Entries in the grant table. */
    uint64_t generation;
    int fd;
    struct xen_local_memory *older;
};

/* A guest of whose pages some are mapped.  While that is so none of its
 * memories is given up, so that copies need no lock; a guest that keeps
 * replacing its memory without ever closing all its vifs is refused. */
#define XEN_LOCAL_MEMORIES_MAX 4u
struct xen_local_domain {
    uint16_t domid;
    unsigned int n_mappings;
    unsigned int n_memories;
    struct xen_local_memory *newest;
    struct xen_local_domain *next;
};

struct xen_local_mapping;

struct xen_platform {
    uint16_t own_domid;
    char broker_path[XEN_LOCAL_PATH_BYTES];

    pthread_mutex_t mutex;
    int broker;                         /* -1: not connected. */
    uint64_t broker_epoch;              /* Counts its connections. */
    struct xen_local_domain *domains;
    struct xen_local_mapping *mappings;

    /* Relaxed adds; on a line of their own. */
    struct xen_ops_counts counts __attribute__((aligned(64)));

    /* What grant_copy() looks up, without a lock: null, or the newest memory
     * of a domain in 'domains'. */
    struct xen_local_memory *memory_of[XEN_LOCAL_DOMIDS]
        __attribute__((aligned(64)));
};

static inline void
xen_local_count(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* Calls the broker, after connecting to it if need be.  -EIO: it cannot be
 * reached or the connection broke; the next call connects anew.  Needs the
 * mutex. */
int xen_local_call(struct xen_platform *, const struct xenlocal_request *,
                   struct xenlocal_reply *, int fds[2]);

/* The ops; contracts in xen_ops.h. */
int xen_local_evtchn_bind(struct xen_platform *, uint16_t domid,
                          uint32_t port, struct xen_evtchn **);
void xen_local_evtchn_unbind(struct xen_evtchn *);
int xen_local_evtchn_fd(const struct xen_evtchn *);
void xen_local_evtchn_notify(struct xen_evtchn *);
bool xen_local_evtchn_pending(struct xen_evtchn *);
void xen_local_evtchn_unmask(struct xen_evtchn *);

int xen_local_grant_map(struct xen_platform *, uint16_t domid,
                        const uint32_t *grefs, unsigned int n, bool writable,
                        void **);
void xen_local_grant_unmap(struct xen_platform *, uint16_t domid, void *,
                           const uint32_t *grefs, unsigned int n,
                           bool writable);
void xen_local_grant_copy(struct xen_platform *, struct xen_copy_seg *,
                          unsigned int n);

#endif /* datapath/xen_local.h */
