/* What is new about a frame that the guest sends: segmentation, buffers of
 * two sizes, the gate's price. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/unit/vif_fixture.h"

#define V4 XEN_NETIF_GSO_TYPE_TCPV4
#define V6 XEN_NETIF_GSO_TYPE_TCPV6
#define BYTE_BITNS INT64_C(8000000000)

static void
test_gso_frame(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 2, true, true);
    uint32_t gref = page_of(&f, 0x41);
    put_big(&f, gref, 16, V6, 1448);
    put(&f, gref, 0, 3000, NETTXF_extra_info);          /* Not blank. */
    put_gso(&f, V4, 100, false);
    put(&f, gref, 0, 60, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 3);

    assert_int_equal(f.frames[0].bytes, 64000);
    assert_int_equal(f.frames[0].gso_type, V6);
    assert_int_equal(f.frames[0].gso_bytes, 1448);
    assert_int_equal(f.frames[0].flags, VIF_FRAME_CSUM_BLANK);
    assert_int_equal(f.frames[1].gso_type, V4);
    assert_int_equal(f.frames[1].gso_bytes, 100);
    assert_int_equal(f.frames[2].gso_type, 0);
    for (uint32_t i = 0; i < 64000; i++) {
        assert_int_equal(frame_data(&f, 0)[i], 0x41);
    }

    expect_response(&f, 0, NETIF_RSP_OKAY);
    expect_response(&f, -1, NETIF_RSP_NULL);
    for (int i = 1; i < 17; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, 17, NETIF_RSP_OKAY);
    expect_no_response(&f);
    assert_int_equal(f.stats.tx_gso_frames, 2);
    assert_int_equal(f.stats.tx_gso_not_blank, 1);
    assert_int_equal(f.stats.tx_csum_blank, 1);
    assert_int_equal(f.stats.tx_bytes, 64000 + 3000 + 60);
    assert_int_equal(f.stats.tx_grant_copies, 18);
    close_fixture(&f);
}

/* A burst into buffers that are given; returns its count. */
static int
burst_into(struct fixture *f, unsigned int n_small, uint32_t small_bytes,
           unsigned int n_big, uint32_t headroom_bytes)
{
    f->supply.frame_bytes = small_bytes - headroom_bytes;
    f->supply.small.room_bytes = small_bytes;
    f->supply.small.headroom_bytes = headroom_bytes;
    f->supply.small.n = n_small;
    f->supply.big.headroom_bytes = headroom_bytes;
    f->supply.big.n = n_big;
    return vif_conn_tx_burst(f->conn, &f->supply, f->frames, N_BUFFERS,
                             &f->gate, &f->stats);
}

static void
test_big_and_small_buffers(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 1872, 0);
    put_big(&f, gref, 1, V4, 100);                      /* 4000: big. */
    put(&f, gref, 0, 100, 0);
    put_big(&f, gref, 16, V4, 100);                     /* 64000: big. */
    put(&f, gref, 0, 1873, 0);                          /* Too big. */
    vif_front_tx_push(&f.front);
    assert_int_equal(burst_into(&f, 10, 2000, 4, 128), 4);
    assert_int_equal(f.supply.small.n, 8);
    assert_int_equal(f.supply.big.n, 2);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_OVERSIZE], 1);

    /* Each begins behind the headroom of the buffer that was on top, whose
     * owner goes with it. */
    assert_int_equal(f.frames[0].offset, 9 * ROOM_BYTES + 128);
    assert_ptr_equal(f.frames[0].owner, &f.supply.small.stack[9]);
    assert_int_equal(f.frames[1].offset,
                     N_BUFFERS * ROOM_BYTES + 3 * BIG_ROOM_BYTES + 128);
    assert_ptr_equal(f.frames[1].owner, &f.supply.big.stack[3]);
    assert_ptr_equal(f.frames[2].owner, &f.supply.small.stack[8]);
    assert_ptr_equal(f.frames[3].owner, &f.supply.big.stack[2]);
    close_fixture(&f);
}

/* A frame that needs some of the headroom gets it. */
static void
test_headroom_gives_way(void **state)
{
    static const uint32_t spares[] = { 0, 1, 127, 128, 129 };

    for (size_t i = 0; i < sizeof spares / sizeof spares[0]; i++) {
        struct fixture f;

        open_fixture(&f, 0, true, true);
        uint32_t gref = page_of(&f, 1);
        uint16_t bytes = BIG_ROOM_BYTES - spares[i];
        put(&f, gref, 0, bytes, NETTXF_extra_info | NETTXF_more_data);
        put_gso(&f, V4, 1000, false);
        for (int left = bytes - 95; left > 0; left -= 4096) {
            put(&f, gref, 0, left < 4096 ? left : 4096,
                left > 4096 ? NETTXF_more_data : 0);
        }
        vif_front_tx_push(&f.front);
        assert_int_equal(burst_into(&f, 1, 2000, 1, 128), 1);
        assert_int_equal(f.frames[0].offset, N_BUFFERS * ROOM_BYTES
                                             + (spares[i] < 128 ? spares[i]
                                                                : 128));
        assert_int_equal(f.frames[0].bytes, bytes);
        close_fixture(&f);
    }
}

