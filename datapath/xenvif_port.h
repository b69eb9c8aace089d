/* A xenvif port from the inside: shared by the files of the class, no one
 * else.
 *
 * Thread: three parts.  "main" fields under the mutex; a queue's "PMD" fields
 *         belong to the thread that polls it; what others touch is atomic,
 *         RCU or a ring.
 * Owner:  OVS, through netdev_xenvif.c.
 * Errors: see each function. */

#ifndef DATAPATH_XENVIF_PORT_H
#define DATAPATH_XENVIF_PORT_H 1

#include "datapath/doorbell.h"
#include "datapath/gso.h"
#include "datapath/turn.h"
#include "datapath/vif_conn.h"
#include "datapath/vif_hash.h"
#include "datapath/vif_journal.h"
#include "datapath/vif_offload.h"
#include "datapath/vif_stall.h"
#include "datapath/xenvif.h"
#include "dp-packet.h"
#include "netdev-provider.h"
#include "ovs-rcu.h"
#include "qos/codel.h"
#include "qos/cpu.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;
struct smap;
struct sset;
struct vif_backlog;
struct vif_ctrl;

/* What may wait for a guest to take it.  The packet bound keeps a slow
 * receiver from holding more than half of one neighbour's pool, however many
 * queues it has; one that takes nothing holds ever less (vif_stall.h).  The
 * byte bound is XENVIF_RX_QUEUE_MS of the receive limit, between the two
 * others: enough for TCP to fill the limit, little enough not to keep it
 * waiting.  A vif's queues share both. */
#define XENVIF_RX_QUEUE_PACKETS 480u
#define XENVIF_RX_QUEUE_MIN_BYTES (64u * 1024)
#define XENVIF_RX_QUEUE_MAX_BYTES (2u * 1024 * 1024)
#define XENVIF_RX_QUEUE_MS 50u

/* Big frames in one burst: half a mebibyte, so that a receiver's queue takes
 * more than one. */
#define XENVIF_BIG_BURST 8u

/* What a frame costs its receiver goes by its bytes, and by this beside them.
 * No part of it costs more than so much: the thread was away. */
#define XENVIF_RX_WEIGHT(BYTES) ((BYTES) + 512u)
#define XENVIF_RX_COST_MAX_PS 4000u

/* One sender's frames may fill a queue up to so many times what they leave
 * free for others (dynamic thresholds, Choudhury and Hahne, IEEE/ACM ToN 6:2,
 * 1998); who they are is told apart by a few numbers. */
#define XENVIF_RX_SHARE 4u
#define XENVIF_RX_SENDERS 32u

/* What is kept of a frame while it waits for its guest: where nothing that
 * Open vSwitch says of it is needed any more. */
#define XENVIF_RX_CAME_NS(PACKET) ((PACKET)->md.ct_label.u64.hi)
#define XENVIF_RX_SENDER(PACKET) ((PACKET)->md.ct_label.u64.lo)

/* How soon to come back for a buffer. */
#define XENVIF_RETRY_NS 100000

/* Frames of a vif's for which there may be no flow yet: so few that, idle flows
 * being kept for ten seconds, four vifs that send nothing else do not fill
 * OVS's table of 200,000. */
#define XENVIF_UPCALLS_PER_S 4000u
#define XENVIF_UPCALLS_BURST 4000u

/* New connections of a vif's: so few that, with a minute until one that was not
 * answered is forgotten, five vifs that open nothing else do not fill OVS's
 * table of 3,000,000; and the table, which the polling thread moves as a whole
 * when it doubles, grows slowly. */
#define XENVIF_CONNS_PER_S 10000u
#define XENVIF_CONNS_BURST 10000u

#define XENVIF_MTU_MAX 9000
/* A frame's bytes beyond its MTU: Ethernet header and a tag. */
#define XENVIF_FRAME_BYTES(MTU) ((MTU) + VLAN_ETH_HEADER_LEN)

/* Attached rings, swapped as a whole.  Main thread, but for what 'queues' and
 * 'journal' say of themselves. */
struct xenvif_link {
    uint64_t serial;                    /* No other link has had it. */
    unsigned int n_queues;
    struct vif_conn *queues[VIF_QUEUES_MAX];
    struct vif_frontend frontend;
    struct vif_journal *journal;
    OVSRCU_TYPE(struct vif_hash *) hash;

    int journal_fd;
    struct vif_ctrl *ctrl;              /* May be null. */
    uint64_t ctrl_next_ns, ctrl_rest_ns;
    struct xenvif *vif;                 /* Null: its port has gone. */
    struct xenvif_id id;
    struct ovs_list closing_node;
};

