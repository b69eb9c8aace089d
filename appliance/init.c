/* netdom-init: the first program of a tenant's driver domain.  Mounts what is
 * needed, loads the kernel's modules, makes the switch's database, starts the
 * domain's programs, and starts each again that ends.  There is no shell.
 *
 * What is started when is the table below; what happens is on the console. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "appliance/vf.h"

#define MODULES "/etc/netdom/modules"
#define RUN "/run/openvswitch"
#define DB RUN "/db.sock"
#define SCHEMA "/usr/share/openvswitch/vswitch.ovsschema"
#define PATIENCE_S 60
#define AGAIN_S 1
#define UPLINK "vf0"                    /* As netdom-controller names it. */
#define WORDS 16
#define CONTROL RUN "/control"
#define PLUG 7                          /* Where the switch's --plug is. */

/* On the kernel's command line: ports, and what there is to a bridge, are told
 * by netdom-controller through the database. */
#define MANAGED "netdom.managed"

/* What DPDK leaves the rest: files, database, threads.  Of a domain of 256 MiB,
 * where 210 can be used, it gets 100: 68 for an uplink, 7 for each vif. */
#define REST_MIB 110
#define DPDK_MIN_MIB 32
#define EAL_COMMON "--eal-args=--no-shconf --no-telemetry "

static char eal_args[256];
static char vf[VF_ADDRESS_BYTES];       /* Empty: the domain has none. */

/* A program that stays.  'ready' is there once it can be used. */
struct service {
    const char *ready;
    const char *argv[WORDS];
    pid_t pid;
    time_t started_s;
};

static struct service services[] = {
    { DB, { "/usr/sbin/ovsdb-server", "/run/conf.db", "--no-chdir",
            "--pidfile", "--remote=punix:" DB } },
    { RUN "/br0.mgmt",
      { "/usr/sbin/netdom-vswitchd", "unix:" DB, "--no-chdir", "--pidfile",
        "--unixctl=" CONTROL, "--xen=xen", eal_args, "--plug=br0" } },
    { NULL, { "/usr/bin/netdom-relay", "--connect=ovsdb:" DB,
              "--connect=openflow:" RUN "/br0.mgmt",
              "--connect=control:" CONTROL,
              "--listen=controller0:" RUN "/controller0",
              "--listen=controller1:" RUN "/controller1",
              "--listen=controller2:" RUN "/controller2",
              "--listen=controller3:" RUN "/controller3" } },
};
#define N_SERVICES (sizeof services / sizeof services[0])

