/* The vif backends of this domain: each xenvif port is walked through the
 * xenbus handshake with its frontend, driven by xenstore watches.  This is
 * also what devd would do for vifs: no hotplug script runs in a driver
 * domain, so "hotplug-status" and the removal of the backend's path are ours.
 *
 * Thread: main.
 * Owner:  one set for the process.
 * Errors: a vif's error goes into its "error" node and the log; without a
 *         xenstore the set tries again every second and traffic goes on.
 *         A vif whose guest broke the protocol stays closed until dom0
 *         releases it or the toolstack makes it anew; neither a guest, nor a
 *         port that is deleted and added, nor another process changes that.
 * Trust:  any number of watch events of one guest becomes one look at its
 *         vif; looks are bounded per vif and second, and per turn. */

#ifndef NETDOM_BACKEND_H
#define NETDOM_BACKEND_H 1

#include <stdint.h>

/* Starts serving as domain 'own_domid'.  'xenstore_path' is the stand-in's
 * socket, null on Xen. */
void backends_init(uint16_t own_domid, const char *xenstore_path);

/* As in OVS: run does what there is to do, wait registers with poll_block().
 */
void backends_run(void);
void backends_wait(void);

#endif /* netdom/backend.h */
