/* What vif_ctrl.c (the ring), vif_ctrl_hash.c and vif_ctrl_grefs.c (the
 * requests) share.
 *
 * Thread, Owner, Errors, Trust: vif_ctrl.h's. */

#ifndef DATAPATH_VIF_CTRL_PRIVATE_H
#define DATAPATH_VIF_CTRL_PRIVATE_H 1

#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_ctrl.h"
#include "datapath/vif_grefs.h"
#include "datapath/vif_journal.h"
#include "datapath/xen_ops.h"

struct vif_ctrl {
    const struct xen_ops *ops;
    struct xen_platform *platform;
    struct vif_journal *journal;
    struct vif_conn *const *queues;
    const struct vif_ctrl_ops *owner_ops;
    void *aux;

    struct xen_ctrl_ring {
        struct xen_netif_ctrl_sring *page;
        uint32_t cons;                  /* Consumed and answered. */
    } ring;
    struct xen_netif_ctrl_request request;  /* The oldest, a copy. */
    struct xen_evtchn *evtchn;
    uint64_t next_ns;                   /* Not before, if there is more. */
    bool malice;
    uint64_t n_requests;

    struct vif_hash hash;

    /* A DEL_GREF_MAPPING whose pages polling threads may still use; nothing
     * else is answered meanwhile. */
    struct vif_ctrl_removal *removal;
};

/* A request's answer. */
struct vif_ctrl_answer {
    uint32_t status;                    /* XEN_NETIF_CTRL_STATUS_*. */
    uint32_t data;
    bool later;                         /* vif_ctrl_answer() will come. */
};

/* Copies 'bytes' from (or to) the start of the page granted as 'gref'. */
bool vif_ctrl_copy(struct vif_ctrl *, enum xen_copy_dir, uint32_t gref,
                   void *bytes, uint32_t n);

/* Writes the answer to 'ctrl->request'. */
void vif_ctrl_answer(struct vif_ctrl *, const struct vif_ctrl_answer *);

/* 'request' is a private copy. */
struct vif_ctrl_answer
vif_ctrl_handle_hash(struct vif_ctrl *,
                     const struct xen_netif_ctrl_request *request);
struct vif_ctrl_answer
vif_ctrl_handle_grefs(struct vif_ctrl *,
                      const struct xen_netif_ctrl_request *request);

/* Unmaps all that is mapped; no thread uses it. */
void vif_ctrl_unmap_all(struct vif_ctrl *);

#endif /* datapath/vif_ctrl_private.h */
