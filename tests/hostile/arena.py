"""One switch with two guests that must lose nothing, one that talks to
whoever attacks, and attackers that come and go.

Thread:  one.
Owner:   whoever made the Arena calls close().
Errors:  AssertionError or LabError, with what the switch said."""

import json
import os
import re
import select
import signal
import subprocess

import lab
import toolstack
from lab.session import find_program, wait_for
from switch import Guest, Switch

MACS = {"sink": "00:16:3e:00:00:11", "generator": "00:16:3e:00:00:12",
        "talker": "00:16:3e:00:00:13", "attacker": "00:16:3e:00:00:66"}
ATTACKER_PORT = 66
POLICIES = {"": None, "limited": {"tx-rate-bps": 10000000},
            "slow": {"rx-rate-bps": 8000000},
            "fenced": {"mac": MACS["attacker"], "anti-spoof": "mac"}}
FRAME_BYTES = 65535 + 14                # The longest, whole.
HOARD_BYTES = 16 << 20
QUEUE_BYTES = 2 << 20                   # What may wait for a guest,
SLOW_QUEUE_BYTES = 64 << 10             # and for one with a low limit.
CLOSED = 6
CONNECTED = 4

# The victims' own programs get the processor when they want it, so that what
# they lose is lost by the switch, and not by who else is at work here.
FIRST = ("chrt", "-r", "5")
SOONER = ("nice", "-n", "-10")

# Always dropped before the frame counts as taken; others may be after that.
EARLY_DROPS = ("tx_drop_runt", "tx_drop_slots", "tx_drop_length",
               "tx_drop_extra", "tx_drop_grant")


class Attack:
    """A line of netdom-hostile --list."""

    def __init__(self, line):
        (self.name, self.verdict, runs, policy, self.says,
         self.does) = line.split("\t")
        self.runs = int(runs)
        self.policy = POLICIES[policy]


def attacks():
    listed = subprocess.run([find_program("netdom-hostile"), "--list"],
                            check=True, text=True, capture_output=True)
    return [Attack(line) for line in listed.stdout.splitlines()]


def is_sanitized():
    """True of a build that keeps what was freed for a while."""
    with open(find_program("netdom-vswitchd"), "rb") as program:
        return b"__asan_init" in program.read()


