/* The host's xenstore and registry of domains, as dom0 sees them, and which
 * guests live.
 *
 * Thread: main (libxenstore has a reader thread of its own).
 * Owner:  xen_create() and xen_destroy().
 * Errors: 0 or -errno; -ENOTCONN while the other side is away.  A lost
 *         connection is made again by xen_run().
 * Trust:  names and nodes of guests may be anything: numbers are checked,
 *         text is bounded. */

#ifndef TENANTS_XEN_H
#define TENANTS_XEN_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tenants/model.h"

struct xen;
struct xs_handle;

/* 'xen_dir' is the folder of a stand-in (netdom-xenlocald), or null: the host's
 * own Xen, where there is no registry and domains are the toolstack's to make.
 * 'on_backend' is told of every change below /local/domain/DOMID/backend of a
 * domain that xen_watch() named. */
struct xen *xen_create(const char *xen_dir,
                       void (*on_backend)(void *aux, uint32_t domid),
                       void *aux);
void xen_destroy(struct xen *);

/* What happened since the last run. */
struct xen_news {
    bool up_changed;
    bool guests_changed;
};
void xen_run(struct xen *, long long int now_ms, struct xen_news *);
void xen_wait(struct xen *);

bool xen_is_up(const struct xen *);
/* Null: it is Xen itself. */
const char *xen_dir(const struct xen *);
/* A few words that tell an admin which one it is. */
const char *xen_place(const struct xen *);
const struct guests *xen_guests(const struct xen *);
/* Null while the connection is down. */
struct xs_handle *xen_xs(struct xen *);

void xen_watch(struct xen *, uint32_t domid);
void xen_unwatch(struct xen *, uint32_t domid);

int xen_domain_lookup(struct xen *, const char *name, uint32_t *domid);

/* Of the stand-in only. */
int xen_domain_create(struct xen *, const char *name, uid_t uid,
                      uint32_t *domid);
int xen_domain_destroy(struct xen *, uint32_t domid);

#endif /* tenants/xen.h */
