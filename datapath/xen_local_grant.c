/* Guests' memories and mappings of their granted pages, on the stand-in. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "datapath/xen_local.h"
#include "datapath/xen_local_entry.h"

#define MEMORY_MAX_BYTES (UINT64_C(1) << 36)    /* 64 GiB. */
#define GRANT_TABLE_MAX_PAGES 64u               /* Xen's own default. */
#define ENTRIES_PER_PAGE (XEN_PAGE_BYTES / sizeof(struct grant_entry_v1))
#define MAP_MAX_PAGES 256u

struct xen_local_mapping {
    struct xen_local_mapping *next;
    struct xen_local_domain *domain;
    void *pages;
    unsigned int n;
    struct xen_local_hold holds[];
};

/* Refuses memory that its guest could make fail under us: a touch beyond the
 * end of a file, or of hugetlbfs when it is exhausted, is SIGBUS. */
static int
check_memory(int fd, const struct xenlocal_reply *reply)
{
    struct statfs fs;
    struct stat st;

    if (!reply->bytes || reply->bytes % XEN_PAGE_BYTES
        || reply->bytes > MEMORY_MAX_BYTES
        || !reply->count || reply->count > GRANT_TABLE_MAX_PAGES
        || reply->count > reply->bytes / XEN_PAGE_BYTES) {
        return -EINVAL;
    }
    if (fstat(fd, &st) || fstatfs(fd, &fs)) {
        return -errno;
    }
    int seals = fcntl(fd, F_GET_SEALS);
    if (!S_ISREG(st.st_mode) || (uint64_t) st.st_size < reply->bytes
        || fs.f_type != TMPFS_MAGIC || seals < 0
        || !(seals & F_SEAL_SHRINK)) {
        return -EACCES;
    }
    return 0;
}

static void
memory_destroy(struct xen_local_memory *memory)
{
    munmap(memory->base, memory->bytes);
    close(memory->fd);
    free(memory);
}

/* Takes 'fd' over on success. */
static int
memory_create(int fd, const struct xenlocal_reply *reply,
              struct xen_local_memory **memoryp)
{
    *memoryp = NULL;
    int error = check_memory(fd, reply);
    if (error) {
        return error;
    }

    struct xen_local_memory *memory = malloc(sizeof *memory);
    if (!memory) {
        return -ENOMEM;
    }
    void *base = mmap(NULL, reply->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd, 0);
    if (base == MAP_FAILED) {
        error = -errno;
        free(memory);
        return error;
    }
    *memory = (struct xen_local_memory) {
        .base = base,
        .bytes = reply->bytes,
        .n_pages = reply->bytes / XEN_PAGE_BYTES,
        .n_grants = reply->count * ENTRIES_PER_PAGE,
        .generation = reply->generation,
        .fd = fd,
    };
    *memoryp = memory;
    return 0;
}

static struct xen_local_domain *
domain_find(struct xen_platform *platform, uint16_t domid)
{
    struct xen_local_domain *domain = platform->domains;

    while (domain && domain->domid != domid) {
        domain = domain->next;
    }
    return domain;
}

/* Drops 'domain' if nothing of it is mapped any more. */
static void
domain_put(struct xen_platform *platform, struct xen_local_domain *domain)
{
    if (domain->n_mappings) {
        return;
    }

    /* No thread copies: whoever may do so has a page mapped. */
    __atomic_store_n(&platform->memory_of[domain->domid], NULL,
                     __ATOMIC_RELEASE);
    while (domain->newest) {
        struct xen_local_memory *memory = domain->newest;

        domain->newest = memory->older;
        memory_destroy(memory);
    }

    struct xen_local_domain **link = &platform->domains;
    while (*link != domain) {
        link = &(*link)->next;
    }
    *link = domain->next;
    free(domain);
}

/* Adds the memory in 'fd' (taken over on success) to 'domain'. */
static int
domain_add_memory(struct xen_platform *platform,
                  struct xen_local_domain *domain, int fd,
                  const struct xenlocal_reply *reply)
{
    struct xen_local_memory *memory;

    if (domain->n_memories >= XEN_LOCAL_MEMORIES_MAX) {
        return -EBUSY;
    }
    int error = memory_create(fd, reply, &memory);
    if (error) {
        return error;
    }
    memory->older = domain->newest;
    domain->newest = memory;
    domain->n_memories++;
    __atomic_store_n(&platform->memory_of[domain->domid], memory,
                     __ATOMIC_RELEASE);
    return 0;
}

/* Finds or makes 'domid''s entry, with the memory that the broker says it has
 * now.  After success the caller maps something, or calls domain_put(). */
static int
domain_get(struct xen_platform *platform, uint16_t domid,
           struct xen_local_domain **domainp)
{
    struct xenlocal_request request = {
        .op = XENLOCAL_GET_MEMORY,
        .domid = domid,
    };
    struct xenlocal_reply reply;
    int fds[2];

