"""The attacks of 'netdom-bench isolation': who does what, and where.

An attack is prepared once for a place, goes on and halts with each turn, and is
ended.  All that an attacker runs, runs on its own core.

Thread: the main thread; what loops has one of its own.
Errors: LabError.
"""

import os
import re
import signal
import threading
import time

from bench.guest import BenchGuest
from bench.victim import BEHIND_MAC, GENERATOR
from lab.session import LabError, find_program, wait_for

SETTLE_S = 0.3                          # Until an attack is at its height.
STORM_FLOWS = 3000
FEW_KEYS = 200                          # The victim's, and what else goes on.
FORGET_S = 10
ATTACKER = 1                            # Its generator's number.

# Port names are put in for {uplink}.
OUT = "actions=output:{uplink}"
NORMAL = ("priority=9,dl_dst=%s,%s" % (BEHIND_MAC % GENERATOR, OUT),
          "priority=8,dl_dst=%s,%s" % (BEHIND_MAC % ATTACKER, OUT),
          "priority=0,actions=normal")

# Each frame's ports are looked at, so that each flow has one of its own below.
PER_FLOW = ("priority=9,ip,actions=multipath(symmetric_l4,1024,modulo_n,16,0,"
            "NXM_NX_REG0[]),output:{uplink}", "priority=0,actions=normal")

# What tenants allow by address and port, and all else by default: how much of
# a frame was looked at depends on where it differs (CVE-2019-25076; Csikor et
# al., Tuple Space Explosion, CoNEXT 2019).
TUPLES = ("priority=9,udp,nw_src=198.18.0.1," + OUT,
          "priority=8,udp,nw_dst=198.19.0.1," + OUT,
          "priority=7,udp,tp_src=1024," + OUT,
          "priority=6,udp,tp_dst=9," + OUT,
          "priority=5,ip," + OUT, "priority=0,actions=normal")

CONNTRACK = ("table=0,priority=1,ip,actions=ct(commit,table=1)",
             "table=0,priority=0,actions=normal",
             "table=1,priority=0," + OUT)


class Place:
    """Two VIFs of 'uplink''s tenant for whoever attacks, and the attacker's
    core."""

    def __init__(self, host, uplink, number, cpu):
        self.host = host
        self.session = host.session
        self.tenant = uplink.tenant
        self.vifs = [self.tenant + "-a", self.tenant + "-b"]
        self.macs = ["02:00:00:00:%02x:1%d" % (number, i) for i in (1, 2)]
        self.wrap = ("taskset", "-c", str(cpu))

    def define(self):
        for vif, mac in zip(self.vifs, self.macs):
            self.host.ctl("vif-add", self.tenant, vif, "guest=" + vif,
                          "devid=0", "mac=" + mac)

    def set_flows(self, flows):
        path = self.session.dir / (self.tenant + ".flows")
        path.write_text("\n".join(self.with_ports(flows)) + "\n",
                        encoding="ascii")
        self.host.ofctl(self.tenant, "replace-flows", str(path),
                        "--protocols=OpenFlow14")

    def with_ports(self, flows):
        uplink = self.host.uplink_port(self.tenant)
        return [flow.replace("{uplink}", uplink) for flow in flows]

    def forget(self):
        """Nothing of an attack is left that would weigh on the next turn."""
        for command in ("revalidator/purge", "dpctl/del-flows",
                        "dpctl/flush-conntrack"):
            self.host.appctl(self.tenant, command)
        wait_for(lambda: self.flow_keys() <= FEW_KEYS, FORGET_S,
                 "the flows of %s to be forgotten" % self.tenant)
        time.sleep(SETTLE_S)            # What is freed, is freed by then.

    def flow_keys(self):
        """What flows Open vSwitch's revalidators look after."""
        shown = self.host.appctl(self.tenant, "upcall/show")
        return sum(map(int, re.findall(r"\(keys (\d+)\)", shown)))

    def start_loop(self, name, script, *words):
        """A shell's loop, on the attacker's core."""
        return self.session.start(
            "loop-" + name, [*self.wrap, "sh", "-c", script, "sh", *words],
            env=self.host.tenant_env(self.tenant))


