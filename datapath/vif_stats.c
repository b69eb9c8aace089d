#include "datapath/vif_stats.h"

const char *const vif_drop_names[VIF_N_DROPS] = {
#define X(NAME, TEXT) [VIF_DROP_##NAME] = TEXT,
    VIF_DROPS(X)
#undef X
};
