/* What one controller leaves for the next: it comes back whole or not at
 * all. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tenants/proc.h"
#include "tenants/record.h"
#include "util.h"

static void
fill(struct record *record)
{
    record_init(record);
    record->slot = 12;
    record->cpu = 3;
    record->domid = 44;
    record->iface = xstrdup("veth-red");
    record_set_proc(record, "db", 1000, 123456789012ull);
    record_set_proc(record, "switch", 1001, 5);
    record_set_proc(record, "tcp:10.0.0.1:6653", 1002, 6);
}

static void
test_there_and_back(void **state)
{
    struct record record, copy;

    fill(&record);
    record_set_proc(&record, "switch", 2001, 7);
    record_set_proc(&record, "db", 0, 0);
    record_set_proc(&record, "never", 0, 0);

    char *text = record_format(&record);
    assert_int_equal(record_parse(text, &copy), 0);
    assert_int_equal(copy.slot, 12);
    assert_int_equal(copy.cpu, 3);
    assert_int_equal(copy.domid, 44);
    assert_string_equal(copy.iface, "veth-red");
    assert_int_equal(copy.n_procs, 2);

    char *again = record_format(&copy);
    assert_string_equal(text, again);
    free(again);
    free(text);
    record_finish(&record);
    record_finish(&copy);
}

static void
test_torn_anywhere(void **state)
{
    struct record record;

    fill(&record);
    char *text = record_format(&record);
    record_finish(&record);

    for (size_t i = strlen(text) - 1; i-- > 0; ) {
        text[i] = '\0';
        assert_int_equal(record_parse(text, &record), -EINVAL);
        assert_int_equal(record.n_procs, 0);
        record_finish(&record);
    }
    free(text);
}

static void
test_nonsense(void **state)
{
    static const char *const texts[] = {
        "", "\n", "end", "slot x\nend\n", "slot -1\nend\n",
        "slot 99999999999\nend\n", "proc 0 5 db\nend\n", "proc 5 5\nend\n",
        "proc -4 5 db\nend\n", "iface ../../x\nend\n",
        "iface 0123456789abcdef\nend\n", "domid 70000\nend\n",
        "what is this\nend\n", "slot\nend\n", "cpu 10000\nend\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct record record;
        int error = record_parse(texts[i], &record);

        /* An empty record is one; all else is damage. */
        assert_int_equal(error, strcmp(texts[i], "end") ? -EINVAL : 0);
        record_finish(&record);
    }
}

static void
test_files(void **state)
{
    char path[] = "/tmp/netdom-test-record-XXXXXX";
    int fd = mkstemp(path);
    struct record record, copy;

    assert_true(fd >= 0);
    close(fd);
    fill(&record);
    assert_int_equal(record_save(path, &record), 0);
    assert_int_equal(record_load(path, &copy), 0);
    assert_int_equal(copy.n_procs, 3);
    record_finish(&copy);
    record_finish(&record);
    unlink(path);
    assert_int_equal(record_load(path, &copy), -ENOENT);
    record_finish(&copy);
}

/* A pid alone proves nothing. */
static void
test_adoption(void **state)
{
    uint64_t ticks = proc_start_ticks(getpid());
    struct proc proc;

    assert_true(ticks);
    proc_init(&proc);
    assert_false(proc_adopt(&proc, getpid(), ticks + 1, 0));
    assert_int_equal(proc_state(&proc, 0), PROC_NONE);
    assert_true(proc_adopt(&proc, getpid(), ticks, 0));
    assert_int_equal(proc_state(&proc, 0), PROC_RUNNING);
    proc_finish(&proc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_torn_anywhere),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_adoption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
