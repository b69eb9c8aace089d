#include <config.h>

#include "datapath/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(doorbell);

/* Polls of other members after which the leader is taken to have left. */
#define LEADER_LOST_POLLS 1024

enum doorbell_phase {
    DOORBELL_RUN,                       /* Polling. */
    DOORBELL_ARMED,                     /* One more turn, then sleep. */
};

struct doorbell {
    struct ovs_list all_node;           /* In 'all_doorbells'. */
    struct ovs_mutex mutex;             /* Protects 'members'. */
    struct ovs_list members;
    int epfd;
    int kick_fd;

    /* Of the polling thread alone. */
    enum doorbell_phase phase;
    uint64_t busy_ns;                   /* When there was work last. */
    const struct doorbell_member *leader;   /* Polled again: one turn has
                                             * passed.  Compared, not
                                             * followed. */
    unsigned int n_polls;               /* Since the leader's. */
    uint64_t n_rounds;                  /* Turns of all. */
    bool in_use;                        /* Under 'all_mutex'. */

    ATOMIC(struct doorbell_member *) polled;    /* Last, or null. */
    atomic_bool sleeping;
    atomic_uint64_t n_sleeps;
    atomic_uint64_t n_kicks;
};

static struct ovs_mutex all_mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list all_doorbells OVS_GUARDED_BY(all_mutex)
    = OVS_LIST_INITIALIZER(&all_doorbells);
static atomic_bool sleep_allowed = ATOMIC_VAR_INIT(true);

static pthread_key_t doorbell_key;
static pthread_once_t doorbell_once = PTHREAD_ONCE_INIT;

static void
doorbell_ctl_fds(struct doorbell *d, const struct doorbell_member *m, int op)
{
    struct epoll_event event = { .events = EPOLLIN };

    for (unsigned int i = 0; d->epfd >= 0 && i < m->n_fds; i++) {
        epoll_ctl(d->epfd, op, m->fds[i], &event);
    }
}

/* Harmless for one that was removed already. */
static void
doorbell_remove(struct doorbell *d, struct doorbell_member *m)
    OVS_REQUIRES(d->mutex)
{
    struct doorbell_member *polled;

    atomic_read_relaxed(&d->polled, &polled);
    if (polled == m) {
        atomic_store_relaxed(&d->polled, NULL);
    }
    doorbell_ctl_fds(d, m, EPOLL_CTL_DEL);
    ovs_list_remove(&m->node);
    ovs_list_init(&m->node);
    atomic_store_relaxed(&m->doorbell, NULL);
}

/* A doorbell is never freed: other threads may still hold a member's pointer
 * to it.  The next PMD thread takes it over, empty. */
static void
doorbell_thread_exit(void *doorbell_)
{
    struct doorbell *d = doorbell_;
    struct doorbell_member *m;

    ovs_mutex_lock(&d->mutex);
    LIST_FOR_EACH_SAFE (m, node, &d->members) {
        doorbell_remove(d, m);
    }
    ovs_mutex_unlock(&d->mutex);

    ovs_mutex_lock(&all_mutex);
    d->in_use = false;
    ovs_mutex_unlock(&all_mutex);
}

static void
doorbell_init_once(void)
{
    pthread_key_create(&doorbell_key, doorbell_thread_exit);
}

static struct doorbell *
doorbell_create(void)
{
    struct doorbell *d = xzalloc(sizeof *d);
    struct epoll_event event = { .events = EPOLLIN };

    ovs_mutex_init(&d->mutex);
    ovs_list_init(&d->members);
    atomic_init(&d->polled, NULL);
    atomic_init(&d->sleeping, false);
    atomic_init(&d->n_sleeps, 0);
    atomic_init(&d->n_kicks, 0);
    d->epfd = epoll_create1(EPOLL_CLOEXEC);
    d->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->epfd < 0 || d->kick_fd < 0
        || epoll_ctl(d->epfd, EPOLL_CTL_ADD, d->kick_fd, &event)) {
        VLOG_WARN("cannot sleep when idle (%s): polling all the time",
                  ovs_strerror(errno));
        if (d->epfd >= 0) {
            close(d->epfd);
            d->epfd = -1;
        }
    }
    return d;
}

/* This thread's doorbell. */
static struct doorbell *
doorbell_get(void)
{
    pthread_once(&doorbell_once, doorbell_init_once);

    struct doorbell *d = pthread_getspecific(doorbell_key);
    if (d) {
        return d;
    }

    ovs_mutex_lock(&all_mutex);
    LIST_FOR_EACH (d, all_node, &all_doorbells) {
        if (!d->in_use) {
            goto found;
        }
    }
    d = doorbell_create();
    ovs_list_push_back(&all_doorbells, &d->all_node);
found:
    d->in_use = true;
    ovs_mutex_unlock(&all_mutex);

    d->phase = DOORBELL_RUN;
    d->busy_ns = 0;
    d->leader = NULL;
    pthread_setspecific(doorbell_key, d);
    return d;
}

