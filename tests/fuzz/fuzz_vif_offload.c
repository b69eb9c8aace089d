/* Any bytes as a frame with any claims about it.  What the judge lets pass is
 * summed, and cut into segments: nothing beyond the frame is touched, each
 * segment is a sound frame that fits the wire, and together they hold the
 * frame's payload once and in order. */

#include <stdint.h>
#include <string.h>

#include <xen/io/netif.h>

#include "datapath/csum.h"
#include "datapath/gso.h"
#include "datapath/vif_offload.h"
#include "tests/fuzz/net_model.h"
#include "tests/fuzz/script.h"

/* Ends with its memory, so that a sanitizer sees what leaves it. */
static uint8_t *
copy(const uint8_t *p, uint32_t bytes)
{
    uint8_t *out = malloc(bytes ? bytes : 1);

    CHECK(out);
    memcpy(out, p, bytes);
    return out;
}

static uint32_t
be32(const uint8_t *p)
{
    return headers_be16(p) << 16 | headers_be16(p + 2);
}

static uint32_t
csum_offset(const struct headers *h)
{
    return h->l4_offset + (h->protocol == HEADERS_TCP ? 16 : 6);
}

/* The L4 checksum that 'frame' has is right. */
static void
check_sum(const uint8_t *frame, const struct headers *h)
{
    uint32_t l4_bytes = h->end - h->l4_offset;
    uint64_t sum = model_pseudo_sum(frame + h->l3_offset, l4_bytes,
                                    h->protocol);

    CHECK(model_fold(model_sum(frame + h->l4_offset, l4_bytes, sum))
          == 0xffff);
}

static void
check_headers(const uint8_t *frame, uint32_t bytes, const struct headers *h)
{
    CHECK(h->ip_version == 4 || h->ip_version == 6);
    CHECK(h->ip_version == frame[h->l3_offset] >> 4);
    CHECK(h->l3_offset >= 14 && h->l3_offset <= 14 + 8 * 4);
    CHECK(h->l4_offset >= h->l3_offset + (h->ip_version == 4 ? 20 : 40));
    CHECK(h->l4_offset <= h->end && h->end <= bytes);
    CHECK(!h->l4 || (!h->fragment && h->payload_offset > h->l4_offset
                     && h->payload_offset <= h->end
                     && h->payload_offset <= HEADERS_MAX_BYTES));
    CHECK(!h->l4 || h->protocol == HEADERS_TCP
          || h->protocol == HEADERS_UDP);
}

/* Filling in a checksum changes it and nothing else; a blank one completes to
 * the same. */
static void
check_csum(const uint8_t *frame, uint32_t bytes, const struct headers *h)
{
    uint8_t *filled = copy(frame, bytes), *blank = copy(frame, bytes);
    uint32_t at = csum_offset(h);

    csum_fill(filled, h);
    CHECK(!memcmp(filled, frame, at));
    CHECK(!memcmp(filled + at + 2, frame + at + 2, bytes - at - 2));
    check_sum(filled, h);
    if (h->protocol == HEADERS_UDP) {
        CHECK(filled[at] || filled[at + 1]);
    }

    csum_blank(blank, h);
    CHECK(!memcmp(blank, frame, at));
    CHECK(!memcmp(blank + at + 2, frame + at + 2, bytes - at - 2));
    CHECK(headers_be16(blank + at)
          == model_fold(model_pseudo_sum(frame + h->l3_offset,
                                         h->end - h->l4_offset,
                                         h->protocol)));
    free(filled);
    free(blank);
}

