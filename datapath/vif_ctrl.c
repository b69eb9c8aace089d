#include "datapath/vif_ctrl.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/vif_ctrl_private.h"

#define CTRL_SLOTS 128u

_Static_assert(__CONST_RING_SIZE(xen_netif_ctrl, XEN_PAGE_BYTES)
                   == CTRL_SLOTS, "control ring");
_Static_assert(sizeof(struct xen_netif_ctrl_request) == 16
               && sizeof(struct xen_netif_ctrl_response) == 12, "slots");

int
vif_ctrl_open(const struct xen_ops *ops, struct xen_platform *platform,
              struct vif_journal *journal, struct vif_conn *const *queues,
              const struct vif_ctrl_ops *owner_ops, void *aux,
              struct vif_ctrl **ctrlp)
{
    const struct vif_frontend *frontend = &journal->frontend;
    void *page;

    *ctrlp = NULL;
    struct vif_ctrl *ctrl = calloc(1, sizeof *ctrl);
    if (!ctrl) {
        return -ENOMEM;
    }
    *ctrl = (struct vif_ctrl) {
        .ops = ops,
        .platform = platform,
        .journal = journal,
        .queues = queues,
        .owner_ops = owner_ops,
        .aux = aux,
    };

    int error = ops->evtchn_bind(platform, frontend->domid,
                                 frontend->ctrl_port, &ctrl->evtchn);
    if (error) {
        goto close;
    }
    error = ops->grant_map(platform, frontend->domid, &frontend->ctrl_gref, 1,
                           true, &page);
    if (error) {
        goto close;
    }
    ctrl->ring.page = page;
    ctrl->ring.cons = __atomic_load_n(&ctrl->ring.page->rsp_prod,
                                      __ATOMIC_ACQUIRE);
    journal->ctrl_rsp_prod = ctrl->ring.cons;
    *ctrlp = ctrl;
    return 0;

close:
    vif_ctrl_close(ctrl);
    return error;
}

void
vif_ctrl_close(struct vif_ctrl *ctrl)
{
    if (!ctrl) {
        return;
    }

    const struct vif_frontend *frontend = &ctrl->journal->frontend;
    vif_ctrl_unmap_all(ctrl);
    if (ctrl->ring.page) {
        ctrl->ops->grant_unmap(ctrl->platform, frontend->domid,
                               ctrl->ring.page, &frontend->ctrl_gref, 1,
                               true);
    }
    ctrl->ops->evtchn_unbind(ctrl->evtchn);
    free(ctrl);
}

bool
vif_ctrl_copy(struct vif_ctrl *ctrl, enum xen_copy_dir dir, uint32_t gref,
              void *bytes, uint32_t n)
{
    const struct xen_region region = { bytes, n };
    struct xen_copy_seg seg = {
        .region = &region,
        .gref = gref,
        .domid = ctrl->journal->frontend.domid,
        .bytes = n,
        .dir = dir,
    };

    if (n) {
        ctrl->ops->grant_copy(ctrl->platform, &seg, 1);
    }
    return seg.status == GNTST_okay;
}

/* Copies the next request, each word once. */
static void
copy_request(struct vif_ctrl *ctrl)
{
    const uint32_t *from
        = (const uint32_t *) &ctrl->ring.page->ring[ctrl->ring.cons
                                                    % CTRL_SLOTS].req;
    uint32_t words[4];

    for (int i = 0; i < 4; i++) {
        words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
    __builtin_memcpy(&ctrl->request, words, sizeof ctrl->request);
}

void
vif_ctrl_answer(struct vif_ctrl *ctrl, const struct vif_ctrl_answer *answer)
{
    struct xen_netif_ctrl_sring *page = ctrl->ring.page;

    page->ring[ctrl->ring.cons % CTRL_SLOTS].rsp
        = (struct xen_netif_ctrl_response) {
        .id = ctrl->request.id,
        .type = ctrl->request.type,
        .status = answer->status,
        .data = answer->data,
    };

    uint32_t rsp_prod = ++ctrl->ring.cons;
    __atomic_store_n(&page->rsp_prod, rsp_prod, __ATOMIC_SEQ_CST);
    __atomic_store_n(&ctrl->journal->ctrl_rsp_prod, rsp_prod,
                     __ATOMIC_RELEASE);
    uint32_t rsp_event = __atomic_load_n(&page->rsp_event, __ATOMIC_SEQ_CST);
    if (rsp_prod - rsp_event < 1) {
        ctrl->ops->evtchn_notify(ctrl->evtchn);
    }
}

/* True if it is about mapped pages: much work. */
static bool
is_about_grefs(const struct xen_netif_ctrl_request *request)
{
    return request->type == XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
           || request->type == XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING;
}

static struct vif_ctrl_answer
handle(struct vif_ctrl *ctrl)
{
    const struct xen_netif_ctrl_request *request = &ctrl->request;

    ctrl->n_requests++;
    return (is_about_grefs(request)
            || request->type == XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE
            ? vif_ctrl_handle_grefs(ctrl, request)
            : vif_ctrl_handle_hash(ctrl, request));
}

/* Requests that wait; more than the ring holds: malice. */
static uint32_t
waiting(const struct vif_ctrl *ctrl)
{
    return __atomic_load_n(&ctrl->ring.page->req_prod, __ATOMIC_SEQ_CST)
           - ctrl->ring.cons;
}

/* Asks for an event at the next request.  True if there is one already. */
static bool
arm(struct vif_ctrl *ctrl)
{
    __atomic_store_n(&ctrl->ring.page->req_event, ctrl->ring.cons + 1,
                     __ATOMIC_SEQ_CST);
    return waiting(ctrl) != 0;
}

uint64_t
vif_ctrl_run(struct vif_ctrl *ctrl, uint64_t now_ns)
{
    if (ctrl->malice) {
        return 0;
    }
    if (ctrl->removal) {
        return UINT64_MAX;              /* Its end brings us back. */
    }
    if (now_ns < ctrl->next_ns) {
        return ctrl->next_ns;
    }

    if (ctrl->ops->evtchn_pending(ctrl->evtchn)) {
        ctrl->ops->evtchn_unmask(ctrl->evtchn);
    }
    uint64_t turn_ns = VIF_CTRL_TURN_NS;
    for (unsigned int i = 0; i < VIF_CTRL_REQUESTS_PER_TURN; i++) {
        uint32_t n = waiting(ctrl);

        if (n > CTRL_SLOTS) {
            ctrl->malice = true;
            return 0;
        }
        if (!n && !arm(ctrl)) {
            break;
        }
        if (!n) {
            continue;
        }
        copy_request(ctrl);

        struct vif_ctrl_answer answer = handle(ctrl);
        if (answer.later) {
            ctrl->next_ns = now_ns + VIF_CTRL_GREFS_TURN_NS;
            return UINT64_MAX;
        }
        vif_ctrl_answer(ctrl, &answer);
        if (is_about_grefs(&ctrl->request)) {
            turn_ns = VIF_CTRL_GREFS_TURN_NS;
            break;
        }
    }

    /* However many events there are, and however many requests. */
    ctrl->next_ns = now_ns + turn_ns;
    return waiting(ctrl) || arm(ctrl) ? ctrl->next_ns : UINT64_MAX;
}

int
vif_ctrl_fd(const struct vif_ctrl *ctrl)
{
    return ctrl->ops->evtchn_fd(ctrl->evtchn);
}

bool
vif_ctrl_busy(const struct vif_ctrl *ctrl)
{
    return ctrl->removal;
}

uint64_t
vif_ctrl_n_requests(const struct vif_ctrl *ctrl)
{
    return ctrl->n_requests;
}
