#include "tests/unit/fence_frames.h"

static void
test_no_checks(void **state)
{
    struct fence fence = fence_of("", "");
    struct frame frame = arp(0x0806, 2, OTHER_MAC, "10.0.0.2");

    for (uint32_t bytes = 0; bytes <= frame.bytes; bytes++) {
        assert_int_equal(judge_cut(&fence, &frame, bytes), PASS);
    }
}

static void
test_mac(void **state)
{
    struct fence fence = fence_of("mac", "");

    expect(fence, ethernet(OWN_MAC, 0x88cc), PASS);
    expect(fence, ethernet(OTHER_MAC, 0x88cc), MAC);
    expect(fence, ethernet("\0\0\0\0\0\0", 0x88cc), MAC);
    expect(fence, ethernet("\xff\xff\xff\xff\xff\xff", 0x0800), MAC);

    /* It asks for nothing else. */
    expect(fence, ipv4("10.9.9.9", "10.0.0.2", 6), PASS);
    expect(fence, arp(0x0806, 2, OTHER_MAC, "10.9.9.9"), PASS);
    expect(fence, nd("fe80::9", 136, "fe80::9", 2, OTHER_MAC), PASS);
}

static void
test_mac_is_not_asked_for(void **state)
{
    struct fence fence = fence_of("arp ip", "10.0.0.1");
    struct frame frame = ipv4("10.0.0.1", "10.0.0.2", 6);

    memcpy(frame.data + 6, OTHER_MAC, 6);
    expect(fence, frame, PASS);
}

static void
test_runt(void **state)
{
    struct fence fence = full_fence();
    struct frame frame = ethernet(OWN_MAC, 0x88cc);

    for (uint32_t bytes = 0; bytes < 14; bytes++) {
        assert_int_equal(judge_cut(&fence, &frame, bytes),
                         VIF_DROP_TX_RUNT);
    }
    assert_int_equal(judge_cut(&fence, &frame, 14), PASS);
}

static void
test_other_types_pass(void **state)
{
    expect(full_fence(), ethernet(OWN_MAC, 0x88cc), PASS);      /* LLDP. */
    expect(full_fence(), ethernet(OWN_MAC, 0x0027), PASS);      /* LLC. */
    expect(full_fence(), ethernet(OWN_MAC, 0xffff), PASS);
}

static void
test_arp(void **state)
{
    struct fence fence = full_fence();

    expect(fence, arp(0x0806, 1, OWN_MAC, "10.0.0.1"), PASS);
    expect(fence, arp(0x0806, 2, OWN_MAC, "10.0.0.1"), PASS);
    expect(fence, arp(0x0806, 2, OWN_MAC, "192.168.77.1"), PASS);
    expect(fence, arp(0x0806, 1, OWN_MAC, "10.0.0.2"), ARP);
    expect(fence, arp(0x0806, 2, OWN_MAC, "10.0.0.2"), ARP);
    expect(fence, arp(0x0806, 2, OTHER_MAC, "10.0.0.1"), ARP);
    expect(fence, arp(0x0806, 1, OTHER_MAC, "0.0.0.0"), ARP);
    expect(fence, arp(0x0806, 7, OWN_MAC, "10.0.0.2"), ARP);
}

static void
test_arp_probe(void **state)
{
    struct fence fence = full_fence();

    expect(fence, arp(0x0806, 1, OWN_MAC, "0.0.0.0"), PASS);
    expect(fence, arp(0x0806, 2, OWN_MAC, "0.0.0.0"), ARP);
    expect(fence_of("arp", ""), arp(0x0806, 1, OWN_MAC, "0.0.0.0"), PASS);
    expect(fence_of("arp", ""), arp(0x0806, 1, OWN_MAC, "10.0.0.1"), ARP);
}

static void
test_rarp(void **state)
{
    struct fence fence = full_fence();

    expect(fence, arp(0x8035, 3, OWN_MAC, "0.0.0.0"), PASS);
    expect(fence, arp(0x8035, 3, OWN_MAC, "10.0.0.1"), PASS);
    expect(fence, arp(0x8035, 3, OTHER_MAC, "0.0.0.0"), ARP);
    expect(fence, arp(0x8035, 1, OWN_MAC, "0.0.0.0"), ARP);
    expect(fence, arp(0x8035, 4, OWN_MAC, "10.0.0.2"), ARP);
}

