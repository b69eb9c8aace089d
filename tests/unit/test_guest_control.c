/* What the guest says on its control ring, to a backend played by the test,
 * and what it makes of the backend's hashes. */

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/control_script.h"
#include "tools/guest/ctrl_ring.h"
#include "tools/guest/hash_check.h"
#include "tools/guest/memory.h"
#include "tools/guest/packet.h"
#include "tools/guest/rx_ring.h"

#define N_PAGES 8192
#define N_QUEUES 3
#define BACKEND 5

struct fixture {
    struct guest_memory memory;
    struct ctrl_ring ring;
    struct control_wishes wishes;
    struct control_script script;
    struct tx_ring tx[N_QUEUES];
    struct rx_ring rx[N_QUEUES];
    struct tx_counters tx_counters;
    struct rx_counters rx_counters;
    struct offload_set takes;
    uint8_t table[4096] __attribute__((aligned(8)));
    struct xen_netif_ctrl_request req;
};

static struct fixture fx;

static int
set_up(void **state)
{
    memset(&fx, 0, sizeof fx);
    assert_int_equal(guest_memory_init(&fx.memory, N_PAGES), 0);
    assert_int_equal(ctrl_ring_init(&fx.ring, &fx.memory, BACKEND), 0);
    for (int i = 0; i < N_QUEUES; i++) {
        assert_int_equal(tx_ring_init(&fx.tx[i], &fx.memory, BACKEND,
                                      &fx.tx_counters), 0);
        assert_int_equal(rx_ring_init(&fx.rx[i], &fx.memory, BACKEND,
                                      &fx.takes, &fx.rx_counters), 0);
    }
    return 0;
}

static int
tear_down(void **state)
{
    for (int i = 0; i < N_QUEUES; i++) {
        tx_ring_finish(&fx.tx[i]);
        rx_ring_finish(&fx.rx[i]);
    }
    ctrl_ring_finish(&fx.ring);
    assert_int_equal(fx.memory.n_free, N_PAGES - fx.memory.n_grant_pages);
    guest_memory_finish(&fx.memory);
    return 0;
}

static void
begin(bool hash, bool grants)
{
    fx.wishes = (struct control_wishes) {
        .hash = hash,
        .hash_key = { 1, 2, 3 },
        .hash_key_bytes = 3,
        .persistent_grants = grants,
    };
    control_script_init(&fx.script, &fx.wishes, N_QUEUES);
    for (int i = 0; i < N_QUEUES; i++) {
        fx.script.tx[i] = &fx.tx[i];
        fx.script.rx[i] = &fx.rx[i];
    }
}

/* The next request is of 'type'. */
static void
expect(uint16_t type)
{
    memset(fx.table, 0, sizeof fx.table);
    assert_true(control_script_next(&fx.script, fx.table, 77, &fx.req));
    assert_int_equal(fx.req.type, type);
}

static void
answer(uint32_t status, uint32_t data)
{
    const struct xen_netif_ctrl_response rsp = {
        .id = fx.req.id, .type = fx.req.type, .status = status, .data = data,
    };

    assert_true(control_script_answer(&fx.script, &fx.req, &rsp));
}

