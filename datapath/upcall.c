/* On the way into OVS's slow path, which a frame takes for which there is no
 * flow yet, or whose flow says so.
 *
 * Frames whose checksum is blank are completed before it has them: what goes to
 * an OpenFlow controller comes back as bytes alone, and nobody would know that
 * something is missing in them.  Behind it the frame is blank again, as its
 * marks say: the kernel, behind the bridge's own interface, goes on adding to
 * what the field holds.
 *
 * What that costs is charged to the vif whose turn it is (turn.h).  And how
 * often is bounded for each vif: flows are left behind, of whose table, and of
 * the time to look after it, all have a part.  A vif beyond that is not polled
 * for a while.
 *
 * What flow is made for it looks at whole bytes (megaflow.h). */

#include <config.h>

#include "datapath/csum.h"
#include "datapath/isolation.h"
#include "datapath/megaflow.h"
#include "datapath/xenvif_port.h"
#include "dp-packet.h"
#include "dpif.h"
#include "util.h"

/* The same function for each datapath; set before a packet can come. */
static upcall_callback *slow_path;

/* Of the vif whose turn it is; a null pointer if it is none's. */
static struct xenvif_queue *
whose_turn(void)
{
    struct doorbell_member *m = doorbell_polled();

    return m ? xenvif_queue_of_member(m) : NULL;
}

static void
charge(struct xenvif_queue *q)
{
    vif_count(&q->stats.upcalls, 1);
    qos_limit_owe(&q->vif->upcalls, 1, doorbell_now_ns(), &q->upcalls_rest);
}

/* Of a mask, what a classifier makes of many lengths. */
static void
round_masks(struct flow *mask)
{
    megaflow_round(&mask->nw_src, sizeof mask->nw_src, MEGAFLOW_STEP_IPV4);
    megaflow_round(&mask->nw_dst, sizeof mask->nw_dst, MEGAFLOW_STEP_IPV4);
    megaflow_round(&mask->ipv6_src, sizeof mask->ipv6_src,
                   MEGAFLOW_STEP_IPV6);
    megaflow_round(&mask->ipv6_dst, sizeof mask->ipv6_dst,
                   MEGAFLOW_STEP_IPV6);
    megaflow_round(&mask->tp_src, sizeof mask->tp_src, MEGAFLOW_STEP_PORT);
    megaflow_round(&mask->tp_dst, sizeof mask->tp_dst, MEGAFLOW_STEP_PORT);
}

static int
complete_and_pass(const struct dp_packet *packet, const struct flow *flow,
                  ovs_u128 *ufid, unsigned int pmd_id,
                  enum dpif_upcall_type type, const struct nlattr *userdata,
                  struct ofpbuf *actions, struct flow_wildcards *wc,
                  struct ofpbuf *put_actions, void *aux)
{
    uint8_t *data = dp_packet_data(packet);
    struct headers h;
    bool blank = (dp_packet_hwol_tx_l4_checksum(packet)
                  || dp_packet_hwol_is_tso(packet))
                 && headers_parse(data, dp_packet_size(packet), &h) && h.l4;

    if (blank) {
        csum_fill(data, &h);
    }
    int error = slow_path(packet, flow, ufid, pmd_id, type, userdata, actions,
                          wc, put_actions, aux);
    if (blank) {
        csum_blank(data, &h);
    }

    struct xenvif_queue *q = whose_turn();
    if (q) {
        charge(q);
        if (wc && isolation_is_on()) {
            round_masks(&wc->masks);
        }
    }
    return error;
}

/* The linker leads OVS's call here. */
void __real_dpif_register_upcall_cb(struct dpif *, upcall_callback *,
                                    void *aux);
void __wrap_dpif_register_upcall_cb(struct dpif *, upcall_callback *,
                                    void *aux);

void
__wrap_dpif_register_upcall_cb(struct dpif *dpif, upcall_callback *cb,
                               void *aux)
{
    if (cb) {
        slow_path = cb;
    }
    __real_dpif_register_upcall_cb(dpif, cb ? complete_and_pass : NULL, aux);
}
