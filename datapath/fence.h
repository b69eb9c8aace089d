/* Anti-spoofing: what a VIF may claim to be.  Checked below OpenFlow, on our
 * private copy of each frame that the guest sent, so no rule of a tenant's
 * controller can lift it.
 *
 * Thread: fence_judge() any; a fence is constant once built.
 * Owner:  the caller's memory.
 * Errors: fence_parse() returns false and a sentence in 'error'.
 * Trust:  the frame is hostile, but private: it cannot change.
 *
 * Rules: the source MAC is the VIF's own; ARP's sender is that MAC and one of
 * the VIF's addresses (or 0.0.0.0, RFC 5227 probes); IPv4 and IPv6 sources
 * are among the VIF's addresses (or :: for DAD and 0.0.0.0 for DHCP, and
 * link-local derived from the MAC for IPv6); ND's target and link-layer
 * options likewise (RFC 4861).  A frame with up to two VLAN tags is judged
 * behind them.  An address is a host or a prefix: "10.0.0.1",
 * "10.0.0.0/24", "2001:db8::/64". */

#ifndef DATAPATH_FENCE_H
#define DATAPATH_FENCE_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_stats.h"

#define FENCE_ADDRESSES_MAX 32
#define FENCE_ERROR_BYTES 160

struct fence_address {
    uint8_t bytes[16];                  /* Network order; IPv4 in 4 bytes. */
    uint8_t mask[16];
    bool v6;
};

struct fence {
    bool check_mac, check_arp, check_ip;
    uint8_t mac[6];
    unsigned int n_addresses;
    struct fence_address addresses[FENCE_ADDRESSES_MAX];
};

/* Builds '*fence' from text: 'checks' is a list of "mac", "arp", "ip"
 * separated by spaces (empty: none), 'mac' is "aa:bb:cc:dd:ee:ff",
 * 'addresses' a list separated by spaces.  "arp" and "ip" with no address
 * refuse all but probes and link-local. */
bool fence_parse(const char *checks, const char *mac, const char *addresses,
                 struct fence *fence, char error[FENCE_ERROR_BYTES]);

/* Returns VIF_N_DROPS if the frame may pass, otherwise the reason for which
 * it is dropped.  Pure.  Reads at most 'bytes' bytes. */
enum vif_drop fence_judge(const struct fence *fence, const uint8_t *frame,
                          uint32_t bytes);

#endif /* datapath/fence.h */
