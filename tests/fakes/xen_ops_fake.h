/* Xen in memory, for tests and fuzzers: guests with pages, a v1 grant table
 * and event channels, behind the ops table of datapath/xen_ops.h.
 *
 * Thread: one.
 * Owner:  xen_fake_destroy() frees all of it, and aborts if a mapping or a
 *         port is still open.
 * Errors: as the ops table says; wrong use by the test aborts.
 *
 * Each page is an allocation of its own, so that a sanitizer sees any access
 * that leaves it. */

#ifndef TESTS_FAKES_XEN_OPS_FAKE_H
#define TESTS_FAKES_XEN_OPS_FAKE_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

#include "datapath/xen_ops.h"

#define FAKE_GUESTS_MAX 4u
#define FAKE_PORTS_MAX 20u

struct fake_port {
    bool allocated, bound;
    bool pending, masked;               /* Towards the backend. */
    unsigned int kicks;                 /* Events that the guest got. */
};

struct fake_guest {
    struct xen_fake *fake;
    uint16_t domid;
    uint32_t n_pages, n_grants;
    uint8_t **pages;
    struct grant_entry_v1 *grants;
    uint32_t next_gref, next_page;
    struct fake_port ports[FAKE_PORTS_MAX];     /* Port N is [N - 1]. */
};

struct xen_fake {
    uint16_t own_domid;
    struct fake_guest guests[FAKE_GUESTS_MAX];
    unsigned int n_guests;
    unsigned int n_mapped, n_bound;
    struct xen_ops_counts counts;

    /* What the test wants to happen. */
    int map_error;                      /* The next map fails so; 0: none. */
    unsigned int maps_before_error;     /* Maps that succeed before it. */
    int bind_error;
    unsigned int binds_before_error;
    void (*before_copy)(struct xen_fake *, void *aux);
    void *before_copy_aux;
};

extern const struct xen_ops xen_ops_fake;

struct xen_fake *xen_fake_create(uint16_t own_domid);
void xen_fake_destroy(struct xen_fake *);           /* Accepts null. */

/* The ops table's view of 'fake'. */
struct xen_platform *xen_fake_platform(struct xen_fake *fake);

struct fake_guest *xen_fake_add_guest(struct xen_fake *, uint16_t domid,
                                      uint32_t n_pages, uint32_t n_grants);

/* A page that nothing uses yet, and its frame number. */
uint8_t *fake_guest_page(struct fake_guest *, uint32_t *frame);

/* Grants 'frame' to the backend under the next free reference. */
uint32_t fake_guest_grant(struct fake_guest *, uint32_t frame, bool readonly);
void fake_guest_revoke(struct fake_guest *, uint32_t gref);

uint32_t fake_guest_alloc_port(struct fake_guest *);
void fake_guest_kick(struct fake_guest *, uint32_t port);
unsigned int fake_guest_kicks(const struct fake_guest *, uint32_t port);

#endif /* tests/fakes/xen_ops_fake.h */
