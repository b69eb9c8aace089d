/* How long a guest that takes nothing keeps what waits for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "datapath/vif_stall.h"

#define MS_NS UINT64_C(1000000)

static const struct vif_stall_limits limits = {
    VIF_STALL_DRAIN_MS * MS_NS, VIF_STALL_GONE_MS * MS_NS,
};

static void
test_stages(void **state)
{
    static const uint64_t starts_ns[] = { 0, 1, 77, UINT64_MAX / 2 };

    for (int i = 0; i < 4; i++) {
        struct vif_stall stall = { 0 };
        uint64_t start_ns = starts_ns[i];

        assert_int_equal(vif_stall_waits(&stall, &limits, start_ns),
                         VIF_STALL_NOTHING);
        start_ns = start_ns ? start_ns : 1;
        for (uint64_t ms = 1; ms <= 70000; ms++) {
            uint64_t now_ns = start_ns + ms * MS_NS;
            enum vif_stall_action just_before
                = vif_stall_waits(&stall, &limits, now_ns - 1);

            assert_int_equal(just_before, ms > 10000 ? VIF_STALL_DRAIN
                                          : ms > 1000 ? VIF_STALL_TRIM
                                          : VIF_STALL_NOTHING);
            assert_int_equal(stall.gone, ms > 60000);
            assert_int_equal(vif_stall_waits(&stall, &limits, now_ns),
                             ms >= 10000 ? VIF_STALL_DRAIN
                             : ms >= 1000 ? VIF_STALL_TRIM
                             : VIF_STALL_NOTHING);
            assert_int_equal(stall.gone, ms >= 60000);
        }

        /* It recovers by itself, and it all begins anew. */
        vif_stall_over(&stall);
        assert_false(stall.gone);
        assert_int_equal(vif_stall_waits(&stall, &limits,
                                         start_ns + 99999 * MS_NS),
                         VIF_STALL_NOTHING);
        assert_int_equal(vif_stall_waits(&stall, &limits,
                                         start_ns + 100998 * MS_NS),
                         VIF_STALL_NOTHING);
    }
}

static void
test_clock_backwards(void **state)
{
    struct vif_stall stall = { 0 };

    vif_stall_waits(&stall, &limits, 1000 * MS_NS);
    assert_int_equal(vif_stall_waits(&stall, &limits, 0), VIF_STALL_NOTHING);
    assert_false(stall.gone);
}

static void
test_no_limits(void **state)
{
    struct vif_stall_limits never = { 0, 0 };
    struct vif_stall stall = { 0 };

    vif_stall_waits(&stall, &never, 1);
    assert_int_equal(vif_stall_waits(&stall, &never, UINT64_MAX),
                     VIF_STALL_TRIM);
    assert_false(stall.gone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_clock_backwards),
        cmocka_unit_test(test_no_limits),
    };

    return cmocka_run_group_tests_name("vif_stall", tests, NULL, NULL);
}
