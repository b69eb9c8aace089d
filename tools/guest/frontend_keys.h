/* The nodes that the two ends of a vif write for each other.
 *
 * Thread: the guest's only one.
 * Errors: 0 or -errno.
 * Trust:  whatever another domain wrote is parsed strictly. */

#ifndef GUEST_FRONTEND_KEYS_H
#define GUEST_FRONTEND_KEYS_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tools/guest/control_script.h"
#include "tools/guest/offload.h"

struct guest_domain;
struct guest_memory;
struct vif;
struct vif_config;
struct xs_handle;

/* What our user wants of the vif, where the backend has it. */
struct frontend_options {
    uint32_t n_queues;
    bool shared_evtchn;                 /* One channel per queue. */
    bool no_sg;
    bool no_gso;
    bool no_csum;
    bool no_rx_notify;                  /* Never tell of posted buffers. */
    struct control_wishes control;
    bool multicast_control;             /* Only what we ask for. */
    uint32_t xdp_headroom;              /* Bytes; 0: none. */
};

/* As much as a backend may leave before a frame, of a page. */
#define XDP_HEADROOM_MAX 2048u

/* What a backend offers. */
struct backend_features {
    bool rx_copy;
    bool split_event_channels;
    bool ctrl_ring;
    bool multicast_control;
    bool xdp_headroom;
    uint32_t max_queues;
    struct offload_set takes;
};

void backend_features_read(struct xs_handle *, const char *backend_dir,
                           struct backend_features *);

/* Reads the vif's MAC and MTU below its frontend's directory; an MTU that is
 * missing or makes no sense is 1500. */
void vif_config_read(struct xs_handle *, const char *dir,
                     struct vif_config *);

/* The offloads that we can use both ways if our user lets us. */
void offload_set_wanted(struct offload_set *, const struct frontend_options *);

/* What a connected frontend tells its backend. */
struct frontend_keys {
    const struct vif *vif;
    uint32_t ctrl_ring_ref;             /* 0: no control ring. */
    uint32_t event_channel_ctrl;
    bool multicast_control;
    int32_t xdp_headroom;               /* Bytes; -1: not offered. */
};

/* Writes the keys of a connected vif into 'dir', and removes those of another
 * shape that may be left from before, in one transaction. */
int frontend_keys_write(struct xs_handle *, const char *dir,
                        const struct frontend_keys *);

/* Each of these changes while the vif is connected. */
int frontend_key_multicast_control(struct xs_handle *, const char *dir,
                                   bool on);
int frontend_key_xdp_headroom(struct xs_handle *, const char *dir,
                              uint32_t bytes);

/* Gives the domain a new memory in place of '*memory', of the same size. */
int frontend_renew_memory(struct guest_domain *, struct guest_memory *memory);

#endif /* frontend_keys.h */
