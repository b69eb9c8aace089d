#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "tools/xenlocald/store_wire.h"

static void
test_parse(void **state)
{
    struct {
        struct xsd_sockmsg header;
        char payload[STORE_PAYLOAD_BYTES];
    } message = { { XS_READ, 5, 6, 3 }, "/a" };
    struct store_request request;

    for (size_t n = 0; n < sizeof message.header + 3; n++) {
        assert_int_equal(store_wire_parse(&message, n, &request), 0);
    }
    assert_int_equal(store_wire_parse(&message, sizeof message, &request),
                     sizeof message.header + 3);
    assert_int_equal(request.type, XS_READ);
    assert_int_equal(request.req_id, 5);
    assert_int_equal(request.tx_id, 6);
    assert_int_equal(request.payload_bytes, 3);
    assert_string_equal(request.payload, "/a");

    message.header.len = STORE_PAYLOAD_BYTES;
    assert_int_equal(store_wire_parse(&message, sizeof message, &request),
                     sizeof message);
    message.header.len++;
    assert_int_equal(store_wire_parse(&message, sizeof message, &request),
                     -EPROTO);
    message.header.len = UINT32_MAX;
    assert_int_equal(store_wire_parse(&message, sizeof message.header,
                                      &request), -EPROTO);
}

static void
test_strings(void **state)
{
    struct store_request request = {
        .payload = "a\0bc\0",
        .payload_bytes = 5,
    };
    const char *s[3], *rest;
    size_t rest_bytes;

    assert_true(store_wire_strings(&request, s, 2));
    assert_string_equal(s[0], "a");
    assert_string_equal(s[1], "bc");
    assert_false(store_wire_strings(&request, s, 1));
    assert_false(store_wire_strings(&request, s, 3));

    request.payload_bytes = 4;          /* The last null is missing. */
    assert_false(store_wire_strings(&request, s, 2));
    assert_true(store_wire_head(&request, s, &rest, &rest_bytes));
    assert_int_equal(rest_bytes, 2);
    assert_memory_equal(rest, "bc", 2);

    request.payload_bytes = 1;
    assert_false(store_wire_head(&request, s, &rest, &rest_bytes));
    request.payload_bytes = 0;
    assert_false(store_wire_head(&request, s, &rest, &rest_bytes));
    assert_false(store_wire_strings(&request, s, 1));
}

static void
test_numbers(void **state)
{
    static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x",
                                       "4294967296", "99999999999", "0x1" };
    uint32_t n;

    assert_true(store_wire_number("0", &n) && n == 0);
    assert_true(store_wire_number("4294967295", &n) && n == UINT32_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(store_wire_number(bad[i], &n));
    }
}

static void
test_paths(void **state)
{
    static const char *const bad[] = { "", "/a/", "//", "/a//b", "a/", "/a b",
                                       "/a.b", "/a\xe4", "@x", "/a\n" };
    char path[STORE_PATH_BYTES], longest[STORE_PATH_BYTES + 1];

    assert_int_equal(store_path_resolve(3, "/", false, path), 0);
    assert_string_equal(path, "/");
    assert_int_equal(store_path_resolve(3, "/a/b-c_D@9", false, path), 0);
    assert_string_equal(path, "/a/b-c_D@9");
    assert_int_equal(store_path_resolve(3, "device/vif", false, path), 0);
    assert_string_equal(path, "/local/domain/3/device/vif");
    assert_int_equal(store_path_resolve(3, "@releaseDomain", true, path), 0);
    assert_string_equal(path, "@releaseDomain");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(store_path_resolve(3, bad[i], false, path), -EINVAL);
    }

    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[STORE_PATH_BYTES] = '\0';
    assert_int_equal(store_path_resolve(3, longest, false, path), -EINVAL);
    longest[STORE_PATH_BYTES - 1] = '\0';
    assert_int_equal(store_path_resolve(3, longest, false, path), 0);
    memset(longest, 'a', XENSTORE_REL_PATH_MAX + 1);
    longest[XENSTORE_REL_PATH_MAX + 1] = '\0';
    assert_int_equal(store_path_resolve(3, longest, false, path), -EINVAL);
    longest[XENSTORE_REL_PATH_MAX] = '\0';
    assert_int_equal(store_path_resolve(3, longest, false, path), 0);

    assert_true(store_path_is_below("/a/b", "/a"));
    assert_true(store_path_is_below("/a/b/c", "/a"));
    assert_true(store_path_is_below("/a", "/"));
    assert_false(store_path_is_below("/", "/"));
    assert_false(store_path_is_below("/a", "/a"));
    assert_false(store_path_is_below("/ab", "/a"));
}

static void
test_perms(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
        int error;
    } bad[] = {
        { "", 0, EINVAL }, { "n0", 2, EINVAL }, { "x0", 3, EINVAL },
        { "n", 2, EINVAL }, { "n-1", 4, EINVAL }, { "\0n0", 4, EINVAL },
        { "n0\0\0", 4, EINVAL },
    };
    char many[(STORE_PERMS_MAX + 1) * 3], text[STORE_PERMS_TEXT_BYTES];
    struct store_perms perms;

    assert_int_equal(store_perms_parse("n1\0r2\0w3\0b4294967295", 21, &perms),
                     0);
    assert_int_equal(perms.n, 4);
    assert_int_equal(store_perms_format(&perms, text), 21);
    assert_memory_equal(text, "n1\0r2\0w3\0b4294967295", 21);

    assert_int_equal(store_perms_for(&perms, 0),
                     STORE_READ | STORE_WRITE | STORE_OWNER);
    assert_int_equal(store_perms_for(&perms, 1),
                     STORE_READ | STORE_WRITE | STORE_OWNER);
    assert_int_equal(store_perms_for(&perms, 2), STORE_READ);
    assert_int_equal(store_perms_for(&perms, 3), STORE_WRITE);
    assert_int_equal(store_perms_for(&perms, 9), STORE_NONE);
    assert_int_equal(store_perms_parse("b1\0n2", 6, &perms), 0);
    assert_int_equal(store_perms_for(&perms, 2), STORE_NONE);
    assert_int_equal(store_perms_for(&perms, 9), STORE_READ | STORE_WRITE);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(store_perms_parse(bad[i].text, bad[i].bytes, &perms),
                         -bad[i].error);
    }
    for (size_t i = 0; i <= STORE_PERMS_MAX; i++) {
        memcpy(many + 3 * i, "n1", 3);
    }
    assert_int_equal(store_perms_parse(many, sizeof many - 3, &perms), 0);
    assert_int_equal(store_perms_parse(many, sizeof many, &perms), -ENOSPC);
}

static void
test_errors(void **state)
{
    assert_string_equal(store_wire_error(ENOENT), "ENOENT");
    assert_string_equal(store_wire_error(E2BIG), "E2BIG");
    assert_string_equal(store_wire_error(ENOTTY), "EINVAL");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_perms),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
