/* A guest and the backend in two threads on real shared memory, each asleep
 * whenever it has nothing to do and awake only through the other's events: a
 * lost one shows as a poll() that times out.  Each frame carries its number. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include <xen/io/netif.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_journal.h"
#include "tests/fakes/fake_broker.h"

#define N_FRAMES 60000u
#define SLOTS 256u
#define TX_FRAME 4u
#define RX_FRAME 5u
#define DATA_FRAME 16u                  /* Tx buffers, then Rx buffers. */
#define TX_GREF 8u
#define RX_GREF 9u
#define DATA_GREF 16u
#define LOST_MS 20000
#define FRAME_BYTES 64u

struct fixture {
    struct fake_broker *broker;
    struct fake_memory memory;
    struct xen_platform *platform;
    struct vif_journal *journal;
    int journal_fd;
    struct vif_conn *conn;
    struct netif_tx_sring *tx;
    struct netif_rx_sring *rx;
    int guest_wait_fd, guest_kick_fd;
    unsigned int guest_sleeps;
    const char *guest_error;
};

static uint8_t *
page(const struct fixture *f, uint32_t frame)
{
    return f->memory.base + frame * XEN_PAGE_BYTES;
}

static void
open_fixture(struct fixture *f, uint32_t index)
{
    memset(f, 0, sizeof *f);
    f->broker = fake_broker_create();
    fake_memory_init(&f->memory, (DATA_FRAME + 2 * SLOTS) * XEN_PAGE_BYTES, 2,
                     F_SEAL_SHRINK | F_SEAL_GROW);
    fake_broker_set_memory(f->broker, &f->memory);
    f->guest_wait_fd = fake_broker_guest_wait_fd(f->broker);
    f->guest_kick_fd = fake_broker_guest_kick_fd(f->broker);

    struct grant_entry_v1 *grants = f->memory.grants;
    grants[TX_GREF] = (struct grant_entry_v1) { GTF_permit_access, 1,
                                                TX_FRAME };
    grants[RX_GREF] = (struct grant_entry_v1) { GTF_permit_access, 1,
                                                RX_FRAME };
    for (uint32_t i = 0; i < 2 * SLOTS; i++) {
        grants[DATA_GREF + i] = (struct grant_entry_v1) {
            GTF_permit_access, 1, DATA_FRAME + i,
        };
    }
    f->tx = (struct netif_tx_sring *) page(f, TX_FRAME);
    f->rx = (struct netif_rx_sring *) page(f, RX_FRAME);
    f->tx->req_prod = f->tx->rsp_prod = index;
    f->tx->req_event = f->tx->rsp_event = index + 1;
    f->rx->req_prod = f->rx->rsp_prod = index;
    f->rx->req_event = f->rx->rsp_event = index + 1;

    assert_int_equal(xen_ops_local.open(FAKE_BROKER_OWN_DOMID,
                                        fake_broker_dir(f->broker),
                                        &f->platform), 0);
    const struct vif_frontend frontend = {
        .domid = FAKE_BROKER_GUEST_DOMID, .n_queues = 1,
        .queues = { { TX_GREF, RX_GREF, 3, 3 } }, .rx_notify = true,
    };
    assert_int_equal(vif_journal_create("test", 0, &frontend, &f->journal_fd,
                                        &f->journal), 0);
    assert_int_equal(vif_conn_open(&xen_ops_local, f->platform, f->journal,
                                   0, &f->conn), 0);
}

static void
close_fixture(struct fixture *f)
{
    vif_conn_close(f->conn);
    vif_journal_destroy(f->journal, f->journal_fd);
    xen_ops_local.close(f->platform);
    fake_broker_destroy(f->broker);
    fake_memory_finish(&f->memory);
}

/* Publishes requests and kicks if asked to. */
static void
guest_push(struct fixture *f, uint32_t *req_prod, uint32_t *req_event,
           uint32_t old, uint32_t prod)
{
    __atomic_store_n(req_prod, prod, __ATOMIC_SEQ_CST);
    if (prod - __atomic_load_n(req_event, __ATOMIC_SEQ_CST) < prod - old) {
        eventfd_write(f->guest_kick_fd, 1);
    }
}

/* Sleeps until there is a response after 'cons'. */
static bool
guest_wait(struct fixture *f, uint32_t *rsp_prod, uint32_t *rsp_event,
           uint32_t cons)
{
    for (;;) {
        __atomic_store_n(rsp_event, cons + 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(rsp_prod, __ATOMIC_SEQ_CST) != cons) {
            return true;
        }

        struct pollfd pollfd = { .fd = f->guest_wait_fd, .events = POLLIN };
        eventfd_t n;
        if (poll(&pollfd, 1, LOST_MS) != 1) {
            f->guest_error = "the guest's event was lost";
            return false;
        }
        eventfd_read(f->guest_wait_fd, &n);
        f->guest_sleeps++;
    }
}

