/* A guest that does anything to its rings, grants and events, as a script of
 * steps, against one queue of the backend; conn_model.h says what each burst
 * must do, byte by byte. */

#include <string.h>

#include "datapath/vif_grefs.h"
#include "tests/fuzz/conn_model.h"
#include "tests/fuzz/script.h"

#define OWN_DOMID 1u
#define GUEST_DOMID 7u
#define QUEUE 1u
#define N_QUEUES 2u

#define N_SMALL 4u
#define N_BIG 2u
#define SMALL_BYTES 2176u
#define HEADROOM_BYTES 128u
#define N_FRAMES 6u

/* The pages of the rings, and how they are granted at first. */
enum { TX_PAGE, RX_PAGE, N_RINGS };
#define TX_GREF GNTTAB_NR_RESERVED_ENTRIES
#define RX_GREF (GNTTAB_NR_RESERVED_ENTRIES + 1u)

struct run {
    struct script in;
    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_journal *journal;
    struct conn_model model;
    uint32_t tx_prod, rx_prod;          /* The guest's own. */

    uint32_t big_bytes, mtu_bytes;
    struct qos_node node;
    struct qos_leaf leaf;
    uint64_t now_ns;
    bool gated;

};

/* What the guest is to receive is part of this. */
static uint8_t pattern[65536 + N_FRAMES * 64];
static const struct xen_region frames_region = { pattern, sizeof pattern };

static struct vif_ring_page *
indices(const struct run *run, int page)
{
    return (struct vif_ring_page *) run->guest->pages[page];
}

static void
put_tx(struct run *run, const union vif_tx_slot *slot)
{
    memcpy(run->guest->pages[TX_PAGE] + 64
           + run->tx_prod++ % VIF_RING_SLOTS * sizeof *slot, slot,
           sizeof *slot);
}

static uint32_t
some_gref(struct run *run)
{
    uint8_t pick = next8(&run->in);

    return pick < 220 ? GNTTAB_NR_RESERVED_ENTRIES + pick % MODEL_PAGES
           : pick < 250 ? pick % MODEL_GREFS : next32(&run->in);
}

static void
put_extra(struct run *run, bool more)
{
    union vif_tx_slot slot = { .words = { 0 } };
    uint8_t type = next8(&run->in);

    slot.extra.type = type < 250 ? type % 6 : type;
    slot.extra.flags = more;
    if (slot.extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
        uint8_t pick = next8(&run->in);

        slot.extra.u.gso.size = pick * 8;
        slot.extra.u.gso.type = pick < 250 ? pick % 2 + 1 : pick;
    } else {
        slot.extra.u.mcast.addr[0] = next8(&run->in);
        slot.extra.u.mcast.addr[5] = next8(&run->in);
    }
    put_tx(run, &slot);
}

/* A frame as an honest frontend lays it out, more or less, so that scripts
 * get deep. */
static void
put_tx_frame(struct run *run)
{
    unsigned int n = next8(&run->in) % 22 + 1;
    uint32_t each = next8(&run->in) * 17u;
    uint8_t shape = next8(&run->in);
    unsigned int n_extras = shape % 4 == 0 ? shape / 4 % 6 : 0;

    for (unsigned int i = 0; i < n; i++) {
        union vif_tx_slot slot = { .req = {
            .gref = some_gref(run),
            .flags = (i + 1 < n ? NETTXF_more_data : 0)
                     | (!i && n_extras ? NETTXF_extra_info : 0)
                     | (!i ? shape >> 6 : 0),
            .id = run->tx_prod,
            .size = i ? each : 14 + n * each,
        } };

        slot.req.offset = i ? shape & 3 : 0;
        put_tx(run, &slot);
        for (unsigned int j = 0; !i && j < n_extras; j++) {
            put_extra(run, j + 1 < n_extras);
        }
    }
}

