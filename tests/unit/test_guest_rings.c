/* The guest's memory and its two rings, against a backend played by the test
 * on the shared pages: an honest one, and one that lies. */

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"
#include "tools/guest/offload.h"
#include "tools/guest/ring_index.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tx_ring.h"

#define N_PAGES 4096
#define BACKEND 5
#define EXTRA_TYPE_XDP 5

struct fixture {
    struct guest_memory memory;
    struct tx_ring tx;
    struct rx_ring rx;
    struct tx_counters tx_counters;
    struct rx_counters rx_counters;
    struct offload_set takes;
};

static struct fixture fx;

static int
set_up(void **state)
{
    memset(&fx, 0, sizeof fx);
    assert_int_equal(guest_memory_init(&fx.memory, N_PAGES), 0);
    assert_int_equal(tx_ring_init(&fx.tx, &fx.memory, BACKEND,
                                  &fx.tx_counters), 0);
    assert_int_equal(rx_ring_init(&fx.rx, &fx.memory, BACKEND,
                                  &fx.takes, &fx.rx_counters), 0);
    return 0;
}

static int
tear_down(void **state)
{
    rx_ring_finish(&fx.rx);
    tx_ring_finish(&fx.tx);
    assert_int_equal(fx.memory.n_free + fx.memory.n_held,
                     N_PAGES - fx.memory.n_grant_pages);
    guest_memory_finish(&fx.memory);
    return 0;
}

static struct grant_entry_v1 *
entry(uint32_t gref)
{
    return (struct grant_entry_v1 *) fx.memory.base + gref;
}

static void
test_index(void **state)
{
    /* Around the end of 32 bits. */
    assert_true(ring_wants_event(UINT32_MAX, 1, 0));
    assert_true(ring_wants_event(UINT32_MAX, 1, 1));
    assert_false(ring_wants_event(UINT32_MAX, 1, UINT32_MAX));
    assert_false(ring_wants_event(UINT32_MAX, 1, 2));
    assert_false(ring_wants_event(7, 7, 7));
    assert_true(ring_prod_is_sane(2, UINT32_MAX, 3));
    assert_false(ring_prod_is_sane(3, UINT32_MAX, 3));
    assert_false(ring_prod_is_sane(UINT32_MAX - 1, UINT32_MAX, 3));
    assert_int_equal(ring_slots_for(0), 1);
    assert_int_equal(ring_slots_for(4096), 1);
    assert_int_equal(ring_slots_for(4097), 2);
    assert_int_equal(ring_slots_for(65535), 16);
    for (uint32_t owed = 1; owed < 300; owed++) {
        uint32_t event = ring_event_halfway(10, owed);
        assert_true(event > 10 && event <= 10 + owed);
    }
}

static void
test_memory(void **state)
{
    uint32_t pages[4];

    assert_int_equal(guest_memory_init(&(struct guest_memory) { 0 }, 1000),
                     -EINVAL);
    assert_int_equal(guest_memory_init(&(struct guest_memory) { 0 }, 512),
                     -EINVAL);

    uint32_t n_free = fx.memory.n_free;
    assert_int_equal(guest_memory_take(&fx.memory, pages, 4), 0);
    for (int i = 0; i < 4; i++) {
        assert_true(pages[i] >= fx.memory.n_grant_pages && pages[i] >= 8);
        guest_memory_grant(&fx.memory, pages[i], BACKEND, i & 1);
        assert_int_equal(entry(pages[i])->domid, BACKEND);
        assert_int_equal(entry(pages[i])->frame, pages[i]);
        assert_int_equal(entry(pages[i])->flags, GTF_permit_access
                         | (i & 1 ? GTF_readonly : 0));
    }

    /* A backend still has one mapped: it comes back later. */
    entry(pages[2])->flags |= GTF_reading;
    guest_memory_give_back(&fx.memory, pages, 4);
    assert_int_equal(fx.memory.n_free, n_free - 1);
    assert_int_equal(fx.memory.n_held, 1);
    assert_int_equal(entry(pages[0])->flags, GTF_invalid);
    assert_int_not_equal(entry(pages[2])->flags, GTF_invalid);
    guest_memory_retry_held(&fx.memory);
    assert_int_equal(fx.memory.n_held, 1);
    entry(pages[2])->flags &= ~GTF_reading;
    guest_memory_retry_held(&fx.memory);
    assert_int_equal(fx.memory.n_free, n_free);
    assert_int_equal(guest_memory_take(&fx.memory, pages, N_PAGES), -ENOMEM);
}

