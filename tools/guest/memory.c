#include "tools/guest/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

#define PAGE_BYTES 4096u
#define ENTRIES_PER_PAGE (PAGE_BYTES / sizeof(struct grant_entry_v1))

static struct grant_entry_v1 *
grant_entry(const struct guest_memory *m, uint32_t page)
{
    return (struct grant_entry_v1 *) m->base + page;
}

int
guest_memory_init(struct guest_memory *m, uint32_t n_pages)
{
    *m = (struct guest_memory) { .fd = -1 };
    if (n_pages % ENTRIES_PER_PAGE
        || n_pages < GNTTAB_NR_RESERVED_ENTRIES * ENTRIES_PER_PAGE) {
        return -EINVAL;
    }
    m->n_grant_pages = n_pages / ENTRIES_PER_PAGE;
    m->bytes = (uint64_t) n_pages * PAGE_BYTES;

    int error;
    m->fd = memfd_create("netdom-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (m->fd < 0) {
        return -errno;
    }
    if (ftruncate(m->fd, m->bytes)
        || fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
        error = -errno;
        goto fail;
    }
    m->base = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd,
                   0);
    if (m->base == MAP_FAILED) {
        m->base = NULL;
        error = -errno;
        goto fail;
    }

    m->free = calloc(n_pages, sizeof *m->free);
    m->held = calloc(n_pages, sizeof *m->held);
    if (!m->free || !m->held) {
        error = -ENOMEM;
        goto fail;
    }
    for (uint32_t page = n_pages; page-- > m->n_grant_pages; ) {
        m->free[m->n_free++] = page;
    }
    return 0;

fail:
    guest_memory_finish(m);
    return error;
}

void
guest_memory_finish(struct guest_memory *m)
{
    if (m->base) {
        munmap(m->base, m->bytes);
    }
    if (m->fd >= 0) {
        close(m->fd);
    }
    free(m->free);
    free(m->held);
    *m = (struct guest_memory) { .fd = -1 };
}

int
guest_memory_take(struct guest_memory *m, uint32_t *pages, uint32_t n)
{
    if (m->n_free < n) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        pages[i] = m->free[--m->n_free];
    }
    return 0;
}

/* Ends the grant unless someone is using it. */
static bool
grant_end(struct grant_entry_v1 *entry)
{
    uint16_t flags = __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE);

    do {
        if (flags & (GTF_reading | GTF_writing)) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(&entry->flags, &flags, GTF_invalid,
                                          false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return true;
}

void
guest_memory_give_back(struct guest_memory *m, const uint32_t *pages,
                       uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (grant_end(grant_entry(m, pages[i]))) {
            m->free[m->n_free++] = pages[i];
        } else {
            m->held[m->n_held++] = pages[i];
        }
    }
}

void
guest_memory_retry_held(struct guest_memory *m)
{
    uint32_t n = m->n_held;

    m->n_held = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t page = m->held[i];
        guest_memory_give_back(m, &page, 1);
    }
}

void *
guest_memory_page(const struct guest_memory *m, uint32_t page)
{
    return m->base + (uint64_t) page * PAGE_BYTES;
}

void
guest_memory_grant(struct guest_memory *m, uint32_t page, uint16_t domid,
                   bool readonly)
{
    struct grant_entry_v1 *entry = grant_entry(m, page);

    entry->domid = domid;
    entry->frame = page;
    __atomic_store_n(&entry->flags,
                     GTF_permit_access | (readonly ? GTF_readonly : 0),
                     __ATOMIC_RELEASE);
}
