/* A guest that writes anything to its control ring, and to the tables that
 * its requests name, as a script, with two queues of a vif.
 *
 * A model of the hash's state and of what is mapped says how each request is
 * to be answered.  Checked besides: each is answered once and in order, work
 * per turn is bounded and turns are apart, no more pages are mapped than the
 * tables say, and none is unmapped while a polling thread may use it. */

#include <string.h>

#include "datapath/vif_ctrl.h"
#include "datapath/vif_grefs.h"
#include "datapath/vif_journal.h"
#include "tests/fakes/xen_ops_fake.h"
#include "tests/fuzz/script.h"

#define OWN_DOMID 1u
#define GUEST_DOMID 7u
#define N_QUEUES 2u
#define N_PAGES 16u
#define N_GRANTS 600u
#define FIRST_GREF GNTTAB_NR_RESERVED_ENTRIES
#define N_TABLES 3u                     /* Pages that requests name. */
#define CTRL_SLOTS 128u
#define FLAGS_ALL 0xfu
#define ANSWERS_MAX 8u                  /* Per turn. */
#define LATER UINT32_MAX                /* No status. */

enum { CTRL_PAGE, FIRST_RING_PAGE, FIRST_TABLE = FIRST_RING_PAGE + 4 };

struct run {
    struct script in;
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_journal *journal;
    struct vif_conn *queues[N_QUEUES];
    struct vif_ctrl *ctrl;
    struct xen_netif_ctrl_sring *ring;
    uint32_t prod;
    uint64_t now_ns;

    /* The model. */
    struct vif_hash hash;
    bool mapped[N_QUEUES][N_GRANTS], readonly[N_QUEUES][N_GRANTS];
    unsigned int n_mapped;
    unsigned int n_baseline;            /* Mapped besides: the rings. */
    bool malice;

    unsigned int n_set_hash;
    uint8_t *ring_then;                 /* The ring's page, as it was when
                                         * the request was handled. */

    /* A removal that waits. */
    void (*retired)(void *);
    void *retired_arg;
    struct xen_netif_ctrl_request removal;
    uint32_t n_removed;
    void (*tables[64])(void *);         /* To be freed. */
    void *table_args[64];
    unsigned int n_tables;
};

static void
set_hash(void *run_, const struct vif_hash *hash)
{
    struct run *run = run_;

    for (unsigned int i = 0; i < hash->n_mapping; i++) {
        CHECK(hash->mapping[i] < N_QUEUES);
    }
    CHECK(hash->n_mapping <= VIF_HASH_MAPPING_MAX);
    run->n_set_hash++;
}

/* A removal is finished later; a table that was replaced by a larger one is
 * only freed. */
static void
retire(void *run_, void (*done)(void *), void *arg)
{
    struct run *run = run_;

    if (vif_ctrl_busy(run->ctrl)) {
        CHECK(!run->retired);
        run->retired = done;
        run->retired_arg = arg;
    } else {
        CHECK(run->n_tables < 64);
        run->tables[run->n_tables] = done;
        run->table_args[run->n_tables++] = arg;
    }
}

static void
free_tables(struct run *run)
{
    while (run->n_tables) {
        run->n_tables--;
        run->tables[run->n_tables](run->table_args[run->n_tables]);
    }
}

static const struct vif_ctrl_ops owner_ops = { set_hash, retire };

static uint8_t *
table(struct run *run, unsigned int i)
{
    return run->guest->pages[FIRST_TABLE + i % N_TABLES];
}

/* The page of a table, if it can be read, or written. */
static uint8_t *
granted(struct run *run, uint32_t gref, bool write)
{
    if (gref >= N_GRANTS) {
        return NULL;
    }

    const struct grant_entry_v1 *entry = &run->guest->grants[gref];
    bool ok = (entry->flags & GTF_type_mask) == GTF_permit_access
              && entry->domid == OWN_DOMID && entry->frame < N_PAGES
              && !(write && entry->flags & GTF_readonly);
    return (!ok ? NULL : entry->frame == CTRL_PAGE && run->ring_then
            ? run->ring_then : run->guest->pages[entry->frame]);
}

