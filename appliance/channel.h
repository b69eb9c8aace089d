/* A channel of libxenvchan between a driver domain and dom0.  The domain offers
 * it, dom0 takes it; which side asked for it is the caller's affair.
 *
 * They meet in a folder of the domain's own in xenstore,
 * data/netdom/SERVICE/NUMBER.  The node 'turn' there is another text each time
 * that the channel is offered: one whose turn was used is one whose end the
 * domain has not seen yet.
 *
 * Thread: any; a channel belongs to one.
 * Errors: null or false; what cannot be worked without ends the process with
 *         status 2.
 * Trust:  in dom0 the domain may do what it likes with its folder and with its
 *         end of a channel: it is not served, and nobody else suffers. */

#ifndef APPLIANCE_CHANNEL_H
#define APPLIANCE_CHANNEL_H 1

#include <stdbool.h>

struct libxenvchan;
struct xs_handle;

#define CHANNEL_TURN_BYTES 32

/* In the domain: offers a channel, as often as it takes.  The caller closes
 * it. */
struct libxenvchan *channel_offer(const char *service, int number);

/* In the domain: nobody is asked to take it any more. */
void channel_withdraw(const char *service, int number);

/* In dom0: takes a channel if it is this one's turn.  'turn' is where the caller
 * keeps the turn that it took last, at first "".  Null: nothing is offered. */
struct libxenvchan *channel_take(struct xs_handle *, int domid,
                                 const char *service, int number,
                                 char turn[CHANNEL_TURN_BYTES]);

/* Sleeps for as long as nothing is to be expected. */
void channel_nap(void);

#endif /* appliance/channel.h */
