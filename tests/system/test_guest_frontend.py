"""netdom-guest's frontend against a backend that the test plays: all that a
backend may offer, and what the guest makes of it."""

import json
import signal
import threading

import pytest

import played_backend as played
import toolstack
from lab.session import wait_for
from played_backend import Backend

MAC = "00:16:3e:00:02:01"
OTHER = "00:16:3e:00:02:02"


class Host:
    """The stand-in for Xen, and a domain for backends."""

    def __init__(self, session):
        self.session = session
        self.xen_dir = session.dir / "xen"
        daemon = session.start("netdom-xenlocald", [
            "netdom-xenlocald", "--run-dir=%s" % self.xen_dir])
        session.wait_daemon(daemon, self.answers, 10, "netdom-xenlocald")
        self.domid = toolstack.create_domain(self.xen_dir, "backend")
        self.xs = toolstack.Xenstore(self.xen_dir / "0/xenstore.sock")
        self.backends = []

    def answers(self):
        try:
            return toolstack.find_domain(self.xen_dir, "nobody") is None
        except OSError:
            return False

    def guest(self, name, *options, mac=MAC, features=()):
        """Starts a guest; returns it with its backend, not connected yet."""
        guest = Guest(self, name, *options)
        backend = Backend(self.xen_dir, self.xs, self.domid, guest.domid,
                          mac, features)
        self.backends.append(backend)
        return guest, backend

    def close(self):
        for backend in self.backends:
            backend.close()
        self.xs.close()


class Guest:
    def __init__(self, host, name, *options):
        self.session = host.session
        self.report = host.session.dir / (name + ".json")
        self.socket = host.session.dir / "guests" / (name + ".ctl")
        self.daemon = self.session.start("guest-" + name, [
            "netdom-guest", "--name=" + name, "--json",
            "--xen-dir=%s" % host.xen_dir, "--output=%s" % self.report,
            *options])
        wait_for(lambda: toolstack.find_domain(host.xen_dir, name), 10,
                 "guest " + name)
        self.domid = toolstack.find_domain(host.xen_dir, name)

    def command(self, *words):
        return self.session.run(
            ["ovs-appctl", "-t", self.socket, *words]).stdout

    def stats(self):
        return json.loads(self.command("guest/stats", "--json"))

    def wait_up(self, backend, up=True):
        wait_for(lambda: (backend.pump(),
                          self.stats()["vif"]["up"] is up)[1], 10,
                 "the vif to be up: %s" % up)

    def end(self):
        self.daemon.kill(signal.SIGTERM)
        assert self.daemon.popen.wait(timeout=10) == 0
        return json.loads(self.report.read_text())


@pytest.fixture
def host(session):
    made = Host(session)
    yield made
    made.close()


def reflect(guest, backend, n_frames):
    """Gives the guest what it sends, until it has had 'n_frames' back.
    Returns them."""
    seen, waiting = [], []

    def pass_on():
        backend.pump()
        taken = backend.take()
        seen.extend(taken)
        waiting.extend(taken)
        while waiting and backend.give(waiting[0]):
            waiting.pop(0)
        return len(seen) >= n_frames and not waiting

    wait_for(pass_on, 30, "%d frames, not %d" % (n_frames, len(seen)), 0.001)
    wait_for(lambda: guest.stats()["rx"]["frames"] >= len(seen), 10,
             "the frames to be received")
    return seen


def leaves(backend):
    """The frontend's keys that depend on how it connects."""
    return {leaf for leaf in (
        "tx-ring-ref", "rx-ring-ref", "event-channel", "event-channel-tx",
        "event-channel-rx", "multi-queue-num-queues", "queue-0", "queue-1",
        "queue-2", "queue-3", "queue-4", "ctrl-ring-ref",
        "event-channel-ctrl", "feature-sg", "feature-gso-tcpv4",
        "feature-gso-tcpv6", "feature-ipv6-csum-offload",
        "feature-no-csum-offload", "feature-rx-notify", "request-rx-copy",
        "request-multicast-control", "xdp-headroom")
        if backend.read(leaf) is not None}


OFFLOADS = {"feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6",
            "feature-ipv6-csum-offload"}
ALWAYS = {"request-rx-copy", "xdp-headroom"}    # Where the backend offers it.
ONE_QUEUE = {"tx-ring-ref", "rx-ring-ref", "event-channel-tx",
             "event-channel-rx"}


