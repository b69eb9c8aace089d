#include <config.h>

#include "tenants/tenant.h"

#include <stdlib.h>
#include <string.h>

#include "tenants/driver.h"
#include "tenants/plan.h"
#include "tenants/xen.h"
#include "util.h"

void
tenant_format_plan(const struct tenant *tenant, struct ds *ds)
{
    struct plan plan;

    plan_init(&plan);
    plan_tenant(tenant->have, tenant->want, xen_guests(tenant->env->xen),
                &plan);
    plan_format(&plan, tenant->name, ds);
    plan_finish(&plan);
}

char *
tenant_error(const struct tenant *tenant)
{
    const struct have_tenant *have = tenant->have;

    if (tenant->error) {
        return xstrdup(tenant->error);
    }

    char *error = tenant->driver->error(tenant->domain);
    if (error) {
        return error;
    }
    if (!have->domain && !have->xen_up) {
        return xasprintf("waiting for %s%s",
                         xen_dir(tenant->env->xen) ? "netdom-xenlocald in "
                                                   : "",
                         xen_place(tenant->env->xen));
    }
    if (tenant->pf_error) {
        return xstrdup(tenant->pf_error);
    }
    if (have->db_ready && have->bridge && !have->bridge_ours) {
        return xasprintf("bridge " BRIDGE_NAME " is not the controller's: "
                         "remove it from the tenant's database");
    }
    if (tenant->want && tenant->want->iface
        && have->place == IFACE_NOWHERE) {
        return xasprintf("vf \"%s\": there is no %s %s on this host",
                         tenant->want->vf, vf_is_pci(tenant->want->iface)
                         ? "device" : "interface", tenant->want->iface);
    }

    const struct port_spec *uplink = have_port_find(have, UPLINK_PORT);
    if (uplink && uplink->error) {
        return xasprintf("port " UPLINK_PORT ": %s", uplink->error);
    }
    if (uplink && !uplink->ours && tenant->want && tenant->want->iface) {
        return xasprintf("port " UPLINK_PORT " is not the controller's: "
                         "remove it from " BRIDGE_NAME);
    }
    return NULL;
}
