/* A tap device as the far end of a guest's vif: any program that can use a
 * network interface then runs "in the guest".
 *
 * Thread: the guest's only one.
 * Owner:  the endpoint's 'destroy' closes the device, which ends it.
 * Errors: 0 or -errno, and a sentence where a person must read it. */

#ifndef GUEST_TAP_H
#define GUEST_TAP_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;

struct tap_options {
    const char *name;                   /* Of the interface. */
    const char *netns;                  /* Null: the current namespace.  A
                                         * name of ip-netns(8), or a path. */
    const uint8_t *mac;                 /* Null: the vif's. */
    uint32_t mtu;                       /* 0: the vif's. */
    uint32_t tx_queue_len;              /* 0: the kernel's default. */
    const char *const *addresses;       /* "192.0.2.1/24", "2001:db8::1/64" */
    size_t n_addresses;
};

/* Creates the device, down and without carrier.  It comes up when the vif's
 * MAC is known, and has a carrier while the vif is connected.  'options' must
 * stay valid.  On failure '*error' is a sentence that the caller frees. */
int tap_create(struct endpoint **, const struct tap_options *, char **error);

#endif /* tap.h */
