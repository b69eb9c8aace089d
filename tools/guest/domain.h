/* This guest as a domain of the stand-in for Xen: its entry in the registry,
 * its memory at the broker, its event channels, its xenstore.
 *
 * Thread: one; libxenstore starts a thread of its own behind it.
 * Owner:  guest_domain_finish() ends the domain.
 * Errors: 0 or -errno; messages are logged by the caller, who knows what it
 *         was for, except where a comment says otherwise. */

#ifndef GUEST_DOMAIN_H
#define GUEST_DOMAIN_H 1

#include <stdbool.h>
#include <stdint.h>

struct guest_memory;
struct xs_handle;

struct guest_domain {
    uint32_t domid;
    int registry;                       /* The domain dies with it. */
    int broker;
    char *broker_path;
    struct xs_handle *xs;
};

struct guest_channel {
    uint32_t port;
    int wait_fd;                        /* Readable: an event came. */
    int kick_fd;                        /* -1: not open. */
};

/* Creates the domain 'name'.  On failure '*error' is a sentence for a
 * person, which the caller frees, and the errno is returned. */
int guest_domain_init(struct guest_domain *, const char *xen_dir,
                      const char *name, char **error);
void guest_domain_finish(struct guest_domain *);

/* False once netdom-xenlocald has gone away. */
bool guest_domain_is_alive(const struct guest_domain *);

/* Wakes the poll loop when it goes away, or when xenstore has news. */
void guest_domain_wait(const struct guest_domain *);

/* Offers 'memory' to the backends that have an event channel of ours. */
int guest_domain_set_memory(struct guest_domain *,
                            const struct guest_memory *);

/* Offers 'memory' in place of what was offered before, on a new connection to
 * the broker: one connection offers one memory.  All channels must have been
 * closed. */
int guest_domain_renew_memory(struct guest_domain *,
                              const struct guest_memory *);

/* An event channel for 'remote_domid' to bind to. */
int guest_channel_open(struct guest_channel *, struct guest_domain *,
                       uint32_t remote_domid);
void guest_channel_close(struct guest_channel *, struct guest_domain *);

void guest_channel_kick(const struct guest_channel *);
void guest_channel_clear(const struct guest_channel *);

#endif /* domain.h */
