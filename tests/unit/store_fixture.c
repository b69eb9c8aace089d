#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
reconnect(struct fixture *f, int domid)
{
    store_conn_destroy(f->conn[domid]);
    f->conn[domid] = store_conn_create(f->store, domid, f);
    assert_non_null(f->conn[domid]);
}

void
open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->store = store_create(store_quota_default);
    for (int i = 0; i < N_DOMAINS; i++) {
        char path[32];

        snprintf(path, sizeof path, "/local/domain/%d", i);
        store_write(f->store, path, "", i);
        store_domain_introduce(f->store, i);
        reconnect(f, i);
    }
    f->now_ms = 1000;
    store_run(f->store, f->now_ms);
}

void
close_fixture(struct fixture *f)
{
    for (int i = 0; i < N_DOMAINS; i++) {
        store_conn_destroy(f->conn[i]);
    }
    store_destroy(f->store);
}

/* Takes one message off a connection.  True if it was a reply. */
static bool
take_message(struct fixture *f, int domid)
{
    struct xsd_sockmsg header;
    size_t bytes;
    const uint8_t *data = store_conn_output(f->conn[domid], &bytes);
    char *text = f->reply;

    assert_true(bytes >= sizeof header);
    memcpy(&header, data, sizeof header);
    assert_int_equal(bytes, sizeof header + header.len);
    data += sizeof header;

    if (header.type == XS_WATCH_EVENT) {
        char *events = f->events[domid];
        const char *path = (const char *) data;
        const char *token = path + strlen(path) + 1;

        assert_int_equal(header.len, strlen(path) + strlen(token) + 2);
        assert_true(strlen(events) + header.len + 2 < EVENTS_TEXT_BYTES);
        sprintf(events + strlen(events), "%s %s\n", path, token);
    } else {
        if (header.type == XS_ERROR) {
            *text++ = '!';
        }
        for (uint32_t i = 0; i < header.len; i++) {
            *text++ = data[i] ? data[i] : '|';
        }
        if (header.type == XS_ERROR
            || (header.len && !strncmp(f->reply, "OK|", header.len))) {
            text--;
        }
        *text = '\0';
        f->reply_bytes = header.len;
    }
    store_conn_taken(f->conn[domid], bytes);
    return header.type != XS_WATCH_EVENT;
}

const char *
ask_bytes(struct fixture *f, int domid, uint32_t type, uint32_t tx_id,
          const void *payload, size_t bytes)
{
    struct xsd_sockmsg header = { type, 7, tx_id, bytes };
    size_t room;
    uint8_t *p = store_conn_space(f->conn[domid], &room);

    assert_true(room >= sizeof header + bytes);
    memcpy(p, &header, sizeof header);
    memcpy(p + sizeof header, payload, bytes);
    store_conn_process(f->conn[domid], sizeof header + bytes, 1);
    while (!take_message(f, domid)) {
        continue;
    }
    return f->reply;
}

const char *
ask(struct fixture *f, int domid, uint32_t type, uint32_t tx_id,
    const char *text)
{
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t bytes = strlen(text);

    assert_true(bytes < sizeof payload);
    for (size_t i = 0; i <= bytes; i++) {
        payload[i] = text[i] == '|' ? '\0' : text[i];
    }
    return ask_bytes(f, domid, type, tx_id, payload,
                     bytes + (type != XS_WRITE));
}

uint32_t
begin(struct fixture *f, int domid)
{
    uint32_t tx_id = atoi(ask(f, domid, XS_TRANSACTION_START, 0, ""));

    assert_int_not_equal(tx_id, 0);
    return tx_id;
}

const char *
take_events(struct fixture *f, int domid)
{
    static char events[EVENTS_TEXT_BYTES];
    size_t bytes;

    while (store_conn_output(f->conn[domid], &bytes)) {
        assert_false(take_message(f, domid));
    }
    strcpy(events, f->events[domid]);
    f->events[domid][0] = '\0';
    return events;
}
