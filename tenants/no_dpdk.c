/* Keeps DPDK and OVS's datapath out of netdom-controller: a client of OVSDB
 * needs packets.o, and that needs this one function of netdev-dpdk.o, which
 * would pull in all the rest.  No packet is ever made here, so there is none
 * to free. */

#include <config.h>

#include "dp-packet.h"
#include "netdev-dpdk.h"

#ifdef DPDK_NETDEV
void
free_dpdk_buf(struct dp_packet *packet OVS_UNUSED)
{
    OVS_NOT_REACHED();
}
#endif
