"""What guests leave to the switch: segmentation and checksums, through every
kind of port that it has.  Nothing may be lost for lack of an offload, and what
arrives is what was sent."""

import contextlib
import hashlib
import os
import re
import struct
import subprocess

import pytest

from lab.session import wait_for
from lab import net, traffic
from switch import Switch

BYTES = 6 << 20
PORT = 5009

# Reasons for which frames are lost that have nothing to do with offloads: the
# guest is slow, its queue is full or its buffers are all in it.
USUAL = {"rx_drop_queue_full", "rx_drop_no_buffer", "rx_drop_not_connected",
         "rx_drop_disconnect"}


@pytest.fixture
def switch(session):
    made = Switch(session)
    yield made
    made.xs.close()


def allow_v6(switch, ns):
    """The lab's namespaces have no IPv6 unless somebody wants it."""
    switch.session.run(["sh", "-c", "for f in"
                        " /proc/sys/net/ipv6/conf/*/disable_ipv6; do"
                        " echo 0 > $f; done"], ns=ns)


def add_link(switch, what, ns, peer_ns):
    """A veth pair without offloads; its two names."""
    names = [switch.session.link_name(what + end) for end in "ab"]
    switch.session.add_veth(names[0], ns, names[1], peer_ns)
    return names


class Host:
    """Somebody with an address in a namespace."""

    def __init__(self, switch, ns, v4, v6):
        self.switch, self.ns, self.v4, self.v6 = switch, ns, v4, v6


def add_guest(switch, name, number, *options):
    """A connected guest with a tap; Host, domid."""
    mac = "00:16:3e:00:01:%02x" % number
    domid = switch.start_guest(name, "10.0.0.%d/24" % number, *options)
    switch.plug(name, domid, mac)
    ns = switch.guests[name][0]
    allow_v6(switch, ns)
    switch.session.run(["ip", "address", "add", "fd00::%d/64" % number, "dev",
                        "eth0", "nodad"], ns=ns)
    host = Host(switch, ns, "10.0.0.%d" % number, "fd00::%d" % number)
    host.port = "vif%d.0" % domid
    return host


def add_address(switch, ns, link, number):
    allow_v6(switch, ns)
    for address in ("10.0.0.%d/24" % number, "fd00::%d/64" % number):
        switch.session.run(["ip", "address", "add", address, "dev", link,
                            *(["nodad"] if ":" in address else [])], ns=ns)
    switch.session.run(["ip", "link", "set", link, "up"], ns=ns)
    return Host(switch, ns, "10.0.0.%d" % number, "fd00::%d" % number)


def transfer(tmp_path, source, target, v6=False):
    """Sends a file by TCP and compares what arrives."""
    session = source.switch.session
    sent, received = tmp_path / "sent", tmp_path / "received"
    if not sent.exists():
        sent.write_bytes(os.urandom(BYTES))
    received.unlink(missing_ok=True)
    family = "TCP6" if v6 else "TCP4"
    server = session.popen(
        ["socat", "-u", "%s-LISTEN:%d,reuseaddr" % (family, PORT),
         "CREATE:%s" % received], ns=target.ns)
    try:
        wait_for(lambda: str(PORT) in session.run(
            ["ss", "-Hltn"], ns=target.ns).stdout, 5, "socat to listen")
        session.run(["socat", "-u", "OPEN:%s" % sent, "%s:%s:%d" % (
            family, "[%s]" % target.v6 if v6 else target.v4, PORT)],
            ns=source.ns, timeout_s=60)
        server.wait(timeout=20)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    assert (hashlib.sha256(sent.read_bytes()).digest()
            == hashlib.sha256(received.read_bytes()).digest())


def internet_checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def both_ways(tmp_path, a, b):
    """TCP over IPv4 and IPv6, there and back, compared."""
    for v6 in (False, True):
        traffic.wait_reachable(a.switch.session, a.ns, b.v6 if v6 else b.v4)
        transfer(tmp_path, a, b, v6)
        transfer(tmp_path, b, a, v6)


def expect_nothing_lost(switch):
    """Neither our ports nor Open vSwitch dropped a frame for its offloads."""
    shown = switch.appctl("xenvif/show")
    lost = {name: int(n) for name, n
            in re.findall(r"^  ([tr]x_drop_\w+): (\d+)$", shown, re.MULTILINE)
            if name not in USUAL}
    assert not lost, lost
    for counter in ("netdev_send_prepare_drops", "netdev_push_header_drops"):
        shown = switch.appctl("coverage/read-counter", counter, check=False)
        assert shown.strip() in ("0", ""), counter