@pytest.mark.parametrize("options, expected", [
    ((), ALWAYS | OFFLOADS | ONE_QUEUE | {"feature-rx-notify"}),
    (("--no-rx-notify", "--shared-evtchn"), ALWAYS | OFFLOADS
     | {"tx-ring-ref", "rx-ring-ref", "event-channel"}),
    (("--no-sg", "--no-rx-notify"), ALWAYS | ONE_QUEUE
     | {"feature-ipv6-csum-offload"}),
    (("--no-gso", "--no-rx-notify"), ALWAYS | ONE_QUEUE
     | {"feature-sg", "feature-ipv6-csum-offload"}),
    (("--no-csum", "--no-rx-notify"), ALWAYS | ONE_QUEUE
     | {"feature-sg", "feature-no-csum-offload"}),
    (("--queues=8", "--hash", "--multicast-control", "--xdp-headroom=256"),
     ALWAYS | OFFLOADS
     | {"feature-rx-notify", "multi-queue-num-queues", "queue-0", "queue-1",
        "queue-2", "queue-3", "ctrl-ring-ref", "event-channel-ctrl",
        "request-multicast-control"}),
])
def test_keys(nothing_left, host, options, expected):
    _, backend = host.guest("g", "--sink", *options)
    backend.wait_state(played.CONNECTED)
    assert leaves(backend) == expected


def test_plain_backend(nothing_left, host):
    """A backend that offers nothing gets nothing."""
    guest, backend = host.guest(
        "g", "--pktgen=dst=%s,type=tcp,csum=blank,ip6-src=::1,size=100,"
        "count=10" % OTHER, "--queues=4", "--hash", "--persistent-grants",
        "--multicast-control", "--xdp-headroom=256",
        features={key: 0 for key in played.FEATURES
                  if key != "feature-rx-copy"})
    backend.connect()
    assert leaves(backend) & {"queue-0", "ctrl-ring-ref", "xdp-headroom",
                              "request-multicast-control"} == set()
    frames = []
    wait_for(lambda: (frames.extend(backend.take()), len(frames) == 10)[1],
             10, "10 frames")
    assert not any(frame.blank or frame.gso for frame in frames)



def test_queues_change(nothing_left, host):
    guest, backend = host.guest("g", "--pktgen=dst=%s,rate=2kpps,flows=8"
                                % OTHER, "--sink", "--queues=3")
    backend.connect()
    assert len(backend.queues) == 3
    frames = reflect(guest, backend, 100)
    ports = {}
    for frame in frames:
        ports.setdefault(frame.data[34:36], set()).add(frame.queue)
    assert len(ports) == 8
    assert all(len(queues) == 1 for queues in ports.values())
    assert {frame.queue for frame in frames} == {0, 1, 2}

    guest.command("guest/queues", "1")
    backend.wait_state(played.CLOSING)
    backend.disconnect()
    backend.connect()
    assert len(backend.queues) == 1
    assert leaves(backend) >= ONE_QUEUE
    assert not leaves(backend) & {"queue-0", "multi-queue-num-queues"}
    reflect(guest, backend, 50)

    guest.command("guest/queues", "4")
    backend.wait_state(played.CLOSING)
    backend.disconnect()
    backend.connect()
    assert len(backend.queues) == 4
    assert not leaves(backend) & ONE_QUEUE
    reflect(guest, backend, 50)
    stats = guest.stats()
    assert stats["vif"]["connects"] == 3
    assert len(stats["queues"]) == 4
    for way in "tx", "rx":
        assert sum(queue[way]["frames"] for queue in stats["queues"]) \
            == stats[way]["frames"]
        assert all(queue[way]["frames"] for queue in stats["queues"])


