#include "tests/unit/fence_frames.h"

static void
test_ipv6(void **state)
{
    struct fence fence = full_fence();

    expect(fence, end_ipv6(ipv6("2001:db8::5", 59)), PASS);
    expect(fence, end_ipv6(ipv6("2001:db8:1:ffff::9", 59)), PASS);
    expect(fence, end_ipv6(ipv6(OWN_LINK_LOCAL, 59)), PASS);
    expect(fence_of("ip", ""), end_ipv6(ipv6(OWN_LINK_LOCAL, 59)), PASS);
    expect(fence, end_ipv6(ipv6("2001:db8::6", 59)), IP);
    expect(fence, end_ipv6(ipv6("2001:db8:2::", 59)), IP);
    expect(fence, end_ipv6(ipv6("fe80::216:3eff:fe00:2", 59)), IP);
    expect(fence, end_ipv6(ipv6("fe80:0:0:1:216:3eff:fe00:1", 59)), IP);
    expect(fence, end_ipv6(ipv6("::1", 59)), IP);
    expect(fence, end_ipv6(ipv6("::ffff:10.0.0.1", 59)), IP);
    expect(fence_of("mac arp", ""), end_ipv6(ipv6("2001:db8::6", 59)), PASS);

    /* An IPv4 address is no IPv6 address. */
    expect(fence_of("ip", "0.0.0.0/0"), end_ipv6(ipv6("2001:db8::5", 59)),
           IP);
}

static void
test_ipv6_from_nobody(void **state)
{
    static const uint8_t types[] = { 131, 132, 133, 135, 143 };
    struct fence fence = fence_of("ip", "2001:db8::5");

    for (int type = 0; type < 256; type++) {
        struct frame frame = ipv6("::", 58);

        add_u8(&frame, type);
        add_zeros(&frame, 23);
        expect(fence, end_ipv6(frame),
               memchr(types, type, sizeof types) ? PASS : IP);
    }
    expect(fence, end_ipv6(ipv6("::", 17)), IP);
    expect(fence, end_ipv6(ipv6("::", 59)), IP);
}

/* What Linux sends first: MLDv2 from nobody, behind a router alert. */
static void
test_mld_report(void **state)
{
    struct frame frame = ipv6("::", 0);

    add(&frame, "\x3a\0\5\2\0\0\1\0", 8);
    add(&frame, "\x8f\0\0\0\0\0\0\1", 8);
    add(&frame, "\4\0\0\0", 4);
    add_ipv6(&frame, "ff02::1:ff00:1");
    expect(full_fence(), end_ipv6(frame), PASS);
}

static void
test_neighbor_solicit(void **state)
{
    struct fence fence = full_fence();
    const char *own = "2001:db8::5", *other = "2001:db8::6";

    expect(fence, nd(own, 135, other, 1, OWN_MAC), PASS);
    expect(fence, nd(own, 135, other, 0, NULL), PASS);
    expect(fence, nd(OWN_LINK_LOCAL, 135, other, 1, OWN_MAC), PASS);
    expect(fence, nd(own, 135, other, 1, OTHER_MAC), ARP);
    expect(fence, nd(own, 135, other, 2, OTHER_MAC), ARP);
    expect(fence, nd(other, 135, own, 1, OWN_MAC), IP);
    expect(fence_of("arp", own), nd(other, 135, own, 1, OWN_MAC), ARP);
    expect(fence_of("arp", own), nd(own, 135, other, 1, OWN_MAC), PASS);
}

static void
test_duplicate_search(void **state)
{
    struct fence fence = full_fence();

    expect(fence, nd("::", 135, "2001:db8::5", 0, NULL), PASS);
    expect(fence, nd("::", 135, OWN_LINK_LOCAL, 0, NULL), PASS);
    expect(fence, nd("::", 135, "2001:db8::6", 0, NULL), ARP);
    expect(fence, nd("::", 135, "2001:db8::5", 1, OWN_MAC), ARP);
    expect(fence, nd("::", 135, "fe80::1", 0, NULL), ARP);
    expect(fence_of("ip", ""), nd("::", 135, "fe80::1", 0, NULL), PASS);
    expect(fence_of("arp", ""), nd("::", 135, OWN_LINK_LOCAL, 0, NULL),
           PASS);

    /* A nonce, as in RFC 7527, is no address. */
    expect(fence, nd("::", 135, "2001:db8::5", 14, OTHER_MAC), PASS);
}

