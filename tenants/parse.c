#include <config.h>

#include "tenants/parse.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "ovsdb-schema/netdom-idl.h"
#include "tenants/parse_limits.h"
#include "util.h"
#include "uuid.h"

struct row_error {
    struct hmap_node node;
    struct uuid row;
    char *text;
};

void
row_errors_init(struct row_errors *errors)
{
    hmap_init(&errors->by_row);
}

void
row_errors_finish(struct row_errors *errors)
{
    struct row_error *error;

    HMAP_FOR_EACH_POP (error, node, &errors->by_row) {
        free(error->text);
        free(error);
    }
    hmap_destroy(&errors->by_row);
}

static struct row_error *
find_error(const struct row_errors *errors, const struct uuid *row)
{
    struct row_error *error;

    HMAP_FOR_EACH_WITH_HASH (error, node, uuid_hash(row), &errors->by_row) {
        if (uuid_equals(&error->row, row)) {
            return error;
        }
    }
    return NULL;
}

void
row_errors_add(struct row_errors *errors, const struct uuid *row, char *text)
{
    if (find_error(errors, row)) {
        free(text);
        return;
    }

    struct row_error *error = xmalloc(sizeof *error);
    error->row = *row;
    error->text = text;
    hmap_insert(&errors->by_row, &error->node, uuid_hash(row));
}

const char *
row_errors_find(const struct row_errors *errors, const struct uuid *row)
{
    const struct row_error *error = find_error(errors, row);

    return error ? error->text : NULL;
}

bool
parse_name_ok(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

    if (!*name || !strchr(first, *name)) {
        return false;
    }
    for (const char *p = name; *p; p++) {
        if (!strchr(first, *p) && *p != '.' && *p != '-') {
            return false;
        }
    }
    return true;
}

bool
parse_tenant_is_ours(const struct ndrec_netdom *root,
                     const struct ndrec_host *host,
                     const struct ndrec_tenant *tenant)
{
    return tenant->host ? tenant->host == host : root->n_hosts == 1;
}

/* Two guests with one MAC in one VLAN would take each other's frames. */
static const struct want_vif *
vif_clash(const struct want_tenant *tenant, const struct want_vif *vif)
{
    for (size_t i = 0; i < tenant->n_vifs; i++) {
        const struct want_vif *other = &tenant->vifs[i];

        if ((!strcmp(other->mac, vif->mac)
             && other->vlan_tag == vif->vlan_tag
             && !other->n_trunks && !vif->n_trunks)
            || (!strcmp(other->guest, vif->guest)
                && other->devid == vif->devid)) {
            return other;
        }
    }
    return NULL;
}

static void
add_vif(const struct ndrec_vif *row, const struct want_tenant *before,
        struct want_tenant *tenant, struct row_errors *errors)
{
    struct want_vif vif;
    char *error = parse_vif(row, &vif);

    if (!error && vif.group && !want_group_find(tenant, vif.group)) {
        error = xasprintf("group \"%s\" is not one of this tenant's: choose "
                          "one that is, or none", vif.group);
        want_vif_finish(&vif);
    } else if (!error) {
        const struct want_vif *other = vif_clash(tenant, &vif);

        if (!other) {
            tenant->vifs[tenant->n_vifs++] = vif;
            return;
        }
        error = xasprintf("vif \"%s\" of this tenant has the same %s: change "
                          "one of them", other->name,
                          strcmp(other->mac, vif.mac) ? "guest and devid"
                                                      : "MAC");
        want_vif_finish(&vif);
    }
    row_errors_add(errors, &row->header_.uuid, error);

    const struct want_vif *old = want_vif_of_row(before, &row->header_.uuid);
    if (old && !vif_clash(tenant, old)) {
        want_vif_clone(&tenant->vifs[tenant->n_vifs++], old);
    }
}

