"""ping and iperf3 as measuring tools, and rates over time from the kernel's
counters.

Thread: the main thread; a Sampler runs one of its own, and its lists are
        read after stop() or as they stand.
Errors: LabError, also if a tool says something that cannot be read.
"""

import json
import re
import subprocess
import threading
import time

from lab.net import Link
from lab.session import LabError, signals_held, wait_for


class PingResult:
    def __init__(self, text):
        found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        if not found:
            raise LabError("ping said: %s" % text.strip()[-200:])
        self.sent = int(found.group(1))
        self.received = int(found.group(2))
        rtt = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", text)
        self.rtt_avg_ms = float(rtt.group(2)) if rtt else None
        self.rtts_ms = [float(word) for word in re.findall(
            r"time=([\d.]+) ms", text)]
        # With -D: when each answer came, in s of the real-time clock.
        self.times_s = [float(word) for word in re.findall(
            r"^\[(\d+\.\d+)\] \d+ bytes from", text, re.MULTILINE)]

    @property
    def lost(self):
        return self.sent - self.received

    def longest_gap_s(self):
        """The longest time between two answers."""
        return max((after - before for before, after in zip(
            self.times_s, self.times_s[1:])), default=float("inf"))


def ping(session, ns, address, count=10, interval_s=0.1, extra=()):
    done = session.run(
        ["ping", "-n", "-c", count, "-i", interval_s, "-W", "1", *extra,
         address], ns=ns, timeout_s=count * interval_s + 15, check=False)
    return PingResult(done.stdout + done.stderr)


class LongPing:
    """A ping that runs until it is told to stop, with time stamps."""

    def __init__(self, session, ns, address, interval_s=0.1):
        self._child = session.popen(
            ["ping", "-n", "-D", "-i", interval_s, address], ns=ns,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        self._child.send_signal(2)      # It prints its summary.
        return PingResult(self._child.communicate(timeout=10)[0])


def wait_reachable(session, ns, address, timeout_s=10):
    """Waits until an address answers.  Returns whether it did."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if session.run(["ping", "-n", "-c1", "-W1", address], ns=ns,
                       check=False).returncode == 0:
            return True
    return False


def start_iperf_server(session, ns, port=5201):
    """An iperf3 server that stays until the session ends."""
    daemon = session.start("iperf3-%s-%d" % (ns, port),
                           ["iperf3", "-s", "-p", port, "--forceflush"],
                           ns=ns)
    session.wait_daemon(daemon, lambda: "listening" in daemon.log_tail(50),
                        10, "iperf3's server")
    return daemon


def set_congestion_control(session, ns, name):
    """What TCP of a network namespace's new connections is governed by.
    iperf3's own option (-C) comes too late: pacing that BBR began at the
    handshake goes on."""
    session.run(["sh", "-c", "echo \"$0\" >"
                 " /proc/sys/net/ipv4/tcp_congestion_control", name], ns=ns)


class Iperf:
    """An iperf3 client at work.  'rate_bps' is what UDP offers."""

    def __init__(self, session, ns, address, seconds, udp=False,
                 rate_bps=None, reverse=False, port=5201,
                 datagram_bytes=1448):
        argv = ["iperf3", "-J", "-c", address, "-p", port, "-t", seconds,
                "--connect-timeout", 5000]
        if udp:
            argv += ["-u", "-l", datagram_bytes, "-b", rate_bps or 0]
        elif rate_bps:
            argv += ["-b", rate_bps]
        if reverse:
            argv.append("-R")
        self._timeout_s = seconds + 20
        self._child = session.popen(argv, ns=ns, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)

    def result(self):
        """Waits for the end.  Returns what the receiver got, as
        {"goodput_bps", "lost_percent"}."""
        try:
            out, err = self._child.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise LabError("iperf3 did not end") from None
        try:
            report = json.loads(out)
            if "error" in report:
                raise LabError("iperf3: %s" % report["error"])
            end = report["end"]
            total = end.get("sum_received") or end["sum"]
            goodput_bps = total["bits_per_second"]
            if "sum_received" not in end or not goodput_bps:
                goodput_bps = end["sum"]["bits_per_second"] * (
                    1 - end["sum"].get("lost_percent", 0) / 100)
        except (ValueError, KeyError) as error:
            raise LabError("iperf3 said nothing readable (%s): %s"
                           % (error, err.strip())) from None
        return {"goodput_bps": goodput_bps,
                "lost_percent": end.get("sum", {}).get("lost_percent")}

    def stop(self):
        self._child.kill()
        self._child.communicate()


def rate_bps(before, after, direction="rx"):
    """L2 bits per second between two counts of a Link."""
    field = direction + "_bytes"
    return ((getattr(after, field) - getattr(before, field)) * 8e9
            / (after.time_ns - before.time_ns))


def measure_rate(link, warm_up_s=1.0, window_s=5.0, direction="rx"):
    """The rate at which a link received while traffic ran."""
    time.sleep(warm_up_s)
    before = link.count()
    time.sleep(window_s)
    return rate_bps(before, link.count(), direction)


class Sampler:
    """Reads the counters of links at a steady pace, for plots."""

    def __init__(self, interval_s=0.1):
        self.interval_s = interval_s
        self.begun_ns = time.monotonic_ns()
        self.links = {}
        self.samples = {}               # Key: list of Counts.
        self._stop = threading.Event()
        with signals_held():            # They are the main thread's.
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def add(self, key, ns, ifname):
        link = Link(ns, ifname)
        self.samples[key] = []
        self.links = {**self.links, key: link}
        return link

    def seconds(self, time_ns=None):
        """Seconds since the sampler began."""
        if time_ns is None:
            time_ns = time.monotonic_ns()
        return (time_ns - self.begun_ns) / 1e9

    def _run(self):
        while not self._stop.wait(self.interval_s):
            for key, link in self.links.items():
                try:
                    self.samples[key].append(link.count())
                except (LabError, OSError):
                    pass                # Not there: a gap in the line.

    def rates(self, key, direction="rx", since_s=0.0, step=1):
        """[(seconds, bit/s)] between each sample and the 'step'th after."""
        samples = list(self.samples[key])[::step]
        return [(self.seconds(after.time_ns),
                 rate_bps(before, after, direction))
                for before, after in zip(samples, samples[1:])
                if self.seconds(before.time_ns) >= since_s]

    def wait_rate(self, key, low_bps, high_bps, timeout_s, direction="rx"):
        """Waits until the rate over two samples is within bounds.  Returns
        when (seconds), or None."""
        since_s = self.seconds()

        def reached():
            for seconds, bps in self.rates(key, direction, since_s):
                if low_bps <= bps <= high_bps:
                    return seconds
            return None
        try:
            return wait_for(reached, timeout_s, key)
        except LabError:
            return None

    def stop(self):
        self._stop.set()
        self._thread.join(timeout=5)
        for link in self.links.values():
            link.close()
        self.links = {}
