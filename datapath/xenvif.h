/* The port class "xenvif": a guest's VIF as a port of an OVS bridge, and what
 * the netdom room tells it: which rings, which limits, which identity.
 *
 *     ovs-vsctl add-port br0 vif3.0 -- \
 *         set interface vif3.0 type=xenvif options:domid=3 options:devid=0
 *
 * A port exists from its configuration on; it carries traffic while rings are
 * attached to it.
 *
 * Thread: all functions here are for the main thread.
 * Owner:  ports are OVS's; an id names one and goes stale when it does.
 * Errors: 0 or -errno; -ENOENT: no such port. */

#ifndef DATAPATH_XENVIF_H
#define DATAPATH_XENVIF_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/fence.h"
#include "datapath/vif_frontend.h"
#include "datapath/vif_stats.h"
#include "datapath/xen_ops.h"
#include "qos/tree.h"

struct seq;

struct xenvif_id {
    uint16_t domid;                     /* The guest. */
    uint16_t devid;                     /* Its /device/vif/DEVID. */
};

#define XENVIF_GROUP_BYTES 65

/* What dom0 says of a VIF. */
struct xenvif_policy {
    struct qos_settings tx;             /* What the guest sends. */
    struct qos_settings rx;             /* What it receives. */
    char group[XENVIF_GROUP_BYTES];     /* Whose limits hold too; "": of
                                         * none.  Padded with zeros. */
    const char *tx_source;              /* Who said its rate: constant
                                         * memory, null: "policy". */
    struct fence fence;
};

/* Limits that VIFs share. */
struct xenvif_shared {
    char name[XENVIF_GROUP_BYTES];      /* A group; "": all VIFs. */
    struct qos_settings tx, rx;
};

/* Registers the class.  Before bridge_init().  'ops' and 'platform' stay the
 * caller's; null ops: ports can be made but never connect. */
void xenvif_register(const struct xen_ops *ops,
                     struct xen_platform *platform);

/* Changes whenever a port comes, goes, is detached or turns malicious. */
struct seq *xenvif_seq(void);

/* Stores up to 'max' ids of the ports that exist; returns how many exist. */
size_t xenvif_list(struct xenvif_id *ids, size_t max);

/* A number that no other port has had: a port that was deleted and added anew
 * has another one.  0: there is no such port. */
uint64_t xenvif_port_serial(struct xenvif_id);

/* How many queues a guest may have: options:n_rxq, or as many as there are
 * cores; 1 to VIF_QUEUES_MAX.  xenvif_seq() changes with it.  0: there is no
 * such port. */
unsigned int xenvif_max_queues(struct xenvif_id);

/* Attaches the guest's rings.  The port must be detached.  -EBUSY: not yet;
 * xenvif_seq() changes when it is worth another try.  -E2BIG: more queues
 * than xenvif_max_queues(). */
int xenvif_attach(struct xenvif_id, const struct vif_frontend *);

/* What a guest may change while it is attached: request-multicast-control
 * and xdp-headroom.  Idempotent; -ENOENT also if nothing is attached. */
int xenvif_set_multicast_control(struct xenvif_id, bool);
int xenvif_set_xdp_headroom(struct xenvif_id, uint16_t bytes);

/* Is the port up on the switch's side ("ovs-ofctl mod-port ... down")?  For
 * the "carrier" node.  xenvif_seq() changes with it. */
bool xenvif_carrier(struct xenvif_id);

/* The MTU in force, for the "mtu" node; 0: no such port.  xenvif_seq() changes
 * with it.  The toolstack's wish holds while the database has none
 * (mtu_request); -EINVAL: not from 68 to 9000. */
unsigned int xenvif_mtu(struct xenvif_id);
int xenvif_set_mtu_wish(struct xenvif_id, unsigned int mtu);

/* Lets go of the rings.  They stay mapped until the polling thread is
 * certainly through with them: xenvif_detached() says when. */
int xenvif_detach(struct xenvif_id);
bool xenvif_detached(struct xenvif_id);     /* True if there is no port. */

/* Puts 'policy' in force; copied.  A limit's change makes neither burst nor
 * gap. */
int xenvif_set_policy(struct xenvif_id, const struct xenvif_policy *);

/* From now on these are the limits that VIFs share, no others; copied.  A VIF
 * whose group is not among them is under the limits of all VIFs only. */
void xenvif_set_shared(const struct xenvif_shared *, size_t n);

/* Why the guest of an attached port was cut off, or null. */
const char *xenvif_malice(struct xenvif_id);
/* Forgets it.  The port must be detached, or the guest gets its rings back
 * at once. */
void xenvif_pardon(struct xenvif_id);
/* Before a port's first attachment, in a new process: what xenvif_malice()
 * said in the one before is still held against its guest.  For the port's
 * counters and status. */
void xenvif_accuse(struct xenvif_id, const char *why);

/* Counters, monotonic for the life of the port. */
int xenvif_get_stats(struct xenvif_id, struct vif_stats *,
                     char name[16]);

#endif /* datapath/xenvif.h */
