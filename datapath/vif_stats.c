#include "datapath/vif_stats.h"

const char *const vif_drop_names[VIF_N_DROPS] = {
#define X(NAME, TEXT) [VIF_DROP_##NAME] = TEXT,
    VIF_DROPS(X)
#undef X
};

const char *const vif_malice_names[VIF_N_MALICES] = {
#define X(NAME, TEXT, SENTENCE) [VIF_MALICE_##NAME] = TEXT,
    VIF_MALICES(X)
#undef X
};

const char *const vif_malice_sentences[VIF_N_MALICES] = {
#define X(NAME, TEXT, SENTENCE) [VIF_MALICE_##NAME] = SENTENCE,
    VIF_MALICES(X)
#undef X
};

static void
add(uint64_t *sum, const uint64_t *more)
{
    *sum += __atomic_load_n(more, __ATOMIC_RELAXED);
}

void
vif_stats_add(struct vif_stats *sum, const struct vif_stats *more)
{
    add(&sum->tx_frames, &more->tx_frames);
    add(&sum->tx_bytes, &more->tx_bytes);
    add(&sum->rx_frames, &more->rx_frames);
    add(&sum->rx_bytes, &more->rx_bytes);
#define X(NAME) add(&sum->NAME, &more->NAME);
    VIF_COUNTS(X)
#undef X
    for (int i = 0; i < VIF_N_DROPS; i++) {
        add(&sum->drops[i], &more->drops[i]);
    }
}
