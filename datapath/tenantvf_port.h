/* A tenantvf port from the inside: shared by the files of the class, no one
 * else.
 *
 * Thread: main, but for what says otherwise.
 * Owner:  OVS, through netdev_tenantvf.c.   Errors: see each function. */

#ifndef DATAPATH_TENANTVF_PORT_H
#define DATAPATH_TENANTVF_PORT_H 1

#include <stdint.h>

#include "datapath/tenantvf_queue.h"
#include "netdev-provider.h"
#include "openvswitch/list.h"
#include "ovs-atomic.h"
#include "qos/tree.h"

struct doorbell_member;
struct rte_mempool;

struct tenantvf {
    struct netdev up;

    /* Main thread. */
    struct ovs_list all_node;
    struct netdev *under;               /* Of class "dpdk"; null at first. */
    char *devargs;
    uint64_t under_seq;                 /* Changes of 'under' passed on. */

    /* Set while nobody sends. */
    struct rte_mempool *pool;           /* For pieces of frames; may be
                                         * null: the device cuts them. */
    int mtu;                            /* Of 'under', or of 'pool'. */
    int port_id;                        /* DPDK's; -1: not known. */
    struct doorbell_member *drains;     /* Of the thread that sends what
                                         * waits; null: there is none. */
    char *qos_type;                     /* Null: nothing yet. */
    struct qos_settings qos;            /* What its row says. */

    struct tenantvf_queue queue;
    /* Any thread. */
    atomic_uint64_t n_segmented;        /* Frames that were cut. */
    atomic_uint64_t n_no_buffer;        /* Pieces that were lost. */
    atomic_uint64_t n_malformed;        /* Frames that nobody could cut. */
};

static inline struct tenantvf *
tenantvf_cast(const struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct tenantvf, up);
}

/* Does the device do what the class offers? */
bool tenantvf_is_able(const struct tenantvf *);

/* tenantvf_rxq.c. */
struct netdev_rxq *tenantvf_rxq_alloc(void);
int tenantvf_rxq_construct(struct netdev_rxq *);
void tenantvf_rxq_destruct(struct netdev_rxq *);
void tenantvf_rxq_dealloc(struct netdev_rxq *);
int tenantvf_rxq_recv(struct netdev_rxq *, struct dp_packet_batch *,
                      int *qfill);

/* tenantvf_send.c.  Completes and cuts what the device cannot, and sends. */
int tenantvf_send(struct netdev *, int qid, struct dp_packet_batch *,
                  bool concurrent_txq);

/* Sends what waits, as far as it may.  Returns when there may be more to do,
 * UINT64_MAX if nothing waits.  Any thread. */
uint64_t tenantvf_drain(struct tenantvf *, uint64_t now_ns);

#endif /* datapath/tenantvf_port.h */
