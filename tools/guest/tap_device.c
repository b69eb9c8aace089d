#include <config.h>
#include "tools/guest/tap_device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if_arp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define NETNS_DIR "/run/netns/"

#ifndef TUNSETCARRIER
#define TUNSETCARRIER _IOW('T', 226, int)
#endif

/* Opens the interface and its control sockets in the current namespace. */
static int
open_here(struct tap_device *tap, char **error)
{
    struct ifreq ifr = {
        .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL | IFF_VNET_HDR,
    };
    int err;

    tap->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (tap->control < 0) {
        err = -errno;
        *error = xasprintf("cannot open a socket (%s)", ovs_strerror(-err));
        return err;
    }
    tap->control6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0) {
        err = -errno;
        *error = xasprintf("/dev/net/tun: cannot open (%s); is the module "
                           "tun loaded, and are you root?",
                           ovs_strerror(-err));
        return err;
    }
    ovs_strlcpy(ifr.ifr_name, tap->name, sizeof ifr.ifr_name);
    if (ioctl(tap->fd, TUNSETIFF, &ifr)) {
        err = -errno;
        *error = xasprintf("%s: cannot create the tap device (%s)%s",
                           tap->name, ovs_strerror(-err),
                           err == -EBUSY || err == -EEXIST
                           ? "; an interface of that name exists already"
                           : err == -EPERM ? "; are you root?" : "");
        return err;
    }
    err = tap_device_set_offload(tap, false, false, false);
    if (err) {
        *error = xasprintf("%s: cannot turn off its offloads (%s)",
                           tap->name, ovs_strerror(-err));
        return err;
    }
    return 0;
}

