#include <config.h>
#include "tools/guest/sink.h"

#include <inttypes.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "hash.h"
#include "util.h"

#include "tools/guest/endpoint.h"
#include "tools/guest/histogram.h"
#include "tools/guest/packet.h"
#include "tools/guest/probe.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/sequence.h"
#include "tools/guest/tx_path.h"
#include "tools/guest/verify.h"

#define GENERATORS_MAX 256
#define SERIES_MAX 100000

#define ANNOUNCE_BYTES 60
#define TYPE_RARP 0x8035

/* All that came from one generator. */
struct flow {
    struct hmap_node node;
    uint16_t id;
    uint64_t n_frames;
    uint64_t n_bytes;
    struct sequence sequence;
    struct histogram delay_ns;
};

struct interval {
    uint64_t n_frames;
    uint64_t n_bytes;
};

struct sink {
    struct endpoint up;
    const struct sink_spec *spec;
    const uint8_t *mac_option;
    uint8_t mac[6];
    bool has_mac;
    bool announce;                      /* Tell the switch where we are. */

    uint64_t n_frames;
    uint64_t n_bytes;
    uint64_t n_other;                   /* Frames that are no probes. */
    uint64_t n_gso, n_blank;            /* Whole TCP, blank checksums. */
    uint64_t n_untold;                  /* Probes of too many generators. */
    uint64_t first_ns, last_ns;
    struct verify *verify;              /* Null: not asked for. */
    struct hmap flows;
    struct interval *series;            /* From first_ns on. */
    size_t n_series, allocated_series;
};

static struct sink *
sink_cast(const struct endpoint *e)
{
    return CONTAINER_OF(e, struct sink, up);
}

static int
sink_configure(struct endpoint *e, const struct vif_config *config)
{
    struct sink *s = sink_cast(e);
    const uint8_t *mac = s->mac_option ? s->mac_option
                         : config->has_mac ? config->mac : NULL;

    s->has_mac = mac != NULL;
    if (mac) {
        memcpy(s->mac, mac, sizeof s->mac);
    }
    return 0;
}

static void
sink_set_link(struct endpoint *e, const struct tx_path *path,
              uint64_t now_ns OVS_UNUSED)
{
    struct sink *s = sink_cast(e);

    s->announce = path && s->has_mac;
}

/* Sends one RARP frame, as a machine does that has moved: a switch that
 * learns then knows the port and need not flood what is for us. */
static unsigned int
sink_transmit(struct endpoint *e, const struct tx_path *path,
              unsigned int budget OVS_UNUSED, uint64_t now_ns OVS_UNUSED)
{
    static const uint8_t head[] = {
        TYPE_RARP >> 8, TYPE_RARP & 0xff,
        0, 1, 8, 0, 6, 4, 0, 3,         /* Ethernet, IPv4, request. */
    };
    struct sink *s = sink_cast(e);
    struct iovec iov;

    if (!s->announce || !tx_ring_buffers(path->rings[0], &iov, 1)) {
        return 0;
    }
    s->announce = false;

    uint8_t *frame = iov.iov_base;
    memset(frame, 0, ANNOUNCE_BYTES);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, s->mac, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + 22, s->mac, 6);
    memcpy(frame + 32, s->mac, 6);
    tx_ring_put(path->rings[0], ANNOUNCE_BYTES, NULL);
    return 1;
}

static struct flow *
find_flow(struct sink *s, uint16_t id)
{
    uint32_t hash = hash_int(id, 0);
    struct flow *f;

    HMAP_FOR_EACH_WITH_HASH (f, node, hash, &s->flows) {
        if (f->id == id) {
            return f;
        }
    }
    if (hmap_count(&s->flows) >= GENERATORS_MAX) {
        return NULL;
    }
    f = xzalloc(sizeof *f);
    f->id = id;
    sequence_init(&f->sequence);
    histogram_init(&f->delay_ns);
    hmap_insert(&s->flows, &f->node, hash);
    return f;
}

static void
count_interval(struct sink *s, uint32_t bytes, uint64_t now_ns)
{
    size_t i = (now_ns - s->first_ns) / (s->spec->interval_ms * 1000000ull);

    if (i >= SERIES_MAX) {
        return;
    }
    while (s->n_series <= i) {
        if (s->n_series == s->allocated_series) {
            s->series = x2nrealloc(s->series, &s->allocated_series,
                                   sizeof *s->series);
        }
        s->series[s->n_series++] = (struct interval) { 0, 0 };
    }
    s->series[i].n_frames++;
    s->series[i].n_bytes += bytes;
}

