#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/vif_fixture.h"

static void
test_tx_one(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    assert_false(vif_conn_tx_pending(f.conn));
    assert_int_equal(burst(&f), 0);

    put(&f, page_of(&f, 0x5a), 100, 60,
        NETTXF_csum_blank | NETTXF_data_validated);
    vif_front_tx_push(&f.front);
    assert_true(vif_conn_tx_pending(f.conn));
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.frames[0].bytes, 60);
    assert_int_equal(f.frames[0].flags,
                     VIF_FRAME_CSUM_BLANK | VIF_FRAME_DATA_VALIDATED);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(frame_data(&f, 0)[i], 0x5a);
    }
    assert_int_equal(frame_data(&f, 0)[60], 0);
    expect_response(&f, 0, NETIF_RSP_OKAY);
    expect_no_response(&f);
    assert_int_equal(f.stats.tx_frames, 1);
    assert_int_equal(f.stats.tx_bytes, 60);
    assert_int_equal(total_drops(&f), 0);
    assert_false(vif_conn_tx_pending(f.conn));
    close_fixture(&f);
}

/* Frames of 1 to 18 slots, read back byte by byte, around the wrap of the
 * indices at 2^32 and of the ring at 256. */
static void
test_tx_chains_wrap(void **state)
{
    struct fixture f;
    uint32_t grefs[18];

    open_fixture(&f, UINT32_MAX - 400, true, true);
    for (int i = 0; i < 18; i++) {
        grefs[i] = page_of(&f, 0x10 + i);
    }

    for (int round = 0; round < 60; round++) {
        unsigned int n = round % 18 + 1;
        uint16_t first_id = f.next_id;

        for (unsigned int i = 0; i < n; i++) {
            put(&f, grefs[i], i, i ? 100 : 20 + 100 * (n - 1),
                i + 1 < n ? NETTXF_more_data : 0);
        }
        vif_front_tx_push(&f.front);
        assert_int_equal(burst(&f), 1);
        assert_int_equal(f.frames[0].bytes, 20 + 100 * (n - 1));
        for (unsigned int i = 0; i < f.frames[0].bytes; i++) {
            assert_int_equal(frame_data(&f, 0)[i],
                             i < 20 ? 0x10 : 0x11 + (i - 20) / 100);
        }
        for (unsigned int i = 0; i < n; i++) {
            expect_response(&f, (uint16_t) (first_id + i), NETIF_RSP_OKAY);
        }
        expect_no_response(&f);
    }
    assert_true(f.front.tx->rsp_prod < 1000);   /* It did wrap. */
    assert_int_equal(f.stats.tx_frames, 60);
    close_fixture(&f);
}

static void
test_tx_full_ring(void **state)
{
    struct fixture f;
    unsigned int n_frames = 0;

    open_fixture(&f, UINT32_MAX - 100, true, true);
    uint32_t gref = page_of(&f, 1);
    for (int i = 0; i < 256; i++) {
        put(&f, gref, 0, 64, 0);
    }
    vif_front_tx_push(&f.front);

    for (int i = 0; i < 8; i++) {
        assert_true(vif_conn_tx_pending(f.conn));
        assert_int_equal(burst(&f), 32);
        n_frames += 32;
        /* One call each. */
        assert_int_equal(f.fake->counts.copy_calls, i + 1);
        assert_int_equal(f.fake->counts.copy_segs, n_frames);
    }
    assert_int_equal(burst(&f), 0);
    for (int i = 0; i < 256; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    expect_no_response(&f);
    close_fixture(&f);
}

/* Fewer buffers than frames: the rest waits. */
static void
test_tx_few_buffers(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1);
    for (int i = 0; i < 5; i++) {
        put(&f, gref, 0, 64, 0);
    }
    vif_front_tx_push(&f.front);
    assert_int_equal(burst_n(&f, 3), 3);
    /* Work is left that no event will tell of. */
    assert_true(vif_conn_arm(f.conn, false));
    assert_int_equal(burst_n(&f, 3), 2);
    assert_false(vif_conn_arm(f.conn, false));
    assert_int_equal(burst_n(&f, 0), 0);
    close_fixture(&f);
}

