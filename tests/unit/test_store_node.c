/* Requests on nodes outside transactions: values, permissions, quotas. */

#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <string.h>

static void
test_nodes(void **state)
{
    struct fixture f;

    open_fixture(&f);
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/x"), "!ENOENT");
    assert_string_equal(ask(&f, 0, XS_WRITE, 0, "/x/y/z|v"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/x/y/z"), "v");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/x/y"), "");
    assert_string_equal(ask(&f, 0, XS_WRITE, 0, "/x/y|"), "OK");
    assert_string_equal(ask(&f, 0, XS_MKDIR, 0, "/x/a"), "OK");
    assert_string_equal(ask(&f, 0, XS_MKDIR, 0, "/x/y/z"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/x/y/z"), "v");
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, 0, "/x"), "a|y|");
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, 0, "/x/a"), "");
    assert_string_equal(ask_bytes(&f, 0, XS_WRITE, 0, "/b\0\0\1\xff", 6),
                        "OK");
    ask(&f, 0, XS_READ, 0, "/b");
    assert_int_equal(f.reply_bytes, 3);
    assert_memory_equal(f.reply, "|\1\xff", 3);

    /* Gone already is fine where the parent is there. */
    assert_string_equal(ask(&f, 0, XS_RM, 0, "/x/nothing"), "OK");
    assert_string_equal(ask(&f, 0, XS_RM, 0, "/x/nothing/below"), "!ENOENT");
    assert_string_equal(ask(&f, 0, XS_RM, 0, "/"), "!EINVAL");
    assert_string_equal(ask(&f, 0, XS_RM, 0, "/x"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/x/y/z"), "!ENOENT");

    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "data/k|7"), "OK");
    assert_string_equal(ask(&f, 0, XS_READ, 0, "/local/domain/1/data/k"),
                        "7");
    close_fixture(&f);
}

static void
test_bad_requests(void **state)
{
    static const uint32_t types[] = {
        XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WATCH, XS_UNWATCH,
        XS_TRANSACTION_END, XS_GET_DOMAIN_PATH,
        XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS, XS_IS_DOMAIN_INTRODUCED,
        XS_DIRECTORY_PART,
    };
    struct fixture f;

    open_fixture(&f);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_string_equal(ask_bytes(&f, 0, types[i], 0, "", 0), "!EINVAL");
        assert_string_equal(ask_bytes(&f, 0, types[i], 0, "/a", 2),
                            "!EINVAL");
        assert_string_equal(ask_bytes(&f, 0, types[i], 0, "//\0/", 4),
                            "!EINVAL");
    }
    assert_string_equal(ask(&f, 0, XS_READ, 99, "/"), "!ENOENT");
    assert_string_equal(ask(&f, 0, XS_RESUME, 0, "1"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, XS_SET_TARGET, 0, "1|2"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, XS_WATCH_EVENT, 0, "a"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, XS_TYPE_COUNT, 0, "a"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, UINT32_MAX, 0, "a"), "!ENOSYS");
    close_fixture(&f);
}

static void
test_permissions(void **state)
{
    struct fixture f;

    open_fixture(&f);
    ask(&f, 0, XS_WRITE, 0, "/secret|s");
    ask(&f, 1, XS_WRITE, 0, "a|1");

    /* What is another's is neither seen nor changed. */
    assert_string_equal(ask(&f, 1, XS_READ, 0, "/secret"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "/secret|x"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_RM, 0, "/secret"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_MKDIR, 0, "/new"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_READ, 0, "/nothing"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_DIRECTORY, 0, "/"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_GET_PERMS, 0, "/secret"), "!EACCES");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "/secret|n1"), "!EACCES");
    assert_string_equal(ask(&f, 2, XS_READ, 0, "/local/domain/1/a"),
                        "!EACCES");

    /* Shared read-only, then for writing; children inherit both. */
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "a|n1|r2"), "OK");
    assert_string_equal(ask(&f, 1, XS_GET_PERMS, 0, "a"), "n1|r2|");
    assert_string_equal(ask(&f, 2, XS_READ, 0, "/local/domain/1/a"), "1");
    assert_string_equal(ask(&f, 2, XS_READ, 0, "/local/domain/1/a/b"),
                        "!ENOENT");
    assert_string_equal(ask(&f, 2, XS_WRITE, 0, "/local/domain/1/a|2"),
                        "!EACCES");
    assert_string_equal(ask(&f, 2, XS_SET_PERMS, 0, "/local/domain/1/a|b2"),
                        "!EACCES");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "a|n1|b2"), "OK");
    assert_string_equal(ask(&f, 2, XS_WRITE, 0, "/local/domain/1/a/b/c|2"),
                        "OK");
    assert_string_equal(ask(&f, 0, XS_GET_PERMS, 0, "/local/domain/1/a/b/c"),
                        "n2|b2|");
    assert_string_equal(ask(&f, 0, XS_WRITE, 0, "/local/domain/1/a/d|0"),
                        "OK");
    assert_string_equal(ask(&f, 0, XS_GET_PERMS, 0, "/local/domain/1/a/d"),
                        "n1|b2|");

    /* The owner has to be there; others may be to come. */
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "/secret|n77"),
                        "!ENOENT");
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "/secret|n0|r77"), "OK");
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "/secret|n0"), "OK");

    /* Only domain 0 gives nodes away. */
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "a|n2"), "!EPERM");
    assert_string_equal(ask(&f, 0, XS_SET_PERMS, 0, "/secret|n1"), "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "/secret|mine"), "OK");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0,
                            "a|n1|r2|r3|r4|r5|r6"), "!ENOSPC");

    /* So many are too many wherever, and whatever they are. */
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0,
                            "nowhere|n1|r2|r3|r4|r5|r6"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0,
                            "/secret|n0|r2|r3|r4|r5|x"), "!ENOSPC");
    close_fixture(&f);
}

