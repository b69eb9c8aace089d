/* vf-add, vf-del, vf-list. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "qos/profile.h"
#include "tools/ctl/check.h"
#include "tools/ctl/settings.h"
#include "util.h"

static bool
canon_iface(struct ctl_context *ctx, const struct setting *setting,
            const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES];

    if (!check_iface(value, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    put_quoted(text, value);
    return true;
}

static bool
canon_pci(struct ctl_context *ctx, const struct setting *setting,
          const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES], pci[CHECK_PCI_BYTES];

    if (!check_pci(value, pci, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    put_quoted(text, pci);
    return true;
}

/* That its host has the link, the controller sees. */
static bool
canon_link(struct ctl_context *ctx, const struct setting *setting,
           const char *value, struct ds *text)
{
    char error[CHECK_ERROR_BYTES];

    if (!check_name(value, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "%s=%s: \"%s\" %s", setting->key, value, value, error);
        return false;
    }
    put_quoted(text, value);
    return true;
}

static const struct setting vf_settings[] = {
    { "host", NULL, NULL, 0, 0, false },        /* cmd_vf_add() reads it. */
    { "iface", "iface", canon_iface, 0, 0, false },
    { "pci", "pci_address", canon_pci, 0, 0, false },
    { "pci_address", "pci_address", canon_pci, 0, 0, false },
    { "mac", "mac", canon_mac, .optional = true },
    { "vlan", "vlan", canon_integer, 1, 4094, true },
    { "numa_node", "numa_node", canon_integer, 0, 1023, true },
    { "link", "link", canon_link, .optional = true },
    { "max_rate", "max_rate_bps", canon_rate, .optional = true },
    { "max_rate_bps", "max_rate_bps", canon_integer, QOS_RATE_MIN_BPS,
      QOS_RATE_MAX_BPS, true },
    { NULL, NULL, NULL, 0, 0, false, NULL },
};

static void
pre_vf(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_vf);
}

/* Reports an error if 'vf', which is on 'host', names not one device, or one
 * that another VF there has. */
static void
check_device(struct ctl_context *ctx, const struct ndrec_host *host,
             const struct ndrec_vf *vf)
{
    if (!vf->iface == !vf->pci_address) {
        ctl_error(ctx, "VF \"%s\": say which device it is, with one of "
                  "iface=IFACE and pci=ADDRESS", vf->name);
        return;
    }
    for (size_t i = 0; i < host->n_vfs; i++) {
        const struct ndrec_vf *other = host->vfs[i];
        const char *device = vf->iface ? vf->iface : vf->pci_address;
        const char *taken = vf->iface ? other->iface : other->pci_address;

        if (other != vf && taken && !strcmp(device, taken)) {
            ctl_error(ctx, "%s is VF \"%s\" on host %s already: choose "
                      "another device, or delete that VF with vf-del first",
                      device, other->name, host->name);
            return;
        }
    }
}

static void
cmd_vf_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    char *const *words = ctx->argv + 2;
    int n_words = ctx->argc - 2;
    const char *host_name = word_of(words, n_words, "host");
    const struct ndrec_host *host, *has;
    const struct ndrec_vf *vf = find_vf(ctx, name);
    char error[CHECK_ERROR_BYTES];

    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the VF's name \"%s\" %s", name, error);
        return;
    }
    if (vf && !has_option(ctx, "--may-exist")) {
        ctl_error(ctx, "VF \"%s\" is there already: choose another name, or "
                  "add --may-exist", name);
        return;
    }
    has = vf ? host_of_vf(ctx, vf) : NULL;
    host = (host_name ? must_host(ctx, host_name)
            : has ? has : only_host(ctx));
    if (!host) {
        return;
    }
    if (has && has != host) {
        ctl_error(ctx, "VF \"%s\" is on host %s, not %s: delete it there with "
                  "vf-del first", name, has->name, host->name);
        return;
    }
    if (!vf) {
        struct ndrec_vf **vfs;
        size_t n;

        vf = ndrec_vf_insert(ctx->txn);
        ndrec_vf_set_name(vf, name);
        ndrec_host_verify_vfs(host);
        vfs = rows_with(host->vfs, host->n_vfs, vf, &n);
        ndrec_host_set_vfs(host, vfs, n);
        free(vfs);
    }
    if (apply_words(ctx, "VF", &vf->header_, vf_settings, NULL,
                    words, n_words)) {
        check_device(ctx, host, vf);
    }
}

static void
cmd_vf_del(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    const struct ndrec_tenant *tenant;
    const struct ndrec_host *host;
    const struct ndrec_vf *vf;

    vf = has_option(ctx, "--if-exists") ? find_vf(ctx, name)
                                        : must_vf(ctx, name);
    if (!vf) {
        return;
    }
    tenant = tenant_of_vf(ctx, vf);
    if (tenant) {
        ctl_error(ctx, "VF \"%s\" belongs to tenant %s: give that another "
                  "with \"tenant-set %s vf=VF\", or none with vf=, first",
                  name, tenant->name, tenant->name);
        return;
    }
    host = host_of_vf(ctx, vf);
    if (host) {
        struct ndrec_vf **vfs;
        size_t n;

        ndrec_host_verify_vfs(host);
        vfs = rows_without(host->vfs, host->n_vfs, vf, &n);
        ndrec_host_set_vfs(host, vfs, n);
        free(vfs);
    }
    ndrec_vf_delete(vf);
}

static void
cmd_vf_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vf", "host", "device", "vlan", "max_rate_bps", "tenant", "state",
        "error", NULL
    };
    const struct ndrec_vf **vfs;
    size_t n;

    vfs = rows_sorted(ctx, &ndrec_table_vf, &ndrec_vf_col_name, &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        const struct ndrec_host *host = host_of_vf(ctx, vfs[i]);
        const struct ndrec_tenant *tenant = tenant_of_vf(ctx, vfs[i]);

        list_row(ctx);
        list_text(ctx, vfs[i]->name);
        list_text(ctx, host ? host->name : NULL);
        list_text(ctx, vfs[i]->iface ? vfs[i]->iface : vfs[i]->pci_address);
        list_integer(ctx, vfs[i]->vlan);
        list_rate(ctx, vfs[i]->max_rate_bps);
        list_text(ctx, tenant ? tenant->name : NULL);
        list_text(ctx, vfs[i]->state);
        list_text(ctx, vfs[i]->error);
    }
    free(vfs);
}

const struct ctl_command_syntax vf_commands[] = {
    { "vf-add", 2, INT_MAX, "NEW-VF KEY=VALUE...", pre_vf, cmd_vf_add, NULL,
      "--may-exist", RW },
    { "vf-del", 1, 1, "VF", pre_vf, cmd_vf_del, NULL, "--if-exists", RW },
    { "vf-list", 0, 0, "", pre_vf, cmd_vf_list, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
