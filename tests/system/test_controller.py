"""netdom-controller on a real host: tenants come and go, what dies is started
again, what is found is adopted, what is wrong is said."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import lab
import toolstack
from conftest import ROOT
from lab.host import Host
from lab.session import find_program

CGROUPS = pathlib.Path("/sys/fs/cgroup")


class Bench:
    """A host with a controller, no guests and no world."""

    def __init__(self, session):
        self.session = session
        self.host = Host(session)
        self.run = self.host.run_dir

    def start(self, *options):
        self.host.start()
        self.start_controller(*options)
        lab.wait_for(lambda: self.get("host", "here", "name") == "here", 10,
                     "the controller to register its host")

    def start_controller(self, *options):
        self.host.controller = self.session.start(
            "netdom-controller",
            ["netdom-controller", "--run-dir=%s" % self.run, "--host=here",
             *options])

    def restart_controller(self):
        """Ends the controller, and waits until the new one answers."""
        self.control("exit")
        lab.wait_for(lambda: not self.host.controller.running(), 5,
                     "the controller's end")
        self.start_controller()
        lab.wait_for((self.run / "netdom-controller.ctl").exists, 10,
                     "the new controller's socket")

    def control(self, *words, timeout_s=40):
        return self.session.run(
            ["ovs-appctl", "-t", self.run / "netdom-controller.ctl", *words],
            timeout_s=timeout_s).stdout

    def get(self, table, row, column):
        text = self.host.ctl("get", table, row, column,
                             check=False).stdout.strip()
        return "" if text == "[]" else text.strip('"')

    def status(self, tenant, key):
        text = self.get("tenant", tenant, "status")
        found = re.search(r'%s="([^"]*)"' % key, text)
        return found.group(1) if found else None

    def wait(self, table, row, column, value, timeout_s=15):
        try:
            lab.wait_for(lambda: self.get(table, row, column) == value,
                         timeout_s, "%s of %s %s to be %s" % (
                             column, table, row, value))
        except lab.LabError as error:
            raise AssertionError("%s; it is '%s'; %s" % (
                error, self.get(table, row, column),
                self.control("netdom/status"))) from None

    def add_uplink(self, name):
        """A VF's stand-in, on the host still."""
        link = self.session.link_name(name)
        self.session.add_veth(link, None,
                              self.session.link_name(name + "p"), None)
        return link

    def add_tenant(self, name, link=None):
        words = ["tenant-add", name, "host=here"]
        if link:
            self.host.ctl("vf-add", "vf-" + name, "iface=" + link)
            words.append("vf=vf-" + name)
        self.host.ctl("--wait", *words)
        self.host.tenants.append(name)

    def pids(self, tenant):
        return {key: int(self.status(tenant, key))
                for key in ("switch-pid", "db-pid")}


@pytest.fixture
def bench(session):
    made = Bench(session)
    made.start()
    return made


def link_is_here(link):
    return pathlib.Path("/sys/class/net", link).exists()


def groups_of(bench, tenant):
    return [path for path in CGROUPS.glob("**/%s" % tenant)
            if bench.session.id in str(path)]


def inside(pid, *argv):
    """Runs a command as the tenant's switch would: its namespaces, its
    uid."""
    uid = pathlib.Path("/proc/%d" % pid).stat().st_uid
    assert uid >= 2000000
    return subprocess.run(
        ["nsenter", "-t", str(pid), "-m", "-U", "-n", "-i", "-u",
         "-S", "0", "-G", "0", *argv], text=True, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=20, check=False)


def alive(pid):
    return lab.session.start_ticks(pid) is not None


def test_a_tenant_comes_and_goes(bench):
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    assert bench.get("tenant", "red", "state") == "running"
    assert bench.get("tenant", "red", "error") == ""
    assert bench.get("vf", "vf-red", "state") == "used"
    assert not link_is_here(link)
    assert "vf0" in bench.host.vsctl("red", "list-ports", "br0")
    assert bench.host.vsctl("red", "get", "interface", "vf0",
                            "error").strip() == "[]"
    folder = bench.run / "tenants/red"
    assert (folder / "br0.mgmt").exists()
    pids = bench.pids("red")
    assert all(alive(pid) for pid in pids.values())
    assert groups_of(bench, "red") or bench.status("red", "warning")

    bench.host.ctl("--wait", "tenant-del", "red")
    assert link_is_here(link)
    assert not folder.exists()
    assert not any(alive(pid) for pid in pids.values())
    assert not list((bench.run / "controller").glob("*.record"))
    assert not list((bench.run / "controller/ns").iterdir())
    assert not groups_of(bench, "red")
    assert bench.get("vf", "vf-red", "state") == "free"