/* How a request about hashing is to be answered; the state as it is then. */
static uint32_t
model_hash(struct run *run, const struct xen_netif_ctrl_request *req,
           uint32_t *data)
{
    struct vif_hash *hash = &run->hash;
    const uint8_t *page;

    *data = 0;
    switch (req->type) {
    case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
        if (req->data[0] > 1) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        hash->algorithm = req->data[0];
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
        if (!hash->algorithm) {
            return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        }
        *data = FLAGS_ALL;
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
        if (!hash->algorithm) {
            return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        }
        if (req->data[0] > FLAGS_ALL) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        hash->flags = req->data[0];
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
        if (req->data[1] > 40) {
            return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
        }
        page = granted(run, req->data[0], false);
        if (!page && req->data[1]) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        memset(hash->key, 0, sizeof hash->key);
        if (req->data[1]) {
            memcpy(hash->key, page, req->data[1]);
        }
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
        *data = 128;
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
        if (req->data[0] > 128) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        hash->n_mapping = req->data[0];
        memset(hash->mapping, 0, sizeof hash->mapping);
        return XEN_NETIF_CTRL_STATUS_SUCCESS;

    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
        if (req->data[1] > 128) {
            return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
        }
        page = granted(run, req->data[0], false);
        if ((uint64_t) req->data[2] + req->data[1] > hash->n_mapping
            || (!page && req->data[1])) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        for (uint32_t i = 0; i < req->data[1]; i++) {
            uint32_t queue;

            memcpy(&queue, page + i * 4, sizeof queue);
            if (queue >= N_QUEUES) {
                return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
            }
        }
        for (uint32_t i = 0; i < req->data[1]; i++) {
            hash->mapping[req->data[2] + i] = page[i * 4];
        }
        return XEN_NETIF_CTRL_STATUS_SUCCESS;
    }
    return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
}

static uint32_t
model_add(struct run *run, const struct xen_netif_ctrl_request *req,
          const struct xen_netif_gref *list)
{
    uint32_t queue = req->data[0], n = 0;

    for (uint32_t i = 0; i < N_GRANTS; i++) {
        n += run->mapped[queue][i];
    }
    for (uint32_t i = 0; i < req->data[2]; i++) {
        bool readonly = list[i].flags & XEN_NETIF_CTRLF_GREF_readonly;

        if (list[i].flags & ~XEN_NETIF_CTRLF_GREF_readonly
            || !granted(run, list[i].ref, !readonly)
            || run->mapped[queue][list[i].ref] || ++n > VIF_GREFS_MAX) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (list[j].ref == list[i].ref) {
                return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
            }
        }
    }
    for (uint32_t i = 0; i < req->data[2]; i++) {
        run->mapped[queue][list[i].ref] = true;
        run->readonly[queue][list[i].ref]
            = list[i].flags & XEN_NETIF_CTRLF_GREF_readonly;
        run->n_mapped++;
    }
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* The pages are out of the table at once; the answer comes later. */
static void
model_delete(struct run *run, const struct xen_netif_ctrl_request *req,
             const struct xen_netif_gref *list)
{
    uint32_t queue = req->data[0];

    run->removal = *req;
    run->n_removed = 0;
    for (uint32_t i = 0; i < req->data[2]; i++) {
        if (list[i].ref < N_GRANTS && run->mapped[queue][list[i].ref]) {
            run->mapped[queue][list[i].ref] = false;
            run->n_removed++;
        }
    }
}

/* Returns how 'req' is to be answered; LATER: not now. */
static uint32_t
model(struct run *run, const struct xen_netif_ctrl_request *req,
      uint32_t *data)
{
    struct xen_netif_gref list[VIF_GREFS_MAX];

    *data = 0;
    if (req->type < XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE
        || req->type > XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING) {
        return model_hash(run, req, data);
    }
    if (req->data[0] >= N_QUEUES) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    if (req->type == XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE) {
        *data = VIF_GREFS_MAX;
        return XEN_NETIF_CTRL_STATUS_SUCCESS;
    }

    const uint8_t *page = granted(run, req->data[1], false);
    if (req->data[2] > VIF_GREFS_MAX || (!page && req->data[2])) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    if (req->data[2]) {
        memcpy(list, page, req->data[2] * sizeof list[0]);
    }
    if (req->type == XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING) {
        return model_add(run, req, list);
    }
    model_delete(run, req, list);
    return LATER;
}

/* What is mapped is what the model says. */
static void
compare_maps(struct run *run)
{
    CHECK(run->fake->n_mapped == run->n_baseline + run->n_mapped);
    for (unsigned int q = 0; q < N_QUEUES; q++) {
        const struct vif_grefs *grefs = vif_conn_grefs(run->queues[q]);
        uint32_t n = 0;

        for (uint32_t i = 0; i < N_GRANTS; i++) {
            const struct vif_gref *found = vif_grefs_find(grefs, i);

            CHECK((found != NULL) == run->mapped[q][i]);
            CHECK(!found || found->readonly == run->readonly[q][i]);
            n += found != NULL;
        }
        CHECK(run->journal->queues[q].n_grefs == n);
    }
}