/* XSA-392's side of sending: no buffer, no frame; it stays in the guest's
 * memory, costs no credit, and asks for no event. */
static void
test_xsa_392_out_of_buffers(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 100000);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 100, 0);
    put_big(&f, gref, 1, V4, 1000);
    put(&f, gref, 0, 100, 0);
    vif_front_tx_push(&f.front);

    assert_int_equal(burst_into(&f, 9, 2000, 0, 0), 1);
    assert_true(f.supply.starved);
    assert_int_equal(f.gate.blocked_bytes, 0);
    assert_true(vif_conn_tx_pending(f.conn));
    uint32_t req_event = f.front.tx->req_event;
    int64_t credit = fixture_credit(&f);
    assert_false(vif_conn_arm(f.conn, false));
    assert_int_equal(f.front.tx->req_event, req_event);

    assert_int_equal(burst_into(&f, 0, 2000, 0, 0), 0);
    assert_true(f.supply.starved);
    assert_int_equal(fixture_credit(&f), credit);
    assert_int_equal(burst_into(&f, 9, 2000, 1, 0), 2);
    assert_false(f.supply.starved);
    assert_false(vif_conn_arm(f.conn, false));
    assert_int_not_equal(f.front.tx->req_event, req_event);
    close_fixture(&f);
}

/* A frame that failed gives its buffer back, to the stack it came from. */
static void
test_failed_frames_return_buffers(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1), bad = page_of(&f, 1);
    fake_guest_revoke(f.guest, bad);
    put(&f, bad, 0, 100, 0);
    put_big(&f, bad, 2, V4, 1000);
    put(&f, gref, 0, 100, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst_into(&f, 9, 2000, 4, 0), 1);
    assert_int_equal(f.supply.small.n, 8);
    assert_int_equal(f.supply.big.n, 4);
    assert_ptr_equal(f.frames[0].owner, &f.supply.small.stack[7]);
    assert_int_equal(f.supply.small.stack[7].offset, 8 * ROOM_BYTES);
    assert_int_equal(f.stats.tx_gso_frames, 0);
    assert_int_equal(f.stats.tx_frames, 1);
    close_fixture(&f);
}

/* The gate charges for the headers of the segments to come. */
static void
test_gate_cost(void **state)
{
    assert_int_equal(vif_gate_cost(1514, 0, 0), 1514);
    assert_int_equal(vif_gate_cost(60000, 0, 1000), 60000);
    assert_int_equal(vif_gate_cost(66, V4, 10), 66);
    assert_int_equal(vif_gate_cost(67, V4, 10), 67);
    assert_int_equal(vif_gate_cost(66 + 10, V4, 10), 76);
    assert_int_equal(vif_gate_cost(66 + 11, V4, 10), 77 + 66);
    assert_int_equal(vif_gate_cost(66 + 14480, V4, 1448), 14546 + 9 * 66);
    assert_int_equal(vif_gate_cost(86 + 14281, V6, 1428), 14367 + 10 * 86);
    assert_int_equal(vif_gate_cost(14, V6, 1), 14);
    assert_int_equal(vif_gate_cost(65535, V4, 1),
                     65535 + UINT64_C(66) * (65535 - 66 - 1));
}

static void
test_gate_and_gso(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 5000);
    uint32_t gref = page_of(&f, 1), bad = page_of(&f, 1);
    fake_guest_revoke(f.guest, bad);
    put_big(&f, bad, 1, V4, 1000);
    put_big(&f, gref, 1, V4, 1000);
    vif_front_tx_push(&f.front);

    /* 4000 + 3 * 66 each; the first is given back, too late for the
     * second. */
    assert_int_equal(burst(&f), 0);
    assert_int_equal(f.gate.blocked_bytes, 4198);
    assert_int_equal(fixture_credit(&f), 5000);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(fixture_credit(&f), 5000 - 4198);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gso_frame),
        cmocka_unit_test(test_big_and_small_buffers),
        cmocka_unit_test(test_headroom_gives_way),
        cmocka_unit_test(test_xsa_392_out_of_buffers),
        cmocka_unit_test(test_failed_frames_return_buffers),
        cmocka_unit_test(test_gate_cost),
        cmocka_unit_test(test_gate_and_gso),
    };

    return cmocka_run_group_tests_name("vif_tx_offload", tests, NULL, NULL);
}