def test_a_domain_is_shut_in(bench):
    """The tenant's processes see of the run folder their own part, of the
    network their own namespace, and hold three capabilities there."""
    bench.add_tenant("red")
    bench.add_tenant("blue")
    pid = bench.pids("red")["switch-pid"]
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    caps = int(re.search(r"^CapEff:\t(\w+)$", status, re.M).group(1), 16)
    assert caps == (1 << 10 | 1 << 12 | 1 << 13)
    assert re.search(r"^CapBnd:\t%016x$" % caps, status, re.M)
    blue = pathlib.Path("/proc/%d" % bench.pids("blue")["switch-pid"])
    assert blue.stat().st_uid != pathlib.Path("/proc/%d" % pid).stat().st_uid

    assert inside(pid, "ls", str(bench.run / "tenants")).stdout == "red\n"
    assert inside(pid, "ls", str(bench.run)).stdout == "tenants\nxen\n"
    domid = bench.get("tenant", "red", "domid")
    assert inside(pid, "ls", str(bench.run / "xen")).stdout == domid + "\n"
    assert inside(pid, "umount", str(bench.run)).returncode != 0
    assert inside(pid, "touch", str(bench.run / "x")).returncode != 0
    assert inside(pid, "ip", "route").stdout == ""
    links = inside(pid, "ip", "-br", "link").stdout
    assert {line.split()[0] for line in links.splitlines()} <= {
        "lo", "br0", "ovs-netdev"}
    assert inside(pid, "kill", "-0", "1").returncode != 0

    # One tenant's namespaces do not keep another's alive.
    mounts = inside(pid, "cat", "/proc/self/mountinfo").stdout
    assert "nsfs" not in [line.split(" - ")[1].split()[0]
                          for line in mounts.splitlines()
                          if "/controller/ns" in line]


def test_what_dies_is_started_again(bench):
    bench.add_tenant("red")
    bench.add_tenant("blue")
    blue = bench.pids("blue")
    for key in ("switch-pid", "db-pid"):
        old = bench.pids("red")
        os.kill(old[key], signal.SIGKILL)
        lab.wait_for(lambda: (bench.status("red", key) or "0") not in (
            "0", str(old[key])), 10, "another " + key)
        bench.wait("tenant", "red", "state", "running")
        new = bench.pids("red")
        assert alive(new[key])
        other = "db-pid" if key == "switch-pid" else "switch-pid"
        assert new[other] == old[other]
    assert "killed by signal 9" in bench.get("tenant", "red", "status")
    assert bench.get("tenant", "red", "error") == ""
    assert bench.pids("blue") == blue
    assert bench.control("netdom/plan") == ""


def test_back_off_and_last_words(session):
    """A switch that cannot run: said, tried again ever more slowly, and
    running as soon as it can."""
    cause = session.dir / "cause"
    cause.touch()
    tries = session.dir / "tries"
    tries.touch()
    tries.chmod(0o666)
    script = session.dir / "vswitchd"
    script.write_text(
        "#!/bin/bash\n"
        "if [ -e %s ]; then echo >> %s; echo it is too dark here >&2;"
        " exit 3; fi\n"
        "exec -a netdom-vswitchd %s \"$@\"\n" % (
            cause, tries, find_program("netdom-vswitchd")))
    script.chmod(0o755)
    bench = Bench(session)
    bench.start("--vswitchd=%s" % script)
    bench.host.ctl("tenant-add", "red", "host=here")
    bench.host.tenants.append("red")
    bench.wait("tenant", "red", "state", "failed")
    error = bench.get("tenant", "red", "error")
    assert "exited with status 3" in error
    assert "it is too dark here" in error

    # At once, then after 0.1, 0.2, 0.4, 0.8, 1.6 s ...
    before = len(tries.read_text())
    assert 4 <= before <= 7
    time.sleep(2)
    assert 1 <= len(tries.read_text()) - before <= 3
    cause.unlink()
    bench.wait("tenant", "red", "state", "running", 20)
    assert bench.get("tenant", "red", "error") == ""


