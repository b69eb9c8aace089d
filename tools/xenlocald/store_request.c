/* The requests: those that are not on nodes, and the table of all by their
 * type. */

#include <config.h>

#include "tools/xenlocald/store_private.h"

bool
store_fits(const struct store_call *call, enum store_use use, long n)
{
    return !call->conn || store_has_room(call->domain, use, n);
}

static int
run_watch(struct store_call *call)
{
    if (store_watch_find(call->conn, call->path, call->args[1])) {
        return EEXIST;
    } else if (!store_fits(call, STORE_WATCHES, 1)) {
        return E2BIG;
    }
    call->watch = store_watch_create(call->conn, call->path, call->args[0],
                                     call->args[1]);
    return 0;
}

static int
run_unwatch(struct store_call *call)
{
    struct store_watch *watch = store_watch_find(call->conn, call->path,
                                                 call->args[1]);

    if (watch) {
        store_watch_destroy(watch);
    }
    return watch ? 0 : ENOENT;
}

static int
run_transaction_start(struct store_call *call)
{
    if (call->txn) {
        return EBUSY;
    } else if (!store_fits(call, STORE_TRANSACTIONS, 1)) {
        return ENOSPC;
    }
    ds_put_format(&call->reply, "%"PRIu32"%c", store_txn_start(call->conn),
                  0);
    return 0;
}

static int
run_transaction_end(struct store_call *call)
{
    bool commit = !strcmp(call->args[0], "T");

    if (!commit && strcmp(call->args[0], "F")) {
        return EINVAL;
    }
    return call->txn ? store_txn_end(call->conn, call->txn, commit) : ENOENT;
}

/* GET_DOMAIN_PATH and IS_DOMAIN_INTRODUCED. */
static int
run_domain(struct store_call *call)
{
    const struct store_domain *domain;
    uint32_t domid;

    if (!store_parse_number(call->args[0], &domid)) {
        return EINVAL;
    }
    domain = store_domain_get(call->store, domid, false);
    if (call->header.type == XS_GET_DOMAIN_PATH) {
        ds_put_format(&call->reply, "/local/domain/%"PRIu32"%c", domid, 0);
    } else {
        ds_put_buffer(&call->reply, domain && domain->introduced ? "T" : "F",
                      2);
    }
    return 0;
}

enum {
    PATH = 1,                           /* The first string is a path, */
    SPECIAL = 2 | PATH,                 /* which may begin with '@'. */
    REST = 4,                           /* Bytes follow the strings. */
    OK = 8,                             /* Says "OK". */
};

static const struct {
    int (*run)(struct store_call *);    /* Returns 0 or a positive errno. */
    uint8_t n_strings;                  /* 0: the payload does not matter. */
    uint8_t flags;
    uint8_t access;                     /* To its node; those that need more
                                         * than STORE_READ change it, and it
                                         * may be missing. */
} requests[XS_TYPE_COUNT + 1] = {
    [XS_DIRECTORY] = { store_node_directory, 1, PATH, STORE_READ },
    [XS_READ] = { store_node_read, 1, PATH, STORE_READ },
    [XS_GET_PERMS] = { store_node_read, 1, SPECIAL, STORE_READ },
    [XS_WATCH] = { run_watch, 2, SPECIAL | OK },
    [XS_UNWATCH] = { run_unwatch, 2, SPECIAL | OK },
    [XS_TRANSACTION_START] = { run_transaction_start },
    [XS_TRANSACTION_END] = { run_transaction_end, 1, OK },
    [XS_GET_DOMAIN_PATH] = { run_domain, 1 },
    [XS_WRITE] = { store_node_write, 1, PATH | REST | OK, STORE_WRITE },
    [XS_MKDIR] = { store_node_write, 1, PATH | OK, STORE_WRITE },
    [XS_RM] = { store_node_rm, 1, PATH | OK, STORE_WRITE },
    [XS_SET_PERMS] = { store_node_set_perms, 1, SPECIAL | REST | OK,
                       STORE_OWNER },
    [XS_IS_DOMAIN_INTRODUCED] = { run_domain, 1 },
    [XS_DIRECTORY_PART] = { store_node_directory, 2, PATH, STORE_READ },
};