void
doorbell_member_init(struct doorbell_member *m,
                     const struct doorbell_ops *ops)
{
    m->ops = ops;
    m->deadline_ns = UINT64_MAX;
    m->polled = false;
    m->n_fds = 0;
    atomic_init(&m->doorbell, NULL);
    ovs_list_init(&m->node);
}

void
doorbell_leave(struct doorbell_member *m)
{
    struct doorbell *d;

    atomic_read_relaxed(&m->doorbell, &d);
    if (d) {
        ovs_mutex_lock(&d->mutex);
        doorbell_remove(d, m);
        ovs_mutex_unlock(&d->mutex);
    }
}

void
doorbell_member_destroy(struct doorbell_member *m)
{
    doorbell_leave(m);
    doorbell_set_fds(m, NULL, 0);
}

/* There is work, or may be: no sleep after this turn.  Polling thread. */
static void
doorbell_run(struct doorbell *d)
{
    if (d->phase == DOORBELL_ARMED) {
        d->phase = DOORBELL_RUN;
        atomic_store_relaxed(&d->sleeping, false);
    }
}

static void
doorbell_join(struct doorbell *d, struct doorbell_member *m)
{
    doorbell_leave(m);
    ovs_mutex_lock(&d->mutex);
    ovs_list_push_back(&d->members, &m->node);
    atomic_store_relaxed(&m->doorbell, d);
    doorbell_ctl_fds(d, m, EPOLL_CTL_ADD);
    ovs_mutex_unlock(&d->mutex);
    doorbell_run(d);
}

uint64_t
doorbell_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* Arms every member; false if one of them has work.  One that was not polled
 * since the last time is another thread's by now, or nobody's. */
static bool
doorbell_arm(struct doorbell *d)
{
    struct doorbell_member *m;
    bool quiet = true;

    ovs_mutex_lock(&d->mutex);
    LIST_FOR_EACH_SAFE (m, node, &d->members) {
        if (!m->polled) {
            doorbell_remove(d, m);
            continue;
        }
        m->polled = false;
        if (m->ops->arm(m)) {
            quiet = false;
        }
    }
    ovs_mutex_unlock(&d->mutex);
    return quiet;
}

static void
doorbell_block(struct doorbell *d, uint64_t now_ns, uint64_t deadline_ns)
{
    uint64_t until_ns = now_ns + DOORBELL_SLEEP_MAX_NS;
    struct epoll_event events[8];
    uint64_t kicks;

    if (deadline_ns < until_ns) {
        until_ns = deadline_ns;
    }
    if (until_ns > now_ns) {
        struct timespec timeout = { .tv_nsec = until_ns - now_ns };

        /* Whoever frees something waits for no thread that sleeps: else each
         * change of the flow table would take as long as that. */
        ovsrcu_quiesce_start();
        epoll_pwait2(d->epfd, events, ARRAY_SIZE(events), &timeout, NULL);
        ovsrcu_quiesce_end();
        atomic_count_inc64(&d->n_sleeps);
    }
    atomic_store_relaxed(&d->sleeping, false);
    while (read(d->kick_fd, &kicks, sizeof kicks) < 0 && errno == EINTR) {
        continue;
    }
}

/* One whole turn has passed since the members were armed, or since the last
 * look: the leader is polled again. */
static uint64_t
doorbell_turn(struct doorbell *d, uint64_t now_ns)
{
    struct doorbell_member *m;
    uint64_t deadline_ns = UINT64_MAX;
    bool allowed;

    atomic_read_relaxed(&sleep_allowed, &allowed);
    if (!allowed || d->epfd < 0 || now_ns - d->busy_ns < DOORBELL_QUIET_NS) {
        doorbell_run(d);
        return now_ns;
    }

    if (d->phase == DOORBELL_RUN) {
        /* From here on, whoever puts work in a member's queue kicks us. */
        atomic_store_explicit(&d->sleeping, true, memory_order_seq_cst);
        if (doorbell_arm(d)) {
            d->phase = DOORBELL_ARMED;
        } else {
            atomic_store_relaxed(&d->sleeping, false);
            d->busy_ns = now_ns;
        }
        return now_ns;
    }

    ovs_mutex_lock(&d->mutex);
    LIST_FOR_EACH (m, node, &d->members) {
        deadline_ns = MIN(deadline_ns, m->deadline_ns);
    }
    ovs_mutex_unlock(&d->mutex);

    doorbell_block(d, now_ns, deadline_ns);
    now_ns = doorbell_now_ns();
    d->phase = DOORBELL_RUN;

    ovs_mutex_lock(&d->mutex);
    LIST_FOR_EACH (m, node, &d->members) {
        m->ops->woke(m);
    }
    ovs_mutex_unlock(&d->mutex);
    return now_ns;
}