def test_a_new_controller_adopts(bench):
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    bench.add_tenant("blue")
    pids = {name: bench.pids(name) for name in ("red", "blue")}
    since = bench.get("tenant", "red", "state_since")
    nets = {name: os.stat("/proc/%d/ns/net" % pids[name]["switch-pid"]).st_ino
            for name in pids}
    for signum in (signal.SIGKILL, signal.SIGTERM):
        bench.host.controller.kill(signum)
        assert all(alive(pid) for one in pids.values()
                   for pid in one.values())
        bench.start_controller()
        bench.host.wait_applied()
        assert bench.control("netdom/plan") == ""
        assert {name: bench.pids(name) for name in pids} == pids
    log = bench.host.controller.log.read_text()
    started = log.split("adopted")[1:]
    assert started and "-start" not in "".join(started)
    assert log.count("plan: red: nothing to do") >= 1
    assert bench.get("tenant", "red", "state_since") == since

    # What dies while nobody looks is found dead, and what was made for it
    # goes on being used.
    bench.host.controller.kill()
    os.kill(pids["red"]["switch-pid"], signal.SIGKILL)
    bench.start_controller()
    lab.wait_for(lambda: (bench.status("red", "switch-pid") or "0") not in (
        "0", str(pids["red"]["switch-pid"])), 10, "another switch")
    bench.wait("tenant", "red", "state", "running")
    new = int(bench.status("red", "switch-pid"))
    assert os.stat("/proc/%d/ns/net" % new).st_ino == nets["red"]
    assert bench.pids("blue") == pids["blue"]


def test_a_tenant_deleted_while_nobody_looked(bench):
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    pids = bench.pids("red")
    bench.host.controller.kill()
    bench.host.ctl("tenant-del", "red")
    bench.start_controller()
    bench.host.wait_applied()
    assert link_is_here(link)
    assert not any(alive(pid) for pid in pids.values())
    assert not (bench.run / "tenants/red").exists()


def test_bad_rows(bench):
    """Each is told on its own row; the others, and what it was before, go
    on."""
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    bench.add_tenant("blue")
    host = bench.host
    host.ctl("vif-add", "red", "red-a", "guest=ga",
             "mac=02:00:00:00:00:01")
    host.ctl("--wait", "vif-add", "red", "red-b", "guest=gb",
             "mac=02:00:00:00:00:02")

    def transact(table, row, columns):
        host.session.run(["ovsdb-client", "transact", host.database,
                          json.dumps(["Netdom", {
                              "op": "update", "table": table,
                              "where": [["name", "==", row]],
                              "row": columns}])])

    transact("VIF", "red-a", {"mac": "01:00:00:00:00:01"})
    bench.wait("vif", "red-a", "state", "error")
    assert "cannot be a guest's" in bench.get("vif", "red-a", "error")
    transact("VIF", "red-a", {"mac": "02:00:00:00:00:02"})
    lab.wait_for(lambda: "same MAC" in bench.get("vif", "red-b", "error"),
                 10, "the clash to be told")
    transact("VIF", "red-a", {"mac": "02:00:00:00:00:01"})
    bench.wait("vif", "red-a", "error", "")
    bench.wait("vif", "red-b", "error", "")

    vf = bench.get("vf", "vf-red", "_uuid")
    transact("Tenant", "blue", {"vf": ["uuid", vf]})
    lab.wait_for(lambda: "is tenant red's" in bench.get(
        "tenant", "blue", "error"), 10, "the VF's owner to be told")
    assert bench.get("tenant", "red", "error") == ""
    transact("Tenant", "blue", {"vf": ["set", []]})
    bench.wait("tenant", "blue", "error", "")

    host.ctl("vf-add", "vf-blue", "iface=nosuchlink0")
    vf = bench.get("vf", "vf-blue", "_uuid")
    transact("Tenant", "blue", {"vf": ["uuid", vf]})
    lab.wait_for(lambda: "no interface nosuchlink0" in bench.get(
        "tenant", "blue", "error"), 10, "the missing VF to be told")
    assert bench.get("vf", "vf-blue", "state") == "missing"
    assert bench.get("tenant", "blue", "state") == "running"
    assert bench.control("netdom/plan") == ""


