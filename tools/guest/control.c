#include <config.h>
#include "tools/guest/control.h"

#include <poll.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "util.h"

#include "tools/guest/memory.h"
#include "tools/guest/vif.h"

VLOG_DEFINE_THIS_MODULE(control);

#define ANSWER_NS 1000000000ull

int
control_open(struct control *c, struct vif *vif,
             const struct control_wishes *wishes)
{
    const struct vif_shape *shape = &vif->shape;
    struct guest_memory *memory = vif->memory;

    *c = (struct control) { .vif = vif };
    control_script_init(&c->script, wishes, shape->n_queues);
    for (uint32_t i = 0; i < shape->n_queues; i++) {
        c->script.tx[i] = &vif->queues[i].tx;
        c->script.rx[i] = &vif->queues[i].rx;
    }

    int error = ctrl_ring_init(&c->ring, memory, shape->backend_domid);
    if (error) {
        return error;
    }
    error = guest_memory_take(memory, &c->table, 1);
    if (error) {
        goto finish_ring;
    }
    error = guest_channel_open(&c->channel, vif->domain,
                               shape->backend_domid);
    if (error) {
        goto give_back;
    }
    guest_memory_grant(memory, c->table, shape->backend_domid, false);
    c->open = true;
    return 0;

give_back:
    guest_memory_give_back(memory, &c->table, 1);
finish_ring:
    ctrl_ring_finish(&c->ring);
    return error;
}

void
control_close(struct control *c)
{
    if (c->open) {
        c->vif->hash.active = false;
        guest_channel_close(&c->channel, c->vif->domain);
        guest_memory_give_back(c->vif->memory, &c->table, 1);
        ctrl_ring_finish(&c->ring);
        c->open = false;
    }
}

/* Sends the next request, if there is one. */
static void
ask(struct control *c, uint64_t now_ns)
{
    uint16_t id = c->request.id + 1;
    void *table = guest_memory_page(c->vif->memory, c->table);

    if (control_script_next(&c->script, table, c->table, &c->request)) {
        c->request.id = id;
        ctrl_ring_put(&c->ring, &c->request);
        if (ctrl_ring_push(&c->ring)) {
            guest_channel_kick(&c->channel);
        }
        c->asked = true;
        c->answer_by_ns = now_ns + ANSWER_NS;
    }
}

/* What the backend has agreed to. */
static void
start_using(struct control *c)
{
    const struct control_script *s = &c->script;
    struct hash_check *hash = &c->vif->hash;

    if (s->wishes->hash) {
        hash->active = s->hashing;
        hash->n_queues = s->n_queues;
        memcpy(hash->key, s->wishes->hash_key, sizeof hash->key);
        if (!s->hashing) {
            VLOG_WARN("the backend refuses to hash");
        }
    }
    if (s->wishes->persistent_grants) {
        VLOG_INFO("the backend keeps %u pages mapped%s",
                  control_script_mapped(s),
                  s->grants_refused ? ": it has no persistent grants" : "");
    }
}

bool
control_run(struct control *c, uint64_t now_ns)
{
    struct xen_netif_ctrl_response rsp;

    if (!c->open || c->deaf || !control_is_busy(c)) {
        return false;
    }
    if (!c->asked) {
        ask(c, now_ns);
        return false;
    }

    int taken = ctrl_ring_take(&c->ring, &rsp);
    if (taken < 0 || (taken
                      && !control_script_answer(&c->script, &c->request,
                                                &rsp))) {
        VLOG_ERR("the backend broke the protocol of the control ring");
        c->deaf = true;
    } else if (!taken && now_ns >= c->answer_by_ns) {
        VLOG_WARN("the backend does not answer on the control ring");
        c->deaf = true;
    } else if (!taken) {
        return false;
    }
    c->asked = false;
    if (!c->deaf && !control_script_is_done(&c->script)) {
        ask(c, now_ns);
        return false;
    }
    if (c->script.step != CONTROL_END) {
        start_using(c);
    }
    return true;
}

void
control_wait(const struct control *c, uint64_t now_ns)
{
    if (!c->open || !control_is_busy(c)) {
        return;
    }
    guest_channel_clear(&c->channel);
    if (!c->asked || ctrl_ring_arm((struct ctrl_ring *) &c->ring)) {
        poll_immediate_wake();
        return;
    }
    poll_fd_wait(c->channel.wait_fd, POLLIN);
    poll_timer_wait(c->answer_by_ns > now_ns
                    ? (c->answer_by_ns - now_ns) / 1000000 + 1 : 0);
}

bool
control_is_busy(const struct control *c)
{
    return c->open && !c->deaf && !control_script_is_done(&c->script);
}

bool
control_has_mappings(const struct control *c)
{
    return c->open && !c->deaf && control_script_mapped(&c->script);
}

void
control_unmap(struct control *c)
{
    if (control_has_mappings(c)) {
        control_script_unmap(&c->script);
    }
}
