#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

static void
test_fires(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/a/b|1");

    /* Once when set, whether the node is there or not; after the reply. */
    assert_string_equal(ask(&f, 0, XS_WATCH, 0, "/a|t"), "OK");
    assert_string_equal(f.events[0], "");
    assert_string_equal(take_events(&f, 0), "/a t\n");
    assert_string_equal(ask(&f, 0, XS_WATCH, 0, "/no/node|u"), "OK");
    assert_string_equal(take_events(&f, 0), "/no/node u\n");
    assert_string_equal(ask(&f, 0, XS_WATCH, 0, "/a|t"), "!EEXIST");
    assert_string_equal(ask(&f, 0, XS_WATCH, 0, "/a|t2"), "OK");
    take_events(&f, 0);
    assert_string_equal(ask(&f, 0, XS_UNWATCH, 0, "/a|t2"), "OK");
    assert_string_equal(ask(&f, 0, XS_UNWATCH, 0, "/a|t2"), "!ENOENT");

    /* The node and all below, not its neighbours or parents. */
    ask(&f, 0, XS_WRITE, 0, "/a|1");
    assert_string_equal(take_events(&f, 0), "/a t\n");
    ask(&f, 0, XS_WRITE, 0, "/a/b/c|1");
    assert_string_equal(take_events(&f, 0), "/a/b/c t\n");
    ask(&f, 0, XS_MKDIR, 0, "/a/b/c");
    ask(&f, 0, XS_WRITE, 0, "/ab|1");
    ask(&f, 0, XS_WRITE, 0, "/|1");
    ask(&f, 0, XS_READ, 0, "/a");
    assert_string_equal(take_events(&f, 0), "");
    ask(&f, 0, XS_SET_PERMS, 0, "/a/b|n0|r1");
    assert_string_equal(take_events(&f, 0), "/a/b t\n");
    ask(&f, 0, XS_RM, 0, "/a/b/c");
    assert_string_equal(take_events(&f, 0), "/a/b/c t\n");

    /* An event comes before the reply to what caused it. */
    ask(&f, 0, XS_WRITE, 0, "/a|2");
    assert_string_equal(f.events[0], "/a t\n");
    take_events(&f, 0);

    ask(&f, 0, XS_WATCH, 0, "/|root");
    take_events(&f, 0);
    ask(&f, 0, XS_WRITE, 0, "/q/r|1");
    assert_string_equal(take_events(&f, 0), "/q/r root\n");
    reconnect(&f, 0);
    ask(&f, 0, XS_WRITE, 0, "/a|3");
    assert_string_equal(take_events(&f, 0), "");
    close_fixture(&f);
}

/* Watches deep in a tree that goes hear of it by their own path, if their
 * node was there. */
static void
test_removal(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/a/b/c|1");
    ask(&f, 0, XS_WATCH, 0, "/a/b/c|deep");
    ask(&f, 0, XS_WATCH, 0, "/a/b/none|none");
    ask(&f, 0, XS_WATCH, 0, "/a|top");
    take_events(&f, 0);
    ask(&f, 0, XS_RM, 0, "/a");
    assert_string_equal(take_events(&f, 0), "/a top\n/a/b/c deep\n");

    ask(&f, 0, XS_WRITE, 0, "/a/b/c|1");
    take_events(&f, 0);
    uint32_t t = begin(&f, 0);
    ask(&f, 0, XS_RM, t, "/a/b");
    ask(&f, 0, XS_WRITE, t, "/a/x|1");
    assert_string_equal(take_events(&f, 0), "");
    ask(&f, 0, XS_TRANSACTION_END, t, "T");
    assert_string_equal(take_events(&f, 0),
                        "/a/b top\n/a/b/c deep\n/a/x top\n");
    close_fixture(&f);
}

static void
test_transactions(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WATCH, 0, "/w|t");
    take_events(&f, 0);
    uint32_t t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/w/b|1");
    ask(&f, 0, XS_WRITE, t, "/w/b|2");
    ask(&f, 0, XS_READ, t, "/w/c");
    assert_string_equal(take_events(&f, 0), "");
    ask(&f, 0, XS_TRANSACTION_END, t, "T");
    assert_string_equal(take_events(&f, 0), "/w/b t\n");

    /* Who may know of a node is seen when all is done. */
    ask(&f, 1, XS_WATCH, 0, "/w|t");
    take_events(&f, 1);
    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/w/b|3");
    ask(&f, 0, XS_SET_PERMS, t, "/w|n0|r1");
    ask(&f, 0, XS_TRANSACTION_END, t, "T");
    assert_string_equal(take_events(&f, 1), "/w t\n/w/b t\n");
    take_events(&f, 0);

    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/w/b|3");
    ask(&f, 0, XS_TRANSACTION_END, t, "F");
    t = begin(&f, 0);
    ask(&f, 0, XS_WRITE, t, "/w/b|3");
    ask(&f, 0, XS_WRITE, 0, "/w/b|4");
    take_events(&f, 0);
    assert_string_equal(ask(&f, 0, XS_TRANSACTION_END, t, "T"), "!EAGAIN");
    assert_string_equal(take_events(&f, 0), "");
    close_fixture(&f);
}

