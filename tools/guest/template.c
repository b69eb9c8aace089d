#include "tools/guest/template.h"

#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/checksum.h"
#include "tools/guest/offload.h"
#include "tools/guest/pattern.h"
#include "tools/guest/probe.h"
#include "tools/guest/vary.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100

#define TCP_ACK_PSH 0x18

_Static_assert(TEMPLATE_HEAD_BYTES <= PACKET_HEAD_BYTES,
               "the headers are found again");

static uint16_t
ip_type(const struct pktgen_spec *spec)
{
    return spec->type == PKTGEN_RAW ? PROBE_ETHERTYPE
           : spec->ipv6 ? TYPE_IPV6 : TYPE_IPV4;
}

static void
build_ip(const struct pktgen_spec *spec, uint8_t *ip, uint32_t ip_bytes)
{
    uint8_t protocol = spec->type == PKTGEN_TCP ? PACKET_TCP : PACKET_UDP;

    if (spec->ipv6) {
        ip[0] = 0x60;
        packet_put16(ip + 4, ip_bytes - 40);
        ip[6] = protocol;
        ip[7] = 64;
        memcpy(ip + 8, spec->ip6_src, 16);
        memcpy(ip + 24, spec->ip6_dst, 16);
        return;
    }
    ip[0] = 0x45;
    packet_put16(ip + 2, ip_bytes);
    packet_put16(ip + 6, 0x4000);       /* Do not fragment. */
    ip[8] = 64;
    ip[9] = protocol;
    packet_put32(ip + 12, spec->ip_src);
    packet_put32(ip + 16, spec->ip_dst);

    uint16_t sum = ~checksum_fold(checksum_add(0, ip, 20));
    memcpy(ip + 10, &sum, sizeof sum);
}

static void
build_l4(const struct pktgen_spec *spec, uint8_t *l4, uint32_t l4_bytes)
{
    packet_put16(l4, spec->port_src);
    packet_put16(l4 + 2, spec->port_dst);
    if (spec->type == PKTGEN_UDP) {
        packet_put16(l4 + 4, l4_bytes);
    } else {
        packet_put32(l4 + 8, 1);        /* Acknowledges something. */
        l4[12] = 0x50;
        l4[13] = TCP_ACK_PSH;
        packet_put16(l4 + 14, UINT16_MAX);
    }
}

void
template_init(struct template *t, const struct pktgen_spec *spec,
              const uint8_t src[6])
{
    uint32_t at = 12;

    memset(t, 0, sizeof *t);
    t->head_bytes = pktgen_spec_head_bytes(spec);
    t->payload_bytes = spec->frame_bytes - t->head_bytes;
    t->n_flows = spec->n_flows;
    t->vary = spec->vary;
    t->csum = spec->csum;
    if (t->payload_bytes > spec->gso_bytes) {
        t->gso_bytes = spec->gso_bytes;
    }

    memcpy(t->head, spec->dst, 6);
    memcpy(t->head + 6, src, 6);
    if (spec->vlan) {
        packet_put16(t->head + at, TYPE_VLAN);
        packet_put16(t->head + at + 2, spec->vlan);
        at += 4;
    }
    packet_put16(t->head + at, ip_type(spec));
    at += 2;
    if (spec->type != PKTGEN_RAW) {
        uint32_t l4 = at + (spec->ipv6 ? 40 : 20);

        build_ip(spec, t->head + at, spec->frame_bytes - at);
        build_l4(spec, t->head + l4, spec->frame_bytes - l4);
    }
    packet_parse(t->head, t->head_bytes, &t->packet);
}

bool
template_offload(const struct template *t, const struct offload_set *takes,
                 struct frame_offload *o)
{
    bool ipv4 = t->packet.ip == 4;
    bool takes_blank = ipv4 ? takes->csum4 : takes->csum6;

    *o = (struct frame_offload) { .gso_bytes = t->gso_bytes };
    o->csum_blank = t->csum == PKTGEN_CSUM_BLANK && takes_blank;
    o->data_validated = o->csum_blank;
    if (o->gso_bytes) {
        o->gso_type = ipv4 ? XEN_NETIF_GSO_TYPE_TCPV4
                           : XEN_NETIF_GSO_TYPE_TCPV6;
        return ipv4 ? takes->gso4 : takes->gso6;
    }
    return true;
}

/* What belongs into the checksum's field. */
static uint16_t
l4_checksum(const struct template *t, const uint8_t *head,
            const uint8_t probe[PROBE_BYTES], const uint8_t *payload,
            bool blank)
{
    const struct packet *p = &t->packet;
    uint32_t l4_bytes = t->head_bytes - p->l4;
    uint64_t sum = checksum_pseudo(head, p, l4_bytes + t->payload_bytes);

    if (blank) {
        return checksum_fold(sum);
    }
    sum = checksum_add(sum, head + p->l4, l4_bytes);
    sum = checksum_add(sum, probe, PROBE_BYTES);
    sum = checksum_add(sum, payload + PROBE_BYTES,
                       t->payload_bytes - PROBE_BYTES);
    return checksum_finish(sum, p);
}

void
template_write(const struct template *t, const struct probe *probe,
               const struct frame_offload *offload, const struct iovec *iov,
               uint32_t n)
{
    const struct packet *p = &t->packet;
    uint64_t position = pattern_datagram(probe->sequence);
    uint8_t head[TEMPLATE_HEAD_BYTES];
    uint8_t mark[PROBE_BYTES];

    memcpy(head, t->head, sizeof head);
    vary_write(t->vary, t->n_flows, probe->sequence, head, p);
    if (p->l4 && p->protocol == PACKET_TCP) {
        position = probe->sequence / t->n_flows * t->payload_bytes;
        packet_put32(head + p->l4 + 4, position);
    }

    const uint8_t *payload = pattern_at(position);
    probe_encode(probe, mark);
    if (p->l4 && t->csum != PKTGEN_CSUM_NONE) {
        uint16_t sum = l4_checksum(t, head, mark, payload,
                                   offload->csum_blank);
        memcpy(head + packet_checksum_at(p), &sum, sizeof sum);
    }
    packet_scatter(iov, n, 0, head, t->head_bytes);
    packet_scatter(iov, n, t->head_bytes, mark, sizeof mark);
    packet_scatter(iov, n, t->head_bytes + sizeof mark,
                   payload + sizeof mark, t->payload_bytes - sizeof mark);
}
