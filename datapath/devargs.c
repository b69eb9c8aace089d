/* Which devices this process may open. */

#include <config.h>

#include "datapath/tenantvf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <rte_dev.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(devargs);

static char *allowed_drivers;

void
devargs_allow(const char *drivers)
{
    free(allowed_drivers);
    allowed_drivers = xstrdup(drivers);
}

/* "0000:3b:02.1" or "3b:02.1", with an end or options behind it. */
static bool
is_pci_address(const char *devargs, size_t bytes)
{
    unsigned int domain, bus, device, function;
    int end = 0;
    char text[16];

    if (bytes >= sizeof text) {
        return false;
    }
    ovs_strzcpy(text, devargs, bytes + 1);
    return ((sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device,
                    &function, &end) == 4
             || sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function,
                       &end) == 3)
            && end == (int) bytes);
}

bool
devargs_allowed(const char *devargs)
{
    size_t name_bytes = strcspn(devargs, ",");
    size_t driver_bytes = name_bytes;
    const char *list = allowed_drivers ? allowed_drivers : DEVARGS_DRIVERS;

    if (is_pci_address(devargs, name_bytes)) {
        return true;
    }

    /* "net_af_packet0" is driver net_af_packet. */
    while (driver_bytes && isdigit((unsigned char)
                                   devargs[driver_bytes - 1])) {
        driver_bytes--;
    }
    for (const char *p = list; driver_bytes && *p; ) {
        size_t bytes = strcspn(p, ",");

        if (bytes == driver_bytes && !memcmp(p, devargs, bytes)) {
            return true;
        }
        p += bytes + (p[bytes] == ',');
    }
    return false;
}

/* The linker sends OVS's calls of rte_dev_probe() here. */
int __real_rte_dev_probe(const char *devargs);
int __wrap_rte_dev_probe(const char *devargs);

int
__wrap_rte_dev_probe(const char *devargs)
{
    if (!devargs_allowed(devargs)) {
        VLOG_WARN("device '%s' refused: only PCI addresses and the drivers "
                  "%s are allowed (--vf-drivers)", devargs,
                  allowed_drivers ? allowed_drivers : DEVARGS_DRIVERS);
        return -EPERM;
    }
    return __real_rte_dev_probe(devargs);
}