/* Nonsense between good frames: dropped under its name, answered, and the
 * good ones unharmed. */
static void
test_tx_drops(void **state)
{
    struct fixture f;
    struct netif_extra_info hash = { .type = XEN_NETIF_EXTRA_TYPE_HASH,
                                     .flags = XEN_NETIF_EXTRA_FLAG_MORE };
    struct netif_extra_info mcast = { .type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
                                      .u.mcast.addr = { 1 } };

    open_fixture(&f, 1000, true, true);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 64, 0);                            /* 0 */
    put(&f, gref, 0, 13, 0);                            /* 1 */
    put(&f, gref, 0, 64, NETTXF_more_data);             /* 2 */
    put(&f, gref, 0, 65, 0);                            /* 3 */
    put(&f, gref, 0, 64, NETTXF_extra_info);            /* 4 */
    vif_front_tx_put_extra(&f.front, &hash);
    hash.flags = 0;
    vif_front_tx_put_extra(&f.front, &hash);
    put(&f, gref, 0, 0, NETTXF_extra_info);             /* 5 */
    vif_front_tx_put_extra(&f.front, &mcast);
    put(&f, gref, 0, 9001, NETTXF_more_data);           /* 6 */
    put(&f, gref, 0, 4096, NETTXF_more_data);           /* 7 */
    put(&f, gref, 0, 4096, 0);                          /* 8 */
    for (int i = 0; i < 19; i++) {                      /* 9 to 27 */
        put(&f, gref, 0, i ? 10 : 190, i < 18 ? NETTXF_more_data : 0);
    }
    put(&f, gref, 0, 65, 0);                            /* 28 */
    vif_front_tx_push(&f.front);

    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.frames[0].bytes, 64);
    assert_int_equal(f.frames[1].bytes, 65);
    expect_response(&f, 0, NETIF_RSP_OKAY);
    expect_response(&f, 1, NETIF_RSP_ERROR);
    expect_response(&f, 2, NETIF_RSP_ERROR);
    expect_response(&f, 3, NETIF_RSP_ERROR);
    expect_response(&f, 4, NETIF_RSP_ERROR);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, -1, NETIF_RSP_NULL);
    expect_response(&f, 5, NETIF_RSP_OKAY);
    expect_response(&f, -1, NETIF_RSP_NULL);
    for (int i = 6; i <= 27; i++) {
        expect_response(&f, i, NETIF_RSP_ERROR);
    }
    expect_response(&f, 28, NETIF_RSP_OKAY);
    expect_no_response(&f);

    assert_int_equal(f.stats.drops[VIF_DROP_TX_RUNT], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_LENGTH], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_EXTRA], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_OVERSIZE], 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_SLOTS], 1);
    assert_int_equal(total_drops(&f), 5);
    assert_int_equal(f.stats.tx_frames, 2);
    close_fixture(&f);
}

/* XSA-361, XSA-367: a segment's status counts, and one that failed takes its
 * frame with it, and no other. */