class Attacker:
    """netdom-hostile, from its start to its end."""

    def __init__(self, arena, attack, variant, number=0):
        self.arena = arena
        self.switch = arena.switch
        self.queue_bytes = (SLOW_QUEUE_BYTES if attack.policy
                            and "rx-rate-bps" in attack.policy
                            else QUEUE_BYTES)
        self.name = "hostile%d" % arena.n_attackers
        self.ofport = ATTACKER_PORT + number
        self.mac = MACS["attacker"][:-2] + "%02x" % (0x66 + number)
        arena.n_attackers += 1
        self.process = self.switch.session.popen(
            ["netdom-hostile", "--run-dir=%s" % self.switch.xen_dir,
             "--name=" + self.name, "--attack=" + attack.name,
             "--variant=%d" % variant, "--seed=%d" % (variant + 1),
             "--target=" + MACS["talker"], "--victim=" + MACS["sink"],
             "--stay"],
            stdout=subprocess.PIPE, text=True)
        self.domid = wait_for(self.find_domain, 10, "the attacker's domain",
                              poll_s=0.01)
        self.port = "vif%d.0" % self.domid
        toolstack.add_vif(self.switch.xs, self.switch.domid, self.domid,
                          self.mac, policy=attack.policy)

    def find_domain(self):
        assert self.process.poll() is None, "netdom-hostile did not start"
        return toolstack.find_domain(self.switch.xen_dir, self.name)

    def add_port_words(self):
        return ["--", "add-port", "br0", self.port, "--", "set",
                "interface", self.port, "type=xenvif",
                "options:domid=%d" % self.domid, "options:devid=0",
                "options:n_rxq=2", "ofport_request=%d" % self.ofport]

    def report(self):
        """Waits for it.  Meanwhile the switch keeps no more for the attacker
        than it may."""
        while not select.select([self.process.stdout], [], [], 0.2)[0]:
            for queued in re.findall(r"rx queue (\d+) bytes", self.show()):
                assert int(queued) <= self.queue_bytes, queued
        line = self.process.stdout.readline()
        assert line, "the attacker ended with %s and said nothing" % (
            self.process.wait())
        return json.loads(line)

    def counters(self):
        vifs = json.loads(self.switch.appctl("netdom/counters"))["vifs"]
        return vifs[self.port]

    def show(self):
        return self.switch.appctl("xenvif/show", self.port)

    def end(self):
        """Kills the guest and takes its vif away."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        path = toolstack.backend_path(self.switch.domid, self.domid)
        wait_for(lambda: self.switch.xs.read(path + "/state") not in
                 ("4", "5"), 5, "the dead guest's vif to close", 0.01)
        self.switch.xs.remove(path)


class Arena:
    def __init__(self):
        self.session = lab.Session()
        self.n_attackers = 0
        self.hoards = is_sanitized()
        self.broken = False
        try:
            self.switch = Switch(self.session, wrap=SOONER)
            self.sink = Guest(self.switch, "sink", "--sink", wrap=FIRST)
            self.sink.plug(MACS["sink"])
            self.generator = Guest(
                self.switch, "generator", "--pktgen=dst=%s,size=200,"
                "rate=20kpps,id=7" % MACS["sink"], wrap=FIRST)
            self.generator.plug(MACS["generator"])
            self.talker = Guest(
                self.switch, "talker", "--pktgen=dst=%s,size=1514,"
                "rate=2kpps,id=8" % MACS["attacker"], wrap=FIRST)
            self.talker.plug(MACS["talker"])
            self.steer()
        except BaseException:
            self.close()
            raise
        self.pid = self.switch.daemon.pid
        self.log_bytes = 0
        self.wait_traffic()

    def steer(self):
        """The talker's frames are for the attacker, there or not, and the
        attacker's for the talker: the victims' ports are not flooded with
        what is none of their business."""
        port = "vif%d.0" % self.talker.domid
        number = self.switch.vsctl("get", "interface", port,
                                   "ofport").stdout.strip()
        for flow in ("priority=9,in_port=%s,actions=output:%d" % (
                         number, ATTACKER_PORT),
                     "priority=9,dl_dst=%s,actions=output:%s" % (
                         MACS["talker"], number)):
            self.session.run(["ovs-ofctl", "add-flow", "br0", flow],
                             env=self.switch.env)

    def close(self):
        if hasattr(self, "switch"):
            self.switch.xs.close()
        self.session.close()

    def logs(self):
        """The ends of all logs, for a person."""
        texts = []
        for log in sorted((self.session.dir / "log").glob("*.log")):
            tail = log.read_text(errors="replace").splitlines()[-12:]
            texts.append("--- %s\n%s" % (log.name, "\n".join(tail)))
        return "\n".join(texts)

    def flow(self):
        """What the sink knows of the generator's frames."""
        found = [flow for flow in self.sink.stats()["sink"]["generators"]
                 if flow["generator"] == 7]
        return found[0] if found else {"frames": 0, "lost": 0,
                                       "duplicates": 0, "reordered": 0}

    def wait_traffic(self):
        wait_for(lambda: self.flow()["frames"] > 1000, 10,
                 "the victims' traffic")
        self.lost = self.flow()["lost"]

    def log_since(self):
        """What the switch has said since the last call."""
        text = self.switch.daemon.log.read_text(errors="replace")
        since, self.log_bytes = text[self.log_bytes:], len(text)
        return since

    def check_victims(self):
        """Everything that the generator has sent has arrived, the switch is
        the same and has not complained."""
        assert self.switch.daemon.running(), self.switch.daemon.log_tail(30)
        assert self.switch.daemon.pid == self.pid
        sent = self.generator.stats()["pktgen"]["frames"]
        wait_for(lambda: self.flow()["frames"] >= sent, 5,
                 "all %d frames of the victim, lost: %d" % (
                     sent, self.flow()["lost"]), 0.02)
        flow = self.flow()
        assert flow["lost"] == self.lost, "the victim has lost frames"
        assert flow["duplicates"] == flow["reordered"] == 0
        for guest in self.sink, self.generator, self.talker:
            assert self.switch.backend(guest.domid, "state") == str(
                CONNECTED)
        said = self.log_since()
        assert not re.search(r"\|(ERR|EMER)\||Sanitizer|runtime error:",
                             said), said

    def memory_bytes(self):
        """What the switch and the stand-in for Xen have for themselves."""
        total = 0
        for daemon in self.switch.daemon, self.switch.xenlocald:
            with open("/proc/%d/status" % daemon.pid) as status:
                total += int(re.search(r"RssAnon:\s*(\d+) kB",
                                       status.read()).group(1)) * 1024
        return total

    def carry_out(self, attack, variant):
        """One run of one attack: everything that must be so is asserted."""
        attacker = Attacker(self, attack, variant)
        before = self.memory_bytes()
        try:
            self.switch.vsctl(*attacker.add_port_words())
            report = attacker.report()
            assert report["done"], report["why"]
            self.judge(attack, attacker, report)
            hoard = self.memory_bytes() - before
            assert hoard < HOARD_BYTES or self.hoards, (
                "%d bytes more" % hoard)
        finally:
            attacker.end()
            self.switch.vsctl("--if-exists", "del-port", attacker.port)

    def judge(self, attack, attacker, report):
        quarantined = "breaking the protocol" in report["error"]
        if attack.verdict == "quarantine":
            assert quarantined, report["error"]
        elif attack.verdict != "either":
            assert not quarantined, report["error"]
        assert attack.says in report["error"], report["error"]
        if attack.verdict == "refused":
            assert report["refused"] and not report["connected"]
            assert report["error"]

        shown = attacker.show()
        assert ("cut off" in shown) == quarantined, shown
        if quarantined:
            assert report["state"] == report["again"] == CLOSED
            assert "closed for breaking" in self.switch.daemon.log.read_text()
        else:
            assert report["again"] == CONNECTED, (
                "an honest frontend cannot use the vif: %s %s" % (
                    report["why"], report))
        assert report["wrong_ids"] == 0, report
        self.judge_drops(attack, attacker.counters(), report, quarantined)

    def judge_drops(self, attack, counters, report, quarantined):
        drops = counters["drops"]
        assert counters["tx_bytes"] <= counters["tx_packets"] * FRAME_BYTES
        for name, (low, high) in report["drops"].items():
            assert low <= drops[name] <= high, "%s is %d, not %d to %d" % (
                name, drops[name], low, high)

        tx_drops = {name: n for name, n in drops.items()
                    if name.startswith("tx_") and n}
        if attack.verdict == "drops" or (attack.verdict == "nothing"
                                         and not report["accounted"]):
            assert tx_drops.keys() <= report["drops"].keys(), tx_drops
        if report["accounted"] and not quarantined:
            frames = report["frames"] + 64
            early = sum(drops[name] for name in EARLY_DROPS)
            taken = counters["tx_packets"]
            assert taken + early <= frames <= taken + sum(
                tx_drops.values()), "%d frames, %d taken, dropped: %s" % (
                    frames, taken, tx_drops)