/* A dummy request that amends the multicast list, many times. */
static void
put_multicast(struct run *run)
{
    uint8_t begin = next8(&run->in);
    uint8_t n = next8(&run->in) % 80;
    uint8_t type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD + (n & 1);

    for (unsigned int i = 0; i < n; i++) {
        union vif_tx_slot slot = { .req = {
            .id = run->tx_prod, .flags = NETTXF_extra_info,
        } };

        put_tx(run, &slot);
        memset(&slot, 0, sizeof slot);
        slot.extra.type = type;
        slot.extra.u.mcast.addr[0] = 1;
        slot.extra.u.mcast.addr[5] = begin + i;
        put_tx(run, &slot);
    }
}

static void
put_raw(struct run *run)
{
    union vif_tx_slot slot;

    for (int i = 0; i < 3; i++) {
        slot.words[i] = next32(&run->in);
    }
    put_tx(run, &slot);
}

static void
put_rx(struct run *run)
{
    for (unsigned int n = next8(&run->in) % 60; n; n--) {
        struct netif_rx_request req = {
            .id = run->rx_prod, .gref = some_gref(run),
        };

        memcpy(run->guest->pages[RX_PAGE] + 64
               + run->rx_prod++ % VIF_RING_SLOTS * sizeof req, &req,
               sizeof req);
    }
}

static void
burst_tx(struct run *run)
{
    uint8_t n_buffers = next8(&run->in);
    struct vif_gate gate = { .leaf = run->gated ? &run->leaf : NULL,
                             .now_ns = run->now_ns };
    struct vif_supply supply = {
        .frame_bytes = run->mtu_bytes,
        .small = { &run->model.ours, SMALL_BYTES, HEADROOM_BYTES,
                   n_buffers % (N_SMALL + 1), { { 0 } } },
        .big = { &run->model.ours, run->big_bytes, HEADROOM_BYTES,
                 n_buffers / 8 % (N_BIG + 1), { { 0 } } },
    };

    for (unsigned int i = 0; i < N_SMALL; i++) {
        supply.small.stack[i] = (struct vif_buffer) {
            i * SMALL_BYTES, (void *) (uintptr_t) (i + 1),
        };
    }
    for (unsigned int i = 0; i < N_BIG; i++) {
        supply.big.stack[i] = (struct vif_buffer) {
            N_SMALL * SMALL_BYTES + (uint64_t) i * run->big_bytes,
            (void *) (uintptr_t) (i + 101),
        };
    }
    conn_model_tx(&run->model, &supply, next8(&run->in) % (N_FRAMES + 1),
                  &gate);
}

static void
burst_rx(struct run *run)
{
    struct vif_frame frames[N_FRAMES];
    unsigned int n = next8(&run->in) % (N_FRAMES + 1);

    for (unsigned int i = 0; i < n; i++) {
        uint16_t bytes = next16(&run->in);
        uint8_t what = next8(&run->in);

        /* Most are small. */
        frames[i] = (struct vif_frame) {
            .region = &frames_region,
            .bytes = bytes & 0x8000 ? bytes : bytes % 9000,
            .offset = i * 64,
            .flags = (what & 3) | (what & 4 ? VIF_FRAME_HASHED : 0),
            .gso_type = what >> 3 & 3,
            .gso_bytes = what >> 3 & 3 ? 1448 : 0,
            .hash_type = what >> 5,
            .hash = bytes * 2654435761u,
        };
        if (bytes == 0x8001) {
            frames[i].bytes = 65536;
        }
    }
    conn_model_rx(&run->model, frames, n);
}

static void
connect(struct run *run)
{
    run->journal->frontend.sg = next8(&run->in) % 4;
    int error = vif_conn_open(&xen_ops_fake, xen_fake_platform(run->fake),
                              run->journal, QUEUE, &run->model.conn);
    CHECK(!error == (run->model.conn != NULL));
    run->model.sg = run->journal->frontend.sg;
    run->model.headroom_bytes = run->journal->frontend.xdp_headroom_bytes;
    conn_model_opened(&run->model, error, TX_GREF, RX_GREF);
}

/* Puts a table that 'change' makes in force. */
static struct vif_grefs *
swap_grefs(struct run *run, struct vif_grefs *grefs)
{
    struct vif_grefs *old = vif_conn_set_grefs(run->model.conn, grefs);

    CHECK(vif_conn_grefs(run->model.conn) == grefs);
    return old;
}

