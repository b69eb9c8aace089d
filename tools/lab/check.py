"""Runs every test of netdom: does all set-up, says what it does, ends with a
list of failures and the line 'N passed, N failed, N skipped'."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import proof                                       # noqa: E402
from lab.proof import ROOT, CannotRun                       # noqa: E402

BUILD = ROOT / "build"

EPILOG = """\
steps: %s.
exit status: 0 every test passed; 1 a test failed; 2 could not run."""


class Tally:
    """What passed, what failed and why, what was skipped."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, name, error=None, skip=None):
        if error is not None:
            self.failed.append((name, error.strip()))
        elif skip is not None:
            self.skipped.append((name, skip.strip()))
        else:
            self.passed += 1

    def add_junit(self, step, path):
        """Adds every test case of a junit file.  Returns their number."""
        cases = ET.parse(path).getroot().findall(".//testcase")
        for case in cases:
            name = "%s: %s: %s" % (step, case.get("classname", ""),
                                   case.get("name", ""))
            bad = case.find("failure")
            if bad is None:
                bad = case.find("error")
            skip = case.find("skipped")
            if bad is not None:
                text = (bad.get("message") or "") + "\n" + (bad.text or "")
                self.add(name, error=text.strip() or "failed")
            elif skip is not None:
                self.add(name, skip=skip.get("message") or "")
            else:
                self.add(name)
        return len(cases)


def say(text):
    proof.say(text, sys.stdout)


def run(argv, timeout_s, **kwargs):
    """Runs a command, its output to ours.  Returns its exit status."""
    return proof.run(argv, timeout_s, **{"stdout": None, **kwargs})


def step_setup(tally, options):
    argv = [ROOT / "tools/setup", "--tests"] + (
        ["--yes"] if options.yes else [])
    # It may ask: the terminal is its own.
    say("$ " + " ".join(map(str, argv)))
    status = subprocess.run(argv, cwd=ROOT).returncode
    if status:
        raise CannotRun("set-up failed: see above what is missing")


