/* A guest that does anything to its rings, grants and events, as a script of
 * operations, against one queue of the backend.
 *
 * Checked after every burst: work is bounded, only published requests are
 * consumed, each is answered once and in its slot, frames keep within their
 * buffers, malice is for good. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/vif_conn.h"
#include "datapath/vif_judge.h"
#include "tests/fakes/vif_front.h"
#include "tests/fakes/xen_ops_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)
#define N_PAGES 12u                     /* Two are the rings. */
#define N_DATA_PAGES (N_PAGES - 2)
#define N_GRANTS 24u
#define N_BUFFERS 6u

static const uint32_t rooms[N_BUFFERS] = { 14, 60, 1514, 1518, 9018, 65535 };

struct run {
    const uint8_t *data;
    size_t size;

    struct xen_fake *fake;
    struct fake_guest *guest;
    struct vif_front front;
    struct vif_journal *journal;
    struct vif_conn *conn;
    struct vif_stats stats;
    struct qos_profile profile;
    struct qos_bucket bucket;
    uint64_t now_ns;
    bool gated;

    struct xen_region regions[N_BUFFERS];
    struct vif_frame frames[N_BUFFERS];

    union vif_tx_slot posted[FRONT_SLOTS];  /* What the guest put. */
    bool scribbled;                     /* 'posted' no longer says. */
    bool rings_moved;                   /* 'front' may not see our rings. */
};

static uint8_t
next8(struct run *run)
{
    if (!run->size) {
        return 0;
    }
    run->size--;
    return *run->data++;
}

static uint16_t
next16(struct run *run)
{
    uint16_t low = next8(run);

    return low | next8(run) << 8;
}

static uint32_t
next32(struct run *run)
{
    uint32_t low = next16(run);

    return low | (uint32_t) next16(run) << 16;
}

static void
connect(struct run *run)
{
    struct vif_frontend frontend = vif_front_frontend(&run->front);

    int error = vif_front_open(&run->front, &frontend, &run->journal,
                               &run->conn);
    CHECK(!error == (run->conn != NULL));
}

static void
disconnect(struct run *run)
{
    vif_conn_close(run->conn);
    free(run->journal);
    run->conn = NULL;
    run->journal = NULL;
}

static uint32_t
some_gref(struct run *run)
{
    uint8_t pick = next8(run);

    return pick < 200 ? GNTTAB_NR_RESERVED_ENTRIES + pick % N_PAGES
                      : next32(run);
}

static void
put_tx(struct run *run, const union vif_tx_slot *slot)
{
    run->posted[run->front.tx_prod % FRONT_SLOTS] = *slot;
    vif_front_tx_put(&run->front, &slot->req);
}

static void
put_tx_raw(struct run *run)
{
    union vif_tx_slot slot;

    for (int i = 0; i < 3; i++) {
        slot.words[i] = next32(run);
    }
    put_tx(run, &slot);
}

/* A frame as an honest frontend lays it out, so that scripts get deep. */
static void
put_tx_frame(struct run *run)
{
    unsigned int n = next8(run) % 22 + 1;
    uint32_t each = next8(run) * 17u;
    unsigned int n_extras = next8(run) % 8 == 0 ? next8(run) % 3 + 1 : 0;

    for (unsigned int i = 0; i < n; i++) {
        union vif_tx_slot slot = { .req = {
            .gref = some_gref(run),
            .flags = (i + 1 < n ? NETTXF_more_data : 0)
                     | (!i && n_extras ? NETTXF_extra_info : 0),
            .id = run->front.tx_prod,
            .size = i ? each : 14 + n * each,
        } };

        put_tx(run, &slot);
        for (unsigned int j = 0; !i && j < n_extras; j++) {
            union vif_tx_slot extra = { .words = { 0 } };

            extra.extra.type = next8(run) % 6;
            extra.extra.flags = j + 1 < n_extras;
            extra.extra.u.gso.size = 1448;
            extra.extra.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
            put_tx(run, &extra);
        }
    }
}

static void
reset_frames(struct run *run)
{
    for (unsigned int i = 0; i < N_BUFFERS; i++) {
        run->frames[i] = (struct vif_frame) { .region = &run->regions[i] };
    }
}

