#include "tools/guest/probe.h"

#include "tools/guest/packet.h"

void
probe_encode(const struct probe *probe, uint8_t at[PROBE_BYTES])
{
    packet_put16(at, PROBE_MAGIC);
    packet_put16(at + 2, probe->generator);
    packet_put16(at + 4, probe->sequence >> 32);
    packet_put32(at + 6, probe->sequence);
    packet_put32(at + 10, probe->sent_ns >> 32);
    packet_put32(at + 14, probe->sent_ns);
}

uint32_t
probe_payload_at(const struct packet *p)
{
    return p->ip ? p->payload : p->type == PROBE_ETHERTYPE ? p->l3 : 0;
}

bool
probe_decode(const uint8_t *head, size_t bytes, const struct packet *packet,
             struct probe *probe)
{
    uint32_t at = probe_payload_at(packet);

    if (!at || bytes < at + PROBE_BYTES
        || packet_get16(head + at) != PROBE_MAGIC) {
        return false;
    }

    const uint8_t *p = head + at;
    *probe = (struct probe) {
        .generator = packet_get16(p + 2),
        .sequence = (uint64_t) packet_get16(p + 4) << 32
                    | packet_get32(p + 6),
        .sent_ns = (uint64_t) packet_get32(p + 10) << 32
                   | packet_get32(p + 14),
    };
    return true;
}
