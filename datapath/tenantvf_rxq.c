/* Frames from the tenant's device: the class's receive queues.  The thread that
 * polls one also sends what waits in front of the device. */

#include <config.h>

#include <unistd.h>

#include "datapath/doorbell.h"
#include "datapath/tenantvf_port.h"
#include "datapath/turn.h"
#include "datapath/wakeup.h"
#include "datapath/xenvif_port.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(tenantvf_rxq);

#define NAP_PART 64
#define NAP_MAX_NS 4000000

struct tenantvf_rxq {
    struct netdev_rxq up;
    struct netdev_rxq *under;
    struct doorbell_member member;
    struct turn turn;                   /* Nobody's. */
    uint64_t busy_ns;                   /* When a frame came last. */
    int wake_fd;                        /* -1: the device needs none, or has
                                         * none.  Not shared: each thread
                                         * empties its own. */
};

static bool
tenantvf_arm(struct doorbell_member *member)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(member, struct tenantvf_rxq,
                                            member);

    /* A frame that came before this is found in the turn that follows. */
    if (rxq->wake_fd >= 0) {
        wakeup_drain(rxq->wake_fd);
    }
    return false;
}

static void
tenantvf_woke(struct doorbell_member *member OVS_UNUSED)
{
}

static const struct doorbell_ops tenantvf_doorbell_ops = {
    tenantvf_arm, tenantvf_woke
};

struct netdev_rxq *
tenantvf_rxq_alloc(void)
{
    struct tenantvf_rxq *rxq = xzalloc(sizeof *rxq);
    return &rxq->up;
}

/* The interface behind "net_af_packet0,iface=NAME", or null. */
static char *
af_packet_iface(const char *devargs)
{
    const char *iface = strstr(devargs, ",iface=");

    if (strncmp(devargs, "net_af_packet", 13) || !iface) {
        return NULL;
    }
    iface += strlen(",iface=");
    return xmemdup0(iface, strcspn(iface, ","));
}

static void
open_wakeup(struct tenantvf_rxq *rxq, const struct tenantvf *vf)
{
    char *iface = af_packet_iface(vf->devargs);

    rxq->wake_fd = -1;
    if (iface) {
        int fd = wakeup_open(iface);

        if (fd >= 0) {
            rxq->wake_fd = fd;
            doorbell_set_fds(&rxq->member, &fd, 1);
        } else {
            VLOG_WARN("%s: no wake-up socket on %s (%s): it is looked after "
                      "all the time", netdev_get_name(&vf->up), iface,
                      ovs_strerror(-fd));
        }
        free(iface);
    }
}

static void
close_wakeup(struct tenantvf_rxq *rxq)
{
    doorbell_member_destroy(&rxq->member);
    if (rxq->wake_fd >= 0) {
        close(rxq->wake_fd);
    }
}

int
tenantvf_rxq_construct(struct netdev_rxq *rxq_)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);
    struct tenantvf *vf = tenantvf_cast(rxq_->netdev);

    doorbell_member_init(&rxq->member, &tenantvf_doorbell_ops);
    open_wakeup(rxq, vf);

    int error = netdev_rxq_open(vf->under, &rxq->under, rxq_->queue_id);
    if (error) {
        close_wakeup(rxq);
    } else if (!rxq_->queue_id) {
        vf->drains = &rxq->member;
    }
    return error;
}

void
tenantvf_rxq_destruct(struct netdev_rxq *rxq_)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);
    struct tenantvf *vf = tenantvf_cast(rxq_->netdev);

    if (vf->drains == &rxq->member) {
        vf->drains = NULL;
    }
    close_wakeup(rxq);
    netdev_rxq_close(rxq->under);
}

void
tenantvf_rxq_dealloc(struct netdev_rxq *rxq_)
{
    free(CONTAINER_OF(rxq_, struct tenantvf_rxq, up));
}

/* How long a device may be left alone that cannot wake us: a frame waits for a
 * small part of the time in which none came. */
static uint64_t
nap_ns(const struct tenantvf_rxq *rxq, uint64_t now_ns)
{
    uint64_t part_ns = (now_ns - rxq->busy_ns) / NAP_PART;

    return MIN(MAX(part_ns, XENVIF_RETRY_NS), NAP_MAX_NS);
}

int
tenantvf_rxq_recv(struct netdev_rxq *rxq_, struct dp_packet_batch *batch,
                  int *qfill)
{
    struct tenantvf_rxq *rxq = CONTAINER_OF(rxq_, struct tenantvf_rxq, up);
    uint64_t polled_ns = doorbell_now_ns();
    turn_end(polled_ns);
    uint64_t now_ns = doorbell_poll(&rxq->member, polled_ns);
    turn_begin(&rxq->turn, polled_ns, now_ns, NETDEV_MAX_BURST);
    const struct netdev_class *class = rxq->under->netdev->netdev_class;

    int error = class->rxq_recv(rxq->under, batch, qfill);

    uint64_t deadline_ns = tenantvf_drain(tenantvf_cast(rxq_->netdev), now_ns);
    if (!error) {
        rxq->busy_ns = now_ns;
    }
    if (rxq->wake_fd < 0) {
        deadline_ns = MIN(deadline_ns, now_ns + nap_ns(rxq, now_ns));
    }
    doorbell_report(&rxq->member, !error, deadline_ns, now_ns);
    return error;
}
