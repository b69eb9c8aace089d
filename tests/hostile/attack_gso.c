/* GSO lies. */

#include "tests/hostile/hostile.h"

#include <netinet/in.h>
#include <string.h>

#define PAYLOAD 3000u
#define WHOLE_BYTES 65535u

static int
begin(struct hostile *h)
{
    return hostile_need(h, "feature-gso-tcpv4")
           || hostile_need(h, "feature-gso-tcpv6")
           || hostile_connect(h) ? -1 : 0;
}

/* Puts a frame in the pages from 'page' on. */
static void
fill(struct hostile *h, unsigned int page, const uint8_t *frame,
     unsigned int bytes)
{
    for (unsigned int at = 0; at < bytes; at += HOSTILE_PAGE_BYTES) {
        unsigned int rest = bytes - at;

        memcpy(hostile_page(h, h->tx_pages[page++ % HOSTILE_SLOTS]),
               frame + at,
               rest < HOSTILE_PAGE_BYTES ? rest : HOSTILE_PAGE_BYTES);
    }
}

static unsigned int
n_pages(unsigned int bytes)
{
    return (bytes + HOSTILE_PAGE_BYTES - 1) / HOSTILE_PAGE_BYTES;
}

/* Offers a frame that is there, one slot a page, with GSO. */
static int
offer(struct hostile *h, unsigned int page, unsigned int bytes, uint16_t mss,
      uint8_t type, uint16_t flags)
{
    unsigned int n = n_pages(bytes);

    if (hostile_tx_room(h, n + 1)) {
        return -1;
    }
    for (unsigned int i = 0; i < n; i++) {
        uint32_t rest = bytes - i * HOSTILE_PAGE_BYTES;
        struct netif_tx_request *req = hostile_tx(h);

        req->gref = h->tx_pages[(page + i) % HOSTILE_SLOTS];
        req->size = (!i ? bytes
                     : rest < HOSTILE_PAGE_BYTES ? rest : HOSTILE_PAGE_BYTES);
        req->flags = i + 1 < n ? NETTXF_more_data : 0;
        if (!i) {
            req->flags |= flags | NETTXF_extra_info;

            struct netif_extra_info *extra = hostile_tx_extra(h);
            extra->type = XEN_NETIF_EXTRA_TYPE_GSO;
            extra->u.gso.size = mss;
            extra->u.gso.type = type;
        }
    }
    h->frames++;
    return 0;
}

#define BLANK (NETTXF_csum_blank | NETTXF_data_validated)

static int
one(struct hostile *h, bool v6, unsigned int payload,
    const struct hostile_tcp *lie, uint16_t mss, uint8_t type,
    uint16_t flags)
{
    static uint8_t frame[WHOLE_BYTES + 200];
    unsigned int bytes = hostile_tcp_frame(h, frame, v6, payload, lie);
    unsigned int page = h->frames * 20;

    fill(h, page, frame, bytes);
    return offer(h, page, bytes, mss, type, flags);
}

static int
settle(struct hostile *h)
{
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

static int
fatal(struct hostile *h, uint16_t mss, uint8_t type)
{
    if (begin(h) || one(h, false, PAYLOAD, NULL, mss, type, BLANK)) {
        return -1;
    }
    hostile_tx_push(h);
    return hostile_wait_cut_off(h);
}

static int
size_zero(struct hostile *h)
{
    return fatal(h, 0, XEN_NETIF_GSO_TYPE_TCPV4 + h->variant);
}

static int
wrong_type(struct hostile *h)
{
    static const uint8_t types[] = { 0, 3, 255 };

    return fatal(h, 1448, types[h->variant]);
}

static int
size_beyond(struct hostile *h)
{
    static const uint16_t sizes[] = { 3000, 3001, 3040, 3054, 3055, 65535 };

    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 12; i++) {
        if (one(h, i & 1, PAYLOAD, NULL, sizes[i / 2],
                i & 1 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4,
                BLANK)) {
            return -1;
        }
    }
    return settle(h);
}

static int
type_disagrees(struct hostile *h)
{
    static const struct hostile_tcp udp = { .protocol = IPPROTO_UDP };
    static const struct hostile_tcp other = { .protocol = 47 };

    return begin(h)
           || one(h, true, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV4,
                  BLANK)
           || one(h, false, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV6,
                  BLANK)
           || one(h, false, PAYLOAD, &udp, 1400, XEN_NETIF_GSO_TYPE_TCPV4,
                  BLANK)
           || one(h, true, PAYLOAD, &other, 1400, XEN_NETIF_GSO_TYPE_TCPV6,
                  BLANK)
           || settle(h) ? -1 : 0;
}

