/* The transaction: from parsed commands to the exit status. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "ovsdb-data.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(netdom_ctl);

/* For ctl_exit_clean(): others use their context. */
static struct ovsdb_idl *the_idl;
static struct ovsdb_idl_txn *the_txn;

static int fatal_status = CTL_EXIT_REFUSED;

void
ctl_exit_clean(int status)
{
    if (the_txn) {
        ovsdb_idl_txn_abort(the_txn);
        ovsdb_idl_txn_destroy(the_txn);
    }
    ovsdb_idl_destroy(the_idl);
    ctl_touch_forget();
    exit(status == EXIT_FAILURE ? fatal_status : status);
}

void
ctl_die(int status, const char *format, ...)
{
    char *message;
    va_list args;

    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    fatal_status = status;
    ctl_fatal("%s", message);
}

const struct ndrec_netdom *
ctl_root(struct ctl_context *ctx)
{
    const struct ndrec_netdom *root = ndrec_netdom_first(ctx->idl);

    return root ? root : ndrec_netdom_insert(ctx->txn);
}

static void
run_prerequisites(struct ctl_command *commands, size_t n,
                  struct ovsdb_idl *idl)
{
    ovsdb_idl_add_table(idl, &ndrec_table_netdom);
    if (ctl_opts.wait) {
        /* For what is said of rows after the wait. */
        static const struct ovsdb_idl_column *const columns[] = {
            &ndrec_netdom_col_next_cfg, &ndrec_netdom_col_cur_cfg,
            &ndrec_host_col_name, &ndrec_host_col_cur_cfg,
            &ndrec_tenant_col_name, &ndrec_tenant_col_state,
            &ndrec_tenant_col_error, &ndrec_vif_col_name,
            &ndrec_vif_col_guest, &ndrec_vif_col_state,
            &ndrec_vif_col_error, &ndrec_vf_col_name, &ndrec_vf_col_state,
            &ndrec_vf_col_error, &ndrec_qos_group_col_name,
            &ndrec_qos_group_col_error,
        };

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
            ovsdb_idl_add_column(idl, columns[i]);
        }
    }
    for (struct ctl_command *c = commands; c < &commands[n]; c++) {
        struct ctl_context ctx;

        if (!c->syntax->prerequisites) {
            continue;
        }
        ds_init(&c->output);
        c->table = NULL;
        ctl_context_init(&ctx, c, idl, NULL, NULL, NULL);
        c->syntax->prerequisites(&ctx);
        if (ctx.error) {
            ctl_fatal("%s", ctx.error);
        }
        ctl_context_done(&ctx, c);
    }
}

/* Runs each command.  Returns false if one wants to be tried again later. */
static bool
run_commands(struct ctl_command *commands, size_t n, struct ovsdb_idl *idl,
             struct ovsdb_idl_txn *txn, struct ovsdb_symbol_table *symtab)
{
    struct ctl_context ctx;
    bool done = true;

    for (struct ctl_command *c = commands; c < &commands[n]; c++) {
        ds_init(&c->output);
        c->table = NULL;
    }
    ctl_context_init(&ctx, NULL, idl, txn, symtab, NULL);
    for (struct ctl_command *c = commands; done && c < &commands[n]; c++) {
        ctl_context_init_command(&ctx, c, false);
        if (c->syntax->run) {
            c->syntax->run(&ctx);
        }
        if (ctx.error) {
            ctl_fatal("%s", ctx.error);
        }
        ctl_context_done_command(&ctx, c);
        done = !ctx.try_again;
    }
    ctl_context_done(&ctx, NULL);
    return done;
}

