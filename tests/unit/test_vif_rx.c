#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/vif_fixture.h"

static void
test_rx_plain(void **state)
{
    struct fixture f;
    uint32_t grefs[8];
    struct netif_rx_response rsp;

    open_fixture(&f, UINT32_MAX - 3, true, true);
    assert_int_equal(vif_conn_rx_posted(f.conn), 0);
    post_rx(&f, 8, grefs);
    assert_int_equal(vif_conn_rx_posted(f.conn), 8);
    for (int i = 0; i < 5; i++) {
        fill_frame(&f, i, 60 + i, 0x70 + i);
    }
    f.frames[1].flags = VIF_FRAME_CSUM_BLANK;
    f.frames[2].flags = VIF_FRAME_DATA_VALIDATED;
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 5, &f.stats), 5);
    assert_int_equal(f.fake->counts.copy_calls, 1);

    static const uint16_t flags[] = {
        0, NETRXF_csum_blank | NETRXF_data_validated, NETRXF_data_validated,
        0, 0,
    };
    for (int i = 0; i < 5; i++) {
        assert_true(vif_front_rx_take(&f.front, &rsp));
        assert_int_equal(rsp.id, 500 + i);
        assert_int_equal(rsp.offset, 0);
        assert_int_equal(rsp.flags, flags[i]);
        assert_int_equal(rsp.status, 60 + i);
        assert_int_equal(guest_data(&f, grefs[i])[59 + i], 0x70 + i);
        assert_int_equal(guest_data(&f, grefs[i])[60 + i], 0);
    }
    assert_false(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(vif_conn_rx_posted(f.conn), 3);
    assert_int_equal(f.stats.rx_frames, 5);
    assert_int_equal(f.stats.rx_bytes, 310);
    assert_int_equal(fake_guest_kicks(f.guest, f.front.rx_port), 1);
    assert_int_equal(f.stats.rx_notifies, 1);
    close_fixture(&f);
}

static void
test_rx_chained(void **state)
{
    static const uint32_t sizes[] = { 4095, 4096, 4097, 8192, 8193, 9000 };
    struct fixture f;
    uint32_t grefs[16];
    struct netif_rx_response rsp;
    unsigned int slot = 0;

    open_fixture(&f, UINT32_MAX - 3, false, true);
    post_rx(&f, 12, grefs);
    for (int i = 0; i < 6; i++) {
        fill_frame(&f, i, sizes[i], 0x30 + i);
        f.frames[i].flags = VIF_FRAME_DATA_VALIDATED;
    }
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 6, &f.stats), 6);
    for (int i = 0; i < 6; i++) {
        uint32_t left = sizes[i];
        bool first = true;

        while (left) {
            uint32_t bytes = left < 4096 ? left : 4096;

            assert_true(vif_front_rx_take(&f.front, &rsp));
            assert_int_equal(rsp.status, bytes);
            assert_int_equal(rsp.flags,
                             (first ? NETRXF_data_validated : 0)
                             | (left > bytes ? NETRXF_more_data : 0));
            assert_int_equal(guest_data(&f, grefs[slot])[bytes - 1],
                             0x30 + i);
            slot++;
            left -= bytes;
            first = false;
        }
    }
    assert_false(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(slot, 12);
    assert_int_equal(f.stats.rx_frames, 6);
    close_fixture(&f);
}

/* Frames without buffers stay the caller's, and none is torn. */
static void
test_rx_short_of_buffers(void **state)
{
    struct fixture f;
    uint32_t grefs[8];

    open_fixture(&f, 0, true, true);
    for (int i = 0; i < 3; i++) {
        fill_frame(&f, i, i == 1 ? 9000 : 60, 1);
    }
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 3, &f.stats), 0);
    post_rx(&f, 3, grefs);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 3, &f.stats), 1);

    /* Two buffers are there, three are needed: not a reason to stay awake,
     * but the next one is, and the guest is asked to tell. */
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames + 1, 2, &f.stats), 0);
    assert_false(vif_conn_arm(f.conn, true));
    uint32_t frame;
    fake_guest_page(f.guest, &frame);
    vif_front_rx_put(&f.front, 1,
                     fake_guest_grant(f.guest, frame, false));
    assert_true(vif_front_rx_push(&f.front));
    assert_false(vif_conn_arm(f.conn, false));
    assert_true(vif_conn_arm(f.conn, true));
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames + 1, 2, &f.stats), 1);
    assert_int_equal(total_drops(&f), 0);
    assert_int_equal(f.stats.rx_frames, 2);
    close_fixture(&f);
}

