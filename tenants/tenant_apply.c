#include <config.h>

#include "tenants/tenant_apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "tenants/driver.h"
#include "tenants/ovsconf.h"
#include "tenants/pf.h"
#include "tenants/plan.h"
#include "tenants/tenant.h"
#include "tenants/xen_vif.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(tenant_apply);

static const struct want_controller *
find_controller(const struct want_tenant *want, const char *target)
{
    for (size_t i = 0; i < want->n_controllers; i++) {
        if (!strcmp(want->controllers[i].target, target)) {
            return &want->controllers[i];
        }
    }
    return NULL;
}

/* A process that does not start has a back-off of its own and reports by
 * itself: that fails no plan. */
static void
start(struct tenant *tenant, enum domain_proc kind, const char *target,
      long long int now_ms)
{
    const struct want_controller *c
        = target ? find_controller(tenant->want, target) : NULL;
    char *error = NULL;

    if (tenant->driver->start(tenant->domain, kind, c, now_ms, &error)) {
        VLOG_WARN("%s: %s", tenant->name, error ? error : "cannot start");
    } else if (kind == DOMAIN_SWITCH && tenant->conf) {
        ovsconf_expect_switch(tenant->conf);
    }
    free(error);
}

static int
apply_vif(struct tenant *tenant, const struct action *a,
          long long int now_ms, char **errorp)
{
    int error = tenant->driver->vif(tenant->domain, a, now_ms);

    if (error) {
        *errorp = xasprintf("xenstore: vif%"PRIu32".%"PRIu32": %s", a->domid,
                            a->devid, ovs_strerror(-error));
    }
    return error;
}

/* A card that refuses, such as a rate, is no reason to have no uplink: the
 * tenant's row says so. */
static void
set_vf(struct tenant *tenant, const char *vf, long long int now_ms)
{
    char *error = NULL;

    free(tenant->pf_error);
    tenant->pf_error = NULL;
    memset(&tenant->pf_refused, 0, sizeof tenant->pf_refused);
    if (pf_write(vf, &tenant->have->pf, &tenant->want->pf, &error)) {
        VLOG_WARN("%s: %s", tenant->name, error);
        tenant->pf_error = error;
        tenant->pf_refused = tenant->want->pf;
        tenant->pf_refused_ms = now_ms;
    }
}

static int
apply_one(struct tenant *tenant, const struct action *a,
          long long int now_ms, char **errorp)
{
    const struct domain_driver *driver = tenant->driver;
    struct domain *domain = tenant->domain;

    switch (a->type) {
    case ACT_DOMAIN_CREATE:
        return driver->create(domain, a->object, now_ms, errorp);
    case ACT_DOMAIN_DESTROY:
        return driver->destroy(domain, errorp);
    case ACT_VF_SET:
        set_vf(tenant, a->object, now_ms);
        return 0;
    case ACT_UPLINK_TAKE:
        return driver->uplink_take(domain, a->object, errorp);
    case ACT_UPLINK_RETURN:
        return driver->uplink_return(domain, a->object, errorp);
    case ACT_DB_START:
        start(tenant, DOMAIN_DB, NULL, now_ms);
        return 0;
    case ACT_DB_STOP:
        driver->stop(domain, DOMAIN_DB, NULL, now_ms);
        return 0;
    case ACT_SWITCH_START:
        start(tenant, DOMAIN_SWITCH, NULL, now_ms);
        return 0;
    case ACT_SWITCH_STOP:
        driver->stop(domain, DOMAIN_SWITCH, NULL, now_ms);
        return 0;
    case ACT_RELAY_START:
        start(tenant, DOMAIN_RELAY, a->object, now_ms);
        return 0;
    case ACT_RELAY_STOP:
        driver->stop(domain, DOMAIN_RELAY, a->object, now_ms);
        return 0;
    case ACT_SHARED_LIMITS:
        return xen_shared_limits(tenant->env->xen, tenant->have->domid,
                                 tenant->want);
    case ACT_VIF_CREATE:
    case ACT_VIF_LIMITS:
    case ACT_VIF_OFFLINE:
    case ACT_VIF_REMOVE:
        return apply_vif(tenant, a, now_ms, errorp);
    case ACT_BRIDGE_SET:
    case ACT_PORT_SET:
    case ACT_PORT_DEL:
        return 0;                       /* All together, below. */
    case ACT_N:
    default:
        OVS_NOT_REACHED();
    }
}

char *
tenant_apply(struct tenant *tenant, const struct plan *plan,
             long long int now_ms)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        char *why = NULL;
        int error = apply_one(tenant, a, now_ms, &why);

        if (error) {
            char *text = xasprintf("%s: %s", action_type_name(a->type),
                                   why ? why : ovs_strerror(-error));
            free(why);
            return text;
        }
    }
    if (tenant->conf && tenant->want) {
        ovsconf_apply(tenant->conf, tenant->want, tenant->have, plan);
    }
    return NULL;
}