uint64_t
doorbell_poll(struct doorbell_member *m, uint64_t now_ns)
{
    struct doorbell *d = doorbell_get();
    struct doorbell *owner;

    atomic_read_relaxed(&m->doorbell, &owner);
    if (OVS_UNLIKELY(owner != d)) {
        doorbell_join(d, m);
    }
    m->polled = true;
    atomic_store_relaxed(&d->polled, m);

    if (OVS_LIKELY(m == d->leader)) {
        d->n_polls = 0;
        d->n_rounds++;
        return doorbell_turn(d, now_ns);
    }
    if (!d->leader || ++d->n_polls >= LEADER_LOST_POLLS) {
        d->leader = m;
        d->n_polls = 0;
        doorbell_run(d);
    }
    return now_ns;
}

uint64_t
doorbell_rounds(void)
{
    return doorbell_get()->n_rounds;
}

struct doorbell_member *
doorbell_polled(void)
{
    pthread_once(&doorbell_once, doorbell_init_once);

    struct doorbell *d = pthread_getspecific(doorbell_key);
    struct doorbell_member *m = NULL;

    if (d) {
        atomic_read_relaxed(&d->polled, &m);
    }
    return m;
}

void
doorbell_report(struct doorbell_member *m, bool busy, uint64_t deadline_ns,
                uint64_t now_ns)
{
    struct doorbell *d;

    m->deadline_ns = deadline_ns;
    if (busy) {
        atomic_read_relaxed(&m->doorbell, &d);
        if (d) {
            d->busy_ns = now_ns;
        }
    }
}

void
doorbell_set_fds(struct doorbell_member *m, const int fds[], unsigned int n)
{
    struct doorbell *d;

    atomic_read_relaxed(&m->doorbell, &d);
    if (d) {
        doorbell_ctl_fds(d, m, EPOLL_CTL_DEL);
    }
    while (m->n_fds) {
        close(m->fds[--m->n_fds]);
    }
    for (unsigned int i = 0; i < MIN(n, DOORBELL_FDS_MAX); i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

        if (fd >= 0) {
            m->fds[m->n_fds++] = fd;
        }
    }
    if (d) {
        doorbell_ctl_fds(d, m, EPOLL_CTL_ADD);
    }
}

static void
doorbell_wake(struct doorbell *d)
{
    static const uint64_t one = 1;
    bool sleeping;

    atomic_read_explicit(&d->sleeping, &sleeping, memory_order_seq_cst);
    if (sleeping) {
        ignore(write(d->kick_fd, &one, sizeof one));
        atomic_count_inc64(&d->n_kicks);
    }
}

void
doorbell_kick(struct doorbell_member *m)
{
    struct doorbell *d;

    atomic_read_relaxed(&m->doorbell, &d);
    if (!d) {
        return;
    }
    if (d == pthread_getspecific(doorbell_key)) {
        doorbell_run(d);
        return;
    }
    /* Whoever polls the member now has seen what was put in its queue, or is
     * seen to sleep here. */
    atomic_thread_fence(memory_order_seq_cst);
    atomic_read_relaxed(&m->doorbell, &d);
    if (d) {
        doorbell_wake(d);
    }
}

void
doorbell_kick_all(void)
{
    struct doorbell *d;

    ovs_mutex_lock(&all_mutex);
    LIST_FOR_EACH (d, all_node, &all_doorbells) {
        doorbell_wake(d);
    }
    ovs_mutex_unlock(&all_mutex);
}

void
doorbell_allow_sleep(bool allow)
{
    atomic_store_relaxed(&sleep_allowed, allow);
}

void
doorbell_get_counts(struct doorbell_counts *counts)
{
    struct doorbell *d;

    *counts = (struct doorbell_counts) { 0, 0 };
    ovs_mutex_lock(&all_mutex);
    LIST_FOR_EACH (d, all_node, &all_doorbells) {
        uint64_t n;

        atomic_read_relaxed(&d->n_sleeps, &n);
        counts->sleeps += n;
        atomic_read_relaxed(&d->n_kicks, &n);
        counts->kicks += n;
    }
    ovs_mutex_unlock(&all_mutex);
}
