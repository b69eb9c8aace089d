/* What is left of a ring when its process dies, by hand and by bursts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datapath/vif_journal.h"
#include "tests/unit/vif_fixture.h"

static void
test_create(void **state)
{
    for (unsigned int n_queues = 1; n_queues <= VIF_QUEUES_MAX; n_queues++) {
        struct vif_frontend frontend = {
            .domid = 7, .n_queues = n_queues,
            .multicast_control = n_queues & 1,
        };
        struct vif_journal *journal, *other;
        struct stat s;
        int fd;

        for (unsigned int i = 0; i < n_queues; i++) {
            frontend.queues[i].tx_gref = 100 + i;
        }
        assert_int_equal(vif_journal_create("vif7.3", 3, &frontend, &fd,
                                            &journal), 0);
        uint64_t bytes = vif_journal_bytes(n_queues);
        assert_int_equal(fstat(fd, &s), 0);
        assert_int_equal(s.st_size, bytes);
        assert_int_equal(journal->devid, 3);
        assert_memory_equal(&journal->frontend, &frontend, sizeof frontend);
        assert_int_equal(journal->mcast.wanted, n_queues & 1);
        assert_int_equal(journal->queues[n_queues - 1].params.tx_gref,
                         100 + n_queues - 1);
        assert_int_equal(journal->queues[n_queues - 1].tx.state, 0);

        /* Whoever holds the descriptor cannot cut it short under us. */
        assert_int_equal(ftruncate(fd, bytes - 1), -1);
        assert_int_equal(ftruncate(fd, bytes + 1), -1);

        other = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        assert_ptr_not_equal(other, MAP_FAILED);
        assert_true(vif_journal_check(other, bytes));
        vif_journal_note(&journal->queues[0].tx, 77, 5);
        assert_int_equal(other->queues[0].tx.state, vif_journal_state(77, 5));
        munmap(other, bytes);
        vif_journal_destroy(journal, fd);
        assert_int_equal(fstat(fd, &s), -1);
    }
    vif_journal_destroy(NULL, -1);
}

static void
test_create_fails(void **state)
{
    static char name[300];
    struct vif_frontend frontend = { .n_queues = 1 };
    struct vif_journal *journal;
    int fd;

    memset(name, 'x', sizeof name - 1);     /* Longer than Linux takes. */
    assert_int_equal(vif_journal_create(name, 0, &frontend, &fd, &journal),
                     -EINVAL);
    assert_null(journal);
    assert_int_equal(fd, -1);
}

/* A journal of a stranger: its sizes are held against the file's. */
static void
test_check(void **state)
{
    uint64_t bytes = vif_journal_bytes(2);
    struct vif_frontend frontend = { .n_queues = 2 };
    struct vif_journal *journal = calloc(1, vif_journal_bytes(9));

    vif_journal_init(journal, 0, &frontend);
    assert_true(vif_journal_check(journal, bytes));
    assert_true(vif_journal_check(journal, bytes + 4096));
    assert_false(vif_journal_check(journal, bytes - 1));
    assert_false(vif_journal_check(journal, sizeof *journal - 1));
    assert_false(vif_journal_check(journal, 0));

    journal->magic ^= 1;
    assert_false(vif_journal_check(journal, bytes));
    journal->magic ^= 1;
    static const unsigned int counts[] = { 0, 1, 3, 9, UINT32_MAX };
    for (int i = 0; i < 5; i++) {
        journal->frontend.n_queues = counts[i];
        assert_false(vif_journal_check(journal, vif_journal_bytes(8)));
    }
    /* The same with a size that goes with it. */
    for (unsigned int n_queues = 0; n_queues <= 9; n_queues += 9) {
        journal->frontend.n_queues = n_queues;
        journal->bytes = vif_journal_bytes(n_queues);
        assert_false(vif_journal_check(journal, UINT64_MAX));
    }
    free(journal);
}

