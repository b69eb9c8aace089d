#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "datapath/xen_ops.h"
#include "tests/fakes/fake_broker.h"

#define OPS (&xen_ops_local)
#define OWN FAKE_BROKER_OWN_DOMID
#define GUEST FAKE_BROKER_GUEST_DOMID
#define N_PAGES 16u
#define RING_FRAME 2u
#define RING_GREF 8u

struct fixture {
    struct fake_broker *broker;
    struct fake_memory memory;
    struct xen_platform *platform;
    uint8_t local[4 * XEN_PAGE_BYTES];
    struct xen_region region;
    void *ring;                         /* Keeps the guest in reach. */
};

static void
grant(struct fake_memory *memory, uint32_t gref, uint16_t flags,
      uint16_t domid, uint32_t frame)
{
    memory->grants[gref] = (struct grant_entry_v1) { flags, domid, frame };
}

static uint8_t *
page(const struct fake_memory *memory, uint32_t frame)
{
    return memory->base + frame * XEN_PAGE_BYTES;
}

static int
map_ring(struct fixture *f)
{
    uint32_t gref = RING_GREF;

    return OPS->grant_map(f->platform, GUEST, &gref, 1, true, &f->ring);
}

static void
unmap_ring(struct fixture *f)
{
    uint32_t gref = RING_GREF;

    OPS->grant_unmap(f->platform, GUEST, f->ring, &gref, 1, true);
}

static void
init_memory(struct fake_memory *memory)
{
    fake_memory_init(memory, N_PAGES * XEN_PAGE_BYTES, 1,
                     F_SEAL_SHRINK | F_SEAL_GROW);
    grant(memory, RING_GREF, GTF_permit_access, OWN, RING_FRAME);
}

static void
open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->region = (struct xen_region) { f->local, sizeof f->local };
    f->broker = fake_broker_create();
    init_memory(&f->memory);
    fake_broker_set_memory(f->broker, &f->memory);
    assert_int_equal(OPS->open(OWN, fake_broker_dir(f->broker),
                               &f->platform), 0);
}

static void
close_fixture(struct fixture *f)
{
    OPS->close(f->platform);
    fake_broker_destroy(f->broker);
    fake_memory_finish(&f->memory);
}

static struct xen_copy_seg
seg(struct fixture *f, uint32_t gref, uint16_t offset, uint16_t bytes,
    uint8_t dir)
{
    return (struct xen_copy_seg) {
        .region = &f->region, .local_offset = 100, .gref = gref,
        .domid = GUEST, .foreign_offset = offset, .bytes = bytes, .dir = dir,
        .status = 77,
    };
}

static int
copy_one(struct fixture *f, uint32_t gref, uint16_t offset, uint16_t bytes,
         uint8_t dir)
{
    struct xen_copy_seg s = seg(f, gref, offset, bytes, dir);

    OPS->grant_copy(f->platform, &s, 1);
    return s.status;
}

static void
test_open(void **state)
{
    struct fixture f;
    struct xen_platform *platform;

    open_fixture(&f);
    assert_int_equal(OPS->open(OWN, "/nowhere", &platform), -ENOENT);
    assert_null(platform);
    assert_int_equal(OPS->open(0x7ff0, "/nowhere", &platform), -EINVAL);
    OPS->close(NULL);
    close_fixture(&f);
}

static void
test_map(void **state)
{
    struct fixture f;
    struct xen_ops_counts counts;
    uint32_t grefs[3] = { 20, 21, 22 };
    uint8_t *pages;

    open_fixture(&f);
    for (int i = 0; i < 3; i++) {
        grant(&f.memory, grefs[i], GTF_permit_access, OWN, 9 - 2 * i);
        memset(page(&f.memory, 9 - 2 * i), 0x30 + i, XEN_PAGE_BYTES);
    }

    assert_int_equal(OPS->grant_map(f.platform, GUEST, grefs, 3, true,
                                    (void **) &pages), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pages[i * XEN_PAGE_BYTES], 0x30 + i);
        assert_int_equal(pages[(i + 1) * XEN_PAGE_BYTES - 1], 0x30 + i);
        assert_int_equal(f.memory.grants[grefs[i]].flags,
                         GTF_permit_access | GTF_reading | GTF_writing);
    }
    pages[0] = 0x99;
    assert_int_equal(page(&f.memory, 9)[0], 0x99);
    OPS->grant_unmap(f.platform, GUEST, pages, grefs, 3, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f.memory.grants[grefs[i]].flags, GTF_permit_access);
    }

    OPS->counts(f.platform, &counts);
    assert_int_equal(counts.maps, 1);
    assert_int_equal(counts.unmaps, 1);
    close_fixture(&f);
}

