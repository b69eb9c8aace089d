"""Runs the fuzzers of tests/fuzz/ with clang's address and undefined-behaviour
sanitizers, for a time that is split evenly among them.

Each starts from its kept corpus, tests/fuzz/corpus/NAME/, and from what
earlier runs found, build-asan/fuzz-corpus/NAME/.  What makes a fuzzer fail is
saved in build-asan/fuzz-findings/."""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import corpus, proof                               # noqa: E402
from lab.proof import ASAN, ROOT, CannotRun, say            # noqa: E402

FINDINGS = ASAN / "fuzz-findings"
AT_ONCE = 2
PROGRESS_S = 10
GRACE_S = 60                            # To end by itself, after its time.
INPUT_TIMEOUT_S = 10

EPILOG = proof.EXIT_STATUS % ("no fuzzer found anything",
                              "one did, and the finding is saved")

STATE = re.compile(r"^#(\d+)\t(\w+) +cov: (\d+) ft: (\d+) corp: (\d+)/",
                   re.M)
EXECUTIONS = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.M)
WRITTEN = re.compile(r"Test unit written to (\S+)")
SUMMARY = re.compile(r"^SUMMARY: \w+: (.*)", re.M)
TROUBLE = re.compile(r"==\d+== ?ERROR|runtime error:|Assertion")
EXCERPT_LINES = 25
FRAME = re.compile(r"^ *#\d+ 0x[0-9a-f]+ in (\w+) (\S+?):(\d+)", re.M)


class Progress:
    """What a fuzzer's log says of it."""

    def __init__(self, text):
        self.executions = self.edges = self.features = self.inputs = 0
        states = STATE.findall(text)
        if states:
            self.executions = int(states[-1][0])
            # The line about a crash knows less than the one before it.
            for number, _, edges, features, inputs in states[-50:]:
                self.edges, self.features = int(edges), int(features)
                self.inputs = int(inputs)
        final = EXECUTIONS.search(text)
        if final:
            self.executions = int(final.group(1))


def name_finding(text, root=ROOT):
    """A finding in one line: what went wrong, and where in our code."""
    summary = SUMMARY.search(text)
    what = "ended without a word"
    if summary:
        what = re.sub(r" /\S+|(?<=\S) in \w+$| \(.*", "", summary.group(1))
    for function, path, line in FRAME.findall(text):
        path = os.path.normpath(path)
        if path.startswith("%s/" % root):
            return "%s in %s, %s:%s" % (
                what, function, os.path.relpath(path, root), line)
    return what


def excerpt(text):
    """The lines of a log that say most."""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if TROUBLE.search(line):
            return lines[i:i + EXCERPT_LINES]
    return lines[-EXCERPT_LINES:]


def show(name, finding, text, again):
    say("FINDING: %s: %s" % (name, finding))
    for line in excerpt(text):
        print("    " + line, file=sys.stderr)
    say("again with: " + " ".join(map(str, again)))


class Run:
    """One fuzzer at work, its words in a log."""

    def __init__(self, name, seconds):
        self.name = name
        self.seconds = seconds
        self.log = FINDINGS / (name + ".log")
        self.program = ASAN / "tests/fuzz" / ("fuzz_" + name)
        self.grown = corpus.grown_folder(name)
        self.grown.mkdir(parents=True, exist_ok=True)
        argv = [self.program, "-max_total_time=%d" % seconds,
                "-timeout=%d" % INPUT_TIMEOUT_S, "-rss_limit_mb=2048",
                "-print_final_stats=1", "-print_funcs=0",
                "-artifact_prefix=%s/%s-" % (FINDINGS, name), self.grown]
        if corpus.kept_folder(name).is_dir():
            argv.append(corpus.kept_folder(name))
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in argv], cwd=ROOT, stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                env=dict(os.environ, **proof.SANITIZER_ENV))
        self.begun = time.monotonic()
        self.elapsed_s = 0.0

    def text(self):
        return self.log.read_text(errors="replace")

    def progress(self):
        return Progress(self.text())

    def done(self):
        """Whether it has ended; ends it if it does not by itself."""
        if self.process.poll() is None:
            self.elapsed_s = time.monotonic() - self.begun
            if self.elapsed_s > self.seconds + GRACE_S:
                self.end()
        return self.process.returncode is not None

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def add_to(self, result):
        found = self.progress()
        finding, artifact = "", ""
        if self.process.returncode:
            text = self.text()
            written = WRITTEN.search(text)
            finding = name_finding(text)
            artifact = written.group(1) if written else ""
        result.add("fuzz " + self.name, "no finding", finding or "none", "",
                   not finding, fuzzer=self.name,
                   executions=found.executions,
                   executions_per_s=round(found.executions
                                          / max(self.elapsed_s, 1)),
                   seconds=round(self.elapsed_s), corpus=found.inputs,
                   edges=found.edges, features=found.features,
                   artifact=artifact)
        if finding:
            show(self.name, finding, self.text(), [
                self.program, artifact or corpus.kept_folder(self.name)])