static void
expect_rest(uint32_t journaled_prod, uint32_t n, uint32_t rsp_prod,
            uint32_t req_prod, const struct vif_journal_rest *want)
{
    struct vif_journal_ring ring = { 0 };
    struct vif_ring_page page = { .req_prod = req_prod,
                                  .rsp_prod = rsp_prod };
    struct vif_journal_rest rest = { 1, 2, 3 };

    vif_journal_note(&ring, journaled_prod, n);
    assert_int_equal(vif_journal_rest(&ring, &page, &rest),
                     want ? 0 : -EPROTO);
    if (want) {
        assert_int_equal(rest.rsp_prod, want->rsp_prod);
        assert_int_equal(rest.n_journaled, want->n_journaled);
        assert_int_equal(rest.n_unanswered, want->n_unanswered);
    }
}

/* All points of a burst of 'n' at which a process can die, with 'more'
 * requests behind it, from every kind of index. */
static void
test_rest_at_each_point(void **state)
{
    static const uint32_t starts[] = {
        0, 1, 1000, 0x7fffffff, UINT32_MAX - 256, UINT32_MAX - 1, UINT32_MAX,
    };

    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
        for (uint32_t n = 1; n <= 256; n += 51) {
            for (uint32_t more = 0; n + more <= 256; more += 17) {
                uint32_t at = starts[s];
                uint32_t end = at + n + more;

                /* Before it, journaled, published, and done. */
                expect_rest(at, 0, at, end, &(struct vif_journal_rest) {
                    at, 0, n + more });
                expect_rest(at, n, at, end, &(struct vif_journal_rest) {
                    at, n, n + more });
                expect_rest(at, n, at + n, end, &(struct vif_journal_rest) {
                    at + n, 0, more });
                expect_rest(at + n, 0, at + n, end,
                            &(struct vif_journal_rest) { at + n, 0, more });
            }
        }
    }
}

static void
test_rest_of_liars(void **state)
{
    expect_rest(10, 0, 11, 20, NULL);           /* A shared index moved. */
    expect_rest(10, 0, 9, 20, NULL);
    expect_rest(10, 5, 14, 20, NULL);
    expect_rest(10, 5, 16, 20, NULL);
    expect_rest(10, 0, 10, 267, NULL);          /* More than a ring's. */
    expect_rest(10, 0, 10, 9, NULL);            /* Backwards. */
    expect_rest(10, 5, 15, 14, NULL);
    expect_rest(10, 5, 10, 14, NULL);           /* Less than was journaled. */
    expect_rest(10, 257, 10, 20, NULL);         /* More than there are. */
    expect_rest(10, 257, 267, 268, NULL);
    expect_rest(10, UINT32_MAX, 9, 20, NULL);
    expect_rest(10, 256, 10, 266, &(struct vif_journal_rest) {
        10, 256, 256 });
}

/* What the hook saw in the middle of a burst. */
struct look {
    struct fixture *f;
    bool rx;
    unsigned int n_looks;
    struct vif_journal_rest rest;
    union vif_response answers[VIF_RING_SLOTS];
};

static void
look(struct xen_fake *fake, void *look_)
{
    struct look *l = look_;
    struct vif_journal_queue *q = &l->f->journal->queues[0];
    void *page = l->rx ? (void *) l->f->front.rx : (void *) l->f->front.tx;

    l->n_looks++;
    assert_int_equal(vif_journal_rest(l->rx ? &q->rx : &q->tx, page,
                                      &l->rest), 0);
    for (uint32_t i = 0; i < l->rest.n_journaled; i++) {
        l->answers[i] = l->rx ? vif_journal_rx_answer(q, i)
                              : vif_journal_tx_answer(q, i);
    }
}

static void
watch(struct look *l, struct fixture *f, bool rx)
{
    *l = (struct look) { .f = f, .rx = rx };
    f->fake->before_copy = look;
    f->fake->before_copy_aux = l;
}

