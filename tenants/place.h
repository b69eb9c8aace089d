/* A tenant's namespaces: user, network, mount, IPC, host name.  They are kept
 * by files that they are bound to, so no process has to hold them and a new
 * controller finds them.
 *
 * Thread: main; place_enter() in a child after fork().
 * Owner:  the folder of the files is the caller's.
 * Errors: 0 or -errno, with a sentence in '*errorp' that the caller frees.
 * Trust:  inside, the tenant is root of nothing but its own network
 *         namespace; of the run folder it sees its own folder and its domain's
 *         sockets. */

#ifndef TENANTS_PLACE_H
#define TENANTS_PLACE_H 1

#include <stdbool.h>
#include <sys/types.h>

enum place_ns {
    PLACE_MNT,                          /* Entered first. */
    PLACE_USER,
    PLACE_NET,
    PLACE_IPC,
    PLACE_UTS,
    PLACE_N
};

struct place_spec {
    const char *ns_dir;                 /* Folder of the namespace files. */
    const char *hide;                   /* Folder that is hidden, except: */
    const char *show[2];                /* these, which lie below it. */
    const char *keep;                   /* Mount that must not be held. */
    const char *hostname;
    uid_t uid;                          /* The tenant's root, outside. */
};

/* Prepares 'dir', where the folders of namespace files are: a mount of its
 * own that nothing propagates from. */
int place_prepare(const char *dir, char **errorp);

/* Takes that back, when no namespace is left in it. */
void place_unprepare(const char *dir);

int place_create(const struct place_spec *, char **errorp);

/* True if all namespaces are there. */
bool place_exists(const char *ns_dir);
void place_remove(const char *ns_dir);

/* Puts the calling process, which must have one thread and be a child's,
 * inside, as the root of there.  Returns 0 or the failing step's number,
 * errno set. */
int place_enter(const char *ns_dir);

/* Opens the network namespace.  Returns a descriptor or -errno. */
int place_open_net(const char *ns_dir);

#endif /* tenants/place.h */
