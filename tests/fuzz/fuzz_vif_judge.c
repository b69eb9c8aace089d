/* A chain of arbitrary slots, judged slot by slot as the rings do it, and
 * against the rules applied to the whole chain at once. */

#include <string.h>

#include "datapath/vif_judge.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/tx_model.h"

#define SLOTS_MAX 64u

/* What holds of a frame that may pass. */
static void
check_passed(const struct vif_judge *judge, const struct tx_model *model)
{
    uint32_t sum = 0;

    CHECK(judge->n_data <= VIF_TX_SLOTS_MAX);
    CHECK(judge->total_bytes == model->bytes);
    CHECK(judge->total_bytes <= (judge->gso_type ? judge->gso_room_bytes
                                                 : judge->room_bytes));
    CHECK(judge->first_offset + vif_judge_first_bytes(judge)
          <= XEN_PAGE_BYTES);
    CHECK(vif_judge_first_bytes(judge) == model->parts[0].bytes);
    for (unsigned int i = 0; i < model->n_data; i++) {
        sum += model->parts[i].bytes;
    }
    CHECK(sum == judge->total_bytes);
    CHECK(judge->gso_type == (model->gso ? model->gso->u.gso.type : 0));
    CHECK(judge->gso_bytes == (model->gso ? model->gso->u.gso.size : 0));
}

static void
check_control(const struct vif_judge *judge, const struct tx_model *model)
{
    CHECK(vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_ADD)
          == (model->mcast_add != NULL));
    CHECK(vif_judge_saw(judge, XEN_NETIF_EXTRA_TYPE_MCAST_DEL)
          == (model->mcast_del != NULL));
    if (model->mcast_add) {
        CHECK(!memcmp(judge->mcast_add, model->mcast_add->u.mcast.addr, 6));
    }
    if (model->mcast_del) {
        CHECK(!memcmp(judge->mcast_del, model->mcast_del->u.mcast.addr, 6));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = { data, size };
    uint16_t room_bytes = next16(&script);
    uint32_t gso_room_bytes = (uint32_t) room_bytes * 2;
    union vif_tx_slot slots[SLOTS_MAX];
    struct vif_judge judge;
    struct tx_model model;
    unsigned int n_fed = 1;

    unsigned int n = script.size / sizeof slots[0];
    if (!n) {
        return 0;
    }
    n = n < SLOTS_MAX ? n : SLOTS_MAX;
    memcpy(slots, script.data, n * sizeof slots[0]);

    vif_judge_first(&judge, &slots[0], room_bytes, gso_room_bytes);
    while (judge.wants != VIF_WANTS_NOTHING) {
        CHECK(n_fed <= VIF_TX_CHAIN_MAX + 1);
        if (n_fed >= n) {
            vif_judge_starved(&judge);
            CHECK(judge.wants == VIF_WANTS_NOTHING);
            break;
        }
        vif_judge_next(&judge, &slots[n_fed++]);
    }

    tx_model_read(slots, n, room_bytes, gso_room_bytes, &model);
    CHECK(judge.verdict == model.verdict);
    CHECK(judge.malice == model.malice);
    if (judge.verdict == VIF_MALICE) {
        CHECK(judge.malice > VIF_MALICE_NONE && judge.malice < VIF_N_MALICES);
        return 0;
    }
    CHECK(n_fed == model.n_slots);
    CHECK(judge.n_data == model.n_data && judge.n_extras == model.n_extras);
    if (judge.verdict == VIF_DROP) {
        CHECK(judge.drop == model.drop);
    } else if (judge.verdict == VIF_CONTROL) {
        check_control(&judge, &model);
    } else {
        check_passed(&judge, &model);
    }
    return 0;
}
