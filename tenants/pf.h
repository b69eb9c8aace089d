/* What a physical function says of one of its VFs, and is told: netlink, as
 * rtnetlink(7) has it in IFLA_VFINFO_LIST.  What the card makes of it is the
 * card's affair.
 *
 * Thread: main.   Owner: none.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees. */

#ifndef TENANTS_PF_H
#define TENANTS_PF_H 1

#include "tenants/model.h"

/* 'pci' is the VF's address on PCI.  -ENODEV: its PF has no network device
 * here. */
int pf_read(const char *pci, struct vf_settings *, char **errorp);

/* Says all that 'want' says and 'have' does not, each for itself: of what is
 * refused, the first is told.  Then reads it back, and it is -EIO if the PF holds
 * something else. */
int pf_write(const char *pci, const struct vf_settings *have,
             const struct vf_settings *want, char **errorp);

#endif /* tenants/pf.h */
