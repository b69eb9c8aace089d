/* Requests about pages that stay mapped. */

#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#include "datapath/vif_ctrl_private.h"

/* A list of the guest's, copied. */
struct gref_list {
    uint32_t n;
    struct xen_netif_gref entries[VIF_GREFS_MAX];
};

_Static_assert(sizeof(struct xen_netif_gref) * VIF_GREFS_MAX
                   == XEN_PAGE_BYTES, "a list fills a page");

/* What is left to do once no thread uses a page any more. */
struct vif_ctrl_removal {
    struct vif_ctrl *ctrl;
    unsigned int queue;
    struct vif_grefs *old;              /* The table before. */
    uint32_t list_gref;
    uint32_t n_removed;
    struct vif_gref *pages;             /* 'n_removed' of them. */
    struct gref_list list;
};

static void
unmap(struct vif_ctrl *ctrl, const struct vif_gref *gref)
{
    ctrl->ops->grant_unmap(ctrl->platform, ctrl->journal->frontend.domid,
                           gref->page, &gref->gref, 1, !gref->readonly);
}

/* Writes down what is mapped for 'queue' now. */
static void
note(struct vif_ctrl *ctrl, unsigned int queue, const struct vif_grefs *grefs)
{
    struct vif_journal_queue *q = &ctrl->journal->queues[queue];
    uint32_t n = 0;

    for (unsigned int i = 0; i < VIF_GREFS_SLOTS; i++) {
        if (grefs->slots[i].page) {
            q->grefs[n++] = (struct vif_journal_gref) {
                grefs->slots[i].gref, grefs->slots[i].readonly,
            };
        }
    }
    __atomic_store_n(&q->n_grefs, n, __ATOMIC_RELEASE);
}

static void
destroy_table(void *grefs)
{
    vif_grefs_destroy(grefs);
}

/* Maps what 'list' names into 'grefs', all or nothing. */
static bool
map_list(struct vif_ctrl *ctrl, const struct gref_list *list,
         struct vif_grefs *grefs)
{
    uint16_t domid = ctrl->journal->frontend.domid;
    uint32_t i;

    for (i = 0; i < list->n; i++) {
        struct vif_gref gref = {
            .gref = list->entries[i].ref,
            .readonly = list->entries[i].flags
                        & XEN_NETIF_CTRLF_GREF_readonly,
        };
        void *page;

        if (list->entries[i].flags & ~XEN_NETIF_CTRLF_GREF_readonly
            || vif_grefs_find(grefs, gref.gref)
            || ctrl->ops->grant_map(ctrl->platform, domid, &gref.gref, 1,
                                    !gref.readonly, &page)) {
            break;
        }
        gref.page = page;
        if (!vif_grefs_add(grefs, &gref)) {
            unmap(ctrl, &gref);
            break;
        }
    }
    if (i == list->n) {
        return true;
    }
    while (i--) {
        const struct vif_gref *gref
            = vif_grefs_find(grefs, list->entries[i].ref);
        unmap(ctrl, gref);
        vif_grefs_remove(grefs, gref->gref);
    }
    return false;
}

