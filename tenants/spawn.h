/* Starting a program in a tenant's namespaces, or beside them.
 *
 * Thread: main.
 * Owner:  the child belongs to the caller, who watches it with proc.h.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees.
 *
 * In two steps, so that no process ever runs unrecorded: spawn_begin() makes
 * a child that waits, the caller writes down its pid, spawn_release() lets it
 * go.  If the controller dies in between, the child ends by itself.
 *
 * The program runs with no_new_privs, a clean environment, standard input
 * from /dev/null, output into a file that it opens as the tenant, and in its
 * own session.  Inside it has three capabilities over its own network
 * namespace; beside it has none, unless it is to be what we are. */

#ifndef TENANTS_SPAWN_H
#define TENANTS_SPAWN_H 1

#include <stdbool.h>
#include <sys/types.h>

struct cgroups;

struct spawn_spec {
    const char *program;                /* Opened by the controller. */
    char *const *argv;
    char *const *envp;
    const char *ns_dir;                 /* Null: beside the namespaces. */
    bool root;                          /* Beside them: as we are, and in
                                         * no control group, */
    bool bare;                          /* yet without a capability; or: */
    uid_t uid;                          /* who to be. */
    bool locks_memory;                  /* For a device that it drives. */
    const char *output;                 /* Path as the program sees it. */
    const struct cgroups *cgroups;
    const char *tenant;
};

struct spawned {
    pid_t pid;
    int go;                             /* A byte here starts it. */
    int report;                         /* Closed by a successful exec. */
};

int spawn_begin(const struct spawn_spec *, struct spawned *, char **errorp);
int spawn_release(struct spawned *, char **errorp);
/* Ends the child that spawn_begin() made instead. */
void spawn_cancel(struct spawned *);

#endif /* tenants/spawn.h */
