#include <config.h>

#include "tenants/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "tenants/file.h"
#include "timeval.h"
#include "util.h"

#define FAILING_DELAY_MS 800            /* The fourth death in a row. */

void
proc_init(struct proc *proc)
{
    memset(proc, 0, sizeof *proc);
    proc->pidfd = -1;
    proc->stop_ms = PROC_STOP_MS;
    backoff_init(&proc->backoff);
}

static void
forget(struct proc *proc)
{
    if (proc->pidfd >= 0) {
        close(proc->pidfd);
    }
    proc->pidfd = -1;
    proc->pid = 0;
    proc->child = proc->stopping = proc->killed = false;
}

void
proc_finish(struct proc *proc)
{
    forget(proc);
    free(proc->error);
    proc->error = NULL;
}

uint64_t
proc_start_ticks(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);

    char *text = file_read(path, 4096);
    char *p = text ? strrchr(text, ')') : NULL;
    unsigned long long int ticks = 0;
    char state = 0;

    /* The name before the last ')' may hold anything. */
    if (p && (sscanf(p, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
                     "%*u %*d %*d %*d %*d %*d %*d %llu", &state, &ticks) != 2
              || state == 'Z' || state == 'X')) {
        ticks = 0;
    }
    free(text);
    return ticks;
}

static bool
watch_pid(struct proc *proc, pid_t pid, long long int now_ms)
{
    forget(proc);
    proc->pidfd = pidfd_open(pid, 0);
    if (proc->pidfd < 0) {
        return false;
    }
    proc->pid = pid;
    backoff_started(&proc->backoff, now_ms);
    return true;
}

bool
proc_adopt(struct proc *proc, pid_t pid, uint64_t start_ticks,
           long long int now_ms)
{
    if (!watch_pid(proc, pid, now_ms)) {
        return false;
    }
    /* Looked at after the pidfd is open, so that it speaks of that one. */
    if (!start_ticks || proc_start_ticks(pid) != start_ticks) {
        forget(proc);
        return false;
    }
    return true;
}

bool
proc_started(struct proc *proc, pid_t pid, long long int now_ms)
{
    if (!watch_pid(proc, pid, now_ms)) {
        return false;
    }
    proc->child = true;
    return true;
}

void
proc_failed(struct proc *proc, char *error, long long int now_ms)
{
    forget(proc);
    free(proc->error);
    proc->error = error;
    proc->n_deaths++;
    backoff_died(&proc->backoff, now_ms);
}

void
proc_stop(struct proc *proc, long long int now_ms)
{
    if (proc->pid && !proc->stopping) {
        proc->stopping = true;
        proc->kill_ms = now_ms + proc->stop_ms;
        pidfd_send_signal(proc->pidfd, SIGTERM, NULL, 0);
    }
}

static bool
has_ended(const struct proc *proc)
{
    struct pollfd pfd = { .fd = proc->pidfd, .events = POLLIN };

    return poll(&pfd, 1, 0) == 1;
}

/* Null: it did what it was to do. */
static char *
describe_end(const struct proc *proc)
{
    int status;

    if (!proc->child || waitpid(proc->pid, &status, WNOHANG) != proc->pid) {
        /* Of one that ends by itself, what it did is to be seen elsewhere. */
        return proc->ends ? NULL : xstrdup("ended");
    }
    return proc->ends && WIFEXITED(status) && !WEXITSTATUS(status) ? NULL
           : WIFSIGNALED(status)
           ? xasprintf("killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)))
           : xasprintf("exited with status %d", WEXITSTATUS(status));
}

bool
proc_run(struct proc *proc, long long int now_ms)
{
    if (!proc->pid) {
        return false;
    }
    if (!has_ended(proc)) {
        if (proc->stopping && !proc->killed && now_ms >= proc->kill_ms) {
            proc->killed = true;
            pidfd_send_signal(proc->pidfd, SIGKILL, NULL, 0);
        }
        return false;
    }

    char *how = describe_end(proc);
    if (proc->stopping || !how) {
        free(how);
        forget(proc);
        backoff_init(&proc->backoff);
    } else {
        forget(proc);
        free(proc->error);
        proc->error = how;
        proc->n_deaths++;
        backoff_died(&proc->backoff, now_ms);
    }
    return true;
}

void
proc_wait(const struct proc *proc)
{
    if (proc->pid) {
        poll_fd_wait(proc->pidfd, POLLIN);
        if (proc->stopping && !proc->killed) {
            poll_timer_wait_until(proc->kill_ms);
        }
    } else if (proc->backoff.ready_ms > time_msec()) {
        poll_timer_wait_until(proc->backoff.ready_ms);
    }
}

bool
proc_is_failing(const struct proc *proc)
{
    return !proc->pid && proc->backoff.delay_ms >= FAILING_DELAY_MS;
}

char *
proc_complaint(const struct proc *const procs[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (procs[i]->error && !procs[i]->pid) {
            return xstrdup(procs[i]->error);
        }
    }
    return NULL;
}

enum proc_state
proc_state(const struct proc *proc, long long int now_ms)
{
    return proc->stopping ? PROC_STOPPING
           : proc->pid ? PROC_RUNNING
           : backoff_ready(&proc->backoff, now_ms) ? PROC_NONE
           : PROC_HELD;
}