/* The backend takes 'n' requests and answers with 'status'. */
static void
answer_tx(uint32_t n, int16_t status)
{
    struct netif_tx_sring *shared = fx.tx.shared;

    for (uint32_t i = 0; i < n; i++) {
        union netif_tx_sring_entry *e
            = &shared->ring[ring_slot(shared->rsp_prod)];
        uint16_t id = e->req.id;

        e->rsp.id = id;
        e->rsp.status = status;
        shared->rsp_prod++;
    }
}

static void
test_tx(void **state)
{
    struct netif_tx_sring *shared = fx.tx.shared;
    struct iovec iov[RING_FRAME_SLOTS_MAX];

    assert_int_equal(tx_ring_buffers(&fx.tx, iov, 3), 3);
    memset(iov[0].iov_base, 'a', iov[0].iov_len);
    memset(iov[1].iov_base, 'b', 4);
    tx_ring_put(&fx.tx, 4100, NULL);
    assert_int_equal(shared->req_prod, 0);
    assert_true(tx_ring_push(&fx.tx));          /* req_event began as 1. */
    assert_int_equal(shared->req_prod, 2);
    assert_false(tx_ring_push(&fx.tx));

    /* The first request tells the whole size, the second its own. */
    struct netif_tx_request *req = &shared->ring[0].req;
    assert_int_equal(req->size, 4100);
    assert_int_equal(req->flags, NETTXF_more_data);
    assert_int_equal(req->offset, 0);
    assert_int_equal(entry(req->gref)->flags,
                     GTF_permit_access | GTF_readonly);
    assert_int_equal(*(char *) guest_memory_page(&fx.memory, req->gref), 'a');
    req = &shared->ring[1].req;
    assert_int_equal(req->size, 4);
    assert_int_equal(req->flags, 0);
    assert_int_equal(*(char *) guest_memory_page(&fx.memory, req->gref), 'b');

    /* Quiet until the backend asks. */
    tx_ring_put(&fx.tx, 60, NULL);
    assert_false(tx_ring_push(&fx.tx));
    shared->req_event = 4;
    tx_ring_put(&fx.tx, 60, NULL);
    assert_true(tx_ring_push(&fx.tx));
    assert_int_equal(fx.tx_counters.frames, 3);
    assert_int_equal(fx.tx_counters.slots, 4);
    assert_int_equal(fx.tx_counters.bytes, 4220);

    assert_int_equal(tx_ring_owed(&fx.tx), 4);
    assert_false(tx_ring_arm(&fx.tx, false));
    assert_int_equal(shared->rsp_event, 3);
    answer_tx(1, NETIF_RSP_OKAY);
    assert_false(tx_ring_arm(&fx.tx, true));
    answer_tx(1, NETIF_RSP_DROPPED);
    answer_tx(2, NETIF_RSP_ERROR);
    assert_true(tx_ring_arm(&fx.tx, true));
    assert_int_equal(tx_ring_reap(&fx.tx), 0);
    assert_int_equal(tx_ring_owed(&fx.tx), 0);
    assert_false(tx_ring_arm(&fx.tx, true));
    assert_int_equal(fx.tx_counters.backend_drops, 1);
    assert_int_equal(fx.tx_counters.backend_errors, 2);
}