def test_rows_of_others_are_not_touched(bench):
    bench.add_tenant("red")
    vsctl = bench.host.vsctl
    vsctl("red", "add-port", "br0", "mine", "--", "set", "interface", "mine",
          "type=internal")
    vsctl("red", "set-controller", "br0", "ptcp:6634:127.0.0.1")
    vsctl("red", "set", "bridge", "br0", "other-config:mac-aging-time=77")
    bench.host.ctl("--wait", "set-fail-mode", "red", "secure")
    assert vsctl("red", "get-fail-mode", "br0").strip() == "secure"
    assert "mine" in vsctl("red", "list-ports", "br0")
    assert "ptcp:6634" in vsctl("red", "get-controller", "br0")
    assert "77" in vsctl("red", "get", "bridge", "br0", "other-config")

    # Ours is put right.
    vsctl("red", "set-fail-mode", "br0", "standalone")
    lab.wait_for(lambda: vsctl("red", "get-fail-mode", "br0").strip()
                 == "secure", 10, "the fail mode to be put right")
    assert bench.control("netdom/plan") == ""


def test_an_openflow_controller_on_the_host(bench):
    """The domain has no route to it; the relay has."""
    session = bench.session
    switch = session.dir / "of.sock"
    bench.add_tenant("red")
    port = 16653
    server = session.start(
        "of-server", ["ovs-testcontroller", "ptcp:%d:127.0.0.1" % port]
        if subprocess.run(["which", "ovs-testcontroller"],
                          capture_output=True, check=False).returncode == 0
        else ["socat", "TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork" % port,
              "OPEN:%s,creat,append" % switch])
    target = "tcp:127.0.0.1:%d" % port
    bench.host.ctl("--wait", "set-controller", "red", target)

    def is_relay(process):
        try:
            return ((process / "comm").read_text().strip() == "socat"
                    and str(bench.run / "tenants/red/relay")
                    in (process / "cmdline").read_text())
        except OSError:                 # It ended meanwhile.
            return False

    def relays():
        return [int(process.name) for process in
                pathlib.Path("/proc").glob("[0-9]*") if is_relay(process)]

    lab.wait_for(relays, 10, "the relay")
    first = min(relays())
    status = pathlib.Path("/proc/%d/status" % first).read_text()
    assert "CapEff:\t0000000000000000" in status
    assert not re.search(r"^Uid:\t0\t", status, re.M)
    if server.log.exists() and switch.exists():
        lab.wait_for(lambda: switch.stat().st_size >= 8, 15,
                     "the switch's hello")

    os.kill(first, signal.SIGKILL)
    lab.wait_for(lambda: relays() and first not in relays(), 10,
                 "another relay")
    bench.host.ctl("--wait", "del-controller", "red")
    lab.wait_for(lambda: not relays(), 10, "the relay to end")
    assert "relay" not in bench.host.vsctl("red", "get-controller", "br0")


def test_a_guest_dies_and_is_born_again(bench):
    bench.add_tenant("red")
    host = bench.host
    host.ctl("--wait", "vif-add", "red", "red-a", "guest=ga",
             "mac=02:00:00:00:00:01")
    assert bench.get("vif", "red-a", "state") == "no-guest"
    ports = set()
    for _ in range(3):
        guest = host.start_guest("ga", "10.0.0.1/24")
        host.wait_connected("red-a")
        port = host.port("red-a")
        assert port not in ports
        ports.add(port)
        lab.wait_for(lambda: host.vsctl("red", "list-ports", "br0").split()
                     == [port], 10, "the old port to go")
        guest.daemon.kill()
        bench.wait("vif", "red-a", "state", "no-guest")
        bench.session.run(["ip", "link", "del", "eth0"], ns=guest.ns,
                          check=False)
    bench.wait("vif", "red-a", "port", "")
    lab.wait_for(lambda: bench.control("netdom/plan") == "", 10,
                 "nothing to do")
    lab.wait_for(lambda: host.vsctl("red", "list-ports", "br0") == "", 10,
                 "the last port to go")


def two_guests(bench):
    """Two guests of a tenant red."""
    bench.add_tenant("red")
    host = bench.host
    for name, mac in (("a", "02:00:00:00:00:01"), ("b", "02:00:00:00:00:02")):
        host.ctl("vif-add", "red", "red-" + name, "guest=g" + name,
                 "mac=" + mac)
    guests = [host.start_guest("g" + name, "10.0.0.%d/24" % number)
              for name, number in (("a", 1), ("b", 2))]
    for name in ("red-a", "red-b"):
        host.wait_connected(name)
    return guests


