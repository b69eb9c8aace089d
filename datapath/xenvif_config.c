/* A port's configuration, as the database has it. */

#include <config.h>

#include "datapath/xenvif_port.h"

#include <errno.h>

#include "dpdk.h"
#include "ovs-numa.h"
#include "smap.h"
#include "util.h"

#define TURN_MAX_US 1000000

static bool
parse_id(const struct smap *options, const char *key, int max, uint16_t *id,
         char **errp)
{
    const char *text = smap_get(options, key);
    int value;

    if (!text || !str_to_int(text, 10, &value) || value < 0 || value > max) {
        *errp = xasprintf("options:%s must be a whole number from 0 to %d "
                          "(it is %s): set interface NAME options:%s=N",
                          key, max, text ? text : "missing", key);
        return false;
    }
    *id = value;
    return true;
}

/* An option that may be missing: a whole number from 'min' to 'max'. */
static bool
parse_number(const struct smap *options, const char *key, unsigned int min,
             unsigned int max, unsigned int fallback, unsigned int *value,
             char **errp)
{
    const char *text = smap_get(options, key);

    *value = fallback;
    if (text && (!str_to_uint(text, 10, value) || *value < min
                 || *value > max)) {
        *errp = xasprintf("options:%s must be a whole number from %u to %u "
                          "(it is %s)", key, min, max, text);
        return false;
    }
    return true;
}

/* Those that this process may run on.  OVS does not know in the first ten
 * seconds after the machine started, which is when a driver domain's guests
 * may be there already: then all that there are. */
static unsigned int
n_processors(void)
{
    int n = count_cpu_cores();

    return MAX(n > 0 ? n : count_total_cores(), 1);
}

/* What may change while the port is at work. */
static bool
set_tunables(struct xenvif *vif, const struct smap *options, char **errp)
{
    unsigned int n_cores = n_processors();
    unsigned int n_rxq, drain_ms, gone_ms, turn_us;

    if (!parse_number(options, "n_rxq", 1, VIF_QUEUES_MAX,
                      MIN(n_cores, VIF_QUEUES_MAX), &n_rxq, errp)
        || !parse_number(options, "rx-drain-ms", 1, 3600000,
                         VIF_STALL_DRAIN_MS, &drain_ms, errp)
        || !parse_number(options, "rx-stall-ms", 1, 3600000,
                         VIF_STALL_GONE_MS, &gone_ms, errp)
        || !parse_number(options, "turn-us", 1, TURN_MAX_US,
                         QOS_CPU_QUANTUM_NS / 1000, &turn_us, errp)) {
        return false;
    }
    if (vif->max_queues != n_rxq) {
        vif->max_queues = n_rxq;
        xenvif_changed();
    }
    vif->stall_limits.drain_ns = drain_ms * UINT64_C(1000000);
    vif->stall_limits.gone_ns = gone_ms * UINT64_C(1000000);
    atomic_store_relaxed(&vif->turn_ns, turn_us * UINT64_C(1000));
    return true;
}

int
xenvif_set_config(struct netdev *netdev, const struct smap *options,
                  char **errp)
{
    struct xenvif *vif = xenvif_cast(netdev);
    struct xenvif_id id;
    struct xenvif *other;

    if (!dpdk_available()) {
        *errp = xstrdup("DPDK is not started: start netdom-vswitchd with "
                        "--eal-args (see netdom-vswitchd(8))");
        return ENODEV;
    }
    if (!parse_id(options, "domid", 0x7fef, &id.domid, errp)
        || !parse_id(options, "devid", UINT16_MAX, &id.devid, errp)) {
        return EINVAL;
    }
    if (!set_tunables(vif, options, errp)) {
        return EINVAL;
    }
    if (vif->configured && vif->id.domid == id.domid
        && vif->id.devid == id.devid) {
        return 0;
    }
    LIST_FOR_EACH (other, all_node, &xenvif_all) {
        if (other != vif && other->configured
            && other->id.domid == id.domid && other->id.devid == id.devid) {
            *errp = xasprintf("vif %u of domain %u is already port %s: "
                              "delete that port first", id.devid, id.domid,
                              netdev_get_name(&other->up));
            return EBUSY;
        }
    }
    if (vif->configured) {
        *errp = xasprintf("port %s is vif %u of domain %u: delete it and add "
                          "it anew to make it another",
                          netdev_get_name(netdev), vif->id.devid,
                          vif->id.domid);
        return EBUSY;
    }

    ovs_mutex_lock(&vif->mutex);
    vif->id = id;
    vif->configured = true;
    ovs_mutex_unlock(&vif->mutex);
    netdev_request_reconfigure(netdev);
    xenvif_changed();
    return 0;
}

int
xenvif_get_config(const struct netdev *netdev, struct smap *args)
{
    struct xenvif *vif = xenvif_cast(netdev);

    ovs_mutex_lock(&vif->mutex);
    if (vif->configured) {
        smap_add_format(args, "domid", "%u", vif->id.domid);
        smap_add_format(args, "devid", "%u", vif->id.devid);
        smap_add_format(args, "n_rxq", "%u", vif->max_queues);

        uint64_t turn_ns;
        atomic_read_relaxed(&vif->turn_ns, &turn_ns);
        if (turn_ns != QOS_CPU_QUANTUM_NS) {
            smap_add_format(args, "turn-us", "%"PRIu64, turn_ns / 1000);
        }
    }
    ovs_mutex_unlock(&vif->mutex);
    return 0;
}