static void
test_neighbor_advert(void **state)
{
    struct fence fence = full_fence();
    const char *own = "2001:db8::5", *other = "2001:db8::6";

    expect(fence, nd(own, 136, own, 2, OWN_MAC), PASS);
    expect(fence, nd(OWN_LINK_LOCAL, 136, own, 2, OWN_MAC), PASS);
    expect(fence, nd(own, 136, own, 0, NULL), PASS);
    expect(fence, nd(own, 136, other, 2, OWN_MAC), ARP);
    expect(fence, nd(own, 136, other, 0, NULL), ARP);
    expect(fence, nd(own, 136, own, 2, OTHER_MAC), ARP);
    expect(fence, nd("::", 136, own, 2, OWN_MAC), IP);
    expect(fence_of("arp", own), nd("::", 136, own, 2, OWN_MAC), ARP);
    expect(fence_of("arp", own), nd(other, 136, own, 2, OWN_MAC), ARP);
    expect(fence_of("ip", own), nd(own, 136, other, 2, OTHER_MAC), PASS);
}

static void
test_router_messages(void **state)
{
    struct fence fence = full_fence();

    expect(fence, nd(OWN_LINK_LOCAL, 133, NULL, 1, OWN_MAC), PASS);
    expect(fence, nd(OWN_LINK_LOCAL, 133, NULL, 1, OTHER_MAC), ARP);
    expect(fence, nd("::", 133, NULL, 0, NULL), PASS);
    expect(fence, nd("::", 133, NULL, 1, OWN_MAC), ARP);
    expect(fence_of("arp", ""), nd("::", 134, NULL, 0, NULL), ARP);
    expect(fence, nd(OWN_LINK_LOCAL, 134, NULL, 1, OWN_MAC), PASS);
    expect(fence, nd(OWN_LINK_LOCAL, 134, NULL, 1, OTHER_MAC), ARP);
    expect(fence_of("arp", ""), nd("fe80::1", 134, NULL, 0, NULL), ARP);
}

static void
test_redirect(void **state)
{
    struct fence fence = full_fence();
    const char *own = "2001:db8::5", *other = "2001:db8::6";

    expect(fence, nd(own, 137, other, 0, NULL), PASS);
    expect(fence, nd(own, 137, own, 2, OWN_MAC), PASS);
    expect(fence, nd(own, 137, other, 2, OWN_MAC), ARP);
    expect(fence, nd(own, 137, other, 2, OTHER_MAC), ARP);
}

static void
test_nd_options(void **state)
{
    struct fence fence = full_fence();
    struct frame good = nd("2001:db8::5", 136, "2001:db8::5", 2, OWN_MAC);
    struct frame frame;

    /* A second one, forged, behind the good one. */
    frame = good;
    add(&frame, "\2\1" OTHER_MAC, 8);
    expect(fence, end_ipv6(frame), ARP);

    /* Behind another option. */
    frame = nd("2001:db8::5", 136, "2001:db8::5", 5, "\0\0\0\0\5\xdc");
    add(&frame, "\2\1" OTHER_MAC, 8);
    expect(fence, end_ipv6(frame), ARP);
    memcpy(frame.data + frame.bytes - 6, OWN_MAC, 6);
    expect(fence, end_ipv6(frame), PASS);

    /* Length of zero, too long, of another address size; half an option. */
    frame = good;
    frame.data[frame.bytes - 7] = 0;
    expect(fence, frame, ARP);
    frame.data[frame.bytes - 7] = 2;
    expect(fence, frame, ARP);
    add_zeros(&frame, 8);
    expect(fence, end_ipv6(frame), ARP);
    frame = good;
    add_u8(&frame, 14);
    expect(fence, end_ipv6(frame), ARP);

    /* Bytes behind the payload are no options. */
    frame = good;
    add(&frame, "\2\1" OTHER_MAC, 8);
    expect(fence, frame, PASS);
}

/* ND behind every extension header, forged and honest. */
static void
test_nd_behind_extension_headers(void **state)
{
    static const uint8_t headers[] = { 0, 43, 60, 135, 139, 140 };
    const char *own = "2001:db8::5", *other = "2001:db8::6";

    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        for (uint8_t units = 0; units < 3; units++) {
            for (int forged = 0; forged < 2; forged++) {
                struct frame frame = ipv6(own, headers[i]);

                add_u8(&frame, 58);
                add_u8(&frame, units);
                add_zeros(&frame, 6 + units * 8);
                add_nd(&frame, 136, forged ? other : own, 2, OWN_MAC);
                expect(full_fence(), end_ipv6(frame), forged ? ARP : PASS);
            }
        }
    }

    /* An authentication header counts in units of four bytes. */
    struct frame frame = ipv6(own, 51);
    add(&frame, "\x3a\4", 2);
    add_zeros(&frame, 22);
    add_nd(&frame, 136, other, 2, OWN_MAC);
    expect(full_fence(), end_ipv6(frame), ARP);
    frame.data[54 + 24 + 23] = 5;
    expect(full_fence(), end_ipv6(frame), PASS);
}

