/* Starting a program that belongs to a tenant's domain, recorded before it
 * runs, so that a new controller finds it.
 *
 * Thread: main.
 * Owner:  command_init() and command_finish(); what a command points to other
 *         than its lists and 'output' is the caller's.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees; the
 *         process's back-off runs then. */

#ifndef TENANTS_LAUNCH_H
#define TENANTS_LAUNCH_H 1

#include <stdbool.h>
#include <sys/types.h>

#include "svec.h"

struct domain;
struct driver_env;
struct proc;
struct record;

struct command {
    const char *program;
    struct svec argv;
    struct svec envp;
    char *output;
    const char *ns_dir;                 /* Null: beside the namespaces, */
    bool root;                          /* as root, with all that we may, */
    bool bare;                          /* or without a capability; else */
    uid_t uid;                          /* as this one. */
    bool locks_memory;                  /* For a device that it drives. */
};

/* Whose it is: of tenant 'tenant', in 'record', which is kept in a file. */
struct launcher {
    const struct driver_env *env;
    const char *tenant;
    struct record *record;
    const char *record_path;
};

void command_init(struct command *, const char *program, const char *tenant_dir);

/* socat's arguments: whoever comes to 'socket' is connected to 'address'. */
void command_relay(struct command *, const char *socket, const char *address);
void command_finish(struct command *);

/* Writes the record. */
int launch_save(const struct launcher *, char **errorp);

/* The folders of a tenant on the host: its own, 'uid''s, and for its relays. */
int launch_make_folders(const struct launcher *, uid_t uid, uid_t relay_uid,
                        char **errorp);

/* Takes over what the record knows and still runs: 'find' says whose process
 * 'what' is, or null. */
void launch_adopt(const struct launcher *,
                  struct proc *(*find)(struct domain *, const char *what),
                  struct domain *);

/* If 'what' has ended: forgets it, and keeps its last words, which are in the file
 * 'output' of 'uid''s.  Returns true if it has. */
bool launch_ended(const struct launcher *, struct proc *, const char *what,
                  const char *output, uid_t uid, long long int now_ms);

/* Starts 'command' as 'what'. */
int launch(const struct launcher *, struct proc *, const char *what,
           struct command *, long long int now_ms, char **errorp);

#endif /* tenants/launch.h */