/* All or nothing, and nothing stays held. */
static void
test_map_refusals(void **state)
{
    static const struct {
        uint16_t flags, domid;
        uint32_t frame;
        int error;
    } cases[] = {
        { GTF_invalid, OWN, 5, -EINVAL },
        { GTF_accept_transfer, OWN, 5, -EINVAL },
        { GTF_transitive, OWN, 5, -EINVAL },
        { GTF_permit_access | GTF_sub_page, OWN, 5, -EINVAL },
        { GTF_permit_access, OWN + 1, 5, -EACCES },
        { GTF_permit_access | GTF_readonly, OWN, 5, -EACCES },
        { GTF_permit_access, OWN, N_PAGES, -EINVAL },
        { GTF_permit_access, OWN, UINT32_MAX, -EINVAL },
    };
    struct fixture f;
    void *pages;

    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t grefs[2] = { 20, 21 };

        grant(&f.memory, 20, GTF_permit_access, OWN, 4);
        grant(&f.memory, 21, cases[i].flags, cases[i].domid, cases[i].frame);
        assert_int_equal(OPS->grant_map(f.platform, GUEST, grefs, 2, true,
                                        &pages), cases[i].error);
        assert_int_equal(f.memory.grants[20].flags, GTF_permit_access);
        assert_int_equal(f.memory.grants[21].flags, cases[i].flags);
    }

    uint32_t gref = 512;                /* One page of table: 0 to 511. */
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1, true,
                                    &pages), -EINVAL);
    gref = UINT32_MAX;
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1, true,
                                    &pages), -EINVAL);
    gref = RING_GREF;
    assert_int_equal(OPS->grant_map(f.platform, GUEST + 1, &gref, 1, true,
                                    &pages), -ENOENT);
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 0, true,
                                    &pages), -EINVAL);
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1u << 31, true,
                                    &pages), -EINVAL);

    /* Read-only is enough for reading. */
    grant(&f.memory, 21, GTF_permit_access | GTF_readonly, OWN, 5);
    gref = 21;
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1, false,
                                    &pages), 0);
    OPS->grant_unmap(f.platform, GUEST, pages, &gref, 1, false);
    close_fixture(&f);
}

static void
test_copy(void **state)
{
    struct fixture f;

    open_fixture(&f);
    assert_int_equal(map_ring(&f), 0);
    grant(&f.memory, 20, GTF_permit_access, OWN, 5);
    memset(page(&f.memory, 5), 0x41, XEN_PAGE_BYTES);

    assert_int_equal(copy_one(&f, 20, 4000, 96, XEN_COPY_FROM_GUEST), 0);
    assert_int_equal(f.local[99], 0);
    assert_int_equal(f.local[100], 0x41);
    assert_int_equal(f.local[195], 0x41);
    assert_int_equal(f.local[196], 0);

    memset(f.local, 0x55, sizeof f.local);
    assert_int_equal(copy_one(&f, 20, 1, 10, XEN_COPY_TO_GUEST), 0);
    assert_int_equal(page(&f.memory, 5)[0], 0x41);
    assert_int_equal(page(&f.memory, 5)[1], 0x55);
    assert_int_equal(page(&f.memory, 5)[10], 0x55);
    assert_int_equal(page(&f.memory, 5)[11], 0x41);
    assert_int_equal(f.memory.grants[20].flags, GTF_permit_access);
    unmap_ring(&f);
    close_fixture(&f);
}

