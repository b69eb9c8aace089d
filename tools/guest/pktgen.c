#include <config.h>
#include "tools/guest/pktgen.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "util.h"

#include "tools/guest/endpoint.h"
#include "tools/guest/pacer.h"
#include "tools/guest/pktgen_spec.h"
#include "tools/guest/probe.h"
#include "tools/guest/template.h"
#include "tools/guest/tx_path.h"

VLOG_DEFINE_THIS_MODULE(pktgen);

/* Sleeps are at least this long: a burst per wake-up costs less than a
 * wake-up per frame. */
#define SLEEP_NS_MIN 100000

struct pktgen {
    struct endpoint up;
    struct pktgen_spec spec;
    const uint8_t *mac;
    uint16_t id;
    int timer;

    bool ready;                         /* The template is. */
    struct template template;

    bool linked;
    bool started;
    struct pacer pacer;
    uint64_t start_ns, last_ns;
    uint64_t n_frames;
};

static struct pktgen *
pktgen_cast(const struct endpoint *e)
{
    return CONTAINER_OF(e, struct pktgen, up);
}

static int
pktgen_configure(struct endpoint *e, const struct vif_config *config)
{
    struct pktgen *g = pktgen_cast(e);
    const struct pktgen_spec *spec = &g->spec;
    const uint8_t *src = spec->has_src ? spec->src
                         : g->mac ? g->mac
                         : config->has_mac ? config->mac : NULL;

    g->ready = src != NULL;
    if (!src) {
        VLOG_WARN("the vif has no MAC in xenstore: nothing is sent before it "
                  "has (or give --mac, or src=MAC in --pktgen)");
        return 0;
    }
    template_init(&g->template, spec, src);
    return 0;
}

static void
pktgen_set_link(struct endpoint *e, const struct tx_path *path,
                uint64_t now_ns)
{
    struct pktgen *g = pktgen_cast(e);

    g->linked = path != NULL;
    if (!path) {
        return;
    }
    if (!g->started) {
        g->started = true;
        g->start_ns = now_ns;
        pacer_init(&g->pacer, pktgen_spec_pps(&g->spec), now_ns);
    } else {
        /* What was due while the link was down is not sent late. */
        pacer_due(&g->pacer, 0, now_ns);
    }
}

bool
pktgen_set_rate(struct endpoint *e, const char *text, char *error,
                uint64_t now_ns)
{
    struct pktgen *g = pktgen_cast(e);

    if (!pktgen_rate_parse(text, &g->spec, error)) {
        return false;
    }

    double forgone = g->pacer.forgone;
    pacer_init(&g->pacer, pktgen_spec_pps(&g->spec), now_ns);
    g->pacer.forgone = forgone;
    return true;
}

static bool
pktgen_is_done(const struct endpoint *e, uint64_t now_ns)
{
    const struct pktgen *g = pktgen_cast(e);
    const struct pktgen_spec *spec = &g->spec;

    return (spec->n_frames && g->n_frames >= spec->n_frames)
           || (spec->seconds && g->started
               && now_ns - g->start_ns >= spec->seconds * 1e9);
}

static void
put_frame(struct pktgen *g, const struct tx_path *path, uint32_t n_slots,
          const struct frame_offload *offload, uint64_t now_ns)
{
    const struct probe probe = {
        .generator = g->id,
        .sequence = g->n_frames & PROBE_SEQUENCE_MAX,
        .sent_ns = now_ns,
    };
    uint64_t flow = g->spec.vary < PKTGEN_VARY_PREFIX
                    ? g->n_frames % g->spec.n_flows : g->n_frames;
    struct tx_ring *tx = path->rings[flow % path->n_rings];
    struct iovec iov[RING_FRAME_SLOTS_MAX];

    n_slots = tx_ring_buffers(tx, iov, n_slots);
    template_write(&g->template, &probe, offload, iov, n_slots);
    tx_ring_put(tx, g->spec.frame_bytes, offload);
    g->n_frames++;
}

