/* Counters over a switch's lives, and a switch that lies. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "openvswitch/json.h"
#include "tenants/counters.h"
#include "util.h"

static const char *
name_of(const void *aux, const char *port)
{
    return !strncmp(port, "vif", 3) ? "red-a" : NULL;
}

static bool
nobody_lives(const void *aux, const char *vif)
{
    return false;
}

static void
assert_counters(const struct counters *c, const char *expected)
{
    struct json *json = counters_to_json(c);
    char *text = json_to_string(json, JSSF_SORT);

    assert_string_equal(text, expected);
    free(text);
    json_destroy(json);
}

#define ONE(PORT, TX, DROPS) \
    "{\"vifs\":{\"" PORT "\":{\"tx_bytes\":" #TX ",\"drops\":{\"spoofed\":" \
    #DROPS "}}}}"
#define SUM(TX, DROPS) \
    "{\"red-a\":{\"drops\":{\"spoofed\":" #DROPS "},\"tx_bytes\":" #TX "}}"

static void
test_never_backwards(void **state)
{
    struct counters *c = counters_create(name_of, NULL);

    assert_true(counters_take(c, 10, ONE("vif3.0", 100, 1)));
    assert_true(counters_take(c, 10, ONE("vif3.0", 150, 2)));
    assert_counters(c, SUM(150, 2));

    /* Another process, which happens to have counted further already. */
    assert_true(counters_take(c, 11, ONE("vif3.0", 500, 0)));
    assert_counters(c, SUM(650, 2));

    /* The guest was born again: another port, same VIF. */
    assert_true(counters_take(c, 11, ONE("vif9.0", 7, 0)));
    assert_counters(c, SUM(657, 2));

    /* A port that is gone from the answer keeps its sum. */
    assert_true(counters_take(c, 11, "{\"vifs\":{}}"));
    assert_counters(c, SUM(657, 2));

    counters_prune(c, nobody_lives);
    assert_counters(c, "{}");
    counters_destroy(c);
}

static void
test_lies(void **state)
{
    static const char *const lies[] = {
        "", "{", "[]", "null", "{\"vifs\":[]}", "{\"vifs\":{\"vif3.0\":5}}",
        "{\"vifs\":{\"vif3.0\":[1]}}", "{\"other\":{}}",
    };
    struct counters *c = counters_create(name_of, NULL);

    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        counters_take(c, 1, lies[i]);
        assert_counters(c, "{}");
    }

    /* No negative counts, no text, nothing of other people's ports. */
    counters_take(c, 1, "{\"vifs\":{\"vif1.0\":{\"a\":-5,\"b\":\"x\","
                  "\"c\":1.5,\"d\":{\"e\":{\"f\":1},\"g\":2}},"
                  "\"tap0\":{\"tx_bytes\":9}}}");
    assert_counters(c, "{\"red-a\":{\"d\":{\"g\":2}}}");

    /* Sums stop at the top. */
    counters_take(c, 2, ONE("vif1.0", 9223372036854775807, 0));
    counters_take(c, 3, ONE("vif1.0", 9223372036854775807, 0));
    assert_counters(c, "{\"red-a\":{\"d\":{\"g\":2},\"drops\":{\"spoofed\":"
                    "0},\"tx_bytes\":9223372036854775807}}");
    counters_destroy(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_backwards),
        cmocka_unit_test(test_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
