/* A port's attached rings: made, taken away, and their control ring served, on
 * the main thread. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>
#include <poll.h>

#include "datapath/vif_ctrl.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xenvif_link);

/* How long the control rings of all guests may keep the main thread at a time,
 * besides the request that takes it beyond that. */
#define CTRL_RUN_NS UINT64_C(2000000)
/* How much longer than its control ring took a guest then rests: to map a page
 * takes its time, and is nothing that the polling threads wait for. */
#define CTRL_REST 3

static const struct xen_ops *xen_ops;
static struct xen_platform *xen_platform;

/* Detached links that some polling thread may still use. */
static struct ovs_list closing = OVS_LIST_INITIALIZER(&closing);

/* What is to be done when no polling thread uses 'arg' any more, in the order
 * in which it was asked for: what a link's control ring has retired is done
 * before the link goes. */
struct retired {
    struct ovs_list node;
    void (*done)(void *arg);
    void *arg;
    atomic_bool unused;
};
static struct ovs_list retired = OVS_LIST_INITIALIZER(&retired);

const struct xen_ops *
xenvif_platform(struct xen_platform **platform)
{
    *platform = xen_platform;
    return xen_ops;
}

uint64_t
xenvif_next_serial(void)
{
    static uint64_t serial;
    return ++serial;                    /* Never 0. */
}

/* Called by RCU's own thread. */
static void
set_unused(atomic_bool *unused)
{
    atomic_store_explicit(unused, true, memory_order_release);
    xenvif_changed();
}

static bool
is_unused(atomic_bool *unused)
{
    bool value;

    atomic_read_explicit(unused, &value, memory_order_acquire);
    return value;
}

static void
retire(void *aux OVS_UNUSED, void (*done)(void *), void *arg)
{
    struct retired *r = xmalloc(sizeof *r);

    r->done = done;
    r->arg = arg;
    atomic_init(&r->unused, false);
    ovs_list_push_back(&retired, &r->node);
    ovsrcu_postpone(set_unused, &r->unused);
}

static void
ctrl_set_hash(void *link_, const struct vif_hash *hash)
{
    struct xenvif_link *link = link_;
    struct vif_hash *old = ovsrcu_get_protected(struct vif_hash *,
                                                &link->hash);

    ovsrcu_set(&link->hash, xmemdup(hash, sizeof *hash));
    ovsrcu_postpone(free, old);
}

static const struct vif_ctrl_ops ctrl_ops = { ctrl_set_hash, retire };

static void
link_destroy(struct xenvif_link *link)
{
    vif_ctrl_close(link->ctrl);
    for (unsigned int i = 0; i < link->n_queues; i++) {
        vif_conn_close(link->queues[i]);
    }
    vif_journal_destroy(link->journal, link->journal_fd);
    free(ovsrcu_get_protected(struct vif_hash *, &link->hash));
    free(link);
}

static int
link_create(struct xenvif *vif, const struct vif_frontend *frontend,
            struct xenvif_link **linkp)
{
    struct xenvif_link *link = xzalloc(sizeof *link);
    char name[32];
    int error;

    link->serial = xenvif_next_serial();
    link->frontend = *frontend;
    link->vif = vif;
    link->id = vif->id;
    ovsrcu_init(&link->hash, xzalloc(sizeof(struct vif_hash)));

    snprintf(name, sizeof name, "netdom-vif%u.%u", vif->id.domid,
             vif->id.devid);
    error = vif_journal_create(name, vif->id.devid, frontend,
                               &link->journal_fd, &link->journal);
    if (error) {
        goto destroy;
    }
    for (unsigned int i = 0; i < frontend->n_queues; i++) {
        error = vif_conn_open(xen_ops, xen_platform, link->journal, i,
                              &link->queues[i]);
        if (error) {
            goto destroy;
        }
        link->n_queues++;
    }
    if (frontend->has_ctrl) {
        error = vif_ctrl_open(xen_ops, xen_platform, link->journal,
                              link->queues, &ctrl_ops, link, &link->ctrl);
        if (error) {
            goto destroy;
        }
    }
    *linkp = link;
    return 0;

destroy:
    link_destroy(link);
    return error;
}

/* Asks for as many queues as 'n'; the port never has fewer again, so that a
 * guest cannot have its siblings wait for one reconfiguration after the
 * other. */
static bool
has_queues(struct xenvif *vif, unsigned int n)
{
    if (n <= vif->up.n_rxq) {
        return true;
    }
    ovs_mutex_lock(&vif->mutex);
    vif->requested_n_rxq = n;
    ovs_mutex_unlock(&vif->mutex);
    netdev_request_reconfigure(&vif->up);
    return false;
}

int
xenvif_attach(struct xenvif_id id, const struct vif_frontend *frontend)
{
    struct xenvif *vif = xenvif_find(id);
    struct xenvif_link *link;
    bool is_closing;

    if (!vif || !vif->pool) {
        return -ENOENT;
    }
    if (!xen_ops) {
        return -ENODEV;
    }
    if (frontend->n_queues > vif->max_queues) {
        return -E2BIG;
    }
    atomic_read_relaxed(&vif->closing, &is_closing);
    if (is_closing || ovsrcu_get_protected(struct xenvif_link *, &vif->link)
        || !has_queues(vif, frontend->n_queues)) {
        return -EBUSY;
    }

    int error = link_create(vif, frontend, &link);
    if (error) {
        return error;
    }
    atomic_store_relaxed(&vif->malice, VIF_MALICE_NONE);
    ovsrcu_set(&vif->link, link);
    vif->carrier_resets++;
    netdev_change_seq_changed(&vif->up);
    xenvif_kick(vif);
    return 0;
}