@pytest.mark.parametrize("ip", ["", ",ip6-src=2001:db8::1"])
def test_offloads_and_hash(nothing_left, host, ip):
    """Whole 64 KiB frames out and back, hashed, on pages that stay mapped."""
    guest, backend = host.guest(
        "g", "--queues=4", "--hash=%s" % ("5a0f" * 10),
        "--persistent-grants",
        "--pktgen=dst=%s,type=tcp,gso=1448,size=65407,flows=64,count=128,"
        "rate=500pps%s" % (OTHER, ip), "--sink=verify=1")
    backend.connect()
    guest.wait_up(backend)
    assert backend.requests == [
        played.SET_ALGORITHM, played.SET_KEY, played.SET_MAPPING_SIZE,
        played.SET_MAPPING, played.SET_FLAGS,
        *[played.GREF_SIZE, played.GREF_ADD] * 4]
    assert backend.mapping == [i % 4 for i in range(128)]
    assert [len(backend.mapped[i]) for i in range(4)] == [512] * 4
    assert guest.stats()["control"]["grefs_mapped"] == 2048

    frames = reflect(guest, backend, 128)
    assert all(frame.blank and frame.gso == (1448, 2 if ip else 1)
               for frame in frames)
    stats = guest.stats()
    assert stats["sink"]["gso_frames"] == 128
    assert stats["sink"]["verify"]["contents"] == 128
    assert stats["sink"]["verify"]["bad_content"] == 0
    assert stats["sink"]["verify"]["tcp_lost_bytes"] == 0
    control = stats["control"]
    assert control["hash_ok"] == 128
    assert (control["hash_wrong"] == control["hash_wrong_queue"]
            == control["hash_missing"] == 0)

    # What a backend that hashes wrongly is told by.
    frame = frames[0]
    backend.mapping = [(i + 1) % 4 for i in range(128)]
    backend.give(frame)
    backend.key = b"\x11" * 40
    backend.give(frame)
    backend.hashing = False
    backend.give(frame)
    wait_for(lambda: guest.stats()["control"]["hash_missing"] == 1, 5,
             "three bad hashes")
    control = guest.stats()["control"]
    assert control["hash_wrong"] == control["hash_wrong_queue"] == 1

    # The pages are let go of before the frontend closes.
    guest.command("guest/disconnect")
    backend.wait_state(played.CLOSING)
    assert backend.requests[-4:] == [played.GREF_DEL] * 4
    assert not any(backend.mapped.values())
    backend.disconnect()


def test_declined(nothing_left, host):
    """What was declined is counted and not delivered."""
    guest, backend = host.guest("g", "--no-csum", "--pktgen=dst=%s,count=5,"
                                "type=tcp,size=100" % OTHER, "--sink")
    backend.connect()
    frames = []
    wait_for(lambda: (frames.extend(backend.take()), len(frames) == 5)[1],
             10, "5 frames")
    assert not any(frame.blank for frame in frames)
    frames[0].blank = True
    frames[1].gso = (20, 1)
    for frame in frames:
        assert backend.give(frame)
    wait_for(lambda: guest.stats()["rx"]["frames"] == 3, 5, "3 frames")
    rx = guest.stats()["rx"]
    assert rx["csum_declined"] == rx["gso_declined"] == 1


def test_silent_control_ring(nothing_left, host):
    """A backend that never answers does not hold up the vif."""
    guest, backend = host.guest("g", "--hash", "--sink")
    backend.connect()
    backend.control = None
    wait_for(lambda: guest.stats()["vif"]["up"], 5, "the vif to be up")
    assert guest.stats()["control"]["hashing"] == 0
    assert "does not answer on the control ring" in guest.daemon.log_tail()


def test_multicast(nothing_left, host):
    guest, backend = host.guest("g", "--sink")
    backend.connect()
    guest.wait_up(backend)
    backend.take()
    assert backend.read("request-multicast-control") is None
    guest.command("guest/multicast-control", "on")
    assert backend.read("request-multicast-control") == "1"
    guest.command("guest/multicast-control", "off")
    assert backend.read("request-multicast-control") == "0"
    for word, kind in (("add", played.MCAST_ADD), ("del", played.MCAST_DEL)):
        guest.command("guest/multicast", word, "01:00:5e:00:00:fb")
        frame, = backend.take()
        assert frame.data == b""
        assert frame.extras == [(kind, bytes.fromhex("01005e0000fb"))]
    stats = guest.stats()
    assert stats["tx"]["frames"] == 1           # The sink's announcement.
    assert stats["vif"]["up"]


def test_xdp_headroom(nothing_left, host):
    guest, backend = host.guest("g", "--pktgen=dst=%s,rate=1kpps,size=9000"
                                % OTHER, "--sink=verify=1")
    backend.connect()
    assert backend.headroom == 0
    reflect(guest, backend, 20)
    n = 0
    for headroom in 256, 0, 64:
        guest.command("guest/xdp-headroom", str(headroom))
        backend.wait_state(played.RECONFIGURING)
        backend.headroom = backend.number("xdp-headroom")
        assert backend.headroom == headroom
        backend.write("state", played.RECONFIGURED)
        backend.wait_state(played.CONNECTED)
        if headroom == 256:             # Linux's stays Reconfigured.
            backend.write("state", played.CONNECTED)
        n += len(reflect(guest, backend, 50)) if headroom else 0
    stats = guest.stats()
    assert stats["rx"]["xdp"] >= n
    assert stats["sink"]["verify"]["bad_content"] == 0
    assert stats["vif"]["connects"] == 1
    assert stats["vif"]["up"]


