"""Shows of each check that a test notices when it is gone.

tests/mutations/ has a file for each: what to replace by what in which source,
and which test must then fail.  A copy of the tree in build-mutate/ is changed,
built and tested, one mutation after the other; the tree itself is not
touched."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lab import mutation, proof                             # noqa: E402
from lab.proof import ROOT, CannotRun, say                  # noqa: E402

COPY = ROOT / "build-mutate/source"
PLACE = "tests/mutations"

EPILOG = proof.EXIT_STATUS % (
    "each mutation made its test fail", "one did not, or is stale")


def tree_files(root):
    """What belongs to the tree: what git knows or would add; without git,
    all but build folders."""
    try:
        names = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"], cwd=root, check=True,
            text=True, capture_output=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(root).as_posix()
                 for path in root.rglob("*")
                 if path.relative_to(root).parts[0] not in ("build", ".git")
                 and not path.relative_to(root).parts[0].startswith(
                     "build-mutate")]
    return {name for name in names if name and (root / name).is_file()}


def copy_tree(root, copy):
    """Makes 'copy' what 'root' is; leaves alone what is so already, so that
    it is not built again."""
    names = tree_files(root)
    for name in names:
        source, target = root / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (not target.is_file()
                or target.read_bytes() != source.read_bytes()):
            shutil.copyfile(source, target)
        shutil.copymode(source, target)
    for path in list(copy.rglob("*")):
        name = path.relative_to(copy).as_posix()
        if (path.is_file() and name not in names
                and not name.startswith("build/")):
            path.unlink()


def lend_switch(root, copy):
    """Open vSwitch is built already, and no mutation changes it."""
    built = root / "build/build-aux/ovs"
    place = copy / "build/build-aux/ovs"
    if built.is_dir() and not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(built)


class Runner:
    """Tries mutations on a copy of a tree."""

    def __init__(self, root, copy):
        self.root = root
        self.copy = copy
        self.build = copy / "build"
        self.healthy = {}               # Test: why it is no use, or None.

    def prepare(self):
        copy_tree(self.root, self.copy)
        lend_switch(self.root, self.copy)
        log = self.copy.parent / "meson.log"
        with open(log, "w", encoding="utf-8") as out:
            proof.configure(self.build, [], self.copy, log=out)

    def make(self, test):
        """Builds what 'test' needs.  Returns ninja's words if it fails."""
        done = subprocess.run(
            ["ninja", "-C", self.build, *test.targets], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, errors="replace", timeout=1800)
        return done.stdout if done.returncode else None

    def check_health(self, test):
        """Whether the test passes as the tree is, as said in 'healthy'."""
        if test not in self.healthy:
            words = self.make(test)
            if words:
                raise CannotRun("the tree does not build:\n"
                                + words[-3000:])
            verdict, words = test.run(self.copy)
            self.healthy[test] = None if verdict == "passed" else (
                "%s %s without the mutation\n%s" % (
                    test, verdict, words[-1500:]))
        return self.healthy[test]

    def try_one(self, one):
        """Returns what came of a mutation, in a word, and details."""
        texts = {}
        try:
            for path in one.paths():
                texts[path] = (self.copy / path).read_text()
            changed = one.apply(texts)
        except (OSError, mutation.Stale) as error:
            return "stale", str(error)
        sick = self.check_health(one.test)
        if sick:
            return "no test", sick
        try:
            for path, text in changed.items():
                (self.copy / path).write_text(text)
            words = self.make(one.test)
            if words:
                return "does not build", words[-1500:]
            verdict, words = one.test.run(self.copy)
        finally:
            for path, text in texts.items():
                (self.copy / path).write_text(text)
        return ("killed" if verdict == "failed" else
                "survived" if verdict == "passed" else "no test",
                words[-1500:])


def try_all(mutations, root=ROOT, copy=COPY):
    """Tries each, and returns the result."""
    result = proof.Result("mutate")
    runner = Runner(root, copy)
    say("copying and configuring in %s" % copy)
    runner.prepare()
    for one in mutations:
        begun = time.monotonic()
        verdict, words = runner.try_one(one)
        seconds = time.monotonic() - begun
        say("%s: %s, %.1f s" % (one.name, verdict, seconds))
        if verdict != "killed":
            for line in words.splitlines()[-25:]:
                print("    " + line, file=sys.stderr)
        result.add(one.name, "killed", verdict, "", verdict == "killed",
                   test=str(one.test), files=one.paths(), why=one.why,
                   advisories=one.advisories,
                   seconds=round(seconds, 1))
    return result


def parse_options(words):
    parser = argparse.ArgumentParser(
        prog="tools/mutate", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="mutations to try (default: all); '*' and '?'"
                        " stand for any letters and any letter")
    parser.add_argument("--unit", action="store_true",
                        help="only those that a unit test or a fuzzer's"
                        " inputs must notice")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON object instead of a table")
    parser.add_argument("--list", action="store_true",
                        help="list the mutations and try none")
    return parser.parse_args(words)


def run_options(options):
    mutations = mutation.select(mutation.read_folder(ROOT / PLACE),
                                options.names, options.unit)
    if options.list:
        print(proof.table(["mutation", "advisory", "test", ""], [
            [one.name, " ".join(one.advisories), str(one.test), one.why]
            for one in mutations]))
        sys.exit(0)
    if not (ROOT / "build/build.ninja").exists():
        raise CannotRun("build netdom first, with tools/setup")
    result = try_all(mutations)
    if options.json:
        print(result.to_json())
        return result
    print(proof.table(["mutation", "result", "test"], [
        [row["name"], row["result"], row["test"]] for row in result.rows]))
    print("%d mutations, %d killed" % (
        len(result.rows), sum(row["ok"] for row in result.rows)))
    return result


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:])
    proof.main(lambda: run_options(OPTIONS))
