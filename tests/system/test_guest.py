"""netdom-guest: what it says when it cannot start, its packet generator and
sink over a real switch, and a vif that is closed, unplugged and plugged in
again."""

import json
import signal

import pytest

import toolstack
from lab.session import wait_for
from switch import Guest, Switch

MACS = {"gen": "00:16:3e:00:01:01", "sink": "00:16:3e:00:01:02"}


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


def test_generator_and_sink_count_alike(nothing_left, switch):
    sink = Guest(switch, "sink", "--sink=interval-ms=100")
    sink.plug(MACS["sink"])
    gen = Guest(switch, "gen", "--pktgen=dst=%s,size=300,rate=2kpps,"
                "count=3000,id=7,flows=5" % MACS["sink"])
    gen.plug(MACS["gen"])
    sent = gen.end()["pktgen"]
    assert sent["frames"] == 3000
    assert sent["bytes"] == 900000
    assert 1900 < sent["pps"] < 2100

    sink.daemon.kill(signal.SIGTERM)
    report = sink.end()["sink"]
    flow, = report["generators"]
    assert flow["generator"] == 7
    assert flow["frames"] == 3000
    assert flow["lost"] == flow["reordered"] == flow["duplicates"] == 0
    assert 0 < flow["delay_min_ns"] <= flow["delay_p50_ns"]
    assert flow["delay_p50_ns"] <= flow["delay_max_ns"]
    assert sum(frames for _, frames in flow["delays"]) == 3000
    most_ns = [delay_ns for delay_ns, _ in flow["delays"]]
    assert most_ns == sorted(most_ns) and flow["delay_p50_ns"] in most_ns
    assert sum(frames for frames, _ in report["series"]) == report["frames"]


@pytest.mark.parametrize("channels", [(), ("--shared-evtchn",)])
def test_close_reopen_unplug_plug(nothing_left, switch, channels):
    guest = Guest(switch, "gen", "--pktgen=dst=%s,rate=100pps"
                  % MACS["sink"], *channels)
    guest.plug(MACS["gen"])
    fe = toolstack.frontend_path(guest.domid)
    keys = [leaf for leaf in ("event-channel", "event-channel-tx",
                              "event-channel-rx")
            if switch.xs.read(fe + "/" + leaf) is not None]
    assert keys == (["event-channel"] if channels
                    else ["event-channel-tx", "event-channel-rx"])

    guest.command("guest/disconnect")
    guest.wait_up(False)
    wait_for(lambda: switch.xs.read(fe + "/state") == "6", 5, "Closed")
    sent = guest.stats()["tx"]["frames"]
    assert guest.stats()["tx"]["frames"] == sent
    guest.command("guest/reconnect")
    guest.wait_up(True)
    wait_for(lambda: guest.stats()["tx"]["frames"] > sent, 5, "frames again")

    guest.unplug()
    wait_for(lambda: not guest.stats()["vif"]["plugged"], 5, "unplugged")
    switch.vsctl("del-port", "br0", "vif%d.0" % guest.domid)
    switch.xs.remove(toolstack.backend_path(switch.domid, guest.domid))
    guest.plug(MACS["gen"])
    guest.command("exit")
    report = guest.end()
    assert report["vif"]["connects"] == 3
    assert report["vif"]["state"] == "Closed"


def test_suspend(nothing_left, switch):
    """A guest that wakes up says nothing to its old backend, and connects
    with other rings; so does one that wants another number of queues."""
    guest = Guest(switch, "gen", "--pktgen=dst=%s,rate=1kpps" % MACS["sink"],
                  "--queues=8")
    guest.plug(MACS["gen"])
    for connects, command in ((2, ["guest/suspend"]), (3, ["guest/suspend"]),
                              (4, ["guest/queues", "2"])):
        sent = guest.stats()["tx"]["frames"]
        guest.command(*command)
        wait_for(lambda: guest.stats()["vif"]["connects"] == connects, 10,
                 "a connection anew")
        guest.wait_up(True)
        wait_for(lambda: guest.stats()["tx"]["frames"] > sent, 5,
                 "frames again")
    assert guest.stats()["vif"]["suspends"] == 2
    assert guest.stats()["tx"]["backend_drops"] == 0
    guest.command("exit")
    assert guest.end()["vif"]["state"] == "Closed"


