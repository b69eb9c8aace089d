/* A bucket that owes: what was sent cost more than was known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qos/bucket.h"

#define BYTE_BITNS INT64_C(8000000000)

static const struct qos_profile profile = { 8000000, 10000 };   /* 1 MB/s. */

/* It is taken whatever the credit, and delays what follows by its time. */
static void
test_owe(void **state)
{
    for (uint64_t owed = 0; owed <= 50000; owed += 1250) {
        struct qos_bucket bucket;

        qos_bucket_init(&bucket, &profile, 0);
        qos_bucket_owe(&bucket, &profile, owed);
        assert_int_equal(bucket.credit_bitns,
                         (10000 - (int64_t) owed) * BYTE_BITNS);

        /* 1 byte takes 1 us; a frame of 1514 bytes comes behind the debt. */
        int64_t wait_us = (int64_t) owed - 10000 + 1514;
        uint64_t wait_ns = wait_us > 0 ? wait_us * 1000 : 0;
        assert_int_equal(qos_bucket_wait_ns(&bucket, &profile, 1514),
                         wait_ns);
        if (wait_ns) {
            qos_bucket_refill(&bucket, &profile, wait_ns - 1);
            assert_false(qos_bucket_take(&bucket, &profile, 1514));
        }
        qos_bucket_refill(&bucket, &profile, wait_ns);
        assert_true(qos_bucket_take(&bucket, &profile, 1514));
    }
}

static void
test_owe_and_give(void **state)
{
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &profile, 0);
    qos_bucket_owe(&bucket, &profile, 25000);
    qos_bucket_give(&bucket, &profile, 25000);
    assert_int_equal(bucket.credit_bitns, 10000 * BYTE_BITNS);
    qos_bucket_owe(&bucket, &profile, 25000);
    qos_bucket_give(&bucket, &profile, 100000);     /* Never above full. */
    assert_int_equal(bucket.credit_bitns, 10000 * BYTE_BITNS);
}

static void
test_no_limit(void **state)
{
    struct qos_profile none = { 0, 0 };
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &none, 0);
    qos_bucket_owe(&bucket, &none, UINT64_MAX);
    assert_int_equal(bucket.credit_bitns, 0);
    assert_true(qos_bucket_take(&bucket, &none, UINT64_MAX));
    assert_int_equal(qos_bucket_wait_ns(&bucket, &none, 1), 0);
}

/* However much it is, the debt has an end, and no sum wraps. */
static void
test_saturates(void **state)
{
    struct qos_bucket bucket;

    qos_bucket_init(&bucket, &profile, 0);
    for (int i = 0; i < 3; i++) {
        qos_bucket_owe(&bucket, &profile, UINT64_MAX);
        assert_true(bucket.credit_bitns < 0);
        assert_false(qos_bucket_take(&bucket, &profile, 1));
        assert_true(qos_bucket_wait_ns(&bucket, &profile, 1) > 1000000000);
    }
    qos_bucket_refill(&bucket, &profile, UINT64_MAX);
    assert_true(qos_bucket_take(&bucket, &profile, 10000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owe),
        cmocka_unit_test(test_owe_and_give),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_saturates),
    };

    return cmocka_run_group_tests_name("bucket_debt", tests, NULL, NULL);
}
