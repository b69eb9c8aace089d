#include <config.h>

#include "tenants/xen_guests.h"

#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "openvswitch/vlog.h"
#include "tenants/model.h"
#include "util.h"
#include "xenlocal/xenlocal.h"

VLOG_DEFINE_THIS_MODULE(xen_guests);

static bool
same(const struct guests *a, const struct guests *b)
{
    struct shash_node *node;

    if (shash_count(&a->by_name) != shash_count(&b->by_name)) {
        return false;
    }
    SHASH_FOR_EACH (node, &a->by_name) {
        if (guests_find(b, node->name) != (uintptr_t) node->data) {
            return false;
        }
    }
    return true;
}

static void
add(struct guests *guests, struct guests *twice, const char *name,
    uint32_t domid)
{
    if (guests_find(twice, name)) {
        return;
    }
    if (guests_find(guests, name)) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_WARN_RL(&rl, "two domains are called \"%s\": neither gets a "
                     "vif", name);
        shash_find_and_delete(&guests->by_name, name);
        guests_put(twice, name, domid);
        return;
    }
    guests_put(guests, name, domid);
}

bool
xen_guests_read(struct xs_handle *xs, struct guests *guests, bool *nameless)
{
    struct guests now, twice;
    unsigned int n, bytes;
    char **domids = xs_directory(xs, XBT_NULL, "/local/domain", &n);

    *nameless = false;
    if (!domids) {
        return false;
    }
    guests_init(&now);
    guests_init(&twice);
    for (unsigned int i = 0; i < n; i++) {
        char path[64];
        unsigned int domid;

        if (!str_to_uint(domids[i], 10, &domid) || !domid
            || domid > UINT16_MAX) {
            continue;
        }
        snprintf(path, sizeof path, "/local/domain/%u/name", domid);

        char *name = xs_read(xs, XBT_NULL, path, &bytes);
        if (!name) {
            *nameless = true;
        } else if (bytes && bytes < XENLOCAL_NAME_BYTES
                   && strlen(name) == bytes) {
            add(&now, &twice, name, domid);
        }
        free(name);
    }
    free(domids);

    bool changed = !same(&now, guests);
    shash_swap(&now.by_name, &guests->by_name);
    guests_finish(&now);
    guests_finish(&twice);
    return changed;
}