def segmentation(switch):
    return re.search(r"^segmentation: (.*)$", switch.appctl("xenvif/show"),
                     re.MULTILINE).group(1)


def test_whole_between_guests(switch, tmp_path):
    """Frames of 64 KiB cross the switch as they are, checksums blank."""
    a, b = add_guest(switch, "a", 1), add_guest(switch, "b", 2)
    wait_for(lambda: segmentation(switch) == "whole", 5, "whole frames")
    both_ways(tmp_path, a, b)
    for port in (a.port, b.port):
        for name in ("tx_gso_frames", "rx_gso_frames", "tx_csum_blank",
                     "rx_csum_blank"):
            assert switch.counter(port, name) > 100, (port, name)
        for name in ("tx_segmented", "rx_segmented"):
            assert switch.counter(port, name) == 0, (port, name)
    # Far fewer frames than the wire would have had.
    shown = switch.appctl("xenvif/show", b.port)
    frames, n_bytes = map(int, re.search(r"rx: (\d+) frames (\d+) bytes",
                                         shown).groups())
    assert n_bytes / frames > 5000, shown
    expect_nothing_lost(switch)


@pytest.mark.parametrize("options, cut", [
    (("--no-gso",), True), (("--no-sg",), True), (("--no-csum",), None),
    (("--queues=2",), False), (("--persistent-grants",), False),
    (("--xdp-headroom=256",), False), (("--hash",), False),
    (("--shared-evtchn", "--no-rx-notify"), False)], ids=str)
def test_towards_a_plainer_guest(switch, tmp_path, options, cut):
    """What one guest cannot take is completed or cut for it."""
    a = add_guest(switch, "a", 1)
    b = add_guest(switch, "b", 2, *options)
    both_ways(tmp_path, a, b)
    if cut is not None:
        assert (switch.counter(b.port, "rx_segmented") > 0) == cut
        assert (switch.counter(b.port, "rx_gso_frames") > 0) != cut
    if options == ("--no-csum",):
        assert switch.counter(b.port, "rx_csum_blank") == 0
        assert switch.counter(b.port, "tx_csum_blank") == 0
    expect_nothing_lost(switch)


@pytest.mark.parametrize("payload_bytes, segments", [
    (3000, ([1000, 1000, 1000], [1460, 1460, 80])),
    (1400, ([1000, 400], [1400]))], ids=("many", "one"))
def test_padding_is_no_payload(switch, payload_bytes, segments):
    """What follows IP's end in a large frame is no part of the stream, also
    in a copy, which does not know its segments' size."""
    a = add_guest(switch, "a", 1)
    others = [add_guest(switch, "b", 2, "--no-gso"),
              add_guest(switch, "c", 3, "--no-gso")]
    for other in others:
        traffic.wait_reachable(switch.session, a.ns, other.v4)
    payload = os.urandom(payload_bytes)
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(payload), 1, 0x4000, 64,
                     6, 0) + addresses
    ip = ip[:10] + struct.pack("!H", internet_checksum(ip)) + ip[12:]
    pseudo = addresses + struct.pack("!2H", 6, 20 + len(payload))
    tcp = struct.pack("!2H2I4H", PORT, PORT, 1, 1, 0x5010, 1000,
                      ~internet_checksum(pseudo) & 0xffff, 0)
    frame = (net.mac_bytes("ff:ff:ff:ff:ff:ff")
             + net.mac_bytes("00:16:3e:00:01:01") + b"\x08\x00"
             + ip + tcp + payload)
    # Checksum at 34 + 16 to be completed; TCP over IPv4 to be cut.
    todo = struct.pack("=BBHHHH", 1, 1, 54, 1000, 34, 16)

    counters = [net.FrameCounter(other.ns, "eth0", 0x0800) for other in others]
    net.send_frames(a.ns, "eth0", [frame + bytes(1500)], vnet_hdr=todo)
    for counter in counters:
        got = []
        wait_for(lambda: got.extend(f for f in counter.take_all()
                                    if f[23] == 6 and f[36:38] == tcp[2:4])
                 or b"".join(f[54:] for f in got)[:len(payload)] == payload,
                 5, "the segments")
        counter.close()
        assert [len(f) - 54 for f in got] in segments
    expect_nothing_lost(switch)