/* Looks at the responses that appeared from 'from' to 'to'. */
static void
check_tx_responses(const struct run *run, uint32_t from, uint32_t to)
{
    if (run->rings_moved) {
        return;
    }
    for (uint32_t i = from; i != to; i++) {
        struct netif_tx_response rsp = run->front.tx->ring[i % 256].rsp;

        CHECK(rsp.status == NETIF_RSP_OKAY || rsp.status == NETIF_RSP_ERROR
              || rsp.status == NETIF_RSP_NULL);
        if (!run->scribbled && rsp.status != NETIF_RSP_NULL) {
            CHECK(rsp.id == run->posted[i % FRONT_SLOTS].req.id);
        }
    }
}

static void
burst_tx(struct run *run)
{
    struct vif_gate gate = { 0 };
    struct xen_ops_counts counts = run->fake->counts;
    struct vif_conn_info before, after;
    unsigned int n = next8(run) % (N_BUFFERS + 1);
    bool malice = vif_conn_malice(run->conn);

    if (run->gated) {
        gate.bucket = &run->bucket;
        gate.profile = &run->profile;
    }
    struct vif_supply supply = {
        .frame_bytes = 1518,
        .small = { .region = &run->regions[3], .room_bytes = 1518, .n = 1 },
        .big = { .region = &run->regions[5], .room_bytes = 65535, .n = 1 },
    };
    vif_conn_info(run->conn, &before);
    int got = vif_conn_tx_burst(run->conn, &supply, run->frames, n, &gate,
                                &run->stats);
    vif_conn_info(run->conn, &after);

    uint32_t n_slots = after.tx_rsp_prod - before.tx_rsp_prod;
    if (got < 0) {
        CHECK(got == -EPROTO && vif_conn_malice(run->conn) && !n_slots);
        return;
    }
    CHECK(!malice);
    CHECK(got <= n);
    CHECK(n_slots <= FRONT_SLOTS);
    CHECK(n_slots <= before.tx_req_prod - before.tx_rsp_prod);
    CHECK(run->fake->counts.copy_calls - counts.copy_calls <= 1);
    CHECK(run->fake->counts.copy_segs - counts.copy_segs <= n_slots);
    CHECK(run->fake->counts.notifies - counts.notifies <= 1);
    if (n_slots && !run->rings_moved) {
        CHECK(run->front.tx->rsp_prod == after.tx_rsp_prod);
    }
    check_tx_responses(run, before.tx_rsp_prod, after.tx_rsp_prod);
    for (int i = 0; i < got; i++) {
        CHECK(run->frames[i].bytes >= VIF_FRAME_MIN_BYTES);
        CHECK(run->frames[i].offset + run->frames[i].bytes
              <= run->frames[i].region->bytes);
    }
    CHECK(!gate.blocked_bytes || run->gated);
}

/* The same for Rx; chains are whole. */
static void
check_rx_responses(const struct run *run, uint32_t from, uint32_t to)
{
    bool more = false;

    if (run->rings_moved) {
        return;
    }
    for (uint32_t i = from; i != to; i++) {
        struct netif_rx_response rsp = run->front.rx->ring[i % 256].rsp;

        CHECK(rsp.status == NETIF_RSP_ERROR
              || (rsp.status > 0 && rsp.status <= 4096 && !rsp.offset));
        more = rsp.status > 0 && rsp.flags & NETRXF_more_data;
    }
    CHECK(!more);
}

static void
burst_rx(struct run *run)
{
    struct xen_ops_counts counts = run->fake->counts;
    struct vif_conn_info before, after;
    unsigned int n = next8(run) % (N_BUFFERS + 1);
    uint32_t n_slots_max = 0;
    bool malice = vif_conn_malice(run->conn);

    reset_frames(run);
    for (unsigned int i = 0; i < n; i++) {
        uint32_t bytes = next16(run);

        run->frames[i].bytes = bytes < rooms[i] ? bytes : rooms[i];
        run->frames[i].flags = next8(run) & 3;
    }
    vif_conn_info(run->conn, &before);
    int used = vif_conn_rx_burst(run->conn, run->frames, n, &run->stats);
    vif_conn_info(run->conn, &after);

    uint32_t n_slots = after.rx_rsp_prod - before.rx_rsp_prod;
    if (used < 0) {
        CHECK(used == -EPROTO && vif_conn_malice(run->conn) && !n_slots);
        return;
    }
    CHECK(!malice);
    CHECK(used <= n);
    for (int i = 0; i < used; i++) {
        n_slots_max += (run->frames[i].bytes + 4095) / 4096;
    }
    CHECK(n_slots <= n_slots_max);
    CHECK(n_slots <= before.rx_req_prod - before.rx_rsp_prod);
    CHECK(run->fake->counts.copy_calls - counts.copy_calls <= 1);
    CHECK(run->fake->counts.copy_segs - counts.copy_segs == n_slots);
    CHECK(run->fake->counts.notifies - counts.notifies <= 1);

    check_rx_responses(run, before.rx_rsp_prod, after.rx_rsp_prod);
}

