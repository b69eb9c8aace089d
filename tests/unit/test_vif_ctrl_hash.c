/* What a guest may ask about hashing, and what it gets for what it may not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/unit/ctrl_fixture.h"
#include "tests/unit/net_frames.h"

#define SET_ALGORITHM XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM
#define GET_FLAGS XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS
#define SET_FLAGS XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
#define SET_KEY XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
#define GET_SIZE XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
#define SET_SIZE XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE
#define SET_MAPPING XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING

#define TOEPLITZ XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
#define ALL_FLAGS 0xfu

#define OK XEN_NETIF_CTRL_STATUS_SUCCESS
#define UNSUPPORTED XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define INVALID XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define OVERFLOW XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW

/* Asks what is to be refused, and changes nothing. */
static void
expect_refusal(struct ctrl_fixture *f, uint32_t status, uint16_t type,
               uint32_t data0, uint32_t data1, uint32_t data2)
{
    struct vif_hash before = f->journal->hash;
    unsigned int n_set_hash = f->n_set_hash;

    assert_int_equal(ask(f, type, data0, data1, data2, NULL), status);
    assert_int_equal(f->n_set_hash, n_set_hash);
    assert_memory_equal(&f->journal->hash, &before, sizeof before);
}

static void
expect_done(struct ctrl_fixture *f, uint16_t type, uint32_t data0,
            uint32_t data1, uint32_t data2)
{
    unsigned int n_set_hash = f->n_set_hash;

    assert_int_equal(ask(f, type, data0, data1, data2, NULL), OK);
    assert_int_equal(f->n_set_hash, n_set_hash + 1);
    assert_memory_equal(&f->journal->hash, &f->hash, sizeof f->hash);
}

static void
test_algorithm_and_flags(void **state)
{
    struct ctrl_fixture f;
    uint32_t flags;

    open_ctrl(&f, 2, 0);
    expect_refusal(&f, UNSUPPORTED, GET_FLAGS, 0, 0, 0);
    expect_refusal(&f, UNSUPPORTED, SET_FLAGS, 1, 0, 0);
    expect_refusal(&f, INVALID, SET_ALGORITHM, 2, 0, 0);
    expect_refusal(&f, INVALID, SET_ALGORITHM, UINT32_MAX, 0, 0);

    expect_done(&f, SET_ALGORITHM, TOEPLITZ, 0, 0);
    assert_int_equal(f.hash.algorithm, TOEPLITZ);
    assert_int_equal(ask(&f, GET_FLAGS, 0, 0, 0, &flags), OK);
    assert_int_equal(flags, ALL_FLAGS);
    for (uint32_t i = 0; i <= ALL_FLAGS; i++) {
        expect_done(&f, SET_FLAGS, i, 0, 0);
        assert_int_equal(f.hash.flags, i);
    }
    for (int bit = 4; bit < 32; bit++) {
        expect_refusal(&f, INVALID, SET_FLAGS, 1u << bit | 1, 0, 0);
    }

    expect_done(&f, SET_ALGORITHM, XEN_NETIF_CTRL_HASH_ALGORITHM_NONE, 0, 0);
    assert_int_equal(f.hash.algorithm, 0);
    expect_refusal(&f, UNSUPPORTED, GET_FLAGS, 0, 0, 0);
    close_ctrl(&f);
}

static void
test_key(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 2, 0);
    for (int i = 0; i < 64; i++) {
        f.table[i] = 0x40 + i;
    }
    for (uint32_t bytes = VIF_HASH_KEY_BYTES; bytes <= 40; bytes--) {
        const uint8_t *key = (const uint8_t *) f.hash.key;

        /* A key of no bytes needs no page. */
        expect_done(&f, SET_KEY, bytes ? f.table_gref : UINT32_MAX, bytes, 0);
        for (uint32_t i = 0; i < VIF_HASH_KEY_BYTES; i++) {
            assert_int_equal(key[i], i < bytes ? 0x40 + i : 0);
        }
    }
    expect_refusal(&f, OVERFLOW, SET_KEY, f.table_gref, 41, 0);
    expect_refusal(&f, OVERFLOW, SET_KEY, f.table_gref, 4096, 0);
    expect_refusal(&f, OVERFLOW, SET_KEY, f.table_gref, UINT32_MAX, 0);
    expect_refusal(&f, INVALID, SET_KEY, UINT32_MAX, 40, 0);
    fake_guest_revoke(f.guest, f.table_gref);
    expect_refusal(&f, INVALID, SET_KEY, f.table_gref, 1, 0);
    close_ctrl(&f);
}

static void
put_table(struct ctrl_fixture *f, uint32_t n, uint32_t queue)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(f->table + i * 4, &queue, sizeof queue);
    }
}

