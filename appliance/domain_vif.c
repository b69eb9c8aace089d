/* The vifs of a running guest whose backend is a driver domain. */

#include "appliance/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libxl_utils.h>

#define NAP_NS 200000000
#define PATIENCE_S 30

static void
nap(void)
{
    struct timespec ts = { 0, NAP_NS };

    nanosleep(&ts, NULL);
}

static bool
is_paused(libxl_ctx *ctx, uint32_t guest)
{
    libxl_dominfo info;
    bool paused;

    libxl_dominfo_init(&info);
    paused = !libxl_domain_info(ctx, &info, guest) && info.paused;
    libxl_dominfo_dispose(&info);
    return paused;
}

/* The guest's vif of that number, if its backend is in 'backend'.  Returns false
 * if it has none, or another domain's, which is taken away. */
static bool
is_there(libxl_ctx *ctx, const struct options *o)
{
    libxl_device_nic nic;
    bool there = false;

    libxl_device_nic_init(&nic);
    if (!libxl_devid_to_device_nic(ctx, o->guest, o->devid, &nic)) {
        there = nic.backend_domid == o->domid;
        if (!there) {
            fprintf(stderr, "netdom-domain: vif %u of domain %u is taken from"
                    " domain %u\n", o->devid, o->guest, nic.backend_domid);
            libxl_device_nic_destroy(ctx, o->guest, &nic, NULL);
        }
    }
    libxl_device_nic_dispose(&nic);
    return there;
}

static bool
parse_mac(const char *text, libxl_mac mac)
{
    unsigned int b[6];
    char rest;

    if (!text || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1],
                        &b[2], &b[3], &b[4], &b[5], &rest) != 6) {
        return false;
    }
    for (int i = 0; i < 6; i++) {
        mac[i] = b[i];
    }
    return true;
}

int
domain_vif_add(libxl_ctx *ctx, const struct options *o)
{
    time_t until = time(NULL) + PATIENCE_S;
    libxl_device_nic nic;
    int status = DONE;

    /* A guest that is being made gets the vifs of its own configuration; while
     * that goes on it is paused. */
    while (is_paused(ctx, o->guest) && time(NULL) < until) {
        if (is_there(ctx, o)) {
            return DONE;
        }
        nap();
    }
    if (is_there(ctx, o)) {
        return DONE;
    }

    libxl_device_nic_init(&nic);
    nic.devid = o->devid;
    nic.backend_domid = o->domid;
    nic.nictype = LIBXL_NIC_TYPE_VIF;
    nic.mtu = o->mtu;
    if (!parse_mac(o->mac, nic.mac)) {
        fprintf(stderr, "netdom-domain: --mac makes no sense\n");
        status = USAGE;
    } else if (libxl_device_nic_add(ctx, o->guest, &nic, NULL)) {
        status = domain_refuse("vif-add", "Xen does not attach the vif");
    }
    libxl_device_nic_dispose(&nic);
    return status;
}

int
domain_vif_remove(libxl_ctx *ctx, const struct options *o)
{
    libxl_device_nic nic;
    int status = DONE;

    libxl_device_nic_init(&nic);
    if (!libxl_devid_to_device_nic(ctx, o->guest, o->devid, &nic)
        && nic.backend_domid == o->domid
        && libxl_device_nic_remove(ctx, o->guest, &nic, NULL)
        && libxl_device_nic_destroy(ctx, o->guest, &nic, NULL)) {
        status = domain_refuse("vif-remove", "Xen does not detach the vif");
    }
    libxl_device_nic_dispose(&nic);
    return status;
}
