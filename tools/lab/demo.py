"""Shows netdom's main job end to end on this machine: two tenants, their
guests, their limits, measured from outside.

Needs root or sudo; no Xen, no NIC, no hugepages.  Installs what is missing
from Debian (asks first), builds, runs for about two minutes, and removes
everything it started."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOOLS))

import lab                                                  # noqa: E402
from lab import plot, remains, report                       # noqa: E402
from lab.measure import Measurement                         # noqa: E402
from lab.report import Row                                  # noqa: E402
from lab.scene import TwoTenants, VIFS                      # noqa: E402

PAGE = str(TOOLS.parent / "build/demo.html")

EPILOG = """\
exit status: 0 every expectation held; 1 one did not (with --check-only:
something is missing); 2 could not run, or was interrupted."""

begun = time.monotonic()


def tell(text):
    print("demo: [%5.1f s] %s" % (time.monotonic() - begun, text),
          file=sys.stderr, flush=True)


def set_up(options):
    """Runs tools/setup, its words on stderr.  Returns its exit status."""
    argv = [str(TOOLS / "setup")]
    argv += ["--yes"] if options.yes else []
    argv += ["--check-only"] if options.check_only else []
    if "NETDOM_BUILD" in os.environ:
        argv.append("--build-dir=" + os.environ["NETDOM_BUILD"])
    return subprocess.run(argv, stdout=sys.stderr).returncode


def platform_missing():
    """What no package brings."""
    missing = []
    if not os.path.exists("/dev/net/tun"):
        missing.append("/dev/net/tun: load the kernel's module tun"
                       " (modprobe tun)")
    if os.geteuid() != 0 and not shutil.which("sudo"):
        missing.append("root or sudo: network namespaces need it")
    return missing


def become_root():
    """Starts anew under sudo, set-up done."""
    keep = ["%s=%s" % (name, os.environ[name]) for name in ("NETDOM_BUILD",)
            if name in os.environ]
    os.execvp("sudo", ["sudo", *keep, str(TOOLS / "demo"), *sys.argv[1:]])


def charts(scene, measurement, end_s):
    """One chart per VIF: what it sent and received, and its limits."""
    drawn = []
    for number, vif in enumerate(VIFS):
        lines = []
        for direction, colour in zip(("tx", "rx"), plot.COLOURS):
            # The guest's tap sends what the VIF sends.
            lines.append(plot.Line(
                "sent" if direction == "tx" else "received",
                scene.sampler.rates(vif.name, direction, step=5),
                colour=colour))
            limits = scene.limits_over_time[(vif.name, direction)]
            lines.append(plot.Line(
                direction + " limit", limits + [(end_s, limits[-1][1])],
                steps=True, colour=colour))
        drawn.append(plot.chart_svg("vif%d" % number, vif.name, lines,
                                    measurement.marks, end_s))
    return drawn


def write_page(path, page):
    path.write_text(page, encoding="utf-8")
    if "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]),
                 int(os.environ["SUDO_GID"]))
    tell("page: %s" % path)


def keep_running(scene):
    host = scene.host
    folder = host.tenant_dir("red")
    tell("all of it stays until Ctrl-C.  Have a look, as root:")
    for line in (
            "OVS_RUNDIR=%s ovs-vsctl show" % folder,
            "ovs-appctl -t %s xenvif/show" % host.control_socket("red"),
            "%s --db=%s show" % (lab.session.find_program("netdom-ctl"),
                                 host.database),
            "ip netns exec %s bash       # In guest red-a."
            % scene.ends["red-a"].ns,
            "ls %s" % (scene.session.dir / "log")):
        print("  " + line, file=sys.stderr, flush=True)
    while True:
        signal.pause()


def left_behind(session):
    """What of a run is still there, by its names."""
    done = subprocess.run(["ip", "-o", "link"], capture_output=True,
                          text=True, check=False)
    left = [line.split()[1].split("@")[0].rstrip(":")
            for line in done.stdout.splitlines()
            if " nd" + session.id in line]
    left += [str(path) for path in remains.NETNS_DIR.glob(
        "netdom-%s-*" % session.id)]
    left += ["pid %d" % pid for pid
             in remains.daemons_naming(str(session.dir) + "/")]
    left += [str(group) for group in remains.cgroups_of(session.id)]
    left += [str(session.dir)] if session.dir.exists() else []
    return left


def run(options):
    for leftover in lab.clean_leftovers():
        tell("removed what run %s had left behind" % leftover)
    with lab.Session() as session:
        tell("run %s, logs in %s" % (session.id, session.dir / "log"))
        scene = TwoTenants(session, limits=not options.no_limits, tell=tell)
        scene.start()
        measurement = Measurement(scene,
                                  window_s=2.0 if options.quick else 5.0)
        if options.no_limits:
            measurement.limits()
        else:
            measurement.run()
        end_s = scene.sampler.seconds()
        if options.keep:
            try:
                keep_running(scene)
            except lab.Interrupted:
                pass
        tell("taking it down")
    rows = measurement.rows
    left = left_behind(session)
    rows.append(Row("left behind at the end", "0", len(left), "things",
                    not left, "ip, /proc", ", ".join(left)))
    return scene, measurement, end_s


def give_report(options, scene, measurement, end_s):
    rows = measurement.rows
    facts = [("kernel", platform.release()), ("processors", os.cpu_count()),
             ("when", time.strftime("%Y-%m-%d %H:%M:%S %Z")),
             ("took", "%.0f s after set-up" % end_s)]
    if options.html:
        write_page(pathlib.Path(options.html), report.page(
            "netdom: two tenants on one host",
            "Two tenants with the same addresses, two guests each; every"
            " limit was set by netdom-ctl and measured at the receiving"
            " interface.", rows, charts(scene, measurement, end_s), facts))
    if options.json:
        print(json.dumps({
            "ok": all(row.ok for row in rows),
            "rows": [row.as_dict() for row in rows],
            "seconds": round(end_s, 1),
            "machine": {"kernel": platform.release(),
                        "processors": os.cpu_count()}}, indent=1))
    else:
        print(report.table(rows))
        bad = sum(not row.ok for row in rows)
        print("\n%d expectations, %d held, %d failed" % (
            len(rows), len(rows) - bad, bad))


def main():
    parser = argparse.ArgumentParser(
        prog="tools/demo", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yes", action="store_true",
                        help="install missing packages without asking")
    parser.add_argument("--check-only", action="store_true",
                        help="say what is missing, change nothing")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object on standard output, no table")
    parser.add_argument("--html", metavar="FILE", default=PAGE,
                        help="where to write the page with plots (default:"
                        " build/demo.html)")
    parser.add_argument("--keep", action="store_true",
                        help="leave it running for a look, until Ctrl-C")
    parser.add_argument("--quick", action="store_true",
                        help="measure each limit for 2 s, not 5")
    parser.add_argument("--no-limits", action="store_true",
                        help="set no limit, and measure the limits all the"
                        " same: these rows must fail")
    options = parser.parse_args()

    missing = platform_missing()
    for line in missing:
        print("demo: missing: " + line, file=sys.stderr)
    if options.check_only:
        return 1 if set_up(options) or missing else 0
    if missing:
        return 2
    if set_up(options):
        print("demo: set-up failed: see above", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        become_root()

    lab.end_on_signals()
    try:
        scene, measurement, end_s = run(options)
        give_report(options, scene, measurement, end_s)
    except lab.LabError as error:
        print("demo: %s" % error, file=sys.stderr)
        return 2
    except lab.Interrupted as interrupted:
        print("demo: %s: everything was taken down" % interrupted,
              file=sys.stderr)
        return 2
    return 0 if all(row.ok for row in measurement.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
