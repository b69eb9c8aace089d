/* A xenvif port from the inside: shared by the files of the class, no one
 * else.
 *
 * Thread: three parts.  "main" fields under the mutex; "PMD" fields belong to
 *         the thread that polls the port's only queue; what others touch is
 *         atomic, RCU or a ring.
 * Owner:  OVS, through netdev_xenvif.c.
 * Errors: see each function. */

#ifndef DATAPATH_XENVIF_PORT_H
#define DATAPATH_XENVIF_PORT_H 1

#include "datapath/doorbell.h"
#include "datapath/vif_conn.h"
#include "datapath/xenvif.h"
#include "dp-packet.h"
#include "netdev-provider.h"
#include "ovs-rcu.h"

struct rte_mempool;
struct rte_ring;

/* What may wait for a guest to take it.  The packet bound, and the burst that
 * is staged, keep a slow receiver from holding more than half of one
 * neighbour's pool; one that takes nothing for XENVIF_RX_STALL_NS holds none.
 * The byte bound is XENVIF_RX_QUEUE_MS of the receive limit, between the two
 * others: enough for TCP to fill the limit, little enough not to keep it
 * waiting. */
#define XENVIF_RX_QUEUE_PACKETS 480u
#define XENVIF_RX_QUEUE_MIN_BYTES (64u * 1024)
#define XENVIF_RX_QUEUE_MAX_BYTES (512u * 1024)
#define XENVIF_RX_QUEUE_MS 50u
#define XENVIF_RX_STALL_NS UINT64_C(1000000000)

/* Attached rings, swapped as a whole.  Its port outlives it. */
struct xenvif_link {
    struct vif_conn *conn;
    struct xenvif *vif;
    uint64_t serial;                    /* No other link has had it. */
};

struct xenvif_policy_rcu {
    struct xenvif_policy policy;
    uint64_t serial;                    /* Changes with each policy. */
};

struct xenvif {
    struct netdev up;

    /* Main thread; the mutex is for readers on other threads. */
    struct ovs_mutex mutex;
    struct ovs_list all_node;           /* In 'xenvif_all'. */
    bool configured;
    struct xenvif_id id;
    uint64_t serial;                    /* No other port has had it. */
    int mtu, requested_mtu;
    int requested_n_txq;
    struct eth_addr etheraddr;
    struct rte_mempool *pool;
    long long int carrier_resets;

    /* Any thread. */
    atomic_uint32_t flags;              /* enum netdev_flags. */
    OVSRCU_TYPE(struct xenvif_link *) link;
    OVSRCU_TYPE(struct xenvif_policy_rcu *) policy;
    ATOMIC(const char *) malice;        /* Constant sentence, or null. */
    atomic_bool closing;                /* A detached link is still mapped. */
    struct rte_ring *rx_queue;          /* Many producers, the PMD consumes. */
    atomic_uint32_t rx_queue_bytes;
    atomic_uint32_t rx_queue_limit_bytes;
    atomic_uint64_t send_drops[VIF_N_DROPS];

    /* The polling thread. */
    struct doorbell_member member;
    uint64_t watched;                   /* Serial of the link whose
                                         * descriptors the doorbell has. */
    bool out_of_buffers;                /* For the guest's frames. */
    bool rx_wants_buffers;              /* The guest posted too few. */
    uint64_t rx_stalled_ns;             /* Since when it takes nothing, or
                                         * 0. */
    uint64_t policy_serial;
    struct qos_profile tx_profile, rx_profile;
    struct qos_bucket tx_bucket, rx_bucket;
    struct vif_stats stats;
    unsigned int n_staged, staged_head;
    struct dp_packet *staged[VIF_BURST_FRAMES];
};

static inline struct xenvif *
xenvif_cast(const struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct xenvif, up);
}

/* xenvif_rx.c.  Frames towards the guest. */
int xenvif_send(struct netdev *, int qid, struct dp_packet_batch *,
                bool concurrent_txq);
/* Polling thread: moves queued frames into the guest's ring.  '*deadline_ns'
 * is lowered to when the limit lets the next frame go.  True if it moved
 * any. */
bool xenvif_rx_drain(struct xenvif *, struct vif_conn *, uint64_t now_ns,
                     uint64_t *deadline_ns);
/* Polling thread, or the port is not polled: drops all that is queued, for
 * 'reason'. */
void xenvif_rx_flush(struct xenvif *, enum vif_drop reason);

/* xenvif_tx.c.  Frames from the guest. */
int xenvif_rxq_recv(struct netdev_rxq *, struct dp_packet_batch *,
                    int *qfill);
extern const struct doorbell_ops xenvif_doorbell_ops;

/* xenvif_ctl.c. */
extern struct ovs_list xenvif_all;      /* Main thread. */
void xenvif_ctl_init(const struct xen_ops *, struct xen_platform *);
uint64_t xenvif_next_serial(void);
void xenvif_changed(void);              /* Bumps xenvif_seq(). */
/* Any thread.  The guest broke the protocol: from now on nobody looks at its
 * rings, and the main thread closes the vif. */
void xenvif_cut_off(struct xenvif *, const struct vif_conn *);
/* Detaches and waits for nothing; used when the port goes. */
void xenvif_unlink(struct xenvif *);
void xenvif_sum_stats(const struct xenvif *, struct vif_stats *);

#endif /* datapath/xenvif_port.h */
