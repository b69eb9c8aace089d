"""What a modern frontend can ask of the backend, end to end: queues, hashing,
mapped pages, multicast, headroom, jumbo frames, coming back after a suspend.
While one guest does so, another pair's traffic loses nothing."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import toolstack
from lab.session import ROOT, find_program, wait_for
from switch import EAL_ARGS, Guest, Switch

MAC = "00:16:3e:00:02:%02x"
BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


class Pair:
    """A generator and a sink whose frames must all arrive, once."""

    def __init__(self, switch, number, size=200, rate="10kpps", options=(),
                 sink_options=(), **spec):
        self.id = number
        self.switch = switch
        macs = MAC % (2 * number), MAC % (2 * number + 1)
        words = "".join(",%s=%s" % item for item in spec.items())
        self.sink = Guest(switch, "sink%d" % number, "--sink=verify=1",
                          *options, *sink_options)
        self.source = Guest(
            switch, "source%d" % number,
            "--pktgen=dst=%s,size=%d,rate=%s,id=%d%s" % (
                macs[1], size, rate, number, words), *options)
        for guest, mac in zip((self.sink, self.source), macs[::-1]):
            if any(word.startswith("--queues") for word in options):
                allow_queues(switch, guest, 8)
            guest.plug(mac)
        self.ports = ["vif%d.0" % guest.domid
                      for guest in (self.sink, self.source)]

    def sent(self):
        return self.source.stats()["pktgen"]["frames"]

    def flow(self):
        flows = [flow for flow in self.sink.stats()["sink"]["generators"]
                 if flow["generator"] == self.id]
        return flows[0] if flows else {"frames": 0}

    def wait_frames(self, n):
        begin = self.flow()["frames"]
        wait_for(lambda: self.flow()["frames"] >= begin + n, 20,
                 "%d more frames to arrive" % n)

    def stop(self):
        """Ends the stream, and returns what became of it."""
        self.source.command("guest/rate", "1pps")
        time.sleep(0.3)
        wait_for(lambda: self.flow()["frames"] >= self.sent() - 1, 5,
                 "the last frames to arrive: %s of %d" % (self.flow(),
                                                          self.sent()))
        return self.flow()

    def expect_all(self):
        flow = self.stop()
        assert flow["lost"] == 0 and flow["duplicates"] == 0, flow
        self.expect_good()
        return flow

    def expect_counted(self):
        """For floods: what did not arrive is in a counter of the sink's vif,
        whose guest may be slower than its sibling."""
        self.source.command("guest/rate", "1pps")
        time.sleep(0.3)

        def missing():
            sent = self.sent()
            shown = self.switch.appctl("xenvif/show", self.ports[0])
            dropped = sum(map(int, re.findall(r"^  rx_drop_\w+: (\d+)$", shown,
                                              re.MULTILINE)))
            return sent - self.flow()["frames"] - dropped

        wait_for(lambda: abs(missing()) <= 1, 5, "each frame to be accounted for")
        assert self.flow()["duplicates"] == 0
        self.expect_good()

    def expect_good(self):
        """What arrived is what was sent, whole or cut."""
        found = self.sink.stats()["sink"]["verify"]
        for name in ("bad_checksum", "bad_length", "bad_content",
                     "tcp_lost_bytes", "tcp_reordered"):
            assert found[name] == 0, found
        assert found["contents"] > 0


def allow_queues(switch, guest, n):
    """The port's maximum, before the guest is plugged in."""
    switch.vsctl("--may-exist", "add-port", "br0", "vif%d.0" % guest.domid,
                 "--", "set", "interface", "vif%d.0" % guest.domid,
                 "type=xenvif", "options:domid=%d" % guest.domid,
                 "options:devid=0", "options:n_rxq=%d" % n)


def queues_used(guest, direction):
    return sum(queue[direction]["frames"] > 0
               for queue in guest.stats()["queues"])


@pytest.mark.parametrize("n", [2, 5, 8])
def test_queues(switch, n):
    """Flows are spread over all queues, both ways, and nothing is lost or
    doubled."""
    pair = Pair(switch, 1, options=("--queues=%d" % n,), flows=64)
    pair.wait_frames(5000)
    pair.expect_all()
    assert pair.source.stats()["vif"]["n_queues"] == n
    assert queues_used(pair.source, "tx") == n
    assert queues_used(pair.sink, "rx") == n
    assert "%d queues" % n in switch.appctl("xenvif/show", pair.ports[0])


def test_queues_on_two_threads(session):
    """The queues of one vif are polled by two PMD threads."""
    switch = Switch(session, EAL_ARGS.replace("-l 0", "-l 0,1"))
    try:
        switch.vsctl("set", "Open_vSwitch", ".",
                     "other_config:pmd-cpu-mask=3")
        pair = Pair(switch, 1, options=("--queues=4",), flows=64,
                    rate="40kpps")
        pair.wait_frames(40000)
        pair.expect_all()
        threads = set(re.findall(r"core_id (\d+)", switch.appctl(
            "dpif-netdev/pmd-rxq-show")))
        assert threads == {"0", "1"}
    finally:
        switch.xs.close()


