/* The run folder and the folders of the domains in it.
 *
 * Thread: main.
 * Errors: 0 or -errno.
 * Trust:  a domain's folder belongs to the domain's uid, who may put there
 *         what he likes: it is only reached through its descriptor, links in
 *         it are not followed. */

#ifndef XENLOCALD_FOLDER_H
#define XENLOCALD_FOLDER_H 1

#include <stdint.h>
#include <sys/types.h>

/* Makes 'path' with its parents, mode 0755 where they are missing. */
int folder_make(const char *path);

/* The living process that has taken 'path', or 0. */
pid_t folder_owner(const char *path);

/* As folder_make(), and takes 'path' for this process and removes
 * what a dead predecessor left there.  On success '*fd' is the folder, '*lock'
 * what keeps it ours; both become the caller's.  -EBUSY: it belongs to a
 * living process. */
int folder_take(const char *path, int *fd, int *lock);

/* Makes folder 'domid' in 'run_fd', mode 0700, and calls for its descriptor.
 * -EEXIST: a folder is in the way that could not be emptied. */
int folder_create(int run_fd, uint32_t domid, int *fd);

/* Gives folder 'domid' and all in it to 'uid'. */
int folder_give(int fd, uint32_t uid);

/* Removes folder 'domid' with what lies in it, other folders excepted. */
int folder_remove(int run_fd, uint32_t domid);

#endif /* folder.h */
