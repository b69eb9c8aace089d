/* A guest's multicast list. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "datapath/vif_mcast.h"

struct addr {
    uint8_t bytes[6];
};

/* The 'i'th of some that all are multicast. */
static struct addr
group(uint32_t i)
{
    return (struct addr) { { 0x33, 0x33, i >> 24, i >> 16, i >> 8, i } };
}

static bool
match(const struct vif_mcast *mcast, struct addr addr)
{
    return vif_mcast_match(mcast, addr.bytes);
}

static bool
amend(struct vif_mcast *mcast, bool add, struct addr addr)
{
    return vif_mcast_amend(mcast, add, addr.bytes);
}

static const struct addr station = { { 0x02, 0, 0, 0, 0, 1 } };
static const struct addr everyone = { { 255, 255, 255, 255, 255, 255 } };

static void
test_not_wanted(void **state)
{
    struct vif_mcast mcast = { 0 };

    assert_true(match(&mcast, group(1)));
    assert_true(match(&mcast, station));
    assert_true(match(&mcast, everyone));
    vif_mcast_want(&mcast, true);
    assert_false(match(&mcast, group(1)));
    assert_true(match(&mcast, station));
    assert_true(match(&mcast, everyone));
    vif_mcast_want(&mcast, false);
    assert_true(match(&mcast, group(1)));
}

static void
test_amend(void **state)
{
    struct vif_mcast mcast = { .wanted = 1 };

    assert_true(amend(&mcast, true, group(1)));
    assert_true(match(&mcast, group(1)));
    assert_false(match(&mcast, group(2)));
    /* Each byte counts. */
    for (int i = 0; i < 6; i++) {
        struct addr other = group(1);

        other.bytes[i] ^= 0x80;
        assert_false(match(&mcast, other));
    }

    /* Twice is once. */
    assert_true(amend(&mcast, true, group(1)));
    assert_int_equal(mcast.n, 1);
    assert_true(amend(&mcast, false, group(1)));
    assert_false(match(&mcast, group(1)));
    assert_false(amend(&mcast, false, group(1)));
    assert_int_equal(mcast.n, 0);

    assert_false(amend(&mcast, true, station));
    assert_false(amend(&mcast, false, station));
    assert_int_equal(mcast.n, 0);

    /* All zeros but for the bit, and all ones. */
    struct addr least = { { 1 } };
    assert_false(match(&mcast, least));
    assert_true(amend(&mcast, true, least));
    assert_true(match(&mcast, least));
    assert_true(amend(&mcast, true, everyone));
    assert_true(amend(&mcast, false, everyone));
    assert_true(match(&mcast, everyone));
}

/* A guest's list holds 64, and no more. */
static void
test_xsa_392_list_is_bounded(void **state)
{
    struct vif_mcast mcast = { .wanted = 1 };
    struct vif_mcast guard[2] = { mcast, { 0 } };

    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(amend(&guard[0], true, group(i)),
                         i < VIF_MCAST_MAX);
    }
    assert_int_equal(guard[0].n, VIF_MCAST_MAX);
    assert_memory_equal(&guard[1], &(struct vif_mcast) { 0 },
                        sizeof guard[1]);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(match(&guard[0], group(i)), i < VIF_MCAST_MAX);
    }

    /* What goes makes room; the others stay. */
    for (uint32_t i = 0; i < VIF_MCAST_MAX; i += 2) {
        assert_true(amend(&guard[0], false, group(i)));
    }
    for (uint32_t i = 0; i < VIF_MCAST_MAX; i++) {
        assert_int_equal(match(&guard[0], group(i)), i & 1);
    }
    assert_int_equal(guard[0].n, VIF_MCAST_MAX / 2);
    for (uint32_t i = 2000; i < 2000 + VIF_MCAST_MAX; i++) {
        assert_int_equal(amend(&guard[0], true, group(i)),
                         i < 2000 + VIF_MCAST_MAX / 2);
    }
}

/* A count from another process is not believed. */
static void
test_count_beyond_list(void **state)
{
    struct {
        struct vif_mcast mcast;
        uint64_t behind[2];             /* As entries of the list are. */
    } m = { { .wanted = 1, .n = UINT32_MAX },
            { UINT64_C(0x1333300000001), UINT64_C(0x1333300000001) } };

    assert_false(match(&m.mcast, group(1)));
    assert_false(amend(&m.mcast, true, group(1)));
    m.mcast.addrs[VIF_MCAST_MAX - 1] = m.behind[0];
    assert_true(match(&m.mcast, group(1)));
}

#define N_RACES 500

struct reader {
    struct vif_mcast mcasts[N_RACES];
    unsigned int current;               /* The one to look at. */
    unsigned int looks, misses;
};

static void *
read_on(void *reader_)
{
    struct reader *reader = reader_;
    unsigned int i;

    while ((i = __atomic_load_n(&reader->current, __ATOMIC_ACQUIRE))
           < N_RACES) {
        reader->misses += !match(&reader->mcasts[i], group(0));
        __atomic_store_n(&reader->looks, reader->looks + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* An address that is in the list is not missed while it moves into the gap
 * that another one leaves. */
static void
test_reader_beside_writer(void **state)
{
    static struct reader reader;
    pthread_t thread;

    for (unsigned int i = 0; i < N_RACES; i++) {
        vif_mcast_want(&reader.mcasts[i], true);
        amend(&reader.mcasts[i], true, group(1));
        amend(&reader.mcasts[i], true, group(0));
    }
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
    for (unsigned int i = 0; i < N_RACES; i++) {
        unsigned int looks = __atomic_load_n(&reader.looks, __ATOMIC_ACQUIRE);

        __atomic_store_n(&reader.current, i, __ATOMIC_RELEASE);
        while (__atomic_load_n(&reader.looks, __ATOMIC_ACQUIRE) - looks < 2) {
            sched_yield();
        }
        assert_true(amend(&reader.mcasts[i], false, group(1)));
    }
    __atomic_store_n(&reader.current, N_RACES, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    assert_int_equal(reader.misses, 0);
    for (unsigned int i = 0; i < N_RACES; i++) {
        assert_int_equal(reader.mcasts[i].busy, 0);
        assert_int_equal(reader.mcasts[i].n, 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_wanted),
        cmocka_unit_test(test_amend),
        cmocka_unit_test(test_xsa_392_list_is_bounded),
        cmocka_unit_test(test_count_beyond_list),
        cmocka_unit_test(test_reader_beside_writer),
    };

    return cmocka_run_group_tests_name("vif_mcast", tests, NULL, NULL);
}
