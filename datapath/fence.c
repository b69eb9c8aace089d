#include "datapath/fence.h"

#include <string.h>

#include "datapath/fence_ipv6.h"

#define ETH_HEADER_BYTES 14u
#define ETH_TYPE_MIN 0x0600u            /* Below it: an 802.3 length. */
#define ETH_IP 0x0800u
#define ETH_ARP 0x0806u
#define ETH_RARP 0x8035u
#define ETH_IPV6 0x86ddu
#define ETH_VLAN 0x8100u
#define ETH_QINQ 0x88a8u
#define VLAN_TAG_BYTES 4u
#define VLAN_TAGS_MAX 2u
#define SNAP_BYTES 8u                   /* LLC and SNAP header. */

#define ARP_BYTES 28u
#define ARP_REQUEST 1u
#define RARP_REQUEST 3u

#define IPV4_BYTES 20u
#define UDP_BYTES 8u
#define UDP 17u
#define DHCP_CLIENT_PORT 68u
#define DHCP_SERVER_PORT 67u

static const uint8_t unspecified[4];

static bool
owns_ipv4(const struct fence *fence, const uint8_t ip[4])
{
    for (unsigned int i = 0; i < fence->n_addresses; i++) {
        const struct fence_address *a = &fence->addresses[i];

        if (!a->v6
            && !((ip[0] ^ a->bytes[0]) & a->mask[0])
            && !((ip[1] ^ a->bytes[1]) & a->mask[1])
            && !((ip[2] ^ a->bytes[2]) & a->mask[2])
            && !((ip[3] ^ a->bytes[3]) & a->mask[3])) {
            return true;
        }
    }
    return false;
}

/* ARP and RARP, of which 'request' is the kind that an address-less host may
 * send. */
static enum vif_drop
judge_arp(const struct fence *fence, struct fence_span arp, uint16_t request)
{
    static const uint8_t ethernet_ipv4[6] = { 0, 1, 8, 0, 6, 4 };

    if (!fence->check_arp) {
        return VIF_N_DROPS;
    }
    if (arp.bytes < ARP_BYTES || memcmp(arp.data, ethernet_ipv4, 6)
        || memcmp(arp.data + 8, fence->mac, 6)) {
        return VIF_DROP_TX_SPOOF_ARP;
    }

    const uint8_t *sender = arp.data + 14;
    if (!memcmp(sender, unspecified, 4)) {
        return (fence_get_be16(arp.data + 6) == request
                ? VIF_N_DROPS : VIF_DROP_TX_SPOOF_ARP);
    }
    return owns_ipv4(fence, sender) ? VIF_N_DROPS : VIF_DROP_TX_SPOOF_ARP;
}

/* A client that has no address yet asks all DHCP servers, in one piece. */
static bool
is_dhcp_from_nobody(struct fence_span ip)
{
    static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
    uint32_t header_bytes = (ip.data[0] & 15) * 4u;

    if (memcmp(ip.data + 12, unspecified, 4)
        || memcmp(ip.data + 16, broadcast, 4)
        || ip.data[9] != UDP || fence_get_be16(ip.data + 6) & 0x3fff
        || header_bytes < IPV4_BYTES
        || ip.bytes < header_bytes + UDP_BYTES) {
        return false;
    }

    const uint8_t *udp = ip.data + header_bytes;
    return (fence_get_be16(udp) == DHCP_CLIENT_PORT
            && fence_get_be16(udp + 2) == DHCP_SERVER_PORT);
}

static enum vif_drop
judge_ipv4(const struct fence *fence, struct fence_span ip)
{
    if (!fence->check_ip) {
        return VIF_N_DROPS;
    }
    if (ip.bytes < IPV4_BYTES || ip.data[0] >> 4 != 4) {
        return VIF_DROP_TX_SPOOF_IP;
    }
    return (owns_ipv4(fence, ip.data + 12) || is_dhcp_from_nobody(ip)
            ? VIF_N_DROPS : VIF_DROP_TX_SPOOF_IP);
}

/* Moves '*span' and '*type' behind VLAN tags and an LLC/SNAP header.  Returns
 * false if what is inside cannot be known. */
static bool
skip_tags(struct fence_span *span, uint16_t *type)
{
    static const uint8_t snap[6] = { 0xaa, 0xaa, 3, 0, 0, 0 };

    for (unsigned int n = 0; *type == ETH_VLAN || *type == ETH_QINQ; n++) {
        if (n == VLAN_TAGS_MAX || span->bytes < VLAN_TAG_BYTES) {
            return false;
        }
        *type = fence_get_be16(span->data + 2);
        *span = fence_skip(*span, VLAN_TAG_BYTES);
    }
    if (*type < ETH_TYPE_MIN && span->bytes >= SNAP_BYTES
        && !memcmp(span->data, snap, 6)) {
        *type = fence_get_be16(span->data + 6);
        *span = fence_skip(*span, SNAP_BYTES);
        return *type != ETH_VLAN && *type != ETH_QINQ;
    }
    return true;
}

enum vif_drop
fence_judge(const struct fence *fence, const uint8_t *frame, uint32_t bytes)
{
    if (!fence->check_mac && !fence->check_arp && !fence->check_ip) {
        return VIF_N_DROPS;
    }
    if (bytes < ETH_HEADER_BYTES) {
        return VIF_DROP_TX_RUNT;
    }
    if (fence->check_mac && memcmp(frame + 6, fence->mac, 6)) {
        return VIF_DROP_TX_SPOOF_MAC;
    }
    if (!fence->check_arp && !fence->check_ip) {
        return VIF_N_DROPS;
    }

    struct fence_span rest
        = fence_skip((struct fence_span) { frame, bytes }, ETH_HEADER_BYTES);
    uint16_t type = fence_get_be16(frame + 12);
    if (!skip_tags(&rest, &type)) {
        return (fence->check_ip ? VIF_DROP_TX_SPOOF_IP
                : VIF_DROP_TX_SPOOF_ARP);
    }

    switch (type) {
    case ETH_ARP:
        return judge_arp(fence, rest, ARP_REQUEST);
    case ETH_RARP:
        return judge_arp(fence, rest, RARP_REQUEST);
    case ETH_IP:
        return judge_ipv4(fence, rest);
    case ETH_IPV6:
        return fence_judge_ipv6(fence, rest);
    default:
        return VIF_N_DROPS;
    }
}
