#include <config.h>

#include "datapath/turn.h"

#include <time.h>

#include "datapath/doorbell.h"
#include "datapath/isolation.h"
#include "ovs-thread.h"
#include "qos/cpu.h"
#include "util.h"

/* How long the thread was not running is asked for that often, and when a turn
 * took that long: it is a system call. */
#define LOOK_NS 1000000u
#define LONG_NS 60000u

atomic_bool isolation_on = ATOMIC_VAR_INIT(true);

struct turns {
    struct qos_cpu cpu;
    uint64_t rounds;                    /* As the doorbell counts them. */

    /* The turn that is under way. */
    unsigned int account;
    uint64_t began_ns, owes_ns, others_ns;
    unsigned int n_frames;
    bool more;

    /* When the thread's own clock was read last. */
    uint64_t looked_ns, looked_cpu_ns, slept_ns;
    uint64_t away_ns;                   /* Not yet taken off anybody's. */
};

DEFINE_PER_THREAD_MALLOCED_DATA(struct turns *, turns);

static uint64_t
thread_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static struct turns *
turns_here(void)
{
    struct turns *here = turns_get();

    if (OVS_UNLIKELY(!here)) {
        here = xzalloc(sizeof *here);   /* Once a thread. */
        here->account = QOS_CPU_NONE;
        here->looked_ns = here->began_ns = doorbell_now_ns();
        here->looked_cpu_ns = thread_cpu_ns();
        turns_set_unsafe(here);
    }
    return here;
}

/* Finds out how long the thread neither ran nor slept since the last time. */
static void
look(struct turns *here, uint64_t now_ns)
{
    uint64_t cpu_ns = thread_cpu_ns();
    uint64_t there_ns = cpu_ns - here->looked_cpu_ns + here->slept_ns;
    uint64_t passed_ns = now_ns - here->looked_ns;

    here->looked_ns = now_ns;
    here->looked_cpu_ns = cpu_ns;
    here->slept_ns = 0;
    here->away_ns += passed_ns - MIN(passed_ns, there_ns);
}

void
turn_end(uint64_t now_ns)
{
    struct turns *here = turns_here();
    uint64_t used_ns = now_ns - here->began_ns;

    if (OVS_UNLIKELY(used_ns > LONG_NS
                     || now_ns - here->looked_ns > LOOK_NS)) {
        look(here, now_ns);
    }
    if (OVS_UNLIKELY(here->away_ns)) {
        /* Mostly in this turn, or else in all of them alike. */
        uint64_t away_ns = MIN(used_ns, here->away_ns);

        used_ns -= away_ns;
        here->away_ns -= away_ns;
    }
    used_ns -= MIN(used_ns, here->others_ns);
    qos_cpu_charge(&here->cpu, here->account, used_ns + here->owes_ns,
                   here->n_frames, here->more);
    here->account = QOS_CPU_NONE;
    here->owes_ns = here->others_ns = 0;
    here->n_frames = 0;
    here->more = false;
}

unsigned int
turn_begin(struct turn *t, uint64_t polled_ns, uint64_t now_ns,
           unsigned int max)
{
    struct turns *here = turns_here();
    uint64_t rounds = doorbell_rounds();

    if (OVS_UNLIKELY(rounds != here->rounds)) {
        here->rounds = rounds;
        qos_cpu_round(&here->cpu);
    }
    here->slept_ns += now_ns - polled_ns;
    here->began_ns = now_ns;
    if (!t->key) {
        return max;
    }
    t->account = qos_cpu_account(&here->cpu, t->key, t->account);
    here->account = t->account;

    unsigned int may = qos_cpu_turn(&here->cpu, t->account, t->n_queues,
                                    t->quantum_ns, max);
    return OVS_LIKELY(isolation_is_on()) ? may : max;
}

void
turn_for_others(uint64_t ns)
{
    turns_here()->others_ns += ns;
}

void
turn_brought(unsigned int n_frames, bool more)
{
    struct turns *here = turns_here();

    here->n_frames = n_frames;
    here->more = more;
}

void
turn_owe(uint64_t ns)
{
    turns_here()->owes_ns += ns;
}

uint64_t
turn_told(const struct turn *t)
{
    return qos_cpu_told(&turns_here()->cpu, t->account);
}
