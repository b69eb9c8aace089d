#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_judge.h"

#define ROOM_BYTES 65535u

/* A frame as a guest would lay it out; more slots than any may have. */
struct chain {
    union vif_tx_slot slots[40];
    unsigned int n;
};

static void
add_data(struct chain *chain, uint16_t offset, uint16_t size, uint16_t flags)
{
    assert_true(chain->n < 40);
    chain->slots[chain->n++].req = (struct netif_tx_request) {
        .gref = 8 + chain->n, .offset = offset, .flags = flags,
        .id = chain->n, .size = size,
    };
}

static struct netif_extra_info *
add_extra(struct chain *chain, uint8_t type, uint8_t flags)
{
    assert_true(chain->n < 40);
    union vif_tx_slot *slot = &chain->slots[chain->n++];

    memset(slot, 0, sizeof *slot);
    slot->extra.type = type;
    slot->extra.flags = flags;
    return &slot->extra;
}

/* Feeds 'chain' to the judge, slot by slot.  Returns how many it took. */
static unsigned int
judge_chain(const struct chain *chain, uint32_t room_bytes,
            struct vif_judge *judge)
{
    unsigned int n = 1;

    vif_judge_first(judge, &chain->slots[0], room_bytes, room_bytes);
    while (judge->wants != VIF_WANTS_NOTHING) {
        if (n >= chain->n) {
            vif_judge_starved(judge);
            break;
        }
        vif_judge_next(judge, &chain->slots[n++]);
    }
    return n;
}

static void
expect_pass(const struct chain *chain, uint32_t bytes)
{
    struct vif_judge judge;

    assert_int_equal(judge_chain(chain, ROOM_BYTES, &judge), chain->n);
    assert_int_equal(judge.verdict, VIF_PASS);
    assert_int_equal(judge.total_bytes, bytes);
}

static void
expect_drop(const struct chain *chain, enum vif_drop drop)
{
    struct vif_judge judge;

    /* All slots are read, so that all can be answered. */
    assert_int_equal(judge_chain(chain, ROOM_BYTES, &judge), chain->n);
    assert_int_equal(judge.verdict, VIF_DROP);
    assert_int_equal(judge.drop, drop);
}

static void
expect_malice(const struct chain *chain)
{
    struct vif_judge judge;

    judge_chain(chain, ROOM_BYTES, &judge);
    assert_int_equal(judge.verdict, VIF_MALICE);
    assert_int_not_equal(judge.malice, VIF_MALICE_NONE);
}

/* 'n' data slots of 'each' bytes, the total as it should be. */
static void
make_plain(struct chain *chain, unsigned int n, uint16_t each)
{
    chain->n = 0;
    for (unsigned int i = 0; i < n; i++) {
        add_data(chain, 0, i ? each : n * each,
                 i + 1 < n ? NETTXF_more_data : 0);
    }
}

static void
test_slot_counts(void **state)
{
    struct chain chain;

    for (unsigned int n = 1; n <= 24; n++) {
        make_plain(&chain, n, 100);
        if (n <= 18) {
            expect_pass(&chain, n * 100);
        } else if (n <= 20) {
            expect_drop(&chain, VIF_DROP_TX_SLOTS);
        } else {
            expect_malice(&chain);
        }
    }
}

/* The judge takes no more slots than a chain may have, whatever they say. */
static void
test_bounded(void **state)
{
    struct vif_judge judge;
    struct chain chain = { .n = 0 };

    for (unsigned int i = 0; i < 40; i++) {
        add_data(&chain, 0, i ? 0 : 100, NETTXF_more_data);
    }
    assert_true(judge_chain(&chain, ROOM_BYTES, &judge)
                <= VIF_TX_CHAIN_MAX + 1);
    assert_int_equal(judge.verdict, VIF_MALICE);

    chain.n = 0;
    add_data(&chain, 0, 100, NETTXF_extra_info);
    for (unsigned int i = 1; i < 40; i++) {
        add_extra(&chain, XEN_NETIF_EXTRA_TYPE_HASH,
                  XEN_NETIF_EXTRA_FLAG_MORE);
    }
    assert_true(judge_chain(&chain, ROOM_BYTES, &judge)
                <= VIF_TX_EXTRAS_MAX + 2);
    assert_int_equal(judge.verdict, VIF_MALICE);
}

/* XSA-39: a chain that goes on beyond what the guest posted. */
static void
test_xsa_39_starved(void **state)
{
    struct chain chain;

    for (unsigned int n = 1; n <= 20; n++) {
        make_plain(&chain, n, 100);
        chain.slots[n - 1].req.flags |= NETTXF_more_data;
        expect_malice(&chain);
    }

    chain.n = 0;
    add_data(&chain, 0, 100, NETTXF_extra_info);
    expect_malice(&chain);
    add_extra(&chain, XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE);
    expect_malice(&chain);
}

