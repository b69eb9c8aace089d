#include "datapath/wakeup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_FRAMES_MAX 64

int
wakeup_open(const char *iface)
{
    struct sock_filter one_byte[] = { BPF_STMT(BPF_RET | BPF_K, 1) };
    struct sock_fprog filter = { 1, one_byte };
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(iface),
    };
    int on = 1, few_bytes = 1;

    if (!address.sll_ifindex) {
        return -errno;
    }

    /* Protocol 0: deaf until it is bound. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }

    /* The kernel rounds the buffer up to its least. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few_bytes, sizeof few_bytes);
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter)
        || bind(fd, (struct sockaddr *) &address, sizeof address)) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

void
wakeup_drain(int fd)
{
    char byte;

    for (int i = 0; i < DRAIN_FRAMES_MAX; i++) {
        if (recv(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) < 0) {
            break;
        }
    }
}