def test_suspend(nothing_left, host):
    guest, backend = host.guest("g", "--pktgen=dst=%s,rate=1kpps" % OTHER,
                                "--sink", "--queues=2", "--hash")
    backend.connect()
    guest.wait_up(backend)
    reflect(guest, backend, 20)
    old = backend.memory
    guest.command("guest/suspend")
    backend.wait_state(1)
    backend.forget()
    backend.write("state", played.INIT_WAIT)
    backend.connect()
    guest.wait_up(backend)
    assert backend.generation == 2
    assert old[:4096] != backend.memory[:4096]  # The grant tables.
    reflect(guest, backend, 20)
    vif = guest.stats()["vif"]
    assert vif["suspends"] == 1 and vif["connects"] == 2


def switch(backends, stop, gso):
    """Passes frames between two guests until told to stop."""
    waiting = {backend: [] for backend in backends}
    while not stop.is_set():
        for backend, other in (backends, backends[::-1]):
            backend.pump()
            frames = backend.take()
            gso.extend(frame.gso for frame in frames if frame.gso)
            waiting[other] += frames
            while waiting[other] and other.give(waiting[other][0]):
                waiting[other].pop(0)
        stop.wait(0.0002)


IPV6 = ["net.ipv6.conf.%s.%s=0" % (interface, key)
        for interface in ("all", "default")
        for key in ("disable_ipv6", "accept_dad")]
NO_CSUM6 = {"feature-ipv6-csum-offload": 0}
NO_GSO = {"feature-gso-tcpv4": 0, "feature-gso-tcpv6": 0}
NO_CSUM = {"feature-no-csum-offload": 1, **NO_CSUM6}


@pytest.mark.parametrize("features, options, whole", [
    ({}, (), (True, True)),
    ({}, ("--queues=4",), (True, True)),
    ({}, ("--no-gso",), (False, False)),
    ({}, ("--no-sg",), (False, False)),
    ({}, ("--no-csum",), (False, False)),
    (NO_CSUM6, (), (True, False)),
    (NO_GSO, (), (False, False)),
    (NO_CSUM, (), (False, False)),
    ({"feature-sg": 0}, (), (False, False)),
])
def test_tap(nothing_left, host, features, options, whole):
    """The kernels of two guests talk TCP, whatever either end lacks."""
    backends, spaces = [], []
    for i, mac in enumerate((MAC, OTHER)):
        ns = host.session.add_namespace("tap%d" % i)
        host.session.run(["sysctl", "-q", *IPV6], ns=ns)
        spaces.append(ns)
        _, backend = host.guest(
            "g%d" % i, "--tap=eth0", "--netns=%s" % ns,
            "--address=10.1.0.%d/24" % (i + 1),
            "--address=fd00::%d/64" % (i + 1), *options, mac=mac,
            features=features)
        backends.append(backend)
    for backend in backends:
        backend.connect()
    stop, gso = threading.Event(), []
    thread = threading.Thread(target=switch, args=(backends, stop, gso))
    thread.start()
    try:
        for address, is_whole in zip(("10.1.0.2", "fd00::2"), whole):
            gso.clear()
            transfer(host.session, spaces, address)
            assert bool(gso) is is_whole, (address, len(gso))
    finally:
        stop.set()
        thread.join()


RECEIVER = """
import hashlib, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((sys.argv[1], 5001))
server.listen()
print("ready", flush=True)
conn, _ = server.accept()
digest = hashlib.sha256()
while data := conn.recv(1 << 20):
    digest.update(data)
print(digest.hexdigest(), flush=True)
"""

SENDER = """
import hashlib, random, socket, sys, time
data = random.Random(1).randbytes(4 << 20)
end = time.monotonic() + 10
while True:
    try:
        s = socket.create_connection((sys.argv[1], 5001), timeout=5)
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(.1)
s.settimeout(20)
s.sendall(data)
s.close()
print(hashlib.sha256(data).hexdigest())
"""


def transfer(session, spaces, address):
    """4 MiB from the first to the second, byte for byte."""
    def up():
        return session.run(["ip", "address", "show", "dev", "eth0", "to",
                            address], ns=spaces[1]).stdout and \
            "tentative" not in session.run(
                ["ip", "address", "show", "dev", "eth0"],
                ns=spaces[1]).stdout
    wait_for(up, 10, "the address " + address)
    receiver = session.popen(["/usr/bin/python3", "-c", RECEIVER, address],
                             ns=spaces[1], stdout=-1, text=True)
    try:
        assert receiver.stdout.readline() == "ready\n"
        sent = session.run(["/usr/bin/python3", "-c", SENDER, address],
                           ns=spaces[0], timeout_s=60).stdout
        assert receiver.stdout.readline() == sent
    finally:
        receiver.kill()
        receiver.wait()
        receiver.stdout.close()
