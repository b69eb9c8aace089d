/* link-set, link-del, link-list: a host's physical links. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "qos/rate_text.h"
#include "tools/ctl/check.h"
#include "util.h"

static void
pre_link(struct ctl_context *ctx)
{
    pre_names(ctx);
    pre_table(ctx, &ndrec_table_host);
    pre_table(ctx, &ndrec_table_vf);
}

/* The host that the command's last argument names, or the only one. */
static const struct ndrec_host *
host_of(struct ctl_context *ctx, int at)
{
    return ctx->argc > at ? must_host(ctx, ctx->argv[at]) : only_host(ctx);
}

static bool
has_link(const struct ndrec_host *host, const char *name)
{
    for (size_t i = 0; i < host->n_links; i++) {
        if (!strcmp(host->key_links[i], name)) {
            return true;
        }
    }
    return false;
}

static void
cmd_link_set(struct ctl_context *ctx)
{
    const struct ndrec_host *host = host_of(ctx, 3);
    char error[MAX(CHECK_ERROR_BYTES, QOS_TEXT_BYTES)];
    const char *name = ctx->argv[1];
    uint64_t rate_bps;

    if (!host) {
        return;
    }
    if (!check_name(name, CTL_NAME_MAX, error)) {
        ctl_error(ctx, "the link's name \"%s\" %s", name, error);
        return;
    }
    if (!qos_rate_parse(ctx->argv[2], &rate_bps, error)) {
        ctl_error(ctx, "%s", error);
        return;
    }
    if (rate_bps < 1000000) {
        ctl_error(ctx, "rate \"%s\" is below 1Mbit: no link is that slow",
                  ctx->argv[2]);
        return;
    }
    ndrec_host_update_links_setkey(host, name, rate_bps);
}

static void
cmd_link_del(struct ctl_context *ctx)
{
    const struct ndrec_host *host = host_of(ctx, 2);
    const char *name = ctx->argv[1];

    if (!host) {
        return;
    }
    if (!has_link(host, name)) {
        if (!has_option(ctx, "--if-exists")) {
            ctl_error(ctx, "host \"%s\" has no link \"%s\": link-list prints "
                      "those that there are", host->name, name);
        }
        return;
    }
    for (size_t i = 0; i < host->n_vfs; i++) {
        if (host->vfs[i]->link && !strcmp(host->vfs[i]->link, name)) {
            ctl_error(ctx, "VF \"%s\" is on link \"%s\" still: clear its "
                      "column link first", host->vfs[i]->name, name);
            return;
        }
    }
    ndrec_host_update_links_delkey(host, name);
}

static void
cmd_link_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "link", "host", "rate_bps", "vfs", NULL
    };
    const struct ndrec_host **hosts;
    size_t n;

    hosts = rows_sorted(ctx, &ndrec_table_host, &ndrec_host_col_name, &n);
    list_begin(ctx, headings);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < hosts[i]->n_links; j++) {
            const char *name = hosts[i]->key_links[j];
            int64_t n_vfs = 0;

            for (size_t k = 0; k < hosts[i]->n_vfs; k++) {
                const char *link = hosts[i]->vfs[k]->link;

                n_vfs += link && !strcmp(link, name);
            }
            list_row(ctx);
            list_text(ctx, name);
            list_text(ctx, hosts[i]->name);
            list_rate(ctx, &hosts[i]->value_links[j]);
            list_integer(ctx, &n_vfs);
        }
    }
    free(hosts);
}

const struct ctl_command_syntax link_commands[] = {
    { "link-set", 2, 3, "LINK RATE [HOST]", pre_link, cmd_link_set, NULL, "",
      RW },
    { "link-del", 1, 2, "LINK [HOST]", pre_link, cmd_link_del, NULL,
      "--if-exists", RW },
    { "link-list", 0, 0, "", pre_link, cmd_link_list, NULL, "", RO },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO },
};
