/* A vif whose guest broke the protocol stays closed until dom0 releases it,
 * in this process and in those that follow it.  Pure: where it is kept and
 * who may write there is vif_nodes.h's.
 *
 * Thread: any.  Owner: the caller's memory.  Errors: none.
 * Trust:  the release number is dom0's.  Nothing of the guest's is an
 *         input here. */

#ifndef NETDOM_QUARANTINE_H
#define NETDOM_QUARANTINE_H 1

#include <stdbool.h>
#include <stdint.h>

#define QUARANTINE_REASON_BYTES 120

struct quarantine {                     /* All zero: there is none. */
    bool on;
    uint64_t release;                   /* dom0's number when it began. */
    char reason[QUARANTINE_REASON_BYTES];
};

/* Begins one, unless there is one already. */
void quarantine_begin(struct quarantine *, const char *reason,
                      uint64_t release);

/* Ends it if dom0's number is another than when it began.  Returns true if
 * it ended now. */
bool quarantine_release(struct quarantine *, uint64_t release);

#endif /* netdom/quarantine.h */
