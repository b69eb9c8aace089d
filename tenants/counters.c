#include <config.h>

#include "tenants/counters.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "stream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(counters);

#define INTERVAL_MS 1000
#define ANSWER_MS 5000
#define ANSWER_BYTES_MAX (4u << 20)
#define VIFS_MAX 8192
#define VALUES_MAX 64                   /* Per VIF and level. */

struct vif_counters {
    pid_t pid;                          /* The switch that 'last' is of. */
    struct json *base;                  /* Sum of earlier lives. */
    struct json *last;
};

struct counters {
    const char *(*name_of)(const void *, const char *);
    const void *aux;
    struct jsonrpc *rpc;                /* A question under way, or null. */
    pid_t pid;                          /* Whom it was put to. */
    long long int deadline_ms;
    long long int next_ms;
    struct shash vifs;                  /* struct vif_counters. */
    struct uplink_counters uplink;
};

struct counters *
counters_create(const char *(*name_of)(const void *, const char *),
                const void *aux)
{
    struct counters *c = xzalloc(sizeof *c);

    c->name_of = name_of;
    c->aux = aux;
    shash_init(&c->vifs);
    return c;
}

static void
free_vif(struct vif_counters *vif)
{
    json_destroy(vif->base);
    json_destroy(vif->last);
    free(vif);
}

void
counters_destroy(struct counters *c)
{
    struct shash_node *node;

    if (!c) {
        return;
    }
    SHASH_FOR_EACH (node, &c->vifs) {
        free_vif(node->data);
    }
    shash_destroy(&c->vifs);
    jsonrpc_close(c->rpc);
    free(c);
}

/* Counts only: non-negative integers, and objects of them one level down. */
static struct json *
clean(const struct json *in, bool deeper)
{
    struct json *out = json_object_create();
    struct shash_node *node;
    size_t n = 0;

    SHASH_FOR_EACH (node, json_object(in)) {
        const struct json *value = node->data;

        if (n++ >= VALUES_MAX) {
            break;
        }
        if (value->type == JSON_INTEGER && json_integer(value) >= 0) {
            json_object_put(out, node->name,
                            json_integer_create(json_integer(value)));
        } else if (value->type == JSON_OBJECT && deeper) {
            json_object_put(out, node->name, clean(value, false));
        }
    }
    return out;
}

/* Both are non-negative and may be anything else. */
static long long int
add(long long int a, long long int b)
{
    return a > LLONG_MAX - b ? LLONG_MAX : a + b;
}

/* Returns 'a' + 'b', name by name; either may be null. */
static struct json *
sum(const struct json *a, const struct json *b)
{
    struct json *out = a ? json_deep_clone(a) : json_object_create();
    struct shash_node *node;

    if (!b) {
        return out;
    }
    SHASH_FOR_EACH (node, json_object(b)) {
        const struct json *value = node->data;
        const struct json *old = shash_find_data(json_object(out),
                                                 node->name);

        if (value->type == JSON_OBJECT) {
            bool addable = old && old->type == JSON_OBJECT;
            json_object_put(out, node->name,
                            sum(addable ? old : NULL, value));
        } else {
            bool addable = old && old->type == JSON_INTEGER;
            json_object_put(out, node->name, json_integer_create(
                add(json_integer(value), addable ? json_integer(old) : 0)));
        }
    }
    return out;
}

/* True if any count in 'now' is below that in 'before'. */
static bool
runs_backwards(const struct json *before, const struct json *now)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(before)) {
        const struct json *old = node->data;
        const struct json *new = shash_find_data(json_object(now),
                                                 node->name);

        if (!new || new->type != old->type
            || (old->type == JSON_OBJECT && runs_backwards(old, new))
            || (old->type == JSON_INTEGER
                && json_integer(new) < json_integer(old))) {
            return true;
        }
    }
    return false;
}

static void
take_vif(struct counters *c, pid_t pid, const char *name,
         const struct json *values)
{
    struct vif_counters *vif = shash_find_data(&c->vifs, name);

    if (!vif) {
        if (shash_count(&c->vifs) >= VIFS_MAX) {
            return;
        }
        vif = xzalloc(sizeof *vif);
        shash_add(&c->vifs, name, vif);
    }

    struct json *now = clean(values, true);
    if (vif->last && (vif->pid != pid || runs_backwards(vif->last, now))) {
        struct json *base = sum(vif->base, vif->last);

        json_destroy(vif->base);
        vif->base = base;
    }
    json_destroy(vif->last);
    vif->last = now;
    vif->pid = pid;
}