static void
test_xsa_361_xsa_367_tx_bad_grants(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000000, 100000);
    int64_t full = fixture_credit(&f);

    uint32_t good[4], revoked = page_of(&f, 9), foreign = page_of(&f, 9);
    uint32_t beyond = page_of(&f, 9);
    for (int i = 0; i < 4; i++) {
        good[i] = page_of(&f, 0x20 + i);
    }
    fake_guest_revoke(f.guest, revoked);
    f.guest->grants[foreign].domid = OWN_DOMID + 1;
    f.guest->grants[beyond].frame = f.guest->n_pages;

    put(&f, good[0], 0, 100, 0);                        /* 0 */
    put(&f, revoked, 0, 100, 0);                        /* 1 */
    put(&f, good[1], 0, 300, NETTXF_more_data);         /* 2 */
    put(&f, foreign, 0, 100, NETTXF_more_data);         /* 3 */
    put(&f, good[1], 0, 100, 0);                        /* 4 */
    put(&f, good[2], 0, 200, NETTXF_more_data);         /* 5 */
    put(&f, good[3], 0, 150, 0);                        /* 6 */
    put(&f, UINT32_MAX, 0, 100, 0);                     /* 7 */
    put(&f, beyond, 0, 100, 0);                         /* 8 */
    put(&f, good[3], 0, 77, 0);                         /* 9 */
    vif_front_tx_push(&f.front);

    assert_int_equal(burst(&f), 3);
    assert_int_equal(f.frames[0].bytes, 100);
    assert_int_equal(frame_data(&f, 0)[99], 0x20);
    assert_int_equal(f.frames[1].bytes, 200);
    assert_int_equal(frame_data(&f, 1)[49], 0x22);
    assert_int_equal(frame_data(&f, 1)[50], 0x23);
    assert_int_equal(f.frames[2].bytes, 77);
    assert_int_equal(frame_data(&f, 2)[76], 0x23);
    static const int statuses[] = { 0, -1, -1, -1, -1, 0, 0, -1, -1, 0 };
    for (int i = 0; i < 10; i++) {
        expect_response(&f, i, statuses[i]);
    }
    assert_int_equal(f.stats.drops[VIF_DROP_TX_GRANT], 4);
    assert_int_equal(f.stats.tx_frames, 3);
    assert_int_equal(f.stats.tx_bytes, 377);

    /* Only what was delivered is charged. */
    assert_int_equal(full - fixture_credit(&f), 377);
    close_fixture(&f);
}

/* XSA-448: a slot without bytes may name any reference. */
static void
test_xsa_448_zero_length_slot(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 0x33);
    put(&f, UINT32_MAX, 0, 64, NETTXF_more_data);
    put(&f, UINT32_MAX, 0, 0, NETTXF_more_data);
    put(&f, gref, 0, 64, NETTXF_more_data);
    put(&f, UINT32_MAX, 0, 0, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.frames[0].bytes, 64);
    assert_int_equal(frame_data(&f, 0)[63], 0x33);
    for (int i = 0; i < 4; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    assert_int_equal(f.fake->counts.copy_segs, 1);
    close_fixture(&f);
}

static void
test_tx_gate(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 1, true, true);
    limit_fixture(&f, 8000000, 2000);           /* 1 MB/s. */
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 1000, 0);
    put(&f, gref, 0, 900, NETTXF_more_data);
    put(&f, gref, 0, 400, 0);
    put(&f, gref, 0, 600, 0);
    vif_front_tx_push(&f.front);

    /* 1000 + 900 fit into 2000, a further 600 does not: it stays, unanswered
     * and unharmed. */
    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.gate.blocked_bytes, 600);
    for (int i = 0; i < 3; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    expect_no_response(&f);
    assert_true(vif_conn_tx_pending(f.conn));

    /* Waiting for credit is no reason to stay awake, and no event is asked
     * for: more requests change nothing. */
    uint32_t req_event = f.front.tx->req_event;
    assert_false(vif_conn_arm(f.conn, false));
    put(&f, gref, 0, 600, 0);
    assert_false(vif_front_tx_push(&f.front));
    assert_false(vif_conn_arm(f.conn, false));
    assert_int_equal(f.front.tx->req_event, req_event);

    f.gate.now_ns = 499999;
    assert_int_equal(burst(&f), 0);
    assert_int_equal(f.gate.blocked_bytes, 600);
    f.gate.now_ns = 500000;
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.frames[0].bytes, 600);
    assert_int_equal(f.gate.blocked_bytes, 600);
    f.gate.now_ns = 5000000;
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.gate.blocked_bytes, 0);
    assert_false(vif_conn_arm(f.conn, false));
    assert_int_equal(f.stats.tx_throttled, 0);          /* The caller's. */
    close_fixture(&f);
}

