/* A frontend's nodes with any values: what comes out is within the bounds
 * that the datapath counts on, work is bounded, and a refusal says why.  The
 * first byte of the input is the number of queues that we offer. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/frontend_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)
#define READS_MAX (16 + 5 * VIF_QUEUES_MAX)

static void
check_frontend(const struct vif_frontend *f, unsigned int max_queues)
{
    CHECK(f->domid == 7);
    CHECK(f->n_queues >= 1 && f->n_queues <= VIF_QUEUES_MAX);
    CHECK(f->n_queues <= max_queues);
    CHECK(f->xdp_headroom_bytes <= VIF_XDP_HEADROOM_MAX);
    CHECK(!f->gso_v4 || (f->sg && f->csum_v4));
    CHECK(!f->gso_v6 || (f->sg && f->csum_v6));
    for (unsigned int i = 0; i < f->n_queues; i++) {
        CHECK(f->queues[i].tx_gref != f->queues[i].rx_gref);
        CHECK(!f->has_ctrl || (f->ctrl_gref != f->queues[i].tx_gref
                               && f->ctrl_gref != f->queues[i].rx_gref
                               && f->ctrl_port != f->queues[i].tx_port
                               && f->ctrl_port != f->queues[i].rx_port));
        for (unsigned int j = 0; j < i; j++) {
            CHECK(f->queues[i].tx_gref != f->queues[j].tx_gref);
            CHECK(f->queues[i].tx_gref != f->queues[j].rx_gref);
            CHECK(f->queues[i].rx_gref != f->queues[j].rx_gref);
            CHECK(f->queues[i].tx_port != f->queues[j].tx_port);
            CHECK(f->queues[i].tx_port != f->queues[j].rx_port);
            CHECK(f->queues[i].rx_port != f->queues[j].rx_port);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }

    struct frontend_text text = { (const char *) data + 1, size - 1, 0 };
    struct frontend_nodes nodes = frontend_text_nodes(&text);
    unsigned int max_queues = 1 + data[0] % 16;
    char why[VIF_WHY_BYTES] = "";
    struct vif_frontend frontend;
    uint16_t headroom_bytes;
    bool on;

    int error = frontend_parse(&nodes, 7, max_queues, &frontend, why);
    CHECK(text.n_reads <= READS_MAX);
    CHECK(!error || error == -EIO || why[0]);
    CHECK(memchr(why, '\0', sizeof why));
    if (!error) {
        check_frontend(&frontend, max_queues);
        CHECK(!frontend_parse_multicast_control(&nodes, &on));
        CHECK(on == frontend.multicast_control);
        CHECK(!frontend_parse_xdp_headroom(&nodes, &headroom_bytes));
        CHECK(headroom_bytes == frontend.xdp_headroom_bytes);
    }
    return 0;
}
