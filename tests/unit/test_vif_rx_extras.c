/* What is said about a frame that the guest receives, and the room in front
 * of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_frontend.h"
#include "tests/unit/vif_fixture.h"

#define MORE_DATA NETRXF_more_data
#define EXTRA NETRXF_extra_info
#define BLANK (NETRXF_csum_blank | NETRXF_data_validated)

static int
receive(struct fixture *f, unsigned int n)
{
    return vif_conn_rx_burst(f->conn, f->frames, n, &f->stats);
}

static void
expect_data(struct fixture *f, uint16_t id, uint16_t offset, uint16_t flags,
            int status)
{
    struct netif_rx_response rsp;

    assert_true(vif_front_rx_take(&f->front, &rsp));
    assert_int_equal(rsp.id, id);
    assert_int_equal(rsp.offset, offset);
    assert_int_equal(rsp.flags, flags);
    assert_int_equal(rsp.status, status);
}

static struct netif_extra_info
expect_extra(struct fixture *f, uint8_t type, bool more)
{
    struct netif_rx_response rsp;
    struct netif_extra_info extra;

    assert_true(vif_front_rx_take(&f->front, &rsp));
    memcpy(&extra, &rsp, sizeof extra);
    assert_int_equal(extra.type, type);
    assert_int_equal(extra.flags, more ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
    return extra;
}

static void
expect_nothing(struct fixture *f)
{
    struct netif_rx_response rsp;

    assert_false(vif_front_rx_take(&f->front, &rsp));
}

static void
make_gso(struct fixture *f, unsigned int i, uint32_t bytes)
{
    fill_frame(f, i, bytes, 0x60 + i);
    f->frames[i].flags = VIF_FRAME_CSUM_BLANK;
    f->frames[i].gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
    f->frames[i].gso_bytes = 1428;
}

static void
make_hashed(struct fixture *f, unsigned int i)
{
    f->frames[i].flags |= VIF_FRAME_HASHED;
    f->frames[i].hash_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
    f->frames[i].hash = 0x01020384;
}

static void
expect_gso(struct fixture *f, bool more)
{
    struct netif_extra_info e = expect_extra(f, XEN_NETIF_EXTRA_TYPE_GSO,
                                             more);

    assert_int_equal(e.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV6);
    assert_int_equal(e.u.gso.size, 1428);
    assert_int_equal(e.u.gso.pad, 0);
    assert_int_equal(e.u.gso.features, 0);
}

static void
expect_hash(struct fixture *f, bool more)
{
    struct netif_extra_info e = expect_extra(f, XEN_NETIF_EXTRA_TYPE_HASH,
                                             more);
    uint32_t hash;

    memcpy(&hash, e.u.hash.value, sizeof hash);
    assert_int_equal(hash, 0x01020384);
    assert_int_equal(e.u.hash.type, _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP);
    assert_int_equal(e.u.hash.algorithm,
                     XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
}

static void
expect_xdp(struct fixture *f, uint16_t headroom_bytes)
{
    struct netif_extra_info e = expect_extra(f, VIF_EXTRA_TYPE_XDP, false);
    uint16_t words[3];

    memcpy(words, &e.u, sizeof words);
    assert_int_equal(words[0], headroom_bytes);
    assert_int_equal(words[1], 0);
    assert_int_equal(words[2], 0);
}

/* First part, what is said, the rest; and the next frame untouched by it. */
static void
test_each_extra(void **state)
{
    static uint32_t grefs[16];
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 3, true, true);
    post_rx(&f, 9, grefs);
    make_gso(&f, 0, 9000);
    fill_frame(&f, 1, 60, 0x61);
    make_hashed(&f, 1);
    fill_frame(&f, 2, 61, 0x62);
    make_gso(&f, 3, 100);
    make_hashed(&f, 3);
    f.frames[3].flags &= ~VIF_FRAME_CSUM_BLANK;
    assert_int_equal(receive(&f, 4), 3);        /* The last needs 3 slots. */

    expect_data(&f, 500, 0, BLANK | EXTRA | MORE_DATA, 4096);
    expect_gso(&f, false);
    expect_data(&f, 502, 0, MORE_DATA, 4096);
    expect_data(&f, 503, 0, 0, 808);
    expect_data(&f, 504, 0, EXTRA, 60);
    expect_hash(&f, false);
    expect_data(&f, 506, 0, 0, 61);
    expect_nothing(&f);
    assert_int_equal(guest_data(&f, grefs[2])[4095], 0x60);
    assert_int_equal(guest_data(&f, grefs[3])[807], 0x60);
    assert_int_equal(guest_data(&f, grefs[3])[808], 0);
    assert_int_equal(guest_data(&f, grefs[1])[0], 0);   /* An extra's page. */
    assert_int_equal(f.stats.rx_gso_frames, 1);
    assert_int_equal(f.stats.rx_csum_blank, 1);
    assert_int_equal(f.stats.rx_grant_copies, 5);
    assert_int_equal(f.stats.rx_bytes, 9121);

    post_rx(&f, 1, grefs);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames + 3, 1, &f.stats), 1);
    expect_data(&f, 507, 0, EXTRA, 100);
    expect_gso(&f, true);
    expect_hash(&f, false);
    expect_nothing(&f);
    close_fixture(&f);
}