def fuzz(names, seconds_in_all, result):
    """Runs all, AT_ONCE at a time, each for the same time."""
    at_once = min(AT_ONCE, len(names))
    seconds = max(1, round(seconds_in_all * at_once / len(names)))
    waiting, running, n_done = list(names), [], 0
    told = time.monotonic()

    FINDINGS.mkdir(exist_ok=True)
    say("%d fuzzers, %d s each, %d at once" % (len(names), seconds, at_once))
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(Run(waiting.pop(0), seconds))
            time.sleep(0.2)
            for run in [run for run in running if run.done()]:
                running.remove(run)
                n_done += 1
                run.add_to(result)
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                say("%d of %d done; %s" % (n_done, len(names), "; ".join(
                    "%s: %d executions, %d edges" % (
                        run.name, run.progress().executions,
                        run.progress().edges) for run in running)))
    finally:
        for run in running:
            run.end()


def replay(names, result):
    """The kept inputs, cut at each length, each of their bits flipped."""
    for name in names:
        log = FINDINGS / (name + ".replay.log")
        argv = [ASAN / "tests/fuzz" / ("replay_" + name),
                corpus.kept_folder(name)]
        FINDINGS.mkdir(exist_ok=True)
        with open(log, "wb") as out:
            status = proof.run(argv, timeout_s=300, env=proof.SANITIZER_ENV,
                               stdout=out, stderr=out)
        text = log.read_text(errors="replace")
        finding = name_finding(text) if status else ""
        result.add("replay " + name, "no finding", finding or "none", "",
                   not status)
        if status:
            show(name, finding, text, argv)


def report(result):
    """The result as people read it."""
    rows = [row for row in result.rows if "executions" in row]
    lines = []
    if rows:
        lines.append(proof.table(
            ["fuzzer", "executions", "a second", "corpus", "edges",
             "features", "finding"],
            [[row["fuzzer"], row["executions"], row["executions_per_s"],
              row["corpus"], row["edges"], row["features"], row["result"]]
             for row in rows]))
        lines.append("%d fuzzers, %d executions, %d findings" % (
            len(rows), sum(row["executions"] for row in rows),
            sum(not row["ok"] for row in rows)))
    for row in result.rows:
        if "executions" not in row:
            lines.append("%s: %s" % (row["name"], row["result"]))
    return "\n".join(lines)


def all_names():
    """The fuzzers that meson knows, without a build."""
    text = (ROOT / "tests/fuzz/meson.build").read_text()
    names = {path.stem.removeprefix("fuzz_")
             for path in (ROOT / "tests/fuzz").glob("fuzz_*.c")}
    return sorted(name for name in names if "['%s'," % name in text)


def parse_options(words):
    parser = argparse.ArgumentParser(
        prog="tools/fuzz", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, metavar="N",
                        help="time for all of them together (default: 2); 0:"
                        " none")
    parser.add_argument("--only", metavar="NAME,...",
                        help="these fuzzers only")
    parser.add_argument("--replay", action="store_true",
                        help="before that, run the kept corpora, each input"
                        " cut short and with single bits flipped, too")
    parser.add_argument("--minimize", action="store_true",
                        help="after that, keep in tests/fuzz/corpus/ the"
                        " inputs that reach most: at most %d for each fuzzer,"
                        " none above %d bytes; those that have a name of"
                        " their own stay" % (corpus.KEPT_MAX,
                                             corpus.INPUT_BYTES_MAX))
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object instead of a table")
    parser.add_argument("--list", action="store_true",
                        help="list the fuzzers and run none")
    options = parser.parse_args(words)

    known = all_names()
    options.names = options.only.split(",") if options.only else known
    for name in options.names:
        if name not in known:
            parser.error("no fuzzer '%s': they are %s" % (
                name, ", ".join(known)))
    if not 0 <= options.minutes <= 7 * 24 * 60:
        parser.error("--minutes takes 0 to 10080")
    if not (options.minutes or options.replay or options.minimize
            or options.list):
        parser.error("--minutes=0 leaves nothing to do: see --replay and"
                     " --minimize")
    return options


def run_options(options):
    result = proof.Result("fuzz")
    kinds = ["fuzz_"] + (["replay_"] if options.replay else [])
    if not shutil.which("clang"):
        raise CannotRun("clang is missing: run tools/setup --tests")
    if not proof.build_sanitized(["tests/fuzz/" + kind + name
                                  for kind in kinds
                                  for name in options.names]):
        raise CannotRun("the fuzzers do not build: see above")
    if options.replay:
        replay(options.names, result)
    if options.minutes:
        fuzz(options.names, options.minutes * 60, result)
    if options.minimize:
        for name in options.names:
            n_before, n_after = corpus.minimize(name)
            result.add("keep " + name, "<= %d" % corpus.KEPT_MAX, n_after,
                       "inputs", n_after <= corpus.KEPT_MAX,
                       before=n_before)
    print(result.to_json() if options.json else report(result))
    return result


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:])
    if OPTIONS.list:
        print("\n".join(OPTIONS.names))
        sys.exit(0)
    proof.main(lambda: run_options(OPTIONS))
