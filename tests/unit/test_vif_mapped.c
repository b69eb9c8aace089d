/* Frames over pages that stay mapped: no grant operation, and the same
 * answers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_conn_private.h"
#include "tests/unit/vif_fixture.h"

/* Puts a page in force as one that is mapped. */
static void
map(struct fixture *f, uint32_t gref, bool readonly)
{
    struct vif_grefs *grefs = vif_grefs_copy(vif_conn_grefs(f->conn));

    assert_true(vif_grefs_add(grefs, &(struct vif_gref) {
        gref, readonly, f->guest->pages[f->guest->grants[gref].frame],
    }));
    vif_grefs_destroy(vif_conn_set_grefs(f->conn, grefs));
}

static void
close_mapped(struct fixture *f)
{
    vif_grefs_destroy(vif_conn_set_grefs(f->conn, NULL));
    assert_null(vif_conn_grefs(f->conn));
    close_fixture(f);
}

static void
test_tx_all_mapped(void **state)
{
    struct fixture f;

    open_fixture(&f, UINT32_MAX - 1, true, true);
    uint32_t a = page_of(&f, 0xa1), b = page_of(&f, 0xb1);
    map(&f, a, true);
    map(&f, b, false);
    put(&f, a, 10, 60, 0);
    put(&f, b, 0, 300, NETTXF_more_data);
    put(&f, a, 3996, 100, 0);           /* Up to the page's last byte. */
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.fake->counts.copy_calls, 0);
    assert_int_equal(f.stats.tx_mapped_copies, 3);
    assert_int_equal(f.stats.tx_grant_copies, 0);
    assert_int_equal(frame_data(&f, 0)[59], 0xa1);
    assert_int_equal(frame_data(&f, 1)[199], 0xb1);
    assert_int_equal(frame_data(&f, 1)[200], 0xa1);
    for (int i = 0; i < 3; i++) {
        expect_response(&f, i, NETIF_RSP_OKAY);
    }
    close_mapped(&f);
}

/* XSA-155: what was copied is ours; the page may go on changing. */
static void
test_xsa_155_mapped_page_changes(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 0xa1);
    map(&f, gref, false);
    put(&f, gref, 0, 100, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 1);
    memset(f.guest->pages[f.guest->grants[gref].frame], 0, XEN_PAGE_BYTES);
    const uint8_t *data = frame_data(&f, 0);
    assert_true(data >= (uint8_t *) f.region.base
                && data < (uint8_t *) f.region.base + f.region.bytes);
    assert_int_equal(data[99], 0xa1);
    close_mapped(&f);
}

/* Mapped and granted pages in one frame, a refused grant among them. */
static void
test_tx_mixed(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t mapped = page_of(&f, 1), granted = page_of(&f, 2);
    uint32_t bad = page_of(&f, 3);
    map(&f, mapped, true);
    fake_guest_revoke(f.guest, bad);
    put(&f, mapped, 0, 200, NETTXF_more_data);          /* 0 */
    put(&f, granted, 0, 100, 0);
    put(&f, mapped, 0, 300, NETTXF_more_data);          /* 2 */
    put(&f, bad, 0, 100, NETTXF_more_data);
    put(&f, mapped, 0, 100, 0);
    put(&f, mapped, 0, 60, 0);                          /* 5 */
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 2);
    assert_int_equal(f.frames[0].bytes, 200);
    assert_int_equal(frame_data(&f, 0)[99], 1);
    assert_int_equal(frame_data(&f, 0)[100], 2);
    assert_int_equal(f.frames[1].bytes, 60);
    assert_int_equal(f.stats.tx_mapped_copies, 4);
    assert_int_equal(f.stats.tx_grant_copies, 2);
    assert_int_equal(f.stats.drops[VIF_DROP_TX_GRANT], 1);
    static const int statuses[] = { 0, 0, -1, -1, -1, 0 };
    for (int i = 0; i < 6; i++) {
        expect_response(&f, i, statuses[i]);
    }
    close_mapped(&f);
}

/* A mapped page needs its grant no more: the guest cannot take it away. */
static void
test_tx_revoked_after_mapping(void **state)
{
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 5);
    map(&f, gref, true);
    fake_guest_revoke(f.guest, gref);
    put(&f, gref, 0, 60, 0);
    vif_front_tx_push(&f.front);
    assert_int_equal(burst(&f), 1);
    assert_int_equal(frame_data(&f, 0)[59], 5);
    close_mapped(&f);
}