static void
test_all_extras_and_headroom(void **state)
{
    static uint32_t grefs[32];
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 8, true, true);
    vif_conn_set_xdp_headroom(f.conn, VIF_XDP_HEADROOM_MAX);
    post_rx(&f, 20, grefs);
    f.frames[0].offset = N_BUFFERS * ROOM_BYTES;        /* A big buffer. */
    make_gso(&f, 0, 65535);
    make_hashed(&f, 0);
    assert_int_equal(receive(&f, 1), 1);

    expect_data(&f, 500, 2048, BLANK | EXTRA | MORE_DATA, 2048);
    expect_gso(&f, true);
    expect_hash(&f, true);
    expect_xdp(&f, 2048);
    for (int i = 4; i < 19; i++) {
        expect_data(&f, 500 + i, 0, MORE_DATA, 4096);
    }
    expect_data(&f, 519, 0, 0, 2047);
    expect_nothing(&f);
    assert_int_equal(guest_data(&f, grefs[0])[2047], 0);
    assert_int_equal(guest_data(&f, grefs[0])[2048], 0x60);
    close_fixture(&f);
}

/* Sizes around the page's end, with each headroom: neither headroom nor frame
 * leaves the page, and nothing is written in front of it. */
static void
test_headroom_sizes(void **state)
{
    static const uint16_t headrooms[] = { 0, 1, 256, 2047, 2048 };

    for (size_t h = 0; h < sizeof headrooms / sizeof headrooms[0]; h++) {
        uint16_t headroom = headrooms[h];
        unsigned int n_extras = headroom ? 1 : 0;

        for (int d = -2; d <= 2; d++) {
            struct fixture f;
            uint32_t grefs[4];
            uint32_t bytes = 4096 - headroom + d;
            bool two = d > 0;

            open_fixture(&f, 0, true, true);
            vif_conn_set_xdp_headroom(f.conn, headroom);
            post_rx(&f, 4, grefs);
            fill_frame(&f, 0, bytes, 0x11);
            assert_int_equal(receive(&f, 1), 1);
            expect_data(&f, 500, headroom, (n_extras ? EXTRA : 0)
                                           | (two ? MORE_DATA : 0),
                        two ? 4096 - headroom : bytes);
            if (n_extras) {
                expect_xdp(&f, headroom);
            }
            if (two) {
                expect_data(&f, 501 + n_extras, 0, 0, d);
            }
            expect_nothing(&f);
            for (uint32_t i = 0; i < headroom; i++) {
                assert_int_equal(guest_data(&f, grefs[0])[i], 0);
            }
            close_fixture(&f);
        }
    }
}

/* A guest that takes no chains: the headroom makes its frames shorter. */
static void
test_headroom_without_sg(void **state)
{
    uint32_t grefs[8];
    struct fixture f;

    open_fixture(&f, 0, true, false);
    vif_conn_set_xdp_headroom(f.conn, 256);
    post_rx(&f, 8, grefs);
    fill_frame(&f, 0, 3841, 1);
    fill_frame(&f, 1, 3840, 2);
    assert_int_equal(receive(&f, 2), 2);
    assert_int_equal(f.stats.drops[VIF_DROP_RX_OVERSIZE], 1);
    expect_data(&f, 500, 256, EXTRA, 3840);
    expect_xdp(&f, 256);
    expect_nothing(&f);

    vif_conn_set_xdp_headroom(f.conn, 0);
    assert_int_equal(receive(&f, 1), 1);
    expect_data(&f, 502, 0, 0, 3841);
    close_fixture(&f);
}