static void
test_mapping(void **state)
{
    struct ctrl_fixture f;
    uint32_t size;

    open_ctrl(&f, 4, 0);
    assert_int_equal(ask(&f, GET_SIZE, 0, 0, 0, &size), OK);
    assert_int_equal(size, VIF_HASH_MAPPING_MAX);
    expect_refusal(&f, INVALID, SET_SIZE, 129, 0, 0);
    expect_refusal(&f, INVALID, SET_SIZE, UINT32_MAX, 0, 0);

    /* A part of it, and no other part. */
    expect_done(&f, SET_SIZE, 10, 0, 0);
    put_table(&f, 1024, 3);
    expect_done(&f, SET_MAPPING, f.table_gref, 4, 3);
    for (int i = 0; i < 128; i++) {
        assert_int_equal(f.hash.mapping[i], i >= 3 && i < 7 ? 3 : 0);
    }
    put_table(&f, 1024, 1);
    expect_done(&f, SET_MAPPING, f.table_gref, 3, 7);
    assert_int_equal(f.hash.mapping[6], 3);
    assert_int_equal(f.hash.mapping[9], 1);
    expect_done(&f, SET_MAPPING, UINT32_MAX, 0, 10);

    /* A new size makes it all zero. */
    expect_done(&f, SET_SIZE, 128, 0, 0);
    for (int i = 0; i < 128; i++) {
        assert_int_equal(f.hash.mapping[i], 0);
    }
    expect_done(&f, SET_MAPPING, f.table_gref, 128, 0);
    assert_int_equal(f.hash.mapping[127], 1);
    expect_refusal(&f, INVALID, SET_MAPPING, UINT32_MAX, 5, 0);
    expect_done(&f, SET_SIZE, 0, 0, 0);
    expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 1, 0);
    close_ctrl(&f);
}

/* XSA-270: nothing is written or read beyond the table. */
static void
test_xsa_270_mapping_bounds(void **state)
{
    struct ctrl_fixture f;

    open_ctrl(&f, 4, 0);
    expect_refusal(&f, OVERFLOW, SET_MAPPING, f.table_gref, 129, 0);
    expect_refusal(&f, OVERFLOW, SET_MAPPING, f.table_gref, 1024, 0);
    expect_refusal(&f, OVERFLOW, SET_MAPPING, f.table_gref, UINT32_MAX, 1);
    for (uint32_t size = 0; size <= 128; size++) {
        expect_done(&f, SET_SIZE, size, 0, 0);
        expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 1, size);
        expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 0, size + 1);
        expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 1, UINT32_MAX);
        expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 128,
                       UINT32_MAX - 126);
        if (size < 128) {
            expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, size + 1,
                           0);
        }
    }
    close_ctrl(&f);
}

/* And no queue that is none gets in: one bad entry, anywhere, and nothing of
 * the table holds. */
static void
test_xsa_270_queue_numbers(void **state)
{
    static const uint32_t beyond[] = {
        0, 1, 8, 256, 256 + 1, 0x10000, UINT32_MAX,
    };

    for (unsigned int n_queues = 1; n_queues <= 8; n_queues++) {
        struct ctrl_fixture f;

        open_ctrl(&f, n_queues, 0);
        expect_done(&f, SET_SIZE, 128, 0, 0);
        put_table(&f, 128, n_queues - 1);
        expect_done(&f, SET_MAPPING, f.table_gref, 128, 0);
        for (uint32_t at = 0; at < 128; at += 1 + at / 3) {
            for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
                uint32_t bad = beyond[i];

                if (bad < n_queues) {
                    bad = n_queues;
                }
                put_table(&f, 128, 0);
                memcpy(f.table + at * 4, &bad, sizeof bad);
                expect_refusal(&f, INVALID, SET_MAPPING, f.table_gref, 128,
                               0);
            }
        }
        close_ctrl(&f);
    }
}

static void
spoil_table(struct xen_fake *fake, void *f_)
{
    put_table(f_, 128, 200);
}

/* The class: requests at random, tables that change while they are read;
 * whatever a guest sets, each frame goes to a queue that there is. */
static void
test_xsa_270_no_state_leads_astray(void **state)
{
    static struct net_frame frame;
    uint64_t seed = 270;

    for (unsigned int n_queues = 1; n_queues <= 8; n_queues++) {
        struct net_kind kind = { n_queues & 1 ? 4 : 6, NET_TCP };
        struct ctrl_fixture f;

        open_ctrl(&f, n_queues, UINT32_MAX - 50);
        net_frame_make(&frame, &kind, 10);
        for (int i = 0; i < 1500; i++) {
            static const uint32_t numbers[] = {
                0, 1, 2, 7, 8, 15, 40, 41, 100, 127, 128, 129, 1024,
                UINT32_MAX - 127, UINT32_MAX,
            };
            uint32_t random[5], data;

            for (int j = 0; j < 5; j++) {
                seed = seed * 6364136223846793005ull
                       + 1442695040888963407ull;
                random[j] = seed >> 33;
            }
            put_table(&f, 128, random[4] % (n_queues + 1));
            f.fake->before_copy = random[4] % 7 ? NULL : spoil_table;
            f.fake->before_copy_aux = &f;
            uint16_t type = random[0] % 8;
            bool page = type == SET_KEY || type == SET_MAPPING;
            ask(&f, type, page ? f.table_gref : numbers[random[1] % 15],
                numbers[random[2] % 15], numbers[random[3] % 15], &data);

            for (int j = 0; j < 128; j++) {
                assert_true(f.hash.mapping[j] < n_queues);
            }
            assert_true(f.hash.n_mapping <= 128);
            net_put_be32(frame.data + net_l4_offset(&kind), random[0]);
            assert_true(vif_hash_frame(&f.hash, frame.data, frame.bytes,
                                       n_queues).queue < n_queues);
        }
        assert_true(f.n_set_hash > 100);
        close_ctrl(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithm_and_flags),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_xsa_270_mapping_bounds),
        cmocka_unit_test(test_xsa_270_queue_numbers),
        cmocka_unit_test(test_xsa_270_no_state_leads_astray),
    };

    return cmocka_run_group_tests_name("vif_ctrl_hash", tests, NULL, NULL);
}
