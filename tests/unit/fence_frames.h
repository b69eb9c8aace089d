/* Frames for the tests of the fence: made of text, judged behind 0, 1 and 2
 * VLAN tags.  Included once by each test program. */

#ifndef TESTS_UNIT_FENCE_FRAMES_H
#define TESTS_UNIT_FENCE_FRAMES_H 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/fence.h"

#define ARRAY_SIZE(A) (sizeof(A) / sizeof((A)[0]))

#define OWN_MAC "\x00\x16\x3e\x00\x00\x01"
#define OTHER_MAC "\x00\x16\x3e\x00\x00\x02"
#define OWN_LINK_LOCAL "fe80::216:3eff:fe00:1"

#define PASS VIF_N_DROPS
#define MAC VIF_DROP_TX_SPOOF_MAC
#define ARP VIF_DROP_TX_SPOOF_ARP
#define IP VIF_DROP_TX_SPOOF_IP

/* A frame that grows at its end. */
struct frame {
    uint8_t data[512];
    uint32_t bytes;
};

static inline void
add(struct frame *frame, const void *data, uint32_t bytes)
{
    assert_true(frame->bytes + bytes <= sizeof frame->data);
    memcpy(frame->data + frame->bytes, data, bytes);
    frame->bytes += bytes;
}

static inline void
add_zeros(struct frame *frame, uint32_t bytes)
{
    assert_true(frame->bytes + bytes <= sizeof frame->data);
    memset(frame->data + frame->bytes, 0, bytes);
    frame->bytes += bytes;
}

static inline void
add_u8(struct frame *frame, uint8_t value)
{
    add(frame, &value, 1);
}

static inline void
add_be16(struct frame *frame, uint16_t value)
{
    add_u8(frame, value >> 8);
    add_u8(frame, value);
}

static inline void
add_ipv4(struct frame *frame, const char *text)
{
    uint8_t ip[4];

    assert_int_equal(inet_pton(AF_INET, text, ip), 1);
    add(frame, ip, 4);
}

static inline void
add_ipv6(struct frame *frame, const char *text)
{
    uint8_t ip[16];

    assert_int_equal(inet_pton(AF_INET6, text, ip), 1);
    add(frame, ip, 16);
}

static inline struct frame
ethernet(const char *source_mac, uint16_t type)
{
    struct frame frame = { .bytes = 0 };

    add(&frame, "\xff\xff\xff\xff\xff\xff", 6);
    add(&frame, source_mac, 6);
    add_be16(&frame, type);
    return frame;
}

static inline struct frame
arp(uint16_t type, uint16_t op, const char *sender_mac,
    const char *sender_ip)
{
    struct frame frame = ethernet(OWN_MAC, type);

    add(&frame, "\0\1\x08\0\6\4", 6);
    add_be16(&frame, op);
    add(&frame, sender_mac, 6);
    add_ipv4(&frame, sender_ip);
    add(&frame, OTHER_MAC, 6);
    add_ipv4(&frame, "10.0.0.99");
    return frame;
}

static inline struct frame
ipv4(const char *source, const char *destination, uint8_t protocol)
{
    struct frame frame = ethernet(OWN_MAC, 0x0800);

    add(&frame, "\x45\0\0\x1c\0\0\0\0\x40", 9);
    add_u8(&frame, protocol);
    add_be16(&frame, 0);
    add_ipv4(&frame, source);
    add_ipv4(&frame, destination);
    return frame;
}

static inline struct frame
dhcp(const char *source, const char *destination, uint16_t from, uint16_t to)
{
    struct frame frame = ipv4(source, destination, 17);

    add_be16(&frame, from);
    add_be16(&frame, to);
    add_zeros(&frame, 4);
    return frame;
}

static inline struct frame
ipv6(const char *source, uint8_t next)
{
    struct frame frame = ethernet(OWN_MAC, 0x86dd);

    add(&frame, "\x60\0\0\0\0\0", 6);
    add_u8(&frame, next);
    add_u8(&frame, 255);
    add_ipv6(&frame, source);
    add_ipv6(&frame, "ff02::1");
    return frame;
}

/* Sets the payload length of the IPv6 packet at the frame's start. */
static inline struct frame
end_ipv6(struct frame frame)
{
    frame.data[18] = (frame.bytes - 54) >> 8;
    frame.data[19] = frame.bytes - 54;
    return frame;
}

static inline void
add_nd(struct frame *frame, uint8_t type, const char *target,
       uint8_t option, const char *option_mac)
{
    add_u8(frame, type);
    add_zeros(frame, 7);
    if (type == 134) {
        add_zeros(frame, 8);
    } else if (type != 133) {
        add_ipv6(frame, target);
    }
    if (type == 137) {
        add_ipv6(frame, "2001:db8:9::9");
    }
    if (option) {
        add_u8(frame, option);
        add_u8(frame, 1);
        add(frame, option_mac, 6);
    }
}

static inline struct frame
nd(const char *source, uint8_t type, const char *target, uint8_t option,
   const char *option_mac)
{
    struct frame frame = ipv6(source, 58);

    add_nd(&frame, type, target, option, option_mac);
    return end_ipv6(frame);
}

/* Puts a tag behind the frame's MAC addresses. */
static inline struct frame
tagged(struct frame frame, uint16_t tpid)
{
    memmove(frame.data + 16, frame.data + 12, frame.bytes - 12);
    frame.data[12] = tpid >> 8;
    frame.data[13] = tpid;
    frame.data[14] = 0;
    frame.data[15] = 7;
    frame.bytes += 4;
    return frame;
}

static inline struct fence
fence_of(const char *checks, const char *addresses)
{
    char error[FENCE_ERROR_BYTES];
    struct fence fence;

    assert_true(fence_parse(checks, "00:16:3e:00:00:01", addresses, &fence,
                            error));
    return fence;
}

static inline struct fence
full_fence(void)
{
    return fence_of("mac arp ip",
                    "10.0.0.1 192.168.0.0/16 2001:db8::5 2001:db8:1::/48");
}

/* Judges a copy that ends where its memory ends, for AddressSanitizer. */
static inline enum vif_drop
judge_cut(const struct fence *fence, const struct frame *frame,
          uint32_t bytes)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    enum vif_drop verdict;

    assert_non_null(copy);
    memcpy(copy, frame->data, bytes);
    verdict = fence_judge(fence, copy, bytes);
    free(copy);
    return verdict;
}

static inline enum vif_drop
judge(const struct fence *fence, struct frame frame)
{
    return judge_cut(fence, &frame, frame.bytes);
}

/* Judges 'frame' as it is and behind one tag and two. */
static inline void
expect(struct fence fence, struct frame frame, enum vif_drop verdict)
{
    struct frame once = tagged(frame, 0x8100);
    struct frame twice = tagged(once, 0x88a8);

    assert_int_equal(judge(&fence, frame), verdict);
    assert_int_equal(judge(&fence, once), verdict);
    assert_int_equal(judge(&fence, twice), verdict);
}

#endif /* tests/unit/fence_frames.h */
