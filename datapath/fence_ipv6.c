#include "datapath/fence_ipv6.h"

#include <string.h>

#define IPV6_BYTES 40u
#define IPV6_EXTENSIONS_MAX 16u         /* An honest host sends 3 or 4. */
#define HOP_BY_HOP 0u
#define ROUTING 43u
#define FRAGMENT 44u
#define AUTHENTICATION 51u
#define ICMPV6 58u
#define DESTINATION 60u
#define MOBILITY 135u
#define HIP 139u
#define SHIM6 140u

#define MLD_REPORT 131u
#define MLD_DONE 132u
#define ND_ROUTER_SOLICIT 133u
#define ND_ROUTER_ADVERT 134u
#define ND_NEIGHBOR_SOLICIT 135u
#define ND_NEIGHBOR_ADVERT 136u
#define ND_REDIRECT 137u
#define MLD2_REPORT 143u
#define ND_OPTION_SOURCE_MAC 1u
#define ND_OPTION_TARGET_MAC 2u
#define ND_TARGET_OFFSET 8u

static const uint8_t unspecified[16];

static bool
is_own_link_local(const struct fence *fence, const uint8_t ip[16])
{
    const uint8_t *mac = fence->mac;
    const uint8_t own[16] = {
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe,
        mac[3], mac[4], mac[5],
    };

    return !memcmp(ip, own, 16);
}

static bool
owns_ipv6(const struct fence *fence, const uint8_t ip[16])
{
    uint64_t half[2];

    memcpy(half, ip, 16);
    for (unsigned int i = 0; i < fence->n_addresses; i++) {
        const struct fence_address *a = &fence->addresses[i];
        uint64_t bytes[2], mask[2];

        memcpy(bytes, a->bytes, 16);
        memcpy(mask, a->mask, 16);
        if (a->v6 && !((half[0] ^ bytes[0]) & mask[0])
            && !((half[1] ^ bytes[1]) & mask[1])) {
            return true;
        }
    }
    return is_own_link_local(fence, ip);
}

/* What an IPv6 packet carries, as far as the fence must know it. */
enum payload {
    PAYLOAD_ICMPV6,                     /* In one piece, type readable. */
    PAYLOAD_OTHER,
    PAYLOAD_UNKNOWN,                    /* Cut, endless or in pieces. */
};

/* Walks the extension headers of 'ip', at least IPV6_BYTES long, and sets
 * '*icmp' to what is behind them if that is ICMPv6.  ND in
 * fragments, which RFC 6980 forbids, is PAYLOAD_UNKNOWN in the first of them;
 * the others, PAYLOAD_OTHER, are of no use without it. */
static enum payload
ipv6_payload(struct fence_span ip, struct fence_span *icmp)
{
    uint32_t payload_bytes = fence_get_be16(ip.data + 4);
    uint8_t next = ip.data[6];
    struct fence_span rest = fence_skip(ip, IPV6_BYTES);
    bool fragment = false;

    if (payload_bytes > rest.bytes) {
        return PAYLOAD_UNKNOWN;
    }
    rest.bytes = payload_bytes;

    for (unsigned int n = 0; n <= IPV6_EXTENSIONS_MAX; n++) {
        uint32_t header_bytes;

        switch (next) {
        case HOP_BY_HOP:
        case ROUTING:
        case DESTINATION:
        case MOBILITY:
        case HIP:
        case SHIM6:
        case FRAGMENT:
        case AUTHENTICATION:
            if (rest.bytes < 8) {
                return PAYLOAD_UNKNOWN;
            }
            break;
        case ICMPV6:
            if (!rest.bytes) {
                return PAYLOAD_UNKNOWN;
            }
            *icmp = rest;
            return (fragment && rest.data[0] >= ND_ROUTER_SOLICIT
                    && rest.data[0] <= ND_REDIRECT
                    ? PAYLOAD_UNKNOWN : PAYLOAD_ICMPV6);
        default:
            return PAYLOAD_OTHER;
        }

        if (next == FRAGMENT) {
            if (fence_get_be16(rest.data + 2) & 0xfff8) {
                return PAYLOAD_OTHER;
            }
            fragment = true;
            header_bytes = 8;
        } else if (next == AUTHENTICATION) {
            header_bytes = (rest.data[1] + 2u) * 4;
        } else {
            header_bytes = (rest.data[1] + 1u) * 8;
        }
        next = rest.data[0];
        if (header_bytes > rest.bytes) {
            return PAYLOAD_UNKNOWN;
        }
        rest = fence_skip(rest, header_bytes);
    }
    return PAYLOAD_UNKNOWN;
}