static int
lengths_disagree(struct hostile *h)
{
    static const uint16_t claims[] = {
        1, 19, 20, 39, 40, 41, 1000, 3039, 3041, 9000, 65535,
    };

    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 22; i++) {
        struct hostile_tcp lie = { .ip_bytes = claims[i / 2] };

        if (one(h, i & 1, PAYLOAD, &lie, 1400,
                i & 1 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4,
                BLANK)) {
            return -1;
        }
    }
    return settle(h);
}

static int
tcp_offset_beyond(struct hostile *h)
{
    if (begin(h)) {
        return -1;
    }
    /* From less than a header to sixty bytes, in frames that hold it, hold it
     * to the byte, and do not. */
    for (unsigned int words = 1; words < 16; words++) {
        struct hostile_tcp lie = { .tcp_words = words };

        for (unsigned int payload = 0; payload <= 80; payload += 8) {
            for (unsigned int v6 = 0; v6 < 2; v6++) {
                if (one(h, v6, payload, &lie, 8,
                        v6 ? XEN_NETIF_GSO_TYPE_TCPV6
                           : XEN_NETIF_GSO_TYPE_TCPV4, BLANK)) {
                    return -1;
                }
            }
        }
    }
    return settle(h);
}

/* IPv6 with extension headers to the end of the frame, and beyond. */
static int
extension_headers(struct hostile *h)
{
    static uint8_t frame[WHOLE_BYTES];

    if (begin(h)) {
        return -1;
    }
    for (unsigned int end = 0; end < 16; end++) {
        static const struct hostile_tcp lie = { .protocol = 60 };
        unsigned int bytes = hostile_tcp_frame(h, frame, true, PAYLOAD,
                                               &lie);

        for (unsigned int i = 14 + 40; i + 8 <= bytes; i += 8) {
            memset(frame + i, 0, 8);
            frame[i] = i + end * 8 > bytes ? IPPROTO_TCP : 60;
            frame[i + 1] = i + 16 > bytes && end & 1 ? 255 : 0;
        }
        fill(h, end * 20, frame, bytes - end);
        if (offer(h, end * 20, bytes - end, 1400, XEN_NETIF_GSO_TYPE_TCPV6,
                  BLANK)) {
            return -1;
        }
    }
    return settle(h);
}

static int
without_blank(struct hostile *h)
{
    return begin(h)
           || one(h, false, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV4, 0)
           || one(h, true, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV6, 0)
           || one(h, false, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV4,
                  NETTXF_data_validated)
           || settle(h) ? -1 : 0;
}

static int
fragments(struct hostile *h)
{
    static const uint16_t fields[] = { 0x2000, 0x2001, 0x0001, 0x1fff };

    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 4; i++) {
        struct hostile_tcp lie = { .fragment = fields[i] };

        if (one(h, false, PAYLOAD, &lie, 1400, XEN_NETIF_GSO_TYPE_TCPV4,
                BLANK)) {
            return -1;
        }
    }
    return settle(h);
}