class Flood:
    """Frames, as fast as they are taken, out of the uplink."""

    def __init__(self, name, title, spec, flows=NORMAL, rate="max",
                 is_flood=True, to=BEHIND_MAC % ATTACKER):
        self.name = name
        self.title = title
        self.is_flood = is_flood        # It must do much harm if it may.
        self.by_guest = True            # A guest can do it.
        self.spec = spec
        self.flows = flows
        self.rate = rate
        self.to = to
        self.place = self.source = None

    def prepare(self, place):
        self.place = place
        place.set_flows(self.flows)
        self.source = BenchGuest(
            place.host, place.vifs[0], "--pktgen=dst=%s,%s,rate=1pps,id=%d" % (
                self.to, self.spec, ATTACKER), wrap=place.wrap)
        self.source.wait_up()

    def go(self):
        self.source.wait_up()
        self.source.command("guest/rate", self.rate)
        time.sleep(SETTLE_S)

    def halt(self):
        self.source.command("guest/rate", "1pps")
        self.place.forget()

    def end(self):
        if self.source:
            self.source.daemon.kill(signal.SIGTERM)


class SlowReader(Flood):
    """The other of the attacker's guests is sent to, and takes nothing."""

    sink = None

    def prepare(self, place):
        self.to = place.macs[1]
        self.sink = BenchGuest(place.host, place.vifs[1], "--sink",
                               wrap=place.wrap)
        self.sink.wait_up()
        super().prepare(place)

    def go(self):
        os.kill(self.sink.daemon.pid, signal.SIGSTOP)
        super().go()

    def halt(self):
        super().halt()
        os.kill(self.sink.daemon.pid, signal.SIGCONT)

    def end(self):
        super().end()
        if self.sink:
            os.kill(self.sink.daemon.pid, signal.SIGCONT)
            self.sink.daemon.kill(signal.SIGTERM)


class Other:
    """What is no stream of frames."""

    is_flood = False

    def __init__(self, name, title, by_guest):
        self.name = name
        self.title = title
        self.by_guest = by_guest
        self.place = None

    def prepare(self, place):
        self.place = place
        place.set_flows(NORMAL)

    def end(self):
        pass


class Hostile(Other):
    """netdom-hostile, for as long as it takes."""

    def __init__(self, name, title, attack):
        super().__init__(name, title, True)
        self.attack = attack
        self.process = None

    def go(self):
        place = self.place
        self.process = place.session.start("hostile", [
            *place.wrap, find_program("netdom-hostile"),
            "--run-dir=%s" % (place.host.run_dir / "xen"),
            "--name=" + place.vifs[0], "--attack=" + self.attack,
            "--seconds=600"])
        place.host.wait_connected(place.vifs[0])
        time.sleep(SETTLE_S)

    def halt(self):
        if not self.process.running():
            raise LabError("%s ended: %s" % (self.name,
                                             self.process.log_tail(3)))
        self.process.kill(signal.SIGKILL)


class Looped(Other):
    """A shell's loop, with so many turns in its log."""

    def __init__(self, name, title, by_guest, script):
        super().__init__(name, title, by_guest)
        self.script = script
        self.loop = None

    def words(self):
        return ()

    def go(self):
        self.loop = self.place.start_loop(self.name, self.script,
                                          *self.words())
        time.sleep(SETTLE_S)

    def halt(self):
        if not self.loop.running():
            raise LabError("%s ended: %s" % (self.name,
                                             self.loop.log_tail(3)))
        # What it started last is its group's.
        os.killpg(self.loop.pid, signal.SIGKILL)
        self.loop.popen.wait()


