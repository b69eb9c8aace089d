/* The registry: which domains there are.  It makes their folders and sockets
 * and tells store and broker of births and deaths.
 *
 * Thread: main.
 * Errors: 0 or -errno; clients get theirs in replies.
 * Trust:  only who may enter the run folder's registry.sock (mode 0600, so
 *         this process's user) speaks to it; its requests are checked all the
 *         same. */

#ifndef XENLOCALD_REGISTRY_H
#define XENLOCALD_REGISTRY_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct registry;
struct store;
struct store_server;

/* Serves 'registry.sock' in the folder 'run_fd', which stays the caller's,
 * and makes domain 0. */
int registry_create(int run_fd, struct store *, struct store_server *,
                    struct broker *, struct registry **);

/* Ends all domains and removes the sockets and folders.  Accepts NULL. */
void registry_destroy(struct registry *);

/* Calls 'cb' for every living domain in the order of their numbers. */
void registry_list(const struct registry *,
                   void (*cb)(void *aux, uint32_t domid, const char *name,
                              uint32_t uid, bool with_connection),
                   void *aux);

size_t registry_n_domains(const struct registry *);

#endif /* registry.h */