/* Writes anywhere on a ring page; its own indices included. */
static void
scribble(struct run *run)
{
    uint8_t *page = next8(run) % 2 ? (uint8_t *) run->front.tx
                                   : (uint8_t *) run->front.rx;
    uint16_t at = next16(run) % 4096;

    page[at] = next8(run);
    run->scribbled = true;
}

/* A guest may have us write into its rings: its own harm. */
static bool
grants_ring(const struct run *run, uint32_t gref)
{
    return gref < N_GRANTS
           && run->guest->grants[gref].frame < N_PAGES - N_DATA_PAGES;
}

static void
change_grant(struct run *run)
{
    uint32_t gref = next8(run) % N_GRANTS;

    run->guest->grants[gref] = (struct grant_entry_v1) {
        .flags = next8(run) % 8,
        .domid = next8(run) % 4 ? run->fake->own_domid : next16(run),
        .frame = next8(run) % (N_PAGES + 1),
    };
    run->scribbled |= grants_ring(run, gref);
    run->rings_moved |= gref == run->front.tx_gref
                        || gref == run->front.rx_gref;
}

static void
scribble_in_copy(struct xen_fake *fake, void *run_)
{
    struct run *run = run_;

    memset(run->front.tx->ring, 0xff, 512);
    memset(run->front.rx->ring, 0xff, 512);
    run->front.tx->req_prod += 3;
    run->scribbled = true;
    fake->before_copy = NULL;
}

static void
step(struct run *run)
{
    uint8_t op = next8(run);

    if (!run->conn) {
        connect(run);
        return;
    }
    switch (op % 16) {
    case 0:
    case 1:
        put_tx_frame(run);
        vif_front_tx_push(&run->front);
        break;
    case 2:
        put_tx_raw(run);
        break;
    case 3:
        vif_front_tx_push(&run->front);
        break;
    case 4:
        run->front.tx_prod += (int8_t) next8(run);
        run->scribbled = true;
        break;
    case 5:
    case 6:
        burst_tx(run);
        break;
    case 7:
        for (unsigned int n = next8(run) % 40; n; n--) {
            uint32_t gref = some_gref(run);

            vif_front_rx_put(&run->front, n, gref);
            run->scribbled |= grants_ring(run, gref);
        }
        vif_front_rx_push(&run->front);
        break;
    case 8:
    case 9:
        burst_rx(run);
        break;
    case 10:
        run->front.rx_prod += (int8_t) next8(run);
        break;
    case 11:
        scribble(run);
        break;
    case 12:
        change_grant(run);
        break;
    case 13:
        vif_conn_arm(run->conn, op & 16);
        vif_conn_ack(run->conn);
        fake_guest_kick(run->guest, run->front.tx_port);
        break;
    case 14:
        run->gated = op & 16;
        run->now_ns += next16(run) * 1000u;
        qos_bucket_refill(&run->bucket, &run->profile, run->now_ns);
        break;
    case 15:
        if (op & 16) {
            run->fake->before_copy = scribble_in_copy;
            run->fake->before_copy_aux = run;
        } else {
            disconnect(run);
        }
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .data = data, .size = size };

    run.fake = xen_fake_create(1);
    run.guest = xen_fake_add_guest(run.fake, 7, N_PAGES, N_GRANTS);
    vif_front_init(&run.front, run.guest, next32(&run), next8(&run) % 2);
    for (unsigned int i = 0; i < N_DATA_PAGES; i++) {
        uint32_t frame;

        fake_guest_page(run.guest, &frame);
        fake_guest_grant(run.guest, frame, i % 2);
    }
    for (unsigned int i = 0; i < N_BUFFERS; i++) {
        run.regions[i].bytes = rooms[i];
        run.regions[i].base = calloc(1, rooms[i]);
        CHECK(run.regions[i].base);
    }
    run.profile = (struct qos_profile) { 8000000, 4000 };
    qos_bucket_init(&run.bucket, &run.profile, 0);

    connect(&run);
    while (run.size) {
        step(&run);
    }

    disconnect(&run);
    xen_fake_destroy(run.fake);
    for (unsigned int i = 0; i < N_BUFFERS; i++) {
        free(run.regions[i].base);
    }
    return 0;
}