class BadRing(Looped):
    """A guest that is closed for its ring, and comes again, as soon as a guest
    may start again."""

    def __init__(self):
        super().__init__(
            "bad-ring", "bad ring", True,
            'while :; do "$1" --run-dir="$2" --name="$3"'
            ' --attack=tx_producer_runs_away --seconds=0 || exit; sleep 0.5;'
            ' done')

    def words(self):
        return (find_program("netdom-hostile"),
                self.place.host.run_dir / "xen", self.place.vifs[0])


class OpenFlowStorm(Looped):
    def __init__(self):
        super().__init__(
            "openflow", "OpenFlow storm", False,
            'while :; do ovs-ofctl replace-flows br0 "$1" &&'
            ' ovs-ofctl replace-flows br0 "$2" || exit; done')

    def words(self):
        paths = []
        for i in range(2):
            path = self.place.session.dir / ("storm%d" % i)
            path.write_text("\n".join(
                self.place.with_ports(NORMAL) + [
                    "priority=%d,tcp,tp_dst=%d,actions=drop" % (
                        10 + (n * 7 + i) % 60000, 1 + (2 * n + i) % 60000)
                    for n in range(STORM_FLOWS)]) + "\n", encoding="ascii")
            paths.append(path)
        return paths

    def halt(self):
        super().halt()
        self.place.set_flows(NORMAL)


class OvsdbChurn(Looped):
    """A port that comes and goes, and columns that change."""

    def __init__(self):
        super().__init__(
            "ovsdb", "OVSDB churn", False,
            'while :; do i=$((i + 1));'
            ' ovs-vsctl --timeout=10 -- --may-exist add-port br0 churn --'
            ' set interface churn type=internal --'
            ' set bridge br0 external_ids:churn=$i &&'
            ' ovs-vsctl --timeout=10 --if-exists del-port churn || exit;'
            ' done')

    def halt(self):
        super().halt()
        self.place.host.vsctl(self.place.tenant, "--if-exists", "del-port",
                              "churn")


class CrashLoop(Other):
    """The switch is killed as often as it is there."""

    def __init__(self):
        super().__init__("crash", "crash loop", False)
        self.stop = threading.Event()
        self.thread = None
        self.kills = 0

    def run(self):
        while not self.stop.is_set():
            for pid in self.place.host.switch_pids(self.place.tenant):
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except OSError:
                    continue
            self.stop.wait(0.2)

    def go(self):
        self.stop.clear()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        time.sleep(SETTLE_S)

    def halt(self):
        self.stop.set()
        self.thread.join()
        host, tenant = self.place.host, self.place.tenant
        host.wait_running(tenant)
        host.confine(tenant, host.polling_cpu(tenant))


def make():
    """All of them, by name."""
    attacks = (
        Flood("flood-64", "64-byte flood", "size=64"),
        Flood("flood-gso", "64 KiB GSO flood",
              "type=tcp,gso=1460,size=64294"),
        Flood("new-flows", "new-flow flood", "size=64,vary=all", PER_FLOW),
        Flood("tuple-space", "tuple-space explosion", "size=64,vary=prefix",
              TUPLES),
        Flood("port-scan", "port scan",
              "size=72,type=tcp,vary=port-dst,flows=65000", PER_FLOW,
              rate="20kpps", is_flood=False),
        Flood("conntrack", "conntrack churn", "size=64,vary=all", CONNTRACK,
              is_flood=False),
        SlowReader("slow-reader", "slow reader", "size=1514",
                   is_flood=False),
        Flood("broadcast", "broadcast", "size=64", to="ff:ff:ff:ff:ff:ff",
              is_flood=False),
        Hostile("events", "event storm", "events_storm_gso"),
        BadRing(),
        OpenFlowStorm(),
        OvsdbChurn(),
        CrashLoop(),
    )
    return {attack.name: attack for attack in attacks}