def test_uplink(switch, tmp_path):
    """A tenantvf port on a device without offloads cuts what goes out."""
    session = switch.session
    world = session.add_namespace("world")
    link = add_link(switch, "vf", switch.ns, world)
    switch.vsctl("add-port", "br0", "vf0", "--", "set", "interface", "vf0",
                 "type=tenantvf",
                 "options:dpdk-devargs=net_af_packet0,iface=%s" % link[0])
    a = add_guest(switch, "a", 1)
    w = add_address(switch, world, link[1], 100)
    wait_for(lambda: segmentation(switch) == "whole", 5, "whole frames")
    both_ways(tmp_path, a, w)
    assert switch.counter(a.port, "tx_gso_frames") > 50
    assert switch.counter(a.port, "tx_segmented") == 0
    wait_for(lambda: re.search(r"tx_segmented=[1-9]", switch.vsctl(
        "get", "interface", "vf0", "statistics").stdout), 10,
        "frames that the uplink cut")
    expect_nothing_lost(switch)


def test_bridge_itself(switch, tmp_path):
    """The bridge's own interface is a tap of the kernel's."""
    a = add_guest(switch, "a", 1)
    br0 = add_address(switch, switch.ns, "br0", 100)
    both_ways(tmp_path, a, br0)
    expect_nothing_lost(switch)

    # Also a connection's first frame, which takes the slow path: what the
    # kernel gets is blank, as marked, and not the sum that OpenFlow sees.
    with listener(br0), first_syn(br0) as seen:
        switch.appctl("dpctl/del-flows")
        switch.session.run(
            ["/usr/bin/python3", "-c", "import socket, sys;"
             "socket.create_connection((sys.argv[1], %d), 5)" % PORT, br0.v4],
            ns=a.ns)
        frame = bytes.fromhex(seen.communicate(timeout=5)[0])
    ip, tcp = frame[14:34], frame[34:]
    words = struct.unpack("!4H2H", ip[12:20] + struct.pack("!2H", 6, len(tcp)))
    total = sum(words)
    total = (total & 0xffff) + (total >> 16)
    assert struct.unpack_from("!H", tcp, 16)[0] == total


@contextlib.contextmanager
def listener(host):
    """Somebody who listens on PORT."""
    server = host.switch.session.popen(
        ["socat", "-u", "TCP4-LISTEN:%d,reuseaddr,fork" % PORT, "STDOUT"],
        ns=host.ns)
    try:
        wait_for(lambda: str(PORT) in host.switch.session.run(
            ["ss", "-Hltn"], ns=host.ns).stdout, 5, "socat to listen")
        yield
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def first_syn(host):
    """A process that prints, in hexadecimal, the first frame towards PORT that
    the host's kernel gets on br0."""
    watcher = host.switch.session.popen(
        ["/usr/bin/python3", "-c", "import socket\n"
         "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0800)\n"
         "s.bind(('br0', 0x0800))\n"
         "f = b''\n"
         "while f[23:24] != b'\\x06' or f[36:38] != (%d).to_bytes(2, 'big'):\n"
         "    f = s.recv(2048)\n"
         "print(f[:14 + int.from_bytes(f[16:18], 'big')].hex())" % PORT],
        ns=host.ns, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: "br0" in host.switch.session.run(
            ["ss", "-H0n"], ns=host.ns).stdout, 5, "a packet socket")
        yield watcher
    finally:
        watcher.kill()
        watcher.wait()


def test_system_port(switch, tmp_path):
    """A port of class "system", which takes frames as they are."""
    world = switch.session.add_namespace("world")
    link = add_link(switch, "sy", switch.ns, world)
    switch.vsctl("add-port", "br0", link[0])
    a = add_guest(switch, "a", 1)
    both_ways(tmp_path, a, add_address(switch, world, link[1], 100))
    expect_nothing_lost(switch)


