#include <config.h>

#include "tenants/parse.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "ovsdb-schema/netdom-idl.h"
#include "packets.h"
#include "socket-util.h"
#include "tenants/parse_limits.h"
#include "util.h"

#define DEFAULT_OPENFLOW_PORT 6653

static char *
check_mac(const char *text, struct eth_addr *mac)
{
    if (!eth_addr_from_string(text, mac)) {
        return xasprintf("mac \"%s\" is not a MAC address: write it as "
                         "02:00:00:00:00:01", text);
    }
    if (eth_addr_is_multicast(*mac) || eth_addr_is_zero(*mac)) {
        return xasprintf("mac \"%s\" cannot be a guest's: its first byte "
                         "must be even, and not all may be 0", text);
    }
    return NULL;
}

/* True for "10.0.0.1", "10.0.0.0/24", "2001:db8::1", "2001:db8::/64". */
static bool
address_ok(const char *text)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    size_t n = strcspn(text, "/");
    int family = memchr(text, ':', n) ? AF_INET6 : AF_INET;
    int plen_max = family == AF_INET6 ? 128 : 32;
    int plen = 0;

    if (n >= sizeof host) {
        return false;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    if (text[n]) {
        const char *digits = text + n + 1;

        if (!*digits || strspn(digits, "0123456789") != strlen(digits)
            || strlen(digits) > 3) {
            return false;
        }
        plen = atoi(digits);
    }
    return inet_pton(family, host, &ip) == 1 && plen <= plen_max;
}

static char *
check_addresses(const struct ndrec_vif *row)
{
    for (size_t i = 0; i < row->n_addresses; i++) {
        const char *text = row->addresses[i];

        if (!address_ok(text)) {
            return xasprintf("address \"%s\" is neither an IPv4 nor an IPv6 "
                             "address, nor a prefix such as 10.0.0.0/24",
                             text);
        }
    }
    return NULL;
}

static char *
check_guest(const char *guest)
{
    for (const char *p = guest; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f || *p == '/') {
            return xasprintf("the guest's name holds a character that no "
                             "domain's name has");
        }
    }
    if (!strncmp(guest, "netdom-", 7)) {
        return xasprintf("guest \"%s\" is a tenant's own domain: give the "
                         "name of a guest", guest);
    }
    return NULL;
}

static char *
join(char *const words[], size_t n)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&ds, "%s%s", i ? " " : "", words[i]);
    }
    return ds_steal_cstr(&ds);
}

char *
parse_vif(const struct ndrec_vif *row, struct want_vif *vif)
{
    struct limits limits;
    struct eth_addr mac;
    char *error = check_guest(row->guest);

    if (!error) {
        error = check_mac(row->mac, &mac);
    }
    if (!error) {
        error = check_addresses(row);
    }
    if (!error) {
        error = parse_vif_limits(row, &limits);
    }
    if (!error && row->n_vlan_tag && row->n_vlan_trunks) {
        error = xasprintf("vlan_tag and vlan_trunks exclude each other: "
                          "clear one");
    }
    if (error) {
        return error;
    }

    memset(vif, 0, sizeof *vif);
    vif->row = row->header_.uuid;
    vif->name = xstrdup(row->name);
    vif->guest = xstrdup(row->guest);
    vif->devid = row->devid;
    vif->mac = xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));
    vif->mtu_set = row->n_mtu != 0;
    vif->mtu = row->n_mtu ? *row->mtu : MTU_DEFAULT;
    vif->queues = row->n_queues ? *row->queues : 0;
    vif->vlan_tag = row->n_vlan_tag ? *row->vlan_tag : -1;
    vif->n_trunks = row->n_vlan_trunks;
    if (vif->n_trunks) {
        vif->trunks = xmemdup(row->vlan_trunks,
                              vif->n_trunks * sizeof *vif->trunks);
    }
    vif->limits = limits;
    vif->group = row->group ? xstrdup(row->group->name) : NULL;
    vif->anti_spoof = join(row->anti_spoof, row->n_anti_spoof);
    vif->addresses = join(row->addresses, row->n_addresses);
    vif->releases = row->releases;
    return NULL;
}

/* Writes socat's form of "IP[:PORT]".  The text goes no further than the
 * parser: what socat gets is made from the parsed address. */
static char *
relay_address(const char *target)
{
    struct sockaddr_storage ss;
    struct ds ip = DS_EMPTY_INITIALIZER;

    if (!inet_parse_active(target, DEFAULT_OPENFLOW_PORT, &ss, false, NULL)) {
        return NULL;
    }
    ss_format_address(&ss, &ip);

    char *relay = xasprintf("TCP%s:%s:%"PRIu16,
                            ss.ss_family == AF_INET6 ? "6" : "4",
                            ds_cstr(&ip), ss_get_port(&ss));
    ds_destroy(&ip);
    return relay;
}

char *
parse_controller(const struct ndrec_openflow_controller *row,
                 struct want_controller *controller)
{
    const char *target = row->target;
    char *relay = NULL;

    if (!strncmp(target, "tcp:", 4)) {
        relay = relay_address(target + 4);
        if (!relay) {
            return xasprintf("target \"%s\": write tcp:IP:PORT, the IP as "
                             "numbers", target);
        }
    } else if (!strncmp(target, "ssl:", 4)) {
        return xasprintf("target \"%s\": the tenant's domain has no key for "
                         "TLS yet; use tcp:IP:PORT or unix:PATH", target);
    } else if (strncmp(target, "unix:", 5) || !target[5]) {
        return xasprintf("target \"%s\" cannot be reached from the tenant's "
                         "domain: use tcp:IP:PORT or unix:PATH", target);
    }

    controller->row = row->header_.uuid;
    controller->target = xstrdup(target);
    controller->relay = relay;
    return NULL;
}
