/* A VF's stand-in, a network interface: where it is, and moving it between
 * the host and a tenant's network namespace.
 *
 * Thread: main; while these run, the thread is in another network namespace
 *         for a moment.
 * Owner:  the caller keeps all names.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees. */

#ifndef TENANTS_UPLINK_H
#define TENANTS_UPLINK_H 1

#include <stdbool.h>

/* True if there is an interface 'name' in the tenant's namespace (in the
 * host's if 'ns_dir' is null). */
/* True if there is a device at 'address', such as "0000:3b:02.1". */
bool uplink_is_on_pci(const char *address);

bool uplink_is_there(const char *ns_dir, const char *name);

/* Moves it in and sets it up, or sets it down and moves it out. */
int uplink_take(const char *ns_dir, const char *name, char **errorp);
int uplink_return(const char *ns_dir, const char *name, char **errorp);

#endif /* tenants/uplink.h */
