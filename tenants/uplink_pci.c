/* A VF on PCI that a tenant's process drives: vfio-pci has it, and the device of
 * its IOMMU group is the tenant's. */

#include <config.h>

#include "tenants/uplink.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tenants/file.h"
#include "tenants/model.h"
#include "util.h"

#define DEVICES "/sys/bus/pci/devices"
#define DRIVER "vfio-pci"
#define LINK_BYTES 256

bool
uplink_is_on_host(const char *device)
{
    if (!vf_is_pci(device)) {
        return uplink_is_there(NULL, device);
    }

    char *path = xasprintf(DEVICES "/%s", device);
    bool there = !access(path, F_OK);

    free(path);
    return there;
}

/* The last part of where a link of the device's leads; null: there is no such
 * link.  The caller frees it. */
static char *
link_of(const char *address, const char *name)
{
    char *path = xasprintf(DEVICES "/%s/%s", address, name);
    char where[LINK_BYTES];
    ssize_t n = readlink(path, where, sizeof where - 1);

    free(path);
    if (n <= 0) {
        return NULL;
    }
    where[n] = '\0';

    const char *slash = strrchr(where, '/');
    return xstrdup(slash ? slash + 1 : where);
}

static int
write_to(const char *address, const char *file, const char *text)
{
    char *path = address ? xasprintf(DEVICES "/%s/%s", address, file)
                         : xstrdup(file);
    int error = file_write(path, text);

    free(path);
    return error;
}

static bool
is_driven_by(const char *address, const char *driver)
{
    char *now = link_of(address, "driver");
    bool same = now && !strcmp(now, driver);

    free(now);
    return same;
}

/* How many devices are in its IOMMU group: they can reach each other's memory,
 * and who has one has them all. */
static unsigned int
group_devices(const char *address)
{
    char *path = xasprintf(DEVICES "/%s/iommu_group/devices", address);
    DIR *dir = opendir(path);
    struct dirent *entry;
    unsigned int n = 0;

    while (dir && (entry = readdir(dir))) {
        n += entry->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    free(path);
    return n;
}

static int
give_group(const char *group, uid_t uid)
{
    char *path = xasprintf("/dev/vfio/%s", group);
    int error = chown(path, uid, uid) ? -errno : 0;

    free(path);
    return error;
}

int
uplink_pci_take(const char *address, uid_t uid, char **errorp)
{
    char *group = link_of(address, "iommu_group");
    int error = 0;

    if (!group) {
        *errorp = xasprintf("%s is in no IOMMU group: switch the IOMMU on "
                            "(intel_iommu=on or amd_iommu=on)", address);
        return -ENODEV;
    }
    if (group_devices(address) != 1) {
        *errorp = xasprintf("%s shares IOMMU group %s with %u others: a tenant "
                            "would have them too", address, group,
                            group_devices(address) - 1);
        free(group);
        return -EPERM;
    }
    if (!is_driven_by(address, DRIVER)) {
        write_to(address, "driver/unbind", address);    /* May have none. */
        error = write_to(address, "driver_override", DRIVER);
        if (!error) {
            error = write_to(NULL, "/sys/bus/pci/drivers_probe", address);
        }
        if (!error && !is_driven_by(address, DRIVER)) {
            error = -ENODEV;
        }
    }
    if (!error) {
        error = give_group(group, uid);
    }
    if (error) {
        *errorp = xasprintf("%s: " DRIVER " does not take it: %s (is the module "
                            "loaded?)", address, ovs_strerror(-error));
    }
    free(group);
    return error;
}

int
uplink_pci_return(const char *address, char **errorp)
{
    char *group = link_of(address, "iommu_group");
    int error = 0;

    if (is_driven_by(address, DRIVER)) {
        if (group) {
            give_group(group, 0);
        }
        error = write_to(address, "driver/unbind", address);
        if (!error) {
            error = write_to(address, "driver_override", "\n");
        }
        if (!error) {
            write_to(NULL, "/sys/bus/pci/drivers_probe", address);
        }
    }
    if (error) {
        *errorp = xasprintf("%s: " DRIVER " does not let go of it: %s", address,
                            ovs_strerror(-error));
    }
    free(group);
    return error;
}

bool
uplink_pci_is_taken(const char *address, uid_t uid)
{
    char *group = link_of(address, "iommu_group");
    char *path = xasprintf("/dev/vfio/%s", group ? group : "none");
    struct stat st;
    bool taken = is_driven_by(address, DRIVER) && !stat(path, &st)
                 && st.st_uid == uid;

    free(path);
    free(group);
    return taken;
}
