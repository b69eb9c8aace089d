#include <config.h>

#include "tenants/controller.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "ovsdb-schema/netdom-idl.h"
#include "sset.h"
#include "tenants/room.h"
#include "tenants/tenant.h"
#include "tenants/xen.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(controller);

static void
on_backend(void *controller_, uint32_t domid)
{
    struct controller *c = controller_;
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->tenants) {
        struct tenant *tenant = node->data;

        if (tenant->watched == domid) {
            tenant->dirty = true;
        }
    }
}

static struct tenant *
add_tenant(struct controller *c, const char *name)
{
    struct tenant *tenant = tenant_create(c->driver, &c->env, name);

    shash_add(&c->tenants, name, tenant);
    return tenant;
}

/* Columns that are ours alone: their changes are no news to us. */
static void
omit_own_columns(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ndrec_netdom_col_cur_cfg,
        &ndrec_host_col_cur_cfg,
        &ndrec_host_col_status,
        &ndrec_vf_col_state,
        &ndrec_vf_col_error,
        &ndrec_tenant_col_state,
        &ndrec_tenant_col_state_since,
        &ndrec_tenant_col_error,
        &ndrec_tenant_col_domid,
        &ndrec_tenant_col_status,
        &ndrec_vif_col_state,
        &ndrec_vif_col_state_since,
        &ndrec_vif_col_error,
        &ndrec_vif_col_port,
        &ndrec_vif_col_limits,
        &ndrec_vif_col_domid,
        &ndrec_openflow_controller_col_state,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_omit_alert(idl, columns[i]);
    }
}

struct controller *
controller_create(const struct controller_config *config, char **errorp)
{
    if (room_make(config->run_dir, errorp)) {
        return NULL;
    }

    struct controller *c = xzalloc(sizeof *c);
    char *xen_path = xasprintf("%s/xen", config->run_dir);

    c->host = config->host;
    c->db = config->db;
    c->platform = config->xen ? "xen" : "local";
    c->driver = config->xen ? &domain_driver_xen : &domain_driver_process;
    c->env.run_dir = config->run_dir;
    c->env.vswitchd = config->vswitchd;
    c->env.on_xen = config->on_xen;
    c->env.xen = xen_create(config->xen ? NULL : xen_path, on_backend, c);
    c->env.cpus = config->cpus;
    c->env.n_cpus = config->n_cpus;
    c->env.uid_base = room_uid_base(config->run_dir);
    cgroups_init(&c->env.cgroups, config->run_dir);
    free(xen_path);

    want_init(&c->want);
    row_errors_init(&c->errors);
    links_init(&c->links);
    shash_init(&c->tenants);
    c->idl = ovsdb_idl_create(config->db, &ndrec_idl_class, true, true);
    omit_own_columns(c->idl);

    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    domain_driver_list(&c->env, &names);
    SSET_FOR_EACH (name, &names) {
        VLOG_INFO("%s: there from before, adopted", name);
        add_tenant(c, name);
    }
    sset_destroy(&names);
    return c;
}

void
controller_destroy(struct controller *c)
{
    bool clean = controller_is_clean(c);
    struct shash_node *node;

    if (c->txn) {
        ovsdb_idl_txn_destroy(c->txn);
    }
    SHASH_FOR_EACH (node, &c->tenants) {
        tenant_destroy(node->data);
    }
    shash_destroy(&c->tenants);
    xen_destroy(c->env.xen);
    cgroups_finish(&c->env.cgroups);
    if (clean) {
        room_remove(c->env.run_dir);
    }
    want_finish(&c->want);
    row_errors_finish(&c->errors);
    links_finish(&c->links);
    ovsdb_idl_destroy(c->idl);
    free(c);
}

const struct ndrec_netdom *
controller_root(const struct controller *c)
{
    return ndrec_netdom_first(c->idl);
}

const struct ndrec_host *
controller_host(const struct controller *c)
{
    const struct ndrec_netdom *root = controller_root(c);

    for (size_t i = 0; root && i < root->n_hosts; i++) {
        if (!strcmp(root->hosts[i]->name, c->host)) {
            return root->hosts[i];
        }
    }
    return NULL;
}

/* Makes tenants for new wishes, and takes the wish from those that no longer
 * have one. */
static void
hand_out(struct controller *c)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->want.tenants) {
        struct tenant *tenant = shash_find_data(&c->tenants, node->name);

        tenant_set_want(tenant ? tenant : add_tenant(c, node->name),
                        c->cleanup ? NULL : node->data);
    }
    SHASH_FOR_EACH (node, &c->tenants) {
        if (!want_find(&c->want, node->name)) {
            tenant_set_want(node->data, NULL);
        }
    }
}

static void
parse_database(struct controller *c, const struct ndrec_netdom *root,
               const struct ndrec_host *host)
{
    struct want want;

    row_errors_finish(&c->errors);
    row_errors_init(&c->errors);
    want_init(&want);
    parse(root, host, &c->want, &want, &c->errors);
    shash_swap(&want.tenants, &c->want.tenants);
    want_finish(&want);
    if (!c->parsed) {
        VLOG_INFO("%s: %"PRIuSIZE" tenants for host %s", c->db,
                  shash_count(&c->want.tenants), c->host);
        c->parsed = true;
    }
    c->cfg = root->next_cfg;
    links_run(&c->links, &c->want, &c->tenants, true, time_msec());
    hand_out(c);
}

