/* Requests about hashing.  Each makes another struct vif_hash whole and hands
 * it over. */

#include <stdint.h>
#include <string.h>

#include "datapath/vif_ctrl_private.h"

#define HASH_FLAGS (XEN_NETIF_CTRL_HASH_TYPE_IPV4                           \
                    | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP                     \
                    | XEN_NETIF_CTRL_HASH_TYPE_IPV6                         \
                    | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

static uint32_t
set_algorithm(struct vif_hash *hash, uint32_t algorithm)
{
    if (algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_NONE
        && algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    hash->algorithm = algorithm;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
set_flags(struct vif_hash *hash, uint32_t flags)
{
    if (hash->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE) {
        return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
    }
    if (flags & ~HASH_FLAGS) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    hash->flags = flags;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Octets that are not given are zero. */
static uint32_t
set_key(struct vif_ctrl *ctrl, struct vif_hash *hash, uint32_t gref,
        uint32_t bytes)
{
    uint8_t key[VIF_HASH_KEY_BYTES] = { 0 };

    if (bytes > sizeof key) {
        return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
    }
    if (!vif_ctrl_copy(ctrl, XEN_COPY_FROM_GUEST, gref, key, bytes)) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    memcpy(hash->key, key, sizeof key);
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
set_mapping_size(struct vif_hash *hash, uint32_t n)
{
    if (n > VIF_HASH_MAPPING_MAX) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    hash->n_mapping = n;
    memset(hash->mapping, 0, sizeof hash->mapping);
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* All of the sub-table is judged before any of it holds (XSA-270: a bound was
 * missing here). */
static uint32_t
set_mapping(struct vif_ctrl *ctrl, struct vif_hash *hash, uint32_t gref,
            uint32_t n, uint32_t from)
{
    uint32_t queues[VIF_HASH_MAPPING_MAX];

    if (n > VIF_HASH_MAPPING_MAX) {
        return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
    }
    if (from > hash->n_mapping || n > hash->n_mapping - from) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    if (!vif_ctrl_copy(ctrl, XEN_COPY_FROM_GUEST, gref, queues,
                       n * sizeof queues[0])) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (queues[i] >= ctrl->journal->frontend.n_queues) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        hash->mapping[from + i] = queues[i];
    }
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

struct vif_ctrl_answer
vif_ctrl_handle_hash(struct vif_ctrl *ctrl,
                     const struct xen_netif_ctrl_request *request)
{
    struct vif_ctrl_answer answer = { XEN_NETIF_CTRL_STATUS_SUCCESS, 0,
                                      false };
    const uint32_t *data = request->data;
    struct vif_hash hash = ctrl->hash;

    switch (request->type) {
    case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
        answer.status = set_algorithm(&hash, data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
        if (hash.algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE) {
            answer.status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        } else {
            answer.data = HASH_FLAGS;
        }
        return answer;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
        answer.status = set_flags(&hash, data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
        answer.status = set_key(ctrl, &hash, data[0], data[1]);
        break;
    case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
        answer.data = VIF_HASH_MAPPING_MAX;
        return answer;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
        answer.status = set_mapping_size(&hash, data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
        answer.status = set_mapping(ctrl, &hash, data[0], data[1], data[2]);
        break;
    default:
        answer.status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        return answer;
    }
    if (answer.status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        ctrl->hash = ctrl->journal->hash = hash;
        ctrl->owner_ops->set_hash(ctrl->aux, &hash);
    }
    return answer;
}
