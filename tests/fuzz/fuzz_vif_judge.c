/* A chain of arbitrary slots, judged slot by slot as the rings do it, and
 * against the rules applied to the whole chain at once. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/vif_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION) do { if (!(CONDITION)) { abort(); } } while (0)
#define SLOTS_MAX 64u

/* What the chain turns out to be when read as a whole. */
struct reading {
    unsigned int n_slots;               /* Up to its end, or malice. */
    unsigned int n_data, n_extras;
    uint32_t rest_bytes;
    bool malice, multicast, gso, twice;
    unsigned int seen;                  /* Types, a bit each. */
};

static bool
extra_is_malice(const struct netif_extra_info *extra)
{
    if (extra->type == XEN_NETIF_EXTRA_TYPE_GSO) {
        return !extra->u.gso.size
               || (extra->u.gso.type != 1 && extra->u.gso.type != 2);
    }
    return extra->type == 0 || extra->type > 5;
}

static bool
is_multicast(const struct netif_extra_info *extra)
{
    return extra->type == 2 || extra->type == 3;
}

static void
read_chain(const union vif_tx_slot *slots, unsigned int n, struct reading *r)
{
    const struct netif_tx_request *first = &slots[0].req;
    bool more = first->flags & NETTXF_extra_info;

    *r = (struct reading) { .n_slots = 1, .n_data = 1 };
    while (more && !r->malice) {
        if (r->n_slots >= n) {
            r->malice = true;
            return;
        }

        const struct netif_extra_info *extra = &slots[r->n_slots++].extra;
        r->malice = r->n_extras++ == 5 || extra_is_malice(extra);
        r->multicast |= is_multicast(extra);
        r->gso |= extra->type == 1;
        if (extra->type < 32) {
            r->twice |= r->seen >> extra->type & 1;
            r->seen |= 1u << extra->type;
        }
        more = extra->flags & XEN_NETIF_EXTRA_FLAG_MORE;
    }

    more = first->flags & NETTXF_more_data;
    while (more && !r->malice) {
        if (r->n_slots >= n) {
            r->malice = true;
            return;
        }

        const struct netif_tx_request *req = &slots[r->n_slots++].req;
        r->malice = ++r->n_data > 20 || req->offset + req->size > 4096;
        r->rest_bytes += req->size;
        more = req->flags & NETTXF_more_data;
    }

    if (!r->malice && !r->multicast && r->rest_bytes <= first->size) {
        r->malice = first->offset + (first->size - r->rest_bytes) > 4096;
    }
}

static enum vif_verdict
verdict_of(const struct netif_tx_request *first, const struct reading *r,
           uint32_t room_bytes)
{
    if (r->malice) {
        return VIF_MALICE;
    }
    if (r->twice || r->n_data > 18) {
        return VIF_DROP;
    }
    if (r->multicast) {
        return first->flags & NETTXF_more_data || r->gso ? VIF_DROP
                                                         : VIF_CONTROL;
    }
    return (first->size < 14 || (!r->gso && first->size > room_bytes)
            || r->rest_bytes > first->size ? VIF_DROP : VIF_PASS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union vif_tx_slot slots[SLOTS_MAX];
    struct vif_judge judge;
    struct reading reading;
    unsigned int n_fed = 1;
    uint16_t room_bytes;

    if (size < sizeof room_bytes + sizeof slots[0]) {
        return 0;
    }
    memcpy(&room_bytes, data, sizeof room_bytes);
    data += sizeof room_bytes;
    size -= sizeof room_bytes;

    unsigned int n = size / sizeof slots[0];
    n = n < SLOTS_MAX ? n : SLOTS_MAX;
    memcpy(slots, data, n * sizeof slots[0]);

    vif_judge_first(&judge, &slots[0], room_bytes, 65535);
    while (judge.wants != VIF_WANTS_NOTHING) {
        CHECK(n_fed <= VIF_TX_CHAIN_MAX + 1);
        if (n_fed >= n) {
            vif_judge_starved(&judge);
            CHECK(judge.wants == VIF_WANTS_NOTHING);
            break;
        }
        vif_judge_next(&judge, &slots[n_fed++]);
    }

    read_chain(slots, n, &reading);
    CHECK(judge.verdict == verdict_of(&slots[0].req, &reading, room_bytes));
    CHECK(!judge.malice == (judge.verdict != VIF_MALICE));
    if (judge.verdict == VIF_MALICE) {
        return 0;
    }
    CHECK(n_fed == reading.n_slots);
    CHECK(judge.n_data + judge.n_extras == n_fed);
    if (judge.verdict == VIF_DROP) {
        CHECK(judge.drop < VIF_N_DROPS);
    } else if (judge.verdict == VIF_PASS) {
        CHECK(judge.n_data <= VIF_TX_SLOTS_MAX);
        CHECK(judge.total_bytes <= room_bytes || judge.gso_type);
        CHECK(judge.first_offset + vif_judge_first_bytes(&judge)
              <= XEN_PAGE_BYTES);
        CHECK(vif_judge_first_bytes(&judge) + reading.rest_bytes
              == judge.total_bytes);
    }
    return 0;
}
