#include <config.h>

#include "datapath/foreign.h"

#include <string.h>

#include "datapath/doorbell.h"
#include "netdev-offload.h"
#include "netdev-provider.h"

static bool
is_foreign_pmd(struct netdev *netdev, odp_port_t port OVS_UNUSED, void *aux)
{
    bool *foreign = aux;
    const char *type = netdev_get_type(netdev);

    *foreign = netdev_is_pmd(netdev) && strcmp(type, "xenvif")
               && strcmp(type, "tenantvf");
    return *foreign;
}

bool
foreign_check(const struct netdev *ours)
{
    /* netdev_ports_traverse() compares the type's address. */
    const char *dpif_type = netdev_get_dpif_type(ours);
    bool foreign = false;

    if (!dpif_type) {
        return false;
    }
    netdev_ports_traverse(dpif_type, is_foreign_pmd, &foreign);
    doorbell_allow_sleep(!foreign);
    return true;
}
