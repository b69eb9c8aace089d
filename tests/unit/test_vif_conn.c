#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/vif_fixture.h"

static void
test_events(void **state)
{
    for (int split = 0; split < 2; split++) {
        struct fixture f;
        int fds[2] = { -1, -1 };

        open_fixture(&f, 0, split, true);
        assert_int_equal(vif_conn_fds(f.conn, fds), split ? 2 : 1);
        assert_true(fds[0] >= 0);
        assert_int_equal(split, fds[1] >= 0 && fds[1] != fds[0]);

        vif_conn_ack(f.conn);           /* A fresh binding is pending. */
        f.guest->ports[f.front.tx_port - 1].masked = true;
        vif_conn_ack(f.conn);           /* Nothing is: nothing to do. */
        assert_true(f.guest->ports[f.front.tx_port - 1].masked);
        f.guest->ports[f.front.tx_port - 1].masked = false;
        fake_guest_kick(f.guest, f.front.tx_port);
        fake_guest_kick(f.guest, f.front.rx_port);
        vif_conn_ack(f.conn);
        for (unsigned int i = 0; i < FAKE_PORTS_MAX; i++) {
            assert_false(f.guest->ports[i].pending);
            assert_false(f.guest->ports[i].masked);
        }
        close_fixture(&f);
    }
}

/* Requests posted before we came are taken up, from where the last backend
 * stopped; nothing on the ring is initialised. */
static void
test_attach_running_ring(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 1, true, true);
    uint32_t gref = page_of(&f, 1);
    for (int i = 0; i < 5; i++) {
        put(&f, gref, 0, 64, 0);
    }
    vif_front_tx_push(&f.front);
    assert_int_equal(burst_n(&f, 2), 2);
    disconnect_fixture(&f);
    assert_int_equal(connect_fixture(&f), 0);
    struct vif_conn_info info;
    vif_conn_info(f.conn, &info);
    assert_int_equal(info.tx_req_prod - info.tx_req_cons, 3);
    assert_int_equal(info.rx_req_prod, info.rx_req_cons);
    assert_true(vif_conn_tx_pending(f.conn));
    assert_true(vif_conn_arm(f.conn, false));
    assert_int_equal(burst(&f), 3);
    for (int i = 0; i < 5; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    close_fixture(&f);
}

static void
expect_refusal(struct fixture *f, int error)
{
    assert_int_equal(connect_fixture(f), error);
    assert_null(f->conn);
    assert_int_equal(f->fake->n_mapped, 0);
    assert_int_equal(f->fake->n_bound, 0);
    f->frontend = vif_front_frontend(&f->front);
}

static void
test_xsa_362_open_refusals(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    disconnect_fixture(&f);

    struct vif_queue_params *queue = &f.frontend.queues[0];
    queue->rx_gref = queue->tx_gref;
    expect_refusal(&f, -EINVAL);
    queue->tx_gref = 1 << 20;
    expect_refusal(&f, -EINVAL);
    queue->rx_port = 8;
    expect_refusal(&f, -ENOENT);
    f.frontend.domid = 99;
    expect_refusal(&f, -ENOENT);

    /* Each step fails once; nothing stays open. */
    for (unsigned int i = 0; i < 2; i++) {
        f.fake->map_error = -EACCES;
        f.fake->maps_before_error = i;
        expect_refusal(&f, -EACCES);
        f.fake->map_error = 0;
        f.fake->bind_error = -EBUSY;
        f.fake->binds_before_error = i;
        expect_refusal(&f, -EBUSY);
        f.fake->bind_error = 0;
    }

    /* Indices that no ring of 256 can have. */
    f.front.tx->req_prod = f.front.tx->rsp_prod + 257;
    expect_refusal(&f, -EPROTO);
    f.front.tx->req_prod = f.front.tx->rsp_prod + 256;
    f.front.rx->req_prod = f.front.rx->rsp_prod - 1;
    expect_refusal(&f, -EPROTO);
    f.front.rx->req_prod = f.front.rx->rsp_prod + 256;
    assert_int_equal(connect_fixture(&f), 0);
    vif_conn_close(NULL);
    close_fixture(&f);
}

/* XSA-90: a burst that finds malice, here a packet that leaves its page, says
 * so, and closes nothing itself. */
static void
test_xsa_90_malice_is_only_noted(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    put(&f, page_of(&f, 1), 4000, 97, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), -EPROTO);
    assert_int_equal(vif_conn_malice(f.conn), VIF_MALICE_TX_PAGE);
    assert_int_equal(f.fake->n_mapped, 2);
    assert_int_equal(f.fake->n_bound, 2);
    expect_malice(&f);
    close_fixture(&f);
}

/* XSA-374: malice ends what is done for the guest, not what we hold: until
 * the owner closes the queue, every call finds its rings. */
static void
test_xsa_374_rings_stay_until_close(void **state)
{
    struct vif_conn_info info;
    struct fixture f;

    open_fixture(&f, UINT32_MAX, true, true);
    f.front.rx->req_prod += 257;
    f.frames[0].bytes = 60;
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 1, &f.stats),
                     -EPROTO);
    assert_int_equal(f.fake->n_mapped, 2);
    assert_int_equal(f.fake->n_bound, 2);
    vif_conn_info(f.conn, &info);
    assert_int_equal(info.rx_req_prod - info.rx_req_cons, 257);
    vif_conn_ack(f.conn);
    assert_int_equal(vif_conn_rx_posted(f.conn), 257);
    expect_malice(&f);
    assert_int_equal(vif_conn_malice(f.conn), VIF_MALICE_RX_INDEX);
    disconnect_fixture(&f);
    assert_int_equal(f.fake->n_mapped, 0);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_attach_running_ring),
        cmocka_unit_test(test_xsa_362_open_refusals),
        cmocka_unit_test(test_xsa_90_malice_is_only_noted),
        cmocka_unit_test(test_xsa_374_rings_stay_until_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
