#include <config.h>

#include "netdom/plug.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "netdom/vif_nodes.h"
#include "netdom/xs.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(plug);

#define TOKEN "plug"
#define REOPEN_MS 1000

/* What marks a port as ours. */
#define MARK "netdom-plugged"

/* A vif in xenstore, by the name of its port. */
struct vif {
    unsigned int domid, devid;
    char bridge[64];                    /* "": it names none. */
};

static struct ovsdb_idl_loop loop;
static struct xs_handle *xs;
static struct shash vifs = SHASH_INITIALIZER(&vifs);
static char *bridge_name;
static uint16_t own_domid;
static long long int reopen_ms;
static unsigned int seen_seqno;
static bool active, due;

void
plug_init(uint16_t own_domid_, const char *remote, const char *bridge)
{
    static struct ovsdb_idl_column *const columns[] = {
        &ovsrec_open_vswitch_col_bridges, &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_ports, &ovsrec_port_col_name,
        &ovsrec_port_col_interfaces, &ovsrec_port_col_external_ids,
        &ovsrec_interface_col_name, &ovsrec_interface_col_type,
        &ovsrec_interface_col_options,
    };

    own_domid = own_domid_;
    bridge_name = xstrdup(bridge);
    loop = (struct ovsdb_idl_loop) OVSDB_IDL_LOOP_INITIALIZER(
        ovsdb_idl_create(remote, &ovsrec_idl_class, false, true));
    ovsdb_idl_add_table(loop.idl, &ovsrec_table_open_vswitch);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(loop.idl, columns[i]);
    }
    active = true;
}

/* The vifs, as xenstore has them. */

static void
close_xenstore(void)
{
    VLOG_WARN("xenstore went away (%s): trying again", ovs_strerror(errno));
    xs_close(xs);
    xs = NULL;
    reopen_ms = time_msec() + REOPEN_MS;
}

static bool
open_xenstore(void)
{
    char path[XS_PATH_BYTES];

    if (xs || time_msec() < reopen_ms) {
        return xs != NULL;
    }
    reopen_ms = time_msec() + REOPEN_MS;
    xs = xs_open(0);
    if (!xs) {
        return false;
    }
    snprintf(path, sizeof path, "/local/domain/%u/backend/vif", own_domid);
    if (!xs_watch(xs, path, TOKEN)) {
        close_xenstore();
        return false;
    }
    due = true;
    return true;
}

/* False: xenstore does not answer, which says nothing about the vif. */
static bool
add_vif(struct shash *found, unsigned int domid, unsigned int devid)
{
    struct vif *vif = xzalloc(sizeof *vif);
    char path[XS_PATH_BYTES], name[32];
    uint64_t state;

    vif->domid = domid;
    vif->devid = devid;
    vif_backend_path(path, own_domid, (struct xenvif_id) { domid, devid });
    int error = xs_get_u64(xs, XBT_NULL, path, "state", 0, 8, &state);
    if (!error) {
        if (xs_get_text(xs, XBT_NULL, path, "bridge", vif->bridge,
                        sizeof vif->bridge)) {
            vif->bridge[0] = '\0';
        }
        snprintf(name, sizeof name, "vif%u.%u", vif->domid, vif->devid);
        if (shash_add_once(found, name, vif)) {
            return true;
        }
    }
    free(vif);
    return error != -EIO;
}

/* The names in a folder, none if there is no such.  False: as above. */
static bool
list(const char *path, char ***names, unsigned int *n)
{
    *names = xs_directory(xs, XBT_NULL, path, n);
    if (!*names) {
        *n = 0;
        return errno == ENOENT;
    }
    return true;
}

static bool
find_vifs(struct shash *found)
{
    char dir[XS_PATH_BYTES], guest[XS_PATH_BYTES];
    unsigned int n_guests, n_vifs, domid, devid;
    char **guests, **leaves;

    snprintf(dir, sizeof dir, "/local/domain/%u/backend/vif", own_domid);
    bool ok = list(dir, &guests, &n_guests);
    for (unsigned int i = 0; ok && i < n_guests; i++) {
        if (!str_to_uint(guests[i], 10, &domid) || domid > UINT16_MAX) {
            continue;
        }
        snprintf(guest, sizeof guest, "/local/domain/%u/backend/vif/%u",
                 own_domid, domid);
        ok = list(guest, &leaves, &n_vifs);
        for (unsigned int k = 0; ok && k < n_vifs; k++) {
            if (str_to_uint(leaves[k], 10, &devid)) {
                ok = add_vif(found, domid, devid);
            }
        }
        free(leaves);
    }
    free(guests);
    return ok;
}

