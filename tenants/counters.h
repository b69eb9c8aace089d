/* A tenant's counters, asked of its switch once a second, summed over the
 * switch's lives so that they never run backwards.
 *
 * Thread: main; nothing here waits for the tenant.
 * Owner:  counters_create() and counters_destroy().
 * Errors: a switch that does not answer, or not sensibly, is left alone until
 *         the next second; what it told before stays.
 * Trust:  the answer is the tenant's: bounded in size and depth, and only
 *         numbers under known names count. */

#ifndef TENANTS_COUNTERS_H
#define TENANTS_COUNTERS_H 1

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct counters;
struct json;

/* "name_of" tells the VIF of an OVS port, or null if it is nobody's. */
struct counters *counters_create(const char *(*name_of)(const void *aux,
                                                        const char *port),
                                 const void *aux);
void counters_destroy(struct counters *);

/* Asks the switch 'pid', whose control socket is 'control', when it is time.
 * A 'pid' of 0: there is none. */
void counters_run(struct counters *, const char *control, pid_t pid,
                  long long int now_ms);
void counters_wait(const struct counters *);

/* Takes in one answer of the switch 'pid'. */
bool counters_take(struct counters *, pid_t pid, const char *text);

/* What has left by the tenant's uplink since its switch was started, as that
 * says: bytes, and how often a limit let nothing pass. */
struct uplink_counters {
    uint64_t tx_bytes, held;
};
void counters_uplink(const struct counters *, struct uplink_counters *);

/* {"NAME": {"tx_bytes": ..., "drops": {...}}}.  The caller destroys it. */
struct json *counters_to_json(const struct counters *);

/* Forgets VIFs for which 'lives' says no. */
void counters_prune(struct counters *,
                    bool (*lives)(const void *aux, const char *vif));

#endif /* tenants/counters.h */