static void
test_chains_of_extension_headers(void **state)
{
    for (int n = 0; n < 24; n++) {
        struct frame frame = ipv6("2001:db8::5", n ? 60 : 58);

        for (int i = 0; i < n; i++) {
            add_u8(&frame, i < n - 1 ? 60 : 58);
            add_zeros(&frame, 7);
        }
        add_nd(&frame, 136, "2001:db8::5", 2, OWN_MAC);
        frame = end_ipv6(frame);
        expect(full_fence(), frame, n <= 16 ? PASS : ARP);
        expect(fence_of("mac ip", "2001:db8::5"), frame, PASS);
    }
}

/* A header that says it is longer than the packet. */
static void
test_extension_header_too_long(void **state)
{
    static const uint8_t headers[] = { 0, 43, 51, 60 };

    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        struct frame frame = ipv6("2001:db8::5", headers[i]);

        add_u8(&frame, 58);
        add_u8(&frame, 255);
        add_zeros(&frame, 30);
        expect(full_fence(), end_ipv6(frame), ARP);
    }
}

static void
test_fragments(void **state)
{
    const char *own = "2001:db8::5";
    struct frame frame;

    /* ND in fragments, even in a single one, honest or not. */
    frame = ipv6(own, 44);
    add(&frame, "\x3a\0\0\1\0\0\0\1", 8);
    add_nd(&frame, 136, own, 2, OWN_MAC);
    expect(full_fence(), end_ipv6(frame), ARP);
    frame.data[57] = 0;
    expect(full_fence(), end_ipv6(frame), ARP);

    /* A ping in fragments: first, then another. */
    frame = ipv6(own, 44);
    add(&frame, "\x3a\0\0\1\0\0\0\1", 8);
    add_u8(&frame, 128);
    add_zeros(&frame, 31);
    expect(full_fence(), end_ipv6(frame), PASS);
    frame = ipv6(own, 44);
    add(&frame, "\x3a\0\0\x20\0\0\0\1", 8);
    add_u8(&frame, 136);
    add_zeros(&frame, 31);
    expect(full_fence(), end_ipv6(frame), PASS);

    /* A first fragment that hides what follows. */
    frame = ipv6(own, 44);
    add(&frame, "\x3c\0\0\1\0\0\0\1", 8);
    add(&frame, "\x3a\1\0\0\0\0\0\0", 8);
    expect(full_fence(), end_ipv6(frame), ARP);
}

static void
test_ipv6_oddities(void **state)
{
    struct frame good = nd("2001:db8::5", 136, "2001:db8::5", 2, OWN_MAC);
    struct frame bad = good;

    bad.data[14] = 0x40;
    expect(full_fence(), bad, IP);
    expect(fence_of("arp", "::/0"), bad, ARP);
    expect(fence_of("mac", ""), bad, PASS);

    /* Cut at each length, and a payload that claims more than there is. */
    for (uint32_t bytes = 14; bytes < good.bytes; bytes++) {
        struct frame cut = good;
        cut.bytes = bytes;
        expect(full_fence(), cut, bytes < 54 ? IP : ARP);
        expect(fence_of("arp", "::/0"), cut, ARP);
        if (bytes >= 54) {
            cut = end_ipv6(cut);
            expect(full_fence(), cut, bytes == 78 ? PASS : ARP);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_ipv6_from_nobody),
        cmocka_unit_test(test_mld_report),
        cmocka_unit_test(test_neighbor_solicit),
        cmocka_unit_test(test_duplicate_search),
        cmocka_unit_test(test_neighbor_advert),
        cmocka_unit_test(test_router_messages),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_nd_options),
        cmocka_unit_test(test_nd_behind_extension_headers),
        cmocka_unit_test(test_chains_of_extension_headers),
        cmocka_unit_test(test_extension_header_too_long),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_ipv6_oddities),
    };

    return cmocka_run_group_tests_name("fence_ipv6", tests, NULL, NULL);
}
