/* Memory runs out, at each place where some is asked for: the call fails,
 * nothing is left behind, and the next one works. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "datapath/vif_grefs.h"
#include "tests/unit/ctrl_fixture.h"

/* The linker leads these calls here: --wrap. */
static int calls_left = -1;             /* Then one fails; below 0: none. */

static bool
fails_now(void)
{
    return calls_left >= 0 && !calls_left--;
}

#define WRAP(TYPE, NAME, FAILURE, PARAMETERS, ARGUMENTS)                    \
    TYPE __real_##NAME PARAMETERS;                                          \
    TYPE __wrap_##NAME PARAMETERS;                                          \
    TYPE                                                                    \
    __wrap_##NAME PARAMETERS                                                \
    {                                                                       \
        if (fails_now()) {                                                  \
            errno = ENOMEM;                                                 \
            return FAILURE;                                                 \
        }                                                                   \
        return __real_##NAME ARGUMENTS;                                     \
    }

WRAP(void *, calloc, NULL, (size_t n, size_t size), (n, size))
WRAP(void *, aligned_alloc, NULL, (size_t to, size_t size), (to, size))
WRAP(ssize_t, getrandom, -1, (void *p, size_t n, unsigned int flags),
     (p, n, flags))
WRAP(int, memfd_create, -1, (const char *name, unsigned int flags),
     (name, flags))
WRAP(int, ftruncate64, -1, (int fd, int64_t bytes), (fd, bytes))
WRAP(void *, mmap64, MAP_FAILED,
     (void *at, size_t bytes, int prot, int flags, int fd, int64_t offset),
     (at, bytes, prot, flags, fd, offset))

static void
test_grefs(void **state)
{
    calls_left = 0;
    assert_null(vif_grefs_copy(NULL));

    /* No randomness, and it works all the same. */
    calls_left = 1;
    struct vif_grefs *grefs = vif_grefs_copy(NULL);
    assert_int_equal(calls_left, -1);
    assert_non_null(grefs);
    assert_true(grefs->secret & 1);
    vif_grefs_destroy(grefs);
}

static void
test_journal(void **state)
{
    struct vif_frontend frontend = { .n_queues = 1 };
    int first_fd = dup(0);

    close(first_fd);
    for (int i = 0; i < 3; i++) {
        struct vif_journal *journal;
        int fd;

        calls_left = i;
        assert_int_equal(vif_journal_create("x", 0, &frontend, &fd, &journal),
                         -ENOMEM);
        assert_int_equal(calls_left, -1);
        assert_null(journal);
        assert_int_equal(fd, -1);
        fd = dup(0);
        assert_int_equal(fd, first_fd);         /* None stayed open. */
        close(fd);
    }
}

static void
test_open(void **state)
{
    struct ctrl_fixture f;
    struct vif_conn *conn;

    open_ctrl(&f, 2, 0);
    unsigned int n_mapped = f.fake->n_mapped, n_bound = f.fake->n_bound;
    struct vif_ctrl *open = f.ctrl;
    calls_left = 0;
    assert_int_equal(connect_ctrl(&f), -ENOMEM);
    assert_null(f.ctrl);
    calls_left = 0;
    assert_int_equal(vif_conn_open(&xen_ops_fake, xen_fake_platform(f.fake),
                                   f.journal, 0, &conn), -ENOMEM);
    assert_null(conn);
    assert_int_equal(f.fake->n_mapped, n_mapped);
    assert_int_equal(f.fake->n_bound, n_bound);
    f.ctrl = open;
    close_ctrl(&f);
}

static void
test_mapped_pages(void **state)
{
    enum { ADD = XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING,
           DEL = XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING,
           INVALID = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER };
    struct ctrl_fixture f;
    uint32_t frame, n;

    open_ctrl(&f, 1, 0);
    unsigned int n_mapped = f.fake->n_mapped;
    fake_guest_page(f.guest, &frame);
    struct xen_netif_gref gref = {
        .ref = fake_guest_grant(f.guest, frame, false),
    };
    memcpy(f.table, &gref, sizeof gref);

    calls_left = 0;
    assert_int_equal(ask(&f, ADD, 0, f.table_gref, 1, NULL), INVALID);
    assert_int_equal(f.fake->n_mapped, n_mapped);
    assert_int_equal(ask(&f, ADD, 0, f.table_gref, 1, NULL), 0);
    const struct vif_grefs *grefs = vif_conn_grefs(f.queues[0]);

    for (int i = 0; i < 3; i++) {
        calls_left = i;
        assert_int_equal(ask(&f, DEL, 0, f.table_gref, 1, NULL), INVALID);
        assert_int_equal(calls_left, -1);
        assert_int_equal(f.fake->n_mapped, n_mapped + 1);
        assert_ptr_equal(vif_conn_grefs(f.queues[0]), grefs);
        assert_int_equal(grefs->n, 1);
    }
    assert_int_equal(ask(&f, DEL, 0, f.table_gref, 1, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.fake->n_mapped, n_mapped);
    close_ctrl(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grefs),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_mapped_pages),
    };

    return cmocka_run_group_tests_name("vif_no_memory", tests, NULL, NULL);
}