/* Tenants on one link get other shares of it. */
static void
run_links(struct controller *c, long long int now_ms)
{
    if (c->parsed && !c->cleanup
        && links_run(&c->links, &c->want, &c->tenants, false, now_ms)) {
        hand_out(c);
        c->status_dirty = true;
    }
}

/* An empty database beside running tenants is rather a mistake than a
 * wish. */
static void
register_host(struct controller *c, const struct ndrec_netdom *root)
{
    if (!root && !shash_is_empty(&c->tenants)) {
        if (!c->said_uninitialised) {
            VLOG_WARN("%s: not initialised, while tenants run here: leaving "
                      "all as it is until somebody runs netdom-ctl init",
                      c->db);
            c->said_uninitialised = true;
        }
        return;
    }

    c->txn = ovsdb_idl_txn_create(c->idl);
    ovsdb_idl_txn_add_comment(c->txn, "netdom-controller: host %s", c->host);

    struct ndrec_host *host = ndrec_host_insert(c->txn);
    ndrec_host_set_name(host, c->host);
    ndrec_host_set_platform(host, c->platform);
    if (!root) {
        ndrec_netdom_set_hosts(ndrec_netdom_insert(c->txn), &host, 1);
    } else {
        ndrec_netdom_update_hosts_addvalue(root, host);
    }
}

static void
run_txn(struct controller *c)
{
    if (!c->txn) {
        return;
    }

    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(c->txn);
    if (status == TXN_INCOMPLETE) {
        return;
    }
    if (status != TXN_SUCCESS && status != TXN_UNCHANGED) {
        if (status != TXN_TRY_AGAIN) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

            VLOG_WARN_RL(&rl, "%s: cannot write: %s", c->db,
                         ovsdb_idl_txn_get_error(c->txn));
        }
        c->status_dirty = true;
    }
    ovsdb_idl_txn_destroy(c->txn);
    c->txn = NULL;
}

static void
run_database(struct controller *c)
{
    ovsdb_idl_run(c->idl);
    run_txn(c);

    bool up = ovsdb_idl_is_connected(c->idl)
              && ovsdb_idl_has_ever_connected(c->idl);
    if (up != c->db_up) {
        c->db_up = up;
        c->status_dirty = true;
        if (up) {
            VLOG_INFO("%s: connected", c->db);
        } else {
            VLOG_WARN("%s: connection lost; what runs goes on", c->db);
        }
    }
    if (!up) {
        return;
    }

    unsigned int seqno = ovsdb_idl_get_seqno(c->idl);
    const struct ndrec_netdom *root = controller_root(c);
    const struct ndrec_host *host = controller_host(c);

    if (root && host && seqno != c->seqno) {
        c->seqno = seqno;
        parse_database(c, root, host);
        c->status_dirty = true;
    } else if (!host && !c->txn && !c->cleanup) {
        register_host(c, root);
        run_txn(c);
    }
}

static void
run_xen(struct controller *c, long long int now_ms)
{
    struct shash_node *node;
    struct xen_news news;

    xen_run(c->env.xen, now_ms, &news);
    if (news.up_changed || news.guests_changed) {
        c->status_dirty = true;
        SHASH_FOR_EACH (node, &c->tenants) {
            tenant_touch(node->data);
        }
    }
}

static void
run_tenants(struct controller *c, long long int now_ms)
{
    struct shash_node *node;

    /* Before the database has spoken, nobody knows what is wanted. */
    if (!c->parsed && !c->cleanup) {
        return;
    }
    SHASH_FOR_EACH_SAFE (node, &c->tenants) {
        struct tenant *tenant = node->data;

        if (tenant_run(tenant, now_ms, shash_count(&c->tenants))) {
            c->status_dirty = true;
        }
        if (tenant_is_gone(tenant)) {
            VLOG_INFO("%s: gone", tenant->name);
            shash_delete(&c->tenants, node);
            tenant_destroy(tenant);
            c->status_dirty = true;
        }
    }
}

static void
write_status(struct controller *c)
{
    if (!c->status_dirty || c->txn || !c->db_up || !controller_host(c)) {
        return;
    }
    c->status_dirty = false;
    c->txn = ovsdb_idl_txn_create(c->idl);
    if (status_write(c, c->txn)) {
        run_txn(c);
    } else {
        ovsdb_idl_txn_destroy(c->txn);
        c->txn = NULL;
    }
}

void
controller_run(struct controller *c)
{
    long long int now_ms = time_msec();

    run_database(c);
    run_xen(c, now_ms);
    if (c->cleanup) {
        hand_out(c);
    }
    run_links(c, now_ms);
    run_tenants(c, now_ms);
    write_status(c);
}

void
controller_wait(struct controller *c)
{
    struct shash_node *node;

    ovsdb_idl_wait(c->idl);
    if (c->txn) {
        ovsdb_idl_txn_wait(c->txn);
    } else if (c->status_dirty && c->db_up && controller_host(c)) {
        poll_immediate_wake();
    }
    xen_wait(c->env.xen);
    links_wait(&c->links);
    if (c->parsed || c->cleanup) {
        SHASH_FOR_EACH (node, &c->tenants) {
            tenant_wait(node->data);
        }
    }
}

bool
controller_is_clean(const struct controller *c)
{
    return c->cleanup && shash_is_empty(&c->tenants);
}
