#include "tests/unit/isolation_world.h"

#include <stdlib.h>
#include <string.h>

#include "qos/cpu.h"
#include "qos/fair.h"
#include "qos/limit.h"

#define SECOND_NS UINT64_C(1000000000)
#define RUN_NS (SECOND_NS / 2)
#define BURST 32u
#define EMPTY_NS 100u                   /* A look at a ring. */

/* The link: 1 Gbit/s, and what waits in front of it. */
#define LINK_BPS UINT64_C(1000000000)
#define DEVICE_FRAMES 1024u             /* A device's own ring. */
#define ENOUGH_BYTES (256u * 1024)

/* The victim: 10,000 frames of 200 bytes a second, which is guaranteed. */
#define VICTIM_EVERY_NS 100000u
#define VICTIM_BYTES 200u
#define VICTIM_FRAME_NS 250u
#define VICTIM_FRAMES (RUN_NS / VICTIM_EVERY_NS)
#define VICTIM_GUARANTEE_BPS UINT64_C(20000000)

/* As the data path's. */
#define UPCALLS_PER_S 4000u
#define UPCALLS_BURST 4000u

#define QUEUE_MAX 65536u

enum { VICTIM, ATTACKER, N_VIFS };

struct frame {
    uint32_t bytes;
    uint64_t came_ns;                   /* Into the victim's ring. */
    uint8_t vif;
};

/* Frames in front of the link, of one vif or of both. */
struct queue {
    unsigned int head, n;
    uint64_t bytes;
    struct frame frames[QUEUE_MAX];
};

struct world {
    const struct attack *attack;
    bool on, there, spins;              /* Isolation, attacker, spinner. */
    uint64_t now_ns, link_free_ns;
    struct qos_cpu cpu;
    struct qos_limit upcalls;
    uint64_t rest, attack_next_ns, victim_next_ns;
    struct qos_fair fair;
    struct queue queues[N_VIFS];        /* Off: all is in the first. */
    struct isolation_result *result;
    unsigned int n_delays;
    uint64_t delays_ns[VICTIM_FRAMES + 1];
};

static uint64_t
wire_ns(uint32_t bytes)
{
    return bytes * 8 * SECOND_NS / LINK_BPS;
}

static struct frame *
first(struct queue *q)
{
    return &q->frames[q->head];
}

static void
pop(struct queue *q)
{
    q->bytes -= first(q)->bytes;
    q->head = (q->head + 1) % QUEUE_MAX;
    q->n--;
}

static void
leave(struct world *w, const struct frame *frame)
{
    uint64_t begin_ns = w->link_free_ns > frame->came_ns ? w->link_free_ns
                                                         : frame->came_ns;

    w->link_free_ns = begin_ns + wire_ns(frame->bytes);
    if (frame->vif == VICTIM) {
        w->delays_ns[w->n_delays++] = w->link_free_ns - frame->came_ns;
    } else {
        w->result->attacker_frames++;
    }
}

/* What the link carried until now. */
static void
run_link(struct world *w)
{
    while (w->link_free_ns <= w->now_ns) {
        bool guaranteed = false;
        unsigned int i = 0;

        if (w->on) {
            i = qos_fair_next(&w->fair, w->now_ns, &guaranteed);
            if (i == QOS_FAIR_NONE) {
                break;
            }
        } else if (!w->queues[0].n) {
            break;
        }

        struct queue *q = &w->queues[i];
        struct frame frame = *first(q);
        pop(q);
        if (w->on) {
            qos_fair_sent(&w->fair, i, guaranteed, q->n ? first(q)->bytes : 0,
                          w->now_ns);
        }
        leave(w, &frame);
    }
    if (w->link_free_ns < w->now_ns) {
        w->link_free_ns = w->now_ns;
    }
}

static void
put(struct world *w, unsigned int vif, uint32_t bytes, uint64_t came_ns)
{
    struct queue *q = &w->queues[w->on ? vif : 0];

    if (q->n >= (w->on ? QUEUE_MAX : DEVICE_FRAMES)) {
        w->result->n_lost += vif == VICTIM;
        return;
    }
    q->frames[(q->head + q->n++) % QUEUE_MAX]
        = (struct frame) { bytes, came_ns, vif };
    q->bytes += bytes;
    if (w->on) {
        uint64_t guarantee_bps = vif == VICTIM ? VICTIM_GUARANTEE_BPS : 0;

        qos_fair_wait(&w->fair, vif, first(q)->bytes, 1, guarantee_bps,
                      guarantee_bps / 800, w->now_ns);
    }
}