def test_the_vf_s_maximum_holds_for_the_uplink(bench):
    """What a VF may send reaches the domain, and changes there."""
    link = bench.add_uplink("up")
    bench.host.ctl("vf-add", "vf-red", "iface=" + link, "max_rate=100Mbit")
    bench.host.ctl("--wait", "tenant-add", "red", "host=here", "vf=vf-red")
    bench.host.tenants.append("red")

    def uplink():
        return bench.host.appctl("red", "tenantvf/show")

    lab.wait_for(lambda: "vf0: at most 100000000 bit/s" in uplink(), 5,
                 "the limit: " + uplink())
    bench.host.ctl("--wait", "set", "vf", "vf-red", "max_rate_bps=50000000")
    lab.wait_for(lambda: "vf0: at most 50000000 bit/s" in uplink(), 5,
                 "the limit: " + uplink())
    assert "nothing waits" in uplink()
    bench.host.ctl("--wait", "clear", "vf", "vf-red", "max_rate_bps")
    lab.wait_for(lambda: "vf0: no limit" in uplink(), 5, "none: " + uplink())
    assert bench.control("netdom/plan") == ""


def test_what_is_in_force_is_shown(bench):
    """qos-show tells which of all sources won: the lowest."""
    guests = two_guests(bench)
    host = bench.host

    def shown(direction="tx"):
        rows = json.loads(host.ctl("--format=json", "qos-show",
                                   "red-a").stdout)
        names = rows["headings"]
        for row in rows["data"]:
            found = dict(zip(names, row))
            if found["direction"] == direction:
                return (found["in_force"], found["rate_bps"], found["from"])

    def wait_shown(*wanted, direction="tx"):
        lab.wait_for(lambda: shown(direction) == wanted, 10, "%s, not %s" % (
            wanted, shown(direction)))

    host.ctl("--wait", "profile-add", "gold", "tx_rate=80Mbit",
             "rx_rate=70Mbit", "--", "vif-set", "red-a", "profile=gold")
    wait_shown("yes", 80000000, "profile gold")
    wait_shown("yes", 70000000, "profile gold", direction="rx")
    host.ctl("--wait", "vif-set", "red-a", "tx_rate=60Mbit")
    wait_shown("yes", 60000000, "the VIF")

    # The domain's own database, and the toolstack's key, can make it less.
    port = host.port("red-a")
    host.vsctl("red", "set", "interface", port, "ingress_policing_rate=50000")
    wait_shown("yes", 50000000, "the port's row")
    xs = toolstack.Xenstore(bench.run / "xen/0/xenstore.sock")
    domid, tenant_domid = (int(bench.get(table, row, "domid")) for table, row
                           in (("vif", "red-a"), ("tenant", "red")))
    xs.write("/local/domain/%d/backend/vif/%d/0/rate"
             % (tenant_domid, domid), "250000,50000")
    wait_shown("yes", 40000000, "rate")
    host.vsctl("red", "set", "interface", port,
               "ingress_policing_rate=1000000")
    xs.write("/local/domain/%d/backend/vif/%d/0/rate"
             % (tenant_domid, domid), "625000000,50000")
    wait_shown("yes", 60000000, "the VIF")
    xs.close()

    os.kill(guests[0].daemon.pid, signal.SIGKILL)
    wait_shown("no", 60000000, "the VIF")