def meson_test(tally, step, build, timeout_multiplier=1, env=None):
    junit = build / "meson-logs/testlog.junit.xml"
    junit.unlink(missing_ok=True)
    status = run(["meson", "test", "-C", build, "--print-errorlogs",
                  "--timeout-multiplier", timeout_multiplier],
                 timeout_s=900, env=env)
    if not junit.exists() or not tally.add_junit(step, junit):
        tally.add("%s: meson test" % step, error="exit status %d, no test"
                  " was run" % status)
        return
    # A program may fail as a whole while each of its tests passed: a
    # sanitizer's report, a crash at the end.
    text = (build / "meson-logs/testlog.json").read_text(errors="replace")
    for program in map(json.loads, text.splitlines()):
        if program["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        prefix = "%s: netdom.%s: " % (step, program["name"])
        if any(name.startswith(prefix) for name, _ in tally.failed):
            continue
        tally.add("%s: %s" % (step, program["name"]),
                  error="%s\n%s\n%s" % (
                      program["result"], program.get("stdout") or "",
                      program.get("stderr") or ""))


def step_unit(tally, options):
    meson_test(tally, "unit", BUILD)


def step_sanitize(tally, options):
    if not proof.build_sanitized():
        tally.add("sanitize: build", error="build-asan/ does not build")
        return
    meson_test(tally, "sanitize", proof.ASAN, 10, proof.SANITIZER_ENV)


def add_rows(tally, step, argv, timeout_s):
    """Runs a program that prints a result as JSON, and adds its rows."""
    with tempfile.TemporaryFile() as out:
        status = run(argv, timeout_s=timeout_s, stdout=out)
        out.seek(0)
        try:
            rows = json.load(out)["rows"]
        except (ValueError, KeyError, TypeError):
            tally.add(step, error="exit status %d, no report" % status)
            return
    for row in rows:
        tally.add("%s: %s" % (step, row["name"]),
                  error=None if row["ok"] else "goal %s, result %s %s" % (
                      row["goal"], row["result"], row["unit"]))
    bad = sum(not row["ok"] for row in rows)
    if (status == 0) != (bad == 0):
        tally.add("%s: exit status" % step,
                  error="%d, with %d bad rows" % (status, bad))


def step_fuzz(tally, options):
    minutes = 20 if options.all else 2
    add_rows(tally, "fuzz", [ROOT / "tools/fuzz", "--json", "--replay",
                             "--minutes=%d" % minutes],
             timeout_s=minutes * 60 + 1800)


def step_coverage(tally, options):
    add_rows(tally, "coverage", [ROOT / "tools/coverage", "--json"],
             timeout_s=900)


def step_mutate(tally, options):
    which = [] if options.all else ["--unit"]
    add_rows(tally, "mutate", [ROOT / "tools/mutate", "--json", *which],
             timeout_s=3600)


def pytest(tally, step):
    """Runs tests/STEP with pytest."""
    junit = BUILD / (step + "-tests.junit.xml")
    if junit.exists():
        junit.unlink()
    status = run(proof.as_root(["/usr/bin/python3", "-m", "pytest", "-v",
                                "-p", "no:cacheprovider", "tests/" + step,
                                "--junitxml=%s" % junit],
                               ["PYTHONDONTWRITEBYTECODE=1"]), timeout_s=1800)
    if junit.exists():
        tally.add_junit(step, junit)
    elif status:
        tally.add(step + ": pytest", error="exit status %d" % status)


def step_system(tally, options):
    pytest(tally, "system")


def step_hostile(tally, options):
    pytest(tally, "hostile")


def image(tally, name):
    """Makes the appliance's image, in a folder of that name.  Returns its
    measurement."""
    folder = BUILD / name
    add_rows(tally, name, [ROOT / "tools/make-appliance", "--json",
                           "--output=%s" % folder], timeout_s=600)
    try:
        return (folder / "measurement").read_text()
    except OSError:
        return "none of " + name


def step_appliance(tally, options):
    once, again = image(tally, "image"), image(tally, "image-again")
    tally.add("appliance: the same inputs give the same bytes",
              error=None if once == again else once + again)


def step_xen(tally, options):
    """What takes five minutes; all of it with --all."""
    some = [] if options.all else ["main", "controller"]
    add_rows(tally, "xen", [ROOT / "tests/xen/run", "--json", *some],
             timeout_s=5400 if options.all else 1200)


def step_demo(tally, options):
    add_rows(tally, "demo", [ROOT / "tools/demo", "--yes", "--json",
                             "--html=%s" % (BUILD / "demo.html")],
             timeout_s=400)


def step_ovs(tally, options):
    status = run([ROOT / "tools/ovs-testsuite"], timeout_s=2 * 3600)
    tally.add("ovs-testsuite", error="exit status %d" % status
              if status else None)


STEPS = {
    "setup": step_setup,
    "unit": step_unit,
    "system": step_system,
    "hostile": step_hostile,
    "appliance": step_appliance,
    "xen": step_xen,
    "demo": step_demo,
    "sanitize": step_sanitize,
    "fuzz": step_fuzz,
    "coverage": step_coverage,
    "mutate": step_mutate,
    "ovs": step_ovs,
}
LONG_STEPS = {"ovs"}


def summary(tally, timings):
    print()
    for name, seconds in timings:
        say("%-10s %6.0f s" % (name, seconds))
    for name, reason in tally.skipped:
        say("skipped: %s: %s" % (name, reason.splitlines()[0]
                                 if reason else "no reason given"))
    for name, error in tally.failed:
        say("FAILED: " + name)
        for line in error.splitlines()[-15:]:
            print("    " + line)
    sys.stdout.flush()
    print("%d passed, %d failed, %d skipped" % (
        tally.passed, len(tally.failed), len(tally.skipped)), flush=True)


def main():
    parser = argparse.ArgumentParser(
        prog="tools/check", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG % ", ".join(STEPS))
    parser.add_argument("--yes", action="store_true",
                        help="install missing packages without asking")
    parser.add_argument("--all", action="store_true",
                        help="also what takes long: Open vSwitch's own test "
                        "suite (about ten minutes), all scenarios on Xen "
                        "(half an hour), longer fuzzing, and the "
                        "mutations that system tests must notice")
    parser.add_argument("--only", metavar="STEP,...",
                        help="these steps only")
    options = parser.parse_args()

    wanted = [step for step in STEPS if options.all or step not in LONG_STEPS]
    if options.only:
        wanted = options.only.split(",")
        unknown = [step for step in wanted if step not in STEPS]
        if unknown:
            parser.error("no step '%s': the steps are %s" % (
                unknown[0], ", ".join(STEPS)))
    if os.geteuid() != 0 and not shutil.which("sudo"):
        print("check: needs root or sudo: run as root", file=sys.stderr)
        return 2

    tally = Tally()
    timings = []
    try:
        for step in wanted:
            say("== %s" % step)
            begun = time.monotonic()
            STEPS[step](tally, options)
            timings.append((step, time.monotonic() - begun))
    except CannotRun as error:
        print("check: %s" % error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("check: interrupted", file=sys.stderr)
        return 2
    summary(tally, timings)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