static void
test_tx_full(void **state)
{
    for (int round = 0; round < 5; round++) {
        uint32_t n = 0;

        while (tx_ring_has_room(&fx.tx, 3)) {
            tx_ring_put(&fx.tx, 2 * 4096 + 1, NULL);
            n += 3;
        }
        assert_int_equal(n, 255);
        tx_ring_push(&fx.tx);
        answer_tx(n, NETIF_RSP_OKAY);
        assert_int_equal(tx_ring_reap(&fx.tx), 0);
        assert_int_equal(fx.tx.n_free, RING_SLOTS);
    }
}

/* A GSO frame of three pages: four slots, of which one owns no page. */
static void
test_tx_gso(void **state)
{
    const struct frame_offload offload = {
        .csum_blank = true, .data_validated = true, .gso_bytes = 1448,
        .gso_type = XEN_NETIF_GSO_TYPE_TCPV6,
    };
    struct netif_tx_sring *shared = fx.tx.shared;
    struct netif_extra_info extra;

    tx_ring_put(&fx.tx, 2 * 4096 + 1, &offload);
    tx_ring_push(&fx.tx);
    assert_int_equal(shared->req_prod, 4);
    assert_int_equal(tx_ring_room(&fx.tx), RING_SLOTS - 4);
    assert_int_equal(fx.tx.n_free, RING_SLOTS - 3);
    assert_int_equal(shared->ring[0].req.size, 8193);
    assert_int_equal(shared->ring[0].req.flags,
                     NETTXF_csum_blank | NETTXF_data_validated
                     | NETTXF_extra_info | NETTXF_more_data);
    memcpy(&extra, &shared->ring[1], sizeof extra);
    assert_int_equal(extra.type, XEN_NETIF_EXTRA_TYPE_GSO);
    assert_int_equal(extra.flags, 0);
    assert_int_equal(extra.u.gso.size, 1448);
    assert_int_equal(extra.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV6);
    assert_int_equal(shared->ring[2].req.size, 4096);
    assert_int_equal(shared->ring[2].req.flags, NETTXF_more_data);
    assert_int_equal(shared->ring[3].req.size, 1);
    assert_int_equal(shared->ring[3].req.flags, 0);

    /* The extra's response has no id; it may come in any slot. */
    uint16_t ids[] = {
        shared->ring[0].req.id, shared->ring[2].req.id,
        shared->ring[3].req.id,
    };
    for (int i = 0; i < 3; i++) {
        shared->ring[i].rsp.id = ids[i];
        shared->ring[i].rsp.status = NETIF_RSP_OKAY;
    }
    shared->ring[3].rsp.id = 0xffff;
    shared->ring[3].rsp.status = NETIF_RSP_NULL;
    shared->rsp_prod = 4;
    assert_int_equal(tx_ring_reap(&fx.tx), 0);
    assert_int_equal(tx_ring_room(&fx.tx), RING_SLOTS);
    assert_int_equal(fx.tx.n_free, RING_SLOTS);
    assert_int_equal(fx.tx_counters.gso, 1);
    assert_int_equal(fx.tx_counters.csum_blank, 1);
    assert_int_equal(fx.tx_counters.slots, 4);
    assert_int_equal(fx.tx_counters.backend_drops, 0);

    /* No second one is owed. */
    tx_ring_put(&fx.tx, 60, NULL);
    tx_ring_push(&fx.tx);
    shared->ring[4].rsp.status = NETIF_RSP_NULL;
    shared->rsp_prod = 5;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
}

static void
test_tx_extra(void **state)
{
    const struct netif_extra_info add = {
        .type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
        .u.mcast.addr = { 1, 0, 0x5e, 0, 0, 1 },
    };
    struct netif_tx_sring *shared = fx.tx.shared;

    tx_ring_put_extra(&fx.tx, &add);
    tx_ring_push(&fx.tx);
    assert_int_equal(shared->req_prod, 2);
    assert_int_equal(shared->ring[0].req.flags, NETTXF_extra_info);
    assert_int_equal(shared->ring[0].req.size, 0);
    assert_memory_equal(&shared->ring[1], &add, sizeof add);
    assert_int_equal(fx.tx_counters.frames, 0);
}