/* A frame of the guest's that is on its way into the switch. */
struct xenvif_entry {
    struct rte_mbuf *mbuf;
    struct vif_offload offload;
};

struct xenvif_queue {
    struct xenvif *vif;
    unsigned int id;

    /* Any thread. */
    struct rte_ring *rx_queue;          /* Many producers, the PMD consumes. */
    atomic_uint32_t rx_queue_bytes;
    struct {
        atomic_uint32_t packets, bytes;
    } rx_of[XENVIF_RX_SENDERS];         /* What waits, by sender. */
    atomic_bool gone;                   /* The guest takes nothing. */
    atomic_uint32_t rx_cost_ps;         /* Of XENVIF_RX_WEIGHT(), to move it
                                         * into the guest's ring. */

    /* The polling thread. */
    struct turn turn;
    uint64_t rx_moved;                  /* Sum of XENVIF_RX_WEIGHT(). */
    bool tx_waits;                      /* For room behind the switch: a
                                         * deadline tells when to look. */
    bool tx_more;                       /* It was left with frames that it
                                         * would have taken. */
    struct doorbell_member member;
    uint64_t watched;                   /* Serial of the link whose
                                         * descriptors the doorbell has. */
    bool out_of_buffers;                /* For the guest's frames. */
    bool rx_wants_buffers;              /* The guest posted too few. */
    uint64_t upcalls_rest, conns_rest;
    struct qos_leaf tx_leaf, rx_leaf;   /* Others look at their members. */
    uint64_t tx_held_ns, rx_held_ns;    /* Since when they hold frames back;
                                         * 0: they do not. */
    struct vif_stall stall;
    struct vif_stats stats;

    struct qos_codel codel;
    unsigned int n_staged, staged_head; /* Next for the guest. */
    struct dp_packet *staged[VIF_BURST_FRAMES];
    struct gso rx_gso;                  /* The first of them, being cut. */

    struct vif_supply supply;           /* For its next burst. */
    unsigned int n_entries, entry_head; /* Next for the switch. */
    struct xenvif_entry entries[VIF_BURST_FRAMES];
    struct gso tx_gso;                  /* The first of them, being cut. */
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
    bool mtu_by_database;
    int requested_n_txq, requested_n_rxq;
    unsigned int max_queues;
    struct eth_addr etheraddr;
    struct rte_mempool *pool, *big_pool;
    long long int carrier_resets;
    bool was_up;                        /* As xenvif_seq() knows it. */
    uint64_t n_ctrl_requests;           /* Of links that are no more. */
    char accused[160];                  /* Of before our time; "": none. */

    /* Any thread. */
    atomic_uint64_t turn_ns;            /* A round's, of all its queues. */
    atomic_uint32_t flags;              /* enum netdev_flags. */
    OVSRCU_TYPE(struct xenvif_link *) link;
    OVSRCU_TYPE(struct xenvif_policy *) policy;
    atomic_uint32_t malice;             /* enum vif_malice. */
    atomic_uint64_t n_malices[VIF_N_MALICES];
    atomic_bool closing;                /* A detached link is still mapped. */
    atomic_uint32_t rx_queued_packets;  /* Of all queues. */
    atomic_uint32_t rx_queue_limit_bytes;   /* Of all queues. */
    atomic_uint64_t rx_target_ns;       /* How long frames should wait. */
    struct qos_node tx_node, rx_node;   /* What its queues share. */
    struct qos_limit upcalls, conns;    /* The same. */
    struct vif_backlog *backlog;        /* In front of the uplink. */
    struct qos_settings db_tx, db_rx;   /* What the database says; main
                                         * thread. */
    char *db_qos_type;                  /* Null: nothing yet. */
    struct vif_stall_limits stall_limits;
    atomic_uint64_t send_drops[VIF_N_DROPS];

    struct xenvif_queue *queues[VIF_QUEUES_MAX];    /* 'up.n_rxq' of them. */
};

static inline struct xenvif *
xenvif_cast(const struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct xenvif, up);
}

/* The leaf holds a frame of 'bytes' back, 0: none.  Keeps '*held_ns', and adds
 * to 'counter' for how long.  Returns when to come back, UINT64_MAX if there is
 * nothing that waits. */
uint64_t xenvif_leaf_held(struct qos_leaf *, uint64_t bytes,
                          uint64_t *held_ns, uint64_t *counter,
                          uint64_t now_ns);

/* xenvif_config.c. */
int xenvif_set_config(struct netdev *, const struct smap *, char **errp);
int xenvif_get_config(const struct netdev *, struct smap *);

