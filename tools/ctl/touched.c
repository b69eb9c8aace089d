/* The rows that this run changed, and what there is to say of them. */

#include <config.h>

#include "tools/ctl/ctl.h"

#include <string.h>

#include "ovsdb-idl-provider.h"
#include "util.h"
#include "uuid.h"

struct touched_row {
    struct uuid uuid;
    const struct ovsdb_idl_table_class *table;
    bool inserted;                      /* 'uuid' holds until the commit. */
};

static struct touched_row *touched;
static size_t n_touched, allocated_touched;

void
ctl_touch(const struct ovsdb_idl_row *row)
{
    for (size_t i = 0; i < n_touched; i++) {
        if (uuid_equals(&touched[i].uuid, &row->uuid)) {
            return;
        }
    }
    if (n_touched >= allocated_touched) {
        touched = x2nrealloc(touched, &allocated_touched, sizeof *touched);
    }
    touched[n_touched++] = (struct touched_row) {
        .uuid = row->uuid,
        .table = row->table->class_,
        .inserted = row->old_datum == NULL,
    };
}

void
ctl_touch_written(struct ovsdb_idl *idl)
{
    const struct ovsdb_idl_class *class = ovsdb_idl_get_class(idl);
    const struct ovsdb_idl_row *row;

    for (size_t i = 0; i < class->n_tables; i++) {
        for (row = ovsdb_idl_first_row(idl, &class->tables[i]); row;
             row = ovsdb_idl_next_row(row)) {
            if (row->new_datum != row->old_datum) {
                ctl_touch(row);
            }
        }
    }
}

void
ctl_touch_committed(struct ovsdb_idl_txn *txn)
{
    for (size_t i = 0; i < n_touched; i++) {
        if (touched[i].inserted) {
            const struct uuid *uuid;

            uuid = ovsdb_idl_txn_get_insert_uuid(txn, &touched[i].uuid);
            if (uuid) {
                touched[i].uuid = *uuid;
            }
        }
    }
}

void
ctl_touch_forget(void)
{
    n_touched = 0;
}

/* The touched row of 'table', or null if it is of another, or gone. */
static const void *
touched_row(struct ovsdb_idl *idl, size_t i,
            const struct ovsdb_idl_table_class *table)
{
    return (touched[i].table == table
            ? ovsdb_idl_get_row_for_uuid(idl, table, &touched[i].uuid)
            : NULL);
}

void
ctl_touched_warn(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < n_touched; i++) {
        const struct ndrec_vif *vif = touched_row(idl, i, &ndrec_table_vif);

        for (size_t j = 0; vif && !vif->n_addresses
                           && j < vif->n_anti_spoof; j++) {
            if (strcmp(vif->anti_spoof[j], "mac")) {
                fprintf(stderr, "%s: warning: VIF \"%s\" has anti_spoof=%s "
                        "and no addresses, so it may send probes only: set "
                        "addresses=ADDRESS,...\n", program_name, vif->name,
                        vif->anti_spoof[j]);
                break;
            }
        }
    }
}

static bool
is(const char *state, const char *name)
{
    return state && !strcmp(state, name);
}

/* One line on stderr.  Returns false if 'failed'. */
static bool
tell(bool failed, const char *what, const char *name, const char *state,
     const char *error, const char *hint)
{
    fprintf(stderr, "%s: %s \"%s\" is %s%s%s%s%s\n", program_name, what, name,
            state ? state : "not taken up yet",
            error ? ": " : "", error ? error : "",
            hint ? ": " : "", hint ? hint : "");
    return !failed;
}

static bool
report_tenant(const struct ndrec_tenant *tenant)
{
    const char *hint = NULL;

    if (!tenant->error && is(tenant->state, "running")) {
        return true;
    }
    if (!tenant->error && !tenant->state) {
        hint = "no controller runs on its host, or none has seen it";
    }
    return tell(tenant->error || is(tenant->state, "failed"), "tenant",
                tenant->name, tenant->state, tenant->error, hint);
}

static bool
report_vif(const struct ndrec_vif *vif)
{
    const char *state = vif->state;
    const char *hint = NULL;

    if (!vif->error && (is(state, "connected") || is(state, "connecting"))) {
        return true;
    }
    if (!vif->error && is(state, "no-guest")) {
        fprintf(stderr, "%s: VIF \"%s\" waits: no guest named %s runs; it is "
                "plugged in when that starts\n", program_name, vif->name,
                vif->guest);
        return true;
    }
    if (!vif->error && !state) {
        hint = "no controller runs on its tenant's host, or none has seen it";
    }
    return tell(is(state, "error") || is(state, "quarantined"), "VIF",
                vif->name, state, vif->error, hint);
}

static bool
report_vf(const struct ndrec_vf *vf)
{
    if (!vf->error && !is(vf->state, "missing") && !is(vf->state, "error")) {
        return true;
    }
    return tell(is(vf->state, "error"), "VF", vf->name, vf->state, vf->error,
                vf->error ? NULL : "its device is not on the host");
}

static bool
report_group(const struct ndrec_qos_group *group)
{
    return !group->error || tell(true, "group", group->name, "as it was",
                                 group->error, NULL);
}

bool
ctl_touched_report(struct ovsdb_idl *idl)
{
    bool ok = true;

    for (size_t i = 0; i < n_touched; i++) {
        const struct ndrec_qos_group *group;
        const struct ndrec_tenant *tenant;
        const struct ndrec_vif *vif;
        const struct ndrec_vf *vf;

        group = touched_row(idl, i, &ndrec_table_qos_group);
        tenant = touched_row(idl, i, &ndrec_table_tenant);
        vif = touched_row(idl, i, &ndrec_table_vif);
        vf = touched_row(idl, i, &ndrec_table_vf);
        if (tenant) {
            ok = report_tenant(tenant) && ok;
        } else if (vif) {
            ok = report_vif(vif) && ok;
        } else if (vf) {
            ok = report_vf(vf) && ok;
        } else if (group) {
            ok = report_group(group) && ok;
        }
    }
    return ok;
}