static void
test_tx_liar(void **state)
{
    struct netif_tx_sring *shared = fx.tx.shared;

    /* More answers than questions. */
    shared->rsp_prod = 1;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
    shared->rsp_prod = -1;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
    shared->rsp_prod = 0;

    tx_ring_put(&fx.tx, 60, NULL);
    tx_ring_put(&fx.tx, 60, NULL);
    tx_ring_push(&fx.tx);

    /* An id that does not exist; one that is not in flight; one twice. */
    uint16_t id = shared->ring[0].req.id;
    shared->rsp_prod = 1;
    shared->ring[0].rsp.id = RING_SLOTS;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
    shared->ring[0].rsp.id = id + 100;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
    shared->ring[0].rsp.id = shared->ring[1].rsp.id = id;
    shared->rsp_prod = 2;
    assert_int_equal(tx_ring_reap(&fx.tx), -EPROTO);
}

/* The backend fills the next posted page. */
static void
give_rx(const char *text, uint16_t flags, uint16_t offset, int16_t status)
{
    struct netif_rx_sring *shared = fx.rx.shared;
    union netif_rx_sring_entry *e = &shared->ring[ring_slot(shared->rsp_prod)];
    struct netif_rx_request req = e->req;

    assert_int_equal(entry(req.gref)->flags, GTF_permit_access);
    if (offset < 4000) {
        strcpy((char *) guest_memory_page(&fx.memory, req.gref) + offset,
               text);
    }
    e->rsp = (struct netif_rx_response) {
        .id = req.id,
        .offset = offset,
        .flags = flags,
        .status = status,
    };
    shared->rsp_prod++;
}

static void
give_extra(uint8_t type, uint8_t flags)
{
    struct netif_rx_sring *shared = fx.rx.shared;
    struct netif_extra_info extra = { .type = type, .flags = flags };

    if (type == XEN_NETIF_EXTRA_TYPE_GSO) {
        extra.u.gso.size = 1448;
        extra.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
    } else if (type == EXTRA_TYPE_XDP) {
        extra.u.pad[0] = 256;
    } else if (type == XEN_NETIF_EXTRA_TYPE_HASH) {
        extra.u.hash.type = _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
        extra.u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        memcpy(extra.u.hash.value, "\x78\x56\x34\x92", 4);
    }
    memcpy(&shared->ring[ring_slot(shared->rsp_prod)], &extra, 8);
    shared->rsp_prod++;
}

static void
test_rx(void **state)
{
    struct netif_rx_sring *shared = fx.rx.shared;
    struct rx_frame frame;

    assert_int_equal(shared->req_prod, RING_SLOTS);
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 0);
    assert_false(rx_ring_arm(&fx.rx));
    assert_int_equal(shared->rsp_event, 1);

    give_rx("hello", 0, 2, 60);
    assert_true(rx_ring_arm(&fx.rx));
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_int_equal(frame.n_iov, 1);
    assert_int_equal(frame.bytes, 60);
    assert_string_equal(frame.iov[0].iov_base, "hello");
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 0);

    /* The page is posted again only when the frame is done with. */
    assert_int_equal(shared->req_prod, RING_SLOTS);
    shared->req_event = RING_SLOTS + 1;
    assert_true(rx_ring_release(&fx.rx));
    assert_int_equal(shared->req_prod, RING_SLOTS + 1);
    assert_false(rx_ring_release(&fx.rx));

    /* A frame of three pages that comes in two pieces. */
    give_rx("one", NETRXF_more_data, 0, 4096);
    give_rx("two", NETRXF_more_data, 0, 4096);
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 0);
    assert_false(rx_ring_arm(&fx.rx));
    assert_int_equal(shared->rsp_event, 4);
    give_rx("three", 0, 0, 100);
    assert_true(rx_ring_arm(&fx.rx));
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_int_equal(frame.n_iov, 3);
    assert_int_equal(frame.bytes, 8292);
    assert_string_equal(frame.iov[2].iov_base, "three");
    assert_int_equal(fx.rx_counters.frames, 2);
    assert_int_equal(fx.rx_counters.slots, 4);
}