/* While the copy runs, the answers are written down, and none is given. */
static void
test_tx_order_journal_copy_respond(void **state)
{
    struct netif_extra_info gso = {
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .u.gso = { .size = 100, .type = XEN_NETIF_GSO_TYPE_TCPV4 },
    };
    uint32_t start = UINT32_MAX - 2;
    struct fixture f;
    struct look l;

    open_fixture(&f, start, true, true);
    uint32_t gref = page_of(&f, 1), bad = page_of(&f, 1);
    fake_guest_revoke(f.guest, bad);
    put(&f, gref, 0, 60, 0);                            /* 0 */
    put(&f, gref, 0, 1000, NETTXF_extra_info);          /* 1 */
    vif_front_tx_put_extra(&f.front, &gso);
    put(&f, gref, 0, 5, 0);                             /* 2: a runt. */
    put(&f, bad, 0, 60, 0);                             /* 3 */
    put(&f, gref, 4000, 97, 0);                         /* 4: malice. */
    put(&f, gref, 0, 60, 0);
    vif_front_tx_push(&f.front);
    watch(&l, &f, false);
    assert_int_equal(burst(&f), 2);

    assert_int_equal(l.n_looks, 1);
    assert_int_equal(l.rest.rsp_prod, start);
    assert_int_equal(l.rest.n_journaled, 5);
    assert_int_equal(l.rest.n_unanswered, 7);
    static const int ids[] = { 0, 1, -1, 2, 3 };
    static const int statuses[] = { NETIF_RSP_OKAY, NETIF_RSP_OKAY,
                                    NETIF_RSP_NULL, NETIF_RSP_ERROR,
                                    NETIF_RSP_OKAY };
    for (int i = 0; i < 5; i++) {
        assert_int_equal(l.answers[i].tx.status, statuses[i]);
        if (ids[i] >= 0) {
            assert_int_equal(l.answers[i].tx.id, ids[i]);
        }
    }

    /* And afterwards nothing is under way. */
    l.n_looks = 0;
    look(f.fake, &l);
    assert_int_equal(l.rest.rsp_prod, start + 5);
    assert_int_equal(l.rest.n_journaled, 0);
    assert_int_equal(l.rest.n_unanswered, 2);
    close_fixture(&f);
}

/* The same of what it receives: a successor cannot know what arrived, and so
 * each buffer comes back empty, under its own id. */
static void
test_rx_order_journal_copy_respond(void **state)
{
    uint32_t start = UINT32_MAX - 2;
    struct fixture f;
    struct look l;
    uint32_t grefs[8];

    open_fixture(&f, start, true, true);
    post_rx(&f, 7, grefs);
    fill_frame(&f, 0, 9000, 1);
    f.frames[0].gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
    f.frames[0].gso_bytes = 1000;
    fill_frame(&f, 1, 60, 1);
    watch(&l, &f, true);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 2, &f.stats), 2);

    assert_int_equal(l.n_looks, 1);
    assert_int_equal(l.rest.rsp_prod, start);
    assert_int_equal(l.rest.n_journaled, 5);
    assert_int_equal(l.rest.n_unanswered, 7);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(l.answers[i].rx.id, 500 + i);
        assert_int_equal(l.answers[i].rx.status, NETIF_RSP_ERROR);
        assert_int_equal(l.answers[i].rx.offset, 0);
        assert_int_equal(l.answers[i].rx.flags, 0);
    }
    look(f.fake, &l);
    assert_int_equal(l.rest.rsp_prod, start + 5);
    assert_int_equal(l.rest.n_journaled, 0);
    assert_int_equal(l.rest.n_unanswered, 2);
    close_fixture(&f);
}

/* Whoever opens the queue next says where it is. */
static void
test_open_notes_indices(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 9, true, true);
    assert_int_equal(f.journal->queues[0].tx.state,
                     vif_journal_state(UINT32_MAX - 9, 0));
    assert_int_equal(f.journal->queues[0].rx.state,
                     vif_journal_state(UINT32_MAX - 9, 0));
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_fails),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_rest_at_each_point),
        cmocka_unit_test(test_rest_of_liars),
        cmocka_unit_test(test_tx_order_journal_copy_respond),
        cmocka_unit_test(test_rx_order_journal_copy_respond),
        cmocka_unit_test(test_open_notes_indices),
    };

    return cmocka_run_group_tests_name("vif_journal", tests, NULL, NULL);
}
