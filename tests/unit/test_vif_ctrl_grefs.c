/* Pages that stay mapped: all or nothing in, and out only when nobody uses
 * them any more. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "datapath/vif_grefs.h"
#include "tests/unit/ctrl_fixture.h"

#define GET_SIZE XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE
#define ADD XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
#define DEL XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING
#define OK XEN_NETIF_CTRL_STATUS_SUCCESS
#define INVALID XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define READONLY XEN_NETIF_CTRLF_GREF_readonly

static uint32_t
new_gref(struct ctrl_fixture *f, bool readonly)
{
    uint32_t frame;

    fake_guest_page(f->guest, &frame);
    return fake_guest_grant(f->guest, frame, readonly);
}

static struct xen_netif_gref *
list(struct ctrl_fixture *f)
{
    return (struct xen_netif_gref *) f->table;
}

static void
put_list(struct ctrl_fixture *f, const uint32_t *grefs, uint32_t n,
         uint16_t flags)
{
    for (uint32_t i = 0; i < n; i++) {
        list(f)[i] = (struct xen_netif_gref) { grefs[i], flags, 0xaaaa };
    }
}

static uint32_t
add(struct ctrl_fixture *f, uint32_t queue, uint32_t n)
{
    return ask(f, ADD, queue, f->table_gref, n, NULL);
}

/* How many pages of 'queue' are mapped, as all three know. */
static void
expect_mapped(struct ctrl_fixture *f, unsigned int queue, uint32_t n)
{
    const struct vif_grefs *grefs = vif_conn_grefs(f->queues[queue]);
    const struct vif_journal_queue *q = &f->journal->queues[queue];

    assert_int_equal(grefs ? grefs->n : 0, n);
    assert_int_equal(q->n_grefs, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct vif_gref *found = vif_grefs_find(grefs,
                                                      q->grefs[i].gref);
        assert_non_null(found);
        assert_int_equal(found->readonly, q->grefs[i].readonly);
    }
}

static void
test_size(void **state)
{
    struct ctrl_fixture f;
    uint32_t size;

    open_ctrl(&f, 3, 0);
    for (uint32_t queue = 0; queue < 3; queue++) {
        assert_int_equal(ask(&f, GET_SIZE, queue, 0, 0, &size), OK);
        assert_int_equal(size, VIF_GREFS_MAX);
    }
    assert_int_equal(ask(&f, GET_SIZE, 3, 0, 0, NULL), INVALID);
    assert_int_equal(ask(&f, GET_SIZE, UINT32_MAX, 0, 0, NULL), INVALID);
    close_ctrl(&f);
}

