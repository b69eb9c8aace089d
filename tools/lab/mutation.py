"""A check taken out of the source, and the test that must notice.

Thread: the main thread.
Errors: CannotRun for a file that makes no sense; Stale if the source no
        longer has the text.

A file tests/mutations/NAME.mut:

    why: One sentence.
    advisory: XSA-39 XSA-432
    test: unit vif_tx test_xsa_39_xsa_432_chains
    --- datapath/vif_judge.c
    lines as they are
    --- instead
    lines without the check

More pairs may follow.  The lines must occur exactly once.  The second line is
for a check that keeps an advisory's fault out; its test is named after it.  A
test is one of

    unit PROGRAM TEST       a test of tests/unit/test_PROGRAM
    replay NAME             the kept inputs of fuzz_NAME
    pytest NODE             a system test, as pytest names it
"""

import fnmatch
import os
import re
import signal
import subprocess

from lab.proof import CannotRun, as_root

UNIT_TIMEOUT_S = 60
PYTEST_TIMEOUT_S = 300

# What system tests run.
PROGRAMS = ["netdom/netdom-vswitchd", "tenants/netdom-controller",
            "tests/hostile/netdom-hostile", "tools/ctl/netdom-ctl",
            "tools/guest/netdom-guest", "tools/xenlocald/netdom-xenlocald"]


class Stale(Exception):
    """The source no longer says what the mutation replaces."""


def _run(argv, cwd, timeout_s, env=None):
    """Returns the status, None if it took too long, and what was printed."""
    process = subprocess.Popen(
        argv, cwd=cwd, text=True, errors="replace", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=dict(os.environ, **(env or {})))
    try:
        words, _ = process.communicate(timeout=timeout_s)
        return process.returncode, words
    except subprocess.TimeoutExpired:
        return None, "it does not end\n"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


class Test:
    """Runs in a copy of the tree, and says 'passed', 'failed' or, if there is
    no such test, 'missing'."""

    def __init__(self, line):
        self.line = line
        kind, *words = line.split()
        counts = {"unit": 2, "replay": 1, "pytest": 1}
        if counts.get(kind) != len(words):
            raise CannotRun("test '%s': unit PROGRAM TEST, replay NAME or"
                            " pytest NODE" % line)
        self.kind, self.words = kind, words
        self.targets = {
            "unit": ["tests/unit/test_%s" % words[0]],
            "replay": ["tests/fuzz/replay_%s" % words[0]],
            "pytest": PROGRAMS,
        }[kind]

    def __str__(self):
        return self.line

    def __eq__(self, other):
        return self.line == other.line

    def __hash__(self):
        return hash(self.line)

    def run(self, copy):
        program = copy / "build" / self.targets[0]
        if self.kind == "unit":
            return self._run_unit(copy, program)
        if self.kind == "replay":
            status, words = _run([program, copy / "tests/fuzz/corpus"
                                  / self.words[0]], copy, UNIT_TIMEOUT_S)
            return "failed" if status else "passed", words
        return self._run_pytest(copy)

    def _run_unit(self, copy, program):
        """A program that dies has failed the test that it was in, so its
        lines must not be lost in a buffer."""
        status, words = _run(["stdbuf", "-oL", program], copy,
                             UNIT_TIMEOUT_S,
                             {"CMOCKA_MESSAGE_OUTPUT": "TAP",
                              "NETDOM_TEST": self.words[1]})
        found = dict((name, ok) for ok, name in re.findall(
            r"^(ok|not ok) \d+ - (\w+)", words, re.M))
        name = self.words[1]
        if name in found:
            return "passed" if found[name] == "ok" else "failed", words
        # cmocka ends by itself with the number of failed tests.
        died = status is None or status < 0
        return "failed" if died else "missing", words

    def _run_pytest(self, copy):
        status, words = _run(
            as_root(["/usr/bin/python3", "-m", "pytest", "-p",
                     "no:cacheprovider", "-q", "-rs", self.words[0]],
                    ["PYTHONDONTWRITEBYTECODE=1"]), copy, PYTEST_TIMEOUT_S)
        if status == 1:
            return "failed", words
        ran = re.search(r"\b\d+ passed", words)
        return "passed" if status == 0 and ran else "missing", words


class Mutation:
    """'edits': (path, lines as they are, lines instead)."""

    def __init__(self, name, fields, test, edits):
        self.name = name
        self.why = fields["why"]
        self.advisories = fields.get("advisory", "").split()
        self.test = test
        self.edits = edits

    def paths(self):
        return sorted({path for path, _, _ in self.edits})

    def apply(self, texts):
        """The texts by path, changed."""
        out = dict(texts)
        for path, old, new in self.edits:
            # Whole lines: the text begins where one does.
            n = len(re.findall("^(?=%s)" % re.escape(old), out[path], re.M))
            if n != 1:
                raise Stale("%s: the lines to replace occur %d times:\n%s" % (
                    path, n, old))
            out[path] = ("\n" + out[path]).replace("\n" + old,
                                                   "\n" + new)[1:]
        return out


def as_in_names(advisory):
    """XSA-39 as names of tests have it, xsa_39."""
    return advisory.lower().replace("-", "_")


def parse(name, text):
    head, *parts = re.split(r"^--- (.*)\n", text, flags=re.M)
    fields = dict(re.findall(r"^(\w+): (.*)$", head, re.M))
    if set(fields) - {"advisory"} != {"why", "test"}:
        raise CannotRun("%s.mut: begins with lines 'why: ' and 'test: '"
                        % name)
    edits = []
    while parts:
        if len(parts) < 4 or parts[2] != "instead":
            raise CannotRun("%s.mut: '--- FILE' is followed by lines, then"
                            " by '--- instead' and lines" % name)
        path, old, _, new = parts[:4]
        parts = parts[4:]
        if not old or old == new:
            raise CannotRun("%s.mut: changes nothing in %s" % (name, path))
        edits.append((path, old, new))
    if not edits:
        raise CannotRun("%s.mut: changes nothing" % name)
    try:
        one = Mutation(name, fields, Test(fields["test"]), edits)
    except CannotRun as error:
        raise CannotRun("%s.mut: %s" % (name, error)) from None
    for advisory in one.advisories:
        if not re.search(as_in_names(advisory) + r"(?!\d)", one.test.line):
            raise CannotRun("%s.mut: a test of %s has '%s' in its name" % (
                name, advisory, as_in_names(advisory)))
    return one


def read_folder(folder):
    return [parse(path.stem, path.read_text())
            for path in sorted(folder.glob("*.mut"))]


def select(mutations, patterns, unit_only=False):
    """Those that fit any of the patterns; all of them if there is none."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(one.name, pattern) for one in mutations):
            raise CannotRun("no mutation '%s': --list shows them" % pattern)
    return [one for one in mutations
            if (not patterns or any(fnmatch.fnmatch(one.name, pattern)
                                    for pattern in patterns))
            and not (unit_only and one.test.kind == "pytest")]
