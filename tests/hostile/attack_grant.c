/* Grants that are bad, revoked, someone else's, or taken away; and memory
 * that is not what it was. */

#include "tests/hostile/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/io/xenbus.h>

#include "xenlocal/xenlocal.h"

#define BAD_FRAMES 100u

/* Sends frames from pages whose grants are, in turn, good and 'bad': each bad
 * one is lost, each good one arrives. */
static int
send_bad(struct hostile *h, uint32_t (*bad)(struct hostile *, unsigned int))
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < BAD_FRAMES; i++) {
        hostile_tx_frame(h, 2 * i, 60)->gref
            = bad(h, (2 * i) % HOSTILE_SLOTS);
        hostile_expect(h, "tx_drop_grant", 1, 1);
        hostile_tx_frame(h, 2 * i + 1, 60);
    }
    hostile_tx_push(h);
    h->accounted = true;
    if (hostile_tx_settle(h)) {
        return -1;
    }
    return h->error == BAD_FRAMES && h->okay == BAD_FRAMES
           ? 0 : hostile_fail(h, "%d frames were answered as good",
                              (int) h->okay);
}

static uint32_t
no_such_grant(struct hostile *h, unsigned int i)
{
    static const uint32_t grefs[] = {
        0xffffffff, 0x80000000, 0x7fffffff, 65536, 4096, 7, 0,
    };

    return grefs[i % 7];
}

static uint32_t
revoked(struct hostile *h, unsigned int i)
{
    hostile_entry(h, h->tx_pages[i])->flags = GTF_invalid;
    return h->tx_pages[i];
}

static uint32_t
for_another(struct hostile *h, unsigned int i)
{
    const uint16_t domids[] = { 0, h->domain.domid, 0x7ff0, 0xffff };

    hostile_entry(h, h->tx_pages[i])->domid = domids[i / 2 % 4];
    return h->tx_pages[i];
}

static uint32_t
no_such_page(struct hostile *h, unsigned int i)
{
    static const uint32_t frames[] = { 4096, 0x7fffffff, 0xffffffff };

    hostile_entry(h, h->tx_pages[i])->frame = frames[i % 3];
    return h->tx_pages[i];
}

static uint32_t
other_kind(struct hostile *h, unsigned int i)
{
    static const uint16_t kinds[] = {
        GTF_accept_transfer, GTF_transitive,
        GTF_permit_access | GTF_sub_page,
    };

    hostile_entry(h, h->tx_pages[i])->flags = kinds[i % 3];
    return h->tx_pages[i];
}

#define BAD(NAME, WHICH)                                                    \
    static int                                                              \
    NAME(struct hostile *h)                                                 \
    {                                                                       \
        return send_bad(h, WHICH);                                          \
    }

BAD(gref_none, no_such_grant)
BAD(gref_revoked, revoked)
BAD(gref_foreign, for_another)
BAD(gref_page, no_such_page)
BAD(gref_kind, other_kind)