def test_commands(nothing_left, switch):
    """What a command says that makes no sense, or that the backend cannot
    do."""
    guest = Guest(switch, "sink", "--sink")
    for words in (["guest/queues", "0"], ["guest/queues", "9"],
                  ["guest/multicast", "add", "x"],
                  ["guest/multicast", "put", "01:00:5e:00:00:01"],
                  ["guest/multicast", "add", "01:00:5e:00:00:01"],
                  ["guest/multicast-control", "perhaps"],
                  ["guest/xdp-headroom", "2049"]):
        done = switch.session.run(["ovs-appctl", "-t", guest.socket, *words],
                                  check=False)
        assert done.returncode == 2, words
    guest.plug(MACS["sink"])
    guest.command("guest/multicast-control", "on")
    assert switch.xs.read(toolstack.frontend_path(guest.domid)
                          + "/request-multicast-control") == "1"


@pytest.mark.parametrize("options", [
    "size=1514,csum=full", "size=1000,csum=none", "size=1513,csum=blank",
    "type=tcp,size=1514", "type=tcp,size=1500,csum=blank,flows=7",
    "type=tcp,size=1500,ip6-src=2001:db8::1,ip6-dst=2001:db8::2",
    "ip6-src=2001:db8::1,size=1400",
])
def test_verified(nothing_left, switch, options):
    """What a generator sends arrives byte for byte."""
    sink = Guest(switch, "sink", "--sink=verify=1")
    sink.plug(MACS["sink"])
    gen = Guest(switch, "gen", "--pktgen=dst=%s,rate=2kpps,count=1000,%s"
                % (MACS["sink"], options))
    gen.plug(MACS["gen"])
    assert gen.end()["pktgen"]["frames"] == 1000
    sink.daemon.kill(signal.SIGTERM)
    report = sink.end()["sink"]
    verify = report["verify"]
    assert report["generators"][0]["frames"] == 1000
    assert verify["contents"] == 1000
    for fault in ("bad_length", "bad_checksum", "bad_content",
                  "tcp_lost_bytes", "tcp_reordered"):
        assert verify[fault] == 0, fault


def test_host_vanishes(switch):
    guest = Guest(switch, "sink", "--sink")
    guest.plug(MACS["sink"])
    xenlocald = next(daemon for daemon in switch.session.daemons
                     if daemon.name == "netdom-xenlocald")
    xenlocald.kill(signal.SIGKILL)
    guest.end(status=1)
    assert "netdom-xenlocald went away" in guest.daemon.log_tail()


def test_name_taken(switch):
    Guest(switch, "sink", "--sink")
    done = switch.session.run(
        ["netdom-guest", "--name=sink", "--sink",
         "--xen-dir=%s" % switch.xen_dir,
         "--unixctl=%s" % (switch.session.dir / "other.ctl")], check=False)
    assert done.returncode == 2
    assert "already running; choose another --name" in done.stderr


@pytest.mark.parametrize("options, says", [
    ((), "say what stands behind the vif"),
    (("--tap=eth0", "--sink"), "goes with neither"),
    (("--sink", "--netns=x"), "are about --tap"),
    (("--sink=seconds=0",), "seconds=0 makes no sense"),
    (("--pktgen=rate=1pps",), "dst=MAC is missing"),
    (("--sink", "--devid=x"), "--devid=x"),
    (("--sink", "--name=a/b"), "--name=a/b"),
    (("--sink", "more"), "there are options only"),
    (("--tap=eth0", "--netns=no-such-namespace"), "no-such-namespace"),
    (("--tap=a-name-that-is-too-long"), "at most 15 characters"),
    (("--sink", "--xen-dir=/no/such/xen"), "/no/such"),
    (("--sink", "--no-such-option"), "no-such-option"),
])
def test_cannot_start(session, options, says):
    """One line that says what to do, and exit status 2."""
    if isinstance(options, str):
        options = (options,)
    done = session.run(["netdom-guest", "--name=x",
                        "--run-dir=%s" % session.dir, *options], check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_xenlocald(session):
    done = session.run(["netdom-guest", "--name=x", "--sink",
                        "--run-dir=%s" % session.dir], check=False)
    assert done.returncode == 2
    assert "is netdom-xenlocald running" in done.stderr
