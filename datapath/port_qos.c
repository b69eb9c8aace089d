#include <config.h>

#include "datapath/port_qos.h"

#include <errno.h>

#include "openvswitch/vlog.h"
#include "qos/profile.h"
#include "smap.h"
#include "sset.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(port_qos);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

void
port_qos_types(struct sset *types)
{
    sset_add(types, "linux-htb");
    sset_add(types, "linux-hfsc");
    sset_add(types, "egress-policer");
}

int
port_qos_parse(const char *port, const char *type, const struct smap *details,
               struct qos_settings *s)
{
    *s = (struct qos_settings) { .weight = 1 };
    if (!*type || !strcmp(type, "linux-noop")) {
        return 0;
    }
    if (!strcmp(type, "linux-htb") || !strcmp(type, "linux-hfsc")) {
        s->rate_bps = smap_get_ullong(details, "max-rate", 0);
        return 0;
    }
    if (!strcmp(type, "egress-policer")) {
        uint64_t bytes_per_s = smap_get_ullong(details, "cir", 0);

        s->rate_bps = MIN(bytes_per_s, QOS_RATE_MAX_BPS) * 8;
        s->burst_bytes = smap_get_ullong(details, "cbs", 0);
        return 0;
    }
    VLOG_WARN_RL(&rl, "%s: QoS of type \"%s\" is none that this port has: use "
                 "linux-htb or egress-policer; what held goes on holding",
                 port, type);
    return EOPNOTSUPP;
}

void
port_qos_describe(const char *type, const struct qos_settings *s,
                  struct smap *details)
{
    bool policer = !strcmp(type, "egress-policer");

    if (!*type || !s->rate_bps) {
        return;
    }
    smap_add_format(details, policer ? "cir" : "max-rate", "%"PRIu64,
                    s->rate_bps / (policer ? 8 : 1));
    if (policer) {
        smap_add_format(details, "cbs", "%"PRIu64, s->burst_bytes);
    }
}

void
port_qos_fit(const char *port, struct qos_settings *s)
{
    if (s->rate_bps && (s->rate_bps < QOS_RATE_MIN_BPS
                        || s->rate_bps > QOS_RATE_MAX_BPS)) {
        VLOG_WARN_RL(&rl, "%s: a rate of %"PRIu64" bit/s is not from 8 kbit/s "
                     "to 400 Gbit/s: the nearest that is holds", port,
                     s->rate_bps);
        s->rate_bps = MIN(MAX(s->rate_bps, QOS_RATE_MIN_BPS),
                          QOS_RATE_MAX_BPS);
    }
    if (s->burst_bytes) {
        s->burst_bytes = MIN(MAX(s->burst_bytes, QOS_BURST_MIN_BYTES),
                             QOS_BURST_MAX_BYTES);
    }
    s->rate_pps = MIN(s->rate_pps, QOS_RATE_MAX_PPS);
    s->burst_packets = MIN(s->burst_packets, QOS_CHARGE_MAX);
    s->weight = 1;
    qos_settings_complete(s);
}
