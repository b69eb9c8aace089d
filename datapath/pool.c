#include <config.h>

#include "datapath/pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dp-packet.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vif_pool);

/* What a thread's cache keeps (half as much again as its size), no other
 * thread can have: of a pool, a twentieth. */
#define POOL_CACHE_PART 32

const struct xen_region xen_region_self = { NULL, UINTPTR_MAX };

/* Released, but some packets are still on their way. */
struct leaving_pool {
    struct ovs_list node;
    struct rte_mempool *pool;
};

static struct ovs_list leaving_pools = OVS_LIST_INITIALIZER(&leaving_pools);

static void
init_packet(struct rte_mempool *pool OVS_UNUSED, void *aux OVS_UNUSED,
            void *packet, unsigned int i OVS_UNUSED)
{
    dp_packet_init_dpdk(packet);
}

struct rte_mempool *
vif_pool_create(const char *port_name, unsigned int n_packets,
                uint32_t room_bytes)
{
    static unsigned int serial;
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof name, "vif%u", serial++);
    struct rte_mempool *pool = rte_pktmbuf_pool_create(
        name, n_packets, n_packets / POOL_CACHE_PART,
        sizeof(struct dp_packet) - sizeof(struct rte_mbuf),
        room_bytes, SOCKET_ID_ANY);
    if (!pool) {
        VLOG_ERR("%s: no memory for %u packet buffers of %u bytes (%s); "
                 "raise -m in --eal-args", port_name, n_packets, room_bytes,
                 rte_strerror(rte_errno));
        return NULL;
    }
    rte_mempool_obj_iter(pool, init_packet, NULL);
    return pool;
}

struct rte_mbuf *
vif_pool_alloc(struct rte_mempool *small, struct rte_mempool *big,
               uint32_t bytes)
{
    uint16_t small_bytes = rte_pktmbuf_data_room_size(small)
                           - RTE_PKTMBUF_HEADROOM;

    if (OVS_UNLIKELY(bytes > rte_pktmbuf_data_room_size(big))) {
        return NULL;
    }

    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(bytes <= small_bytes ? small
                                                                   : big);

    if (OVS_LIKELY(mbuf)) {
        mbuf->data_off = MIN(RTE_PKTMBUF_HEADROOM, mbuf->buf_len - bytes);
        mbuf->data_len = mbuf->pkt_len = bytes;
    }
    return mbuf;
}

void
vif_pool_release(struct rte_mempool *pool)
{
    if (pool) {
        struct leaving_pool *leaving = xmalloc(sizeof *leaving);
        leaving->pool = pool;
        ovs_list_push_back(&leaving_pools, &leaving->node);
        vif_pools_sweep();
    }
}

unsigned int
vif_pools_sweep(void)
{
    struct leaving_pool *leaving;
    unsigned int n_waiting = 0;

    LIST_FOR_EACH_SAFE (leaving, node, &leaving_pools) {
        if (rte_mempool_full(leaving->pool)) {
            /* The thread that brought the last buffer back may still be
             * at it. */
            ovsrcu_postpone(rte_mempool_free, leaving->pool);
            ovs_list_remove(&leaving->node);
            free(leaving);
        } else {
            n_waiting++;
        }
    }
    return n_waiting;
}
