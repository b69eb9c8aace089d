/* A tenant's slot: a number that is its own on this host, and gives the uids of
 * what runs for it.
 *
 * Thread: main.   Owner: the record keeps it.   Errors: 0 or -errno. */

#ifndef TENANTS_SLOT_H
#define TENANTS_SLOT_H 1

#include <sys/types.h>

#define SLOTS_MAX 2000
#define UIDS_PER_SLOT 2                 /* The domain's, the relays'. */

struct driver_env;
struct record;

/* The lowest slot that no record has, and a core that fewest tenants poll, go
 * into 'own'.  -ENOSPC: there are SLOTS_MAX tenants. */
int slot_choose(const struct driver_env *, struct record *own);

uid_t slot_uid(const struct driver_env *, unsigned int slot);
uid_t slot_relay_uid(const struct driver_env *, unsigned int slot);

#endif /* tenants/slot.h */
