/* A tenant's uplink on a host without Xen: a network interface that stands for a
 * VF, which moves between the host and the tenant's network namespace; or a VF on
 * PCI, which vfio-pci gives to whoever may open the device of its IOMMU group.
 *
 * Thread: main; while those of interfaces run, the thread is in another network
 *         namespace for a moment.
 * Owner:  the caller keeps all names.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees. */

#ifndef TENANTS_UPLINK_H
#define TENANTS_UPLINK_H 1

#include <stdbool.h>
#include <sys/types.h>

/* True if there is an interface 'name' in the tenant's namespace (in the
 * host's if 'ns_dir' is null). */
bool uplink_is_there(const char *ns_dir, const char *name);

/* Moves it in and sets it up, or sets it down and moves it out. */
int uplink_take(const char *ns_dir, const char *name, char **errorp);
int uplink_return(const char *ns_dir, const char *name, char **errorp);

/* True if the host has it: an interface, or a device at an address on PCI. */
bool uplink_is_on_host(const char *device);

/* True if it is 'uid''s. */
bool uplink_pci_is_taken(const char *address, uid_t uid);

/* Takes it from its driver and makes it 'uid''s. */
int uplink_pci_take(const char *address, uid_t uid, char **errorp);

/* Gives it back to its driver.  Waits for whoever uses it: end that first. */
int uplink_pci_return(const char *address, char **errorp);

#endif /* tenants/uplink.h */
