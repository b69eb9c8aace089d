#include <config.h>

#include "tenants/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "tenants/file.h"
#include "tenants/place.h"
#include "util.h"

#define UID_BASE 2000000
#define UIDS_PER_RUN_DIR 4096

int
room_make(const char *run_dir, char **errorp)
{
    char *own = xasprintf("%s/controller", run_dir);
    char *ns = xasprintf("%s/ns", own);
    int error = 0;

    if (mkdir(run_dir, 0755) && errno != EEXIST) {
        error = -errno;
    }
    if (!error) {
        error = file_make_dir(own, 0700, 0);
    }
    if (!error && mkdir(ns, 0700) && errno != EEXIST) {
        error = -errno;
    }
    if (error) {
        *errorp = xasprintf("%s: %s: choose another --run-dir", run_dir,
                            ovs_strerror(-error));
    } else {
        error = place_prepare(ns, errorp);
    }
    free(own);
    free(ns);
    return error;
}

void
room_remove(const char *run_dir)
{
    char *own = xasprintf("%s/controller", run_dir);
    char *ns = xasprintf("%s/ns", own);
    char *tenants = xasprintf("%s/tenants", run_dir);

    place_unprepare(ns);
    rmdir(own);
    rmdir(tenants);
    free(tenants);
    free(own);
    free(ns);
}

uint32_t
room_uid_base(const char *run_dir)
{
    uint32_t room = strcmp(run_dir, "/run/netdom")
                    ? hash_string(run_dir, 0) % 65535 + 1 : 0;

    return UID_BASE + room * UIDS_PER_RUN_DIR;
}