/* "create" can name rows that other commands refer to, or forget to. */
static void
check_symbols(const struct ovsdb_symbol_table *symtab)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &symtab->sh) {
        const struct ovsdb_symbol *symbol = node->data;

        if (!symbol->created) {
            ctl_fatal("row id \"%s\" is used but never made: add \"-- "
                      "--id=%s create TABLE ...\"", node->name, node->name);
        }
        if (!symbol->strong_ref) {
            VLOG_WARN("row id \"%s\" was made but nothing that keeps it "
                      "refers to it, so it will not be in the database",
                      node->name);
        }
    }
}

/* Ends with what the server says in 'error', which is JSON or plain text. */
OVS_NO_RETURN static void
die_refused(const char *error)
{
    struct json *json = json_from_string(error);
    const struct json *details = NULL;

    if (json->type == JSON_OBJECT) {
        details = shash_find_data(json_object(json), "details");
    }
    ctl_die(CTL_EXIT_REFUSED, "the database refused the change: %s",
            details && details->type == JSON_STRING ? json_string(details)
                                                    : error);
}

/* As ovsdb_idl_txn_commit_block(), with our deadline. */
static enum ovsdb_idl_txn_status
commit(struct ovsdb_idl *idl, struct ovsdb_idl_txn *txn)
{
    enum ovsdb_idl_txn_status status;

    /* What the IDL would warn of is what we say ourselves. */
    vlog_set_levels(vlog_module_from_name("ovsdb_idl"), VLF_CONSOLE, VLL_ERR);
    while ((status = ovsdb_idl_txn_commit(txn)) == TXN_INCOMPLETE) {
        ovsdb_idl_run(idl);
        if (!ovsdb_idl_is_alive(idl)) {
            ctl_die_unreachable(ovsdb_idl_get_last_error(idl));
        }
        ovsdb_idl_txn_wait(txn);
        ctl_block_or_die(idl);
    }
    return status;
}

static void
postprocess(struct ctl_command *commands, size_t n, struct ovsdb_idl *idl,
            struct ovsdb_idl_txn *txn, struct ovsdb_symbol_table *symtab)
{
    for (struct ctl_command *c = commands; c < &commands[n]; c++) {
        if (c->syntax->postprocess) {
            struct ctl_context ctx;

            ctl_context_init(&ctx, c, idl, txn, symtab, NULL);
            c->syntax->postprocess(&ctx);
            if (ctx.error) {
                ctl_fatal("%s", ctx.error);
            }
            ctl_context_done(&ctx, c);
        }
    }
}

/* With --wait, commands that only read first wait for what others changed:
 * a change that changes nothing else.  Returns false to be tried again. */
static bool
wait_before(const char *args, struct ovsdb_idl *idl)
{
    const struct ndrec_netdom *root = ndrec_netdom_first(idl);
    enum ovsdb_idl_txn_status status;
    struct ovsdb_idl_txn *txn;
    int64_t cfg;

    if (!root) {
        return true;                    /* Nothing was changed ever. */
    }
    txn = the_txn = ovsdb_idl_txn_create(idl);
    ovsdb_idl_txn_add_comment(txn, "netdom-ctl: %s", args);
    ovsdb_idl_txn_increment(txn, &root->header_, &ndrec_netdom_col_next_cfg,
                            true);
    status = commit(idl, txn);
    if (status == TXN_ERROR) {
        die_refused(ovsdb_idl_txn_get_error(txn));
    }
    cfg = (status == TXN_SUCCESS
           ? ovsdb_idl_txn_get_increment_new_value(txn) : 0);
    ovsdb_idl_txn_destroy(txn);
    the_txn = NULL;
    if (status == TXN_SUCCESS) {
        ctl_wait_for_controllers(idl, cfg);
    }
    return status == TXN_SUCCESS;
}

/* One try.  Returns false if it must be repeated when the IDL has news. */
static bool
try_run(const char *args, struct ctl_command *commands, size_t n,
        struct ovsdb_idl *idl, int *exit_status)
{
    bool writes = ctl_might_write_to_db(commands, n);
    bool wait = ctl_opts.wait && writes && !ctl_opts.dry_run;
    struct ovsdb_idl_txn *txn = the_txn = ovsdb_idl_txn_create(idl);
    struct ovsdb_symbol_table *symtab = ovsdb_symbol_table_create();
    const struct ndrec_netdom *root = ndrec_netdom_first(idl);
    enum ovsdb_idl_txn_status status = TXN_TRY_AGAIN;
    int64_t cfg = 0;

