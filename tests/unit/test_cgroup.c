/* Where control groups are, on machines of several kinds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tenants/cgroup.h"

#define V1_CPU "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
#define V1_CPU_BOTH \
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - " \
    "cgroup cgroup rw,cpu,cpuacct\n"
#define V1_CPUACCT "33 31 0:30 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct\n"
#define V1_MEMORY "35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n"
#define V1_PIDS "39 31 0:36 / /cg/pids rw - cgroup cgroup rw,pids\n"
#define V2 "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n"
#define OTHER "1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"

static void
check(const char *mountinfo, const char *v2_controllers,
      const char *expected[CGROUP_N], bool v2)
{
    struct cgroups cgroups;

    cgroups_find(&cgroups, mountinfo, v2_controllers, "/run/netdom");
    for (int i = 0; i < CGROUP_N; i++) {
        if (expected[i]) {
            assert_non_null(cgroups.root[i]);
            assert_string_equal(cgroups.root[i], expected[i]);
            assert_int_equal(cgroups.v2[i], v2);
        } else {
            assert_null(cgroups.root[i]);
        }
    }
    cgroups_finish(&cgroups);
}

static void
test_version_2(void **state)
{
    const char *all[] = {
        "/sys/fs/cgroup", "/sys/fs/cgroup", "/sys/fs/cgroup",
    };
    const char *some[] = { NULL, "/sys/fs/cgroup", "/sys/fs/cgroup" };
    const char *none[] = { NULL, NULL, NULL };

    check(OTHER V2, "cpuset cpu io memory hugetlb pids rdma misc\n", all,
          true);
    check(OTHER V2, "cpuset memory pids\n", some, true);
    check(OTHER V2, "hugetlb\n", none, true);
    check(OTHER V2, NULL, none, true);
}

static void
test_version_1(void **state)
{
    const char *all[] = { "/sys/fs/cgroup/cpu", "/cg/memory", "/cg/pids" };
    const char *both[] = {
        "/sys/fs/cgroup/cpu,cpuacct", "/cg/memory", NULL,
    };
    const char *none[] = { NULL, NULL, NULL };

    check(OTHER V1_CPU V1_CPUACCT V1_MEMORY V1_PIDS V2, "hugetlb\n", all,
          false);
    check(V1_CPU_BOTH V1_MEMORY, NULL, both, false);
    check(V1_CPUACCT, NULL, none, false);
}

static void
test_damaged_text(void **state)
{
    const char *none[] = { NULL, NULL, NULL };

    check("", NULL, none, false);
    check("\n\n - \n - cgroup\n - cgroup cgroup\n - cgroup cgroup cpu\n"
          "1 2 3 - cgroup cgroup rw,cpu\n", NULL, none, false);
}

static void
test_group_names(void **state)
{
    struct cgroups cgroups;

    cgroups_find(&cgroups, "", NULL, "/run/netdom");
    assert_string_equal(cgroups.group, "netdom");
    cgroups_finish(&cgroups);
    cgroups_find(&cgroups, "", NULL, "/run/lab/7/run");
    assert_string_equal(cgroups.group, "netdom-run-lab-7-run");
    cgroups_finish(&cgroups);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_damaged_text),
        cmocka_unit_test(test_group_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
