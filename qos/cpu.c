#include "qos/cpu.h"

#include "qos/minmax.h"

/* Those that nobody polls any more make room. */
static void
sweep(struct qos_cpu *cpu)
{
    for (unsigned int i = 0; i < cpu->n_accounts;) {
        if (cpu->accounts[i].round == cpu->round) {
            i++;
        } else {
            cpu->accounts[i] = cpu->accounts[--cpu->n_accounts];
        }
    }
}

void
qos_cpu_round(struct qos_cpu *cpu)
{
    uint64_t allowed_ns = UINT64_MAX;

    sweep(cpu);
    for (unsigned int i = 0; i < cpu->n_accounts; i++) {
        const struct qos_cpu_account *a = &cpu->accounts[i];

        if (a->wants && !a->waits) {
            allowed_ns = min(allowed_ns, a->used_ns);
        }
    }
    for (unsigned int i = 0; i < cpu->n_accounts; i++) {
        struct qos_cpu_account *a = &cpu->accounts[i];

        a->debt_ns = min(a->debt_ns + a->used_ns, QOS_CPU_DEBT_MAX_NS);
        a->debt_ns -= min(a->debt_ns, allowed_ns);
        a->used_ns = 0;
        a->wants = a->waits = false;
    }
    cpu->allowed_ns = allowed_ns;
    cpu->round++;
}

unsigned int
qos_cpu_account(struct qos_cpu *cpu, uint64_t key, unsigned int hint)
{
    unsigned int i = hint;

    if (i >= cpu->n_accounts || cpu->accounts[i].key != key) {
        for (i = 0; i < cpu->n_accounts && cpu->accounts[i].key != key; i++) {
            continue;
        }
        if (i >= QOS_CPU_ACCOUNTS) {
            return QOS_CPU_NONE;
        }
        if (i == cpu->n_accounts) {
            cpu->accounts[cpu->n_accounts++]
                = (struct qos_cpu_account) { .key = key };
        }
    }
    cpu->accounts[i].round = cpu->round;
    return i;
}

unsigned int
qos_cpu_turn(struct qos_cpu *cpu, unsigned int account, unsigned int n_turns,
             uint64_t quantum_ns, unsigned int max)
{
    if (account == QOS_CPU_NONE) {
        return max;
    }

    struct qos_cpu_account *a = &cpu->accounts[account];
    if (a->debt_ns && a->debt_ns >= cpu->allowed_ns) {
        a->waits = true;
        return 0;
    }
    if ((uint64_t) a->frame_ns * n_turns * max <= quantum_ns) {
        return max;
    }

    unsigned int n = quantum_ns / n_turns / a->frame_ns;
    return n ? n : 1;
}

void
qos_cpu_charge(struct qos_cpu *cpu, unsigned int account, uint64_t used_ns,
               unsigned int n_frames, bool wants)
{
    if (account == QOS_CPU_NONE) {
        return;
    }

    struct qos_cpu_account *a = &cpu->accounts[account];
    a->wants |= wants;
    if (!n_frames && !wants) {
        return;                         /* It was looked at, no more. */
    }
    used_ns = min(used_ns, QOS_CPU_DEBT_MAX_NS);
    a->used_ns += used_ns;
    a->total_ns += used_ns;
    if (n_frames) {
        uint32_t frame_ns = used_ns / n_frames;

        if (frame_ns >= a->frame_ns) {
            a->frame_ns = frame_ns;
        } else {
            a->frame_ns -= (a->frame_ns - frame_ns + QOS_CPU_FORGET - 1)
                           / QOS_CPU_FORGET;
        }
    }
}

uint64_t
qos_cpu_told(struct qos_cpu *cpu, unsigned int account)
{
    if (account == QOS_CPU_NONE) {
        return 0;
    }

    uint64_t total_ns = cpu->accounts[account].total_ns;
    cpu->accounts[account].total_ns = 0;
    return total_ns;
}