static void
test_single_sizes(void **state)
{
    for (uint32_t offset = 0; offset <= 4100; offset++) {
        static const uint16_t sizes[] = {
            0, 1, 13, 14, 15, 60, 1513, 1514, 1515, 4095, 4096, 4097, 65535,
        };

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct chain chain = { .n = 0 };

            add_data(&chain, offset, sizes[i], 0);
            if (offset + sizes[i] > 4096) {
                expect_malice(&chain);
            } else if (sizes[i] < 14) {
                expect_drop(&chain, VIF_DROP_TX_RUNT);
            } else {
                expect_pass(&chain, sizes[i]);
            }
        }
    }
}

static void
test_offset_overflow(void **state)
{
    struct chain chain = { .n = 0 };

    add_data(&chain, 0xffff, 0xffff, 0);
    expect_malice(&chain);
    chain.n = 0;
    add_data(&chain, 0xff00, 0x200, 0);     /* 0x100, in 16 bits. */
    expect_malice(&chain);

    /* In a later slot, also of a frame that is dropped already. */
    for (unsigned int at = 1; at < 20; at++) {
        make_plain(&chain, 20, 100);
        chain.slots[at].req.offset = 3997;
        expect_malice(&chain);
        chain.slots[at].req.offset = 3996;
        expect_drop(&chain, VIF_DROP_TX_SLOTS);
    }

    /* In the first slot, whose size is what the others leave. */
    make_plain(&chain, 3, 100);
    chain.slots[0].req.offset = 3996;
    expect_pass(&chain, 300);
    chain.slots[0].req.offset = 3997;
    expect_malice(&chain);
}

static void
test_room(void **state)
{
    struct vif_judge judge;
    struct chain chain;

    for (unsigned int n = 1; n <= 3; n++) {
        make_plain(&chain, n, 500);
        judge_chain(&chain, n * 500, &judge);
        assert_int_equal(judge.verdict, VIF_PASS);
        judge_chain(&chain, n * 500 - 1, &judge);
        assert_int_equal(judge.verdict, VIF_DROP);
        assert_int_equal(judge.drop, VIF_DROP_TX_OVERSIZE);
    }
}

/* A frame's bytes split between two slots at every byte, and headers of 1 to
 * 60 bytes over three (XSA-423, XSA-432: the fixes' own bugs were there). */
static void
test_xsa_423_xsa_432_split_everywhere(void **state)
{
    struct vif_judge judge;

    for (unsigned int total = 14; total <= 1600; total += 13) {
        for (unsigned int first = 0; first <= total; first++) {
            struct chain chain = { .n = 0 };

            add_data(&chain, 0, total, NETTXF_more_data);
            add_data(&chain, 0, total - first, 0);
            judge_chain(&chain, ROOM_BYTES, &judge);
            assert_int_equal(judge.verdict, VIF_PASS);
            assert_int_equal(vif_judge_first_bytes(&judge), first);
        }
    }
    for (unsigned int a = 0; a <= 60; a++) {
        for (unsigned int b = 0; b <= 60; b++) {
            struct chain chain = { .n = 0 };

            add_data(&chain, 0, 1000, NETTXF_more_data);
            add_data(&chain, 0, b, NETTXF_more_data);
            add_data(&chain, 0, 1000 - a - b, 0);
            judge_chain(&chain, ROOM_BYTES, &judge);
            assert_int_equal(judge.verdict, VIF_PASS);
            assert_int_equal(vif_judge_first_bytes(&judge), a);
        }
    }
}

/* XSA-448: slots without bytes are odd, and legal, in every position. */
static void
test_xsa_448_zero_length_slots(void **state)
{
    struct vif_judge judge;

    for (unsigned int n = 2; n <= 18; n++) {
        uint32_t step = n > 12 ? 37 : 1;

        for (uint32_t mask = 0; mask < 1u << (n - 1); mask += step) {
            struct chain chain = { .n = 0 };
            uint32_t rest = 0;

            add_data(&chain, 0, 0, NETTXF_more_data);
            for (unsigned int i = 1; i < n; i++) {
                uint32_t bytes = mask >> (i - 1) & 1 ? 200 : 0;

                add_data(&chain, 0, bytes, i + 1 < n ? NETTXF_more_data : 0);
                rest += bytes;
            }
            if (rest >= 14) {
                chain.slots[0].req.size = rest;
                expect_pass(&chain, rest);
            }
            chain.slots[0].req.size = rest + 300;
            judge_chain(&chain, ROOM_BYTES, &judge);
            assert_int_equal(judge.verdict, VIF_PASS);
            assert_int_equal(vif_judge_first_bytes(&judge), 300);
        }
    }

    struct chain chain = { .n = 0 };
    add_data(&chain, 0, 0, NETTXF_more_data);
    add_data(&chain, 0, 0, 0);
    expect_drop(&chain, VIF_DROP_TX_RUNT);
}

