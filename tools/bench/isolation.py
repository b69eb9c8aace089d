"""The command 'isolation': what a victim notices of an attack beside it.

Thread: the main thread.
Errors: LabError.
"""

import argparse
import os
import pathlib
import time

from bench import attacks, isolation_result
from bench.attacks import Place
from bench.chart import arms_svg
from bench.frame import run_in_session
from bench.rate import parse_count, parse_positive
from bench.result import Result
from bench.slices import Turn, parse_stalls
from bench.victim import FLOWS, FRAME_BYTES, RATE_PPS, Victim
from lab.host import Host
from lab.session import LabError

NAME = "isolation"
SUMMARY = "what a victim notices of thirteen attacks beside it"
DESCRIPTION = """\
Starts a host of its own, with a victim, which sends at a steady rate out of an
uplink and has a guarantee of all that, and an attacker, each on a core of its
own.  First they are two tenants; then VIFs of one tenant, polled by one thread, for the attacks
that a guest can make.  Each attack has four arms, in turn: the victim alone;
beside programs that only spin, in the attacker's place; attacked; and attacked
where both are VIFs of one switch that keeps nobody apart.  A fiftieth of a
second in which a core was away for half a millisecond, as a virtual machine's
is when its host runs others, is set aside, and the next one too; if that are
more than a quarter of all, the command could not run.  Where the comparison of
attacked and spinner may be chance, those two have more turns, until with 95 %
confidence it is none.  All of it takes about an hour.  Needs root and two
cores."""

VICTIM, ATTACKER, SHARED = "victim", "attacker", "shared"
ARRANGEMENTS = {"tenants": "two tenants", "vifs": "two VIFs"}
LINK_MBIT = 100                         # Of each uplink.
PRIORITY = 4                            # Below the victim's guest's.
CPU_GROUP_TASKS = pathlib.Path("/sys/fs/cgroup/cpu/tasks")
LEAD_S = 0.2                            # Before a turn is measured,
TAIL_S = 0.07                           # and after.
MORE = 5                                # Rounds, until it is looked at again.


def parse_names(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    "'%s': known are %s" % (name, ", ".join(known)))
        return names
    return parse


def add_options(parser):
    known = list(attacks.make())
    parser.add_argument("--attacks", type=parse_names(known),
                        default=",".join(known), metavar="NAME,...",
                        help="which (default: %(default)s)")
    parser.add_argument("--arrangements", type=parse_names(ARRANGEMENTS),
                        default=",".join(ARRANGEMENTS), metavar="NAME,...",
                        help="which (default: %(default)s)")
    parser.add_argument("--rounds", type=parse_count, default=10, metavar="N",
                        help="how often each arm's turn comes (default:"
                        " %(default)s)")
    parser.add_argument("--more-rounds", type=parse_count_or_none,
                        default=50, metavar="N", help="how often, at most, the two arms"
                        " that are compared have another turn, if chance"
                        " could still have decided (default: %(default)s)")
    parser.add_argument("--seconds", type=parse_positive, default=1.0,
                        help="how long a turn is (default: %(default)s)")


def parse_count_or_none(text):
    return 0 if text == "0" else parse_count(text)


class Uplink:
    """A tenant with a way out: a veth pair in the place of a VF, whose other
    end, 'behind', is in the namespace 'ns'."""

    def __init__(self, host, tenant):
        session = host.session
        self.tenant = tenant
        self.behind = "eth0"
        self.ns = session.add_namespace(tenant)
        iface = session.link_name("v" + tenant)
        session.add_veth(iface, None, self.behind, self.ns)
        host.ctl("vf-add", "vf-" + tenant, "iface=" + iface,
                 "max_rate=%dMbit" % LINK_MBIT)
        host.ctl("tenant-add", tenant, "host=here", "vf=vf-" + tenant)
        host.ctl("set-fail-mode", tenant, "standalone")
        host.tenants.append(tenant)
        host.wait_running(tenant)