static int
compare_vif_rows(const void *a_, const void *b_)
{
    const struct ndrec_vif *const *a = a_;
    const struct ndrec_vif *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

static void
add_vifs(const struct ndrec_tenant *row, const struct want_tenant *before,
         struct want_tenant *tenant, struct row_errors *errors)
{
    struct ndrec_vif **rows = xmemdup(row->vifs,
                                      row->n_vifs * sizeof *rows);

    qsort(rows, row->n_vifs, sizeof *rows, compare_vif_rows);
    tenant->vifs = xcalloc(row->n_vifs, sizeof *tenant->vifs);
    for (size_t i = 0; i < row->n_vifs; i++) {
        add_vif(rows[i], before, tenant, errors);
    }
    free(rows);
}

static void
add_controllers(const struct ndrec_tenant *row, struct want_tenant *tenant,
                struct row_errors *errors)
{
    tenant->controllers = xcalloc(row->n_controllers,
                                  sizeof *tenant->controllers);
    for (size_t i = 0; i < row->n_controllers; i++) {
        const struct ndrec_openflow_controller *c = row->controllers[i];
        bool twice = false;

        for (size_t j = 0; j < tenant->n_controllers; j++) {
            twice |= !strcmp(tenant->controllers[j].target, c->target);
        }

        char *error = twice
            ? xasprintf("target \"%s\" is given twice", c->target)
            : parse_controller(
                c, &tenant->controllers[tenant->n_controllers]);
        if (error) {
            row_errors_add(errors, &c->header_.uuid, error);
        } else {
            tenant->n_controllers++;
        }
    }
}

static bool
host_has_vf(const struct ndrec_host *host, const struct ndrec_vf *vf)
{
    for (size_t i = 0; i < host->n_vfs; i++) {
        if (host->vfs[i] == vf) {
            return true;
        }
    }
    return false;
}

/* Who has 'vf' in 'want' already, or null. */
static const struct want_tenant *
vf_owner(const struct want *want, const char *vf)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &want->tenants) {
        const struct want_tenant *tenant = node->data;

        if (tenant->vf && !strcmp(tenant->vf, vf)) {
            return tenant;
        }
    }
    return NULL;
}

const char *
parse_vf_device(const struct ndrec_vf *vf, bool xen)
{
    return xen || !vf->iface ? vf->pci_address : vf->iface;
}

/* Returns a sentence, or null. */
static char *
check_vf(const struct ndrec_host *host, const struct ndrec_vf *vf, bool xen)
{
    const char *device = parse_vf_device(vf, xen);

    if (!host_has_vf(host, vf)) {
        return xasprintf("vf \"%s\" is not on host \"%s\": choose one of "
                         "this host", vf->name, host->name);
    }
    if (!device) {
        return xasprintf(xen ? "vf \"%s\" has no pci_address: this host runs "
                         "Xen, where a domain owns a VF on PCI"
                         : "vf \"%s\" has neither iface nor pci_address",
                         vf->name);
    }
    if (device == vf->pci_address
        ? !vf_is_pci(device)
        : !parse_name_ok(device) || strlen(device) > 15) {
        return xasprintf("vf \"%s\": \"%s\" is not %s", vf->name, device,
                         device == vf->pci_address
                         ? "an address on PCI, such as 0000:3b:02.1"
                         : "an interface's name");
    }
    return NULL;
}

/* What the VF's physical function is to hold.  Its rates are in Mbit/s: less
 * than one is the least. */
static struct vf_settings
parse_pf(const struct ndrec_vf *vf)
{
    struct vf_settings pf;

    memset(&pf, 0, sizeof pf);
    if (vf->mac) {
        ovs_strlcpy(pf.mac, vf->mac, sizeof pf.mac);
    }
    pf.vlan = vf->n_vlan ? *vf->vlan : 0;
    if (vf->n_max_rate_bps) {
        pf.rate_mbps = MAX(*vf->max_rate_bps / 1000000, 1);
    }
    return pf;
}

static void
add_uplink(const struct ndrec_host *host, const struct ndrec_tenant *row,
           const struct want_tenant *before, struct want *want,
           struct want_tenant *tenant, struct row_errors *errors)
{
    if (!row->vf) {
        return;
    }

    bool xen = host->platform && !strcmp(host->platform, "xen");
    char *error = check_vf(host, row->vf, xen);
    const char *vf = row->vf->name;
    const char *iface = parse_vf_device(row->vf, xen);