static void
count_probe(struct sink *s, const struct probe *probe, uint32_t bytes,
            uint64_t now_ns)
{
    struct flow *f = find_flow(s, probe->generator);

    if (!f) {
        s->n_untold++;
        return;
    }
    f->n_frames++;
    f->n_bytes += bytes;
    sequence_add(&f->sequence, probe->sequence);
    if (probe->sent_ns <= now_ns) {
        histogram_add(&f->delay_ns, now_ns - probe->sent_ns);
    }
}

static void
sink_receive(struct endpoint *e, const struct rx_frame *frame,
             uint64_t now_ns)
{
    struct sink *s = sink_cast(e);
    uint8_t head[PACKET_HEAD_BYTES];
    struct packet packet;
    struct probe probe;

    if (!s->n_frames) {
        s->first_ns = now_ns;
    }
    s->last_ns = now_ns;
    s->n_frames++;
    s->n_bytes += frame->bytes;
    count_interval(s, frame->bytes, now_ns);

    s->n_gso += frame->offload.gso_bytes != 0;
    s->n_blank += frame->offload.csum_blank;
    bool segment = s->verify && verify_frame(s->verify, frame);

    size_t n = packet_gather(frame->iov, frame->n_iov, 0, head, sizeof head);
    packet_parse(head, n, &packet);
    if (probe_decode(head, n, &packet, &probe)) {
        count_probe(s, &probe, frame->bytes, now_ns);
    } else if (!segment) {
        s->n_other++;
    }
}

static void
sink_wait(struct endpoint *e, bool room OVS_UNUSED)
{
    const struct sink *s = sink_cast(e);

    if (s->spec->seconds && s->n_frames) {
        long long end_ms = (s->first_ns + s->spec->seconds * 1e9) / 1000000
                           + 1;
        poll_timer_wait_until(end_ms);
    }
}

static bool
sink_is_done(const struct endpoint *e, uint64_t now_ns)
{
    const struct sink *s = sink_cast(e);
    const struct sink_spec *spec = s->spec;

    return (spec->n_frames && s->n_frames >= spec->n_frames)
           || (spec->seconds && s->n_frames
               && now_ns - s->first_ns >= spec->seconds * 1e9);
}

static double
seconds_received(const struct sink *s)
{
    return (s->last_ns - s->first_ns) * 1e-9;
}

static double
rate_bps(const struct sink *s)
{
    double seconds = seconds_received(s);

    return seconds > 0 ? s->n_bytes * 8 / seconds : 0;
}

/* As pairs: at most so many nanoseconds, and above the pair before; frames. */
static struct json *
delays_to_json(const struct histogram *h)
{
    struct json *json = json_array_create_empty();

    for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->counts[i]) {
            json_array_add(json, json_array_create_2(
                               json_integer_create(histogram_bucket_end(i)),
                               json_integer_create(h->counts[i])));
        }
    }
    return json;
}

static struct json *
flow_to_json(const struct flow *f)
{
    const struct histogram *h = &f->delay_ns;
    struct json *json = json_object_create();
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        { "generator", f->id },
        { "frames", f->n_frames },
        { "bytes", f->n_bytes },
        { "lost", sequence_lost(&f->sequence) },
        { "reordered", f->sequence.n_reordered },
        { "duplicates", f->sequence.n_duplicates },
        { "stale", f->sequence.n_stale },
        { "delay_min_ns", h->n ? h->min : 0 },
        { "delay_mean_ns", h->n ? h->sum / h->n : 0 },
        { "delay_p50_ns", histogram_quantile(h, .5) },
        { "delay_p99_ns", histogram_quantile(h, .99) },
        { "delay_max_ns", h->max },
    };

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_object_put(json, members[i].name,
                        json_integer_create(members[i].value));
    }
    json_object_put(json, "delays", delays_to_json(h));
    return json;
}

static void
verify_report_json(const struct verify *v, struct json *object)
{
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        { "bad_length", v->n_bad_length },
        { "bad_checksum", v->n_bad_checksum },
        { "bad_content", v->n_bad_content },
        { "checksums", v->n_checksums },
        { "contents", v->n_contents },
        { "segments", v->n_segments },
        { "tcp_lost_bytes", verify_lost_bytes(v) },
        { "tcp_reordered", v->n_tcp_reordered },
        { "untold", v->n_untold },
    };
    struct json *json = json_object_create();

    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        json_object_put(json, members[i].name,
                        json_integer_create(members[i].value));
    }
    json_object_put(object, "verify", json);
}

