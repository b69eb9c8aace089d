/* Multicast requests, all kinds of requests in one burst, and all numbers of
 * slots. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "datapath/vif_journal.h"
#include "tests/unit/vif_fixture.h"

#define V4 XEN_NETIF_GSO_TYPE_TCPV4
#define V6 XEN_NETIF_GSO_TYPE_TCPV6

static bool
hears(const struct fixture *f, uint8_t last_byte)
{
    const uint8_t addr[6] = { 1, 0, 0x5e, 0, 0, last_byte };

    return vif_mcast_match(&f->journal->mcast, addr);
}

static void
test_multicast_requests(void **state)
{
    enum { ADD = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
           DEL = XEN_NETIF_EXTRA_TYPE_MCAST_DEL };
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 1, true, true);
    vif_mcast_want(&f.journal->mcast, true);
    put(&f, UINT32_MAX, 0xffff, 0, NETTXF_extra_info);          /* 0 */
    put_mcast(&f, ADD, 1, false);
    put(&f, UINT32_MAX, 0, 0, NETTXF_extra_info);               /* 1 */
    put_mcast(&f, ADD, 2, true);
    put_mcast(&f, DEL, 1, false);
    put(&f, UINT32_MAX, 0, 0, NETTXF_extra_info);               /* 2 */
    put_mcast(&f, DEL, 9, false);                   /* Not in the list. */
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 0);
    assert_false(hears(&f, 1));
    assert_true(hears(&f, 2));
    expect_response(&f, 0, NETIF_RSP_OKAY);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, 1, NETIF_RSP_OKAY);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, 2, NETIF_RSP_ERROR);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_no_response(&f);
    assert_int_equal(f.stats.tx_multicast_refused, 1);
    assert_int_equal(f.stats.tx_frames, 0);
    assert_int_equal(f.fake->counts.copy_calls, 0);

    /* With data or a GSO extra it is nonsense, and amends nothing. */
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 200, NETTXF_extra_info | NETTXF_more_data);
    put_mcast(&f, ADD, 3, false);
    put(&f, gref, 0, 100, 0);
    put(&f, gref, 0, 200, NETTXF_extra_info);
    put_mcast(&f, ADD, 4, true);
    put_gso(&f, V4, 1000, false);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 0);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_EXTRA], 2);
    assert_false(hears(&f, 3));
    assert_false(hears(&f, 4));

    /* The 65th address is refused. */
    for (int i = 0; i < 64; i++) {
        put(&f, gref, 0, 0, NETTXF_extra_info);
        put_mcast(&f, ADD, 100 + i, false);
    }
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 0);
    assert_int_equal(f.stats.tx_multicast_refused, 2);
    assert_true(hears(&f, 162));
    assert_false(hears(&f, 163));
    close_fixture(&f);
}

/* All of it in one burst, wherever the indices begin: each slot has its one
 * answer, and what was good comes out whole. */