    int error = xen_local_call(platform, &request, &reply, fds);
    if (error) {
        return error;
    }
    if (fds[1] >= 0) {
        close(fds[1]);
    }
    if (fds[0] < 0) {
        return -EPROTO;
    }

    struct xen_local_domain *domain = domain_find(platform, domid);
    if (domain && domain->newest->generation == reply.generation) {
        close(fds[0]);
        *domainp = domain;
        return 0;
    }
    if (!domain) {
        domain = calloc(1, sizeof *domain);
        if (!domain) {
            close(fds[0]);
            return -ENOMEM;
        }
        domain->domid = domid;
        domain->next = platform->domains;
        platform->domains = domain;
    }
    error = domain_add_memory(platform, domain, fds[0], &reply);
    if (error) {
        close(fds[0]);
        domain_put(platform, domain);
        return error;
    }
    *domainp = domain;
    return 0;
}

static int
errno_from_status(int status)
{
    switch (status) {
    case GNTST_okay:
        return 0;
    case GNTST_permission_denied:
        return -EACCES;
    case GNTST_eagain:
        return -EAGAIN;
    default:
        return -EINVAL;
    }
}

static void
mapping_destroy(struct xen_local_mapping *mapping, unsigned int n_held)
{
    munmap(mapping->pages, (size_t) mapping->n * XEN_PAGE_BYTES);
    for (unsigned int i = 0; i < n_held; i++) {
        xen_local_release(&mapping->holds[i]);
    }
    free(mapping);
}

static int
mapping_create(struct xen_platform *platform, struct xen_local_domain *domain,
               const uint32_t *grefs, unsigned int n, bool writable,
               struct xen_local_mapping **mappingp)
{
    const struct xen_local_memory *memory = domain->newest;
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);

    *mappingp = NULL;
    struct xen_local_mapping *mapping
        = calloc(1, sizeof *mapping + n * sizeof mapping->holds[0]);
    if (!mapping) {
        return -ENOMEM;
    }
    mapping->domain = domain;
    mapping->n = n;
    mapping->pages = mmap(NULL, (size_t) n * XEN_PAGE_BYTES, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping->pages == MAP_FAILED) {
        free(mapping);
        return -ENOMEM;
    }

    for (unsigned int i = 0; i < n; i++) {
        struct xen_local_hold *hold = &mapping->holds[i];

        int error = errno_from_status(xen_local_hold(memory, grefs[i],
                                                     platform->own_domid,
                                                     writable, hold));
        if (error) {
            mapping_destroy(mapping, i);
            return error;
        }
        if (mmap((uint8_t *) mapping->pages + (size_t) i * XEN_PAGE_BYTES,
                 XEN_PAGE_BYTES, prot, MAP_SHARED | MAP_FIXED, memory->fd,
                 (off_t) hold->frame * XEN_PAGE_BYTES) == MAP_FAILED) {
            error = -errno;
            mapping_destroy(mapping, i + 1);
            return error;
        }
    }
    *mappingp = mapping;
    return 0;
}

static int
map_locked(struct xen_platform *platform, uint16_t domid,
           const uint32_t *grefs, unsigned int n, bool writable, void **pages)
{
    struct xen_local_mapping *mapping;
    struct xen_local_domain *domain;

    int error = domain_get(platform, domid, &domain);
    if (error) {
        return error;
    }
    error = mapping_create(platform, domain, grefs, n, writable, &mapping);
    if (error) {
        domain_put(platform, domain);
        return error;
    }
    domain->n_mappings++;
    mapping->next = platform->mappings;
    platform->mappings = mapping;
    xen_local_count(&platform->counts.maps, 1);
    *pages = mapping->pages;
    return 0;
}

int
xen_local_grant_map(struct xen_platform *platform, uint16_t domid,
                    const uint32_t *grefs, unsigned int n, bool writable,
                    void **pages)
{
    if (domid >= XEN_LOCAL_DOMIDS || !n || n > MAP_MAX_PAGES) {
        return -EINVAL;
    }

    pthread_mutex_lock(&platform->mutex);
    int error = map_locked(platform, domid, grefs, n, writable, pages);
    pthread_mutex_unlock(&platform->mutex);
    return error;
}

void
xen_local_grant_unmap(struct xen_platform *platform, uint16_t domid,
                      void *pages, const uint32_t *grefs, unsigned int n,
                      bool writable)
{
    pthread_mutex_lock(&platform->mutex);

    struct xen_local_mapping **link = &platform->mappings;
    while (*link && (*link)->pages != pages) {
        link = &(*link)->next;
    }
    if (*link) {
        struct xen_local_mapping *mapping = *link;
        struct xen_local_domain *domain = mapping->domain;

        *link = mapping->next;
        mapping_destroy(mapping, mapping->n);
        domain->n_mappings--;
        domain_put(platform, domain);
        xen_local_count(&platform->counts.unmaps, 1);
    }

    pthread_mutex_unlock(&platform->mutex);
}
