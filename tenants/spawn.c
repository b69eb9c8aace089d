#include <config.h>

#include "tenants/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tenants/cgroup.h"
#include "tenants/place.h"
#include "util.h"

#define FILES_MAX 65536
#define LOCKED_BYTES (1ull << 30)       /* What a device may reach. */

enum step {
    STEP_GO,
    STEP_ENTER,
    STEP_PRIVILEGES,
    STEP_OUTPUT,
    STEP_EXEC,
};

static const char *const step_names[] = {
    [STEP_GO] = "start",
    [STEP_ENTER] = "enter the tenant's namespaces",
    [STEP_PRIVILEGES] = "give up privileges",
    [STEP_OUTPUT] = "open its output file",
    [STEP_EXEC] = "execute it",
};

/* All that a child needs, made ready before fork(). */
struct child {
    const struct spawn_spec *spec;
    int program;
    int go;
    int report;
};

OVS_NO_RETURN static void
give_up(const struct child *child, enum step step)
{
    int report[2] = { step, errno ? errno : EIO };

    if (write(child->report, report, sizeof report) != sizeof report) {
        _exit(126);
    }
    _exit(127);
}

static bool
keeps(int cap)
{
    return cap == CAP_NET_ADMIN || cap == CAP_NET_RAW
           || cap == CAP_NET_BIND_SERVICE;
}

static bool
drop_capabilities(bool all)
{
    for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
        if ((all || !keeps(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0)
            && errno != EINVAL) {
            return false;
        }
    }
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static bool
drop_privileges(const struct spawn_spec *spec)
{
    if (spec->root) {
        return !spec->bare || drop_capabilities(true);
    }
    if (!drop_capabilities(!spec->ns_dir)) {
        return false;
    }
    return spec->ns_dir
           || (!setgroups(0, NULL)
               && !setresgid(spec->uid, spec->uid, spec->uid)
               && !setresuid(spec->uid, spec->uid, spec->uid));
}

/* The folder is the tenant's: it is opened as the tenant, and what is no
 * plain file is not waited for. */
static bool
open_output(const char *path)
{
    int null = open("/dev/null", O_RDONLY);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
                         | O_NONBLOCK | O_APPEND, 0644);

    return null >= 0 && out >= 0 && dup2(null, 0) >= 0 && dup2(out, 1) >= 0
           && dup2(out, 2) >= 0;
}

/* Moves the descriptors that are still needed to 3 and 4 and closes every
 * other one, so that nothing of the controller's reaches the program. */
static bool
close_others(struct child *child)
{
    int program = fcntl(child->program, F_DUPFD, 10);
    int report = fcntl(child->report, F_DUPFD, 10);

    if (program < 0 || report < 0 || dup2(program, 3) < 0
        || dup3(report, 4, O_CLOEXEC) < 0) {
        return false;
    }
    child->program = 3;
    child->report = 4;
    return !close_range(5, ~0u, 0);
}

OVS_NO_RETURN static void
run_child(struct child *child)
{
    const struct spawn_spec *spec = child->spec;
    const struct rlimit no_core = { 0, 0 };
    const struct rlimit locked = { LOCKED_BYTES, LOCKED_BYTES };
    struct rlimit files;
    char byte;

    if (read(child->go, &byte, 1) != 1) {
        _exit(0);                       /* The controller is gone. */
    }
    if (!spec->root) {
        cgroup_enter(spec->cgroups, spec->tenant, getpid());
    }
    setsid();
    signal(SIGPIPE, SIG_DFL);
    umask(022);
    setrlimit(RLIMIT_CORE, &no_core);
    if (spec->locks_memory) {
        setrlimit(RLIMIT_MEMLOCK, &locked);
    }
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = MIN(files.rlim_max, FILES_MAX);
        setrlimit(RLIMIT_NOFILE, &files);
    }
    errno = 0;
    if (spec->ns_dir ? place_enter(spec->ns_dir) : chdir("/")) {
        give_up(child, STEP_ENTER);
    }
    if (!drop_privileges(spec)) {
        give_up(child, STEP_PRIVILEGES);
    }
    if (!open_output(spec->output)) {
        give_up(child, STEP_OUTPUT);
    }
    if (!close_others(child)) {
        give_up(child, STEP_EXEC);
    }
    fexecve(child->program, spec->argv, spec->envp);
    give_up(child, STEP_EXEC);
}

int
spawn_begin(const struct spawn_spec *spec, struct spawned *spawned,
            char **errorp)
{
    int go[2] = { -1, -1 }, report[2] = { -1, -1 };
    int program = open(spec->program, O_PATH | O_CLOEXEC);
    int error = 0;

    if (program < 0) {
        error = -errno;
        *errorp = xasprintf("%s: %s", spec->program, ovs_strerror(-error));
        return error;
    }
    if (pipe2(go, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
        error = -errno;
        goto out;
    }

    spawned->pid = fork();
    if (!spawned->pid) {
        struct child child = {
            .spec = spec,
            .program = program,
            .go = go[0],
            .report = report[1],
        };
        close(go[1]);
        run_child(&child);
    }
    if (spawned->pid < 0) {
        error = -errno;
    }

out:
    close(program);
    if (go[0] >= 0) {
        close(go[0]);
    }
    if (report[1] >= 0) {
        close(report[1]);
    }
    spawned->go = go[1];
    spawned->report = report[0];
    if (error) {
        *errorp = xasprintf("%s: cannot fork: %s", spec->program,
                            ovs_strerror(-error));
        if (go[1] >= 0) {
            close(go[1]);
        }
        if (report[0] >= 0) {
            close(report[0]);
        }
    }
    return error;
}

int
spawn_release(struct spawned *spawned, char **errorp)
{
    int report[2] = { 0, 0 };
    ssize_t n = write(spawned->go, "", 1);
    int error = n == 1 ? 0 : -errno;

    close(spawned->go);
    do {
        n = read(spawned->report, report, sizeof report);
    } while (n < 0 && errno == EINTR);
    close(spawned->report);

    if (n == sizeof report) {
        const char *step = report[0] >= 0
            && report[0] < (int) ARRAY_SIZE(step_names)
            ? step_names[report[0]] : "start";

        error = -report[1];
        *errorp = xasprintf("cannot %s: %s", step, ovs_strerror(report[1]));
    } else if (error) {
        *errorp = xasprintf("cannot start it: %s", ovs_strerror(-error));
    }
    if (error) {
        while (waitpid(spawned->pid, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
    }
    return error;
}

void
spawn_cancel(struct spawned *spawned)
{
    close(spawned->go);
    close(spawned->report);
    while (waitpid(spawned->pid, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
}
