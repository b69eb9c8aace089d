#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/ctrl_fixture.h"

#include <stdlib.h>
#include <string.h>

static void
set_hash(void *f_, const struct vif_hash *hash)
{
    struct ctrl_fixture *f = f_;

    f->hash = *hash;
    f->n_set_hash++;
}

static void
retire(void *f_, void (*done)(void *), void *arg)
{
    struct ctrl_fixture *f = f_;

    assert_true(f->n_retired < CTRL_RETIRED_MAX);
    f->retired[f->n_retired].done = done;
    f->retired[f->n_retired++].arg = arg;
}

static const struct vif_ctrl_ops owner_ops = { set_hash, retire };

int
connect_ctrl(struct ctrl_fixture *f)
{
    return vif_ctrl_open(&xen_ops_fake, xen_fake_platform(f->fake),
                         f->journal, f->queues, &owner_ops, f, &f->ctrl);
}

void
open_ctrl(struct ctrl_fixture *f, unsigned int n_queues, uint32_t index)
{
    uint32_t frame;

    memset(f, 0, sizeof *f);
    f->now_ns = 1000;
    f->fake = xen_fake_create(1);
    f->guest = xen_fake_add_guest(f->fake, 7, 800, 2048);
    f->table = fake_guest_page(f->guest, &frame);
    f->table_gref = fake_guest_grant(f->guest, frame, false);
    for (unsigned int i = 0; i < n_queues; i++) {
        vif_front_init(&f->fronts[i], f->guest, index, i & 1);
    }
    f->frontend = vif_front_frontend(&f->fronts[0]);
    f->frontend.n_queues = n_queues;
    for (unsigned int i = 0; i < n_queues; i++) {
        f->frontend.queues[i]
            = vif_front_frontend(&f->fronts[i]).queues[0];
    }
    ctrl_front_init(&f->front, f->guest, index, &f->frontend);

    f->journal = calloc(1, vif_journal_bytes(n_queues));
    assert_non_null(f->journal);
    vif_journal_init(f->journal, 0, &f->frontend);
    for (unsigned int i = 0; i < n_queues; i++) {
        assert_int_equal(vif_conn_open(&xen_ops_fake,
                                       xen_fake_platform(f->fake), f->journal,
                                       i, &f->queues[i]), 0);
    }
    assert_int_equal(connect_ctrl(f), 0);
}

void
close_ctrl(struct ctrl_fixture *f)
{
    finish_retired(f);
    vif_ctrl_close(f->ctrl);
    for (unsigned int i = 0; i < f->frontend.n_queues; i++) {
        vif_conn_close(f->queues[i]);
    }
    free(f->journal);
    xen_fake_destroy(f->fake);
}

uint64_t
turn(struct ctrl_fixture *f)
{
    f->now_ns += VIF_CTRL_GREFS_TURN_NS;
    return vif_ctrl_run(f->ctrl, f->now_ns);
}

void
finish_retired(struct ctrl_fixture *f)
{
    unsigned int n = f->n_retired;

    f->n_retired = 0;
    for (unsigned int i = 0; i < n; i++) {
        f->retired[i].done(f->retired[i].arg);
    }
}

void
expect_answer(struct ctrl_fixture *f, uint16_t id, uint16_t type,
              uint32_t status, uint32_t data)
{
    struct xen_netif_ctrl_response rsp;

    assert_true(ctrl_front_take(&f->front, &rsp));
    assert_int_equal(rsp.id, id);
    assert_int_equal(rsp.type, type);
    assert_int_equal(rsp.status, status);
    assert_int_equal(rsp.data, data);
}

void
expect_no_answer(struct ctrl_fixture *f)
{
    struct xen_netif_ctrl_response rsp;

    assert_false(ctrl_front_take(&f->front, &rsp));
}

uint32_t
ask(struct ctrl_fixture *f, uint16_t type, uint32_t data0, uint32_t data1,
    uint32_t data2, uint32_t *data)
{
    struct xen_netif_ctrl_response rsp;

    uint16_t id = ctrl_front_put(&f->front, type, data0, data1, data2);
    ctrl_front_push(&f->front);
    assert_int_equal(turn(f), UINT64_MAX);
    if (vif_ctrl_busy(f->ctrl)) {
        expect_no_answer(f);
        finish_retired(f);
    }
    assert_true(ctrl_front_take(&f->front, &rsp));
    assert_int_equal(rsp.id, id);
    assert_int_equal(rsp.type, type);
    if (data) {
        *data = rsp.data;
    } else {
        assert_int_equal(rsp.data, 0);
    }
    return rsp.status;
}
