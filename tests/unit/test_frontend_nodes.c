/* A frontend's nodes, from text: honest ones and those that are refused. */

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/fakes/frontend_text.h"

#define TOP "tx-ring-ref=10\nrx-ring-ref=11\nrequest-rx-copy=1\n"
#define SHARED "event-channel=5\n"
#define SPLIT "event-channel-tx=5\nevent-channel-rx=6\n"
#define Q0 "queue-0/tx-ring-ref=10\nqueue-0/rx-ring-ref=11\n" \
           "queue-0/event-channel=5\n"
#define Q1 "queue-1/tx-ring-ref=12\nqueue-1/rx-ring-ref=13\n" \
           "queue-1/event-channel-tx=6\nqueue-1/event-channel-rx=7\n"
#define TWO "request-rx-copy=1\nmulti-queue-num-queues=2\n" Q0 Q1

static int
parse(const char *nodes_text, unsigned int max_queues,
      struct vif_frontend *frontend, char why[VIF_WHY_BYTES])
{
    struct frontend_text text = { nodes_text, strlen(nodes_text), 0 };
    struct frontend_nodes nodes = frontend_text_nodes(&text);

    why[0] = '\0';
    return frontend_parse(&nodes, 3, max_queues, frontend, why);
}

static struct vif_frontend
must_parse(const char *text)
{
    char why[VIF_WHY_BYTES];
    struct vif_frontend frontend;

    if (parse(text, 8, &frontend, why)) {
        fail_msg("%s", why);
    }
    return frontend;
}

static void
test_one_queue(void **state)
{
    struct vif_frontend f = must_parse(TOP SHARED);

    assert_int_equal(f.domid, 3);
    assert_int_equal(f.n_queues, 1);
    assert_int_equal(f.queues[0].tx_gref, 10);
    assert_int_equal(f.queues[0].rx_gref, 11);
    assert_int_equal(f.queues[0].tx_port, 5);
    assert_int_equal(f.queues[0].rx_port, 5);
    assert_false(f.has_ctrl);

    /* Said aloud, it is at the top level all the same. */
    f = must_parse(TOP SPLIT "multi-queue-num-queues=1\n" Q1);
    assert_int_equal(f.n_queues, 1);
    assert_int_equal(f.queues[0].tx_gref, 10);
    assert_int_equal(f.queues[0].tx_port, 5);
    assert_int_equal(f.queues[0].rx_port, 6);
}

static void
test_many_queues(void **state)
{
    struct vif_frontend f = must_parse(TWO);
    char text[2048] = "request-rx-copy=1\nmulti-queue-num-queues=8\n";

    assert_int_equal(f.n_queues, 2);
    assert_int_equal(f.queues[0].tx_port, 5);
    assert_int_equal(f.queues[0].rx_port, 5);
    assert_int_equal(f.queues[1].tx_gref, 12);
    assert_int_equal(f.queues[1].rx_gref, 13);
    assert_int_equal(f.queues[1].tx_port, 6);
    assert_int_equal(f.queues[1].rx_port, 7);

    for (int i = 0; i < 8; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "queue-%d/tx-ring-ref=%d\n"
                 "queue-%d/rx-ring-ref=%d\nqueue-%d/event-channel=%d\n",
                 i, 100 + i, i, 200 + i, i, 300 + i);
    }
    f = must_parse(text);
    assert_int_equal(f.n_queues, 8);
    assert_int_equal(f.queues[7].tx_gref, 107);
    assert_int_equal(f.queues[7].rx_port, 307);
}

static void
test_features(void **state)
{
    struct vif_frontend f = must_parse(TOP SHARED);

    assert_false(f.sg || f.gso_v4 || f.gso_v6 || f.csum_v6 || f.rx_notify
                 || f.multicast_control);
    assert_true(f.csum_v4);
    assert_int_equal(f.xdp_headroom_bytes, 0);

    f = must_parse(TOP SHARED "feature-sg=1\nfeature-gso-tcpv4=1\n"
                   "feature-gso-tcpv6=1\nfeature-ipv6-csum-offload=1\n"
                   "feature-rx-notify=1\nrequest-multicast-control=1\n"
                   "xdp-headroom=256\n");
    assert_true(f.sg && f.gso_v4 && f.gso_v6 && f.csum_v4 && f.csum_v6
                && f.rx_notify && f.multicast_control);
    assert_int_equal(f.xdp_headroom_bytes, 256);

    /* Segmentation without what it needs. */
    f = must_parse(TOP SHARED "feature-gso-tcpv4=1\nfeature-gso-tcpv6=1\n"
                   "feature-ipv6-csum-offload=1\n");
    assert_false(f.gso_v4 || f.gso_v6);
    f = must_parse(TOP SHARED "feature-sg=1\nfeature-gso-tcpv4=1\n"
                   "feature-gso-tcpv6=1\nfeature-no-csum-offload=1\n");
    assert_false(f.csum_v4 || f.gso_v4 || f.gso_v6);

    /* Nonsense is "no". */
    f = must_parse(TOP SHARED "feature-sg=2\nfeature-rx-notify=yes\n"
                   "xdp-headroom=-1\nrequest-multicast-control=\n");
    assert_false(f.sg || f.rx_notify || f.multicast_control);
    assert_int_equal(f.xdp_headroom_bytes, 0);
}

