/* netdom-guest's --help. */

#ifndef GUEST_USAGE_H
#define GUEST_USAGE_H 1

void guest_usage(void);

#endif /* usage.h */