/* A turn: the requests that it answers, and how. */
static void
turn(struct run *run)
{
    union {
        struct xen_netif_ctrl_sring ring;
        uint8_t bytes[XEN_PAGE_BYTES];
    } then;
    bool was_busy = vif_ctrl_busy(run->ctrl);
    unsigned int n_mapped = run->fake->n_mapped;
    uint32_t old = run->journal->ctrl_rsp_prod;

    memcpy(&then, run->ring, sizeof then);
    run->now_ns += next8(&run->in) * UINT64_C(200000);
    uint64_t next_ns = vif_ctrl_run(run->ctrl, run->now_ns);
    uint32_t n = run->journal->ctrl_rsp_prod - old;
    bool busy = vif_ctrl_busy(run->ctrl);

    CHECK(n <= ANSWERS_MAX && (!n || (!was_busy && !run->malice)));
    CHECK(!n || then.ring.req_prod - old <= CTRL_SLOTS);
    CHECK(!run->malice || !next_ns);
    run->malice = !next_ns;
    if (n) {
        CHECK(run->ring->rsp_prod == old + n);
        CHECK(!next_ns || next_ns > run->now_ns);
    }
    run->ring_then = then.bytes;
    for (uint32_t i = old; i != old + n; i++) {
        union xen_netif_ctrl_sring_entry *slot
            = &then.ring.ring[i % CTRL_SLOTS];
        const struct xen_netif_ctrl_response *rsp
            = &run->ring->ring[i % CTRL_SLOTS].rsp;
        struct xen_netif_ctrl_request req = slot->req;
        uint32_t data;
        uint32_t status = model(run, &req, &data);

        CHECK(status != LATER);
        CHECK(rsp->id == req.id && rsp->type == req.type);
        CHECK(rsp->status == status && rsp->data == data);
        slot->rsp = *rsp;
        then.ring.rsp_prod = i + 1;
    }
    if (busy && !was_busy) {
        /* The pages stay mapped until no thread uses them. */
        uint32_t data;

        CHECK(model(run, &then.ring.ring[(old + n) % CTRL_SLOTS].req, &data)
              == LATER);
        CHECK(run->fake->n_mapped >= n_mapped);
    }
    run->ring_then = NULL;
    compare_maps(run);
    CHECK(!memcmp(&run->hash, &run->journal->hash, sizeof run->hash));
}

