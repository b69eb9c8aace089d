/* The requests, one function each, in a table by their type. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#define ARRAY_SIZE(ARRAY) (sizeof (ARRAY) / sizeof (ARRAY)[0])

/* A request on its way to its reply. */
struct call {
    struct store_conn *conn;
    const struct store_request *request;
    struct store_txn *txn;              /* That it names, or null. */
    struct store_view view;
    const void *reply;                  /* Null: "OK". */
    size_t reply_bytes;
    char text[STORE_PAYLOAD_BYTES];     /* Room for a reply. */
};

static int
reply_text(struct call *call)
{
    call->reply = call->text;
    call->reply_bytes = strlen(call->text) + 1;
    return 0;
}

static int
resolve(const struct call *call, const char *given, bool special_ok,
        char path[STORE_PATH_BYTES])
{
    return -store_path_resolve(call->conn->domain->domid, given, special_ok,
                               path);
}

/* For requests whose payload is one path. */
static int
only_path(const struct call *call, bool special_ok,
          char path[STORE_PATH_BYTES])
{
    const char *given;

    if (!store_wire_strings(call->request, &given, 1)) {
        return EINVAL;
    }
    return resolve(call, given, special_ok, path);
}

static int
run_read(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const struct store_node *node;
    int error = only_path(call, false, path);

    error = error ? error : store_view_get(&call->view, path, false, &node);
    if (!error) {
        call->reply = node->value ? (const void *) node->value : "";
        call->reply_bytes = node->value_bytes;
    }
    return error;
}

/* Copies names of children into 'text' from byte 'from' of their list on, as
 * many as fit whole.  Returns the bytes used; '*end' says if all were. */
static size_t
children_copy(const struct store_node *node, size_t from, char *text,
              size_t room, bool *end)
{
    size_t offset = 0, used = 0;

    *end = true;
    for (size_t i = 0; i < node->n_children; i++) {
        const char *name = node->children[i]->name;
        size_t bytes = strlen(name) + 1;

        if (offset >= from) {
            if (used + bytes > room) {
                *end = false;
                break;
            }
            memcpy(text + used, name, bytes);
            used += bytes;
        }
        offset += bytes;
    }
    return used;
}

static int
run_directory(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const struct store_node *node;
    bool end;
    int error = only_path(call, false, path);

    error = error ? error : store_view_get(&call->view, path, true, &node);
    if (error) {
        return error;
    }
    call->reply = call->text;
    call->reply_bytes = children_copy(node, 0, call->text, sizeof call->text,
                                      &end);
    return end ? 0 : E2BIG;
}

static int
run_directory_part(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const struct store_node *node;
    const char *args[2];
    uint32_t from;
    bool end;

    if (!store_wire_strings(call->request, args, 2)
        || !store_wire_number(args[1], &from)) {
        return EINVAL;
    }
    int error = resolve(call, args[0], false, path);
    error = error ? error : store_view_get(&call->view, path, true, &node);
    if (error) {
        return error;
    }

    size_t used = snprintf(call->text, sizeof call->text, "%"PRIu64,
                           node->children_generation) + 1;
    used += children_copy(node, from, call->text + used,
                          sizeof call->text - used - 1, &end);
    if (end) {
        call->text[used++] = '\0';
    }
    call->reply = call->text;
    call->reply_bytes = used;
    return 0;
}

static int
run_write(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const char *given, *value;
    size_t value_bytes;

    if (!store_wire_head(call->request, &given, &value, &value_bytes)) {
        return EINVAL;
    }
    int error = resolve(call, given, false, path);
    return error ? error
                 : store_view_write(&call->view, path, value, value_bytes);
}

static int
run_mkdir(struct call *call)
{
    char path[STORE_PATH_BYTES];
    int error = only_path(call, false, path);

    return error ? error : store_view_write(&call->view, path, NULL, 0);
}

static int
run_rm(struct call *call)
{
    char path[STORE_PATH_BYTES];
    int error = only_path(call, false, path);

    return error ? error : store_view_remove(&call->view, path);
}

static struct store_perms *
special_perms(struct store *store, const char *path)
{
    for (size_t i = 0; i < STORE_N_SPECIAL; i++) {
        if (!strcmp(path, store_special_names[i])) {
            return &store->special[i];
        }
    }
    return NULL;
}

