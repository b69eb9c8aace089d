/* Which queue a frame goes to, and by which hash. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/netif.h>

#include "datapath/vif_hash.h"
#include "tests/unit/net_frames.h"

#define V4 _XEN_NETIF_CTRL_HASH_TYPE_IPV4
#define V4_TCP _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
#define V6 _XEN_NETIF_CTRL_HASH_TYPE_IPV6
#define V6_TCP _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
#define ALL_FLAGS (1u << V4 | 1u << V4_TCP | 1u << V6 | 1u << V6_TCP)

/* The key of Microsoft's "Verifying the RSS hash calculation". */
static const uint8_t key[VIF_HASH_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
    0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
    0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* And its vectors. */
static const struct {
    const char *from;
    uint16_t from_port;
    const char *to;
    uint16_t to_port;
    uint32_t ip, tcp;
} vectors[] = {
    { "66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178 },
    { "199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea },
    { "24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de,
      0x5c2b394a },
    { "38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f },
    { "153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5,
      0x10e828a2 },
    { "3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5,
      0x40207d3d },
    { "3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c,
      0xdde51bbf },
    { "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
      "fe80::200:f8ff:fe21:67cf", 38024, 0x4b61e985, 0x02d1feef },
};
#define N_VECTORS (sizeof vectors / sizeof vectors[0])

static struct net_frame frame;

static void
make(size_t i, uint8_t protocol, uint8_t n_tags)
{
    bool six = strchr(vectors[i].from, ':');
    struct net_kind kind = { .version = six ? 6 : 4, .protocol = protocol,
                             .n_tags = n_tags };

    net_frame_make(&frame, &kind, 32);
    uint8_t *ip = frame.data + net_l3_offset(&kind);
    uint8_t *l4 = frame.data + net_l4_offset(&kind);
    uint8_t *addresses = ip + (six ? 8 : 12);
    int family = six ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, vectors[i].from, addresses), 1);
    assert_int_equal(inet_pton(family, vectors[i].to,
                               addresses + (six ? 16 : 4)), 1);
    net_put_be16(l4, vectors[i].from_port);
    net_put_be16(l4 + 2, vectors[i].to_port);
}

static struct vif_hash
asked(uint32_t flags)
{
    struct vif_hash hash = {
        .algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, .flags = flags,
    };

    memcpy(hash.key, key, sizeof key);
    return hash;
}

static void
expect(uint32_t flags, uint8_t type, uint32_t value)
{
    struct vif_hash hash = asked(flags);

    for (unsigned int n_queues = 1; n_queues <= 8; n_queues++) {
        struct vif_hash_value v = vif_hash_frame(&hash, frame.data,
                                                 frame.bytes, n_queues);

        assert_int_equal(v.type, type);
        assert_int_equal(v.value, value);
        assert_int_equal(v.queue, value % n_queues);
    }
}

static void
test_rss_suite(void **state)
{
    for (size_t i = 0; i < N_VECTORS; i++) {
        bool six = strchr(vectors[i].from, ':');

        for (int tags = 0; tags < 3; tags++) {
            make(i, NET_TCP, tags);
            expect(six ? 1u << V6 : 1u << V4, six ? V6 : V4, vectors[i].ip);
            expect(six ? 1u << V6_TCP : 1u << V4_TCP, six ? V6_TCP : V4_TCP,
                   vectors[i].tcp);
        }
    }
}

/* The most telling type that was asked for. */
static void
test_maximal_type(void **state)
{
    for (size_t i = 0; i < N_VECTORS; i++) {
        bool six = strchr(vectors[i].from, ':');
        uint8_t ip = six ? V6 : V4, tcp = six ? V6_TCP : V4_TCP;

        for (uint32_t flags = 1; flags <= ALL_FLAGS; flags++) {
            bool want_ip = flags >> ip & 1, want_tcp = flags >> tcp & 1;

            make(i, NET_TCP, 0);
            if (want_tcp) {
                expect(flags, tcp, vectors[i].tcp);
            } else if (want_ip) {
                expect(flags, ip, vectors[i].ip);
            } else {
                expect(flags, VIF_HASH_TYPE_NONE, 0);
            }

            make(i, NET_UDP, 0);
            if (want_ip) {
                expect(flags, ip, vectors[i].ip);
            } else {
                expect(flags, VIF_HASH_TYPE_NONE, 0);
            }

            /* A fragment of TCP shows no ports. */
            make(i, NET_TCP, 0);
            if (!six) {
                frame.data[14 + 6] = 0x20;
                expect(flags, want_ip ? ip : VIF_HASH_TYPE_NONE,
                       want_ip ? vectors[i].ip : 0);
            }
        }
    }
}

static void
test_no_ip_goes_where_0_goes(void **state)
{
    struct vif_hash hash = asked(ALL_FLAGS);

    make(0, NET_TCP, 0);
    frame.data[13] = 6;
    expect(ALL_FLAGS, VIF_HASH_TYPE_NONE, 0);
    hash.n_mapping = 3;
    hash.mapping[0] = 5;
    assert_int_equal(vif_hash_frame(&hash, frame.data, frame.bytes, 8).queue,
                     5);
    for (uint32_t bytes = 0; bytes < 34; bytes++) {
        struct vif_hash_value v = vif_hash_frame(&hash, frame.data, bytes, 8);

        assert_int_equal(v.type, VIF_HASH_TYPE_NONE);
        assert_int_equal(v.queue, 5);
    }
}

/* A mapping table of each size: by the hash, modulo the table. */
static void
test_mapping(void **state)
{
    struct vif_hash hash = asked(ALL_FLAGS);

    for (uint32_t n = 1; n <= VIF_HASH_MAPPING_MAX; n++) {
        memset(hash.mapping, 99, sizeof hash.mapping);
        for (uint32_t i = 0; i < n; i++) {
            hash.mapping[i] = (i * 5 + n) % 8;
        }
        hash.n_mapping = n;
        for (size_t i = 0; i < N_VECTORS; i++) {
            make(i, NET_TCP, 0);
            struct vif_hash_value v = vif_hash_frame(&hash, frame.data,
                                                     frame.bytes, 8);

            assert_int_equal(v.value, vectors[i].tcp);
            assert_int_equal(v.queue, (vectors[i].tcp % n * 5 + n) % 8);
        }
    }
}

/* An empty key makes every hash 0, and a short one is filled with zeros. */
static void
test_keys(void **state)
{
    struct vif_hash hash = asked(ALL_FLAGS);

    make(0, NET_TCP, 0);
    memset(hash.key, 0, sizeof hash.key);
    struct vif_hash_value v = vif_hash_frame(&hash, frame.data, frame.bytes,
                                             8);
    assert_int_equal(v.type, V4_TCP);
    assert_int_equal(v.value, 0);
    memcpy(hash.key, key, 16);          /* All that 12 bytes use. */
    v = vif_hash_frame(&hash, frame.data, frame.bytes, 8);
    assert_int_equal(v.value, vectors[0].tcp);
}

/* Nothing was asked for: a hash of our own spreads flows, keeps each in one
 * queue, and is shown to nobody. */
static void
test_our_own(void **state)
{
    static const struct vif_hash none[] = {
        { .algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_NONE,
          .flags = ALL_FLAGS, .n_mapping = 1, .mapping = { 7 } },
        { .algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, .flags = 0,
          .n_mapping = 1, .mapping = { 7 } },
    };

    for (size_t k = 0; k < 2; k++) {
        unsigned int hits[8] = { 0 };

        for (uint32_t port = 0; port < 4000; port++) {
            make(port & 1 ? 0 : 5, port & 2 ? NET_UDP : NET_TCP, port % 3);
            struct net_kind kind = { port & 1 ? 4 : 6, NET_TCP, port % 3 };
            net_put_be16(frame.data + net_l4_offset(&kind), port);

            struct vif_hash_value v
                = vif_hash_frame(&none[k], frame.data, frame.bytes, 8);
            assert_int_equal(v.type, VIF_HASH_TYPE_NONE);
            assert_true(v.queue < 8);
            hits[v.queue]++;
            assert_int_equal(vif_hash_frame(&none[k], frame.data, frame.bytes,
                                            8).queue, v.queue);
            assert_int_equal(vif_hash_frame(&none[k], frame.data, frame.bytes,
                                            1).queue, 0);
        }
        for (int i = 0; i < 8; i++) {
            assert_in_range(hits[i], 350, 650);
        }

        frame.data[net_l3_offset(&(struct net_kind) { 4, NET_TCP,
                                                      3999 % 3 })] = 0;
        assert_int_equal(vif_hash_frame(&none[k], frame.data, frame.bytes,
                                        8).queue, 0);
    }
}

/* CVE-2024-49936: what a guest has set before is of no consequence, and none
 * of it is looked at again. */
static void
test_cve_2024_49936_no_hash_is_kept(void **state)
{
    for (int round = 0; round < 50; round++) {
        struct vif_hash *hash = malloc(sizeof *hash);
        bool whole = round % 3;

        assert_non_null(hash);
        *hash = asked(ALL_FLAGS);
        if (!whole) {
            memset(hash->key, 0, sizeof hash->key);
        }
        make(0, NET_TCP, 0);
        struct vif_hash_value v = vif_hash_frame(hash, frame.data,
                                                 frame.bytes, 8);
        assert_int_equal(v.value, whole ? vectors[0].tcp : 0);
        hash->algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
        v = vif_hash_frame(hash, frame.data, frame.bytes, 8);
        assert_int_equal(v.type, VIF_HASH_TYPE_NONE);
        free(hash);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rss_suite),
        cmocka_unit_test(test_maximal_type),
        cmocka_unit_test(test_no_ip_goes_where_0_goes),
        cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_our_own),
        cmocka_unit_test(test_cve_2024_49936_no_hash_is_kept),
    };

    return cmocka_run_group_tests_name("vif_hash", tests, NULL, NULL);
}
