#include <config.h>

#include "tenants/record.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "tenants/file.h"
#include "util.h"

#define RECORD_BYTES_MAX (256 * 1024)
#define PROCS_MAX 1024

void
record_init(struct record *record)
{
    memset(record, 0, sizeof *record);
    record->cpu = -1;
}

void
record_finish(struct record *record)
{
    for (size_t i = 0; i < record->n_procs; i++) {
        free(record->procs[i].what);
    }
    free(record->procs);
    free(record->iface);
}

void
record_set_proc(struct record *record, const char *what, pid_t pid,
                uint64_t start_ticks)
{
    for (size_t i = 0; i < record->n_procs; i++) {
        struct record_proc *proc = &record->procs[i];

        if (strcmp(proc->what, what)) {
            continue;
        }
        if (pid) {
            proc->pid = pid;
            proc->start_ticks = start_ticks;
        } else {
            free(proc->what);
            *proc = record->procs[--record->n_procs];
        }
        return;
    }
    if (pid) {
        record->procs = xrealloc(record->procs, (record->n_procs + 1)
                                                * sizeof *record->procs);

        struct record_proc *proc = &record->procs[record->n_procs++];
        proc->what = xstrdup(what);
        proc->pid = pid;
        proc->start_ticks = start_ticks;
    }
}

char *
record_format(const struct record *record)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "slot %u\ncpu %d\ndomid %"PRIu32"\n", record->slot,
                  record->cpu, record->domid);
    if (record->iface) {
        ds_put_format(&ds, "iface %s\n", record->iface);
    }
    for (size_t i = 0; i < record->n_procs; i++) {
        const struct record_proc *proc = &record->procs[i];

        ds_put_format(&ds, "proc %d %"PRIu64" %s\n", (int) proc->pid,
                      proc->start_ticks, proc->what);
    }
    ds_put_cstr(&ds, "end\n");
    return ds_steal_cstr(&ds);
}

static bool
parse_number(const char *text, long long int max, long long int *value)
{
    return str_to_llong(text, 10, value) && *value >= 0 && *value <= max;
}

static bool
parse_proc(char *value, struct record *record)
{
    char *save = NULL;
    char *pid_text = strtok_r(value, " ", &save);
    char *ticks_text = strtok_r(NULL, " ", &save);
    char *what = strtok_r(NULL, "", &save);
    long long int pid, ticks;

    if (!what || !parse_number(pid_text, INT_MAX, &pid) || !pid
        || !parse_number(ticks_text, LLONG_MAX, &ticks)
        || record->n_procs >= PROCS_MAX) {
        return false;
    }
    record_set_proc(record, what, pid, ticks);
    return true;
}

static bool
parse_line(char *line, struct record *record, bool *ended)
{
    char *value = strchr(line, ' ');
    long long int number;

    if (!strcmp(line, "end")) {
        *ended = true;
        return true;
    }
    if (!value) {
        return false;
    }
    *value++ = '\0';
    if (!strcmp(line, "slot") && parse_number(value, UINT16_MAX, &number)) {
        record->slot = number;
    } else if (!strcmp(line, "cpu") && !strcmp(value, "-1")) {
        record->cpu = -1;
    } else if (!strcmp(line, "cpu") && parse_number(value, 8191, &number)) {
        record->cpu = number;
    } else if (!strcmp(line, "domid")
               && parse_number(value, UINT16_MAX, &number)) {
        record->domid = number;
    } else if (!strcmp(line, "iface") && *value && strlen(value) < 16
               && !strchr(value, '/')) {
        free(record->iface);
        record->iface = xstrdup(value);
    } else {
        return !strcmp(line, "proc") && parse_proc(value, record);
    }
    return true;
}

int
record_parse(const char *text, struct record *record)
{
    char *copy = xstrdup(text);
    char *save = NULL;
    bool ended = false, ok = true;

    record_init(record);
    for (char *line = strtok_r(copy, "\n", &save); line && ok && !ended;
         line = strtok_r(NULL, "\n", &save)) {
        ok = parse_line(line, record, &ended);
    }
    free(copy);
    if (!ok || !ended) {
        record_finish(record);
        record_init(record);
        return -EINVAL;
    }
    return 0;
}

int
record_load(const char *path, struct record *record)
{
    char *text = file_read(path, RECORD_BYTES_MAX);

    if (!text) {
        int error = errno;
        record_init(record);
        return -error;
    }

    int error = record_parse(text, record);
    free(text);
    return error;
}

int
record_save(const char *path, const struct record *record)
{
    char *text = record_format(record);
    int error = file_replace(path, text);

    free(text);
    return error;
}
