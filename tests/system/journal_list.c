/* Lists what a switch that died left unanswered: reads a vif's journal and the
 * guest's memory, both memfds that this process has inherited, and prints one
 * JSON object.
 *
 * usage: netdom-journal-list JOURNAL-FD MEMORY-FD
 *
 * What it trusts is nothing: it is what a successor of the switch would do
 * first. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <xen/grant_table.h>

#include "datapath/vif_journal.h"

static const void *
map(const char *fd_text, uint64_t *bytes)
{
    int fd = atoi(fd_text);
    struct stat st;

    if (fstat(fd, &st)) {
        perror("fstat");
        exit(2);
    }
    const void *memory = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    *bytes = st.st_size;
    return memory;
}

/* The page that the guest has granted as 'gref'. */
static const void *
find_page(const uint8_t *memory, uint64_t bytes, uint32_t gref)
{
    const struct grant_entry_v1 *grants = (const void *) memory;
    uint64_t frame = (gref + 1) * sizeof *grants <= bytes
                     ? grants[gref].frame : UINT64_MAX;

    if (frame >= bytes / XEN_PAGE_BYTES) {
        fprintf(stderr, "reference %"PRIu32" leads nowhere\n", gref);
        exit(1);
    }
    return memory + frame * XEN_PAGE_BYTES;
}

static void
list_ring(const char *name, const struct vif_journal_ring *ring,
          const void *page, size_t slot_bytes, size_t id_offset,
          const struct vif_journal_queue *q)
{
    struct vif_journal_rest rest;
    struct vif_ring_page indices;

    memcpy(&indices, page, sizeof indices);
    int error = vif_journal_rest(ring, &indices, &rest);
    if (error) {
        fprintf(stderr, "%s: %s\n", name, strerror(-error));
        exit(1);
    }

    printf("\"%s\": {\"rsp_prod\": %"PRIu32", \"journaled\": %"PRIu32
           ", \"unanswered\": [", name, rest.rsp_prod, rest.n_journaled);
    for (uint32_t i = 0; i < rest.n_unanswered; i++) {
        const uint8_t *slot = (const uint8_t *) page + 64
                              + (rest.rsp_prod + i) % VIF_RING_SLOTS
                                * slot_bytes;
        uint16_t id;

        if (i >= rest.n_journaled) {
            memcpy(&id, slot + id_offset, sizeof id);
        } else if (ring == &q->tx) {
            id = vif_journal_tx_answer(q, i).tx.id;
        } else {
            id = vif_journal_rx_answer(q, i).rx.id;
        }
        printf("%s%u", i ? ", " : "", id);
    }
    printf("]}");
}

int
main(int argc, char *argv[])
{
    uint64_t journal_bytes, memory_bytes;

    if (argc != 3) {
        fprintf(stderr, "usage: %s JOURNAL-FD MEMORY-FD\n", argv[0]);
        return 2;
    }
    const struct vif_journal *journal = map(argv[1], &journal_bytes);
    const uint8_t *memory = map(argv[2], &memory_bytes);
    if (!vif_journal_check(journal, journal_bytes)) {
        fprintf(stderr, "this is no journal\n");
        return 1;
    }

    printf("{\"domid\": %u, \"devid\": %"PRIu32", \"multicast\": %"PRIu32
           ", \"hash\": %"PRIu32", \"queues\": [",
           journal->frontend.domid, journal->devid, journal->mcast.n,
           journal->hash.algorithm);
    for (unsigned int i = 0; i < journal->frontend.n_queues; i++) {
        const struct vif_journal_queue *q = &journal->queues[i];

        printf("%s{\"mapped\": %"PRIu32", ", i ? ", " : "", q->n_grefs);
        list_ring("tx", &q->tx,
                  find_page(memory, memory_bytes, q->params.tx_gref),
                  sizeof(union netif_tx_sring_entry),
                  offsetof(struct netif_tx_request, id), q);
        printf(", ");
        list_ring("rx", &q->rx,
                  find_page(memory, memory_bytes, q->params.rx_gref),
                  sizeof(union netif_rx_sring_entry),
                  offsetof(struct netif_rx_request, id), q);
        printf("}");
    }
    printf("]}\n");
    return 0;
}
