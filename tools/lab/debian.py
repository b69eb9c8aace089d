"""Debian's packages in a folder of their own: nothing is installed, and no
package source is added to the machine.

Thread: one at a time.
Errors: CannotRun, with what to do.
"""

import pathlib
import re
import subprocess

from lab.proof import CannotRun

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def machine_mirrors():
    """The machine's own mirrors of Debian and of its security updates, as
    (address, suite)."""
    found = []
    for path in [pathlib.Path("/etc/apt/sources.list"),
                 *pathlib.Path("/etc/apt/sources.list.d").glob("*")]:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        for line in re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text,
                               re.M):
            found.append(line)
        for stanza in re.split(r"\n\s*\n", text):
            uris = re.search(r"^URIs:\s*(.+)$", stanza, re.M)
            suites = re.search(r"^Suites:\s*(.+)$", stanza, re.M)
            if uris and suites:
                found += [(uri, suite) for uri in uris[1].split()
                          for suite in suites[1].split()]
    return [(uri, suite) for uri, suite in found
            if suite.startswith(SUITE)]


def source_list():
    """That, and bookworm-backports, where Debian itself is had from."""
    mirrors = machine_mirrors()
    main = [uri for uri, suite in mirrors if suite == SUITE]
    if not main:
        raise CannotRun("this machine's apt knows no mirror of Debian 12: the"
                        " bench takes Xen, its tools and QEMU from there")
    wanted = mirrors + [(main[0], SUITE + "-backports")]
    return "".join("%s [signed-by=%s] %s %s main\n" % (kind, KEYRING, uri,
                                                       suite)
                   for uri, suite in dict.fromkeys(wanted)
                   for kind in ("deb", "deb-src"))


def installed():
    """The machine's own packages."""
    done = subprocess.run(["dpkg-query", "-W", "-f",
                           "${Package} ${db:Status-Status}\n"],
                          capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines()
            if line.endswith(" installed")}


def first_depends(text):
    """The packages in apt-cache's words: of alternatives, which but for the
    last have a bar, the first."""
    found, behind_bar = [], False
    for line in text.splitlines():
        match = re.match(r" ([ |])(?:Pre)?Depends: (\S+)$", line)
        if match:
            if not behind_bar and not match[2].startswith("<"):
                found.append(match[2])
            behind_bar = match[1] == "|"
    return found


class Packages:
    """'folder' is kept between runs."""

    def __init__(self, folder, tell):
        self.folder = pathlib.Path(folder)
        self.tell = tell
        self.root = self.folder / "root"        # What was unpacked.
        self.debs = self.folder / "debs"

    def _apt(self, *words, cwd=None):
        state = self.folder / "apt"
        for name in ("lists/partial", "cache/archives/partial", "etc"):
            (state / name).mkdir(parents=True, exist_ok=True)
        (state / "etc/sources.list").write_text(source_list())
        (state / "status").touch()
        done = subprocess.run(
            [words[0], "-q", "-o", "Dir::State=%s" % state,
             "-o", "Dir::Etc::preferencesparts=-",
             "-o", "Dir::State::lists=%s/lists" % state,
             "-o", "Dir::State::status=%s/status" % state,
             "-o", "Dir::Cache=%s/cache" % state,
             "-o", "Dir::Etc::sourcelist=%s/etc/sources.list" % state,
             "-o", "Dir::Etc::sourceparts=-",
             "-o", "APT::Sandbox::User=root", *words[1:]],
            cwd=cwd, text=True, stdin=subprocess.DEVNULL,
            capture_output=True)
        if done.returncode:
            raise CannotRun("%s %s failed: %s" % (
                words[0], words[1], (done.stderr or done.stdout)[-600:]))
        return done.stdout

    def fetch(self, names, release=SUITE):
        """Downloads and unpacks what is not there yet, and all that it needs
        and the machine has not."""
        self.debs.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        done = self.folder / ("unpacked-" + release)
        had = set(done.read_text().split()) if done.exists() else set()
        if set(names) <= had:
            return
        policy = "APT::Default-Release=" + release
        self.tell("looking packages up")
        self._apt("apt-get", "update")
        wanted = self.closure(names, policy)
        self.tell("downloading %d packages" % len(wanted - had))
        self._apt("apt-get", "-o", policy, "download",
                  *sorted(wanted - had), cwd=self.debs)
        for deb in sorted(self.debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", deb, self.root], check=True)
            deb.unlink()
        done.write_text("\n".join(sorted(had | wanted)) + "\n")

    def source(self, name, release=SUITE):
        """The file that a package is built from, without Debian's changes."""
        place = self.folder / "source"
        place.mkdir(parents=True, exist_ok=True)
        if not sorted(place.glob(name + "_*.orig.tar.*")):
            self.tell("downloading the source of " + name)
            self._apt("apt-get", "update")
            self._apt("apt-get", "-o", "APT::Default-Release=" + release,
                      "source", "--download-only", "--tar-only", name,
                      cwd=place)
        return sorted(place.glob(name + "_*.orig.tar.*"))[-1]

    def closure(self, names, policy):
        """They, and the libraries that they need and the machine has not:
        of alternatives the first one."""
        have = installed()
        found, fresh = set(), set(names)
        while fresh:
            found |= fresh
            text = self._apt("apt-cache", "-o", policy, "depends",
                             "--no-recommends", "--no-suggests",
                             "--no-conflicts", "--no-breaks",
                             "--no-replaces", "--no-enhances",
                             *sorted(fresh))
            fresh = {name for name in first_depends(text)
                     if name.startswith(("lib", "linux-image-"))
                     and name not in have} - found
        return found
