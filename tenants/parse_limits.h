/* Limits out of rows: a VIF's own, a profile's; what VIFs share; and whether
 * what is guaranteed can be kept.
 *
 * Thread: any; nothing is shared.
 * Owner:  errors are the caller's to free; what is written into 'tenant' is
 *         its own.
 * Errors: a sentence for a person, or null. */

#ifndef TENANTS_PARSE_LIMITS_H
#define TENANTS_PARSE_LIMITS_H 1

#include "tenants/model.h"

struct ndrec_host;
struct ndrec_tenant;
struct ndrec_vif;
struct row_errors;

/* Column by column: the row's own value, else its profile's, else none. */
char *parse_vif_limits(const struct ndrec_vif *, struct limits *);

/* The limits of 'row' itself and its groups.  What is wrong is noted in
 * 'errors', and stays as it was in 'before' (may be null). */
void parse_shared_limits(const struct ndrec_host *,
                         const struct ndrec_tenant *row,
                         const struct want_tenant *before,
                         struct want_tenant *tenant, struct row_errors *);

/* What is guaranteed to the tenant's traffic: its own guarantee, or what those
 * below it have. */
uint64_t parse_tenant_claim(const struct want_tenant *, bool tx);

/* Holds what is guaranteed to the tenants of each link against what it
 * carries.  Too much is noted in 'errors', at the tenant that asks for more
 * than it did in 'before', whose limits are made what they were. */
void parse_admit_links(const struct want *before, struct want *want,
                       struct row_errors *);

/* Holds the guarantees of all vifs and groups of 'tenant' against what there
 * is.  Too many are noted in 'errors', at the row that asks for more than it
 * had in 'before', and that is made what it was.  Then bursts that nobody
 * chose are chosen, so that what siblings may claim at once is in them. */
void parse_admit(const struct want_tenant *before, struct want_tenant *tenant,
                 struct row_errors *);

#endif /* tenants/parse_limits.h */