static void
test_ring(void **state)
{
    struct xen_netif_ctrl_sring *shared = fx.ring.shared;
    struct xen_netif_ctrl_response rsp;
    struct xen_netif_ctrl_request req = { .id = 9, .type = 7 };

    assert_true(ctrl_ring_put(&fx.ring, &req));
    assert_int_equal(shared->req_prod, 0);
    assert_true(ctrl_ring_push(&fx.ring));
    assert_int_equal(shared->req_prod, 1);
    assert_memory_equal(&shared->ring[0].req, &req, sizeof req);
    assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), 0);
    assert_false(ctrl_ring_arm(&fx.ring));
    assert_int_equal(shared->rsp_event, 1);

    shared->ring[0].rsp = (struct xen_netif_ctrl_response) { 9, 7, 1, 2 };
    shared->rsp_prod = 1;
    assert_true(ctrl_ring_arm(&fx.ring));
    assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), 1);
    assert_int_equal(rsp.id, 9);
    assert_int_equal(rsp.data, 2);

    /* More answers than questions. */
    shared->rsp_prod = 2;
    assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), -EPROTO);
    shared->rsp_prod = 0;
    assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), -EPROTO);

    shared->rsp_prod = 1;
    for (uint32_t i = 0; i < CTRL_RING_SLOTS; i++) {
        assert_true(ctrl_ring_put(&fx.ring, &req));
    }
    assert_false(ctrl_ring_put(&fx.ring, &req));
    shared->req_event = 2;
    assert_true(ctrl_ring_push(&fx.ring));
    shared->rsp_prod = 1 + CTRL_RING_SLOTS;
    for (uint32_t i = 0; i < CTRL_RING_SLOTS; i++) {
        assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), 1);
    }
    assert_int_equal(ctrl_ring_take(&fx.ring, &rsp), 0);
}

static void
test_nothing(void **state)
{
    begin(false, false);
    assert_true(control_script_is_done(&fx.script));
    assert_false(control_script_next(&fx.script, fx.table, 77, &fx.req));
    control_script_unmap(&fx.script);
    assert_true(control_script_is_done(&fx.script));
}

static void
test_hash(void **state)
{
    static const uint8_t key[] = { 1, 2, 3 };

    begin(true, false);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM);
    assert_int_equal(fx.req.data[0], XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
    answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY);
    assert_int_equal(fx.req.data[0], 77);
    assert_int_equal(fx.req.data[1], 3);
    assert_memory_equal(fx.table, key, sizeof key);
    answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE);
    assert_int_equal(fx.req.data[0], 128);
    answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING);
    assert_int_equal(fx.req.data[0], 77);
    assert_int_equal(fx.req.data[1], 128);
    assert_int_equal(fx.req.data[2], 0);
    for (uint32_t i = 0; i < 128; i++) {
        assert_int_equal(((uint32_t *) fx.table)[i], i % N_QUEUES);
    }
    answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    assert_false(fx.script.hashing);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS);
    assert_int_equal(fx.req.data[0], 0xf);
    answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    assert_true(fx.script.hashing);
    assert_true(control_script_is_done(&fx.script));
}

/* Refused at any step: no hash, but what comes after it is said. */
static void
test_hash_refused(void **state)
{
    for (int steps = 0; steps < 5; steps++) {
        begin(true, true);
        for (int i = 0; i < steps; i++) {
            control_script_next(&fx.script, fx.table, 77, &fx.req);
            answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
        }
        control_script_next(&fx.script, fx.table, 77, &fx.req);
        answer(XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER, 0);
        assert_false(fx.script.hashing);
        expect(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE);
    }
}

/* Every page of a queue is in the list once, in both of its uses. */
static void
check_list(uint32_t queue, uint32_t n)
{
    const struct xen_netif_gref *list = (void *) fx.table;

    assert_int_equal(fx.req.data[0], queue);
    assert_int_equal(fx.req.data[1], 77);
    assert_int_equal(fx.req.data[2], n);
    for (uint32_t i = 0; i < n; i++) {
        bool tx = i < RING_SLOTS;

        assert_int_equal(list[i].flags,
                         tx ? XEN_NETIF_CTRLF_GREF_readonly : 0);
        assert_int_equal(list[i].ref, tx ? fx.tx[queue].pages[i]
                         : fx.rx[queue].pages[i - RING_SLOTS]);
    }
}

