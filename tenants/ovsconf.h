/* A tenant's own database, Open_vSwitch: what the switch is told through it,
 * and what it answers.
 *
 * Thread: main; nothing here waits for the tenant.
 * Owner:  ovsconf_create() and ovsconf_destroy().
 * Errors: a failed change is logged and found again by the next look.
 * Trust:  the tenant may write what it likes into its database.  Rows that
 *         carry external_ids:netdom-owner=controller are ours and are put
 *         right; no other row is touched. */

#ifndef TENANTS_OVSCONF_H
#define TENANTS_OVSCONF_H 1

#include <stdbool.h>

#include "tenants/plan.h"

#define OVSCONF_OWNER_KEY "netdom-owner"
#define OVSCONF_OWNER "controller"

struct ovsconf;
struct ovsdb_idl_txn;
struct ovsrec_open_vswitch;
struct ovsrec_port;
struct ovsrec_bridge;

/* 'socket' is the path of the database server's socket. */
struct ovsconf *ovsconf_create(const char *socket, const char *tenant);
void ovsconf_destroy(struct ovsconf *);

/* Returns true if anything changed. */
bool ovsconf_run(struct ovsconf *);
void ovsconf_wait(struct ovsconf *);

/* Connected, with the whole content here, and no change under way. */
bool ovsconf_is_ready(const struct ovsconf *);

/* Everything that we changed has been taken up by the switch. */
bool ovsconf_is_settled(const struct ovsconf *);

/* Fills in its part of 'have'. */
void ovsconf_observe(const struct ovsconf *, struct have_tenant *have);

/* Does all of the plan's actions that concern the database, in one
 * transaction. */
void ovsconf_apply(struct ovsconf *, const struct want_tenant *,
                   const struct have_tenant *, const struct plan *);

/* The switch was started anew: from now on ovsconf_is_settled() waits for that
 * one. */
void ovsconf_expect_switch(struct ovsconf *);

/* True if the switch says that it is connected to 'target'. */
bool ovsconf_target_connected(const struct ovsconf *, const char *target);

/* For ovsconf*.c. */
bool ovsconf_is_ours(const struct smap *external_ids);
const struct ovsrec_open_vswitch *ovsconf_root(const struct ovsconf *);
const struct ovsrec_bridge *ovsconf_bridge(const struct ovsconf *);
void ovsconf_change(struct ovsdb_idl_txn *, const struct ovsrec_open_vswitch *,
                    const struct ovsrec_bridge *,
                    const struct want_tenant *, const struct have_tenant *,
                    const struct plan *);

#endif /* tenants/ovsconf.h */
