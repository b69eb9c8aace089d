/* The VF that a tenant's domain owns, made ready for DPDK.
 *
 * Thread: any, once, before the switch is started.
 * Trust:  the devices that Xen gives the domain are dom0's choice; each of
 *         them that is a network card is ours to drive.
 *
 * A card is driven by vfio-pci where the domain has an IOMMU to itself, and by
 * uio_pci_generic elsewhere: Debian's kernel has no vfio without one (it is
 * built without CONFIG_VFIO_NOIOMMU).  Behind uio there are no interrupts. */

#ifndef APPLIANCE_VF_H
#define APPLIANCE_VF_H 1

#include <stdbool.h>

#define VF_ADDRESS_BYTES 32

/* Finds the first network card on PCI, takes it from the kernel's driver and
 * gives it to one for user space.  'address' gets where it is, as DPDK and
 * Linux write it.  False: there is none, or 'why' says, in one line, why
 * it cannot be used ("" if there is none). */
bool vf_take(char address[VF_ADDRESS_BYTES], char why[128]);

/* Sets 'mib' of memory aside in huge pages of 2 MiB, which DPDK needs for a
 * card, and mounts them.  False: 'why' says why not. */
bool vf_reserve(unsigned int mib, char why[128]);

#endif /* appliance/vf.h */