static void
test_grants(void **state)
{
    static const uint32_t sizes[N_QUEUES] = { 512, 0, 300 };

    begin(false, true);
    for (uint32_t i = 0; i < N_QUEUES; i++) {
        expect(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE);
        assert_int_equal(fx.req.data[0], i);
        answer(XEN_NETIF_CTRL_STATUS_SUCCESS, sizes[i]);
        if (sizes[i]) {
            expect(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING);
            check_list(i, sizes[i]);
            answer(XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
        }
    }
    assert_int_equal(control_script_mapped(&fx.script), 812);
    assert_int_equal(fx.script.step, CONTROL_DONE);
    assert_false(control_script_next(&fx.script, fx.table, 77, &fx.req));

    control_script_unmap(&fx.script);
    assert_false(control_script_is_done(&fx.script));
    for (uint32_t i = 0; i < N_QUEUES; i += 2) {
        expect(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING);
        check_list(i, sizes[i]);
        answer(XEN_NETIF_CTRL_STATUS_SUCCESS, sizes[i]);
    }
    assert_int_equal(control_script_mapped(&fx.script), 0);
    assert_int_equal(fx.script.step, CONTROL_END);
}

static void
test_grants_refused(void **state)
{
    /* By Linux. */
    begin(false, true);
    expect(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE);
    answer(XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED, 0);
    assert_true(fx.script.grants_refused);
    assert_int_equal(fx.script.step, CONTROL_DONE);
    control_script_unmap(&fx.script);
    assert_int_equal(fx.script.step, CONTROL_END);

    /* One queue's list only. */
    begin(false, true);
    for (int i = 0; i < N_QUEUES; i++) {
        expect(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE);
        answer(XEN_NETIF_CTRL_STATUS_SUCCESS, UINT32_MAX);
        expect(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING);
        check_list(i, 512);
        answer(i == 1 ? XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
                      : XEN_NETIF_CTRL_STATUS_SUCCESS, 0);
    }
    assert_int_equal(control_script_mapped(&fx.script), 1024);
    assert_int_equal(fx.script.n_mapped[1], 0);
}

static void
test_wrong_answers(void **state)
{
    struct xen_netif_ctrl_response rsp;

    begin(true, false);
    expect(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM);
    fx.req.id = 3;
    rsp = (struct xen_netif_ctrl_response) { .id = 4, .type = fx.req.type };
    assert_false(control_script_answer(&fx.script, &fx.req, &rsp));
    rsp = (struct xen_netif_ctrl_response) { .id = 3, .type = 8 };
    assert_false(control_script_answer(&fx.script, &fx.req, &rsp));
    assert_int_equal(fx.script.step, CONTROL_ALGORITHM);
}

static void
test_hash_check(void **state)
{
    uint8_t bytes[100] = { 0 };
    struct hash_check h = { .active = true, .n_queues = N_QUEUES };
    struct rx_frame frame = {
        .iov = { { bytes, 20 }, { bytes + 20, 80 } }, .n_iov = 2,
    };
    struct packet p;

    memcpy(h.key, toeplitz_default_key, sizeof h.key);
    packet_put16(bytes + 12, 0x0800);
    bytes[14] = 0x45;
    bytes[14 + 9] = PACKET_TCP;
    bytes[14 + 32] = 0x50;
    packet_put16(bytes + 34, 1234);
    packet_parse(bytes, sizeof bytes, &p);
    assert_true(toeplitz_frame(h.key, bytes, &p, &frame.hash_type,
                               &frame.hash));
    uint32_t queue = frame.hash % 128 % N_QUEUES;

    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_missing, 1);
    frame.hashed = true;
    frame.hash_algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_ok, 1);
    hash_check_frame(&h, &frame, (queue + 1) % N_QUEUES);
    assert_int_equal(h.n_wrong_queue, 1);
    frame.hash_type ^= 1;
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_wrong, 1);
    frame.hash_type ^= 1;
    frame.hash ^= 1;
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_wrong, 2);
    frame.hash ^= 1;
    frame.hash_algorithm = 0;
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_wrong, 3);
    frame.hash_algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
    packet_put16(bytes + 12, 0x0806);
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_wrong, 4);
    frame.hashed = false;
    hash_check_frame(&h, &frame, queue);
    assert_int_equal(h.n_missing, 1);
    assert_int_equal(h.n_ok, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hash_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_grants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_grants_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_answers, set_up,
                                        tear_down),
        cmocka_unit_test(test_hash_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
