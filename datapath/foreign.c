#include <config.h>

#include "datapath/foreign.h"

#include <stdio.h>
#include <string.h>

#include "datapath/doorbell.h"
#include "netdev-offload.h"
#include "netdev-provider.h"
#include "openvswitch/vlog.h"
#include "userspace-tso.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(foreign);

#define OFFLOADS_NEEDED (NETDEV_TX_OFFLOAD_TCP_TSO                          \
                         | NETDEV_TX_OFFLOAD_TCP_CKSUM                      \
                         | NETDEV_TX_OFFLOAD_UDP_CKSUM)

static atomic_bool whole = ATOMIC_VAR_INIT(false);

/* Main thread: the port that is in the way, if there is one. */
static char obstacle[64];

bool
offload_whole(void)
{
    bool is_whole;

    atomic_read_relaxed(&whole, &is_whole);
    return is_whole;
}

static bool
is_ours(const struct netdev *netdev)
{
    const char *type = netdev_get_type(netdev);

    return !strcmp(type, "xenvif") || !strcmp(type, "tenantvf");
}

static bool
takes_offloads(const struct netdev *netdev)
{
    return (netdev->ol_flags & OFFLOADS_NEEDED) == OFFLOADS_NEEDED;
}

static void
set_whole(bool is_whole)
{
    if (is_whole != offload_whole()) {
        atomic_store_relaxed(&whole, is_whole);
        VLOG_INFO("guests' frames cross the switch %s%s",
                  is_whole ? "whole" : "in pieces, because of port ",
                  is_whole ? "" : obstacle);
    }
}

static void
set_obstacle(const struct netdev *netdev)
{
    snprintf(obstacle, sizeof obstacle, "%s (%s)", netdev_get_name(netdev),
             netdev_get_type(netdev));
}

/* OVS calls this when a port is in the datapath and no flow leads to it yet:
 * the linker leads the call here, so that no frame which the port cannot take
 * is ever sent to it. */
int __real_netdev_ports_insert(struct netdev *, struct dpif_port *);
int __wrap_netdev_ports_insert(struct netdev *, struct dpif_port *);

int
__wrap_netdev_ports_insert(struct netdev *netdev, struct dpif_port *port)
{
    if (!takes_offloads(netdev)) {
        set_obstacle(netdev);
        set_whole(false);
    }
    return __real_netdev_ports_insert(netdev, port);
}

struct survey {
    bool sleepless;
    const struct netdev *obstacle;
};

static bool
survey_port(struct netdev *netdev, odp_port_t port OVS_UNUSED, void *aux)
{
    struct survey *survey = aux;

    if (netdev_is_pmd(netdev) && !is_ours(netdev)) {
        survey->sleepless = true;
    }
    if (!takes_offloads(netdev)) {
        survey->obstacle = netdev;
        set_obstacle(netdev);
    }
    return false;
}

bool
foreign_check(const struct netdev *ours)
{
    /* netdev_ports_traverse() compares the type's address. */
    const char *dpif_type = netdev_get_dpif_type(ours);
    struct survey survey = { false, NULL };

    if (!dpif_type) {
        return false;
    }
    netdev_ports_traverse(dpif_type, survey_port, &survey);
    doorbell_allow_sleep(!survey.sleepless);
    set_whole(!survey.obstacle);
    return true;
}

void
offload_describe(char *text, size_t bytes)
{
    if (offload_whole()) {
        ovs_strlcpy(text, "whole", bytes);
    } else {
        snprintf(text, bytes, "at entry (%s)",
                 obstacle[0] ? obstacle : "no port of the datapath yet");
    }
}