static void
test_node_quota(void **state)
{
    struct fixture f;
    char text[64];
    int made = 2;                       /* Its folder counts. */

    open_fixture(&f);
    assert_string_equal(ask(&f, 1, XS_MKDIR, 0, "n"), "OK");
    for (int i = 0; i < 10; i++, made++) {
        snprintf(text, sizeof text, "n/%c", 'a' + i);
        assert_string_equal(ask(&f, 1, XS_MKDIR, 0, text), "OK");
    }
    for (; made < 1000; made++) {
        snprintf(text, sizeof text, "n/%c/%d|v", 'a' + made % 10, made);
        assert_string_equal(ask(&f, 1, XS_WRITE, 0, text), "OK");
    }
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "n/more|v"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "n/a/500|other"), "OK");
    assert_string_equal(ask(&f, 2, XS_WRITE, 0, "fine|v"), "OK");
    assert_string_equal(ask(&f, 0, XS_WRITE, 0, "/fine|v"), "OK");

    assert_string_equal(ask(&f, 1, XS_RM, 0, "n/a/500"), "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "n/x/b|v"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_READ, 0, "n/x"), "!ENOENT");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "n/more|v"), "OK");
    assert_string_equal(ask(&f, 1, XS_RM, 0, "n"), "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "n/a/b|v"), "OK");
    close_fixture(&f);
}

/* A node is what xenstored keeps of it: 24 bytes, 8 for each permission, the
 * value, the children's names.  From 2048 on it is too large. */
static void
test_node_size(void **state)
{
    struct fixture f;
    char value[2100], text[80];

    open_fixture(&f);
    memset(value, 'v', sizeof value);
    memcpy(value, "v", 2);
    assert_string_equal(ask_bytes(&f, 1, XS_WRITE, 0, value, 2 + 2047 - 32),
                        "OK");
    assert_string_equal(ask_bytes(&f, 1, XS_WRITE, 0, value, 2 + 2048 - 32),
                        "!ENOSPC");

    /* There is no room for a child, nor for another permission. */
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "v/a|"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_SET_PERMS, 0, "v|n1|r2"), "!ENOSPC");
    assert_string_equal(ask_bytes(&f, 1, XS_WRITE, 0, value, 2 + 2045 - 32),
                        "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "v/a|"), "OK");
    assert_string_equal(ask(&f, 1, XS_WRITE, 0, "v/b|"), "!ENOSPC");
    assert_string_equal(ask(&f, 1, XS_READ, 0, "v/b"), "!ENOENT");

    /* 32 and 39 times 51 bytes are less than 2048, and once more is not. */
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "n/%050d|", i);
        ask(&f, 1, XS_WRITE, 0, text);
    }
    snprintf(text, sizeof text, "n/%050d", 38);
    assert_string_equal(ask(&f, 1, XS_READ, 0, text), "");
    snprintf(text, sizeof text, "n/%050d", 39);
    assert_string_equal(ask(&f, 1, XS_READ, 0, text), "!ENOENT");
    close_fixture(&f);
}

