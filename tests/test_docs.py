#!/usr/bin/python3
"""Fails if a program, a room or a page is not documented as it should be.

usage: test_docs.py BUILD-FOLDER"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from lab import mutation                                    # noqa: E402

BUILD = None

ROOMS = ["appliance", "build-aux", "datapath", "netdom", "ovsdb-schema", "qos", "tenants",
         "tests", "tools", "xenlocal"]
SCRIPTS = ["tools/check", "tools/coverage", "tools/demo", "tools/fuzz",
           "tools/make-appliance", "tools/mutate", "tools/ovs-testsuite",
           "tools/setup"]
PAGES = ["CONTRIBUTING.md", "LICENSE", "NEWS", "README.md", "docs/design.md",
         "docs/protocol.md"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
UNFINISHED = re.compile("|".join(
    r"\b%s\b" % word for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX")))


def tracked_files():
    """Files of the project, as git knows them; without git, those that are
    there, build folders aside."""
    try:
        names = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT,
            check=True, text=True, capture_output=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(ROOT).as_posix()
                 for path in ROOT.rglob("*")
                 if not path.relative_to(ROOT).parts[0].startswith("build-")
                 and path.relative_to(ROOT).parts[0] not in ("build", ".git")]
    return [ROOT / name for name in names
            if name and (ROOT / name).is_file()
            and not (ROOT / name).is_symlink()]


def programs():
    """Path in the build folder of each program to install, by name; without
    those that only another program starts (libexec)."""
    targets = json.loads(
        (BUILD / "meson-info/intro-targets.json").read_text())
    found = {}
    for target in targets:
        if (target["type"] == "executable" and target["installed"]
                and "/libexec/" not in target["install_filename"][0]):
            path = pathlib.Path(target["filename"][0])
            found[path.name] = path
    return found


def built():
    return {name: path for name, path in programs().items()
            if os.access(path, os.X_OK)}


def installed():
    return json.loads((BUILD / "meson-info/intro-installed.json").read_text())


def run(path, option):
    """Runs a program; in a build with sanitizers, one that exits early may
    leave memory behind."""
    return subprocess.run([path, option], text=True, timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          env=dict(os.environ,
                                   ASAN_OPTIONS="detect_leaks=0"))


def help_of(path):
    return run(path, "--help")


class Programs(unittest.TestCase):
    def test_there_are_some(self):
        self.assertTrue(programs(), "meson installs no program")

    def test_help(self):
        paths = list(programs().values()) + [ROOT / s for s in SCRIPTS]
        for path in paths:
            with self.subTest(program=path.name):
                self.assertTrue(os.access(path, os.X_OK),
                                "%s is not there: build first" % path)
                result = help_of(path)
                self.assertEqual(result.returncode, 0, path)
                self.assertEqual(result.stderr, "", path)
                self.assertIn("usage: ", result.stdout.lower(), path)

    def test_wrong_option(self):
        for name, path in built().items():
            with self.subTest(program=name):
                result = run(path, "--no-such-option")
                self.assertNotEqual(result.returncode, 0, name)
                self.assertIn("no-such-option", result.stderr, name)

    def test_man_page(self):
        pages = {re.sub(r"\.\d(\.gz)?$", "", pathlib.Path(path).name): source
                 for source, path in installed().items()
                 if re.search(r"/man\d/", path)}
        for name, path in programs().items():
            with self.subTest(program=name):
                self.assertIn(name, pages, "%s has no man page" % name)
                if name not in built():
                    continue
                source = pathlib.Path(pages[name])
                self.assertTrue(source.is_file(),
                                "%s is not there: build first" % source)
                text = source.read_text().replace("\\-", "-")
                missing = [option for option in sorted(set(
                    re.findall(r"(?<![\w-])--[a-z][a-z-]+",
                               own_help(help_of(path).stdout))))
                    if option not in text
                    and option not in ("--help", "--version")]
                self.assertFalse(missing, "%s: not in the man page: %s" % (
                    name, " ".join(missing)))


# Options of Open vSwitch's libraries stand in sections of their own, which
# our pages hand over to Open vSwitch's.
OVS_SECTION = re.compile(
    r"^(Active|Passive|PKI|Daemon|Logging|SSL|OpenFlow)\b.*:$")


def own_help(text):
    lines, ours = [], True
    for line in text.splitlines():
        if OVS_SECTION.match(line):
            ours = False
        elif line and not line[0].isspace():
            ours = True
        if ours:
            lines.append(line)
    return "\n".join(lines)


class Pages(unittest.TestCase):
    def test_pages(self):
        for page in PAGES:
            with self.subTest(page=page):
                self.assertTrue((ROOT / page).is_file(), page + " is missing")

    def test_readme_names_what_to_run(self):
        text = (ROOT / "README.md").read_text()
        for script in ("tools/demo", "tools/check", "tools/ovs-testsuite"):
            self.assertIn(script, text)
        for name in programs():
            self.assertIn(name, text)

    def test_each_room_has_a_page(self):
        for room in ROOMS:
            with self.subTest(room=room):
                page = ROOT / room / "README.md"
                self.assertTrue(page.is_file(), room + " has no README.md")
                self.assertGreater(len(page.read_text()), 200, room)

    def test_links(self):
        for page in tracked_files():
            if page.suffix != ".md":
                continue
            for link in LINK.findall(page.read_text()):
                target = link.split("#")[0]
                if target and "://" not in link:
                    with self.subTest(page=page.name, link=link):
                        self.assertTrue((page.parent / target).exists(),
                                        "%s: %s leads nowhere" % (
                                            page.relative_to(ROOT), link))

    def test_version_has_news(self):
        version = re.search(r"version: '([^']+)'",
                            (ROOT / "meson.build").read_text()).group(1)
        self.assertIn(version, (ROOT / "NEWS").read_text())

    def test_named_tests_exist(self):
        """The pages that say which test shows what."""
        files = {path.name for path in (ROOT / "tests").rglob("test_*.*")}
        names = set()
        for path in (ROOT / "tests").rglob("*.py"):
            names |= set(re.findall(r"^    ?def (test_\w+)|^def (test_\w+)",
                                    path.read_text(), re.MULTILINE))
        names = {name for pair in names for name in pair if name}
        names |= {name.rsplit(".", 1)[0] for name in files}
        for path in (ROOT / "tests/unit").glob("*.c"):
            names |= set(re.findall(r"^(test_\w+)\(", path.read_text(),
                                    re.MULTILINE))
        for page in ("datapath/README.md", "tests/hostile/README.md"):
            text = (ROOT / page).read_text()
            for name in re.findall(r"`(test_\w+)(?:\.py)?`", text):
                with self.subTest(page=page, name=name):
                    self.assertIn(name, names)

    def test_advisories(self):
        """Each has its attacks; and mutations of the checks against it, or
        says why there can be none."""
        page = (ROOT / "tests/hostile/README.md").read_text()
        attacks = (ROOT / "tests/hostile/test_hostile.py").read_text()
        rows = re.findall(r"^\| ((?:XSA|CVE)-[\d-]+) \|(.*)\|$", page,
                          re.MULTILINE)
        self.assertTrue(rows)
        mutated = {advisory
                   for one in mutation.read_folder(ROOT / "tests/mutations")
                   for advisory in one.advisories}
        self.assertLessEqual(mutated, {advisory for advisory, _ in rows})
        for advisory, row in rows:
            with self.subTest(advisory=advisory):
                name = mutation.as_in_names(advisory)
                self.assertIn("`%s`" % name, row)
                self.assertIn('"%s": [' % name, attacks)
                self.assertTrue(advisory in mutated
                                or "by construction" in row,
                                "no mutation, and no construction")

    def test_named_functions_exist(self):
        text = (ROOT / "tests/hostile/README.md").read_text()
        sources = {path.relative_to(ROOT).as_posix(): path.read_text()
                   for path in tracked_files() if path.suffix in (".c", ".h")}
        found = re.findall(r"`(\w+)\(\)`(?: in `([\w/.]+)`)?", text)
        self.assertTrue(found)
        for name, file in found:
            with self.subTest(name=name, file=file):
                within = [sources[file]] if file else sources.values()
                self.assertTrue(
                    any(re.search(r"^%s\(" % name, source, re.MULTILINE)
                        for source in within), "no such function")

    def test_nothing_unfinished(self):
        for path in tracked_files():
            try:
                text = path.read_text()
            except UnicodeDecodeError:
                continue
            match = UNFINISHED.search(text)
            if match:
                self.fail("%s:%d: %s" % (
                    path.relative_to(ROOT),
                    text.count("\n", 0, match.start()) + 1, match.group()))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    BUILD = pathlib.Path(sys.argv[1]).resolve()
    tap.run(Programs, Pages)
