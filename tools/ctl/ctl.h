/* What the parts of netdom-ctl share.
 *
 * Thread: one.
 * Owner:  rows belong to the IDL; strings that a function returns are the
 *         caller's unless it says constant.
 * Errors: commands report through ctl_error() and return at once; nothing is
 *         committed then.
 * Trust:  the command line and the database's contents are checked here; the
 *         controller checks them again. */

#ifndef TOOLS_CTL_CTL_H
#define TOOLS_CTL_CTL_H 1

#include <stdbool.h>
#include <stdint.h>

#include "db-ctl-base.h"
#include "ovsdb-schema/netdom-idl.h"
#include "table.h"

#define CTL_TENANT_NAME_MAX 32
#define CTL_NAME_MAX 64

/* Options, set once by main(). */
struct ctl_opts {
    const char *db;                     /* Never null after parsing. */
    unsigned int timeout_s;             /* 0: no bound. */
    bool wait;                          /* For the controllers. */
    bool dry_run, oneline, retry;
    bool format_set;                    /* --format was given. */
    struct table_style style;
};
extern struct ctl_opts ctl_opts;

/* Ends the program with 'status' after one line on stderr. */
OVS_NO_RETURN void ctl_die(int status, const char *, ...)
    OVS_PRINTF_FORMAT(2, 3);
#define CTL_EXIT_REFUSED 1              /* A goal missed, or refused. */
#define CTL_EXIT_UNUSABLE 2             /* Wrong usage, or out of reach. */

/* run.c: the transaction, from commands to exit status. */
int ctl_run(const char *args, struct ctl_command *, size_t n_commands);
OVS_NO_RETURN void ctl_exit_clean(int status);

/* The database's one root row, which is inserted when there is none and a
 * command writes; otherwise null. */
const struct ndrec_netdom *ctl_root(struct ctl_context *);

/* wait.c: the time that --timeout gives, from ctl_deadline_start() on. */
void ctl_deadline_start(void);
/* Sleeps until the IDL has news; ends the program if the time is over. */
void ctl_block_or_die(struct ovsdb_idl *);
/* Waits until the controllers have applied configuration 'cfg'. */
void ctl_wait_for_controllers(struct ovsdb_idl *, int64_t cfg);
/* Says why the database cannot be had, for 'error', and what to do. */
OVS_NO_RETURN void ctl_die_unreachable(int error);

/* output.c: what each command had to say, on stdout. */
void ctl_print_output(struct ctl_command *, size_t n_commands);
void ctl_free_output(struct ctl_command *, size_t n_commands);

/* touched.c: the rows that the commands changed, or found as they should be,
 * for a word about them after the commit. */
void ctl_touch(const struct ovsdb_idl_row *);
void ctl_touch_written(struct ovsdb_idl *);     /* All that were written. */
void ctl_touch_committed(struct ovsdb_idl_txn *);
void ctl_touch_forget(void);

/* Warns on stderr of rows whose settings let nothing through. */
void ctl_touched_warn(struct ovsdb_idl *);

/* Tells on stderr of each row whose state is not good.  Returns false if one
 * has failed. */
bool ctl_touched_report(struct ovsdb_idl *);

/* rows.c: rows by name.  must_*() report an error that names what exists and
 * return null. */
const struct ndrec_host *find_host(struct ctl_context *, const char *);
const struct ndrec_vf *find_vf(struct ctl_context *, const char *);
const struct ndrec_tenant *find_tenant(struct ctl_context *, const char *);
const struct ndrec_vif *find_vif(struct ctl_context *, const char *);
const struct ndrec_qos_profile *find_profile(struct ctl_context *,
                                             const char *);
const struct ndrec_host *must_host(struct ctl_context *, const char *);
const struct ndrec_vf *must_vf(struct ctl_context *, const char *);
const struct ndrec_tenant *must_tenant(struct ctl_context *, const char *);
const struct ndrec_vif *must_vif(struct ctl_context *, const char *);
const struct ndrec_qos_profile *must_profile(struct ctl_context *,
                                             const char *);

/* group.c: a tenant's groups by name. */
const struct ndrec_qos_group *find_group(const struct ndrec_tenant *,
                                         const char *);
const struct ndrec_qos_group *must_group(struct ctl_context *,
                                         const struct ndrec_tenant *,
                                         const char *);

/* Null if there is none. */
const struct ndrec_host *host_of_vf(struct ctl_context *,
                                    const struct ndrec_vf *);
const struct ndrec_tenant *tenant_of_vf(struct ctl_context *,
                                        const struct ndrec_vf *);
const struct ndrec_tenant *tenant_of_vif(struct ctl_context *,
                                         const struct ndrec_vif *);

/* The host that a command without host= means: the only one.  Otherwise
 * reports an error and returns null. */
const struct ndrec_host *only_host(struct ctl_context *);

/* Returns the names of all rows in 'table' as the end of a sentence: a near
 * miss ("did you mean "red"?") or a list.  'make' is a command that would
 * make one. */
char *names_hint(struct ctl_context *, const struct ovsdb_idl_table_class *,
                 const struct ovsdb_idl_column *name, const char *typed,
                 const char *make);

/* All rows of 'table' in the order of their names; '*n' is how many.  The
 * caller frees the array.  Each is the head of its ndrec_ struct. */
void *rows_sorted(struct ctl_context *, const struct ovsdb_idl_table_class *,
                  const struct ovsdb_idl_column *name, size_t *n);

/* A copy of an array of 'n' pointers with one more, or without each 'row';
 * '*n_out' is its length.  The caller frees it. */
void *rows_with(const void *rows, size_t n, const void *row, size_t *n_out);
void *rows_without(const void *rows, size_t n, const void *row,
                   size_t *n_out);

/* True if the command has option 'name', such as "--may-exist". */
bool has_option(const struct ctl_context *, const char *name);

/* Prerequisites: the columns that several commands read. */
void pre_names(struct ctl_context *);
void pre_all(struct ctl_context *);
void pre_table(struct ctl_context *, const struct ovsdb_idl_table_class *);

/* Cells of a list: 'text' for people; raw numbers for --format=json and
 * csv. */
void list_begin(struct ctl_context *, const char *const headings[]);
void list_row(struct ctl_context *);
void list_text(struct ctl_context *, const char *);         /* Null: "". */
void list_integer(struct ctl_context *, const int64_t *);   /* Null: "". */
void list_rate(struct ctl_context *, const int64_t *bps);   /* Null: "". */

/* What limits a VIF: its own columns before its profile's.  Null: no
 * limit. */
struct vif_limits {
    const int64_t *tx_rate_bps, *tx_burst_bytes;
    const int64_t *rx_rate_bps, *rx_burst_bytes;
};
struct vif_limits vif_limits(const struct ndrec_vif *);

/* The commands, one table per file. */
extern const struct ctl_command_syntax host_commands[];
extern const struct ctl_command_syntax link_commands[];
extern const struct ctl_command_syntax vf_commands[];
extern const struct ctl_command_syntax tenant_commands[];
extern const struct ctl_command_syntax openflow_commands[];
extern const struct ctl_command_syntax vif_commands[];
extern const struct ctl_command_syntax limit_commands[];
extern const struct ctl_command_syntax group_commands[];
extern const struct ctl_command_syntax qos_commands[];
extern const struct ctl_command_syntax show_commands[];

#endif /* tools/ctl/ctl.h */
