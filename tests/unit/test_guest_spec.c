/* What --pktgen and --sink understand, and what they say if they do not. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tools/guest/pktgen_spec.h"

#define DST "dst=02:00:00:00:00:01"

static struct pktgen_spec
parse(const char *text)
{
    char error[SPEC_ERROR_BYTES] = "";
    struct pktgen_spec spec;

    if (!pktgen_spec_parse(text, &spec, error)) {
        fail_msg("%s: %s", text, error);
    }
    return spec;
}

static void
test_defaults(void **state)
{
    struct pktgen_spec spec = parse(DST);

    assert_int_equal(spec.frame_bytes, 64);
    assert_int_equal(spec.n_frames, 0);
    assert_int_equal(spec.dst[0], 2);
    assert_int_equal(spec.dst[5], 1);
    assert_false(spec.has_src);
    assert_int_equal(spec.type, PKTGEN_UDP);
    assert_int_equal(spec.csum, PKTGEN_CSUM_NONE);
    assert_false(spec.ipv6);
    assert_int_equal(spec.n_flows, 1);
    assert_true(pktgen_spec_pps(&spec) == 0);
}

static void
test_everything(void **state)
{
    struct pktgen_spec spec = parse(
        DST ",size=1514,rate=100kpps,count=7,seconds=1.5,vlan=4094,flows=16,"
        "src=02:00:00:00:00:fe,type=raw,ip-src=10.0.0.1,ip-dst=10.0.0.2,"
        "port-src=5000,port-dst=6000,id=65535");

    assert_int_equal(spec.frame_bytes, 1514);
    assert_true(pktgen_spec_pps(&spec) == 100000);
    assert_int_equal(spec.n_frames, 7);
    assert_true(spec.seconds == 1.5);
    assert_int_equal(spec.vlan, 4094);
    assert_int_equal(spec.n_flows, 16);
    assert_true(spec.has_src);
    assert_int_equal(spec.src[5], 0xfe);
    assert_int_equal(spec.type, PKTGEN_RAW);
    assert_int_equal(spec.ip_src, 0x0a000001);
    assert_int_equal(spec.ip_dst, 0x0a000002);
    assert_int_equal(spec.port_src, 5000);
    assert_int_equal(spec.port_dst, 6000);
    assert_true(spec.has_id);
    assert_int_equal(spec.id, 65535);
}

static void
test_tcp(void **state)
{
    struct pktgen_spec spec = parse(DST ",type=tcp,size=65407,gso=1448,"
                                    "ip6-src=2001:db8::1,ip6-dst=2001:db8::2");

    assert_int_equal(spec.type, PKTGEN_TCP);
    assert_int_equal(spec.frame_bytes, 65407);
    assert_int_equal(spec.gso_bytes, 1448);
    assert_int_equal(spec.csum, PKTGEN_CSUM_BLANK);
    assert_true(spec.ipv6);
    assert_int_equal(spec.ip6_src[15], 1);
    assert_int_equal(spec.ip6_dst[0], 0x20);
    assert_int_equal(spec.ip6_dst[15], 2);
    assert_int_equal(pktgen_spec_head_bytes(&spec), 74);
    spec = parse(DST ",type=tcp,size=100");
    assert_int_equal(spec.csum, PKTGEN_CSUM_FULL);
    spec = parse(DST ",csum=blank");
    assert_int_equal(spec.csum, PKTGEN_CSUM_BLANK);
    spec = parse(DST ",ip6-dst=::1,size=80");
    assert_int_equal(spec.csum, PKTGEN_CSUM_FULL);
}

static void
test_rates(void **state)
{
    struct pktgen_spec spec = parse(DST ",size=1250,rate=100Mbit");
    assert_true(pktgen_spec_pps(&spec) == 10000);
    spec = parse(DST ",rate=1.5Mpps");
    assert_true(pktgen_spec_pps(&spec) == 1500000);
    spec = parse(DST ",rate=1pps");
    assert_true(pktgen_spec_pps(&spec) == 1);
    spec = parse(DST ",rate=100Mbit,rate=max");
    assert_true(pktgen_spec_pps(&spec) == 0);
}

static void
test_refused(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        { "", "dst=MAC is missing" },
        { "size=64", "dst=MAC is missing" },
        { "dst=02:00:00:00:00", "dst=02:00:00:00:00" },
        { "dst=02:00:00:00:00:01:02", "makes no sense" },
        { "dst=2:0:0:0:0:1", "makes no sense" },
        { DST ",src=01:00:00:00:00:01", "src=01:" },
        { DST ",size=59", "at least 60" },
        { DST ",vlan=1,size=63", "at least 64" },
        { DST ",size=65536", "size=65536" },
        { DST ",size=-1", "makes no sense" },
        { DST ",size=", "makes no sense" },
        { DST ",size", "key=value" },
        { DST ",size=64x", "makes no sense" },
        { DST ",rate=0", "rate=0" },
        { DST ",rate=100", "rate=100" },
        { DST ",rate=0pps", "rate=0pps" },
        { DST ",rate=1..5Mpps", "rate=1..5Mpps" },
        { DST ",rate=99999Mpps", "rate=99999Mpps" },
        { DST ",count=0", "count=0" },
        { DST ",count=99999999999999999999", "makes no sense" },
        { DST ",seconds=0", "seconds=0" },
        { DST ",seconds=1s", "seconds=1s" },
        { DST ",vlan=4095", "vlan=4095" },
        { DST ",type=sctp", "type=sctp" },
        { DST ",type=tcp,size=71", "at least 72" },
        { DST ",ip6-src=::1,size=79", "at least 80" },
        { DST ",ip6-dst=10.0.0.1", "ip6-dst=10.0.0.1" },
        { DST ",gso=1448", "is for type=tcp" },
        { DST ",type=tcp,gso=0,size=100", "gso=0" },
        { DST ",type=tcp,gso=9,size=100,csum=full", "csum=blank only" },
        { DST ",csum=half", "csum=half" },
        { DST ",csum=none,type=tcp,size=100", "UDP over IPv4" },
        { DST ",csum=none,ip6-src=::1,size=100", "UDP over IPv4" },
        { DST ",ip-src=10.0.0", "ip-src=10.0.0" },
        { DST ",port-src=65535,flows=2", "beyond port 65535" },
        { DST ",port-dst=65000,vary=port-dst,flows=600", "port-dst=65000" },
        { DST ",vary=colour", "vary=colour" },
        { DST ",vary=all,type=tcp,size=100", "UDP over IPv4" },
        { DST ",vary=all,ip6-src=::1,size=100", "UDP over IPv4" },
        { DST ",vary=prefix,flows=2", "without flows" },
        { DST ",id=65536", "id=65536" },
        { DST ",colour=red", "\"colour\" is not known" },
        { DST ",xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "too long" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[SPEC_ERROR_BYTES] = "";
        struct pktgen_spec spec;

        assert_false(pktgen_spec_parse(rows[i].text, &spec, error));
        if (!strstr(error, rows[i].says)) {
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text, error,
                     rows[i].says);
        }
    }
}

static void
test_sink(void **state)
{
    char error[SPEC_ERROR_BYTES] = "";
    struct sink_spec spec;

    assert_true(sink_spec_parse(NULL, &spec, error));
    assert_int_equal(spec.interval_ms, 1000);
    assert_true(spec.seconds == 0);
    assert_false(spec.verify);
    assert_true(sink_spec_parse("seconds=2,count=9,interval-ms=100,verify=1",
                                &spec, error));
    assert_true(spec.verify);
    assert_true(spec.seconds == 2);
    assert_int_equal(spec.n_frames, 9);
    assert_int_equal(spec.interval_ms, 100);
    assert_false(sink_spec_parse("interval-ms=9", &spec, error));
    assert_false(sink_spec_parse("rate=9", &spec, error));
    assert_non_null(strstr(error, "not known"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
