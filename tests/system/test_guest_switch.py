"""What a modern guest asks for and a real switch gives: several queues, hashes,
mapped pages, offloads, headroom; each frame is verified where it arrives."""

import signal

import pytest

import test_guest
import toolstack
from lab.session import wait_for
from test_guest import MACS, switch  # noqa: F401 (a fixture)

N_FRAMES = 300
MODERN = ("--queues=4", "--hash", "--persistent-grants")
TCP6 = "type=tcp,ip6-src=2001:db8::1,ip6-dst=2001:db8::2"


class Guest(test_guest.Guest):
    def plug(self, mac):
        port = "vif%d.0" % self.domid
        toolstack.add_vif(self.switch.xs, self.switch.domid, self.domid, mac)
        self.switch.vsctl("add-port", "br0", port, "--", "set", "interface",
                          port, "type=xenvif", "options:n_rxq=4",
                          "options:domid=%d" % self.domid,
                          "options:devid=0")
        self.wait_up(True)

    def offered(self, feature):
        return self.switch.xs.read("%s/%s" % (
            toolstack.backend_path(self.switch.domid, self.domid),
            feature)) == "1"


@pytest.mark.parametrize("sender, receiver, spec", [
    (("--queues=4",), ("--queues=2",), "size=1000,flows=16,csum=blank"),
    (("--queues=4", "--shared-evtchn"), ("--queues=3", "--shared-evtchn"),
     "type=tcp,size=1514,flows=16"),
    (("--persistent-grants",), MODERN, "type=tcp,size=1514,flows=32"),
    (MODERN, MODERN, TCP6 + ",size=1500,flows=32"),
    (("--no-csum",), ("--no-csum", "--no-sg"), "csum=full,size=1400"),
    ((), ("--no-csum",), TCP6 + ",size=1500,csum=blank"),
    ((), ("--xdp-headroom=256", "--hash"), "size=1514,csum=blank"),
    ((), ("--no-rx-notify",), "size=1514"),
    (MODERN, MODERN, "type=tcp,size=65407,gso=1400,flows=32"),
    (MODERN, ("--xdp-headroom=64",), TCP6 + ",size=65407,gso=1400"),
    ((), ("--no-gso",), "type=tcp,size=65407,gso=1400"),
    ((), ("--no-csum",), "type=tcp,size=30000,gso=1400"),
    ((), ("--no-sg",), TCP6 + ",size=30000,gso=1400"),
])
def test_verified(nothing_left, switch, sender, receiver, spec):  # noqa: F811
    sink = Guest(switch, "sink", "--sink=verify=1", *receiver)
    sink.plug(MACS["sink"])
    if "gso" in spec and not sink.offered("feature-gso-tcpv4"):
        pytest.skip("this switch offers no segmentation")
    gen = Guest(switch, "gen", "--pktgen=dst=%s,rate=300pps,count=%d,%s"
                % (MACS["sink"], N_FRAMES, spec), *sender)
    gen.plug(MACS["gen"])
    sent = gen.end()
    assert sent["tx"]["frames"] == N_FRAMES
    assert sent["tx"]["backend_drops"] == sent["tx"]["backend_errors"] == 0

    wait_for(lambda: sink.stats()["sink"]["generators"]
             and sink.stats()["sink"]["generators"][0]["frames"] == N_FRAMES,
             10, "all frames: %s" % sink.stats()["rx"])
    stats = sink.stats()
    verify = stats["sink"]["verify"]
    for fault in ("bad_length", "bad_checksum", "bad_content",
                  "tcp_lost_bytes"):
        assert verify[fault] == 0, verify
    assert verify["contents"] == N_FRAMES + verify["segments"]
    if "--no-csum" in receiver:
        assert verify["checksums"] == N_FRAMES + verify["segments"]
    if "gso" in spec:
        whole = not {"--no-gso", "--no-csum", "--no-sg"} & set(receiver)
        assert stats["sink"]["gso_frames"] == (N_FRAMES if whole else 0)
    check_queues(sent, sender, stats, receiver, spec)
    check_control(stats, receiver)

    sink.command("guest/disconnect")
    wait_for(lambda: switch.xs.read(toolstack.frontend_path(sink.domid)
                                    + "/state") == "6", 5, "Closed")
    sink.daemon.kill(signal.SIGTERM)
    sink.end()