void
counters_uplink(const struct counters *c, struct uplink_counters *uplink)
{
    *uplink = c->uplink;
}

/* 'name' of 'object' if it is a count, else 0. */
static uint64_t
count_of(const struct json *object, const char *name)
{
    const struct json *value = shash_find_data(json_object(object), name);

    return value && value->type == JSON_INTEGER && json_integer(value) > 0
           ? json_integer(value) : 0;
}

bool
counters_take(struct counters *c, pid_t pid, const char *text)
{
    struct json *json = json_from_string(text);
    const struct json *vifs = json->type == JSON_OBJECT
        ? shash_find_data(json_object(json), "vifs") : NULL;
    const struct json *uplink = json->type == JSON_OBJECT
        ? shash_find_data(json_object(json), "uplink") : NULL;
    bool ok = vifs && vifs->type == JSON_OBJECT;

    if (uplink && uplink->type == JSON_OBJECT) {
        c->uplink = (struct uplink_counters) {
            count_of(uplink, "tx_bytes"), count_of(uplink, "held"),
        };
    }
    if (ok) {
        struct shash_node *node;

        SHASH_FOR_EACH (node, json_object(vifs)) {
            const struct json *values = node->data;
            const char *name = c->name_of(c->aux, node->name);

            if (name && values->type == JSON_OBJECT) {
                take_vif(c, pid, name, values);
            }
        }
    }
    json_destroy(json);
    return ok;
}

static void
ask(struct counters *c, const char *control, pid_t pid, long long int now_ms)
{
    char *name = xasprintf("unix:%s", control);
    struct stream *stream;
    int error = stream_open(name, &stream, 0);

    free(name);
    if (error) {
        return;
    }
    c->rpc = jsonrpc_open(stream);
    c->pid = pid;
    c->deadline_ms = now_ms + ANSWER_MS;
    jsonrpc_send(c->rpc, jsonrpc_create_request(
        "netdom/counters", json_array_create_empty(), NULL));
}

static void
hang_up(struct counters *c)
{
    jsonrpc_close(c->rpc);
    c->rpc = NULL;
}

static void
listen_to(struct counters *c, long long int now_ms)
{
    struct jsonrpc_msg *msg;

    jsonrpc_run(c->rpc);

    int error = jsonrpc_recv(c->rpc, &msg);
    if (!error) {
        bool ok = msg->type == JSONRPC_REPLY && msg->result
                  && msg->result->type == JSON_STRING
                  && counters_take(c, c->pid, json_string(msg->result));

        if (!ok) {
            VLOG_DBG("process %d: no counters in its answer", (int) c->pid);
        }
        jsonrpc_msg_destroy(msg);
        hang_up(c);
    } else if (error != EAGAIN || now_ms >= c->deadline_ms
               || jsonrpc_get_received_bytes(c->rpc) > ANSWER_BYTES_MAX) {
        hang_up(c);
    }
}

void
counters_run(struct counters *c, const char *control, pid_t pid,
             long long int now_ms)
{
    if (c->rpc && c->pid != pid) {
        hang_up(c);
    }
    if (c->rpc) {
        listen_to(c, now_ms);
    } else if (now_ms >= c->next_ms) {
        c->next_ms = now_ms + INTERVAL_MS;
        if (pid) {
            ask(c, control, pid, now_ms);
        }
        if (c->rpc) {
            listen_to(c, now_ms);
        }
    }
}

void
counters_wait(const struct counters *c)
{
    if (c->rpc) {
        jsonrpc_wait(c->rpc);
        jsonrpc_recv_wait(c->rpc);
        poll_timer_wait_until(c->deadline_ms);
    } else {
        poll_timer_wait_until(c->next_ms);
    }
}

struct json *
counters_to_json(const struct counters *c)
{
    struct json *out = json_object_create();
    struct shash_node *node;

    SHASH_FOR_EACH (node, &c->vifs) {
        const struct vif_counters *vif = node->data;

        json_object_put(out, node->name, sum(vif->base, vif->last));
    }
    return out;
}

void
counters_prune(struct counters *c,
               bool (*lives)(const void *aux, const char *vif))
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &c->vifs) {
        if (!lives(c->aux, node->name)) {
            free_vif(node->data);
            shash_delete(&c->vifs, node);
        }
    }
}
