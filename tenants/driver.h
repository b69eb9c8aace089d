/* A domain driver: what a tenant's domain is made of.  "process" makes it of
 * namespaces, a control group, a uid and processes on this host; "xen" makes it a
 * domain of Xen's.
 *
 * Thread: main.
 * Owner:  open() and close(); close() leaves everything running.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees.
 * Trust:  a domain's folder belongs to the tenant: it is never written to by
 *         root once anything runs there. */

#ifndef TENANTS_DRIVER_H
#define TENANTS_DRIVER_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tenants/cgroup.h"
#include "tenants/model.h"

struct action;
struct domain;
struct smap;
struct sset;
struct xen;

/* What domains on Xen are made with. */
struct xen_settings {
    const char *domain_program;         /* Path of netdom-domain, */
    const char *relay_program;          /* of netdom-relay, */
    const char *image;                  /* folder of the appliance's image, */
    const char *measurement;            /* which is this, or not booted; */
    const char *serial;                 /* folder of consoles, or null. */
    unsigned int memory_mib;            /* Of a domain. */
    unsigned int n_vcpus;
};

/* What all domains of a host share. */
struct driver_env {
    const char *run_dir;
    const char *vswitchd;               /* Path of netdom-vswitchd. */
    struct xen_settings on_xen;
    struct xen *xen;
    struct cgroups cgroups;
    int *cpus;                          /* Cores that tenants may poll. */
    size_t n_cpus;
    uint32_t uid_base;
};

enum domain_proc {
    DOMAIN_DB,
    DOMAIN_SWITCH,
    DOMAIN_RELAY,
};

struct domain_driver {
    const char *name;

    /* Makes an object for tenant 'name' and adopts what there is of its
     * domain already. */
    struct domain *(*open)(struct driver_env *, const char *name);
    void (*close)(struct domain *);

    /* Returns true if anything changed. */
    bool (*run)(struct domain *, long long int now_ms);
    void (*wait)(struct domain *);

    /* Completes the domain: registry, namespaces, control group, folder; or
     * begins to make one that owns 'vf', if that is not null. */
    int (*create)(struct domain *, const char *vf, long long int now_ms,
                  char **errorp);

    /* Takes down what remains; nothing runs any more. */
    int (*destroy)(struct domain *, char **errorp);

    /* 'controller' is the relay's, null for the others. */
    int (*start)(struct domain *, enum domain_proc,
                 const struct want_controller *controller,
                 long long int now_ms, char **errorp);
    void (*stop)(struct domain *, enum domain_proc, const char *target,
                 long long int now_ms);

    int (*uplink_take)(struct domain *, const char *iface, char **errorp);
    int (*uplink_return)(struct domain *, const char *iface, char **errorp);

    /* Does one of the plan's actions on a guest's vif. */
    int (*vif)(struct domain *, const struct action *, long long int now_ms);

    /* Fills in its part of 'have'.  'iface' is the uplink that is wanted, or
     * null. */
    void (*observe)(struct domain *, const char *iface,
                    long long int now_ms, struct have_tenant *have);

    /* Adds to the vifs of 'have', as xenstore has them, what it knows. */
    void (*observe_vifs)(struct domain *, struct have_tenant *have);

    /* Why something of it is not as it should be, or null; and facts for
     * an admin.  'error' is the caller's to free. */
    char *(*error)(const struct domain *);
    void (*status)(const struct domain *, struct smap *);

    /* The switch's process, or the one that looks after its domain, and the
     * number of times it was lost. */
    pid_t (*switch_pid)(const struct domain *, unsigned int *n_deaths);

    /* Path of the switch's control socket.  The caller frees it. */
    char *(*control)(const struct domain *);
};

extern const struct domain_driver domain_driver_process;
extern const struct domain_driver domain_driver_xen;

/* Names of the tenants that the controller before this one left behind. */
void domain_driver_list(const struct driver_env *, struct sset *names);

/* "RUN/tenants/NAME", or a file there.  The caller frees it. */
char *domain_path(const struct driver_env *, const char *name,
                  const char *leaf);

#endif /* tenants/driver.h */