static void
everything_from(uint32_t start)
{
    struct netif_extra_info hash = { .type = XEN_NETIF_EXTRA_TYPE_HASH,
                                     .flags = XEN_NETIF_EXTRA_FLAG_MORE };
    struct fixture f;

    open_fixture(&f, start, true, true);
    uint32_t a = page_of(&f, 0xa), b = page_of(&f, 0xb);
    uint32_t bad = page_of(&f, 0xc);
    fake_guest_revoke(f.guest, bad);
    put(&f, a, 0, 60, 0);                                       /* 0 */
    put_big(&f, b, 16, V4, 1448);                               /* 1 to 16 */
    put(&f, a, 0, 13, 0);                                       /* 17 */
    put(&f, a, 0, 0, NETTXF_extra_info);                        /* 18 */
    put_mcast(&f, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 5, false);
    put(&f, a, 0, 300, NETTXF_more_data);                       /* 19, 20 */
    put(&f, bad, 0, 100, 0);
    put(&f, a, 0, 3000, NETTXF_extra_info);                     /* 21 */
    vif_front_tx_put_extra(&f.front, &hash);
    put_gso(&f, V6, 1000, false);
    for (int i = 0; i < 20; i++) {                              /* 22 to 41 */
        put(&f, b, 0, i ? 10 : 300, i < 19 ? NETTXF_more_data : 0);
    }
    put(&f, bad, 0, 70, NETTXF_more_data);                      /* 42, 43 */
    put(&f, b, 7, 70, 0);
    put(&f, a, 0, 9001, NETTXF_more_data);                      /* 44 to 46 */
    put(&f, a, 0, 4096, NETTXF_more_data);
    put(&f, a, 0, 4096, 0);
    put(&f, b, 0, 61, 0);                                       /* 47 */
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 5);

    static const uint32_t bytes[] = { 60, 64000, 3000, 70, 61 };
    static const uint8_t fills[] = { 0xa, 0xb, 0xa, 0xb, 0xb };
    for (int i = 0; i < 5; i++) {
        assert_int_equal(f.frames[i].bytes, bytes[i]);
        assert_int_equal(frame_data(&f, i)[0], fills[i]);
        assert_int_equal(frame_data(&f, i)[bytes[i] - 1], fills[i]);
    }
    assert_int_equal(f.frames[2].gso_type, V6);
    for (int id = 0; id <= 47; id++) {
        bool failed = id == 17 || id == 19 || id == 20
                      || (id >= 22 && id <= 41) || (id >= 44 && id <= 46);
        int n_extras = id == 1 || id == 18 ? 1 : id == 21 ? 2 : 0;

        expect_response(&f, id, failed ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
        while (n_extras--) {
            expect_response(&f, -1, NETIF_RSP_NULL);
        }
    }
    expect_no_response(&f);
    assert_int_equal(f.front.tx->rsp_prod, f.front.tx_prod);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_GRANT], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_RUNT], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_SLOTS], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_OVERSIZE], 1);
    assert_int_equal(total_drops(&f), 4);
    assert_int_equal(f.fake->counts.copy_calls, 1);
    close_fixture(&f);
}

static void
test_everything_at_once(void **state)
{
    for (uint32_t start = UINT32_MAX - 60; start != 3; start++) {
        everything_from(start);
    }
}

/* XSA-432: the bytes of a small frame, each in a slot of its own, in as many
 * slots as a frame may have and in more. */
static void
test_xsa_432_small_frame_in_many_slots(void **state)
{
    for (unsigned int n = 1; n <= 40; n++) {
        struct fixture f;

        open_fixture(&f, UINT32_MAX - 10, true, true);
        uint32_t gref = page_of(&f, 0x32);
        for (unsigned int i = 0; i < n; i++) {
            put(&f, gref, i, i ? 1 : 60, i + 1 < n ? NETTXF_more_data : 0);
        }
        vif_front_tx_push(&f.front);
        if (n > 20) {
            expect_malice(&f);
            close_fixture(&f);
            continue;
        }

        assert_int_equal(burst(&f), n <= 18);
        assert_int_equal(f.stats.drops[VIF_DROP_TX_SLOTS], n > 18);
        if (n <= 18) {
            assert_int_equal(f.frames[0].bytes, 60);
            assert_int_equal(frame_data(&f, 0)[59], 0x32);
            assert_int_equal(frame_data(&f, 0)[60], 0);
        }
        for (unsigned int i = 0; i < n; i++) {
            expect_response(&f, i, n <= 18 ? NETIF_RSP_OKAY
                                           : NETIF_RSP_ERROR);
        }
        expect_no_response(&f);
        close_fixture(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multicast_requests),
        cmocka_unit_test(test_everything_at_once),
        cmocka_unit_test(test_xsa_432_small_frame_in_many_slots),
    };

    return cmocka_run_group_tests_name("vif_tx_mixed", tests, NULL, NULL);
}
