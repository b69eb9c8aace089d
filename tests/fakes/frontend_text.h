/* A frontend's nodes as text: "LEAF=VALUE" lines, which may hold anything.
 *
 * Thread: one.  Owner: the caller's memory.
 * Errors: as a xenstore's.  A line whose value is "!EIO" cannot be read. */

#ifndef FRONTEND_TEXT_H
#define FRONTEND_TEXT_H 1

#include <stddef.h>

#include "netdom/frontend_nodes.h"

struct frontend_text {
    const char *text;
    size_t bytes;
    unsigned int n_reads;
};

/* The first line with a leaf counts.  'text' outlives the result. */
struct frontend_nodes frontend_text_nodes(struct frontend_text *text);

#endif /* frontend_text.h */