/* Returns how many bytes precede the options of ND message 'type', 0 if it is
 * no ND message. */
static uint32_t
nd_fixed_bytes(uint8_t type)
{
    switch (type) {
    case ND_ROUTER_SOLICIT:
        return 8;
    case ND_ROUTER_ADVERT:
        return 16;
    case ND_NEIGHBOR_SOLICIT:
    case ND_NEIGHBOR_ADVERT:
        return 24;
    case ND_REDIRECT:
        return 40;
    default:
        return 0;
    }
}

/* Checks that each link-layer address in an ND message's options is the
 * VIF's, and sets '*named' if there is one. */
static bool
nd_options_are_own(const struct fence *fence, struct fence_span options,
                   bool *named)
{
    *named = false;
    while (options.bytes) {
        uint32_t bytes = options.bytes < 2 ? 0 : options.data[1] * 8u;

        if (!bytes || bytes > options.bytes) {
            return false;
        }
        if (options.data[0] == ND_OPTION_SOURCE_MAC
            || options.data[0] == ND_OPTION_TARGET_MAC) {
            if (bytes != 8 || memcmp(options.data + 2, fence->mac, 6)) {
                return false;
            }
            *named = true;
        }
        options = fence_skip(options, bytes);
    }
    return true;
}

/* Says whether an ND message from 'source' claims only what is the VIF's:
 * the source and each link-layer address; the target of an advertisement, of
 * a search for duplicates, and of a redirect that gives the target's MAC. */
static bool
nd_is_own(const struct fence *fence, const uint8_t source[16],
          struct fence_span icmp)
{
    uint8_t type = icmp.data[0];
    uint32_t fixed_bytes = nd_fixed_bytes(type);
    bool nobody = !memcmp(source, unspecified, 16);
    bool named;

    if (!fixed_bytes) {
        return true;
    }
    if (icmp.bytes < fixed_bytes
        || !nd_options_are_own(fence, fence_skip(icmp, fixed_bytes), &named)) {
        return false;
    }

    if (nobody ? named || (type != ND_NEIGHBOR_SOLICIT
                           && type != ND_ROUTER_SOLICIT)
        : !owns_ipv6(fence, source)) {
        return false;
    }

    bool claims_target = (type == ND_NEIGHBOR_ADVERT
                          || (type == ND_NEIGHBOR_SOLICIT && nobody)
                          || (type == ND_REDIRECT && named));
    return (!claims_target
            || owns_ipv6(fence, icmp.data + ND_TARGET_OFFSET));
}

/* Without an address a host may look for duplicates of the one it wants, and
 * on the way there join groups (RFC 3590) and ask for routers. */
static bool
may_come_from_nobody(uint8_t type)
{
    return (type == ND_NEIGHBOR_SOLICIT || type == ND_ROUTER_SOLICIT
            || type == MLD_REPORT || type == MLD_DONE
            || type == MLD2_REPORT);
}

enum vif_drop
fence_judge_ipv6(const struct fence *fence, struct fence_span ip)
{
    if (ip.bytes < IPV6_BYTES || ip.data[0] >> 4 != 6) {
        return (fence->check_ip ? VIF_DROP_TX_SPOOF_IP
                : fence->check_arp ? VIF_DROP_TX_SPOOF_ARP
                : VIF_N_DROPS);
    }

    const uint8_t *source = ip.data + 8;
    bool nobody = fence->check_ip && !memcmp(source, unspecified, 16);
    if (fence->check_ip && !nobody && !owns_ipv6(fence, source)) {
        return VIF_DROP_TX_SPOOF_IP;
    }
    if (!nobody && !fence->check_arp) {
        return VIF_N_DROPS;
    }

    struct fence_span icmp;
    enum payload payload = ipv6_payload(ip, &icmp);
    if (nobody && (payload != PAYLOAD_ICMPV6
                   || !may_come_from_nobody(icmp.data[0]))) {
        return VIF_DROP_TX_SPOOF_IP;
    }
    if (fence->check_arp
        && (payload == PAYLOAD_UNKNOWN
            || (payload == PAYLOAD_ICMPV6
                && !nd_is_own(fence, source, icmp)))) {
        return VIF_DROP_TX_SPOOF_ARP;
    }
    return VIF_N_DROPS;
}