static void
link_finish(void *link_)
{
    struct xenvif_link *link = link_;

    ovs_list_remove(&link->closing_node);
    if (link->vif) {
        atomic_store_explicit(&link->vif->closing, false,
                              memory_order_release);
    }
    link_destroy(link);
    xenvif_changed();
}

/* No polling thread gets to 'link' from now on; once none is at it, it is
 * destroyed. */
static void
link_retire(struct xenvif_link *link)
{
    if (link->ctrl) {
        link->vif->n_ctrl_requests += vif_ctrl_n_requests(link->ctrl);
    }
    ovsrcu_set(&link->vif->link, NULL);
    ovs_list_push_back(&closing, &link->closing_node);
    retire(NULL, link_finish, link);
}

int
xenvif_detach(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    if (!vif) {
        return -ENOENT;
    }

    struct xenvif_link *link = ovsrcu_get_protected(struct xenvif_link *,
                                                    &vif->link);
    if (link) {
        atomic_store_relaxed(&vif->closing, true);
        link_retire(link);
        vif->carrier_resets++;
        netdev_change_seq_changed(&vif->up);
        xenvif_kick(vif);
    }
    return 0;
}

bool
xenvif_detached(struct xenvif_id id)
{
    struct xenvif *vif = xenvif_find(id);
    bool is_closing;

    if (!vif) {
        const struct xenvif_link *link;

        LIST_FOR_EACH (link, closing_node, &closing) {
            if (link->id.domid == id.domid && link->id.devid == id.devid) {
                return false;
            }
        }
        return true;
    }
    atomic_read_explicit(&vif->closing, &is_closing, memory_order_acquire);
    return !is_closing && !ovsrcu_get_protected(struct xenvif_link *,
                                                &vif->link);
}

void
xenvif_unlink(struct xenvif *vif)
{
    struct xenvif_link *link = ovsrcu_get_protected(struct xenvif_link *,
                                                    &vif->link);
    if (link) {
        link_retire(link);
    }
    LIST_FOR_EACH (link, closing_node, &closing) {
        if (link->vif == vif) {
            link->vif = NULL;
        }
    }
}

void
xenvif_cut_off(struct xenvif *vif, enum vif_malice malice)
{
    uint32_t none = VIF_MALICE_NONE;
    uint64_t orig;

    /* Two queues may find something at the same time. */
    if (atomic_compare_exchange_strong(&vif->malice, &none, malice)) {
        atomic_add_relaxed(&vif->n_malices[malice], UINT64_C(1), &orig);
        xenvif_changed();
    }
}

static void
run_retired(void)
{
    struct retired *r;

    LIST_FOR_EACH_SAFE (r, node, &retired) {
        if (!is_unused(&r->unused)) {
            break;
        }
        ovs_list_remove(&r->node);
        r->done(r->arg);
        free(r);
    }
}

/* Answers what the guest's control ring holds, as much as is one turn's. */
static void
run_ctrl(struct xenvif *vif)
{
    struct xenvif_link *link
        = ovsrcu_get_protected(struct xenvif_link *, &vif->link);
    uint32_t malice;

    atomic_read_relaxed(&vif->malice, &malice);
    if (!link || !link->ctrl || malice) {
        return;
    }

    uint64_t begin_ns = doorbell_now_ns();
    if (begin_ns < link->ctrl_rest_ns) {
        link->ctrl_next_ns = link->ctrl_rest_ns;
        return;
    }
    link->ctrl_next_ns = vif_ctrl_run(link->ctrl, begin_ns);
    if (!link->ctrl_next_ns) {
        xenvif_cut_off(vif, VIF_MALICE_CTRL_INDEX);
    }
    uint64_t end_ns = doorbell_now_ns();
    link->ctrl_rest_ns = end_ns + CTRL_REST * (end_ns - begin_ns);
}

void
xenvif_links_run(void)
{
    struct xenvif *vif;

    run_retired();

    uint64_t now_ns = doorbell_now_ns();
    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        run_ctrl(vif);
        if (doorbell_now_ns() - now_ns > CTRL_RUN_NS) {
            /* Those behind it are the first of the next run. */
            ovs_list_splice(&xenvif_all, ovs_list_front(&xenvif_all),
                            vif->all_node.next);
            break;
        }
    }
}

void
xenvif_links_wait(void)
{
    uint64_t now_ns = doorbell_now_ns();
    struct xenvif *vif;

    LIST_FOR_EACH (vif, all_node, &xenvif_all) {
        const struct xenvif_link *link
            = ovsrcu_get_protected(struct xenvif_link *, &vif->link);
        uint32_t malice;

        atomic_read_relaxed(&vif->malice, &malice);
        if (!link || !link->ctrl || malice || vif_ctrl_busy(link->ctrl)) {
            continue;                   /* What was retired wakes us. */
        }
        if (link->ctrl_next_ns == UINT64_MAX) {
            /* Masked while it waits for its turn, so that no storm of events
             * wakes us. */
            poll_fd_wait(vif_ctrl_fd(link->ctrl), POLLIN);
        } else {
            poll_timer_wait(link->ctrl_next_ns > now_ns
                            ? (link->ctrl_next_ns - now_ns) / 1000000 + 1
                            : 0);
        }
    }
}

void
xenvif_links_init(const struct xen_ops *ops, struct xen_platform *platform)
{
    xen_ops = ops;
    xen_platform = platform;
}