class IsolationBench:
    def __init__(self, session, options, tell):
        self.session = session
        self.options = options
        self.tell = tell
        self.host = Host(session)
        self.victims, self.places, self.cpus = {}, {}, []
        self.stolen = session.dir / "stolen"
        self.result = Result(
            NAME, "%d frames of %d bytes in a second, of %d flows, from a"
            " guest out of an uplink of %d Mbit/s; %g s a turn." % (
                RATE_PPS, FRAME_BYTES, FLOWS, LINK_MBIT, options.seconds))
        self.n_slices = self.n_spoilt = 0
        self.found = {}                 # (arrangement, attack): [round].

    # The host.

    def start(self):
        self.tell("starting a host with three tenants")
        watch = self.session.start("bench-stolen",
                                   ["bench-stolen", self.stolen])
        self.session.wait_daemon(
            watch, self.stolen.exists, 5, "bench-stolen")
        self.host.start()
        self.host.start_controller()
        self.host.ctl("--may-exist", "host-add", "here")
        uplinks = [Uplink(self.host, tenant)
                   for tenant in (VICTIM, ATTACKER, SHARED)]
        cpus = [self.host.polling_cpu(uplink.tenant) for uplink in uplinks]
        if cpus[0] != cpus[2] or cpus[0] == cpus[1]:
            raise LabError("needs two cores: tenants poll on %s" % cpus)
        for number, uplink in enumerate(uplinks):
            self.host.confine(uplink.tenant, cpus[number])
            if uplink.tenant != ATTACKER:
                self.victims[uplink.tenant] = Victim(self.host, uplink,
                                                     number, cpus[0])
            if uplink.tenant != VICTIM:
                self.places[uplink.tenant] = Place(self.host, uplink, number,
                                                   cpus[1])
        for one in (*self.victims.values(), *self.places.values()):
            one.define()
        for victim in self.victims.values():
            victim.start()
        # A tenant's thread has its core for itself where cores are not
        # scarce.  This is not done to the one that both share, which an
        # attack keeps busy: it would starve all else.
        for task in self.host.polling_threads(VICTIM):
            put_first(task)
        self.cpus = cpus

    # A turn.

    def spin(self, arrangement):
        """Programs in the attacker's place: where its guests are, and, where
        its frames are polled by the victim's thread, there."""
        cpus = [self.cpus[1]]
        if arrangement == "vifs":
            cpus.append(self.cpus[0])
        return [self.session.popen(["taskset", "-c", str(cpu), "sh", "-c",
                                    "while :; do :; done"]) for cpu in cpus]

    def measure(self, victim):
        victim.go()
        time.sleep(LEAD_S)
        begin_ns = time.monotonic_ns()
        time.sleep(self.options.seconds)
        end_ns = time.monotonic_ns()
        time.sleep(TAIL_S)              # Until the last slice is told.
        victim.halt()
        slices = victim.slices(begin_ns, end_ns)
        stalls = parse_stalls(self.stolen.read_text())
        turn = Turn(slices, stalls, RATE_PPS)
        self.n_slices += turn.n_slices
        self.n_spoilt += turn.n_spoilt
        return turn

    def attacked(self, attack, victim):
        try:
            attack.go()
            return self.measure(victim)
        finally:
            attack.halt()

    def turn(self, arrangement, arm, on, off):
        """One arm; 'on' and 'off' are the attack where it is isolated and
        where it is not."""
        victim = self.victims[VICTIM if arrangement == "tenants" else SHARED]
        if arm == "alone":
            return self.measure(victim)
        if arm == "spinner":
            spinners = self.spin(arrangement)
            try:
                return self.measure(victim)
            finally:
                for spinner in spinners:
                    spinner.kill()
                    spinner.wait()
        if arm == "attacked":
            return self.attacked(on, victim)
        self.host.appctl(SHARED, "xenvif/isolation", "off")
        try:
            return self.attacked(off, self.victims[SHARED])
        finally:
            self.host.wait_running(SHARED)
            self.host.appctl(SHARED, "xenvif/isolation", "on")

    def try_attack(self, arrangement, name):
        on, off = attacks.make()[name], attacks.make()[name]
        if arrangement == "tenants":
            on.prepare(self.places[ATTACKER])
            off.prepare(self.places[SHARED])
        else:
            off.prepare(self.places[SHARED])
            on = off
        kept = self.found.setdefault((arrangement, name), [])

        def go_round(arms):
            turns = {arm: self.turn(arrangement, arm, on, off)
                     for arm in arms}
            if all(turn.counts for turn in turns.values()):
                kept.append({arm: turn.as_dict()
                             for arm, turn in turns.items()})

        try:
            for _ in range(self.options.rounds):
                go_round(isolation_result.ARMS)
            for i in range(self.options.more_rounds):
                if i % MORE == 0 and kept and isolation_result.is_decided(
                        kept):
                    break
                go_round(isolation_result.COMPARED)
        finally:
            for attack in {on, off}:
                attack.end()
        if kept:
            self.tell("%s, %s: %s" % (
                ARRANGEMENTS[arrangement], on.title,
                ", ".join(isolation_result.shown(kept, arm)
                          for arm in isolation_result.ARMS)))

    # All.

    def chart(self, arrangement):
        known = attacks.make()
        bars = {known[name].title: {
            arm: isolation_result.median(rounds, arm, "p99_us")
            for arm in isolation_result.ARMS}
            for (of, name), rounds in self.found.items()
            if of == arrangement and rounds}
        svg = arms_svg("p99_" + arrangement, "%s: the victim's p99"
                       % ARRANGEMENTS[arrangement], bars,
                       isolation_result.ARMS, "us")
        if svg:
            self.result.charts.append((ARRANGEMENTS[arrangement], svg))

    def run(self):
        known = attacks.make()
        self.start()
        for arrangement in self.options.arrangements:
            for name in self.options.attacks:
                if arrangement == "tenants" or known[name].by_guest:
                    self.try_attack(arrangement, name)
        spoilt = "%d of %d slices" % (self.n_spoilt, self.n_slices)
        self.result.facts["set aside, a core was away"] = spoilt
        if isolation_result.too_many_spoilt(self.n_spoilt, self.n_slices):
            raise LabError("%s were set aside, since a core was away: repeat"
                           " it on a quieter machine" % spoilt)
        for (arrangement, name), rounds in self.found.items():
            if not rounds:
                raise LabError("%s, %s: all rounds were set aside" % (
                    ARRANGEMENTS[arrangement], name))
            isolation_result.add_rows(
                self.result, "%s, %s" % (ARRANGEMENTS[arrangement],
                                         known[name].title),
                rounds, known[name].is_flood)
        self.result.facts["stolen time that Linux reports"] = steal_ticks()
        for arrangement in self.options.arrangements:
            self.chart(arrangement)
        return self.result


def put_first(task):
    """Gives a thread real-time priority, out of a control group (v1) that has
    no time for such, if it is in one."""
    try:
        os.sched_setscheduler(task, os.SCHED_RR, os.sched_param(PRIORITY))
    except PermissionError:
        CPU_GROUP_TASKS.write_text(str(task))
        os.sched_setscheduler(task, os.SCHED_RR, os.sched_param(PRIORITY))


def steal_ticks():
    """Since the machine started (proc(5))."""
    words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    return "%s ticks" % words[8]


def run(options, tell):
    return run_in_session(IsolationBench, options, tell)
