"""What the system tests share.  They need root, a build in build/ (or
NETDOM_BUILD), and make their own namespaces."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import lab                                                  # noqa: E402
from lab import remains                                     # noqa: E402
from lab.scene import TwoTenants                            # noqa: E402


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the system tests need root: use sudo", returncode=2)
    lab.clean_leftovers()


@pytest.fixture
def session():
    """An empty lab, taken down after the test, logs shown if it failed."""
    with lab.Session() as lab_session:
        yield lab_session
        for log in sorted((lab_session.dir / "log").glob("*.log")):
            tail = log.read_text(errors="replace").splitlines()[-12:]
            if tail:
                print("--- %s\n%s" % (log.name, "\n".join(tail)))


@pytest.fixture
def scene(session):
    """Two tenants at work, fresh for each test that breaks something."""
    two = TwoTenants(session)
    two.start()
    return two


def traces(run_id):
    """All that the lab run with this id has on the machine."""
    found = {str(path) for path in pathlib.Path("/run/netns").glob(
        "netdom-%s-*" % run_id)}
    found |= {link for link in os.listdir("/sys/class/net")
              if link.startswith("nd" + run_id)}
    found |= {"pid %d" % pid for pid
              in remains.daemons_naming("/run/netdom-lab/%s/" % run_id)}
    found |= {str(group) for group in remains.cgroups_of(run_id)}
    folder = pathlib.Path("/run/netdom-lab", run_id)
    return found | ({str(folder)} if folder.exists() else set())


def orphans():
    """The ids of runs that nobody else owns and that have left something."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    names += os.listdir("/sys/class/net")
    ids = set(re.findall(r"^(?:netdom-|nd)([0-9a-f]{4})", "\n".join(names),
                         re.MULTILINE))
    ids |= set(os.listdir(remains.LAB_DIR)
               if remains.LAB_DIR.is_dir() else [])
    return {run_id for run_id in ids
            if remains.owner_of(run_id) in (None, os.getpid())}


@pytest.fixture
def nothing_left():
    """Fails the test that leaves something on the machine.  Runs of other
    programs, at work at the same time, do not count."""
    before = orphans()
    yield
    lab.wait_for(lambda: orphans() <= before, 5, "the lab to be gone: %s"
                 % sorted(orphans() - before))


def run_tool(*argv, timeout_s=300, **kwargs):
    """Runs one of our scripts.  Returns a CompletedProcess with text."""
    return subprocess.run([str(word) for word in argv], cwd=ROOT, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=timeout_s, **kwargs)