    if (ctl_opts.dry_run) {
        ovsdb_idl_txn_set_dry_run(txn);
    }
    ovsdb_idl_txn_add_comment(txn, "netdom-ctl: %s", args);
    if (!root && writes) {
        root = ndrec_netdom_insert(txn);
    }
    if (wait) {
        ovsdb_idl_txn_increment(txn, &root->header_,
                                &ndrec_netdom_col_next_cfg, true);
    }
    ctl_touch_forget();
    if (run_commands(commands, n, idl, txn, symtab)) {
        check_symbols(symtab);
        ctl_touch_written(idl);
        status = commit(idl, txn);
    }

    switch (status) {
    case TXN_UNCHANGED:
    case TXN_SUCCESS:
        if (!ctl_opts.dry_run) {
            ctl_touch_committed(txn);
        }
        postprocess(commands, n, idl, txn, symtab);
        break;
    case TXN_TRY_AGAIN:
        break;
    case TXN_ERROR:
        die_refused(ovsdb_idl_txn_get_error(txn));
    case TXN_ABORTED:
    case TXN_NOT_LOCKED:
    case TXN_UNCOMMITTED:
    case TXN_INCOMPLETE:
    default:
        OVS_NOT_REACHED();
    }
    ovsdb_symbol_table_destroy(symtab);
    if (wait && status == TXN_SUCCESS) {
        cfg = ovsdb_idl_txn_get_increment_new_value(txn);
    }
    ovsdb_idl_txn_destroy(txn);
    the_txn = NULL;

    if (status != TXN_TRY_AGAIN) {
        ctl_print_output(commands, n);
        fflush(stdout);
        if (!ctl_opts.dry_run) {
            ctl_touched_warn(idl);
        }
        if (wait && status == TXN_SUCCESS) {
            ctl_wait_for_controllers(idl, cfg);
            *exit_status = ctl_touched_report(idl) ? 0 : CTL_EXIT_REFUSED;
        }
    }
    ctl_free_output(commands, n);
    return status != TXN_TRY_AGAIN;
}

int
ctl_run(const char *args, struct ctl_command *commands, size_t n)
{
    struct ovsdb_idl *idl;
    unsigned int seqno;
    int exit_status = 0;
    bool waited = (!ctl_opts.wait || ctl_opts.dry_run
                   || ctl_might_write_to_db(commands, n));

    ctl_deadline_start();
    idl = the_idl = ovsdb_idl_create_unconnected(&ndrec_idl_class, false);
    ovsdb_idl_set_remote(idl, ctl_opts.db, ctl_opts.retry);
    ovsdb_idl_set_db_change_aware(idl, false);
    run_prerequisites(commands, n, idl);

    /* A transaction that failed for what others changed meanwhile is worth
     * another try only with newer contents. */
    seqno = ovsdb_idl_get_seqno(idl);
    for (;;) {
        ovsdb_idl_run(idl);
        if (!ovsdb_idl_is_alive(idl)) {
            ctl_die_unreachable(ovsdb_idl_get_last_error(idl));
        }
        if (seqno != ovsdb_idl_get_seqno(idl)) {
            seqno = ovsdb_idl_get_seqno(idl);
            waited = waited || wait_before(args, idl);
            if (waited && try_run(args, commands, n, idl, &exit_status)) {
                break;
            }
        }
        if (seqno == ovsdb_idl_get_seqno(idl)) {
            ctl_block_or_die(idl);
        }
    }
    ovsdb_idl_destroy(idl);
    the_idl = NULL;
    return exit_status;
}
