#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tools/xenlocald/store_private.h"
#include "util.h"

static void
test_numbers(void **state)
{
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x",
                                       "4294967296", "99999999999", "0x1" };
    uint32_t n;

    assert_true(store_parse_number("0", &n) && n == 0);
    assert_true(store_parse_number("4294967295", &n) && n == UINT32_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(store_parse_number(bad[i], &n));
    }
}

static void
test_paths(void **state)
{
    static const char *const bad[] = { "", "/a/", "//", "/a//b", "a/", "/a b",
                                       "/a.b", "/a\xe4", "@x", "/a\n" };
    char path[STORE_PATH_BYTES], longest[STORE_PATH_BYTES + 1];

    assert_true(store_parse_path(3, "/", false, path));
    assert_string_equal(path, "/");
    assert_true(store_parse_path(3, "/a/b-c_D@9", false, path));
    assert_string_equal(path, "/a/b-c_D@9");
    assert_true(store_parse_path(3, "device/vif", false, path));
    assert_string_equal(path, "/local/domain/3/device/vif");
    assert_true(store_parse_path(3, "@releaseDomain", true, path));
    assert_string_equal(path, "@releaseDomain");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(store_parse_path(3, bad[i], false, path));
    }

    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[STORE_PATH_BYTES] = '\0';
    assert_false(store_parse_path(3, longest, false, path));
    longest[XENSTORE_REL_PATH_MAX + 1] = '\0';
    assert_false(store_parse_path(3, longest, false, path));
    longest[XENSTORE_REL_PATH_MAX] = '\0';
    assert_true(store_parse_path(3, longest, false, path));

    /* A domain's own folder does not count. */
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "/local/domain/17/", 17);
    longest[17 + XENSTORE_REL_PATH_MAX + 1] = '\0';
    assert_false(store_parse_path(3, longest, false, path));
    longest[17 + XENSTORE_REL_PATH_MAX] = '\0';
    assert_true(store_parse_path(3, longest, false, path));
    memset(longest, 'a', XENSTORE_REL_PATH_MAX + 1);
    longest[XENSTORE_REL_PATH_MAX + 1] = '\0';
    assert_false(store_parse_path(3, longest, false, path));
    longest[XENSTORE_REL_PATH_MAX] = '\0';
    assert_true(store_parse_path(3, longest, false, path));
}

static void
test_perms(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } bad[] = {
        { "", 0 }, { "n0", 2 }, { "x0", 3 }, { "n", 2 }, { "n-1", 4 },
        { "\0n0", 4 }, { "n0\0\0", 4 }, { "n1\0r2\0w3\0b4294967296", 21 },
    };
    struct ds perms = DS_EMPTY_INITIALIZER;

    assert_int_equal(store_parse_perms("n1\0r02\0w3\0b4294967295", 22,
                                       &perms), 4);
    assert_int_equal(perms.length, 22);
    assert_memory_equal(perms.string, "n1\0r2\0w3\0b4294967295\0", 22);

    assert_int_equal(store_perms_owner(perms.string), 1);
    assert_int_equal(store_perms_for(perms.string, 0),
                     STORE_READ | STORE_WRITE | STORE_OWNER);
    assert_int_equal(store_perms_for(perms.string, 1),
                     STORE_READ | STORE_WRITE | STORE_OWNER);
    assert_int_equal(store_perms_for(perms.string, 2), STORE_READ);
    assert_int_equal(store_perms_for(perms.string, 3), STORE_WRITE);
    assert_int_equal(store_perms_for(perms.string, UINT32_MAX),
                     STORE_READ | STORE_WRITE);
    assert_int_equal(store_perms_for(perms.string, 9), 0);
    ds_clear(&perms);
    assert_int_equal(store_parse_perms("b1\0n2", 6, &perms), 2);
    assert_int_equal(store_perms_for(perms.string, 2), 0);
    assert_int_equal(store_perms_for(perms.string, 9),
                     STORE_READ | STORE_WRITE);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(store_parse_perms(bad[i].text, bad[i].bytes, &perms),
                         0);
    }
    ds_destroy(&perms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_perms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
