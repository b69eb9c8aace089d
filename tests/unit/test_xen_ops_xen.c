/* The table of functions for Xen itself, over libraries that are played here:
 * what they are asked for, and what becomes of their answers. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "datapath/xen_ops.h"

/* What the libraries were asked for. */

#define SEGS_MAX 300

static struct {
    bool no_grants, no_evtchn, no_bind, no_map, no_copy;
    unsigned int n_calls, n_segs, n_open, n_unmapped;
    xengnttab_grant_copy_segment_t segs[SEGS_MAX];
    uint32_t domid, refs[64], n_refs;
    int prot;
    int fd;
    evtchn_port_t notified, unmasked, remote;
} lib;

static uint8_t page[XEN_PAGE_BYTES];

xengnttab_handle *
xengnttab_open(struct xentoollog_logger *logger, unsigned flags)
{
    errno = ENOENT;
    lib.n_open += !lib.no_grants;
    return lib.no_grants ? NULL : (xengnttab_handle *) page;
}

int
xengnttab_close(xengnttab_handle *handle)
{
    lib.n_open--;
    return 0;
}

void *
xengnttab_map_domain_grant_refs(xengnttab_handle *handle, uint32_t count,
                                uint32_t domid, uint32_t *refs, int prot)
{
    lib.domid = domid;
    lib.n_refs = count;
    lib.prot = prot;
    memcpy(lib.refs, refs, count * sizeof *refs);
    errno = EINVAL;
    return lib.no_map ? NULL : page;
}

int
xengnttab_unmap(xengnttab_handle *handle, void *address, uint32_t count)
{
    assert_ptr_equal(address, page);
    lib.n_unmapped += count;
    return 0;
}

/* Every third segment is refused by Xen. */
int
xengnttab_grant_copy(xengnttab_handle *handle, uint32_t count,
                     xengnttab_grant_copy_segment_t *segs)
{
    lib.n_calls++;
    for (uint32_t i = 0; i < count; i++) {
        lib.segs[lib.n_segs] = segs[i];
        if (!lib.no_copy) {
            segs[i].status = lib.n_segs % 3 == 2 ? GNTST_bad_gntref
                                                 : GNTST_okay;
        }
        lib.n_segs++;
    }
    return lib.no_copy ? -1 : 0;
}

xenevtchn_handle *
xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    errno = EACCES;
    if (lib.no_evtchn) {
        return NULL;
    }
    lib.n_open++;
    lib.fd = eventfd(0, 0);
    return (xenevtchn_handle *) &lib;
}

int
xenevtchn_close(xenevtchn_handle *handle)
{
    close(lib.fd);
    lib.n_open--;
    return 0;
}

int
xenevtchn_fd(xenevtchn_handle *handle)
{
    return lib.fd;
}

int
xenevtchn_notify(xenevtchn_handle *handle, evtchn_port_t port)
{
    lib.notified = port;
    return 0;
}

xenevtchn_port_or_error_t
xenevtchn_bind_interdomain(xenevtchn_handle *handle, uint32_t domid,
                           evtchn_port_t remote_port)
{
    lib.domid = domid;
    lib.remote = remote_port;
    errno = ESRCH;
    return lib.no_bind ? -1 : 42;
}

xenevtchn_port_or_error_t
xenevtchn_pending(xenevtchn_handle *handle)
{
    uint64_t n;

    return read(lib.fd, &n, sizeof n) == sizeof n ? 42 : -1;
}

int
xenevtchn_unmask(xenevtchn_handle *handle, evtchn_port_t port)
{
    lib.unmasked = port;
    return 0;
}

static struct xen_platform *
open_platform(void)
{
    struct xen_platform *platform;

    memset(&lib, 0, sizeof lib);
    assert_int_equal(xen_ops_xen.open(3, NULL, &platform), 0);
    assert_non_null(platform);
    return platform;
}

static void
close_platform(struct xen_platform *platform)
{
    xen_ops_xen.close(platform);
    assert_int_equal(lib.n_open, 0);
}

static void
test_open(void **state)
{
    struct xen_platform *platform;

    memset(&lib, 0, sizeof lib);
    lib.no_grants = true;
    assert_int_equal(xen_ops_xen.open(3, NULL, &platform), -ENOENT);
    assert_null(platform);
    xen_ops_xen.close(NULL);
    assert_int_equal(lib.n_open, 0);
}

static void
test_evtchn(void **state)
{
    struct xen_platform *platform = open_platform();
    struct xen_evtchn *evtchn;
    struct xen_ops_counts counts;
    uint64_t one = 1;

    assert_int_equal(xen_ops_xen.evtchn_bind(platform, 7, 11, &evtchn), 0);
    assert_int_equal(lib.domid, 7);
    assert_int_equal(lib.remote, 11);
    assert_int_equal(xen_ops_xen.evtchn_fd(evtchn), lib.fd);

    /* Nothing is waited for. */
    assert_true(fcntl(lib.fd, F_GETFL) & O_NONBLOCK);
    assert_false(xen_ops_xen.evtchn_pending(evtchn));
    assert_int_equal(write(lib.fd, &one, sizeof one), sizeof one);
    assert_true(xen_ops_xen.evtchn_pending(evtchn));
    assert_false(xen_ops_xen.evtchn_pending(evtchn));

    xen_ops_xen.evtchn_unmask(evtchn);
    assert_int_equal(lib.unmasked, 42);
    xen_ops_xen.evtchn_notify(evtchn);
    assert_int_equal(lib.notified, 42);
    xen_ops_xen.counts(platform, &counts);
    assert_int_equal(counts.notifies, 1);
    xen_ops_xen.evtchn_unbind(evtchn);
    xen_ops_xen.evtchn_unbind(NULL);
    close_platform(platform);
}

