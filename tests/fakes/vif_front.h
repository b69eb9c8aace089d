/* A frontend's half of a queue, on a guest of xen_ops_fake.h: puts any slot
 * on its rings, honest or not, and takes the responses off.
 *
 * Thread: one.   Owner: the caller's memory; nothing to free.
 * Errors: wrong use by the test aborts. */

#ifndef TESTS_FAKES_VIF_FRONT_H
#define TESTS_FAKES_VIF_FRONT_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_journal.h"
#include "tests/fakes/xen_ops_fake.h"

#define FRONT_SLOTS 256u

struct vif_front {
    struct fake_guest *guest;
    struct netif_tx_sring *tx;
    struct netif_rx_sring *rx;
    uint32_t tx_gref, rx_gref;
    uint32_t tx_port, rx_port;
    uint32_t tx_prod, tx_cons;          /* Private: req_prod, rsp_cons. */
    uint32_t rx_prod, rx_cons;
};

/* Makes both rings, empty, their indices starting at 'index'. */
void vif_front_init(struct vif_front *, struct fake_guest *, uint32_t index,
                    bool split_ports);

/* What its nodes say: one queue, and that it takes everything. */
struct vif_frontend vif_front_frontend(const struct vif_front *);

/* Connects the only queue of 'frontend''s vif, with a journal of its own,
 * which the caller frees. */
int vif_front_open(const struct vif_front *, const struct vif_frontend *,
                   struct vif_journal **, struct vif_conn **);

/* Puts a request or an extra; vif_front_tx_push() publishes them.  Returns
 * true if the backend asked for an event. */
void vif_front_tx_put(struct vif_front *, const struct netif_tx_request *);
void vif_front_tx_put_extra(struct vif_front *,
                            const struct netif_extra_info *);
bool vif_front_tx_push(struct vif_front *);

/* Takes the next response, if there is one. */
bool vif_front_tx_take(struct vif_front *, struct netif_tx_response *);

/* Asks for an event at the next response. */
void vif_front_tx_want_event(struct vif_front *);

void vif_front_rx_put(struct vif_front *, uint16_t id, uint32_t gref);
bool vif_front_rx_push(struct vif_front *);
bool vif_front_rx_take(struct vif_front *, struct netif_rx_response *);
void vif_front_rx_want_event(struct vif_front *);

#endif /* tests/fakes/vif_front.h */