static uint32_t
add_mapping(struct vif_ctrl *ctrl, unsigned int queue,
            const struct gref_list *list)
{
    struct vif_conn *conn = ctrl->queues[queue];
    struct vif_grefs *grefs = vif_grefs_copy(vif_conn_grefs(conn));

    if (!grefs || !map_list(ctrl, list, grefs)) {
        vif_grefs_destroy(grefs);
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    note(ctrl, queue, grefs);

    struct vif_grefs *old = vif_conn_set_grefs(conn, grefs);
    if (old) {
        ctrl->owner_ops->retire(ctrl->aux, destroy_table, old);
    }
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* No thread has the table before any more: the pages can go, and the guest be
 * told. */
static void
finish_removal(void *removal_)
{
    struct vif_ctrl_removal *removal = removal_;
    struct vif_ctrl *ctrl = removal->ctrl;
    struct vif_ctrl_answer answer = {
        XEN_NETIF_CTRL_STATUS_SUCCESS, removal->n_removed, false,
    };

    for (uint32_t i = 0; i < removal->n_removed; i++) {
        unmap(ctrl, &removal->pages[i]);
    }
    if (!vif_ctrl_copy(ctrl, XEN_COPY_TO_GUEST, removal->list_gref,
                       removal->list.entries,
                       removal->list.n * sizeof removal->list.entries[0])) {
        answer.status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    vif_ctrl_answer(ctrl, &answer);
    ctrl->removal = NULL;
    vif_grefs_destroy(removal->old);
    free(removal->pages);
    free(removal);
}

/* Takes what 'removal->list' names out of 'grefs', and says of each entry
 * whether it was in. */
static void
remove_list(struct vif_ctrl_removal *removal, struct vif_grefs *grefs)
{
    for (uint32_t i = 0; i < removal->list.n; i++) {
        struct xen_netif_gref *entry = &removal->list.entries[i];
        const struct vif_gref *found = vif_grefs_find(grefs, entry->ref);

        entry->status = found ? XEN_NETIF_CTRL_STATUS_SUCCESS
                              : XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        if (found) {
            removal->pages[removal->n_removed++] = *found;
            vif_grefs_remove(grefs, entry->ref);
        }
    }
}

static struct vif_ctrl_answer
delete_mapping(struct vif_ctrl *ctrl, unsigned int queue, uint32_t list_gref,
               const struct gref_list *list)
{
    struct vif_conn *conn = ctrl->queues[queue];
    struct vif_grefs *grefs = vif_grefs_copy(vif_conn_grefs(conn));
    struct vif_ctrl_removal *removal = calloc(1, sizeof *removal);
    struct vif_gref *pages = calloc(VIF_GREFS_MAX, sizeof *pages);

    if (!grefs || !removal || !pages) {
        vif_grefs_destroy(grefs);
        free(removal);
        free(pages);
        return (struct vif_ctrl_answer) {
            XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER, 0, false,
        };
    }
    removal->ctrl = ctrl;
    removal->queue = queue;
    removal->list_gref = list_gref;
    removal->list = *list;
    removal->pages = pages;
    remove_list(removal, grefs);

    note(ctrl, queue, grefs);
    removal->old = vif_conn_set_grefs(conn, grefs);
    ctrl->removal = removal;
    ctrl->owner_ops->retire(ctrl->aux, finish_removal, removal);
    return (struct vif_ctrl_answer) { 0, 0, true };
}

struct vif_ctrl_answer
vif_ctrl_handle_grefs(struct vif_ctrl *ctrl,
                      const struct xen_netif_ctrl_request *request)
{
    struct vif_ctrl_answer answer = {
        XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER, 0, false,
    };
    const uint32_t *data = request->data;
    struct gref_list list;

    if (data[0] >= ctrl->journal->frontend.n_queues) {
        return answer;
    }
    if (request->type == XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE) {
        answer.status = XEN_NETIF_CTRL_STATUS_SUCCESS;
        answer.data = VIF_GREFS_MAX;
        return answer;
    }

    list.n = data[2];
    if (list.n > VIF_GREFS_MAX
        || !vif_ctrl_copy(ctrl, XEN_COPY_FROM_GUEST, data[1], list.entries,
                          list.n * sizeof list.entries[0])) {
        return answer;
    }
    if (request->type == XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING) {
        return delete_mapping(ctrl, data[0], data[1], &list);
    }
    answer.status = add_mapping(ctrl, data[0], &list);
    return answer;
}

void
vif_ctrl_unmap_all(struct vif_ctrl *ctrl)
{
    for (unsigned int i = 0; i < ctrl->journal->frontend.n_queues; i++) {
        struct vif_grefs *grefs = vif_conn_set_grefs(ctrl->queues[i], NULL);

        for (unsigned int j = 0; grefs && j < VIF_GREFS_SLOTS; j++) {
            if (grefs->slots[j].page) {
                unmap(ctrl, &grefs->slots[j]);
            }
        }
        vif_grefs_destroy(grefs);
    }
}