def test_limits_that_vifs_share(bench):
    """A tenant's, a group's and the VIFs' own arrive at the switch, and
    change there; what was guaranteed to others is refused."""
    two_guests(bench)
    host = bench.host

    def limits():
        return host.appctl("red", "xenvif/limits")

    def wait_limits(*parts):
        lab.wait_for(lambda: all(part in limits() for part in parts), 5,
                     "%s in %s" % (parts, limits()))

    host.ctl("profile-add", "all", "tx_rate=1Gbit", "rx_rate_pps=50000",
             "--", "profile-add", "web", "tx_rate=500Mbit",
             "tx_min_rate=400Mbit", "--", "group-add", "red", "web",
             "profile=web", "--", "tenant-set", "red", "profile=all", "--",
             "vif-set", "red-a", "group=web", "tx_min_rate=300Mbit",
             "tx_weight=3")
    wait_limits("at most 1000000000 bit/s (burst 2125000 bytes",
                "at most 50000 packets/s (burst 500,",
                "group web", "at most 500000000 bit/s (burst 1000000 bytes",
                "at least 300000000 bit/s (burst 375000 bytes", "weight 3")

    # With --wait it holds when the command returns.
    host.ctl("--wait", "vif-set", "red-b", "tx_min_rate=600Mbit")
    wait_limits("at least 600000000 bit/s")
    refused = host.ctl("--wait", "vif-set", "red-b", "tx_min_rate=601Mbit",
                       check=False)
    assert refused.returncode == 1
    assert ("would add up to 1001000000 bit/s, and the tenant's maximum is "
            "1000000000 bit/s" in refused.stderr), refused
    assert "at least 600000000 bit/s" in limits()
    refused = host.ctl("--wait", "profile-set", "web", "tx_min_rate=200Mbit",
                       check=False)
    assert refused.returncode == 1
    assert "group's own guarantee is 200000000" in refused.stderr, refused
    host.ctl("vif-set", "red-b", "tx_min_rate=500Mbit", "--",
             "profile-set", "web", "tx_min_rate=300Mbit")
    bench.wait("vif", "red-b", "error", "")
    wait_limits("at least 500000000 bit/s")
    assert bench.control("netdom/plan") == ""

    # A new controller finds it so.
    bench.restart_controller()
    lab.wait_for(lambda: bench.control("netdom/plan") == "", 10,
                 "nothing to do")
    host.ctl("--wait", "tenant-set", "red", "profile=", "--", "vif-set",
             "red-a", "group=", "--", "group-del", "red", "web")
    wait_limits("all vifs\n  transmit: no limit")
    assert "group web" not in limits()


def test_quarantine_and_release(bench):
    """A guest that lies is cut off, which the database says; a restart of
    the switch does not forget it; the admin's release does."""
    host = bench.host
    guests = two_guests(bench)
    refused = host.ctl("vif-release", "red-a", check=False)
    assert "is connected: only one in quarantine" in refused.stderr

    def ping():
        return host.session.run(
            ["ping", "-c", "1", "-W", "1", guests[1].address],
            ns=guests[0].ns, check=False).returncode == 0

    lab.wait_for(ping, 10, "the guests to meet")
    xs = toolstack.Xenstore(bench.run / "xen/0/xenstore.sock")
    pid = guests[0].daemon.pid
    os.kill(pid, signal.SIGSTOP)
    toolstack.scribble_tx_ring(xs, pid, int(bench.get("vif", "red-a",
                                                      "domid")))
    xs.close()
    os.kill(pid, signal.SIGCONT)
    bench.wait("vif", "red-a", "state", "quarantined")
    assert "ran away" in bench.get("vif", "red-a", "error")
    shown = host.ctl("show").stdout
    assert "VIF red-a: quarantined" in shown and "ran away" in shown
    assert bench.get("vif", "red-b", "state") == "connected"

    old = bench.pids("red")["switch-pid"]
    os.kill(old, signal.SIGKILL)
    lab.wait_for(lambda: bench.get("tenant", "red", "state") == "running"
                 and bench.pids("red")["switch-pid"] != old, 20,
                 "another switch")
    host.wait_connected("red-b")
    assert bench.get("vif", "red-a", "state") == "quarantined"
    assert not ping()

    # --wait waits for the switch.
    pid = bench.pids("red")["switch-pid"]
    os.kill(pid, signal.SIGSTOP)
    waiting = bench.session.popen(
        ["netdom-ctl", "--run-dir=%s" % bench.run, "--wait", "vif-release",
         "red-a"])
    time.sleep(1)
    assert waiting.poll() is None
    os.kill(pid, signal.SIGCONT)
    assert waiting.wait(20) == 0
    assert bench.get("vif", "red-a", "state") != "quarantined"
    host.wait_connected("red-a")
    lab.wait_for(ping, 10, "the guests to meet again")
    assert bench.get("vif", "red-a", "error") == ""
    assert bench.get("vif", "red-a", "releases") == "1"


