"""Breaks one thing and sees it reported; what did not break goes on."""

import os
import signal

import lab
from lab import traffic


def tenant_state(scene, tenant):
    return scene.host.ctl("get", "tenant", tenant, "state",
                          check=False).stdout.strip()


def assert_reachable(scene, here, there, timeout_s=10):
    a, b = scene.ends[here], scene.ends[there]
    assert traffic.wait_reachable(scene.session, a.ns, b.address, timeout_s)


def steady_ping(scene, here, there):
    assert_reachable(scene, here, there)
    a, b = scene.ends[here], scene.ends[there]
    return traffic.LongPing(scene.session, a.ns, b.address)


def test_no_bridge(scene):
    """Someone deletes the tenant's bridge: the controller puts its own rows
    back, and the other tenant hears nothing of it."""
    assert_reachable(scene, "red-a", "red-b")
    other = steady_ping(scene, "blue-a", "blue-b")
    scene.host.vsctl("red", "--no-wait", "del-br", "br0")
    lab.wait_for(lambda: scene.host.port("red-a") in scene.host.vsctl(
        "red", "list-ports", "br0", check=False), 15,
        "the controller to restore the bridge", poll_s=0.2)
    assert_reachable(scene, "red-a", "red-b", 15)
    assert other.stop().lost == 0


def test_no_bridge_when_plugging_by_hand(scene):
    """A port for a bridge that is not there is one clear error."""
    done = scene.host.session.run(
        ["ovs-vsctl", "--timeout=5", "--db=unix:%s" % (
            scene.host.tenant_dir("red") / "db.sock"),
         "add-port", "nobridge", "vif9.0", "--", "set", "interface",
         "vif9.0", "type=xenvif", "options:domid=9", "options:devid=0"],
        check=False)
    assert done.returncode == 1
    assert "no bridge named nobridge" in done.stderr


def test_a_port_for_a_guest_that_is_not_there(scene):
    """By hand, for a domain that does not exist: the interface says so, the
    other ports go on."""
    other = steady_ping(scene, "red-a", "red-b")
    scene.host.vsctl("red", "--no-wait", "add-port", "br0", "vif4000.0",
                     "--", "set", "interface", "vif4000.0", "type=xenvif",
                     "options:domid=4000", "options:devid=0")

    def reported():
        return scene.host.vsctl("red", "--bare", "get", "interface",
                                "vif4000.0", "link_state").strip() == "down" \
            or scene.host.vsctl("red", "get", "interface", "vif4000.0",
                                "error").strip() not in ("[]", '""')
    lab.wait_for(reported, 10, "the port to report that it has no guest",
                 poll_s=0.3)
    assert other.stop().lost == 0


def test_guest_killed_mid_ring(scene):
    """A guest dies under load: reported as gone, its sibling goes on, and
    when it comes back it is connected."""
    source = scene.ends["red-b"]
    load = traffic.Iperf(scene.session, source.ns,
                         scene.ends["red-a"].address, 30, udp=True,
                         rate_bps=100_000_000)
    sibling = steady_ping(scene, "red-b", "red-world")
    guest = scene.host.guests["red-a"]
    guest.daemon.kill()
    load.stop()
    lab.wait_for(lambda: scene.host.vif_state("red-a")
                 in ("no-guest", "closed"), 10,
                 "the dead guest to be reported", poll_s=0.2)
    assert scene.host.vif_state("red-b") == "connected"
    assert sibling.stop().lost == 0
    scene.session.run(["ip", "link", "del", "eth0"], ns=guest.ns,
                      check=False)

    scene.host.start_guest("red-a", "10.0.0.1/24")
    scene.host.wait_connected("red-a", 20)
    assert_reachable(scene, "red-a", "red-b")


def test_switch_killed(scene):
    """A switch dies: the tenant's state says so, the controller starts it
    again, the other tenant loses nothing."""
    host = scene.host
    assert_reachable(scene, "red-a", "red-b")
    other = steady_ping(scene, "blue-a", "blue-b")
    since = host.ctl("get", "tenant", "red", "state_since").stdout
    pids = host.switch_pids("red")
    assert pids
    identity = host.vsctl("red", "get", "bridge", "br0", "datapath_id")
    assert identity != host.vsctl("blue", "get", "bridge", "br0",
                                  "datapath_id")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    lab.wait_for(lambda: host.ctl("get", "tenant", "red", "state_since")
                 .stdout != since, 10, "a change of state to be written",
                 poll_s=0.05)
    lab.wait_for(lambda: tenant_state(scene, "red") == "running", 15,
                 "red to run again", poll_s=0.2)
    assert_reachable(scene, "red-a", "red-b")
    assert not set(host.switch_pids("red")) & set(pids)
    assert host.vsctl("red", "get", "bridge", "br0",
                      "datapath_id") == identity
    assert other.stop().lost == 0


def test_controller_killed(scene):
    """The controller dies: nothing stops, netdom-ctl --wait says that nobody
    answers, a new controller adopts what runs."""
    host = scene.host
    pids = {tenant: host.switch_pids(tenant) for tenant in ("red", "blue")}
    runs = steady_ping(scene, "red-a", "red-b")
    host.controller.kill()
    done = host.ctl("--wait", "set-rate", "red-a", "tx", "9Mbit",
                    check=False, timeout_s=3)
    assert done.returncode != 0
    assert done.stderr.strip()

    host.start_controller()
    host.wait_applied()
    port, guest = host.port("red-a"), host.vif_state("red-a")
    assert guest == "connected"
    assert port in host.vsctl("red", "list-ports", "br0")
    assert {tenant: host.switch_pids(tenant)
            for tenant in ("red", "blue")} == pids
    assert runs.stop().lost == 0


def test_database_killed_and_restarted(scene):
    """The database dies: traffic goes on, netdom-ctl says in one line that
    it cannot be reached; back again, changes are applied."""
    host = scene.host
    runs = steady_ping(scene, "red-a", "red-b")
    host.ovsdb_server.kill()
    done = host.ctl("set-rate", "red-a", "tx", "9Mbit", check=False,
                    timeout_s=3)
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) >= 1
    assert host.controller.running()

    host.start_database()
    host.ctl("--wait", "set-rate", "red-a", "tx", "16Mbit", timeout_s=20)
    assert runs.stop().lost == 0
    source, sink = scene.ends["red-a"], scene.ends["red-b"]
    load = traffic.Iperf(scene.session, source.ns, sink.address, 5, udp=True,
                         rate_bps=25_000_000)
    rate = traffic.measure_rate(scene.link("red-b"), 1.0, 2.0)
    load.stop()
    assert 0.95 * 16e6 <= rate <= 1.02 * 16e6