def test_number_of_queues_changes(switch):
    """A guest comes back with more queues and with fewer; its neighbours do
    not notice."""
    others = Pair(switch, 1)
    pair = Pair(switch, 2, options=("--queues=2",), flows=64)
    for n in (6, 1, 3):
        for guest in (pair.source, pair.sink):
            guest.command("guest/queues", str(n))
            wait_for(lambda guest=guest, n=n: guest.stats()["vif"]["up"]
                     and guest.stats()["vif"]["n_queues"] == n, 10,
                     "%d queues" % n)
        pair.wait_frames(2000)
        assert "%d queue" % n in switch.appctl("xenvif/show", pair.ports[0])
    others.expect_all()


def test_queues_share_the_room_of_a_stalled_guest(switch):
    """A guest that takes nothing holds no more of a neighbour's frames with
    eight queues than with one: less than half of what the neighbour has."""
    pair = Pair(switch, 1, size=60, rate="20kpps", options=("--queues=8",),
                flows=64)
    pair.wait_frames(2000)
    os.kill(pair.sink.daemon.pid, signal.SIGSTOP)
    try:
        held = []
        for _ in range(12):             # Until what waits is trimmed.
            shown = switch.appctl("xenvif/show", pair.ports[0])
            held.append(sum(int(n) // 60 for n in re.findall(
                r"rx queue (\d+) bytes", shown)))
            time.sleep(0.05)
    finally:
        os.kill(pair.sink.daemon.pid, signal.SIGCONT)
    assert 400 < max(held) <= 480, held


def test_queues_share_a_limit(switch):
    """Each of a guest's queues has its part of a limit that none can do
    without, whichever is polled first."""
    pair = Pair(switch, 1, size=1000, rate="40kpps", options=("--queues=4",),
                flows=64)
    toolstack.set_policy(switch.xs, switch.domid, pair.sink.domid,
                         {"rx-rate-bps": 40000000})
    time.sleep(1)
    begin = pair.sink.stats()["queues"]
    time.sleep(2)
    frames = [end["rx"]["frames"] - start["rx"]["frames"]
              for start, end in zip(begin, pair.sink.stats()["queues"])]
    assert sum(frames) < 12000 and min(frames) > sum(frames) / 8, frames


def test_one_limit_at_any_number_of_queues(session):
    """What xen-netback applies to each queue holds for the whole vif here."""
    switch = Switch(session, EAL_ARGS.replace("-l 0", "-l 0,1"))
    try:
        switch.vsctl("set", "Open_vSwitch", ".",
                     "other_config:pmd-cpu-mask=3")
        rates = {}
        for number, n in enumerate((1, 4), 1):
            pair = Pair(switch, number, size=1000, rate="40kpps",
                        options=("--queues=%d" % n,), flows=64)
            switch.xs.write("%s/rate" % backend(switch, pair.source),
                            "50000,10000")      # 40 Mbit/s.
            time.sleep(1)
            begin = pair.sink.stats()
            time.sleep(3)
            end = pair.sink.stats()
            rates[n] = 8e9 * (end["sink"]["bytes"] - begin["sink"]["bytes"]
                              ) / (end["time_ns"] - begin["time_ns"])
            pair.source.command("guest/rate", "1pps")
        for rate in rates.values():
            assert 0.9 * 40e6 < rate < 1.02 * 40e6, rates
    finally:
        switch.xs.close()


def backend(switch, guest):
    return "/local/domain/%d/backend/vif/%d/0" % (switch.domid, guest.domid)


def test_hash_steering(switch):
    """Toeplitz, keys, mapping: each frame comes in on the queue that the
    guest has asked for, with its hash."""
    others = Pair(switch, 1)
    pair = Pair(switch, 2, options=("--queues=4", "--hash"), flows=64,
                type="tcp")
    pair.wait_frames(5000)
    pair.expect_all()
    control = pair.sink.stats()["control"]
    assert control["hash_ok"] > 5000
    for name in ("hash_wrong", "hash_wrong_queue", "hash_missing"):
        assert control[name] == 0, control
    assert queues_used(pair.sink, "rx") == 4
    assert "toeplitz" in switch.appctl("xenvif/show", pair.ports[0])
    others.expect_all()


