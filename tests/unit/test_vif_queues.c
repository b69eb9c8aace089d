/* Queues of one VIF beside each other: what is one's is not the other's, and
 * what is the VIF's is all of theirs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "datapath/vif_mcast.h"
#include "tests/unit/ctrl_fixture.h"

#define N_QUEUES VIF_QUEUES_MAX
#define ADD XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
#define DEL XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING

static uint8_t memory[VIF_BURST_FRAMES][2048];
static const struct xen_region region = { memory, sizeof memory };

static uint32_t
new_page(struct ctrl_fixture *f, int fill)
{
    uint32_t frame;

    memset(fake_guest_page(f->guest, &frame), fill, XEN_PAGE_BYTES);
    return fake_guest_grant(f->guest, frame, true);
}

/* Puts a frame of 60 bytes on 'queue'. */
static void
put_frame(struct ctrl_fixture *f, unsigned int queue, uint32_t gref)
{
    vif_front_tx_put(&f->fronts[queue], &(struct netif_tx_request) {
        .gref = gref, .id = queue, .size = 60,
    });
    vif_front_tx_push(&f->fronts[queue]);
}

static int
burst(struct ctrl_fixture *f, unsigned int queue, struct vif_stats *stats)
{
    struct vif_frame frames[VIF_BURST_FRAMES];
    struct vif_gate gate = { .leaf = NULL };
    struct vif_supply supply = {
        .frame_bytes = 2048,
        .small = { &region, 2048, 0, VIF_BURST_FRAMES, { { 0 } } },
        .big = { &region, 2048, 0, 0, { { 0 } } },
    };

    for (unsigned int i = 0; i < VIF_BURST_FRAMES; i++) {
        supply.small.stack[i].offset = i * 2048;
    }
    memset(memory, 0, sizeof memory);
    return vif_conn_tx_burst(f->queues[queue], &supply, frames,
                             VIF_BURST_FRAMES, &gate, stats);
}

/* Each answers on its own ring, by its own event channel, in its own part of
 * the journal. */
static void
test_apart(void **state)
{
    struct vif_stats stats = { 0 };
    struct netif_tx_response rsp;
    struct ctrl_fixture f;

    open_ctrl(&f, N_QUEUES, UINT32_MAX);
    uint32_t gref = new_page(&f, 1);
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        put_frame(&f, i, gref);
    }
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        for (unsigned int j = 0; j < N_QUEUES; j++) {
            assert_int_equal(f.journal->queues[j].tx.state,
                             vif_journal_state(j < i ? 0 : UINT32_MAX, 0));
            assert_int_equal(vif_conn_tx_pending(f.queues[j]), j >= i);
            assert_int_equal(fake_guest_kicks(f.guest, f.fronts[j].tx_port),
                             j < i);
        }
        assert_int_equal(burst(&f, i, &stats), 1);
        assert_true(vif_front_tx_take(&f.fronts[i], &rsp));
        assert_int_equal(rsp.id, i);
        assert_int_equal(rsp.status, NETIF_RSP_OKAY);
    }
    close_ctrl(&f);
}

/* Malice is found on one ring; what its owner does about the others is the
 * owner's. */
static void
test_malice_of_one(void **state)
{
    struct vif_stats stats = { 0 };
    struct ctrl_fixture f;

    open_ctrl(&f, 2, 0);
    uint32_t gref = new_page(&f, 1);
    f.fronts[1].tx->req_prod += 257;
    assert_int_equal(burst(&f, 1, &stats), -EPROTO);
    put_frame(&f, 0, gref);
    assert_int_equal(burst(&f, 0, &stats), 1);
    assert_int_equal(vif_conn_malice(f.queues[0]), VIF_MALICE_NONE);
    assert_int_equal(vif_conn_malice(f.queues[1]), VIF_MALICE_TX_INDEX);
    close_ctrl(&f);
}

/* The multicast list is amended on any queue, and there is one. */
static void
test_one_multicast_list(void **state)
{
    struct vif_stats stats = { 0 };
    struct ctrl_fixture f;

    open_ctrl(&f, N_QUEUES, 0);
    vif_mcast_want(&f.journal->mcast, true);
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        struct netif_extra_info extra = {
            .type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
            .u.mcast.addr = { 1, 2, 3, 4, 5, i },
        };

        vif_front_tx_put(&f.fronts[i], &(struct netif_tx_request) {
            .flags = NETTXF_extra_info,
        });
        vif_front_tx_put_extra(&f.fronts[i], &extra);
        vif_front_tx_push(&f.fronts[i]);
        assert_false(vif_mcast_match(&f.journal->mcast, extra.u.mcast.addr));
        assert_int_equal(burst(&f, i, &stats), 0);
        assert_true(vif_mcast_match(&f.journal->mcast, extra.u.mcast.addr));
    }
    assert_int_equal(f.journal->mcast.n, N_QUEUES);
    close_ctrl(&f);
}

/* A page is mapped for one queue over the control ring: that queue copies
 * without a grant operation, from then until it asks us to let it go. */
static void
test_mapped_for_one(void **state)
{
    struct vif_stats stats = { 0 };
    struct ctrl_fixture f;
    uint32_t n;

    open_ctrl(&f, 2, 0);
    uint32_t gref = new_page(&f, 0x5a);
    struct xen_netif_gref entry = {
        .ref = gref, .flags = XEN_NETIF_CTRLF_GREF_readonly,
    };
    memcpy(f.table, &entry, sizeof entry);
    assert_int_equal(ask(&f, ADD, 1, f.table_gref, 1, NULL), 0);

    for (unsigned int round = 0; round < 3; round++) {
        for (unsigned int queue = 0; queue < 2; queue++) {
            uint64_t n_grants = stats.tx_grant_copies;
            uint64_t n_mapped = stats.tx_mapped_copies;
            bool mapped = queue == 1 && round < 2;

            put_frame(&f, queue, gref);
            assert_int_equal(burst(&f, queue, &stats), 1);
            assert_int_equal(stats.tx_mapped_copies - n_mapped, mapped);
            assert_int_equal(stats.tx_grant_copies - n_grants, !mapped);
            assert_int_equal(memory[VIF_BURST_FRAMES - 1][59], 0x5a);
        }
        if (round == 1) {
            assert_int_equal(ask(&f, DEL, 1, f.table_gref, 1, &n), 0);
            assert_int_equal(n, 1);
        }
    }
    close_ctrl(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_malice_of_one),
        cmocka_unit_test(test_one_multicast_list),
        cmocka_unit_test(test_mapped_for_one),
    };

    return cmocka_run_group_tests_name("vif_queues", tests, NULL, NULL);
}