/* 64 KiB, in segments of a byte: 65 thousand frames out of one. */
static int
mss_one(struct hostile *h)
{
    if (begin(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 40; i++) {
        bool v6 = i & 1;
        uint16_t mss = 1 + i / 8;

        if (one(h, v6, WHOLE_BYTES - 14 - 20 - (v6 ? 40 : 20), NULL, mss,
                v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4,
                BLANK)) {
            return -1;
        }
        hostile_expect(h, "tx_drop_gso", 1, 1);
    }
    return settle(h);
}

/* Sizes and types change while they are read. */
static void
turn_extra(struct hostile *h, uint64_t i)
{
    static const uint16_t sizes[] = { 1400, 1, 65535, 700 };
    struct hostile_ring *tx = &h->queues[0].tx;
    struct netif_extra_info *extra = hostile_ring_slot(tx, i * 17);

    if (__atomic_load_n(&tx->extra[i * 17 % HOSTILE_SLOTS],
                        __ATOMIC_RELAXED)) {
        __atomic_store_n(&extra->u.gso.size, sizes[i % 4], __ATOMIC_RELAXED);
        __atomic_store_n(&extra->u.gso.type,
                         i & 4 ? XEN_NETIF_GSO_TYPE_TCPV4
                               : XEN_NETIF_GSO_TYPE_TCPV6, __ATOMIC_RELAXED);
    }
}

static int
race_extra(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;
    struct hostile_racer racer;
    int error = 0;

    if (begin(h) || hostile_race_begin(h, &racer, turn_extra)) {
        return -1;
    }
    while (!error && hostile_now_ns() < until_ns) {
        error = one(h, false, PAYLOAD, NULL, 1400, XEN_NETIF_GSO_TYPE_TCPV4,
                    BLANK);
    }
    error = error ? error : settle(h);
    hostile_race_end(h, &racer);
    return error;
}

/* Headers over slots of their own, cut at every byte. */
static int
headers_split(struct hostile *h)
{
    static uint8_t frame[WHOLE_BYTES];

    if (begin(h)) {
        return -1;
    }
    for (unsigned int cut = 1; cut < 100; cut++) {
        bool v6 = cut & 1;
        unsigned int bytes = hostile_tcp_frame(h, frame, v6, PAYLOAD, NULL);
        uint32_t gref = h->tx_pages[cut];

        if (hostile_tx_room(h, 3)) {
            return -1;
        }
        memcpy(hostile_page(h, gref), frame, bytes);
        for (unsigned int i = 0; i < 2; i++) {
            struct netif_tx_request *req = hostile_tx(h);

            req->gref = gref;
            req->offset = i ? cut : 0;
            req->size = i ? bytes - cut : bytes;
            req->flags = i ? 0 : NETTXF_more_data | NETTXF_extra_info
                                 | BLANK;
            if (!i) {
                struct netif_extra_info *extra = hostile_tx_extra(h);

                extra->type = XEN_NETIF_EXTRA_TYPE_GSO;
                extra->u.gso.size = 1400;
                extra->u.gso.type = v6 ? XEN_NETIF_GSO_TYPE_TCPV6
                                       : XEN_NETIF_GSO_TYPE_TCPV4;
            }
        }
        h->frames++;
    }
    return settle(h);
}

/* Events as fast as they can be sent, each with the most work that one can
 * bring, and one owed to us for each answer. */
static int
events_storm(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 2e9;
    static uint8_t frame[WHOLE_BYTES + 200];
    unsigned int bytes = hostile_tcp_frame(
        h, frame, false, WHOLE_BYTES - 14 - 20 - 20, NULL);

    if (begin(h)) {
        return -1;
    }
    fill(h, 0, frame, bytes);
    while (hostile_now_ns() < until_ns) {
        struct hostile_queue *q = &h->queues[0];

        hostile_tx_take(h, &q->tx);
        __atomic_store_n(&q->tx.page->rsp_event, q->tx.cons + 1,
                         __ATOMIC_SEQ_CST);
        if (q->tx.prod - q->tx.cons + n_pages(bytes) < HOSTILE_SLOTS
            && offer(h, 0, bytes, 1400, XEN_NETIF_GSO_TYPE_TCPV4, BLANK)) {
            return -1;
        }
        hostile_tx_push(h);
        guest_channel_kick(&q->channels[1]);
        h->turns++;
    }
    return settle(h);
}

const struct hostile_attack hostile_gso[] = {
    { "gso_size_zero", HOSTILE_QUARANTINE, "size is 0",
      "sends GSO frames whose segments are to have no bytes", size_zero, 2 },
    { "gso_wrong_type", HOSTILE_QUARANTINE, "GSO type",
      "sends GSO frames of a type that does not exist", wrong_type, 3 },
    { "gso_size_beyond_frame", HOSTILE_NOTHING, NULL,
      "sends GSO frames shorter than one segment", size_beyond, 1 },
    { "gso_type_disagrees", HOSTILE_NOTHING, NULL,
      "sends IPv6 as TCPv4 and the reverse, and UDP as TCP",
      type_disagrees, 1 },
    { "gso_headers_split_at_every_byte", HOSTILE_NOTHING, NULL,
      "cuts the headers of GSO frames at every byte", headers_split, 1 },
    { "gso_ip_length_disagrees", HOSTILE_NOTHING, NULL,
      "sends GSO frames whose IP length is not theirs", lengths_disagree,
      1 },
    { "gso_tcp_offset_beyond_frame", HOSTILE_NOTHING, NULL,
      "sends GSO frames whose TCP header ends behind them",
      tcp_offset_beyond, 1 },
    { "gso_ipv6_extensions_without_end", HOSTILE_NOTHING, NULL,
      "sends GSO frames of nothing but IPv6 extension headers",
      extension_headers, 1 },
    { "gso_csum_blank_missing", HOSTILE_NOTHING, NULL,
      "sends GSO frames that do not say that their checksum is blank",
      without_blank, 1 },
    { "gso_on_fragments", HOSTILE_NOTHING, NULL,
      "sends IPv4 fragments as GSO frames", fragments, 1 },
    { "gso_64_kib_mss_1", HOSTILE_DROPS, NULL,
      "sends frames of 64 KiB to be cut into segments of 1 to 5 bytes",
      mss_one, 1 },
    { "race_gso_extra", HOSTILE_EITHER, NULL,
      "a thread changes sizes and types of GSO while they are read",
      race_extra, 1 },
    { "events_storm_gso", HOSTILE_NOTHING, NULL,
      "sends events, each with 64 KiB, and has one sent for each answer",
      events_storm, 1 },
    { NULL },
};