def test_persistent_grants(switch):
    """Mapped once, copied without a grant operation; and given back."""
    def maps():
        found = re.search(r"(\d+) maps, (\d+) unmaps",
                          switch.appctl("xenvif/show"))
        return int(found.group(1)) - int(found.group(2))

    plain = Pair(switch, 1)
    before = maps()
    pair = Pair(switch, 2, options=("--persistent-grants",))
    wait_for(lambda: all(guest.stats()["control"]["grefs_mapped"] == 512
                         for guest in (pair.source, pair.sink)), 10,
             "all pages to be mapped")
    assert maps() >= before + 2 * 512
    copied = [switch.counter(port, "tx_grant_copies")
              + switch.counter(port, "rx_grant_copies")
              for port in pair.ports]
    pair.wait_frames(5000)
    assert copied == [switch.counter(port, "tx_grant_copies")
                      + switch.counter(port, "rx_grant_copies")
                      for port in pair.ports]
    assert switch.counter(pair.ports[1], "tx_mapped_copies") > 5000
    assert switch.counter(pair.ports[0], "rx_mapped_copies") > 5000
    assert switch.counter(plain.ports[1], "tx_mapped_copies") == 0
    pair.expect_all()

    for guest in (pair.source, pair.sink):
        guest.command("guest/disconnect")
        guest.wait_up(False)
    wait_for(lambda: maps() == before, 10, "all pages to be unmapped")
    plain.expect_all()


def test_multicast_control(switch):
    """A guest hears the groups that it has asked for, and everything once it
    no longer filters."""
    group = "01:00:5e:00:00:07"
    listener = Guest(switch, "listener", "--sink", "--multicast-control")
    listener.plug(MAC % 9)
    port = "vif%d.0" % listener.domid
    source = Guest(switch, "source",
                   "--pktgen=dst=%s,rate=2kpps,id=3" % group)
    source.plug(MAC % 8)

    def hears(group_heard):
        before = listener.stats()["sink"]["frames"]
        dropped = switch.counter(port, "rx_drop_multicast")
        time.sleep(0.3)
        heard = listener.stats()["sink"]["frames"] - before
        kept = switch.counter(port, "rx_drop_multicast") - dropped
        return ((heard > 100 and not kept) if group_heard
                else (not heard and kept > 100))

    wait_for(lambda: hears(False), 5, "the group to be filtered")
    listener.command("guest/multicast", "add", group)
    wait_for(lambda: hears(True), 5, "the group to be heard")
    listener.command("guest/multicast", "del", group)
    wait_for(lambda: hears(False), 5, "the group to be filtered again")
    listener.command("guest/multicast-control", "off")
    wait_for(lambda: hears(True), 5, "everything to be heard")
    listener.command("guest/multicast-control", "on")
    wait_for(lambda: hears(False), 5, "the filter to be back")

    # The list has 64 places.
    for i in range(70):
        listener.command("guest/multicast", "add", "01:00:5e:00:01:%02x" % i)
    wait_for(lambda: switch.counter(port, "tx_multicast_refused") == 6, 5,
             "six addresses to be refused")
    assert listener.stats()["vif"]["up"]


def test_broadcast_passes_the_filter(switch):
    listener = Guest(switch, "listener", "--sink", "--multicast-control")
    listener.plug(MAC % 9)
    source = Guest(switch, "source",
                   "--pktgen=dst=%s,rate=1kpps,count=500,id=3" % BROADCAST)
    source.plug(MAC % 8)
    wait_for(lambda: listener.stats()["sink"]["frames"] >= 500, 10,
             "broadcasts to be heard")


def test_xdp_headroom_changes_under_traffic(switch):
    pair = Pair(switch, 1)
    others = Pair(switch, 2)
    for headroom in (256, 0, 2048, 192):
        pair.wait_frames(1000)
        before = pair.sink.stats()["rx"]["xdp"]
        pair.sink.command("guest/xdp-headroom", str(headroom))
        if headroom:
            wait_for(lambda: pair.sink.stats()["rx"]["xdp"] > before + 1000,
                     10, "frames behind a headroom of %d" % headroom)
    pair.expect_all()
    others.expect_all()


@pytest.mark.parametrize("options", [(), ("--persistent-grants",),
                                     ("--queues=3", "--hash")], ids=str)
def test_suspend(switch, options):
    """A guest that wakes up on another machine knows nothing of its rings:
    new memory, new references, new channels, without a word before."""
    others = Pair(switch, 1)
    pair = Pair(switch, 2, options=options)
    for i in range(3):
        for guest in (pair.source, pair.sink):
            guest.command("guest/suspend")
            wait_for(lambda guest=guest, i=i:
                     guest.stats()["vif"]["suspends"] == i + 1
                     and guest.stats()["vif"]["up"], 10, "the guest to be back")
        pair.wait_frames(2000)
    others.expect_all()