/* A directory too large for one reply, as libxenstore reads it. */
static void
test_directory_part(void **state)
{
    struct fixture f;
    char text[64];
    size_t offset = 0, seen = 0;

    open_fixture(&f);
    for (int i = 0; i < 999; i++) {
        snprintf(text, sizeof text, "/dir/entry-%03d|", i);
        ask(&f, 0, XS_WRITE, 0, text);
    }
    assert_string_equal(ask(&f, 0, XS_DIRECTORY, 0, "/dir"), "!E2BIG");

    char first[32] = "";
    for (bool end = false; !end;) {
        snprintf(text, sizeof text, "/dir|%zu", offset);
        ask(&f, 0, XS_DIRECTORY_PART, 0, text);
        assert_true(f.reply_bytes <= XENSTORE_PAYLOAD_MAX);

        const char *p = strchr(f.reply, '|') + 1;
        if (!*first) {
            memcpy(first, f.reply, p - f.reply);
        }
        assert_memory_equal(first, f.reply, p - f.reply);
        const char *limit = f.reply + f.reply_bytes;
        while (p < limit) {
            if (*p == '|') {
                end = true;
                break;
            }
            snprintf(text, sizeof text, "entry-%03zu|", seen++);
            assert_memory_equal(p, text, strlen(text));
            p += strlen(text);
            offset += strlen(text);
        }
    }
    assert_int_equal(seen, 999);
    assert_string_equal(ask(&f, 0, XS_DIRECTORY_PART, 0, "/dir|x"),
                        "!EINVAL");
    assert_non_null(strstr(ask(&f, 0, XS_DIRECTORY_PART, 0, "/dir|999999"),
                           "||"));
    close_fixture(&f);
}

static void
test_domains(void **state)
{
    struct fixture f;

    open_fixture(&f);
    assert_string_equal(ask(&f, 1, XS_GET_DOMAIN_PATH, 0, "77"),
                        "/local/domain/77|");
    assert_string_equal(ask(&f, 1, XS_IS_DOMAIN_INTRODUCED, 0, "2"), "T|");
    assert_string_equal(ask(&f, 1, XS_IS_DOMAIN_INTRODUCED, 0, "3"), "F|");

    /* Domains are not the store's to make and end. */
    assert_string_equal(ask(&f, 0, XS_INTRODUCE, 0, "3|1|1"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, XS_RELEASE, 0, "2"), "!ENOSYS");
    assert_string_equal(ask(&f, 0, XS_CONTROL, 0, "help"), "!ENOSYS");

    store_domain_remove(f.store, 2);
    assert_false(store_conn_process(f.conn[2], 0, 1));
    assert_null(store_conn_create(f.store, 2, NULL));
    assert_null(store_conn_create(f.store, 3, NULL));
    assert_string_equal(ask(&f, 1, XS_IS_DOMAIN_INTRODUCED, 0, "2"), "F|");
    close_fixture(&f);
}

static void
test_connections(void **state)
{
    struct fixture f;
    struct store_conn *conns[16];
    uint8_t *p;
    size_t room;

    open_fixture(&f);
    for (int i = 0; i < 15; i++) {
        conns[i] = store_conn_create(f.store, 1, NULL);
        assert_non_null(conns[i]);
    }
    assert_null(store_conn_create(f.store, 1, NULL));
    store_conn_destroy(conns[0]);
    conns[0] = store_conn_create(f.store, 1, NULL);
    assert_non_null(conns[0]);

    /* A request that is too long ends its connection, and no other. */
    struct xsd_sockmsg header = { XS_READ, 0, 0, XENSTORE_PAYLOAD_MAX + 1 };
    p = store_conn_space(conns[0], &room);
    memcpy(p, &header, sizeof header);
    assert_false(store_conn_process(conns[0], sizeof header, 1));
    assert_true(store_conn_process(conns[1], 0, 1));

    /* Who leaves replies unread is not served on. */
    header = (struct xsd_sockmsg) { XS_READ, 0, 0, 0 };
    for (int i = 0; i < 64; i++) {
        p = store_conn_space(conns[1], &room);
        memcpy(p, &header, sizeof header);
        store_conn_process(conns[1], sizeof header, 0);
    }
    store_conn_process(conns[1], 0, 1000);
    assert_false(store_conn_is_open(conns[1]));
    for (int i = 0; i < 64; i++) {
        assert_non_null(store_conn_output(conns[1], &room));
        store_conn_taken(conns[1], room);
        store_conn_process(conns[1], 0, 1000);
    }
    assert_true(store_conn_is_open(conns[1]));
    assert_null(store_conn_output(conns[1], &room));

    for (int i = 0; i < 15; i++) {
        store_conn_destroy(conns[i]);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_node_quota),
        cmocka_unit_test(test_node_size),
        cmocka_unit_test(test_directory_part),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
