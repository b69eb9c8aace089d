"""The lab measures right and leaves nothing: without any of netdom's own
programs."""

import os
import signal
import subprocess
import sys

import lab
from conftest import ROOT, traces
from lab import net, traffic
from lab.world import World

ADDRESS = "10.0.0.1"


def two_uplinks(session):
    """The world with two VLANs, each VF's stand-in in a namespace."""
    world = World(session)
    world.start()
    ends = {}
    for name, vlan in (("red", 10), ("blue", 20)):
        uplink = world.add_uplink(name, vlan)
        ns = session.add_namespace(name)
        session.run(["ip", "link", "set", uplink.iface, "netns", ns])
        session.run(["ip", "link", "set", uplink.iface, "up"], ns=ns)
        session.run(["ip", "address", "add", ADDRESS + "/24", "dev",
                     uplink.iface], ns=ns)
        ends[name] = (ns, uplink)
    return ends


def test_the_world_keeps_vlans_apart(session):
    ends = two_uplinks(session)
    for ns, uplink in ends.values():
        assert traffic.wait_reachable(session, ns, uplink.host_address)
    red_ns, red = ends["red"]
    blue = ends["blue"][1]
    counters = {name: net.FrameCounter(uplink.host_ns, "eth0")
                for name, uplink in (("red", red), ("blue", blue))}
    link = net.Link(red.host_ns, "eth0")
    before = link.count()
    frame = net.experiment_frame("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01",
                                 1000)
    for _ in range(20):
        net.send_frames(red_ns, red.iface, [frame] * 5)
    lab.wait_for(lambda: link.count().rx_packets
                 >= before.rx_packets + 100, 5, "100 frames")
    assert counters["red"].take() == 100
    assert counters["blue"].take() == 0
    assert link.count().rx_bytes - before.rx_bytes == 100 * 1000


def test_the_world_is_fast_enough_for_the_demo(session):
    ns, uplink = two_uplinks(session)["red"]
    assert traffic.wait_reachable(session, ns, uplink.host_address)
    traffic.start_iperf_server(session, uplink.host_ns)
    client = traffic.Iperf(session, ns, uplink.host_address, 3)
    rate = traffic.measure_rate(net.Link(uplink.host_ns, "eth0"), 0.5, 2.0)
    assert client.result()["goodput_bps"] > 300e6
    assert rate > 300e6


def test_a_program_that_ends_at_once_is_reported(session):
    try:
        daemon = session.start("oops", ["sh", "-c", "echo words; exit 3"])
        session.wait_daemon(daemon, lambda: False, 5, "never")
    except lab.LabError as error:
        assert "oops ended with status 3: words" in str(error)
    else:
        raise AssertionError("nothing was reported")


LEAVER = """
import os, sys
sys.path.insert(0, %r)
import lab
session = lab.Session()
ns = session.add_namespace("left")
session.add_veth(session.link_name("x"), None, "eth0", ns)
session.start("sleeper", ["sleep", "600"], ns=ns)
print(session.id, flush=True)
os.kill(os.getpid(), %d)
"""


def test_a_killed_run_is_cleaned_up_by_name():
    done = subprocess.run([sys.executable, "-c", LEAVER % (
        str(ROOT / "tools"), signal.SIGKILL)], capture_output=True, text=True,
        timeout=30)
    assert done.returncode == -signal.SIGKILL
    run_id = done.stdout.strip()
    assert len(traces(run_id)) == 3
    lab.clean_leftovers()
    assert traces(run_id) == set()


def test_a_run_that_lives_is_not_cleaned_up(session):
    ns = session.add_namespace("mine")
    lab.clean_leftovers()
    assert os.path.exists("/run/netns/" + ns)