/* Enters the namespace 'netns'.  '*back' is what leads back. */
static int
netns_enter(const char *netns, int *back, char **error)
{
    char *path = strchr(netns, '/') ? xstrdup(netns)
                                    : xasprintf(NETNS_DIR "%s", netns);
    int err = 0;
    int fd = -1;

    *back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (*back >= 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0 || setns(fd, CLONE_NEWNET)) {
        err = -errno;
        *error = xasprintf("%s: cannot enter the network namespace (%s)",
                           path, ovs_strerror(-err));
        if (*back >= 0) {
            close(*back);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return err;
}

int
tap_device_open(struct tap_device *tap, const char *name, const char *netns,
                char **error)
{
    int back = -1;
    int err;

    *tap = (struct tap_device) { .fd = -1, .control = -1, .control6 = -1 };
    if (strlen(name) >= sizeof tap->name) {
        *error = xasprintf("%s: an interface's name has at most %d "
                           "characters", name, IFNAMSIZ - 1);
        return -EINVAL;
    }
    ovs_strlcpy(tap->name, name, sizeof tap->name);

    if (netns) {
        err = netns_enter(netns, &back, error);
        if (err) {
            return err;
        }
    }
    err = open_here(tap, error);
    if (back >= 0) {
        if (setns(back, CLONE_NEWNET) && !err) {
            err = -errno;
            *error = xasprintf("cannot leave the network namespace %s (%s)",
                               netns, ovs_strerror(-err));
        }
        close(back);
    }
    if (err) {
        tap_device_close(tap);
    }
    return err;
}

void
tap_device_close(struct tap_device *tap)
{
    int *const fds[] = { &tap->fd, &tap->control, &tap->control6 };

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        if (*fds[i] >= 0) {
            close(*fds[i]);
            *fds[i] = -1;
        }
    }
}

static int
ifreq_do(const struct tap_device *tap, unsigned long op, struct ifreq *ifr)
{
    ovs_strlcpy(ifr->ifr_name, tap->name, sizeof ifr->ifr_name);
    return ioctl(tap->control, op, ifr) ? -errno : 0;
}

int
tap_device_set_mac(struct tap_device *tap, const uint8_t mac[6])
{
    struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

    memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
    return ifreq_do(tap, SIOCSIFHWADDR, &ifr);
}

int
tap_device_set_mtu(struct tap_device *tap, uint32_t mtu)
{
    struct ifreq ifr = { .ifr_mtu = mtu };

    return ifreq_do(tap, SIOCSIFMTU, &ifr);
}

int
tap_device_get_mtu(const struct tap_device *tap, uint32_t *mtu)
{
    struct ifreq ifr = { .ifr_mtu = 0 };

    int error = ifreq_do(tap, SIOCGIFMTU, &ifr);
    if (!error) {
        *mtu = ifr.ifr_mtu;
    }
    return error;
}

int
tap_device_set_queue_len(struct tap_device *tap, uint32_t frames)
{
    struct ifreq ifr = { .ifr_qlen = frames };

    return ifreq_do(tap, SIOCSIFTXQLEN, &ifr);
}

int
tap_device_set_up(struct tap_device *tap)
{
    struct ifreq ifr = { .ifr_flags = 0 };

    int error = ifreq_do(tap, SIOCGIFFLAGS, &ifr);
    if (!error && !(ifr.ifr_flags & IFF_UP)) {
        ifr.ifr_flags |= IFF_UP;
        error = ifreq_do(tap, SIOCSIFFLAGS, &ifr);
    }
    return error;
}

int
tap_device_set_carrier(struct tap_device *tap, bool carrier)
{
    int on = carrier;

    return ioctl(tap->fd, TUNSETCARRIER, &on) ? -errno : 0;
}

int
tap_device_set_offload(struct tap_device *tap, bool csum, bool tso4,
                       bool tso6)
{
    unsigned long bits = (csum ? TUN_F_CSUM : 0) | (tso4 ? TUN_F_TSO4 : 0)
                         | (tso6 ? TUN_F_TSO6 : 0);

    return ioctl(tap->fd, TUNSETOFFLOAD, bits) ? -errno : 0;
}

static int
add_ipv4(struct tap_device *tap, struct in_addr address, unsigned int plen)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = address };
    struct ifreq ifr;

    memset(&ifr, 0, sizeof ifr);
    memcpy(&ifr.ifr_addr, &sin, sizeof sin);
    int error = ifreq_do(tap, SIOCSIFADDR, &ifr);
    if (error) {
        return error;
    }

    sin.sin_addr.s_addr = htonl(plen ? UINT32_MAX << (32 - plen) : 0);
    memset(&ifr, 0, sizeof ifr);
    memcpy(&ifr.ifr_netmask, &sin, sizeof sin);
    return ifreq_do(tap, SIOCSIFNETMASK, &ifr);
}

static int
add_ipv6(struct tap_device *tap, struct in6_addr address, unsigned int plen)
{
    struct ifreq ifr;

    memset(&ifr, 0, sizeof ifr);
    int error = ifreq_do(tap, SIOCGIFINDEX, &ifr);
    if (error) {
        return error;
    }
    if (tap->control6 < 0) {
        return -EAFNOSUPPORT;
    }

    struct in6_ifreq ifr6 = {
        .ifr6_addr = address,
        .ifr6_prefixlen = plen,
        .ifr6_ifindex = ifr.ifr_ifindex,
    };
    return ioctl(tap->control6, SIOCSIFADDR, &ifr6) ? -errno : 0;
}

int
tap_device_add_address(struct tap_device *tap, const char *cidr)
{
    char *address = xstrdup(cidr);
    char *slash = strchr(address, '/');
    struct in_addr in4;
    struct in6_addr in6;
    unsigned int plen;
    int error = -EINVAL;

    if (slash) {
        *slash = '\0';
    }
    if (!slash || !str_to_uint(slash + 1, 10, &plen)) {
        /* Falls through to -EINVAL. */
    } else if (inet_pton(AF_INET, address, &in4) == 1 && plen <= 32) {
        error = add_ipv4(tap, in4, plen);
    } else if (inet_pton(AF_INET6, address, &in6) == 1 && plen <= 128) {
        error = add_ipv6(tap, in6, plen);
    }
    free(address);
    return error;
}
