/* The port class "tenantvf": the tenant's uplink, its SR-IOV VF or what
 * stands in for one.
 *
 *     ovs-vsctl add-port br0 vf0 -- set interface vf0 type=tenantvf \
 *         options:dpdk-devargs=0000:3b:02.1
 *
 * It stacks on a port of OVS's own class "dpdk", so it takes that class's
 * options (dpdk-devargs, n_rxq, n_rxq_desc, n_txq_desc, ...).
 *
 * Which devices: only PCI addresses and the drivers that were allowed, since
 * devargs can make DPDK open files and load code.  The rule holds for every
 * port of the process, "dpdk" ones too: netdom-vswitchd is linked with
 * --wrap for rte_dev_probe() and rte_eth_iterator_init().
 *
 * Thread: main, before bridge_init().   Owner: nothing is handed over.
 * Errors: reach the Interface's error column. */

#ifndef DATAPATH_TENANTVF_H
#define DATAPATH_TENANTVF_H 1

#include <stdbool.h>
#include <stdint.h>

/* Registers the class. */
void tenantvf_register(void);

/* What dom0 allows to leave by all uplinks, each; 0: no limit.  A port's own
 * row can make that less. */
void tenantvf_set_limit(uint64_t rate_bps, uint64_t burst_bytes);

/* Replaces the list of allowed virtual device drivers, names separated by
 * commas; the default is DEVARGS_DRIVERS.  'drivers' is copied. */
void devargs_allow(const char *drivers);
#define DEVARGS_DRIVERS "net_af_packet,net_tap,net_memif,net_null,net_ring"

/* True if 'devargs' names a PCI address or an allowed driver. */
bool devargs_allowed(const char *devargs);

/* Main thread.  What left by all uplinks, and how often a limit let nothing
 * pass. */
void tenantvf_counts(uint64_t *tx_bytes, uint64_t *n_held);

#endif /* datapath/tenantvf.h */
