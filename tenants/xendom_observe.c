#include <config.h>

#include "tenants/xendom.h"

#include <stdlib.h>

#include "smap.h"
#include "tenants/model.h"
#include "tenants/uplink.h"
#include "tenants/xen.h"
#include "tenants/xen_vif.h"
#include "util.h"

static void
observe_far(const struct domain *domain, long long int now_ms,
            struct have_tenant *have)
{
    have->relays = xcalloc(XENDOM_CONTROLLERS_MAX, sizeof *have->relays);
    for (size_t i = 0; i < XENDOM_CONTROLLERS_MAX; i++) {
        const struct far_controller *far = &domain->far[i];

        if (far->target) {
            struct have_relay *hr = &have->relays[have->n_relays++];

            hr->target = xstrdup(far->target);
            /* In the domain: see netdom-init. */
            hr->path = xasprintf("unix:/run/openvswitch/controller%"PRIuSIZE,
                                 i);
            hr->state = proc_state(&far->proc, now_ms);
        }
    }
}

void
xendom_observe(struct domain *domain, const char *vf, long long int now_ms,
               struct have_tenant *have)
{
    const struct record *record = &domain->record;
    enum proc_state life = proc_state(&domain->life, now_ms);
    uint32_t domid = xendom_find(domain);

    have->remains = domain->recorded;
    have->domid = have->xen_up ? domid : record->domid;
    have->vswitch = life;
    have->db = proc_state(&domain->relay, now_ms);
    if (have->xen_up) {
        have->domain = life == PROC_RUNNING && domid
                       && domid == record->domid
                       && xen_is_managed(domain->env->xen, domid);
        have->making = life == PROC_HELD || life == PROC_STOPPING
                       || (life == PROC_RUNNING && !domid);
    } else {
        have->domain = life == PROC_RUNNING && record->domid;
    }
    have->is_xen = true;
    have->iface = life != PROC_NONE ? nullable_xstrdup(record->iface) : NULL;
    if (vf) {
        have->place = text_equals(vf, have->iface) ? IFACE_INSIDE
                      : uplink_is_on_host(vf) ? IFACE_ON_HOST
                      : IFACE_NOWHERE;
    }
    have->failing = proc_is_failing(&domain->life);
    observe_far(domain, now_ms, have);
}

void
xendom_observe_vifs(struct domain *domain, struct have_tenant *have)
{
    for (size_t i = 0; i < domain->n_jobs; i++) {
        const struct vif_job *job = domain->jobs[i];
        struct have_vif *vif = have_vif_find(have, job->guest, job->devid);

        if (vif) {
            vif->busy = true;
            if (!vif->error && job->proc.error) {
                vif->error = xstrdup(job->proc.error);
            }
        }
    }
}

char *
xendom_error(const struct domain *domain)
{
    const struct proc *const procs[] = { &domain->life, &domain->relay };

    return proc_complaint(procs, ARRAY_SIZE(procs));
}

void
xendom_status(const struct domain *domain, struct smap *status)
{
    smap_add(status, "measurement", domain->env->on_xen.measurement);
    if (domain->life.pid) {
        smap_add_format(status, "domain-pid", "%d", (int) domain->life.pid);
    }
    if (domain->life.n_deaths) {
        smap_add_format(status, "domain-deaths", "%u", domain->life.n_deaths);
    }
    if (domain->life.error) {
        smap_add(status, "last-death", domain->life.error);
    }
    if (domain->vif_error) {
        smap_add(status, "last-vif-error", domain->vif_error);
    }
}
