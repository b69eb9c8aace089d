/* Keeps DPDK and OVS's datapath out of programs that use OVS's libraries as
 * a client of OVSDB does.
 *
 * A client of OVSDB needs socket-util.o, which parses addresses with
 * packets.o, which can free packets that DPDK allocated: that one reference
 * would pull netdev-dpdk.o and with it all of OVS and DPDK into the program.
 * No packet is ever made here, so there is none to free. */

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