/* One segment of 'frame': 'payload' bytes from 'from' on. */
static void
check_segment(const uint8_t *frame, const struct headers *whole,
              const uint8_t *out, const struct headers *h, unsigned int i,
              uint32_t from, uint32_t payload, bool blank)
{
    uint32_t header_bytes = whole->payload_offset;
    const uint8_t *tcp = out + h->l4_offset, *old = frame + h->l4_offset;
    bool last = from + payload == whole->end - header_bytes;
    struct headers again;

    CHECK(headers_parse(out, header_bytes + payload, &again));
    check_headers(out, header_bytes + payload, &again);
    CHECK(again.l4 && again.payload_offset == header_bytes);
    CHECK(again.end == header_bytes + payload && h->end == again.end);
    CHECK(!memcmp(out, frame, h->l3_offset));
    CHECK(!memcmp(out + header_bytes, frame + header_bytes + from, payload));

    if (h->ip_version == 4) {
        const uint8_t *ip = out + h->l3_offset;

        CHECK(model_fold(model_sum(ip, h->l4_offset - h->l3_offset, 0))
              == 0xffff);
        CHECK(headers_be16(ip + 4)
              == (uint16_t) (headers_be16(frame + h->l3_offset + 4) + i));
    }
    CHECK(!memcmp(tcp, old, 4) && !memcmp(tcp + 8, old + 8, 5));
    CHECK(be32(tcp + 4) == be32(old + 4) + from);
    CHECK(tcp[13] == (old[13] & ~(last ? 0 : 0x09) & ~(i ? 0x80 : 0)));
    CHECK(!memcmp(tcp + 14, old + 14, 2));
    CHECK(!memcmp(tcp + 18, old + 18, header_bytes - h->l4_offset - 18));
    if (blank) {
        CHECK(headers_be16(tcp + 16)
              == model_fold(model_pseudo_sum(out + h->l3_offset,
                                             h->end - h->l4_offset, 6)));
    } else {
        check_sum(out, h);
    }
}

static void
check_gso(const uint8_t *frame, uint32_t bytes, uint32_t room_bytes,
          const struct vif_offload *o, bool blank)
{
    const struct headers *whole = &o->headers;
    uint32_t payload_bytes = whole->end - whole->payload_offset;
    uint8_t *before = copy(frame, bytes);
    uint32_t done = 0;
    unsigned int i = 0;
    uint64_t wire_bytes = 0;
    struct gso gso;

    gso_begin(&gso, frame, whole, o->mss_bytes);
    while (gso_more(&gso)) {
        uint32_t out_bytes = gso_frame_bytes(whole, o->mss_bytes);
        uint8_t *out = malloc(out_bytes);
        struct headers h;

        CHECK(out && out_bytes <= room_bytes);
        uint32_t n = gso_next(&gso, out, blank, &h);
        CHECK(n <= out_bytes && n > whole->payload_offset);
        check_segment(frame, whole, out, &h, i++, done,
                      n - whole->payload_offset, blank);
        done += n - whole->payload_offset;
        CHECK(done <= payload_bytes);
        wire_bytes += n;
        free(out);
    }
    CHECK(done == payload_bytes);
    CHECK(i == gso_segments(payload_bytes, o->mss_bytes) && i > 1);

    /* Bytes behind the IP packet are charged, and go nowhere. */
    CHECK(vif_offload_wire_bytes(o, bytes)
          == wire_bytes + (bytes - whole->end));
    CHECK(!memcmp(before, frame, bytes));
    free(before);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, size };
    uint8_t how = next8(&in);
    struct vif_claim claim = {
        .csum_blank = how & 1,
        .gso_type = how & 8 ? (how & 2 ? 2 : 1) : 0,
        .gso_bytes = how & 16 ? next16(&in) : next8(&in),
    };
    uint32_t room_bytes = how & 32 ? 1514 : 64 + next8(&in);
    uint32_t bytes = in.size;
    uint8_t *frame = copy(in.data, bytes);
    struct vif_offload o;
    struct headers h;

    if (headers_parse(frame, bytes, &h)) {
        check_headers(frame, bytes, &h);
        if (h.l4) {
            check_csum(frame, bytes, &h);
        }
    }
    enum vif_drop drop = vif_offload_judge(frame, bytes, &claim, room_bytes,
                                           &o);
    CHECK(drop <= VIF_N_DROPS);
    if (drop == VIF_N_DROPS) {
        CHECK(o.csum == (claim.csum_blank || claim.gso_type));
        CHECK(!o.csum || o.headers.l4);
        if (o.mss_bytes) {
            CHECK(claim.gso_type && o.mss_bytes >= VIF_GSO_MIN_BYTES);
            CHECK(o.headers.ip_version == (claim.gso_type == 1 ? 4 : 6));
            check_gso(frame, bytes, room_bytes, &o, how & 64);
        } else {
            CHECK(vif_offload_wire_bytes(&o, bytes) == bytes);
            CHECK(!claim.gso_type || bytes <= room_bytes);
        }
    } else {
        CHECK(claim.csum_blank || claim.gso_type);
        CHECK(drop == VIF_DROP_TX_GSO || drop == VIF_DROP_TX_CHECKSUM
              || drop == VIF_DROP_TX_OVERSIZE);
    }
    free(frame);
    return 0;
}
