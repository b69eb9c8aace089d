/* On the way into OVS's conntrack: whose connections are new.
 *
 * All vifs of a switch share the table of connections.  When it doubles, the
 * polling thread moves it as a whole, for milliseconds if it is large, and when
 * it is full nobody gets one any more.  So each vif's new ones are charged to
 * it, and it is not polled for a while when it made too many.
 *
 * The table's count tells how many there are, of all threads; that a connection
 * is new, its frames say, each until there is an answer.  The lower of both is
 * charged. */

#include <config.h>

#include "conntrack.h"
#include "datapath/xenvif_port.h"
#include "dp-packet.h"
#include "util.h"

/* The linker leads OVS's call here; who may call it, and when, is as
 * conntrack.h says. */
typeof(conntrack_execute) __real_conntrack_execute;
typeof(conntrack_execute) __wrap_conntrack_execute;

static void
charge(struct xenvif_queue *q, uint32_t n_conns, uint32_t n_before,
       struct dp_packet_batch *batch)
{
    struct dp_packet *packet;
    unsigned int n_new = 0;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        n_new += !!(packet->md.ct_state & CS_NEW);
    }
    if (n_conns > n_before && n_new) {
        unsigned int n = MIN(n_new, n_conns - n_before);

        vif_count(&q->stats.conns, n);
        qos_limit_owe(&q->vif->conns, n, doorbell_now_ns(), &q->conns_rest);
    }
}

int
__wrap_conntrack_execute(struct conntrack *ct, struct dp_packet_batch *batch,
                         ovs_be16 dl_type, bool force, bool commit,
                         uint16_t zone, const uint32_t *setmark,
                         const struct ovs_key_ct_labels *setlabel,
                         ovs_be16 tp_src, ovs_be16 tp_dst, const char *helper,
                         const struct nat_action_info_t *nat,
                         long long int now_ms, uint32_t tp_id)
{
    struct doorbell_member *m = doorbell_polled();
    struct xenvif_queue *q = m ? xenvif_queue_of_member(m) : NULL;
    uint32_t n_before = 0, n_conns = 0;

    conntrack_get_nconns(ct, &n_before);
    int error = __real_conntrack_execute(ct, batch, dl_type, force, commit,
                                         zone, setmark, setlabel, tp_src,
                                         tp_dst, helper, nat, now_ms, tp_id);
    if (q && commit) {
        conntrack_get_nconns(ct, &n_conns);
        charge(q, n_conns, n_before, batch);
    }
    return error;
}