static void
test_rx_mapped(void **state)
{
    struct netif_rx_response rsp;
    struct fixture f;
    uint32_t grefs[4];

    open_fixture(&f, UINT32_MAX - 1, true, true);
    post_rx(&f, 4, grefs);
    for (int i = 0; i < 3; i++) {
        map(&f, grefs[i], false);
    }
    fill_frame(&f, 0, 9000, 0x21);
    fill_frame(&f, 1, 60, 0x22);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 2, &f.stats), 2);
    assert_int_equal(f.fake->counts.copy_segs, 1);
    assert_int_equal(f.stats.rx_mapped_copies, 3);
    assert_int_equal(f.stats.rx_grant_copies, 1);
    assert_int_equal(guest_data(&f, grefs[0])[0], 0x21);
    assert_int_equal(guest_data(&f, grefs[2])[807], 0x21);
    assert_int_equal(guest_data(&f, grefs[2])[808], 0);
    assert_int_equal(guest_data(&f, grefs[3])[59], 0x22);
    static const int statuses[] = { 4096, 4096, 808, 60 };
    for (int i = 0; i < 4; i++) {
        assert_true(vif_front_rx_take(&f.front, &rsp));
        assert_int_equal(rsp.id, 500 + i);
        assert_int_equal(rsp.status, statuses[i]);
    }
    close_mapped(&f);
}

/* A page that was mapped only to be read is never written that way: the grant
 * operation says what the guest allows. */
static void
test_rx_readonly(void **state)
{
    struct netif_rx_response rsp;
    struct fixture f;
    uint32_t grefs[2];

    open_fixture(&f, 0, true, true);
    post_rx(&f, 2, grefs);
    map(&f, grefs[0], true);
    map(&f, grefs[1], true);
    f.guest->grants[grefs[0]].flags |= GTF_readonly;
    fill_frame(&f, 0, 60, 0x21);
    fill_frame(&f, 1, 60, 0x22);
    assert_int_equal(vif_conn_rx_burst(f.conn, f.frames, 2, &f.stats), 2);
    assert_int_equal(f.stats.rx_mapped_copies, 0);
    assert_int_equal(f.stats.drops[VIF_DROP_RX_GRANT], 1);
    assert_int_equal(guest_data(&f, grefs[0])[0], 0);
    assert_int_equal(guest_data(&f, grefs[1])[0], 0x22);
    assert_true(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(rsp.status, NETIF_RSP_ERROR);
    assert_true(vif_front_rx_take(&f.front, &rsp));
    assert_int_equal(rsp.status, 60);
    close_mapped(&f);
}

/* What would leave the page, or our own region, is left to the grant
 * operation, which refuses it by name. */
static void
test_copies_stay_inside(void **state)
{
    static struct vif_copies copies;
    static const struct {
        uint64_t offset;
        uint16_t foreign_offset, bytes;
        bool inside;
    } cases[] = {
        { 0, 0, 4096, true },
        { 0, 1, 4095, true },
        { 0, 1, 4096, false },
        { 0, 4095, 1, true },
        { 0, 4096, 1, false },
        { 0, 0xffff, 0xffff, false },
        { 10000 - 100, 0, 100, true },
        { 10000 - 99, 0, 100, false },
        { 10000, 0, 1, false },
        { UINT64_MAX - 10, 0, 100, false },
    };
    static uint8_t base[10000];
    struct xen_region region = { base, sizeof base };
    struct xen_region tiny = { base, 10 };
    struct fixture f;

    open_fixture(&f, 0, true, true);
    uint32_t gref = page_of(&f, 5);
    map(&f, gref, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int to_guest = 0; to_guest < 2; to_guest++) {
            copies.n_segs = copies.n_mapped = 0;
            int seg = vif_copies_add(&copies, f.conn, &region,
                                     cases[i].offset, gref,
                                     cases[i].foreign_offset, cases[i].bytes,
                                     to_guest ? XEN_COPY_TO_GUEST
                                              : XEN_COPY_FROM_GUEST);
            assert_int_equal(seg, cases[i].inside ? -1 : 0);
            assert_int_equal(copies.n_mapped, cases[i].inside);
            assert_int_equal(copies.n_segs, !cases[i].inside);
        }
    }
    copies.n_segs = copies.n_mapped = 0;
    assert_int_equal(vif_copies_add(&copies, f.conn, &tiny, 0, gref, 0, 11,
                                    XEN_COPY_FROM_GUEST), 0);
    assert_int_equal(vif_copies_add(&copies, f.conn, &tiny, 0, gref + 1, 7, 9,
                                    XEN_COPY_FROM_GUEST), 1);
    assert_int_equal(copies.segs[1].gref, gref + 1);
    assert_int_equal(copies.segs[1].foreign_offset, 7);
    assert_int_equal(copies.segs[1].bytes, 9);
    assert_int_equal(copies.segs[1].domid, GUEST_DOMID);
    close_mapped(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tx_all_mapped),
        cmocka_unit_test(test_xsa_155_mapped_page_changes),
        cmocka_unit_test(test_tx_mixed),
        cmocka_unit_test(test_tx_revoked_after_mapping),
        cmocka_unit_test(test_rx_mapped),
        cmocka_unit_test(test_rx_readonly),
        cmocka_unit_test(test_copies_stay_inside),
    };

    return cmocka_run_group_tests_name("vif_mapped", tests, NULL, NULL);
}
