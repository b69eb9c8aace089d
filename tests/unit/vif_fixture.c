#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/vif_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
reset_frames(struct fixture *f)
{
    for (unsigned int i = 0; i < N_BUFFERS; i++) {
        f->frames[i] = (struct vif_frame) {
            .region = &f->region,
            .offset = (uint64_t) i * ROOM_BYTES,
        };
    }
}

static void
reset_buffers(struct vif_buffers *buffers, const struct xen_region *region,
              unsigned int n, uint64_t offset, uint32_t room_bytes)
{
    *buffers = (struct vif_buffers) { .region = region,
                                      .room_bytes = room_bytes, .n = n };
    for (unsigned int i = 0; i < n; i++) {
        buffers->stack[i].offset = offset + (uint64_t) i * room_bytes;
        buffers->stack[i].owner = &buffers->stack[i];
    }
}

static void
reset_supply(struct fixture *f)
{
    f->supply.frame_bytes = ROOM_BYTES;
    reset_buffers(&f->supply.small, &f->region, N_BUFFERS, 0, ROOM_BYTES);
    reset_buffers(&f->supply.big, &f->region, N_BIG_BUFFERS,
                  N_BUFFERS * ROOM_BYTES, BIG_ROOM_BYTES);
}

int
connect_fixture(struct fixture *f)
{
    return vif_front_open(&f->front, &f->frontend, &f->journal, &f->conn);
}

void
disconnect_fixture(struct fixture *f)
{
    vif_conn_close(f->conn);
    free(f->journal);
    f->conn = NULL;
    f->journal = NULL;
}

void
open_fixture(struct fixture *f, uint32_t index, bool split_ports, bool can_sg)
{
    memset(f, 0, sizeof *f);
    f->fake = xen_fake_create(OWN_DOMID);
    f->guest = xen_fake_add_guest(f->fake, GUEST_DOMID, 700, 1024);
    vif_front_init(&f->front, f->guest, index, split_ports);
    f->region.bytes = (uint64_t) N_BUFFERS * ROOM_BYTES
                      + N_BIG_BUFFERS * BIG_ROOM_BYTES;
    f->region.base = calloc(1, f->region.bytes);
    assert_non_null(f->region.base);
    reset_frames(f);
    reset_supply(f);
    f->frontend = vif_front_frontend(&f->front);
    f->frontend.sg = can_sg;
    assert_int_equal(connect_fixture(f), 0);
}

void
close_fixture(struct fixture *f)
{
    disconnect_fixture(f);
    xen_fake_destroy(f->fake);
    free(f->region.base);
}

void
limit_fixture(struct fixture *f, uint64_t rate_bps, uint64_t burst_bytes)
{
    const struct qos_settings settings = {
        .rate_bps = rate_bps, .burst_bytes = burst_bytes, .weight = 1,
    };

    qos_node_init(&f->limit, NULL, &settings);
    qos_leaf_init(&f->leaf, &f->limit);
    f->gate = (struct vif_gate) { .leaf = &f->leaf };
}

int64_t
fixture_credit(const struct fixture *f)
{
    return qos_limit_credit(&f->limit.bytes, f->gate.now_ns);
}

const uint8_t *
frame_data(const struct fixture *f, unsigned int i)
{
    return (uint8_t *) f->region.base + f->frames[i].offset;
}

uint32_t
page_of(struct fixture *f, int fill)
{
    uint32_t frame;

    memset(fake_guest_page(f->guest, &frame), fill, XEN_PAGE_BYTES);
    return fake_guest_grant(f->guest, frame, true);
}

void
put(struct fixture *f, uint32_t gref, uint16_t offset, uint16_t size,
    uint16_t flags)
{
    vif_front_tx_put(&f->front, &(struct netif_tx_request) {
        .gref = gref, .offset = offset, .flags = flags, .id = f->next_id++,
        .size = size,
    });
}

