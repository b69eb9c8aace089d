/* This domain's own toolstack for ports, where nobody else is: what devd does
 * in a driver domain.  For each vif of which this domain is the backend, the
 * database of Open vSwitch gets a port of type xenvif, in the bridge that the
 * vif names, or else in the one that was given; the port goes when the vif's
 * folder does.  Ports of others are left alone.
 *
 * Thread: main.
 * Owner:  one for the process.
 * Errors: in the log; without xenstore or database it tries again.
 * Trust:  the folder is dom0's; what a guest could write is not looked at. */

#ifndef NETDOM_PLUG_H
#define NETDOM_PLUG_H 1

#include <stdint.h>

/* Begins.  'remote' is the database, 'bridge' where vifs go that name none
 * which is there. */
void plug_init(uint16_t own_domid, const char *remote, const char *bridge);

/* As in OVS; the second one commits what the first one wants. */
void plug_run(void);
void plug_wait(void);
void plug_exit(void);

#endif /* netdom/plug.h */