/* What is dropped for cause is not charged. */
static void
test_tx_gate_and_drops(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    limit_fixture(&f, 8000, 1514);
    uint32_t gref = page_of(&f, 1);
    for (int i = 0; i < 50; i++) {
        put(&f, gref, 0, 13, 0);
    }
    put(&f, gref, 0, 1514, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_RUNT], 50);
    assert_int_equal(fixture_credit(&f), 0);

    /* Behind a frame that may yet have to wait, one is not dropped yet. */
    f.gate.now_ns = 10000000000;
    put(&f, gref, 0, 60, 0);
    put(&f, gref, 0, 13, 0);
    put(&f, gref, 0, 60, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_RUNT], 50);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_RUNT], 51);
    close_fixture(&f);
}

static void
test_tx_runaway_prod(void **state)
{
    static const uint32_t jumps[] = {
        257, 258, 1000, INT32_MAX, UINT32_MAX - 300, UINT32_MAX,
    };

    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        struct fixture f;

        open_fixture(&f, 50, true, true);
        f.front.tx_prod += jumps[i];    /* The last: backwards by one. */
        vif_front_tx_push(&f.front);
        expect_malice(&f);
        close_fixture(&f);
    }
}

/* A producer that goes back behind what was consumed. */
static void
test_tx_backwards_prod(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 2, true, true);
    uint32_t gref = page_of(&f, 1);
    for (int i = 0; i < 6; i++) {
        put(&f, gref, 0, 64, 0);
    }
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 6);
    f.front.tx_prod -= 3;
    vif_front_tx_push(&f.front);
    expect_malice(&f);
    close_fixture(&f);
}

/* Whatever the guest does to the shared indices that are ours. */
static void
test_shared_rsp_prod_ignored(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 64, 0);
    vif_front_tx_push(&f.front);
    f.front.tx->rsp_prod = 0xdeadbeef;
    f.front.rx->rsp_prod = 0xdeadbeef;
    assert_int_equal(burst(&f), 1);
    assert_int_equal(f.front.tx->rsp_prod, 1);
    close_fixture(&f);
}

/* Good frames in front of a malicious one are delivered first. */
static void
test_tx_malice_behind_good(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 64, 0);
    put(&f, gref, 0, 63, 0);
    put(&f, gref, 4000, 97, 0);
    put(&f, gref, 0, 62, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    expect_response(&f, 0, NETIF_RSP_OKAY);
    expect_response(&f, 1, NETIF_RSP_OKAY);
    expect_no_response(&f);
    assert_true(vif_conn_tx_pending(f.conn));
    expect_malice(&f);
    close_fixture(&f);
}

static void
test_xsa_39_truncated_chain(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 1);
    put(&f, gref, 0, 164, NETTXF_more_data);
    put(&f, gref, 0, 100, NETTXF_more_data);
    vif_front_tx_push(&f.front);
    expect_malice(&f);
    close_fixture(&f);
}

/* XSA-155: the guest rewrites its requests between our look at them and the
 * copy; what was judged is what counts. */
static void
rewrite_slots(struct xen_fake *fake, void *front_)
{
    struct vif_front *front = front_;

    for (unsigned int i = 0; i < FRONT_SLOTS; i++) {
        front->tx->ring[i].req = (struct netif_tx_request) {
            .gref = UINT32_MAX, .offset = 0xffff, .flags = 0xffff,
            .id = 0xffff, .size = 0xffff,
        };
    }
    front->tx->req_prod += 100000;
}