/* 64 KiB in one frame behind a headroom, with all extras. */
static void
test_rx_offloads(void **state)
{
    struct rx_frame frame;

    fx.takes = (struct offload_set) { .csum4 = true, .gso4 = true };
    give_rx("", NETRXF_csum_blank | NETRXF_extra_info | NETRXF_more_data, 0,
            4096);
    give_extra(XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_FLAG_MORE);
    give_extra(EXTRA_TYPE_XDP, XEN_NETIF_EXTRA_FLAG_MORE);
    give_extra(XEN_NETIF_EXTRA_TYPE_HASH, 0);
    for (int i = 0; i < 16; i++) {
        give_rx("", i < 15 ? NETRXF_more_data : 0, 0, i < 15 ? 4096 : 256);
    }
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_int_equal(frame.n_iov, 17);
    assert_int_equal(frame.bytes, 16 * 3840);
    assert_int_equal(frame.iov[0].iov_len, 3840);
    assert_int_equal((uintptr_t) frame.iov[0].iov_base % 4096, 256);
    assert_int_equal(frame.headroom, 256);
    assert_int_equal(frame.offload.gso_bytes, 1448);
    assert_int_equal(frame.offload.gso_type, XEN_NETIF_GSO_TYPE_TCPV4);
    assert_true(frame.offload.csum_blank && frame.offload.data_validated);
    assert_true(frame.hashed);
    assert_int_equal(frame.hash, 0x92345678);
    assert_int_equal(frame.hash_type, _XEN_NETIF_CTRL_HASH_TYPE_IPV6);
    assert_int_equal(fx.rx_counters.gso, 1);
    assert_int_equal(fx.rx_counters.csum_blank, 1);
    assert_int_equal(fx.rx_counters.xdp, 1);

    /* The headroom as the offset of the first slot. */
    give_rx("", NETRXF_extra_info | NETRXF_more_data, 256, 3840);
    give_extra(EXTRA_TYPE_XDP, 0);
    give_rx("", 0, 0, 100);
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_int_equal(frame.headroom, 256);
    assert_int_equal(frame.bytes, 3940);
    assert_int_equal((uintptr_t) frame.iov[0].iov_base % 4096, 256);
    assert_int_equal((uintptr_t) frame.iov[1].iov_base % 4096, 0);
    assert_int_equal(fx.rx_counters.xdp, 2);

    /* Half of a headroom, in a frame that would have a sane length else. */
    give_rx("", NETRXF_extra_info | NETRXF_more_data, 0, 128);
    give_extra(EXTRA_TYPE_XDP, 0);
    give_rx("", 0, 0, 500);
    /* GSO of size 0, and of no known type. */
    for (int i = 0; i < 2; i++) {
        give_rx("", NETRXF_extra_info, 0, 60);
        give_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0);
        struct netif_extra_info *extra = (struct netif_extra_info *)
            &fx.rx.shared->ring[ring_slot(fx.rx.shared->rsp_prod - 1)];
        extra->u.gso.size = i;
        extra->u.gso.type = i ? 3 : XEN_NETIF_GSO_TYPE_TCPV4;
    }
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 0);
    assert_int_equal(fx.rx_counters.bad_layout, 1);
    assert_int_equal(fx.rx_counters.bad_extra, 2);

    /* A headroom that is not there; an extra twice; one of no known type. */
    give_rx("", NETRXF_extra_info, 0, 255);
    give_extra(EXTRA_TYPE_XDP, 0);
    give_rx("", NETRXF_extra_info, 0, 60);
    give_extra(XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_FLAG_MORE);
    give_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0);
    give_rx("", NETRXF_extra_info, 0, 60);
    give_extra(6, 0);
    give_rx("good", NETRXF_data_validated, 0, 60);
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_string_equal(frame.iov[0].iov_base, "good");
    assert_true(frame.offload.data_validated && !frame.offload.csum_blank);
    assert_false(frame.hashed || frame.headroom || frame.offload.gso_bytes);
    assert_int_equal(fx.rx_counters.bad_layout, 2);
    assert_int_equal(fx.rx_counters.bad_extra, 4);
}

