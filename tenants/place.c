#include <config.h>

#include "tenants/place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "tenants/file.h"
#include "tenants/place_inside.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(place);

static const char *const ns_names[PLACE_N] = {
    [PLACE_MNT] = "mnt",
    [PLACE_USER] = "user",
    [PLACE_NET] = "net",
    [PLACE_IPC] = "ipc",
    [PLACE_UTS] = "uts",
};

int
place_prepare(const char *dir, char **errorp)
{
    struct stat outer, inner;
    char *parent = xasprintf("%s/..", dir);
    bool mounted = !stat(dir, &inner) && !stat(parent, &outer)
                   && inner.st_dev != outer.st_dev;

    free(parent);
    if (mounted) {
        return 0;
    }
    if (mount("netdom-ns", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "mode=0700,size=4m")
        || mount(NULL, dir, NULL, MS_PRIVATE, NULL)) {
        int error = errno;
        *errorp = xasprintf("%s: cannot mount: %s", dir, ovs_strerror(error));
        return -error;
    }
    return 0;
}

void
place_unprepare(const char *dir)
{
    if (umount2(dir, UMOUNT_NOFOLLOW) && errno != EINVAL) {
        VLOG_WARN("%s: cannot unmount: %s", dir, ovs_strerror(errno));
    }
    rmdir(dir);
}

/* Parent's part: gives the child its uid, then binds the namespaces. */
static int
keep(const struct place_spec *spec, pid_t pid)
{
    char path[512], target[512], map[64];

    snprintf(map, sizeof map, "0 %u 1\n", (unsigned int) spec->uid);
    snprintf(path, sizeof path, "/proc/%d/uid_map", (int) pid);
    int error = file_write(path, map);
    if (!error) {
        snprintf(path, sizeof path, "/proc/%d/gid_map", (int) pid);
        error = file_write(path, map);
    }

    for (int i = 0; i < PLACE_N && !error; i++) {
        snprintf(path, sizeof path, "/proc/%d/ns/%s", (int) pid, ns_names[i]);
        snprintf(target, sizeof target, "%s/%s", spec->ns_dir, ns_names[i]);

        int fd = open(target, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
            return -errno;
        }
        close(fd);
        if (mount(path, target, NULL, MS_BIND, NULL)) {
            error = -errno;
        }
    }
    return error;
}

/* Waits for the child's word: a step's number and an errno, 0 and 0 when all
 * is well. */
static int
hear(int fd, int report[2])
{
    ssize_t n;

    do {
        n = read(fd, report, 2 * sizeof *report);
    } while (n < 0 && errno == EINTR);
    if (n != 2 * sizeof *report) {
        report[0] = 0;
        report[1] = EPIPE;
    }
    return -report[1];
}

int
place_create(const struct place_spec *spec, char **errorp)
{
    int up[2], down[2], report[2] = { 0, 0 };

    if (mkdir(spec->ns_dir, 0700) && errno != EEXIST) {
        int error = errno;
        *errorp = xasprintf("%s: %s", spec->ns_dir, ovs_strerror(error));
        return -error;
    }
    if (pipe2(up, O_CLOEXEC)) {
        return -errno;
    }
    if (pipe2(down, O_CLOEXEC)) {
        int error = errno;
        close(up[0]);
        close(up[1]);
        return -error;
    }

    pid_t pid = fork();
    if (!pid) {
        close(up[0]);
        close(down[1]);
        place_inside(spec, up[1], down[0]);
    }
    close(up[1]);
    close(down[0]);

    int error = pid < 0 ? -errno : hear(up[0], report);
    const char *what = place_step_name(report[0]);
    if (!error) {
        what = "bind the namespaces";
        error = keep(spec, pid);
    }
    if (!error) {
        error = write(down[1], "", 1) == 1 ? hear(up[0], report) : -errno;
        what = place_step_name(report[0]);
    }
    close(up[0]);
    close(down[1]);
    if (pid > 0) {
        if (error) {
            kill(pid, SIGKILL);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
    }
    if (error) {
        *errorp = xasprintf("cannot make namespaces: %s: %s", what,
                            ovs_strerror(-error));
        place_remove(spec->ns_dir);
    }
    return error;
}

bool
place_exists(const char *ns_dir)
{
    for (int i = 0; i < PLACE_N; i++) {
        char path[512];
        struct statfs s;

        snprintf(path, sizeof path, "%s/%s", ns_dir, ns_names[i]);
        if (statfs(path, &s) || s.f_type != NSFS_MAGIC) {
            return false;
        }
    }
    return true;
}

void
place_remove(const char *ns_dir)
{
    for (int i = 0; i < PLACE_N; i++) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", ns_dir, ns_names[i]);
        while (!umount2(path, MNT_DETACH)) {
            continue;
        }
        unlink(path);
    }
    if (rmdir(ns_dir) && errno != ENOENT) {
        VLOG_WARN("%s: cannot remove: %s", ns_dir, ovs_strerror(errno));
    }
}

int
place_open_net(const char *ns_dir)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", ns_dir, ns_names[PLACE_NET]);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int
place_enter(const char *ns_dir)
{
    int fds[PLACE_N];

    for (int i = 0; i < PLACE_N; i++) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", ns_dir, ns_names[i]);
        fds[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0) {
            return i + 1;
        }
    }
    for (int i = 0; i < PLACE_N; i++) {
        if (setns(fds[i], 0)) {
            return i + 1;
        }
    }
    if (chdir("/") || setgroups(0, NULL) || setresgid(0, 0, 0)
        || setresuid(0, 0, 0)) {
        return PLACE_N + 1;
    }
    return 0;
}