static unsigned int
turn(struct world *w, unsigned int vif, unsigned int max)
{
    unsigned int account = qos_cpu_account(&w->cpu, 1 + vif, vif);

    return w->on ? qos_cpu_turn(&w->cpu, account, 1, QOS_CPU_QUANTUM_NS,
                                max) : max;
}

static void
charge(struct world *w, unsigned int vif, uint64_t ns, unsigned int n,
       bool wants)
{
    w->now_ns += ns;
    run_link(w);
    qos_cpu_charge(&w->cpu, qos_cpu_account(&w->cpu, 1 + vif, vif), ns, n,
                   wants);
}

static void
poll_victim(struct world *w)
{
    unsigned int max = turn(w, VICTIM, BURST), n = 0;
    uint64_t came_ns[BURST];

    while (n < max && w->victim_next_ns <= w->now_ns
           && w->result->n_sent < VICTIM_FRAMES) {
        came_ns[n++] = w->victim_next_ns;
        w->victim_next_ns += VICTIM_EVERY_NS;
        w->result->n_sent++;
    }
    charge(w, VICTIM, EMPTY_NS + n * VICTIM_FRAME_NS, n,
           w->victim_next_ns <= w->now_ns);
    for (unsigned int i = 0; i < n; i++) {
        put(w, VICTIM, VICTIM_BYTES, came_ns[i]);
    }
}

/* How many frames the attacker's gate lets into the switch. */
static unsigned int
gate(struct world *w, unsigned int n)
{
    const struct attack *a = w->attack;

    if (!w->on || !n) {
        return n;
    }
    if ((a->new_flow && qos_limit_ready_ns(&w->upcalls, 1, 0, w->now_ns)
                        > w->now_ns)
        || w->queues[ATTACKER].bytes >= ENOUGH_BYTES) {
        return 0;
    }
    return n;
}

static void
poll_attacker(struct world *w)
{
    const struct attack *a = w->attack;
    unsigned int max = turn(w, ATTACKER, a->burst), n = 0;

    if (!a->every_ns) {
        n = max;
    } else {
        while (n < max && w->attack_next_ns <= w->now_ns) {
            w->attack_next_ns += a->every_ns;
            n++;
        }
    }
    n = gate(w, n);
    if (a->new_flow && w->on && n) {
        qos_limit_owe(&w->upcalls, n, w->now_ns, &w->rest);
    }
    charge(w, ATTACKER, EMPTY_NS + n * a->frame_ns, n, n && !a->every_ns);
    for (unsigned int i = 0; i < n * a->wire_frames; i++) {
        put(w, ATTACKER, a->frame_bytes / a->wire_frames, w->now_ns);
    }
}

/* Whoever takes the attacker's time takes it in pieces of the quantum. */
static void
poll_spinner(struct world *w)
{
    if (turn(w, ATTACKER, 1)) {
        charge(w, ATTACKER, QOS_CPU_QUANTUM_NS, 1, true);
    }
}

static int
compare(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
run(struct world *w)
{
    while (w->now_ns < SECOND_NS + RUN_NS) {
        poll_victim(w);
        if (w->spins) {
            poll_spinner(w);
        } else if (w->there) {
            poll_attacker(w);
        }
        qos_cpu_round(&w->cpu);
    }
}

void
isolation_run(const struct attack *attack, enum isolation_arm arm,
              struct isolation_result *result)
{
    struct world *w = calloc(1, sizeof *w);

    memset(result, 0, sizeof *result);
    w->attack = attack;
    w->on = arm != ARM_OFF;
    w->there = arm == ARM_ATTACKED || arm == ARM_OFF;
    w->spins = arm == ARM_SPINNER;
    w->now_ns = w->link_free_ns = w->attack_next_ns = w->victim_next_ns
        = SECOND_NS;
    w->result = result;
    qos_fair_init(&w->fair);
    qos_limit_init(&w->upcalls, QOS_PACKETS, UPCALLS_PER_S, UPCALLS_BURST);
    run(w);

    for (unsigned int i = 0; i < w->n_delays; i++) {
        result->mean_ns += w->delays_ns[i];
    }
    result->mean_ns /= w->n_delays;
    qsort(w->delays_ns, w->n_delays, sizeof w->delays_ns[0], compare);
    result->p99_ns = w->delays_ns[w->n_delays * 99 / 100];
    free(w);
}
