"""What tools/check, tools/fuzz, tools/coverage and tools/mutate share: how a
command runs and ends, its result as text and as JSON, build folders.

Thread: the main thread.
Errors: CannotRun, with one line that says what is wrong.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ASAN = ROOT / "build-asan"

EXIT_OK, EXIT_MISSED, EXIT_COULD_NOT_RUN = 0, 1, 2

EXIT_STATUS = """\
exit status: 0 %s; 1 %s; 2 could not run, or was
interrupted."""

SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class CannotRun(Exception):
    """Something without which the result would say nothing."""


def say(text, file=None):
    print("%s: %s" % (pathlib.Path(sys.argv[0]).stem, text),
          file=file or sys.stderr, flush=True)


def run(argv, timeout_s, env=None, cwd=ROOT, **kwargs):
    """Runs a command, by default with all it prints on our stderr.  Returns
    its exit status; 124, as timeout(1) does, if it took too long."""
    argv = [str(word) for word in argv]
    kwargs.setdefault("stdout", sys.stderr)
    say("$ " + " ".join(argv))
    try:
        return subprocess.run(argv, cwd=cwd, timeout=timeout_s,
                              stdin=subprocess.DEVNULL,
                              env=dict(os.environ, **(env or {})),
                              **kwargs).returncode
    except subprocess.TimeoutExpired:
        say("given up after %d s" % timeout_s)
        return 124


def as_root(argv, environment=()):
    """'argv' as root, with NAME=VALUE words that sudo must hand on."""
    if os.geteuid() == 0:
        return ["env", *environment, *argv]
    return ["sudo", *environment, *argv]


def configure(folder, options, source=ROOT, compiler=None, log=None):
    """Makes a build folder of meson's, unless it is one already."""
    if (folder / "build.ninja").exists():
        return
    if run(["meson", "setup", folder, source, *options], timeout_s=300,
           env={"CC": compiler} if compiler else None,
           stdout=log or sys.stderr):
        raise CannotRun("meson setup of %s failed" % folder)


def build(folder, targets=(), timeout_s=1800):
    """Builds targets, all by default.  Returns whether that went well."""
    return run(["ninja", "-C", folder, *targets], timeout_s=timeout_s) == 0


def build_sanitized(targets=()):
    """build-asan/: clang, address and undefined-behaviour sanitizers, with
    Open vSwitch built the same way, and the fuzzers."""
    configure(ASAN, ["-Db_sanitize=address,undefined", "-Dfuzzers=true"],
              compiler="clang")
    return build(ASAN, targets)


def table(head, rows):
    """Rows of cells as text, numbers to the right."""
    cells = [head] + [["%.1f" % cell if isinstance(cell, float) else str(cell)
                       for cell in row] for row in rows]
    right = [all(isinstance(row[i], (int, float)) for row in rows)
             for i in range(len(head))]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(
        cell.rjust(width) if aligned else cell.ljust(width)
        for cell, width, aligned in zip(line, widths, right)).rstrip()
        for line in cells)


class Result:
    """Rows, each a goal with its result, and what else a script may want."""

    def __init__(self, command):
        self.command = command
        self.rows = []

    def add(self, name, goal, result, unit, ok, **details):
        self.rows.append({"name": name, "goal": goal, "result": result,
                          "unit": unit, "ok": bool(ok), **details})

    @property
    def ok(self):
        """No row at all is no success."""
        return bool(self.rows) and all(row["ok"] for row in self.rows)

    def to_json(self):
        return json.dumps({"command": self.command, "ok": self.ok,
                           "rows": self.rows}, indent=1)


def _interrupt(signum, frame):
    raise KeyboardInterrupt


def main(body):
    """Runs body(), which returns a Result, and exits as it says."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _interrupt)
    try:
        result = body()
    except (CannotRun, OSError) as error:
        say(str(error))
        sys.exit(EXIT_COULD_NOT_RUN)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(EXIT_COULD_NOT_RUN)
    sys.exit(EXIT_OK if result.ok else EXIT_MISSED)
