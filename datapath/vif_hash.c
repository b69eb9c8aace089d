#include "datapath/vif_hash.h"

#include <string.h>

#include <rte_jhash.h>
#include <rte_thash.h>

#include <xen/io/netif.h>

#include "datapath/headers.h"

/* What is hashed: addresses, then ports, as they lie in the frame. */
struct tuple {
    uint32_t words[9];
    unsigned int n_address_words, n_words;
};

static void
read_tuple(const uint8_t *frame, const struct headers *h, struct tuple *t)
{
    uint32_t address_bytes = h->ip_version == 4 ? 8 : 32;
    const uint8_t *addresses = frame + h->l3_offset
                               + (h->ip_version == 4 ? 12 : 8);

    memcpy(t->words, addresses, address_bytes);
    t->n_address_words = t->n_words = address_bytes / 4;
    if (h->l4) {
        memcpy(&t->words[t->n_words++], frame + h->l4_offset, 4);
    }
}

/* The most telling kind of hash that the guest has asked for. */
static uint8_t
choose_type(const struct vif_hash *hash, const struct headers *h)
{
    bool v4 = h->ip_version == 4;
    uint8_t tcp = v4 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
                     : _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
    uint8_t ip = v4 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV4
                    : _XEN_NETIF_CTRL_HASH_TYPE_IPV6;

    if (h->l4 && h->protocol == HEADERS_TCP && hash->flags & 1u << tcp) {
        return tcp;
    }
    return hash->flags & 1u << ip ? ip : VIF_HASH_TYPE_NONE;
}

static struct vif_hash_value
toeplitz(const struct vif_hash *hash, const struct headers *h,
         struct tuple *t)
{
    struct vif_hash_value v = { 0, choose_type(hash, h), 0 };
    unsigned int n = (v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
                      || v.type == _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)
                     ? t->n_words : t->n_address_words;

    if (v.type != VIF_HASH_TYPE_NONE) {
        for (unsigned int i = 0; i < n; i++) {
            t->words[i] = rte_be_to_cpu_32(t->words[i]);
        }
        v.value = rte_softrss(t->words, n, (const uint8_t *) hash->key);
    }
    return v;
}

struct vif_hash_value
vif_hash_frame(const struct vif_hash *hash, const uint8_t *frame,
               uint32_t bytes, unsigned int n_queues)
{
    struct vif_hash_value v = { 0, VIF_HASH_TYPE_NONE, 0 };
    bool asked = hash->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
                 && hash->flags;
    struct headers h;

    if (!asked && n_queues == 1) {
        return v;
    }
    if (headers_parse(frame, bytes, &h)) {
        struct tuple t;

        read_tuple(frame, &h, &t);
        if (asked) {
            v = toeplitz(hash, &h, &t);
        } else {
            v.value = rte_jhash_32b(t.words, t.n_words, 0);
        }
    }

    /* What has no hash goes where hash 0 goes. */
    v.queue = asked && hash->n_mapping
              ? hash->mapping[v.value % hash->n_mapping]
              : v.value % n_queues;
    return v;
}
