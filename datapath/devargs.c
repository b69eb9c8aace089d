/* Which devices this process may open. */

#include <config.h>

#include "datapath/tenantvf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

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

/* DPDK takes two syntaxes.  In "net_null0,size=64/bus=vdev,name=net_pcap0"
 * it sees net_pcap0: what it sees must be what we judge. */
static bool
names_another(const char *devargs, size_t name_bytes)
{
    struct rte_devargs parsed;

    memset(&parsed, 0, sizeof parsed);
    if (rte_devargs_parse(&parsed, devargs)) {
        return false;                   /* No device at all. */
    }
    free(parsed.data);
    return (strlen(parsed.name) != name_bytes
            || memcmp(parsed.name, devargs, name_bytes));
}

static bool
name_allowed(const char *devargs, size_t name_bytes)
{
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

bool
devargs_allowed(const char *devargs)
{
    size_t name_bytes = strcspn(devargs, ",");

    return (name_allowed(devargs, name_bytes)
            && !names_another(devargs, name_bytes));
}

/* The linker sends OVS's calls of the two functions here that read devargs: it
 * looks for the device among those there are, which for some devargs never
 * ends, and then probes it. */
int __real_rte_eth_iterator_init(struct rte_dev_iterator *,
                                 const char *devargs);
int __wrap_rte_eth_iterator_init(struct rte_dev_iterator *,
                                 const char *devargs);

int
__wrap_rte_eth_iterator_init(struct rte_dev_iterator *iterator,
                             const char *devargs)
{
    if (!devargs_allowed(devargs)) {
        memset(iterator, 0, sizeof *iterator);  /* It has no next one. */
        return -EPERM;
    }
    return __real_rte_eth_iterator_init(iterator, devargs);
}

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
