#include <config.h>

#include "tools/xenlocald/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(folder);

#define LOCK_LEAF "lock"

static int
open_dir(int at, const char *leaf)
{
    int fd = openat(at, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Calls 'cb' for each name in the folder 'fd', which stays open. */
static int
for_each_name(int fd, int (*cb)(int fd, const char *name, void *aux),
              void *aux)
{
    int copy = open_dir(fd, ".");
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    int error = 0;

    if (!dir) {
        error = copy < 0 ? copy : -errno;
        if (copy >= 0) {
            close(copy);
        }
        return error;
    }
    while (!error && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
            error = cb(fd, entry->d_name, aux);
        }
    }
    closedir(dir);
    return error;
}

static int
remove_one(int fd, const char *name, void *aux OVS_UNUSED)
{
    unlinkat(fd, name, 0);
    return 0;
}

static int
remove_folder(int run_fd, const char *leaf)
{
    int fd = open_dir(run_fd, leaf);

    if (fd < 0) {
        return fd;
    }
    for_each_name(fd, remove_one, NULL);
    close(fd);
    return unlinkat(run_fd, leaf, AT_REMOVEDIR) ? -errno : 0;
}

int
folder_remove(int run_fd, uint32_t domid)
{
    char leaf[16];

    snprintf(leaf, sizeof leaf, "%"PRIu32, domid);
    return remove_folder(run_fd, leaf);
}

int
folder_create(int run_fd, uint32_t domid, int *fd)
{
    char leaf[16];
    int dir;

    snprintf(leaf, sizeof leaf, "%"PRIu32, domid);
    if (mkdirat(run_fd, leaf, 0700)) {
        return -errno;
    }
    dir = open_dir(run_fd, leaf);
    if (dir < 0) {
        unlinkat(run_fd, leaf, AT_REMOVEDIR);
        return dir;
    }
    *fd = dir;
    return 0;
}

static int
give_one(int fd, const char *name, void *uid)
{
    return fchownat(fd, name, *(uint32_t *) uid, -1, AT_SYMLINK_NOFOLLOW)
           ? -errno : 0;
}

int
folder_give(int fd, uint32_t uid)
{
    int error = for_each_name(fd, give_one, &uid);

    return error ? error : fchown(fd, uid, -1) ? -errno : 0;
}

/* Is 'name' the control socket of a process that is gone? */
static bool
is_dead_control(const char *name)
{
    size_t prefix = strlen(program_name);
    int pid, end = 0;

    return !strncmp(name, program_name, prefix)
           && ovs_scan(name + prefix, ".%d.ctl%n", &pid, &end)
           && !name[prefix + end] && kill(pid, 0) && errno == ESRCH;
}

/* Removes what a predecessor left: folders with a number for a name, and its
 * control socket. */
static int
remove_stale(int fd, const char *name, void *aux OVS_UNUSED)
{
    if (is_dead_control(name)) {
        unlinkat(fd, name, 0);
    } else if (name[strspn(name, "0123456789")] == '\0') {
        int error = remove_folder(fd, name);
        if (error) {
            VLOG_WARN("%s: left from an earlier run, cannot be removed: %s",
                      name, ovs_strerror(-error));
        }
    }
    return 0;
}

int
folder_make(const char *path)
{
    char *part = xstrdup(path);
    int error = 0;

    for (char *p = part + 1; !error; p++) {
        bool last = !*p;
        if (*p == '/' || last) {
            *p = '\0';
            error = mkdir(part, 0755) && errno != EEXIST ? -errno : 0;
            *p = '/';
        }
        if (last) {
            break;
        }
    }
    free(part);
    return error;
}

pid_t
folder_owner(const char *path)
{
    char *lock_path = xasprintf("%s/%s", path, LOCK_LEAF);
    int lock = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char text[16] = "";
    pid_t pid = 0;

    if (lock >= 0 && flock(lock, LOCK_SH | LOCK_NB)
        && errno == EWOULDBLOCK
        && pread(lock, text, sizeof text - 1, 0) > 0) {
        pid = atoi(text);
    }
    if (lock >= 0) {
        close(lock);
    }
    free(lock_path);
    return pid;
}

int
folder_take(const char *path, int *fdp, int *lockp)
{
    int error = folder_make(path);
    int fd, lock;

    if (error) {
        return error;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    lock = openat(fd, LOCK_LEAF, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                  0600);
    if (lock < 0) {
        error = -errno;
        goto close_fd;
    }
    if (flock(lock, LOCK_EX | LOCK_NB)) {
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        goto close_lock;
    }
    if (ftruncate(lock, 0) || dprintf(lock, "%ld\n", (long) getpid()) < 0) {
        error = -errno;
        goto close_lock;
    }
    for_each_name(fd, remove_stale, NULL);
    unlinkat(fd, "registry.sock", 0);
    *fdp = fd;
    *lockp = lock;
    return 0;

close_lock:
    close(lock);
close_fd:
    close(fd);
    return error;
}