static void
test_rx_oversize(void **state)
{
    struct fixture f;
    uint32_t grefs[4];
    struct netif_rx_response rsp;

    open_fixture(&f, 0, true, false);
    post_rx(&f, 4, grefs);
    fill_frame(&f, 0, 4097, 1);
    fill_frame(&f, 1, 4096, 2);
    fill_frame(&f, 2, 60, 3);
    f.frames[2].bytes = 65536;
    fill_frame(&f, 3, 60, 4);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 4, &f.stats), 4);
    assert_int_equal(f.stats.drops[VIF_DROP_RX_OVERSIZE], 2);
    assert_true(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(rsp.status, 4096);
    assert_true(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(rsp.status, 60);
    assert_false(vif_front_rx_take(&f.front, &rsp));

    /* Used up without a buffer: no copy, no response. */
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 1, &f.stats), 1);
    assert_int_equal(f.fake->counts.copy_calls, 1);
    close_fixture(&f);
}

/* XSA-367: each segment's status counts. */
static void
test_xsa_367_rx_bad_grants(void **state)
{
    struct fixture f;
    uint32_t grefs[6];
    struct netif_rx_response rsp;

    open_fixture(&f, 0, true, true);
    post_rx(&f, 6, grefs);
    fake_guest_revoke(f.guest, grefs[0]);
    f.guest->grants[grefs[3]].flags |= GTF_readonly;
    fill_frame(&f, 0, 60, 1);
    fill_frame(&f, 1, 61, 2);
    fill_frame(&f, 2, 9000, 3);
    fill_frame(&f, 3, 62, 4);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 4, &f.stats), 4);

    static const int statuses[] = { -1, 61, -1, -1, -1, 62 };
    for (int i = 0; i < 6; i++) {
        assert_true(vif_front_rx_take(&f.front, &rsp));
        assert_int_equal(rsp.id, 500 + i);
        assert_int_equal(rsp.status, statuses[i]);
        assert_int_equal(rsp.flags, 0);
    }
    assert_int_equal(f.stats.drops[VIF_DROP_RX_GRANT], 2);
    assert_int_equal(f.stats.rx_frames, 2);
    assert_int_equal(f.stats.rx_bytes, 123);
    close_fixture(&f);
}

/* 32 frames of nine pages each: more than a ring holds. */
static void
test_rx_more_than_a_ring(void **state)
{
    struct fixture f;
    static uint32_t grefs[256];

    open_fixture(&f, UINT32_MAX - 100, true, true);
    post_rx(&f, 256, grefs);
    for (unsigned int i = 0; i < N_BUFFERS; i++) {
        f.frames[i].offset = 0;
        f.frames[i].bytes = 8 * 4096 + 1;
    }
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 32, &f.stats), 28);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 32, &f.stats), 0);
    close_fixture(&f);
}

static void
test_rx_runaway_prod(void **state)
{
    static const uint32_t jumps[] = { 257, 1000, INT32_MAX, UINT32_MAX };

    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct fixture f;

        open_fixture(&f, 50, true, true);
        f.front.rx_prod += jumps[i];
        vif_front_rx_push(&f.front);
        fill_frame(&f, 0, 60, 1);
        assert_true(vif_conn_arm(f.conn, true));
        assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 1, &f.stats),
                         -EPROTO);
        assert_int_equal(vif_conn_malice(f.conn), VIF_MALICE_RX_INDEX);
        expect_malice(&f);
        close_fixture(&f);
    }
}

static void
test_rx_notifies(void **state)
{
    struct fixture f;
    static uint32_t grefs[64];

    open_fixture(&f, UINT32_MAX - 4, false, true);
    post_rx(&f, 64, grefs);
    for (int i = 0; i < 4; i++) {
        fill_frame(&f, i, 60, 1);
    }
    for (int i = 0; i < 8; i++) {
        vif_conn_rx_burst(f.conn, f.frames, 4, &f.stats);
    }
    /* The fresh ring's, then none: nobody asked. */
    assert_int_equal(fake_guest_kicks(f.guest, f.front.tx_port), 1);
    f.front.rx_cons += 32;
    vif_front_rx_want_event(&f.front);
    vif_conn_rx_burst(f.conn, f.frames, 4, &f.stats);
    vif_conn_rx_burst(f.conn, f.frames, 4, &f.stats);
    assert_int_equal(fake_guest_kicks(f.guest, f.front.tx_port), 2);
    assert_int_equal(f.stats.rx_notifies, 2);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rx_plain),
        cmocka_unit_test(test_rx_chained),
        cmocka_unit_test(test_rx_short_of_buffers),
        cmocka_unit_test(test_rx_oversize),
        cmocka_unit_test(test_xsa_367_rx_bad_grants),
        cmocka_unit_test(test_rx_more_than_a_ring),
        cmocka_unit_test(test_rx_runaway_prod),
        cmocka_unit_test(test_rx_notifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
