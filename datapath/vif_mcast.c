#include "datapath/vif_mcast.h"

/* An address as a number; the bit above it marks an entry in use. */
#define IN_USE (UINT64_C(1) << 48)
#define BROADCAST (IN_USE - 1)

static uint64_t
to_number(const uint8_t addr[6])
{
    uint64_t number = 0;

    for (int i = 0; i < 6; i++) {
        number = number << 8 | addr[i];
    }
    return number;
}

static bool
is_in_list(const struct vif_mcast *mcast, uint64_t entry)
{
    uint32_t n = __atomic_load_n(&mcast->n, __ATOMIC_ACQUIRE);

    for (uint32_t i = 0; i < n && i < VIF_MCAST_MAX; i++) {
        if (__atomic_load_n(&mcast->addrs[i], __ATOMIC_RELAXED) == entry) {
            return true;
        }
    }
    return false;
}

/* The last entry moves into the gap; a reader may for a moment find it twice,
 * never not at all. */
static bool
remove_entry(struct vif_mcast *mcast, uint64_t entry)
{
    for (uint32_t i = 0; i < mcast->n; i++) {
        if (mcast->addrs[i] == entry) {
            __atomic_store_n(&mcast->addrs[i], mcast->addrs[mcast->n - 1],
                             __ATOMIC_RELEASE);
            __atomic_store_n(&mcast->n, mcast->n - 1, __ATOMIC_RELEASE);
            return true;
        }
    }
    return false;
}

static bool
amend(struct vif_mcast *mcast, bool add, uint64_t entry)
{
    if (!add) {
        return remove_entry(mcast, entry);
    }
    if (is_in_list(mcast, entry)) {
        return true;
    }
    if (mcast->n >= VIF_MCAST_MAX) {
        return false;
    }
    __atomic_store_n(&mcast->addrs[mcast->n], entry, __ATOMIC_RELAXED);
    __atomic_store_n(&mcast->n, mcast->n + 1, __ATOMIC_RELEASE);
    return true;
}

bool
vif_mcast_amend(struct vif_mcast *mcast, bool add, const uint8_t addr[6])
{
    if (!(addr[0] & 1)) {
        return false;
    }
    while (__atomic_exchange_n(&mcast->busy, 1, __ATOMIC_ACQUIRE)) {
        continue;                       /* For at most one walk of a list. */
    }
    bool done = amend(mcast, add, to_number(addr) | IN_USE);
    __atomic_store_n(&mcast->busy, 0, __ATOMIC_RELEASE);
    return done;
}

bool
vif_mcast_match(const struct vif_mcast *mcast, const uint8_t dst[6])
{
    if (!(dst[0] & 1)
        || !__atomic_load_n(&mcast->wanted, __ATOMIC_RELAXED)) {
        return true;
    }

    uint64_t number = to_number(dst);
    return number == BROADCAST || is_in_list(mcast, number | IN_USE);
}
