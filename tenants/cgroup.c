#include <config.h>

#include "tenants/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "tenants/file.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(cgroup);

#define MOUNTINFO_BYTES_MAX (1 << 20)

static const char *const controller_names[CGROUP_N] = {
    [CGROUP_CPU] = "cpu",
    [CGROUP_MEMORY] = "memory",
    [CGROUP_PIDS] = "pids",
};

/* True if 'word' is one of the words of 'list', separated by any of
 * 'separators'. */
static bool
has_word(const char *list, const char *word, const char *separators)
{
    size_t len = strlen(word);

    for (const char *p = list; *p; ) {
        size_t n = strcspn(p, separators);

        if (n == len && !strncmp(p, word, n)) {
            return true;
        }
        p += n + strspn(p + n, separators);
    }
    return false;
}

/* One line: "ID PARENT DEV ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE SUPER".
 * Stores the mount point, at most 'n' bytes; false if the line is not so. */
static bool
parse_line(char *line, char **point, char **type, char **super)
{
    char *tail = strstr(line, " - ");
    char *save = NULL;

    if (!tail) {
        return false;
    }
    *tail = '\0';
    *type = strtok_r(tail + 3, " ", &save);
    strtok_r(NULL, " ", &save);
    *super = strtok_r(NULL, " ", &save);

    save = NULL;
    strtok_r(line, " ", &save);
    for (int i = 0; i < 3; i++) {
        strtok_r(NULL, " ", &save);
    }
    *point = strtok_r(NULL, " ", &save);
    return *type && *super && *point;
}

static void
found(struct cgroups *cgroups, enum cgroup_controller c, const char *root,
      bool v2)
{
    if (!cgroups->root[c]) {
        cgroups->root[c] = xstrdup(root);
        cgroups->v2[c] = v2;
    }
}

/* "netdom" for the usual run folder; others carry their path. */
static char *
group_name(const char *run_dir)
{
    if (!strcmp(run_dir, "/run/netdom")) {
        return xstrdup("netdom");
    }

    char *name = xasprintf("netdom%s", run_dir);
    for (char *p = name; *p; p++) {
        *p = *p == '/' ? '-' : *p;
    }
    return name;
}

void
cgroups_find(struct cgroups *cgroups, const char *mountinfo,
             const char *v2_controllers, const char *run_dir)
{
    char *copy = xstrdup(mountinfo);
    char *save = NULL;

    memset(cgroups, 0, sizeof *cgroups);
    cgroups->group = group_name(run_dir);
    for (char *line = strtok_r(copy, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *point, *type, *super;

        if (!parse_line(line, &point, &type, &super)) {
            continue;
        }
        for (int c = 0; c < CGROUP_N; c++) {
            if (!strcmp(type, "cgroup")
                && has_word(super, controller_names[c], ",")) {
                found(cgroups, c, point, false);
            } else if (!strcmp(type, "cgroup2") && v2_controllers
                       && has_word(v2_controllers, controller_names[c],
                                   " \n")) {
                found(cgroups, c, point, true);
            }
        }
    }
    free(copy);
}

/* Version 2's mount point in 'mountinfo', or null. */
static char *
find_v2(const char *mountinfo)
{
    char *copy = xstrdup(mountinfo), *result = NULL;
    char *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line && !result;
         line = strtok_r(NULL, "\n", &save)) {
        char *point, *type, *super;

        if (parse_line(line, &point, &type, &super)
            && !strcmp(type, "cgroup2")) {
            result = xstrdup(point);
        }
    }
    free(copy);
    return result;
}

void
cgroups_init(struct cgroups *cgroups, const char *run_dir)
{
    char *mountinfo = file_read("/proc/self/mountinfo", MOUNTINFO_BYTES_MAX);
    char *v2 = mountinfo ? find_v2(mountinfo) : NULL;
    char *path = v2 ? xasprintf("%s/cgroup.controllers", v2) : NULL;
    char *controllers = path ? file_read(path, 4096) : NULL;

    cgroups_find(cgroups, mountinfo ? mountinfo : "", controllers, run_dir);
    free(controllers);
    free(path);
    free(v2);
    free(mountinfo);
}