static void
test_copy_statuses(void **state)
{
    struct fixture f;
    struct xen_ops_counts counts;

    open_fixture(&f);
    grant(&f.memory, 20, GTF_permit_access, OWN, 5);
    assert_int_equal(copy_one(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
                     GNTST_bad_domain);         /* Nothing mapped. */
    assert_int_equal(map_ring(&f), 0);

    grant(&f.memory, 21, GTF_permit_access | GTF_readonly, OWN, 5);
    grant(&f.memory, 22, GTF_permit_access, OWN + 1, 5);
    grant(&f.memory, 23, GTF_permit_access, OWN, N_PAGES);

    struct xen_copy_seg segs[] = {
        seg(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 21, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 21, 0, 10, XEN_COPY_TO_GUEST),
        seg(&f, 22, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 23, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 24, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 512, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, UINT32_MAX, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 4087, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 0xffff, 0xffff, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
        seg(&f, 20, 4086, 10, XEN_COPY_FROM_GUEST),
    };
    segs[10].domid = GUEST + 1;
    segs[11].domid = 0xffff;
    segs[12].local_offset = sizeof f.local - 9;
    segs[13].local_offset = UINT64_MAX - 4;
    static const int want[] = {
        GNTST_okay, GNTST_okay, GNTST_permission_denied,
        GNTST_permission_denied, GNTST_bad_page, GNTST_bad_gntref,
        GNTST_bad_gntref, GNTST_bad_gntref, GNTST_bad_copy_arg,
        GNTST_bad_copy_arg, GNTST_bad_domain, GNTST_bad_domain,
        GNTST_bad_copy_arg, GNTST_bad_copy_arg, GNTST_okay,
    };
    const unsigned int n = sizeof segs / sizeof segs[0];

    OPS->grant_copy(f.platform, segs, n);
    for (unsigned int i = 0; i < n; i++) {
        assert_int_equal(segs[i].status, want[i]);
    }
    for (uint32_t gref = 20; gref < 24; gref++) {
        assert_false(f.memory.grants[gref].flags
                     & (GTF_reading | GTF_writing));
    }
    OPS->counts(f.platform, &counts);
    assert_int_equal(counts.copy_calls, 2);
    assert_int_equal(counts.copy_segs, n + 1);

    unmap_ring(&f);
    assert_int_equal(copy_one(&f, 20, 0, 10, XEN_COPY_FROM_GUEST),
                     GNTST_bad_domain);
    close_fixture(&f);
}

/* A page that is mapped stays held when it is copied from as well. */
static void
test_copy_of_mapped_page(void **state)
{
    struct fixture f;

    open_fixture(&f);
    assert_int_equal(map_ring(&f), 0);
    assert_int_equal(copy_one(&f, RING_GREF, 0, 10, XEN_COPY_FROM_GUEST), 0);
    assert_int_equal(f.memory.grants[RING_GREF].flags,
                     GTF_permit_access | GTF_reading | GTF_writing);
    unmap_ring(&f);
    assert_int_equal(f.memory.grants[RING_GREF].flags, GTF_permit_access);
    close_fixture(&f);
}

/* A guest that edits its entries while we copy: each segment ends in one of
 * the statuses, and no hold is left behind. */
static void *
edit_entries(void *memory_)
{
    struct fake_memory *memory = memory_;
    uint16_t *flags = &memory->grants[20].flags;

    for (int i = 0; i < 200000; i++) {
        uint16_t idle = GTF_permit_access;

        __atomic_compare_exchange_n(flags, &idle, 0, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
        if (idle == GTF_permit_access) {
            __atomic_store_n(flags, GTF_permit_access, __ATOMIC_SEQ_CST);
        }
    }
    return NULL;
}

static void
test_copy_races(void **state)
{
    struct fixture f;
    pthread_t thread;
    unsigned int n_done = 0;

    open_fixture(&f);
    assert_int_equal(map_ring(&f), 0);
    grant(&f.memory, 20, GTF_permit_access, OWN, 5);
    assert_int_equal(pthread_create(&thread, NULL, edit_entries, &f.memory),
                     0);
    for (int i = 0; i < 200000; i++) {
        int status = copy_one(&f, 20, 0, 8,
                              i % 2 ? XEN_COPY_FROM_GUEST
                                    : XEN_COPY_TO_GUEST);
        assert_true(status == GNTST_okay || status == GNTST_bad_gntref
                    || status == GNTST_eagain);
        n_done += status == GNTST_okay;
    }
    pthread_join(thread, NULL);
    assert_true(n_done > 0);
    assert_int_equal(f.memory.grants[20].flags, GTF_permit_access);
    unmap_ring(&f);
    close_fixture(&f);
}

static void
test_memory_refusals(void **state)
{
    struct fixture f;
    struct fake_memory unsealed;

    open_fixture(&f);

    /* A guest that could make us fail by shrinking its file. */
    fake_memory_init(&unsealed, N_PAGES * XEN_PAGE_BYTES, 1, F_SEAL_GROW);
    grant(&unsealed, RING_GREF, GTF_permit_access, OWN, RING_FRAME);
    fake_broker_set_memory(f.broker, &unsealed);
    assert_int_equal(map_ring(&f), -EACCES);
    fake_broker_set_memory(f.broker, &f.memory);
    fake_memory_finish(&unsealed);

    /* Not a memfd at all. */
    struct fake_memory null = f.memory;
    null.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    fake_broker_set_memory(f.broker, &null);
    assert_int_equal(map_ring(&f), -EACCES);
    fake_broker_set_memory(f.broker, &f.memory);
    close(null.fd);

    static const struct {
        int64_t bytes;
        int32_t count;
    } lies[] = {
        { XEN_PAGE_BYTES, 0 },          /* More than there is. */
        { 1, 0 }, { -1, 0 },
        { -(int64_t) N_PAGES * XEN_PAGE_BYTES, 0 },
        { INT64_C(1) << 40, 0 }, { INT64_MIN, 0 },
        { 0, -1 }, { 0, 64 }, { 0, N_PAGES }, { 0, INT32_MAX },
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        fake_broker_lie(f.broker, lies[i].bytes, lies[i].count);
        int error = map_ring(&f);
        assert_true(error == -EINVAL || error == -EACCES);
    }
    fake_broker_lie(f.broker, 0, 0);
    assert_int_equal(map_ring(&f), 0);
    unmap_ring(&f);
    close_fixture(&f);
}

/* The guest dies: its memory stays until the last page is unmapped. */
static void
test_guest_dies(void **state)
{
    struct fixture f;

    open_fixture(&f);
    assert_int_equal(map_ring(&f), 0);
    grant(&f.memory, 20, GTF_permit_access, OWN, 5);
    memset(page(&f.memory, 5), 0x77, XEN_PAGE_BYTES);

    struct fake_memory dead = f.memory;
    fake_broker_set_memory(f.broker, NULL);
    fake_memory_finish(&dead);
    assert_int_equal(copy_one(&f, 20, 0, 10, XEN_COPY_FROM_GUEST), 0);
    assert_int_equal(f.local[100], 0x77);
    *(volatile uint8_t *) f.ring = 1;

    void *more;
    uint32_t gref = 20;
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1, true, &more),
                     -ENOENT);
    unmap_ring(&f);
    OPS->close(f.platform);
    fake_broker_destroy(f.broker);
}

/* New memory under the same domid: the newest counts; and a guest that does
 * it for ever without closing its vifs is refused. */
static void
test_memory_replaced(void **state)
{
    struct fixture f;
    struct fake_memory memories[5];
    void *pages[5];
    uint32_t gref = RING_GREF;

    open_fixture(&f);
    for (int i = 0; i < 5; i++) {
        init_memory(&memories[i]);
        grant(&memories[i], 20, GTF_permit_access, OWN, 5);
        memset(page(&memories[i], 5), i + 1, XEN_PAGE_BYTES);
        fake_broker_set_memory(f.broker, &memories[i]);
        int error = OPS->grant_map(f.platform, GUEST, &gref, 1, true,
                                   &pages[i]);
        if (i < 4) {
            assert_int_equal(error, 0);
            assert_int_equal(copy_one(&f, 20, 0, 10, XEN_COPY_FROM_GUEST), 0);
            assert_int_equal(f.local[100], i + 1);
        } else {
            assert_int_equal(error, -EBUSY);
        }
    }
    for (int i = 0; i < 4; i++) {
        OPS->grant_unmap(f.platform, GUEST, pages[i], &gref, 1, true);
        assert_int_equal(memories[i].grants[gref].flags, GTF_permit_access);
    }
    assert_int_equal(OPS->grant_map(f.platform, GUEST, &gref, 1, true,
                                    &pages[4]), 0);
    OPS->grant_unmap(f.platform, GUEST, pages[4], &gref, 1, true);
    for (int i = 0; i < 5; i++) {
        fake_memory_finish(&memories[i]);
    }
    close_fixture(&f);
}

static bool
is_readable(int fd)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };

    return poll(&pollfd, 1, 0) == 1;
}

