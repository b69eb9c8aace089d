#include "tools/guest/verify.h"

#include <string.h>

#include "tools/guest/checksum.h"
#include "tools/guest/packet.h"
#include "tools/guest/pattern.h"
#include "tools/guest/probe.h"
#include "tools/guest/rx_ring.h"

/* Shorter frames may be padded. */
#define PADDED_BYTES 64u

#define STREAM_TRIES 16u

/* Do the headers' lengths fit the frame, and each other? */
static bool
length_is_good(const uint8_t *frame, uint32_t bytes, const struct packet *p)
{
    if (p->end > bytes || (p->end < bytes && bytes > PADDED_BYTES)
        || p->end < p->l3 || (p->l4 && p->end < p->payload)) {
        return false;
    }
    return !p->l4 || p->protocol != PACKET_UDP
           || packet_get16(frame + p->l4 + 4) == p->end - p->l4;
}

static void
check_checksums(struct verify *v, const struct rx_frame *frame,
                const struct packet *p)
{
    const uint8_t *ip = v->frame + p->l3;
    bool good = true;

    if (p->ip == 4) {
        good = checksum_fold(checksum_add(0, ip, (ip[0] & 0xf) * 4))
               == 0xffff;
    }
    if (p->payload && !frame->offload.csum_blank
        && !frame->offload.gso_bytes) {
        v->n_checksums++;
        good = good && checksum_is_good(v->frame, p);
    }
    v->n_bad_checksum += !good;
}

/* The stream of a TCP frame.  Null if it is not known and shall not be, or
 * there are too many. */
static struct verify_stream *
find_stream(struct verify *v, const struct packet *p, bool add)
{
    uint32_t hash = packet_flow_hash(v->frame, p->payload);
    uint8_t key[VERIFY_KEY_BYTES] = { 0 };

    memcpy(key, v->frame + p->l4, 4);
    memcpy(key + 4, v->frame + p->l3 + (p->ip == 4 ? 12 : 8),
           p->ip == 4 ? 8 : 32);
    for (uint32_t i = 0; i < STREAM_TRIES; i++) {
        struct verify_stream *s = &v->streams[(hash + i)
                                              % VERIFY_STREAMS_MAX];

        if (s->used && !memcmp(s->key, key, sizeof key)) {
            return s;
        }
        if (!s->used) {
            if (!add) {
                return NULL;
            }
            s->used = true;
            memcpy(s->key, key, sizeof key);
            /* There may be earlier ones yet, so not at 0. */
            s->first = s->next = packet_get32(v->frame + p->l4 + 4)
                                 + (UINT64_C(1) << 32);
            return s;
        }
    }
    v->n_untold += add;
    return NULL;
}

static void
follow(struct verify *v, struct verify_stream *s, uint32_t sequence,
       uint32_t bytes)
{
    uint64_t begin = s->next + (int32_t) (sequence - (uint32_t) s->next);

    v->n_tcp_reordered += begin < s->next;
    s->n_bytes += bytes;
    if (begin + bytes > s->next) {
        s->next = begin + bytes;
    }
}

static void
check_content(struct verify *v, const struct packet *p, uint32_t end,
              uint64_t position, bool marked)
{
    uint32_t skip = marked ? PROBE_BYTES : 0;
    uint32_t at = probe_payload_at(p) + skip;

    v->n_contents++;
    if (end > at && memcmp(v->frame + at, pattern_at(position) + skip,
                           end - at)) {
        v->n_bad_content++;
    }
}

bool
verify_frame(struct verify *v, const struct rx_frame *frame)
{
    uint32_t bytes = packet_gather(frame->iov, frame->n_iov, 0, v->frame,
                                   sizeof v->frame);
    uint32_t end = bytes;
    struct packet p;
    struct probe probe;

    packet_parse(v->frame, bytes, &p);
    bool marked = probe_decode(v->frame, bytes, &p, &probe);
    if (p.ip) {
        if (!length_is_good(v->frame, bytes, &p)) {
            v->n_bad_length++;
            return false;
        }
        end = p.end;
        check_checksums(v, frame, &p);
    }
    if (p.payload && p.protocol == PACKET_TCP) {
        struct verify_stream *s = find_stream(v, &p, marked);
        uint32_t sequence = packet_get32(v->frame + p.l4 + 4);

        if (s) {
            follow(v, s, sequence, end - p.payload);
            check_content(v, &p, end, sequence, marked);
            v->n_segments += !marked;
        }
        return s && !marked;
    }
    if (marked) {
        check_content(v, &p, end, pattern_datagram(probe.sequence), true);
    }
    return false;
}

uint64_t
verify_lost_bytes(const struct verify *v)
{
    uint64_t lost = 0;

    for (uint32_t i = 0; i < VERIFY_STREAMS_MAX; i++) {
        const struct verify_stream *s = &v->streams[i];
        uint64_t span = s->next - s->first;

        lost += span > s->n_bytes ? span - s->n_bytes : 0;
    }
    return lost;
}
