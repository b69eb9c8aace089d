#include <config.h>

#include "tenants/place_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenants/file.h"
#include "tenants/place.h"
#include "util.h"

#define HIDDEN_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

enum step {
    STEP_SHOW,
    STEP_UNSHARE_MOUNT,
    STEP_SLAVE,
    STEP_HIDE,
    STEP_MOVE,
    STEP_SEAL,
    STEP_UNSHARE,
    STEP_PARENT,
    STEP_BECOME_ROOT,
    STEP_HOSTNAME,
    STEP_LOOPBACK,
};

static const char *const step_names[] = {
    [STEP_SHOW] = "open the tenant's own folders",
    [STEP_UNSHARE_MOUNT] = "make a mount namespace",
    [STEP_SLAVE] = "cut off mounts",
    [STEP_HIDE] = "hide the run folder",
    [STEP_MOVE] = "show the tenant's own folders",
    [STEP_SEAL] = "make the run folder read-only",
    [STEP_UNSHARE] = "make user, network, IPC and UTS namespaces",
    [STEP_PARENT] = "hear from the controller",
    [STEP_BECOME_ROOT] = "become the namespace's root",
    [STEP_HOSTNAME] = "set the host name",
    [STEP_LOOPBACK] = "set lo up",
};

const char *
place_step_name(int step)
{
    return step >= 0 && step < (int) ARRAY_SIZE(step_names)
           ? step_names[step] : "talk to the child";
}

static void
tell(int up, int step, int error)
{
    int report[2] = { step, error };

    if (write(up, report, sizeof report) != sizeof report) {
        _exit(1);
    }
}

static void
check(int up, bool ok, enum step step)
{
    if (!ok) {
        tell(up, step, errno ? errno : EIO);
        _exit(1);
    }
}

/* Makes 'path' and its parents below 'base'. */
static bool
make_dirs(const char *base, const char *path)
{
    char copy[512];
    size_t n = strlen(base);

    if (strlen(path) >= sizeof copy) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(copy, path);
    for (char *p = copy + n + 1; ; p++) {
        if (*p && *p != '/') {
            continue;
        }

        char c = *p;
        *p = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST) {
            return false;
        }
        *p = c;
        if (!c) {
            return true;
        }
    }
}

/* A new mount namespace in which 'spec->hide' holds 'spec->show' only.  It
 * belongs to the host's user namespace: inside, nobody can undo it. */
static void
arrange_mounts(const struct place_spec *spec, int up)
{
    int shown[ARRAY_SIZE(spec->show)];

    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        shown[i] = open_tree(AT_FDCWD, spec->show[i],
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        check(up, shown[i] >= 0, STEP_SHOW);
    }
    check(up, !unshare(CLONE_NEWNS), STEP_UNSHARE_MOUNT);

    /* What the host unmounts goes here too; nothing goes the other way. */
    check(up, !mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL), STEP_SLAVE);

    /* Else this tenant would keep the others' namespaces alive. */
    umount2(spec->keep, MNT_DETACH);

    check(up, !mount("netdom", spec->hide, "tmpfs", HIDDEN_FLAGS,
                     "mode=0755,size=64k"), STEP_HIDE);
    for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
        check(up, make_dirs(spec->hide, spec->show[i])
                  && !move_mount(shown[i], "", AT_FDCWD, spec->show[i],
                                 MOVE_MOUNT_F_EMPTY_PATH), STEP_MOVE);
        close(shown[i]);
    }
    check(up, !mount(NULL, spec->hide, NULL,
                     MS_REMOUNT | MS_RDONLY | HIDDEN_FLAGS, NULL), STEP_SEAL);
}

static bool
loopback_up(void)
{
    struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &ifr);

    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* The namespace's own stack must not speak on the tenant's wires: without
 * this it would send IPv6 frames of its own. */
static void
quieten(void)
{
    file_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    file_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

void
place_inside(const struct place_spec *spec, int up, int down)
{
    char byte;

    arrange_mounts(spec, up);
    check(up, !unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC
                       | CLONE_NEWUTS), STEP_UNSHARE);
    tell(up, 0, 0);
    check(up, read(down, &byte, 1) == 1, STEP_PARENT);

    check(up, !setgroups(0, NULL) && !setresgid(0, 0, 0)
              && !setresuid(0, 0, 0), STEP_BECOME_ROOT);
    check(up, !sethostname(spec->hostname, strlen(spec->hostname)),
          STEP_HOSTNAME);
    quieten();
    check(up, loopback_up(), STEP_LOOPBACK);
    tell(up, 0, 0);
    _exit(0);
}
