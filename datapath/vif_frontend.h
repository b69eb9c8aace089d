/* What a guest's frontend offers and asks for, as its xenstore nodes say it
 * (xen/io/netif.h), once they have been judged.
 *
 * Thread: plain data.   Owner: whoever holds it.   Errors: none.
 * Trust:  numbers of a guest: references and ports may be anybody's or
 *         nobody's; counts are within the bounds here. */

#ifndef DATAPATH_VIF_FRONTEND_H
#define DATAPATH_VIF_FRONTEND_H 1

#include <stdbool.h>
#include <stdint.h>

#define VIF_QUEUES_MAX 8u

/* Bytes in front of a received frame: half a page, so that a frame's head
 * still fits behind it. */
#define VIF_XDP_HEADROOM_MAX 2048u

struct vif_queue_params {
    uint32_t tx_gref, rx_gref;          /* The ring pages. */
    uint32_t tx_port, rx_port;          /* Equal: one channel for both. */
};

struct vif_frontend {
    uint16_t domid;                     /* The guest. */
    unsigned int n_queues;              /* 1 to VIF_QUEUES_MAX. */
    struct vif_queue_params queues[VIF_QUEUES_MAX];

    bool has_ctrl;                      /* A control ring: */
    uint32_t ctrl_gref, ctrl_port;

    /* What it takes on receive. */
    bool sg;                            /* feature-sg: chained slots. */
    bool gso_v4, gso_v6;                /* feature-gso-tcpv4, -tcpv6. */
    bool csum_v4;                       /* No feature-no-csum-offload. */
    bool csum_v6;                       /* feature-ipv6-csum-offload. */
    bool rx_notify;                     /* feature-rx-notify: it tells of
                                         * posted buffers. */

    bool multicast_control;             /* request-multicast-control. */
    uint16_t xdp_headroom_bytes;        /* xdp-headroom. */
};

#endif /* datapath/vif_frontend.h */
