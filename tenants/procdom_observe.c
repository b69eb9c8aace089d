#include <config.h>

#include "tenants/procdom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smap.h"
#include "tenants/place.h"
#include "tenants/uplink.h"
#include "tenants/xen.h"
#include "tenants/xen_vif.h"
#include "util.h"

static void
observe_relays(const struct domain *domain, long long int now_ms,
               struct have_tenant *have)
{
    struct shash_node *node;

    have->relays = xcalloc(shash_count(&domain->relays),
                           sizeof *have->relays);
    SHASH_FOR_EACH (node, &domain->relays) {
        const struct relay *relay = node->data;
        struct have_relay *hr = &have->relays[have->n_relays++];

        hr->target = xstrdup(relay->target);
        hr->path = xasprintf("unix:%s", relay->socket);
        hr->state = proc_state(&relay->proc, now_ms);
    }
}

void
procdom_observe(struct domain *domain, const char *iface,
                long long int now_ms, struct have_tenant *have)
{
    const struct record *record = &domain->record;
    struct xen *xen = domain->env->xen;
    bool place = place_exists(domain->ns_dir);

    have->remains = domain->recorded;
    have->domid = record->domid;
    if (have->xen_up) {
        char *name = xasprintf("netdom-%s", domain->name);
        uint32_t domid;
        int error = xen_domain_lookup(xen, name, &domid);

        free(name);
        if (!error || error == -ENOENT) {
            have->domid = error ? 0 : domid;
            have->stale = place && have->domid != record->domid;
            have->domain = place && !have->stale && have->domid
                           && xen_is_managed(xen, have->domid);
        } else {
            have->xen_up = false;
        }
    }
    if (!have->xen_up) {
        have->domain = place;
    }

    if (record->iface && place
        && (vf_is_pci(record->iface)
            ? uplink_pci_is_taken(record->iface, procdom_uid(domain))
            : uplink_is_there(domain->ns_dir, record->iface))) {
        have->iface = xstrdup(record->iface);
    }
    if (iface) {
        have->place = text_equals(iface, have->iface) ? IFACE_INSIDE
                      : uplink_is_on_host(iface) ? IFACE_ON_HOST
                      : IFACE_NOWHERE;
    }
    have->db = proc_state(&domain->db, now_ms);
    have->vswitch = proc_state(&domain->vswitch, now_ms);
    have->failing = proc_is_failing(&domain->db)
                    || proc_is_failing(&domain->vswitch);
    observe_relays(domain, now_ms, have);
    if (record->cpu >= 0) {
        have->pmd_mask_want = xasprintf("0x%llx", 1ull << record->cpu);
    }
}

char *
procdom_error(const struct domain *domain)
{
    const struct proc *const procs[] = { &domain->vswitch, &domain->db };

    return proc_complaint(procs, ARRAY_SIZE(procs));
}

void
procdom_status(const struct domain *domain, struct smap *status)
{
    smap_add_format(status, "uid", "%u", (unsigned int) procdom_uid(domain));
    if (domain->record.cpu >= 0) {
        smap_add_format(status, "cpu", "%d", domain->record.cpu);
    }
    if (domain->vswitch.pid) {
        smap_add_format(status, "switch-pid", "%d",
                        (int) domain->vswitch.pid);
    }
    if (domain->db.pid) {
        smap_add_format(status, "db-pid", "%d", (int) domain->db.pid);
    }
    if (domain->vswitch.n_deaths) {
        smap_add_format(status, "switch-deaths", "%u",
                        domain->vswitch.n_deaths);
    }
    if (domain->vswitch.error) {
        smap_add(status, "last-death", domain->vswitch.error);
    }
    if (domain->db.n_deaths) {
        smap_add_format(status, "db-deaths", "%u", domain->db.n_deaths);
    }
    if (domain->warning) {
        smap_add(status, "warning", domain->warning);
    }
}
