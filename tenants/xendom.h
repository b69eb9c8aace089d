/* The domain driver "xen", inside: shared by the files xendom*.c only.  A
 * tenant's domain is one of Xen's, made of the appliance's image.  A process
 * here, netdom-domain, makes it and looks after it; another, netdom-relay, is
 * the way to its database, its switch and its control socket; libxl, which
 * waits for guests and driver domains, is in short-lived processes.
 *
 * Thread, owner, errors: as driver.h.
 * Trust:  the folder of sockets here is root's; what comes out of the sockets is
 *         the tenant's. */

#ifndef TENANTS_XENDOM_H
#define TENANTS_XENDOM_H 1

#include "tenants/driver.h"
#include "tenants/launch.h"
#include "tenants/proc.h"
#include "tenants/record.h"

#define XENDOM_CONTROLLERS_MAX 4        /* Whose OpenFlow is relayed. */

/* A vif that is being attached or detached. */
struct vif_job {
    uint32_t guest;
    uint32_t devid;
    bool adds;
    struct proc proc;
};

/* An OpenFlow controller that the switch reaches through dom0: by socat from
 * there on. */
struct far_controller {
    char *target;                       /* Null: there is none. */
    char *socket;                       /* Where socat listens. */
    struct proc proc;
};

struct domain {
    struct driver_env *env;
    char *name;                         /* The tenant's. */
    char *xen_name;
    char *record_path;
    struct record record;
    bool recorded;                      /* There is a file of it. */
    uint32_t domid;                     /* As last seen; 0: none. */
    struct proc life;                   /* netdom-domain run. */
    struct proc relay;                  /* netdom-relay, */
    uint32_t relay_domid;               /* which speaks with this one. */
    struct far_controller far[XENDOM_CONTROLLERS_MAX];
    struct vif_job **jobs;
    size_t n_jobs;
    char *vif_error;                    /* Of the last job that failed. */
};

void xendom_launcher(struct domain *, struct launcher *);

/* The domain's number today, or 0. */
uint32_t xendom_find(struct domain *);

/* The process that the record calls so, or null. */
struct proc *xendom_proc(struct domain *, const char *what);

/* Its process is gone: forgets it, keeps its last words.  Returns true if it
 * was there. */
bool xendom_ended(struct domain *, struct proc *, const char *what,
                  const char *output, long long int now_ms);

/* xendom_start.c */
int xendom_create(struct domain *, const char *vf, long long int now_ms,
                  char **errorp);
int xendom_destroy(struct domain *, char **errorp);
int xendom_start(struct domain *, enum domain_proc,
                 const struct want_controller *, long long int now_ms,
                 char **errorp);
/* The place of a controller, made if there is room, or null. */
struct far_controller *xendom_far(struct domain *, const char *target,
                                  bool make);
void xendom_far_free(struct far_controller *);

/* xendom_observe.c */
void xendom_observe(struct domain *, const char *vf, long long int now_ms,
                    struct have_tenant *);
void xendom_observe_vifs(struct domain *, struct have_tenant *);
char *xendom_error(const struct domain *);
void xendom_status(const struct domain *, struct smap *);

/* xendom_vif.c */
int xendom_vif(struct domain *, const struct action *, long long int now_ms);
struct vif_job *xendom_vif_job(struct domain *, const char *what);
bool xendom_vifs_run(struct domain *, long long int now_ms);
void xendom_vifs_wait(const struct domain *);
void xendom_vifs_close(struct domain *);

#endif /* tenants/xendom.h */
