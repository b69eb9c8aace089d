/* Any bytes in the ring pages that a guest shares with its backend: no read
 * or write outside the guest's own pages, no endless loop, and every frame
 * that is let through has sane bounds. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "tools/guest/memory.h"
#include "tools/guest/rx_ring.h"
#include "tools/guest/tx_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The input's first byte says how many frames are sent; the rest is laid over
 * the ring's page. */
static void
scribble(void *page, const uint8_t *data, size_t bytes)
{
    memcpy(page, data, bytes < RING_PAGE_BYTES ? bytes : RING_PAGE_BYTES);
}

static void
receive(struct guest_memory *memory, const uint8_t *data, size_t bytes)
{
    struct rx_counters counters = { .frames = 0 };
    const struct offload_set takes = {
        .csum4 = bytes & 1, .gso4 = bytes & 2, .gso6 = bytes & 4,
    };
    struct rx_ring rx;
    struct rx_frame frame;
    uint32_t n = 0;

    if (rx_ring_init(&rx, memory, 1, &takes, &counters)) {
        abort();
    }
    scribble(rx.shared, data, bytes);
    rx.shared->rsp_prod %= RING_SLOTS + 2;
    while (rx_ring_take(&rx, &frame) > 0) {
        uint32_t sum = 0;

        assert(frame.n_iov && frame.n_iov <= RING_FRAME_SLOTS_MAX);
        for (uint32_t i = 0; i < frame.n_iov; i++) {
            const uint8_t *base = frame.iov[i].iov_base;
            size_t at = base - memory->base;

            assert(at % RING_PAGE_BYTES + frame.iov[i].iov_len
                   <= RING_PAGE_BYTES);
            assert(at + frame.iov[i].iov_len <= memory->bytes);
            sum += frame.iov[i].iov_len;
        }
        assert(!frame.offload.csum_blank || takes.csum4);
        assert(!frame.offload.gso_bytes || takes.gso4 || takes.gso6);
        assert(sum == frame.bytes && sum >= 14 && sum <= UINT16_MAX);
        assert(++n <= RING_SLOTS);
    }
    rx_ring_arm(&rx);
    rx_ring_release(&rx);
    rx_ring_finish(&rx);
}

static void
transmit(struct guest_memory *memory, const uint8_t *data, size_t bytes,
         uint32_t n_frames)
{
    struct tx_counters counters = { .frames = 0 };
    struct tx_ring tx;

    if (tx_ring_init(&tx, memory, 1, &counters)) {
        abort();
    }
    const struct frame_offload gso = {
        .csum_blank = true, .gso_bytes = 1448, .gso_type = 1,
    };
    for (uint32_t i = 0; i < n_frames && tx_ring_has_room(&tx, 2); i++) {
        tx_ring_put(&tx, 60, i % 4 == 3 ? &gso : NULL);
    }
    tx_ring_push(&tx);
    scribble(tx.shared, data, bytes);
    if (!tx_ring_reap(&tx)) {
        assert(tx.n_free + tx_ring_owed(&tx) - tx.n_extras == RING_SLOTS);
        assert(tx_ring_room(&tx) <= tx.n_free);
        tx_ring_arm(&tx, n_frames & 1);
    }
    tx_ring_finish(&tx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct guest_memory memory;

    if (!memory.base && guest_memory_init(&memory, 4096)) {
        abort();
    }
    if (bytes) {
        receive(&memory, data + 1, bytes - 1);
        transmit(&memory, data + 1, bytes - 1, data[0]);
        assert(!memory.n_held);
        assert(memory.n_free == 4096 - memory.n_grant_pages);
    }
    return 0;
}
