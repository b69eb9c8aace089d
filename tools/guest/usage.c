#include <config.h>
#include "tools/guest/usage.h"

#include <stdio.h>

#include "daemon.h"
#include "openvswitch/vlog.h"
#include "util.h"

void
guest_usage(void)
{
    printf("%s: a Xen guest as a process, for use with netdom-xenlocald\n"
           "usage: %s --name=NAME [OPTIONS] "
           "(--tap=IFNAME | --pktgen=SPEC | --sink[=SPEC])\n"
           "\n"
           "Creates a domain, waits for the toolstack to plug a vif into it,\n"
           "connects to the backend as a netfront does, and reconnects by\n"
           "itself.  Ends on SIGTERM, SIGINT or the command \"exit\", or\n"
           "when netdom-xenlocald goes away.\n",
           program_name, program_name);
    puts("\nThe guest:\n"
         "  --name=NAME             name of its domain\n"
         "  --run-dir=DIR           run folder (default: /run/netdom, or\n"
         "                          what --xen-dir is in)\n"
         "  --xen-dir=DIR           netdom-xenlocald's run folder\n"
         "                          (default: xen in the run folder)\n"
         "  --devid=N               number of its vif (default: 0)\n"
         "  --queues=N              up to 8, if the backend has as many\n"
         "                          (default: 1)\n"
         "  --shared-evtchn         an event channel per queue, not per ring\n"
         "  --no-sg, --no-gso, --no-csum\n"
         "                          neither frames of several slots, nor TCP\n"
         "                          segmentation, nor blank checksums\n"
         "  --hash[=KEYHEX]         have the backend choose queues by a\n"
         "                          Toeplitz hash, and check it\n"
         "  --persistent-grants     have it keep all pages mapped\n"
         "  --multicast-control     get only multicast that was asked for\n"
         "  --xdp-headroom=BYTES    room before each received frame\n"
         "  --no-rx-notify          never tell of receive buffers\n"
         "  --busy-poll-us=N        poll for N microseconds after a frame\n"
         "                          before sleeping (default: 10)");
    puts("\nA network interface as its far end:\n"
         "  --tap=IFNAME            create the tap device IFNAME\n"
         "  --netns=NAME|PATH       in this network namespace\n"
         "  --mac=MAC               its address (default: the vif's)\n"
         "  --mtu=BYTES             its MTU (default: the vif's)\n"
         "  --address=CIDR          an IPv4 or IPv6 address, up to 8 times\n"
         "  --txqueuelen=N          frames that wait for the ring");
    puts("\nA packet generator or a sink as its far end (or both):\n"
         "  --pktgen=SPEC           send probes; SPEC is key=value,...:\n"
         "      dst=MAC             to whom (required)\n"
         "      size=BYTES          L2 without FCS (default: 64)\n"
         "      rate=RATE           100kpps, 100Mbit or max (default: max)\n"
         "      count=N, seconds=S  stop after that many, or that long\n"
         "      type=udp|tcp|raw    (default: udp)\n"
         "      csum=none|full|blank, gso=MSS\n"
         "      src=MAC, vlan=ID, flows=N, id=N, ip-src=IP, ip-dst=IP,\n"
         "      ip6-src=IP, ip6-dst=IP, port-src=N, port-dst=N\n"
         "  --sink[=SPEC]           count what arrives; SPEC is\n"
         "      seconds=S, count=N  stop S seconds after the first frame,\n"
         "                          or after N frames\n"
         "      interval-ms=N       of the series over time (default: 1000)\n"
         "      verify=1            check lengths, checksums and contents\n"
         "  --json                  the final report as one JSON object\n"
         "  --output=FILE           write it there (default: stdout)");
    daemon_usage();
    vlog_usage();
    puts("\nOther options:\n"
         "  --unixctl=SOCKET        control socket (default: guests/NAME.ctl\n"
         "                          in the run folder)\n"
         "  -h, --help              display this help message\n"
         "  -V, --version           display version information\n"
         "\nExit status: 0 done or told to stop; 1 netdom-xenlocald went\n"
         "away, or the guest failed; 2 it could not start.");
}
