/* The nodes that the two ends of a vif write for each other.
 *
 * Thread: the guest's only one.
 * Errors: 0 or -errno.
 * Trust:  whatever another domain wrote is parsed strictly. */

#ifndef GUEST_FRONTEND_KEYS_H
#define GUEST_FRONTEND_KEYS_H 1

#include <stdbool.h>

struct guest_domain;
struct guest_memory;
struct vif;
struct vif_config;
struct xs_handle;

/* What a backend offers. */
struct backend_features {
    bool rx_copy;
    bool sg;
    bool split_event_channels;
};

void backend_features_read(struct xs_handle *, const char *backend_dir,
                           struct backend_features *);

/* Reads the vif's MAC and MTU below its frontend's directory; an MTU that is
 * missing or makes no sense is 1500. */
void vif_config_read(struct xs_handle *, const char *dir,
                     struct vif_config *);

/* Writes the keys of a vif of one queue into 'dir', in one transaction. */
int frontend_keys_write(struct xs_handle *, const char *dir,
                        const struct vif *);

/* Gives the domain a new memory in place of '*memory', of the same size. */
int frontend_renew_memory(struct guest_domain *, struct guest_memory *memory);

#endif /* frontend_keys.h */