/* What was known stays so if xenstore does not answer: no port goes for
 * that. */
static bool
look(void)
{
    struct shash found = SHASH_INITIALIZER(&found);
    bool ok = find_vifs(&found);

    if (ok) {
        shash_swap(&vifs, &found);
    }
    shash_destroy_free_data(&found);
    return ok;
}

/* The ports, as the database has them. */

static const struct ovsrec_bridge *
find_bridge(const char *name)
{
    const struct ovsrec_bridge *bridge;

    OVSREC_BRIDGE_FOR_EACH (bridge, loop.idl) {
        if (!strcmp(bridge->name, name)) {
            return bridge;
        }
    }
    return NULL;
}

static void
add_port(struct ovsdb_idl_txn *txn, const char *name, const struct vif *vif)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);
    const struct ovsrec_bridge *bridge = find_bridge(vif->bridge);

    bridge = bridge ? bridge : find_bridge(bridge_name);
    if (!bridge) {
        VLOG_WARN_RL(&rl, "%s waits: there is no bridge %s", name,
                     bridge_name);
        return;
    }

    struct ovsrec_interface *iface = ovsrec_interface_insert(txn);
    struct ovsrec_port *port = ovsrec_port_insert(txn);
    struct smap options = SMAP_INITIALIZER(&options);
    const struct smap mark = SMAP_CONST1(&mark, MARK, "true");

    smap_add_format(&options, "domid", "%u", vif->domid);
    smap_add_format(&options, "devid", "%u", vif->devid);
    ovsrec_interface_set_name(iface, name);
    ovsrec_interface_set_type(iface, "xenvif");
    ovsrec_interface_set_options(iface, &options);
    ovsrec_port_set_name(port, name);
    ovsrec_port_set_interfaces(port, &iface, 1);
    ovsrec_port_set_external_ids(port, &mark);
    ovsrec_bridge_update_ports_addvalue(bridge, port);
    smap_destroy(&options);
    VLOG_INFO("%s: plugged into %s", name, bridge->name);
}

static void
make_so(struct ovsdb_idl_txn *txn)
{
    struct shash missing = SHASH_INITIALIZER(&missing);
    const struct ovsrec_bridge *bridge;
    struct shash_node *node;

    SHASH_FOR_EACH (node, &vifs) {
        shash_add(&missing, node->name, node->data);
    }
    OVSREC_BRIDGE_FOR_EACH (bridge, loop.idl) {
        for (size_t i = 0; i < bridge->n_ports; i++) {
            const struct ovsrec_port *port = bridge->ports[i];

            if (shash_find(&vifs, port->name)) {
                shash_find_and_delete(&missing, port->name);
            } else if (smap_get_bool(&port->external_ids, MARK, false)) {
                VLOG_INFO("%s: unplugged", port->name);
                ovsrec_bridge_update_ports_delvalue(bridge, port);
            }
        }
    }
    SHASH_FOR_EACH (node, &missing) {
        add_port(txn, node->name, node->data);
    }
    shash_destroy(&missing);
}

void
plug_run(void)
{
    if (!active) {
        return;
    }

    struct ovsdb_idl_txn *txn = ovsdb_idl_loop_run(&loop);
    if (!open_xenstore()) {
        return;
    }
    char **event;
    while ((event = xs_check_watch(xs))) {
        due = true;
        free(event);
    }
    if (errno != EAGAIN) {
        close_xenstore();
        return;
    }
    unsigned int seqno = ovsdb_idl_get_seqno(loop.idl);
    if (txn && (due || seqno != seen_seqno)) {
        if (due && !look()) {
            close_xenstore();
            return;
        }
        due = false;
        seen_seqno = seqno;
        make_so(txn);
    }
}

void
plug_wait(void)
{
    if (!active) {
        return;
    }
    ovsdb_idl_loop_commit_and_wait(&loop);
    if (xs) {
        poll_fd_wait(xs_fileno(xs), POLLIN);
    } else {
        poll_timer_wait_until(reopen_ms);
    }
}

void
plug_exit(void)
{
    if (active) {
        ovsdb_idl_loop_destroy(&loop);
        shash_destroy_free_data(&vifs);
        free(bridge_name);
        if (xs) {
            xs_close(xs);
        }
        active = false;
    }
}