def test_port_without_offloads(switch, tmp_path):
    """A port of class "dpdk" on a device that has none: from then on frames
    are cut at entry, and no longer once the port has gone."""
    world = switch.session.add_namespace("world")
    link = add_link(switch, "pl", switch.ns, world)
    a, b = add_guest(switch, "a", 1), add_guest(switch, "b", 2)
    both_ways(tmp_path, a, b)
    switch.vsctl("add-port", "br0", "plain", "--", "set", "interface",
                 "plain", "type=dpdk",
                 "options:dpdk-devargs=net_af_packet1,iface=%s" % link[0])
    wait_for(lambda: "plain (dpdk)" in segmentation(switch), 5,
             "frames to be cut at entry")
    both_ways(tmp_path, a, add_address(switch, world, link[1], 100))
    assert switch.counter(a.port, "tx_segmented") > 50
    both_ways(tmp_path, a, b)

    switch.vsctl("del-port", "br0", "plain")
    wait_for(lambda: segmentation(switch) == "whole", 10, "whole frames")
    before = switch.counter(a.port, "tx_segmented")
    both_ways(tmp_path, a, b)
    assert switch.counter(a.port, "tx_segmented") == before
    expect_nothing_lost(switch)


def test_tunnel(session, tmp_path):
    """VXLAN between two switches: each cuts at entry."""
    switches, guests = [], []
    try:
        for i in (1, 2):
            switches.append(Switch(session, tag=str(i)))
        ends = add_link(switches[0], "tu", switches[0].ns, switches[1].ns)
        for i, (s, link) in enumerate(zip(switches, ends), 1):
            s.vsctl("add-br", "under", "--", "set", "bridge", "under",
                    "datapath_type=netdev", "--", "add-port", "under", link)
            session.run(["ip", "address", "add", "192.0.2.%d/24" % i, "dev",
                         "under"], ns=s.ns)
            session.run(["ip", "link", "set", "under", "up"], ns=s.ns)
            s.vsctl("add-port", "br0", "vx0", "--", "set", "interface", "vx0",
                    "type=vxlan", "options:remote_ip=192.0.2.%d" % (3 - i),
                    "options:key=7")
            wait_for(lambda s=s: "vxlan" in segmentation(s), 5,
                     "frames to be cut at entry")
            guests.append(add_guest(s, "g%d" % i, i))
        for g in guests:
            session.run(["ip", "link", "set", "eth0", "mtu", "1400"],
                        ns=g.ns)
        both_ways(tmp_path, *guests)
        for s, g in zip(switches, guests):
            assert s.counter(g.port, "tx_segmented") > 20
            expect_nothing_lost(s)
    finally:
        for s in switches:
            s.xs.close()


def test_mirror(switch, tmp_path):
    """A mirror's copies are as large as what they are copies of."""
    a, b, c = (add_guest(switch, name, i) for i, name in enumerate("abc", 1))
    traffic.wait_reachable(switch.session, a.ns, b.v4)
    switch.vsctl("--", "--id=@c", "get", "port", c.port, "--", "--id=@m",
                 "create", "mirror", "name=m", "select_all=true",
                 "output_port=@c", "--", "set", "bridge", "br0",
                 "mirrors=@m")
    both_ways(tmp_path, a, b)
    assert switch.counter(c.port, "rx_gso_frames") > 50
    expect_nothing_lost(switch)


def test_conntrack_and_nat(switch, tmp_path):
    """Connection tracking reads headers and rewrites addresses of frames
    whose checksums are blank."""
    a, b = add_guest(switch, "a", 1), add_guest(switch, "b", 2)
    flows = tmp_path / "flows"
    flows.write_text("\n".join([
        "priority=1,actions=NORMAL",
        "priority=10,ct_state=-trk,tcp,actions=ct(table=0,zone=5)",
        "priority=10,ct_state=-trk,tcp6,actions=ct(table=0,zone=5)",
        "priority=20,ct_state=+trk+new,tcp,actions=ct(commit,zone=5),NORMAL",
        "priority=20,ct_state=+trk+new,tcp6,actions=ct(commit,zone=5),NORMAL",
        "priority=20,ct_state=+trk+est,tcp,actions=NORMAL",
        "priority=20,ct_state=+trk+est,tcp6,actions=NORMAL",
        "priority=30,ct_state=+trk+inv,actions=drop",
    ]) + "\n")
    switch.session.run(["ovs-ofctl", "-O", "OpenFlow15",
                        "replace-flows", "br0", flows],
                       env=switch.env)
    both_ways(tmp_path, a, b)
    shown = switch.session.run(["ovs-ofctl", "dump-flows", "br0"],
                               env=switch.env).stdout
    assert re.search(r"n_packets=0, .*ct_state=\+inv\+trk actions=drop",
                     shown), shown

    # 10.0.0.9 is an address of b's that only the switch knows.
    mac = switch.session.run(["cat", "/sys/class/net/eth0/address"],
                             ns=b.ns).stdout.strip()
    switch.session.run(["ip", "neighbor", "replace", "10.0.0.9", "lladdr",
                        mac, "dev", "eth0"], ns=a.ns)
    flows.write_text("\n".join([
        "priority=1,actions=NORMAL",
        "priority=10,tcp,nw_dst=10.0.0.9,"
        "actions=ct(commit,nat(dst=10.0.0.2),table=1,zone=6)",
        "priority=10,tcp,nw_src=10.0.0.2,actions=ct(nat,table=1,zone=6)",
        "table=1,actions=NORMAL",
    ]) + "\n")
    switch.session.run(["ovs-ofctl", "-O", "OpenFlow15",
                        "replace-flows", "br0", flows],
                       env=switch.env)
    transfer(tmp_path, a, Host(switch, b.ns, "10.0.0.9", b.v6))
    expect_nothing_lost(switch)


