"""Says how much of the code that reads guests' rings and judges what it finds
there the unit tests and the fuzzers' kept inputs run through.

Builds them in build-cov/ with clang's source-based coverage, runs them, and
prints lines and branches by file."""

import argparse
import fnmatch
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import proof                                       # noqa: E402
from lab.proof import ROOT, CannotRun, say                  # noqa: E402

COVERAGE = ROOT / "build-cov"
INSTRUMENT = "-fprofile-instr-generate -fcoverage-mapping"

# The ring reader and the judges.
MEASURED = ["datapath/vif_*.[ch]", "datapath/csum*.[ch]",
            "datapath/fence*.[ch]", "datapath/gso*.[ch]",
            "datapath/headers*.[ch]", "netdom/frontend_nodes.c",
            "netdom/pacer.c", "netdom/quarantine.c", "netdom/xs_value.c",
            "qos/interval_rate.c"]
GOALS = {"lines": 95, "branches": 90}

EPILOG = proof.EXIT_STATUS % ("both goals are reached", "one is missed")


def is_measured(path):
    return any(fnmatch.fnmatch(path, pattern) for pattern in MEASURED)


def missed_lines(segments):
    """From llvm-cov's segments of a file, [line, column, count, has a count,
    begins a region, is a gap]: the number of lines with code, and those of
    them that nothing ran."""
    by_line = {}
    for segment in segments:
        by_line.setdefault(segment[0], []).append(segment)
    n_lines, missed, around = 0, [], None
    if not by_line:
        return 0, []
    for line in range(min(by_line), max(by_line) + 1):
        here = by_line.get(line, [])
        begun = [s for s in here if s[3] and s[4] and not s[5]]
        skipped = here and not here[0][3] and here[0][4]
        if not skipped and ((around and around[3]) or begun):
            n_lines += 1
            if not max([around[2] if around else 0]
                       + [segment[2] for segment in begun]):
                missed.append(line)
        around = here[-1] if here else around
    return n_lines, missed


def missed_branches(branches):
    """From llvm-cov's branches of a file: the number of ways that they can
    go, and (line, column, way) of each that none went.  An inline function
    counts once, wherever it was compiled into."""
    ways = {}
    for branch in branches:
        place = tuple(branch[:4])
        true, false = ways.get(place, (0, 0))
        ways[place] = (true + branch[4], false + branch[5])
    missed = []
    for place, (true, false) in sorted(ways.items()):
        missed += [(place[0], place[1], way) for way, count
                   in (("true", true), ("false", false)) if not count]
    return 2 * len(ways), missed


class File:
    """A measured file and what was missed in it."""

    def __init__(self, path, every):
        """'every': what llvm-cov says of it, once for each spelling of its
        name that a compiler saw."""
        self.path = path
        counted = [missed_lines(found["segments"]) for found in every]
        self.n_lines = max(n for n, _ in counted)
        self.lines = sorted(set.intersection(*(set(missed)
                                               for _, missed in counted)))
        self.n_branches, self.branches = missed_branches(
            [branch for found in every for branch in found["branches"]])


def percent(n, missed):
    return 100.0 * (n - missed) / n if n else 100.0


def read_export(text, root=ROOT):
    """The measured files in what llvm-cov exported."""
    by_path = {}
    for found in json.loads(text)["data"][0]["files"]:
        path = os.path.relpath(os.path.normpath(found["filename"]), root)
        if is_measured(path):
            by_path.setdefault(path, []).append(found)
    return [File(path, every) for path, every in sorted(by_path.items())]


def untested(sources, root=ROOT):
    """What is to be measured, and is not among 'sources'."""
    return [path for path in sorted(
                p.relative_to(root).as_posix()
                for room in ("datapath", "netdom", "qos")
                for p in (root / room).glob("*.c"))
            if is_measured(path) and path not in sources]


def tool(name):
    found = shutil.which(name)
    if not found:
        raise CannotRun("%s is missing: run tools/setup --tests" % name)
    return found


def programs():
    """(target, command, environment) of each test that contains a measured
    source and does without Open vSwitch, and the sources of all these."""
    tests = json.loads((COVERAGE / "meson-info/intro-tests.json").read_text())
    out, contained = [], set()
    for test in tests:
        target = os.path.relpath(test["cmd"][0], COVERAGE)
        if not target.startswith(("tests/unit/test_", "tests/fuzz/replay_")):
            continue
        inputs = subprocess.run(
            ["ninja", "-C", COVERAGE, "-t", "inputs", target], check=True,
            stdin=subprocess.DEVNULL, capture_output=True,
            text=True).stdout.splitlines()
        sources = [os.path.relpath(os.path.normpath(COVERAGE / path), ROOT)
                   for path in inputs]
        if (any(is_measured(path) for path in sources)
                and not any(path.endswith("ovs-built.h")
                            for path in inputs)):
            out.append((target, test["cmd"], test["env"]))
            contained.update(sources)
    return out, contained


