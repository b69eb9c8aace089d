"""What a run has on the machine, and removing it: by the run's journal, and by
its id in the names of what programs made in their turn.

Thread: the main thread.
Errors: none; what cannot be removed stays.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

LAB_DIR = pathlib.Path("/run/netdom-lab")
NETNS_DIR = pathlib.Path("/run/netns")


def start_ticks(pid):
    """When 'pid' was started, which tells it from a later one with the same
    number; None if there is no such process, or it is a zombie."""
    try:
        stat = pathlib.Path("/proc/%d/stat" % pid).read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def daemons_naming(text):
    """The pids of netdom's and Open vSwitch's programs, and of relays, whose
    command line or environment names 'text'."""
    needle = os.fsencode(str(text))
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            comm = (entry / "comm").read_text()
            if comm.startswith(("netdom-", "ovs", "socat")) and (
                    needle in (entry / "cmdline").read_bytes()
                    or needle in (entry / "environ").read_bytes()):
                found.append(int(entry.name))
    return found


def kill_all(pids, grace_s=3.0):
    """Ends the processes, gently first.  'pids': {pid: start ticks}."""
    def living():
        return [pid for pid, ticks in pids.items()
                if start_ticks(pid) == ticks]

    for signum, patience_s in ((signal.SIGTERM, grace_s),
                               (signal.SIGKILL, 3.0)):
        for pid in living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)
        deadline = time.monotonic() + patience_s
        while living() and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.02)
        if not living():
            return


def _quiet(argv):
    subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=20,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False)


def _read_journal(path):
    try:
        return [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return []


def cgroups_of(run_id):
    """The control groups of a run, the deepest first, in either version."""
    mark = "netdom-lab-%s-" % run_id
    return [pathlib.Path(top) for top, _, _
            in os.walk("/sys/fs/cgroup", topdown=False)
            if mark in top]


def _remove_cgroups(run_id):
    """Ends what is in the run's control groups, and removes them."""
    groups = cgroups_of(run_id)
    pids = set()
    for group in groups:
        with contextlib.suppress(OSError):
            pids.update((group / "cgroup.procs").read_text().split())
    kill_all({int(pid): start_ticks(int(pid)) for pid in pids}, grace_s=1.0)
    for group in groups:
        with contextlib.suppress(OSError):
            group.rmdir()


def _unmount_below(folder):
    """Unmounts what is mounted below 'folder', the deepest first: tenants'
    namespaces are kept that way."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts]
    for point in sorted(points, key=len, reverse=True):
        if point.startswith(str(folder) + "/"):
            _quiet(["umount", "--lazy", point])


def remove_run(folder):
    """Ends and removes what the run with this folder made, by its journal:
    processes by pid and start time, namespaces and links by name."""
    lines = _read_journal(folder / "journal")
    pids = {}
    for line in lines:
        if line[0] == "pid" and len(line) == 3 and line[2] != "None":
            pids[int(line[1])] = int(line[2])
    # What the programs started in their turn names the run's folder.
    for pid in daemons_naming(str(folder) + "/"):
        pids.setdefault(pid, start_ticks(pid))
    kill_all(pids)
    for line in lines:
        if line[0] == "netns" and (NETNS_DIR / line[1]).exists():
            done = subprocess.run(["ip", "netns", "pids", line[1]],
                                  capture_output=True, text=True, timeout=20)
            kill_all({int(pid): start_ticks(int(pid))
                      for pid in done.stdout.split()}, grace_s=1.0)
            _quiet(["ip", "netns", "del", line[1]])
        elif line[0] == "link":
            if pathlib.Path("/sys/class/net", line[1]).exists():
                _quiet(["ip", "link", "del", line[1]])
    _unmount_below(folder)
    _remove_cgroups(folder.name)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        LAB_DIR.rmdir()                 # Only when it is empty.


def owner_of(run_id):
    """The pid of the living process that owns a run, or None."""
    for line in _read_journal(LAB_DIR / run_id / "journal"):
        if line[0] == "owner" and start_ticks(int(line[1])) == int(line[2]):
            return int(line[1])
    return None


def clean_leftovers():
    """Removes runs whose owner is gone.  Returns their ids."""
    removed = []
    for folder in sorted(LAB_DIR.iterdir()) if LAB_DIR.is_dir() else []:
        if not owner_of(folder.name):
            # Without a journal it may be just being made.
            with contextlib.suppress(OSError):
                if ((folder / "journal").exists()
                        or folder.stat().st_mtime < time.time() - 60):
                    remove_run(folder)
                    removed.append(folder.name)
    return removed