def test_counters_outlive_the_switch(bench):
    host = bench.host
    guests = two_guests(bench)

    def count():
        vifs = json.loads(bench.control("netdom/counters"))["tenants"]["red"]
        return vifs["vifs"].get("red-a", {}).get("tx_packets", 0)

    def ping():
        host.session.run(["ping", "-c", "20", "-i", "0.02", "-w", "10",
                          guests[1].address], ns=guests[0].ns)

    lab.wait_for(lambda: host.session.run(
        ["ping", "-c", "1", "-W", "1", guests[1].address], ns=guests[0].ns,
        check=False).returncode == 0, 10, "the guests to meet")
    ping()
    lab.wait_for(lambda: count() >= 20, 5, "20 frames to be counted")
    before = count()
    os.kill(bench.pids("red")["switch-pid"], signal.SIGKILL)
    lab.wait_for(lambda: host.session.run(
        ["ping", "-c", "1", "-W", "1", guests[1].address], ns=guests[0].ns,
        check=False).returncode == 0, 20, "the guests to meet again")
    assert count() >= before
    ping()
    lab.wait_for(lambda: count() >= before + 20, 5, "20 more")


def test_the_stand_in_for_xen_restarts(bench):
    """It forgets everything: told, and all tenants are made anew on their
    old folders."""
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    bench.host.vsctl("red", "add-port", "br0", "mine", "--", "set",
                     "interface", "mine", "type=internal")
    old = bench.pids("red")
    bench.host.xenlocald.kill()
    lab.wait_for(lambda: "xen=down" in bench.host.ctl(
        "get", "host", "here", "status").stdout, 10, "the loss to be told")
    assert alive(old["switch-pid"])
    assert bench.get("tenant", "red", "state") == "running"

    bench.host.start_xenlocald()
    lab.wait_for(lambda: not alive(old["switch-pid"]), 10,
                 "the old switch to end")
    bench.host.wait_applied()
    bench.wait("tenant", "red", "state", "running")
    assert "mine" in bench.host.vsctl("red", "list-ports", "br0")
    assert bench.host.vsctl("red", "get", "interface", "vf0",
                            "error").strip() == "[]"
    assert bench.control("netdom/plan") == ""


def test_exit_leaves_all_or_nothing(bench):
    link = bench.add_uplink("up")
    bench.add_tenant("red", link)
    bench.add_tenant("blue")
    pids = [pid for name in ("red", "blue")
            for pid in bench.pids(name).values()]
    bench.control("exit")
    lab.wait_for(lambda: not bench.host.controller.running(), 5, "its end")
    assert all(alive(pid) for pid in pids)

    bench.start_controller()
    bench.host.wait_applied()
    bench.control("exit", "--cleanup")
    lab.wait_for(lambda: not bench.host.controller.running(), 5, "its end")
    assert bench.host.controller.popen.returncode == 0
    assert not any(alive(pid) for pid in pids)
    assert link_is_here(link)
    assert not (bench.run / "tenants").exists()
    assert not (bench.run / "controller").exists()
    assert not groups_of(bench, "red")
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    assert str(bench.run) not in mounts


def test_an_empty_database_is_no_wish(bench):
    """Someone starts the database over: what runs goes on until it has been
    initialised."""
    bench.add_tenant("red")
    pids = bench.pids("red")
    host = bench.host
    host.ovsdb_server.kill()
    host.database_path.unlink()
    host.session.run(["ovsdb-tool", "create", host.database_path,
                      ROOT / "ovsdb-schema/netdom.ovsschema"])
    host.start_database()
    lab.wait_for(lambda: "not initialised" in
                 host.controller.log.read_text(), 15, "the warning")
    assert all(alive(pid) for pid in pids.values())
    host.tenants.clear()
    bench.control("exit", "--cleanup")


def test_wrong_usage():
    program = find_program("netdom-controller")
    for words, part in ((["--cpus=9999"], "--cpus"),
                        (["--cpus=x"], "--cpus"),
                        (["--run-dir=here"], "absolute path"),
                        (["--run-dir=/" + "x" * 80], "60 characters"),
                        (["--vswitchd=/nonexistent"], "--vswitchd"),
                        (["--platform=vm"], "--platform"),
                        (["--platform=xen"], "--image"),
                        (["--platform=xen", "--image=/tmp",
                          "--measurement=12"], "64 hexadecimal"),
                        (["--host="], "--host"),
                        (["surplus"], "surplus"),
                        (["--nonsense"], "--help")):
        done = subprocess.run(
            [program, "--run-dir=/tmp/netdom-usage", *words],
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=20, check=False)
        assert done.returncode == 2, words
        assert part in done.stderr
    pathlib.Path("/tmp/netdom-usage").rmdir()