static void
unmap(struct run *run, uint32_t gref)
{
    struct model_gref *known = &run->model.grefs[gref];

    xen_ops_fake.grant_unmap(xen_fake_platform(run->fake), GUEST_DOMID,
                             run->guest->pages[known->page], &gref, 1,
                             !known->readonly);
    known->mapped = false;
}

/* Maps a page for good, or lets it go. */
static void
change_mapping(struct run *run)
{
    uint32_t gref = next8(&run->in) % MODEL_GREFS;
    bool readonly = next8(&run->in) % 2;
    struct model_gref *known = &run->model.grefs[gref];
    struct vif_grefs *grefs
        = vif_grefs_copy(vif_conn_grefs(run->model.conn));
    void *page;

    CHECK(grefs);
    grefs->secret = 0x9e3779b1u;        /* The same at each run. */
    if (known->mapped) {
        CHECK(vif_grefs_remove(grefs, gref)
              == run->guest->pages[known->page]);
        vif_grefs_destroy(swap_grefs(run, grefs));
        unmap(run, gref);
    } else if (!xen_ops_fake.grant_map(xen_fake_platform(run->fake),
                                       GUEST_DOMID, &gref, 1, !readonly,
                                       &page)) {
        *known = (struct model_gref) {
            true, readonly, run->guest->grants[gref].frame,
        };
        CHECK(vif_grefs_add(grefs, &(struct vif_gref) {
            gref, readonly, page,
        }));
        vif_grefs_destroy(swap_grefs(run, grefs));
    } else {
        vif_grefs_destroy(grefs);
    }
}

static void
disconnect(struct run *run)
{
    if (!run->model.conn) {
        return;
    }
    vif_grefs_destroy(swap_grefs(run, NULL));
    for (uint32_t i = 0; i < MODEL_GREFS; i++) {
        if (run->model.grefs[i].mapped) {
            unmap(run, i);
        }
    }
    vif_conn_close(run->model.conn);
    run->model.conn = NULL;
}

static void
change_grant(struct run *run)
{
    uint8_t gref = next8(&run->in) % MODEL_GREFS;
    uint8_t how = next8(&run->in);
    uint32_t frame = next8(&run->in) % (MODEL_PAGES + 1);

    run->guest->grants[gref] = (struct grant_entry_v1) {
        .flags = how % 8,
        .domid = how < 192 ? OWN_DOMID : how,
        .frame = frame,
    };
}

static void
step(struct run *run)
{
    uint8_t op = next8(&run->in);
    uint8_t *page;

    if (!run->model.conn) {
        connect(run);
        return;
    }
    switch (op % 20) {
    case 0:
    case 1:
        put_tx_frame(run);
        indices(run, TX_PAGE)->req_prod = run->tx_prod;
        break;
    case 2:
        put_raw(run);
        break;
    case 3:
        put_multicast(run);
        indices(run, TX_PAGE)->req_prod = run->tx_prod;
        break;
    case 4:
        run->tx_prod += (int8_t) next8(&run->in);
        indices(run, TX_PAGE)->req_prod = run->tx_prod;
        break;
    case 5:
    case 6:
    case 7:
        burst_tx(run);
        break;
    case 8:
    case 9:
        put_rx(run);
        indices(run, RX_PAGE)->req_prod = run->rx_prod;
        break;
    case 10:
    case 11:
        burst_rx(run);
        break;
    case 12:
        run->rx_prod += (int8_t) next8(&run->in);
        indices(run, RX_PAGE)->req_prod = run->rx_prod;
        break;
    case 13:
        page = run->guest->pages[next8(&run->in) % MODEL_PAGES];
        page[next16(&run->in) % XEN_PAGE_BYTES] = next8(&run->in);
        break;
    case 14:
        change_grant(run);
        break;
    case 15:
        conn_model_arm(&run->model, op & 32);
        vif_conn_ack(run->model.conn);
        break;
    case 16:
        run->gated = op & 32;
        run->now_ns += next16(&run->in) * 10000u;
        break;
    case 17:
        run->model.hostile = true;
        run->model.revoked = next8(&run->in) % MODEL_GREFS;
        break;
    case 18:
        change_mapping(run);
        break;
    case 19:
        if (op & 32) {
            run->model.headroom_bytes = next16(&run->in)
                                        % (VIF_XDP_HEADROOM_MAX + 1);
            vif_conn_set_xdp_headroom(run->model.conn,
                                      run->model.headroom_bytes);
        } else {
            disconnect(run);
        }
        break;
    }
}

