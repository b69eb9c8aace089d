/* The keys that vif-add and vif-set take, without those of limits.
 *
 * Thread: one.  Owner: constant.  Errors: as in settings.h. */

#ifndef TOOLS_CTL_VIF_SETTINGS_H
#define TOOLS_CTL_VIF_SETTINGS_H 1

#include "tools/ctl/settings.h"

extern const struct setting vif_settings[];     /* Ends with a null key. */

#endif /* tools/ctl/vif_settings.h */