static void
test_evtchn_refused(void **state)
{
    struct xen_platform *platform = open_platform();
    struct xen_evtchn *evtchn;

    lib.no_evtchn = true;
    assert_int_equal(xen_ops_xen.evtchn_bind(platform, 7, 11, &evtchn),
                     -EACCES);
    assert_null(evtchn);
    lib.no_evtchn = false;
    lib.no_bind = true;
    assert_int_equal(xen_ops_xen.evtchn_bind(platform, 7, 11, &evtchn),
                     -ESRCH);
    assert_null(evtchn);
    close_platform(platform);
}

static void
test_map(void **state)
{
    struct xen_platform *platform = open_platform();
    struct xen_ops_counts counts;
    uint32_t grefs[40];
    void *address;

    for (uint32_t i = 0; i < 40; i++) {
        grefs[i] = 100 + i;
    }
    assert_int_equal(xen_ops_xen.grant_map(platform, 9, grefs, 1, true,
                                           &address), 0);
    assert_ptr_equal(address, page);
    assert_int_equal(lib.prot, PROT_READ | PROT_WRITE);
    xen_ops_xen.grant_unmap(platform, 9, address, grefs, 1, true);
    assert_int_equal(xen_ops_xen.grant_map(platform, 9, grefs, 40, false,
                                           &address), 0);
    assert_int_equal(lib.prot, PROT_READ);
    assert_int_equal(lib.domid, 9);
    assert_int_equal(lib.n_refs, 40);
    assert_memory_equal(lib.refs, grefs, sizeof grefs);
    xen_ops_xen.grant_unmap(platform, 9, address, grefs, 40, false);
    lib.no_map = true;
    assert_int_equal(xen_ops_xen.grant_map(platform, 9, grefs, 1, true,
                                           &address), -EINVAL);
    assert_null(address);
    xen_ops_xen.counts(platform, &counts);
    assert_int_equal(counts.maps, 41);
    assert_int_equal(counts.unmaps, 41);
    assert_int_equal(lib.n_unmapped, 41);
    close_platform(platform);
}

/* Both directions and two domains mixed, more than one call takes; what makes
 * no sense on our side never gets to Xen. */
static void
test_copy(void **state)
{
    static uint8_t memory[SEGS_MAX * 16];
    struct xen_region region = { memory, sizeof memory };
    static struct xen_copy_seg segs[SEGS_MAX];
    struct xen_platform *platform = open_platform();
    struct xen_ops_counts counts;
    unsigned int n_good = 0;

    for (unsigned int i = 0; i < SEGS_MAX; i++) {
        segs[i] = (struct xen_copy_seg) {
            .region = &region, .local_offset = i * 16, .gref = i,
            .domid = i % 2 ? 5 : 6, .foreign_offset = i, .bytes = 16,
            .dir = i % 2 ? XEN_COPY_TO_GUEST : XEN_COPY_FROM_GUEST,
            .status = 99,
        };
    }
    segs[10].foreign_offset = XEN_PAGE_BYTES - 15;
    segs[20].local_offset = sizeof memory - 15;
    segs[30].local_offset = UINT64_MAX;
    xen_ops_xen.grant_copy(platform, segs, SEGS_MAX);
    assert_int_equal(lib.n_segs, SEGS_MAX - 3);
    for (unsigned int i = 0; i < SEGS_MAX; i++) {
        const xengnttab_grant_copy_segment_t *s = &lib.segs[n_good];

        if (i == 10 || i == 20 || i == 30) {
            assert_int_equal(segs[i].status, GNTST_bad_copy_arg);
            continue;
        }
        assert_int_equal(segs[i].status, n_good % 3 == 2 ? GNTST_bad_gntref
                                                         : GNTST_okay);
        n_good++;
        assert_int_equal(s->len, 16);
        if (i % 2) {
            assert_int_equal(s->flags, GNTCOPY_dest_gref);
            assert_ptr_equal(s->source.virt, memory + i * 16);
            assert_int_equal(s->dest.foreign.ref, i);
            assert_int_equal(s->dest.foreign.offset, i);
            assert_int_equal(s->dest.foreign.domid, 5);
        } else {
            assert_int_equal(s->flags, GNTCOPY_source_gref);
            assert_ptr_equal(s->dest.virt, memory + i * 16);
            assert_int_equal(s->source.foreign.ref, i);
            assert_int_equal(s->source.foreign.domid, 6);
        }
    }
    xen_ops_xen.counts(platform, &counts);
    assert_int_equal(counts.copy_segs, SEGS_MAX);
    assert_int_equal(counts.copy_calls, lib.n_calls);
    assert_in_range(lib.n_calls, 1, SEGS_MAX / 16);
    close_platform(platform);
}

/* A call that fails leaves no segment that looks as if it were copied. */
static void
test_copy_fails(void **state)
{
    static uint8_t memory[16];
    struct xen_region region = { memory, sizeof memory };
    struct xen_copy_seg seg = {
        .region = &region, .bytes = 16, .domid = 5, .status = GNTST_okay,
    };
    struct xen_platform *platform = open_platform();

    lib.no_copy = true;
    xen_ops_xen.grant_copy(platform, &seg, 1);
    assert_int_equal(seg.status, GNTST_general_error);
    close_platform(platform);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_evtchn),
        cmocka_unit_test(test_evtchn_refused),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_fails),
    };

    return cmocka_run_group_tests_name("xen_ops_xen", tests, NULL, NULL);
}
