/* What a frontend's xenstore nodes offer and ask for (xen/io/netif.h), judged
 * and put into one struct.  Pure: whoever has nodes lends a function that
 * reads them.
 *
 * Thread: any.  Owner: the caller's memory.
 * Errors: 0, or -errno with a sentence in 'why' that says what is wrong and
 *         what would be right; -EIO: the nodes could not be read, which says
 *         nothing about them, and 'why' is untouched.
 * Trust:  a guest wrote all of it.  At most 4 nodes are read per queue, and
 *         a dozen besides. */

#ifndef NETDOM_FRONTEND_NODES_H
#define NETDOM_FRONTEND_NODES_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/vif_frontend.h"

#define VIF_WHY_BYTES 160
#define FRONTEND_VALUE_BYTES 24         /* More is no number. */

struct frontend_nodes {
    /* Copies the first bytes of node 'leaf', such as "feature-sg" or
     * "queue-3/tx-ring-ref", into 'value' and its whole length into '*bytes'.
     * -ENOENT: there is none, or none that we may read. */
    int (*read)(void *aux, const char *leaf,
                char value[FRONTEND_VALUE_BYTES], size_t *bytes);
    void *aux;
};

/* Reads all that a connection needs.  On an error '*frontend' is not to be
 * used. */
int frontend_parse(const struct frontend_nodes *, uint16_t domid,
                   unsigned int max_queues, struct vif_frontend *frontend,
                   char why[VIF_WHY_BYTES]);

/* What a frontend may change while it is connected.  Nonsense is "no" and 0;
 * a headroom above VIF_XDP_HEADROOM_MAX is brought down to that: each
 * received frame says how much it has, so the guest learns of it.  0 or
 * -EIO. */
int frontend_parse_multicast_control(const struct frontend_nodes *,
                                     bool *on);
int frontend_parse_xdp_headroom(const struct frontend_nodes *,
                                uint16_t *bytes);

#endif /* netdom/frontend_nodes.h */