static void
test_events(void **state)
{
    struct fixture f;
    struct xen_evtchn *evtchn;
    struct xen_ops_counts counts;
    uint64_t n;

    open_fixture(&f);
    assert_int_equal(OPS->evtchn_bind(f.platform, GUEST, 4, &evtchn),
                     -ENOENT);
    assert_null(evtchn);
    assert_int_equal(OPS->evtchn_bind(f.platform, GUEST, 3, &evtchn), 0);
    int fd = OPS->evtchn_fd(evtchn);
    int kick_fd = fake_broker_guest_kick_fd(f.broker);

    /* Pending once when bound; masked from then until unmasked. */
    assert_true(is_readable(fd));
    assert_true(OPS->evtchn_pending(evtchn));
    assert_false(OPS->evtchn_pending(evtchn));
    assert_int_equal(eventfd_write(kick_fd, 1), 0);
    assert_false(is_readable(fd));
    assert_false(OPS->evtchn_pending(evtchn));
    OPS->evtchn_unmask(evtchn);
    assert_true(is_readable(fd));
    assert_true(OPS->evtchn_pending(evtchn));
    OPS->evtchn_unmask(evtchn);
    assert_false(is_readable(fd));
    assert_false(OPS->evtchn_pending(evtchn));
    OPS->evtchn_unmask(evtchn);

    /* The file's flags are the guest's as well. */
    assert_int_equal(fcntl(kick_fd, F_SETFL, 0), 0);
    assert_false(OPS->evtchn_pending(evtchn));

    OPS->evtchn_notify(evtchn);
    OPS->evtchn_notify(evtchn);
    assert_int_equal(eventfd_read(fake_broker_guest_wait_fd(f.broker), &n),
                     0);
    assert_int_equal(n, 2);
    OPS->counts(f.platform, &counts);
    assert_int_equal(counts.notifies, 2);

    OPS->evtchn_unbind(evtchn);
    OPS->evtchn_unbind(NULL);
    assert_int_equal(fake_broker_closes(f.broker), 1);
    close_fixture(&f);
}

/* The broker goes away and comes back. */
static void
test_reconnect(void **state)
{
    struct fixture f;
    struct xen_evtchn *evtchn;

    open_fixture(&f);
    assert_int_equal(OPS->evtchn_bind(f.platform, GUEST, 3, &evtchn), 0);
    assert_int_equal(fake_broker_connections(f.broker), 1);

    fake_broker_hang_up(f.broker);
    assert_int_equal(map_ring(&f), -EIO);
    assert_int_equal(map_ring(&f), 0);
    assert_int_equal(fake_broker_connections(f.broker), 2);
    unmap_ring(&f);

    /* On this connection the port may be another's: it is not closed. */
    OPS->evtchn_unbind(evtchn);
    assert_int_equal(fake_broker_closes(f.broker), 0);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_map_refusals),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_statuses),
        cmocka_unit_test(test_copy_of_mapped_page),
        cmocka_unit_test(test_copy_races),
        cmocka_unit_test(test_memory_refusals),
        cmocka_unit_test(test_guest_dies),
        cmocka_unit_test(test_memory_replaced),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_reconnect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
