"""What the demo measures: each step takes the scene and adds rows.

Thread: the main thread.
Errors: LabError from a step becomes a failed row of that step's name.
"""

import os
import signal
import time

from lab import net, traffic
from lab.report import Row
from lab.scene import MAC_A, MAC_B, MBIT, VIFS, VLANS
from lab.session import LabError, wait_for

LOW, HIGH = 0.95, 1.02
FLOOD_FRAMES = 20000
NOBODY = "02:00:00:00:99:99"            # No interface has this MAC.

# Who sends to whom, and which of the two limits binds.
FLOWS = (
    ("red-a", "red-b", "red-a", "tx"),
    ("red-b", "red-a", "red-a", "rx"),
    ("red-b", "red-world", "red-b", "tx"),
    ("red-world", "red-b", "red-b", "rx"),
    ("blue-a", "blue-b", "blue-a", "tx"),
    ("blue-world", "blue-a", "blue-a", "rx"),
)


class Measurement:
    def __init__(self, scene, window_s=5.0, warm_up_s=1.0):
        self.scene = scene
        self.session = scene.session
        self.host = scene.host
        self.sampler = scene.sampler
        self.window_s = window_s
        self.warm_up_s = warm_up_s
        self.rows = []
        self.marks = []                 # (seconds, words, strong).

    def add(self, name, goal, result, unit, ok, by, note=""):
        row = Row(name, goal, result, unit, ok, by, note)
        self.rows.append(row)
        self.scene.tell("  %s %s: %s" % ("ok    " if row.ok else "FAILED",
                                         name, "%s %s" % (result, unit)))

    def mark(self, words, strong=False):
        self.marks.append((self.sampler.seconds(), words, strong))

    def step(self, name, function):
        """Runs a step; what keeps it from measuring is a failed row."""
        self.scene.tell(name)
        self.mark(name)
        try:
            function()
        except (LabError, OSError) as error:
            self.add(name, "can be measured", str(error), "", False,
                     "the demo")

    # Reach.

    def reach(self):
        """Everyone reaches whom he may."""
        for tenant in VLANS:
            here = self.scene.ends[tenant + "-a"]
            for other in ("-b", "-world"):
                there = self.scene.ends[tenant + other]
                traffic.wait_reachable(self.session, here.ns, there.address)
                result = traffic.ping(self.session, here.ns, there.address)
                self.add("ping %s to %s" % (here.name, there.name),
                         "0 lost of %d" % result.sent, result.lost, "lost",
                         result.lost == 0 and result.sent > 0, "ping",
                         "round trip %s ms" % result.rtt_avg_ms)

    # Limits.

    def limit(self, sender, receiver, vif, direction, udp, name=None):
        """One flow against one limit, at the receiving interface."""
        source, sink = self.scene.ends[sender], self.scene.ends[receiver]
        limit_bps = self.scene.limits_over_time[(vif, direction)][-1][1]
        client = traffic.Iperf(
            self.session, source.ns, sink.address,
            seconds=round(self.warm_up_s + self.window_s + 1), udp=udp,
            rate_bps=int(limit_bps * 1.25) if udp else None)
        try:
            rate = traffic.measure_rate(self.scene.link(receiver),
                                        self.warm_up_s, self.window_s)
        finally:
            goodput_bps = client.result()["goodput_bps"]
        self.add(
            name or "%s %s limit, %s to %s, %s" % (
                vif, direction, sender, receiver, "UDP" if udp else "TCP"),
            "%.4g (95 to 102 %%)" % (limit_bps / MBIT),
            round(rate / MBIT, 3), "Mbit/s",
            LOW * limit_bps <= rate <= HIGH * limit_bps, "kernel counters",
            "%.1f %% of the limit; goodput %.4g Mbit/s"
            % (100 * rate / limit_bps, goodput_bps / MBIT))

    def limits(self):
        for sender, receiver, vif, direction in FLOWS:
            for udp in (False, True):
                words = "%s %s %s" % (vif, direction, "UDP" if udp else "TCP")
                self.step(words, lambda: self.limit(
                    sender, receiver, vif, direction, udp))

    # Isolation.

    def _quiet(self, ends):
        """Waits until the ends receive nothing."""
        def counts():
            return [self.scene.link(end).count().rx_packets for end in ends]
        before = counts()

        def still():
            nonlocal before
            now = counts()
            same = now == before
            before = now
            return same
        wait_for(still, 10, "quiet at %s" % ", ".join(ends), poll_s=0.5)

    def _vif_rx(self, tenant):
        return sum(vif["rx_packets"]
                   for vif in self.host.counters(tenant).values())

    def isolation(self):
        """A flood in red; blue must not see one frame of it."""
        blue = ("blue-a", "blue-b", "blue-world")
        self._quiet(blue)
        source, sibling = self.scene.ends["red-b"], self.scene.ends["red-a"]
        counter = net.FrameCounter(sibling.ns, sibling.iface)
        before = {end: self.scene.link(end).count() for end in blue}
        before_vif = self._vif_rx("blue")
        for kind, dst in (("broadcast", "ff:ff:ff:ff:ff:ff"),
                          ("unknown unicast", NOBODY)):
            frame = net.experiment_frame(dst, MAC_B, 200, kind.encode())
            # Below the sibling's limit, so that what is lost was lost.
            net.send_frames(source.ns, source.iface, [frame] * FLOOD_FRAMES,
                            frames_per_s=20000)
        time.sleep(1.0)                 # Queues drain.
        seen = counter.take()
        counter.close()
        after = {end: self.scene.link(end).count() for end in blue}
        leaked = {end: after[end].rx_packets - before[end].rx_packets
                  for end in blue}
        least = round(0.95 * 2 * FLOOD_FRAMES)
        self.add("flood in red arrives in red", "%d or more" % least, seen,
                 "frames", seen >= least, "packet socket",
                 "%d sent by red-b, half broadcast, half unknown unicast"
                 % (2 * FLOOD_FRAMES))
        self.add("flood in red, blue's taps", "0",
                 leaked["blue-a"] + leaked["blue-b"], "frames",
                 leaked["blue-a"] + leaked["blue-b"] == 0, "kernel counters")
        self.add("flood in red, blue's VLAN in the world", "0",
                 leaked["blue-world"], "frames", leaked["blue-world"] == 0,
                 "kernel counters")
        vif = self._vif_rx("blue") - before_vif
        self.add("flood in red, blue's rings", "0", vif, "frames", vif == 0,
                 "netdom/counters")

    def forgery(self):
        """A guest that lies about its MAC is not heard."""
        source, sibling = self.scene.ends["red-a"], self.scene.ends["red-b"]
        counter = net.FrameCounter(sibling.ns, sibling.iface)
        honest = net.experiment_frame(MAC_B, MAC_A, 100, b"honest")
        forged = net.experiment_frame(MAC_B, NOBODY, 100, b"forged")
        net.send_frames(source.ns, source.iface, [forged, honest] * 100)
        time.sleep(0.5)
        frames = counter.take_all()
        counter.close()
        good = sum(b"honest" in frame for frame in frames)
        bad = sum(b"forged" in frame for frame in frames)
        self.add("red-a forges its MAC", "0 of 100", bad, "frames",
                 bad == 0 and good == 100, "packet socket",
                 "%d of 100 honest frames between them arrived" % good)

    # OpenFlow and OVSDB.

    def acl(self):
        here, there = self.scene.ends["red-a"], self.scene.ends["red-b"]
        self.host.ofctl("red", "add-flow", "priority=1000,icmp,actions=drop")
        wait_for(lambda: not traffic.ping(
            self.session, here.ns, there.address, count=1).received, 5,
            "the ACL to reach the datapath")
        result = traffic.ping(self.session, here.ns, there.address)
        self.add("ovs-ofctl drops ICMP in red, ping", "0 of %d" % result.sent,
                 result.received, "answers",
                 result.received == 0 and result.sent > 0, "ping")
        client = traffic.Iperf(self.session, here.ns, there.address, 1)
        goodput = client.result()["goodput_bps"] / MBIT
        self.add("ovs-ofctl drops ICMP in red, TCP", "passes",
                 round(goodput, 2), "Mbit/s", goodput > 0.1, "iperf3")
        blue = traffic.ping(self.session, self.scene.ends["blue-a"].ns,
                            self.scene.ends["blue-b"].address)
        self.add("red's ACL, ping in blue", "0 lost", blue.lost, "lost",
                 blue.lost == 0, "ping")
        self.host.ofctl("red", "del-flows", "icmp")
        traffic.wait_reachable(self.session, here.ns, there.address)
        result = traffic.ping(self.session, here.ns, there.address)
        self.add("ACL removed, ping", "0 lost", result.lost, "lost",
                 result.lost == 0, "ping")

    def tools(self):
        """The tenant's switch answers Open vSwitch's own tools."""
        shown = self.host.vsctl("red", "show")
        ports = [self.host.port(vif.name) for vif in VIFS
                 if vif.tenant == "red"]
        found = sum(port in shown for port in ports)
        self.add("ovs-vsctl show lists red's VIFs", "2", found, "ports",
                 found == 2, "ovs-vsctl", ", ".join(ports))
        learnt = self.host.appctl("red", "fdb/show", "br0")
        found = sum(mac in learnt for mac in (MAC_A, MAC_B))
        self.add("ovs-appctl fdb/show knows red's MACs", "2", found, "MACs",
                 found == 2, "ovs-appctl")

    # A limit changed under traffic.

    def live_change(self, new_bps=20 * MBIT):
        old_bps = self.scene.limits_over_time[("red-b", "tx")][-1][1]
        source, sink = self.scene.ends["red-b"], self.scene.ends["red-world"]
        client = traffic.Iperf(
            self.session, source.ns, sink.address, udp=True,
            seconds=round(self.warm_up_s + self.window_s + 5),
            rate_bps=int(old_bps * 1.25))
        try:
            time.sleep(2.0)
            begun_s = self.sampler.seconds()
            self.scene.set_rate("red-b", "tx", new_bps)
            self.mark("red-b tx to %d Mbit/s" % (new_bps / MBIT))
            held_s = self.sampler.wait_rate("red-world", 0.8 * new_bps,
                                            1.1 * new_bps, 3.0)
            took_s = None if held_s is None else held_s - begun_s
            self.add("limit changed under traffic takes hold",
                     "within 1", "never" if took_s is None
                     else round(took_s, 2), "s",
                     took_s is not None and took_s <= 1.0,
                     "kernel counters",
                     "red-b tx, %d to %d Mbit/s; netdom-ctl's own time"
                     " included, sampled every 0.1 s"
                     % (old_bps / MBIT, new_bps / MBIT))
            rate = traffic.measure_rate(self.scene.link("red-world"), 0.5,
                                        self.window_s)
            self.add("the changed limit, red-b to red-world, UDP",
                     "%.4g (95 to 102 %%)" % (new_bps / MBIT),
                     round(rate / MBIT, 3), "Mbit/s",
                     LOW * new_bps <= rate <= HIGH * new_bps,
                     "kernel counters")
        finally:
            client.stop()
            self.scene.set_rate("red-b", "tx", old_bps)

    # A switch killed.

    def kill(self):
        """Red's switch dies by SIGKILL; blue must not notice, and red must
        come back by itself."""
        red, red_to = self.scene.ends["red-a"], self.scene.ends["red-b"]
        blue, blue_to = self.scene.ends["blue-a"], self.scene.ends["blue-b"]
        guests = [guest.daemon for guest in self.host.guests.values()]
        pids = self.host.switch_pids("red")
        if not pids:
            raise LabError("red has no netdom-vswitchd to kill")

        load = traffic.Iperf(self.session, blue.ns, blue_to.address, 14,
                             udp=True, rate_bps=100 * MBIT)
        red_ping = traffic.LongPing(self.session, red.ns, red_to.address)
        blue_ping = traffic.LongPing(self.session, blue.ns, blue_to.address)
        try:
            before = traffic.measure_rate(self.scene.link("blue-b"), 1.5, 3.0)
            killed_s = time.time()
            begin = self.scene.link("blue-b").count()
            self.mark("kill -9 of red's switch", strong=True)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            time.sleep(7.0)
            during = traffic.rate_bps(begin, self.scene.link("blue-b").count())
        finally:
            victim, gap = blue_ping.stop(), red_ping.stop()
            load.stop()

        self.add("red's switch killed, blue's ping", "0 lost of %d"
                 % victim.sent, victim.lost, "lost",
                 victim.lost == 0 and victim.sent > 50, "ping")
        self.add("red's switch killed, blue's throughput",
                 "%.4g or more" % (0.99 * before / MBIT),
                 round(during / MBIT, 2), "Mbit/s",
                 during >= 0.99 * before > 90 * MBIT, "kernel counters",
                 "7 s from the kill against 3 s before it: %.2f %%"
                 % (100 * during / max(before, 1)))
        back = [at for at in gap.times_s if at > killed_s + 0.05]
        last = [at for at in gap.times_s if at <= killed_s + 0.05]
        gap_s = back[0] - last[-1] if back and last else None
        new = self.host.switch_pids("red")
        self.add("red's switch killed, red's ping runs again: reconnect",
                 "within 5", "never" if gap_s is None else round(gap_s, 2),
                 "s", gap_s is not None and gap_s <= 5.0
                 and len(back) > 5, "ping",
                 "gap between two answers; the frontends reconnected")
        same = all(guest.running() for guest in guests)
        self.add("guests untouched by the kill", "4 run on",
                 sum(guest.running() for guest in guests), "guests",
                 same and bool(new) and not set(new) & set(pids),
                 "the demo", "red's switch is a new process")

    def run(self):
        self.step("reach", self.reach)
        self.limits()
        self.step("isolation", self.isolation)
        self.step("forgery", self.forgery)
        self.step("ACL by ovs-ofctl", self.acl)
        self.step("ovs-vsctl, ovs-appctl", self.tools)
        self.step("live change", self.live_change)
        self.step("SIGKILL", self.kill)
        self.step("limit after it", lambda: self.limit(
            "red-b", "red-world", "red-b", "tx", True,
            "red-b tx limit after the kill, UDP"))
