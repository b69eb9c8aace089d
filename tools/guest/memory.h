/* A guest's memory: a memfd whose first pages are its v1 grant table.
 *
 * Grant reference and page number are the same number, so one allocator
 * serves both.  A page whose grant the backend still uses cannot be taken
 * back (a backend killed while it had the page mapped leaves it so for
 * good); it is held and tried again later.
 *
 * Thread: one at a time.
 * Owner:  guest_memory_finish() unmaps everything.
 * Errors: 0 or -errno.
 * Trust:  a granted page may change at any time; the grant table is shared
 *         with the platform, which sets the in-use bits of its entries. */

#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H 1

#include <stdbool.h>
#include <stdint.h>

struct grant_entry_v1;

struct guest_memory {
    int fd;
    uint8_t *base;
    uint64_t bytes;
    uint32_t n_grant_pages;
    uint32_t *free;                     /* Stack of free pages. */
    uint32_t n_free;
    uint32_t *held;                     /* Given back while in use. */
    uint32_t n_held;
};

/* 'n_pages' must be a multiple of 512, at least 8 * 512 (the first eight
 * grant references are reserved). */
int guest_memory_init(struct guest_memory *, uint32_t n_pages);
void guest_memory_finish(struct guest_memory *);

/* Takes 'n' pages; -ENOMEM and none if there are fewer. */
int guest_memory_take(struct guest_memory *, uint32_t *pages, uint32_t n);

/* Ends the grants of 'n' pages and frees them; those in use are held. */
void guest_memory_give_back(struct guest_memory *, const uint32_t *pages,
                            uint32_t n);

/* Tries the held pages again. */
void guest_memory_retry_held(struct guest_memory *);

/* The page's contents. */
void *guest_memory_page(const struct guest_memory *, uint32_t page);

/* Grants 'page' to 'domid'; the reference is 'page' itself. */
void guest_memory_grant(struct guest_memory *, uint32_t page, uint16_t domid,
                        bool readonly);

#endif /* memory.h */