static void
test_relative(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 1, XS_WATCH, 0, "device|t");
    ask(&f, 1, XS_WATCH, 0, "/local/domain/1/device|abs");
    take_events(&f, 1);
    ask(&f, 0, XS_WRITE, 0, "/local/domain/1/device/vif|1");
    assert_string_equal(take_events(&f, 1),
                        "device/vif t\n/local/domain/1/device/vif abs\n");
    assert_string_equal(ask(&f, 1, XS_UNWATCH, 0, "device|t"), "OK");
    close_fixture(&f);
}

/* A domain hears only of what it may read. */
static void
test_permissions(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 1, XS_WATCH, 0, "/|t");
    take_events(&f, 1);
    ask(&f, 0, XS_WRITE, 0, "/x|1");
    ask(&f, 2, XS_WRITE, 0, "y|1");
    assert_string_equal(take_events(&f, 1), "");
    ask(&f, 0, XS_SET_PERMS, 0, "/x|n0|r1");
    assert_string_equal(take_events(&f, 1), "/x t\n");
    ask(&f, 0, XS_WRITE, 0, "/x|2");
    assert_string_equal(take_events(&f, 1), "/x t\n");

    /* That its right to read goes is the last that it hears. */
    ask(&f, 0, XS_SET_PERMS, 0, "/x|n0");
    assert_string_equal(take_events(&f, 1), "/x t\n");
    ask(&f, 0, XS_RM, 0, "/x");
    assert_string_equal(take_events(&f, 1), "");

    /* Who may read the parent may know of the child. */
    ask(&f, 1, XS_WRITE, 0, "p|1");
    take_events(&f, 1);
    ask(&f, 0, XS_WRITE, 0, "/local/domain/1/p/q|1");
    ask(&f, 0, XS_SET_PERMS, 0, "/local/domain/1/p/q|n0");
    take_events(&f, 1);
    ask(&f, 0, XS_RM, 0, "/local/domain/1/p/q");
    assert_string_equal(take_events(&f, 1), "/local/domain/1/p/q t\n");
    close_fixture(&f);
}

static void
test_special(void **state)
{
    struct fixture f;

    open_fixture(&f);
    for (int i = 0; i < 2; i++) {
        ask(&f, i, XS_WATCH, 0, "@introduceDomain|i");
        ask(&f, i, XS_WATCH, 0, "@releaseDomain|r");
        assert_string_equal(take_events(&f, i),
                            "@introduceDomain i\n@releaseDomain r\n");
    }
    store_domain_introduce(f.store, 9);
    assert_string_equal(take_events(&f, 0), "@introduceDomain i\n");
    store_domain_remove(f.store, 9);
    assert_string_equal(take_events(&f, 0), "@releaseDomain r\n");

    /* For domain 0 alone, until it says otherwise. */
    assert_string_equal(take_events(&f, 1), "");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "@releaseDomain|r0"),
                        "!EACCES");
    assert_string_equal(ask(&f, 1, XS_GET_PERMS, 0, "@releaseDomain"),
                        "!EACCES");
    ask(&f, 0, XS_SET_PERMS, 0, "@introduceDomain|n1");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "@introduceDomain|b1"),
                        "!EACCES");
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "@releaseDomain|n0|r1"),
                        "OK");
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "@nothing|n0|r1"),
                        "!EINVAL");
    assert_string_equal(ask(&f, 0, XS_GET_PERMS, 0, "@nothing"), "!EINVAL");
    assert_string_equal(ask(&f, 1, XS_GET_PERMS, 0, "@nothing"), "!EINVAL");
    assert_string_equal(ask(&f, 0, XS_GET_PERMS, 0, "@releaseDomain"),
                        "n0|r1|");
    store_domain_remove(f.store, 2);
    assert_string_equal(take_events(&f, 1), "@releaseDomain r\n");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "@releaseDomain"), "!EINVAL");
    close_fixture(&f);
}

/* A watcher that does not read costs a bounded amount, and still learns that
 * something happened. */
static void
test_xsa_349_bounds(void **state)
{
    struct fixture f;
    char text[64];

    open_fixture(&f);
    for (int i = 0; i < 128; i++) {
        snprintf(text, sizeof text, "/w|%d", i);
        assert_string_equal(ask(&f, 1, XS_WATCH, 0, text), "OK");
    }
    assert_string_equal(ask(&f, 1, XS_WATCH, 0, "/w|more"), "!E2BIG");
    reconnect(&f, 1);

    /* The same event waits once. */
    ask(&f, 1, XS_WATCH, 0, "w|t");
    take_events(&f, 1);
    for (int i = 0; i < 1000; i++) {
        ask(&f, 0, XS_WRITE, 0, "/local/domain/1/w|x");
    }
    assert_int_equal(store_usage(f.store, STORE_EVENTS), 1);
    assert_string_equal(take_events(&f, 1), "w t\n");

    for (int i = 0; i < 900; i++) {
        snprintf(text, sizeof text, "/local/domain/1/w/%d|x", i);
        ask(&f, 0, XS_WRITE, 0, text);
    }
    assert_int_equal(store_usage(f.store, STORE_EVENTS), 257);

    /* The last event names the watch itself: look at all of it again. */
    const char *events = take_events(&f, 1);
    assert_string_equal(events + strlen(events) - 4, "\nw t\n" + 1);
    assert_int_equal(store_usage(f.store, STORE_EVENTS), 0);
    ask(&f, 0, XS_WRITE, 0, "/local/domain/1/w/z|x");
    assert_string_equal(take_events(&f, 1), "w/z t\n");
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_relative),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_special),
        cmocka_unit_test(test_xsa_349_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