static int
run_get_perms(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const struct store_node *node;
    const struct store_perms *perms;
    int error = only_path(call, true, path);

    if (error) {
        return error;
    }
    if (path[0] == '@') {
        perms = special_perms(call->conn->store, path);
        if (!perms) {
            return ENOENT;
        }
        if (!(store_perms_for(perms, call->view.domid) & STORE_READ)) {
            return EACCES;
        }
    } else {
        error = store_view_get(&call->view, path, false, &node);
        if (error) {
            return error;
        }
        perms = &node->perms;
    }
    call->reply = call->text;
    call->reply_bytes = store_perms_format(perms, call->text);
    return 0;
}

static int
run_set_perms(struct call *call)
{
    char path[STORE_PATH_BYTES];
    struct store_perms perms;
    const char *given, *text;
    size_t text_bytes;

    if (!store_wire_head(call->request, &given, &text, &text_bytes)) {
        return EINVAL;
    }
    int error = resolve(call, given, true, path);
    error = error ? error : -store_perms_parse(text, text_bytes, &perms);
    if (error) {
        return error;
    }
    if (path[0] == '@') {
        struct store_perms *special = special_perms(call->conn->store, path);

        if (!special) {
            return ENOENT;
        }
        if (call->view.domid) {
            return EACCES;
        }
        *special = perms;
        return 0;
    }
    return store_view_set_perms(&call->view, path, &perms);
}

static int
watch_args(const struct call *call, const char *args[2],
           char path[STORE_PATH_BYTES])
{
    if (!store_wire_strings(call->request, args, 2)) {
        return EINVAL;
    }
    return resolve(call, args[0], true, path);
}

static void
reply(const struct call *call, uint32_t type, const void *payload,
      size_t bytes)
{
    store_conn_queue(call->conn, type, call->request->req_id,
                     call->request->tx_id, payload, bytes, 0);
}

static int
run_unwatch(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const char *args[2];
    int error = watch_args(call, args, path);

    return error ? error : store_watch_remove(call->conn, path, args[1]);
}

static int
run_reset_watches(struct call *call)
{
    store_watch_remove_all(call->conn);
    store_txn_abort_all(call->conn);
    return 0;
}

static int
run_transaction_start(struct call *call)
{
    uint32_t tx_id;

    if (call->txn) {
        return EBUSY;
    }
    int error = store_txn_start(call->conn, &tx_id);
    snprintf(call->text, sizeof call->text, "%"PRIu32, tx_id);
    return error ? error : reply_text(call);
}

static int
run_transaction_end(struct call *call)
{
    const char *how;

    if (!store_wire_strings(call->request, &how, 1)
        || (strcmp(how, "T") && strcmp(how, "F"))) {
        return EINVAL;
    }
    return call->txn ? store_txn_end(call->conn, call->txn, *how == 'T')
                     : ENOENT;
}

static int
domid_arg(const struct call *call, uint32_t *domid)
{
    const char *text;

    return store_wire_strings(call->request, &text, 1)
           && store_wire_number(text, domid) ? 0 : EINVAL;
}

static int
run_get_domain_path(struct call *call)
{
    uint32_t domid;

    if (domid_arg(call, &domid)) {
        return EINVAL;
    }
    snprintf(call->text, sizeof call->text, "/local/domain/%"PRIu32, domid);
    return reply_text(call);
}

static int
run_is_domain_introduced(struct call *call)
{
    const struct store_domain *domain;
    uint32_t domid;

    if (domid_arg(call, &domid)) {
        return EINVAL;
    }
    domain = store_domain_find(call->conn->store, domid);
    strcpy(call->text, domain && domain->introduced ? "T" : "F");
    return reply_text(call);
}

/* Domains are the registry's: the store lets go of one or takes it back, it
 * makes none. */
static int
run_introduce(struct call *call)
{
    const struct store_domain *domain;
    const char *args[3];                /* Domid, ring's frame, event port. */
    uint32_t domid;

    if (!store_wire_strings(call->request, args, 3)
        || !store_wire_number(args[0], &domid)) {
        return EINVAL;
    }
    domain = store_domain_find(call->conn->store, domid);
    if (!domain || domain->is_dead) {
        return EINVAL;
    }
    if (!domain->introduced) {
        store_domain_introduce(call->conn->store, domid);
    }
    return 0;
}

