/* The requests, one function each, in a table by their type. */

#include "tools/xenlocald/store_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#define ARRAY_SIZE(ARRAY) (sizeof (ARRAY) / sizeof (ARRAY)[0])

/* A request on its way to its reply.  What it carries has been taken apart as
 * its row in the table says. */
struct call {
    struct store_conn *conn;
    const struct store_request *request;
    struct store_txn *txn;              /* That it names, or null. */
    struct store_view view;
    const char *args[3];                /* As given. */
    char path[STORE_PATH_BYTES];        /* args[0] as an absolute path. */
    uint32_t domid;                     /* args[0] as a number. */
    const char *rest;                   /* What follows args[0]. */
    size_t rest_bytes;
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
run_read(struct call *call)
{
    const struct store_node *node;
    int error = store_view_get(&call->view, call->path, false, &node);

    if (!error) {
        call->reply = node->value ? (const void *) node->value : "";
        call->reply_bytes = node->value_bytes;
    }
    return error;
}

static int
run_directory(struct call *call)
{
    const struct store_node *node;
    bool end;
    int error = store_view_get(&call->view, call->path, true, &node);

    if (error) {
        return error;
    }
    call->reply = call->text;
    call->reply_bytes = store_node_names(node, 0, call->text,
                                         sizeof call->text, &end);
    return end ? 0 : E2BIG;
}

static int
run_directory_part(struct call *call)
{
    const struct store_node *node;
    uint32_t from;
    bool end;

    if (!store_wire_number(call->args[1], &from)) {
        return EINVAL;
    }
    int error = store_view_get(&call->view, call->path, true, &node);
    if (error) {
        return error;
    }

    size_t used = snprintf(call->text, sizeof call->text, "%"PRIu64,
                           node->children_generation) + 1;
    used += store_node_names(node, from, call->text + used,
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
    return store_view_write(&call->view, call->path, call->rest,
                            call->rest_bytes);
}

static int
run_mkdir(struct call *call)
{
    return store_view_write(&call->view, call->path, NULL, 0);
}

static int
run_rm(struct call *call)
{
    return store_view_remove(&call->view, call->path);
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
    const struct store_perms *perms;

    if (call->path[0] == '@') {
        perms = special_perms(call->conn->store, call->path);
        if (!perms) {
            return ENOENT;
        }
        if (!(store_perms_for(perms, call->view.domid) & STORE_READ)) {
            return EACCES;
        }
    } else {
        const struct store_node *node;
        int error = store_view_get(&call->view, call->path, false, &node);

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
    struct store_perms perms, *special;
    int error = -store_perms_parse(call->rest, call->rest_bytes, &perms);

    if (error) {
        return error;
    }
    if (call->path[0] != '@') {
        return store_view_set_perms(&call->view, call->path, &perms);
    }
    special = special_perms(call->conn->store, call->path);
    if (!special || call->view.domid) {
        return special ? EACCES : ENOENT;
    }
    *special = perms;
    return 0;
}

static void
queue_reply(const struct call *call, uint32_t type, const void *payload,
            size_t bytes)
{
    store_conn_queue(call->conn, type, call->request->req_id,
                     call->request->tx_id, payload, bytes, 0);
}

/* Queues its reply itself: that comes before the first event. */
static int
run_watch(struct call *call)
{
    int error = store_watch_check(call->conn, call->path, call->args[1]);

    if (!error) {
        queue_reply(call, XS_WATCH, "OK", 3);
        store_watch_add(call->conn, call->path, call->args[0], call->args[1]);
    }
    return error;
}

static int
run_unwatch(struct call *call)
{
    return store_watch_remove(call->conn, call->path, call->args[1]);
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
    uint32_t tx_id = 0;
    int error = call->txn ? EBUSY : store_txn_start(call->conn, &tx_id);

    snprintf(call->text, sizeof call->text, "%"PRIu32, tx_id);
    return error ? error : reply_text(call);
}

static int
run_transaction_end(struct call *call)
{
    const char *how = call->args[0];

    if (strcmp(how, "T") && strcmp(how, "F")) {
        return EINVAL;
    }
    return call->txn ? store_txn_end(call->conn, call->txn, *how == 'T')
                     : ENOENT;
}

static int
run_get_domain_path(struct call *call)
{
    snprintf(call->text, sizeof call->text, "/local/domain/%"PRIu32,
             call->domid);
    return reply_text(call);
}

static int
run_is_domain_introduced(struct call *call)
{
    const struct store_domain *domain
        = store_domain_find(call->conn->store, call->domid);

    strcpy(call->text, domain && domain->introduced ? "T" : "F");
    return reply_text(call);
}

/* Domains are the registry's: the store lets go of one or takes it back, it
 * makes none. */
static int
run_introduce(struct call *call)
{
    const struct store_domain *domain
        = store_domain_find(call->conn->store, call->domid);

    if (!domain || domain->is_dead) {
        return EINVAL;
    }
    if (!domain->introduced) {
        store_domain_introduce(call->conn->store, call->domid);
    }
    return 0;
}

static int
run_release(struct call *call)
{
    const struct store_domain *domain
        = store_domain_find(call->conn->store, call->domid);

    if (!call->domid || !domain || !domain->introduced) {
        return call->domid ? ENOENT : EINVAL;
    }
    store_domain_release(call->conn->store, call->domid);
    return 0;
}

static int
run_control(struct call *call)
{
    if (strcmp(call->args[0], "help")) {
        return EINVAL;
    }
    strcpy(call->text, "commands: help\n");
    return reply_text(call);
}

enum shape {
    ANY,                                /* The payload does not matter. */
    WORD,                               /* Strings, none of them a path. */
    DOMID,                              /* Strings, the first a number. */
    PATH,                               /* Strings, the first a path. */
    PATH_REST,                          /* A path, then bytes. */
};

static const struct {
    int (*run)(struct call *);          /* Returns 0 or a positive errno. */
    enum shape shape;
    uint8_t n_strings;
    bool special_ok;                    /* The path may begin with '@'. */
    bool only_dom0;
} requests[XS_TYPE_COUNT] = {
    [XS_CONTROL] = { run_control, WORD, 1, .only_dom0 = true },
    [XS_DIRECTORY] = { run_directory, PATH, 1 },
    [XS_READ] = { run_read, PATH, 1 },
    [XS_GET_PERMS] = { run_get_perms, PATH, 1, .special_ok = true },
    [XS_WATCH] = { run_watch, PATH, 2, .special_ok = true },
    [XS_UNWATCH] = { run_unwatch, PATH, 2, .special_ok = true },
    [XS_TRANSACTION_START] = { run_transaction_start, ANY },
    [XS_TRANSACTION_END] = { run_transaction_end, WORD, 1 },
    [XS_INTRODUCE] = { run_introduce, DOMID, 3, .only_dom0 = true },
    [XS_RELEASE] = { run_release, DOMID, 1, .only_dom0 = true },
    [XS_GET_DOMAIN_PATH] = { run_get_domain_path, DOMID, 1 },
    [XS_WRITE] = { run_write, PATH_REST },
    [XS_MKDIR] = { run_mkdir, PATH, 1 },
    [XS_RM] = { run_rm, PATH, 1 },
    [XS_SET_PERMS] = { run_set_perms, PATH_REST, .special_ok = true },
    [XS_IS_DOMAIN_INTRODUCED] = { run_is_domain_introduced, DOMID, 1 },
    [XS_RESET_WATCHES] = { run_reset_watches, ANY },
    [XS_DIRECTORY_PART] = { run_directory_part, PATH, 2 },
};

/* Takes the payload apart as the request's row says. */
static bool
take_apart(struct call *call)
{
    const struct store_request *request = call->request;
    enum shape shape = requests[request->type].shape;
    bool special_ok = requests[request->type].special_ok;

    if (shape == ANY) {
        return true;
    }
    if (!(shape == PATH_REST
          ? store_wire_head(request, &call->args[0], &call->rest,
                            &call->rest_bytes)
          : store_wire_strings(request, call->args,
                               requests[request->type].n_strings))) {
        return false;
    }
    return shape == WORD ? true
           : shape == DOMID ? store_wire_number(call->args[0], &call->domid)
           : !store_path_resolve(call->view.domid, call->args[0], special_ok,
                                 call->path);
}

static int
run(struct call *call)
{
    uint32_t type = call->request->type;

    if (call->request->tx_id && !call->txn) {
        return ENOENT;
    }
    if (type >= ARRAY_SIZE(requests) || !requests[type].run) {
        return ENOSYS;
    }
    if (requests[type].only_dom0 && call->view.domid) {
        return EACCES;
    }
    return take_apart(call) ? requests[type].run(call) : EINVAL;
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
    call.view = (struct store_view) { conn->store, conn->domain->domid,
                                      call.txn };
    error = run(&call);
    if (error) {
        const char *name = store_wire_error(error);
        queue_reply(&call, XS_ERROR, name, strlen(name) + 1);
    } else if (call.reply) {
        queue_reply(&call, req->type, call.reply, call.reply_bytes);
    } else if (req->type != XS_WATCH) {
        queue_reply(&call, req->type, "OK", 3);
    }
}
