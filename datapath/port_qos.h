/* What a port's row in the domain's own database says of its limits, in the
 * words of Open vSwitch's own types of QoS.
 *
 * Thread: main.   Owner: the caller's memory.   Errors: see each function. */

#ifndef DATAPATH_PORT_QOS_H
#define DATAPATH_PORT_QOS_H 1

#include <stdbool.h>

#include "qos/tree.h"

struct smap;
struct sset;

/* The types that are understood. */
void port_qos_types(struct sset *);

/* What 'type' with 'details' means; none of them: no limit.  Says so, and
 * returns EOPNOTSUPP, if there is no such type. */
int port_qos_parse(const char *port, const char *type,
                   const struct smap *details, struct qos_settings *);

/* The same words for what is set; see netdev_get_qos(). */
void port_qos_describe(const char *type, const struct qos_settings *,
                       struct smap *details);

/* Brings into range what no limit can be, and says so. */
void port_qos_fit(const char *port, struct qos_settings *);

#endif /* datapath/port_qos.h */
