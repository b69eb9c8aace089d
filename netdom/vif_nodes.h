/* A vif's nodes in xenstore: what the frontend offers, what dom0 and the
 * toolstack allow, and what we say ourselves.
 *
 * Thread: main.  Owner: the caller's memory.
 * Errors: 0 or -errno with a sentence in 'why' for the vif's "error" node and
 *         the log.
 * Trust:  the frontend's nodes are a guest's; dom0's nodes are trusted but
 *         parsed all the same. */

#ifndef NETDOM_VIF_NODES_H
#define NETDOM_VIF_NODES_H 1

#include "datapath/xenvif.h"
#include "netdom/frontend_nodes.h"
#include "netdom/quarantine.h"
#include "netdom/xs.h"
#include "qos/profile.h"

/* Paths of vif 'id' whose backend is 'own_domid'. */
void vif_backend_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                      struct xenvif_id);
void vif_frontend_path(char path[XS_PATH_BYTES], struct xenvif_id);
void vif_policy_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                     struct xenvif_id);

/* Reads what the frontend offers (xen/io/netif.h), node by node: what is
 * judged is what was read, so a guest that writes meanwhile, as no honest one
 * does once it is Connected, could only make a transaction fail, and us
 * repeat it. */
int vif_read_frontend(struct xs_handle *, struct xenvif_id,
                      unsigned int max_queues, struct vif_frontend *,
                      char why[VIF_WHY_BYTES]);
int vif_read_multicast_control(struct xs_handle *, struct xenvif_id,
                               bool *on);
int vif_read_xdp_headroom(struct xs_handle *, struct xenvif_id,
                          uint16_t *bytes);

/* Reads dom0's limits and identity for the vif.  -ENOENT: there are none, and
 * dom0 manages this domain (/netdom/DOMID/managed), so the vif must wait; if
 * dom0 does not manage it, no limits are the answer. */
int vif_read_policy(struct xs_handle *, uint16_t own_domid, struct xenvif_id,
                    struct xenvif_policy *, char why[VIF_WHY_BYTES]);

/* Reads the limits in one direction, "tx" or "rx", from the nodes in 'dir':
 * DIRECTION-rate-bps, -burst-bytes, -rate-pps, -burst-packets, -min-rate-bps,
 * -min-burst-bytes and -weight.  What is missing is no limit, no guarantee,
 * a burst that suits, or weight 1.  -EINVAL: 'why' says what is wrong. */
int vif_read_settings(struct xs_handle *, xs_transaction_t, const char *dir,
                      const char *direction, struct qos_settings *,
                      char why[VIF_WHY_BYTES]);

/* How often dom0 has released the vif from a quarantine.  -ENOENT: it does
 * not say. */
int vif_read_release(struct xs_handle *, uint16_t own_domid,
                     struct xenvif_id, uint64_t *release);

/* The toolstack's limit for what the guest sends; none is the answer if it
 * set none. */
int vif_read_rate(struct xs_handle *, uint16_t own_domid, struct xenvif_id,
                  struct qos_profile *, char why[VIF_WHY_BYTES]);

/* The toolstack's wish.  -ENOENT: it has none. */
int vif_read_mtu(struct xs_handle *, uint16_t own_domid, struct xenvif_id,
                 unsigned int *mtu);

/* Writes our features, hotplug-status and InitWait into the backend's path,
 * in one transaction. */
int vif_write_features(struct xs_handle *, uint16_t own_domid,
                       struct xenvif_id, unsigned int max_queues);
int vif_write_max_queues(struct xs_handle *, uint16_t own_domid,
                         struct xenvif_id, unsigned int max_queues);
int vif_write_carrier(struct xs_handle *, uint16_t own_domid,
                      struct xenvif_id, bool on);

/* Null: nothing is wrong. */
int vif_write_error(struct xs_handle *, uint16_t own_domid, struct xenvif_id,
                    const char *error);

/* A quarantine outlives this process in the backend's path. */
int vif_read_quarantine(struct xs_handle *, uint16_t own_domid,
                        struct xenvif_id, struct quarantine *);
int vif_write_quarantine(struct xs_handle *, uint16_t own_domid,
                         struct xenvif_id, const struct quarantine *);

#endif /* netdom/vif_nodes.h */