static void
test_add_and_delete(void **state)
{
    struct ctrl_fixture f;
    uint32_t grefs[6], n;

    open_ctrl(&f, 2, UINT32_MAX - 1);
    unsigned int n_mapped = f.fake->n_mapped;
    for (int i = 0; i < 6; i++) {
        grefs[i] = new_gref(&f, i & 1);
    }
    /* One half writable, one not. */
    put_list(&f, grefs, 6, 0);
    for (int i = 1; i < 6; i += 2) {
        list(&f)[i].flags = READONLY;
    }
    assert_int_equal(add(&f, 1, 6), OK);
    assert_int_equal(f.fake->n_mapped, n_mapped + 6);
    expect_mapped(&f, 0, 0);
    expect_mapped(&f, 1, 6);
    assert_int_equal(list(&f)[0].status, 0xaaaa);   /* Not ADD's to write. */
    for (int i = 0; i < 6; i++) {
        assert_int_equal(vif_grefs_find(vif_conn_grefs(f.queues[1]),
                                        grefs[i])->readonly, i & 1);
    }

    /* Some of them, one twice, and one that is none. */
    uint32_t some[] = { grefs[4], grefs[1], grefs[4], 999999 };
    put_list(&f, some, 4, 0);
    assert_int_equal(ask(&f, DEL, 1, f.table_gref, 4, &n), OK);
    assert_int_equal(n, 2);
    assert_int_equal(list(&f)[0].status, OK);
    assert_int_equal(list(&f)[1].status, OK);
    assert_int_equal(list(&f)[2].status, INVALID);
    assert_int_equal(list(&f)[3].status, INVALID);
    assert_int_equal(f.fake->n_mapped, n_mapped + 4);
    expect_mapped(&f, 1, 4);

    /* What went may come again; those of another queue are not ours. */
    put_list(&f, grefs, 1, 0);
    assert_int_equal(ask(&f, DEL, 0, f.table_gref, 1, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(list(&f)[0].status, INVALID);
    put_list(&f, some, 1, 0);
    assert_int_equal(add(&f, 1, 1), OK);
    expect_mapped(&f, 1, 5);
    assert_int_equal(add(&f, 0, 1), OK);        /* For both queues. */
    expect_mapped(&f, 0, 1);
    close_ctrl(&f);
}

static void
test_empty_lists(void **state)
{
    struct ctrl_fixture f;
    uint32_t n;

    open_ctrl(&f, 1, 0);
    assert_int_equal(ask(&f, ADD, 0, UINT32_MAX, 0, NULL), OK);
    assert_int_equal(ask(&f, DEL, 0, UINT32_MAX, 0, &n), OK);
    assert_int_equal(n, 0);
    expect_mapped(&f, 0, 0);
    close_ctrl(&f);
}

/* Asks to add what is to be refused; nothing of it stays mapped. */
static void
expect_refusal(struct ctrl_fixture *f, uint32_t queue, uint32_t list_gref,
               uint32_t n)
{
    unsigned int n_mapped = f->fake->n_mapped;
    const struct vif_grefs *before = vif_conn_grefs(f->queues[0]);

    assert_int_equal(ask(f, ADD, queue, list_gref, n, NULL), INVALID);
    assert_int_equal(f->fake->n_mapped, n_mapped);
    assert_ptr_equal(vif_conn_grefs(f->queues[0]), before);
    expect_mapped(f, 0, before ? before->n : 0);
}

static void
test_bad_parameters(void **state)
{
    struct ctrl_fixture f;
    uint32_t grefs[4], n;

    open_ctrl(&f, 2, 0);
    for (int i = 0; i < 4; i++) {
        grefs[i] = new_gref(&f, false);
    }
    put_list(&f, grefs, 4, 0);
    expect_refusal(&f, 2, f.table_gref, 4);
    expect_refusal(&f, UINT32_MAX, f.table_gref, 4);
    expect_refusal(&f, 0, UINT32_MAX, 4);
    expect_refusal(&f, 0, f.table_gref, VIF_GREFS_MAX + 1);
    expect_refusal(&f, 0, f.table_gref, UINT32_MAX);
    for (int bit = 1; bit < 16; bit++) {
        list(&f)[3].flags = 1u << bit;
        expect_refusal(&f, 0, f.table_gref, 4);
    }

    static const uint32_t sizes[] = { VIF_GREFS_MAX + 1, UINT32_MAX };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&f, DEL, 0, f.table_gref, sizes[i], &n),
                         INVALID);
    }
    assert_int_equal(ask(&f, DEL, 0, UINT32_MAX, 1, &n), INVALID);
    assert_int_equal(ask(&f, DEL, 2, f.table_gref, 1, &n), INVALID);
    close_ctrl(&f);
}

/* XSA-361 and XSA-362: a map that fails halfway, at each place in the list,
 * with pages mapped before and none; and for each reason. */
