/* In the bench's dom0: counts, in what xentrace(8) wrote, the hypercalls by which
 * some domains copy grants, the segments that they copy, and those on event
 * channels (xen/trace.h).  Records are of processors: which domain ran there is
 * in records of the scheduler's. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Else numbers of hypercalls are those of Xen 3. */
#define __XEN_INTERFACE_VERSION__ 0x00040e00

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/trace.h>

#define OP_MASK 0xfffffu                /* What is no flag of an argument. */

#define CPUS_MAX 64

struct counts {
    unsigned long copies, segments, events, lost;
};

static bool counted[DOMID_FIRST_RESERVED];
static uint32_t running[CPUS_MAX];      /* Domains, by processor. */
static uint32_t cpu;

static void
count_hypercall(struct counts *c, const uint32_t *extra, unsigned int n)
{
    uint32_t op = extra[0] & OP_MASK;

    if (op == __HYPERVISOR_event_channel_op) {
        c->events++;
    } else if (op == __HYPERVISOR_grant_table_op && n >= 3
               && extra[1] == GNTTABOP_copy) {
        c->copies++;
        c->segments += extra[2];
    }
}

static void
count(struct counts *c, uint32_t event, const uint32_t *extra, unsigned int n)
{
    if (event == TRC_LOST_RECORDS) {
        c->lost++;
    } else if (event == TRC_TRACE_CPU_CHANGE && n) {
        cpu = extra[0] % CPUS_MAX;
    } else if (event == TRC_SCHED_SWITCH && n >= 3) {
        running[cpu] = extra[2];
    } else if (event == TRC_PV_HYPERCALL_V2 && n
               && running[cpu] < DOMID_FIRST_RESERVED
               && counted[running[cpu]]) {
        count_hypercall(c, extra, n);
    }
}

int
main(int argc, char *argv[])
{
    FILE *file = argc > 2 ? fopen(argv[1], "r") : NULL;
    struct counts c = { 0 };
    uint32_t head, words[2 + TRACE_EXTRA_MAX];

    if (!file) {
        fprintf(stderr, "usage: hypercalls FILE DOMID...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        counted[atoi(argv[i]) % DOMID_FIRST_RESERVED] = true;
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
