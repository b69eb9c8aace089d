#include "netdom/quarantine.h"

#include <stdio.h>
#include <string.h>

void
quarantine_begin(struct quarantine *q, const char *reason, uint64_t release)
{
    if (!q->on) {
        q->on = true;
        q->release = release;
        snprintf(q->reason, sizeof q->reason, "%s", reason);
    }
}

bool
quarantine_release(struct quarantine *q, uint64_t release)
{
    if (!q->on || release == q->release) {
        return false;
    }
    memset(q, 0, sizeof *q);
    return true;
}