static void *
guest_sends(void *f_)
{
    struct fixture *f = f_;
    uint32_t prod = f->tx->req_prod, cons = prod, sent = 0, done = 0;

    while (done < N_FRAMES) {
        uint32_t old = prod;

        for (; prod - cons < SLOTS && sent < N_FRAMES; prod++, sent++) {
            memcpy(page(f, DATA_FRAME + prod % SLOTS), &sent, sizeof sent);
            f->tx->ring[prod % SLOTS].req = (struct netif_tx_request) {
                .gref = DATA_GREF + prod % SLOTS, .id = sent,
                .size = FRAME_BYTES,
            };
        }
        if (prod != old) {
            guest_push(f, &f->tx->req_prod, &f->tx->req_event, old, prod);
        }
        if (!guest_wait(f, &f->tx->rsp_prod, &f->tx->rsp_event, cons)) {
            return NULL;
        }
        uint32_t end = __atomic_load_n(&f->tx->rsp_prod, __ATOMIC_ACQUIRE);
        for (; cons != end; cons++, done++) {
            struct netif_tx_response rsp = f->tx->ring[cons % SLOTS].rsp;

            if (rsp.status != NETIF_RSP_OKAY || rsp.id != (uint16_t) done) {
                f->guest_error = "a wrong Tx response";
            }
        }
    }
    return NULL;
}

static void *
guest_receives(void *f_)
{
    struct fixture *f = f_;
    uint32_t prod = f->rx->req_prod, cons = prod, done = 0;

    while (done < N_FRAMES) {
        uint32_t old = prod;

        for (; prod - cons < SLOTS / 8; prod++) {
            f->rx->ring[prod % SLOTS].req = (struct netif_rx_request) {
                .id = prod, .gref = DATA_GREF + SLOTS + prod % SLOTS,
            };
        }
        guest_push(f, &f->rx->req_prod, &f->rx->req_event, old, prod);
        if (!guest_wait(f, &f->rx->rsp_prod, &f->rx->rsp_event, cons)) {
            return NULL;
        }
        uint32_t end = __atomic_load_n(&f->rx->rsp_prod, __ATOMIC_ACQUIRE);
        for (; cons != end; cons++, done++) {
            struct netif_rx_response rsp = f->rx->ring[cons % SLOTS].rsp;
            uint32_t number;

            memcpy(&number, page(f, DATA_FRAME + SLOTS + cons % SLOTS),
                   sizeof number);
            if (rsp.status != FRAME_BYTES || rsp.id != (uint16_t) cons
                || number != done) {
                f->guest_error = "a wrong Rx response";
            }
        }
    }
    return NULL;
}

/* Sleeps until the guest tells of something. */
static void
backend_sleep(struct fixture *f, bool want_rx)
{
    int fds[2];

    if (vif_conn_arm(f->conn, want_rx)) {
        return;
    }
    vif_conn_fds(f->conn, fds);
    struct pollfd pollfd = { .fd = fds[0], .events = POLLIN };
    assert_int_equal(poll(&pollfd, 1, LOST_MS), 1);
    vif_conn_ack(f->conn);
}

static void
test_tx(void **state)
{
    static uint8_t buffers[VIF_BURST_FRAMES][FRAME_BYTES];
    const struct xen_region region = { buffers, sizeof buffers };
    struct vif_stats stats = { 0 };
    struct fixture f;
    pthread_t guest;
    uint32_t n_done = 0;

    open_fixture(&f, UINT32_MAX - N_FRAMES / 2);
    assert_int_equal(pthread_create(&guest, NULL, guest_sends, &f), 0);
    while (n_done < N_FRAMES) {
        struct vif_frame frames[VIF_BURST_FRAMES];
        struct vif_gate gate = { .leaf = NULL };
        struct vif_supply supply = {
            .frame_bytes = FRAME_BYTES,
            .small = { .region = &region, .room_bytes = FRAME_BYTES,
                       .n = VIF_BURST_FRAMES },
        };

        for (unsigned int i = 0; i < VIF_BURST_FRAMES; i++) {
            supply.small.stack[i].offset = i * FRAME_BYTES;
        }
        int n = vif_conn_tx_burst(f.conn, &supply, frames, VIF_BURST_FRAMES,
                                  &gate, &stats);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++, n_done++) {
            assert_memory_equal((uint8_t *) buffers + frames[i].offset,
                                &n_done, sizeof n_done);
        }
        if (!n) {
            backend_sleep(&f, false);
        }
    }
    pthread_join(guest, NULL);
    assert_null(f.guest_error);
    assert_int_equal(stats.tx_frames, N_FRAMES);
    assert_true(stats.tx_notifies <= N_FRAMES / 2);
    close_fixture(&f);
}

static void
test_rx(void **state)
{
    static uint8_t buffers[VIF_BURST_FRAMES][FRAME_BYTES];
    const struct xen_region region = { buffers, sizeof buffers };
    struct vif_stats stats = { 0 };
    struct fixture f;
    pthread_t guest;
    uint32_t n_done = 0;

    open_fixture(&f, UINT32_MAX - N_FRAMES / 2);
    assert_int_equal(pthread_create(&guest, NULL, guest_receives, &f), 0);
    while (n_done < N_FRAMES) {
        struct vif_frame frames[VIF_BURST_FRAMES];
        unsigned int n_offer = (N_FRAMES - n_done < VIF_BURST_FRAMES
                                ? N_FRAMES - n_done : VIF_BURST_FRAMES);

        for (unsigned int i = 0; i < n_offer; i++) {
            uint32_t number = n_done + i;

            memcpy(buffers[i], &number, sizeof number);
            frames[i] = (struct vif_frame) {
                .region = &region, .offset = i * FRAME_BYTES,
                .bytes = FRAME_BYTES,
            };
        }
        int n = vif_conn_rx_burst(f.conn, frames, n_offer, &stats);
        assert_true(n >= 0);
        n_done += n;
        if (!n) {
            backend_sleep(&f, true);
        }
    }
    pthread_join(guest, NULL);
    assert_null(f.guest_error);
    assert_int_equal(stats.rx_frames, N_FRAMES);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tx),
        cmocka_unit_test(test_rx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