static void
test_xsa_155_rewritten_slots(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 0x44);
    put(&f, gref, 0, 64, 0);
    put(&f, gref, 0, 164, NETTXF_more_data);
    put(&f, gref, 0, 100, 0);
    vif_front_tx_push(&f.front);
    f.fake->before_copy = rewrite_slots;
    f.fake->before_copy_aux = &f.front;
    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.frames[0].bytes, 64);
    assert_int_equal(f.frames[1].bytes, 164);
    for (int i = 0; i < 3; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    f.fake->before_copy = NULL;
    expect_malice(&f);                  /* The index ran away. */
    close_fixture(&f);
}

/* Events go out only when they are asked for, and once a burst. */
static void
test_tx_notifies(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 10, true, true);
    uint32_t gref = page_of(&f, 1);
    uint32_t port = f.front.tx_port;

    /* A fresh ring wants an event at its first response. */
    for (int i = 0; i < 5; i++) {
        put(&f, gref, 0, 64, 0);
    }
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 5);
    assert_int_equal(fake_guest_kicks(f.guest, port), 1);
    assert_int_equal(f.stats.tx_notifies, 1);

    /* It polls now and does not ask. */
    for (int round = 0; round < 20; round++) {
        put(&f, gref, 0, 64, 0);
        vif_front_tx_push(&f.front);
        assert_int_equal(burst(&f), 1);
    }
    assert_int_equal(fake_guest_kicks(f.guest, port), 1);

    for (int i = 0; i < 25; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    /* At the third response from here: not at the second, but then. */
    f.front.tx->rsp_event = f.front.tx_cons + 3;
    put(&f, gref, 0, 64, 0);
    put(&f, gref, 0, 64, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    assert_int_equal(fake_guest_kicks(f.guest, port), 1);
    put(&f, gref, 0, 64, 0);
    put(&f, gref, 0, 64, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    assert_int_equal(fake_guest_kicks(f.guest, port), 2);

    /* An event at what was answered already is none. */
    f.front.tx->rsp_event = f.front.tx->rsp_prod;
    put(&f, gref, 0, 64, 0);
    put(&f, gref, 0, 64, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    assert_int_equal(fake_guest_kicks(f.guest, port), 2);
    assert_int_equal(fake_guest_kicks(f.guest, f.front.rx_port), 0);
    close_fixture(&f);
}

/* The guest's side of the hold-off: it need not tell while we poll, and must
 * after arm(). */
static void
test_tx_arm(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 10, true, true);
    uint32_t gref = page_of(&f, 1);

    for (int i = 0; i < 30; i++) {
        put(&f, gref, 0, 64, 0);
        bool asked = vif_front_tx_push(&f.front);
        assert_int_equal(asked, i == 0);        /* A fresh ring's event. */
        assert_int_equal(burst(&f), 1);
    }
    for (int i = 0; i < 30; i++) {
        assert_false(vif_conn_arm(f.conn, true));
        put(&f, gref, 0, 64, 0);
        assert_true(vif_front_tx_push(&f.front));
        /* It came before the sleep; no Rx buffer did. */
        assert_true(vif_conn_arm(f.conn, i & 1));
        assert_int_equal(burst(&f), 1);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tx_one),
        cmocka_unit_test(test_tx_chains_wrap),
        cmocka_unit_test(test_tx_full_ring),
        cmocka_unit_test(test_tx_few_buffers),
        cmocka_unit_test(test_tx_drops),
        cmocka_unit_test(test_xsa_361_xsa_367_tx_bad_grants),
        cmocka_unit_test(test_xsa_448_zero_length_slot),
        cmocka_unit_test(test_tx_gate),
        cmocka_unit_test(test_tx_gate_and_drops),
        cmocka_unit_test(test_tx_runaway_prod),
        cmocka_unit_test(test_tx_backwards_prod),
        cmocka_unit_test(test_shared_rsp_prod_ignored),
        cmocka_unit_test(test_tx_malice_behind_good),
        cmocka_unit_test(test_xsa_39_truncated_chain),
        cmocka_unit_test(test_xsa_155_rewritten_slots),
        cmocka_unit_test(test_tx_notifies),
        cmocka_unit_test(test_tx_arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