static void
test_xsa_361_xsa_362_failing_maps(void **state)
{
    enum { N = 9 };
    struct ctrl_fixture f;
    uint32_t grefs[N], before;

    open_ctrl(&f, 1, 0);
    for (int i = 0; i < N; i++) {
        grefs[i] = new_gref(&f, false);
    }
    before = new_gref(&f, false);
    for (int round = 0; round < 2; round++) {
        for (int at = 0; at < N; at++) {
            put_list(&f, grefs, N, 0);
            list(&f)[at].ref = UINT32_MAX;          /* No reference, */
            expect_refusal(&f, 0, f.table_gref, N);
            list(&f)[at].ref = new_gref(&f, true);  /* one to read, */
            expect_refusal(&f, 0, f.table_gref, N);
            list(&f)[at].ref = grefs[(at + 1) % N]; /* one twice, */
            expect_refusal(&f, 0, f.table_gref, N);
            if (round) {
                list(&f)[at].ref = before;          /* one we have, */
                expect_refusal(&f, 0, f.table_gref, N);
            }
            put_list(&f, grefs, N, 0);              /* a failing call. */
            f.fake->map_error = -ENOMEM;
            f.fake->maps_before_error = at;
            expect_refusal(&f, 0, f.table_gref, N);
            f.fake->map_error = 0;
        }
        if (!round) {
            put_list(&f, &before, 1, 0);
            assert_int_equal(add(&f, 0, 1), OK);
        }
    }
    put_list(&f, grefs, N, 0);
    assert_int_equal(add(&f, 0, N), OK);
    expect_mapped(&f, 0, N + 1);
    close_ctrl(&f);
}

/* XSA-392: no guest has more than so many pages mapped. */
static void
test_xsa_392_mapped_pages_are_bounded(void **state)
{
    static uint32_t grefs[VIF_GREFS_MAX];
    struct ctrl_fixture f;
    uint32_t n;

    open_ctrl(&f, 1, 0);
    for (uint32_t i = 0; i < VIF_GREFS_MAX; i++) {
        grefs[i] = new_gref(&f, false);
    }
    put_list(&f, grefs, VIF_GREFS_MAX, 0);
    assert_int_equal(add(&f, 0, VIF_GREFS_MAX), OK);
    expect_mapped(&f, 0, VIF_GREFS_MAX);
    uint32_t one = new_gref(&f, false);
    put_list(&f, &one, 1, 0);
    expect_refusal(&f, 0, f.table_gref, 1);

    put_list(&f, grefs, VIF_GREFS_MAX, 0);
    assert_int_equal(ask(&f, DEL, 0, f.table_gref, VIF_GREFS_MAX, &n), OK);
    assert_int_equal(n, VIF_GREFS_MAX);
    expect_mapped(&f, 0, 0);
    put_list(&f, &one, 1, 0);
    assert_int_equal(add(&f, 0, 1), OK);
    close_ctrl(&f);
}

/* A page that polling threads may still use stays mapped, the guest is not
 * told that it went, and nothing else is answered. */
static void
test_delete_waits_for_threads(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 1, 0);
    uint32_t gref = new_gref(&f, false);
    put_list(&f, &gref, 1, 0);
    assert_int_equal(add(&f, 0, 1), OK);
    unsigned int n_mapped = f.fake->n_mapped;
    const struct vif_grefs *old = vif_conn_grefs(f.queues[0]);
    const uint8_t *page = vif_grefs_find(old, gref)->page;

    uint16_t id = ctrl_front_put(&f.front, DEL, 0, f.table_gref, 1);
    uint16_t next_id = ctrl_front_put(&f.front, GET_SIZE, 0, 0, 0);
    ctrl_front_push(&f.front);
    assert_int_equal(turn(&f), UINT64_MAX);
    assert_true(vif_ctrl_busy(f.ctrl));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(turn(&f), UINT64_MAX);
        expect_no_answer(&f);
        assert_int_equal(f.fake->n_mapped, n_mapped);
        assert_ptr_equal(vif_grefs_find(old, gref)->page, page);
        assert_int_equal(list(&f)[0].status, 0xaaaa);
    }
    /* From now on nobody finds it. */
    assert_null(vif_grefs_find(vif_conn_grefs(f.queues[0]), gref));

    finish_retired(&f);
    assert_false(vif_ctrl_busy(f.ctrl));
    expect_answer(&f, id, DEL, OK, 1);
    expect_no_answer(&f);
    assert_int_equal(f.fake->n_mapped, n_mapped - 1);
    turn(&f);
    expect_answer(&f, next_id, GET_SIZE, OK, VIF_GREFS_MAX);
    close_ctrl(&f);
}