/* The guest: two rings, and pages full of what tells them apart, some of them
 * granted for reading only. */
static void
make_guest(struct run *run, uint32_t index)
{
    run->fake = xen_fake_create(OWN_DOMID);
    run->guest = xen_fake_add_guest(run->fake, GUEST_DOMID, MODEL_PAGES,
                                    MODEL_GREFS);
    for (uint32_t i = 0; i < MODEL_PAGES; i++) {
        uint32_t frame;
        uint8_t *page = fake_guest_page(run->guest, &frame);

        if (i >= N_RINGS) {
            memcpy(page, pattern + i * XEN_PAGE_BYTES, XEN_PAGE_BYTES);
        }
        fake_guest_grant(run->guest, frame, i >= N_RINGS && i % 2);
    }
    for (int i = 0; i < N_RINGS; i++) {
        *indices(run, i) = (struct vif_ring_page) {
            index, index + 1, index, index + 1,
        };
    }
    run->tx_prod = run->rx_prod = index;
}

static void
make_journal(struct run *run)
{
    uint32_t tx_port = fake_guest_alloc_port(run->guest);

    run->journal = calloc(1, sizeof *run->journal
                             + N_QUEUES * sizeof run->journal->queues[0]);
    CHECK(run->journal);
    run->journal->frontend = (struct vif_frontend) {
        .domid = GUEST_DOMID, .n_queues = N_QUEUES,
    };
    run->journal->frontend.queues[QUEUE] = (struct vif_queue_params) {
        TX_GREF, RX_GREF, tx_port,
        next8(&run->in) % 2 ? fake_guest_alloc_port(run->guest) : tx_port,
    };
}

/* Memory of 'big_bytes' for each big buffer, and what is expected in it: made
 * once, for it is large. */
static struct xen_region
get_memory(uint32_t big_bytes, uint8_t **expected)
{
    static struct {
        uint64_t bytes;
        uint8_t *ours, *expected;
    } memories[2];
    uint64_t bytes = N_SMALL * SMALL_BYTES + N_BIG * (uint64_t) big_bytes;
    int i = memories[0].bytes && memories[0].bytes != bytes;

    if (!memories[i].bytes) {
        memories[i].bytes = bytes;
        memories[i].ours = malloc(bytes);
        memories[i].expected = malloc(bytes);
        CHECK(memories[i].ours && memories[i].expected);
    }
    CHECK(memories[i].bytes == bytes);
    *expected = memories[i].expected;
    return (struct xen_region) { memories[i].ours, bytes };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t mtus[] = { 60, 1514, 2048, 9018 };
    static const struct qos_settings limit = {
        .rate_bps = 8000000, .burst_bytes = 70000, .rate_pps = 10000,
        .burst_packets = 40, .weight = 1,
    };
    struct run run = { .in = { data, size } };

    for (size_t i = 0; !pattern[1] && i < sizeof pattern; i++) {
        pattern[i] = i * 2654435761u >> 24;
    }
    make_guest(&run, next32(&run.in));
    make_journal(&run);
    run.mtu_bytes = mtus[next8(&run.in) % 4];
    run.big_bytes = next8(&run.in) % 4 ? 12000 : 65535 + HEADROOM_BYTES;
    uint8_t *expected;
    struct xen_region ours = get_memory(run.big_bytes, &expected);
    conn_model_init(&run.model, run.guest, ours, expected);
    run.model.vif = run.journal;
    run.model.journal = &run.journal->queues[QUEUE];
    qos_node_init(&run.node, NULL, &limit);
    qos_leaf_init(&run.leaf, &run.node);

    connect(&run);
    while (run.in.size) {
        step(&run);
    }

    disconnect(&run);
    conn_model_finish(&run.model);
    free(run.journal);
    xen_fake_destroy(run.fake);
    return 0;
}