/* xenvif_queue.c. */
int xenvif_reconfigure(struct netdev *);
/* Nobody polls it or sends to it.  Accepts null. */
void xenvif_queue_destroy(struct xenvif_queue *);
/* Its first 'n' queues share the vif's limits from now on. */
void xenvif_queues_share(struct xenvif *, unsigned int n);

/* xenvif_send.c.  Frames towards the guest, from any thread. */
int xenvif_send(struct netdev *, int qid, struct dp_packet_batch *,
                bool concurrent_txq);

/* xenvif_qos.c.  Main thread: limits of a port's row, and dom0's. */
int xenvif_set_policing(struct netdev *, unsigned int kbits_rate,
                        unsigned int kbits_burst, unsigned int kpkts_rate,
                        unsigned int kpkts_burst);
int xenvif_get_qos_types(const struct netdev *, struct sset *);
int xenvif_get_qos(const struct netdev *, const char **typep, struct smap *);
int xenvif_set_qos(struct netdev *, const char *type, const struct smap *);
int xenvif_set_queue(struct netdev *, unsigned int queue_id,
                     const struct smap *);
/* What is in force, and who said the rate: constant memory. */
void xenvif_limits(const struct xenvif *, bool tx, struct qos_settings *,
                   const char **source);
void xenvif_apply_limits(struct xenvif *);

/* xenvif_tree.c.  Main thread. */
void xenvif_tree_init(void);
/* A new port's nodes, without limits. */
void xenvif_tree_add(struct xenvif *);
/* A port came, has gone, or has another group. */
void xenvif_tree_connect(void);
void xenvif_tree_show(struct ds *);

/* xenvif_rx.c.  Polling thread: moves queued frames into the guest's ring.
 * '*deadline_ns' is lowered to when the limit lets the next frame go.  True
 * if it moved any. */
bool xenvif_rx_drain(struct xenvif_queue *, const struct xenvif_link *,
                     uint64_t now_ns, uint64_t *deadline_ns);
/* Any thread.  Without it, queues are bounded by bytes and frames alone. */
void xenvif_rx_set_codel(bool on);
/* Polling thread, or the queue is not polled: drops what is queued for
 * 'reason', but for the newest 'n_keep' frames. */
void xenvif_rx_flush(struct xenvif_queue *, enum vif_drop reason,
                     unsigned int n_keep);

/* xenvif_entry.c.  Polling thread: the guest's frames on their way into the
 * switch. */
void xenvif_entry_add(struct xenvif_queue *, const struct xenvif_policy *,
                      const struct vif_frame *, int64_t *owed_bytes);
/* Moves what was added into 'batch', cut to pieces if need be.  False if
 * there are no buffers for the pieces. */
bool xenvif_entry_emit(struct xenvif_queue *, struct dp_packet_batch *);
/* Gives back the big buffers that are held for more: a vif's queues share
 * few. */
void xenvif_entry_spare(struct xenvif_queue *);
/* Frees what was added, and all buffers that are held for more. */
void xenvif_entry_flush(struct xenvif_queue *);

/* xenvif_tx.c.  Frames from the guest. */
int xenvif_rxq_recv(struct netdev_rxq *, struct dp_packet_batch *,
                    int *qfill);
extern const struct doorbell_ops xenvif_doorbell_ops;
/* Null: the member is no queue of a vif's. */
struct xenvif_queue *xenvif_queue_of_member(struct doorbell_member *);

/* xenvif_link.c. */
void xenvif_links_init(const struct xen_ops *, struct xen_platform *);
void xenvif_links_run(void);
void xenvif_links_wait(void);
/* Detaches and waits for nothing; used when the port goes. */
void xenvif_unlink(struct xenvif *);
/* Any thread.  The guest broke the protocol: from now on nobody looks at its
 * rings, and the main thread closes the vif. */
void xenvif_cut_off(struct xenvif *, enum vif_malice);
uint64_t xenvif_next_serial(void);
struct xenvif *xenvif_find(struct xenvif_id);

/* xenvif_ctl.c. */
extern struct ovs_list xenvif_all;      /* Main thread. */
void xenvif_ctl_init(void);
void xenvif_changed(void);              /* Bumps xenvif_seq(). */
void xenvif_kick(struct xenvif *);      /* All its queues. */

/* xenvif_show.c. */
void xenvif_show_init(void);
int xenvif_get_stats_cb(const struct netdev *, struct netdev_stats *);
int xenvif_get_custom_stats(const struct netdev *,
                            struct netdev_custom_stats *);
int xenvif_get_status(const struct netdev *, struct smap *);
void xenvif_sum_stats(const struct xenvif *, struct vif_stats *);
const struct xen_ops *xenvif_platform(struct xen_platform **);

#endif /* datapath/xenvif_port.h */
