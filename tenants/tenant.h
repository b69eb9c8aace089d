/* One tenant at run time: looks, plans, applies, until there is nothing left
 * to do, and then waits for something to change.
 *
 * Thread: main; nothing here waits for the tenant.
 * Owner:  tenant_create() and tenant_destroy(), which leaves the tenant's
 *         domain as it is.
 * Errors: kept in the tenant, for its row. */

#ifndef TENANTS_TENANT_H
#define TENANTS_TENANT_H 1

#include <stdbool.h>
#include <stdint.h>

#include "tenants/backoff.h"
#include "tenants/model.h"

struct counters;
struct domain;
struct domain_driver;
struct driver_env;
struct ds;
struct ovsconf;

/* A vif that was told to close. */
struct closing_vif {
    uint32_t domid;
    uint32_t devid;
    long long int since_ms;
};

struct tenant {
    char *name;
    const struct domain_driver *driver;
    struct driver_env *env;
    struct domain *domain;
    struct ovsconf *conf;               /* Null: its database is not up. */
    struct counters *counters;
    struct want_tenant *want;           /* Null: it is to go. */
    struct have_tenant *have;           /* As last seen, never null. */

    bool dirty;                         /* Look again. */
    bool looked;                        /* At least once. */
    bool idle;                          /* The last plan was empty. */
    bool up;                            /* This switch has been configured. */
    bool ran;                           /* It has been up once. */
    int n_rounds;                       /* Plans since an empty one. */
    long long int look_ms;              /* Not before. */
    long long int poll_ms;              /* At the latest. */
    long long int probe_ms;
    struct backoff backoff;             /* Of failing actions. */
    char *error;                        /* The action that failed, or null. */
    struct vf_settings pf_refused;      /* By its VF's PF, */
    char *pf_error;                     /* for this reason. */
    long long int pf_refused_ms;
    uint32_t watched;                   /* Domid watched in xenstore. */
    struct closing_vif *closing;
    size_t n_closing;
};

struct tenant *tenant_create(const struct domain_driver *,
                             struct driver_env *, const char *name);
void tenant_destroy(struct tenant *);

/* Makes a copy of 'want'; null: take it down. */
void tenant_set_want(struct tenant *, const struct want_tenant *want);

/* Something outside may have changed: look again. */
void tenant_touch(struct tenant *);

/* Returns true if its status may have changed. */
bool tenant_run(struct tenant *, long long int now_ms, size_t n_tenants);
void tenant_wait(struct tenant *);

/* Nothing is left of it and nothing is wanted. */
bool tenant_is_gone(const struct tenant *);

/* All that is wanted is done, or its row says why not. */
bool tenant_is_applied(const struct tenant *);

/* What would be done now; empty if nothing. */
void tenant_format_plan(const struct tenant *, struct ds *);

/* The caller frees the sentence; null if all is well. */
char *tenant_error(const struct tenant *);

#endif /* tenants/tenant.h */
