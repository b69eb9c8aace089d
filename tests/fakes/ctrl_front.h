/* A frontend's half of a control ring, on a guest of xen_ops_fake.h: puts any
 * request, honest or not, and takes the responses off.
 *
 * Thread: one.   Owner: the caller's memory; nothing to free.
 * Errors: wrong use by the test aborts. */

#ifndef TESTS_FAKES_CTRL_FRONT_H
#define TESTS_FAKES_CTRL_FRONT_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/netif.h>

#include "datapath/vif_frontend.h"
#include "tests/fakes/xen_ops_fake.h"

#define CTRL_FRONT_SLOTS 128u

struct ctrl_front {
    struct fake_guest *guest;
    struct xen_netif_ctrl_sring *ring;
    uint32_t gref, port;
    uint32_t prod, cons;                /* Private: req_prod, rsp_cons. */
    uint16_t next_id;
};

/* Makes the ring, empty, its indices starting at 'index', and says so in
 * '*frontend'. */
void ctrl_front_init(struct ctrl_front *, struct fake_guest *, uint32_t index,
                     struct vif_frontend *frontend);

/* Puts a request, whose id is returned; ctrl_front_push() publishes it.
 * Returns true if the backend asked for an event. */
uint16_t ctrl_front_put(struct ctrl_front *, uint16_t type, uint32_t data0,
                        uint32_t data1, uint32_t data2);
bool ctrl_front_push(struct ctrl_front *);

/* Takes the next response, if there is one. */
bool ctrl_front_take(struct ctrl_front *, struct xen_netif_ctrl_response *);

#endif /* tests/fakes/ctrl_front.h */