static void
test_length(void **state)
{
    struct chain chain;

    for (unsigned int n = 2; n <= 18; n++) {
        make_plain(&chain, n, 100);
        chain.slots[0].req.size = (n - 1) * 100;
        expect_pass(&chain, (n - 1) * 100);
        chain.slots[0].req.size = (n - 1) * 100 - 1;
        expect_drop(&chain, VIF_DROP_TX_LENGTH);
    }

    /* A total of 64 KiB or more wrapped around in an old frontend: not
     * malice. */
    make_plain(&chain, 17, 4096);
    chain.slots[0].req.size = (17 * 4096) & 0xffff;
    expect_drop(&chain, VIF_DROP_TX_LENGTH);

    /* All 18 pages full add up to more than a request can say. */
    make_plain(&chain, 18, 4096);
    expect_drop(&chain, VIF_DROP_TX_LENGTH);

    make_plain(&chain, 16, 4095);
    expect_pass(&chain, 16 * 4095);
}

/* Every sum of sizes around the page, against the rules read directly. */
static void
test_against_rules(void **state)
{
    static const uint16_t sizes[] = { 0, 1, 13, 14, 2048, 4095, 4096, 4097 };
    static const uint16_t offsets[] = { 0, 1, 4095, 4096, 4097 };
    static const int32_t firsts[] = { -1, 0, 1, 13, 14, 4096, 4097 };
    struct vif_judge judge;

    for (size_t a = 0; a < 8; a++) {
        for (size_t b = 0; b < 8; b++) {
            for (size_t o = 0; o < 5; o++) {
                for (size_t p = 0; p < 5; p++) {
                    for (size_t f = 0; f < 7; f++) {
                        int32_t rest = sizes[a] + sizes[b];
                        int32_t total = rest + firsts[f];
                        struct chain chain = { .n = 0 };

                        if (total < 0) {
                            continue;
                        }
                        add_data(&chain, offsets[p], total, NETTXF_more_data);
                        add_data(&chain, offsets[o], sizes[a],
                                 NETTXF_more_data);
                        add_data(&chain, 0, sizes[b], 0);
                        judge_chain(&chain, ROOM_BYTES, &judge);

                        enum vif_verdict want = VIF_PASS;
                        if (offsets[o] + sizes[a] > 4096 || sizes[b] > 4096
                            || (firsts[f] >= 0
                                && offsets[p] + firsts[f] > 4096)) {
                            want = VIF_MALICE;
                        } else if (firsts[f] < 0 || total < 14) {
                            want = VIF_DROP;
                        }
                        assert_int_equal(judge.verdict, want);
                    }
                }
            }
        }
    }
}

static void
test_extra_types(void **state)
{
    for (unsigned int type = 0; type < 256; type++) {
        for (unsigned int n_data = 1; n_data <= 3; n_data++) {
            struct chain chain = { .n = 0 };

            add_data(&chain, 0, 300, NETTXF_extra_info
                                     | (n_data > 1 ? NETTXF_more_data : 0));
            struct netif_extra_info *extra = add_extra(&chain, type, 0);
            extra->u.gso.size = 1448;
            extra->u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
            for (unsigned int i = 1; i < n_data; i++) {
                add_data(&chain, 0, 100,
                         i + 1 < n_data ? NETTXF_more_data : 0);
            }

            if (type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD
                || type == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
                struct vif_judge judge;

                assert_int_equal(judge_chain(&chain, ROOM_BYTES, &judge),
                                 chain.n);
                assert_int_equal(judge.verdict,
                                 n_data > 1 ? VIF_DROP : VIF_CONTROL);
            } else if (type >= 1 && type <= 5) {
                expect_pass(&chain, 300);
            } else {
                expect_malice(&chain);
            }
        }
    }
}

/* A multicast request is a dummy: its size and page mean nothing. */
static void
test_multicast_dummy(void **state)
{
    static const uint16_t sizes[] = { 0, 13, 14, 4096, 65535 };
    struct vif_judge judge;

    for (size_t i = 0; i < 5; i++) {
        struct chain chain = { .n = 0 };

        add_data(&chain, 0xffff, sizes[i], NETTXF_extra_info);
        add_extra(&chain, XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
                  XEN_NETIF_EXTRA_FLAG_MORE);
        add_extra(&chain, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 0);
        assert_int_equal(judge_chain(&chain, ROOM_BYTES, &judge), 3);
        assert_int_equal(judge.verdict, VIF_CONTROL);
    }
}

