/* GREF mapping: grants that are to stay mapped, and should not. */

#include "tests/hostile/hostile.h"

#include <string.h>

#define ADD XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
#define DEL XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING
#define PAGES_PER_LIST 16u
#define ENTRIES_PER_PAGE (HOSTILE_PAGE_BYTES / sizeof(struct xen_netif_gref))

static uint32_t list_page;

static struct xen_netif_gref *
list(struct hostile *h)
{
    return (struct xen_netif_gref *) hostile_page(h, list_page);
}

/* Connects; '*size' is how many grants a queue may have mapped. */
static int
begin(struct hostile *h, uint32_t *size)
{
    h->with_ctrl = true;
    if (hostile_need(h, "feature-ctrl-ring") || hostile_connect(h)
        || guest_memory_take(&h->memory, &list_page, 1)) {
        return -1;
    }
    guest_memory_grant(&h->memory, list_page, h->backend_domid, false);

    int status = hostile_ctrl_call(h,
                                   XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE,
                                   0, 0, 0, size);
    if (status < 0) {
        return -1;
    }
    return !status && *size ? 0 : hostile_fail(h, "backend does not offer "
                                               "GREF mapping");
}

static int
call(struct hostile *h, uint16_t type, uint32_t queue, uint32_t n,
     bool may_pass)
{
    int status = hostile_ctrl_call(h, type, queue, list_page, n, NULL);

    h->turns++;
    return status < 0 ? -1
           : !status && !may_pass
           ? hostile_fail(h, "GREF mapping request %u of %u entries for "
                          "queue %u was taken", type, n, queue)
           : 0;
}

static int
bad_lists(struct hostile *h)
{
    uint32_t size;

    if (begin(h, &size)) {
        return -1;
    }
    static const uint32_t bad[] = { 0, 77777, 0xffffffff, 0x80000000 };

    for (unsigned int i = 0; i < 4; i++) {
        /* A bad one behind good ones: then none is added. */
        for (unsigned int j = 0; j < 4; j++) {
            list(h)[j] = (struct xen_netif_gref) {
                .ref = j == i ? bad[i] : h->tx_pages[j],
                .flags = XEN_NETIF_CTRLF_GREF_readonly,
            };
        }
        if (call(h, ADD, 0, 4, false)) {
            return -1;
        }
    }
    /* Read-only grants, to be mapped writable. */
    list(h)[0] = (struct xen_netif_gref) { .ref = h->tx_pages[0] };
    if (call(h, ADD, 0, 1, false)) {
        return -1;
    }
    /* Queues and sizes that are none, lists longer than their page. */
    list(h)[0] = (struct xen_netif_gref) { .ref = h->rx_pages[0] };
    static const uint32_t queues[] = { 1, 8, 0x80000000, 0xffffffff };
    static const uint32_t sizes[] = {
        ENTRIES_PER_PAGE + 1, 0x10000001, 0x20000001, 0xffffffff,
    };
    for (unsigned int i = 0; i < 4; i++) {
        if (call(h, ADD, queues[i], 1, false)
            || call(h, ADD, 0, sizes[i], false)) {
            return -1;
        }
    }
    /* A list in a page that is not ours to give. */
    uint32_t page = list_page;
    list_page = 0xffffff;
    int error = call(h, ADD, 0, 1, false) || call(h, DEL, 0, 1, false);
    list_page = page;
    return error ? -1 : 0;
}

static int
too_many(struct hostile *h)
{
    uint32_t size, n = 0;

    if (begin(h, &size)) {
        return -1;
    }
    /* Some pages each time, until the backend has had enough, or we have. */
    uint32_t pages[PAGES_PER_LIST];
    while (!guest_memory_take(&h->memory, pages, PAGES_PER_LIST)) {
        for (unsigned int i = 0; i < PAGES_PER_LIST; i++) {
            guest_memory_grant(&h->memory, pages[i], h->backend_domid,
                               false);
            list(h)[i] = (struct xen_netif_gref) { .ref = pages[i] };
        }
        int status = hostile_ctrl_call(h, ADD, 0, list_page, PAGES_PER_LIST,
                                       NULL);
        if (status < 0) {
            return -1;
        } else if (status) {
            break;
        }
        n += PAGES_PER_LIST;
    }
    h->turns = n;
    return n <= size ? 0 : hostile_fail(h, "%u grants are mapped, of %u", n,
                                        size);
}

