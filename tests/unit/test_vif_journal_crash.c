/* A process with a queue dies, again and again, at any moment; each time the
 * journal and the rings, which outlive it, must say exactly what is still to
 * be answered.  The parent is the guest, and the successor that answers what
 * was journaled; then another child goes on. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/crash_guest.h"

#define N_ROUNDS 50

/* Where a child is to die by itself; otherwise its parent does it. */
enum death { FROM_OUTSIDE, BEFORE_COPY, AFTER_COPY, AT_NOTIFY, N_DEATHS };

static enum death death;
static uint32_t dies_after;             /* Calls. */

static void
die_at(enum death at)
{
    if (death == at && !dies_after--) {
        raise(SIGKILL);
    }
}

static void
dying_copy(struct xen_platform *platform, struct xen_copy_seg *segs,
           unsigned int n)
{
    die_at(BEFORE_COPY);
    xen_ops_fake.grant_copy(platform, segs, n);
    die_at(AFTER_COPY);
}

static void
dying_notify(struct xen_evtchn *evtchn)
{
    die_at(AT_NOTIFY);
    xen_ops_fake.evtchn_notify(evtchn);
}

/* The child's buffers. */
#define ROOM_BYTES 9000u
static uint8_t memory[2 * VIF_BURST_FRAMES][ROOM_BYTES];
static const struct xen_region region = { memory, sizeof memory };

static int
transmit(struct world *w, struct vif_conn *conn, struct vif_stats *stats)
{
    static struct vif_frame frames[VIF_BURST_FRAMES];
    struct vif_supply supply = {
        .frame_bytes = ROOM_BYTES,
        .small = { &region, ROOM_BYTES, 0, VIF_BURST_FRAMES, { { 0 } } },
        .big = { &region, ROOM_BYTES, 0, 0, { { 0 } } },
    };
    struct vif_gate gate = { .leaf = NULL };

    for (unsigned int i = 0; i < VIF_BURST_FRAMES; i++) {
        supply.small.stack[i].offset = i * ROOM_BYTES;
    }
    int n = vif_conn_tx_burst(conn, &supply, frames, VIF_BURST_FRAMES, &gate,
                              stats);
    for (int i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, (uint8_t *) memory + frames[i].offset
                        + CRASH_NUMBER_OFFSET, sizeof number);
        w->shared->forwarded[number % CRASH_FRAMES]++;
    }
    return n;
}

static int
receive(struct world *w, struct vif_conn *conn, struct vif_stats *stats)
{
    struct vif_frame frames[8] = { { 0 } };

    for (unsigned int i = 0; i < 8; i++) {
        uint32_t number = w->shared->next_rx++;
        unsigned int buffer = VIF_BURST_FRAMES + i;

        memcpy(memory[buffer] + CRASH_NUMBER_OFFSET, &number, sizeof number);
        frames[i].region = &region;
        frames[i].offset = buffer * ROOM_BYTES;
        frames[i].bytes = number % 3 ? 60 : 5000;
        frames[i].gso_type = number % 5 ? 0 : XEN_NETIF_GSO_TYPE_TCPV4;
        frames[i].gso_bytes = 1000;
    }
    return vif_conn_rx_burst(conn, frames, 8, stats);
}

static struct vif_conn *
connect_child(struct world *w)
{
    static struct xen_ops ops;
    struct vif_conn *conn;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ops = xen_ops_fake;
    ops.grant_copy = dying_copy;
    ops.evtchn_notify = dying_notify;
    if (vif_conn_open(&ops, xen_fake_platform(w->fake), w->journal, 0,
                      &conn)) {
        _exit(2);
    }
    return conn;
}

static void
run_child(struct world *w)
{
    struct vif_conn *conn = connect_child(w);
    struct vif_stats stats = { 0 };

    for (;;) {
        bool stop = __atomic_load_n(&w->shared->stop, __ATOMIC_ACQUIRE);
        int n_sent = transmit(w, conn, &stats);
        int n_received = stop ? 0 : receive(w, conn, &stats);

        if (n_sent < 0 || n_received < 0) {
            _exit(3);
        }
        if (stop && !vif_conn_tx_pending(conn)) {
            _exit(0);
        }
        __atomic_store_n(&w->shared->n_bursts, w->shared->n_bursts + 1,
                         __ATOMIC_RELEASE);
        if (!n_sent && !n_received) {
            sched_yield();
        }
    }
}

