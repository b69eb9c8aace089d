/* One supervised process: started by this controller or adopted from the one
 * before it, watched through a pidfd, started again with back-off (the
 * planner decides; this only tells when it may).
 *
 * Thread: main.
 * Owner:  the caller's memory; proc_finish() lets go of the process and
 *         leaves it running.
 * Errors: bool, or a sentence in 'error'.
 * Trust:  a pid is only believed together with its start time. */

#ifndef TENANTS_PROC_H
#define TENANTS_PROC_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tenants/backoff.h"
#include "tenants/model.h"

#define PROC_STOP_MS 2000

struct proc {
    pid_t pid;                          /* 0: none. */
    int pidfd;
    bool child;                         /* Ours to wait for. */
    bool stopping;
    bool killed;
    bool ends;                          /* By itself, when it is done: an exit
                                         * status of 0 is no death. */
    long long int stop_ms;              /* So long after SIGTERM, SIGKILL. */
    long long int kill_ms;
    struct backoff backoff;
    unsigned int n_deaths;              /* Those that nobody asked for. */
    char *error;                        /* How it last ended, or null. */
};

void proc_init(struct proc *);
void proc_finish(struct proc *);

/* The start time of 'pid' in clock ticks, or 0 if there is no such living
 * process. */
uint64_t proc_start_ticks(pid_t pid);

/* Takes over 'pid' if it is still the process that started then. */
bool proc_adopt(struct proc *, pid_t pid, uint64_t start_ticks,
                long long int now_ms);

/* 'pid' was just forked by us. */
bool proc_started(struct proc *, pid_t pid, long long int now_ms);

/* It could not even be started; takes 'error'. */
void proc_failed(struct proc *, char *error, long long int now_ms);

/* Asks it to end; proc_run() insists. */
void proc_stop(struct proc *, long long int now_ms);

/* Returns true if its state changed. */
bool proc_run(struct proc *, long long int now_ms);
void proc_wait(const struct proc *);

/* It died at least three times in a row, and waits. */
bool proc_is_failing(const struct proc *);

/* Why one of them does not run, for the caller to free; null: they do, or nothing
 * is wrong.  One death is news and no state: it is running again. */
char *proc_complaint(const struct proc *const procs[], size_t n);

enum proc_state proc_state(const struct proc *, long long int now_ms);

#endif /* tenants/proc.h */