def measure():
    """Builds and runs all programs.  Returns llvm-cov's export, and the
    sources that they contain."""
    merge, export = tool("llvm-profdata"), tool("llvm-cov")
    tool("clang")
    # What meson and ninja run writes a profile too, and not here.
    os.environ["LLVM_PROFILE_FILE"] = str(COVERAGE / "building.profraw")
    proof.configure(COVERAGE, [
        "-Dbuildtype=debug", "-Doptimization=1", "-Dc_args=" + INSTRUMENT,
        "-Dc_link_args=-fprofile-instr-generate"], compiler="clang")
    if not proof.build(COVERAGE, ["build.ninja"]):
        raise CannotRun("meson in build-cov/ failed: see above")
    found, sources = programs()
    if not found:
        raise CannotRun("no test contains a file that is to be measured")
    if not proof.build(COVERAGE, [target for target, _, _ in found]):
        raise CannotRun("the tests do not build: see above")

    profiles = COVERAGE / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir()
    say("running %d test programs" % len(found))
    for target, command, environment in found:
        name = pathlib.Path(target).name
        done = subprocess.run(
            command, cwd=ROOT, timeout=300, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
            env=dict(os.environ, **environment, LLVM_PROFILE_FILE=str(
                profiles / (name + ".profraw"))))
        if done.returncode:
            print(done.stdout[-3000:], file=sys.stderr)
            raise CannotRun("%s fails: what it ran through says nothing"
                            % name)
    profile = profiles / "all.profdata"
    subprocess.run([merge, "merge", "-sparse", "-o", profile,
                    *profiles.glob("*.profraw")], check=True)
    objects = [COVERAGE / target for target, _, _ in found]
    return subprocess.run(
        [export, "export", "-instr-profile=%s" % profile, objects[0]]
        + [word for path in objects[1:] for word in ("-object", path)],
        check=True, capture_output=True, text=True).stdout, sources


def judge(files, without_test):
    """The rows: both goals, and each file that nothing tests."""
    result = proof.Result("coverage")
    for what in ("lines", "branches"):
        n = sum(getattr(file, "n_" + what) for file in files)
        missed = sum(len(getattr(file, what)) for file in files)
        result.add(what, ">= %d" % GOALS[what],
                   round(percent(n, missed), 2), "%",
                   n and percent(n, missed) >= GOALS[what],
                   covered=n - missed, of=n,
                   files={file.path: [getattr(file, "n_" + what)
                                      - len(getattr(file, what)),
                                      getattr(file, "n_" + what)]
                          for file in files})
    for path in without_test:
        result.add(path, "in a test program", "in none", "", False)
    return result


def ranges(numbers):
    """1, 2, 3, 7 as '1-3, 7'."""
    spans = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else "%d-%d" % (first, last)
                     for first, last in spans)


def print_missed(files):
    for file in files:
        if file.lines:
            print("%s: lines never run: %s" % (file.path, ranges(file.lines)))
        for line, column, way in file.branches:
            print("%s:%d:%d: never %s" % (file.path, line, column, way))


def print_table(files):
    cells = [(file.path, file.n_lines, len(file.lines), file.n_branches,
              len(file.branches)) for file in files if file.n_lines]
    cells.append(("all", *(sum(row[i] for row in cells)
                           for i in range(1, 5))))
    print(proof.table(
        ["file", "lines", "covered %", "branches", "covered %"],
        [[name, n_lines, percent(n_lines, lines), n_branches,
          percent(n_branches, branches)]
         for name, n_lines, lines, n_branches, branches in cells]))


def parse_options(words):
    parser = argparse.ArgumentParser(
        prog="tools/coverage", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object instead of a table")
    parser.add_argument("--missing", action="store_true",
                        help="also list the lines and branches that were"
                        " missed")
    parser.add_argument("--check", action="store_true",
                        help="only hold the totals against the goals: print"
                        " no table")
    options = parser.parse_args(words)
    if options.json and (options.missing or options.check):
        parser.error("--json prints all there is: no --missing, no --check")
    return options


def run_options(options):
    begun = time.monotonic()
    export, sources = measure()
    files = read_export(export)
    result = judge(files, untested(sources))
    if options.json:
        print(result.to_json())
        return result
    if options.missing:
        print_missed(files)
    if not options.check:
        print_table(files)
    for row in result.rows:
        print("%s: goal %s %s, result %s: %s" % (
            row["name"], row["goal"], row["unit"], row["result"],
            "ok" if row["ok"] else "MISSED"))
    say("%.0f s" % (time.monotonic() - begun))
    return result


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:])
    proof.main(lambda: run_options(OPTIONS))