/* The ring, and the grant table itself, as a frame: pages like any other. */
static int
gref_of_ring(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    struct hostile_queue *q = &h->queues[0];
    hostile_entry(h, h->tx_pages[2])->frame = 0;
    uint32_t grefs[] = { q->tx.gref, q->rx.gref, h->tx_pages[2] };

    for (unsigned int i = 0; i < 99; i++) {
        hostile_tx_frame(h, i, 1514)->gref = grefs[i % 3];
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* One bad page among 18 loses the frame, whole. */
static int
gref_in_chain(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int bad = 0; bad < XEN_NETIF_NR_SLOTS_MIN; bad++) {
        if (hostile_tx_room(h, XEN_NETIF_NR_SLOTS_MIN)) {
            return -1;
        }
        for (unsigned int i = 0; i < XEN_NETIF_NR_SLOTS_MIN; i++) {
            struct netif_tx_request *req = hostile_tx(h);

            req->gref = i == bad ? 77777 : h->tx_pages[i];
            req->size = i ? 80 : 1440;
            req->flags = i + 1 < XEN_NETIF_NR_SLOTS_MIN ? NETTXF_more_data
                                                        : 0;
        }
        h->frames++;
        hostile_expect(h, "tx_drop_grant", 1, 1);
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* Races. */

static void
turn_revoke(struct hostile *h, uint64_t i)
{
    uint32_t gref = h->tx_pages[i % HOSTILE_SLOTS];

    __atomic_store_n(&hostile_entry(h, gref)->flags,
                     i / HOSTILE_SLOTS & 1 ? GTF_permit_access | GTF_readonly
                                           : GTF_invalid, __ATOMIC_RELEASE);
}

static void
turn_owner(struct hostile *h, uint64_t i)
{
    uint32_t gref = h->tx_pages[i % HOSTILE_SLOTS];

    __atomic_store_n(&hostile_entry(h, gref)->domid,
                     i / HOSTILE_SLOTS & 1 ? h->backend_domid : 0,
                     __ATOMIC_RELEASE);
}

static void
turn_frame(struct hostile *h, uint64_t i)
{
    uint32_t gref = h->tx_pages[i % HOSTILE_SLOTS];

    __atomic_store_n(&hostile_entry(h, gref)->frame,
                     i / HOSTILE_SLOTS & 1 ? gref : 0xfffffff0,
                     __ATOMIC_RELEASE);
}

static void
turn_punch(struct hostile *h, uint64_t i)
{
    uint32_t page = h->tx_pages[i % HOSTILE_SLOTS];

    fallocate(h->memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              (off_t) page * HOSTILE_PAGE_BYTES, HOSTILE_PAGE_BYTES);
}

/* Sends honest frames while 'turn' runs; each passes or is dropped. */
static int
race(struct hostile *h, void (*turn)(struct hostile *, uint64_t))
{
    struct hostile_racer racer;
    uint64_t until_ns = hostile_now_ns() + h->seconds * 1e9;

    if (hostile_connect(h) || hostile_race_begin(h, &racer, turn)) {
        return -1;
    }
    int error = 0;
    for (unsigned int i = 0; !error && hostile_now_ns() < until_ns; i++) {
        error = hostile_tx_room(h, 1);
        hostile_tx_frame(h, i, 1514);
    }
    hostile_tx_push(h);
    error = error ? error : hostile_tx_settle(h);
    hostile_race_end(h, &racer);
    hostile_expect(h, "tx_drop_grant", h->error, h->error);
    h->accounted = true;
    return error;
}

static int
race_revoke(struct hostile *h)
{
    return race(h, turn_revoke);
}

static int
race_owner(struct hostile *h)
{
    return race(h, turn_owner);
}

static int
race_frame(struct hostile *h)
{
    return race(h, turn_frame);
}

/* Holes in the memory are pages of zeros. */
static int
memory_punched(struct hostile *h)
{
    return race(h, turn_punch);
}

/* A hole where the ring is: both indices become 0. */
static int
ring_punched(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    for (unsigned int i = 0; i < 5; i++) {
        hostile_tx_frame(h, i, 60);
    }
    hostile_tx_push(h);
    if (hostile_tx_settle(h)) {
        return -1;
    }
    fallocate(h->memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
              (off_t) h->queues[0].tx.gref * HOSTILE_PAGE_BYTES,
              HOSTILE_PAGE_BYTES);
    guest_channel_kick(h->queues[0].tx.channel);
    return hostile_wait_cut_off(h);
}

/* The grant table is gone while everything is in use. */
static int
table_cleared(struct hostile *h)
{
    if (hostile_connect(h)) {
        return -1;
    }
    memset(h->memory.base, 0, h->memory.n_grant_pages * HOSTILE_PAGE_BYTES);
    for (unsigned int i = 0; i < BAD_FRAMES; i++) {
        hostile_tx_frame(h, i, 60);
        hostile_expect(h, "tx_drop_grant", 1, 1);
    }
    hostile_tx_push(h);
    h->accounted = true;
    return hostile_tx_settle(h);
}

/* Memory. */

/* Offers 'fd' as our memory on a connection of its own.  Returns the broker's
 * answer; the connection stays open. */
static int
offer(struct hostile *h, int fd, uint64_t bytes)
{
    char path[256];
    struct xenlocal_request request = {
        .op = XENLOCAL_SET_MEMORY,
        .bytes = bytes,
        .count = h->memory.n_grant_pages,
    };
    struct xenlocal_reply reply;

    if (!xenlocal_socket_path(path, sizeof path, h->xen_dir,
                              h->domain.domid, "broker.sock")) {
        return -ENAMETOOLONG;
    }
    int sock = xenlocal_connect(path);
    return sock < 0 ? sock : xenlocal_call(sock, &request, fd, &reply, NULL);
}

static int
memory_can_shrink(struct hostile *h)
{
    static const int seals[] = {
        0, F_SEAL_GROW, F_SEAL_SHRINK,
        F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE,
    };
    int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (hostile_connect(h)) {
        return -1;
    }
    if (fd < 0 || ftruncate(fd, h->memory.bytes)
        || (seals[h->variant]
            && fcntl(fd, F_ADD_SEALS, seals[h->variant]))) {
        return hostile_fail(h, "no memfd");
    }
    int error = offer(h, fd, h->memory.bytes);
    close(fd);
    if (!error) {
        return hostile_fail(h, "the broker took memory that can shrink or "
                            "cannot be written to");
    }
    if (!ftruncate(h->memory.fd, 0)) {
        return hostile_fail(h, "memory in use was shrunk");
    }
    return 0;
}

static int
memory_replaced(struct hostile *h)
{
    struct guest_memory other;

    if (hostile_connect(h) || guest_memory_init(&other, 4096)) {
        return -1;
    }
    int error = offer(h, other.fd, other.bytes);
    if (error) {
        return hostile_fail(h, "the broker did not take a second memory "
                            "(%d)", error);
    }
    munmap(h->memory.base, h->memory.bytes);
    close(h->memory.fd);
    h->memory.fd = other.fd;
    h->memory.base = other.base;
    hostile_sleep_ms(50);
    guest_channel_kick(&h->queues[0].channels[0]);
    return 0;
}

static int
memory_sealed_late(struct hostile *h)
{
    if (hostile_wait_backend(h, XenbusStateInitWait, 5000)
        || hostile_prepare(h)) {
        return -1;
    }
    fcntl(h->memory.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE);
    hostile_write_keys(h);
    hostile_set_state(h, XenbusStateConnected);
    if (hostile_answer(h) != 0) {
        return hostile_fail(h, "the backend took memory that it cannot "
                            "write to");
    }
    /* For who comes after us. */
    struct guest_memory other;
    if (guest_memory_init(&other, 4096) || offer(h, other.fd, other.bytes)) {
        return hostile_fail(h, "no second memory");
    }
    h->memory.fd = other.fd;
    h->memory.base = other.base;
    return 0;
}

const struct hostile_attack hostile_grant[] = {
    { "gref_of_no_grant", HOSTILE_DROPS, NULL,
      "sends frames with references beyond the table, and to empty entries",
      gref_none, 1 },
    { "gref_revoked", HOSTILE_DROPS, NULL,
      "sends frames from pages whose grants were withdrawn", gref_revoked,
      1 },
    { "gref_of_other_domain", HOSTILE_DROPS, NULL,
      "sends frames from pages that were granted to other domains",
      gref_foreign, 1 },
    { "gref_of_no_page", HOSTILE_DROPS, NULL,
      "sends frames from grants of pages that it does not have", gref_page,
      1 },
    { "gref_of_other_kind", HOSTILE_DROPS, NULL,
      "sends frames from transfer, transitive and sub-page grants",
      gref_kind, 1 },
    { "gref_of_ring_page", HOSTILE_NOTHING, NULL,
      "sends its rings and its grant table as frames", gref_of_ring, 1 },
    { "gref_bad_in_chain", HOSTILE_DROPS, NULL,
      "sends frames of 18 slots, each with one bad page", gref_in_chain, 1 },
    { "race_grant_revoked", HOSTILE_DROPS, NULL,
      "a thread withdraws and gives grants of frames on their way",
      race_revoke, 1 },
    { "race_grant_owner", HOSTILE_DROPS, NULL,
      "a thread changes whom grants of frames on their way are for",
      race_owner, 1 },
    { "race_grant_page", HOSTILE_DROPS, NULL,
      "a thread changes which page a grant is of, to one that is not",
      race_frame, 1 },
    { "race_memory_punched", HOSTILE_DROPS, NULL,
      "a thread takes pages out of the memory while frames are copied",
      memory_punched, 1 },
    { "ring_punched", HOSTILE_QUARANTINE, "ran away",
      "takes the Tx ring's page out of the memory", ring_punched, 1 },
    { "grant_table_cleared", HOSTILE_DROPS, NULL,
      "clears its grant table while connected", table_cleared, 1 },
    { "memory_can_shrink", HOSTILE_NOTHING, NULL,
      "offers memory without the seals, and tries to shrink its own",
      memory_can_shrink, 4 },
    { "memory_replaced", HOSTILE_NOTHING, NULL,
      "offers another memory while connected, and unmaps the first",
      memory_replaced, 1 },
    { "memory_sealed_late", HOSTILE_REFUSED, "cannot attach",
      "seals its memory against writing before it connects",
      memory_sealed_late, 1 },
    { NULL },
};