/* Round the ring many times. */
static void
test_rx_around(void **state)
{
    struct rx_frame frame;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 60; i++) {
            give_rx("x", 0, 0, 60);
        }
        for (int i = 0; i < 60; i++) {
            assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
        }
        rx_ring_release(&fx.rx);
    }
    assert_int_equal(fx.rx_counters.frames, 3000);
    assert_int_equal(fx.rx.shared->req_prod, 3000 + RING_SLOTS);
}

/* Bad frames are counted and skipped; the next good one arrives. */
static void
test_rx_bad_frames(void **state)
{
    struct rx_frame frame;

    give_rx("", 0, 0, NETIF_RSP_ERROR);
    give_rx("", 0, 4095, 2);
    give_rx("", 0, 65535, 32767);
    give_rx("", 0, 0, 13);
    give_rx("", NETRXF_csum_blank | NETRXF_data_validated, 0, 60);
    give_rx("", NETRXF_extra_info, 0, 60);
    give_extra(XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE);
    give_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0);
    for (uint32_t i = 0; i <= RING_FRAME_SLOTS_MAX; i++) {
        give_rx("", i < RING_FRAME_SLOTS_MAX ? NETRXF_more_data : 0, 0, 60);
    }
    give_rx("good", NETRXF_extra_info, 0, 60);
    give_extra(XEN_NETIF_EXTRA_TYPE_HASH, 0);
    assert_int_equal(rx_ring_take(&fx.rx, &frame), 1);
    assert_string_equal(frame.iov[0].iov_base, "good");
    assert_int_equal(fx.rx_counters.frames, 1);
    assert_int_equal(fx.rx_counters.bad_status, 1);
    assert_int_equal(fx.rx_counters.bad_layout, 4);
    assert_int_equal(fx.rx_counters.csum_declined, 1);
    assert_int_equal(fx.rx_counters.gso_declined, 1);
}

static void
test_rx_liar(void **state)
{
    struct netif_rx_sring *shared = fx.rx.shared;
    struct rx_frame frame;

    shared->rsp_prod = RING_SLOTS + 1;
    assert_int_equal(rx_ring_take(&fx.rx, &frame), -EPROTO);
    shared->rsp_prod = -1;
    assert_int_equal(rx_ring_take(&fx.rx, &frame), -EPROTO);

    shared->rsp_prod = 1;
    shared->ring[0].rsp.id = 7;
    assert_int_equal(rx_ring_take(&fx.rx, &frame), -EPROTO);

    /* A frame without an end that fills the ring. */
    shared->rsp_prod = 0;
    shared->ring[0].rsp.id = 0;
    for (uint32_t i = 0; i < RING_SLOTS; i++) {
        shared->ring[i].rsp.id = i;
        shared->ring[i].rsp.flags = NETRXF_more_data;
    }
    shared->rsp_prod = RING_SLOTS;
    assert_int_equal(rx_ring_take(&fx.rx, &frame), -EPROTO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tx, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tx_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tx_gso, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tx_extra, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tx_liar, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rx, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rx_offloads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rx_around, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rx_bad_frames, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_rx_liar, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