/* Maps the journal anew, as a stranger would, and answers what it names. */
static void
succeed(struct world *w)
{
    uint64_t bytes = vif_journal_bytes(1);
    struct vif_journal *journal = mmap(NULL, bytes, PROT_READ, MAP_SHARED,
                                       w->journal_fd, 0);

    assert_ptr_not_equal(journal, MAP_FAILED);
    assert_true(vif_journal_check(journal, bytes));
    check_rest(w, journal);
    redo(w, journal);
    munmap(journal, bytes);
    take_responses(w);
}

static void
run_round(struct world *w, enum death how)
{
    uint32_t until = w->shared->n_bursts + 1 + draw(w, 60);
    volatile uint32_t spin = draw(w, 20000);
    int status;

    death = how;
    dies_after = draw(w, 40);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        run_child(w);
    }
    while (!waitpid(pid, &status, WNOHANG)) {
        take_responses(w);
        post(w, VIF_RING_SLOTS);
        if (how == FROM_OUTSIDE
            && (int32_t) (__atomic_load_n(&w->shared->n_bursts,
                                          __ATOMIC_ACQUIRE) - until) >= 0) {
            while (spin--) {
                continue;
            }
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        vif_front_tx_want_event(&w->front);
        vif_front_rx_want_event(&w->front);
        sched_yield();
    }
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    succeed(w);
}

static void
test_killed_at_any_moment(void **state)
{
    static struct world w;
    unsigned int n_lost = 0, n_ok = 0;
    int status;

    open_world(&w);
    for (int i = 0; i < N_ROUNDS; i++) {
        run_round(&w, i % 6 < N_DEATHS ? i % 6 : FROM_OUTSIDE);
    }

    /* The last one answers all, and dies in its bed. */
    w.shared->stop = 1;
    death = FROM_OUTSIDE;
    pid_t pid = fork();
    if (!pid) {
        run_child(&w);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
    take_responses(&w);

    for (uint32_t i = 1; i < w.next_tx; i++) {
        assert_in_range(w.answers[i], 1, 2);
        assert_in_range(w.shared->forwarded[i], 0, w.answers[i] == 1);
        n_ok += w.answers[i] == 1;
        n_lost += w.answers[i] == 1 && !w.shared->forwarded[i];
    }
    assert_int_equal(w.front.tx_cons, w.front.tx_prod);
    /* At most one batch each time. */
    assert_in_range(n_lost, 1, N_ROUNDS * VIF_BURST_FRAMES);
    assert_true(n_ok > 5 * n_lost);
    assert_true(w.n_journaled && w.last_rx > 1000);
    close_world(&w);
}

/* Bursts of a child that takes one step at a time, until it dies. */
static void
run_steps(struct world *w)
{
    struct vif_stats stats = { 0 };

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) {
        _exit(4);
    }
    struct vif_conn *conn = connect_child(w);
    raise(SIGSTOP);
    transmit(w, conn, &stats);
    receive(w, conn, &stats);
    _exit(0);
}

/* Whatever instruction is the last: what is left behind is the same as if it
 * had been killed there. */
static void
test_each_instruction_is_the_last(void **state)
{
    static struct world w;
    unsigned int n_steps = 0;
    int status;

    open_world(&w);
    post(&w, 20);
    death = FROM_OUTSIDE;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        run_steps(&w);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {            /* Nobody may be traced here. */
        assert_int_equal(WEXITSTATUS(status), 4);
        close_world(&w);
        skip();
    }
    while (WIFSTOPPED(status)) {
        assert_true(WSTOPSIG(status) == SIGSTOP
                    || WSTOPSIG(status) == SIGTRAP);
        check_rest(&w, w.journal);
        for (uint32_t i = 1; i < w.next_tx; i++) {
            /* What is forwarded has its answer already. */
            if (w.shared->forwarded[i]) {
                assert_int_equal(w.shared->forwarded[i], 1);
                take_responses(&w);
                assert_int_equal(w.answers[i], 1);
            }
        }
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        n_steps++;
    }
    assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
    assert_true(n_steps > 1000);

    /* All three points of a burst were seen, and both rings moved. */
    assert_true(w.n_journaled > 100 && w.n_published && w.n_idle > 100);
    take_responses(&w);
    assert_true(w.last_rx);
    assert_true(w.answers[1]);
    close_world(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_each_instruction_is_the_last),
    };

    return cmocka_run_group_tests_name("vif_journal_crash", tests, NULL,
                                       NULL);
}