static int
run_release(struct call *call)
{
    const struct store_domain *domain;
    uint32_t domid;

    if (domid_arg(call, &domid) || !domid) {
        return EINVAL;
    }
    domain = store_domain_find(call->conn->store, domid);
    if (!domain || !domain->introduced) {
        return ENOENT;
    }
    store_domain_release(call->conn->store, domid);
    return 0;
}

static int
run_control(struct call *call)
{
    const struct store_usage *usage = &call->conn->store->usage;
    const char *command;

    if (!store_wire_strings(call->request, &command, 1)) {
        return EINVAL;
    }
    if (!strcmp(command, "help")) {
        strcpy(call->text, "commands: help, usage\n");
    } else if (!strcmp(command, "usage")) {
        snprintf(call->text, sizeof call->text,
                 "nodes:%zu watches:%zu transactions:%zu connections:%zu "
                 "events:%zu\n",
                 usage->nodes, usage->watches, usage->transactions,
                 usage->connections, usage->events);
    } else {
        return EINVAL;
    }
    return reply_text(call);
}

static const struct {
    int (*run)(struct call *);          /* Returns 0 or a positive errno. */
    bool only_dom0;
} requests[XS_TYPE_COUNT] = {
    [XS_CONTROL] = { run_control, true },
    [XS_DIRECTORY] = { run_directory, false },
    [XS_DIRECTORY_PART] = { run_directory_part, false },
    [XS_READ] = { run_read, false },
    [XS_GET_PERMS] = { run_get_perms, false },
    [XS_UNWATCH] = { run_unwatch, false },
    [XS_TRANSACTION_START] = { run_transaction_start, false },
    [XS_TRANSACTION_END] = { run_transaction_end, false },
    [XS_INTRODUCE] = { run_introduce, true },
    [XS_RELEASE] = { run_release, true },
    [XS_GET_DOMAIN_PATH] = { run_get_domain_path, false },
    [XS_WRITE] = { run_write, false },
    [XS_MKDIR] = { run_mkdir, false },
    [XS_RM] = { run_rm, false },
    [XS_SET_PERMS] = { run_set_perms, false },
    [XS_IS_DOMAIN_INTRODUCED] = { run_is_domain_introduced, false },
    [XS_RESET_WATCHES] = { run_reset_watches, false },
};

/* WATCH replies before its first event, so it is not in the table. */
static int
run_watch(struct call *call)
{
    char path[STORE_PATH_BYTES];
    const char *args[2];
    int error = watch_args(call, args, path);

    error = error ? error : store_watch_check(call->conn, path, args[1]);
    if (!error) {
        reply(call, XS_WATCH, "OK", 3);
        store_watch_add(call->conn, path, args[0], args[1]);
    }
    return error;
}

void
store_request_run(struct store_conn *conn, const struct store_request *req)
{
    struct call call;
    int error;

    call.conn = conn;
    call.request = req;
    call.reply = NULL;
    call.txn = req->tx_id ? store_txn_find(conn, req->tx_id) : NULL;
    call.view = (struct store_view) {
        .store = conn->store,
        .domid = conn->domain->domid,
        .txn = call.txn,
    };

    if (req->tx_id && !call.txn) {
        error = ENOENT;
    } else if (req->type == XS_WATCH) {
        error = run_watch(&call);
        if (!error) {
            return;
        }
    } else if (req->type >= ARRAY_SIZE(requests)
               || !requests[req->type].run) {
        error = ENOSYS;
    } else if (requests[req->type].only_dom0 && call.view.domid) {
        error = EACCES;
    } else {
        error = requests[req->type].run(&call);
    }

    if (error) {
        const char *name = store_wire_error(error);
        reply(&call, XS_ERROR, name, strlen(name) + 1);
    } else if (call.reply) {
        reply(&call, req->type, call.reply, call.reply_bytes);
    } else {
        reply(&call, req->type, "OK", 3);
    }
}
