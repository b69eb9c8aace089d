#include "datapath/vif_grefs.h"

#include <stdlib.h>
#include <sys/random.h>

struct vif_grefs *
vif_grefs_copy(const struct vif_grefs *old)
{
    struct vif_grefs *grefs = calloc(1, sizeof *grefs);

    if (grefs && old) {
        *grefs = *old;
    } else if (grefs) {
        if (getrandom(&grefs->secret, sizeof grefs->secret, GRND_NONBLOCK)
            != sizeof grefs->secret) {
            grefs->secret = UINT32_C(0x9e3779b1);
        }
        grefs->secret |= 1;
    }
    return grefs;
}

void
vif_grefs_destroy(struct vif_grefs *grefs)
{
    free(grefs);
}

bool
vif_grefs_add(struct vif_grefs *grefs, const struct vif_gref *gref)
{
    if (grefs->n >= VIF_GREFS_MAX || vif_grefs_find(grefs, gref->gref)) {
        return false;
    }

    uint32_t i = vif_grefs_slot(grefs, gref->gref);
    while (grefs->slots[i % VIF_GREFS_SLOTS].page) {
        i++;
    }
    grefs->slots[i % VIF_GREFS_SLOTS] = *gref;
    grefs->n++;
    return true;
}

uint8_t *
vif_grefs_remove(struct vif_grefs *grefs, uint32_t gref)
{
    const struct vif_gref *found = vif_grefs_find(grefs, gref);
    if (!found) {
        return NULL;
    }

    /* Those behind it in the same run may be there because of it: put them in
     * anew. */
    uint8_t *page = found->page;
    uint32_t i = found - grefs->slots;
    grefs->slots[i].page = NULL;
    grefs->n--;
    for (i = (i + 1) % VIF_GREFS_SLOTS; grefs->slots[i].page;
         i = (i + 1) % VIF_GREFS_SLOTS) {
        struct vif_gref moved = grefs->slots[i];

        grefs->slots[i].page = NULL;
        grefs->n--;
        vif_grefs_add(grefs, &moved);
    }
    return page;
}
