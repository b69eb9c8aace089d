#include <config.h>

#include "tenants/slot.h"

#include <errno.h>
#include <stdlib.h>

#include "sset.h"
#include "tenants/driver.h"
#include "tenants/record.h"
#include "util.h"

uid_t
slot_uid(const struct driver_env *env, unsigned int slot)
{
    return env->uid_base + slot * UIDS_PER_SLOT;
}

uid_t
slot_relay_uid(const struct driver_env *env, unsigned int slot)
{
    return slot_uid(env, slot) + 1;
}

int
slot_choose(const struct driver_env *env, struct record *own)
{
    bool *slot_used = xcalloc(SLOTS_MAX, sizeof *slot_used);
    unsigned int *users = xcalloc(env->n_cpus + 1, sizeof *users);
    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    domain_driver_list(env, &names);
    SSET_FOR_EACH (name, &names) {
        char *path = xasprintf("%s/controller/%s.record", env->run_dir, name);
        struct record record;

        if (!record_load(path, &record)) {
            if (record.slot < SLOTS_MAX) {
                slot_used[record.slot] = true;
            }
            for (size_t i = 0; i < env->n_cpus; i++) {
                users[i] += env->cpus[i] == record.cpu;
            }
        }
        record_finish(&record);
        free(path);
    }
    sset_destroy(&names);

    unsigned int slot = 0;
    while (slot < SLOTS_MAX && slot_used[slot]) {
        slot++;
    }

    size_t best = 0;
    for (size_t i = 1; i < env->n_cpus; i++) {
        best = users[i] < users[best] ? i : best;
    }
    own->slot = slot;
    own->cpu = env->n_cpus ? env->cpus[best] : -1;
    free(users);
    free(slot_used);
    return slot < SLOTS_MAX ? 0 : -ENOSPC;
}
