/* A control group per tenant: its share of the CPUs, its memory, its number
 * of tasks.  Version 2 where that has the controllers, version 1 where they
 * are mounted the old way, each controller for itself.
 *
 * Thread: one at a time.
 * Owner:  struct cgroups belongs to the caller; cgroups_finish().
 * Errors: 0 or -errno; cgroups_find() is pure and cannot fail: what it does
 *         not find is null.
 * Trust:  group names are made of checked names only. */

#ifndef TENANTS_CGROUP_H
#define TENANTS_CGROUP_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ds;

enum cgroup_controller {
    CGROUP_CPU,
    CGROUP_MEMORY,
    CGROUP_PIDS,
    CGROUP_N
};

struct cgroups {
    char *root[CGROUP_N];               /* Null: not to be had. */
    bool v2[CGROUP_N];
    char *group;                        /* Ours, below each root. */
};

struct cgroup_limits {
    unsigned int cpu_weight;            /* 100 is everybody's (version 2). */
    uint64_t memory_bytes;
    unsigned int pids;
};

/* Finds the controllers in 'mountinfo' (the text of /proc/self/mountinfo) and
 * 'v2_controllers' (the text of cgroup.controllers in version 2's root, or
 * null).  'run_dir' gives our group its name. */
void cgroups_find(struct cgroups *, const char *mountinfo,
                  const char *v2_controllers, const char *run_dir);
/* Likewise, from this machine. */
void cgroups_init(struct cgroups *, const char *run_dir);
void cgroups_finish(struct cgroups *);

/* Makes 'tenant''s groups.  What is missing is said in 'warning'. */
void cgroup_create(const struct cgroups *, const char *tenant,
                   const struct cgroup_limits *, struct ds *warning);
/* Puts process 'pid' into them.  Safe after fork(). */
void cgroup_enter(const struct cgroups *, const char *tenant, pid_t pid);
/* Removes them; every process in them must be gone. */
void cgroup_remove(const struct cgroups *, const char *tenant);

#endif /* tenants/cgroup.h */
