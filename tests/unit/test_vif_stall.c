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

/* Between two looks only so much counts: when the machine stood still, the
 * guest had no time either. */
static void
test_stood_still(void **state)
{
    struct vif_stall stall = { 0 };
    uint64_t now_ns = 5;

    vif_stall_waits(&stall, &limits, now_ns);
    for (int looks = 1; looks <= 1300; looks++) {
        now_ns += 3600 * 1000 * MS_NS;
        enum vif_stall_action action = vif_stall_waits(&stall, &limits,
                                                       now_ns);
        uint64_t counted_ns = looks * VIF_STALL_STEP_NS;

        assert_int_equal(action, counted_ns >= 10000 * MS_NS
                                 ? VIF_STALL_DRAIN
                                 : counted_ns >= 1000 * MS_NS
                                 ? VIF_STALL_TRIM : VIF_STALL_NOTHING);
        assert_int_equal(stall.gone, counted_ns >= 60000 * MS_NS);
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

    for (int looks = 0; looks < 5000; looks++) {
        assert_int_equal(vif_stall_waits(&stall, &never,
                                         1 + looks * VIF_STALL_STEP_NS),
                         looks * VIF_STALL_STEP_NS >= VIF_STALL_TRIM_NS
                         ? VIF_STALL_TRIM : VIF_STALL_NOTHING);
    }
    assert_false(stall.gone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_stood_still),
        cmocka_unit_test(test_clock_backwards),
        cmocka_unit_test(test_no_limits),
    };

    return cmocka_run_group_tests_name("vif_stall", tests, NULL, NULL);
}
