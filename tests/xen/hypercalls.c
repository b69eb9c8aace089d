/* In the bench's dom0: counts, in what xentrace(8) wrote, the hypercalls that
 * copy grants, the segments that they copy, and those on event channels
 * (xen/trace.h). */

#include <stdint.h>
#include <stdio.h>

/* Else numbers of hypercalls are those of Xen 3. */
#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/trace.h>

#define OP_MASK 0xfffffu                /* What is no flag of an argument. */

struct counts {
    unsigned long copies, segments, events, lost;
};

static void
count(struct counts *c, uint32_t event, const uint32_t *extra, unsigned int n)
{
    if (event == TRC_LOST_RECORDS) {
        c->lost++;
    }
    if (event != TRC_PV_HYPERCALL_V2 || !n) {
        return;
    }

    uint32_t op = extra[0] & OP_MASK;
    if (op == __HYPERVISOR_event_channel_op) {
        c->events++;
    } else if (op == __HYPERVISOR_grant_table_op && n >= 3
               && extra[1] == GNTTABOP_copy) {
        c->copies++;
        c->segments += extra[2];
    }
}

int
main(int argc, char *argv[])
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    struct counts c = { 0 };
    uint32_t head, words[2 + TRACE_EXTRA_MAX];

    if (!file) {
        fprintf(stderr, "usage: hypercalls FILE\n");
        return 2;
    }
    while (fread(&head, sizeof head, 1, file) == 1) {
        unsigned int n_extra = head >> TRACE_EXTRA_SHIFT & TRACE_EXTRA_MAX;
        unsigned int n_cycles = head >> 31 ? 2 : 0;

        if (fread(words, sizeof words[0], n_cycles + n_extra, file)
            != n_cycles + n_extra) {
            break;
        }
        count(&c, head & ((1u << TRACE_EXTRA_SHIFT) - 1), words + n_cycles,
              n_extra);
    }
    fclose(file);
    printf("%lu %lu %lu %lu\n", c.copies, c.segments, c.events, c.lost);
    return 0;
}
