/* A tap interface of the kernel, possibly in another network namespace.
 *
 * Thread: the guest's only one (a thread's namespace is switched and
 *         switched back during tap_device_open()).
 * Owner:  tap_device_close() ends the interface.
 * Errors: 0 or -errno. */

#ifndef GUEST_TAP_DEVICE_H
#define GUEST_TAP_DEVICE_H 1

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct tap_device {
    int fd;                             /* Reads and writes frames. */
    int control;                        /* A socket in its namespace. */
    int control6;                       /* -1 where there is no IPv6. */
    char name[IFNAMSIZ];
};

/* 'netns': null, a name of ip-netns(8), or a path.  A struct virtio_net_hdr
 * comes before each frame.  Until tap_device_set_offload() the kernel
 * completes every checksum and cuts every segment.  On failure '*error' is a
 * sentence for a person, which the caller frees. */
int tap_device_open(struct tap_device *, const char *name, const char *netns,
                    char **error);
void tap_device_close(struct tap_device *);

int tap_device_set_mac(struct tap_device *, const uint8_t mac[6]);
int tap_device_set_mtu(struct tap_device *, uint32_t mtu);
int tap_device_get_mtu(const struct tap_device *, uint32_t *mtu);
int tap_device_set_queue_len(struct tap_device *, uint32_t frames);
int tap_device_set_up(struct tap_device *);
int tap_device_set_carrier(struct tap_device *, bool carrier);

/* What the kernel may leave to us. */
int tap_device_set_offload(struct tap_device *, bool csum, bool tso4,
                           bool tso6);

/* "192.0.2.1/24" or "2001:db8::1/64"; -EINVAL if it is neither. */
int tap_device_add_address(struct tap_device *, const char *cidr);

#endif /* tap_device.h */
