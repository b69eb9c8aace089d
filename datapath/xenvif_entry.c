/* Frames of the guest's that are out of its ring and not yet in the switch:
 * the fence, their offloads, and, where some port of the switch could not take
 * them whole, cutting them to pieces. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "datapath/csum.h"
#include "datapath/fence.h"
#include "datapath/foreign.h"
#include "datapath/pool.h"

static void
drop(struct xenvif_queue *q, struct rte_mbuf *mbuf, enum vif_drop reason)
{
    vif_count(&q->stats.drops[reason], 1);
    rte_pktmbuf_free(mbuf);
}

void
xenvif_entry_add(struct xenvif_queue *q, const struct xenvif_policy *policy,
                 const struct vif_frame *frame, int64_t *owed_bytes)
{
    struct rte_mbuf *mbuf = frame->owner;
    struct xenvif_entry *entry = &q->entries[q->n_entries];
    uint8_t *data = (uint8_t *) (uintptr_t) frame->offset;
    const struct vif_claim claim = {
        .csum_blank = frame->flags & VIF_FRAME_CSUM_BLANK,
        .gso_type = frame->gso_type,
        .gso_bytes = frame->gso_bytes,
    };

    mbuf->data_off = data - (uint8_t *) mbuf->buf_addr;
    mbuf->data_len = mbuf->pkt_len = frame->bytes;

    enum vif_drop reason = fence_judge(&policy->fence, data, frame->bytes);
    if (OVS_LIKELY(reason == VIF_N_DROPS)) {
        reason = vif_offload_judge(data, frame->bytes, &claim,
                                   XENVIF_FRAME_BYTES(q->vif->mtu),
                                   &entry->offload);
    }
    if (OVS_UNLIKELY(reason != VIF_N_DROPS)) {
        drop(q, mbuf, reason);
        return;
    }

    if (claim.gso_type) {
        /* The gate did not know how long its headers are. */
        *owed_bytes += vif_offload_wire_bytes(&entry->offload, frame->bytes)
                       - vif_gate_cost(frame->bytes, claim.gso_type,
                                       claim.gso_bytes);
    }
    if (entry->offload.mss_bytes) {
        /* What follows IP's end is part of no segment. */
        mbuf->data_len = mbuf->pkt_len = entry->offload.headers.end;
    }
    if (frame->flags & VIF_FRAME_DATA_VALIDATED || entry->offload.csum) {
        mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    }
    entry->mbuf = mbuf;
    q->n_entries++;
}

/* Marks a frame whose checksum is blank, or that is still to be segmented,
 * the way OVS and DPDK do. */
static void
mark(struct rte_mbuf *mbuf, const struct vif_offload *offload)
{
    const struct headers *h = &offload->headers;

    mbuf->l2_len = h->l3_offset;
    mbuf->l3_len = h->l4_offset - h->l3_offset;
    mbuf->l4_len = h->payload_offset - h->l4_offset;
    mbuf->tso_segsz = offload->mss_bytes;
    mbuf->ol_flags |= (h->ip_version == 4 ? RTE_MBUF_F_TX_IPV4
                                          : RTE_MBUF_F_TX_IPV6)
                      | (h->protocol == HEADERS_TCP ? RTE_MBUF_F_TX_TCP_CKSUM
                                                    : RTE_MBUF_F_TX_UDP_CKSUM)
                      | (offload->mss_bytes ? RTE_MBUF_F_TX_TCP_SEG : 0);
}

static void
put(struct dp_packet_batch *batch, struct rte_mbuf *mbuf)
{
    batch->packets[batch->count++] = CONTAINER_OF(mbuf, struct dp_packet,
                                                  mbuf);
}

/* Moves the next segments of the first entry into 'batch'. */
static bool
emit_segments(struct xenvif_queue *q, struct dp_packet_batch *batch)
{
    const struct xenvif_entry *entry = &q->entries[q->entry_head];
    uint32_t segment_bytes = gso_frame_bytes(&entry->offload.headers,
                                             entry->offload.mss_bytes);

    if (!gso_more(&q->tx_gso)) {
        gso_begin(&q->tx_gso, rte_pktmbuf_mtod(entry->mbuf, uint8_t *),
                  &entry->offload.headers, entry->offload.mss_bytes);
        vif_count(&q->stats.tx_segmented, 1);
    }
    while (gso_more(&q->tx_gso) && batch->count < NETDEV_MAX_BURST) {
        struct rte_mbuf *mbuf = vif_pool_alloc(q->vif->pool, q->vif->big_pool,
                                               segment_bytes);
        struct headers headers;

        if (OVS_UNLIKELY(!mbuf)) {
            return false;
        }
        mbuf->data_len = mbuf->pkt_len
            = gso_next(&q->tx_gso, rte_pktmbuf_mtod(mbuf, uint8_t *), false,
                       &headers);
        mbuf->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        put(batch, mbuf);
    }
    if (!gso_more(&q->tx_gso)) {
        rte_pktmbuf_free(entry->mbuf);
        q->entry_head++;
    }
    return true;
}

/* True if the first entry must be cut here: somewhere in the switch it cannot
 * pass whole, or it fills its buffer so far that no header could be put in
 * front of it. */
static bool
must_cut(const struct xenvif_queue *q, const struct xenvif_entry *entry)
{
    return entry->offload.mss_bytes
           && (gso_more(&q->tx_gso) || !offload_whole()
               || entry->mbuf->data_off < RTE_PKTMBUF_HEADROOM);
}

bool
xenvif_entry_emit(struct xenvif_queue *q, struct dp_packet_batch *batch)
{
    while (q->entry_head < q->n_entries && batch->count < NETDEV_MAX_BURST) {
        const struct xenvif_entry *entry = &q->entries[q->entry_head];

        if (OVS_UNLIKELY(must_cut(q, entry))) {
            if (!emit_segments(q, batch)) {
                return false;
            }
            continue;
        }
        if (entry->offload.csum) {
            if (offload_whole()) {
                mark(entry->mbuf, &entry->offload);
            } else {
                csum_fill(rte_pktmbuf_mtod(entry->mbuf, uint8_t *),
                          &entry->offload.headers);
            }
        }
        put(batch, entry->mbuf);
        q->entry_head++;
    }
    if (q->entry_head == q->n_entries) {
        q->entry_head = q->n_entries = 0;
    }
    return true;
}

static void
free_buffers(struct vif_buffers *buffers)
{
    while (buffers->n) {
        rte_pktmbuf_free(buffers->stack[--buffers->n].owner);
    }
}

void
xenvif_entry_spare(struct xenvif_queue *q)
{
    free_buffers(&q->supply.big);
}

void
xenvif_entry_flush(struct xenvif_queue *q)
{
    while (q->entry_head < q->n_entries) {
        rte_pktmbuf_free(q->entries[q->entry_head++].mbuf);
    }
    q->entry_head = q->n_entries = 0;
    q->tx_gso.frame = NULL;
    free_buffers(&q->supply.small);
    free_buffers(&q->supply.big);
}
