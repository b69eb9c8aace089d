#include "tests/fakes/xen_ops_fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(CONDITION)                                                    \
    do {                                                                    \
        if (!(CONDITION)) {                                                 \
            fprintf(stderr, "%s:%d: fake Xen: " #CONDITION " is false\n",   \
                    __FILE__, __LINE__);                                    \
            abort();                                                        \
        }                                                                   \
    } while (0)

struct xen_evtchn {
    struct xen_fake *fake;
    struct fake_port *port;
    int fd;                             /* A number, not a descriptor. */
};

static void *
xzalloc(size_t bytes)
{
    void *p = calloc(1, bytes);
    CHECK(p);
    return p;
}

struct xen_fake *
xen_fake_create(uint16_t own_domid)
{
    struct xen_fake *fake = xzalloc(sizeof *fake);

    fake->own_domid = own_domid;
    return fake;
}

void
xen_fake_destroy(struct xen_fake *fake)
{
    if (!fake) {
        return;
    }
    CHECK(!fake->n_mapped);
    CHECK(!fake->n_bound);
    for (unsigned int i = 0; i < fake->n_guests; i++) {
        struct fake_guest *guest = &fake->guests[i];

        for (uint32_t j = 0; j < guest->n_pages; j++) {
            free(guest->pages[j]);
        }
        free(guest->pages);
        free(guest->grants);
    }
    free(fake);
}

struct xen_platform *
xen_fake_platform(struct xen_fake *fake)
{
    return (struct xen_platform *) fake;
}

static struct xen_fake *
fake_of(const struct xen_platform *platform)
{
    return (struct xen_fake *) platform;
}

struct fake_guest *
xen_fake_add_guest(struct xen_fake *fake, uint16_t domid, uint32_t n_pages,
                   uint32_t n_grants)
{
    CHECK(fake->n_guests < FAKE_GUESTS_MAX);
    struct fake_guest *guest = &fake->guests[fake->n_guests++];

    *guest = (struct fake_guest) {
        .fake = fake,
        .domid = domid,
        .n_pages = n_pages,
        .n_grants = n_grants,
        .pages = xzalloc(n_pages * sizeof *guest->pages),
        .grants = xzalloc(n_grants * sizeof *guest->grants),
        .next_gref = GNTTAB_NR_RESERVED_ENTRIES,
    };
    for (uint32_t i = 0; i < n_pages; i++) {
        guest->pages[i] = aligned_alloc(XEN_PAGE_BYTES, XEN_PAGE_BYTES);
        CHECK(guest->pages[i]);
        memset(guest->pages[i], 0, XEN_PAGE_BYTES);
    }
    return guest;
}

uint8_t *
fake_guest_page(struct fake_guest *guest, uint32_t *frame)
{
    CHECK(guest->next_page < guest->n_pages);
    *frame = guest->next_page++;
    return guest->pages[*frame];
}

uint32_t
fake_guest_grant(struct fake_guest *guest, uint32_t frame, bool readonly)
{
    CHECK(guest->next_gref < guest->n_grants);
    uint32_t gref = guest->next_gref++;

    guest->grants[gref] = (struct grant_entry_v1) {
        .flags = GTF_permit_access | (readonly ? GTF_readonly : 0),
        .domid = guest->fake->own_domid,
        .frame = frame,
    };
    return gref;
}

void
fake_guest_revoke(struct fake_guest *guest, uint32_t gref)
{
    guest->grants[gref].flags = GTF_invalid;
}

uint32_t
fake_guest_alloc_port(struct fake_guest *guest)
{
    for (uint32_t i = 0; i < FAKE_PORTS_MAX; i++) {
        if (!guest->ports[i].allocated) {
            guest->ports[i].allocated = true;
            return i + 1;
        }
    }
    CHECK(!"a free port");
    return 0;
}

static struct fake_port *
guest_port(const struct fake_guest *guest, uint32_t port)
{
    if (!port || port > FAKE_PORTS_MAX || !guest->ports[port - 1].allocated) {
        return NULL;
    }
    return (struct fake_port *) &guest->ports[port - 1];
}

void
fake_guest_kick(struct fake_guest *guest, uint32_t port)
{
    guest_port(guest, port)->pending = true;
}

unsigned int
fake_guest_kicks(const struct fake_guest *guest, uint32_t port)
{
    return guest_port(guest, port)->kicks;
}

static struct fake_guest *
find_guest(struct xen_fake *fake, uint16_t domid)
{
    for (unsigned int i = 0; i < fake->n_guests; i++) {
        if (fake->guests[i].domid == domid) {
            return &fake->guests[i];
        }
    }
    return NULL;
}

static int
fake_open(uint16_t own_domid, const char *where,
          struct xen_platform **platform)
{
    *platform = xen_fake_platform(xen_fake_create(own_domid));
    return 0;
}

static void
fake_close(struct xen_platform *platform)
{
    xen_fake_destroy(fake_of(platform));
}

static int
fake_evtchn_bind(struct xen_platform *platform, uint16_t domid, uint32_t port,
                 struct xen_evtchn **evtchnp)
{
    struct xen_fake *fake = fake_of(platform);
    struct fake_guest *guest = find_guest(fake, domid);
    struct fake_port *p = guest ? guest_port(guest, port) : NULL;

