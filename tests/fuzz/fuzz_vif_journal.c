/* A journal of any bytes, as a successor finds it, beside any indices on the
 * ring's page: nothing is read beyond it, and what is accepted adds up. */

#include <string.h>

#include "datapath/vif_journal.h"
#include "tests/fuzz/script.h"

/* Only the head is the input's; the rest is as large as it says it is, and
 * the check must see if it is not. */
static void
fuzz_check(struct script *in)
{
    struct vif_journal head = { 0 };
    uint64_t n_queues = next8(in) % (VIF_QUEUES_MAX + 2);
    uint64_t own_bytes = sizeof head
                         + n_queues * sizeof(struct vif_journal_queue);
    uint64_t bytes = own_bytes + (int8_t) next8(in);

    head.magic = next8(in) % 8 ? VIF_JOURNAL_MAGIC : next32(in);
    head.bytes = next8(in) % 8 ? own_bytes : next32(in);
    head.frontend.n_queues = next8(in) % 8 ? n_queues : next32(in);

    uint64_t allocated = bytes < sizeof head ? bytes : sizeof head;
    void *file = malloc(allocated);
    CHECK(file);
    memcpy(file, &head, allocated);
    if (vif_journal_check(file, bytes)) {
        CHECK(head.magic == VIF_JOURNAL_MAGIC);
        CHECK(head.frontend.n_queues && head.frontend.n_queues <= 8);
        CHECK(sizeof head + head.frontend.n_queues
                            * sizeof(struct vif_journal_queue) <= bytes);
        CHECK(head.bytes <= bytes);
    }
    free(file);
}

static void
fuzz_rest(struct script *in)
{
    uint32_t base = next32(in);
    uint8_t how = next8(in);
    uint32_t n = how & 1 ? next16(in) % 300 : next32(in);
    uint32_t moved = how & 2 ? next8(in) : how & 4 ? n : 0;
    struct vif_journal_ring ring = { .state = vif_journal_state(base, n) };
    struct vif_ring_page page = { .rsp_prod = base + moved };
    struct vif_journal_rest rest;

    if (how & 8) {
        page.rsp_prod = next32(in);
    }
    page.req_prod = how & 16 ? next32(in) : base + next16(in) % 600;
    int error = vif_journal_rest(&ring, &page, &rest);

    /* What was published is what was before this batch, or all of it. */
    bool published = page.rsp_prod == base + n, before = page.rsp_prod == base;
    uint32_t waiting = page.req_prod - page.rsp_prod;
    bool sound = n <= 256 && (published || before) && waiting <= 256
                 && (published || waiting >= n);
    CHECK(!error == sound);
    if (!error) {
        CHECK(rest.rsp_prod == page.rsp_prod);
        CHECK(rest.n_unanswered == waiting);
        CHECK(rest.n_journaled == (published ? 0 : n));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, size };

    while (in.size) {
        if (next8(&in) % 2) {
            fuzz_check(&in);
        } else {
            fuzz_rest(&in);
        }
    }
    return 0;
}
