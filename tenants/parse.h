/* From rows of the database Netdom to plain data.
 *
 * Thread: one at a time (it reads IDL rows).
 * Owner:  the caller owns the results; want_finish(), row_errors_finish().
 * Errors: a sentence per bad row, kept by the row's UUID.
 * Trust:  rows come from admins and may hold anything that the schema lets
 *         through; names become paths and arguments only after a check here.
 *
 * A bad row spoils nothing but itself, and what it described before it went
 * bad goes on: parse() takes it from 'before'. */

#ifndef TENANTS_PARSE_H
#define TENANTS_PARSE_H 1

#include "openvswitch/hmap.h"
#include "tenants/model.h"

struct ndrec_host;
struct ndrec_netdom;
struct ndrec_openflow_controller;
struct ndrec_tenant;
struct ndrec_vf;
struct ndrec_vif;

struct row_errors {
    struct hmap by_row;
};

void row_errors_init(struct row_errors *);
void row_errors_finish(struct row_errors *);
/* Takes 'text'.  The first error of a row is kept. */
void row_errors_add(struct row_errors *, const struct uuid *row, char *text);
/* Null if the row is in order. */
const char *row_errors_find(const struct row_errors *, const struct uuid *);

/* Fills 'want' (initialised, empty) with the tenants that 'host' is to run:
 * those that name it, and, where it is the only host, those that name
 * none. */
void parse(const struct ndrec_netdom *root, const struct ndrec_host *host,
           const struct want *before, struct want *want,
           struct row_errors *errors);

/* What 'vf' is on a host with or without Xen: an interface or an address on PCI;
 * null: nothing that can be used. */
const char *parse_vf_device(const struct ndrec_vf *vf, bool xen);

/* True if 'host' is to run 'tenant'. */
bool parse_tenant_is_ours(const struct ndrec_netdom *root,
                          const struct ndrec_host *host,
                          const struct ndrec_tenant *tenant);

/* Fills 'vif' from 'row'.  Returns null, or a sentence that the caller frees,
 * with nothing to free in 'vif'. */
char *parse_vif(const struct ndrec_vif *row, struct want_vif *vif);

/* Likewise for an OpenFlow controller's target. */
char *parse_controller(const struct ndrec_openflow_controller *row,
                       struct want_controller *controller);

/* True if 'name' can be a file's name and an argument: letters, digits, '_',
 * '.' and '-', and it begins with one of the first three. */
bool parse_name_ok(const char *name);

#endif /* tenants/parse.h */