static void
test_control_ring(void **state)
{
    struct vif_frontend f = must_parse(TOP SHARED "ctrl-ring-ref=20\n"
                                       "event-channel-ctrl=21\n");

    assert_true(f.has_ctrl);
    assert_int_equal(f.ctrl_gref, 20);
    assert_int_equal(f.ctrl_port, 21);
}

static void
test_headroom_is_clamped(void **state)
{
    static const struct {
        const char *value;
        int bytes;
    } rows[] = {
        { "0", 0 }, { "256", 256 }, { "2047", 2047 }, { "2048", 2048 },
        { "2049", 2048 }, { "65536", 2048 }, { "65792", 2048 },
        { "18446744073709551615", 2048 }, { "18446744073709551616", 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char nodes_text[64];

        snprintf(nodes_text, sizeof nodes_text, "xdp-headroom=%s\n",
                 rows[i].value);

        struct frontend_text text = { nodes_text, strlen(nodes_text), 0 };
        struct frontend_nodes nodes = frontend_text_nodes(&text);
        uint16_t bytes = 42;

        assert_int_equal(frontend_parse_xdp_headroom(&nodes, &bytes), 0);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

static void
test_multicast_control(void **state)
{
    static const struct {
        const char *nodes;
        int error;
        bool on;
    } rows[] = {
        { "", 0, false },
        { "request-multicast-control=0", 0, false },
        { "request-multicast-control=1", 0, true },
        { "request-multicast-control=2", 0, false },
        { "request-multicast-control=!EIO", -EIO, false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frontend_text text = {
            rows[i].nodes, strlen(rows[i].nodes), 0
        };
        struct frontend_nodes nodes = frontend_text_nodes(&text);
        bool on = !rows[i].on;

        assert_int_equal(frontend_parse_multicast_control(&nodes, &on),
                         rows[i].error);
        assert_int_equal(on, rows[i].on);
    }
}

/* No number of queues but one that we offered. */
static void
test_cve_2026_45890_number_of_queues(void **state)
{
    static const char *const bad[] = {
        "0", "00", "5", "9", "-1", "4294967295", "4294967296", "4294967297",
        "18446744073709551615", "18446744073709551617", "", "x", "1 ",
        "000000000000000000000000000000001",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512], why[VIF_WHY_BYTES];
        struct vif_frontend frontend;

        snprintf(text, sizeof text, "multi-queue-num-queues=%s\n" TOP SHARED
                 Q0 Q1, bad[i]);
        print_message("# %s\n", bad[i]);
        assert_int_equal(parse(text, 4, &frontend, why), -EINVAL);
        assert_int_equal(frontend.n_queues, 0);
        assert_non_null(strstr(why, "from 1 to 4"));
    }
}

static void
test_refused(void **state)
{
    static const struct {
        const char *nodes;
        int error;
        const char *says;
    } rows[] = {
        { "", -EOPNOTSUPP, "request-rx-copy=1" },
        { "request-rx-copy=0\n", -EOPNOTSUPP, "request-rx-copy=1" },
        { "request-rx-copy=2\n", -EOPNOTSUPP, "request-rx-copy=1" },
        { "multi-queue-num-queues=2\n" TOP SHARED, -ENOENT,
          "queue-0/tx-ring-ref is missing" },
        { "request-rx-copy=1\nmulti-queue-num-queues=2\n" Q0, -ENOENT,
          "queue-1/tx-ring-ref is missing" },
        { "request-rx-copy=1\nmulti-queue-num-queues=2\n" Q0
          "queue-1/tx-ring-ref=12\nqueue-1/rx-ring-ref=13\n", -ENOENT,
          "queue-1/event-channel is missing" },
        { "request-rx-copy=1\nrx-ring-ref=1\n" SHARED, -ENOENT,
          "tx-ring-ref is missing" },
        { "request-rx-copy=1\ntx-ring-ref=1\n" SHARED, -ENOENT,
          "rx-ring-ref is missing" },
        { "rx-ring-ref=4294967296\n" TOP SHARED, -EINVAL,
          "rx-ring-ref is not a number" },
        { "tx-ring-ref=-1\n" TOP SHARED, -EINVAL,
          "tx-ring-ref is not a number" },
        { TOP, -ENOENT, "event-channel is missing" },
        { TOP "event-channel-tx=5\n" SHARED, -ENOENT,
          "event-channel-rx is missing" },
        { TOP "event-channel-tx=x\nevent-channel-rx=6\n" SHARED, -EINVAL,
          "event-channel-tx is not a number" },
        { TOP SHARED "ctrl-ring-ref=20\n", -ENOENT,
          "event-channel-ctrl is missing" },
        { TOP SHARED "event-channel-ctrl=21\n", -ENOENT,
          "ctrl-ring-ref is missing" },
        { TOP SHARED "ctrl-ring-ref=x\nevent-channel-ctrl=21\n", -EINVAL,
          "ctrl-ring-ref is not a number" },
        /* One page, or one channel, for two. */
        { "rx-ring-ref=10\n" TOP SHARED, -EINVAL, "one page" },
        { TOP SHARED "ctrl-ring-ref=11\nevent-channel-ctrl=21\n", -EINVAL,
          "one page" },
        { TOP SHARED "ctrl-ring-ref=20\nevent-channel-ctrl=5\n", -EINVAL,
          "one event channel" },
        { "queue-1/tx-ring-ref=11\n" TWO, -EINVAL, "one page" },
        { "queue-1/event-channel-rx=5\n" TWO, -EINVAL, "one event channel" },
        { "queue-1/event-channel-tx=5\n" TWO, -EINVAL, "one event channel" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[VIF_WHY_BYTES];
        struct vif_frontend frontend;

        print_message("# %s\n", rows[i].says);
        assert_int_equal(parse(rows[i].nodes, 4, &frontend, why),
                         rows[i].error);
        assert_non_null(strstr(why, rows[i].says));
    }
}

static void
test_offer_is_the_limit(void **state)
{
    char why[VIF_WHY_BYTES];
    struct vif_frontend frontend;

    assert_int_equal(parse(TWO, 2, &frontend, why), 0);
    assert_int_equal(parse(TWO, 1, &frontend, why), -EINVAL);
    assert_int_equal(parse("multi-queue-num-queues=9\n" TOP SHARED, 100,
                           &frontend, why), -EINVAL);
    assert_non_null(strstr(why, "from 1 to 8"));
}

/* A frontend that comes back with less does not keep what it had. */
static void
test_nothing_is_left_over(void **state)
{
    char why[VIF_WHY_BYTES];
    struct vif_frontend frontend;

    assert_int_equal(parse(TWO "ctrl-ring-ref=20\nevent-channel-ctrl=21\n"
                           "feature-sg=1\nfeature-rx-notify=1\n"
                           "request-multicast-control=1\nxdp-headroom=1\n",
                           2, &frontend, why), 0);
    assert_int_equal(parse(TOP SHARED, 2, &frontend, why), 0);
    assert_int_equal(frontend.n_queues, 1);
    assert_false(frontend.has_ctrl || frontend.sg || frontend.rx_notify
                 || frontend.multicast_control);
    assert_int_equal(frontend.xdp_headroom_bytes, 0);
    assert_int_equal(frontend.queues[1].tx_gref, 0);
}

/* A xenstore that does not answer says nothing about the frontend, whatever
 * node it was asked for. */
static void
test_unreadable(void **state)
{
    static const char *const leaves[] = {
        "request-rx-copy", "multi-queue-num-queues", "tx-ring-ref",
        "rx-ring-ref", "event-channel-tx", "event-channel", "ctrl-ring-ref",
        "event-channel-ctrl", "feature-sg", "feature-no-csum-offload",
        "feature-ipv6-csum-offload", "feature-rx-notify",
        "feature-gso-tcpv4", "feature-gso-tcpv6",
        "request-multicast-control", "xdp-headroom",
    };

    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        char text[256], why[VIF_WHY_BYTES];
        struct vif_frontend frontend;

        snprintf(text, sizeof text, "%s=!EIO\n" TOP SHARED, leaves[i]);
        print_message("# %s\n", leaves[i]);
        assert_int_equal(parse(text, 8, &frontend, why), -EIO);
        assert_string_equal(why, "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_queue),
        cmocka_unit_test(test_many_queues),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_control_ring),
        cmocka_unit_test(test_headroom_is_clamped),
        cmocka_unit_test(test_multicast_control),
        cmocka_unit_test(test_cve_2026_45890_number_of_queues),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_offer_is_the_limit),
        cmocka_unit_test(test_nothing_is_left_over),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests_name("frontend_nodes", tests, NULL, NULL);
}