/* Other hardware, protocol or lengths move the sender elsewhere. */
static void
test_arp_oddities(void **state)
{
    struct frame good = arp(0x0806, 1, OWN_MAC, "10.0.0.1");

    for (int i = 0; i < 6; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct frame bad = good;
            bad.data[14 + i] ^= 1 << bit;
            expect(full_fence(), bad, ARP);
            expect(fence_of("mac ip", ""), bad, PASS);
        }
    }
    for (uint32_t bytes = 14; bytes < good.bytes; bytes++) {
        struct frame cut = good;
        cut.bytes = bytes;
        expect(full_fence(), cut, ARP);
    }
    add_zeros(&good, 18);               /* Padding to 60 bytes. */
    expect(full_fence(), good, PASS);
}

static void
test_ipv4(void **state)
{
    struct fence fence = full_fence();

    expect(fence, ipv4("10.0.0.1", "10.0.0.2", 6), PASS);
    expect(fence, ipv4("192.168.255.255", "10.0.0.2", 6), PASS);
    expect(fence, ipv4("10.0.0.2", "10.0.0.1", 6), IP);
    expect(fence, ipv4("192.169.0.0", "10.0.0.1", 6), IP);
    expect(fence, ipv4("127.0.0.1", "10.0.0.1", 6), IP);
    expect(fence, ipv4("255.255.255.255", "10.0.0.1", 6), IP);
    expect(fence, ipv4("0.0.0.0", "10.0.0.1", 6), IP);
    expect(fence_of("ip", ""), ipv4("10.0.0.1", "10.0.0.2", 6), IP);
    expect(fence_of("ip", "0.0.0.0/0"), ipv4("1.2.3.4", "5.6.7.8", 6), PASS);
    expect(fence_of("mac arp", ""), ipv4("1.2.3.4", "5.6.7.8", 6), PASS);

    /* An IPv6 address is no IPv4 address. */
    expect(fence_of("ip", "::/0"), ipv4("1.2.3.4", "5.6.7.8", 6), IP);
}

static void
test_ipv4_oddities(void **state)
{
    struct frame good = ipv4("10.0.0.1", "10.0.0.2", 6);
    struct frame bad = good;

    bad.data[14] = 0x65;
    expect(full_fence(), bad, IP);
    bad.data[14] = 0x05;
    expect(full_fence(), bad, IP);
    for (uint32_t bytes = 14; bytes < good.bytes; bytes++) {
        struct frame cut = good;
        cut.bytes = bytes;
        expect(full_fence(), cut, IP);
        expect(fence_of("mac arp", ""), cut, PASS);
    }

    /* A fragment names its source like any other packet. */
    good.data[20] = 0x20;
    good.data[21] = 0x10;
    expect(full_fence(), good, PASS);
}

static void
test_dhcp(void **state)
{
    struct fence fence = full_fence();
    struct frame good = dhcp("0.0.0.0", "255.255.255.255", 68, 67);
    struct frame bad;

    expect(fence, good, PASS);
    expect(fence_of("ip", ""), good, PASS);
    expect(fence, dhcp("10.0.0.1", "10.0.0.2", 68, 67), PASS);
    expect(fence, dhcp("10.0.0.2", "255.255.255.255", 68, 67), IP);
    expect(fence, dhcp("0.0.0.0", "10.0.0.2", 68, 67), IP);
    expect(fence, dhcp("0.0.0.0", "255.255.255.255", 67, 68), IP);
    expect(fence, dhcp("0.0.0.0", "255.255.255.255", 68, 53), IP);

    bad = good;
    bad.data[23] = 6;                   /* TCP. */
    expect(fence, bad, IP);
    bad = good;
    bad.data[20] = 0x20;                /* More fragments. */
    expect(fence, bad, IP);
    bad = good;
    bad.data[21] = 1;                   /* Fragment offset. */
    expect(fence, bad, IP);
    bad = good;
    bad.data[20] = 0x40;                /* Do not fragment. */
    expect(fence, bad, PASS);
    bad = good;
    bad.data[14] = 0x44;                /* Header of 16 bytes. */
    expect(fence, bad, IP);
    for (uint32_t bytes = 14; bytes < good.bytes; bytes++) {
        struct frame cut = good;
        cut.bytes = bytes;
        expect(fence, cut, IP);
    }
}

static void
test_dhcp_behind_ip_options(void **state)
{
    struct frame frame = ipv4("0.0.0.0", "255.255.255.255", 17);

    frame.data[14] = 0x46;
    add_be16(&frame, 68);               /* These are options. */
    add_be16(&frame, 67);
    add_be16(&frame, 1);
    add_be16(&frame, 2);
    add_zeros(&frame, 4);
    expect(full_fence(), frame, IP);

    frame = ipv4("0.0.0.0", "255.255.255.255", 17);
    frame.data[14] = 0x46;
    add_zeros(&frame, 4);
    add_be16(&frame, 68);
    add_be16(&frame, 67);
    add_zeros(&frame, 4);
    expect(full_fence(), frame, PASS);
}

