#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

#define END XS_TRANSACTION_END

static void
test_isolation(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/a|1");
    uint32_t t = begin(&f, 0);
    assert_string_equal(ask(&f, 0, XS_READ, t, "/a"), "1");
    assert_string_equal(ask(&f, 0, XS_WRITE, t, "/b|2"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/b"), "2");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/b"), "!ENOENT");

    /* What was looked at stays, whatever happens outside; what was not, is
     * the tree's. */
    ask(&f, 0, XS_WRITE, 0, "/a|9");
    ask(&f, 0, XS_WRITE, 0, "/c|9");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/a"), "1");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/c"), "9");
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, t, "/"), "a|b|local|");
    assert_string_equal(ask(&f, 0, END, t, "T"), "!EAGAIN");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/b"), "!ENOENT");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/a"), "!ENOENT");

    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/b/c/d|2");
    ask(&f, 0, XS_RM, t, "/a");
    assert_string_equal(ask(&f, 0, END, t, "T"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/b/c/d"), "2");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/a"), "!ENOENT");

    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/gone|2");
    assert_string_equal(ask(&f, 0, END, t, "F"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/gone"), "!ENOENT");

    t = begin(&f, 0);
    assert_string_equal(ask(&f, 0, XS_TRANSACTION_START, t, ""), "!EBUSY");
    assert_string_equal(ask(&f, 0, END, t, "X"), "!EINVAL");
    assert_string_equal(ask(&f, 1, END, t, "T"), "!ENOENT");
    assert_string_equal(ask(&f, 0, END, 0, "T"), "!ENOENT");
    close_fixture(&f);
}

/* What the transaction does, what happens outside meanwhile, and whether it
 * may commit. */
static void
test_conflicts(void **state)
{
    static const struct {
        uint32_t type;
        const char *inside;
        uint32_t other_type;
        const char *outside;
        const char *result;
    } cases[] = {
        { XS_READ, "/d/x", XS_WRITE, "/d/x|2", "!EAGAIN" },
        { XS_READ, "/d/x", XS_WRITE, "/d/x|1", "!EAGAIN" },
        { XS_READ, "/d/x", XS_WRITE, "/d/y|2", "OK" },
        { XS_READ, "/d/x", XS_WRITE, "/d/x/below|2", "!EAGAIN" },
        { XS_READ, "/d/x", XS_RM, "/d/x", "!EAGAIN" },
        { XS_READ, "/d/x", XS_RM, "/d", "!EAGAIN" },
        { XS_READ, "/d/x", XS_SET_PERMS, "/d/x|r0", "!EAGAIN" },
        { XS_READ, "/d/no", XS_WRITE, "/d/no|2", "!EAGAIN" },
        { XS_READ, "/d/no", XS_MKDIR, "/d/no", "!EAGAIN" },
        { XS_READ, "/d/no", XS_MKDIR, "/d/yes", "!EAGAIN" },
        { XS_READ, "/d/no", XS_WRITE, "/d/x|2", "OK" },
        { XS_DIRECTORY, "/d", XS_WRITE, "/d/new|2", "!EAGAIN" },
        { XS_DIRECTORY, "/d", XS_WRITE, "/d/x|2", "OK" },
        { XS_DIRECTORY, "/d", XS_RM, "/d/y", "!EAGAIN" },
        { XS_WRITE, "/d/x|3", XS_WRITE, "/d/x|2", "!EAGAIN" },
        { XS_WRITE, "/d/a|3", XS_WRITE, "/d/b|2", "!EAGAIN" },
        { XS_WRITE, "/d/a/b|3", XS_WRITE, "/d/a|2", "!EAGAIN" },
        { XS_WRITE, "/d/a|3", XS_RM, "/d", "!EAGAIN" },
        { XS_WRITE, "/d/x|3", XS_RM, "/d", "!EAGAIN" },
        { XS_RM, "/d/x", XS_WRITE, "/d/x|2", "!EAGAIN" },
        { XS_RM, "/d", XS_WRITE, "/d/new|2", "!EAGAIN" },
        { XS_RM, "/d/x", XS_WRITE, "/d/y|2", "OK" },
        { XS_SET_PERMS, "/d/x|r0", XS_WRITE, "/d/x|2", "!EAGAIN" },
        { XS_GET_PERMS, "/d/x", XS_SET_PERMS, "/d/x|r0", "!EAGAIN" },
        { XS_MKDIR, "/d/x", XS_RM, "/d/x", "!EAGAIN" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;

        open_fixture(&f);
        ask(&f, 0, XS_WRITE, 0, "/d/x|1");
        ask(&f, 0, XS_WRITE, 0, "/d/y|1");
        uint32_t t = begin(&f, 0);
        ask(&f, 0, cases[i].type, t, cases[i].inside);
        assert_string_equal(ask(&f, 0, cases[i].other_type, 0,
                                cases[i].outside), "OK");
        assert_string_equal(ask(&f, 0, END, t, "T"), cases[i].result);
        close_fixture(&f);
    }
}

static void
test_remove_and_remake(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/d/x/y|1");
    ask(&f, 0, XS_WRITE, 0, "/d/z|1");
    uint32_t t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/d/w|1");
    ask(&f, 0, XS_RM, t, "/d");
    ask(&f, 0, XS_WRITE, t, "/d/x|2");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/d/x/y"), "!ENOENT");
    assert_string_equal(ask(&f, 0, END, t, "T"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/d/x"), "2");
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, 0, "/d"), "x|");

    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/short/lived|1");
    ask(&f, 0, XS_RM, t, "/short");
    assert_string_equal(ask(&f, 0, END, t, "T"), "OK");
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, 0, "/"), "d|local|");

    /* /, /d, /d/x, /local/domain/0-2. */
    assert_int_equal(store_usage(f.store, STORE_NODES), 8);
    assert_int_equal(store_usage(f.store, STORE_TRANSACTIONS), 0);
    close_fixture(&f);
}

