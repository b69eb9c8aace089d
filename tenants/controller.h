/* The controller of one host: the database Netdom on one side, tenants on the
 * other.
 *
 * Thread: main.
 * Owner:  controller_create() and controller_destroy(), which leaves all
 *         tenants running.
 * Errors: kept for the database's rows; logged. */

#ifndef TENANTS_CONTROLLER_H
#define TENANTS_CONTROLLER_H 1

#include <stdbool.h>

#include "tenants/driver.h"
#include "tenants/links.h"
#include "tenants/parse.h"

struct ovsdb_idl;
struct ovsdb_idl_txn;
struct ndrec_host;
struct ndrec_netdom;
struct tenant;

struct controller_config {
    const char *db;
    const char *host;
    const char *run_dir;
    const char *vswitchd;
    bool xen;                           /* --platform=xen. */
    struct xen_settings on_xen;
    int *cpus;
    size_t n_cpus;
};

struct controller {
    const char *host;
    const char *db;
    const char *platform;               /* "local" or "xen". */
    const struct domain_driver *driver;
    struct driver_env env;

    struct ovsdb_idl *idl;
    unsigned int seqno;
    struct ovsdb_idl_txn *txn;          /* Under way, or null. */
    bool db_up;
    bool parsed;                        /* 'want' has been read once. */
    bool said_uninitialised;
    struct want want;
    struct row_errors errors;
    struct links links;
    int64_t cfg;                        /* next_cfg of what was parsed. */

    struct shash tenants;               /* By name: struct tenant. */
    bool status_dirty;
    bool cleanup;                       /* Take everything down. */
};

/* Returns null with a sentence in '*errorp' if the run folder cannot be
 * used. */
struct controller *controller_create(const struct controller_config *,
                                     char **errorp);
void controller_destroy(struct controller *);

void controller_run(struct controller *);
void controller_wait(struct controller *);

/* Nothing is left, after 'cleanup' was set. */
bool controller_is_clean(const struct controller *);

/* This host's row, or null. */
const struct ndrec_netdom *controller_root(const struct controller *);
const struct ndrec_host *controller_host(const struct controller *);

/* status.c: writes what has changed into the database.  Returns true if
 * there was anything to write. */
bool status_write(struct controller *, struct ovsdb_idl_txn *);
/* All tenants have done what was asked for up to 'cfg'. */
bool status_all_applied(const struct controller *);

/* commands.c: registers the control commands. */
void commands_init(struct controller *);

#endif /* tenants/controller.h */