static void
test_tags(void **state)
{
    static const uint16_t tpids[] = { 0x8100, 0x88a8 };
    struct frame bad = ipv4("10.0.0.2", "10.0.0.1", 6);
    struct frame good = ipv4("10.0.0.1", "10.0.0.2", 6);
    struct fence fence = full_fence();

    for (size_t i = 0; i < ARRAY_SIZE(tpids); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(tpids); j++) {
            struct frame two = tagged(tagged(good, tpids[i]), tpids[j]);
            struct frame bad_two = tagged(tagged(bad, tpids[i]), tpids[j]);
            struct frame three = tagged(two, 0x8100);
            struct fence arp_only = fence_of("mac arp", "");
            struct fence mac_only = fence_of("mac", "");

            assert_int_equal(judge(&fence, two), PASS);
            assert_int_equal(judge(&fence, bad_two), IP);

            /* Behind a third tag nothing is judged: it is dropped. */
            assert_int_equal(judge(&fence, three), IP);
            assert_int_equal(judge(&arp_only, three), ARP);
            assert_int_equal(judge(&mac_only, three), PASS);
        }
    }
}

static void
test_tag_cut(void **state)
{
    struct fence fence = full_fence(), mac_only = fence_of("mac", "");
    struct frame frame = tagged(tagged(ethernet(OWN_MAC, 0x88cc), 0x8100),
                                0x88a8);

    for (uint32_t bytes = 14; bytes < 22; bytes++) {
        assert_int_equal(judge_cut(&fence, &frame, bytes), IP);
        assert_int_equal(judge_cut(&mac_only, &frame, bytes), PASS);
    }
    assert_int_equal(judge_cut(&fence, &frame, 22), PASS);
}

/* Open vSwitch and some hosts read an Ethernet type behind LLC and SNAP. */
static void
test_snap(void **state)
{
    static const uint8_t snap[6] = { 0xaa, 0xaa, 3, 0, 0, 0 };
    struct frame inner[] = {
        ipv4("10.0.0.1", "10.0.0.2", 6),
        ipv4("10.0.0.2", "10.0.0.1", 6),
        arp(0x0806, 2, OTHER_MAC, "10.0.0.1"),
        ethernet(OWN_MAC, 0x8100),
        ethernet(OWN_MAC, 0x88cc),
    };
    static const enum vif_drop verdicts[] = { PASS, IP, ARP, IP, PASS };

    for (size_t i = 0; i < ARRAY_SIZE(inner); i++) {
        struct frame frame = ethernet(OWN_MAC, inner[i].bytes - 6);

        add(&frame, snap, sizeof snap);
        add(&frame, inner[i].data + 12, inner[i].bytes - 12);
        expect(full_fence(), frame, verdicts[i]);
    }
}

/* No byte beyond the length is read: judge_cut() cuts each frame at each
 * length, and AddressSanitizer watches. */
static void
test_every_length_of_everything(void **state)
{
    struct frame frames[] = {
        arp(0x0806, 1, OWN_MAC, "10.0.0.1"),
        dhcp("0.0.0.0", "255.255.255.255", 68, 67),
        nd("::", 135, "2001:db8::5", 0, NULL),
        nd("2001:db8::5", 137, "2001:db8::5", 2, OWN_MAC),
    };
    static const char *const checks[] = {
        "mac", "arp", "ip", "mac arp", "mac ip", "arp ip", "mac arp ip",
    };

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(checks); j++) {
            struct fence fence = fence_of(checks[j], "10.0.0.1 2001:db8::5");
            struct frame two = tagged(tagged(frames[i], 0x8100), 0x88a8);

            for (uint32_t bytes = 0; bytes <= two.bytes; bytes++) {
                enum vif_drop verdict = judge_cut(&fence, &two, bytes);
                assert_true(verdict != MAC);
                assert_true((verdict == VIF_DROP_TX_RUNT) == (bytes < 14));
            }
            assert_int_equal(judge(&fence, two), PASS);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_checks),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_mac_is_not_asked_for),
        cmocka_unit_test(test_runt),
        cmocka_unit_test(test_other_types_pass),
        cmocka_unit_test(test_arp),
        cmocka_unit_test(test_arp_probe),
        cmocka_unit_test(test_rarp),
        cmocka_unit_test(test_arp_oddities),
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv4_oddities),
        cmocka_unit_test(test_dhcp),
        cmocka_unit_test(test_dhcp_behind_ip_options),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_tag_cut),
        cmocka_unit_test(test_snap),
        cmocka_unit_test(test_every_length_of_everything),
    };

    return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