/* Takes the payload apart as the request's row says. */
static bool
take_apart(struct store_call *call, const char *payload)
{
    const char *end = payload + call->header.len;
    int n_strings = requests[call->header.type].n_strings;
    int flags = requests[call->header.type].flags;

    for (int i = 0; i < n_strings; i++) {
        call->args[i] = payload;
        payload = memchr(payload, '\0', end - payload);
        if (!payload) {
            return false;
        }
        payload++;
    }
    call->rest = payload;
    call->rest_bytes = end - payload;
    return (flags & REST || payload == end || !n_strings)
           && (!(flags & PATH)
               || store_parse_path(call->domain->domid, call->args[0],
                                   (flags & SPECIAL) == SPECIAL, call->path));
}

static int
run(struct store_call *call, const char *payload)
{
    uint32_t type = MIN(call->header.type, XS_TYPE_COUNT);
    int error;

    if (call->header.tx_id && !call->txn) {
        return ENOENT;
    } else if (!requests[type].run) {
        return ENOSYS;
    }

    bool fits = take_apart(call, payload);
    if (type == XS_SET_PERMS && call->conn && call->rest) {
        error = store_node_check_perms(call);
        if (error) {
            return error;               /* The node is not looked at. */
        }
    }
    if (!fits) {
        /* Nobody can have watched what is no path. */
        return type == XS_UNWATCH && call->rest ? ENOENT : EINVAL;
    }

    if (call->path[0] == '@' && call->txn) {
        return EINVAL;                  /* They are in no tree. */
    }
    error = requests[type].access
        ? store_node_look_up(call, requests[type].access) : 0;
    if (call->path[0] == '@' && requests[type].access && *call->left) {
        return EINVAL;                  /* There are two, and no more. */
    }
    if (!error || (error == ENOENT && requests[type].access > STORE_READ)) {
        error = requests[type].run(call);
    }
    if (!error && call->txn && requests[type].access > STORE_READ) {
        ds_put_buffer(&call->txn->log, (const char *) &call->header,
                      sizeof call->header);
        ds_put_buffer(&call->txn->log, payload, call->header.len);
    }
    return error;
}

void
store_request_apply(struct store *store, uint32_t domid, uint32_t type,
                    const char *payload, size_t bytes)
{
    struct store_call call = {
        .store = store,
        .domain = store_domain_get(store, domid, true),
        .header = { type, 0, 0, bytes },
    };

    run(&call, payload);
    ds_destroy(&call.reply);
}

void
store_request_run(struct store_conn *conn, const struct xsd_sockmsg *header,
                  const char *payload)
{
    struct xsd_sockmsg reply = *header;
    struct store_call call = {
        .store = conn->store,
        .domain = conn->domain,
        .conn = conn,
        .txn = header->tx_id ? store_txn_find(conn, header->tx_id) : NULL,
        .header = *header,
    };
    int error = run(&call, payload);

    if (call.reply.length > XENSTORE_PAYLOAD_MAX) {
        error = E2BIG;                  /* Permissions of domain 0's making. */
    }
    if (error || requests[header->type].flags & OK) {
        const char *text = error ? "EINVAL" : "OK";

        for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
            if (xsd_errors[i].errnum == error) {
                text = xsd_errors[i].errstring;
            }
        }
        ds_clear(&call.reply);
        ds_put_buffer(&call.reply, text, strlen(text) + 1);
    }
    reply.type = error ? XS_ERROR : header->type;
    reply.len = call.reply.length;
    store_conn_queue(conn, &reply, ds_cstr(&call.reply));
    if (call.watch) {
        store_watch_queue(call.watch, call.watch->path);
    }
    ds_destroy(&call.reply);
}
