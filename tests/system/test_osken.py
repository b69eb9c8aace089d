"""A tenant's bridge driven by an OpenFlow controller that knows nothing of
netdom: a learning switch on os-ken."""

import pathlib
import socket

import lab
from lab import traffic

APP = pathlib.Path(__file__).with_name("osken_switch.py")
COOKIE = "cookie=0x5ce,"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_osken(session, port):
    daemon = session.start("osken", [
        "osken-manager", "--ofp-listen-host", "127.0.0.1",
        "--ofp-tcp-listen-port", port, APP])

    def listening():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    session.wait_daemon(daemon, listening, 20, "os-ken to listen")
    return daemon


def test_os_ken_drives_a_tenant(scene):
    host, session = scene.host, scene.session
    here, there = scene.ends["red-a"], scene.ends["red-b"]
    world = scene.ends["red-world"]
    port = free_port()
    start_osken(session, port)
    host.ctl("set-fail-mode", "red", "secure")
    host.ctl("--wait", "set-controller", "red", "tcp:127.0.0.1:%d" % port)

    # Only the controller can have put its table-miss flow there.
    lab.wait_for(lambda: COOKIE in host.ofctl(
        "red", "dump-flows", "-OOpenFlow13"), 20, "os-ken's flow",
        poll_s=0.3)
    for end in (there, world):
        assert traffic.wait_reachable(session, here.ns, end.address)
        assert traffic.ping(session, here.ns, end.address).lost == 0
    flows = host.ofctl("red", "dump-flows", "-OOpenFlow13")
    learnt = [line for line in flows.splitlines()
              if COOKIE in line and "dl_dst=02:00:00:00:00:02" in line]
    assert learnt, flows
    # The state of the connection is written back for the admin.
    lab.wait_for(lambda: "true" in host.vsctl(
        "red", "get", "controller", "br0", "is_connected"), 10,
        "the connection to be shown", poll_s=0.5)

    # Blue's bridge has not heard of it.
    assert COOKIE not in host.ofctl("blue", "dump-flows")


def test_without_its_controller_a_secure_bridge_is_silent(scene):
    host, session = scene.host, scene.session
    here, there = scene.ends["red-a"], scene.ends["red-b"]
    host.ctl("set-fail-mode", "red", "secure")
    host.ctl("--wait", "set-controller", "red",
             "tcp:127.0.0.1:%d" % free_port())
    host.ofctl("red", "del-flows")
    assert traffic.ping(session, here.ns, there.address).received == 0
    blue = scene.ends["blue-a"], scene.ends["blue-b"]
    assert traffic.wait_reachable(session, blue[0].ns, blue[1].address)
