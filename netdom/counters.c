#include <config.h>

#include "netdom/counters.h"

#include "datapath/tenantvf.h"
#include "datapath/xenvif.h"
#include "openvswitch/json.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

static struct json *
vif_to_json(const struct vif_stats *stats)
{
    struct json *vif = json_object_create();
    struct json *drops = json_object_create();
    struct json *counts = json_object_create();

    json_object_put(vif, "tx_packets", json_integer_create(stats->tx_frames));
    json_object_put(vif, "tx_bytes", json_integer_create(stats->tx_bytes));
    json_object_put(vif, "rx_packets", json_integer_create(stats->rx_frames));
    json_object_put(vif, "rx_bytes", json_integer_create(stats->rx_bytes));
    json_object_put(vif, "tx_throttled",
                    json_integer_create(stats->tx_throttled));
#define X(NAME)                                                             \
    json_object_put(counts, #NAME, json_integer_create(stats->NAME));
    VIF_COUNTS(X)
#undef X
    json_object_put(vif, "counts", counts);
    for (int i = 0; i < VIF_N_DROPS; i++) {
        json_object_put(drops, vif_drop_names[i],
                        json_integer_create(stats->drops[i]));
    }
    json_object_put(vif, "drops", drops);
    return vif;
}

static struct json *
uplink_to_json(void)
{
    struct json *uplink = json_object_create();
    uint64_t tx_bytes, n_held;

    tenantvf_counts(&tx_bytes, &n_held);
    json_object_put(uplink, "tx_bytes", json_integer_create(tx_bytes));
    json_object_put(uplink, "held", json_integer_create(n_held));
    return uplink;
}

static void
counters_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct json *reply = json_object_create();
    struct json *vifs = json_object_create();
    size_t n = xenvif_list(NULL, 0);
    struct xenvif_id *ids = xmalloc(n * sizeof *ids + 1);

    n = MIN(n, xenvif_list(ids, n));
    for (size_t i = 0; i < n; i++) {
        struct vif_stats stats;
        char name[16];

        if (!xenvif_get_stats(ids[i], &stats, name)) {
            json_object_put(vifs, name, vif_to_json(&stats));
        }
    }
    free(ids);

    json_object_put(reply, "time_ms", json_integer_create(time_wall_msec()));
    json_object_put(reply, "vifs", vifs);
    json_object_put(reply, "uplink", uplink_to_json());
    char *text = json_to_string(reply, JSSF_SORT);
    unixctl_command_reply(conn, text);
    free(text);
    json_destroy(reply);
}

void
counters_init(void)
{
    unixctl_command_register("netdom/counters", "", 0, 0, counters_show,
                             NULL);
}
