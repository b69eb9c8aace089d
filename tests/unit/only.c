/* Lets whoever runs a test program name the one test that it shall run, in
 * NETDOM_TEST: '*' and '?' stand for any letters and any letter. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static void choose_tests(void) __attribute__((constructor));

static void
choose_tests(void)
{
    const char *name = getenv("NETDOM_TEST");

    if (name) {
        cmocka_set_test_filter(name);
    }
}
