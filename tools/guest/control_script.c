#include "tools/guest/control_script.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/rx_ring.h"

#define LIST_MAX (RING_PAGE_BYTES / sizeof(struct xen_netif_gref))

_Static_assert(2 * RING_SLOTS <= LIST_MAX,
               "one list has room for all pages of a queue");

#define ALL_HASH_TYPES                                              \
    (XEN_NETIF_CTRL_HASH_TYPE_IPV4 | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP \
     | XEN_NETIF_CTRL_HASH_TYPE_IPV6 | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

/* The next step that there is something to do in. */
static enum control_step
settle(const struct control_script *s, enum control_step step)
{
    bool grants = s->wishes->persistent_grants && !s->grants_refused;

    if (step <= CONTROL_FLAGS && (!s->wishes->hash || s->hash_failed)) {
        step = CONTROL_GREF_SIZE;
    }
    if ((step == CONTROL_GREF_SIZE || step == CONTROL_GREF_ADD) && !grants) {
        step = CONTROL_DONE;
    }
    return step;
}

/* The step for the next queue, or, after the last one, 'then'. */
static void
next_queue(struct control_script *s, enum control_step step,
           enum control_step then)
{
    s->queue++;
    if (s->queue == s->n_queues) {
        s->queue = 0;
        step = then;
    }
    s->step = settle(s, step);
}

void
control_script_init(struct control_script *s,
                    const struct control_wishes *wishes, uint32_t n_queues)
{
    memset(s, 0, sizeof *s);
    s->wishes = wishes;
    s->n_queues = n_queues;
    s->step = settle(s, CONTROL_ALGORITHM);
}

/* Lists the first 'max' pages of the queue: first those that we write. */
static uint32_t
list_pages(const struct control_script *s, struct xen_netif_gref *list,
           uint32_t max)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < RING_SLOTS && n < max; i++) {
        list[n++] = (struct xen_netif_gref) {
            .ref = s->tx[s->queue]->pages[i],
            .flags = XEN_NETIF_CTRLF_GREF_readonly,
        };
    }
    for (uint32_t i = 0; i < RING_SLOTS && n < max; i++) {
        list[n++] = (struct xen_netif_gref) {
            .ref = s->rx[s->queue]->pages[i],
        };
    }
    return n;
}

bool
control_script_next(struct control_script *s, void *table, uint32_t gref,
                    struct xen_netif_ctrl_request *req)
{
    uint32_t *mapping = table;

    *req = (struct xen_netif_ctrl_request) { .type = 0 };
    switch (s->step) {
    case CONTROL_ALGORITHM:
        req->type = XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM;
        req->data[0] = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        return true;

    case CONTROL_KEY:
        memcpy(table, s->wishes->hash_key, s->wishes->hash_key_bytes);
        req->type = XEN_NETIF_CTRL_TYPE_SET_HASH_KEY;
        req->data[0] = gref;
        req->data[1] = s->wishes->hash_key_bytes;
        return true;

    case CONTROL_MAPPING_SIZE_STEP:
        req->type = XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE;
        req->data[0] = CONTROL_MAPPING_SIZE;
        return true;

    case CONTROL_MAPPING:
        for (uint32_t i = 0; i < CONTROL_MAPPING_SIZE; i++) {
            mapping[i] = i % s->n_queues;
        }
        req->type = XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING;
        req->data[0] = gref;
        req->data[1] = CONTROL_MAPPING_SIZE;
        return true;

    case CONTROL_FLAGS:
        req->type = XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS;
        req->data[0] = ALL_HASH_TYPES;
        return true;

    case CONTROL_GREF_SIZE:
        req->type = XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE;
        req->data[0] = s->queue;
        return true;

    case CONTROL_GREF_ADD:
    case CONTROL_GREF_DEL:
        req->type = s->step == CONTROL_GREF_ADD
                    ? XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
                    : XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING;
        req->data[0] = s->queue;
        req->data[1] = gref;
        req->data[2] = list_pages(s, table, s->n_listed);
        return true;

    case CONTROL_DONE:
    case CONTROL_END:
        break;
    }
    return false;
}

/* The backend's limit for a queue, or that it has none. */
static void
take_gref_size(struct control_script *s,
               const struct xen_netif_ctrl_response *rsp)
{
    if (rsp->status == XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED) {
        s->grants_refused = true;
    }

    bool ok = rsp->status == XEN_NETIF_CTRL_STATUS_SUCCESS && rsp->data;
    s->n_listed = !ok ? 0
                  : rsp->data < 2 * RING_SLOTS ? rsp->data : 2 * RING_SLOTS;
    if (ok) {
        s->step = CONTROL_GREF_ADD;
    } else {
        next_queue(s, CONTROL_GREF_SIZE, CONTROL_DONE);
    }
}

/* Goes on with the next queue that has mappings. */
static void
next_unmap(struct control_script *s)
{
    while (s->queue < s->n_queues && !s->n_mapped[s->queue]) {
        s->queue++;
    }
    if (s->queue == s->n_queues) {
        s->step = CONTROL_END;
    } else {
        s->step = CONTROL_GREF_DEL;
        s->n_listed = s->n_mapped[s->queue];
    }
}

bool
control_script_answer(struct control_script *s,
                      const struct xen_netif_ctrl_request *req,
                      const struct xen_netif_ctrl_response *rsp)
{
    bool ok = rsp->status == XEN_NETIF_CTRL_STATUS_SUCCESS;

    if (rsp->id != req->id || rsp->type != req->type) {
        return false;
    }
    switch (s->step) {
    case CONTROL_ALGORITHM:
    case CONTROL_KEY:
    case CONTROL_MAPPING_SIZE_STEP:
    case CONTROL_MAPPING:
    case CONTROL_FLAGS:
        s->hash_failed = !ok;
        s->hashing = ok && s->step == CONTROL_FLAGS;
        s->step = settle(s, s->step + 1);
        break;

    case CONTROL_GREF_SIZE:
        take_gref_size(s, rsp);
        break;

    case CONTROL_GREF_ADD:
        s->n_mapped[s->queue] = ok ? s->n_listed : 0;
        s->grants_refused
            = rsp->status == XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        next_queue(s, CONTROL_GREF_SIZE, CONTROL_DONE);
        break;

    case CONTROL_GREF_DEL:
        /* What it did not unmap, the memory holds until it does. */
        s->n_mapped[s->queue++] = 0;
        next_unmap(s);
        break;

    case CONTROL_DONE:
    case CONTROL_END:
        return false;
    }
    return true;
}

uint32_t
control_script_mapped(const struct control_script *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n_queues; i++) {
        n += s->n_mapped[i];
    }
    return n;
}

void
control_script_unmap(struct control_script *s)
{
    if (s->step == CONTROL_DONE) {
        s->queue = 0;
        next_unmap(s);
    }
}
