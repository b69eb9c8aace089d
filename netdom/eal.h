/* DPDK's start.  EAL arguments come from the command line alone: they can
 * load shared objects and open files, so the database, which a tenant's tools
 * may write, has no say in them.  OVS's dpdk_init() is reached only through
 * here: netdom-vswitchd is linked with --wrap=dpdk_init.
 *
 * Thread: main.  Owner: nothing.  Errors: an EAL that does not start ends the
 * process with a message, before any port exists. */

#ifndef NETDOM_EAL_H
#define NETDOM_EAL_H 1

/* Starts DPDK with 'eal_args', as other_config:dpdk-extra would be written.
 * Before the first bridge_run(). */
void eal_start(const char *eal_args);

#endif /* netdom/eal.h */
