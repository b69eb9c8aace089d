#include "datapath/vif_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t
vif_journal_bytes(unsigned int n_queues)
{
    return sizeof(struct vif_journal)
           + n_queues * sizeof(struct vif_journal_queue);
}

void
vif_journal_init(struct vif_journal *journal, uint32_t devid,
                 const struct vif_frontend *frontend)
{
    journal->bytes = vif_journal_bytes(frontend->n_queues);
    journal->devid = devid;
    journal->frontend = *frontend;
    vif_mcast_want(&journal->mcast, frontend->multicast_control);
    for (unsigned int i = 0; i < frontend->n_queues; i++) {
        journal->queues[i].params = frontend->queues[i];
    }
    journal->magic = VIF_JOURNAL_MAGIC;
}

int
vif_journal_create(const char *name, uint32_t devid,
                   const struct vif_frontend *frontend, int *fdp,
                   struct vif_journal **journalp)
{
    uint64_t bytes = vif_journal_bytes(frontend->n_queues);

    *fdp = -1;
    *journalp = NULL;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return -errno;
    }
    if (ftruncate(fd, bytes)
        || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
        int error = -errno;
        close(fd);
        return error;
    }

    struct vif_journal *journal = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                       MAP_SHARED, fd, 0);
    if (journal == MAP_FAILED) {
        int error = -errno;
        close(fd);
        return error;
    }
    vif_journal_init(journal, devid, frontend);
    *fdp = fd;
    *journalp = journal;
    return 0;
}

void
vif_journal_destroy(struct vif_journal *journal, int fd)
{
    if (journal) {
        munmap(journal, vif_journal_bytes(journal->frontend.n_queues));
        close(fd);
    }
}

bool
vif_journal_check(const struct vif_journal *journal, uint64_t bytes)
{
    return (bytes >= sizeof *journal
            && journal->magic == VIF_JOURNAL_MAGIC
            && journal->frontend.n_queues >= 1
            && journal->frontend.n_queues <= VIF_QUEUES_MAX
            && journal->bytes == vif_journal_bytes(journal->frontend.n_queues)
            && journal->bytes <= bytes);
}

int
vif_journal_rest(const struct vif_journal_ring *ring,
                 const struct vif_ring_page *page,
                 struct vif_journal_rest *rest)
{
    uint64_t state = __atomic_load_n(&ring->state, __ATOMIC_ACQUIRE);
    uint32_t rsp_prod = state;
    uint32_t n = state >> 32;

    if (n > VIF_RING_SLOTS) {
        return -EPROTO;
    }
    if (page->rsp_prod == rsp_prod + n) {
        rsp_prod += n;                  /* It came as far as publishing. */
        n = 0;
    } else if (page->rsp_prod != rsp_prod) {
        return -EPROTO;
    }

    uint32_t n_unanswered = page->req_prod - rsp_prod;
    if (n_unanswered > VIF_RING_SLOTS || n > n_unanswered) {
        return -EPROTO;
    }
    *rest = (struct vif_journal_rest) { rsp_prod, n, n_unanswered };
    return 0;
}

union vif_response
vif_journal_tx_answer(const struct vif_journal_queue *queue, uint32_t i)
{
    return queue->tx.responses[i % VIF_RING_SLOTS];
}

union vif_response
vif_journal_rx_answer(const struct vif_journal_queue *queue, uint32_t i)
{
    union vif_response answer = { .bits = 0 };

    answer.rx.id = queue->rx_ids[i % VIF_RING_SLOTS];
    answer.rx.status = NETIF_RSP_ERROR;
    return answer;
}