/* The list was taken away, or cannot be written: the pages go all the same. */
static void
test_delete_without_list(void **state)
{
    for (int readonly = 0; readonly < 2; readonly++) {
        struct ctrl_fixture f;

        open_ctrl(&f, 1, 0);
        uint32_t gref = new_gref(&f, false);
        put_list(&f, &gref, 1, 0);
        assert_int_equal(add(&f, 0, 1), OK);
        unsigned int n_mapped = f.fake->n_mapped;

        uint16_t id = ctrl_front_put(&f.front, DEL, 0, f.table_gref, 1);
        ctrl_front_push(&f.front);
        turn(&f);
        if (readonly) {
            f.guest->grants[f.table_gref].flags |= GTF_readonly;
        } else {
            fake_guest_revoke(f.guest, f.table_gref);
        }
        finish_retired(&f);
        expect_answer(&f, id, DEL, INVALID, 1);
        assert_int_equal(f.fake->n_mapped, n_mapped - 1);
        expect_mapped(&f, 0, 0);
        close_ctrl(&f);
    }
}

/* XSA-155: the list is copied once; what the guest makes of it while the
 * removal waits says nothing. */
static void
test_xsa_155_list_rewritten(void **state)
{
    struct ctrl_fixture f;
    uint32_t grefs[3];

    open_ctrl(&f, 1, 0);
    for (int i = 0; i < 3; i++) {
        grefs[i] = new_gref(&f, false);
    }
    put_list(&f, grefs, 3, 0);
    assert_int_equal(add(&f, 0, 3), OK);
    uint16_t id = ctrl_front_put(&f.front, DEL, 0, f.table_gref, 2);
    ctrl_front_push(&f.front);
    turn(&f);
    memset(f.table, 0xff, XEN_PAGE_BYTES);
    finish_retired(&f);
    expect_answer(&f, id, DEL, OK, 2);
    assert_int_equal(list(&f)[0].ref, grefs[0]);
    assert_int_equal(list(&f)[0].status, OK);
    assert_int_equal(list(&f)[2].ref, UINT32_MAX);  /* Not in the list. */
    expect_mapped(&f, 0, 1);
    close_ctrl(&f);
}

/* A table that is in use is never changed: another takes its place. */
static void
test_tables_are_swapped(void **state)
{
    struct ctrl_fixture f;
    uint32_t grefs[2];

    open_ctrl(&f, 1, 0);
    for (int i = 0; i < 2; i++) {
        const struct vif_grefs *old = vif_conn_grefs(f.queues[0]);

        grefs[i] = new_gref(&f, false);
        put_list(&f, &grefs[i], 1, 0);
        assert_int_equal(add(&f, 0, 1), OK);
        assert_ptr_not_equal(vif_conn_grefs(f.queues[0]), old);
        if (old) {
            assert_null(vif_grefs_find(old, grefs[i]));
        }
    }
    assert_int_equal(f.n_retired, 1);
    close_ctrl(&f);                     /* Unmaps both: the fake checks. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_add_and_delete),
        cmocka_unit_test(test_empty_lists),
        cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_xsa_361_xsa_362_failing_maps),
        cmocka_unit_test(test_xsa_392_mapped_pages_are_bounded),
        cmocka_unit_test(test_delete_waits_for_threads),
        cmocka_unit_test(test_delete_without_list),
        cmocka_unit_test(test_xsa_155_list_rewritten),
        cmocka_unit_test(test_tables_are_swapped),
    };

    return cmocka_run_group_tests_name("vif_ctrl_grefs", tests, NULL, NULL);
}