static int
duplicates(struct hostile *h)
{
    uint32_t size;

    if (begin(h, &size)) {
        return -1;
    }
    for (unsigned int i = 0; i < 2; i++) {
        list(h)[i] = (struct xen_netif_gref) { .ref = h->rx_pages[0] };
    }
    /* In one list, or one after the other. */
    if (call(h, ADD, 0, 2, true) || call(h, ADD, 0, 1, true)
        || call(h, ADD, 0, 1, true)) {
        return -1;
    }
    /* However often it was added, it is gone after enough deletions. */
    for (unsigned int i = 0; i < 5; i++) {
        if (call(h, DEL, 0, 1, true)) {
            return -1;
        }
    }
    list(h)[0].status = 0;
    if (call(h, DEL, 0, 1, true)) {
        return -1;
    }
    return hostile_entry(h, h->rx_pages[0])->flags
           & (GTF_reading | GTF_writing)
           ? hostile_fail(h, "the page is still in use") : 0;
}

static int
delete_unknown(struct hostile *h)
{
    uint32_t size;

    if (begin(h, &size)) {
        return -1;
    }
    for (unsigned int i = 0; i < ENTRIES_PER_PAGE; i++) {
        list(h)[i] = (struct xen_netif_gref) { .ref = i * 9000 };
    }
    uint32_t n = 0;
    int status = hostile_ctrl_call(h, DEL, 0, list_page, 64, &n);
    if (status < 0) {
        return -1;
    }
    if (!status && n) {
        return hostile_fail(h, "%u grants were unmapped that never were "
                            "mapped", n);
    }
    return call(h, DEL, 5, 1, false)
           || call(h, DEL, 0, ENTRIES_PER_PAGE + 1, false) ? -1 : 0;
}

/* Mapped grants that are used and deleted at once. */
static int
delete_in_use(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;
    uint32_t size;

    if (begin(h, &size)) {
        return -1;
    }
    size = size < 32 ? size : 32;
    while (hostile_now_ns() < until_ns) {
        for (uint32_t i = 0; i < size; i++) {
            list(h)[i] = (struct xen_netif_gref) {
                .ref = h->tx_pages[i],
                .flags = XEN_NETIF_CTRLF_GREF_readonly,
            };
        }
        if (call(h, ADD, 0, size, true)) {
            return -1;
        }
        for (uint32_t i = 0; i < 128; i++) {
            if (hostile_tx_room(h, 1)) {
                return -1;
            }
            hostile_tx_frame(h, i % size, 1514);
        }
        hostile_tx_push(h);
        if (call(h, DEL, 0, size, true) || hostile_tx_settle(h)) {
            return -1;
        }
    }
    h->accounted = true;
    return 0;
}

static void
turn_list(struct hostile *h, uint64_t i)
{
    struct xen_netif_gref *entry = &list(h)[i % 8];

    __atomic_store_n(&entry->ref, i & 8 ? h->rx_pages[i % HOSTILE_SLOTS]
                                        : (uint32_t) i * 2654435761u,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&entry->flags, i, __ATOMIC_RELAXED);
}

static int
race_list(struct hostile *h)
{
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;
    struct hostile_racer racer;
    uint32_t size;
    int error = 0;

    if (begin(h, &size) || hostile_race_begin(h, &racer, turn_list)) {
        return -1;
    }
    while (!error && hostile_now_ns() < until_ns) {
        error = call(h, ADD, 0, 8, true) || call(h, DEL, 0, 8, true);
    }
    hostile_race_end(h, &racer);
    return error ? -1 : 0;
}

const struct hostile_attack hostile_mapping[] = {
    { "gref_mapping_bad_lists", HOSTILE_NOTHING, NULL,
      "adds grants that are bad, for queues and in lists that are none",
      bad_lists, 1 },
    { "gref_mapping_too_many", HOSTILE_NOTHING, NULL,
      "adds more grants than the backend keeps", too_many, 1 },
    { "gref_mapping_duplicates", HOSTILE_NOTHING, NULL,
      "adds one grant many times, and deletes it", duplicates, 1 },
    { "gref_mapping_delete_unknown", HOSTILE_NOTHING, NULL,
      "deletes grants that it never added", delete_unknown, 1 },
    { "gref_mapping_delete_in_use", HOSTILE_NOTHING, NULL,
      "deletes grants while frames use them", delete_in_use, 1 },
    { "race_gref_mapping_list", HOSTILE_NOTHING, NULL,
      "a thread changes the list of grants while it is read", race_list,
      1 },
    { NULL },
};
