/* The domain driver "process", inside: shared by the files procdom*.c only.
 *
 * Thread, owner, errors: as driver.h. */

#ifndef TENANTS_PROCDOM_H
#define TENANTS_PROCDOM_H 1

#include "openvswitch/shash.h"
#include "tenants/driver.h"
#include "tenants/launch.h"
#include "tenants/proc.h"
#include "tenants/record.h"

struct relay {
    struct proc proc;
    char *target;
    char *socket;                       /* Path. */
};

struct domain {
    struct driver_env *env;
    char *name;
    char *record_path;
    char *ns_dir;
    struct record record;
    bool recorded;                      /* There is a file of it. */
    struct proc db;
    struct proc vswitch;
    struct shash relays;                /* By target: struct relay. */
    char *warning;                      /* Missing control groups. */
};

uid_t procdom_uid(const struct domain *);
uid_t procdom_relay_uid(const struct domain *);
void procdom_launcher(struct domain *, struct launcher *);
int procdom_save(struct domain *, char **errorp);

/* procdom_start.c */
int procdom_start(struct domain *, enum domain_proc,
                  const struct want_controller *, long long int now_ms,
                  char **errorp);
struct relay *procdom_relay_add(struct domain *, const char *target);
void procdom_relay_free(struct relay *);

/* procdom_observe.c */
void procdom_observe(struct domain *, const char *iface,
                     long long int now_ms, struct have_tenant *);
char *procdom_error(const struct domain *);
void procdom_status(const struct domain *, struct smap *);

/* procdom_make.c */
int procdom_create(struct domain *, const char *vf, long long int now_ms,
                   char **errorp);
int procdom_destroy(struct domain *, char **errorp);
/* Kills every process of 'uid'; refuses uids that are not tenants'. */
void procdom_kill_uid(const struct driver_env *, uid_t uid);

#endif /* tenants/procdom.h */
