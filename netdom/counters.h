/* "netdom/counters": every vif's counters as one JSON object on the control
 * socket, for the controller, which asks once a second.
 *
 * Thread: main.  Owner: nothing.  Errors: none. */

#ifndef NETDOM_COUNTERS_H
#define NETDOM_COUNTERS_H 1

void counters_init(void);

#endif /* netdom/counters.h */