/* No polling thread has the old table any more. */
static void
grace(struct run *run)
{
    uint32_t i = run->journal->ctrl_rsp_prod;
    void (*done)(void *) = run->retired;
    unsigned int n_mapped = run->fake->n_mapped;
    uint32_t status = XEN_NETIF_CTRL_STATUS_SUCCESS;

    free_tables(run);
    if (!done) {
        return;
    }
    if (run->removal.data[2] && !granted(run, run->removal.data[1], true)) {
        status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    run->retired = NULL;
    done(run->retired_arg);
    run->n_mapped -= run->n_removed;

    const struct xen_netif_ctrl_response *rsp
        = &run->ring->ring[i % CTRL_SLOTS].rsp;
    CHECK(run->journal->ctrl_rsp_prod == i + 1 && !vif_ctrl_busy(run->ctrl));
    CHECK(run->ring->rsp_prod == i + 1);
    CHECK(rsp->id == run->removal.id && rsp->type == run->removal.type);
    CHECK(rsp->status == status && rsp->data == run->n_removed);
    CHECK(n_mapped - run->fake->n_mapped == run->n_removed);
    compare_maps(run);
}

static void
put(struct run *run)
{
    uint8_t what = next8(&run->in);
    uint8_t pick = next8(&run->in);
    struct xen_netif_ctrl_request req = {
        .id = run->prod,
        .type = what % 12,
    };
    uint32_t gref = FIRST_GREF + FIRST_TABLE + pick % N_TABLES;

    switch (req.type) {
    case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
        req.data[0] = gref;
        req.data[1] = next8(&run->in) % 48;
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
        req.data[0] = gref;
        req.data[1] = next8(&run->in) % 136;
        req.data[2] = next8(&run->in) % 136;
        break;
    case XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING:
    case XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING:
        req.data[0] = pick / 8 % (N_QUEUES + 1);
        req.data[1] = gref;
        req.data[2] = pick & 0x80 ? next16(&run->in) % 520
                                  : next8(&run->in) % 16;
        break;
    default:
        req.data[0] = pick % 144;
        break;
    }
    if (what >= 200) {
        req.data[what % 3] = next32(&run->in);
    }
    run->ring->ring[run->prod++ % CTRL_SLOTS].req = req;
    run->ring->req_prod = run->prod;
}

/* Fills a table with queues, or with references. */
static void
fill(struct run *run)
{
    uint8_t which = next8(&run->in);
    uint32_t begin = next16(&run->in) % N_GRANTS;
    uint32_t *words = (uint32_t *) table(run, which);

    for (uint32_t i = 0; i < 128 && which & 0x80; i++) {
        words[i] = (begin + i) % 4 % (which & 0x40 ? 2 : 3);
    }
    for (uint32_t i = 0; i < VIF_GREFS_MAX && !(which & 0x80); i++) {
        struct xen_netif_gref *entry = &((struct xen_netif_gref *) words)[i];

        entry->ref = (begin + i) % N_GRANTS;
        entry->flags = which >> 4 & 1;
        entry->status = 0;
    }
}

static void
step(struct run *run)
{
    uint8_t op = next8(&run->in);
    uint8_t *page;
    uint16_t at;

    switch (op % 12) {
    case 0:
    case 1:
    case 2:
        put(run);
        break;
    case 3:
    case 4:
        fill(run);
        break;
    case 5:
        page = op & 0x80 ? (uint8_t *) run->ring : table(run, op);
        at = next16(&run->in) % XEN_PAGE_BYTES;
        page[op & 0x40 ? at % 64 : at] = next8(&run->in);
        break;
    case 6:
    case 7:
    case 8:
        turn(run);
        break;
    case 9:
        grace(run);
        break;
    case 10:
        run->guest->grants[FIRST_GREF + FIRST_TABLE + op / 16 % N_TABLES]
            .flags = next8(&run->in) % 8;
        break;
    case 11:
        if (op & 0x80) {
            run->prod += (int8_t) next8(&run->in);
            run->ring->req_prod = run->prod;
        } else {
            uint32_t gref = next16(&run->in) % N_GRANTS;

            run->guest->grants[gref].flags = next8(&run->in) % 8;
        }
        break;
    }
}

static void
make_guest(struct run *run, uint32_t index)
{
    run->fake = xen_fake_create(OWN_DOMID);
    run->guest = xen_fake_add_guest(run->fake, GUEST_DOMID, N_PAGES,
                                    N_GRANTS);
    for (uint32_t i = FIRST_GREF; i < N_GRANTS; i++) {
        uint32_t frame = (i - FIRST_GREF) % N_PAGES;

        if (i - FIRST_GREF < N_PAGES) {
            fake_guest_page(run->guest, &frame);
        }
        fake_guest_grant(run->guest, frame, i >= 400 && i % 5 == 0);
    }
    run->ring = (struct xen_netif_ctrl_sring *) run->guest->pages[CTRL_PAGE];
    run->ring->req_prod = run->ring->rsp_prod = run->prod = index;
    run->ring->req_event = run->ring->rsp_event = index + 1;
}

static void
open_vif(struct run *run)
{
    run->journal = calloc(1, sizeof *run->journal
                             + N_QUEUES * sizeof run->journal->queues[0]);
    CHECK(run->journal);
    run->journal->frontend = (struct vif_frontend) {
        .domid = GUEST_DOMID, .n_queues = N_QUEUES, .has_ctrl = true,
        .ctrl_gref = FIRST_GREF + CTRL_PAGE,
        .ctrl_port = fake_guest_alloc_port(run->guest),
    };
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        uint32_t port = fake_guest_alloc_port(run->guest);

        run->journal->frontend.queues[i] = (struct vif_queue_params) {
            FIRST_GREF + FIRST_RING_PAGE + 2 * i,
            FIRST_GREF + FIRST_RING_PAGE + 2 * i + 1, port, port,
        };
        CHECK(!vif_conn_open(&xen_ops_fake, xen_fake_platform(run->fake),
                             run->journal, i, &run->queues[i]));
    }
    CHECK(!vif_ctrl_open(&xen_ops_fake, xen_fake_platform(run->fake),
                         run->journal, run->queues, &owner_ops, run,
                         &run->ctrl));
    run->n_baseline = run->fake->n_mapped;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run *run = calloc(1, sizeof *run);

    CHECK(run);
    run->in = (struct script) { data, size };
    make_guest(run, next32(&run->in));
    open_vif(run);
    while (run->in.size && run->n_tables < 60) {
        step(run);
    }

    grace(run);
    vif_ctrl_close(run->ctrl);
    CHECK(run->fake->n_mapped == 2 * N_QUEUES);
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        vif_conn_close(run->queues[i]);
    }
    xen_fake_destroy(run->fake);
    free(run->journal);
    free(run);
    return 0;
}