/* No frame without bytes; and none is torn between buffers and extras, at
 * any number of buffers. */
static void
test_never_torn(void **state)
{
    for (unsigned int posted = 0; posted <= 6; posted++) {
        uint32_t grefs[8];
        struct fixture f;

        open_fixture(&f, UINT32_MAX - 1, true, true);
        vif_conn_set_xdp_headroom(f.conn, 100);
        post_rx(&f, posted, grefs);
        make_gso(&f, 0, 4000);                  /* 2 + 3 slots. */
        make_hashed(&f, 0);
        assert_int_equal(receive(&f, 1), posted >= 5);
        assert_int_equal(f.front.rx->rsp_prod - (UINT32_MAX - 1),
                         posted >= 5 ? 5 : 0);
        f.frames[0].bytes = 0;
        assert_int_equal(receive(&f, 1), 1);
        assert_int_equal(f.stats.drops[VIF_DROP_RX_OVERSIZE], 1);
        close_fixture(&f);
    }
}

/* One bad buffer: all slots of its frame are answered as failed, those that
 * an extra would have taken as well, each with its own id. */
static void
test_failed_frame_answers_all(void **state)
{
    for (int bad = 0; bad < 5; bad++) {
        uint32_t grefs[8];
        struct fixture f;

        open_fixture(&f, UINT32_MAX - 1, true, true);
        post_rx(&f, 6, grefs);
        fake_guest_revoke(f.guest, grefs[bad]);
        make_gso(&f, 0, 9000);                  /* Slots 0, 2, 3; 1, 4. */
        make_hashed(&f, 0);
        fill_frame(&f, 1, 60, 1);
        assert_int_equal(receive(&f, 2), 2);
        bool failed = bad == 0 || bad == 3 || bad == 4;
        assert_int_equal(f.stats.drops[VIF_DROP_RX_GRANT], failed);
        assert_int_equal(f.stats.rx_gso_frames, !failed);
        assert_int_equal(f.stats.rx_frames, failed ? 1 : 2);
        if (failed) {
            for (int i = 0; i < 5; i++) {
                expect_data(&f, 500 + i, 0, 0, NETIF_RSP_ERROR);
            }
        } else {
            expect_data(&f, 500, 0, BLANK | EXTRA | MORE_DATA, 4096);
            expect_gso(&f, true);
            expect_hash(&f, false);
            expect_data(&f, 503, 0, MORE_DATA, 4096);
            expect_data(&f, 504, 0, 0, 808);
        }
        expect_data(&f, 505, 0, 0, 60);
        expect_nothing(&f);
        close_fixture(&f);
    }
}

/* The guest rewrites its posted buffers while they are filled: those that
 * were read count, and their ids. */
static void
rewrite_slots(struct xen_fake *fake, void *front_)
{
    struct vif_front *front = front_;

    for (unsigned int i = 0; i < FRONT_SLOTS; i++) {
        front->rx->ring[i].req = (struct netif_rx_request) {
            .id = 0xffff, .gref = UINT32_MAX,
        };
    }
}

static void
test_xsa_155_rx_slots_rewritten(void **state)
{
    uint32_t grefs[8];
    struct fixture f;

    open_fixture(&f, 0, true, true);
    post_rx(&f, 5, grefs);
    fill_frame(&f, 0, 9000, 1);
    fill_frame(&f, 1, 60, 2);
    f.fake->before_copy = rewrite_slots;
    f.fake->before_copy_aux = &f.front;
    assert_int_equal(receive(&f, 2), 2);
    expect_data(&f, 500, 0, MORE_DATA, 4096);
    expect_data(&f, 501, 0, MORE_DATA, 4096);
    expect_data(&f, 502, 0, 0, 808);
    expect_data(&f, 503, 0, 0, 60);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_extra),
        cmocka_unit_test(test_all_extras_and_headroom),
        cmocka_unit_test(test_headroom_sizes),
        cmocka_unit_test(test_headroom_without_sg),
        cmocka_unit_test(test_never_torn),
        cmocka_unit_test(test_failed_frame_answers_all),
        cmocka_unit_test(test_xsa_155_rx_slots_rewritten),
    };

    return cmocka_run_group_tests_name("vif_rx_extras", tests, NULL, NULL);
}
