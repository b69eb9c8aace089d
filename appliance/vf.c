#include "appliance/vf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define HUGE_MIB 2
#define CLASS_NETWORK 0x02              /* PCI's class code, its first byte. */

#define WHY_BYTES 128

/* Reads a file of one line. */
static bool
read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(line, size, file);

    if (file) {
        fclose(file);
    }
    return ok;
}

static int
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int error = n < 0 ? errno : 0;

    if (fd >= 0) {
        close(fd);
    }
    return error;
}

static bool
is_network(const char *address)
{
    char path[320], line[32];

    snprintf(path, sizeof path, DEVICES "/%s/class", address);
    return read_line(path, line, sizeof line)
           && strtoul(line, NULL, 16) >> 16 == CLASS_NETWORK;
}

static bool
find_network(char address[VF_ADDRESS_BYTES])
{
    DIR *devices = opendir(DEVICES);
    bool found = false;
    struct dirent *entry;

    while (!found && devices && (entry = readdir(devices))) {
        if (entry->d_name[0] != '.'
            && strlen(entry->d_name) < VF_ADDRESS_BYTES
            && is_network(entry->d_name)) {
            strcpy(address, entry->d_name);
            found = true;
        }
    }
    if (devices) {
        closedir(devices);
    }
    return found;
}

static int
bind_driver(const char *address, const char *driver)
{
    char path[128];

    snprintf(path, sizeof path, DEVICES "/%s/driver/unbind", address);
    write_file(path, address);          /* Nobody may have it. */
    snprintf(path, sizeof path, DEVICES "/%s/driver_override", address);

    int error = write_file(path, driver);
    if (!error) {
        error = write_file("/sys/bus/pci/drivers_probe", address);
    }
    if (!error) {
        snprintf(path, sizeof path, DEVICES "/%s/driver", address);
        error = access(path, F_OK) ? ENODEV : 0;
    }
    return error;
}

bool
vf_take(char address[VF_ADDRESS_BYTES], char why[WHY_BYTES])
{
    char path[128];

    why[0] = '\0';
    if (!find_network(address)) {
        return false;
    }
    snprintf(path, sizeof path, DEVICES "/%s/iommu_group", address);

    const char *driver = access(path, F_OK) ? "uio_pci_generic" : "vfio-pci";
    int error = bind_driver(address, driver);
    if (error) {
        snprintf(why, WHY_BYTES, "%s does not take %s: %s", driver, address,
                 strerror(error));
    }
    return !error;
}

bool
vf_reserve(unsigned int mib, char why[WHY_BYTES])
{
    unsigned int wanted = mib / HUGE_MIB;
    char line[32] = "0";

    why[0] = '\0';
    snprintf(line, sizeof line, "%u", wanted);

    int error = write_file(HUGE_PAGES, line);
    if (!error && (!read_line(HUGE_PAGES, line, sizeof line)
                   || strtoul(line, NULL, 10) < wanted)) {
        error = ENOMEM;
    }
    mkdir("/dev/hugepages", 0700);
    if (!error && mount("hugetlbfs", "/dev/hugepages", "hugetlbfs", 0,
                        "pagesize=2M")) {
        error = errno;
    }
    if (error) {
        snprintf(why, WHY_BYTES, "no %u MiB in huge pages: %s", mib,
                 strerror(error));
    }
    return !error;
}
