/* netdom-domain, inside: shared by the files domain*.c only.
 *
 * Thread: one.
 * Errors: an exit status of the program; what was wrong has been said. */

#ifndef APPLIANCE_DOMAIN_H
#define APPLIANCE_DOMAIN_H 1

#include <stdbool.h>
#include <stdint.h>

#include <libxl.h>

struct measured;

enum { DONE, REFUSED, USAGE };

struct options {
    const char *name, *kernel, *ramdisk, *measurement, *extra, *pci, *type,
               *serial, *mac;
    unsigned int domid, memory_mib, n_vcpus, guest, devid, mtu;
    bool has_domid, has_devid;
};

/* Says what was refused, and why.  Returns REFUSED. */
int domain_refuse(const char *what, const char *why);

/* Makes the domain, and runs it; with its old number (--domid), its guests' vifs
 * are handed over in between.  Its number is in '*domid', and printed. */
int domain_create(libxl_ctx *, const struct options *,
                  const struct measured *, uint32_t *domid);
int domain_destroy(libxl_ctx *, unsigned int domid);

/* domain_run.c: makes the domain if there is none of that name, and stays until
 * it ends, or until SIGTERM, when it is destroyed. */
int domain_run(libxl_ctx *, const struct options *, const struct measured *);

/* domain_vif.c: a vif of --guest, with its backend in --domid.  What is there
 * already, or gone already, is fine. */
int domain_vif_add(libxl_ctx *, const struct options *);
int domain_vif_remove(libxl_ctx *, const struct options *);

#endif /* appliance/domain.h */