    *evtchnp = NULL;
    if (fake->bind_error && !fake->binds_before_error--) {
        return fake->bind_error;
    }
    if (!p) {
        return -ENOENT;
    }
    if (p->bound) {
        return -EBUSY;
    }
    p->bound = p->pending = true;
    p->masked = false;
    fake->n_bound++;
    *evtchnp = xzalloc(sizeof **evtchnp);
    **evtchnp = (struct xen_evtchn) { fake, p, 1000 + port };
    return 0;
}

static void
fake_evtchn_unbind(struct xen_evtchn *evtchn)
{
    if (evtchn) {
        evtchn->port->bound = false;
        evtchn->fake->n_bound--;
        free(evtchn);
    }
}

static int
fake_evtchn_fd(const struct xen_evtchn *evtchn)
{
    return evtchn->fd;
}

static void
fake_evtchn_notify(struct xen_evtchn *evtchn)
{
    evtchn->port->kicks++;
    evtchn->fake->counts.notifies++;
}

static bool
fake_evtchn_pending(struct xen_evtchn *evtchn)
{
    struct fake_port *port = evtchn->port;

    if (port->masked || !port->pending) {
        return false;
    }
    port->pending = false;
    port->masked = true;
    return true;
}

static void
fake_evtchn_unmask(struct xen_evtchn *evtchn)
{
    evtchn->port->masked = false;
}

static int
check_grant(const struct xen_fake *fake, const struct fake_guest *guest,
            uint32_t gref, bool writable)
{
    if (!guest) {
        return GNTST_bad_domain;
    }
    if (gref >= guest->n_grants) {
        return GNTST_bad_gntref;
    }

    const struct grant_entry_v1 *entry = &guest->grants[gref];
    if ((entry->flags & GTF_type_mask) != GTF_permit_access) {
        return GNTST_bad_gntref;
    }
    if (entry->domid != fake->own_domid
        || (writable && entry->flags & GTF_readonly)) {
        return GNTST_permission_denied;
    }
    return entry->frame < guest->n_pages ? GNTST_okay : GNTST_bad_page;
}

static int
fake_grant_map(struct xen_platform *platform, uint16_t domid,
               const uint32_t *grefs, unsigned int n, bool writable,
               void **pages)
{
    struct xen_fake *fake = fake_of(platform);
    struct fake_guest *guest = find_guest(fake, domid);

    CHECK(n == 1);
    if (fake->map_error && !fake->maps_before_error--) {
        return fake->map_error;
    }
    if (!guest) {
        return -ENOENT;
    }
    switch (check_grant(fake, guest, grefs[0], writable)) {
    case GNTST_okay:
        break;
    case GNTST_permission_denied:
        return -EACCES;
    default:
        return -EINVAL;
    }
    *pages = guest->pages[guest->grants[grefs[0]].frame];
    fake->n_mapped++;
    fake->counts.maps++;
    return 0;
}

static void
fake_grant_unmap(struct xen_platform *platform, uint16_t domid, void *pages,
                 const uint32_t *grefs, unsigned int n, bool writable)
{
    struct xen_fake *fake = fake_of(platform);

    CHECK(fake->n_mapped);
    fake->n_mapped--;
    fake->counts.unmaps++;
}

static int
copy_one(struct xen_fake *fake, const struct xen_copy_seg *seg)
{
    struct fake_guest *guest = find_guest(fake, seg->domid);
    bool to_guest = seg->dir == XEN_COPY_TO_GUEST;

    /* Ours, so never wrong. */
    CHECK(seg->bytes <= seg->region->bytes
          && seg->local_offset <= seg->region->bytes - seg->bytes);
    CHECK(seg->bytes);
    CHECK((uint32_t) seg->foreign_offset + seg->bytes <= XEN_PAGE_BYTES);

    int status = check_grant(fake, guest, seg->gref, to_guest);
    if (status == GNTST_okay) {
        uint8_t *foreign = guest->pages[guest->grants[seg->gref].frame]
                           + seg->foreign_offset;
        uint8_t *local = (uint8_t *) seg->region->base + seg->local_offset;

        memcpy(to_guest ? foreign : local, to_guest ? local : foreign,
               seg->bytes);
    }
    return status;
}

static void
fake_grant_copy(struct xen_platform *platform, struct xen_copy_seg *segs,
                unsigned int n)
{
    struct xen_fake *fake = fake_of(platform);

    if (fake->before_copy) {
        fake->before_copy(fake, fake->before_copy_aux);
    }
    for (unsigned int i = 0; i < n; i++) {
        segs[i].status = copy_one(fake, &segs[i]);
    }
    fake->counts.copy_calls++;
    fake->counts.copy_segs += n;
}

static void
fake_counts(const struct xen_platform *platform, struct xen_ops_counts *counts)
{
    *counts = fake_of(platform)->counts;
}

const struct xen_ops xen_ops_fake = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .evtchn_bind = fake_evtchn_bind,
    .evtchn_unbind = fake_evtchn_unbind,
    .evtchn_fd = fake_evtchn_fd,
    .evtchn_notify = fake_evtchn_notify,
    .evtchn_pending = fake_evtchn_pending,
    .evtchn_unmask = fake_evtchn_unmask,
    .grant_map = fake_grant_map,
    .grant_unmap = fake_grant_unmap,
    .grant_copy = fake_grant_copy,
    .counts = fake_counts,
};