__attribute__((format(printf, 1, 2)))
static void
say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("netdom-init: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

static time_t
now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static void
nap(void)
{
    struct timespec ts = { 0, 20000000 };

    nanosleep(&ts, NULL);
}

static void
mount_all(void)
{
    static const struct {
        const char *what, *where;
    } mounts[] = {
        { "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
        { "tmpfs", "/run" }, { "tmpfs", "/tmp" },
    };

    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        mkdir(mounts[i].where, 0755);
        if (mount(mounts[i].what, mounts[i].where, mounts[i].what, 0, NULL)
            && errno != EBUSY) {
            say("cannot mount %s: %s", mounts[i].where, strerror(errno));
        }
    }
    mkdir(RUN, 0755);

    /* The kernel lets all write there, and DPDK loads no plugin from below. */
    if (chmod("/", 0755)) {
        say("cannot change the mode of /: %s", strerror(errno));
    }
}

/* Each line of MODULES is a file, in the order in which they need each
 * other. */
static void
load_modules(void)
{
    FILE *list = fopen(MODULES, "re");
    char line[256];

    while (list && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        int fd = open(line, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0)
                       && errno != EEXIST && errno != ENODEV)) {
            say("cannot load %s: %s", line, strerror(errno));
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (list) {
        fclose(list);
    }
}

static pid_t
start(const char *const argv[])
{
    pid_t pid = fork();

    if (!pid) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setsid();
        execv(argv[0], (char *const *) argv);
        say("cannot run %s: %s", argv[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

/* Runs a program that ends.  Returns its status. */
static int
run(const char *const argv[])
{
    pid_t pid = start(argv);
    int status = -1;

    while (pid > 0 && waitpid(pid, &status, 0) != pid && errno == EINTR) {
        continue;
    }
    if (status) {
        say("%s %s: status %d", argv[0], argv[1], status);
    }
    return status;
}

static void
start_service(struct service *s)
{
    s->started_s = now_s();
    s->pid = start(s->argv);
}

static void
wait_ready(const struct service *s)
{
    time_t until_s = now_s() + PATIENCE_S;

    while (s->ready && access(s->ready, F_OK) && now_s() < until_s) {
        nap();
    }
    if (s->ready && access(s->ready, F_OK)) {
        say("%s is not ready after %d s", s->argv[0], PATIENCE_S);
    }
}

static void
make_database(void)
{
    static const char *const create[] = {
        "/usr/bin/ovsdb-tool", "create", "/run/conf.db", SCHEMA, NULL,
    };

    run(create);
}

/* A polling thread for each processor, and so as many queues for each vif. */
static void
poll_everywhere(void)
{
    long int n = sysconf(_SC_NPROCESSORS_ONLN);
    char mask[64];
    const char *const set[] = {
        "/usr/bin/ovs-vsctl", "--no-wait", "set", "open_vswitch", ".", mask,
        NULL,
    };

    snprintf(mask, sizeof mask, "other_config:pmd-cpu-mask=\"0x%llx\"",
             n < 64 ? (1ull << n) - 1 : ~0ull);
    run(set);
}

/* True if 'word' is on the kernel's command line. */
static bool
is_told(const char *word)
{
    FILE *file = fopen("/proc/cmdline", "re");
    char line[4096];
    bool told = false;

    if (file && fgets(line, sizeof line, file)) {
        char *save = NULL;

        for (char *p = strtok_r(line, " \n", &save); p && !told;
             p = strtok_r(NULL, " \n", &save)) {
            told = !strcmp(p, word);
        }
    }
    if (file) {
        fclose(file);
    }
    return told;
}

/* What netdom-controller makes the bridge of: it only has to know which VF there
 * is. */
static void
tell_vf(void)
{
    char id[64];
    const char *const set[] = {
        "/usr/bin/ovs-vsctl", "--no-wait", "init", "--", "set",
        "open_vswitch", ".", id, NULL,
    };

    snprintf(id, sizeof id, "external_ids:netdom-vf=\"%s\"", vf);
    run(set);
    poll_everywhere();
}

/* A bridge that learns by itself until a controller says more. */
static void
make_bridge(void)
{
    static const char *const init[] = {
        "/usr/bin/ovs-vsctl", "--no-wait", "init", "--", "--may-exist",
        "add-br", "br0", "--", "set", "bridge", "br0",
        "datapath_type=netdev", NULL,
    };
    char devargs[64];
    const char *const uplink[] = {
        "/usr/bin/ovs-vsctl", "--no-wait", "--may-exist", "add-port", "br0",
        UPLINK, "--", "set", "interface", UPLINK, "type=tenantvf", devargs,
        NULL,
    };

    run(init);
    poll_everywhere();
    snprintf(devargs, sizeof devargs, "options:dpdk-devargs=\"%s\"", vf);
    if (vf[0]) {
        run(uplink);
    }
}

/* For DPDK.  Huge pages are of two. */
static unsigned int
dpdk_mib(void)
{
    struct sysinfo info;
    unsigned long long mib = 0;

    if (!sysinfo(&info)) {
        mib = (unsigned long long) info.totalram * info.mem_unit >> 20;
    }
    return mib >= REST_MIB + DPDK_MIN_MIB ? (mib - REST_MIB) & ~1ull
                                          : DPDK_MIN_MIB;
}

/* The VF that dom0 gave the domain, if it gave one. */
static void
take_vf(void)
{
    unsigned int mib = dpdk_mib();
    char why[128];

    say("%u MiB for DPDK", mib);
    if (vf_take(vf, why) && vf_reserve(mib, why)) {
        snprintf(eal_args, sizeof eal_args, EAL_COMMON
                 "--iova-mode=pa -m %u -a %s", mib, vf);
        say("uplink %s", vf);
        return;
    }
    snprintf(eal_args, sizeof eal_args, EAL_COMMON
             "--no-huge --legacy-mem --no-pci -m %u", mib);
    vf[0] = '\0';
    if (why[0]) {
        say("no uplink: %s", why);
    }
}

/* One that ended is started again, after a while if it does so often. */
static void
look_after(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < N_SERVICES; i++) {
            if (services[i].pid == pid) {
                say("%s ended with status %d", services[i].argv[0], status);
                services[i].pid = 0;
            }
        }
    }
    for (size_t i = 0; i < N_SERVICES; i++) {
        if (!services[i].pid && now_s() >= services[i].started_s + AGAIN_S) {
            start_service(&services[i]);
        }
    }
}

int
main(void)
{
    if (getpid() != 1) {
        fprintf(stderr, "netdom-init is the first program of a driver domain,"
                " and nothing else\n");
        return 2;
    }

    /* What ends is told while nobody waits for it. */
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);

    mount_all();
    load_modules();
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("OVS_RUNDIR", RUN, 1);
    setenv("OVS_LOGDIR", RUN, 1);
    setenv("OVS_DBDIR", "/run", 1);
    take_vf();
    make_database();

    bool managed = is_told(MANAGED);
    if (managed) {
        services[1].argv[PLUG] = NULL;
        services[1].ready = CONTROL;
    }
    for (size_t i = 0; i < N_SERVICES; i++) {
        if (i == 1) {
            (managed ? tell_vf : make_bridge)();
        }
        start_service(&services[i]);
        wait_ready(&services[i]);
    }
    say("serving");

    for (;;) {
        struct timespec second = { AGAIN_S, 0 };

        look_after();
        sigtimedwait(&children, NULL, &second);
    }
}
