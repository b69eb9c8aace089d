/* A VIF's own packet buffers.  What one VIF sends is held in its pools until
 * the last receiver has it, so a VIF whose frames pile up somewhere starves
 * itself and no neighbour.
 *
 * Thread: create, release and sweep on the main thread; DPDK's mempool calls
 *         on any thread (a PMD thread is an lcore and has a cache).
 * Owner:  a pool belongs to its port until vif_pool_release(); after that it
 *         frees itself, in vif_pools_sweep(), once all buffers are back:
 *         packets outlive ports.
 * Errors: create returns null when DPDK's memory is used up. */

#ifndef DATAPATH_POOL_H
#define DATAPATH_POOL_H 1

#include <stdint.h>

#include "datapath/xen_ops.h"

struct dp_packet;
struct rte_mbuf;
struct rte_mempool;

/* Buffers in one VIF's pool: what it can have in flight (a batch in the
 * switch, and queues of receivers). */
#define VIF_POOL_PACKETS 1024u

/* And those for frames that are to be segmented: 4 MiB, of which only what is
 * used is ever touched.  An mbuf's length has 16 bits, headroom included. */
#define VIF_BIG_POOL_PACKETS 64u
#define VIF_BIG_ROOM_BYTES 65535u

/* The one region that names all our memory by its address: local_offset is
 * the address itself. */
extern const struct xen_region xen_region_self;

/* 'room_bytes' is all of a buffer, DPDK's headroom included. */
struct rte_mempool *vif_pool_create(const char *port_name,
                                    unsigned int n_packets,
                                    uint32_t room_bytes);
void vif_pool_release(struct rte_mempool *);        /* Accepts null. */

/* Frees released pools that are full again.  Returns how many still wait. */
unsigned int vif_pools_sweep(void);

/* A buffer for 'bytes' from 'small', or from 'big' if it must be; its data is
 * 'bytes' long, and headroom is what is left of DPDK's.  Null: there is
 * none, or none so large. */
struct rte_mbuf *vif_pool_alloc(struct rte_mempool *small,
                                struct rte_mempool *big, uint32_t bytes);

#endif /* datapath/pool.h */
