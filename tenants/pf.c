#include <config.h>

#include "tenants/pf.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/sriov.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define VFS_MAX 256

/* The name of the network device of 'pci''s PF, which the caller frees. */
static char *
pf_name(const char *pci)
{
    char *path = xasprintf("/sys/bus/pci/devices/%s/physfn/net", pci);
    DIR *dir = opendir(path);
    struct dirent *entry;
    char *name = NULL;

    while (dir && !name && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            name = xstrdup(entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(path);
    return name;
}

/* Which of its PF's VFs 'pci' is, or -1. */
static int
vf_index(const char *pci)
{
    for (int i = 0; i < VFS_MAX; i++) {
        char *path = xasprintf("/sys/bus/pci/devices/%s/physfn/virtfn%d", pci,
                               i);
        char where[64];
        ssize_t n = readlink(path, where, sizeof where - 1);

        free(path);
        if (n > 0) {
            where[n] = '\0';

            const char *slash = strrchr(where, '/');
            if (!strcmp(slash ? slash + 1 : where, pci)) {
                return i;
            }
        }
    }
    return -1;
}

struct talk {
    struct nl_sock *sock;
    struct rtnl_link *pf;
    int index;                          /* Of the VF. */
};

static void
hang_up(struct talk *talk)
{
    if (talk->pf) {
        rtnl_link_put(talk->pf);
    }
    nl_socket_free(talk->sock);
}

static int
begin(const char *pci, struct talk *talk, char **errorp)
{
    char *name = pf_name(pci);
    int error;

    memset(talk, 0, sizeof *talk);
    talk->index = vf_index(pci);
    if (!name || talk->index < 0) {
        *errorp = xasprintf("%s: its physical function has no network device "
                            "on this host", pci);
        free(name);
        return -ENODEV;
    }
    talk->sock = nl_socket_alloc();
    error = talk->sock ? nl_connect(talk->sock, NETLINK_ROUTE) : -NLE_NOMEM;
    if (!error) {
        error = rtnl_link_get_kernel(talk->sock, 0, name, &talk->pf);
    }
    if (error) {
        *errorp = xasprintf("%s: %s", name, nl_geterror(error));
        hang_up(talk);
    }
    free(name);
    return error ? -EIO : 0;
}

static void
read_vf(struct rtnl_link_vf *vf, struct vf_settings *s)
{
    struct nl_vf_rate rate = { .api = RTNL_LINK_VF_RATE_API_NEW };
    nl_vf_vlans_t *vlans = NULL;
    struct nl_addr *address = NULL;

    memset(s, 0, sizeof *s);
    if (!rtnl_link_vf_get_addr(vf, &address) && address) {
        nl_addr2str(address, s->mac, sizeof s->mac);
    }
    if (!rtnl_link_vf_get_vlans(vf, &vlans) && vlans) {
        s->vlan = vlans->size > 0 ? (int) vlans->vlans[0].vf_vlan : 0;
        rtnl_link_vf_vlan_put(vlans);
    }
    if (!rtnl_link_vf_get_rate(vf, &rate)) {
        s->rate_mbps = rate.api == RTNL_LINK_VF_RATE_API_NEW
                       ? rate.max_tx_rate : rate.rate;
    }
}

int
pf_read(const char *pci, struct vf_settings *s, char **errorp)
{
    struct talk talk;
    int error = begin(pci, &talk, errorp);

    if (error) {
        return error;
    }

    struct rtnl_link_vf *vf = rtnl_link_vf_get(talk.pf, talk.index);
    if (vf) {
        read_vf(vf, s);
        rtnl_link_vf_put(vf);
    } else {
        *errorp = xasprintf("%s: its physical function does not tell of it",
                            pci);
        error = -ENODEV;
    }
    hang_up(&talk);
    return error;
}

static int
set_address(struct rtnl_link_vf *vf, const char *mac)
{
    struct nl_addr *address;
    int error = nl_addr_parse(mac, AF_LLC, &address);

    if (!error) {
        rtnl_link_vf_set_addr(vf, address);
        nl_addr_put(address);
    }
    return error;
}

static int
set_vlan(struct rtnl_link_vf *vf, int vlan)
{
    nl_vf_vlans_t *vlans;
    int error = rtnl_link_vf_vlan_alloc(&vlans, 1);

    if (!error) {
        vlans->vlans[0].vf_vlan = vlan;
        vlans->vlans[0].vf_vlan_proto = ETH_P_8021Q;
        rtnl_link_vf_set_vlans(vf, vlans);
        rtnl_link_vf_vlan_put(vlans);
    }
    return error;
}

static void
set_rate(struct rtnl_link_vf *vf, unsigned int rate_mbps)
{
    struct nl_vf_rate rate = {
        .api = RTNL_LINK_VF_RATE_API_NEW,
        .max_tx_rate = rate_mbps,
    };

    rtnl_link_vf_set_rate(vf, &rate);
}

/* One setting at a time: a card that refuses one may take the others. */
static int
say(const char *pci, const struct vf_settings *want, char what, char **errorp)
{
    struct rtnl_link *change = rtnl_link_alloc();
    struct rtnl_link_vf *vf = rtnl_link_vf_alloc();
    struct talk talk;
    int error = change && vf ? begin(pci, &talk, errorp) : -ENOMEM;

    if (!error) {
        int nl_error = 0;

        rtnl_link_vf_set_index(vf, talk.index);
        if (what == 'm') {
            nl_error = set_address(vf, want->mac);
        } else if (what == 'v') {
            nl_error = set_vlan(vf, want->vlan);
        } else {
            set_rate(vf, want->rate_mbps);
        }
        if (!nl_error) {
            nl_error = rtnl_link_vf_add(change, vf);
        }
        if (!nl_error) {
            nl_error = rtnl_link_change(talk.sock, talk.pf, change, 0);
        }
        if (nl_error) {
            *errorp = xasprintf("%s: the card refuses %s: %s", pci,
                                what == 'm' ? "its MAC"
                                : what == 'v' ? "its VLAN" : "its rate",
                                nl_geterror(nl_error));
            error = -EIO;
        }
        hang_up(&talk);
    }
    if (vf) {
        rtnl_link_vf_put(vf);
    }
    if (change) {
        rtnl_link_put(change);
    }
    return error;
}

int
pf_write(const char *pci, const struct vf_settings *have,
         const struct vf_settings *want, char **errorp)
{
    const struct {
        bool differs;
        char what;
    } settings[] = {
        { have->vlan != want->vlan, 'v' },
        { want->mac[0] && strcmp(have->mac, want->mac), 'm' },
        { have->rate_mbps != want->rate_mbps, 'r' },
    };
    struct vf_settings now;
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        char *why = NULL;
        int refused = settings[i].differs
                      ? say(pci, want, settings[i].what, &why) : 0;

        if (refused && !error) {
            error = refused;
            *errorp = why;
        } else {
            free(why);
        }
    }
    if (!error) {
        error = pf_read(pci, &now, errorp);
    }
    if (!error && !vf_settings_suit(&now, want)) {
        *errorp = xasprintf("%s: the card holds MAC %s, VLAN %d and %u Mbit/s "
                            "after it took others", pci, now.mac, now.vlan,
                            now.rate_mbps);
        error = -EIO;
    }
    return error;
}