static void
sink_report_json(const struct endpoint *e, struct json *object)
{
    const struct sink *s = sink_cast(e);
    struct json *json = json_object_create();
    struct json *flows = json_array_create_empty();
    struct json *series = json_array_create_empty();
    const struct flow *f;

    HMAP_FOR_EACH (f, node, &s->flows) {
        json_array_add(flows, flow_to_json(f));
    }
    for (size_t i = 0; i < s->n_series; i++) {
        json_array_add(series, json_array_create_2(
                           json_integer_create(s->series[i].n_frames),
                           json_integer_create(s->series[i].n_bytes)));
    }
    json_object_put(json, "frames", json_integer_create(s->n_frames));
    json_object_put(json, "bytes", json_integer_create(s->n_bytes));
    json_object_put(json, "other_frames", json_integer_create(s->n_other));
    json_object_put(json, "untold_frames", json_integer_create(s->n_untold));
    json_object_put(json, "gso_frames", json_integer_create(s->n_gso));
    json_object_put(json, "csum_blank", json_integer_create(s->n_blank));
    if (s->verify) {
        verify_report_json(s->verify, json);
    }
    json_object_put(json, "first_ns", json_integer_create(s->first_ns));
    json_object_put(json, "seconds", json_real_create(seconds_received(s)));
    json_object_put(json, "rate_bps", json_real_create(rate_bps(s)));
    json_object_put(json, "generators", flows);
    json_object_put(json, "interval_ms",
                    json_integer_create(s->spec->interval_ms));
    json_object_put(json, "series", series);
    json_object_put(object, "sink", json);
}

static void
sink_report_text(const struct endpoint *e, struct ds *ds)
{
    const struct sink *s = sink_cast(e);
    const struct flow *f;

    ds_put_format(ds, "sink: received %"PRIu64" frames, %"PRIu64" bytes in "
                  "%.3f s: %.3f Mbit/s; %"PRIu64" frames were no probes\n",
                  s->n_frames, s->n_bytes, seconds_received(s),
                  rate_bps(s) * 1e-6, s->n_other);
    if (s->verify) {
        const struct verify *v = s->verify;

        ds_put_format(ds, "  verified: %"PRIu64" bad lengths, %"PRIu64
                      " bad checksums, %"PRIu64" bad contents; %"PRIu64
                      " segments, %"PRIu64" bytes of TCP lost\n",
                      v->n_bad_length, v->n_bad_checksum, v->n_bad_content,
                      v->n_segments, verify_lost_bytes(v));
    }
    HMAP_FOR_EACH (f, node, &s->flows) {
        ds_put_format(ds, "  generator %"PRIu16": %"PRIu64" frames, lost %"
                      PRIu64", reordered %"PRIu64", duplicates %"PRIu64
                      ", stale %"PRIu64"; delay p50 %.1f us, p99 %.1f us, "
                      "max %.1f us\n", f->id, f->n_frames,
                      sequence_lost(&f->sequence), f->sequence.n_reordered,
                      f->sequence.n_duplicates, f->sequence.n_stale,
                      histogram_quantile(&f->delay_ns, .5) / 1e3,
                      histogram_quantile(&f->delay_ns, .99) / 1e3,
                      f->delay_ns.max / 1e3);
    }
}

static void
sink_destroy(struct endpoint *e)
{
    if (e) {
        struct sink *s = sink_cast(e);
        struct flow *f;

        HMAP_FOR_EACH_POP (f, node, &s->flows) {
            free(f);
        }
        hmap_destroy(&s->flows);
        free(s->verify);
        free(s->series);
        free(s);
    }
}

static const struct endpoint_class sink_class = {
    .name = "sink",
    .configure = sink_configure,
    .set_link = sink_set_link,
    .transmit = sink_transmit,
    .receive = sink_receive,
    .wait = sink_wait,
    .is_done = sink_is_done,
    .report_json = sink_report_json,
    .report_text = sink_report_text,
    .destroy = sink_destroy,
};

int
sink_create(struct endpoint **ep, const struct sink_spec *spec,
            const uint8_t *mac)
{
    struct sink *s = xzalloc(sizeof *s);

    s->up.class = &sink_class;
    s->spec = spec;
    s->mac_option = mac;
    s->verify = spec->verify ? xzalloc(sizeof *s->verify) : NULL;
    hmap_init(&s->flows);
    *ep = &s->up;
    return 0;
}