@pytest.mark.parametrize("actions", [
    "push_vlan:0x8100,set_field:4101->vlan_vid,pop_vlan,NORMAL",
    "mod_nw_tos:8,NORMAL", "CONTROLLER:65535,NORMAL", "CONTROLLER:128,NORMAL",
    "sample(probability=65535,collector_set_id=1),NORMAL",
    "push_mpls:0x8847,pop_mpls:0x0800,NORMAL"])
def test_actions_on_whole_frames(switch, tmp_path, actions):
    """Actions that change, copy or report frames of 64 KiB."""
    a, b = add_guest(switch, "a", 1), add_guest(switch, "b", 2)
    traffic.wait_reachable(switch.session, a.ns, b.v4)
    heard = tmp_path / "heard"
    with open(heard, "wb") as out:
        monitor = switch.session.popen(
            ["ovs-ofctl", "-O", "OpenFlow15", "monitor", "br0", "65535"],
            env=switch.env, stdout=out, stderr=out)
    switch.session.run(["ovs-ofctl", "-O", "OpenFlow15", "add-flow", "br0",
                        "priority=10,tcp,actions=" + actions],
                       env=switch.env)
    transfer(tmp_path, a, b)
    transfer(tmp_path, b, a)
    assert switch.daemon.running()
    if "CONTROLLER" in actions:
        wait_for(lambda: "PACKET_IN" in heard.read_text(errors="replace"), 5,
                 "packets for the controller")
    monitor.kill()
    monitor.wait()
    expect_nothing_lost(switch)


def test_controller_gets_no_blank_checksums(switch, tmp_path):
    """A controller gives back bytes, and what is missing in them stays
    so."""
    a, b = add_guest(switch, "a", 1), add_guest(switch, "b", 2)
    traffic.wait_reachable(switch.session, a.ns, b.v4)
    heard = tmp_path / "heard"
    with open(heard, "wb") as out:
        monitor = switch.session.popen(
            ["ovs-ofctl", "-m", "-m", "-m", "monitor", "br0", "65535"],
            env=switch.env, stdout=out, stderr=out)
    switch.session.run(["ovs-ofctl", "add-flow", "br0", "priority=10,ip,tcp,"
                        "tcp_flags=+syn,actions=CONTROLLER:65535,NORMAL"],
                       env=switch.env)
    transfer(tmp_path, a, b)

    def frames():
        found = [bytearray()]
        for line in heard.read_text(errors="replace").splitlines():
            dump = re.match(r"([0-9a-f]{8})  ([0-9a-f -]{2,47})", line)
            if dump:
                if dump.group(1) == "00000000":
                    found.append(bytearray())
                found[-1] += bytes.fromhex(re.sub("[ -]", "", dump.group(2)))
        return [frame for frame in found if frame[12:14] == b"\x08\x00"
                and frame[23] == 6]
    wait_for(lambda: len(frames()) >= 2, 5, "packets for the controller")
    monitor.kill()
    monitor.wait()
    for frame in frames():
        end = 14 + int.from_bytes(frame[16:18], "big")
        tcp = frame[34:end]
        words = frame[26:34] + bytes([0, 6]) + len(tcp).to_bytes(2, "big") + (
            tcp + bytes(len(tcp) % 2))
        total = sum(int.from_bytes(words[i:i + 2], "big")
                    for i in range(0, len(words), 2))
        assert total % 0xffff == 0, frame.hex()
