/* "show --format=json": the same as the text, with raw numbers.
 *
 * Thread: one.  Owner: the caller destroys the json.  Errors: none. */

#ifndef TOOLS_CTL_SHOW_JSON_H
#define TOOLS_CTL_SHOW_JSON_H 1

struct ctl_context;
struct json;

/* {"hosts": [...], "tenants": [...]}; members that have no value are left
 * out. */
struct json *show_json(struct ctl_context *);

#endif /* tools/ctl/show_json.h */