    if (!error) {
        const struct want_tenant *owner = vf_owner(want, vf);
        if (owner) {
            error = xasprintf("vf \"%s\" is tenant %s's: choose a free one",
                              vf, owner->name);
        }
    }
    if (error) {
        row_errors_add(errors, &row->header_.uuid, error);
        if (!before || !before->vf || vf_owner(want, before->vf)) {
            return;
        }
        vf = before->vf;
        iface = before->iface;
    }
    tenant->vf = xstrdup(vf);
    tenant->iface = xstrdup(iface);
    if (error) {
        tenant->pf = before->pf;
    } else if (iface == row->vf->pci_address) {
        tenant->pf = parse_pf(row->vf);
    }
}

/* A guest's device can be plugged into one tenant only.  The schema sees to
 * that, but a row that went bad lives on as it was before. */
static void
drop_double_plugs(struct want *want, struct row_errors *errors)
{
    const struct shash_node **nodes = shash_sort(&want->tenants);
    struct shash plugs = SHASH_INITIALIZER(&plugs);

    for (size_t i = 0; i < shash_count(&want->tenants); i++) {
        struct want_tenant *tenant = nodes[i]->data;

        for (size_t j = 0; j < tenant->n_vifs; ) {
            struct want_vif *vif = &tenant->vifs[j];
            char *plug = xasprintf("%"PRIu16" %s", vif->devid, vif->guest);
            const struct want_tenant *other = shash_find_data(&plugs, plug);

            if (other) {
                row_errors_add(errors, &vif->row, xasprintf(
                    "device %"PRIu16" of guest \"%s\" is plugged into "
                    "tenant %s still", vif->devid, vif->guest, other->name));
                want_vif_finish(vif);
                memmove(vif, vif + 1,
                        (--tenant->n_vifs - j) * sizeof *vif);
            } else {
                shash_add(&plugs, plug, tenant);
                j++;
            }
            free(plug);
        }
    }
    shash_destroy(&plugs);
    free(nodes);
}

struct ranked_row {
    const struct ndrec_tenant *row;
    bool holds_vf;                      /* It had this very VF before. */
};

static int
compare_ranked_rows(const void *a_, const void *b_)
{
    const struct ranked_row *a = a_;
    const struct ranked_row *b = b_;

    return a->holds_vf != b->holds_vf
           ? b->holds_vf - a->holds_vf
           : strcmp(a->row->name, b->row->name);
}

void
parse(const struct ndrec_netdom *root, const struct ndrec_host *host,
      const struct want *before, struct want *want, struct row_errors *errors)
{
    struct ranked_row *rows = xcalloc(root->n_tenants, sizeof *rows);
    size_t n = 0;

    for (size_t i = 0; i < root->n_tenants; i++) {
        const struct ndrec_tenant *row = root->tenants[i];

        if (!parse_tenant_is_ours(root, host, row)) {
            continue;
        }
        if (!parse_name_ok(row->name)) {
            row_errors_add(errors, &row->header_.uuid, xasprintf(
                "name \"%s\": use letters, digits, '_', '.' and '-', the "
                "first of them a letter, a digit or '_'", row->name));
            continue;
        }

        const struct want_tenant *old = want_find(before, row->name);
        rows[n].row = row;
        rows[n].holds_vf = old && old->vf && row->vf
                           && !strcmp(old->vf, row->vf->name);
        n++;
    }
    qsort(rows, n, sizeof *rows, compare_ranked_rows);

    for (size_t i = 0; i < n; i++) {
        const struct ndrec_tenant *row = rows[i].row;
        const struct want_tenant *old = want_find(before, row->name);
        struct want_tenant *tenant = xzalloc(sizeof *tenant);

        tenant->row = row->header_.uuid;
        tenant->name = xstrdup(row->name);
        tenant->fail_mode = xstrdup(row->fail_mode);
        add_uplink(host, row, old, want, tenant, errors);
        parse_shared_limits(host, row, old, tenant, errors);
        add_vifs(row, old, tenant, errors);
        parse_admit(old, tenant, errors);
        add_controllers(row, tenant, errors);
        shash_add(&want->tenants, tenant->name, tenant);
    }
    free(rows);
    drop_double_plugs(want, errors);
    parse_admit_links(before, want, errors);
}
