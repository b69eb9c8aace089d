#include "tests/fuzz/tx_model.h"

#define EXTRA_TYPES 6u                  /* 0 is none. */

static void
blame(struct tx_model *m, enum vif_malice what)
{
    m->verdict = VIF_MALICE;
    m->malice = what;
}

/* The first reason is the one that counts. */
static void
refuse(struct tx_model *m, enum vif_drop why)
{
    if (m->verdict == VIF_PASS) {
        m->verdict = VIF_DROP;
        m->drop = why;
    }
}

static void
read_extra(struct tx_model *m, const struct netif_extra_info *extra,
           unsigned int seen[EXTRA_TYPES])
{
    if (++m->n_extras == EXTRA_TYPES) {
        blame(m, VIF_MALICE_EXTRAS);
    } else if (extra->type == 0 || extra->type >= EXTRA_TYPES) {
        blame(m, VIF_MALICE_EXTRA_TYPE);
    } else if (extra->type == XEN_NETIF_EXTRA_TYPE_GSO
               && extra->u.gso.size == 0) {
        blame(m, VIF_MALICE_GSO_SIZE);
    } else if (extra->type == XEN_NETIF_EXTRA_TYPE_GSO
               && extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4
               && extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6) {
        blame(m, VIF_MALICE_GSO_TYPE);
    }
    if (m->verdict == VIF_MALICE) {
        return;
    }

    if (seen[extra->type]++) {
        refuse(m, VIF_DROP_TX_EXTRA);
    }
    if (extra->type == XEN_NETIF_EXTRA_TYPE_GSO) {
        m->gso = extra;
    } else if (extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD) {
        m->mcast_add = extra;
    } else if (extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
        m->mcast_del = extra;
    }
}

/* Reads all slots, but for what only the end can tell. */
static uint32_t
read_slots(const union vif_tx_slot *slots, unsigned int n, struct tx_model *m)
{
    const struct netif_tx_request *first = &slots[0].req;
    unsigned int seen[EXTRA_TYPES] = { 0 };
    uint32_t rest_bytes = 0;
    bool more;

    m->n_slots = m->n_data = 1;
    for (more = first->flags & NETTXF_extra_info; more;
         more = slots[m->n_slots - 1].extra.flags
                & XEN_NETIF_EXTRA_FLAG_MORE) {
        if (m->n_slots == n) {
            blame(m, VIF_MALICE_TX_CHAIN);
            return 0;
        }
        m->is_extra[m->n_slots] = true;
        read_extra(m, &slots[m->n_slots++].extra, seen);
        if (m->verdict == VIF_MALICE) {
            return 0;
        }
    }

    for (more = first->flags & NETTXF_more_data; more;
         more = slots[m->n_slots - 1].req.flags & NETTXF_more_data) {
        if (m->n_slots == n) {
            blame(m, VIF_MALICE_TX_CHAIN);
            return 0;
        }

        const struct netif_tx_request *req = &slots[m->n_slots++].req;
        if (m->n_data == TX_MODEL_PARTS) {
            blame(m, VIF_MALICE_TX_SLOTS);
            return 0;
        }
        m->parts[m->n_data++] = (struct tx_model_part) {
            req->gref, req->offset, req->size,
        };
        rest_bytes += req->size;
        if (m->n_data > XEN_NETIF_NR_SLOTS_MIN) {
            refuse(m, VIF_DROP_TX_SLOTS);
        }
        if (req->offset + req->size > 4096) {
            blame(m, VIF_MALICE_TX_PAGE);
            return 0;
        }
        if (rest_bytes > first->size) {
            refuse(m, VIF_DROP_TX_LENGTH);
        }
    }
    return rest_bytes;
}

void
tx_model_read(const union vif_tx_slot *slots, unsigned int n,
              uint32_t room_bytes, uint32_t gso_room_bytes,
              struct tx_model *m)
{
    const struct netif_tx_request *first = &slots[0].req;

    *m = (struct tx_model) { .verdict = VIF_PASS, .bytes = first->size };
    uint32_t rest_bytes = read_slots(slots, n, m);
    if (m->verdict == VIF_MALICE) {
        return;
    }

    if (m->mcast_add || m->mcast_del) {
        if (first->flags & NETTXF_more_data || m->gso) {
            refuse(m, VIF_DROP_TX_EXTRA);
        } else if (m->verdict == VIF_PASS) {
            m->verdict = VIF_CONTROL;
        }
        return;
    }

    m->parts[0] = (struct tx_model_part) {
        first->gref, first->offset, first->size - rest_bytes,
    };
    if (rest_bytes <= first->size
        && first->offset + (first->size - rest_bytes) > 4096) {
        blame(m, VIF_MALICE_TX_PAGE);
    } else if (first->size < 14) {
        refuse(m, VIF_DROP_TX_RUNT);
    } else if (first->size > (m->gso ? gso_room_bytes : room_bytes)) {
        refuse(m, VIF_DROP_TX_OVERSIZE);
    }
}
