"""--plug: what the toolstack gives the domain becomes a port, and nothing
else does."""

import pytest

import toolstack
from lab.session import Session, wait_for
from switch import Switch

MACS = ("00:16:3e:00:01:01", "00:16:3e:00:01:02")


@pytest.fixture
def switch(nothing_left):
    with Session() as session:
        yield Switch(session, options=("--plug=br0",))


def ports(switch, bridge="br0"):
    return switch.vsctl("list-ports", bridge).stdout.split()


def wait_ports(switch, expected, bridge="br0"):
    wait_for(lambda: ports(switch, bridge) == sorted(expected), 10,
             "ports %s, not %s" % (expected, ports(switch, bridge)))


def wait_link(switch, name, address):
    ns = switch.guests[name][0]
    wait_for(lambda: "eth0" in switch.session.run(
        ["ip", "-br", "link"], ns=ns).stdout, 10, "the tap of " + name)
    switch.session.run(["ip", "address", "replace", address, "dev", "eth0"],
                       ns=ns)
    switch.session.run(["ip", "link", "set", "eth0", "up"], ns=ns)


def add_two(switch):
    """Two guests with a vif each.  Returns their domids and ports."""
    guests = [switch.start_guest("g%d" % i, "10.0.0.%d/24" % i)
              for i in (1, 2)]
    names = ["vif%d.0" % guest for guest in guests]
    for guest, mac in zip(guests, MACS):
        toolstack.add_vif(switch.xs, switch.domid, guest, mac)
    wait_ports(switch, names)
    return guests, names


def remove_vif(switch, guest):
    """As libxl does: the backend is told, and removes its folder itself."""
    path = toolstack.backend_path(switch.domid, guest)
    switch.xs.write(path + "/online", "0")
    switch.xs.write(path + "/state", "5")
    wait_for(lambda: switch.backend(guest, "state") is None, 10,
             "the backend's folder to go")


def test_ports_come_and_go_with_vifs(switch):
    guests, names = add_two(switch)
    for i, guest in enumerate(guests, 1):
        switch.wait_state(guest, 4)
        assert switch.backend(guest, "hotplug-status") == "connected"
        wait_link(switch, "g%d" % i, "10.0.0.%d/24" % i)
    assert switch.ping("g1", "10.0.0.2") == 3

    remove_vif(switch, guests[0])
    wait_ports(switch, names[1:])
    assert switch.ping("g2", "10.0.0.2") == 3
    toolstack.add_vif(switch.xs, switch.domid, guests[0], MACS[0])
    wait_ports(switch, names)
    switch.wait_state(guests[0], 4)


def test_others_ports_are_left_alone(switch):
    switch.vsctl("add-port", "br0", "mine", "--", "set", "interface", "mine",
                 "type=internal")
    guest = switch.start_guest("g1", "10.0.0.1/24")
    port = "vif%d.0" % guest
    toolstack.add_vif(switch.xs, switch.domid, guest, MACS[0])
    wait_ports(switch, ["mine", port])

    # One that is taken away by hand comes back: the vif is still there.
    switch.vsctl("del-port", port)
    wait_ports(switch, ["mine", port])
    remove_vif(switch, guest)
    wait_ports(switch, ["mine"])


def test_the_bridge_that_the_vif_names(switch):
    guest = switch.start_guest("g1", "10.0.0.1/24")
    port = "vif%d.0" % guest
    switch.vsctl("add-br", "other", "--", "set", "bridge", "other",
                 "datapath_type=netdev")
    path = toolstack.backend_path(switch.domid, guest)
    switch.xs.write(path + "/bridge", "other")
    toolstack.add_vif(switch.xs, switch.domid, guest, MACS[0])
    wait_ports(switch, [port], "other")
    assert ports(switch) == []


def test_a_restarted_switch_keeps_and_mends(switch):
    """What went while it was away is unplugged when it is back."""
    guests, names = add_two(switch)
    switch.daemon.kill()
    switch.xs.remove(toolstack.backend_path(switch.domid, guests[0]))
    switch.start()
    wait_ports(switch, names[1:])


def test_refused_without_a_xen(switch):
    done = switch.session.run(
        ["netdom-vswitchd", "--xen=none", "--plug=br0"], check=False)
    assert done.returncode == 1
    assert "--plug=br0 needs a Xen" in done.stderr
    done = switch.session.run(
        ["netdom-vswitchd", "--xen=xen", "--domid=3"], check=False)
    assert done.returncode == 1
    assert "leave --domid away" in done.stderr


def test_ports_stay_while_xenstore_is_away(switch):
    _, names = add_two(switch)
    switch.xenlocald.kill()
    wait_for(lambda: "xenstore went away" in switch.daemon.log.read_text(),
             10, "the switch to notice")
    # Whatever the database says meanwhile, nothing is unplugged.
    switch.vsctl("set", "bridge", "br0", "external_ids:look=1")
    assert ports(switch) == sorted(names)
    assert "unplugged" not in switch.daemon.log.read_text()