void
cgroups_finish(struct cgroups *cgroups)
{
    for (int c = 0; c < CGROUP_N; c++) {
        free(cgroups->root[c]);
    }
    free(cgroups->group);
}

static int
put(const char *dir, const char *leaf, const char *value)
{
    char *path = xasprintf("%s/%s", dir, leaf);
    int error = file_write(path, value);

    free(path);
    return error;
}

/* Version 2's weight is 1 to 10000 around 100, version 1's shares are around
 * 1024. */
static int
set_limit(enum cgroup_controller c, bool v2, const char *dir,
          const struct cgroup_limits *limits)
{
    char value[32];

    switch (c) {
    case CGROUP_CPU:
        snprintf(value, sizeof value, "%u",
                 v2 ? limits->cpu_weight : limits->cpu_weight * 1024 / 100);
        return put(dir, v2 ? "cpu.weight" : "cpu.shares", value);
    case CGROUP_MEMORY:
        snprintf(value, sizeof value, "%"PRIu64, limits->memory_bytes);
        return put(dir, v2 ? "memory.max" : "memory.limit_in_bytes", value);
    case CGROUP_PIDS:
        snprintf(value, sizeof value, "%u", limits->pids);
        return put(dir, "pids.max", value);
    case CGROUP_N:
    default:
        return -EINVAL;
    }
}

static int
make_group(const struct cgroups *cgroups, enum cgroup_controller c,
           const char *tenant, const struct cgroup_limits *limits)
{
    const char *root = cgroups->root[c];

    if (!root) {
        return -ENODEV;
    }

    char *ours = xasprintf("%s/%s", root, cgroups->group);
    char *dir = xasprintf("%s/%s", ours, tenant);
    char *enable = xasprintf("+%s", controller_names[c]);
    int error = 0;

    if (mkdir(ours, 0755) && errno != EEXIST) {
        error = -errno;
    }
    if (!error && cgroups->v2[c]) {
        put(root, "cgroup.subtree_control", enable);
        error = put(ours, "cgroup.subtree_control", enable);
    }
    if (!error && mkdir(dir, 0755) && errno != EEXIST) {
        error = -errno;
    }
    if (!error) {
        error = set_limit(c, cgroups->v2[c], dir, limits);
    }
    free(enable);
    free(dir);
    free(ours);
    return error;
}

void
cgroup_create(const struct cgroups *cgroups, const char *tenant,
              const struct cgroup_limits *limits, struct ds *warning)
{
    for (int c = 0; c < CGROUP_N; c++) {
        int error = make_group(cgroups, c, tenant, limits);

        if (error) {
            ds_put_format(warning, "%sno %s limit (%s)",
                          warning->length ? ", " : "", controller_names[c],
                          error == -ENODEV ? "no such control group mounted"
                                           : ovs_strerror(-error));
        }
    }
}

void
cgroup_enter(const struct cgroups *cgroups, const char *tenant, pid_t pid)
{
    for (int c = 0; c < CGROUP_N; c++) {
        char path[512], value[16];
        int n = cgroups->root[c]
            ? snprintf(path, sizeof path, "%s/%s/%s/cgroup.procs",
                       cgroups->root[c], cgroups->group, tenant)
            : 0;

        if (n <= 0 || n >= (int) sizeof path) {
            continue;
        }
        snprintf(value, sizeof value, "%d", (int) pid);
        file_write(path, value);
    }
}

void
cgroup_remove(const struct cgroups *cgroups, const char *tenant)
{
    for (int c = 0; c < CGROUP_N; c++) {
        if (!cgroups->root[c]) {
            continue;
        }

        char *ours = xasprintf("%s/%s", cgroups->root[c], cgroups->group);
        char *dir = xasprintf("%s/%s", ours, tenant);

        if (rmdir(dir) && errno != ENOENT) {
            VLOG_WARN("%s: cannot remove the control group: %s", dir,
                      ovs_strerror(errno));
        }
        rmdir(ours);                    /* Only when it was the last. */
        free(dir);
        free(ours);
    }
}
