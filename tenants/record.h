/* What the controller remembers of a tenant's domain outside its own memory,
 * so that a new controller can adopt it: one small text file per tenant, a
 * "key value" pair per line.
 *
 * Thread: one at a time.
 * Owner:  the caller; record_finish().
 * Errors: 0 or -errno; -EINVAL: the text is damaged.
 * Trust:  the folder is root's alone, yet a torn or foreign file is refused,
 *         and a pid counts only together with its start time. */

#ifndef TENANTS_RECORD_H
#define TENANTS_RECORD_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct record_proc {
    char *what;                         /* "db", "switch", a target. */
    pid_t pid;
    uint64_t start_ticks;               /* Field 22 of /proc/PID/stat. */
};

struct record {
    unsigned int slot;                  /* Gives the uids. */
    int cpu;
    uint32_t domid;                     /* Of the namespaces; 0: none. */
    char *iface;                        /* Uplink inside, or null. */
    struct record_proc *procs;
    size_t n_procs;
};

void record_init(struct record *);
void record_finish(struct record *);

/* Remembers that 'what' is process 'pid'; pid 0 forgets it. */
void record_set_proc(struct record *, const char *what, pid_t pid,
                     uint64_t start_ticks);

/* The caller frees the text. */
char *record_format(const struct record *);
int record_parse(const char *text, struct record *);

int record_load(const char *path, struct record *);
int record_save(const char *path, const struct record *);

#endif /* tenants/record.h */
