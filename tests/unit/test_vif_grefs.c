/* The table of a guest's mapped pages, beside a plain array. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "datapath/vif_grefs.h"

static uint8_t pages[VIF_GREFS_MAX + 1];

static bool
add(struct vif_grefs *grefs, uint32_t gref, unsigned int page)
{
    return vif_grefs_add(grefs, &(struct vif_gref) {
        gref, page & 1, &pages[page],
    });
}

static void
expect(const struct vif_grefs *grefs, uint32_t gref, const uint8_t *page)
{
    const struct vif_gref *found = vif_grefs_find(grefs, gref);

    if (!page) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_ptr_equal(found->page, page);
    assert_int_equal(found->gref, gref);
    assert_int_equal(found->readonly, (page - pages) & 1);
}

static void
test_empty(void **state)
{
    struct vif_grefs *grefs = vif_grefs_copy(NULL);

    expect(NULL, 8, NULL);
    expect(grefs, 8, NULL);
    expect(grefs, 0, NULL);             /* Not what empty slots hold. */
    assert_null(vif_grefs_remove(grefs, 8));
    assert_int_equal(grefs->n, 0);
    assert_true(grefs->secret & 1);

    /* Nobody can guess it. */
    struct vif_grefs *other = vif_grefs_copy(NULL);
    assert_int_not_equal(other->secret, grefs->secret);
    vif_grefs_destroy(other);
    vif_grefs_destroy(grefs);
    vif_grefs_destroy(NULL);
}

/* A guest's pages are bounded, and finding ends in a table that is full. */
static void
test_xsa_392_table_is_bounded(void **state)
{
    struct vif_grefs *grefs = vif_grefs_copy(NULL);

    for (uint32_t i = 0; i < VIF_GREFS_MAX; i++) {
        assert_true(add(grefs, i, i));
        assert_false(add(grefs, i, i));         /* Twice. */
    }
    assert_int_equal(grefs->n, VIF_GREFS_MAX);
    assert_false(add(grefs, 9999, 0));
    for (uint32_t i = 0; i < 2000; i++) {
        expect(grefs, i, i < VIF_GREFS_MAX ? &pages[i] : NULL);
    }
    assert_ptr_equal(vif_grefs_remove(grefs, 17), &pages[17]);
    assert_true(add(grefs, 9999, 17));
    expect(grefs, 9999, &pages[17]);
    vif_grefs_destroy(grefs);
}

static void
test_copy_is_apart(void **state)
{
    struct vif_grefs *old = vif_grefs_copy(NULL);

    add(old, 1, 1);
    struct vif_grefs *copy = vif_grefs_copy(old);
    add(copy, 2, 2);
    vif_grefs_remove(copy, 1);
    expect(old, 1, &pages[1]);
    expect(old, 2, NULL);
    expect(copy, 1, NULL);
    expect(copy, 2, &pages[2]);
    vif_grefs_destroy(old);
    vif_grefs_destroy(copy);
}

/* References that all want one place, around the end of the table; each is
 * taken out in turn, and all the others are still found. */
static void
test_runs(void **state)
{
    enum { N = 12 };
    uint32_t refs[N];

    for (uint32_t place = VIF_GREFS_SLOTS - 6; place != 4;
         place = (place + 1) % VIF_GREFS_SLOTS) {
        for (int gone = 0; gone < N; gone++) {
            struct vif_grefs *grefs = vif_grefs_copy(NULL);
            uint32_t n = 0;

            grefs->secret = 1u << 22 | 1;
            for (uint32_t gref = 0; n < N; gref++) {
                uint32_t slot = vif_grefs_slot(grefs, gref);

                /* Two thirds in one place, the others beside it. */
                if (slot == (place + (n % 3 == 2)) % VIF_GREFS_SLOTS) {
                    refs[n] = gref;
                    assert_true(add(grefs, gref, n));
                    n++;
                }
            }
            assert_ptr_equal(vif_grefs_remove(grefs, refs[gone]),
                             &pages[gone]);
            for (int i = 0; i < N; i++) {
                expect(grefs, refs[i], i == gone ? NULL : &pages[i]);
            }
            assert_int_equal(grefs->n, N - 1);
            vif_grefs_destroy(grefs);
        }
    }
}

static void
test_random(void **state)
{
    struct vif_grefs *grefs = vif_grefs_copy(NULL);
    const uint8_t *want[600] = { NULL };
    uint64_t seed = 5;
    unsigned int n = 0;

    for (int step = 0; step < 50000; step++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t i = (seed >> 33) % 600;
        uint32_t gref = i * 0x01000193;

        if (seed >> 63) {
            bool room = n < VIF_GREFS_MAX && !want[i];

            assert_int_equal(add(grefs, gref, i % VIF_GREFS_MAX), room);
            if (room) {
                want[i] = &pages[i % VIF_GREFS_MAX];
                n++;
            }
        } else {
            assert_ptr_equal(vif_grefs_remove(grefs, gref), want[i]);
            n -= want[i] != NULL;
            want[i] = NULL;
        }
        assert_int_equal(grefs->n, n);
        expect(grefs, (step % 600) * 0x01000193u, want[step % 600]);
    }
    vif_grefs_destroy(grefs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_xsa_392_table_is_bounded),
        cmocka_unit_test(test_copy_is_apart),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests_name("vif_grefs", tests, NULL, NULL);
}
