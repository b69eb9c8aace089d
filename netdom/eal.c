#include <config.h>

#include "netdom/eal.h"

#include "dpdk.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "smap.h"
#include "userspace-tso.h"

VLOG_DEFINE_THIS_MODULE(eal);

void __real_dpdk_init(const struct smap *);
void __wrap_dpdk_init(const struct smap *);

/* OVS calls this with each new configuration. */
void
__wrap_dpdk_init(const struct smap *other_config)
{
    static const char *const keys[] = { "dpdk-init", "dpdk-extra" };

    for (size_t i = 0; other_config && i < ARRAY_SIZE(keys); i++) {
        const char *value = smap_get(other_config, keys[i]);

        if (value && strcmp(value, "false")) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);
            VLOG_INFO_RL(&rl, "other_config:%s has no effect: DPDK is set up "
                         "by --eal-args on the command line", keys[i]);
        }
    }
}

void
eal_start(const char *eal_args)
{
    struct smap config = SMAP_INITIALIZER(&config);

    /* The EAL binds this thread to one processor.  OVS undoes that only if it
     * knows of the processors, which bridge_init() would tell it too late:
     * all threads but the polling ones would share the first. */
    ovs_numa_init();

    smap_add(&config, "dpdk-init", "true");
    smap_add(&config, "dpdk-extra", eal_args);
    /* The shared pool would ask for 256 Ki buffers first and, without
     * hugepages, give up there.  A pool per port is sized by its queues. */
    smap_add(&config, "per-port-memory", "true");
    __real_dpdk_init(&config);

    /* Like DPDK, before the first port: what guests want segmented crosses
     * the switch whole where all its ports can take it. */
    smap_add(&config, "userspace-tso-enable", "true");
    userspace_tso_init(&config);
    smap_destroy(&config);
}
