/* Any bytes as a frame for a guest that asked for any kind of hash: its value
 * is Toeplitz's, bit by bit, of what the kind says, and its queue is one of
 * the guest's. */

#include <stdint.h>
#include <string.h>

#include <xen/io/netif.h>

#include "datapath/headers.h"
#include "datapath/vif_hash.h"
#include "tests/fuzz/net_model.h"
#include "tests/fuzz/script.h"

static void
check_value(const struct vif_hash *hash, const uint8_t *frame,
            const struct headers *h, struct vif_hash_value v)
{
    bool v4 = v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV4
              || v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
    bool tcp = v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
               || v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
    uint32_t address_bytes = v4 ? 8 : 32;
    uint8_t tuple[36];

    CHECK(hash->flags & 1u << v.type);
    CHECK(h->ip_version == (v4 ? 4 : 6));
    memcpy(tuple, frame + h->l3_offset + (v4 ? 12 : 8), address_bytes);
    if (tcp) {
        CHECK(h->l4 && h->protocol == HEADERS_TCP);
        memcpy(tuple + address_bytes, frame + h->l4_offset, 4);
    }
    CHECK(v.value == model_toeplitz((const uint8_t *) hash->key, tuple,
                                    address_bytes + (tcp ? 4 : 0)));
}

/* The most telling kind that was asked for is the one that is taken. */
static void
check_kind(const struct vif_hash *hash, const struct headers *h,
           struct vif_hash_value v)
{
    bool v4 = h->ip_version == 4;
    uint32_t with_ports = v4 ? XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
                             : XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
    uint32_t without = v4 ? XEN_NETIF_CTRL_HASH_TYPE_IPV4
                          : XEN_NETIF_CTRL_HASH_TYPE_IPV6;

    if (h->l4 && h->protocol == HEADERS_TCP && hash->flags & with_ports) {
        CHECK(1u << v.type == with_ports);
    } else if (hash->flags & without) {
        CHECK(1u << v.type == without);
    } else {
        CHECK(v.type == VIF_HASH_TYPE_NONE);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, size };
    struct vif_hash hash = { 0 };
    struct headers h;
    uint8_t how = next8(&in);
    unsigned int n_queues = how % 8 + 1;

    hash.algorithm = how & 8 ? XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
                             : XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
    hash.flags = next8(&in) & 0xf;
    hash.n_mapping = how & 16 ? next8(&in) % (VIF_HASH_MAPPING_MAX + 1) : 0;
    for (unsigned int i = 0; i < hash.n_mapping; i++) {
        hash.mapping[i] = (i * 7 + how) % n_queues;
    }
    for (unsigned int i = 0; i < VIF_HASH_KEY_BYTES; i++) {
        ((uint8_t *) hash.key)[i] = how & 32 ? next8(&in) : i * 73 + how;
    }

    uint32_t bytes = in.size;
    uint8_t *frame = malloc(bytes ? bytes : 1);
    CHECK(frame);
    memcpy(frame, in.data, bytes);

    struct vif_hash_value v = vif_hash_frame(&hash, frame, bytes, n_queues);
    struct vif_hash_value again = vif_hash_frame(&hash, frame, bytes,
                                                 n_queues);
    bool asked = how & 8 && hash.flags;
    CHECK(v.queue < n_queues);
    CHECK(v.queue == again.queue && v.value == again.value);
    if (v.type != VIF_HASH_TYPE_NONE) {
        CHECK(asked && headers_parse(frame, bytes, &h));
        check_value(&hash, frame, &h, v);
        CHECK(v.queue == (hash.n_mapping
                          ? hash.mapping[v.value % hash.n_mapping]
                          : v.value % n_queues));
    }
    if (asked && headers_parse(frame, bytes, &h)) {
        check_kind(&hash, &h, v);
    }
    free(frame);
    return 0;
}
