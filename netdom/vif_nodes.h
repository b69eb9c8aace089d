/* A vif's nodes in xenstore: what the frontend offers and what dom0 allows.
 *
 * Thread: main.  Owner: the caller's memory.
 * Errors: 0 or -errno with a sentence in 'why' for the vif's "error" node and
 *         the log.
 * Trust:  the frontend's nodes are a guest's; dom0's nodes are trusted but
 *         parsed all the same. */

#ifndef NETDOM_VIF_NODES_H
#define NETDOM_VIF_NODES_H 1

#include "datapath/xenvif.h"
#include "netdom/xs.h"

#define VIF_WHY_BYTES 160

/* Paths of vif 'id' whose backend is 'own_domid'. */
void vif_backend_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                      struct xenvif_id);
void vif_frontend_path(char path[XS_PATH_BYTES], struct xenvif_id);
void vif_policy_path(char path[XS_PATH_BYTES], uint16_t own_domid,
                     struct xenvif_id);

/* Reads what the frontend offers (xen/io/netif.h) in one transaction. */
int vif_read_frontend(struct xs_handle *, struct xenvif_id,
                      struct vif_frontend *, char why[VIF_WHY_BYTES]);

/* Reads dom0's limits and identity for the vif.  -ENOENT: there are none, and
 * dom0 manages this domain (/netdom/DOMID/managed), so the vif must wait; if
 * dom0 does not manage it, no limits are the answer. */
int vif_read_policy(struct xs_handle *, uint16_t own_domid, struct xenvif_id,
                    struct xenvif_policy *, char why[VIF_WHY_BYTES]);

/* Writes our features, hotplug-status and InitWait into the backend's path,
 * in one transaction. */
int vif_write_features(struct xs_handle *, uint16_t own_domid,
                       struct xenvif_id);

#endif /* netdom/vif_nodes.h */
