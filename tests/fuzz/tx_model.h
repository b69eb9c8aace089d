/* What a chain of Tx slots means, said in another way than vif_judge.c does:
 * the whole chain at once, from the protocol's rules.
 *
 * Thread: any.  Pure.   Owner: the caller's memory.   Errors: none. */

#ifndef TESTS_FUZZ_TX_MODEL_H
#define TESTS_FUZZ_TX_MODEL_H 1

#include <stdbool.h>
#include <stdint.h>

#include "datapath/vif_judge.h"

#define TX_MODEL_PARTS 20u

struct tx_model {
    enum vif_verdict verdict;
    enum vif_drop drop;                 /* If it is to be dropped. */
    enum vif_malice malice;
    unsigned int n_slots;               /* Up to its end, or to malice. */
    unsigned int n_data, n_extras;
    uint32_t bytes;                     /* The frame's. */
    struct tx_model_part {
        uint32_t gref;
        uint32_t offset, bytes;
    } parts[TX_MODEL_PARTS];            /* 'n_data' of them. */
    bool is_extra[TX_MODEL_PARTS + 8];  /* By slot. */
    const struct netif_extra_info *gso;         /* The last of its type, */
    const struct netif_extra_info *mcast_add;   /* or null. */
    const struct netif_extra_info *mcast_del;
};

/* Reads the chain that begins at 'slots[0]'; there are 'n' slots. */
void tx_model_read(const union vif_tx_slot *slots, unsigned int n,
                   uint32_t room_bytes, uint32_t gso_room_bytes,
                   struct tx_model *);

#endif /* tests/fuzz/tx_model.h */