static void
test_quotas(void **state)
{
    struct fixture f;
    uint32_t t[10];
    char text[64];

    open_fixture(&f);
    for (int i = 0; i < 10; i++) {
        t[i] = begin(&f, 1);
    }
    assert_string_equal(ask(&f, 1, XS_TRANSACTION_START, 0, ""), "!ENOSPC");
    begin(&f, 2);
    assert_string_equal(ask(&f, 1, END, t[9], "F"), "OK");
    t[9] = begin(&f, 1);

    /* Nodes made in a transaction count, in it and at its end. */
    ask(&f, 1, XS_WRITE, 0, "k/a|");
    for (int i = 0; i < 996 - 10; i++) {    /* In ten folders. */
        snprintf(text, sizeof text, "n/%d/%d|", i % 10, i);
        assert_string_equal(ask(&f, 1, XS_WRITE, t[0], text), "OK");
    }
    assert_string_equal(ask(&f, 1, XS_WRITE, t[0], "n/more|"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "k/one|"), "OK");
    assert_string_equal(ask(&f, 1, END, t[0], "T"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_READ, 0, "n"), "!ENOENT");

    /* So do the nodes that it only looks at. */
    for (int i = 0; i < 1022; i++) {    /* And "m", and what it is in. */
        snprintf(text, sizeof text, "m/%d", i);
        assert_string_equal(ask(&f, 1, XS_READ, t[1], text), "!ENOENT");
    }
    assert_string_equal(ask(&f, 1, XS_READ, t[1], "m/more"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_READ, t[1], "m/1"), "!ENOENT");
    reconnect(&f, 1);
    assert_string_equal(ask(&f, 1, END, t[2], "T"), "!ENOENT");
    begin(&f, 1);
    close_fixture(&f);
}

/* What is listed was removed meanwhile: as xenstored does, nothing is. */
static void
test_removed_meanwhile(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/d/x|1");
    ask(&f, 0, XS_WRITE, 0, "/d/y|1");
    uint32_t t = begin(&f, 0);
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, t, "/d"), "x|y|");
    ask(&f, 0, XS_RM, 0, "/d/x");
    assert_string_equal(ask(&f, 0, XS_RM, t, "/d"), "!EIO");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/d/y"), "1");
    ask(&f, 0, XS_RM, 0, "/d");
    assert_string_equal(ask(&f, 0, END, t, "T"), "!EAGAIN");

    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, 0, "/d/x|1");
    assert_string_equal(ask(&f, 0, XS_READ, t, "/d/x"), "1");
    ask(&f, 0, XS_RM, 0, "/d");
    assert_string_equal(ask(&f, 0, XS_RM, t, "/d/x"), "!EINVAL");
    assert_string_equal(ask(&f, 0, XS_GET_PERMS, t, "@releaseDomain"),
                        "!EINVAL");
    ask(&f, 0, END, t, "F");

    /* What is listed still and made again is listed twice, of which one is not
     * there when the other was removed. */
    ask(&f, 0, XS_WRITE, 0, "/d/x|1");
    t = begin(&f, 0);
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, t, "/d"), "x|");
    ask(&f, 0, XS_RM, 0, "/d/x");
    assert_string_equal(ask(&f, 0, XS_WRITE, t, "/d/x|2"), "OK");
    assert_string_equal(ask(&f, 0, XS_RM, t, "/d"), "!EIO");
    close_fixture(&f);
}

/* Permissions are those of the first look; a change of them is a conflict. */
static void
test_permissions(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/shared|1");
    ask(&f, 0, XS_SET_PERMS, 0, "/shared|n0|b1");
    uint32_t t = begin(&f, 1);
    assert_string_equal(ask(&f, 1, XS_READ, t, "/shared"), "1");
    ask(&f, 0, XS_SET_PERMS, 0, "/shared|n0");
    assert_string_equal(ask(&f, 1, XS_WRITE, t, "/shared|2"), "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, t, "/other|2"), "!EACCES");
    assert_string_equal(ask(&f, 1, END, t, "T"), "!EAGAIN");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/shared"), "1");
    close_fixture(&f);
}

/* A domain that breaks domain 0's transactions is made to wait. */
static void
test_hold(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 1, XS_WRITE, 0, "k|1");
    uint32_t t = begin(&f, 0);
    ask(&f, 0, XS_READ, t, "/local/domain/1/k");
    ask(&f, 1, XS_WRITE, 0, "k|2");
    assert_true(store_conn_is_open(f.conn[1]));
    assert_string_equal(ask(&f, 0, END, t, "T"), "!EAGAIN");
    assert_false(store_conn_is_open(f.conn[1]));
    assert_true(store_conn_is_open(f.conn[2]));

    while (store_next_busy(f.store)) {
        continue;
    }
    store_run(f.store, f.now_ms);
    int64_t until_ms = store_deadline_ms(f.store);
    assert_true(until_ms > f.now_ms && until_ms <= f.now_ms + 100);
    store_run(f.store, until_ms);
    assert_true(store_conn_is_open(f.conn[1]));
    assert_true(store_deadline_ms(f.store) <= until_ms);    /* Busy. */
    while (store_next_busy(f.store)) {
        continue;
    }
    assert_true(store_deadline_ms(f.store) == INT64_MAX);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_remove_and_remake),
        cmocka_unit_test(test_quotas),
        cmocka_unit_test(test_removed_meanwhile),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
