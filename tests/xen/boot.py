"""One boot of Xen inside QEMU, without hardware virtualisation.

Thread: one.
Errors: CannotRun.
"""

import dataclasses
import os
import pathlib
import selectors
import subprocess
import time

from lab import imagefiles
from lab.proof import CannotRun

DOM0_MIB = 1400


@dataclasses.dataclass
class Machine:
    """What is booted."""

    emulator: pathlib.Path
    dom0: str = "dom0.cpio"             # Its image, in the bench's folder.
    memory_mib: int = 4096
    kernel: pathlib.Path = None         # Booted instead of Xen.
    devices: tuple = ()                 # More of the emulator's options.


def command(machine, packages, folder, scenario):
    share = packages.root / "usr/share"
    if machine.kernel:
        what = ["-kernel", machine.kernel,
                "-append", "console=ttyS0 quiet panic=5 net.ifnames=0"
                " intel_iommu=on iommu=pt scen=%s" % scenario,
                "-initrd", folder / machine.dom0]
    else:
        what = with_xen(machine, folder, scenario)
    return [
        machine.emulator, "-L", share / "qemu", "-L", share / "seabios",
        "-accel", "tcg,thread=multi", "-machine", "q35,usb=off",
        "-cpu", "max,la57=off", "-smp", "2",
        "-m", str(machine.memory_mib),
        "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
        "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
        *what, *machine.devices,
    ]


def with_xen(machine, folder, scenario):
    # eager-fpu: where Xen restores a domain's vector registers when it first
    # uses them, those of another domain were seen in them here, and programs
    # ended of what had been copied.
    dom0 = "%s console=hvc0 quiet panic=5 net.ifnames=0 scen=%s" % (
        folder / "vmlinux", scenario)
    return [
        "-kernel", folder / "xen",
        "-append", "console=com1 com1=115200,8n1 dom0_mem=%dM,max:%dM"
        " dom0_max_vcpus=1 spec-ctrl=no,eager-fpu=yes ucode=no loglvl=warning"
        " guest_loglvl=warning" % (DOM0_MIB, DOM0_MIB),
        "-initrd", "%s,%s" % (dom0.replace(",", ",,"),
                              folder / machine.dom0),
    ]


def boot(machine, packages, folder, scenario, timeout_s, tell):
    """Runs a scenario.  Returns its rows, as lists of five words.  What the
    console says is in FOLDER/SCENARIO.log."""
    env = dict(os.environ,
               LD_LIBRARY_PATH=imagefiles.library_path(packages.root))
    begun = time.monotonic()
    path = folder / (scenario + ".log")
    rows, bad = [], None
    child = subprocess.Popen(
        [str(word) for word in command(machine, packages, folder,
                                       scenario)],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for line in logged(lines_of(child, begun + timeout_s), path):
            if line.startswith("ROW|"):
                rows.append(line.split("|")[1:])
                tell("%3d s  %s" % (time.monotonic() - begun,
                                    " | ".join(rows[-1])))
            elif line.startswith("dom0: "):
                tell("%3d s  %s" % (time.monotonic() - begun, line))
            elif line.startswith("END|"):
                bad = int(line.split("|")[1])
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    if bad is None or bad != sum(row[4] != "true" for row in rows):
        raise CannotRun("scenario %s did not come to its end in %d s; its"
                        " console, %s, ends: %s" % (
                            scenario, time.monotonic() - begun, path,
                            "\n".join(path.read_text().splitlines()[-15:])))
    return rows


def logged(lines, path):
    """The same lines, each written down as it comes."""
    with open(path, "w", encoding="utf-8", buffering=1) as log:
        for line in lines:
            log.write(line + "\n")
            yield line


def lines_of(child, deadline):
    """What it prints, until it ends or its time is over."""
    fd = child.stdout.fileno()
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(0.5):
                continue
            part = os.read(fd, 65536)
            if not part:
                return
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