static unsigned int
pktgen_transmit(struct endpoint *e, const struct tx_path *path,
                unsigned int budget, uint64_t now_ns)
{
    struct pktgen *g = pktgen_cast(e);
    uint32_t n_slots = ring_slots_for(g->spec.frame_bytes);
    struct frame_offload offload;
    unsigned int n = 0;

    if (!g->ready || pktgen_is_done(e, now_ns)) {
        return 0;
    }
    if (n_slots > 1 && !path->takes.sg) {
        VLOG_ERR_ONCE("size=%u needs feature-sg, which the backend does not "
                      "offer: nothing is sent", g->spec.frame_bytes);
        return 0;
    }
    if (!template_offload(&g->template, &path->takes, &offload)) {
        VLOG_ERR_ONCE("gso=%u needs feature-gso-tcpv%d, which the backend "
                      "does not offer: nothing is sent", g->spec.gso_bytes,
                      g->spec.ipv6 ? 6 : 4);
        return 0;
    }
    if (g->spec.n_frames) {
        budget = MIN(budget, g->spec.n_frames - g->n_frames);
    }
    budget = pacer_due(&g->pacer, budget, now_ns);
    for (; n < budget && tx_path_has_room(path, n_slots + 1); n++) {
        put_frame(g, path, n_slots, &offload, now_ns);
    }
    if (n) {
        pacer_sent(&g->pacer, n);
        g->last_ns = now_ns;
    }
    return n;
}

static void
pktgen_wait(struct endpoint *e, bool room)
{
    struct pktgen *g = pktgen_cast(e);

    if (!room || !g->ready || !g->linked
        || pktgen_is_done(e, g->pacer.updated_ns)) {
        return;
    }

    uint64_t next_ns = pacer_next_ns(&g->pacer);
    if (!next_ns) {
        poll_immediate_wake();
        return;
    }
    next_ns = MAX(next_ns, g->pacer.updated_ns + SLEEP_NS_MIN);

    struct itimerspec when = {
        .it_value = { next_ns / 1000000000, next_ns % 1000000000 },
    };
    timerfd_settime(g->timer, TFD_TIMER_ABSTIME, &when, NULL);
    poll_fd_wait(g->timer, POLLIN);
}

static double
seconds_sent(const struct pktgen *g)
{
    return g->n_frames ? (g->last_ns - g->start_ns) * 1e-9 : 0;
}

static void
pktgen_report_json(const struct endpoint *e, struct json *object)
{
    const struct pktgen *g = pktgen_cast(e);
    struct json *json = json_object_create();
    double seconds = seconds_sent(g);
    double pps = seconds > 0 ? g->n_frames / seconds : 0;

    json_object_put(json, "generator", json_integer_create(g->id));
    json_object_put(json, "frame_bytes",
                    json_integer_create(g->spec.frame_bytes));
    json_object_put(json, "frames", json_integer_create(g->n_frames));
    json_object_put(json, "bytes", json_integer_create(
                        g->n_frames * g->spec.frame_bytes));
    json_object_put(json, "seconds", json_real_create(seconds));
    json_object_put(json, "pps", json_real_create(pps));
    json_object_put(json, "rate_bps", json_real_create(
                        pps * g->spec.frame_bytes * 8));
    json_object_put(json, "forgone_frames",
                    json_integer_create(g->pacer.forgone));
    json_object_put(object, "pktgen", json);
}

static void
pktgen_report_text(const struct endpoint *e, struct ds *ds)
{
    const struct pktgen *g = pktgen_cast(e);
    double seconds = seconds_sent(g);
    double pps = seconds > 0 ? g->n_frames / seconds : 0;

    ds_put_format(ds, "pktgen %"PRIu16": sent %"PRIu64" frames of %u bytes in "
                  "%.3f s: %.0f frames/s, %.3f Mbit/s; held up for %.0f "
                  "frames\n", g->id, g->n_frames, g->spec.frame_bytes,
                  seconds, pps, pps * g->spec.frame_bytes * 8e-6,
                  g->pacer.forgone);
}

static void
pktgen_destroy(struct endpoint *e)
{
    if (e) {
        struct pktgen *g = pktgen_cast(e);

        close(g->timer);
        free(g);
    }
}

static const struct endpoint_class pktgen_class = {
    .name = "pktgen",
    .configure = pktgen_configure,
    .set_link = pktgen_set_link,
    .transmit = pktgen_transmit,
    .wait = pktgen_wait,
    .is_done = pktgen_is_done,
    .report_json = pktgen_report_json,
    .report_text = pktgen_report_text,
    .destroy = pktgen_destroy,
};

int
pktgen_create(struct endpoint **ep, const struct pktgen_spec *spec,
              const uint8_t *mac)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (timer < 0) {
        return -errno;
    }

    struct pktgen *g = xzalloc(sizeof *g);
    g->up.class = &pktgen_class;
    g->spec = *spec;
    g->mac = mac;
    g->id = spec->has_id ? spec->id : random_uint16();
    g->timer = timer;
    *ep = &g->up;
    return 0;
}