static void
test_gso(void **state)
{
    for (unsigned int type = 0; type < 256; type++) {
        for (unsigned int size = 0; size <= 2; size++) {
            struct chain chain = { .n = 0 };

            add_data(&chain, 0, 4000, NETTXF_extra_info);
            struct netif_extra_info *extra
                = add_extra(&chain, XEN_NETIF_EXTRA_TYPE_GSO, 0);
            extra->u.gso.size = size;
            extra->u.gso.type = type;
            if (size && (type == XEN_NETIF_GSO_TYPE_TCPV4
                         || type == XEN_NETIF_GSO_TYPE_TCPV6)) {
                struct vif_judge judge;

                expect_pass(&chain, 4000);
                judge_chain(&chain, ROOM_BYTES, &judge);
                assert_int_equal(judge.gso_type, type);
                assert_int_equal(judge.gso_bytes, size);
            } else {
                expect_malice(&chain);
            }
        }
    }
}

/* Only what is to be segmented may be larger than the MTU. */
static void
test_gso_room(void **state)
{
    for (int gso = 0; gso < 2; gso++) {
        struct chain chain = { .n = 0 };
        struct vif_judge judge;

        add_data(&chain, 0, 3000, gso ? NETTXF_extra_info : 0);
        if (gso) {
            struct netif_extra_info *extra
                = add_extra(&chain, XEN_NETIF_EXTRA_TYPE_GSO, 0);
            extra->u.gso.size = 1448;
            extra->u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
        }
        for (uint32_t gso_room = 2999; gso_room <= 3000; gso_room++) {
            vif_judge_first(&judge, &chain.slots[0], 1514, gso_room);
            if (gso) {
                vif_judge_next(&judge, &chain.slots[1]);
            }
            assert_int_equal(judge.wants, VIF_WANTS_NOTHING);
            assert_int_equal(judge.verdict, gso && gso_room == 3000
                                            ? VIF_PASS : VIF_DROP);
        }
    }
}

static void
test_extra_counts(void **state)
{
    for (unsigned int n = 1; n <= 8; n++) {
        struct chain chain = { .n = 0 };

        add_data(&chain, 0, 100, NETTXF_extra_info);
        for (unsigned int i = 0; i < n; i++) {
            add_extra(&chain, XEN_NETIF_EXTRA_TYPE_HASH,
                      i + 1 < n ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
        }
        if (n == 1) {
            expect_pass(&chain, 100);
        } else if (n <= VIF_TX_EXTRAS_MAX) {
            expect_drop(&chain, VIF_DROP_TX_EXTRA);
        } else {
            expect_malice(&chain);
        }
    }
}

/* Extras take slots of the ring, but none of the frame's 18. */
static void
test_extras_beside_full_frame(void **state)
{
    for (unsigned int n_data = 17; n_data <= 21; n_data++) {
        struct chain chain = { .n = 0 };

        add_data(&chain, 0, n_data * 100,
                 NETTXF_extra_info | NETTXF_more_data);
        for (unsigned int i = 0; i < VIF_TX_EXTRAS_MAX; i++) {
            add_extra(&chain, XEN_NETIF_EXTRA_TYPE_HASH,
                      i + 1 < VIF_TX_EXTRAS_MAX ? XEN_NETIF_EXTRA_FLAG_MORE
                                                : 0);
        }
        for (unsigned int i = 1; i < n_data; i++) {
            add_data(&chain, 0, 100, i + 1 < n_data ? NETTXF_more_data : 0);
        }
        if (n_data <= 20) {
            expect_drop(&chain, VIF_DROP_TX_EXTRA);
        } else {
            expect_malice(&chain);
        }
    }
}

static void
test_names(void **state)
{
    for (int i = 1; i < VIF_N_MALICES; i++) {
        assert_non_null(vif_malice_names[i]);
        assert_non_null(vif_malice_sentences[i]);
    }
    for (int i = 0; i < VIF_N_DROPS; i++) {
        assert_non_null(vif_drop_names[i]);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(vif_drop_names[i], vif_drop_names[j]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_counts),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_xsa_39_starved),
        cmocka_unit_test(test_single_sizes),
        cmocka_unit_test(test_offset_overflow),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_xsa_423_xsa_432_split_everywhere),
        cmocka_unit_test(test_xsa_448_zero_length_slots),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_against_rules),
        cmocka_unit_test(test_extra_types),
        cmocka_unit_test(test_multicast_dummy),
        cmocka_unit_test(test_gso),
        cmocka_unit_test(test_gso_room),
        cmocka_unit_test(test_extra_counts),
        cmocka_unit_test(test_extras_beside_full_frame),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
