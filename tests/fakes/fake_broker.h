/* The broker of xenlocal/xenlocal.h in a thread of the test's own process,
 * for one backend domain and one guest at a time.
 *
 * Thread: create, destroy and the setters by the test's thread.
 * Owner:  fake_broker_destroy() frees all, removes its socket and folders.
 * Errors: what cannot be set up aborts. */

#ifndef TESTS_FAKES_FAKE_BROKER_H
#define TESTS_FAKES_FAKE_BROKER_H 1

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

#define FAKE_BROKER_OWN_DOMID 1
#define FAKE_BROKER_GUEST_DOMID 7

struct fake_broker;

/* A guest's memory: 'n_grant_pages' pages of grant table come first. */
struct fake_memory {
    int fd;
    uint8_t *base;
    uint64_t bytes;
    uint32_t n_grant_pages;
    struct grant_entry_v1 *grants;
};

/* 'seals': F_SEAL_*. */
void fake_memory_init(struct fake_memory *, uint64_t bytes,
                      uint32_t n_grant_pages, int seals);
void fake_memory_finish(struct fake_memory *);

struct fake_broker *fake_broker_create(void);
void fake_broker_destroy(struct fake_broker *);

/* The stand-in's run folder. */
const char *fake_broker_dir(const struct fake_broker *);

/* What GET_MEMORY answers from now on; null: -ENOENT.  The caller keeps
 * 'memory' until it sets another. */
void fake_broker_set_memory(struct fake_broker *, const struct fake_memory *);

/* What the next replies lie about: added to 'bytes' and 'count'. */
void fake_broker_lie(struct fake_broker *, int64_t bytes, int32_t count);

/* Cuts the connection at the next request, without a reply. */
void fake_broker_hang_up(struct fake_broker *);

/* The guest's ends of the one event channel: to wait on, to kick. */
int fake_broker_guest_wait_fd(const struct fake_broker *);
int fake_broker_guest_kick_fd(const struct fake_broker *);

unsigned int fake_broker_connections(const struct fake_broker *);
unsigned int fake_broker_closes(const struct fake_broker *);

#endif /* tests/fakes/fake_broker.h */