void
put_gso(struct fixture *f, uint8_t type, uint16_t size, bool more)
{
    struct netif_extra_info gso = {
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .flags = more ? XEN_NETIF_EXTRA_FLAG_MORE : 0,
        .u.gso = { .size = size, .type = type },
    };

    vif_front_tx_put_extra(&f->front, &gso);
}

void
put_mcast(struct fixture *f, uint8_t type, uint8_t last_byte, bool more)
{
    struct netif_extra_info mcast = {
        .type = type,
        .flags = more ? XEN_NETIF_EXTRA_FLAG_MORE : 0,
        .u.mcast.addr = { 1, 0, 0x5e, 0, 0, last_byte },
    };

    vif_front_tx_put_extra(&f->front, &mcast);
}

void
put_big(struct fixture *f, uint32_t gref, unsigned int n_slots, uint8_t type,
        uint16_t size)
{
    put(f, gref, 0, n_slots * 4000,
        NETTXF_extra_info | NETTXF_csum_blank
        | (n_slots > 1 ? NETTXF_more_data : 0));
    put_gso(f, type, size, false);
    for (unsigned int i = 1; i < n_slots; i++) {
        put(f, gref, 0, 4000, i + 1 < n_slots ? NETTXF_more_data : 0);
    }
}

int
burst_n(struct fixture *f, unsigned int n)
{
    reset_frames(f);
    reset_supply(f);
    return vif_conn_tx_burst(f->conn, &f->supply, f->frames, n, &f->gate,
                             &f->stats);
}

int
burst(struct fixture *f)
{
    return burst_n(f, N_BUFFERS);
}

void
expect_response(struct fixture *f, int id, int status)
{
    struct netif_tx_response rsp;

    assert_true(vif_front_tx_take(&f->front, &rsp));
    if (id >= 0) {
        assert_int_equal(rsp.id, id);
    }
    assert_int_equal(rsp.status, status);
}

void
expect_no_response(struct fixture *f)
{
    struct netif_tx_response rsp;

    assert_false(vif_front_tx_take(&f->front, &rsp));
}

void
expect_malice(struct fixture *f)
{
    uint32_t rsp_prod = f->front.tx->rsp_prod;

    assert_int_equal(burst(f), -EPROTO);
    assert_int_not_equal(vif_conn_malice(f->conn), VIF_MALICE_NONE);
    assert_int_equal(f->front.tx->rsp_prod, rsp_prod);

    /* For good, both ways, until somebody has noticed; though the rings are
     * in order again. */
    f->front.tx->req_prod = f->front.tx->rsp_prod;
    f->front.rx->req_prod = f->front.rx->rsp_prod;
    assert_int_equal(burst(f), -EPROTO);
    assert_int_equal(vif_conn_rx_burst(f->conn, f->frames, 1, &f->stats),
                     -EPROTO);
    assert_true(vif_conn_tx_pending(f->conn));
    assert_true(vif_conn_arm(f->conn, false));
}

unsigned int
post_rx(struct fixture *f, unsigned int n, uint32_t *grefs)
{
    for (unsigned int i = 0; i < n; i++) {
        uint32_t frame;

        fake_guest_page(f->guest, &frame);
        grefs[i] = fake_guest_grant(f->guest, frame, false);
        vif_front_rx_put(&f->front, 500 + i, grefs[i]);
    }
    vif_front_rx_push(&f->front);
    return n;
}

void
fill_frame(struct fixture *f, unsigned int i, uint32_t bytes, int fill)
{
    f->frames[i].bytes = bytes;
    f->frames[i].flags = 0;
    f->frames[i].gso_type = 0;
    memset((uint8_t *) f->region.base + f->frames[i].offset, fill, bytes);
}

const uint8_t *
guest_data(const struct fixture *f, uint32_t gref)
{
    return f->guest->pages[f->guest->grants[gref].frame];
}

uint64_t
total_drops(const struct fixture *f)
{
    uint64_t n = 0;

    for (int i = 0; i < VIF_N_DROPS; i++) {
        n += f->stats.drops[i];
    }
    return n;
}