def test_jumbo_frames(switch):
    """9000 bytes of MTU, 9014 of frame, in three slots each way."""
    others = Pair(switch, 2)
    pair = Pair(switch, 1, size=200)
    for port in pair.ports:
        switch.vsctl("set", "interface", port, "mtu_request=9000")
        wait_for(lambda port=port: "mtu 9000" in switch.appctl(
            "xenvif/show", port), 10, "the new MTU")
    pair.wait_frames(1000)
    lost = pair.flow()["lost"]          # While OVS set the ports up anew.
    assert lost < 1000
    jumbo = Guest(switch, "jumbo", "--pktgen=dst=%s,size=9014,rate=1kpps,"
                  "count=3000,id=7" % (MAC % 3))
    allow_queues(switch, jumbo, 1)
    switch.vsctl("set", "interface", "vif%d.0" % jumbo.domid,
                 "mtu_request=9000")
    jumbo.plug(MAC % 9)

    def found():
        return [flow for flow in pair.sink.stats()["sink"]["generators"]
                if flow["generator"] == 7]
    wait_for(lambda: found() and found()[0]["frames"] >= 3000, 15,
             "jumbo frames")
    assert found()[0]["lost"] == 0
    assert pair.flow()["lost"] == lost
    others.expect_all()


def test_guest_that_never_notifies(switch):
    """No feature-rx-notify: it is looked after, and gets everything."""
    pair = Pair(switch, 1, options=("--no-rx-notify",), rate="20kpps")
    pair.wait_frames(20000)
    pair.expect_all()
    assert pair.sink.stats()["rx"]["notifies"] == 0


@pytest.mark.parametrize("ip", [{}, {"ip6-src": "fd00::1",
                                     "ip6-dst": "fd00::2"}], ids=["4", "6"])
def test_large_frames_byte_by_byte(switch, ip):
    """Frames of 60000 bytes from a generator, whole to one guest, cut for
    another, complete for a third that takes no blank checksum."""
    spec = dict(size=60000, rate="1kpps", type="tcp", gso=1440, csum="blank",
                **ip)
    whole = Pair(switch, 1, **spec)
    cut = Pair(switch, 2, sink_options=("--no-gso",), **spec)
    plain = Pair(switch, 3, sink_options=("--no-sg", "--no-gso", "--no-csum"),
                 **spec)
    for pair in (whole, cut, plain):
        wait_for(lambda pair=pair: pair.sink.stats()["sink"]["verify"]["contents"]
                 > 1000, 10, "frames")
    whole.expect_all()
    for pair in (cut, plain):
        pair.source.command("guest/rate", "1pps")
        time.sleep(0.5)
        pair.expect_good()
        assert switch.counter(pair.ports[0], "rx_segmented") > 20
    assert whole.sink.stats()["sink"]["gso_frames"] > 1000
    assert cut.sink.stats()["sink"]["csum_blank"] > 1000
    assert plain.sink.stats()["sink"]["csum_blank"] == 0


def open_memfd(pid, name):
    """The descriptor of another process's memfd, opened here."""
    for link in pathlib.Path("/proc/%d/fd" % pid).iterdir():
        try:
            if os.readlink(link) == "/memfd:%s (deleted)" % name:
                return os.open(link, os.O_RDWR)
        except FileNotFoundError:
            continue
    raise AssertionError("process %d has no memfd %s" % (pid, name))


@pytest.mark.parametrize("round_", range(5))
def test_journal_outlives_the_switch(switch, round_):
    """After a SIGKILL another process reads from the journal exactly which
    requests are still unanswered."""
    pair = Pair(switch, 1, rate="max", options=("--queues=2",), flows=64)
    pair.wait_frames(20000 + 3333 * round_)
    source = pair.source
    journal = open_memfd(switch.daemon.pid, "netdom-vif%d.0" % source.domid)
    memory = open_memfd(source.daemon.pid, "netdom-guest")
    try:
        os.kill(switch.daemon.pid, signal.SIGKILL)
        switch.daemon.popen.wait()
        # The guest goes on until its rings are full.
        wait_for(lambda: len(set(source.command("guest/in-flight")
                                 for _ in range(3))) == 1, 5,
                 "the guest to rest")
        os.kill(source.daemon.pid, signal.SIGSTOP)
        listed = json.loads(subprocess.run(
            [find_program("netdom-journal-list"), str(journal), str(memory)],
            pass_fds=[journal, memory], check=True, text=True,
            capture_output=True).stdout)
        os.kill(source.daemon.pid, signal.SIGCONT)
    finally:
        os.close(journal)
        os.close(memory)
    in_flight = json.loads(source.command("guest/in-flight"))
    assert listed["domid"] == source.domid and len(listed["queues"]) == 2
    for queue, ids in zip(listed["queues"], in_flight):
        assert sorted(queue["tx"]["unanswered"]) == sorted(ids)
        assert len(queue["rx"]["unanswered"]) == 256    # All are posted.
    assert sum(map(len, in_flight)) > 0
