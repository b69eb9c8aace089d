/* Any answers on the guest's control ring: its script stays on its way, lists
 * only its own pages, and comes to an end; any producer index and any bytes
 * in the ring do no harm. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/control_script.h"
#include "tools/guest/ctrl_ring.h"
#include "tools/guest/memory.h"
#include "tools/guest/ring_index.h"
#include "tools/guest/rx_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define N_QUEUES 2
#define STEPS_MAX 32

struct input {
    const uint8_t *data;
    size_t bytes;
};

static uint8_t
next(struct input *in)
{
    return in->bytes ? in->bytes--, *in->data++ : 0;
}

/* Answers the script's requests; returns how many there were. */
static int
converse(struct control_script *s, struct input *in)
{
    static uint64_t table[RING_PAGE_BYTES / sizeof(uint64_t)];
    struct xen_netif_ctrl_request req;
    int n;

    for (n = 0; control_script_next(s, table, 1, &req); n++) {
        uint8_t b = next(in);
        const struct xen_netif_ctrl_response rsp = {
            .id = req.id + (b & 0x80 ? 1 : 0),
            .type = req.type + (b & 0x40 ? 1 : 0),
            .status = b & 7,
            .data = b & 8 ? UINT32_MAX : next(in),
        };

        assert(req.type != XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
               || (req.data[2] && req.data[2] <= 512));
        if (!control_script_answer(s, &req, &rsp)) {
            assert(b & 0xc0);
            return n;
        }
        assert(n < STEPS_MAX);
    }
    assert(control_script_is_done(s));
    return n;
}

static void
scribble(struct guest_memory *memory, struct input *in)
{
    const struct xen_netif_ctrl_request req = { .type = 1 };
    struct xen_netif_ctrl_response rsp;
    struct ctrl_ring ring;
    uint32_t n = next(in), taken = 0;

    if (ctrl_ring_init(&ring, memory, 1)) {
        abort();
    }
    for (uint32_t i = 0; i < n; i++) {
        assert(ctrl_ring_put(&ring, &req) == (i < CTRL_RING_SLOTS));
    }
    ctrl_ring_push(&ring);
    memcpy(ring.shared, in->data,
           in->bytes < RING_PAGE_BYTES ? in->bytes : RING_PAGE_BYTES);
    while (ctrl_ring_take(&ring, &rsp) > 0) {
        assert(++taken <= n);
    }
    ctrl_ring_arm(&ring);
    ctrl_ring_finish(&ring);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct guest_memory memory;
    static struct tx_ring tx;
    static struct rx_ring rx;
    struct input in = { data, bytes };
    const struct control_wishes wishes = {
        .hash = bytes & 1, .hash_key_bytes = 40,
        .persistent_grants = bytes & 2,
    };
    struct control_script s;

    if (!memory.base && guest_memory_init(&memory, 4096)) {
        abort();
    }
    control_script_init(&s, &wishes, N_QUEUES);
    for (int i = 0; i < N_QUEUES; i++) {
        s.tx[i] = &tx;
        s.rx[i] = &rx;
    }
    converse(&s, &in);
    control_script_unmap(&s);
    converse(&s, &in);
    if (s.step == CONTROL_END) {
        assert(!control_script_mapped(&s));
    }
    scribble(&memory, &in);
    return 0;
}
