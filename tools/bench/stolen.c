/* bench-stolen: when a core was not there, as a thread sees it that comes before
 * all others and wants very little.  Where a hypervisor reports stolen time,
 * this says the same, and when; many report none.
 *
 * usage: bench-stolen FILE
 *
 * FILE is made, and gets a line for each time that a core that this program may
 * use was away: its number, and from when until when (CLOCK_MONOTONIC, in ns).
 * Runs until SIGTERM. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 1000000
#define LATE_NS 500000                  /* Waking from idle takes less. */
#define PRIORITY 50

static int file;

struct watch {
    pthread_t thread;
    int cpu;
};

static uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void
tell(const struct watch *w, uint64_t from_ns, uint64_t until_ns)
{
    char line[80];
    int n = snprintf(line, sizeof line, "%d %"PRIu64" %"PRIu64"\n", w->cpu,
                     from_ns, until_ns);

    if (write(file, line, n) != n) {
        exit(2);
    }
}

static void *
watch(void *w_)
{
    struct watch *w = w_;
    uint64_t due_ns = now_ns();

    for (;;) {
        due_ns += STEP_NS;
        struct timespec until = { due_ns / 1000000000, due_ns % 1000000000 };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
               == EINTR) {
            continue;
        }

        uint64_t came_ns = now_ns();
        if (came_ns - due_ns > LATE_NS) {
            tell(w, due_ns, came_ns);
            due_ns = came_ns;
        }
    }
    return NULL;
}

static void
start(struct watch *w)
{
    struct sched_param param = { .sched_priority = PRIORITY };
    pthread_attr_t attr;
    cpu_set_t cpus;
    int error;

    CPU_ZERO(&cpus);
    CPU_SET(w->cpu, &cpus);
    pthread_attr_init(&attr);
    pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
    pthread_attr_setschedparam(&attr, &param);
    pthread_attr_setaffinity_np(&attr, sizeof cpus, &cpus);
    error = pthread_create(&w->thread, &attr, watch, w);
    if (error) {
        fprintf(stderr, "bench-stolen: a thread of real-time priority on core "
                "%d: %s\n", w->cpu, strerror(error));
        exit(2);
    }
}

int
main(int argc, char *argv[])
{
    static struct watch watches[CPU_SETSIZE];
    cpu_set_t allowed;
    int n = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-stolen FILE\n");
        return 2;
    }
    file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || sched_getaffinity(0, sizeof allowed, &allowed)) {
        fprintf(stderr, "bench-stolen: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            watches[n].cpu = cpu;
            start(&watches[n++]);
        }
    }
    for (;;) {
        pause();
    }
}