def check_queues(sent, sender, stats, receiver, spec):
    """Many flows use all queues there are, each way."""
    for options, report, way in ((sender, sent, "tx"),
                                 (receiver, stats, "rx")):
        n = next((int(word[9]) for word in options
                  if word.startswith("--queues=")), 1)
        assert len(report["queues"]) == n
        if "flows" in spec and (way == "tx" or "tcp" in spec):
            assert all(queue[way]["frames"] for queue in report["queues"])


def check_control(stats, receiver):
    control = stats["control"]
    if "--hash" in receiver:
        assert control["hashing"] == 1
        assert control["hash_ok"] >= N_FRAMES
        assert (control["hash_wrong"] == control["hash_wrong_queue"]
                == control["hash_missing"] == 0)
    if "--persistent-grants" in receiver:
        assert control["grefs_mapped"] == 512 * len(stats["queues"])
    if any(word.startswith("--xdp-headroom") for word in receiver):
        assert stats["rx"]["xdp"] == stats["rx"]["frames"]


def test_changes(nothing_left, switch):  # noqa: F811
    """A connected vif changes its headroom, its queues, its host."""
    sink = Guest(switch, "sink", "--sink=verify=1", "--hash")
    sink.plug(MACS["sink"])
    gen = Guest(switch, "gen", "--pktgen=dst=%s,rate=1kpps,size=1000,flows=8"
                % MACS["sink"])
    gen.plug(MACS["gen"])

    def more(of):
        before = of(sink.stats())
        wait_for(lambda: of(sink.stats()) > before + 50, 5, "frames")

    more(lambda stats: stats["rx"]["frames"])
    sink.command("guest/xdp-headroom", "256")
    more(lambda stats: stats["rx"]["xdp"])
    sink.command("guest/xdp-headroom", "0")
    wait_for(lambda: sink.stats()["vif"]["state"] == "Connected", 5,
             "Connected")
    assert sink.stats()["vif"]["connects"] == 1
    for connects, command in ((2, ["guest/queues", "4"]),
                              (3, ["guest/suspend"]),
                              (4, ["guest/queues", "1"])):
        sink.command(*command)
        wait_for(lambda: sink.stats()["vif"]["connects"] == connects, 10,
                 "a connection anew")
        sink.wait_up(True)
        more(lambda stats: stats["rx"]["frames"])
    stats = sink.stats()
    assert stats["sink"]["verify"]["bad_content"] == 0
    assert stats["control"]["hash_wrong"] == 0


def test_multicast(nothing_left, switch):  # noqa: F811
    """Only what was asked for arrives."""
    group = "01:00:5e:00:00:fb"
    sink = Guest(switch, "sink", "--sink", "--multicast-control")
    sink.plug(MACS["sink"])
    gen = Guest(switch, "gen", "--pktgen=dst=%s,rate=1kpps" % group)
    gen.plug(MACS["gen"])

    def arrives():
        before = sink.stats()["rx"]["frames"]
        sent = gen.stats()["tx"]["frames"]
        wait_for(lambda: gen.stats()["tx"]["frames"] > sent + 100, 5,
                 "frames to be sent")
        return sink.stats()["rx"]["frames"] > before

    assert not arrives()
    sink.command("guest/multicast", "add", group)
    wait_for(arrives, 5, "frames to the group")
    sink.command("guest/multicast", "del", group)
    wait_for(lambda: not arrives(), 5, "frames to the group to end")
    sink.command("guest/multicast-control", "off")
    wait_for(arrives, 5, "all multicast")
